"""Wishes: what is refused, all at once and with what to do, and what is saved."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import Access, AuditEntry, Chat, User
from core.statements import insert, like
from delivery.models import Schedule
from delivery.schedule import Cron, Once
from reminders import services
from reminders.models import Action, Reminder, Status, Type
from reminders.services import Refused
from tests.reminders.making import DAY, HOUR, MINUTE, daily, key, once, wish

pytestmark = pytest.mark.django_db


def codes(draft: services.Draft, now: datetime) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in services.check(draft, now)]


def test_a_reminder_is_saved_with_its_schedule_and_an_audit_entry(member: User, now: datetime) -> None:
    row = once(member, now + HOUR, now, created_by=member)

    saved = Reminder.objects.select_related("schedule", "chat").get(pk=row.pk)
    assert (saved.type, saved.status, saved.action) == (Type.ONE_TIME, Status.ACTIVE, Action.TEXT)
    assert saved.next_run_at == saved.trigger_at == now + HOUR
    assert saved.payload == {"text": "Tea"}
    assert (saved.chat.telegram_id, saved.chat.is_private) == (member.telegram_id, True)
    entry = AuditEntry.objects.get(action="reminder.created")
    assert (entry.actor, entry.target, entry.via) == (member, f"reminder:{row.pk}", "chat")
    assert "Tea" not in f"{entry.details}{entry.target_label}"


def test_the_payload_stands_nowhere_in_the_database_in_clear(member: User, now: datetime) -> None:
    row = once(member, now + HOUR, now, payload={"text": "Кодовое слово"})

    with connection.cursor() as cursor:
        cursor.execute("SELECT payload FROM reminders_reminder")
        (stored,) = cursor.fetchone()
    assert "Кодовое" not in stored
    assert "\\u041a" not in stored
    assert Reminder.objects.get(pk=row.pk).text == "Кодовое слово"


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (timedelta(seconds=-61), "past"),
        (timedelta(days=-4000), "past"),
        (timedelta(days=5 * 366 + 1), "too-far"),
    ],
)
def test_a_time_that_is_over_or_too_far_is_refused(member: User, now: datetime, at: timedelta, code: str) -> None:
    assert codes(wish(member, Once(now + at)), now) == [("trigger_at", code)]


def test_a_minute_late_is_meant_for_now(member: User, now: datetime) -> None:
    row = once(member, now - MINUTE, now)
    assert row.next_run_at == now - MINUTE


def test_beyond_2038_is_no_trouble_of_ours(member: User) -> None:
    then = datetime(2037, 6, 1, 9, 0, tzinfo=UTC)
    row = once(member, then + 2 * 365 * DAY, then)
    assert row.next_run_at is not None
    assert row.next_run_at.year == 2039


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ([], "not-an-object"),
        ("text", "not-an-object"),
        (7, "not-an-object"),
        (None, "not-an-object"),
        ({}, "empty"),
        ({"text": "  "}, "no-text"),
        ({"text": 5}, "no-text"),
        ({"text": "a\x00b"}, "bad-text"),
        ({"text": "half \ud83d"}, "bad-text"),
        ({"text": "x", "n": float("nan")}, "bad-text"),
        ({"text": "x", "n": float("inf")}, "bad-text"),
        ({"text": "я" * 9000}, "too-large"),
    ],
)
def test_a_payload_that_is_no_sound_object_is_refused(member: User, now: datetime, payload: Any, code: str) -> None:
    assert codes(wish(member, Once(now + HOUR), payload=payload), now) == [("payload", code)]


def test_a_payload_nested_deeper_than_32_is_refused(member: User, now: datetime) -> None:
    payload: dict[str, Any] = {"text": "x"}
    for _level in range(31):  # 32 with the innermost
        payload = {"in": payload}
    assert ("payload", "too-deep") not in codes(wish(member, Cron("0 9 * * *"), payload=payload), now)
    assert ("payload", "too-deep") in codes(wish(member, Cron("0 9 * * *"), payload={"in": payload}), now)


def test_all_that_is_wrong_is_told_at_once(member: User, now: datetime) -> None:
    bad = wish(member, Once(now - HOUR), title="t" * 201, payload={"text": ""}, nag_minutes=0)
    assert {code for _field, code in codes(bad, now)} == {"past", "too-long", "no-text", "out-of-range"}
    with pytest.raises(Refused):
        services.create(bad, via="chat", now=now)
    assert not Reminder.objects.exists()
    assert not Schedule.objects.exists()


def test_a_task_may_not_run_every_minute(member: User, now: datetime, settings: Settings) -> None:
    settings.ASSISTANT_TASKS = "somewhere"
    task = {"task": "Watch the weather"}
    assert codes(wish(member, Cron("* * * * *"), payload=task), now) == [("cron_expression", "too-often")]
    assert codes(wish(member, Cron("*/5 * * * *"), payload=task), now) == []
    assert codes(wish(member, Cron("* * * * *")), now) == []


def test_runs_that_can_never_be_are_refused(member: User, now: datetime) -> None:
    assert codes(wish(member, Cron("0 9 * * *"), max_runs=0), now) == [("max_runs", "out-of-range")]
    assert codes(wish(member, Cron("0 9 * * *"), end_at=now + MINUTE), now) == [("end_at", "before-first-run")]
    begins = wish(member, Cron("0 9 * * *"), start_at=now + 9 * DAY, end_at=now + 8 * DAY)
    assert codes(begins, now) == [("end_at", "before-first-run")]


def test_29_february_is_planned_for_2028(member: User, now: datetime) -> None:
    row = daily(member, now, "0 0 29 2 *", zone="UTC")
    assert row.next_run_at == datetime(2028, 2, 29, tzinfo=UTC)


def test_the_next_runs_respect_start_end_and_number(member: User, now: datetime) -> None:
    draft = wish(member, Cron("0 9 * * *"), start_at=now + 2 * DAY, end_at=now + 5 * DAY)
    assert [run.at.day for run in services.coming(draft, now)] == [23, 24, 25]
    draft = wish(member, Cron("0 9 * * *"), max_runs=2)
    assert len(services.coming(draft, now)) == 2
    assert [run.at for run in services.coming(wish(member, Once(now + HOUR)), now)] == [now + HOUR]


def test_one_that_begins_later_is_pending_until_then(member: User, now: datetime) -> None:
    row = daily(member, now, start_at=now + 3 * DAY)
    assert (row.status_at(now), row.status_at(now + 4 * DAY)) == (Status.PENDING, Status.ACTIVE)
    assert list(Reminder.objects.with_status(["pending"], now)) == [row]
    assert not Reminder.objects.with_status(["active"], now).exists()
    assert list(Reminder.objects.with_status(["active", "paused"], now + 4 * DAY)) == [row]


def test_who_is_not_in_cannot_be_reminded(member: User, now: datetime) -> None:
    member.status = Access.BLOCKED
    member.save()
    assert codes(wish(member, Once(now + HOUR)), now) == [("user_id", "no-access")]


def test_a_group_that_is_not_approved_cannot_be_reminded(member: User, now: datetime) -> None:
    group = Chat.objects.create(bot_id=1, telegram_id=-100, kind="supergroup", title="Team")
    assert codes(wish(member, Once(now + HOUR), chat=group), now) == [("chat", "no-access")]


def test_limits_count_what_is_open(member: User, now: datetime, settings: Settings) -> None:
    settings.REMINDERS_PER_PERSON = 2
    first = once(member, now + HOUR, now)
    once(member, now + HOUR, now)
    assert codes(wish(member, Once(now + HOUR)), now) == [("user_id", "too-many")]

    services.cancel(first, by=member, via="chat", now=now)
    assert codes(wish(member, Once(now + HOUR)), now) == []


def test_a_key_and_an_assistant_have_limits_of_their_own(member: User, now: datetime, settings: Settings) -> None:
    settings.REMINDERS_PER_KEY = settings.REMINDERS_PER_ASSISTANT = 1
    made, assistant = key(now)[0], uuid4()
    once(member, now + HOUR, now, created_by_key=made, created_by_assistant=assistant)

    again = wish(member, Once(now + HOUR), created_by_key=made, created_by_assistant=assistant)
    assert codes(again, now) == [("key", "too-many"), ("assistant", "too-many")]
    assert codes(wish(member, Once(now + HOUR), created_by_key=key(now)[0]), now) == []


def test_no_limit_is_none(member: User, now: datetime, settings: Settings) -> None:
    settings.REMINDERS_PER_PERSON = settings.REMINDERS_PER_KEY = settings.REMINDERS_PER_ASSISTANT = 0
    more = {"created_by_key": key(now)[0], "created_by_assistant": uuid4()}
    once(member, now + HOUR, now, **more)
    assert codes(wish(member, Once(now + HOUR), **more), now) == []


def test_limit_of_a_key_is_looked_up_among_what_is_open(member: User, now: datetime) -> None:
    """What it made over the years lies in the same table."""
    made, other = key(now)[0], key(now)[0]
    first = once(member, now + HOUR, now, created_by_key=made)
    states = [Status.COMPLETED, Status.CANCELLED, Status.ACTIVE]
    schedules = [like(first.schedule, id=None, object_id=f"probe:{number}") for number in range(3000)]
    insert(schedules)
    insert(
        [
            like(
                first,
                id=uuid4(),
                schedule_id=schedule.pk,
                status=states[number % 3],
                created_by_key_id=(made if number % 4 == 0 else other).pk,
            )
            for number, schedule in enumerate(schedules)
        ]
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE reminders_reminder")
    with CaptureQueriesContext(connection) as queries:
        assert codes(wish(member, Once(now + HOUR), created_by_key=made), now) == [("user_id", "too-many")]
    [asked] = [query["sql"] for query in queries if '"created_by_key_id" = ' in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(("EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN ") + asked)
        plan = str(cursor.fetchall())
    assert "reminder_key_status" in plan
    assert "Seq Scan" not in plan


def test_what_nobody_would_act_on_is_refused(member: User, now: datetime, settings: Settings) -> None:
    settings.ASSISTANT_TASKS, settings.REDIS_URL = "", ""
    event = wish(member, Once(now + HOUR), payload={"check": 1}, assistant_id=uuid4(), created_by_key=key(now)[0])
    assert codes(event, now) == [("assistant_id", "nobody-acts")]

    settings.REDIS_URL = "redis://127.0.0.1:6379/0"
    assert codes(event, now) == []


def test_the_same_idempotency_key_gives_the_same_reminder(member: User, now: datetime) -> None:
    made = key(now)[0]
    draft = wish(member, Once(now + HOUR), created_by_key=made, idempotency_key="k1", idempotency_digest="d1")
    first = services.create(draft, via="api", now=now)
    second = services.create(draft, via="api", now=now + MINUTE)
    assert (first.pk, first.replayed, second.replayed) == (second.pk, False, True)

    draft.idempotency_digest = "d2"
    with pytest.raises(Refused) as refused:
        services.create(draft, via="api", now=now)
    assert refused.value.problems[0].code == "idempotency-key-reused"

    draft.created_by_key = key(now)[0]
    assert services.create(draft, via="api", now=now).pk != first.pk


@pytest.mark.django_db(transaction=True)
def test_two_at_once_with_one_idempotency_key_make_one(
    member: User, now: datetime, at_once: Callable[..., list[Reminder]]
) -> None:
    draft = wish(member, Once(now + HOUR), created_by_key=key(now)[0], idempotency_key="k1", idempotency_digest="d1")
    rows = at_once(*[lambda: services.create(draft, via="api", now=now)] * 3)
    assert len({row.pk for row in rows}) == Reminder.objects.count() == Schedule.objects.count() == 1
