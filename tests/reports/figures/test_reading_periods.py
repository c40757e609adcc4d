"""Periods as people write them."""

import contextlib
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.figures.periods import PeriodError, oldest_day, read_range, today_at_avito

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)  # a Sunday


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("01.11.2026 - 15.11.2026", "2026-11-01", "2026-11-15"),
        ("01.11.2026-15.11.2026", "2026-11-01", "2026-11-15"),
        ("1.11 — 15.11", "2026-11-01", "2026-11-15"),
        ("01.11.26 … 15.11.26", "2026-11-01", "2026-11-15"),
        ("2026-11-01 - 2026-11-15", "2026-11-01", "2026-11-15"),
        ("с 1 ноября по 15 ноября", "2026-11-01", "2026-11-15"),
        ("1–15 ноября", "2026-11-01", "2026-11-15"),
        ("1 - 15.11.2026", "2026-11-01", "2026-11-15"),
        ("from 1 November to 15 November 2026", "2026-11-01", "2026-11-15"),
        ("28.10 - 3.11", "2026-10-28", "2026-11-03"),
        ("21.11.2026", "2026-11-21", "2026-11-21"),
        ("21 ноября 2026 г.", "2026-11-21", "2026-11-21"),
        ("3 мая", "2026-05-03", "2026-05-03"),
        ("Вчера", "2026-11-21", "2026-11-21"),
        ("yesterday", "2026-11-21", "2026-11-21"),
        ("сегодня", "2026-11-22", "2026-11-22"),
        ("позавчера", "2026-11-20", "2026-11-20"),
        ("неделя", "2026-11-15", "2026-11-21"),
        ("за прошлую неделю", "2026-11-09", "2026-11-15"),
        ("week before last", "2026-11-02", "2026-11-08"),
        ("эта неделя", "2026-11-16", "2026-11-22"),
        ("месяц", "2026-10-23", "2026-11-21"),
        ("этот месяц", "2026-11-01", "2026-11-22"),
        ("last month", "2026-10-01", "2026-10-31"),
        ("позапрошлый месяц", "2026-09-01", "2026-09-30"),
        ("14 дней", "2026-11-08", "2026-11-21"),
        ("за последние 30 дней", "2026-10-23", "2026-11-21"),
        ("last 7 days", "2026-11-15", "2026-11-21"),
        ("октябрь", "2026-10-01", "2026-10-31"),
        ("Октябрь 2026", "2026-10-01", "2026-10-31"),
        ("ноябрь", "2026-11-01", "2026-11-22"),
        ("  01.11.2026   -  02.11.2026 ", "2026-11-01", "2026-11-02"),
    ],
)
def test_a_period_is_understood(text: str, first: str, last: str) -> None:
    found = read_range(text, NOW)
    assert (found.first.isoformat(), found.last.isoformat()) == (first, last)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("15.11.2026 - 01.11.2026", "ends before it begins"),
        ("15.11 - 01.11", "ends before it begins"),
        ("22.11.2026 - 23.11.2026", "23 November 2026 has not come yet"),
        ("29.02.2028", "29 February 2028 has not come yet"),
        ("29.02.2027", "There is no such day: 29.02.2027"),
        ("31.11.2026", "There is no such day: 31.11.2026"),
        ("45.13.2026", "There is no such day: 45.13.2026"),
        ("24.02.2026 - 01.03.2026", "only the last 270 days. Choose days from 25 February 2026 on"),
        ("271 день", "only the last 270 days"),
        ("январь 2025", "only the last 270 days"),
        ("когда-нибудь", "I do not understand this period"),
        ("0 дней", "I do not understand this period"),
        ("11/22/2026 и так далее", "I do not understand this period"),
        ("", "I do not understand this period"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(text: str, sentence: str) -> None:
    with pytest.raises(PeriodError, match=sentence):
        read_range(text, NOW)


def test_the_29th_of_february_is_a_day_in_a_leap_year() -> None:
    now = datetime(2028, 3, 10, tzinfo=UTC)
    assert read_range("29.02.2028", now).first == date(2028, 2, 29)
    assert read_range("29.02", now).first == date(2028, 2, 29)


def test_the_first_day_that_avito_remembers_can_be_asked_for() -> None:
    assert read_range("25.02.2026 - 01.03.2026", NOW).first == date(2026, 2, 25)


@pytest.mark.parametrize("text", ["25.12 - 05.01", "25.12 - 05.01.2027", "25.12.2026 - 05.01", "25 декабря – 5 января"])
def test_a_period_over_new_year_begins_in_the_old_one(text: str) -> None:
    found = read_range(text, datetime(2027, 1, 10, tzinfo=UTC))
    assert (found.first, found.last) == (date(2026, 12, 25), date(2027, 1, 5))


def test_a_month_without_a_year_is_the_latest_that_is_not_ahead() -> None:
    found = read_range("декабрь", datetime(2027, 2, 1, tzinfo=UTC))
    assert (found.first, found.last) == (date(2026, 12, 1), date(2026, 12, 31))


@given(st.one_of(st.text(max_size=40), st.text("0123456789.- –ноября", max_size=24)))
def test_no_text_breaks_the_reading(text: str) -> None:
    with contextlib.suppress(PeriodError):
        found = read_range(text, NOW)
        assert oldest_day(NOW) <= found.first <= found.last <= today_at_avito(NOW)
