"""Many questions: as fast as they are answered, all at once, and one at a time. Both bots, in turns."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.answers import QUESTION, Tally, answered_at, is_write, tally
from benchmarks.figures import Figure, Judge, Target, median, middle
from benchmarks.lab import BOT_ID, FIRST, Bot, Lab

LOAD_SECONDS = 60.0
ANSWER_SECONDS = 10.0
# So long nothing is called: then a burst is over, its last edits too.
CALM_SECONDS = 1.0
# Between two questions of a sequence, so that the books of one are closed before the next begins.
PAUSE_SECONDS = 0.03
MODEL_SECONDS = 2.0
# So many that no dialog grows long: the word about that would be a second message.
SEQUENCE_CHATS = 20


@dataclass(frozen=True)
class Load:
    """One burst. CPU in seconds for all of it; `first` and `last`: when the first question was there and the last
    answer stood, in seconds since the epoch."""

    answers: int
    first: float
    ended: float
    last: float
    cpu: float
    sandbox_cpu: float
    peak_rss: float
    writes: int
    tally: Tally

    @property
    def seconds(self) -> float:
        """From the last question to the last answer: writing the questions is the sandbox's work."""
        return self.last - self.ended

    @property
    def per_second(self) -> float:
        return self.answers / self.seconds

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cpu / max(1, self.answers)

    @property
    def sandbox_share(self) -> float:
        """How busy the sandbox was, in percent of a core."""
        return 100 * self.sandbox_cpu / self.seconds


def burst(bot: Bot, chats: int, per_chat: int) -> Load:
    """Everybody asks; what became of it once nothing more happens."""
    cpu, sandbox_cpu = bot.process.cpu(), bot.sandbox.cpu()
    asked = bot.control.ask(FIRST, chats, per_chat)
    try:
        bot.control.wait_for("sendMessage", chats * per_chat, LOAD_SECONDS)
        bot.control.wait_for_calm(CALM_SECONDS)
    except TimeoutError:
        pass  # the tally says how many are missing
    cpu, sandbox_cpu = bot.process.cpu() - cpu, bot.sandbox.cpu() - sandbox_cpu
    calls = bot.control.calls()
    moments = answered_at(calls)
    if not moments:
        raise bot.process.failed("answered nothing")
    return Load(
        answers=len(moments),
        first=asked["began"],
        ended=asked["ended"],
        last=max(moments.values()),
        cpu=cpu,
        sandbox_cpu=sandbox_cpu,
        peak_rss=bot.process.peak_rss(),
        writes=sum(is_write(call) for call in calls),
        tally=tally(bot.control.chats(), BOT_ID, FIRST, chats, per_chat),
    )


def in_turns(lab: Lab, name: str, measure: Callable[[Bot], Load]) -> tuple[list[Load], list[Load]]:
    """The same on the bare bot and on the product, alternating: (of the product, of the bare bot)."""
    product, bare = [], []
    for turn in range(1, lab.size.repeats + 1):
        with lab.bare() as bot:
            bare.append(measure(bot))
        with lab.product() as bot:
            product.append(measure(bot))
        told = ", ".join(f"{load.seconds:.2f} s {load.cpu_ms:.2f} ms" for load in (bare[-1], product[-1]))
        lab.say(f"{name} {turn} of {lab.size.repeats}: bare, product: {told}")
    return product, bare


def throughput(lab: Lab) -> list[Figure]:
    """2,000 messages over 500 chats, a model that answers at once, no flood limits."""
    size = lab.size
    product, bare = in_turns(lab, "throughput", lambda bot: burst(bot, size.chats, size.per_chat))

    def figure(what: str, unit: str, of: Callable[[Load], float], target: Target | None = None) -> Figure:
        return Figure(what, unit, middle(product, of), middle(bare, of), target)

    return [
        figure("answers", "1/s", lambda run: run.per_second, Target(1.0, True, Judge.RATIO, aim=2.0)),
        figure("CPU for an answer", "ms", lambda run: run.cpu_ms, Target(1.0, judge=Judge.RATIO)),
        flaws(product, bare),
        figure("memory at most", "MB", lambda run: run.peak_rss, Target(140)),
        figure("writes for an answer", "", lambda run: run.writes / run.answers),
        figure("sandbox busy", "%", lambda run: run.sandbox_share),
    ]


def flaws(product: list[Load], bare: list[Load]) -> Figure:
    """Questions that were not answered once and rightly, over all runs."""
    counts = [float(sum(run.tally.flaws for run in runs)) for runs in (product, bare)]
    return Figure("unanswered, doubled or wrong", "", counts[0], counts[1], Target(0))


def crowd(lab: Lab) -> list[Figure]:
    """200 people at once, and a model that thinks for two seconds."""

    def measure(bot: Bot) -> Load:
        bot.control.answer_how(delay=MODEL_SECONDS, pace=0)
        return burst(bot, lab.size.crowd, 1)

    product, bare = in_turns(lab, "crowd", measure)
    waits = [middle(runs, lambda run: run.last - run.first) for runs in (product, bare)]
    cpu = [middle(runs, lambda run: run.cpu_ms) for runs in (product, bare)]
    return [
        Figure("all answered after", "s", waits[0], waits[1], Target(2.4)),
        flaws(product, bare),
        Figure("CPU for an answer", "ms", cpu[0], cpu[1]),
    ]


def ask_one(bot: Bot, n: int, chat: int) -> tuple[str, float]:
    """Ask the `n`th question since `forget` and return once it is answered: its mark, and when it was there."""
    began: float = bot.control.ask(chat, 1, text=QUESTION.format(chat=chat, n=n))["began"]
    bot.control.wait_for("sendMessage", n, ANSWER_SECONDS)
    time.sleep(PAUSE_SECONDS)
    return f"{chat}x{n}", began


def sequence(bot: Bot, questions: int, first: int) -> None:
    """One question after another, each once the one before is answered."""
    for n in range(1, questions + 1):
        ask_one(bot, n, first + n % SEQUENCE_CHATS)


def took(bot: Bot, asked: Mapping[str, float]) -> list[float]:
    """The milliseconds that each question took until its answer stood. FailedError when one has none."""
    moments = answered_at(bot.control.calls())
    if missing := asked.keys() - moments.keys():
        raise bot.process.failed(f"did not answer {len(missing)} of {len(asked)} questions rightly")
    return [1000 * (moments[mark] - began) for mark, began in asked.items()]


def latency(lab: Lab) -> list[Figure]:
    """One message at a time, from the update to the answer: a question to the one bot, a question to the other."""
    asked: tuple[dict[str, float], dict[str, float]] = {}, {}
    with lab.bare() as other, lab.product() as ours:
        cpu = [bot.process.cpu() for bot in (ours, other)]
        for n in range(1, lab.size.questions + 1):
            for bot, marks in ((other, asked[0]), (ours, asked[1])):
                mark, began = ask_one(bot, n, FIRST + n % SEQUENCE_CHATS)
                marks[mark] = began
        cpu = [1000 * (bot.process.cpu() - before) for bot, before in zip((ours, other), cpu, strict=True)]
        bare, product = took(other, asked[0]), took(ours, asked[1])
    lab.say(f"latency: bare, product: {median(bare):.1f} ms, {median(product):.1f} ms")
    return [
        Figure("middle answer after", "ms", median(product), median(bare), Target(4, judge=Judge.MORE)),
        Figure("nine in ten answers after", "ms", ninth(product), ninth(bare)),
        Figure("CPU for an answer", "ms", cpu[0] / lab.size.questions, cpu[1] / lab.size.questions),
    ]


def ninth(figures: list[float]) -> float:
    """What nine in ten figures do not exceed."""
    return sorted(figures)[int(0.9 * (len(figures) - 1))]
