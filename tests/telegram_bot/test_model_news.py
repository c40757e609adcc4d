"""What the admins hear of the catalogue and of providers that are down or back."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from delivery.models import Delivery, JobRequest
from llm import breaker, services
from llm.errors import ProviderError
from llm.models import Model, ProviderState, SyncRun
from llm.signals import models_synced, provider_paused, provider_recovered
from telegram_bot import heart, notices
from telegram_bot.models import Button

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _admins(settings: Settings) -> Iterator[None]:
    settings.ADMIN_CHAT_ID, settings.BOT_TOKEN, settings.LANGUAGE_CODE = -5, "1000:token", "en"
    notices.forget()
    yield
    notices.forget()


def synced(results: dict[str, Any], *, first: bool = False) -> SyncRun:
    run = SyncRun.objects.create(trigger="command", results=results)
    models_synced.send(sender=SyncRun, run=run, first=first)
    return run


def model(name: str, provider: str = "openai", **facts: Any) -> Model:
    state, _created = ProviderState.objects.get_or_create(name=provider)
    return Model.objects.create(provider=state, name=name, label=name, **facts)


def said() -> list[str]:
    return [delivery.content["params"]["text"] for delivery in Delivery.objects.order_by("id")]


def labels() -> list[str]:
    rows = Delivery.objects.get().content["params"].get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]


def test_changes_are_told_provider_by_provider() -> None:
    synced({"openai": {"new": ["gpt_x"], "gone": ["old"]}, "mistral": {"changed": ["m-1", "m-2"], "returned": ["m-3"]}})

    assert said() == [
        "Models updated:\n↩️ mistral: m-3\n✏️ mistral: m-1, m-2\n➕ openai: gpt_x\n➖ openai: old",
    ]  # fmt: skip


def test_error_of_a_provider_is_told() -> None:
    synced({"openai": {"seen": 0, "error": "timeout"}})

    assert "openai did not answer as it should: timeout" in said()[0]


@pytest.mark.parametrize(
    ("results", "first"), [({"openai": {"new": ["gpt-x"]}}, True), ({"openai": {"seen": 40}}, False), ({}, False)]
)
def test_first_fill_and_a_run_without_news_are_silent(results: dict[str, Any], first: bool) -> None:
    synced(results, first=first)

    assert said() == []


def test_new_models_come_with_a_button_to_hide_or_offer_them() -> None:
    shown, hidden = model("gpt-a"), model("gpt-b", enabled=False)
    model("known")
    synced({"openai": {"new": ["gpt-a", "gpt-b"]}})

    assert labels() == ["🙈 Hide gpt-a", "👁 Offer gpt-b"]
    words = [button.data["words"] for button in Button.objects.filter(action="admin").order_by("created_at")]
    assert sorted(words) == [["disable", str(shown.pk)], ["enable", str(hidden.pk)]]


def test_line_of_names_ends_where_nobody_reads_on() -> None:
    synced({"openai": {"new": [f"gpt-{number:02}" for number in range(30)]}})

    assert "gpt-09 and 20 more" in said()[0]


def test_flood_of_new_models_has_no_more_than_twelve_buttons() -> None:
    names = [f"gpt-{number:02}" for number in range(30)]
    for name in names:
        model(name)
    synced({"openai": {"new": names}})

    assert len(labels()) == 12


def test_one_run_is_told_once() -> None:
    run = synced({"openai": {"new": ["gpt-x"]}})
    models_synced.send(sender=SyncRun, run=run, first=False)

    assert len(said()) == 1


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("auth", "the key was refused"),
        ("billing", "the account is out of money"),
        ("forbidden_region", "it refuses our region"),
        ("overloaded", "it is overloaded"),
        ("server", "its server fails again and again"),
        ("network", "it cannot be reached"),
    ],
)
def test_paused_provider_is_told_with_the_reason(kind: str, reason: str) -> None:
    until = timezone.now() + timedelta(minutes=5)
    provider_paused.send(sender=ProviderState, name="openai", kind=kind, until=until)

    assert said() == [f"⏸ openai is paused for 5 min: {reason}."]


def test_failures_that_pass_are_told_when_they_come_again_and_again(now: datetime) -> None:
    for number in range(breaker.FAILURES):
        assert said() == []
        breaker.record_failure("openai", ProviderError("server", "500"), now + timedelta(seconds=number))
    for number in range(3):
        breaker.record_failure("openai", ProviderError("server", "500"), now + timedelta(minutes=1 + number))
    breaker.record_success("openai", now + timedelta(minutes=9))

    paused, back = said()
    assert paused.endswith(": its server fails again and again.")
    assert back == "▶️ openai answers again."


def test_return_of_a_provider_of_which_nothing_was_said_is_no_news(now: datetime) -> None:
    provider_recovered.send(sender=ProviderState, name="openai")

    assert said() == []


def test_second_pause_within_ten_minutes_is_told_later_if_it_lasts(settings: Settings) -> None:
    settings.HEALTH_CHECKS = {}
    now = timezone.now()
    state = ProviderState.objects.create(name="openai", last_error_kind="auth")
    for _time in range(2):
        provider_paused.send(sender=ProviderState, name="openai", kind="auth", until=now + timedelta(minutes=5))
        provider_recovered.send(sender=ProviderState, name="openai")
    assert said() == ["⏸ openai is paused for 5 min: the key was refused.", "▶️ openai answers again."]

    state.paused_until = now + timedelta(minutes=30)
    state.save()
    for minute in (1, 9, 11, 12):
        heart.look(now + timedelta(minutes=minute))
    assert said()[2:] == ["⏸ openai is paused for 19 min: the key was refused."]

    ProviderState.objects.update(paused_until=None)
    heart.look(now + timedelta(minutes=13))
    assert said()[3:] == ["▶️ openai answers again."]


def test_without_an_admins_chat_nothing_is_said(settings: Settings) -> None:
    settings.ADMIN_CHAT_ID = 0
    synced({"openai": {"new": ["gpt-x"]}})
    provider_recovered.send(sender=ProviderState, name="openai")

    assert said() == []


def test_quota_of_the_day_is_told_once() -> None:
    for _ in range(3):
        services.tell_refusal("gemini", "gemini-3.8-flash", "quota_daily")

    assert said() == ["🪫 gemini refuses gemini-3.8-flash: the quota of the day is used up there."]


def test_unknown_model_has_the_list_read_again_once() -> None:
    services.tell_refusal("openai", "gone-1", "model_not_found")
    services.tell_refusal("openai", "gone-1", "model_not_found")

    assert said() == ["❔ openai knows no model gone-1. The list of models is being read again."]
    assert [asked.job_id for asked in JobRequest.objects.all()] == ["sync_models"]


def test_list_is_read_again_without_an_admins_chat_too(settings: Settings) -> None:
    settings.ADMIN_CHAT_ID = None
    services.tell_refusal("openai", "gone-1", "model_not_found")

    assert JobRequest.objects.count() == 1


def test_other_refusals_tell_nobody() -> None:
    services.tell_refusal("openai", "m", "bad_request")

    assert said() == []
    assert not JobRequest.objects.exists()
