"""Numbers, changes and periods as a report writes them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from reports.figures.periods import Period, ending, month_of
from reports.figures.summary import Line, change_of
from reports.metrics import BY_NAME
from reports.words import numbers
from reports.words.periods import compared_words, moment_words, period_words

D = Decimal
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
NARROW, WIDE = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"


def plain(text: str) -> str:
    """With ordinary spaces, so that a test can be read."""
    return text.replace(NARROW, "_").replace(WIDE, " ")


@pytest.mark.parametrize(
    ("roubles", "written"),
    [
        (D("15420.50"), "15_420,50 ₽"),
        (D("15420"), "15_420 ₽"),
        (D("15420.004"), "15_420 ₽"),
        (D("15420.005"), "15_420,01 ₽"),
        (D("250000.5"), "250_000,50 ₽"),
        (D("0"), "0 ₽"),
        (D("0.994"), "0,99 ₽"),
        (D("0.999"), "1 ₽"),
        (D("-5000"), "−5_000 ₽"),
        (D("-0.001"), "0 ₽"),
        (D("1234567890.12"), "1_234_567_890,12 ₽"),
        (D("416.756756"), "416,76 ₽"),
    ],
)
def test_money_in_russian(roubles: Decimal, written: str) -> None:
    with translation.override("ru"):
        assert plain(numbers.money(roubles)) == written


def test_money_in_english() -> None:
    with translation.override("en"):
        assert plain(numbers.money(D("15420.5"))) == "15,420.50 ₽"


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("views", D("1204"), "1_204"),
        ("views", D("1204.0"), "1_204"),
        ("views", D("12.5"), "12,50"),
        ("viewsToContactsConversion", D("3.0749"), "3,1 %"),
        ("viewsToContactsConversion", D("3.05"), "3,1 %"),
        ("score", D("4.75"), "4,8"),
        ("costPerContact", D("416.756"), "416,76 ₽"),
    ],
)
def test_each_figure_has_its_unit(name: str, value: Decimal, written: str) -> None:
    with translation.override("ru"):
        assert plain(numbers.written(value, BY_NAME[name])) == written


def test_no_space_in_a_number_breaks() -> None:
    with translation.override("ru"):
        assert " " not in numbers.money(D("1234567.89")) + numbers.percent(D("12345.6"))


def line(name: str, value: str | None, before: str | None) -> Line:
    now, then = (None if text is None else D(text) for text in (value, before))
    return Line(BY_NAME[name], now, then, change_of(now, then))


@pytest.mark.parametrize(
    ("name", "value", "before", "said"),
    [
        ("views", "112", "100", "🟢 ▲ +12.0 %"),
        ("views", "95", "100", "🔴 ▼ −5.0 %"),
        ("views", "100", "100", "= 0 %"),
        ("views", "100001", "100000", "≈ 0 %"),
        ("views", "100", None, ""),
        ("views", None, "100", ""),
        ("views", "0", "0", ""),
        ("views", "0", "8", "🔴 ▼ −100.0 %"),
        ("views", "5", "0", "🟢 ▲ there was 0"),
        ("costPerContact", "90", "100", "🟢 ▼ −10.0 %"),
        ("costPerContact", "110", "100", "🔴 ▲ +10.0 %"),
        ("allSpending", "110", "100", "▲ +10.0 %"),
        ("allSpending", "5", "0", "▲ there was 0 ₽"),
        ("viewsToContactsConversion", "3.4", "3.1", "🟢 ▲ +0.3 pp"),
        ("viewsToContactsConversion", "3.1", "3.4", "🔴 ▼ −0.3 pp"),
        ("views", "90000", "100", "🟢 ▲ +89,900.0 %"),
    ],
)
def test_a_change_has_a_sign_and_a_mood(name: str, value: str | None, before: str | None, said: str) -> None:
    with translation.override("en"):
        assert plain(numbers.change(line(name, value, before))) == said


@given(st.decimals(-(10**12), 10**12, places=4))
def test_whatever_is_written_can_be_read_back(value: Decimal) -> None:
    with translation.override("en"):
        text = plain(numbers.money(value)).removesuffix(" ₽").replace(",", "").replace("−", "-")
    assert abs(D(text) - value) <= D("0.005")


# --- periods --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "words"),
    [
        (ending(date(2026, 11, 20), 1), "20 November, Friday"),
        (ending(date(2026, 11, 22), 7), "16–22 November"),
        (Period(date(2026, 10, 28), date(2026, 11, 3)), "28 October – 3 November"),
        (Period(date(2025, 12, 25), date(2026, 1, 5)), "25 December 2025 – 5 January 2026"),
        (Period(date(2025, 11, 3), date(2025, 11, 9)), "3–9 November 2025"),
        (month_of(date(2026, 10, 5)), "October 2026"),
    ],
)
def test_a_period_is_said_as_people_say_it(period: Period, words: str) -> None:
    with translation.override("en"):
        assert period_words(period, NOW) == words


@pytest.mark.parametrize(
    ("period", "words"),
    [
        (ending(date(2026, 11, 22), 7), "16–22 ноября"),
        (Period(date(2026, 10, 28), date(2026, 11, 3)), "28 октября – 3 ноября"),
        (month_of(date(2026, 10, 5)), "октябрь 2026"),
        (ending(date(2026, 11, 20), 1), "20 ноября, пятница"),
    ],
)
def test_a_period_in_russian(period: Period, words: str) -> None:
    with translation.override("ru"):
        assert period_words(period, NOW) == words


def test_yesterday_is_called_so_by_moscows_calendar() -> None:
    late = datetime(2026, 11, 21, 21, 30, tzinfo=UTC)  # half past midnight of the 22nd in Moscow
    with translation.override("en"):
        assert period_words(ending(date(2026, 11, 21), 1), late).startswith("yesterday, 21 November")
        assert period_words(ending(date(2026, 11, 22), 1), late).startswith("today, 22 November")


def test_months_of_unlike_length_say_so() -> None:
    october = month_of(date(2026, 10, 1))
    with translation.override("en"):
        assert compared_words(october, october.before(), NOW).endswith("(30 days against 31 days)")
        assert "days" not in compared_words(ending(date(2026, 11, 21), 7), ending(date(2026, 11, 14), 7), NOW)


def test_a_moment_is_told_by_the_readers_clock() -> None:
    assert moment_words(NOW, "Europe/Moscow") == "22.11, 09:00"
    assert moment_words(NOW, "Asia/Vladivostok") == "22.11, 16:00"
