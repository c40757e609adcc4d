"""Several processes as one: prefixed output, one stop for all, and the end of one is the end of all.

start ──▶ wait ──▶ stop      wait ends with a signal or with the first process that ended by itself
"""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

Process = subprocess.Popen[bytes]

PATIENCE_SEC = 25.0
LAST_LINES_SEC = 10.0
COLOURS = {"bot": 36, "web": 35, "sandbox": 33}
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Command:
    """What to start. A lower ``wave`` is stopped earlier: the bot says goodbye while its server lives.

    Lines that begin with ``silent`` are for programs and not passed on.
    """

    name: str
    argv: Sequence[str | Path]
    wave: int = 0
    silent: str = "\0"


@dataclass(frozen=True)
class Ended:
    """A process that ended by itself; ``code`` is negative when a signal killed it."""

    name: str
    code: int

    def __str__(self) -> str:
        if self.code >= 0:
            return f"{self.name} ended with exit code {self.code}"
        return f"{self.name} was killed by {signal.Signals(-self.code).name}"


@dataclass(frozen=True)
class Stopped:
    """Somebody asked to stop."""

    signal: int


Happening = Ended | Stopped | None


class Supervisor:
    """Owns the processes it starts. ``out`` receives their lines, each with its process's name in front."""

    def __init__(self, env: Mapping[str, str], cwd: Path, out: IO[str] | None = None) -> None:
        self.env = env
        self.cwd = cwd
        self.out = out or sys.stdout
        self.running: dict[str, tuple[Command, Process]] = {}
        self.events: queue.SimpleQueue[Ended | Stopped] = queue.SimpleQueue()
        self.pumps: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()

    def listen(self) -> None:
        """Take Ctrl-C, SIGTERM and a closed terminal as a wish to stop. Only in the main thread."""
        for number in STOPS:
            signal.signal(number, lambda number, _frame: self.events.put(Stopped(number)))

    def start(self, command: Command) -> None:
        # A session of its own: Ctrl-C reaches us alone, and we stop the others in order.
        process = subprocess.Popen(
            command.argv, env=dict(self.env), cwd=self.cwd, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.running[command.name] = (command, process)
        pump = threading.Thread(target=self._pump, args=(command, process.stdout), daemon=True)
        pump.start()
        self.pumps[command.name] = pump
        threading.Thread(target=self._watch, args=(command.name, process), daemon=True).start()

    def wait(self, timeout: float | None = None) -> Happening:
        """The first thing that happens; null after ``timeout`` seconds in which nothing did."""
        try:
            return self.events.get(timeout=timeout)
        except queue.Empty:
            return None

    def stop(self, patience: float = PATIENCE_SEC) -> list[str]:
        """SIGTERM wave by wave, SIGKILL after ``patience`` seconds each; returns who had to be killed."""
        killed = []
        for wave in sorted({command.wave for command, _ in self.running.values()}):
            here = [(c.name, process) for c, process in self.running.values() if c.wave == wave]
            for _, process in here:
                if process.poll() is None:
                    process.terminate()
            killed += self._await(here, patience)
            # Their last lines come before those of the next wave, and none is lost on a busy machine. Not for ever:
            # somebody they left behind may hold their output open.
            deadline = time.monotonic() + LAST_LINES_SEC
            for name, _ in here:
                self.pumps[name].join(max(0.0, deadline - time.monotonic()))
        return killed

    def _await(self, processes: list[tuple[str, Process]], patience: float) -> list[str]:
        deadline = time.monotonic() + patience
        alive = {name: process for name, process in processes if process.poll() is None}
        while alive:
            event = self.wait(max(0.0, deadline - time.monotonic()))
            if isinstance(event, Ended):
                alive.pop(event.name, None)
            # A second Ctrl-C is impatience; a second SIGTERM is make passing on the first.
            elif event is None or event.signal == signal.SIGINT:
                for process in alive.values():
                    _kill(process)
                return sorted(alive)
        return []

    def _pump(self, command: Command, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                text = line.decode("utf-8", "replace").rstrip()
                if not text.startswith(command.silent):
                    self.say(command.name, text)

    def _watch(self, name: str, process: Process) -> None:
        self.events.put(Ended(name, process.wait()))

    def say(self, name: str, line: str) -> None:
        prefix = f"{name:<7} │"
        if self.out.isatty() and not os.environ.get("NO_COLOR"):
            prefix = f"\x1b[{COLOURS.get(name, 32)}m{prefix}\x1b[0m"
        with self._lock:
            print(f"{prefix} {line}", file=self.out, flush=True)


def _kill(process: Process) -> None:
    """The whole session: a process that does not listen may have children as well."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait(timeout=60)
