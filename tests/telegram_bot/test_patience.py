"""What is waited for, how long, and what is told at once: with a clock and a sleep of the test's own."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError
from django.db import OperationalError
from pytest_django import Settings
from structlog.testing import capture_logs
from telegram.error import InvalidToken, NetworkError, RetryAfter

from telegram_bot import patience
from telegram_bot.management.commands.runbot import refuse_half_configured, when_database_answers
from telegram_bot.patience import Attempts, Backoff, GaveUp, Interrupted, until_database_answers
from telegram_bot.poll import TokenRevoked
from telegram_bot.worker import _patiently

REFUSED = 'connection failed: connection to server at "10.0.0.7", port 5432 failed: Connection refused\n\tIs the…'


class Time:
    """A clock that only a sleep moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


def steady(base: float = 1.0, longest: float = 30.0) -> Backoff:
    return Backoff(base, longest, jitter=lambda: 1.0)


def attempts(time: Time, **limits: Any) -> Attempts:
    return Attempts("the database", "Start it.", steady(), clock=time, **limits)


def away(*errors: Exception) -> Callable[[], str]:
    """A database that fails with each of ``errors`` in turn, and then is there."""
    left = list(errors)

    def look() -> str:
        if left:
            raise left.pop(0)
        return "here"

    return look


def from_driver(cause: Exception) -> OperationalError:
    """As Django gives on what a driver raises."""
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


def refused(words: str = REFUSED) -> OperationalError:
    return from_driver(psycopg.OperationalError(words))


def from_sqlite(code: int, words: str) -> OperationalError:
    cause = sqlite3.OperationalError(words)
    cause.sqlite_errorcode = code
    return from_driver(cause)


# --- pauses ---------------------------------------------------------------------------------------------------------


def test_pauses_double_up_to_the_longest_and_begin_anew_after_a_success() -> None:
    pauses = steady(base=1, longest=7)
    assert [pauses.next() for _time in range(5)] == [1, 2, 4, 7, 7]
    pauses.reset()
    assert pauses.next() == 1


def test_pauses_differ_by_a_fifth_and_never_exceed_the_longest() -> None:
    several = [Backoff(10.0, 30.0) for _process in range(50)]
    first = [pauses.next() for pauses in several]
    assert len(set(first)) > 1
    assert all(8 <= pause <= 12 for pause in first)
    assert all(pause <= 30 for pauses in several for pause in [pauses.next(), pauses.next(), pauses.next()])


def test_settings_say_how_long_the_pauses_are(settings: Settings) -> None:
    settings.WORKER_RETRY_BACKOFF_BASE_SEC, settings.WORKER_RETRY_BACKOFF_MAX_SEC = 2.5, 60.0
    pauses = patience.backoff(growth=1.5)
    assert (pauses.base, pauses.longest, pauses.growth) == (2.5, 60.0, 1.5)


# --- limits ---------------------------------------------------------------------------------------------------------


def test_without_limits_it_is_tried_for_ever(time: Time) -> None:
    mine = attempts(time)
    for _time in range(1000):
        time.sleep(mine.failed("away"))
    assert mine.failures == 1000
    assert time.slept[-1] == 30


def test_last_failure_that_is_allowed_ends_it_with_what_to_do(time: Time) -> None:
    mine = attempts(time, retries=3)
    time.sleep(mine.failed("away"))
    time.sleep(mine.failed("away"))
    with pytest.raises(GaveUp) as given_up:
        mine.failed("Connection refused")
    assert str(given_up.value) == "The database did not answer in 3 attempts and 3 s (Connection refused). Start it."


def test_single_attempt_is_told_as_one(time: Time) -> None:
    with pytest.raises(GaveUp, match=r"^The database did not answer in 1 attempt and 0 s"):
        attempts(time, retries=1).failed("away")


def test_last_attempt_is_made_when_the_time_is_over_and_not_before(time: Time) -> None:
    mine = attempts(time, timeout=10)
    for _time in range(4):
        time.sleep(mine.failed("away"))
    assert time.slept == [1, 2, 4, 3]
    with pytest.raises(GaveUp, match="5 attempts and 10 s"):
        mine.failed("away")


def test_time_that_the_attempts_themselves_take_counts(time: Time) -> None:
    mine = attempts(time, timeout=10)
    time.now += 11  # one that hung
    with pytest.raises(GaveUp, match="1 attempt and 11 s"):
        mine.failed("timeout expired")


def test_other_side_may_wish_for_a_longer_pause_but_not_beyond_the_time(time: Time) -> None:
    assert attempts(time).failed("too many", at_least=12) == 12
    assert attempts(time, timeout=5).failed("too many", at_least=12) == 5


def test_settings_say_how_long_a_start_waits(settings: Settings) -> None:
    settings.WORKER_STARTUP_TIMEOUT_SEC, settings.WORKER_STARTUP_RETRIES = 90.0, 7
    mine = patience.database_at_start()
    assert (mine.timeout, mine.retries) == (90.0, 7)


def test_start_waits_without_end_by_default() -> None:
    mine = patience.database_at_start()
    assert (mine.timeout, mine.retries) == (0, 0)


# --- what the log says ----------------------------------------------------------------------------------------------


def test_log_says_what_is_waited_for_which_attempt_and_until_when(time: Time) -> None:
    mine = attempts(time, retries=5, timeout=60)
    with capture_logs() as logs:
        time.sleep(mine.failed("Connection refused"))
        time.sleep(mine.failed("Connection refused"))
        mine.succeeded()
    assert logs[1] == {
        "event": "the database does not answer",
        "log_level": "warning",
        "error": "Connection refused",
        "attempt": "2 of 5",
        "waited": 1.0,
        "again_in": 2.0,
        "gives_up_after": 60,
    }
    assert logs[2] == {"event": "the database answers", "log_level": "info", "failed_attempts": 2, "waited": 3.0}


def test_log_counts_plainly_where_there_is_no_limit(time: Time) -> None:
    with capture_logs() as logs:
        attempts(time).failed("away")
    assert logs[0]["attempt"] == 1
    assert "gives_up_after" not in logs[0]


def test_what_answers_at_once_is_no_news(time: Time) -> None:
    with capture_logs() as logs:
        attempts(time).succeeded()
    assert logs == []


# --- the database ---------------------------------------------------------------------------------------------------

# Words of PostgreSQL 15 and 16, of libpq and psycopg 3, and of a server that speaks Russian.
PASSES = {
    "refused": refused(),
    "no-host-yet": refused("failed to resolve host 'postgres': [Errno -3] Temporary failure in name resolution"),
    "timeout": refused("connection timeout expired"),
    "starting": refused("connection failed: … port 5432 failed: FATAL:  the database system is starting up"),
    "full": refused("connection failed: … port 5432 failed: FATAL:  sorry, too many clients already"),
    "no-socket-yet": refused('connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory'),
    "dropped": refused("consuming input failed: server closed the connection unexpectedly"),
    "russian-starting": refused("… port 5432 failed: ВАЖНО:  система баз данных запускается"),
    "sqlite-busy": from_sqlite(sqlite3.SQLITE_BUSY, "database is locked"),
    "sqlite-busy-in-recovery": from_sqlite(sqlite3.SQLITE_BUSY_RECOVERY, "database is locked"),
    "sqlite-locked": from_sqlite(sqlite3.SQLITE_LOCKED, "database table is locked"),
}
HOPELESS = {
    "password": refused('… port 5432 failed: FATAL:  password authentication failed for user "sekretar"'),
    "no-password": refused("… port 5432 failed: fe_sendauth: no password supplied"),
    "no-database": refused('… port 5432 failed: FATAL:  database "sekretar" does not exist'),
    "no-role": refused('… port 5432 failed: FATAL:  role "sekretar" does not exist'),
    "not-let-in": refused('… FATAL:  no pg_hba.conf entry for host "10.0.0.8", user "sekretar", no encryption'),
    "not-allowed": refused('… FATAL:  permission denied for database "sekretar"'),
    "no-tls": refused("… port 5432 failed: server does not support SSL, but SSL was required"),
    "russian-password": refused('… ВАЖНО:  пользователь "sekretar" не прошёл проверку подлинности (по паролю)'),
    "russian-no-database": refused('… ВАЖНО:  база данных "sekretar" не существует'),
    "russian-no-role": refused('… ВАЖНО:  роль "sekretar" не существует'),
    "sqlite-no-folder": from_sqlite(sqlite3.SQLITE_CANTOPEN, "unable to open database file"),
    "sqlite-read-only": from_sqlite(sqlite3.SQLITE_READONLY, "attempt to write a readonly database"),
}


@pytest.mark.parametrize("name", PASSES)
def test_database_that_is_away_is_waited_for(time: Time, name: str) -> None:
    error = PASSES[name]
    assert until_database_answers(away(error, error), attempts(time), time.sleep) == "here"
    assert time.slept == [1, 2]


@pytest.mark.parametrize("name", HOPELESS)
def test_what_waiting_does_not_mend_is_told_at_once(time: Time, name: str) -> None:
    with pytest.raises(OperationalError):
        until_database_answers(away(HOPELESS[name]), attempts(time), time.sleep)
    assert time.slept == []


def test_hints_of_the_driver_stay_out_of_the_log(time: Time) -> None:
    with capture_logs() as logs:
        until_database_answers(away(refused()), attempts(time), time.sleep)
    assert logs[0]["error"].endswith("Connection refused")


def test_database_that_never_comes_is_given_up(time: Time) -> None:
    with pytest.raises(GaveUp, match=r"5 attempts and 15 s .*Connection refused\)\. Start it\."):
        until_database_answers(away(*[refused()] * 9), attempts(time, retries=5), time.sleep)
    assert time.slept == [1, 2, 4, 8]


def test_server_that_refuses_for_good_is_told_so_by_its_own_words() -> None:
    """What is recognized are words, so the real ones are asked for where a server answers."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        pytest.skip("asks PostgreSQL for its words: set DATABASE_URL")
    for address in (f"{url.rpartition('/')[0]}/no_such_database_here", url.replace("://postgres", "://nobody_here", 1)):
        with pytest.raises(psycopg.OperationalError) as told:
            psycopg.connect(address).close()
        assert patience.is_hopeless(from_driver(told.value)), str(told.value)


def test_server_that_is_not_there_is_waited_for_by_the_drivers_own_words() -> None:
    with pytest.raises(psycopg.OperationalError) as told:
        psycopg.connect("postgres://nobody@127.0.0.1:9/nothing", connect_timeout=5).close()
    assert not patience.is_hopeless(from_driver(told.value)), str(told.value)


def test_locked_file_is_waited_for_by_sqlites_own_words(tmp_path: Path) -> None:
    file = tmp_path / "locked.sqlite3"
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    other = sqlite3.connect(file, timeout=0)
    with pytest.raises(sqlite3.OperationalError) as told:
        other.execute("CREATE TABLE anything (id int)")
    writer.close()
    other.close()
    assert not patience.is_hopeless(from_driver(told.value))


@pytest.mark.django_db
def test_database_that_is_ready_is_begun_with_once(settings: Settings) -> None:
    settings.BOT_TOKEN, settings.TELEGRAM_API_URL = "1000:token-of-this-test", "http://127.0.0.1:9"
    begun: list[str] = []
    assert when_database_answers(lambda: begun.append("once")) is None
    assert begun == ["once"]


@pytest.mark.django_db
def test_wrong_settings_are_told_before_anything_is_waited_for(settings: Settings) -> None:
    settings.BOT_TOKEN = ""
    with pytest.raises(CommandError, match=r"sekretar\.W001: BOT_TOKEN is missing"):
        when_database_answers(lambda: pytest.fail("begun"))


@pytest.mark.django_db
def test_check_of_the_configuration_does_not_wait(settings: Settings) -> None:
    """`runbot --ping` asks it, and must not hang."""
    settings.BOT_TOKEN, settings.TELEGRAM_API_URL = "1000:token-of-this-test", "http://127.0.0.1:9"
    with capture_logs() as logs:
        refuse_half_configured()
    assert logs == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_signal_ends_the_wait_and_the_old_handlers_come_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted), patience.ended_by_signals():
        signal.raise_signal(number)
    assert signal.getsignal(number) == before


# --- Telegram -------------------------------------------------------------------------------------------------------


async def wait_for_telegram(*errors: Exception, stop: asyncio.Event | None = None, **limits: Any) -> bool:
    left = list(errors)

    async def call() -> None:
        if left:
            raise left.pop(0)

    quick = Attempts("Telegram", "Check the network.", steady(base=0.001, longest=0.001), **limits)
    return await _patiently(call, stop or asyncio.Event(), quick)


async def test_telegram_that_is_away_is_waited_for() -> None:
    assert await wait_for_telegram(NetworkError("away"), OSError("no route"), NetworkError("away"))


async def test_telegram_that_never_answers_is_given_up_in_words_without_the_token(settings: Settings) -> None:
    settings.BOT_TOKEN = "1000:token-of-this-test"
    error = NetworkError("cannot reach http://api/bot1000:token-of-this-test/getMe\nmore of it")
    with pytest.raises(GaveUp) as given_up:
        await wait_for_telegram(error, error, retries=2)
    said = str(given_up.value)
    assert said.startswith(
        "Telegram did not answer in 2 attempts and 0 s (cannot reach http://api/bot***/getMe). Check"
    )


async def test_revoked_token_is_not_waited_for() -> None:
    with pytest.raises(TokenRevoked):
        await wait_for_telegram(InvalidToken("1000:secret"))


async def test_stop_ends_the_wait_for_telegram() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, stop.set)
    async with asyncio.timeout(60):
        assert not await wait_for_telegram(*[NetworkError("away")] * 100_000, stop=stop)


async def test_telegram_that_asks_for_a_pause_gets_it() -> None:
    with capture_logs() as logs:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.02, stop.set)
        await wait_for_telegram(RetryAfter(40), stop=stop)
    assert logs[0]["again_in"] == 40
