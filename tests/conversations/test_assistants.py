"""Assistants in the chat: offered, chosen, bound; the dialog goes on."""

import json
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Chat, Role, User
from conversations import services
from conversations.models import Assistant, AssistantVersion, Binding, Conversation
from conversations.personas import shipped
from tests.conversations.conftest import model, offer, requests
from tests.house import ANNA, BORIS, MODEL, OLGA, TEAM, House


def create(name: str, **fields: Any) -> Assistant:
    return Assistant.objects.create(name=name, **({"prompt": f"I am {name}."} | fields))


async def test_person_chooses_an_assistant_and_the_dialog_goes_on(house: House) -> None:
    await house.db(create, "Terse", emoji="🪨", description="Says little.")
    await house.ask(ANNA, "one")

    assert "🪨 Terse · Says little." in await house.ask(ANNA, "/assistants")
    assert list(house.buttons(ANNA)) == ["🪨 Terse", "✓ Without an assistant"]
    house.press(ANNA, "🪨 Terse")
    await house.quiet()

    assert house.heard(ANNA)[-1] == "✅ 🪨 Terse helps here now. Says little."
    assert await house.ask(ANNA, "[[system]]") == "I am Terse."
    assert json.loads(await house.ask(ANNA, "[[history]]"))[0] == "one"
    await house.ask(ANNA, "/assistants")
    assert list(house.buttons(ANNA)) == ["✓ 🪨 Terse", "Without an assistant"]


async def test_assistant_is_offered_by_role_and_language(house: House) -> None:
    await house.db(create, "All")
    await house.db(create, "Русский", language="ru")
    await house.db(create, "English", language="en")
    await house.db(create, "Boss", role=Role.ADMIN)
    await house.db(create, "Gone", enabled=False)

    await house.ask(ANNA, "/assistants")
    await house.ask(OLGA, "/assistants")

    assert list(house.buttons(ANNA))[:-1] == ["All", "English"]
    assert list(house.buttons(OLGA))[:-1] == ["All", "Boss", "English"]


async def test_button_of_a_higher_role_does_nothing_later(house: House) -> None:
    await house.db(create, "Boss", role=Role.ADMIN)
    await house.ask(OLGA, "/assistants")
    await house.db(User.objects.filter(telegram_id=OLGA).update, role=Role.MEMBER)

    house.press(OLGA, "Boss")
    await house.quiet()

    assert "gone" in house.heard(OLGA)[-1]
    assert not await house.db(Conversation.objects.exclude(assistant=None).exists)


async def test_dialog_goes_on_without_an_assistant_that_its_person_may_choose_no_more(house: House) -> None:
    await house.db(create, "Boss", role=Role.ADMIN)
    await house.ask(OLGA, "/assistant Boss")
    await house.db(User.objects.filter(telegram_id=OLGA).update, role=Role.MEMBER)

    assert await house.ask(OLGA, "[[text Hello]]") == "Hello"
    assert house.heard(OLGA)[-2] == (
        "🔁 The assistant Boss is not offered to you any more. The dialog goes on without it."
    )
    assert "I am Boss." not in str(house.models.calls[-1].body)
    await house.ask(OLGA, "[[text Again]]")
    assert len([text for text in house.heard(OLGA) if text.startswith("🔁")]) == 1


async def test_assistant_that_everybody_begins_with_is_for_everybody(house: House) -> None:
    await house.db(create, "Boss", role=Role.ADMIN, is_default=True)

    assert await house.ask(ANNA, "[[system]]") == "I am Boss."


async def test_assistant_that_an_admin_chose_for_a_group_answers_all_in_it(team: House) -> None:
    await team.db(create, "Boss", role=Role.ADMIN)
    await team.ask(OLGA, "/assistant Boss", TEAM)

    assert await team.ask(ANNA, "/ask [[system]]", TEAM) == "I am Boss."


async def test_temperature_of_the_assistant_is_the_models(house: House) -> None:
    await house.db(create, "Sober", temperature=0.25)
    await house.ask(ANNA, "/assistant Sober")
    await house.ask(ANNA, "Hello")

    assert house.models.calls[-1].body["temperature"] == 0.25


async def test_assistant_is_chosen_by_name(house: House) -> None:
    await house.db(create, "Translator")
    await house.db(create, "Transcriber")

    assert "Translator helps" in await house.ask(ANNA, "/assistant translator")
    assert "Which one" in await house.ask(ANNA, "/assistant trans")
    assert "do not know" in await house.ask(ANNA, "/assistant cook")
    assert "Who shall help" in await house.ask(ANNA, "/assistant")


async def test_assistants_own_model_answers(house: House) -> None:

    await house.db(offer, "openai", "gpt-4o-mini")
    await house.db(lambda: create("Luna", model=model("gpt-4o-mini")))
    await house.ask(ANNA, "/assistant Luna")

    assert "gpt-4o-mini" in await house.ask(ANNA, "Hello")


async def test_assistant_whose_model_cannot_take_the_dialog_says_so_and_offers_the_ways_on(house: House) -> None:
    await house.db(offer, "openai", "tiny", label="Tiny", context_window=300, capabilities=["text"])
    await house.db(lambda: create("Small", model=model("tiny")))
    for number in (1, 2, 3):
        await house.ask(ANNA, f"{number} {'tea and biscuits ' * 20} [[text Yes.]]")

    said = await house.ask(ANNA, "/assistant Small")

    assert said.split("\n") == [
        "✅ Small helps here now.",
        "",
        "Tiny cannot take all that this dialog holds.",
        "• The dialog is longer than it reads: the earliest messages would be left out.",
    ]
    assert list(house.buttons(ANNA)) == ["📝 Summarise", "✨ New dialog"]
    await house.ask(ANNA, "/model gpt-4.1-mini")
    assert await house.ask(ANNA, "/assistant Small") == "✅ Small helps here now."


async def test_new_dialog_keeps_the_chosen_assistant(house: House) -> None:
    await house.db(create, "Terse")
    await house.ask(ANNA, "/assistant Terse")
    await house.ask(ANNA, "/new")

    assert await house.ask(ANNA, "[[system]]") == "I am Terse."


# --- groups ---------------------------------------------------------------------------------------------------------


async def test_admin_binds_an_assistant_to_a_group(team: House) -> None:
    await team.db(create, "Terse")
    await team.db(create, "Talkative")
    await team.ask(OLGA, "/assistant bind Terse", TEAM)

    assert await team.ask(ANNA, "/ask [[system]]", TEAM) == "I am Terse."
    await team.ask(ANNA, "/assistant Talkative", TEAM)
    assert await team.ask(ANNA, "/ask [[system]]", TEAM) == "I am Talkative."
    await team.ask(ANNA, "/new", TEAM)
    assert await team.ask(ANNA, "/ask [[system]]", TEAM) == "I am Terse."


async def test_binding_by_keyboard_marks_what_is_bound(team: House) -> None:
    await team.db(create, "Terse")
    await team.ask(OLGA, "/assistant bind", TEAM)
    team.press(OLGA, "Terse", TEAM)
    await team.quiet()
    assert "Dialogs begin here with Terse" in team.heard(TEAM)[-1]

    await team.ask(OLGA, "/assistant bind", TEAM)
    assert list(team.buttons(TEAM)) == ["✓ Terse"]
    assert "No assistant" in await team.ask(OLGA, "/assistant unbind", TEAM)
    assert not await team.db(Binding.objects.exists)
    assert "gave no answer" in await team.ask(ANNA, "/ask [[system]]", TEAM)  # nothing to repeat


async def test_only_admins_bind(team: House) -> None:
    await team.db(create, "Terse")

    assert "for admins" in await team.ask(ANNA, "/assistant bind Terse", TEAM)
    assert "for admins" in await team.ask(BORIS, "/assistant unbind", TEAM)

    assert not await team.db(Binding.objects.exists)


async def test_topic_has_an_assistant_of_its_own(team: House) -> None:

    def bound() -> list[str]:
        chat = Chat.objects.get(telegram_id=TEAM)
        olga = User.objects.get(telegram_id=OLGA)
        whole, topic = create("Whole"), create("Topic")

        services.bind(chat, 0, whole, olga, timezone.now())
        services.bind(chat, 5, topic, olga, timezone.now())
        opened = [services.open_conversation(chat, thread, timezone.now()) for thread in (6, 5)]
        services.start_anew(chat, 5, timezone.now())
        opened.append(services.open_conversation(chat, 5, timezone.now()))
        return [str(one.assistant) for one in opened]

    assert await team.db(bound) == ["Whole", "Topic", "Topic"]


async def test_answer_keeps_which_version_gave_it(house: House) -> None:

    assistant = await house.db(lambda: create("Terse", is_default=True, version=4))
    answer = await house.ask(ANNA, "Hello")

    assert MODEL in answer
    [request] = await house.db(requests)
    assert (request.assistant_id, request.assistant_version) == (assistant.pk, 4)


# --- what comes with it ---------------------------------------------------------------------------------------------


def test_shipped_assistants_are_put_in_once_and_are_nobodys_default(db: None, settings: Settings) -> None:
    Assistant.objects.create(name="Editor", prompt="Mine.")

    assert shipped.put_in(Assistant, AssistantVersion) == len(shipped.SHIPPED) - 1
    assert shipped.put_in(Assistant, AssistantVersion) == 0

    assert Assistant.objects.get(name="Editor").prompt == "Mine."
    assert not Assistant.objects.filter(is_default=True).exists()
    assert AssistantVersion.objects.count() == len(shipped.SHIPPED) - 1
    for persona in shipped.SHIPPED:
        assert set(persona.tools) <= set(settings.ASSISTANT_TOOLS)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_shipped_assistants_fit_their_columns_in_both_languages(language: str) -> None:
    own = [persona for persona in shipped.SHIPPED if persona.language == language]

    assert len(own) == 5
    assert all(len(one.name) <= 60 and len(one.description) <= 200 and len(one.emoji) <= 8 for one in own)
