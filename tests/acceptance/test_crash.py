"""kill -9 in the middle of the work: the next process goes on where the last one died."""

import json
from collections import Counter
from dataclasses import dataclass

import pytest

from tests.acceptance.processes import FIRST, Json, Process, Stage, is_preview, until

pytestmark = pytest.mark.acceptance

# Two hundred messages. Few chats: so there are few answers at any moment between their sending and their record.
CHATS, EACH = range(FIRST, FIRST + 5), 40
WHOLE_HISTORY = {"MAX_CONTEXT_MESSAGES": "100", "MAX_CONTEXT_TOKENS": "100000", "CONTEXT_WARN_TOKENS": "100000"}
MARK = "↻ possibly a repetition\n"


@dataclass
class Crash:
    """What was going on when the process died: questions being answered, deliveries on their way."""

    questions: set[str]
    deliveries: int


def crash_of(stage: Stage) -> Crash:
    running = stage.database.rows("SELECT raw FROM telegram_bot_update WHERE state = 'running'")
    raws = [json.loads(raw) if isinstance(raw, str) else raw for (raw,) in running]
    return Crash({raw["message"]["text"] for raw in raws}, stage.database.count("delivery_delivery", "sending"))


def answer_how(stage: Stage, *, last: bool) -> None:
    """Everybody's model is of another speed, as in life. Together they answer about as often as Telegram lets a bot
    send, 25 times a second. Not ``last``: the last question of all is not answered yet."""
    stage.sandbox.clear()
    if not last:
        stage.sandbox.model(f"{CHATS[-1]}/{EACH}", history=True, hold="hold")
    for chat in CHATS:
        stage.sandbox.model(f"{chat}/", history=True, delay=0.1 + 0.02 * (chat - FIRST))


def kill(stage: Stage, bot: Process) -> Crash:
    """Kill it at a moment when two answers at most are on their way. What stands still can be looked at."""

    def is_moment() -> bool:
        bot.freeze()
        if stage.database.count("delivery_delivery", "sending") <= 2:
            return True
        bot.thaw()
        return False

    until(is_moment, what="a moment with few answers on their way")
    bot.kill()
    return crash_of(stage)


@pytest.fixture(params=[35, 150])
def survived(stage: Stage, request: pytest.FixtureRequest) -> tuple[Stage, Crash]:
    """Two hundred messages, a kill after ``param`` answers, a second process that goes on."""
    answer_how(stage, last=False)
    bot = stage.bot(**WHOLE_HISTORY)
    stage.sandbox.post("/burst", chats=len(CHATS), per_chat=EACH, first_id=FIRST, text="{chat}/{n}")
    stage.sandbox.done("sendMessage", request.param)
    crash = kill(stage, bot)
    assert len(stage.sandbox.calls("sendMessage")) < len(CHATS) * EACH  # it was in the middle
    answer_how(stage, last=True)
    stage.bot(**WHOLE_HISTORY)
    stage.quiet()
    return stage, crash


def test_killed_bot_loses_nothing_and_doubles_at_most_what_was_on_its_way(survived: tuple[Stage, Crash]) -> None:
    stage, crash = survived
    doubled = 0
    for chat in CHATS:
        said = [f"{chat}/{n}" for n in range(1, EACH + 1)]
        messages = stage.sandbox.messages(chat)
        assert not any(map(is_preview, messages))
        answers = [json.loads(message["text"].removeprefix(MARK)) for message in messages]
        once = [answer for before, answer in zip([None, *answers], answers, strict=False) if answer != before]
        assert once == [said[:n] for n in range(1, EACH + 1)]
        doubled += len(answers) - len(once)
    assert doubled <= min(2, crash.deliveries)
    asked = Counter(stage.sandbox.questions())
    assert set(asked) == {f"{chat}/{n}" for chat in CHATS for n in range(1, EACH + 1)}
    assert {question for question, times in asked.items() if times > 1} <= crash.questions
    assert max(asked.values()) <= 2


SLOW = range(FIRST, FIRST + 3)


def test_previews_of_a_killed_bot_become_the_whole_answers(stage: Stage) -> None:
    # None of them is over before the kill, however long the others take to begin.
    stage.sandbox.model("tell", words=120, slow=3, hold="hold")
    bot = stage.bot()
    for chat in SLOW:
        stage.sandbox.say(chat, "tell me a lot")
    until(lambda: all(map(is_preview, seen(stage))), what="three previews")
    remembered = "SELECT count(*) FROM conversations_request WHERE preview_message_id IS NOT NULL"
    until(lambda: stage.database.rows(remembered) == [(len(SLOW),)], what="previews on record")
    before = [message["message_id"] for message in seen(stage)]
    bot.kill()
    assert all(map(is_preview, seen(stage)))
    stage.sandbox.clear()
    stage.sandbox.model("tell", words=120, slow=3)
    stage.bot()
    stage.quiet()
    assert [message["message_id"] for message in seen(stage)] == before
    assert not any(map(is_preview, seen(stage)))
    assert {len(stage.sandbox.heard(chat)) for chat in SLOW} == {1}
    assert {message["text"] for message in seen(stage)} == whole_answers(stage)


def seen(stage: Stage) -> list[Json]:
    """The bot's first message in each chat, of those who have one."""
    found = [stage.sandbox.messages(chat)[:1] for chat in SLOW]
    return [message for messages in found for message in messages] or [{}]


def whole_answers(stage: Stage) -> set[str]:
    return {answer for (answer,) in stage.database.rows("SELECT answer FROM conversations_request")}
