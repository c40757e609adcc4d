"""Updates that nobody can work on hold nobody up."""

import pytest

from tests.acceptance.conftest import NewStage
from tests.acceptance.processes import FIRST, Json, Stage, until

pytestmark = pytest.mark.acceptance

CHAT = {"id": FIRST, "type": "private", "first_name": "Person"}
SENDER = {"id": FIRST, "is_bot": False, "first_name": "Person"}
GOOD = {"message_id": 1, "date": 1_700_000_000, "chat": CHAT, "from": SENDER, "text": "hello"}
# name -> (raw update, where it ends)
POISON: dict[str, tuple[Json, str]] = {
    "unknown-kind": ({"quantum_message": {"chat": CHAT, "from": SENDER}}, "done"),
    "no-kind": ({}, "done"),
    "message-is-a-word": ({"message": "hello"}, "done"),
    "no-chat": ({"message": {"text": "hello"}}, "done"),
    "chat-without-a-number": ({"message": {**GOOD, "chat": {"id": "seven", "type": "private"}}}, "done"),
    "date-is-a-word": ({"message": {**GOOD, "date": "yesterday"}}, "dead"),
    "text-is-a-number": ({"message": {**GOOD, "text": 5}}, "dead"),
    "press-of-nothing": ({"callback_query": {"id": "1", "from": SENDER, "message": GOOD, "data": 7}}, "dead"),
    "sender-without-a-name": ({"message": {**GOOD, "from": {"id": FIRST, "is_bot": False}}}, "dead"),
}


@pytest.fixture(scope="module")
def poisoned(new_stage: NewStage) -> tuple[Stage, dict[str, int]]:
    """One update of each kind, a good message behind them, all worked on; and the ids of the bad ones."""
    stage = new_stage()
    stage.bot()
    stage.ask(FIRST, "Hello")
    ids = {name: stage.sandbox.post("/update", **raw)["update_id"] for name, (raw, _end) in POISON.items()}
    stage.sandbox.say(FIRST, "Are you still there?")
    stage.quiet()
    return stage, ids


@pytest.mark.parametrize("name", POISON)
def test_update_that_cannot_be_worked_on_ends(poisoned: tuple[Stage, dict[str, int]], name: str) -> None:
    stage, ids = poisoned
    ended = stage.database.rows("SELECT state, error FROM telegram_bot_update WHERE update_id = %s", ids[name])
    assert ended[0][0] == POISON[name][1]
    assert bool(ended[0][1]) == (POISON[name][1] == "dead")


def test_message_behind_bad_updates_of_its_own_chat_is_answered(poisoned: tuple[Stage, dict[str, int]]) -> None:
    stage, _ids = poisoned
    assert "Are you still there?" in stage.sandbox.heard(FIRST)[-1]


def test_bot_goes_on_after_bad_updates(poisoned: tuple[Stage, dict[str, int]]) -> None:
    stage, _ids = poisoned
    assert "And now?" in stage.ask(FIRST + 1, "And now?")


def test_update_that_killed_five_processes_is_buried_and_the_next_one_answered(stage: Stage) -> None:
    stage.sandbox.model("poison", hold="for ever")
    bot = stage.bot()
    stage.sandbox.say(FIRST, "poison")
    stage.sandbox.say(FIRST, "and then?")
    until(lambda: stage.sandbox.questions() == ["poison"], what="the question is asked")
    # Four processes have died of it before this one.
    stage.database.rows("UPDATE telegram_bot_update SET attempts = 5 WHERE state = 'running'")
    bot.kill()
    stage.bot()
    stage.quiet()
    ended = stage.database.rows("SELECT state, attempts FROM telegram_bot_update ORDER BY update_id")
    assert ended == [("dead", 5), ("done", 1)]
    assert stage.sandbox.questions() == ["poison", "and then?"]
    # The person is told of the one, and has the other's answer.
    heard = stage.sandbox.heard(FIRST)
    assert any("Something went wrong on our side" in text for text in heard)
    assert any("and then?" in text for text in heard)
