"""/context: what a dialog holds and costs; and a model that cannot take it leaves the choice."""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import User
from conversations import services
from conversations.models import Assistant, Attachment, Binding, Conversation, Message, Request
from conversations.services import Question, holding
from files.models import StoredFile
from llm.models import Model
from llm.tokens import estimate
from telegram_bot.incoming import Incoming
from tests.conversations.conftest import change, choose, offer, requests
from tests.conversations.test_dialogs import press
from tests.house import ANNA, MODEL, TEAM, House

LONG = "tea and biscuits " * 20
NOTES = "Анна любит чай."


def lines(house: House, chat_id: int = ANNA) -> list[str]:
    return house.heard(chat_id)[-1].split("\n")


async def talk(house: House, turns: int = 3) -> None:
    house.models.rule(contains="The dialog:", text=NOTES)
    for number in range(1, turns + 1):
        await house.ask(ANNA, f"{number} {LONG} [[text Answer {number}]]")


def give_file(name: str = "plan.png", kind: str = "image", **fields: str) -> None:
    """As if the first question had come with a file."""
    file = StoredFile.objects.create(path=name, name=name, mime="image/png", size=1, sha256=name, **fields)
    message = Message.objects.order_by("id")[0]
    Attachment.objects.create(message=message, request=message.request, file=file, kind=kind)
    Message.objects.filter(pk=message.pk).update(files=1)


def open_dialog() -> Conversation:
    return Conversation.objects.select_related("model").get(closed_at=None)


# --- /context -------------------------------------------------------------------------------------------------------


async def test_context_of_a_dialog_that_begins(house: House) -> None:
    await house.ask(ANNA, "/context")

    assert lines(house) == [
        "🧠 GPT-4.1 mini",
        "Its window is not known; a question here sends at most 32\u00a0000 tokens.",
        "The next question sends about 4 tokens (estimated, 0 %), messages: 0.",
        "📎 No files.",
        "📝 Nothing is summarised.",
        "💰 What the next question costs is not known: this model has no price.",
    ]
    assert list(house.buttons(ANNA)) == ["✨ New dialog"]


async def test_context_tells_the_window_and_the_price_of_the_next_question(house: House) -> None:
    await house.db(change, MODEL, context_window=128_000, price_input=10, price_output=2)
    await talk(house)

    await house.ask(ANNA, "/context")

    assert lines(house)[1] == "Its window is 128\u00a0000 tokens; a question here sends at most 32\u00a0000."
    assert lines(house)[2].endswith("messages: 6.")
    tokens = int(lines(house)[2].split("about ")[1].split(" tokens")[0])
    cost = round(Decimal(tokens) / 100_000, 4)
    assert lines(house)[5] == f"💰 The next question costs ${cost}, estimated, and its answer on top."


def test_context_counts_as_the_next_question_does(
    dialog: Conversation, arrive: Callable[..., Incoming], member: User, now: datetime
) -> None:
    for number in range(4):
        role = (Message.Role.USER, Message.Role.ASSISTANT)[number % 2]
        Message.objects.create(conversation=dialog, role=role, content=LONG, tokens=estimate(LONG))
    Conversation.objects.update(summary="Notes.", summarised_to=0)

    told = holding.held(dialog.chat, 0, member, now)
    begun = services.begin(arrive(1), Question("Why?", 1), now)

    assert begun is not None
    assert told.tokens + estimate("Why?") == begun.context_tokens


async def test_files_are_named_and_can_be_left_out(house: House) -> None:
    await talk(house, 1)
    await house.db(give_file)
    await house.ask(ANNA, "/context")
    assert "📎 Files, 1: plan.png" in lines(house)

    await press(house, "📎 Leave the files out")

    assert "📎 No files." in lines(house)
    assert lines(house)[-1] == "The files are left out from now on."
    assert await house.db(Attachment.objects.filter(dropped=True).count) == 1
    assert len(house.messages(ANNA)) == 2


async def test_files_are_left_out_of_the_dialog_that_was_shown_only(house: House) -> None:
    await talk(house, 1)
    await house.db(give_file)
    await house.ask(ANNA, "/context")
    menu = house.messages(ANNA)[-1]["message_id"]
    data = house.buttons(ANNA)["📎 Leave the files out"]
    await house.ask(ANNA, "/new")

    house.world.press(ANNA, menu, data)
    await house.quiet()

    [shown] = [message["text"] for message in house.messages(ANNA) if message["message_id"] == menu]
    assert shown.endswith("Another dialog is open now: this is what it holds.")
    assert not await house.db(Attachment.objects.filter(dropped=True).exists)


async def test_file_without_a_name_is_told_by_its_kind_and_only_while_it_goes_along(
    house: House, settings: Settings
) -> None:
    await talk(house, 1)
    await house.db(give_file, "")
    await house.ask(ANNA, "/context")
    assert "📎 Files, 1: picture" in lines(house)

    settings.MAX_CONTEXT_MESSAGES = 3
    await house.ask(ANNA, "And else?")
    await house.ask(ANNA, "/context")

    assert "📎 No files." in lines(house)


async def test_person_has_the_dialog_summarised(house: House) -> None:
    await talk(house, 4)
    await house.ask(ANNA, "/context")

    await press(house, "📝 Summarise")

    assert "📝 The earlier part is kept as a summary." in lines(house)
    assert lines(house)[-1] == "Done: the newest messages stay word for word."
    assert lines(house)[2].endswith("messages: 4.")
    dialog = await house.db(open_dialog)
    assert dialog.summary == NOTES
    assert [request.kind for request in await house.db(requests)][-1] == Request.Kind.SUMMARY


async def test_short_dialog_has_nothing_to_summarise(house: House) -> None:
    await talk(house, 2)
    await house.ask(ANNA, "/context")

    await press(house, "📝 Summarise")

    assert lines(house)[-1] == "There is nothing to summarise yet: the newest messages stay as they are."


async def test_summary_that_fails_is_said_and_loses_nothing(house: House) -> None:
    await talk(house, 4)
    house.models.clear_rules()
    house.models.rule(contains="The dialog:", error="bad_request")
    await house.ask(ANNA, "/context")

    await press(house, "📝 Summarise")

    assert lines(house)[-1] == "No summary came of it this time. Nothing is lost; try again later."
    assert lines(house)[2].endswith("messages: 8.")


async def test_stop_does_not_wait_for_a_summary(house: House) -> None:
    """Presses have a line of their own in which nothing may take long."""
    await talk(house, 4)
    house.models.clear_rules()
    house.models.rule(contains="The dialog:", text=NOTES, hold="notes")
    await house.ask(ANNA, "/context")

    house.press(ANNA, "📝 Summarise")
    await house.until(lambda: len(house.models.calls) == 5)
    await house.until(lambda: house.heard(ANNA)[-1] == "📝 Summarising…")
    stop = plant(house, "stop:1")
    await house.until(lambda: stop.answered)
    house.models.release("notes")
    await house.quiet()

    assert lines(house)[-1] == "Done: the newest messages stay word for word."


def plant(house: House, data: str) -> Any:
    """A press of a button that the newest message never had."""
    message = house.messages(ANNA)[-1]
    message["reply_markup"] = {"inline_keyboard": [[{"text": "Here", "callback_data": data}]]}
    return house.press(ANNA, "Here")


async def test_made_up_press_has_nothing_summarised(house: House) -> None:
    await talk(house, 4)
    await house.ask(ANNA, "/context")

    plant(house, "summarise:")
    await house.quiet()

    assert len(house.models.calls) == 4


async def test_new_dialog_begins_in_place(house: House) -> None:
    await talk(house, 1)
    await house.ask(ANNA, "/context")

    await press(house, "✨ New dialog")

    assert lines(house)[2].endswith("messages: 0.")
    assert json.loads(await house.ask(ANNA, "[[history]]")) == ["[[history]]"]


async def test_earliest_messages_that_are_left_out_are_told(house: House, settings: Settings) -> None:
    settings.MAX_CONTEXT_MESSAGES = 3
    await talk(house)

    await house.ask(ANNA, "/context")

    assert "The earliest messages no longer fit and are left out." in lines(house)


async def test_group_sees_its_own_context(team: House) -> None:
    await talk(team, 1)

    await team.ask(ANNA, "/context@sekretar_bot", TEAM)

    assert lines(team, TEAM)[2].endswith("messages: 0.")


# --- a model that cannot take it ------------------------------------------------------------------------------------


@pytest.fixture
async def tiny(house: House) -> House:
    """Анна has a dialog of three turns; there is a model that reads only one of them."""
    await house.db(offer, "openai", "tiny", label="Tiny", context_window=300, capabilities=["text"])
    await house.db(offer, "openai", "gpt-4o-mini")
    await talk(house)
    return house


async def test_model_that_takes_it_all_is_switched_to_at_once(tiny: House) -> None:
    assert await tiny.ask(ANNA, "/model gpt-4o-mini") == "✅ gpt-4o-mini answers here now."


async def test_model_with_a_small_window_leaves_the_choice(tiny: House) -> None:
    said = await tiny.ask(ANNA, "/model tiny")

    assert said == (
        "Tiny cannot take all that this dialog holds.\n"
        "• The dialog is longer than it reads: the earliest messages would be left out."
    )
    assert list(tiny.buttons(ANNA)) == [
        "✂️ Switch and leave it out", "📝 Summarise and switch", "✨ New dialog with it", "Stay",
    ]  # fmt: skip
    assert (await tiny.db(open_dialog)).model is None


async def test_choice_by_button_leaves_it_too(tiny: House) -> None:
    await tiny.ask(ANNA, "/models")
    await press(tiny, "✓ Openai" if "✓ Openai · 3" in tiny.buttons(ANNA) else "✓ OpenAI")

    assert (await press(tiny, "Tiny")).startswith("Tiny cannot take all")


async def test_switch_and_leave_it_out(tiny: House) -> None:
    await tiny.ask(ANNA, "/model tiny")

    await press(tiny, "✂️ Switch")

    assert lines(tiny)[0] == "🧠 Tiny"
    assert "The earliest messages no longer fit and are left out." in lines(tiny)


async def test_summarise_and_switch(tiny: House) -> None:
    await tiny.ask(ANNA, "/model tiny")

    await press(tiny, "📝 Summarise and switch")

    assert lines(tiny)[0] == "🧠 Tiny"
    assert "📝 The earlier part is kept as a summary." in lines(tiny)
    made = (await tiny.db(requests))[-1]
    assert (made.kind, made.model_ref) == ("summary", f"openai:{MODEL}")


async def test_summary_that_fails_leaves_the_choice_once_more(tiny: House) -> None:
    tiny.models.clear_rules()
    tiny.models.rule(contains="The dialog:", error="bad_request")
    await tiny.ask(ANNA, "/model tiny")

    said = await press(tiny, "📝 Summarise and switch")

    assert said.startswith("Tiny cannot take all")
    assert said.endswith("No summary came of it this time. Nothing is lost; try again later.")
    assert (await tiny.db(open_dialog)).model is None


async def test_new_dialog_with_the_other_model(tiny: House) -> None:
    await tiny.ask(ANNA, "/model tiny")

    await press(tiny, "✨ New dialog with it")

    dialog = await tiny.db(open_dialog)
    assert dialog.model is not None
    assert dialog.model.name == "tiny"
    assert lines(tiny)[2].endswith("messages: 0.")


def test_new_dialog_with_a_model_begins_as_every_new_one_here(dialog: Conversation, now: datetime) -> None:
    home, other = (Assistant.objects.create(name=name) for name in ("Home", "Other"))
    Binding.objects.create(chat=dialog.chat, assistant=home)
    Conversation.objects.filter(pk=dialog.pk).update(assistant=other)
    model = Model.objects.get(name="tiny")

    holding.start_with(dialog.chat, 0, model, now)

    begun = Conversation.objects.get(closed_at=None)
    assert (begun.pk != dialog.pk, begun.assistant, begun.model) == (True, home, model)


async def test_model_that_is_gone_meanwhile_begins_no_dialog(tiny: House) -> None:
    await tiny.ask(ANNA, "/model tiny")
    await tiny.db(change, "tiny", enabled=False)

    assert (await press(tiny, "✨ New dialog with it")).startswith("This model is gone.")

    assert await tiny.db(Conversation.objects.count) == 1


async def test_stay(tiny: House) -> None:
    await tiny.ask(ANNA, "/model tiny")

    await press(tiny, "Stay")

    assert lines(tiny)[0] == "🧠 GPT-4.1 mini"
    assert (await tiny.db(open_dialog)).model is None


async def test_model_that_sees_no_pictures_says_which_it_would_lose(house: House) -> None:
    house.models.catalogues["openai"].add("seeing")
    await house.db(offer, "openai", "seeing", capabilities=["text", "image"])
    await house.db(offer, "openai", "blind", label="Blind", capabilities=["text"])
    await house.db(choose, "seeing")
    await talk(house, 1)
    await house.db(give_file)

    said = await house.ask(ANNA, "/model blind")

    assert said == "Blind cannot take all that this dialog holds.\n• It cannot read these files: plan.png."
    assert "📝 Summarise and switch" not in house.buttons(ANNA)


async def test_file_that_nobody_could_read_is_no_obstacle(house: House) -> None:
    await house.db(offer, "openai", "blind", capabilities=["text"])
    await talk(house, 1)
    await house.db(give_file)

    assert await house.ask(ANNA, "/model blind") == "✅ blind answers here now."
