"""Budgets: what is set aside, what is charged, who is refused, and when a period begins."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as how
from pytest_django import Settings

from accounts.models import User
from llm import budgets
from llm.models import Budget, Model, ProviderState, Reservation, Spending
from llm.periods import midnight, next_start, starts_on
from tests.llm.budgeting import PRICE, budget, group, open_keys, private, reserve, reserved, spending, used

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _ask_anew() -> None:
    budgets.forget_enabled()


# --- periods --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "moment", "period", "first"),
    [
        ("UTC", "2026-11-20T09:00", "day", date(2026, 11, 20)),
        ("UTC", "2026-11-20T09:00", "month", date(2026, 11, 1)),
        ("Europe/Moscow", "2026-11-30T20:59", "day", date(2026, 11, 30)),
        ("Europe/Moscow", "2026-11-30T21:00", "day", date(2026, 12, 1)),
        ("Europe/Moscow", "2026-11-30T21:00", "month", date(2026, 12, 1)),
        ("America/New_York", "2026-03-01T04:59", "month", date(2026, 2, 1)),
    ],
)
def test_period_begins_at_midnight_of_the_installations_zone(
    settings: Settings, zone: str, moment: str, period: str, first: date
) -> None:
    settings.TIME_ZONE = zone
    assert starts_on(period, datetime.fromisoformat(moment).replace(tzinfo=UTC)) == first


@pytest.mark.parametrize(
    ("period", "first", "following"),
    [
        ("day", date(2026, 12, 31), date(2027, 1, 1)),
        ("month", date(2026, 1, 1), date(2026, 2, 1)),
        ("month", date(2026, 12, 1), date(2027, 1, 1)),
        ("month", date(2028, 2, 1), date(2028, 3, 1)),
    ],
)
def test_next_period_follows(period: str, first: date, following: date) -> None:
    assert next_start(period, first) == following


@given(strategies.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)), strategies.sampled_from(["day", "month"]))
@how(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_moment_lies_in_its_period_and_in_no_other(settings: Settings, moment: datetime, period: str) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    now = moment.replace(tzinfo=UTC)
    first = starts_on(period, now)
    assert midnight(first) <= now < midnight(next_start(period, first))


# --- whose budget ---------------------------------------------------------------------------------------------------


@pytest.fixture
def everybodys(member: User, admin: User) -> dict[str, Budget]:
    """One budget of each scope, and some of others."""
    budget("person", user=admin, tokens=10**6)
    budget("role", role="editor", tokens=10**6)
    budget("chat", chat=group(telegram_id=-9), tokens=10**6)
    budget("bot", tokens=10**6, period="day", enabled=False)
    return {
        "bot": budget("bot", tokens=10**6),
        "role": budget("role", role="member", tokens=10**6),
        "person": budget("person", user=member, tokens=10**6),
        "chat": budget("chat", chat=group("chat", telegram_id=-5), tokens=10**6),
    }


@pytest.mark.parametrize(
    ("place", "scopes"),
    [
        ("private", {"bot", "role", "person"}),
        ("group where the person pays", {"bot", "role", "person"}),
        ("group that pays", {"bot", "chat"}),
    ],
)
def test_answer_counts_against(
    everybodys: dict[str, Budget], member: User, now: datetime, place: str, scopes: set[str]
) -> None:
    paying = everybodys["chat"].chat
    assert paying is not None
    chat = {"private": private(member), "group that pays": paying}.get(place) or group()

    assert reserve(member, chat, now) is None

    assert {row.budget.scope for row in Spending.objects.select_related("budget")} == scopes


def test_each_person_of_a_role_has_the_whole_of_it(member: User, admin: User, now: datetime) -> None:
    budget("role", role="member", tokens=150)
    other = User.objects.create(username="other", telegram_id=7, role="member", status="active")

    assert reserve(member, private(member), now, key="1") is None
    assert reserve(other, private(other), now, key="2") is None
    assert reserve(member, member.private_chats.get(), now, key="3") is not None


def test_budget_of_the_whole_bot_is_shared(member: User, admin: User, now: datetime) -> None:
    budget("bot", tokens=150)

    assert reserve(member, private(member), now, key="1") is None
    assert reserve(admin, private(admin), now, key="2") is not None


# --- reserving ------------------------------------------------------------------------------------------------------


def test_without_budgets_nothing_is_asked_of_the_database(member: User, now: datetime) -> None:
    chat = private(member)
    reserve(member, chat, now)

    with CaptureQueriesContext(connection) as queries:
        assert reserve(member, chat, now) is None
        assert budgets.settle("1:1", 5, None, False, now) == []

    assert [query["sql"] for query in queries if "llm_" in query["sql"]] == []


def test_budget_that_does_not_hold_is_none(member: User, now: datetime) -> None:
    budget("bot", tokens=1, enabled=False)
    assert reserve(member, private(member), now) is None


@pytest.mark.parametrize(
    ("tokens_limit", "money_limit", "tokens", "cost", "why"),
    [
        (100, None, 100, None, None),
        (100, None, 101, None, "tokens"),
        (None, "0.01", 10**9, "0.01", None),
        (None, "0.01", 1, "0.0101", "money"),
        (None, "0.01", 1, None, None),  # a price nobody knows is flagged, not forbidden
        (None, "0", 1, None, "money"),
        (None, "0", 1, "0", None),
        (0, None, 1, "0", "tokens"),
        (100, "0.01", 101, "1", "tokens"),
    ],
)
def test_room_is_asked_for_before_the_call(
    member: User,
    now: datetime,
    tokens_limit: int | None,
    money_limit: str | None,
    tokens: int,
    cost: str | None,
    why: str | None,
) -> None:
    budget(tokens=tokens_limit, money=None if money_limit is None else Decimal(money_limit))

    refusal = reserve(member, private(member), now, tokens, None if cost is None else Decimal(cost))

    assert (refusal.why if refusal else None) == why
    assert reserved() == ([(tokens, Decimal(cost or 0))] if why is None else [(0, Decimal(0))])
    assert open_keys() == ([] if why else ["1:1"])


def test_unpriced_model_is_refused_where_the_setting_says_so(member: User, now: datetime, settings: Settings) -> None:
    settings.BUDGET_UNPRICED_MODELS = False
    budget(money=5)

    refusal = reserve(member, private(member), now, cost=None)

    assert refusal is not None
    assert refusal.why == "unpriced"


def test_tokens_alone_do_not_ask_for_a_price(member: User, now: datetime, settings: Settings) -> None:
    settings.BUDGET_UNPRICED_MODELS = False
    budget(tokens=1000)
    assert reserve(member, private(member), now, cost=None) is None


def test_refusal_sets_nothing_aside_anywhere_and_says_until_when(member: User, now: datetime) -> None:
    budget("bot", tokens=10**6)
    tight = budget("person", user=member, tokens=99, period="day")

    refusal = reserve(member, private(member), now)

    assert refusal is not None
    assert (refusal.spending.budget, refusal.why) == (tight, "tokens")
    assert refusal.until == datetime(2026, 11, 21, tzinfo=UTC)
    assert reserved() == [(0, Decimal(0)), (0, Decimal(0))]


def test_what_others_have_reserved_is_not_free(member: User, now: datetime) -> None:
    budget(tokens=150)
    chat = private(member)
    assert reserve(member, chat, now, key="1") is None
    assert reserve(member, chat, now, key="2") is not None

    budgets.release("1")
    assert reserve(member, chat, now, key="2") is None


def test_repeated_update_finds_its_own_reservation(member: User, now: datetime) -> None:
    budget(tokens=150)
    chat = private(member)
    assert reserve(member, chat, now) is None
    assert reserve(member, chat, now) is None
    assert reserved() == [(100, PRICE)]


def test_next_day_begins_with_nothing_spent(member: User, now: datetime) -> None:
    budget(tokens=150, period="day")
    chat = private(member)
    assert reserve(member, chat, now, key="1") is None
    assert reserve(member, chat, now, key="2") is not None
    assert reserve(member, chat, now + timedelta(days=1), key="3") is None


# --- settling -------------------------------------------------------------------------------------------------------


def test_what_was_used_takes_the_place_of_what_was_reserved(member: User, now: datetime) -> None:
    budget(tokens=1000)
    budget("person", user=member, money=1)
    reserve(member, private(member), now)

    budgets.settle("1:1", 30, Decimal("0.003"), False, now)

    assert reserved() == [(0, Decimal(0))] * 2
    assert used() == [(30, Decimal("0.003"))] * 2
    assert open_keys() == []


def test_second_settling_changes_nothing(member: User, now: datetime) -> None:
    budget(tokens=1000)
    reserve(member, private(member), now)
    budgets.settle("1:1", 30, PRICE, False, now)

    budgets.settle("1:1", 30, PRICE, False, now)

    assert used() == [(30, PRICE)]


def test_answer_longer_than_foreseen_is_charged_in_full(member: User, now: datetime) -> None:
    budget(tokens=150)
    chat = private(member)
    reserve(member, chat, now)

    budgets.settle("1:1", 500, PRICE, False, now)

    assert spending().tokens_left == 0
    assert reserve(member, chat, now, 1, key="2") is not None


def test_price_that_nobody_knows_is_counted_and_is_not_zero(member: User, now: datetime) -> None:
    budget(money=1)
    reserve(member, private(member), now, cost=None)

    budgets.settle("1:1", 30, None, True, now)

    row = spending()
    assert (row.tokens, row.cost, row.unpriced, row.estimated) == (30, Decimal(0), 1, 1)


def test_answer_that_cost_nothing_is_no_answer_of_unknown_price(member: User, now: datetime) -> None:
    budget(tokens=1000)
    reserve(member, private(member), now)

    budgets.settle("1:1", 0, None, False, now)

    row = spending()
    assert (row.tokens, row.reserved_tokens, row.unpriced) == (0, 0, 0)


def test_answer_over_midnight_counts_where_it_was_reserved(member: User, now: datetime) -> None:
    budget(tokens=1000, period="day")
    reserve(member, private(member), now)

    budgets.settle("1:1", 30, PRICE, False, now + timedelta(days=1))

    row = spending()
    assert (row.starts_on, row.tokens) == (date(2026, 11, 20), 30)


@given(
    strategies.lists(
        strategies.tuples(
            strategies.integers(1, 60),
            strategies.integers(0, 60),
            strategies.sampled_from(["settle", "release", "die"]),
        ),
        max_size=12,
    )
)
@how(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
def test_whatever_happens_the_sums_agree(member: User, now: datetime, turns: list[tuple[int, int, str]]) -> None:
    Budget.objects.all().delete()
    Reservation.objects.all().delete()
    budget(tokens=100)
    chat = member.private_chats.first() or private(member)
    charged = held = 0
    for number, (wanted, came, end) in enumerate(turns):
        refusal = reserve(member, chat, now, wanted, key=str(number))
        assert (refusal is not None) == (charged + held + wanted > 100)
        if refusal is not None:
            continue
        if end == "settle":
            budgets.settle(str(number), came, PRICE, False, now)
            charged += came
        elif end == "release":
            budgets.release(str(number))
        else:
            held += wanted
    assert [(row.tokens, row.reserved_tokens) for row in Spending.objects.all()] == ([(charged, held)] if turns else [])


def test_what_is_done_once_more_after_it_was_settled_is_charged_once_more(member: User, now: datetime) -> None:
    budget(tokens=1000)
    chat = private(member)
    for _again in range(2):
        assert reserve(member, chat, now) is None
        assert reserved() == [(100, PRICE)]
        budgets.settle("1:1", 30, PRICE, False, now)

    assert (used(), reserved()) == ([(60, 2 * PRICE)], [(0, Decimal(0))])


# --- warnings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("came", "warned"), [(79, False), (80, True), (200, True)])
def test_warning_is_due_at_four_fifths(member: User, now: datetime, came: int, warned: bool) -> None:
    row = budget(tokens=100)
    reserve(member, private(member), now)

    due = budgets.settle("1:1", came, PRICE, False, now)

    assert [one.budget for one in due] == ([row] if warned else [])


def test_warning_is_due_once_in_a_period(member: User, now: datetime) -> None:
    budget(money=Decimal("0.01"), period="day")
    chat = private(member)
    due = []
    for number, moment in enumerate((now, now, now + timedelta(days=1))):
        reserve(member, chat, moment, cost=Decimal("0.0001"), key=str(number))
        due.append(len(budgets.settle(str(number), 1, Decimal("0.0085"), False, moment)))
    assert due == [1, 0, 1]


# --- the dead -------------------------------------------------------------------------------------------------------


def test_housekeeping_gives_back_what_dead_turns_hold(member: User, now: datetime, settings: Settings) -> None:
    budget(tokens=1000)
    chat = private(member)
    reserve(member, chat, now - timedelta(hours=2), key="dead")
    reserve(member, chat, now, key="alive")

    assert budgets.release_abandoned(now) == 1

    assert reserved() == [(100, PRICE)]
    assert budgets.release_abandoned(now) == 0


def test_late_answer_of_a_turn_given_up_is_still_charged(member: User, now: datetime) -> None:
    budget(tokens=1000)
    reserve(member, private(member), now - timedelta(hours=2))
    budgets.release_abandoned(now)

    budgets.settle("1:1", 30, PRICE, False, now)

    assert (used(), reserved()) == ([(30, PRICE)], [(0, Decimal(0))])


def test_turn_given_up_and_begun_anew_reserves_anew(member: User, now: datetime) -> None:
    budget(tokens=1000)
    chat = private(member)
    reserve(member, chat, now - timedelta(hours=2))
    budgets.release_abandoned(now)

    reserve(member, chat, now)
    budgets.settle("1:1", 30, PRICE, False, now)

    assert (used(), reserved()) == ([(30, PRICE)], [(0, Decimal(0))])


def test_reservations_of_long_ago_are_forgotten(member: User, now: datetime) -> None:
    budget(tokens=1000)
    reserve(member, private(member), now)
    budgets.settle("1:1", 30, PRICE, False, now)

    budgets.release_abandoned(now + timedelta(days=41))

    assert not Reservation.objects.exists()
    assert used() == [(30, PRICE)]


# --- foreseeing and looking -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("longest", "asked", "tokens"), [(None, None, 2100), (500, None, 600), (8000, None, 2100), (500, 50, 150)]
)
def test_answer_is_foreseen_by_what_the_model_may_say(longest: int | None, asked: int | None, tokens: int) -> None:
    provider = ProviderState.objects.create(name="openai")
    model = Model(provider=provider, name="m", max_output=longest, price_input=1, price_output=2)

    expected = Decimal(100 + 2 * (tokens - 100)) / 1_000_000
    assert budgets.foreseen(model, 100, asked) == (tokens, expected)


def test_cost_of_a_model_without_a_price_is_not_foreseen() -> None:
    assert budgets.foreseen(None, 100) == (2100, None)


def test_usage_shows_every_budget_that_applies_used_or_not(member: User, now: datetime) -> None:
    first = budget("bot", tokens=1000)
    chat = private(member)
    reserve(member, chat, now)
    second = budget("person", user=member, money=2)

    rows = budgets.usage_of(member, chat, now)

    assert [(row.budget, row.tokens_left, row.money_left) for row in rows] == [
        (first, 900, None),
        (second, None, Decimal(2)),
    ]
    assert Spending.objects.count() == 1


def test_reservation_is_raised_to_what_a_further_round_needs(member: User, now: datetime) -> None:
    row = budget(tokens=1000, money=1)
    reserve(member, private(member), now, tokens=100, cost=Decimal("0.1"))

    assert budgets.raise_to("1:1", 400, Decimal("0.3")) is None
    assert budgets.raise_to("1:1", 300, Decimal("0.2")) is None
    assert reserved() == [(400, Decimal("0.3"))]

    refusal = budgets.raise_to("1:1", 1001, Decimal("0.3"))
    assert refusal is not None
    assert (refusal.spending.budget, refusal.why) == (row, "tokens")
    assert reserved() == [(400, Decimal("0.3"))]
    budgets.settle("1:1", 350, Decimal("0.25"), False, now)
    assert (reserved(), used()) == ([(0, Decimal(0))], [(350, Decimal("0.25"))])


def test_nothing_is_raised_where_nothing_is_set_aside(member: User, now: datetime) -> None:
    budget(tokens=1000)

    assert budgets.raise_to("1:1", 5000, None) is None
    assert not Spending.objects.exists()
