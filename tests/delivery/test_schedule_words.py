"""Rules of time and moments in words, in English and Russian."""

from datetime import UTC, date, datetime, time

import pytest
from django.utils import translation

from delivery.schedule import Daily, Monthly, Once, Rule, RuleError, Weekly, cron, preview, zone_of
from delivery.schedule_words import describe, local

NOON = datetime(2026, 4, 25, 13, 0, tzinfo=UTC)
BERLIN, MOSCOW = zone_of("Europe/Berlin"), zone_of("Europe/Moscow")


def on(*days: int) -> Weekly:
    return Weekly(frozenset(days), time(18))


def every(days: int) -> Daily:
    return Daily(time(8), days, date(2026, 1, 1))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Once(NOON), "once: Saturday, 25 April 2026, 15:00 (Europe/Berlin, UTC+2)"),
        (Daily(time(8)), "every day at 08:00"),
        (every(3), "every 3 days at 08:00"),
        (on(0, 1, 2, 3, 4), "every weekday at 18:00"),
        (on(5, 6), "on weekends at 18:00"),
        (on(1), "on Tuesdays at 18:00"),
        (on(0, 3), "on Mondays and Thursdays at 18:00"),
        (on(2, 4, 6), "on Wednesdays, Fridays and Sundays at 18:00"),
        (on(*range(7)), "every day at 18:00"),
        (Monthly(1, time(10)), "on the 1st of each month at 10:00"),
        (Monthly(28, time(10)), "on the 28th of each month at 10:00"),
        (Monthly(31, time(10)), "on the 31st of each month (or its last day) at 10:00"),
    ],
)
def test_rule_is_said_in_english(rule: Rule, said: str) -> None:
    with translation.override("en"):
        assert describe(rule, BERLIN) == said


@pytest.mark.parametrize(
    ("day", "said"),
    [(2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (21, "21st"), (22, "22nd")],
)
def test_day_of_a_month_has_its_english_ending(day: int, said: str) -> None:
    with translation.override("en"):
        assert describe(Monthly(day, time(10)), BERLIN) == f"on the {said} of each month at 10:00"


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("* * * * *", "every minute"),
        ("*/1 * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("@hourly", "every hour"),
        ("30 * * * *", "every hour at minute 30"),
        ("0 */2 * * *", "every 2 hours"),
        ("30 9 * * *", "every day at 09:30"),
        ("0 9,18 * * *", "every day at 09:00 and 18:00"),
        ("0 9 * * 1-5", "every weekday at 09:00"),
        ("0 9 * * 6,0", "on weekends at 09:00"),
        ("0 9 * * 7", "on Sundays at 09:00"),
        ("0 9 * * mon,thu", "on Mondays and Thursdays at 09:00"),
        ("0 9 15 * *", "on the 15th of each month at 09:00"),
    ],
)
def test_plain_cron_is_said_in_words(expression: str, said: str) -> None:
    with translation.override("en"):
        assert describe(cron(expression), BERLIN) == said


@pytest.mark.parametrize(
    "expression",
    [
        "*/7 * * * *",  # seven does not divide an hour: the last step is shorter
        "0 */5 * * *",
        "*/15 9-18 * * *",
        "30 */2 * * *",
        "0 9-18 * * *",
        "0 9 * * 1#1",
        "0 9 * * 5L",
        "0 9 * 1-6 1",
        "0 9 31 * *",  # cron leaves out the shorter months
        "0 9 L * *",
        "0 9 1,15 * *",
        "0 9 13 * 5",
        "0 9 1 1 *",
        "*/15 * * * 1",
    ],
)
def test_cron_without_plain_words_is_shown_as_it_is(expression: str) -> None:
    with translation.override("en"):
        assert describe(cron(expression), BERLIN) == f"by the rule `{expression}`"


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("UTC", "Saturday, 25 April 2026, 13:00 (UTC)"),
        ("Africa/Accra", "Saturday, 25 April 2026, 13:00 (Africa/Accra, UTC)"),
        ("Asia/Kathmandu", "Saturday, 25 April 2026, 18:45 (Asia/Kathmandu, UTC+5:45)"),
        ("America/St_Johns", "Saturday, 25 April 2026, 10:30 (America/St_Johns, UTC-2:30)"),
        ("Pacific/Kiritimati", "Sunday, 26 April 2026, 03:00 (Pacific/Kiritimati, UTC+14)"),
    ],
)
def test_moment_is_said_with_its_zone(zone: str, said: str) -> None:
    with translation.override("en"):
        assert local(NOON, zone_of(zone)) == said


def test_both_passes_of_a_repeated_hour_can_be_told_apart() -> None:
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    with translation.override("en"):
        assert local(first, BERLIN) == "Sunday, 25 October 2026, 02:30 (Europe/Berlin, UTC+2)"
        assert local(second, BERLIN) == "Sunday, 25 October 2026, 02:30 (Europe/Berlin, UTC+1)"


def test_seconds_are_said_where_there_are_any() -> None:
    with translation.override("en"):
        assert "13:00:30" in local(NOON.replace(second=30), zone_of("UTC"))


# --- in Russian -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Once(NOON), "один раз: суббота, 25 апреля 2026, 16:00 (Europe/Moscow, UTC+3)"),
        (Daily(time(8)), "каждый день в 08:00"),
        (every(2), "каждые 2 дня в 08:00"),
        (every(5), "каждые 5 дней в 08:00"),
        (every(21), "каждый 21 день в 08:00"),
        (every(11), "каждые 11 дней в 08:00"),
        (on(0, 1, 2, 3, 4), "по будням в 18:00"),
        (on(5, 6), "по выходным в 18:00"),
        (on(1), "по вторникам в 18:00"),
        (on(0, 3), "по понедельникам и четвергам в 18:00"),
        (on(2, 4, 6), "по средам, пятницам и воскресеньям в 18:00"),
        (Monthly(3, time(10)), "3-го числа каждого месяца в 10:00"),
        (Monthly(31, time(10)), "31-го числа каждого месяца (или в его последний день) в 10:00"),
        (cron("* * * * *"), "каждую минуту"),
        (cron("*/2 * * * *"), "каждые 2 минуты"),
        (cron("*/15 * * * *"), "каждые 15 минут"),
        (cron("0 * * * *"), "каждый час"),
        (cron("30 * * * *"), "каждый час на 30-й минуте"),
        (cron("0 */2 * * *"), "каждые 2 часа"),
        (cron("0 */6 * * *"), "каждые 6 часов"),
        (cron("0 9,18 * * *"), "каждый день в 09:00 и 18:00"),
        (cron("0 9 * * 1#1"), "по правилу `0 9 * * 1#1`"),
    ],
)
def test_rule_is_said_in_russian(rule: Rule, said: str) -> None:
    with translation.override("ru"):
        assert describe(rule, MOSCOW) == said


@pytest.mark.parametrize(
    ("rule", "after", "remark"),
    [
        (Monthly(30, time(9)), datetime(2026, 2, 1), "Февраль: 28 дней, поэтому в последний из них"),
        (Daily(time(2, 30)), datetime(2026, 3, 28, 12), "часы переводят вперёд: 29 марта нет времени 02:30"),
        (Daily(time(2, 30)), datetime(2026, 10, 24, 12), "25 октября время 02:30 наступает дважды: это первый раз"),
    ],
)
def test_odd_run_says_why_in_russian(rule: Rule, after: datetime, remark: str) -> None:
    with translation.override("ru"):
        (run,) = preview(rule, after.replace(tzinfo=UTC), BERLIN, count=1)
    assert run.remark == remark


def test_refusal_is_said_in_the_language_of_its_reader() -> None:
    with translation.override("ru"), pytest.raises(RuleError, match="Часы — от 0 до 23"):
        cron("0 24 * * *")
