"""Starts everything and keeps it running: `python -m scripts.run [web] [bot] [sandbox]` (no name: all).

`python -m scripts.run password` sets the operator's password instead, in the database that would be used.

Without BOT_TOKEN the bot talks to the sandbox: a Telegram and model servers of play on this machine, with a
database and files of their own.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts import dotenv
from scripts.supervisor import Command, Ended, Happening, Supervisor

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
READY_SEC = 60.0
SANDBOX_TOKEN = "1000:sandbox-token"  # noqa: S105  (the sandbox's own, known to everybody)
SANDBOX_ADMIN_CHAT = "-1001000000001"
SANDBOX_ADMIN = "100"
# Provider -> path of its server in the sandbox.
PLAY_PROVIDERS = {
    "GEMINI": "/llm/gemini",
    "MISTRAL": "/llm/mistral",
    "DEEPSEEK": "/llm/deepseek",
    "OPENAI": "/llm/openai/v1",
}


class RefusedError(Exception):
    """Nothing was started; the message is the sentence for the person at the terminal."""


@dataclass(frozen=True)
class Plan:
    """The environment of what is started, and the ports."""

    env: dict[str, str]
    web_port: int
    sandbox_port: int
    play: bool


def make_plan(values: Mapping[str, str], environ: Mapping[str, str], root: Path) -> Plan:
    """``values``: the person's settings (environment over `.env`); ``environ``: what children inherit."""
    web, sandbox = port(values, "WEB_PORT", 8000), port(values, "SANDBOX_PORT", 8081)
    if web == sandbox:
        raise RefusedError(f"WEB_PORT and SANDBOX_PORT are both {web}: give one of them another number.")
    play = not dotenv.configured(values, "BOT_TOKEN")
    # Warnings of packages to their developers are no news for the person at this terminal.
    env = {"PYTHONWARNINGS": "ignore", **environ, "PYTHONUNBUFFERED": "1"}
    if not dotenv.configured(values, "LOG_FORMAT"):
        env["LOG_FORMAT"] = "console"
    if play:
        env |= play_environment(values, sandbox, root)
    return Plan(env, web, sandbox, play)


def play_environment(values: Mapping[str, str], sandbox_port: int, root: Path) -> dict[str, str]:
    """Settings that point the bot to the sandbox; a provider or database that the person configured stays."""
    url = f"http://{HOST}:{sandbox_port}"
    env = {"BOT_TOKEN": SANDBOX_TOKEN, "TELEGRAM_API_URL": url, "ADMIN_CHAT_ID": SANDBOX_ADMIN_CHAT, "WEBHOOK_URL": ""}
    for name, path in PLAY_PROVIDERS.items():
        key, address = f"{name}_API_KEY", f"{name}_BASE_URL"
        if not dotenv.configured(values, key) and not dotenv.configured(values, address):
            env |= {key: "sandbox", address: url + path}
    if not dotenv.configured(values, "AVITO_BASE_URL"):
        env["AVITO_BASE_URL"] = f"{url}/avito"
    if not dotenv.configured(values, "DATABASE_URL"):
        env["DATABASE_URL"] = f"sqlite:///{root / 'data' / 'sandbox.sqlite3'}"
    if not dotenv.configured(values, "FILES_DIR"):
        env["FILES_DIR"] = str(root / "data" / "sandbox-files")
    return env


def port(values: Mapping[str, str], name: str, default: int) -> int:
    """The port number that the setting ``name`` holds."""
    text = values.get(name, "").strip() or str(default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise RefusedError(f"{name} is {text!r}, but must be a port number from 1 to 65535.")
    return int(text)


def answers(number: int) -> bool:
    """Whether something accepts connections on this port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, number)) == 0


def is_busy(number: int) -> bool:
    """Whether a server could not listen on this port."""
    with socket.socket() as probe:
        # As servers do: a port that only waits for its last connections to fade is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, number))
        except OSError:
            return True
    return answers(number)


def refuse_busy_ports(plan: Plan, names: list[str]) -> None:
    ports = {"web": ("WEB_PORT", plan.web_port), "sandbox": ("SANDBOX_PORT", plan.sandbox_port)}
    for variable, number in (ports[name] for name in names if name in ports):
        if is_busy(number):
            raise RefusedError(
                f"Port {number} is taken by another program: stop that program, or choose another port,"
                f" for example: make run {variable}={number + 10}"
            )


def commands(plan: Plan) -> dict[str, Command]:
    """Everything that can be started, by name."""
    web = [
        sys.executable,
        "-m",
        "uvicorn",
        "config.asgi:application",
        "--host",
        HOST,
        "--port",
        str(plan.web_port),
    ]
    quietly = ["--log-level", "warning", "--timeout-graceful-shutdown", "10"]
    return {
        # It tells its address as JSON; the summary tells it in words.
        "sandbox": Command(
            "sandbox", [sys.executable, "-m", "sandbox", "--port", str(plan.sandbox_port)], wave=1, silent='{"url"'
        ),
        "web": Command("web", [*web, *quietly]),
        "bot": Command("bot", [sys.executable, "manage.py", "runbot"]),
    }


def call(plan: Plan, *args: str) -> "subprocess.CompletedProcess[bytes]":
    """Run Python with ``args`` to its end; what it says on standard error goes to the terminal."""
    argv = [sys.executable, *args]
    return subprocess.run(argv, cwd=ROOT, env=plan.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)


def prepare(plan: Plan) -> dict[str, str]:
    """Check the settings, bring the database up to date, make the operator; returns the report of that."""
    print("Checking the settings and the database…", flush=True)
    done = call(plan, "-m", "scripts.prepare", *([SANDBOX_ADMIN] if plan.play else []))
    if done.returncode:
        raise RefusedError("Nothing was started: mend what is said above and start again.")
    report: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return report


def fill_catalogue(plan: Plan) -> None:
    """Ask the providers for their models once, so that there is something to choose from."""
    print("Asking the providers for their models…", flush=True)
    if call(plan, "manage.py", "sync_models", "--skip-checks").returncode:
        print("The list of models could not be filled now; the bot tries again every night.")


def has_called(plan: Plan) -> bool:
    """Whether the bot has introduced itself to the sandbox; right after that it asks for updates."""
    url = f"http://{HOST}:{plan.sandbox_port}/_sandbox/calls?method=getMe"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(json.load(answer))
    except OSError:
        return False  # a busy machine: it is asked again


def await_true(supervisor: Supervisor, is_ready: Callable[[], bool]) -> Happening:
    """Wait until ``is_ready()`` or time is over; returns what else ended the wait."""
    deadline = time.monotonic() + READY_SEC
    while not is_ready() and time.monotonic() < deadline:
        if event := supervisor.wait(0.1):
            return event
    return None


def start(supervisor: Supervisor, plan: Plan, names: list[str], report: Mapping[str, str]) -> Happening:
    """Start ``names`` in an order in which each finds what it needs; returns what went wrong on the way."""
    table = commands(plan)
    if "sandbox" in names:
        supervisor.start(table["sandbox"])
        if event := await_true(supervisor, lambda: answers(plan.sandbox_port)):
            return event
    if "bot" in names and report["catalogue"] == "empty":
        fill_catalogue(plan)
    for name in ("web", "bot"):
        if name in names:
            supervisor.start(table[name])
    ready = {
        "web": lambda: answers(plan.web_port),
        "bot": lambda: "sandbox" not in names or has_called(plan),
    }
    for name in ("web", "bot"):
        if name in names and (event := await_true(supervisor, ready[name])):
            return event
    print(summary(plan, names, report), flush=True)
    return None


def summary(plan: Plan, names: list[str], report: Mapping[str, str]) -> str:
    """Where to go now."""
    lines = ["", "Sekretar is running. Ctrl-C stops it.", ""]
    if "sandbox" in names:
        lines.append(f"  Chat    http://{HOST}:{plan.sandbox_port}/   a Telegram of play: people, groups and the bot")
    if "web" in names:
        lines.append(f"  Admin   http://{HOST}:{plan.web_port}/admin/")
        lines += [f"          {line}" for line in report["operator"].splitlines()]
        if not report["operator"].startswith("Created"):
            lines.append("          Forgotten it? make password sets a new one.")
    if plan.play:
        lines += ["", "For the real Telegram write BOT_TOKEN (from @BotFather) into .env and start again."]
    return "\n".join([*lines, ""])


def chosen(environ: Mapping[str, str], root: Path) -> dict[str, str]:
    """What the person set: `.env`, which is made when it is absent, under the environment."""
    if environ.get("SEKRETAR_IGNORE_DOTENV") == "1":
        return dict(environ)
    dotenv.ensure(root / ".env", root / ".env.example", environ)
    return {**dotenv.read(root / ".env"), **environ}


def set_password(plan: Plan) -> int:
    """Ask the person at the terminal for the operator's new password; the exit code."""
    prepare(plan)
    argv = [sys.executable, "manage.py", "changepassword", "admin"]
    return subprocess.run(argv, cwd=ROOT, env=plan.env, check=False).returncode


def run(names: list[str]) -> int:
    plan = make_plan(chosen(os.environ, ROOT), os.environ, ROOT)
    if names == ["password"]:
        return set_password(plan)
    names = names or (["sandbox", "web", "bot"] if plan.play else ["web", "bot"])
    refuse_busy_ports(plan, names)
    report = prepare(plan)
    if not sys.stdout.isatty():
        plan.env["NO_COLOR"] = "1"
    supervisor = Supervisor(plan.env, ROOT)
    supervisor.listen()
    event = start(supervisor, plan, names, report) or supervisor.wait()
    return finish(supervisor, event)


def finish(supervisor: Supervisor, event: Happening) -> int:
    """Stop everything; 1 when it was a process that ended, 0 when a person asked."""
    if isinstance(event, Ended):
        print(f"\n{event}, so everything else is stopped; its last lines above say why.", file=sys.stderr)
    else:
        print("\nStopping…", flush=True)
    for name in supervisor.stop():
        print(f"{name} did not stop in time and was killed.", file=sys.stderr)
    return 1 if isinstance(event, Ended) else 0


if __name__ == "__main__":
    try:
        sys.exit(run(sys.argv[1:]))
    except RefusedError as refused:
        sys.exit(str(refused))
    except KeyboardInterrupt:
        sys.exit(130)
