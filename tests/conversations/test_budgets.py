"""Budgets in the chat: nothing without one, warned at four fifths, refused with words, more on asking."""

import functools
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Chat, User
from conversations import limits, services
from conversations.models import Conversation, Request
from conversations.services import Turn
from conversations.services.dialogs import target_for
from llm.errors import ProviderError
from llm.models import Budget, Model, Reservation, Spending
from llm.periods import starts_on
from llm.types import ChatRequest
from tests.conversations.conftest import requests
from tests.house import ADMINS, ANNA, BORIS, OLGA, TEAM, House, open_house


def limit(scope: str = "role", **fields: object) -> Budget:
    """A budget for members, or as ``scope`` says; by day, so that the words say "today"."""
    fields = {"period": "day", **({"role": "member"} if scope == "role" else {}), **fields}
    row = Budget.objects.create(scope=scope, **fields)
    services.forget_default()
    return row


def spendings() -> list[Spending]:
    return list(Spending.objects.select_related("budget").order_by("budget", "user"))


def use_up() -> None:
    """As if all of the only budget had been used by Анна."""
    row, anna = Budget.objects.get(), User.objects.get(telegram_id=ANNA)
    Spending.objects.create(
        budget=row, user=anna, starts_on=starts_on(row.period, timezone.now()), tokens=row.tokens or 0
    )


def open_reservations() -> int:
    return Reservation.objects.filter(settled_at=None).count()


async def test_answer_is_charged_with_what_the_provider_counted(house: House) -> None:
    await house.db(limit, tokens=10_000, money=1)
    await house.db(Model.objects.update, price_input=1, price_output=2)

    await house.ask(ANNA, "Hello there")

    [request] = await house.db(requests)
    [spending] = await house.db(spendings)
    assert request.input_tokens
    assert request.output_tokens
    assert spending.tokens == request.input_tokens + request.output_tokens
    assert spending.cost == request.cost
    assert (spending.reserved_tokens, spending.reserved_cost) == (0, Decimal(0))
    assert (spending.unpriced, spending.estimated) == (0, 0)


async def test_what_an_answer_may_cost_is_held_back_while_it_is_written(house: House) -> None:
    await house.db(limit, tokens=10_000)
    house.say(ANNA, "[[hang]]")
    await house.models.until(lambda: bool(house.models.calls))

    [spending] = await house.db(spendings)
    assert spending.reserved_tokens > 2000

    await house.ask(ANNA, "/stop")
    assert await house.db(open_reservations) == 0


async def test_stopped_answer_is_charged_with_an_estimate(house: House) -> None:
    await house.db(limit, tokens=10_000)
    house.say(ANNA, "[[text Once upon a time]] [[hold]]")
    await house.until(lambda: any(house.heard(ANNA)))

    await house.ask(ANNA, "/stop")

    [request] = await house.db(requests)
    [spending] = await house.db(spendings)
    assert spending.tokens == (request.input_tokens or 0) + (request.output_tokens or 0) > 0
    assert (spending.estimated, spending.reserved_tokens) == (1, 0)


async def test_question_stopped_before_a_word_came_is_charged_for_its_reading(house: House) -> None:
    await house.db(limit, tokens=10_000)
    house.say(ANNA, "[[hang]]")
    await house.models.until(lambda: bool(house.models.calls))

    await house.ask(ANNA, "/stop")

    [spending] = await house.db(spendings)
    assert 0 < spending.tokens < 100
    assert spending.estimated == 1


async def test_answer_that_broke_off_is_charged_with_an_estimate(house: House) -> None:
    await house.db(limit, tokens=10_000)
    house.models.rule(cut="")

    assert "broke off here" in await house.ask(ANNA, "[[text Once upon a time there was a fox]]")

    await _is_estimated(house)


@pytest.mark.parametrize("words", ["[[text Once upon a time there was a fox]] [[hang mid]]", "[[hang]]"])
async def test_answer_that_took_too_long_is_charged_with_an_estimate(
    transactional_db: None, settings: Settings, words: str
) -> None:
    async with open_house(settings, LLM_TURN_TIMEOUT_SEC=0.3) as house:
        await house.db(limit, tokens=10_000)

        assert "took too long" in await house.ask(ANNA, words)

        await _is_estimated(house)
        [request] = await house.db(requests)
        assert request.error_kind == "timeout"


async def _is_estimated(house: House) -> None:
    [spending] = await house.db(spendings)
    assert 0 < spending.tokens < 100
    assert (spending.estimated, spending.unpriced, spending.reserved_tokens) == (1, 1, 0)


async def test_answer_that_failed_before_it_began_costs_nothing(house: House) -> None:
    await house.db(limit, tokens=10_000)

    await house.ask(ANNA, "[[error 401]]")

    [request] = await house.db(requests)
    [spending] = await house.db(spendings)
    assert request.error_kind == "auth"
    assert (spending.tokens, spending.reserved_tokens, spending.unpriced) == (0, 0, 0)


async def test_answer_of_unknown_price_is_counted_as_such(house: House) -> None:
    await house.db(limit, money=1)

    await house.ask(ANNA, "Hello there")

    [spending] = await house.db(spendings)
    assert (spending.cost, spending.unpriced) == (Decimal(0), 1)


async def test_at_the_limit_no_model_is_asked_and_the_person_learns_until_when(house: House) -> None:
    await house.db(limit, tokens=100)
    await house.db(use_up)

    heard = await house.ask(ANNA, "Hello there")

    assert heard.startswith("🪫 Your budget for today is used up. It begins anew on ")
    assert heard.endswith(", 00:00.")
    assert list(house.buttons(ANNA)) == ["🙏 Ask for more"]
    assert not house.models.calls
    [request] = await house.db(requests)
    assert (request.state, request.error_kind, request.input_tokens) == ("failed", "budget", None)


async def test_more_of_nothing_cannot_be_asked_for(house: House) -> None:
    await house.db(limit, tokens=0)
    assert (await house.ask(ANNA, "Hello there")).startswith("🪫 Your budget for today is used up.")
    assert house.buttons(ANNA) == {}


async def test_little_that_is_left_is_said(house: House) -> None:
    await house.db(limit, tokens=500)
    assert "(500 tokens)" in (await house.ask(ANNA, "Hello there")).replace("\N{NO-BREAK SPACE}", " ")


async def test_refused_question_stays_out_of_the_history(house: House) -> None:
    row = await house.db(limit, tokens=0)
    await house.ask(ANNA, "First")
    await house.db(Budget.objects.filter(pk=row.pk).update, tokens=100_000)

    await house.ask(ANNA, "Second")

    [call] = house.models.calls
    assert "First" not in str(call.body)


async def test_others_are_not_refused(house: House) -> None:
    await house.db(limit, tokens=0)
    await house.ask(OLGA, "Hello there")
    assert len(house.models.calls) == 1


async def test_model_of_unknown_price_may_be_forbidden_to_a_budget_in_money(
    transactional_db: None, settings: Settings
) -> None:
    async with open_house(settings, BUDGET_UNPRICED_MODELS=False) as house:
        await house.db(limit, money=1)
        heard = await house.ask(ANNA, "Hello there")
        assert "Nobody knows what this model costs" in heard
        assert list(house.buttons(ANNA)) == ["📋 Models"]


@pytest.mark.django_db
def test_model_that_timed_out_before_another_answered_has_read_the_question(
    member: User, private_chat: Chat, dialog: Conversation, now: datetime
) -> None:
    row = limit(tokens=10_000)
    tiny = target_for(dialog)
    assert tiny is not None
    request = Request.objects.create(conversation=dialog, user=member, update_key="1:1")
    turn = Turn(dialog, request, tiny, ChatRequest("tiny", ()), context_tokens=70)
    turn.failed = [(tiny, ProviderError("timeout")), (tiny, ProviderError("auth"))]
    assert limits.check(turn, member, private_chat, now) is None

    counted = {"input_tokens": 60, "output_tokens": 5, "cost": None, "estimated": False}
    limits.charge(turn, {**counted, "state": "done", "error_kind": ""}, now)

    spending = Spending.objects.get(budget=row)
    assert (spending.tokens, spending.estimated, spending.reserved_tokens) == (60 + 5 + 70, 1, 0)


# --- warnings -------------------------------------------------------------------------------------------------------


def spend(row: Budget, tokens: int) -> None:
    """As if that much had been used before."""
    Spending.objects.filter(budget=row).update(tokens=tokens)


async def test_person_is_warned_once_at_four_fifths(house: House) -> None:
    row = await house.db(limit, tokens=100_000)
    await house.ask(ANNA, "One")
    await house.db(spend, row, 85_000)

    await house.ask(ANNA, "Two")
    await house.ask(ANNA, "Three")

    warnings = [text for text in house.heard(ANNA) if text.startswith("🔋")]
    assert len(warnings) == 1
    assert warnings[0].startswith("🔋 Your budget for today is used to 85 %: ")


async def test_budget_of_the_whole_bot_concerns_the_admins(house: House) -> None:
    row = await house.db(limit, "bot", tokens=100_000)
    await house.ask(ANNA, "One")
    await house.db(spend, row, 85_000)

    await house.ask(ANNA, "Two")

    assert house.heard(ADMINS)[-1].startswith("🔋 The bot's budget for today is used to 85 %: ")
    assert not [text for text in house.heard(ANNA) if text.startswith("🔋")]


# --- groups ---------------------------------------------------------------------------------------------------------


def payer(value: str) -> Chat:
    chat = Chat.objects.get(telegram_id=TEAM)
    chat.payer = value
    chat.save()
    return chat


async def test_group_that_pays_is_charged_and_not_the_person(team: House) -> None:
    chat = await team.db(payer, "chat")
    own = await team.db(limit, tokens=0)
    groups = await team.db(limit, "chat", chat=chat, tokens=10_000)

    await team.ask(ANNA, "/ask Hello there", TEAM)

    [spending] = await team.db(spendings)
    assert spending.budget == groups != own
    assert spending.tokens


async def test_in_a_group_where_people_pay_their_own_budget_counts(team: House) -> None:
    await team.db(limit, "chat", chat=await team.db(payer, "person"), tokens=0)
    await team.db(limit, tokens=10_000)

    await team.ask(ANNA, "/ask Hello there", TEAM)

    [spending] = await team.db(spendings)
    anna = await team.db(User.objects.get, telegram_id=ANNA)
    assert spending.user_id == anna.pk


async def test_group_at_its_limit_is_told_so(team: House) -> None:
    await team.db(limit, "chat", chat=await team.db(payer, "chat"), tokens=0)
    heard = await team.ask(BORIS, "/ask Hello there", TEAM)
    assert heard.startswith("🪫 This group's budget for today is used up.")


async def test_warning_of_a_persons_budget_is_not_for_the_groups_eyes(team: House) -> None:
    row = await team.db(limit, tokens=100_000)
    await team.ask(ANNA, "/ask One", TEAM)
    await team.db(spend, row, 85_000)

    await team.ask(ANNA, "/ask Two", TEAM)

    assert [text for text in team.heard(ANNA) if text.startswith("🔋")]
    assert not [text for text in team.heard(TEAM) if text.startswith("🔋")]


async def test_budget_of_a_group_is_warned_of_in_the_group(team: House) -> None:
    row = await team.db(limit, "chat", chat=await team.db(payer, "chat"), tokens=100_000)
    await team.ask(ANNA, "/ask One", TEAM)
    await team.db(spend, row, 85_000)

    await team.ask(ANNA, "/ask Two", TEAM)

    [warning] = [text for text in team.heard(TEAM) if text.startswith("🔋")]
    assert warning.startswith("🔋 This group's budget for today is used to 85 %: ")


# --- questions per minute -------------------------------------------------------------------------------------------


async def test_question_over_the_limit_of_a_minute_is_answered_with_how_long_to_wait(
    transactional_db: None, settings: Settings
) -> None:
    async with open_house(settings, REQUESTS_PER_MINUTE=2) as house:
        for text in ("One", "Two"):
            await house.ask(ANNA, text)
        heard = await house.ask(ANNA, "Three")
        await house.ask(OLGA, "Mine")

        assert heard.startswith("⏱ 2 questions a minute are the limit here. Please send it again in ")
        assert len(house.models.calls) == 3
        asked = await house.db(requests)
        assert [request.error_kind for request in asked] == ["", "", "too_many", ""]


async def test_refused_questions_do_not_make_the_wait_longer(transactional_db: None, settings: Settings) -> None:
    async with open_house(settings, REQUESTS_PER_MINUTE=1) as house:
        await house.ask(ANNA, "One")
        await house.ask(ANNA, "Two")
        await house.db(_let_a_minute_pass, "One")
        await house.ask(ANNA, "Three")
        assert len(house.models.calls) == 2


def _let_a_minute_pass(prompt: str) -> None:
    [row] = Request.objects.filter(prompt=prompt)
    Request.objects.filter(pk=row.pk).update(created_at=row.created_at - timedelta(seconds=61))


@pytest.mark.django_db(transaction=True)
def test_two_questions_at_the_same_moment_count_one_another(
    member: User, dialog: Conversation, now: datetime, settings: Settings, at_once: Callable[..., list[Any]]
) -> None:
    settings.REQUESTS_PER_MINUTE = 1

    @transaction.atomic
    def ask(key: str) -> str:
        request = Request.objects.create(conversation=dialog, user=member, update_key=key, created_at=now)
        refused = limits.too_many(request, member, now)
        if refused is not None:
            Request.objects.filter(pk=request.pk).update(error_kind=refused.kind)
        return refused.kind if refused else "asked"

    assert sorted(at_once(*(functools.partial(ask, str(number)) for number in range(4)))) == [
        "asked",
        *["too_many"] * 3,
    ]


@pytest.mark.parametrize("many", [0, 5])
async def test_limit_that_is_off_or_far_away_says_nothing(
    transactional_db: None, settings: Settings, many: int
) -> None:
    async with open_house(settings, REQUESTS_PER_MINUTE=many) as house:
        for number in range(4):
            await house.ask(ANNA, f"Question {number}")
        assert len(house.models.calls) == 4
