"""Real processes around a scratch database: started, asked, killed, and ended by their ids whatever happens.

What the people see is asked from the sandbox over HTTP, what the bot believes from the database over a connection of
our own. Nothing here imports the bot. Every wait has an end; one that proves no speed is patient, for it costs nothing
while all is well, and a busy machine is no failure.
"""

import itertools
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg

T = TypeVar("T")
Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
BOT = 1000
OLGA, CHRIS = 100, 103
ADMINS = -1001000000001
FIRST = 1_000_001  # the people of a burst: this one and those after
CROWD = range(FIRST, FIRST + 60)  # all of them are let in already
LOOK_SECONDS = 0.03
PATIENCE = 60.0
LOG_LINES = 60
# Whether a bot holds the lock of its database on PostgreSQL (core/locks.py).
BOT_LOCK = zlib.crc32(b"sekretar:runbot")
LOCKED = (
    "SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
    " WHERE datname = current_database() AND locktype = 'advisory' AND granted AND objid::bigint = %s"
)

# Values that can be found again in any output.
SECRETS = {
    "BOT_TOKEN": f"{BOT}:AAEacceptance_token-0123456789abcdef",
    "SECRET_KEY": "acceptance-secret-key-that-no-output-may-hold-0123456789",
    "OPENAI_API_KEY": "sk-acceptance-openai-0123456789abcdef",
    "GEMINI_API_KEY": "acceptance-gemini-0123456789abcdef",
    "WEBHOOK_SECRET": "acceptance_webhook_0123456789",
    "ADMIN_PASSWORD": "acceptance-password-0123456789",
}


def until(look: Callable[[], T], seconds: float = PATIENCE, what: str = "") -> T:
    """What ``look()`` gives once it is true. AssertionError after ``seconds``."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"not within {seconds} s: {what or look}"
        time.sleep(LOOK_SECONDS)
    return found


class Process:
    """One process with its output in a file. It leads a session of its own, so no signal of ours goes astray."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as output:
            self.popen = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def is_running(self) -> bool:
        return self.popen.poll() is None

    def says(self, text: str, seconds: float = PATIENCE) -> None:
        """Wait for ``text`` in the output; AssertionError when the process ends before or takes too long."""

        def look() -> bool:
            ended = not self.is_running
            there = text in self.output
            assert there or not ended, f"{self.name} ended with {self.popen.returncode}:\n{self.tail()}"
            return there

        until(look, seconds, f"{text!r} from {self.name}")

    def wait(self, seconds: float = PATIENCE) -> int:
        """The exit code. AssertionError when it does not end in time."""
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end within {seconds} s:\n{self.tail()}") from None

    def terminate(self, seconds: float = PATIENCE) -> int:
        """SIGTERM; the exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def freeze(self) -> None:
        """SIGSTOP; return when none of its threads runs any more."""
        self.popen.send_signal(signal.SIGSTOP)
        _pid, status = os.waitpid(self.popen.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), self.tail()

    def thaw(self) -> None:
        self.popen.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.popen.kill()
        self.popen.wait(PATIENCE)

    def tail(self) -> str:
        lines = self.output.splitlines()[-LOG_LINES:]
        return "\n".join([f"--- {self.name} (process {self.popen.pid})", *lines])


class Database:
    """A scratch database. Statements hold ``%s`` for parameters; each call has its own connection."""

    def __init__(self, url: str) -> None:
        self.url = url

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        if self.url.startswith("postgres"):
            with psycopg.connect(self.url, autocommit=True) as server:
                found = server.execute(sql.encode(), values)
                return found.fetchall() if found.description else []
        file = sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=20, isolation_level=None)
        try:
            return file.execute(sql.replace("%s", "?"), values).fetchall()
        finally:
            file.close()

    def count(self, table: str, *states: str) -> int:
        """How many rows of ``table`` are in one of ``states``."""
        marks = ", ".join(["%s"] * len(states))
        return int(self.rows(f"SELECT count(*) FROM {table} WHERE state IN ({marks})", *states)[0][0])


class Sandbox:
    """The control API of a sandbox in another process."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=f"{url}/_sandbox", timeout=2 * PATIENCE)

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        answer = self._http.get(path, params=query)
        assert answer.is_success, answer.text
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:
        answer = self._http.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def delete(self, path: str) -> None:
        answer = self._http.delete(path)
        assert answer.is_success, answer.text

    def clear(self) -> None:
        """No faults any more, and models that answer at once unless they are told otherwise."""
        self.delete("/faults")
        self.delete("/llm/rules")
        self.post("/llm/rules", pace=0)

    def say(self, user_id: int, text: str, chat_id: int | None = None) -> Json:
        """A person writes, in private unless ``chat_id``; one of the crowd appears when they first do."""
        if user_id in CROWD and chat_id is None and not self._knows(user_id):
            self.post("/user", id=user_id, first_name=f"Person {user_id}")
        said: Json = self.post("/message", user_id=user_id, chat_id=chat_id or user_id, text=text)["message"]
        return said

    def _knows(self, user_id: int) -> bool:
        return bool(self._http.get("/state", params={"chat_id": user_id}).is_success)

    def messages(self, chat_id: int) -> list[Json]:
        """The bot's messages in a chat, oldest first."""
        chat = self.get("/state", chat_id=chat_id)["chats"][0]
        return [message for message in chat["messages"] if message.get("from", {}).get("id") == BOT]

    def heard(self, chat_id: int) -> list[str]:
        return [message.get("text", "") for message in self.messages(chat_id)]

    def pending(self) -> int:
        """Updates that nobody has confirmed."""
        return int(self.get("/state", chat_id=CHRIS)["pending_updates"])

    def calls(self, method: str, chat_id: int | None = None) -> list[Json]:
        query = {"method": method} | ({} if chat_id is None else {"chat_id": chat_id})
        found: list[Json] = self.get("/calls", **query)
        return found

    def done(self, method: str, at_least: int, seconds: float = PATIENCE) -> None:
        """Return when ``at_least`` calls of ``method`` have succeeded. AssertionError after ``seconds``."""
        found = self.get("/counts", method=method, at_least=at_least, timeout=seconds)
        assert found.get(method, 0) >= at_least, found

    def fault(self, method: str, kind: str, **more: Any) -> None:
        self.post("/faults", rules=[{"method": method, "kind": kind, **more}])

    def got(self, calls: int = 1, seconds: float = PATIENCE) -> None:
        """Return when the faults have taken so many calls, those that hang or are held among them."""
        until(lambda: sum(rule["applied"] for rule in self.get("/faults")) >= calls, seconds, "a call to be broken")

    def model(self, contains: str, **behaviour: Any) -> None:
        """What the models do with questions that hold ``contains``."""
        self.post("/llm/rules", contains=contains, **behaviour)

    def until_held(self, count: int = 1) -> None:
        """Return when so many answers stop halfway, as ``hold`` told the models."""

        def held() -> bool:
            outcomes = [call["outcome"] for call in self.get("/llm/calls", endpoint="chat")]
            return outcomes.count("held") >= count

        until(held, what=f"{count} answers that are held")

    def release(self) -> None:
        """Let the answers go on that are held."""
        self.post("/llm/release")

    def questions(self) -> list[str]:
        """The question of every call that a model got, oldest first."""
        return [question_of(call) for call in self.get("/llm/calls", endpoint="chat")]


def is_preview(message: Json) -> bool:
    """Whether the answer is still being written: there is a Stop button under it."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return any(str(key.get("callback_data", "")).startswith("stop:") for row in rows for key in row)


def question_of(call: Json) -> str:
    """The last thing that the person said in a call of the OpenAI form."""
    content = call["body"]["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


class Stage:
    """A sandbox, a database and whatever processes a story starts."""

    def __init__(self, folder: Path, database: Database, *, limits: bool = False) -> None:
        self.folder, self.database = folder, database
        self.processes: list[Process] = []
        options = [] if limits else ["--no-limits"]
        command = ["-m", "sandbox", "--port", "0", "--bot-token", SECRETS["BOT_TOKEN"], *options]
        server = self.start("sandbox", command, {})
        server.says('{"url"')
        self.sandbox = Sandbox(json.loads(server.output.splitlines()[0])["url"])
        self.sandbox.clear()
        self.rates = {} if limits else dict.fromkeys(RATES, "0")

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> Process:
        process = Process(f"{len(self.processes):02}-{name}", command, {**own_environment(), **env}, self.folder)
        self.processes.append(process)
        return process

    def environment(self, **changed: str) -> dict[str, str]:
        """What the bot and the web side are told; an empty value is an absent one."""
        url = self.sandbox.url
        return {
            **SECRETS,
            **self.rates,
            "SEKRETAR_IGNORE_DOTENV": "1",
            "DATABASE_URL": self.database.url,
            "TELEGRAM_API_URL": url,
            "ADMIN_CHAT_ID": str(ADMINS),
            "OPENAI_BASE_URL": f"{url}/llm/openai/v1",
            "GEMINI_BASE_URL": f"{url}/llm/gemini",
            "DEFAULT_MODEL": "openai:gpt-4.1-mini",
            "FILES_DIR": str(self.folder / "files"),
            "LANGUAGE_CODE": "en",
            "LOG_FORMAT": "console",
            **changed,
        }

    def manage(self, *words: str, **changed: str) -> Process:
        """`manage.py words`, not waited for."""
        return self.start(words[0], ["manage.py", *words], self.environment(**changed))

    def bot(self, **changed: str) -> Process:
        """A bot that has greeted Telegram. There must be no other any more."""
        if self.database.url.startswith("postgres"):
            # The server lets go of a dead bot's lock when it notices, and that is not when the process is gone.
            until(lambda: not self.database.rows(LOCKED, BOT_LOCK), what="the end of the last bot's session")
        process = self.manage("runbot", **changed)
        process.says("started")
        return process

    def web(self, **changed: str) -> tuple[Process, str]:
        """The web side and its address."""
        command = ["-m", "uvicorn", "config.asgi:application", "--port", "0", "--no-access-log"]
        process = self.start("web", command, self.environment(**changed))
        process.says("Press CTRL+C")  # the last words of the line with the address
        found = re.search(r"http://127\.0\.0\.1:\d+", process.output)
        assert found is not None
        return process, found[0]

    def open_rows(self) -> int:
        """Updates and deliveries on which there is still something to do."""
        updates = self.database.count("telegram_bot_update", "new", "running")
        return updates + self.database.count("delivery_delivery", "queued", "sending")

    def quiet(self, seconds: float = 2 * PATIENCE) -> None:
        """Return when every update is confirmed and done, and everything is said."""
        until(lambda: not self.sandbox.pending() and not self.open_rows(), seconds, "no open rows")

    def ask(self, user_id: int, text: str, seconds: float = PATIENCE) -> str:
        """Say it, and give the bot's next message once it is no preview any more."""
        asked = self.sandbox.say(user_id, text)["message_id"]

        def answers() -> list[Json]:
            return [message for message in self.sandbox.messages(user_id) if message["message_id"] > asked]

        until(lambda: answers() and not is_preview(answers()[0]), seconds, f"an answer to {text!r}")
        return str(answers()[0]["text"])

    def close(self) -> None:
        """End every process, the newest first; AssertionError when one of them said a secret."""
        self.sandbox.close()
        for process in reversed(self.processes):
            if process.is_running:
                process.kill()
        assert told_secrets(self.processes) == []


RATES = ("TELEGRAM_RATE_BOT", "TELEGRAM_RATE_CHAT", "TELEGRAM_RATE_GROUP")


def own_environment() -> dict[str, str]:
    """Nothing of this machine's but where its programs are."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "LANG": "C.UTF-8"}


def playground(folder: Path) -> dict[str, str]:
    """What `python -m scripts.run` is told to play in ``folder``, on free ports, without our settings."""
    return own_environment() | {
        "SEKRETAR_IGNORE_DOTENV": "1",
        "SECRET_KEY": "s" * 50,
        "DATABASE_URL": f"sqlite:///{folder}/play.sqlite3",
        "FILES_DIR": f"{folder}/files",
        "WEB_PORT": str(free_port()),
        "SANDBOX_PORT": str(free_port()),
    }


_ports = itertools.count(os.getpid() * 101)


def free_port() -> int:
    """A port that stays free until somebody listens there.

    Not one that the system chooses: such a one may be taken for any connection as soon as it is let go.
    """
    while True:
        port = 10_000 + next(_ports) % 20_000
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def told_secrets(processes: Sequence[Process]) -> list[tuple[str, str]]:
    """(process, name of the secret) for every secret that stands in an output."""
    return [(process.name, name) for process in processes for name, value in SECRETS.items() if value in process.output]
