"""The catalogue in the admins' words: lists, offer and hide, a refresh that one can watch."""

import asyncio
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from delivery import jobs, pulse
from delivery.models import JobRequest
from llm.models import Model, SyncRun
from tests.house import ANNA, MODEL, OLGA, House

MINI = "GPT-4.1 mini"


def model() -> Model:
    return Model.objects.get(name=MODEL)


def audited() -> list[tuple[str, str, str]]:
    entries = AuditEntry.objects.filter(action__startswith="model").order_by("id")
    return [(entry.action, entry.via, entry.actor_label) for entry in entries]


async def shown(house: House, text: str, chat_id: int = OLGA) -> str:
    """What the bot's newest message says as soon as it holds ``text``."""
    return await house.until(lambda: next((said for said in house.heard(chat_id)[-1:] if text in said), ""))


async def test_models_are_shown_by_provider_with_prices_and_buttons(house: House) -> None:
    assert "openai · offered: 1, hidden: 0" in await house.ask(OLGA, "/admin models")
    house.press(OLGA, "openai")
    await house.quiet()

    number = (await house.db(model)).pk
    assert house.heard(OLGA)[-1] == f"openai\n👁 {MINI} · {number} · price unknown"
    assert f"🙈 Hide {MINI}" in house.buttons(OLGA)


async def test_model_is_hidden_and_offered_by_number_or_name(house: House) -> None:
    number = (await house.db(model)).pk
    assert await house.ask(OLGA, f"/admin disable openai:{MODEL}") == f"🙈 {MINI} is hidden now."
    assert not (await house.db(model)).enabled
    assert await house.ask(OLGA, f"/admin enable {number}") == f"👁 {MINI} is offered now."
    assert await house.ask(OLGA, f"/admin enable {number}") == f"👁 {MINI} is offered now."
    assert (await house.db(model)).enabled
    assert await house.db(audited) == [("model.hidden", "chat", "Ольга"), ("model.offered", "chat", "Ольга")]


@pytest.mark.parametrize("words", ["enable", "disable", "models nobody", "models openai x", "refresh models now"])
async def test_unclear_words_are_explained(house: House, words: str) -> None:
    assert (await house.ask(OLGA, f"/admin {words}")).startswith("Write /admin")


async def test_unknown_model_is_said(house: House) -> None:
    assert await house.ask(OLGA, "/admin disable gpt-99") == "I do not know a model of that name."


# --- refresh --------------------------------------------------------------------------------------------------------


async def test_refresh_works_without_a_scheduler_and_shows_what_came(house: House) -> None:
    await house.ask(OLGA, "/admin refresh models")
    said = await shown(house, "Refreshed")

    assert "✅ openai: ➕" in said
    assert len(house.heard(OLGA)) == 1, "one message, edited"
    run = await house.db(SyncRun.objects.get)
    assert (run.trigger, run.state) == ("chat", "done")
    assert await house.db(lambda: JobRequest.objects.get().started_at is not None)
    assert ("models.refresh_asked", "chat", "Ольга") in await house.db(audited)


async def test_refresh_holds_nobody_up_and_tells_of_each_provider_as_it_answers(house: House, settings: Any) -> None:
    settings.MISTRAL_API_KEY, settings.MISTRAL_BASE_URL = "sandbox", f"{house.sandbox.url}/llm/mistral"
    house.models.rule(endpoint="models", provider="mistral", hold="mistral")
    house.say(OLGA, "/admin refresh models")
    await shown(house, "✅ openai:")
    assert "⏳ mistral" in house.heard(OLGA)[-1]
    assert await house.ask(ANNA, "/ping") == "Bot ready"
    assert await house.ask(OLGA, "/ping") == "Bot ready"
    house.models.release("mistral")
    await house.until(lambda: any("Refreshed" in said for said in house.heard(OLGA)))

    (said,) = (said for said in house.heard(OLGA) if "Refreshed" in said)
    assert "✅ mistral:" in said
    assert "✅ openai:" in said


async def test_provider_that_fails_is_shown_with_its_error(house: House, settings: Any) -> None:
    settings.OPENAI_BASE_URL = f"{house.sandbox.url}/nowhere"
    await house.ask(OLGA, "/admin refresh models")

    assert "⚠️ openai:" in await shown(house, "Refreshed")


async def test_leader_of_the_scheduler_does_the_work_where_there_is_one(house: House, monkeypatch: Any) -> None:
    monkeypatch.setattr("telegram_bot.admin_chat.refreshing.PATIENCE", 600.0)
    await house.db(pulse.beat, pulse.BOT, {"leads": True}, timezone.now())
    house.say(OLGA, "/admin refresh models")
    await house.quiet()
    assert "⏳ openai" in house.heard(OLGA)[-1]
    request = await house.db(JobRequest.objects.get)
    assert await house.db(jobs.take, request.pk, timezone.now())
    await asyncio.to_thread(jobs.run, "llm.jobs.sync_models")
    await shown(house, "Refreshed")

    assert await house.db(lambda: SyncRun.objects.get().trigger) == "nightly"


async def test_leader_that_takes_no_request_is_not_waited_for_for_ever(house: House, monkeypatch: Any) -> None:
    monkeypatch.setattr("telegram_bot.admin_chat.refreshing.PATIENCE", 0.5)
    await house.db(pulse.beat, pulse.BOT, {"leads": True}, timezone.now())
    await house.ask(OLGA, "/admin refresh models")
    await shown(house, "Refreshed")

    assert await house.db(lambda: SyncRun.objects.get().trigger) == "chat"


async def test_asked_for_refresh_runs_although_the_night_had_its_own(house: House) -> None:
    await asyncio.to_thread(jobs.run, "llm.jobs.sync_models")
    await house.db(lambda: SyncRun.objects.update(started_at=timezone.now().replace(year=2020)))
    await asyncio.to_thread(jobs.run, "llm.jobs.sync_models")

    assert await house.db(lambda: list(SyncRun.objects.order_by("pk").values_list("trigger", flat=True))) == [
        "nightly",
        "asked",
    ]
