"""Which days a report is about."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.schedule import Cron, Daily, Monthly, Rule, Weekly, next_after
from reports.figures.periods import (
    MOST_DAYS_BACK,
    Period,
    PeriodError,
    check_range,
    comparison,
    ending,
    month_of,
    oldest_day,
    period_for,
    today_at_avito,
)

MOSCOW = "Europe/Moscow"
NINE = time(9)
DAY = timedelta(days=1)
DAYS = st.dates(date(2025, 1, 1), date(2028, 12, 31))


def at(text: str, zone: str = MOSCOW) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def span(first: str, last: str) -> Period:
    return Period(date.fromisoformat(first), date.fromisoformat(last))


# --- of a schedule --------------------------------------------------------------------------------------------------


# Saturday, 21 November 2026 is the day before; Monday to Sunday before it are 9 to 15 November.
@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Daily(NINE), span("2026-11-21", "2026-11-21")),
        (Daily(NINE, 3, date(2026, 11, 1)), span("2026-11-19", "2026-11-21")),
        (Daily(NINE, 30, date(2026, 11, 1)), span("2026-10-23", "2026-11-21")),
        (Weekly(frozenset({6}), NINE), span("2026-11-09", "2026-11-15")),
        (Weekly(frozenset({2, 6}), NINE), span("2026-11-18", "2026-11-21")),
        (Weekly(frozenset(range(7)), NINE), span("2026-11-21", "2026-11-21")),
        (Monthly(22, NINE), span("2026-10-01", "2026-10-31")),
        (Cron("0 9 * * *"), span("2026-11-21", "2026-11-21")),
    ],
    ids=["daily", "three-days", "thirty-days", "weekly", "two-weekdays", "all-weekdays", "monthly", "cron"],
)
def test_the_period_follows_the_schedule(rule: Rule, expected: Period) -> None:
    assert period_for(rule, at("2026-11-22T09:00"), MOSCOW) == expected


def test_a_weekly_report_on_monday_is_of_the_week_that_ended_yesterday() -> None:
    found = period_for(Weekly(frozenset({0}), NINE), at("2026-11-23T09:00"), MOSCOW)
    assert found == span("2026-11-16", "2026-11-22")


def test_reports_on_several_weekdays_leave_out_no_day_and_repeat_none() -> None:
    rule = Weekly(frozenset({0, 3, 4}), NINE)
    moment, told = at("2026-11-01T00:00"), list[date]()
    for _report in range(12):
        moment = next_after(rule, moment, ZoneInfo(MOSCOW)) or moment
        told += period_for(rule, moment, MOSCOW).dates()
    assert told == list(Period(told[0], told[-1]).dates())


def test_reports_every_three_days_leave_out_no_day_and_repeat_none() -> None:
    rule = Daily(NINE, 3, date(2026, 11, 1))
    moment, told = at("2026-10-31T00:00"), list[date]()
    for _report in range(10):
        moment = next_after(rule, moment, ZoneInfo(MOSCOW)) or moment
        told += period_for(rule, moment, MOSCOW).dates()
    assert told == list(Period(told[0], told[-1]).dates())


@pytest.mark.parametrize(
    ("zone", "wall", "expected"),
    [
        ("Asia/Vladivostok", "2026-11-22T09:00", "2026-11-21"),  # two in the morning in Moscow
        ("Asia/Vladivostok", "2026-11-22T06:00", "2026-11-20"),  # Moscow still has the 21st
        ("Europe/Kaliningrad", "2026-11-21T23:30", "2026-11-21"),  # half past midnight in Moscow
        ("Europe/Kaliningrad", "2026-11-21T22:30", "2026-11-20"),
        ("Europe/Moscow", "2026-11-22T00:00", "2026-11-21"),
    ],
)
def test_yesterday_is_the_last_day_that_is_over_in_moscow(zone: str, wall: str, expected: str) -> None:
    assert period_for(Daily(NINE), at(wall, zone), zone) == span(expected, expected)


def test_a_weekday_is_one_of_the_persons_calendar() -> None:
    # Tuesday and Friday at nine in Vladivostok; in Moscow it is two in the morning of the same day.
    found = period_for(Weekly(frozenset({1, 4}), NINE), at("2026-11-20T09:00", "Asia/Vladivostok"), "Asia/Vladivostok")
    assert found == span("2026-11-17", "2026-11-19")


def test_the_last_month_in_march_is_february_with_all_its_days() -> None:
    assert period_for(Monthly(31, NINE), at("2028-03-31T09:00"), MOSCOW) == span("2028-02-01", "2028-02-29")
    assert period_for(Monthly(31, NINE), at("2027-02-28T09:00"), MOSCOW) == span("2027-01-01", "2027-01-31")


# --- what it is compared with ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "before"),
    [
        (span("2026-11-21", "2026-11-21"), span("2026-11-20", "2026-11-20")),
        (span("2026-11-16", "2026-11-22"), span("2026-11-09", "2026-11-15")),
        (span("2026-11-03", "2026-11-05"), span("2026-10-31", "2026-11-02")),
        (span("2026-10-01", "2026-10-31"), span("2026-09-01", "2026-09-30")),
        (span("2028-03-01", "2028-03-31"), span("2028-02-01", "2028-02-29")),
        (span("2026-11-01", "2026-11-15"), span("2026-10-17", "2026-10-31")),
    ],
    ids=["day", "week", "three-days", "month", "leap-month", "half-a-month"],
)
def test_the_period_before(period: Period, before: Period) -> None:
    assert period.before() == before


@given(DAYS, st.integers(1, 200))
def test_the_period_before_ends_the_day_before_and_is_as_long_unless_it_is_a_month(last: date, days: int) -> None:
    period = ending(last, days)
    before = period.before()
    assert before.last == period.first - DAY
    assert before.days == period.days or (period.is_month and before.is_month)


def test_days_that_avito_has_forgotten_are_compared_with_nothing(now: datetime) -> None:
    oldest = oldest_day(now)
    assert comparison(Period(oldest + DAY, oldest + DAY), now) == Period(oldest, oldest)
    assert comparison(Period(oldest, oldest), now) is None
    assert comparison(Period(oldest + DAY, oldest + DAY * 3), now) is None


def test_today_alone_is_compared_with_nothing_for_it_is_not_over(now: datetime) -> None:
    today = today_at_avito(now)
    assert comparison(Period(today, today), now) is None
    assert comparison(Period(today - DAY, today), now) == Period(today - DAY * 3, today - DAY * 2)


# --- as days are chosen ---------------------------------------------------------------------------------------------


def test_the_range_may_begin_270_days_ago_and_no_earlier(now: datetime) -> None:
    today = today_at_avito(now)
    assert check_range(today - DAY * 270, today - DAY, now).days == MOST_DAYS_BACK
    with pytest.raises(PeriodError, match=r"only the last 270 days. Choose days from 23 February 2026 on\."):
        check_range(today - DAY * 271, today, now)


def test_a_range_that_ends_before_it_begins_says_which_two_dates_to_swap(now: datetime) -> None:
    with pytest.raises(PeriodError, match=r"15 November 2026 is after 1 November 2026. Swap"):
        check_range(date(2026, 11, 15), date(2026, 11, 1), now)


def test_days_to_come_are_refused_and_today_is_not(now: datetime) -> None:
    today = today_at_avito(now)
    assert check_range(today, today, now) == Period(today, today)
    with pytest.raises(PeriodError, match=r"21 November 2026 has not come yet. Choose days up to today, 20 November"):
        check_range(today, today + DAY, now)


def test_today_is_moscows() -> None:
    assert today_at_avito(at("2026-11-21T23:59")) == date(2026, 11, 21)
    assert today_at_avito(datetime(2026, 11, 21, 21, 0, tzinfo=UTC)) == date(2026, 11, 22)


def test_a_period_cannot_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="is before"):
        span("2026-11-02", "2026-11-01")


@given(DAYS)
def test_a_month_is_whole(day: date) -> None:
    month = month_of(day)
    assert month.is_month
    assert day in month
    assert (month.first - DAY).month != month.first.month != (month.last + DAY).month
