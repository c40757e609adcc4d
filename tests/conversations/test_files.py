"""A person sends files and asks about them."""

import base64
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from conversations.attachments import with_files
from conversations.models import Attachment, Message, Request
from files import services as files
from files.models import StoredFile
from sandbox.telegram.files import Upload
from telegram_bot import paste
from telegram_bot.models import Update
from tests.conversations.conftest import change, offer, requests
from tests.files import documents
from tests.house import ANNA, BORIS, MODEL, OLGA, TEAM, House

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.FILES_DIR = tmp_path
    return tmp_path


@pytest.fixture
async def seeing(house: House) -> House:
    await house.db(change, MODEL, capabilities=["text", "image", "document", "audio"])
    return house


def picture(number: int = 0) -> Upload:
    return Upload(f"{number}.png", "image/png", PNG + bytes([number]))


def text_file(words: str = "The answer is 42.", name: str = "notes.txt") -> Upload:
    return Upload(name, "text/plain", words.encode())


async def send(house: House, kind: str, upload: Upload, words: str = "", user: int = ANNA, **more: Any) -> str:
    house.world.say(user, words, more.pop("chat_id", None), file=(kind, upload), **more)
    await house.quiet()
    return house.heard(user)[-1] if house.messages(user) else ""


def told(house: House) -> list[Any]:
    """The messages of the last call that a model got."""
    return list(house.models.calls[-1].body["messages"])


def parts(message: Any) -> list[tuple[str, Any]]:
    content = message["content"]
    if isinstance(content, str):
        return [("text", content)]
    return [(part["type"], part.get("text") or part.get("image_url", {}).get("url")) for part in content]


# --- as text --------------------------------------------------------------------------------------------------------


async def test_text_of_a_document_goes_to_the_model_under_its_name(house: House) -> None:
    answer = await send(house, "document", text_file(), "What is the answer?")

    assert MODEL in answer
    (_kind, content), *rest = parts(told(house)[-1])
    whole = content + "".join(text for _kind, text in rest)
    assert whole.startswith("File “notes.txt” (text/plain):\nThe answer is 42.")
    assert whole.endswith("What is the answer?")
    request = await house.db(Request.objects.get)
    assert request.prompt == "What is the answer?"
    attachment = await house.db(Attachment.objects.select_related("file", "message").get)
    assert (attachment.request_id, attachment.kind, attachment.position) == (request.pk, "document", 0)
    assert attachment.message is not None
    assert (attachment.message.role, attachment.message.files) == ("user", 1)
    assert (attachment.file.name, attachment.file.text) == ("notes.txt", "The answer is 42.")


async def test_text_of_every_kind_of_document_reaches_a_model_that_reads_text_only(house: House) -> None:
    cell = '<c t="inlineStr"><is><t>spreadsheet</t></is></c>'
    sent = {
        "a.pdf": documents.pdf(["portable"]),
        "a.docx": documents.docx("letter"),
        "a.xlsx": documents.xlsx([[cell]]),
        "a.pptx": documents.pptx("slides"),
        "a.csv": b"table;1",
        "a.txt": b"plain",
        "a.md": b"# marked",
        "a.html": b"<!doctype html><p>page<script>no</script>",
        "a.py": b"print('source')",
    }
    house.world.album(ANNA, [("document", Upload(name, "", content)) for name, content in sent.items()], "Read all")
    await house.quiet()

    content = str(told(house)[-1]["content"])
    for word in ("portable", "letter", "spreadsheet", "slides", "table;1", "plain", "# marked", "page", "source"):
        assert word in content
    assert "script" not in content
    assert "📎" not in house.heard(ANNA)[-1]


async def test_document_that_took_too_long_is_read_when_it_is_sent_again(house: House) -> None:
    await send(house, "document", text_file(), "Read")
    await house.db(StoredFile.objects.update, text="", text_error="timeout")
    await send(house, "document", text_file(), "Once more")

    assert "The answer is 42." in str(told(house)[-1]["content"])


async def test_document_without_a_word_is_a_question(house: House) -> None:
    await send(house, "document", text_file())

    assert "The answer is 42." in parts(told(house)[-1])[0][1]
    assert (await house.db(Request.objects.get)).state == "done"


async def test_dialog_goes_on_about_the_document(house: House) -> None:
    await send(house, "document", text_file(), "Read this")
    await house.ask(ANNA, "And now?")

    first, _answer, second = told(house)
    assert "The answer is 42." in str(first["content"])
    assert parts(second) == [("text", "And now?")]


async def test_dropped_file_is_told_no_more(house: House) -> None:
    await send(house, "document", text_file(), "Read this")
    await house.db(lambda: Attachment.objects.update(dropped=True))
    await house.ask(ANNA, "And now?")

    assert parts(told(house)[0]) == [("text", "Read this")]


async def test_dialog_goes_on_when_the_time_of_its_file_is_over(house: House) -> None:
    await send(house, "document", text_file(), "Read this")
    await house.db(files.remove_expired, timezone.now() + timedelta(days=1000))
    await house.ask(ANNA, "And now?")

    assert parts(told(house)[0]) == [("text", "Read this")]
    assert not await house.db(Attachment.objects.exists)


async def test_long_text_is_told_as_far_as_there_is_room_and_the_person_learns_it(
    house: House, settings: Settings
) -> None:
    settings.MAX_CONTEXT_TOKENS = 1000
    answer = await send(house, "document", text_file("word " * 5000), "Sum it up")

    content = parts(told(house)[-1])[0][1]
    assert 2000 < len(content) < 5000
    assert "Only the first" in content
    assert "📎 Only the first" in answer
    assert "notes.txt" in answer


async def test_known_window_holds_more_of_a_file_than_a_dialog_may(house: House, settings: Settings) -> None:
    settings.MAX_CONTEXT_TOKENS = 1000
    await house.db(change, MODEL, context_window=100_000)
    answer = await send(house, "document", text_file("word " * 5000), "Sum it up")

    assert len(parts(told(house)[-1])[0][1]) > 25_000 - 10
    assert "📎" not in answer


async def test_names_that_hold_markdown_and_paths_stay_names(house: House, settings: Settings) -> None:
    settings.MAX_CONTEXT_TOKENS = 1000
    answer = await send(house, "document", text_file("word " * 5000, "../../etc/*pass*wd"), "Sum it up")

    assert "“*pass*wd”" in answer
    stored = await house.db(StoredFile.objects.get)
    assert stored.name == "*pass*wd"
    assert ".." not in stored.path


# --- as it is -------------------------------------------------------------------------------------------------------


async def test_picture_goes_to_a_model_that_sees(seeing: House) -> None:
    await send(seeing, "photo", picture(), "What is this?")

    assert parts(told(seeing)[-1]) == [
        ("image_url", "data:image/png;base64," + base64.b64encode(PNG + bytes(1)).decode()),
        ("text", "What is this?"),
    ]


async def test_pdf_goes_whole_to_a_model_that_reads_pdf(seeing: House) -> None:
    await send(seeing, "document", Upload("a.pdf", "application/pdf", documents.pdf(["One"])), "Sum it up")

    assert [kind for kind, _value in parts(told(seeing)[-1])] == ["file", "text"]


async def test_pdf_goes_as_text_to_a_model_that_does_not(house: House) -> None:
    await send(house, "document", Upload("a.pdf", "application/pdf", documents.pdf(["One", "Two"])), "Sum it up")

    assert "“a.pdf” (application/pdf, 2 pages):\n[page 1]\nOne\n\n[page 2]\nTwo" in str(told(house)[-1]["content"])


async def test_picture_that_is_sent_as_a_file_is_a_picture(seeing: House) -> None:
    await send(seeing, "document", Upload("photo.txt", "text/plain", PNG))

    assert parts(told(seeing)[-1])[0][0] == "image_url"


async def test_pictures_are_shown_again_in_the_next_question(seeing: House) -> None:
    await send(seeing, "photo", picture(), "What is this?")
    await seeing.ask(ANNA, "Sure?")

    assert [kind for kind, _value in parts(told(seeing)[0])] == ["image_url", "text"]


async def test_old_pictures_beyond_the_newest_are_only_mentioned(seeing: House) -> None:
    seeing.world.album(ANNA, [("photo", picture(n)) for n in range(10)], "These")
    await seeing.quiet()
    await send(seeing, "photo", picture(10), "And this")
    await seeing.ask(ANNA, "Which is best?")

    first, _a, second, _b, _question = told(seeing)
    assert {kind for kind, _value in parts(first)} == {"text"}
    assert [kind for kind, _value in parts(second)] == ["image_url", "text"]


# --- scans ----------------------------------------------------------------------------------------------------------

SCAN = Upload("scan.pdf", "application/pdf", documents.pdf([""]))
NO_TEXT = "There is no text in “scan.pdf”, only pictures of pages. No model that can is set up here."


@pytest.fixture
async def reading(house: House, settings: Settings) -> House:
    """The house with a model that reads scans."""
    settings.MISTRAL_API_KEY, settings.MISTRAL_BASE_URL = "sandbox", f"{house.sandbox.url}/llm/mistral"
    await house.db(offer, "mistral", "mistral-ocr-4-0", capabilities=["ocr"])
    return house


def endpoints(house: House) -> list[str]:
    return [call.endpoint for call in house.models.calls]


async def test_scan_is_read_by_a_model_that_can_and_told_as_text(reading: House) -> None:
    answer = await send(reading, "document", SCAN, "Sum it up")

    assert MODEL in answer
    assert "“scan.pdf” (application/pdf, 1 pages):\n[page 1]\n# document" in str(told(reading)[-1]["content"])
    stored = await reading.db(StoredFile.objects.get)
    assert (stored.text_error, stored.pages) == ("", 1)
    await send(reading, "document", SCAN, "Once more")
    assert endpoints(reading) == ["ocr", "chat", "chat"]


async def test_scan_goes_as_it_is_to_a_model_that_sees_pages(reading: House) -> None:
    await reading.db(change, MODEL, capabilities=["text", "document"])
    await send(reading, "document", SCAN, "Sum it up")

    assert [kind for kind, _value in parts(told(reading)[-1])] == ["file", "text"]
    assert endpoints(reading) == ["chat"]


async def test_scan_that_could_not_be_read_is_told_and_read_when_it_is_sent_again(reading: House) -> None:
    reading.models.rule(endpoint="ocr", error="400", times=1)

    assert await send(reading, "document", SCAN, "Sum it up") == NO_TEXT
    assert MODEL in await send(reading, "document", SCAN, "Sum it up")


# --- what does not work ---------------------------------------------------------------------------------------------


async def test_model_that_cannot_see_says_who_can(house: House) -> None:
    await house.db(lambda: offer("openai", "eye", label="Eye", capabilities=["text", "image"]))
    answer = await send(house, "photo", picture(), "What is this?")

    assert answer == "This model cannot see pictures. These can: Eye."
    assert "📋 Models" in house.buttons(ANNA)
    assert not [call for call in house.models.calls if call.endpoint == "chat"]
    request = await house.db(Request.objects.get)
    assert (request.state, request.error_kind) == ("failed", "file")


async def test_model_that_cannot_see_answers_all_the_same_when_there_is_more(house: House) -> None:
    house.world.album(ANNA, [("document", text_file()), ("document", Upload("a.png", "image/png", PNG))], "Look")
    await house.quiet()

    assert "42" in str(told(house)[-1]["content"])
    assert house.heard(ANNA)[-1].endswith("This model cannot see pictures. No model that can is set up here.")


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "empty.txt", "“empty.txt” is empty."),
        (documents.pdf(["x"], "secret"), "sealed.pdf", "“sealed.pdf” is protected by a password."),
        (b"%PDF-1.4 nothing", "torn.pdf", "“torn.pdf” is damaged"),
        (documents.bomb, "bomb.docx", "“bomb.docx” unpacks"),
        (b"MZ" + bytes(100), "virus.pdf", "I cannot read “virus.pdf”. I can read pictures"),
        (documents.pdf([""]), "scan.pdf", "There is no text in “scan.pdf”, only pictures of pages."),
    ],
)
async def test_file_that_cannot_be_read_gets_a_sentence_and_no_model_is_asked(
    house: House, content: bytes | Callable[[], bytes], name: str, sentence: str
) -> None:
    sent = content if isinstance(content, bytes) else content()
    answer = await send(house, "document", Upload(name, "", sent), "Read it")

    assert answer.startswith(sentence)
    assert not [call for call in house.models.calls if call.endpoint == "chat"]


async def test_file_that_is_too_large_is_refused_before_it_is_loaded(house: House, settings: Settings) -> None:
    settings.MAX_FILE_MB_OF_ROLE = {"member": 1, "editor": 1, "admin": 1}
    answer = await send(house, "document", text_file(), "Read it", file_size=2 * 1024 * 1024)

    assert answer.replace("\xa0", " ") == "“notes.txt” is too large for me: 1.0 MB is the limit."
    assert house.calls("getFile") == []
    assert not await house.db(Request.objects.exists)


async def test_role_that_may_send_no_files_is_told_so(house: House, settings: Settings) -> None:
    settings.MAX_FILE_MB_OF_ROLE = {"member": 0, "editor": 1, "admin": 1}

    assert await send(house, "document", text_file()) == (
        "Files are not open to your role here. An admin can change that."
    )
    assert house.calls("getFile") == []


async def test_typing_is_shown_while_a_file_is_loaded(house: House) -> None:
    house.fault("download", "slow", seconds=0.6)
    await send(house, "document", text_file(), "Read it")

    loaded, typed = house.calls("download")[0], house.calls("sendChatAction")[0]
    assert typed.time < loaded.time + loaded.duration


async def test_refused_file_beside_others_is_named_under_the_answer(house: House) -> None:
    house.world.album(ANNA, [("document", text_file()), ("document", text_file("", "empty.txt"))], "Read both")
    await house.quiet()

    assert "The answer is 42." in str(told(house)[-1]["content"])
    assert house.heard(ANNA)[-1].endswith("📎 “empty.txt” is empty.")


@pytest.mark.parametrize(("kind", "words"), [("video_note", "I cannot watch films"), ("video", "I cannot watch films")])
async def test_films_are_declined_in_words(house: House, kind: str, words: str) -> None:
    assert (await send(house, kind, Upload("a.mp4", "video/mp4", b"film"))).startswith(words)


async def test_lost_file_is_told(house: House) -> None:
    house.fault(
        "getFile", "400", times=None, description="Bad Request: wrong file_id or the file is temporarily unavailable"
    )

    assert await send(house, "document", text_file()) == (
        "Telegram did not give me “notes.txt”. Please send it once more."
    )


# --- albums, edits, replies, forwards -------------------------------------------------------------------------------


async def test_album_is_one_question(seeing: House) -> None:
    seeing.world.album(ANNA, [("photo", picture(n)) for n in range(10)], "Compare them")
    await seeing.quiet()

    request = await seeing.db(Request.objects.get)
    assert request.prompt == "Compare them"
    assert [kind for kind, _value in parts(told(seeing)[-1])] == ["image_url"] * 10 + ["text"]
    assert (
        await seeing.db(lambda: list(Attachment.objects.order_by("position").values_list("file__size")))
        == [(len(PNG) + 1,)] * 10
    )
    assert await seeing.db(lambda: Update.objects.filter(state="done").count()) == 10
    assert len(seeing.heard(ANNA)) == 1


async def test_words_may_stand_under_any_picture_of_an_album(seeing: House) -> None:
    for number, words in enumerate(("", "Compare them")):
        seeing.world.say(ANNA, words, file=("photo", picture(number)), media_group_id="7")
    await seeing.quiet()

    assert (await seeing.db(Request.objects.get)).prompt == "Compare them"


async def test_two_albums_are_two_questions(seeing: House) -> None:
    for _time in range(2):
        seeing.world.album(ANNA, [("photo", picture(n)) for n in range(2)], "These")
    await seeing.quiet()

    assert await seeing.db(Request.objects.count) == 2


async def test_single_picture_waits_for_nothing(seeing: House) -> None:
    await send(seeing, "photo", picture(), "What is this?")

    def waited() -> float:
        request, update = Request.objects.get(), Update.objects.get()
        return (request.created_at - update.received_at).total_seconds()

    assert await seeing.db(waited) < paste.QUIET_SECONDS


async def test_edited_words_ask_anew_about_the_same_file(house: House) -> None:
    message = house.world.say(ANNA, "What?", file=("document", text_file())).message
    await house.quiet()
    house.world.edit(ANNA, message["message_id"], "Why?")
    await house.quiet()

    assert [request.prompt for request in await house.db(requests)] == ["What?", "Why?"]
    (question,) = told(house)
    assert "The answer is 42." in str(question["content"])
    assert "Why?" in str(question["content"])
    assert len(house.calls("getFile")) == 1
    assert await house.db(lambda: Attachment.objects.filter(request__prompt="Why?").count()) == 1


async def test_reply_to_a_file_asks_about_it(house: House) -> None:
    message = house.world.say(OLGA, "", file=("document", text_file())).message
    await house.quiet()
    house.say(OLGA, "/new")
    house.say(OLGA, "What does it say?", reply_to=message["message_id"])
    await house.quiet()

    assert "The answer is 42." in str(told(house)[-1]["content"])
    assert len(house.calls("getFile")) == 1


async def test_reply_to_a_file_of_this_dialog_tells_it_once(house: House) -> None:
    message = house.world.say(ANNA, "Read", file=("document", text_file())).message
    await house.quiet()
    house.say(ANNA, "What does it say?", reply_to=message["message_id"])
    await house.quiet()

    first, _answer, second = told(house)
    assert parts(first) == [("text", "Read")]
    assert "The answer is 42." in str(second["content"])


def test_reply_to_a_file_of_another_chat_is_about_it() -> None:
    file = {"document": {"file_id": "i", "file_unique_id": "u"}, "origin": {"type": "chat"}}

    assert with_files([{"text": "What does it say?", "external_reply": file}]) == [file]
    assert with_files([{"text": "What does it say?", "external_reply": {"origin": {"type": "chat"}}}]) == []


async def test_forwarded_file_is_read(house: House) -> None:
    await send(house, "document", text_file(), forward_from=OLGA)

    assert "The answer is 42." in str(told(house)[-1]["content"])


async def test_same_content_twice_is_one_file(house: House) -> None:
    await send(house, "document", text_file(), "One")
    await send(house, "document", text_file(name="again.txt"), "Two")

    assert await house.db(StoredFile.objects.count) == 1
    assert await house.db(Attachment.objects.count) == 2


# --- groups ---------------------------------------------------------------------------------------------------------


async def test_file_in_a_group_is_nobodys_business_unless_it_is_for_us(team: House) -> None:
    team.world.say(ANNA, "", TEAM, file=("document", text_file()))
    team.world.say(BORIS, "Look at this", TEAM, file=("photo", picture()))
    team.world.say(BORIS, "", TEAM, file=("video", Upload("a.mp4", "video/mp4", b"film")))
    await team.quiet()

    assert team.heard(TEAM) == []
    assert team.calls("getFile") == []


@pytest.mark.parametrize("words", ["@sekretar_bot read it", "/ask read it", "/ask@sekretar_bot read it"])
async def test_file_in_a_group_with_our_name_is_read(team: House, words: str) -> None:
    team.world.say(ANNA, words, TEAM, file=("document", text_file()))
    await team.quiet()

    assert "The answer is 42." in str(told(team)[-1]["content"])
    assert (await team.db(Request.objects.get)).prompt == "read it"


async def test_reply_to_anothers_file_in_a_group_asks_about_it(team: House) -> None:
    message = team.world.say(BORIS, "", TEAM, file=("document", text_file())).message
    team.say(ANNA, "@sekretar_bot what does it say?", TEAM, reply_to=message["message_id"])
    team.say(ANNA, "/ask", TEAM, reply_to=message["message_id"])
    await team.quiet()

    first, second = await team.db(requests)
    assert (first.prompt, second.prompt) == ("what does it say?", "")
    assert "The answer is 42." in str(told(team)[-1]["content"])
    owner = await team.db(lambda: StoredFile.objects.select_related("owner").get().owner)
    assert owner is not None
    assert owner.telegram_id == ANNA


async def test_messages_without_files_are_not_asked_for_any(house: House) -> None:
    await house.ask(ANNA, "Hello")

    assert await house.db(lambda: list(Message.objects.values_list("files", flat=True))) == [0, 0]
