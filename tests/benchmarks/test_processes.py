"""Processes under measurement, and scratch databases."""

import signal
import time
from pathlib import Path

import pytest

from benchmarks.databases import SqliteDatabases
from benchmarks.processes import FailedError, deadline, run, running


def test_a_deadline_ends_what_takes_too_long() -> None:
    with pytest.raises(TimeoutError, match="within 0 s"), deadline(0.05):
        time.sleep(10)


def test_a_deadline_that_was_met_is_forgotten() -> None:
    with deadline(10):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_program_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(FailedError, match=r"ended with 1\nno such row"):
        run(["-c", "raise SystemExit('no such row')"], {}, tmp_path / "log")


def test_cpu_time_of_a_process_is_what_it_worked(tmp_path: Path) -> None:
    work = "import time\nwhile time.process_time() < 0.2: pass\ntime.sleep(600)"
    with running(["-c", work], {}, tmp_path / "log") as process:
        end = time.monotonic() + 60
        while process.cpu() < 0.2 and time.monotonic() < end:
            time.sleep(0.05)
        assert 0.2 <= process.cpu() < 0.6


def test_a_process_is_ended_with_its_block(tmp_path: Path) -> None:
    with running(["-c", "import time; time.sleep(60)"], {}, tmp_path / "log") as process:
        assert process.popen.poll() is None
    assert process.popen.returncode == -15


def test_the_cpu_time_of_a_process_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with running(["-c", "print('bye')"], {}, tmp_path / "log") as process:
        process.popen.wait(60)
        with pytest.raises(FailedError, match="ended by itself\nbye"):
            process.cpu()


def test_a_copy_of_the_database_leaves_the_template_alone(tmp_path: Path) -> None:
    databases = SqliteDatabases(tmp_path)
    (tmp_path / "template.sqlite3").write_text("rows")
    copy = Path(databases.fresh().removeprefix("sqlite:///"))
    copy.write_text("other rows")
    assert (tmp_path / "template.sqlite3").read_text() == "rows"


def test_every_copy_of_the_database_is_a_new_one(tmp_path: Path) -> None:
    databases = SqliteDatabases(tmp_path)
    (tmp_path / "template.sqlite3").write_text("rows")
    assert databases.fresh() != databases.fresh()
