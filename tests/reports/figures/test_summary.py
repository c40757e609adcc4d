"""A period's figures against tables that were computed by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.figures.periods import Period
from reports.figures.summary import (
    Days,
    Line,
    Summary,
    change_of,
    metrics_of,
    missing_days,
    sections_of,
    summarise,
    value_of,
)
from reports.metrics import BY_NAME, METRICS, USUAL, Figures, Section, Sum

D = Decimal
DAY = timedelta(days=1)
AS_OF = datetime(2026, 3, 9, 6, 0, tzinfo=UTC)
WEEK = Period(date(2026, 3, 2), date(2026, 3, 8))
BEFORE = Period(date(2026, 2, 23), date(2026, 3, 1))

# A week of a shop and the week before it, as its owner would write them down:
#
#                    the week before                     the week
#           Mon Tue Wed Thu Fri Sat Sun  sum    Mon Tue Wed Thu Fri Sat Sun   sum
# views     100 120  80 100 100  50  50  600    150 160 170 180 190 100 100  1050
# contacts    4   5   3   4   4   2   2   24      5   6   5   6   7   3   3    35
# spent ₽   300 300 300 300 300 300 300 2100    350 350 350 350 350 350 350  2450
# active     10  10  11  11  11  12  12   12     12  13  13  14  14  15  15    15
VIEWS = (100, 120, 80, 100, 100, 50, 50, 150, 160, 170, 180, 190, 100, 100)
CONTACTS = (4, 5, 3, 4, 4, 2, 2, 5, 6, 5, 6, 7, 3, 3)
SPENT = (300,) * 7 + (350,) * 7
ACTIVE = (10, 10, 11, 11, 11, 12, 12, 12, 13, 13, 14, 14, 15, 15)


def shop() -> dict[date, dict[str, Decimal]]:
    rows = zip(VIEWS, CONTACTS, SPENT, ACTIVE, strict=True)
    return {
        BEFORE.first + DAY * n: {"views": D(v), "contacts": D(c), "allSpending": D(s), "activeItems": D(a)}
        for n, (v, c, s, a) in enumerate(rows)
    }


def summary_of(
    days: Days, *names: str, standing: Figures | None = None, before: Period | None = BEFORE, period: Period = WEEK
) -> Summary:
    metrics = metrics_of(names or USUAL)
    return summarise("Север", 90000001, period, before, days, standing or {}, metrics, {}, AS_OF, False)


def line_of(summary: Summary, name: str) -> Line:
    found = summary.line(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "value", "before", "change"),
    [
        ("views", D(1050), D(600), D(75)),
        ("contacts", D(35), D(24), D("45.8")),  # 11 / 24
        ("allSpending", D(2450), D(2100), D("16.7")),  # 350 / 2100
        ("viewsToContactsConversion", D("3.3333"), D(4), D("-16.7")),  # 35 / 1050, 24 / 600
        ("costPerView", D("2.3333"), D("3.5"), D("-33.3")),  # 2450 / 1050, 2100 / 600
        ("costPerContact", D(70), D("87.5"), D(-20)),  # 2450 / 35, 2100 / 24
        ("activeItems", D(15), D(12), D(25)),
    ],
)
def test_the_week_is_as_computed_by_hand(name: str, value: Decimal, before: Decimal, change: Decimal) -> None:
    line = line_of(summary_of(shop()), name)
    assert line.value is not None
    assert line.before is not None
    assert line.change is not None
    assert (round(line.value, 4), round(line.before, 4), round(line.change, 1)) == (value, before, change)


def test_lines_stand_in_the_tables_order_whatever_was_chosen_first() -> None:
    found = summary_of(shop(), "activeItems", "contacts", "views", "unheard-of")
    assert [line.metric.name for line in found.lines] == ["views", "contacts", "activeItems"]


def test_active_listings_are_as_on_the_last_day_that_tells_them() -> None:
    days = shop()
    del days[WEEK.last]["activeItems"]
    assert line_of(summary_of(days), "activeItems").value == 15  # of Saturday
    days[WEEK.last - DAY]["activeItems"] = D(3)
    assert line_of(summary_of(days), "activeItems").value == 3


def test_a_figure_that_no_day_tells_is_none_and_not_zero() -> None:
    line = line_of(summary_of(shop(), "favorites"), "favorites")
    assert (line.value, line.before, line.change) == (None, None, None)


def test_zeros_are_zeros() -> None:
    days: Days = {day: {"views": D(0), "contacts": D(0), "allSpending": D(0)} for day in WEEK.dates()}
    found = summary_of(days)
    assert [line_of(found, name).value for name in ("views", "contacts", "allSpending")] == [0, 0, 0]
    assert line_of(found, "costPerView").value is None
    assert line_of(found, "viewsToContactsConversion").value is None


def test_sums_go_over_the_days_that_were_told() -> None:
    days = shop()
    del days[date(2026, 3, 4)]["views"]
    del days[date(2026, 3, 5)]
    found = summary_of(days)
    assert line_of(found, "views").value == 1050 - 170 - 180
    assert missing_days(found, WEEK) == [date(2026, 3, 5)]


def test_a_ratio_takes_only_days_that_tell_both() -> None:
    # Monday 350 ₽ and 5 contacts; Tuesday 350 ₽ of which the contacts are not known; Wednesday 5 contacts for free.
    days: Days = {
        date(2026, 3, 2): {"allSpending": D(350), "contacts": D(5)},
        date(2026, 3, 3): {"allSpending": D(350)},
        date(2026, 3, 4): {"contacts": D(5)},
    }
    found = summary_of(days)
    assert line_of(found, "costPerContact").value == 70
    assert line_of(found, "allSpending").value == 700
    assert line_of(found, "contacts").value == 10


def test_a_ratio_is_none_when_no_day_tells_both() -> None:
    days: Days = {date(2026, 3, 2): {"allSpending": D(350)}, date(2026, 3, 3): {"contacts": D(5)}}
    assert line_of(summary_of(days), "costPerContact").value is None


def test_spending_for_nothing_has_no_cost_of_a_contact() -> None:
    days: Days = {day: {"allSpending": D(100), "contacts": D(0)} for day in WEEK.dates()}
    line = line_of(summary_of(days), "costPerContact")
    assert (line.value, line.change) == (None, None)


def test_money_of_now_belongs_to_no_period() -> None:
    found = summary_of(shop(), standing={"wallet": D("250000.50"), "advance": D(-5000)})
    assert line_of(found, "wallet") == Line(BY_NAME["wallet"], D("250000.50"))
    assert line_of(found, "advance").value == -5000
    assert line_of(found, "bonus").value is None


def test_without_a_period_before_nothing_is_compared() -> None:
    line = line_of(summary_of(shop(), before=None), "views")
    assert (line.value, line.before, line.change) == (D(1050), None, None)


def test_all_spending_and_spending_on_listings_are_told_apart() -> None:
    days: Days = {WEEK.first: {"allSpending": D(500), "spending": D(450), "spendingBonus": D(50)}}
    found = summary_of(days, "allSpending", "spending", "spendingBonus")
    assert [line.value for line in found.lines] == [500, 450, 50]
    assert "bonus" in str(BY_NAME["allSpending"].label).lower()
    assert "bonus" not in str(BY_NAME["spending"].label).lower()


@pytest.mark.parametrize(
    ("value", "before", "change"),
    [
        (D(10), D(8), D(25)),
        (D(0), D(8), D(-100)),
        (D(8), D(8), D(0)),
        (D(8), D(0), None),
        (D(0), D(0), None),
        (None, D(8), None),
        (D(8), None, None),
        (D(-5), D(-10), D(50)),
    ],
)
def test_a_change_is_told_where_it_means_something(
    value: Decimal | None, before: Decimal | None, change: Decimal | None
) -> None:
    assert change_of(value, before) == change


def test_what_must_be_asked_follows_from_the_figures() -> None:
    assert sections_of(USUAL) == {Section.STATISTICS, Section.CALLS, Section.MONEY, Section.ADVANCE}
    assert sections_of(["costPerContact"]) == {Section.STATISTICS}
    assert sections_of(["score", "gone"]) == {Section.RATINGS}


AMOUNTS = st.one_of(st.none(), st.decimals(0, 1_000_000, places=2))
WEEKS = st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=7, max_size=7)


def week_of(rows: list[tuple[Decimal | None, Decimal | None]]) -> dict[date, dict[str, Decimal]]:
    return {
        WEEK.first + DAY * n: {
            name: told for name, told in (("allSpending", spent), ("contacts", contacts)) if told is not None
        }
        for n, (spent, contacts) in enumerate(rows)
    }


@given(WEEKS, st.integers(1, 6))
def test_the_sum_of_two_parts_of_a_week_is_the_weeks(
    rows: list[tuple[Decimal | None, Decimal | None]], cut: int
) -> None:
    days, metric = week_of(rows), BY_NAME["allSpending"]
    parts = (Period(WEEK.first, WEEK.first + DAY * (cut - 1)), Period(WEEK.first + DAY * cut, WEEK.last))
    told = [value for part in parts if (value := value_of(metric, days, part, {})) is not None]
    assert value_of(metric, days, WEEK, {}) == (sum(told) if told else None)


@given(WEEKS)
def test_a_cost_times_what_was_bought_is_what_was_spent(rows: list[tuple[Decimal | None, Decimal | None]]) -> None:
    both = [(spent, contacts) for spent, contacts in rows if spent is not None and contacts is not None]
    cost = value_of(BY_NAME["costPerContact"], week_of(rows), WEEK, {})
    bought = sum(contacts for _spent, contacts in both)
    if not bought:
        assert cost is None
    else:
        assert cost is not None
        assert abs(cost * bought - sum(spent for spent, _contacts in both)) < D("0.01")


def test_every_figure_has_a_value_in_a_full_account() -> None:
    figures = {metric.name: D(7) for metric in METRICS if metric.sum in (Sum.ADD, Sum.LAST)}
    standing = {metric.name: D(7) for metric in METRICS if metric.sum is Sum.NOW}
    days: Days = dict.fromkeys(WEEK.dates(), figures)
    found = summary_of(days, *BY_NAME, standing=standing)
    assert all(line.value is not None for line in found.lines)
    assert len(found.lines) == len(METRICS)
