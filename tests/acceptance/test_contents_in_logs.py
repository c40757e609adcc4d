"""No output of any process holds what people or models said, nor a file's name, even when it tells everything."""

import base64

import pytest

from tests.acceptance.processes import CHRIS, FIRST, Stage

pytestmark = pytest.mark.acceptance

WORD = "bumblebee"


def test_a_bot_that_tells_everything_tells_nothing_of_what_was_said(stage: Stage) -> None:
    bot = stage.bot(LOG_LEVEL="DEBUG")
    web, _address = stage.web(LOG_LEVEL="DEBUG")
    stage.sandbox.model("fail", error="bad_request")
    stage.sandbox.fault("sendMessage", "502_html", chat_id=FIRST)
    stage.ask(FIRST, f"What of the {WORD}? [[text The {WORD} flies.]]")
    stage.ask(FIRST + 1, f"fail {WORD}")
    document = {"name": f"{WORD}.txt", "mime": "text/plain", "base64": base64.b64encode(WORD.encode()).decode()}
    stage.sandbox.post("/message", user_id=FIRST, chat_id=FIRST, caption=f"And this {WORD}?", document=document)
    stage.sandbox.say(FIRST + 1, f"/model {WORD}")
    # No database takes it, and PostgreSQL says what it is.
    stage.sandbox.say(FIRST + 1, f"{WORD} \x00")
    stage.quiet()

    assert any(WORD in message.get("text", "") for message in stage.sandbox.messages(FIRST))
    assert len(bot.output) > 1000
    for process in (bot, web):
        told = [line for line in process.output.splitlines() if WORD in line]
        assert told == []


def test_no_picture_stands_in_the_output(stage: Stage) -> None:
    photo = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256))
    assert stage.manage("sync_models").wait() == 0
    bot = stage.bot(LOG_LEVEL="DEBUG", DEFAULT_MODEL="gemini:gemini-3.1-flash-image")
    sent = {"name": "p.jpg", "base64": base64.b64encode(photo).decode()}
    stage.sandbox.post("/message", user_id=CHRIS, chat_id=CHRIS, caption="Another? [[image 1]]", photo=sent)
    stage.quiet()

    assert any("photo" in message for message in stage.sandbox.messages(CHRIS))
    files = [path.read_bytes() for path in (stage.folder / "files").rglob("*") if path.is_file()]
    assert photo in files
    assert len(files) == 2
    for content in files:
        for form in (base64.b64encode(content).decode()[8:40], repr(content[4:20])[2:-1], content[4:20].hex()):
            assert form not in bot.output


def test_the_mask_is_not_what_hides_it(stage: Stage) -> None:
    loud = stage.start("loud", ["-c", f"print('the {WORD}')"], {})
    loud.wait()

    assert WORD in loud.output
