"""A provider on a bad day: whatever it does, the person reads an answer or one clear sentence."""

import pytest

from tests.acceptance.conftest import NewStage
from tests.acceptance.processes import FIRST, Json, Stage

pytestmark = pytest.mark.acceptance

# name -> (what the model does, what the person reads)
STORIES: dict[str, tuple[Json, str]] = {
    "one-500": ({"error": "500", "times": 1}, "say one-500"),
    "500": ({"error": "500"}, "The model's server failed. Try again, or choose another model."),
    "502-html": ({"html": True}, "The model's server failed. Try again, or choose another model."),
    "cut-at-once": ({"cut": "0"}, "The connection to the model broke. Try again, or choose another model."),
    "cut": ({"cut": True, "words": 40}, "⚠️ The answer broke off here."),
    "hang": ({"hang": None}, "The model took too long. Try again, or choose another model."),
    "hang-midway": ({"hang": "mid", "words": 40}, "⚠️ The answer broke off here. The model took too long."),
    "keepalive-only": ({"hang": "keepalive"}, "The model took too long."),
    "malformed": ({"malformed": True, "words": 40}, "⚠️ The answer broke off here."),
    "empty-body": ({"empty": True}, "The model"),
    "empty-answer": ({"empty": "answer"}, "The model gave no answer. Try again, or use other words."),
    "one-429": ({"error": "429", "retry_after": 1, "times": 1}, "say one-429"),
    "429": ({"error": "429", "retry_after": 60}, "Too many questions at once. Try again in a minute"),
    "stream-error": ({"error": "stream", "words": 40}, "⚠️ The answer broke off here."),
}
CHATS = {name: FIRST + number for number, name in enumerate(STORIES)}
PATIENCE = {
    # Longer than any healthy answer takes here, even on a busy machine.
    "LLM_CONNECT_TIMEOUT_SEC": "2",
    "LLM_READ_TIMEOUT_SEC": "2",
    "LLM_FIRST_TOKEN_TIMEOUT_SEC": "2",
    "LLM_TURN_TIMEOUT_SEC": "10",
}


@pytest.fixture(scope="module")
def after_faults(new_stage: NewStage) -> Stage:
    """One question in each chat, each answered by a model with another fault, all at once; everything is said."""
    stage = new_stage()
    for name, (behaviour, _words) in STORIES.items():
        stage.sandbox.model(f" {name}!", **behaviour)
    # Said before there is a bot: nobody's model is asked so late that the others' failures have closed the provider.
    for name, chat in CHATS.items():
        stage.sandbox.say(chat, f"say {name}!")
    stage.bot(**PATIENCE)
    stage.quiet()
    return stage


@pytest.mark.parametrize("name", STORIES)
def test_question_ends_in_an_answer_or_a_clear_sentence(after_faults: Stage, name: str) -> None:
    messages = after_faults.sandbox.messages(CHATS[name])
    assert len(messages) == 1
    assert STORIES[name][1] in messages[0]["text"]


@pytest.mark.parametrize("name", STORIES)
def test_no_stop_button_stays(after_faults: Stage, name: str) -> None:
    keys = [
        key["text"]
        for message in after_faults.sandbox.messages(CHATS[name])
        for row in message.get("reply_markup", {}).get("inline_keyboard", [])
        for key in row
    ]
    assert keys in ([], ["📋 Models"])


def test_words_that_came_before_the_end_are_kept(after_faults: Stage) -> None:
    for name in ("cut", "hang-midway", "malformed", "stream-error"):
        assert after_faults.sandbox.heard(CHATS[name])[0].startswith("Sentence 1:")
