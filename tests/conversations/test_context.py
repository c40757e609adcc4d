"""What a model is told of a dialog: the newest whole turns that fit."""

from collections.abc import Callable
from datetime import datetime

import pytest
from pytest_django import Settings

from accounts.models import User
from conversations import context, services
from conversations.models import Assistant, Conversation, Message
from conversations.services import Question
from llm.models import Model, ProviderState
from llm.services import Target
from llm.types import Part, Turn, user_says
from telegram_bot.incoming import Incoming

Role = Message.Role


def turn(question: str, answer: str, tokens: int = 10) -> list[Message]:
    return [
        Message(role=Role.USER, content=question, tokens=tokens),
        Message(role=Role.ASSISTANT, content=answer, tokens=tokens),
    ]


def said(kept: list[Message]) -> list[str]:
    return [message.content for message in kept]


def test_newest_turns_are_kept_when_not_all_fit() -> None:
    history = turn("q1", "a1") + turn("q2", "a2") + turn("q3", "a3")

    kept, tokens = context.fit(history, 20, 20 + 4 * (10 + context.MESSAGE_TOKENS))

    assert said(kept) == ["q2", "a2", "q3", "a3"]
    assert tokens == 20 + 4 * (10 + context.MESSAGE_TOKENS)


def test_turn_is_never_split() -> None:
    history = turn("q1", "a1") + turn("q2", "a2")

    kept, tokens = context.fit(history, 0, 3 * (10 + context.MESSAGE_TOKENS))

    assert said(kept) == ["q2", "a2"]
    assert tokens == 2 * (10 + context.MESSAGE_TOKENS)


def test_nothing_is_kept_beside_a_question_that_fills_everything() -> None:
    assert context.fit(turn("q", "a"), 1000, 1000) == ([], 1000)


def test_history_that_begins_with_an_answer_begins_with_the_next_question() -> None:
    history = turn("q1", "a1")[1:] + turn("q2", "a2")

    kept, _tokens = context.fit(history, 0, 1000)

    assert said(kept) == ["q2", "a2"]


@pytest.mark.parametrize(("window", "limit"), [(None, 32_000), (8_000, 6_000), (1_000_000, 32_000)])
def test_small_window_of_a_model_is_a_limit_too(settings: Settings, window: int | None, limit: int) -> None:
    settings.MAX_CONTEXT_TOKENS = 32_000
    target = Target("openai", "m", Model(provider=ProviderState("openai"), name="m", context_window=window), "M")

    assert context.limit_of(target) == limit


def test_without_a_model_the_setting_is_the_limit(settings: Settings) -> None:
    settings.MAX_CONTEXT_TOKENS = 123

    assert context.limit_of(None) == 123
    assert context.limit_of(Target("openai", "m", None, "M")) == 123


@pytest.mark.parametrize(
    ("turns", "kept"),
    [
        (["u:1"], ["u:1"]),
        (["u:1", "a:1", "u:2"], ["u:2"]),
        (["u:1", "a:1", "u:2", "a:2", "u:3"], ["u:2", "a:2", "u:3"]),
        (["u:1", "a:1", "u:2", "a:2", "u:3", "a:3", "u:4"], ["u:3", "a:3", "u:4"]),
    ],
)
def test_newer_half_begins_with_a_person_and_ends_with_the_question(turns: list[str], kept: list[str]) -> None:
    roles = {"u": "user", "a": "assistant"}
    whole = [Turn(roles[text[0]], (Part("text", text),)) for text in turns]  # type: ignore[arg-type]

    assert [turn.text for turn in context.newer_half(whole)] == kept


def test_person_is_nameless_to_the_provider_but_always_the_same(settings: Settings) -> None:
    names = {context.opaque(User(pk=pk, telegram_id=7770001, first_name="Анна")) for pk in (1, 1, 2)}

    assert len(names) == 2
    assert not any("7770001" in name or "Анна" in name for name in names)


def test_assistant_of_the_dialog_sets_its_tone(arrive: Callable[..., Incoming], now: datetime) -> None:
    Assistant.objects.create(name="Terse", prompt="Be terse.", temperature=0.3, is_default=True)

    begun = services.begin(arrive(1), Question("Hello", 1), now)

    assert begun is not None
    assert (begun.call.system, begun.call.temperature) == ("Be terse.", 0.3)
    assert begun.context_tokens >= context.tokens_of(begun.call) - context.MESSAGE_TOKENS


@pytest.mark.parametrize(("most", "remembered"), [(1, 0), (2, 0), (3, 2), (4, 2), (5, 4), (20, 4)])
def test_number_of_messages_is_limited_by_whole_turns(
    dialog: Conversation,
    arrive: Callable[..., Incoming],
    now: datetime,
    settings: Settings,
    most: int,
    remembered: int,
) -> None:
    settings.MAX_CONTEXT_MESSAGES = most
    for message in turn("q1", "a1") + turn("q2", "a2"):
        message.conversation = dialog
        message.save()

    begun = services.begin(arrive(1), Question("q3", 1), now)

    assert begun is not None
    assert [turn.text for turn in begun.call.turns] == [*["q1", "a1", "q2", "a2"][4 - remembered :], "q3"]


def test_trimming_leaves_a_question_alone_that_has_no_history(
    dialog: Conversation, arrive: Callable[..., Incoming], now: datetime
) -> None:
    begun = services.begin(arrive(1), Question("Hello", 1), now)

    assert begun is not None
    assert not services.trim(begun)
    assert begun.call.turns == [user_says("Hello")]
