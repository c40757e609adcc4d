"""Telegram on a bad day: every message ends in an answer, and only the chat that is told to wait does."""

import pytest

from tests.acceptance.conftest import NewStage
from tests.acceptance.processes import FIRST, Json, Stage, is_preview, until

pytestmark = pytest.mark.acceptance

MARK = "↻ possibly a repetition\n"
# name -> (method, fault, more of it). What a slow answer does first with editMessageText is a preview: hence two.
SENDS: dict[str, Json] = {
    "429": {"retry_after": 2},
    "500": {},
    "502_html": {},
    "cut": {},
    "cut_after": {},
    "hang": {"seconds": 1.5},
}
EDITS = {kind: {**more, "times": 2} for kind, more in SENDS.items()}
# Faults after which nobody knows whether the message arrived.
DOUBTFUL = {"cut", "cut_after", "hang"}
SEND_CHATS = {kind: FIRST + number for number, kind in enumerate(SENDS)}
EDIT_CHATS = {kind: FIRST + 10 + number for number, kind in enumerate(EDITS)}


@pytest.fixture(scope="module")
def stage(new_stage: NewStage) -> Stage:
    made = new_stage()
    made.bot()
    return made


@pytest.fixture(scope="module")
def after_faults(stage: Stage) -> Stage:
    """In each chat one question and one kind of fault, all at once; everything is said."""
    sandbox = stage.sandbox
    sandbox.model("quick", text="A quick answer.", pace=0)
    # Held until all have a preview: an answer that is over before has nothing to be edited.
    sandbox.model("slow", words=60, slow=1.6, hold="hold")
    for kind, chat in SEND_CHATS.items():
        sandbox.fault("sendMessage", kind, chat_id=chat, **SENDS[kind])
        sandbox.say(chat, "quick")
    for kind, chat in EDIT_CHATS.items():
        sandbox.fault("editMessageText", kind, chat_id=chat, **EDITS[kind])
        sandbox.say(chat, "slow")
    for chat in EDIT_CHATS.values():
        until(lambda chat=chat: any(map(is_preview, sandbox.messages(chat))), what="a preview")  # type: ignore[misc]
    sandbox.until_held(len(EDIT_CHATS))
    sandbox.release()
    stage.quiet()
    sandbox.clear()
    return stage


def faults(stage: Stage, method: str, chat: int) -> list[str]:
    return [call["fault"] for call in stage.sandbox.calls(method, chat) if call["fault"]]


@pytest.mark.parametrize("kind", SENDS)
def test_answer_arrives_although_sending_fails_first(after_faults: Stage, kind: str) -> None:
    chat = SEND_CHATS[kind]
    assert faults(after_faults, "sendMessage", chat) == [kind]
    heard = after_faults.sandbox.heard(chat)
    assert heard[-1] == (MARK if kind in DOUBTFUL else "") + "A quick answer."
    assert heard[:-1] == (["A quick answer."] if kind == "cut_after" else [])


@pytest.mark.parametrize("kind", EDITS)
def test_preview_becomes_the_whole_answer_although_editing_fails_first(after_faults: Stage, kind: str) -> None:
    chat = EDIT_CHATS[kind]
    assert set(faults(after_faults, "editMessageText", chat)) == {kind}
    messages = after_faults.sandbox.messages(chat)
    assert [message["text"] for message in messages] == [answer_in(after_faults, chat)]
    assert "reply_markup" not in messages[0]


def answer_in(stage: Stage, chat: int) -> str:
    asked = (
        "SELECT request.answer FROM conversations_request AS request"
        " JOIN conversations_conversation AS dialog ON dialog.id = request.conversation_id"
        " JOIN accounts_chat AS chat ON chat.id = dialog.chat_id WHERE chat.telegram_id = %s"
    )
    return str(stage.database.rows(asked, chat)[0][0])


def test_only_the_chat_that_is_told_to_wait_waits(stage: Stage) -> None:
    waiting, others = FIRST + 20, range(FIRST + 21, FIRST + 25)
    stage.sandbox.fault("sendMessage", "429", chat_id=waiting, retry_after=4)
    stage.sandbox.say(waiting, "Are you there?")
    refused = until(lambda: stage.sandbox.calls("sendMessage", waiting))[0]
    for chat in others:
        stage.sandbox.say(chat, "And are you?")
    stage.quiet()
    again = stage.sandbox.calls("sendMessage", waiting)[1]
    assert again["ok"]
    assert again["time"] - refused["time"] >= 4
    answers = [stage.sandbox.calls("sendMessage", chat)[0] for chat in others]
    assert all(refused["time"] < answer["time"] < again["time"] for answer in answers)


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "429", "retry_after": 1},
        {"kind": "500", "times": 2},
        {"kind": "502_html"},
        {"kind": "cut"},
        {"kind": "cut_after"},
        {"kind": "hang", "seconds": 1},
    ],
    ids=lambda rule: str(rule["kind"]),
)
def test_bot_goes_on_receiving_after_getting_updates_failed(stage: Stage, rule: Json) -> None:
    chat = FIRST + 30
    stage.sandbox.fault("getUpdates", **rule)
    stage.ask(FIRST + 31, "This one ends the poll that waits.")
    assert "Who is there?" in stage.ask(chat, "Who is there?")
    stage.quiet()
    failed = [call["fault"] for call in stage.sandbox.calls("getUpdates") if call["fault"] == rule["kind"]]
    assert len(failed) == rule.get("times", 1)
