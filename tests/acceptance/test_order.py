"""Many people at once: everybody gets their own answers, in order, with their own history."""

import json

import pytest

from tests.acceptance.conftest import NewStage
from tests.acceptance.processes import FIRST, Stage

pytestmark = pytest.mark.acceptance

CHATS, EACH = range(FIRST, FIRST + 20), 10


@pytest.fixture(scope="module")
def answered(new_stage: NewStage) -> Stage:
    """Twenty people wrote ten messages each, under Telegram's limits and ours; everything is said."""
    stage = new_stage(limits=True)
    stage.sandbox.model("/", history=True)
    stage.bot()
    stage.sandbox.post("/burst", chats=len(CHATS), per_chat=EACH, first_id=FIRST, text="{chat}/{n}")
    stage.quiet()
    return stage


@pytest.mark.parametrize("chat", [CHATS[0], CHATS[-1]])
def test_ten_quick_messages_come_back_in_order_with_exactly_their_history(answered: Stage, chat: int) -> None:
    said = [f"{chat}/{n}" for n in range(1, EACH + 1)]
    heard = [json.loads(text) for text in answered.sandbox.heard(chat)]
    assert heard == [said[:n] for n in range(1, EACH + 1)]


def test_nobody_of_twenty_gets_a_message_too_few_or_too_many(answered: Stage) -> None:
    assert {chat: len(answered.sandbox.heard(chat)) for chat in CHATS} == dict.fromkeys(CHATS, EACH)


def test_every_question_of_two_hundred_is_asked_once(answered: Stage) -> None:
    asked = answered.sandbox.questions()
    assert sorted(asked) == sorted(f"{chat}/{n}" for chat in CHATS for n in range(1, EACH + 1))


def test_telegram_never_has_to_remind_of_its_limits(answered: Stage) -> None:
    calls = answered.sandbox.calls("sendMessage")
    assert len(calls) >= len(CHATS) * EACH
    assert [call for call in calls if call["error_code"] == 429] == []
