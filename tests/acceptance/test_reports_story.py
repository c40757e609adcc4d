"""Avito reports with real processes, from the keys to the planned report: on time, by Moscow's days, once however many
workers there are; and no key, secret or token of Avito's stands anywhere afterwards.
"""

import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.acceptance.conftest import ON_POSTGRES
from tests.acceptance.processes import ADMINS, OLGA, PATIENCE, Process, Stage, until
from tests.acceptance.reporting import (
    POLKA,
    REMONT,
    SEVER,
    Pair,
    accounts,
    all_done,
    asked,
    avito_is,
    avito_is_well,
    bot,
    moment,
    on_record,
    plan,
    reports,
)

pytestmark = pytest.mark.acceptance

needs_postgres = pytest.mark.skipif(not ON_POSTGRES, reason="several workers work on PostgreSQL only: set DATABASE_URL")

MOSCOW = ZoneInfo("Europe/Moscow")
# One of them is always in another day than Moscow: 11 hours ahead of it, and 14 behind.
FAR = ("Pacific/Kiritimati", "Pacific/Pago_Pago")
# The report of a profile, each day at a time of a clock; the next time is in 5 to 65 seconds. In one piece: who reads
# the first word wants the second.
EACH_DAY = """
from datetime import time, timedelta
from zoneinfo import ZoneInfo
from django.utils import timezone
from accounts.models import User
from delivery.schedule import Daily
from reports.models import ReportTask
from reports.services import tasks
task, olga, now = ReportTask.objects.get(profile__name={name!r}), User.objects.get(telegram_id={olga}), timezone.now()
at = (now + timedelta(seconds=65)).replace(second=0, microsecond=0)
wall = at.astimezone(ZoneInfo({zone!r}))
tasks.set_rule(task, Daily(time(wall.hour, wall.minute)), {zone!r}, by=olga, via="test", now=now)
tasks.switch(task, True, by=olga, via="test", now=now)
print(f"planned {{at.isoformat()}}\\n", end="", flush=True)
"""


def day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


# --- several workers ------------------------------------------------------------------------------------------------


def workers(stage: Stage, count: int) -> list[Process]:
    """So many that have greeted Telegram."""
    found = [stage.manage("runworker", AVITO_BASE_URL=f"{stage.sandbox.url}/avito") for _number in range(count)]
    for process in found:
        process.says("started")
    return found


@needs_postgres
def test_two_workers_make_one_report_of_one_question(stage: Stage) -> None:
    workers(stage, 2)
    plan(stage, lead=2)
    until(lambda: all_done(stage), 150, "a report")

    assert len(reports(stage)) == 1
    assert [call["status"] for call in asked(stage, "stats_v2")] == [200]


@needs_postgres
def test_reports_of_one_account_that_two_workers_make_at_once_share_an_answer(stage: Stage) -> None:
    keys = accounts(stage)[SEVER]
    avito_is(stage, "stats_v2", "slow", seconds=1)
    workers(stage, 2)
    plan(stage, keys, lead=2)
    until(lambda: all_done(stage, len(keys)), 120, "both reports")

    assert [len(reports(stage, f"Sever {number}")) for number in range(len(keys))] == [1] * len(keys)
    assert [call["status"] for call in asked(stage, "stats_v2")] == [200]


@needs_postgres
def test_another_worker_goes_on_with_the_report_of_one_that_was_killed(stage: Stage) -> None:
    avito_is(stage, "balance", "hold")
    first, *_ = workers(stage, 1)
    plan(stage)
    until(lambda: asked(stage, "balance") and on_record(stage, "stats_v2"), what="a question on its way")
    workers(stage, 1)
    first.kill()
    avito_is_well(stage)
    until(lambda: all_done(stage), 150, "the report after all")

    assert len(reports(stage)) == 1
    assert len(asked(stage, "stats_v2")) == 1


# --- from the keys to the planned report ----------------------------------------------------------------------------


def hears(stage: Stage, words: str, chat_id: int = OLGA) -> None:
    until(lambda: any(words in text for text in stage.sandbox.heard(chat_id)), what=f"{words!r} is said")


def press(stage: Stage, *labels: str) -> None:
    """Olga opens her profiles and presses the buttons that have these words, each under what the one before led to."""
    opened = stage.sandbox.say(OLGA, "/profiles")["message_id"]
    for label in labels:
        look = partial(button, stage, label, opened)
        message_id, data = until(look, what=f"a button {label!r}") or (0, "")
        stage.sandbox.post("/press", user_id=OLGA, chat_id=OLGA, message_id=message_id, data=data)


def button(stage: Stage, label: str, after: int) -> tuple[int, str] | None:
    """(message, data) of the newest that has these words, under a message after that one."""
    for message in reversed(stage.sandbox.messages(OLGA)):
        for row in message.get("reply_markup", {}).get("inline_keyboard", []):
            for key in row:
                if message["message_id"] > after and label in key["text"]:
                    return message["message_id"], key["callback_data"]
    return None


def connect(stage: Stage, name: str, keys: Pair) -> None:
    """In the chat, one thing after the other."""
    stage.sandbox.say(OLGA, f"/add_profile {name}")
    hears(stage, "client_id")
    for words in keys:
        stage.sandbox.say(OLGA, words)


def each_day_from_the_next_minute(stage: Stage, name: str) -> datetime:
    """Switch a report on, by a clock that shows another day than Moscow's; when it will be due."""
    now = datetime.now(UTC)
    zone = next(zone for zone in map(ZoneInfo, FAR) if now.astimezone(zone).date() != now.astimezone(MOSCOW).date())
    process = stage.manage("shell", "-v0", "-c", EACH_DAY.format(name=name, olga=OLGA, zone=zone.key))
    process.says("planned")
    return datetime.fromisoformat(process.output.partition("planned ")[2].split()[0])


def not_around_moscows_midnight() -> None:
    """A story that sees two days asks Avito about both. Wait for the next one if this one is nearly over."""
    now = datetime.now(MOSCOW)
    left = (datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), MOSCOW) - now).total_seconds()
    if left < 5 * PATIENCE:
        time.sleep(left + 1)


def a_kill_in_the_middle(stage: Stage, first: Process) -> None:
    """The bot dies while Avito answers a question of /stats, and while it reads chats for an export; the next one goes
    on with both."""
    avito_is(stage, "stats_v2", "hold", uid=SEVER)
    avito_is(stage, "messages", "hold", after=10)
    stage.sandbox.say(OLGA, "/stats")
    until(lambda: asked(stage, "stats_v2", 0), 3 * PATIENCE, "a question on its way")
    press(stage, "Sever", "Chats to Excel", "All chats")
    until(lambda: len(asked(stage, "messages", 200)) == 10, what="ten chats are read")
    first.kill()
    avito_is_well(stage)
    bot(stage, LOG_LEVEL="DEBUG")


def rows(stage: Stage) -> Iterator[tuple[str, str]]:
    """(table, all that a row of it holds), of every table of the database."""
    if ON_POSTGRES:
        listed = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    else:
        listed = "SELECT name FROM sqlite_master WHERE type = 'table'"
    for (table,) in stage.database.rows(listed):
        for row in stage.database.rows(f'SELECT * FROM "{table}"'):
            yield table, "\n".join(plain(value) for value in row)


def plain(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("latin-1")
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def kept_files(stage: Stage) -> Iterator[tuple[str, str]]:
    """(name, content); what the bot takes away meanwhile is not kept."""
    for path in (stage.folder / "files").rglob("*.*"):
        with suppress(FileNotFoundError, IsADirectoryError):
            yield path.name, path.read_bytes().decode("latin-1")


# A token of the sandbox. Its beginning alone stands in a button's random key now and then.
TOKEN = re.compile(r"tK-[0-9a-f]{8,}")


def places(stage: Stage) -> list[tuple[str, str]]:
    """All that is kept or said, with its place: tables, outputs, chats (whoever wrote it there), files."""
    chats = stage.sandbox.get("/state")["chats"]
    return [
        *rows(stage),
        *((process.name, process.output) for process in stage.processes),
        *((f"chat {chat['id']}", json.dumps(chat, ensure_ascii=False)) for chat in chats),
        *kept_files(stage),
    ]


def places_of(stage: Stage, word: str) -> set[str]:
    """Where a word stands, as it is or in an address."""
    forms = {word, quote(word), quote(word, safe=""), quote_plus(word), json.dumps(word, ensure_ascii=False)[1:-1]}
    return {place for place, text in places(stage) if any(form in text for form in forms)}


def a_token(stage: Stage, keys: Pair) -> str:
    """What Avito gives for the keys."""
    form = {"grant_type": "client_credentials", "client_id": keys[0], "client_secret": keys[1]}
    answer = httpx.post(f"{stage.sandbox.url}/avito/token", data=form, timeout=PATIENCE).raise_for_status()
    token: str = answer.json()["access_token"]
    return token


def connect_in_trouble(stage: Stage, keys: dict[int, list[Pair]]) -> None:
    """Avito is down for statistics, refuses one of the accounts, and repeats the keys that it was told."""
    (sever, _second), [remont], [polka] = keys[SEVER], keys[REMONT], keys[POLKA]
    down = {"error": {"code": 503, "message": " ".join((*sever, *remont, *polka))}}
    refused = {"error": "invalid_client", "error_description": " ".join(polka)}
    avito_is(stage, "stats_v2", "503", body=down)
    avito_is(stage, "token", "401", uid=POLKA, body=refused)
    connect(stage, "Sever", sever)
    hears(stage, "“Sever” is connected")
    connect(stage, "Remont", remont)
    hears(stage, "“Remont” is connected")
    connect(stage, "Polka", polka)
    hears(stage, "does not accept")
    put_off = "SELECT count(*) FROM delivery_delivery WHERE backend = 'avito_day' AND error_kind = 'avito_down'"
    until(lambda: stage.database.rows(put_off) == [(2,)], what="the first collections have failed")
    avito_is_well(stage)


def comes_on_time(stage: Stage, at: datetime) -> None:
    """The planned report is about the day before in Moscow, whatever day it is where its owner is."""
    planned = "SELECT planned_at, created_at, first, last FROM reports_report WHERE kind = 'scheduled'"
    until(lambda: stage.database.rows(f"{planned} AND state = 'done'"), 5 * PATIENCE, "the planned report")
    [(planned_at, created, first, last)] = stage.database.rows(planned)
    yesterday = at.astimezone(MOSCOW).date() - timedelta(days=1)
    assert moment(planned_at) == at
    assert 0 <= (moment(created) - at).total_seconds() < 20
    assert day(first) == day(last) == yesterday
    until(lambda: len(reports(stage)) == 2, what="the report is said")
    [said] = [text for text in reports(stage) if "Remont" not in text]
    assert f"{yesterday.day} {yesterday:%B}" in said


def nothing_is_doubled(stage: Stage) -> None:
    """The question that was on its way counts against the limit, and the bot that was started knew."""
    statuses = [call["status"] for call in asked(stage, "stats_v2")]
    assert statuses.count(200) == 2
    assert 429 not in statuses
    assert len(stage.sandbox.calls("sendDocument", OLGA)) == 1
    assert asked(stage, "read") == []


def test_a_day_with_avito_leaves_no_key_secret_or_token_anywhere(stage: Stage) -> None:
    keys = accounts(stage)
    not_around_moscows_midnight()
    stage.sandbox.post("/user", id=OLGA, first_name="Olga", language_code="en")
    first = bot(stage, LOG_LEVEL="DEBUG")
    connect_in_trouble(stage, keys)
    a_kill_in_the_middle(stage, first)
    # With the bot alive: how long it was dead says nothing about being on time.
    at = each_day_from_the_next_minute(stage, "Sever")
    stage.sandbox.done("sendDocument", 1)
    until(lambda: len(reports(stage, "Sever", "Remont")) == 1, 5 * PATIENCE, "the figures of both profiles")
    stage.sandbox.post("/avito/keys", client_id=keys[REMONT][0][0], revoked=True)
    press(stage, "Remont", "Check again")
    hears(stage, "Remont", ADMINS)
    comes_on_time(stage, at)
    nothing_is_doubled(stage)

    told = [word for uid in (SEVER, REMONT, POLKA) for word in keys[uid][0]]
    assert {word: found for word in told if (found := places_of(stage, word))} == {}
    assert TOKEN.fullmatch(a_token(stage, keys[SEVER][0]))
    assert [place for place, text in places(stage) if TOKEN.search(text)] == []
    # The search finds what may be there.
    client_id = keys[SEVER][0][0]
    assert {"reports_avitoprofile", f"chat {OLGA}"} <= places_of(stage, f"{client_id[:4]}…{client_id[-2:]}")
