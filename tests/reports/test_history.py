"""A report of any period: by its name, by two taps in a calendar, or in words."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone, translation

from accounts.models import User
from reports.chat import history
from reports.figures.periods import PeriodError, today_at_avito
from reports.models import AvitoProfile, Report
from telegram_bot import outgoing
from telegram_bot.outgoing import Key, Place
from tests.house import ANNA, BOT, OLGA, TEAM, House
from tests.reports import asked

NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)
PROFILE = AvitoProfile(pk=7, name="Север", owner=User(pk=1))
MARCH = date(2026, 3, 1)


# --- the calendar ---------------------------------------------------------------------------------------------------


def cells(month: date = MARCH, first: date | None = None) -> dict[str, str]:
    """Label → callback of all buttons; of labels that come twice, the last."""
    _text, rows = history.calendar_menu(PROFILE, month, first, NOW)
    return {key.label: key.callback for row in rows for key in row}


def test_a_tap_says_of_which_profile_month_and_day_it_is() -> None:
    tap = history.read(cells(first=date(2026, 3, 2))["9"])

    assert tap == history.Tap(7, MARCH, date(2026, 3, 2), date(2026, 3, 9))


def test_the_chosen_first_day_is_marked() -> None:
    assert "[2]" in cells(first=date(2026, 3, 2))


def test_days_to_come_cannot_be_tapped() -> None:
    assert "10" in cells()
    assert "11" not in cells()


def test_days_that_avito_has_forgotten_cannot_be_tapped() -> None:
    """270 days before 10 March 2026 is 13 June 2025."""
    june = cells(date(2025, 6, 1))

    assert "13" in june
    assert "12" not in june


def test_one_turns_no_page_beyond_the_first_and_the_last_month() -> None:
    assert "›" not in cells()
    assert "‹" in cells()
    assert "‹" not in cells(date(2025, 6, 1))


def test_a_month_beyond_the_calendar_is_the_nearest_one() -> None:
    assert cells(date(2031, 1, 1)).keys() == cells().keys()


def test_callbacks_and_labels_fit_a_button() -> None:
    """64 bytes of data (https://core.telegram.org/bots/api#inlinekeyboardbutton), eight buttons in a row at most."""
    profile = AvitoProfile(pk=2**63 - 1, name="Север", owner=User(pk=1))
    _text, rows = history.calendar_menu(profile, MARCH, date(2026, 3, 2), NOW)

    assert all(len(key.callback.encode()) <= 64 for row in rows for key in row)
    assert all(1 <= len(row) <= 7 for row in rows)
    assert all(key.label for row in rows for key in row)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_week_has_seven_short_names(language: str) -> None:
    with translation.override(language):
        _text, rows = history.calendar_menu(PROFILE, MARCH, None, NOW)

    assert len({key.label for key in rows[1]}) >= 5
    assert all(len(key.label) == 2 for key in rows[1])


@pytest.mark.parametrize("callback", ["avitoday:7:202613:-:20260301", "avitoday:7:202603:-:20260231", "avitoday:-", ""])
def test_what_is_no_day_is_none(callback: str) -> None:
    assert history.read(callback) is None


def test_days_may_be_tapped_in_either_order() -> None:
    period = history.between(date(2026, 3, 9), date(2026, 3, 2), NOW)

    assert (period.first, period.last) == (date(2026, 3, 2), date(2026, 3, 9))


def test_a_day_too_old_is_refused_before_anybody_is_asked() -> None:
    today = today_at_avito(NOW)
    assert history.between(today - timedelta(days=270), today, NOW).days == 271
    with pytest.raises(PeriodError, match="270 days"):
        history.between(today - timedelta(days=271), today, NOW)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("today", "2026-03-10", "2026-03-10"),
        ("yesterday", "2026-03-09", "2026-03-09"),
        ("7", "2026-03-03", "2026-03-09"),
        ("30", "2026-02-08", "2026-03-09"),
        ("90", "2025-12-10", "2026-03-09"),
        ("last_week", "2026-03-02", "2026-03-08"),
        ("this_month", "2026-03-01", "2026-03-10"),
        ("last_month", "2026-02-01", "2026-02-28"),
    ],
)
def test_a_named_period_is_as_of_the_press(name: str, first: str, last: str) -> None:
    period = history.named(name, NOW)

    assert period is not None
    assert (period.first.isoformat(), period.last.isoformat()) == (first, last)


# --- in the chat ----------------------------------------------------------------------------------------------------


async def opened(house: House) -> AvitoProfile:
    """The menu of periods stands in the chat."""
    profile = await house.db(asked.given, house)
    await house.db(asked.card, profile, "report_historical")
    await asked.press(house, "Do it")
    await house.until(lambda: "Last week" in house.buttons(ANNA))
    return profile


@pytest.mark.asyncio
async def test_a_period_by_its_name_brings_its_report(house: House) -> None:
    await opened(house)
    await asked.press(house, "Last week")
    report = await asked.ended(house)

    assert (report.kind, report.state) == (Report.Kind.HISTORY, Report.State.DONE)
    assert report.first.weekday() == 0
    assert any(text.startswith("📊") for text in house.heard(ANNA))


@pytest.mark.asyncio
async def test_two_taps_in_the_calendar_bring_a_report(house: House) -> None:
    await opened(house)
    await asked.press(house, "📅 Calendar")
    await house.until(lambda: "‹" in house.buttons(ANNA))
    await asked.press(house, "‹")
    await house.until(lambda: "›" in house.buttons(ANNA))
    await asked.press(house, "5")
    await house.until(lambda: "[5]" in house.buttons(ANNA))
    await asked.press(house, "12")
    report = await asked.ended(house)

    assert (report.first.day, report.last.day) == (5, 12)


@pytest.mark.asyncio
async def test_a_period_may_be_written_and_is_asked_for_again_when_it_cannot_be(house: House) -> None:
    await opened(house)
    await asked.press(house, "⌨️ Write it")
    await house.until(lambda: "Write the period" in house.heard(ANNA)[-1])
    assert "270 days" in await house.ask(ANNA, "01.01.2020 - 05.01.2020")
    house.say(ANNA, "вчера")
    await house.until(lambda: len(house.messages(ANNA)) > 3)
    report = await asked.ended(house)

    assert report.first == report.last == today_at_avito(report.created_at) - timedelta(days=1)


@pytest.mark.asyncio
async def test_what_is_wrong_with_a_period_is_said_once_with_what_would_do(house: House) -> None:
    await opened(house)
    await asked.press(house, "⌨️ Write it")
    await house.quiet()
    answer = await house.ask(ANNA, "blah blah")
    assert "I do not understand this period" in answer
    assert answer.count("01.11.2026") == 1


async def test_a_stranger_taps_the_calendar_of_somebody_else_in_vain(house: House) -> None:
    profile = await house.db(asked.given, house)
    await house.db(asked.team, profile)
    await house.db(_day_in_group, profile)

    assert "not here any more" in await asked.press(house, "5", OLGA, TEAM)
    assert await house.db(Report.objects.count) == 0


def _day_in_group(profile: AvitoProfile) -> None:
    day = today_at_avito(timezone.now())
    cell = Key("5", callback=f"{history.NAME}:{profile.pk}:{day:%Y%m}:{day:%Y%m%d}:{day:%Y%m%d}")
    outgoing.say("calendar", Place(BOT, TEAM), "A calendar", [[cell]])
