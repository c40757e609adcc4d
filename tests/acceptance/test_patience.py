"""A start before the database or Telegram is there: it comes up by itself, or ends with one sentence, as it is told."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest

from tests.acceptance.conftest import ON_POSTGRES
from tests.acceptance.processes import FIRST, Process, Stage, free_port, until
from tests.acceptance.test_start import said

pytestmark = pytest.mark.acceptance

needs_postgres = pytest.mark.skipif(not ON_POSTGRES, reason="asks PostgreSQL: set DATABASE_URL")
QUICK = {"WORKER_RETRY_BACKOFF_BASE_SEC": "0.1", "WORKER_RETRY_BACKOFF_MAX_SEC": "0.2"}


@contextmanager
def door(port: int, address: str) -> Iterator[None]:
    """Whoever connects to ``port`` of this machine is led on to the server of ``address``."""
    parts = urlsplit(address)
    listener = socket.create_server(("127.0.0.1", port))
    open_ones = [listener]

    def lead(here: socket.socket) -> None:
        there = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 5432))
        open_ones.extend([here, there])
        for one, other in ((here, there), (there, here)):
            threading.Thread(target=_carry, args=(one, other), daemon=True).start()

    def welcome() -> None:
        with suppress(OSError):  # it is closed
            while True:
                lead(listener.accept()[0])

    threading.Thread(target=welcome, daemon=True).start()
    try:
        yield
    finally:
        for one in open_ones:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


def behind(address: str, port: int) -> str:
    """The address of the same database through a door on ``port``."""
    parts = urlsplit(address)
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return parts._replace(netloc=f"{user}127.0.0.1:{port}").geturl()


def tried(process: Process, times: int) -> bool:
    """Whether a process that does not get through has said so ``times`` times, and goes on."""
    assert process.is_running, process.tail()
    return process.output.count("does not answer") >= times


@needs_postgres
@pytest.mark.parametrize("command", ["runbot", "runworker"])
def test_process_that_starts_before_its_database_comes_up_by_itself(stage: Stage, command: str) -> None:
    port = free_port()
    process = stage.manage(command, DATABASE_URL=behind(stage.database.url, port), **QUICK)
    until(lambda: tried(process, 3), what="three attempts")
    with door(port, stage.database.url):
        process.says("started")
        assert "the database answers" in process.output
        assert process.terminate() == 0
    assert "Traceback" not in process.output


def test_bot_that_starts_before_telegram_is_there_comes_up_by_itself(stage: Stage) -> None:
    port = free_port()
    bot = stage.manage("runbot", TELEGRAM_API_URL=f"http://127.0.0.1:{port}", **QUICK)
    until(lambda: tried(bot, 3), what="three attempts")
    with door(port, stage.sandbox.url):
        bot.says("started")
        assert "Hello" in stage.ask(FIRST, "Hello")
        assert bot.terminate() == 0
    assert "Traceback" not in bot.output


def test_bot_that_may_not_wait_longer_for_telegram_ends_with_one_sentence(stage: Stage) -> None:
    bot = stage.manage("runbot", TELEGRAM_API_URL="http://127.0.0.1:9", WORKER_STARTUP_RETRIES="3", **QUICK)
    assert bot.wait() == 1
    last = said(bot)[-1]
    assert last.startswith("CommandError: Telegram did not answer in 3 attempts and ")
    assert last.endswith("Check the network and TELEGRAM_API_URL (http://127.0.0.1:9), then start Sekretar again.")
    assert [line for line in said(bot) if "1 of 3" in line or "2 of 3" in line] != []
    assert "Traceback" not in bot.output


@pytest.mark.parametrize("command", ["runbot", "runworker"])
def test_process_that_may_not_wait_longer_for_its_database_ends_with_one_sentence(stage: Stage, command: str) -> None:
    process = stage.manage(
        command, DATABASE_URL="postgres://nobody@127.0.0.1:9/nothing", WORKER_STARTUP_TIMEOUT_SEC="0.5", **QUICK
    )
    assert process.wait() == 1
    last = said(process)[-1]
    assert last.startswith("CommandError: The database did not answer in ")
    assert last.endswith("Start it, or correct DATABASE_URL in .env; then start Sekretar again.")
    assert "Traceback" not in process.output


def test_stop_of_a_bot_that_waits_for_its_database_is_no_failure(stage: Stage) -> None:
    bot = stage.manage("runbot", DATABASE_URL="postgres://nobody@127.0.0.1:9/nothing")
    until(lambda: tried(bot, 1), what="an attempt")
    assert bot.terminate() == 0
    assert "Traceback" not in bot.output


@needs_postgres
def test_database_that_does_not_exist_is_told_at_once(stage: Stage) -> None:
    bot = stage.manage("runbot", DATABASE_URL=f"{stage.database.url}_not_there")
    assert bot.wait() == 1
    assert len(said(bot)) == 1
    assert said(bot)[0].startswith("CommandError: The database does not answer (")
    assert said(bot)[0].endswith("does not exist). Check DATABASE_URL.")


def test_bot_whose_line_to_telegram_stays_dead_ends_for_whoever_starts_it_anew(stage: Stage) -> None:
    port = free_port()
    with door(port, stage.sandbox.url):
        bot = stage.bot(TELEGRAM_API_URL=f"http://127.0.0.1:{port}", WORKER_POLLING_RETRIES="3", **QUICK)
        assert "Hello" in stage.ask(FIRST, "Hello")
    assert bot.wait() == 1
    assert said(bot)[-1].startswith("CommandError: Asking Telegram for updates failed 3 times in a row (")
    assert "Traceback" not in bot.output
