"""The overview: each figure against one counted by hand, nothing invented, no more queries for more rows."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from accounts.models import Access, Chat, User
from config import dashboard
from conversations.models import Conversation, Request
from core.templatetags.core_admin import compact
from delivery.models import Delivery, Schedule
from llm.models import ProviderState, SyncRun
from reminders.models import Occurrence, Reminder
from telegram_bot.models import Update
from tests.admin.conftest import at, client_of, one_of_each, person, remind, url

NOW = at(20)


@pytest.fixture
def dialog(db: None) -> Conversation:
    chat = Chat.objects.create(bot_id=1, telegram_id=5, kind="private")
    return Conversation.objects.create(chat=chat)


def ask(dialog: Conversation, moment: datetime, **more: Any) -> Request:
    key = f"1:{Request.objects.count()}"
    values = {"state": "done", "model_ref": "gemini:flash", "created_at": moment} | more
    return Request.objects.create(conversation=dialog, update_key=key, **values)


def test_requests_and_people_are_counted_by_day(dialog: Conversation) -> None:
    anna, boris = person(1, NOW), person(2, NOW)
    for moment, user in [
        (at(18), anna),
        (at(18), anna),
        (at(18), boris),
        (at(20, 1), boris),
        (at(1) - timedelta(days=40), anna),
    ]:
        ask(dialog, moment, user=user)

    daily = dashboard.per_day(NOW)

    assert len(daily) == 30
    assert (daily[0]["day"], daily[-1]["day"]) == (date(2026, 10, 22), date(2026, 11, 20))
    busy = [(row["day"].day, row["requests"], row["people"]) for row in daily if row["requests"]]
    assert busy == [(18, 3, 2), (20, 1, 1)]


def test_day_begins_at_midnight_of_the_operators_zone(dialog: Conversation) -> None:
    ask(dialog, datetime(2026, 11, 18, 21, 30, tzinfo=UTC))

    with timezone.override("Europe/Moscow"):
        busy = [row["day"] for row in dashboard.per_day(NOW) if row["requests"]]

    assert busy == [date(2026, 11, 19)]


def test_sums_leave_out_what_is_not_known(dialog: Conversation) -> None:
    anna = person(1, NOW)
    ask(dialog, at(19), user=anna, input_tokens=100, output_tokens=10, cost=Decimal("0.02"))
    ask(dialog, at(19), user=anna, input_tokens=50, output_tokens=None, cost=None)
    ask(dialog, at(19), user=anna, state="failed", error_kind="timeout")
    ask(dialog, at(19), user=anna, state="failed", error_kind="budget")

    assert dashboard.totals(NOW) == {
        "requests": 4,
        "people": 1,
        "failed": 1,
        "refused": 1,
        "input": 150,
        "output": 10,
        "spent": Decimal("0.02"),
        "unpriced": 1,
    }


def test_models_are_listed_by_use_and_an_unknown_cost_stays_unknown(dialog: Conversation) -> None:
    ask(dialog, at(19), model_ref="openai:local", input_tokens=7, output_tokens=3)
    for _ in range(2):
        ask(dialog, at(19), input_tokens=100, output_tokens=10, cost=Decimal("0.5"))

    rows = dashboard.by_model(NOW)

    assert [(row["model_ref"], row["requests"], row["input"], row["spent"]) for row in rows] == [
        ("gemini:flash", 2, 200, Decimal("1.0")),
        ("openai:local", 1, 7, None),
    ]


def test_errors_are_counted_by_kind(dialog: Conversation) -> None:
    for kind in ("timeout", "timeout", "timeout", "billing", "budget", "too_many", ""):
        ask(dialog, at(19), error_kind=kind)

    with translation.override("en"):
        assert dashboard.by_error(NOW) == [
            {"error_kind": "timeout", "count": 3, "share": 75, "title": "it took too long"},
            {"error_kind": "billing", "count": 1, "share": 25, "title": "the account is out of money"},
        ]


def test_what_everybody_used_is_told_by_name(site: Client, dialog: Conversation) -> None:
    anna, now = person(1, NOW), timezone.now()
    for _ in range(2):
        ask(dialog, now, user=anna, input_tokens=1000, output_tokens=200, cost=Decimal("0.5"))
    ask(dialog, now, input_tokens=7, output_tokens=3)  # of somebody who is gone

    rows = dashboard.by_person(now)
    page = site.get("/admin/").content.decode()

    assert [(row["user"], row["name"], row["requests"], row["input"], row["spent"]) for row in rows] == [
        (anna.pk, "Anna 1", 2, 2000, Decimal("1.0")),
        (None, "", 1, 7, None),
    ]
    assert f'href="{url(anna, "change", anna.pk)}">Anna 1</a>' in page
    assert "2\N{NO-BREAK SPACE}000" in page


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["9\N{NO-BREAK SPACE}999", "12.3k", "1.0M", "4.6M"]),
        ("ru", ["9\N{NO-BREAK SPACE}999", "12,3", "1,0", "4,6"]),
    ],
)
def test_large_figures_are_short_and_written_as_the_reader_writes_them(language: str, words: list[str]) -> None:
    with translation.override(language):
        said = [compact(value) for value in (9999, 12_345, 999_999, 4_600_000)]
    assert [one[: len(word)] for one, word in zip(said, words, strict=True)] == words


def test_percentiles_are_the_nearest_ranks_of_each_day(dialog: Conversation) -> None:
    for milliseconds in range(100, 2100, 100):  # 20 answers: the 10th and the 19th
        ask(dialog, at(18), total_ms=milliseconds)
    ask(dialog, at(19), total_ms=7)
    ask(dialog, at(19), total_ms=None)
    ask(dialog, at(19), state="failed", total_ms=90_000)

    assert dashboard.percentiles(NOW, "total_ms") == {
        date(2026, 11, 18): {50: 1000, 95: 1900},
        date(2026, 11, 19): {50: 7, 95: 7},
    }


@pytest.mark.parametrize("size", [1, 2, 3, 19, 20, 21])
def test_percentiles_agree_with_a_sorted_list(dialog: Conversation, size: int) -> None:
    times = [(number * 7919) % 1000 for number in range(size)]
    for milliseconds in times:
        ask(dialog, at(18), first_token_ms=milliseconds)

    found = dashboard.percentiles(NOW, "first_token_ms")[date(2026, 11, 18)]

    assert found == {p: sorted(times)[-(-p * size // 100) - 1] for p in (50, 95)}


def test_chart_has_gaps_where_there_was_no_answer() -> None:
    chart = json.loads(dashboard.latency_chart(NOW, {date(2026, 11, 20): {50: 1234, 95: 5000}}))

    assert chart["labels"][-2:] == ["19.11", "20.11"]
    assert [line["data"][-2:] for line in chart["datasets"]] == [[None, 1.23], [None, 5.0]]


INBOX = [
    ("new", at(20, 9)),
    ("new", at(20, 10)),
    ("running", at(20)),
    ("dead", at(19)),
    ("dead", at(1)),
    ("done", at(20)),
]
OUTBOX = [
    ("queued", at(20, 8)),
    ("sending", at(20)),
    ("failed", at(19)),
    ("failed", at(1)),
    ("unknown", at(19)),
    ("sent", at(20)),
]


def test_queues_tell_what_waits_and_what_ended_badly_lately(db: None) -> None:
    for number, (state, moment) in enumerate(INBOX):
        Update.objects.create(bot_id=1, update_id=number, lane="x", raw={}, state=state, received_at=moment)
    for number, (state, moment) in enumerate(OUTBOX):
        Delivery.objects.create(key=str(number), lane="x", source="turn", state=state, created_at=moment)

    assert dashboard.queues(NOW) == {
        "inbox": {"waiting": 2, "running": 1, "oldest": at(20, 9), "dead": 1},
        "outbox": {"waiting": 1, "oldest": at(20, 8), "failed": 1, "unknown": 1},
    }


def test_reminders_tell_what_comes_and_what_went_wrong_lately(db: None) -> None:
    anna, chat = person(1, NOW), Chat.objects.create(bot_id=1, telegram_id=501, kind="private")
    late, soon, later = (remind(anna, chat, number, NOW) for number in (0, 2, 4))
    Schedule.objects.filter(pk=later.schedule.pk).update(next_at=at(22))
    Reminder.objects.filter(pk=soon.pk).update(needs_attention=True)
    for day, state in ((19, "dead"), (18, "missed"), (17, "missed"), (16, "acked"), (1, "dead")):
        Occurrence.objects.create(reminder=late, planned_at=at(day), state=state)

    assert dashboard.reminders(NOW) == {"reminders": {"coming": 2, "attention": 1, "dead": 1, "missed": 2}}


def test_those_who_wait_longest_are_named_first(db: None) -> None:
    late, early = person(1, at(20, 9)), person(2, at(19))
    person(3, at(19), status=Access.ACTIVE)
    User.objects.create_user("never-asked")
    Chat.objects.create(bot_id=1, telegram_id=5, kind="private", requested_at=at(19))
    group = Chat.objects.create(bot_id=1, telegram_id=-5, kind="group", requested_at=at(19))

    assert dashboard.pending(NOW) == {
        "pending_people": [early, late],
        "pending_people_count": 2,
        "pending_groups": [group],
        "pending_groups_count": 1,
    }


def test_job_whose_time_has_passed_is_late(db: None) -> None:
    job = DjangoJob.objects.create(id="housekeeping", next_run_time=at(20, 11), job_state=b"")
    DjangoJobExecution.objects.create(job=job, status="Executed", run_time=at(20, 9))
    newest = DjangoJobExecution.objects.create(job=job, status="Error!", run_time=at(20, 10))

    [shown] = dashboard.jobs(NOW)["jobs"]

    assert (shown["late"], shown["last"]) == (True, newest)
    assert "failed" in str(shown["badge"])


def test_run_of_a_rare_job_is_not_lost_behind_those_of_a_frequent_one(db: None) -> None:
    rare, frequent = (DjangoJob.objects.create(id=name, next_run_time=at(21), job_state=b"") for name in ("a", "b"))
    run = DjangoJobExecution.objects.create(job=rare, status="Executed", run_time=at(1))
    for minutes in range(101):
        moment = at(20) - timedelta(minutes=minutes)
        DjangoJobExecution.objects.create(job=frequent, status="Executed", run_time=moment)

    assert dashboard.jobs(NOW)["jobs"][0]["last"] == run


def test_only_open_breakers_are_named(db: None) -> None:
    paused = ProviderState.objects.create(name="deepseek", paused_until=at(21))
    ProviderState.objects.create(name="gemini", paused_until=at(19))
    SyncRun.objects.create(slot="1", trigger="schedule", started_at=at(18))
    newest = SyncRun.objects.create(slot="2", trigger="schedule", started_at=at(19))

    assert dashboard.providers(NOW) == {"paused_providers": [paused], "last_refresh": newest}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_empty_overview_opens(site: Client, language: str) -> None:
    page = site.get("/admin/", headers={"accept-language": language})

    assert page.status_code == 200
    assert page.context["requests_chart"] is None
    assert "$0" not in page.content.decode()


def test_empty_overview_says_that_there_is_nothing_yet(site: Client) -> None:
    page = site.get("/admin/").content.decode()

    assert "Nothing yet: nobody has asked in these 30 days." in page
    assert "Nobody waits." in page
    assert "the bot registers its jobs when it starts" in page
    assert "<canvas" not in page


def test_unknown_cost_is_called_unknown(site: Client, dialog: Conversation) -> None:
    ask(dialog, timezone.now(), input_tokens=10, output_tokens=10)

    page = " ".join(site.get("/admin/").content.decode().split())

    assert "unknown" in page
    assert "1 answer without a known price is not in it" in page
    assert "$0" not in page


def test_each_chart_is_drawn_from_its_own_figures(site: Client, dialog: Conversation) -> None:
    ask(dialog, timezone.now(), first_token_ms=1230, total_ms=5670)

    page = site.get("/admin/").content.decode()

    assert page.count("<canvas") == 3
    assert (page.count("1.23"), page.count("5.67")) == (2, 2)  # half of the answers and 95 per cent of them
    titles = ["Requests and people per day", "To the first words, seconds", "1.23", "To the whole answer", "5.67"]
    assert sorted(titles, key=page.index) == titles


def test_overview_leads_to_who_waits(site: Client) -> None:
    anna = person(1, timezone.now() - timedelta(hours=2))

    page = site.get("/admin/").content.decode()

    assert f"/admin/accounts/user/{anna.pk}/change/" in page
    assert "asked 2\N{NO-BREAK SPACE}hours ago" in page


def test_staff_see_no_figures_without_the_right(helper: Client, dialog: Conversation) -> None:
    person(1, timezone.now())
    ask(dialog, timezone.now(), error_kind="timeout")

    page = helper.get("/admin/")

    assert page.status_code == 200
    assert not any(key in page.context for key in ("use", "pending_people", "inbox", "jobs", "paused_providers"))
    assert "Anna 1" not in page.content.decode()


def test_staff_see_the_panel_they_may_see(dialog: Conversation) -> None:
    helper = User.objects.create_user("helper", is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename="view_request"))
    ask(dialog, timezone.now(), error_kind="timeout")

    page = client_of(helper).get("/admin/")

    assert page.context["use"]["requests"] == 1
    assert "inbox" not in page.context


@pytest.mark.parametrize(
    ("rights", "panel"),
    [
        (["view_user", "view_chat"], "pending_people"),
        (["view_update", "view_delivery"], "inbox"),
        (["view_providerstate", "view_syncrun"], "last_refresh"),
        (["view_djangojob", "view_djangojobexecution"], "jobs"),
        (["view_reminder", "view_occurrence"], "reminders"),
    ],
)
def test_panel_of_two_kinds_of_rows_needs_the_rights_to_both(db: None, rights: list[str], panel: str) -> None:
    helper = User.objects.create_user("helper", is_staff=True)
    client = client_of(helper)

    shown = []
    for right in rights:
        helper.user_permissions.add(Permission.objects.get(codename=right))
        shown.append(panel in client.get("/admin/").context)

    assert shown == [False, True]


def test_number_of_queries_does_not_depend_on_the_rows(site: Client) -> None:
    one_of_each(0, timezone.now())
    few = queries(site)
    for number in range(1, 20):
        one_of_each(number, timezone.now())

    assert queries(site) <= few
    assert few <= 31


def test_figures_are_counted_once_a_minute(site: Client, dialog: Conversation) -> None:
    ask(dialog, timezone.now(), user=person(1, NOW))
    counted = queries(site)
    ask(dialog, timezone.now())

    with CaptureQueriesContext(connection) as asked:
        page = site.get("/admin/")

    assert len(asked) == counted - 8
    assert page.context["use"]["requests"] == 1


def queries(site: Client) -> int:
    cache.clear()
    with CaptureQueriesContext(connection) as asked:
        assert site.get("/admin/").status_code == 200
    return len(asked)
