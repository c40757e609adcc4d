"""/mydata shows a person all that is on record about them, /forget erases it."""

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEntry, User
from conversations import retention
from conversations.models import Attachment, Conversation, Message, Request
from delivery.models import Delivery
from files.models import StoredFile
from tests.house import ANNA, BORIS, OLGA, TEAM, House
from tests.privacy import places_of

MINE, THEIRS = "bumblebee", "woodpecker"
QUESTION = f"What of the {MINE}? [[text Nothing new of the {MINE}.]]"


def user(telegram_id: int = ANNA) -> User:
    return User.objects.get(telegram_id=telegram_id)


def give_file(settings: Settings, size: int = 3) -> StoredFile:
    """Анна has sent a file with her question."""
    path = Path(settings.FILES_DIR) / "2026" / "x.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(MINE)
    file = StoredFile.objects.create(
        owner=user(), path="2026/x.txt", name=f"{MINE}.txt", text=MINE, mime="text/plain", size=size, sha256="1"
    )
    Attachment.objects.create(request=Request.objects.latest("id"), file=file, kind="document")
    return file


def document(house: House, chat_id: int = ANNA) -> tuple[str, bytes]:
    """Name and content of the newest document in the chat."""
    sent = next(message["document"] for message in reversed(house.messages(chat_id)) if "document" in message)
    return sent["file_name"], house.world.files.find(sent["file_id"]).content


def record_in(name: str, content: bytes) -> dict[str, Any]:
    if name.endswith(".zip"):
        content = zipfile.ZipFile(io.BytesIO(content)).read("mydata.json")
    record: dict[str, Any] = json.loads(content)
    return record


async def test_export_holds_what_was_said_and_what_it_cost(house: House) -> None:
    await house.ask(ANNA, QUESTION)
    await house.ask(ANNA, "/mydata")

    name, content = document(house)
    record = record_in(name, content)
    assert name.startswith("mydata-")
    assert name.endswith(".json")
    assert record["person"]["telegram_id"] == ANNA
    assert [said["role"] for said in record["dialogs"][0]["messages"]] == ["user", "assistant"]
    assert MINE in record["requests"][0]["prompt"]
    assert record["requests"][0]["output_tokens"] > 0
    assert MINE in json.dumps(record["received_from_telegram"])


async def test_export_is_nobody_elses(team: House) -> None:
    await team.ask(BORIS, f"/ask@sekretar_bot {THEIRS}", TEAM)
    await team.ask(ANNA, f"/ask@sekretar_bot {MINE}", TEAM)
    await team.ask(ANNA, "/mydata")

    _name, content = document(team)
    assert THEIRS not in content.decode()
    assert [said["text"] for said in json.loads(content)["said_in_groups"]] == [MINE]


async def test_files_come_along_in_an_archive(house: House, settings: Settings) -> None:
    await house.ask(ANNA, QUESTION)
    file = await house.db(give_file, settings)
    await house.ask(ANNA, "/mydata")

    name, content = document(house)
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert name.endswith(".zip")
    assert archive.read(f"files/{file.pk}.txt").decode() == MINE


async def test_files_that_are_too_large_are_listed_only(house: House, settings: Settings) -> None:
    await house.ask(ANNA, QUESTION)
    await house.db(give_file, settings, 30_000_000)
    await house.ask(ANNA, "/mydata")

    name, content = document(house)
    [listed] = record_in(name, content)["files"]
    assert name.endswith(".json")
    assert (listed["name"], listed["in_this_archive"]) == (f"{MINE}.txt", None)


async def test_export_is_on_record_and_comes_once_in_ten_minutes(house: House) -> None:
    await house.ask(ANNA, "/mydata")
    assert await house.ask(ANNA, "/mydata") == "You have asked for it a moment ago. Once more in 10 minutes."

    assert len(house.calls("sendDocument")) == 1
    assert await house.db(AuditEntry.objects.filter(action="privacy.exported", actor__telegram_id=ANNA).count) == 1


async def test_row_of_an_export_holds_nothing_of_it(house: House) -> None:
    await house.ask(ANNA, "/mydata")

    row = await house.db(Delivery.objects.get, backend="document")
    assert set(row.content) == {"document", "data", "thread", "language"}


@pytest.mark.parametrize("command", ["/mydata@sekretar_bot", "/forget@sekretar_bot"])
async def test_own_data_are_no_matter_for_a_group(team: House, command: str) -> None:
    assert await team.ask(ANNA, command, TEAM) == "That is between the two of us: write it to me in private."
    assert not team.calls("sendDocument")


async def test_export_that_telegram_did_not_take_is_sent_again(house: House) -> None:
    house.fault("sendDocument", "502_html")
    await house.ask(ANNA, "/mydata")
    await house.until(lambda: len(house.calls("sendDocument")) == 2)
    await house.quiet()

    assert record_in(*document(house))["person"]["telegram_id"] == ANNA


# --- /forget --------------------------------------------------------------------------------------------------------


async def forget(house: House, who: int = ANNA) -> str:
    await house.ask(who, "/forget")
    house.press(who, "🗑 Erase")
    await house.quiet()
    return house.heard(who)[-1]


async def test_question_says_exactly_what_goes_and_that_access_stays(house: House, settings: Settings) -> None:
    await house.ask(ANNA, QUESTION)
    await house.ask(ANNA, QUESTION)
    await house.db(give_file, settings)

    said = (await house.ask(ANNA, "/forget")).splitlines()
    assert said[3:8] == [
        "• 1 dialog of ours",
        "• 4 messages in them",
        "• the texts of 2 requests",
        "• 1 file",
        "• the buttons under my older messages to you",
    ]
    assert "Your access stays too: you can go on asking at once." in said


async def test_no_word_of_the_person_is_left_anywhere(house: House, settings: Settings) -> None:
    await house.ask(ANNA, QUESTION)
    file = await house.db(give_file, settings)
    await house.ask(ANNA, "/new")
    await house.ask(ANNA, QUESTION)

    assert (await forget(house)).startswith("🗑 Erased:\n• 2 dialogs of ours")
    assert await house.db(places_of, MINE) == set()
    assert not (Path(settings.FILES_DIR) / file.path).exists()
    assert await house.db(StoredFile.objects.count) == 0


async def test_access_and_sums_and_the_record_stay(house: House) -> None:
    await house.ask(ANNA, QUESTION)
    tokens = (await house.db(Request.objects.get)).output_tokens
    await forget(house)

    request = await house.db(Request.objects.get)
    assert (request.prompt, request.answer, request.output_tokens) == ("", "", tokens)
    done = await house.db(lambda: list(AuditEntry.objects.order_by("id").values_list("action", "details__messages")))
    assert done[-2:] == [("privacy.forget_asked", 2), ("privacy.forgotten", 2)]
    assert await house.ask(ANNA, "[[history]]") == '["[[history]]"]'


async def test_in_groups_only_own_messages_are_blanked(team: House) -> None:
    await team.ask(BORIS, f"/ask@sekretar_bot {THEIRS} [[text For {THEIRS}]]", TEAM)
    await team.ask(ANNA, f"/ask@sekretar_bot {MINE} [[text For you]]", TEAM)
    await forget(team)

    said = await team.db(lambda: list(Message.objects.order_by("id").values_list("content", flat=True)))
    assert said == [f"{THEIRS} [[text For {THEIRS}]]", f"For {THEIRS}", "", "For you"]
    assert await team.db(places_of, MINE) == set()
    assert MINE not in await team.ask(BORIS, "/ask@sekretar_bot [[history]]", TEAM)


async def test_own_messages_in_groups_are_found_when_their_requests_are_gone(team: House, settings: Settings) -> None:
    await team.ask(ANNA, f"/ask@sekretar_bot {MINE} [[text For you]]", TEAM)
    settings.KEEP_REQUESTS_DAYS = 1
    await team.db(Request.objects.update, created_at=timezone.now() - timedelta(days=2))
    await team.db(retention.forget_old_requests, timezone.now())
    await forget(team)

    assert "message.content" not in await team.db(places_of, MINE)


async def test_others_keep_what_is_theirs(house: House) -> None:
    await house.ask(OLGA, THEIRS)
    before = await house.db(places_of, THEIRS)
    await house.ask(ANNA, QUESTION)
    await forget(house)

    assert await house.db(places_of, THEIRS) == before


async def test_second_time_there_is_nothing_to_erase(house: House) -> None:
    await house.ask(ANNA, QUESTION)
    await forget(house)

    assert await house.ask(ANNA, "/forget") == "🗑 There is nothing of yours to erase."


async def test_everything_stays_when_the_person_thinks_again(house: House) -> None:
    await house.ask(ANNA, QUESTION)
    await house.ask(ANNA, "/forget")
    house.press(ANNA, "Keep everything")
    await house.quiet()

    assert house.heard(ANNA)[-1] == "Everything stays as it is."
    assert "message.content" in await house.db(places_of, MINE)


async def test_answer_that_is_being_written_is_ended_first(house: House) -> None:
    await house.ask(ANNA, "/forget")
    await house.ask(ANNA, QUESTION)
    await house.ask(ANNA, "/forget")
    house.say(ANNA, f"{MINE} [[text {MINE} {MINE} {MINE}]] [[hold]]")
    await house.until(lambda: MINE in house.heard(ANNA)[-1] and len(house.messages(ANNA)) > 3)
    [asked] = [message for message in house.messages(ANNA) if "Shall I erase" in message.get("text", "")]
    data = asked["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    house.world.press(ANNA, asked["message_id"], data)
    await house.quiet()

    assert await house.db(Conversation.objects.filter(closed_at=None).count) == 0
    assert await house.db(places_of, MINE) <= {"delivery.content", "update.raw"}
