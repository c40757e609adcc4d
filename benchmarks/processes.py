"""Processes under measurement: started, watched, always ended."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psutil

from scripts import bootstrap

ROOT = Path(__file__).resolve().parent.parent
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
END_SECONDS = 25.0
MEGABYTE = 1024 * 1024


class FailedError(Exception):
    """A process did not do what it was started for; the text holds the end of its log."""


class Process:
    """A running program of ours; its output goes to a file."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self.log = log
        with log.open("ab") as output:
            self.started = time.time()
            self.popen = subprocess.Popen(
                [as_installed(), *arguments],
                env=inherited | dict(env),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.info = psutil.Process(self.popen.pid)

    def cpu(self) -> float:
        """CPU seconds of the process and its children so far."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return exact_cpu(self.info) + sum(cpu_of(child) for child in self.info.children(recursive=True))
        raise self.failed("ended by itself")

    def rss(self) -> float:
        """Megabytes in memory now."""
        return float(self.info.memory_info().rss) / MEGABYTE

    def peak_rss(self) -> float:
        """Megabytes in memory at most since the start; where only Linux tells, elsewhere now."""
        status = Path(f"/proc/{self.popen.pid}/status")
        if not status.exists():
            return self.rss()
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    def failed(self, what: str) -> FailedError:
        """An error with the last lines of the log."""
        tail = "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        return FailedError(f"{' '.join(map(str, self.popen.args[1:3]))} {what}\n{tail}")  # type: ignore[index]

    def signal(self, number: int) -> None:
        self.popen.send_signal(number)

    def end(self) -> None:
        """SIGTERM, and SIGKILL when that is not heard."""
        if self.popen.poll() is None:
            self.popen.terminate()
        try:
            self.popen.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


def as_installed() -> str:
    """The Python of `make run`, which `make bench` sets up; without that (in tests) this one."""
    return str(bootstrap.python(ROOT, "bench")) if bootstrap.is_installed(ROOT, "bench") else sys.executable


def measured_python() -> str:
    """Its name and version, as it says them."""
    told = subprocess.run([as_installed(), "--version"], capture_output=True, text=True, check=True)
    return told.stdout.strip()


def cpu_of(info: psutil.Process) -> float:
    """CPU seconds, user and system, in the kernel's ticks (10 ms)."""
    times = info.cpu_times()
    return float(times.user + times.system)


def exact_cpu(info: psutil.Process) -> float:
    """CPU seconds to the nanosecond where the kernel has a clock for each process (clock_getcpuclockid)."""
    if sys.platform != "linux":
        return cpu_of(info)
    try:
        return time.clock_gettime((~info.pid << 3) | 2)
    except OSError:
        raise psutil.NoSuchProcess(info.pid) from None


@contextmanager
def running(arguments: Sequence[str], env: Mapping[str, str], log: Path) -> Iterator[Process]:
    """The process, ended with the block."""
    process = Process(arguments, env, log)
    try:
        yield process
    finally:
        process.end()


def run(arguments: Sequence[str], env: Mapping[str, str], log: Path, seconds: float = 60.0) -> None:
    """Run a program to its end. FailedError when it ends badly or not in time."""
    with running(arguments, env, log) as process:
        try:
            code = process.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise process.failed(f"did not end within {seconds:.0f} s") from None
        if code:
            raise process.failed(f"ended with {code}")


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """TimeoutError in the block when it takes longer, whatever it waits for. On the main thread only."""

    def expired(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"did not end within {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
