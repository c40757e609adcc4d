"""The bench itself: scratch folder, prepared database, and both bots started against a sandbox of their own."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import databases
from benchmarks.control import Control
from benchmarks.processes import Process, run, running

TOKEN = "1000:sandbox-token"
BOT_ID = 1000
ADMINS = "-1001000000001"
MODEL = "gpt-4.1-mini"
# The people of the load, and behind them those with whom a bot is warmed up.
FIRST, PEOPLE = 1_000_001, 560
WARM, WARM_PEOPLE = FIRST + PEOPLE, 20
READY_SECONDS = 20.0


@dataclass(frozen=True)
class Size:
    """How much is measured: the whole (`full`), or enough to see where we stand (`quick`)."""

    repeats: int
    chats: int
    per_chat: int
    crowd: int
    questions: int
    streams: int
    starts: int
    idle_seconds: float
    dialog_questions: int


FULL = Size(3, 500, 4, 200, 120, 3, 5, 10.0, 60)
QUICK = Size(1, 250, 4, 200, 40, 1, 3, 5.0, 30)


@dataclass
class Bot:
    """A bot at work, warmed up, and the sandbox it works against."""

    process: Process
    sandbox: Process
    control: Control


class Lab:
    """Starts what is measured. Use as a context manager: the end removes everything."""

    def __init__(self, database: str, size: Size, say: Callable[[str], None]) -> None:
        self.size, self.say = size, say
        self._stack = ExitStack()
        self.notes: list[str] = []
        self._logs = 0
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="sekretar-bench-")))
        self.databases = databases.scratch(database, self.folder)
        self._stack.callback(self.databases.close)

    def __enter__(self) -> "Lab":
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def note(self, text: str) -> None:
        """Keep a text that is printed on demand."""
        self.notes.append(text)

    def log(self, name: str) -> Path:
        """A new file for a process's output."""
        self._logs += 1
        return self.folder / f"{self._logs}-{name}.log"

    def env(self, url: str, database: str, *, limited: bool = False) -> dict[str, str]:
        """The product's settings; without `limited` it keeps no flood limits of its own."""
        free = {} if limited else {f"TELEGRAM_RATE_{name}": "0" for name in ("BOT", "CHAT", "GROUP")}
        return free | {
            "SEKRETAR_IGNORE_DOTENV": "1",
            "PYTHONUNBUFFERED": "1",
            "SECRET_KEY": "only-benchmarks-use-this-secret-key-0123456789abcdefghij",
            "BOT_TOKEN": TOKEN,
            "ADMIN_CHAT_ID": ADMINS,
            "TELEGRAM_API_URL": url,
            "OPENAI_API_KEY": "sandbox",
            "OPENAI_BASE_URL": f"{url}/llm/openai/v1",
            "DEFAULT_MODEL": f"openai:{MODEL}",
            "DATABASE_URL": database,
            "FILES_DIR": str(self.folder / "files"),
            "ENABLE_SCHEDULER": "1",
            "LOG_LEVEL": "INFO",
            "LOG_FORMAT": "json",
        }

    def manage(self, *arguments: str, env: dict[str, str]) -> None:
        run(["manage.py", *arguments], env, self.log(arguments[0]))

    def rows(self, *arguments: str | int, env: dict[str, str]) -> None:
        """Write rows in bulk (benchmarks/rows.py)."""
        run(["-m", "benchmarks.rows", *map(str, arguments)], env, self.log("rows"))

    def prepare(self) -> None:
        """The template: migrated, with people and models, and started once, so that first-time work is done."""
        self.say("preparing a database")
        with self.sandbox() as (_process, control):
            env = self.env(control.url, self.databases.template)
            self.manage("migrate", "--verbosity", "0", env=env)
            self.rows("people", FIRST, PEOPLE + WARM_PEOPLE, env=env)
            self.manage("sync_models", env=env)
            with running(["manage.py", "runbot"], env, self.log("first-start")):
                control.wait_for("setMyCommands", 1, READY_SECONDS)
                control.wait_for_calm()

    @contextmanager
    def sandbox(self, *, limits: bool = False) -> Iterator[tuple[Process, Control]]:
        """A sandbox of its own; its models answer at once."""
        log = self.log("sandbox")
        options = ["--port", "0", *([] if limits else ["--no-limits"])]
        with running(["-m", "sandbox", *options], {}, log) as process:
            control = Control(url_of(process))
            try:
                control.answer_how(pace=0)
                yield process, control
            finally:
                control.close()

    @contextmanager
    def product(
        self, *, limited: bool = False, entry: tuple[str, ...] = ("manage.py", "runbot"), database: str = ""
    ) -> Iterator[Bot]:
        """The product on a fresh copy of the database (or on `database`), warmed up.

        `limited`: both sides keep Telegram's flood limits, as in life. `entry`: started by another script.
        """
        with self.sandbox(limits=limited) as (sandbox, control):
            env = self.env(control.url, database or self.databases.fresh(), limited=limited)
            with running(entry, env, self.log("product")) as process:
                yield warm(Bot(process, sandbox, control), slow=limited)

    @contextmanager
    def bare(self) -> Iterator[Bot]:
        """The bare bot, warmed up."""
        with self.sandbox() as (sandbox, control):
            env = {
                "BARE_TOKEN": TOKEN,
                "BARE_TELEGRAM_URL": control.url,
                "BARE_MODEL_URL": f"{control.url}/llm/openai/v1",
                "BARE_MODEL": MODEL,
            }
            with running(["-m", "benchmarks.bare_bot"], env, self.log("bare")) as process:
                yield warm(Bot(process, sandbox, control))


def url_of(sandbox: Process) -> str:
    """What the sandbox says in its first line once it listens."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and sandbox.popen.poll() is None:
        first, newline, _ = sandbox.log.read_text(encoding="utf-8").partition("\n")
        if newline:
            return str(json.loads(first)["url"])
        time.sleep(0.02)
    raise sandbox.failed("does not listen")


def warm(bot: Bot, *, slow: bool = False) -> Bot:
    """The bot after its first answers, at rest; what it called is forgotten."""
    warm_up(bot.process, bot.control, 3 if slow else WARM_PEOPLE)
    return bot


def warm_up(process: Process, control: Control, people: int = WARM_PEOPLE) -> None:
    control.ask(WARM, people)
    try:
        control.wait_for("sendMessage", people, READY_SECONDS)
        control.wait_for_calm()
    except TimeoutError as error:
        raise process.failed(f"does not answer: {error}") from None
    control.forget()
