"""Reminders made over REST: what a time, a rule, a payload may be, and what is made only once."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import Chat, ChatKind, User
from delivery.models import Schedule
from reminders.models import Reminder
from telegram_bot.outgoing import bot_id
from tests.reminders.rest import Service, flaws, wish

pytestmark = pytest.mark.django_db

UID = "11111111-2222-3333-4444-555555555555"


def test_answer_has_the_names_of_the_contract(service: Service, member: User) -> None:
    answer = service.create(timezone="Europe/Moscow")
    made = answer.json()
    assert (answer.status_code, answer["Location"]) == (201, f"/api/reminders/{made['id']}")
    named = {
        "user_id": 101,
        "assistant_id": None,
        "created_by_assistant_id": None,
        "type": "one_time",
        "trigger_at": "2026-11-20T10:00:00Z",
        "cron_expression": None,
        "timezone": "Europe/Moscow",
        "payload": '{"text": "Meeting", "priority": "normal"}',
        "status": "active",
        "next_run_at": "2026-11-20T10:00:00Z",
        "last_triggered_at": None,
        "created_at": "2026-11-20T09:00:00Z",
        "updated_at": "2026-11-20T09:00:00Z",
    }
    assert {name: made[name] for name in named} == named
    assert service.get(answer["Location"]).json() == made


def test_created_one_tells_its_next_runs_where_the_person_is(service: Service, member: User) -> None:
    made = service.created(cron_expression="30 9 * * 1-5", timezone="Europe/Moscow")
    assert made["next_runs"][0] == {
        "at": "2026-11-23T06:30:00Z",
        "local": "2026-11-23T09:30:00+03:00",
        "remark": None,
    }
    assert [run["at"][:10] for run in made["next_runs"]] == [f"2026-11-{day}" for day in range(23, 28)]
    assert made["last_occurrence"] is None


def test_reminder_is_said_in_the_private_chat(service: Service, member: User) -> None:
    first, second = service.created(), service.created()
    chats = Chat.objects.filter(person=member)
    assert [chat.telegram_id for chat in chats] == [101]
    assert {row.chat for row in Reminder.objects.filter(pk__in=[first["id"], second["id"]])} == set(chats)


def test_chat_of_that_number_is_the_private_chat_whatever_it_was_taken_for(
    service: Service, member: User, now: Any
) -> None:
    """Telegram gives groups numbers below zero."""
    known = Chat.objects.create(bot_id=bot_id(), telegram_id=101, kind=ChatKind.GROUP, created_at=now)
    made = service.created()
    known.refresh_from_db()
    assert (known.kind, known.person) == (ChatKind.PRIVATE, member)
    assert Reminder.objects.get(pk=made["id"]).chat == known


# --- when: once -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z"),
        ("2026-11-20t12:00:00z", "2026-11-20T12:00:00Z"),
        ("2026-11-20T12:00Z", "2026-11-20T12:00:00Z"),
        ("2026-11-20T12:00:00+03:00", "2026-11-20T09:00:00Z"),
        ("2026-11-20T12:00:00-05:30", "2026-11-20T17:30:00Z"),
        ("2026-11-20T12:00:00.5Z", "2026-11-20T12:00:00.500000Z"),
        ("2026-11-20T12:00:00.123456Z", "2026-11-20T12:00:00.123456Z"),
    ],
)
def test_time_with_an_offset_is_an_instant(service: Service, member: User, sent: str, meant: str) -> None:
    assert service.created(trigger_at=sent)["trigger_at"] == meant
    assert service.created(trigger_at=sent, timezone="Asia/Kathmandu")["next_run_at"] == meant


def test_time_without_offset_and_zone_is_refused(service: Service, member: User) -> None:
    assert flaws(service.create(trigger_at="2026-11-20T12:00:00")) == [("trigger_at", "no-zone")]


@pytest.mark.parametrize(
    ("sent", "zone", "meant"),
    [
        ("2026-11-20T12:30:00", "Europe/Moscow", "2026-11-20T09:30:00Z"),
        ("2026-11-20T15:30", "Asia/Kathmandu", "2026-11-20T09:45:00Z"),
        ("2027-03-28T02:30:00", "Europe/Berlin", "2027-03-28T01:00:00Z"),  # no such time: the gap's end
        ("2027-10-31T02:30:00", "Europe/Berlin", "2027-10-31T00:30:00Z"),  # twice: the first
    ],
)
def test_time_without_offset_is_what_the_zones_clock_shows(
    service: Service, member: User, sent: str, zone: str, meant: str
) -> None:
    assert service.created(trigger_at=sent, timezone=zone)["trigger_at"] == meant


def test_persons_own_zone_can_be_meant(service: Service, member: User) -> None:
    User.objects.filter(pk=member.pk).update(time_zone="Asia/Tokyo")
    made = service.created(trigger_at="2026-11-20T19:00:00", timezone="owner")
    assert (made["trigger_at"], made["timezone"], made["effective_timezone"]) == (
        "2026-11-20T10:00:00Z",
        "owner",
        "Asia/Tokyo",
    )


def test_zone_that_is_not_sent_is_the_persons_at_that_moment(service: Service, member: User) -> None:
    User.objects.filter(pk=member.pk).update(time_zone="Asia/Tokyo")
    assert service.created(cron_expression="0 9 * * *")["timezone"] == "Asia/Tokyo"


def test_zone_of_somebody_without_one_is_the_sites(service: Service, member: User, settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    assert service.created(cron_expression="0 9 * * *")["timezone"] == "Europe/Berlin"


def test_zone_may_be_written_in_any_case(service: Service, member: User) -> None:
    assert service.created(timezone="europe/moscow")["timezone"] == "Europe/Moscow"


@pytest.mark.parametrize("zone", ["Mars/Base", "", "+03:00", "MSK+3", "../etc/passwd", "x" * 101])
def test_unknown_zone_is_refused(service: Service, member: User, zone: str) -> None:
    [(field, code)] = flaws(service.create(timezone=zone))
    assert field == "timezone"
    assert code in ("unknown-zone", "too-long")


@pytest.mark.parametrize(
    "sent",
    [
        "2026-11-20T12:00:60Z",
        "2026-02-30T10:00Z",
        "2026-W53-1T10:00Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T12:00:00+24:00",
        "2026-11-20 12:00:00Z",
        "2026-11-20",
        "20261120T120000Z",
        "12:00",
        "tomorrow",
        "",
        "1795176000",
        "2026-11-20T12:00:00Z\n",
        "２０２６-11-20T12:00:00Z",
        "2026-11-20T12:00:00,5Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_time_that_does_not_exist_is_refused(service: Service, member: User, sent: str) -> None:
    [(field, code)] = flaws(service.create(trigger_at=sent))
    assert field == "trigger_at"
    assert code in ("bad-time", "bad-value")


@pytest.mark.parametrize("sent", [1795176000, True, ["2026-11-20T12:00:00Z"], {"at": 1}])
def test_time_is_a_text(service: Service, member: User, sent: Any) -> None:
    assert ("trigger_at", "wrong-type") in flaws(service.create(trigger_at=sent))


def after(service: Service, **time: float) -> str:
    return (service.now + timedelta(**time)).isoformat()


@pytest.mark.parametrize("seconds", [-61, -3600, -86_400 * 400])
def test_time_in_the_past_is_refused(service: Service, member: User, seconds: int) -> None:
    assert flaws(service.create(trigger_at=after(service, seconds=seconds))) == [("trigger_at", "past")]


def test_time_that_passed_a_minute_ago_is_meant_for_now(service: Service, member: User) -> None:
    made = service.created(trigger_at=after(service, seconds=-60))
    assert made["next_run_at"] == "2026-11-20T08:59:00Z"


def test_time_is_five_years_ahead_at_most(service: Service, member: User) -> None:
    service.created(trigger_at="2031-11-19T09:00:00Z")
    assert flaws(service.create(trigger_at="2031-11-30T09:00:00Z")) == [("trigger_at", "too-far")]
    assert flaws(service.create(trigger_at="2039-01-19T03:14:08Z")) == [("trigger_at", "too-far")]


def test_end_may_lie_beyond_2038(service: Service, member: User) -> None:
    made = service.created(cron_expression="0 9 * * *", end_at="2040-01-01T00:00:00Z")
    assert made["end_at"] == "2040-01-01T00:00:00Z"


# --- when: again and again ------------------------------------------------------------------------------------------


def test_cron_that_never_fires_is_refused(service: Service, member: User) -> None:
    assert flaws(service.create(cron_expression="0 0 30 2 *")) == [("cron_expression", "never-fires")]


def test_leap_day_waits_for_its_year(service: Service, member: User) -> None:
    made = service.created(cron_expression="0 0 29 2 *", timezone="UTC")
    assert made["next_run_at"] == "2028-02-29T00:00:00Z"


def test_preview_shows_what_day_and_weekday_mean_together(service: Service, member: User) -> None:
    answer = service.post("?dry_run=true", wish(cron_expression="0 0 30 2 1", timezone="UTC"))
    days = [run["at"][:10] for run in answer.json()["next_runs"]]
    assert days == ["2027-02-01", "2027-02-08", "2027-02-15", "2027-02-22", "2028-02-07"]


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("0 0 9 * * *", "six-fields"),
        ("60 * * * *", "bad-field"),
        ("0 25 * * *", "bad-field"),
        ("", "empty"),
        ("@reboot", "unknown-macro"),
        ("* * *", "field-count"),
        ("0 9 * * MON" + ",MON" * 125, "too-long"),
        ("x" * 20_000, "too-long"),
    ],
)
def test_bad_cron_is_refused(service: Service, member: User, expression: str, code: str) -> None:
    assert flaws(service.create(cron_expression=expression)) == [("cron_expression", code)]


def test_macro_is_written_out(service: Service, member: User) -> None:
    assert service.created(cron_expression="@daily")["cron_expression"] == "0 0 * * *"


def test_task_may_not_run_each_minute(service: Service, member: User) -> None:
    """It costs tokens; a text each minute costs none."""
    task = {"watch": "https://example.org", "task": "Tell me when it changes"}
    assert flaws(service.create(cron_expression="* * * * *", payload=task)) == [("cron_expression", "too-often")]
    service.created(cron_expression="*/5 * * * *", payload=task)
    service.created(cron_expression="* * * * *")


RULES: list[tuple[dict[str, Any], list[str]]] = [
    ({"kind": "daily", "at": "09:30"}, ["2026-11-20T09:30:00Z", "2026-11-21T09:30:00Z"]),
    (
        {"kind": "daily", "at": "09:30", "every": 3, "since": "2026-11-22"},
        ["2026-11-22T09:30:00Z", "2026-11-25T09:30:00Z"],
    ),
    ({"kind": "weekly", "days": [0, 6], "at": "00:00"}, ["2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"]),
    ({"kind": "monthly", "day": 31, "at": "23:59"}, ["2026-11-30T23:59:00Z", "2026-12-31T23:59:00Z"]),
    ({"kind": "cron", "expression": "0 9 1 * *"}, ["2026-12-01T09:00:00Z", "2027-01-01T09:00:00Z"]),
]


@pytest.mark.parametrize(("rule", "runs"), RULES, ids=lambda rule: str(rule)[:40])
def test_what_cron_cannot_say_is_a_rule(service: Service, member: User, rule: dict[str, Any], runs: list[str]) -> None:
    made = service.created(rule=rule, timezone="UTC")
    assert [run["at"] for run in made["next_runs"][:2]] == runs
    assert {**made["rule"], **rule} == made["rule"]
    assert made["type"] == "recurring"


def test_rule_on_the_31st_says_when_it_is_the_last_day(service: Service, member: User) -> None:
    made = service.created(rule={"kind": "monthly", "day": 31, "at": "09:00"}, timezone="UTC")
    assert made["next_runs"][0]["remark"] == "November has 30 days: on the last one"
    assert made["next_runs"][1]["remark"] is None


@pytest.mark.parametrize(
    ("rule", "field", "code"),
    [
        ({"kind": "daily", "at": "9:30"}, "rule.at", "bad-value"),
        ({"kind": "daily", "at": "24:00"}, "rule.at", "bad-value"),
        ({"kind": "daily"}, "rule.at", "missing"),
        ({"kind": "daily", "at": "09:30", "every": 2}, "rule.since", "bad-field"),
        ({"kind": "daily", "at": "09:30", "every": 367}, "rule.every", "out-of-range"),
        ({"kind": "daily", "at": "09:30", "evry": 2}, "rule.evry", "unknown-field"),
        ({"kind": "daily", "at": "09:30", "every": 2, "since": "2026-02-30"}, "rule", "bad-rule"),
        ({"kind": "weekly", "days": [7], "at": "09:30"}, "rule.days.0", "out-of-range"),
        ({"kind": "weekly", "days": [], "at": "09:30"}, "rule.days", "bad-value"),
        ({"kind": "monthly", "day": 32, "at": "09:30"}, "rule.day", "out-of-range"),
        ({"kind": "cron", "expression": "0 0 30 2 *"}, "rule.expression", "never-fires"),
        ({"kind": "once", "at": "2026-11-20T10:00:00Z"}, "rule", "bad-value"),
        ({"at": "09:30"}, "rule", "missing"),
        ("daily", "rule", "wrong-type"),
    ],
)
def test_bad_rule_is_refused(service: Service, member: User, rule: Any, field: str, code: str) -> None:
    assert flaws(service.create(rule=rule)) == [(field, code)]


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"trigger_at": None}, [("trigger_at", "missing")]),
        ({"type": "recurring", "trigger_at": None}, [("cron_expression", "missing")]),
        ({"type": "recurring"}, [("trigger_at", "wrong-for-type"), ("cron_expression", "missing")]),
        (
            {"cron_expression": "0 9 * * *", "type": "one_time"},
            [("cron_expression", "wrong-for-type"), ("trigger_at", "missing")],
        ),
        ({"cron_expression": "0 9 * * *", "rule": {"kind": "daily", "at": "09:30"}}, [("rule", "too-many")]),
    ],
)
def test_time_must_fit_the_type(service: Service, member: User, changed: Any, wrong: list[tuple[str, str]]) -> None:
    assert flaws(service.create(**changed)) == wrong


# --- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"end_at": "2026-11-20T08:00:00Z"}, ("end_at", "before-first-run")),
        ({"end_at": "2026-11-21T05:59:59Z"}, ("end_at", "before-first-run")),
        ({"start_at": "2026-12-01T00:00:00Z", "end_at": "2026-12-01T01:00:00Z"}, ("end_at", "before-first-run")),
        ({"max_runs": 0}, ("max_runs", "out-of-range")),
        ({"max_runs": -1}, ("max_runs", "out-of-range")),
        ({"max_runs": "3"}, ("max_runs", "wrong-type")),
        ({"grace_seconds": -1}, ("grace_seconds", "out-of-range")),
        ({"grace_seconds": 2**40}, ("grace_seconds", "out-of-range")),
        ({"catch_up": "all"}, ("catch_up", "bad-value")),
        ({"nag_minutes": 0}, ("nag_minutes", "out-of-range")),
        ({"nag_minutes": 1441}, ("nag_minutes", "out-of-range")),
        ({"title": "x" * 201}, ("title", "too-long")),
        ({"title": 5}, ("title", "wrong-type")),
        ({"assistant_id": "me"}, ("assistant_id", "bad-value")),
        ({"start_at": "2026-12-01T00:00:00", "timezone": None}, ("start_at", "no-zone")),
    ],
    ids=str,
)
def test_limit_that_makes_no_sense_is_refused(
    service: Service, member: User, changed: dict[str, Any], wrong: tuple[str, str]
) -> None:
    usual = {"cron_expression": "0 9 * * *", "timezone": "Europe/Moscow"}
    assert flaws(service.create(**(usual | changed))) == [wrong]


def test_limits_come_back(service: Service, member: User) -> None:
    limits = {
        "start_at": "2026-12-01T00:00:00Z",
        "end_at": "2026-12-24T00:00:00Z",
        "max_runs": 3,
        "grace_seconds": 60,
        "catch_up": "last",
        "nag_minutes": 15,
        "title": "Vitamins",
        "assistant_id": UID,
    }
    made = service.created(cron_expression="0 9 * * *", timezone="UTC", **limits)
    assert {name: made[name] for name in limits} == limits
    assert (made["status"], made["next_run_at"]) == ("pending", "2026-12-01T09:00:00Z")
    assert len(made["next_runs"]) == 3


def test_as_many_open_ones_as_allowed(service: Service, member: User, settings: Settings) -> None:
    settings.REMINDERS_PER_PERSON = 1
    service.created()
    assert flaws(service.create()) == [("user_id", "too-many")]


# --- payload --------------------------------------------------------------------------------------------------------

PAYLOADS: list[dict[str, Any]] = [
    {"text": "Чай 🍵 «в пять»"},
    {"text": 'a\nb\t"c"\\'},
    {"text": "x", "priority": "high"},
]
TASKS: list[dict[str, Any]] = [
    {"n": 10**30, "f": -0.5, "e": 1e-300, "b": True, "z": None, "l": [[], {}, [1, "2"]], "": {"": ""}},
    {"deep": json.loads('{"a":' * 31 + "1" + "}" * 31)},
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=str)
@pytest.mark.parametrize("write", [json.dumps, lambda value: value], ids=["text", "object"])
def test_payload_comes_back_as_it_was_meant(
    service: Service, member: User, payload: dict[str, Any], write: Callable[[Any], Any]
) -> None:
    made = service.created(payload=write(payload))
    assert json.loads(made["payload"]) == payload
    assert json.loads(service.get(made["id"]).json()["payload"]) == payload


@pytest.mark.parametrize("payload", TASKS, ids=lambda value: str(value)[:20])
@pytest.mark.parametrize("write", [json.dumps, lambda value: value], ids=["text", "object"])
def test_payload_of_a_task_comes_back_whole(
    service: Service, member: User, payload: dict[str, Any], write: Callable[[Any], Any]
) -> None:
    assert json.loads(service.created(payload=write(payload))["payload"]) == payload


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ("no json", "bad-payload"),
        ("", "bad-payload"),
        ('{"a": 1, "a": 2}', "bad-payload"),
        ('{"a": NaN}', "bad-payload"),
        ('{"text": "\\u0000"}', "bad-payload"),
        ('{"text": "\\udead"}', "bad-payload"),
        ('{"a":' * 33 + "1" + "}" * 33, "bad-payload"),
        ("[]", "not-an-object"),
        ('"text"', "not-an-object"),
        ("7", "not-an-object"),
        ("null", "not-an-object"),
        ([], "not-an-object"),
        (7, "not-an-object"),
        (True, "not-an-object"),
        ({}, "empty"),
        ("{}", "empty"),
        ({"text": ""}, "no-text"),
        ({"text": " \n"}, "no-text"),
        ({"text": 5}, "no-text"),
        ({"text": "x" * 16_384}, "too-large"),
        ({"text": "ю" * 8_192}, "too-large"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_bad_payload_is_refused(service: Service, member: User, payload: Any, code: str) -> None:
    assert flaws(service.create(payload=payload)) == [("payload", code)]


def test_payload_may_be_as_large_as_said(service: Service, member: User) -> None:
    made = service.created(payload={"text": "x" * (16_384 - len('{"text": ""}'))})
    assert len(made["payload"]) == 16_384


def test_payload_is_encrypted_in_the_database(service: Service, member: User) -> None:
    made = service.created(payload={"text": "Secret"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT payload FROM reminders_reminder")
        [(kept,)] = cursor.fetchall()
    assert "Secret" not in kept
    assert "Secret" in made["payload"]


# --- tried out, and made once ---------------------------------------------------------------------------------------


def test_dry_run_tells_the_next_runs_and_saves_nothing(service: Service, member: User) -> None:
    answer = service.post("?dry_run=true", wish(cron_expression="0 9 * * *", timezone="Europe/Moscow", max_runs=3))
    assert answer.status_code == 200
    assert [run["local"] for run in answer.json()["next_runs"]] == [
        f"2026-11-{day}T09:00:00+03:00" for day in (21, 22, 23)
    ]
    assert not Reminder.objects.exists()
    assert not Schedule.objects.exists()


def test_dry_run_refuses_what_creating_would(service: Service, member: User) -> None:
    answer = service.post("?dry_run=true", wish(trigger_at="2026-11-20T08:00:00Z"))
    assert flaws(answer) == [("trigger_at", "past")]


@pytest.mark.parametrize("sent", ["yes", "2", "", "TRUE"])
def test_dry_run_is_true_or_false(service: Service, member: User, sent: str) -> None:
    assert flaws(service.post(f"?dry_run={sent}", wish())) == [("dry_run", "bad-value")]
    assert not Reminder.objects.exists()


def test_same_idempotency_key_makes_one_reminder(service: Service, member: User) -> None:
    first = service.post("", wish(), Idempotency_Key="order-7")
    again = service.post("", wish(), Idempotency_Key="order-7")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert again.json()["id"] == first.json()["id"]
    assert Reminder.objects.count() == 1


def test_same_wish_may_be_written_otherwise(service: Service, member: User) -> None:
    first = service.post("", wish(payload='{"text":"Tea"}'), Idempotency_Key="k")
    again = service.post("", json.dumps(wish(payload={"text": "Tea"}), indent=2, sort_keys=True), Idempotency_Key="k")
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


def test_replay_works_when_the_time_has_passed(service: Service, member: User) -> None:
    service.post("", wish(), Idempotency_Key="k")
    service.now += timedelta(days=1)
    assert service.post("", wish(), Idempotency_Key="k").status_code == 200


@pytest.mark.parametrize("changed", [{"trigger_at": "2026-11-20T11:00:00Z"}, {"title": "x"}, {"max_runs": 1}])
def test_same_idempotency_key_with_another_wish_is_refused(
    service: Service, member: User, changed: dict[str, Any]
) -> None:
    service.post("", wish(), Idempotency_Key="k")
    answer = service.post("", wish(**changed), Idempotency_Key="k")
    assert flaws(answer) == [("Idempotency-Key", "idempotency-key-reused")]
    assert Reminder.objects.count() == 1


def test_idempotency_keys_of_two_services_are_two(service: Service, member: User) -> None:
    service.post("", wish(), Idempotency_Key="k")
    service.another()
    assert service.post("", wish(), Idempotency_Key="k").status_code == 201


def test_failed_wish_leaves_its_idempotency_key_free(service: Service, member: User) -> None:
    assert service.post("", wish(max_runs=0), Idempotency_Key="k").status_code == 400
    assert service.post("", wish(), Idempotency_Key="k").status_code == 201


@pytest.mark.parametrize("sent", ["x" * 201, "ключ", "a\tb"])
def test_odd_idempotency_key_is_refused(service: Service, member: User, sent: str) -> None:
    answer = service.post("", wish(), Idempotency_Key=sent.encode().decode("latin-1"))
    assert flaws(answer) == [("Idempotency-Key", "bad-value")]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_with_one_idempotency_key_make_one_row(
    service: Service, member: User, at_once: Callable[..., list[Any]]
) -> None:
    service.created()  # the chat is there, so only the reminder is raced for

    def go() -> tuple[int, str]:
        answer = service.post("", wish(title="raced"), Idempotency_Key="k")
        return answer.status_code, answer.json()["id"]

    answers = at_once(go, go, go)
    assert sorted(status for status, _id in answers) == [200, 200, 201]
    assert len({made for _status, made in answers}) == 1
    assert Reminder.objects.filter(title="raced").count() == 1
