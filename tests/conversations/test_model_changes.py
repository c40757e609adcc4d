"""Who answers where nobody chose, and what happens when a model goes away."""

import asyncio

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEntry
from conversations import services, turn, words
from conversations.models import Assistant
from conversations.services import default
from llm import services as llm
from llm import sync
from llm.models import Model
from telegram_bot import model_news, notices
from tests.conversations.conftest import change, choose, model, offer, requests, retire
from tests.house import ADMINS, ANNA, MODEL, OLGA, TEAM, House

LUNA = "gpt-4o-mini"


# --- the default ----------------------------------------------------------------------------------------------------


async def test_default_answers_before_the_catalogue_was_ever_filled(house: House, settings: Settings) -> None:
    await house.db(Model.objects.all().delete)
    services.forget_default()

    assert await house.ask(ANNA, "[[text Here]]") == "Here"

    [request] = await house.db(requests)
    assert (request.model, request.model_ref, request.cost) == (None, f"openai:{MODEL}", None)
    assert request.input_tokens


async def test_default_may_be_a_name_that_no_list_holds(house: House, settings: Settings) -> None:
    house.models.catalogues["openai"].add("our-own")
    settings.DEFAULT_MODEL = "openai:our-own"
    services.forget_default()

    await house.ask(ANNA, "Hello")

    assert house.models.calls[-1].model == "our-own"
    assert await house.ask(ANNA, "/models") == "Now our-own answers. Whose models shall I show?"


async def test_without_a_default_the_first_offered_model_answers(house: House, settings: Settings) -> None:
    settings.DEFAULT_MODEL = ""
    services.forget_default()
    await house.db(offer, "openai", "aaa-hidden", enabled=False)

    await house.ask(ANNA, "Hello")

    assert house.models.calls[-1].model == MODEL


async def test_default_assistant_that_was_deleted_a_moment_ago_costs_no_answer(house: House) -> None:
    await house.db(lambda: Assistant.objects.create(name="Terse", is_default=True))
    services.forget_default()
    assert await house.ask(ANNA, "[[text Before]]") == "Before"
    await house.db(Assistant.objects.all().delete)

    assert await house.ask(OLGA, "[[text After]]") == "After"


def remembered() -> str:
    known = default._defaults
    return known.target.name if known is not None and known.target is not None else ""


async def test_defaults_are_kept_fresh_so_that_no_question_waits_for_them(
    house: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "DEFAULT_SECONDS", 0.1)
    await turn.startup()
    try:
        settings.DEFAULT_MODEL = "openai:our-own"
        async with asyncio.timeout(30):
            while remembered() != "our-own":
                await asyncio.sleep(0.02)
    finally:
        await turn.shutdown()
    settings.DEFAULT_MODEL = "openai:another"
    await asyncio.sleep(0.15)

    assert remembered() == "our-own"


async def test_choice_goes_along_into_the_next_dialog(house: House) -> None:
    await house.db(offer, "openai", LUNA)
    await house.ask(ANNA, f"/model {LUNA}")
    await house.ask(ANNA, "/clear")

    await house.ask(ANNA, "Hello")

    assert house.models.calls[-1].model == LUNA


async def test_assistants_model_answers_where_nobody_chose(house: House) -> None:
    await house.db(offer, "openai", LUNA)
    await house.db(lambda: Assistant.objects.create(name="Luna", model=model(LUNA), is_default=True))

    await house.ask(ANNA, "Hello")

    assert house.models.calls[-1].model == LUNA


async def test_assistant_with_a_retired_model_asks_its_replacement(house: House) -> None:
    await house.db(offer, "openai", LUNA, "old-one")
    await house.db(lambda: Assistant.objects.create(name="Old", model=model("old-one"), is_default=True))
    await house.db(retire, "old-one", LUNA)

    await house.ask(ANNA, "Hello")

    assert house.models.calls[-1].model == LUNA


# --- going away -----------------------------------------------------------------------------------------------------


async def test_chat_of_a_retired_model_is_moved_and_told(house: House) -> None:
    await house.db(offer, "openai", LUNA, "old-one")
    await house.db(choose, "old-one")

    await house.db(retire, "old-one", LUNA)
    await house.quiet()
    assert house.heard(ANNA) == [f"🔁 The model old-one was retired. From now on {LUNA} answers here."]

    await house.ask(ANNA, "Hello")
    assert house.models.calls[-1].model == LUNA
    assert len(house.heard(ANNA)) == 2


async def test_chat_of_a_retired_model_without_replacement_gets_the_default(house: House) -> None:
    await house.db(offer, "openai", "old_one")
    await house.db(choose, "old_one")

    await house.db(retire, "old_one")
    await house.ask(ANNA, "Hello")

    assert house.heard(ANNA)[0] == "🔁 The model old_one was retired. I will answer with the default one."
    assert house.models.calls[-1].model == MODEL


async def test_model_that_the_providers_list_lost_twice_moves_its_chats(house: House) -> None:
    await house.db(offer, "openai", LUNA, last_seen=timezone.now())
    await house.db(lambda: Model.objects.filter(name=LUNA).update(replaced_by=model(MODEL)))
    await house.db(choose, LUNA)
    house.models.catalogues["openai"].remove(LUNA)

    await house.db(sync.run, "test")
    assert "answers." in await house.ask(ANNA, "/models")
    await house.db(sync.run, "test")
    await house.quiet()

    assert house.heard(ANNA)[-1] == f"🔁 The model {LUNA} was retired. From now on GPT-4.1 mini answers here."


async def test_chats_with_other_models_hear_nothing_of_it(house: House) -> None:
    await house.db(offer, "openai", LUNA, "old-one")
    await house.db(choose, LUNA)

    await house.db(retire, "old-one", LUNA)
    await house.quiet()

    assert house.heard(ANNA) == []


async def test_group_is_told_once_in_the_language_of_the_house(team: House) -> None:
    await team.db(offer, "openai", LUNA, "old-one")
    await team.db(choose, "old-one", TEAM)

    await team.db(retire, "old-one", LUNA)
    await team.quiet()

    assert len(team.heard(TEAM)) == 1


async def test_hidden_model_hands_over_to_the_default_and_says_so_once(house: House) -> None:
    await house.db(offer, "openai", LUNA)
    await house.db(choose, LUNA)
    await house.db(change, LUNA, enabled=False)

    await house.ask(ANNA, "One")
    await house.ask(ANNA, "Two")

    assert house.heard(ANNA)[0] == words.hidden(LUNA, "GPT-4.1 mini")
    assert len(house.heard(ANNA)) == 3
    assert {call.model for call in house.models.calls} == {MODEL}


async def test_hidden_model_with_nothing_to_take_its_place_is_told_plainly(house: House, settings: Settings) -> None:
    settings.DEFAULT_MODEL = ""
    await house.db(choose, MODEL)
    await house.db(change, MODEL, enabled=False)

    await house.ask(ANNA, "Hello")

    assert house.heard(ANNA) == [words.hidden("GPT-4.1 mini", ""), words.sorry("no_model")]


# --- the admins' buttons --------------------------------------------------------------------------------------------


def announce(name: str) -> None:
    notices.notify_admins("test", "New models", [[model_news.toggle(model(name))]])


async def test_admin_hides_a_model_from_the_notice(house: House) -> None:
    await house.db(announce, MODEL)
    await house.quiet()

    pressed = house.press(OLGA, "🙈 Hide", chat_id=ADMINS)
    await house.until(lambda: pressed.answered)
    await house.quiet()

    assert "GPT-4.1 mini is hidden now" in house.heard(ADMINS)[-1]
    assert not (await house.db(model, MODEL)).enabled
    entry = await house.db(AuditEntry.objects.get)
    assert (entry.action, entry.target_label) == ("model.hidden", "GPT-4.1 mini")


async def test_member_cannot_hide_a_model(house: House) -> None:
    house.world.chats[ADMINS].members[ANNA] = "member"
    await house.db(announce, MODEL)
    await house.quiet()

    pressed = house.press(ANNA, "🙈 Hide", chat_id=ADMINS)
    await house.until(lambda: pressed.answered)
    await house.quiet()

    assert "for admins" in house.calls("answerCallbackQuery")[-1].params["text"]
    assert (await house.db(model, MODEL)).enabled


def test_replacement_is_found_through_several(db: None) -> None:
    offer("openai", "a", "b", "c")
    Model.objects.filter(name="a").update(state="retired", replaced_by=model("b"))
    Model.objects.filter(name="b").update(enabled=False, replaced_by=model("c"))

    assert llm.replacement_of(model("a")) == model("c")
