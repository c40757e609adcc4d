"""What the database has to do with it: statements for a message, and what a long dialog costs."""

import json
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, Judge, Target, median, middle_mean
from benchmarks.lab import FIRST, Bot, Lab
from benchmarks.load import ask_one, burst, sequence, took
from benchmarks.processes import Process

MOST_STATEMENTS = 12
SNAPSHOT_SECONDS = 5.0
# Longer than anything that is asked again and again without a message.
REST_SECONDS = 11.0
BURST_CHATS = 100
# Turns of the dialogs that are compared, and how many dialogs of each kind.
LONG, SHORT, DIALOGS = 1000, 10, 10


@dataclass(frozen=True)
class Counted:
    """What was counted until a moment (monotonic, seconds): statements, what only begins and ends transactions, and
    the most frequent texts."""

    seconds: float
    statements: int
    transactions: int
    by_text: dict[str, int]

    @property
    def per_second(self) -> float:
        return self.statements / self.seconds

    def since(self, earlier: "Counted") -> "Counted":
        """What came between two counts."""
        texts = {text: count - earlier.by_text.get(text, 0) for text, count in self.by_text.items()}
        statements, transactions = self.statements - earlier.statements, self.transactions - earlier.transactions
        return Counted(self.seconds - earlier.seconds, statements, transactions, texts)


class Eye:
    """Asks a product that was started by benchmarks/product.py what it counted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entry = ("-m", "benchmarks.product", "--count", str(path))
        self._snapshot = 0

    def read(self, process: Process) -> Counted:
        """The counts so far. FailedError when the process does not say."""
        process.signal(signal.SIGUSR1)
        self._snapshot += 1
        end = time.monotonic() + SNAPSHOT_SECONDS
        while time.monotonic() < end:
            found = json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else {}
            if found.get("snapshot") == self._snapshot:
                return Counted(time.monotonic(), found["statements"], found["transactions"], found["by_text"])
            time.sleep(0.02)
        raise process.failed("does not say what it counted")


def queries(lab: Lab) -> list[Figure]:
    """Statements for a message, in a burst and one at a time, without what is asked at rest as well."""
    eye, spans = Eye(lab.folder / "counts.json"), []
    with lab.product(entry=eye.entry) as bot:
        started = eye.read(bot.process)
        time.sleep(REST_SECONDS)
        rest = eye.read(bot.process).since(started)
        before = eye.read(bot.process)
        messages = burst(bot, BURST_CHATS, lab.size.per_chat).answers
        spans.append(("in a burst", messages, eye.read(bot.process).since(before)))
        bot.control.forget()
        before = eye.read(bot.process)
        sequence(bot, lab.size.questions, FIRST + BURST_CHATS)
        spans.append(("one at a time", lab.size.questions, eye.read(bot.process).since(before)))
    figures = [Figure("statements in a second of rest", "", rest.per_second)]
    for when, messages, counted in spans:
        figures += per_message(when, counted, messages, rest)
        lab.note(listing(f"Statements for a message, {when}", counted, messages))
    return figures


def per_message(when: str, counted: Counted, messages: int, rest: Counted) -> list[Figure]:
    """Two lines of the table; statements that come at ``rest`` too are not the messages'."""
    anyway = sum(count for text, count in counted.by_text.items() if rest.by_text.get(text))
    statements = (counted.statements - anyway) / messages
    return [
        Figure(f"statements for a message, {when}", "", statements, target=Target(MOST_STATEMENTS)),
        Figure(f"transactions begun, {when}", "", counted.transactions / messages),
    ]


def listing(title: str, counted: Counted, messages: int) -> str:
    """The statements by how often they come for a message."""
    often = sorted(counted.by_text.items(), key=lambda item: -item[1])
    lines = [f"  {count / messages:6.2f}  {text}" for text, count in often if count > messages / 100]
    return "\n".join([title, *lines])


def dialogs(lab: Lab) -> list[Figure]:
    """A question in a dialog of 1,000 turns beside one in a dialog of 10, in turns in the same process."""
    database = lab.databases.fresh()
    env = lab.env("http://127.0.0.1:9", database)
    lab.rows("dialogs", FIRST, DIALOGS, LONG, env=env)
    lab.rows("dialogs", FIRST + DIALOGS, DIALOGS, SHORT, env=env)
    with lab.product(database=database) as bot:
        long, short = alternating(bot, lab.size.dialog_questions)
    lab.say(f"dialogs: {LONG} and {SHORT} turns: {median(long.ms):.1f} and {median(short.ms):.1f} ms")
    limit = Target(1.1, judge=Judge.RATIO)
    return [
        Figure(f"answer, {LONG:,} turns beside {SHORT}", "ms", median(long.ms), median(short.ms), limit),
        Figure(f"CPU, {LONG:,} turns beside {SHORT}", "ms", middle_mean(long.cpu), middle_mean(short.cpu), limit),
    ]


@dataclass(frozen=True)
class Costs:
    """Milliseconds of each question, on the clock and of CPU."""

    ms: list[float]
    cpu: list[float]


def alternating(bot: Bot, questions: int) -> tuple[Costs, Costs]:
    """`questions` to long dialogs and as many to short ones, one of each in turns."""
    asked: tuple[dict[str, float], dict[str, float]] = {}, {}
    cpu: tuple[list[float], list[float]] = [], []
    for n in range(1, 2 * questions + 1):
        kind = (n - 1) % 2
        before = bot.process.cpu()
        mark, began = ask_one(bot, n, FIRST + kind * DIALOGS + n // 2 % DIALOGS)
        cpu[kind].append(1000 * (bot.process.cpu() - before))
        asked[kind][mark] = began
    return Costs(took(bot, asked[0]), cpu[0]), Costs(took(bot, asked[1]), cpu[1])
