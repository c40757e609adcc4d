"""/dialogs: what was said before, and what can be done to it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation
from pytest_django import Settings

from accounts.models import User
from conversations import retention
from conversations.dialogs import export, menu
from conversations.models import Attachment, Conversation, Message, Request
from conversations.services import library
from delivery.models import Delivery
from files.models import StoredFile
from telegram_bot.models import Button, Update
from tests.conversations.conftest import requests
from tests.house import ANNA, BORIS, OLGA, TEAM, House


async def press(house: House, label: str, user: int = ANNA, chat_id: int | None = None) -> str:
    """Press the button under the bot's newest message; what that message says afterwards."""
    pressed = house.press(user, label, chat_id)
    await house.until(lambda: pressed.answered)
    await house.quiet()
    return house.heard(chat_id or user)[-1]


def dialogs() -> list[Conversation]:
    return list(Conversation.objects.order_by("id"))


def uploaded(house: House, chat_id: int = ANNA) -> tuple[str, str]:
    """Name and text of the newest document."""
    document = house.messages(chat_id)[-1]["document"]
    return document["file_name"], house.world.files.find(document["file_id"]).content.decode()


@pytest.fixture
async def shelf(house: House) -> House:
    """Анна has two dialogs: one about tea, which ended, and one about coffee."""
    await house.ask(ANNA, "How do I make tea?")
    await house.ask(ANNA, "/new")
    await house.ask(ANNA, "And coffee?")
    return house


async def test_dialogs_are_listed_newest_first_and_the_open_one_is_marked(shelf: House) -> None:
    said = await shelf.ask(ANNA, "/dialogs")

    assert said == "Dialogs here\n● is open: your next message goes there."
    first, second = shelf.buttons(ANNA)
    assert first.startswith("● And coffee? · ")
    assert second.startswith("How do I make tea? · ")


async def test_without_dialogs_there_is_a_friendly_word(house: House) -> None:
    assert await house.ask(ANNA, "/dialogs") == (
        "There are no dialogs here yet. Ask me anything, and the first one begins."
    )


async def test_many_dialogs_come_in_pages(house: House) -> None:
    for number in range(8):
        await house.ask(ANNA, f"Question {number}")
        await house.ask(ANNA, "/new")

    assert (await house.ask(ANNA, "/dialogs")).startswith("Dialogs here · page 1 of 2")
    await press(house, "›")

    assert [label.partition(" · ")[0] for label in house.buttons(ANNA)] == ["Question 1", "Question 0", "‹"]


async def test_dialog_is_taken_up_again(shelf: House) -> None:
    await shelf.ask(ANNA, "/dialogs")
    card = await press(shelf, "How do I make tea?")
    assert card.startswith("How do I make tea?\n2 messages, the last one: ")
    assert "▶️ Go on with it" in shelf.buttons(ANNA)

    card = await press(shelf, "▶️ Go on")

    assert "● Open: your next message goes there." in card
    assert json.loads(await shelf.ask(ANNA, "[[history]]")) == ["How do I make tea?", "[[history]]"]
    tea, coffee = await shelf.db(dialogs)
    assert (tea.closed_at, coffee.closed_at is None) == (None, False)


async def test_next_message_is_the_new_title_and_no_question(shelf: House) -> None:
    await shelf.ask(ANNA, "/dialogs")
    await press(shelf, "How do I make tea?")
    before = len(shelf.models.calls)
    asked = await press(shelf, "✏️ Rename")
    assert asked.endswith("✏️ Write the new title: your next message becomes it.")

    said = await shelf.ask(ANNA, "Tea, [properly] *made*")

    assert said == "✏️ The dialog is called “Tea, [properly] *made*” now."
    assert len(shelf.models.calls) == before
    await shelf.ask(ANNA, "And milk?")
    assert len(shelf.models.calls) == before + 1
    await shelf.ask(ANNA, "/dialogs")
    assert any(label.startswith("Tea, [properly] *made* · ") for label in shelf.buttons(ANNA))


async def test_renaming_can_be_cancelled(shelf: House) -> None:
    await shelf.ask(ANNA, "/dialogs")
    await press(shelf, "How do I make tea?")
    await press(shelf, "✏️ Rename")

    await press(shelf, "Cancel")
    said = await shelf.ask(ANNA, "[[text A question again]]")

    assert said == "A question again"
    assert (await shelf.db(dialogs))[0].title == ""


async def test_command_in_between_leaves_the_title_as_it_is(shelf: House) -> None:
    await shelf.ask(ANNA, "/dialogs")
    await press(shelf, "● And coffee?")
    await press(shelf, "✏️ Rename")
    await shelf.ask(ANNA, "/new")
    await shelf.ask(ANNA, "/dialogs")
    await press(shelf, "And coffee?")
    await press(shelf, "▶️ Go on")

    assert await shelf.ask(ANNA, "[[text A question again]]") == "A question again"


async def test_title_in_a_group_is_a_reply_of_the_one_who_renames(team: House) -> None:
    await team.ask(ANNA, "/ask@sekretar_bot Tea?", TEAM)
    await team.ask(ANNA, "/dialogs@sekretar_bot", TEAM)
    await press(team, "● Tea?", ANNA, TEAM)
    asked = await press(team, "✏️ Rename", ANNA, TEAM)
    assert asked.endswith("Reply to this message with the new title.")
    prompt = team.messages(TEAM)[-1]["message_id"]

    team.say(BORIS, "[[text Boris asks]]", TEAM, reply_to=prompt)
    await team.quiet()
    assert team.heard(TEAM)[-1] == "Boris asks"
    team.say(ANNA, "Our tea", TEAM, reply_to=prompt)
    await team.quiet()

    assert team.heard(TEAM)[-1] == "✏️ The dialog is called “Our tea” now."


async def test_question_in_a_group_is_no_title(team: House) -> None:
    await team.ask(ANNA, "/ask@sekretar_bot Tea?", TEAM)
    await team.ask(ANNA, "/dialogs@sekretar_bot", TEAM)
    await press(team, "● Tea?", ANNA, TEAM)
    await press(team, "✏️ Rename", ANNA, TEAM)
    prompt = team.messages(TEAM)[-1]["message_id"]

    assert await team.ask(ANNA, "/ask@sekretar_bot [[text An answer]]", TEAM) == "An answer"
    team.say(ANNA, "Our tea", TEAM, reply_to=prompt)
    await team.quiet()

    assert team.heard(TEAM)[-1] == "✏️ The dialog is called “Our tea” now."


async def test_dialog_is_exported_as_markdown(shelf: House) -> None:
    await shelf.ask(ANNA, "/dialogs")
    await press(shelf, "How do I make tea?")

    await press(shelf, "📄 Markdown")

    name, text = uploaded(shelf)
    assert name.endswith("-How-do-I-make-tea.md")
    assert text.startswith("# How do I make tea?\n\n")
    assert "\n## Ольга" not in text
    assert "\n## Анна · " in text
    assert "\n## openai:gpt-4.1-mini · " in text


async def test_dialog_is_exported_as_json(shelf: House) -> None:
    await shelf.ask(ANNA, "/dialogs")
    await press(shelf, "How do I make tea?")

    await press(shelf, "🧩 JSON")

    name, text = uploaded(shelf)
    assert name.endswith(".json")
    whole = json.loads(text)
    assert whole["title"] == "How do I make tea?"
    assert [(said["role"], said.get("from")) for said in whole["messages"]] == [("user", "Анна"), ("assistant", None)]
    assert whole["messages"][1]["model"] == "openai:gpt-4.1-mini"
    assert whole["messages"][1]["tokens_out"] > 0


async def test_export_knows_who_asked_though_the_request_is_kept_no_more(shelf: House, settings: Settings) -> None:
    settings.KEEP_REQUESTS_DAYS = 1
    await shelf.db(Request.objects.update, created_at=datetime.now(UTC) - timedelta(days=2))
    assert await shelf.db(retention.forget_old_requests, datetime.now(UTC)) == 2
    await shelf.ask(ANNA, "/dialogs")
    await press(shelf, "How do I make tea?")

    await press(shelf, "📄 Markdown")

    assert "\n## Анна · " in uploaded(shelf)[1]


async def test_export_leaves_no_copy_in_the_outbox(shelf: House) -> None:
    await shelf.ask(ANNA, "/dialogs")
    await press(shelf, "How do I make tea?")
    await press(shelf, "📄 Markdown")

    row = await shelf.db(lambda: Delivery.objects.get(key__startswith="export:"))
    assert "tea" not in json.dumps(row.content)


async def test_dialog_is_deleted_after_a_yes(shelf: House) -> None:
    await shelf.ask(ANNA, "/dialogs")
    await press(shelf, "How do I make tea?")
    asked = await press(shelf, "🗑 Delete")
    assert "Delete this dialog?" in asked

    said = await press(shelf, "🗑 Yes, delete")

    assert said.startswith("Dialogs here")
    assert [label.partition(" · ")[0] for label in shelf.buttons(ANNA)] == ["● And coffee?"]
    assert await shelf.db(everything_about, "make tea") == []
    erased = (await shelf.db(requests))[0]
    assert (erased.prompt, erased.answer, erased.state) == ("", "", "done")
    assert erased.input_tokens


def everything_about(words: str) -> list[str]:
    """Where these words still stand."""
    rows: list[tuple[str, Any]] = [("message", row.content) for row in Message.objects.all()]
    rows += [("dialog", row.title + row.summary) for row in Conversation.objects.all()]
    rows += [("request", row.prompt + row.answer) for row in Request.objects.all()]
    rows += [(row.key, row.content) for row in Delivery.objects.all()]
    rows += [(f"update {row.kind}", row.raw) for row in Update.objects.all()]
    rows += [(f"button {row.action}", row.data) for row in Button.objects.all()]
    return [name for name, said in rows if words in json.dumps(said, ensure_ascii=False)]


async def test_title_of_a_deleted_dialog_goes_from_menus_and_presses_too(shelf: House) -> None:
    await shelf.ask(ANNA, "/dialogs")
    await press(shelf, "How do I make tea?")
    await press(shelf, "✏️ Rename")
    await shelf.ask(ANNA, "All about rooibos")
    await shelf.ask(ANNA, "/dialogs")
    await press(shelf, "All about rooibos")
    await press(shelf, "📄 Markdown")
    card = shelf.messages(ANNA)[-2]["message_id"]
    delete = next(key for key in await shelf.db(buttons, "dialogs.ask"))
    shelf.world.press(ANNA, card, f"b:{delete}")
    await shelf.quiet()
    menu_of = next(message for message in shelf.messages(ANNA) if message["message_id"] == card)
    [[yes, _no]] = menu_of["reply_markup"]["inline_keyboard"]
    assert await shelf.db(everything_about, "rooibos")

    shelf.world.press(ANNA, card, yes["callback_data"])
    await shelf.quiet()

    assert await shelf.db(everything_about, "rooibos") == []
    assert await shelf.db(everything_about, "coffee")


def buttons(action: str) -> list[str]:
    """Keys of the buttons with that action, the newest first."""
    return list(Button.objects.filter(action=action).order_by("-created_at").values_list("key", flat=True))


async def test_dialog_that_is_deleted_meanwhile_gets_no_title(shelf: House) -> None:
    await shelf.ask(ANNA, "/dialogs")
    await press(shelf, "How do I make tea?")
    await press(shelf, "✏️ Rename")
    tea = (await shelf.db(dialogs))[0]
    anna = await shelf.db(User.objects.get, telegram_id=ANNA)
    chat = await shelf.db(lambda: Conversation.objects.select_related("chat").get(pk=tea.pk).chat)
    assert await shelf.db(library.erase, chat, 0, tea.pk, anna, datetime.now(UTC))

    said = await shelf.ask(ANNA, "[[text A question again]]")

    assert said == "A question again"
    assert (await shelf.db(dialogs))[0].title == ""


async def test_no_leaves_the_dialog_as_it_is(shelf: House) -> None:
    await shelf.ask(ANNA, "/dialogs")
    await press(shelf, "How do I make tea?")
    await press(shelf, "🗑 Delete")

    card = await press(shelf, "No")

    assert card.startswith("How do I make tea?\n2 messages")


async def test_open_dialog_that_is_deleted_makes_room_for_a_new_one(shelf: House) -> None:
    await shelf.ask(ANNA, "/dialogs")
    await press(shelf, "● And coffee?")
    await press(shelf, "🗑 Delete")
    await press(shelf, "🗑 Yes, delete")

    assert json.loads(await shelf.ask(ANNA, "[[history]]")) == ["[[history]]"]


async def test_dialog_is_not_deleted_while_an_answer_is_written_in_it(shelf: House) -> None:
    await shelf.ask(ANNA, "/dialogs")
    await press(shelf, "● And coffee?")
    await press(shelf, "🗑 Delete")
    menu_message = shelf.messages(ANNA)[-1]["message_id"]
    data = shelf.buttons(ANNA)["🗑 Yes, delete"]
    shelf.say(ANNA, "[[text Wait for it]] [[hold]]")
    await shelf.until(lambda: len(shelf.models.calls) == 3)

    shelf.world.press(ANNA, menu_message, data)
    await shelf.until(lambda: any("An answer is being written there." in text for text in shelf.heard(ANNA)))
    shelf.models.release()
    await shelf.quiet()

    assert (await shelf.db(dialogs))[1].closed_at is None


async def test_dialogs_of_others_are_not_to_be_had(shelf: House) -> None:
    tea = (await shelf.db(dialogs))[0]
    await shelf.ask(OLGA, "Hello")
    chat = (await shelf.db(lambda: Conversation.objects.select_related("chat").order_by("id").last())).chat  # type: ignore[union-attr]

    assert await shelf.db(library.one_of, chat, 0, tea.pk) is None
    assert await shelf.db(library.reopen, chat, 0, tea.pk, datetime.now(UTC)) is None
    assert len([label for label in await labels(shelf, OLGA) if "tea" in label]) == 0


@pytest.mark.parametrize(
    "action",
    ["dialogs.show", "dialogs.open", "dialogs.rename", "dialogs.ask", "dialogs.erase", "dialogs.export"],
)
async def test_button_with_anothers_dialog_shows_and_does_nothing(shelf: House, action: str) -> None:
    """No button of ours is such; each action looks itself whose dialog it is."""
    await shelf.ask(OLGA, "My secret")
    secret = (await shelf.db(dialogs))[-1]
    data = {"id": secret.pk, "page": 0, "form": "md"}
    anna = await shelf.db(User.objects.get, telegram_id=ANNA)
    later = datetime.now(UTC) + timedelta(days=1)
    key = (
        await shelf.db(Button.objects.create, action=action, data=data, owner=anna, chat_id=ANNA, expires_at=later)
    ).pk

    shelf.messages(ANNA)[-1]["reply_markup"] = {"inline_keyboard": [[{"text": "Here", "callback_data": f"b:{key}"}]]}
    pressed = shelf.press(ANNA, "Here")
    await shelf.until(lambda: pressed.answered)
    await shelf.quiet()
    await shelf.ask(ANNA, "[[text No title]]")

    assert "secret" not in json.dumps(shelf.messages(ANNA), ensure_ascii=False)
    assert not await shelf.db(Delivery.objects.filter(key__startswith="export:").exists)
    secret_now = await shelf.db(Conversation.objects.get, pk=secret.pk)
    assert (secret_now.title, secret_now.closed_at) == ("", None)
    assert await shelf.db(Message.objects.filter(conversation=secret).count) == 2


async def test_anothers_menu_in_a_group_is_not_pressed(team: House) -> None:
    await team.ask(ANNA, "/ask@sekretar_bot Tea?", TEAM)
    await team.ask(ANNA, "/dialogs@sekretar_bot", TEAM)
    before = team.heard(TEAM)[-1]

    pressed = team.press(BORIS, "● Tea?", TEAM)
    await team.until(lambda: pressed.answered)
    await team.quiet()

    assert team.calls("answerCallbackQuery")[-1].params["text"] == "This button is somebody else's."
    assert team.heard(TEAM)[-1] == before


async def labels(house: House, user: int) -> list[str]:
    await house.ask(user, "/dialogs")
    return list(house.buttons(user))


async def test_in_a_group_only_an_admin_or_the_only_asker_deletes(team: House) -> None:
    await team.ask(ANNA, "/ask@sekretar_bot Tea?", TEAM)
    await team.ask(BORIS, "/dialogs@sekretar_bot", TEAM)
    await press(team, "● Tea?", BORIS, TEAM)
    assert "🗑 Delete" not in team.buttons(TEAM)

    await team.ask(ANNA, "/dialogs@sekretar_bot", TEAM)
    await press(team, "● Tea?", ANNA, TEAM)
    assert "🗑 Delete" in team.buttons(TEAM)

    await team.ask(OLGA, "/dialogs@sekretar_bot", TEAM)
    await press(team, "● Tea?", OLGA, TEAM)
    assert "🗑 Delete" in team.buttons(TEAM)


async def test_dialog_in_which_another_asked_meanwhile_is_not_deleted(team: House) -> None:
    await team.ask(ANNA, "/ask@sekretar_bot Tea?", TEAM)
    await team.ask(ANNA, "/dialogs@sekretar_bot", TEAM)
    await press(team, "● Tea?", ANNA, TEAM)
    await press(team, "🗑 Delete", ANNA, TEAM)
    menu_message, data = team.messages(TEAM)[-1]["message_id"], team.buttons(TEAM)["🗑 Yes, delete"]
    await team.ask(BORIS, "/ask@sekretar_bot With milk?", TEAM)

    team.world.press(ANNA, menu_message, data, TEAM)
    await team.quiet()

    [card] = [message["text"] for message in team.messages(TEAM) if message["message_id"] == menu_message]
    assert card.endswith("Others asked in it too: only an admin may delete it.")
    assert await team.db(Message.objects.count) == 4


async def test_cancel_leaves_anothers_renaming_alone(team: House) -> None:
    await team.ask(ANNA, "/ask@sekretar_bot Tea?", TEAM)
    await team.ask(ANNA, "/dialogs@sekretar_bot", TEAM)
    await press(team, "● Tea?", ANNA, TEAM)
    await press(team, "✏️ Rename", ANNA, TEAM)
    annas, cancel = team.messages(TEAM)[-1]["message_id"], team.buttons(TEAM)["Cancel"]
    await team.ask(BORIS, "/dialogs@sekretar_bot", TEAM)
    await press(team, "● Tea?", BORIS, TEAM)
    await press(team, "✏️ Rename", BORIS, TEAM)
    prompt = team.messages(TEAM)[-1]["message_id"]

    team.world.press(ANNA, annas, cancel, TEAM)
    await team.quiet()
    team.say(BORIS, "Our tea", TEAM, reply_to=prompt)
    await team.quiet()

    assert "called “Our tea” now." in team.heard(TEAM)[-1]


async def test_group_shows_its_own_dialogs_only(team: House) -> None:
    await team.ask(ANNA, "My secret")
    await team.ask(ANNA, "/ask@sekretar_bot Tea?", TEAM)

    await team.ask(BORIS, "/dialogs@sekretar_bot", TEAM)

    assert [label.partition(" · ")[0] for label in team.buttons(TEAM)] == ["● Tea?"]


LONG = "How do I make a good cup of strong black tea today, if I"


# --- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Short", "Short"),
        ("Two\nlines  here", "Two lines here"),
        ("How do I make a good cup of strong black tea today, if I may ask you?", f"{LONG}…"),
        ("x" * 100, "x" * 59 + "…"),
        ("", ""),
    ],
)  # fmt: skip
def test_title_is_cut_at_a_word(text: str, title: str) -> None:
    assert library.cut_at_word(text) == title


def test_day_is_told_where_the_person_is_and_in_their_language(now: datetime) -> None:
    moscow = User(time_zone="Europe/Moscow")

    with translation.override("ru"):
        assert menu.day(now - timedelta(hours=1), moscow, now) == "11:00"
        assert menu.day(now - timedelta(days=15), moscow, now) == "5 ноября"
        assert menu.day(now - timedelta(days=400), moscow, now) == "16 октября 2025"
    with translation.override("en"):
        assert menu.day(now - timedelta(days=15), moscow, now) == "5 November"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("How do I make tea?", "2026-11-20-How-do-I-make-tea.md"),
        ("Чай и кофе", "2026-11-20-Чай-и-кофе.md"),
        ("../../etc/passwd", "2026-11-20-etc-passwd.md"),
        ("👋", "2026-11-20-dialog.md"),
    ],
)
def test_file_name_is_taken_by_every_system(title: str, name: str, now: datetime) -> None:
    assert export.file_name(title, now, "md") == name


# --- erasing --------------------------------------------------------------------------------------------------------


def test_file_goes_with_its_only_dialog(dialog: Conversation, member: User, now: datetime) -> None:
    lonely, shared = (
        StoredFile.objects.create(path=name, name=name, mime="text/plain", size=1, sha256=name) for name in "ab"
    )
    other = Conversation.objects.create(chat=dialog.chat, closed_at=now)
    for conversation, files in ((dialog, (lonely, shared)), (other, (shared,))):
        message = Message.objects.create(conversation=conversation, role="user", content="Look")
        for file in files:
            Attachment.objects.create(message=message, file=file, kind="document")

    assert library.erase(dialog.chat, 0, dialog.pk, member, now)

    lonely.refresh_from_db()
    shared.refresh_from_db()
    assert (lonely.expires_at, shared.expires_at) == (now, None)
    assert Attachment.objects.count() == 1
