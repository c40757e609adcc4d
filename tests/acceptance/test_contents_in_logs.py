"""No output of any process holds what people or models said, nor a file's name, even when it tells everything."""

import base64

import pytest

from tests.acceptance.processes import FIRST, Stage

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
    stage.quiet()

    assert any(WORD in message.get("text", "") for message in stage.sandbox.messages(FIRST))
    assert len(bot.output) > 1000
    for process in (bot, web):
        told = [line for line in process.output.splitlines() if WORD in line]
        assert told == []


def test_the_mask_is_not_what_hides_it(stage: Stage) -> None:
    loud = stage.start("loud", ["-c", f"print('the {WORD}')"], {})
    loud.wait()

    assert WORD in loud.output
