"""What machines ask of the web side: it lives, it is ready, its figures; and who may read them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from django_apscheduler.models import DjangoJob
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Chat, User
from conversations.models import Conversation, Request
from core.health import Finding
from delivery import pulse
from delivery.models import Delivery, Schedule
from llm.models import ProviderState
from telegram_bot.models import Update

WELL = {"by": "poll", "heard_seconds_ago": 2.0, "expected": 60, "trouble": "", "leads": True}


@pytest.fixture
def now(db: None) -> datetime:
    cache.clear()
    return timezone.now()


@pytest.fixture
def alive(now: datetime) -> None:
    pulse.beat(pulse.BOT, WELL, now)


def since(now: datetime) -> float:
    """Seconds that the test itself has taken, and a little for what is rounded."""
    return (timezone.now() - now).total_seconds() + 0.1


def ready(status: int, **headers: str) -> dict[str, Any]:
    answer = Client().get("/readyz", headers=headers)
    assert answer.status_code == status, answer.content
    assert answer["Cache-Control"] == "no-store"
    return dict(answer.json()["checks"])


def update(now: datetime, number: int, lane: str = "in:1:5:0", **more: Any) -> Update:
    return Update.objects.create(bot_id=1, update_id=number, lane=lane, **{"raw": {}, "received_at": now} | more)


def delivery(now: datetime, number: int, **more: Any) -> Delivery:
    values = {"created_at": now, "lane": "out:1:5", "source": "turn"} | more
    return Delivery.objects.create(key=f"k{number}", bot_id=1, **values)


# --- /healthz ---


def test_process_that_lives_says_so_without_the_database() -> None:
    answer = Client().get("/healthz")  # this test has no database: a query would fail it
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probe_may_call_by_any_name(path: str) -> None:
    assert Client().get(path, headers={"host": "10.0.0.7:8000"}).status_code == 200


# --- /readyz ---


@pytest.mark.usefixtures("alive")
def test_ready_when_all_is_well(now: datetime) -> None:
    checks = ready(200)
    assert {name: check["level"] for name, check in checks.items()} == dict.fromkeys(
        ["database", "bot", "inbox", "outbox", "tick", "posts", "reports", "redis", "scheduler", "disk"], "ok"
    )
    assert checks["bot"]["by"] == "poll"
    assert 2 <= checks["bot"]["heard_seconds_ago"] <= 2 + since(now)
    assert checks["scheduler"]["leader"]


def test_not_ready_when_the_bot_never_ran(now: datetime) -> None:
    assert ready(503)["bot"] == {"level": "failed", "alive": False}


def test_not_ready_when_the_bots_process_is_gone(now: datetime) -> None:
    pulse.beat(pulse.BOT, WELL, now - timedelta(seconds=45))
    found = ready(503)
    assert (found["bot"]["level"], found["bot"]["alive"], found["scheduler"]["leader"]) == ("failed", False, False)


@pytest.mark.parametrize(
    ("silent", "trouble", "status"),
    [(100, "", 200), (130, "", 503), (50, "NetworkError", 200), (70, "NetworkError", 503)],
)
def test_bot_is_deaf_when_it_should_have_heard_something(
    now: datetime, silent: float, trouble: str, status: int
) -> None:
    pulse.beat(pulse.BOT, WELL | {"heard_seconds_ago": silent, "trouble": trouble}, now)
    assert ready(status)["bot"]["level"] == ("ok" if status == 200 else "failed")


@pytest.mark.parametrize(("tick", "status"), [(50, 200), (70, 503)])
def test_bot_that_looks_for_no_work_is_not_ready(now: datetime, tick: float, status: int) -> None:
    pulse.beat(pulse.BOT, WELL | {"tick_seconds_ago": tick}, now)
    assert ready(status)["bot"]["tick_seconds_ago"] >= tick


@pytest.mark.usefixtures("alive")
def test_not_ready_when_nobody_works_on_a_message(now: datetime) -> None:
    update(now - timedelta(minutes=6), 1)
    assert ready(503)["inbox"]["oldest_seconds"] >= 360


@pytest.mark.usefixtures("alive")
def test_message_behind_a_long_answer_waits_its_turn(now: datetime) -> None:
    update(now - timedelta(minutes=9), 1, state="running")
    update(now - timedelta(minutes=8), 2)
    assert ready(200)["inbox"]["oldest_seconds"] == 0


@pytest.mark.usefixtures("alive")
def test_delivery_is_late_from_when_it_fell_due(now: datetime) -> None:
    delivery(now - timedelta(hours=2), 1, not_before=now + timedelta(minutes=5))
    delivery(now - timedelta(hours=1), 2, not_before=now - timedelta(minutes=1), lane="out:1:6")
    assert 60 <= ready(200)["outbox"]["oldest_seconds"] <= 60 + since(now)


@pytest.mark.usefixtures("alive")
def test_not_ready_when_messages_do_not_leave(now: datetime) -> None:
    delivery(now - timedelta(minutes=6), 1)
    assert ready(503)["outbox"]["level"] == "failed"


@pytest.mark.usefixtures("alive")
def test_late_job_is_a_warning(now: datetime) -> None:
    DjangoJob.objects.create(id="sync_models", next_run_time=now - timedelta(hours=1), job_state=b"never loaded")
    assert ready(200)["scheduler"] == {"level": "warning", "leader": True, "late": ["sync_models"]}


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize(
    ("due", "state", "level"),
    [
        (50, "active", "ok"),
        (70, "active", "warning"),
        (70, "paused", "ok"),
        (-3600, "active", "ok"),
        (None, "active", "ok"),
    ],
)
def test_what_is_due_and_not_fired_is_a_warning(now: datetime, due: float | None, state: str, level: str) -> None:
    """A warning, for the bot's own check fails when it does not run at all."""
    at = None if due is None else now - timedelta(seconds=due)
    Schedule.objects.create(source="reminder", object_id="1", rule={}, zone="UTC", next_at=at, state=state)
    assert ready(200)["tick"]["level"] == level


@pytest.mark.usefixtures("alive")
def test_the_longest_overdue_counts(now: datetime) -> None:
    for number in range(3):
        due = now - timedelta(seconds=100 * number)
        Schedule.objects.create(source="reminder", object_id=str(number), rule={}, zone="UTC", next_at=due)
    assert 200 <= ready(200)["tick"]["overdue_seconds"] <= 200 + since(now)


@pytest.mark.usefixtures("alive")
def test_full_disk_is_a_warning(settings: Settings) -> None:
    settings.DISK_WARN_PERCENT = 99.9
    assert ready(200)["disk"]["level"] == "warning"


def unreadable(_now: datetime) -> Finding:
    raise PermissionError("/srv/files")


@pytest.mark.usefixtures("alive")
def test_check_that_breaks_is_a_warning_and_the_others_are_made(settings: Settings) -> None:
    settings.HEALTH_CHECKS = {"odd": f"{__name__}.unreadable", **settings.HEALTH_CHECKS}
    checks = ready(200)
    assert checks["odd"] == {"level": "warning", "error": "PermissionError"}
    assert checks["disk"]["level"] == "ok"


@pytest.mark.usefixtures("alive")
def test_cost_of_the_question_is_bounded(django_assert_max_num_queries: DjangoAssertNumQueries, now: datetime) -> None:
    for number in range(20):
        update(now, number, lane=f"in:1:{number}:0")
        delivery(now, number, lane=f"out:1:{number}")
    with django_assert_max_num_queries(16):
        ready(200)


@pytest.mark.usefixtures("alive")
def test_no_secret_and_no_name_stands_in_the_answers(settings: Settings, member: User, now: datetime) -> None:
    settings.BOT_TOKEN = "1000:sandbox-token-of-this-test"
    update(now, 1, raw={"message": {"text": "my diary"}})
    for path in ("/readyz", "/metrics"):
        text = Client().get(path).content.decode()
        assert [word for word in (settings.BOT_TOKEN, settings.SECRET_KEY, "diary", "Анна") if word in text] == []


# --- /metrics: who may read ---


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("10.1.2.3", {}, 403),
        ("", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, 403),
        ("127.0.0.1", {"X-Forwarded-Proto": "https"}, 403),
    ],
)
def test_without_a_token_only_this_machine_reads_figures(address: str, headers: dict[str, str], status: int) -> None:
    assert Client(REMOTE_ADDR=address).get("/metrics", headers=headers).status_code == status


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize(
    ("given", "status"), [("Bearer let-me-see", 200), ("Bearer other", 403), ("let-me-see", 403), ("", 403)]
)
def test_with_a_token_whoever_sends_it_reads_figures(settings: Settings, given: str, status: int) -> None:
    settings.METRICS_TOKEN = "let-me-see"
    client = Client(REMOTE_ADDR="10.1.2.3")
    assert client.get("/metrics", headers={"authorization": given}).status_code == status


# --- /metrics: what they say ---


def figures() -> dict[str, float]:
    answer = Client().get("/metrics")
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _space, value in (line.rpartition(" ") for line in lines)}


@pytest.mark.usefixtures("alive")
def test_figures_tell_of_rows(member: User, now: datetime) -> None:
    update(now, 1)
    update(now, 2, state="running", kind="message")
    delivery(now, 1)
    delivery(now, 2, state="failed")
    ProviderState.objects.create(name="openai", failures=7, paused_until=now + timedelta(minutes=1))
    dialog = Conversation.objects.create(chat=Chat.objects.create(bot_id=1, telegram_id=5, kind="private"))
    for number, cost in enumerate(("0.25", None)):
        Request.objects.create(
            conversation=dialog, user=member, model_ref="openai:a", update_key=f"1:{number}", state="done",
            input_tokens=100, output_tokens=10, cost=cost, created_at=now,
        )  # fmt: skip
    found = figures()
    assert found['sekretar_inbox_rows{state="new"}'] == found['sekretar_inbox_rows{state="running"}'] == 1
    assert found['sekretar_outbox_rows{state="queued"}'] == 1
    assert found['sekretar_day_deliveries{source="turn",state="failed"}'] == 1
    assert found['sekretar_provider_paused{provider="openai"}'] == 1
    assert found['sekretar_provider_failures{provider="openai"}'] == 7
    assert found['sekretar_today_requests{model="openai:a",state="done"}'] == 2
    assert found['sekretar_today_tokens{direction="input",model="openai:a"}'] == 200
    assert found['sekretar_today_cost_dollars{model="openai:a"}'] == 0.25
    assert found['sekretar_check_ok{check="bot"}'] == 1
    assert found['sekretar_check_figure{check="bot",figure="heard_seconds_ago"}'] >= 2


@pytest.mark.usefixtures("alive")
def test_unknown_cost_is_no_figure_and_not_zero(member: User, now: datetime) -> None:
    dialog = Conversation.objects.create(chat=Chat.objects.create(bot_id=1, telegram_id=5, kind="private"))
    Request.objects.create(conversation=dialog, model_ref="openai:a", update_key="1:1", state="done", created_at=now)
    assert 'sekretar_today_cost_dollars{model="openai:a"}' not in figures()


@pytest.mark.usefixtures("alive")
def test_sums_of_the_day_are_kept_for_a_minute(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    figures()
    with django_assert_max_num_queries(19):
        figures()
