"""SIGTERM: what runs is finished, nothing stays open, and the next process answers what came meanwhile."""

import time

import pytest

from tests.acceptance.processes import FIRST, Stage, until

pytestmark = pytest.mark.acceptance


def test_stopped_bot_finishes_its_answers_and_the_next_one_takes_up_what_came_meanwhile(stage: Stage) -> None:
    stage.sandbox.model("tell", words=80, slow=3)
    bot = stage.bot()
    for chat in (FIRST, FIRST + 1):
        stage.sandbox.say(chat, "tell me a lot")
        until(lambda chat=chat: stage.sandbox.heard(chat), what="a preview")  # type: ignore[misc]
    began = time.monotonic()
    assert bot.terminate() == 0
    assert time.monotonic() - began < 20
    assert stage.open_rows() == 0
    answers = {answer for (answer,) in stage.database.rows("SELECT answer FROM conversations_request")}
    for chat in (FIRST, FIRST + 1):
        message = stage.sandbox.messages(chat)[-1]
        assert message["text"] in answers
        assert "reply_markup" not in message
    stage.sandbox.say(FIRST + 2, "While you were away")
    stage.bot()
    stage.quiet()
    assert "While you were away" in stage.sandbox.heard(FIRST + 2)[0]
    assert len(stage.sandbox.heard(FIRST)) == 1


def test_idle_bot_ends_at_once(stage: Stage) -> None:
    bot = stage.bot()
    stage.ask(FIRST, "Hello")
    began = time.monotonic()
    assert bot.terminate() == 0
    assert time.monotonic() - began < 10
