"""Choosing who answers: providers, pages of models, names."""

import re

import pytest
from django.utils import timezone
from pytest_django import Settings

from conversations.models import Conversation
from telegram_bot.models import Button
from tests.conversations.conftest import change, choose, offer, requests, retire
from tests.house import ANNA, BORIS, MODEL, TEAM, House

LUNA = "gpt-4o-mini"


def labels(house: House, chat_id: int = ANNA) -> list[str]:
    return list(house.buttons(chat_id))


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

    assert said.endswith("Type more of the name to narrow it down.")
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
