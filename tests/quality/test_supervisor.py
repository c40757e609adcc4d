"""scripts/supervisor.py: several processes as one. The children here are small and real."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from scripts.supervisor import Command, Ended, Stopped, Supervisor

ROOT = Path(__file__).resolve().parent.parent.parent
# Says that it is there, waits, and says goodbye at SIGTERM.
# It waits with `sigwait`: a handler beside `pause` misses the signal that comes between the two.
POLITE = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("ready", flush=True)
signal.sigwait({signal.SIGTERM})
print("bye", flush=True)
"""
DEAF = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()
"""


class Output(io.StringIO):
    """What the children said, and a way to wait for it."""

    def until(self, text: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.getvalue():
            assert time.monotonic() < deadline, f"{text!r} never came: {self.getvalue()!r}"
            time.sleep(0.01)


@pytest.fixture
def out() -> Output:
    return Output()


@pytest.fixture
def supervisor(out: Output) -> Iterator[Supervisor]:
    supervisor = Supervisor(os.environ, ROOT, out)
    yield supervisor
    supervisor.stop(patience=0)


def python(name: str, code: str, wave: int = 0) -> Command:
    return Command(name, [sys.executable, "-u", "-c", code], wave)


def test_lines_carry_the_name_of_their_process(supervisor: Supervisor, out: Output) -> None:
    supervisor.start(python("bot", "print('hello')"))
    supervisor.start(python("web", "import sys; print('trouble', file=sys.stderr)"))
    out.until("bot     │ hello\n")
    out.until("web     │ trouble\n")


def test_lines_for_programs_are_not_passed_on(supervisor: Supervisor, out: Output) -> None:
    talk = [sys.executable, "-u", "-c", "print('{\"url\": 1}'); print('hello')"]
    supervisor.start(Command("sandbox", talk, silent='{"url"'))
    out.until("sandbox │ hello\n")
    assert "url" not in out.getvalue()


def test_bytes_that_are_no_text_do_not_stop_the_output(supervisor: Supervisor, out: Output) -> None:
    supervisor.start(python("bot", "import os; os.write(1, b'\\xff\\n'); print('still here')"))
    out.until("still here")


def test_process_that_ends_is_reported_with_its_code(supervisor: Supervisor) -> None:
    supervisor.start(python("web", POLITE))
    supervisor.start(python("bot", "raise SystemExit(3)"))
    event = supervisor.wait(60)
    assert event == Ended("bot", 3)
    assert str(event) == "bot ended with exit code 3"


def test_killed_process_is_reported_with_its_signal(supervisor: Supervisor) -> None:
    supervisor.start(python("bot", "import os; os.kill(os.getpid(), 9)"))
    assert str(supervisor.wait(60)) == "bot was killed by SIGKILL"


def test_nothing_happens_while_all_run(supervisor: Supervisor, out: Output) -> None:
    supervisor.start(python("bot", POLITE))
    out.until("ready")
    assert supervisor.wait(0.05) is None


def test_stop_lets_every_process_say_goodbye(supervisor: Supervisor, out: Output) -> None:
    supervisor.start(python("bot", POLITE))
    supervisor.start(python("web", POLITE))
    out.until("bot     │ ready")
    out.until("web     │ ready")
    assert supervisor.stop() == []
    assert "bot     │ bye" in out.getvalue()
    assert "web     │ bye" in out.getvalue()


def test_later_wave_lives_until_the_earlier_has_ended(supervisor: Supervisor, out: Output) -> None:
    supervisor.start(python("sandbox", POLITE, wave=1))
    out.until("sandbox │ ready")
    supervisor.start(python("bot", POLITE))
    out.until("bot     │ ready")
    supervisor.stop()
    assert out.getvalue().index("bot     │ bye") < out.getvalue().index("sandbox │ bye")


def test_process_that_does_not_listen_is_killed(supervisor: Supervisor, out: Output) -> None:
    supervisor.start(python("bot", DEAF))
    out.until("ready")
    assert supervisor.stop(patience=0.2) == ["bot"]
    assert supervisor.running["bot"][1].returncode == -signal.SIGKILL


def test_second_ctrl_c_kills_at_once(supervisor: Supervisor, out: Output) -> None:
    supervisor.start(python("bot", DEAF))
    out.until("ready")
    supervisor.events.put(Stopped(signal.SIGINT))
    assert supervisor.stop(patience=60) == ["bot"]


def test_repeated_sigterm_is_patient(supervisor: Supervisor, out: Output) -> None:
    """Make passes SIGTERM on to a process that may have received it already."""
    supervisor.start(python("bot", POLITE))
    out.until("ready")
    supervisor.events.put(Stopped(signal.SIGTERM))
    assert supervisor.stop() == []
    assert "bye" in out.getvalue()


def test_children_of_a_killed_process_go_with_it(supervisor: Supervisor, out: Output) -> None:
    nested = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-u', '-c', {DEAF!r}])\n{DEAF}"
    supervisor.start(python("bot", nested))
    out.until("ready")
    children = psutil.Process(supervisor.running["bot"][1].pid).children()
    supervisor.stop(patience=0)
    _, alive = psutil.wait_procs(children, timeout=60)
    assert children
    assert alive == []


# The whole of it, as a process of its own that receives real signals.
SUPERVISING = f"""
import os, sys
from pathlib import Path
from scripts import run
from scripts.supervisor import Command, Supervisor
supervisor = Supervisor(os.environ, Path.cwd())
supervisor.listen()
for name in sys.argv[1:]:
    supervisor.start(Command(name, [sys.executable, "-u", "-c", {POLITE!r}]))
sys.exit(run.finish(supervisor, supervisor.wait()))
"""
Whole = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def whole() -> Iterator[Whole]:
    started: list[subprocess.Popen[str]] = []

    def start() -> "subprocess.Popen[str]":
        argv = [sys.executable, "-c", SUPERVISING, "web", "bot"]
        pipe = subprocess.PIPE
        process = subprocess.Popen(argv, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
        started.append(process)
        assert process.stdout
        assert {process.stdout.readline(), process.stdout.readline()} == {
            "web     │ ready\n",
            "bot     │ ready\n",
        }
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_stops_all_children_and_is_no_failure(whole: Whole, number: signal.Signals) -> None:
    process = whole()
    children = psutil.Process(process.pid).children()
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.count("bye") == 2
    assert not any(child.is_running() for child in children)


def test_death_of_one_child_stops_the_others_with_one_sentence(whole: Whole) -> None:
    process = whole()
    web, bot = sorted(psutil.Process(process.pid).children(), key=lambda child: child.create_time())
    bot.kill()
    said, complaint = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "web     │ bye" in said
    assert complaint.strip() == (
        "bot was killed by SIGKILL, so everything else is stopped; its last lines above say why."
    )
    assert not web.is_running()
