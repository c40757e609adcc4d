"""Budgets when many ask at the same moment: what is left is given once, and nobody waits for ever."""

import functools
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Access, User
from llm import budgets, grants
from llm.models import Reservation, Spending
from tests.llm.budgeting import PRICE, budget, group, private, reserve, spending

AtOnce = Callable[..., list[Any]]

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8


def person(number: int) -> User:
    return User.objects.create(
        username=f"tg{number}", telegram_id=number, status=Access.ACTIVE, role="member", requested_at=timezone.now()
    )


def test_what_is_left_is_given_once(member: User, now: datetime, at_once: AtOnce) -> None:
    budget(tokens=450)
    chat = private(member)

    refusals = at_once(*(functools.partial(reserve, member, chat, now, key=str(n)) for n in range(THREADS)))

    assert refusals.count(None) == 4
    assert spending().reserved_tokens == 400


def test_money_is_given_once(member: User, now: datetime, at_once: AtOnce) -> None:
    budget(money=Decimal("0.035"))
    chat = private(member)

    refusals = at_once(*(functools.partial(reserve, member, chat, now, key=str(n)) for n in range(THREADS)))

    assert refusals.count(None) == 3
    assert spending().reserved_cost == 3 * PRICE


def test_one_answer_is_charged_once_however_often_it_is_settled(member: User, now: datetime, at_once: AtOnce) -> None:
    budget(tokens=1000)
    reserve(member, private(member), now)

    at_once(*[functools.partial(budgets.settle, "1:1", 30, PRICE, False, now)] * THREADS)

    row = spending()
    assert (row.tokens, row.cost, row.reserved_tokens) == (30, PRICE, 0)


def test_people_with_budgets_in_common_do_not_wait_for_one_another_for_ever(
    member: User, now: datetime, at_once: AtOnce
) -> None:
    """Budgets of the bot, of the role, of persons and of a group, first used in any order."""
    people = [person(number) for number in range(1, THREADS)]
    paying = group("chat")
    budget("chat", chat=paying, tokens=10**6)
    for one in people[::2]:
        budget("person", user=one, tokens=10**6)
    budget("role", role="member", tokens=10**6)
    budget("bot", tokens=10**6, period="day")
    places = [(one, private(one) if number % 3 else paying) for number, one in enumerate(people)]

    def spend(number: int) -> None:
        for turn in range(6):
            one, chat = places[(number + turn) % len(places)]
            key = f"{number}:{turn}"
            assert reserve(one, chat, now, key=key) is None
            if turn % 3 == 2:
                budgets.release(key)
            else:
                budgets.settle(key, 10, PRICE, False, now)

    at_once(*(functools.partial(spend, number) for number in range(THREADS)))

    shared = spending(Spending.objects.get(budget__scope="bot").budget)
    assert (shared.tokens, shared.reserved_tokens) == (THREADS * 4 * 10, 0)
    assert Reservation.objects.filter(settled_at=None, tokens__gt=0).count() == 0


def test_two_admins_at_once_grant_once(member: User, admin: User, now: datetime, at_once: AtOnce) -> None:
    budget(tokens=1000)
    reserve(member, private(member), now)
    row = spending()
    number = grants.ask(row, member, {"chat": 1}, now)
    assert number == 1

    def press() -> bool:
        try:
            grants.decide(row, 1, 25, by=admin, via="bot", now=now)
        except grants.AlreadyDecided:
            return False
        return True

    assert sorted(at_once(press, press)) == [False, True]
    assert spending().extra_tokens == 250
