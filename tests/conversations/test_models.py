"""Choosing who answers: providers, pages of models, names; and what happens when a model goes away."""

import re
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from conversations import services, words
from conversations.models import Assistant, Conversation
from llm import services as llm
from llm import sync
from llm.models import Model
from llm.signals import model_retired
from telegram_bot.models import Button
from tests.conversations.conftest import choose, offer, requests
from tests.house import ANNA, BORIS, MODEL, OLGA, TEAM, House

LUNA = "gpt-4o-mini"


def labels(house: House, chat_id: int = ANNA) -> list[str]:
    return list(house.buttons(chat_id))


def model(name: str) -> Model:
    return Model.objects.select_related("provider").get(name=name)


def retire(name: str, replacement: str = "") -> None:
    """As a refresh of the catalogue does it."""
    row = model(name)
    row.state = "retired"
    row.replaced_by = model(replacement) if replacement else None
    row.save()
    model_retired.send(Model, model=row, replacement=row.replaced_by)


def change(name: str, **fields: Any) -> None:
    Model.objects.filter(name=name).update(**fields)
    services.forget_default()


async def test_provider_then_model_then_it_answers(house: House) -> None:
    await house.db(offer, "openai", LUNA)

    said = await house.ask(ANNA, "/models")
    assert said == "Now GPT-4.1 mini answers. Whose models shall I show?"
    assert labels(house) == ["✓ OpenAI · 2"]

    house.press(ANNA, "✓ OpenAI")
    await house.quiet()
    assert labels(house) == ["✓ GPT-4.1 mini", LUNA, "« Back"]

    house.press(ANNA, LUNA)
    await house.quiet()
    assert house.heard(ANNA) == [f"✅ {LUNA} answers here now."]
    assert labels(house) == []

    await house.ask(ANNA, "Hello")
    assert house.models.calls[-1].model == LUNA
    assert (await house.db(requests))[0].model_ref == f"openai:{LUNA}"


async def test_back_leads_to_the_providers(house: House) -> None:
    await house.ask(ANNA, "/models")
    house.press(ANNA, "✓ OpenAI")
    await house.quiet()

    house.press(ANNA, "« Back")
    await house.quiet()

    assert labels(house) == ["✓ OpenAI · 1"]
    assert len(house.messages(ANNA)) == 1


async def test_many_models_come_in_pages(house: House) -> None:
    await house.db(offer, "openai", *(f"model-{number:02}" for number in range(1, 20)))
    await house.ask(ANNA, "/models")
    house.press(ANNA, "✓ OpenAI")
    await house.quiet()

    assert house.heard(ANNA)[-1] == "Models of OpenAI · page 1 of 3"
    assert labels(house) == ["✓ GPT-4.1 mini", *(f"model-{number:02}" for number in range(1, 8)), "›", "« Back"]

    house.press(ANNA, "›")
    await house.quiet()
    assert labels(house) == [*(f"model-{number:02}" for number in range(8, 16)), "‹", "›", "« Back"]

    house.press(ANNA, "›")
    await house.quiet()
    assert labels(house) == [*(f"model-{number:02}" for number in range(16, 20)), "‹", "« Back"]

    house.press(ANNA, "‹")
    await house.quiet()
    assert house.heard(ANNA) == ["Models of OpenAI · page 2 of 3"]


async def test_list_opens_at_the_page_of_the_current_model(house: House) -> None:
    await house.db(offer, "openai", *(f"model-{number:02}" for number in range(1, 20)))
    await house.db(choose, "model-12")
    await house.ask(ANNA, "/models")

    house.press(ANNA, "✓ OpenAI")
    await house.quiet()

    assert "page 2 of 3" in house.heard(ANNA)[-1]
    assert "✓ model-12" in labels(house)


async def test_callback_data_are_short_keys_to_rows(house: House) -> None:
    await house.ask(ANNA, "/models")

    [data] = house.buttons(ANNA).values()
    assert re.fullmatch(r"b:[\w-]{16}", data)
    button = await house.db(Button.objects.get, pk=data.removeprefix("b:"))
    assert (button.action, button.data) == ("models.of", {"provider": "openai"})


async def test_only_providers_that_are_set_up_are_shown(house: House) -> None:
    await house.db(offer, "mistral", "small")

    await house.ask(ANNA, "/models")

    assert labels(house) == ["✓ OpenAI · 1"]


async def test_every_provider_that_is_set_up_is_shown(house: House, settings: Settings) -> None:
    settings.MISTRAL_API_KEY = "sandbox"
    await house.db(offer, "mistral", "small", "large")
    await house.db(offer, "mistral", "gone", state="retired")
    await house.db(offer, "mistral", "hidden", enabled=False)

    await house.ask(ANNA, "/models")

    assert set(labels(house)) == {"✓ OpenAI · 1", "Mistral · 2"}


async def test_model_that_sees_or_is_about_to_go_is_marked(house: House) -> None:
    await house.db(change, MODEL, capabilities=["text", "image"], retires_at=timezone.now())
    await house.ask(ANNA, "/models")

    house.press(ANNA, "✓ OpenAI")
    await house.quiet()

    assert labels(house)[0] == "✓ GPT-4.1 mini 🖼 ⏳"


async def test_empty_catalogue_is_explained(house: House) -> None:
    await house.db(change, MODEL, enabled=False)

    assert "still empty" in await house.ask(ANNA, "/models")


async def test_somebody_elses_button_is_refused(team: House) -> None:
    await team.ask(ANNA, "/models@sekretar_bot", TEAM)

    pressed = team.press(BORIS, "✓ OpenAI", TEAM)
    await team.until(lambda: pressed.answered)
    await team.quiet()

    assert "somebody else's" in team.calls("answerCallbackQuery")[-1].params["text"]
    assert "Whose models" in team.heard(TEAM)[-1]


async def test_button_that_is_too_old_is_refused(house: House) -> None:
    await house.ask(ANNA, "/models")
    await house.db(lambda: Button.objects.update(expires_at=timezone.now()))

    pressed = house.press(ANNA, "✓ OpenAI")
    await house.until(lambda: pressed.answered)

    assert "too old" in house.calls("answerCallbackQuery")[-1].params["text"]


async def test_button_of_a_model_that_went_away_says_so(house: House) -> None:
    await house.db(offer, "openai", LUNA)
    await house.ask(ANNA, "/models")
    house.press(ANNA, "✓ OpenAI")
    await house.quiet()
    await house.db(change, LUNA, state="retired")

    house.press(ANNA, LUNA)
    await house.quiet()

    assert house.heard(ANNA)[-1].startswith("This model is gone.")
    assert await house.db(Conversation.objects.filter(model=None).count) == 1


# --- by name --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [LUNA, f"openai:{LUNA}", "GPT-4O-MINI", "Luna the cheap", "moon", "una the che"])
async def test_model_is_chosen_by_any_of_its_names(house: House, name: str) -> None:
    await house.db(offer, "openai", LUNA, label="Luna the Cheap", aliases=["moon"])

    assert await house.ask(ANNA, f"/model {name}") == "✅ Luna the Cheap answers here now."


async def test_name_that_several_models_share_asks_which(house: House, settings: Settings) -> None:
    settings.MISTRAL_API_KEY = "sandbox"
    await house.db(offer, "openai", "open-small")
    await house.db(offer, "mistral", "open-small")

    said = await house.ask(ANNA, "/model open-small")
    assert said == "Several models match. Which one?"
    assert set(labels(house)) == {"open-small · OpenAI", "open-small · Mistral"}

    house.press(ANNA, "open-small · Mistral")
    await house.quiet()
    chosen = await house.db(Conversation.objects.select_related("model").get)
    assert chosen.model is not None
    assert chosen.model.ref == "mistral:open-small"


async def test_part_of_many_names_shows_the_first_and_asks_for_more(house: House) -> None:
    await house.db(offer, "openai", *(f"turbo-{number:02}" for number in range(12)))

    said = await house.ask(ANNA, "/model turbo")

    assert said.endswith("More of the name narrows it down.")
    assert labels(house) == [f"turbo-{number:02} · OpenAI" for number in range(8)]


async def test_exact_name_wins_over_names_that_hold_it(house: House) -> None:
    await house.db(offer, "openai", "turbo", "turbo-large")

    assert await house.ask(ANNA, "/model turbo") == "✅ turbo answers here now."


@pytest.mark.parametrize("name", ["no such thing", "hidden"])
async def test_unknown_or_hidden_name_is_not_chosen(house: House, name: str) -> None:
    await house.db(offer, "openai", "hidden", enabled=False)

    assert "do not know a model of that name" in await house.ask(ANNA, f"/model {name}")


async def test_retired_name_offers_its_replacement(house: House) -> None:
    await house.db(offer, "openai", LUNA, "old-one")
    await house.db(retire, "old-one", LUNA)

    said = await house.ask(ANNA, "/model old-one")
    assert said == "old-one is not offered any more. Will its replacement do?"

    house.press(ANNA, LUNA)
    await house.quiet()
    assert house.heard(ANNA)[-1] == f"✅ {LUNA} answers here now."


async def test_model_without_a_name_shows_the_list(house: House) -> None:
    assert "Whose models" in await house.ask(ANNA, "/model")


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
    await house.db(offer, "openai", LUNA)
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
    from telegram_bot import model_news, notices

    notices.notify_admins("test", "New models", [[model_news.toggle(model(name))]])


async def test_admin_hides_a_model_from_the_notice(house: House) -> None:
    await house.db(announce, MODEL)
    await house.quiet()

    pressed = house.press(OLGA, "🙈 Hide", chat_id=-1001000000001)
    await house.until(lambda: pressed.answered)
    await house.quiet()

    assert "is hidden now" in house.calls("answerCallbackQuery")[-1].params["text"]
    assert not (await house.db(model, MODEL)).enabled


async def test_member_cannot_hide_a_model(house: House) -> None:
    house.world.chats[-1001000000001].members[ANNA] = "member"
    await house.db(announce, MODEL)
    await house.quiet()

    pressed = house.press(ANNA, "🙈 Hide", chat_id=-1001000000001)
    await house.until(lambda: pressed.answered)
    await house.quiet()

    assert "for admins" in house.calls("answerCallbackQuery")[-1].params["text"]
    assert (await house.db(model, MODEL)).enabled


def test_replacement_is_found_through_several(db: None) -> None:
    offer("openai", "a", "b", "c")
    Model.objects.filter(name="a").update(state="retired", replaced_by=model("b"))
    Model.objects.filter(name="b").update(enabled=False, replaced_by=model("c"))

    assert llm.replacement_of(model("a")) == model("c")
