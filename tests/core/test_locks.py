"""A lock between processes that dies with its holder."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from core.locks import ProcessLock

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parent.parent.parent
HOLD = """
import sys
import django
django.setup()
from core.locks import ProcessLock
lock = ProcessLock(sys.argv[1])
print(lock.acquire(), flush=True)
sys.stdin.readline()
lock.release()
print("released", flush=True)
sys.stdin.readline()
"""


def url() -> str:
    """The address of this test's database."""
    facts = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{facts['NAME']}"
    secret = f":{facts['PASSWORD']}" if facts["PASSWORD"] else ""
    return f"postgres://{facts['USER']}{secret}@{facts['HOST']}:{facts['PORT']}/{facts['NAME']}"


Other = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def other() -> Iterator[Other]:
    """``other(name)``: a process that tries to take the lock, says whether it did, and releases it on a line."""
    started: list[subprocess.Popen[str]] = []

    def start(name: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": url()}
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, name], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=60)


@pytest.fixture
def lock() -> Iterator[ProcessLock]:
    found = ProcessLock("test")
    yield found
    found.release()


def says(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def eventually(condition: Callable[[], Any], times: int = 6000) -> bool:
    """PostgreSQL notices the end of a session a moment after the process, and after whoever released the lock: the
    test before this one too.
    """
    for _time in range(times):
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_second_process_is_refused_until_the_first_releases(lock: ProcessLock, other: Other) -> None:
    holder = other("test")
    assert says(holder) == "True"
    assert not lock.acquire()
    assert not lock.still_held()

    tell(holder)
    assert says(holder) == "released"
    assert eventually(lock.acquire)
    assert lock.still_held()


def test_lock_of_a_killed_process_is_free(lock: ProcessLock, other: Other) -> None:
    holder = other("test")
    assert says(holder) == "True"
    holder.send_signal(signal.SIGKILL)
    holder.wait(60)

    assert eventually(lock.acquire)


def test_server_is_asked_again_while_the_lock_of_a_process_that_ends_lingers(lock: ProcessLock, other: Other) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("a file's lock ends with the process")
    holder = other("test")
    assert says(holder) == "True"
    assert not lock.acquire(patience=0.1)
    ends = threading.Timer(0.5, tell, (holder,))
    ends.start()

    assert lock.acquire(patience=60)
    ends.join()


def test_process_is_refused_while_we_hold_it(lock: ProcessLock, other: Other) -> None:
    assert eventually(lock.acquire)

    assert says(other("test")) == "False"
    assert lock.still_held()


def test_names_are_locks_of_their_own(lock: ProcessLock) -> None:
    another = ProcessLock("another")
    try:
        assert eventually(lock.acquire)
        assert another.acquire()
    finally:
        another.release()


def test_lock_can_be_taken_again_after_its_release(lock: ProcessLock) -> None:
    assert eventually(lock.acquire)
    lock.release()
    lock.release()

    assert not lock.still_held()
    assert eventually(lock.acquire)


def test_lost_session_is_a_lost_lock(lock: ProcessLock) -> None:
    assert eventually(lock.acquire)
    if connection.vendor != "postgresql":
        pytest.skip("only a session can be lost; a file's lock lasts as long as the process")
    assert lock._session is not None
    with lock._session.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])

    assert eventually(lambda: not lock.still_held())
