"""A turn's verbs without a network: begun, begun again after a crash, saved once, priced, replayed."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import Chat
from conversations import running, services, words
from conversations.models import Assistant, Conversation, Message, Request
from conversations.services import Outcome, Question, State
from delivery.models import Delivery
from llm.models import Model
from llm.types import Usage
from telegram_bot.incoming import Incoming
from telegram_bot.models import Update

Arrive = Callable[..., Incoming]
pytestmark = pytest.mark.usefixtures("dialog")


def ask(incoming: Incoming, now: datetime, text: str = "Why?", **more: Any) -> services.Turn:
    turn = services.begin(incoming, Question(text, incoming.update.update_id, **more), now)
    assert turn is not None
    return turn


def answer(incoming: Incoming, now: datetime, text: str = "Because.", **more: Any) -> Request:
    """The whole turn of a question."""
    turn = ask(incoming, now)
    services.save(turn, Outcome(text=text, **more), incoming, now)
    turn.request.refresh_from_db()
    return turn.request


def texts() -> list[str]:
    return [row.content["params"]["text"] for row in Delivery.objects.order_by("id")]


# --- begin ----------------------------------------------------------------------------------------------------------


def test_request_is_on_record_before_anybody_is_asked(arrive: Arrive, now: datetime) -> None:
    turn = ask(arrive(1), now)

    row = Request.objects.get()
    assert (row.state, row.attempts, row.prompt, row.model_ref) == ("running", 1, "Why?", "openai:tiny")
    assert row.created_at == now
    assert turn.target is not None
    assert turn.call.model == "tiny"


def test_update_that_came_again_finds_its_request_and_its_preview(arrive: Arrive, now: datetime) -> None:
    first = ask(arrive(1), now)
    services.remember_preview(first.request, 55)

    again = ask(arrive(1, attempts=2), now)

    assert again.request.pk == first.request.pk
    assert (again.request.attempts, again.request.preview_message_id) == (2, 55)
    assert Request.objects.get().attempts == 2


def test_answer_after_a_crash_takes_the_place_of_the_half_one(arrive: Arrive, now: datetime) -> None:
    services.remember_preview(ask(arrive(1), now).request, 55)
    incoming = arrive(1, attempts=2)

    services.save(ask(incoming, now), Outcome(text="Because."), incoming, now)

    content = Delivery.objects.get().content
    assert (content["method"], content["params"]["message_id"]) == ("editMessageText", 55)


def test_update_whose_answer_is_saved_is_not_asked_again(arrive: Arrive, now: datetime) -> None:
    answer(arrive(1), now)

    assert services.begin(arrive(1, attempts=2), Question("Why?", 1), now) is None
    assert Request.objects.count() == 1


def test_update_that_came_again_asks_the_model_of_now(arrive: Arrive, now: datetime, settings: Settings) -> None:
    ask(arrive(1), now)
    settings.DEFAULT_MODEL = "openai:other"
    services.forget_default()

    again = ask(arrive(1, attempts=2), now)

    assert (again.call.model, again.request.model_ref, again.request.model) == ("other", "openai:other", None)


def test_edit_that_came_again_after_a_crash_is_still_asked(arrive: Arrive, now: datetime) -> None:
    answer(arrive(1), now)
    question = Question("Why not?", 1, edited=True)
    assert services.begin(arrive(2, kind="edited_message"), question, now) is not None

    again = services.begin(arrive(2, kind="edited_message", attempts=2), question, now)

    assert again is not None
    assert [turn.text for turn in again.call.turns] == ["Why not?"]


def test_model_hears_its_own_raw_answers_and_only_those(arrive: Arrive, now: datetime, settings: Settings) -> None:
    answer(arrive(1), now, raw={"role": "assistant", "content": "Because.", "mark": 1})

    said = ask(arrive(2), now).call.turns[1]
    assert (said.raw, said.raw_model) == ({"role": "assistant", "content": "Because.", "mark": 1}, "openai:tiny")
    target = services.target_for(Conversation.objects.get())
    assert target is not None
    assert said.raw_model == target.ref


@pytest.mark.django_db(transaction=True)
def test_dialog_that_two_open_at_once_is_one(
    at_once: Callable[..., list[Any]], private_chat: Chat, now: datetime
) -> None:
    opened = at_once(*[lambda: services.open_conversation(private_chat, 5, now)] * 3)

    assert len({dialog.pk for dialog in opened}) == 1
    assert Conversation.objects.filter(thread_id=5).count() == 1


def test_new_dialog_keeps_model_and_assistant(dialog: Conversation, private_chat: Chat, now: datetime) -> None:
    dialog.model, dialog.assistant = Model.objects.get(), Assistant.objects.create(name="Terse")
    dialog.save()

    assert services.start_anew(private_chat, 0, now)

    fresh = services.open_conversation(private_chat, 0, now)
    assert fresh.pk != dialog.pk
    assert (fresh.model, fresh.assistant) == (dialog.model, dialog.assistant)
    dialog.refresh_from_db()
    assert dialog.closed_at == now


def test_nothing_is_closed_where_no_dialog_is(private_chat: Chat, now: datetime) -> None:
    assert not services.start_anew(private_chat, 77, now)


# --- save -----------------------------------------------------------------------------------------------------------


def test_answer_request_messages_and_inbox_are_saved_together(arrive: Arrive, now: datetime) -> None:
    request = answer(arrive(1), now, finish="stop", first_token_ms=12, total_ms=34)

    assert (request.state, request.finish, request.answer, request.finished_at) == ("done", "stop", "Because.", now)
    assert (request.first_token_ms, request.total_ms) == (12, 34)
    assert [message.content for message in Message.objects.order_by("id")] == ["Why?", "Because."]
    assert texts() == ["Because."]
    assert Update.objects.get().state == "done"


def test_answer_that_is_saved_already_is_not_saved_twice(arrive: Arrive, now: datetime) -> None:
    incoming = arrive(1)
    turn = ask(incoming, now)

    services.save(turn, Outcome(text="Because."), incoming, now)
    services.save(turn, Outcome(text="Because, again."), incoming, now)

    assert texts() == ["Because."]
    assert Message.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_nothing_is_saved_when_something_cannot_be(arrive: Arrive, now: datetime) -> None:
    incoming = arrive(1)
    turn = ask(incoming, now)

    with pytest.raises(TypeError):
        services.save(turn, Outcome(text="Because.", raw={"no": object()}), incoming, now)

    assert Request.objects.get().state == "running"
    assert not Message.objects.exists()
    assert Update.objects.get().state == "running"


def test_cost_is_exact_where_the_price_is_known(arrive: Arrive, now: datetime) -> None:
    Model.objects.update(price_input=Decimal("0.4"), price_cached=Decimal("0.1"), price_output=Decimal("1.6"))
    services.forget_default()

    request = answer(arrive(1), now, usage=Usage(input=1001, cached=1000, output=7, reasoning=3))

    assert request.cost == Decimal("0.0001116")
    counts = (request.input_tokens, request.cached_tokens, request.output_tokens, request.reasoning_tokens)
    assert counts == (1001, 1000, 7, 3)
    assert not request.estimated


def test_cost_is_unknown_where_the_price_is(arrive: Arrive, now: datetime) -> None:
    Model.objects.update(price_input=Decimal("0.4"))
    services.forget_default()

    request = answer(arrive(1), now, usage=Usage(input=1, output=1))

    assert request.cost is None


def test_free_model_costs_nothing_which_is_not_unknown(arrive: Arrive, now: datetime) -> None:
    Model.objects.update(price_input=0, price_output=0)
    services.forget_default()

    assert answer(arrive(1), now, usage=Usage(input=10, output=10)).cost == 0


def test_tokens_that_nobody_counted_are_estimated_and_marked(arrive: Arrive, now: datetime) -> None:
    request = answer(arrive(1), now, "A longer answer about it all")

    assert request.estimated
    assert request.input_tokens == 5
    assert request.output_tokens == 7


def test_count_that_a_provider_left_out_is_estimated_alone(arrive: Arrive, now: datetime) -> None:
    request = answer(arrive(1), now, usage=Usage(input=700, cached=600))

    assert (request.input_tokens, request.cached_tokens, request.output_tokens) == (700, 600, 2)
    assert request.estimated


def test_failure_without_a_word_counts_no_tokens(arrive: Arrive, now: datetime) -> None:
    request = answer(arrive(1), now, "", state=State.FAILED, error_kind="server", error="x" * 900)

    assert (request.input_tokens, request.output_tokens, request.estimated) == (None, None, False)
    assert len(request.error) == 500


# --- the word about long dialogs ------------------------------------------------------------------------------------


def test_long_dialog_is_mentioned_once(arrive: Arrive, now: datetime, settings: Settings) -> None:
    settings.CONTEXT_WARN_TOKENS = 20
    for number in (1, 2, 3, 4):
        answer(arrive(number), now, "An answer of some length")

    assert texts().count(words.long_dialog()) == 1
    assert texts()[2] == words.long_dialog()


def test_new_dialog_may_grow_long_again(arrive: Arrive, private_chat: Chat, now: datetime, settings: Settings) -> None:
    settings.CONTEXT_WARN_TOKENS = 1
    answer(arrive(1), now)
    services.start_anew(private_chat, 0, now)

    answer(arrive(2), now)

    assert texts().count(words.long_dialog()) == 2


def test_dialog_of_short_messages_is_mentioned_when_some_are_left_out(
    arrive: Arrive, now: datetime, settings: Settings
) -> None:
    settings.MAX_CONTEXT_MESSAGES = 5
    for number in (1, 2, 3):
        answer(arrive(number), now)
    assert words.long_dialog() not in texts()

    answer(arrive(4), now)

    assert texts()[-1] == words.long_dialog()


def test_bot_without_memory_does_not_mention_it(arrive: Arrive, now: datetime, settings: Settings) -> None:
    settings.MAX_CONTEXT_MESSAGES = 1
    for number in (1, 2, 3):
        answer(arrive(number), now)

    assert texts() == ["Because."] * 3


def test_answer_that_failed_is_no_time_for_it(arrive: Arrive, now: datetime, settings: Settings) -> None:
    settings.CONTEXT_WARN_TOKENS = 1

    answer(arrive(1), now, "Half", state=State.FAILED, error_kind="network")

    assert words.long_dialog() not in texts()


def test_waiting_edits_are_looked_up_by_an_index() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL scans a table this small, whatever its indexes")

    assert "USING INDEX update_open_lane" in running.waiting_edits(["in:1000:101:0"]).explain()
