"""Large files and many at once, through real processes: a report of 200 pages, an album of ten photos."""

import base64
import os
import zlib
from typing import Any

import pytest

from tests.acceptance.processes import CHRIS, Stage
from tests.files import documents

pytestmark = pytest.mark.acceptance

PAGES = 200


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def report() -> bytes:
    return documents.pdf([f"Chapter {number}: sales grew in region {number}." for number in range(1, PAGES + 1)])


def photo(number: int) -> bytes:
    """A JPEG as far as anybody looks, with enough of noise to weigh what a photo does."""
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + zlib.compress(os.urandom(200_000)) + bytes([number])


def asked(stage: Stage) -> list[Any]:
    """What the person said in each call that a model got, as parts."""
    calls = stage.sandbox.get("/llm/calls", endpoint="chat")
    contents = [call["body"]["messages"][-1]["content"] for call in calls]
    return [[{"type": "text", "text": content}] if isinstance(content, str) else content for content in contents]


def send(stage: Stage, content: bytes, name: str, caption: str) -> None:
    document = {"name": name, "mime": "application/pdf", "base64": encoded(content)}
    stage.sandbox.post("/message", user_id=CHRIS, chat_id=CHRIS, document=document, caption=caption)


def test_report_of_two_hundred_pages_is_read_to_its_end_and_answered(stage: Stage) -> None:
    stage.sandbox.model("Sum it up", text="Sales grew everywhere.")
    stage.bot(MAX_CONTEXT_TOKENS="100000")
    send(stage, report(), "report.pdf", "Sum it up")
    stage.quiet()

    assert stage.sandbox.heard(CHRIS) == ["Sales grew everywhere."]
    (parts,) = asked(stage)
    told = "".join(part["text"] for part in parts)
    assert all(f"[page {n}]\nChapter {n}: " in told for n in range(1, PAGES + 1))
    ((pages, error),) = stage.database.rows("SELECT pages, text_error FROM files_storedfile")
    assert (pages, error) == (PAGES, "")


def test_report_that_does_not_fit_is_read_as_far_as_it_goes_and_that_is_said(stage: Stage) -> None:
    stage.sandbox.model("Sum it up", text="Sales grew in some regions.")
    stage.bot(MAX_CONTEXT_TOKENS="1000")
    send(stage, report(), "report.pdf", "Sum it up")
    stage.quiet()

    (answer,) = stage.sandbox.heard(CHRIS)
    assert answer.startswith("Sales grew in some regions.\n\n📎 Only the first ")
    assert "“report.pdf”" in answer


def test_album_of_ten_photos_is_one_question_with_ten_pictures(stage: Stage) -> None:
    assert stage.manage("sync_models").wait() == 0
    stage.sandbox.model("Which is best?", text="The third one.")
    bot = stage.bot(DEFAULT_MODEL="gemini:gemini-3.8-flash")
    photos = [photo(number) for number in range(10)]
    files = [{"photo": {"name": "p.jpg", "base64": encoded(content)}} for content in photos]
    stage.sandbox.post("/album", user_id=CHRIS, chat_id=CHRIS, files=files, caption="Which is best?")
    stage.quiet()

    assert stage.sandbox.heard(CHRIS) == ["The third one."]
    (call,) = stage.sandbox.get("/llm/calls", endpoint="chat")
    *pictures, words = call["body"]["contents"][-1]["parts"]
    assert [picture["inlineData"]["data"] for picture in pictures] == [encoded(content) for content in photos]
    assert words == {"text": "Which is best?"}
    kept = [path.read_bytes() for path in (stage.folder / "files").rglob("*") if path.is_file()]
    assert sorted(kept) == sorted(photos)
    assert bot.is_running


def test_bot_that_is_killed_while_it_loads_a_file_answers_about_it_when_it_is_back(stage: Stage) -> None:
    stage.sandbox.fault("download", "hang", seconds=30)
    bot = stage.bot()
    send(stage, documents.pdf(["Sales grew."]), "report.pdf", "Sum it up")
    stage.sandbox.done("getFile", 1)
    bot.kill()
    assert stage.database.rows("SELECT state FROM telegram_bot_update") == [("running",)]
    stage.sandbox.clear()
    stage.sandbox.model("Sum it up", text="They did.")
    stage.bot()
    stage.quiet(60)

    assert stage.sandbox.heard(CHRIS) == ["They did."]
    (parts,) = asked(stage)
    assert "Sales grew." in str(parts)
    assert stage.database.rows("SELECT count(*) FROM files_storedfile") == [(1,)]
