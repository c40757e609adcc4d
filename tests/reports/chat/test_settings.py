"""A profile's report settings, as its owner sees and changes them in the chat."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from delivery.models import Schedule
from reports.metrics import METRICS, USUAL
from tests.house import House
from tests.reports.chat.chatting import card, connected, labels, press, say, task


async def opened(house: House) -> None:
    """The settings of the reports of Анна's only profile."""
    await connected(house)
    await press(house, "Report settings")


async def rule(house: House) -> dict[str, Any]:
    kept: dict[str, Any] = (await house.db(task)).schedule.rule
    return kept


async def test_card_tells_how_all_stands(house: House) -> None:
    await opened(house)

    assert card(house) == (
        "⚙️ Reports of “Север”\n⏸ Reports are off.\nSet to: Every day at 09:00, Europe/Moscow.\n"
        "📍 They go to you alone, in our private chat.\n"
        f"📈 {len(USUAL)} figures, with a chart\n"
        "⚡️ Alerts: money that lasts less than three days; contacts 50% below the usual."
    )


async def test_switching_on_tells_the_next_run_and_its_days(house: House) -> None:
    await opened(house)
    await press(house, "Switch on")

    said = card(house)
    assert "🔔 Every day at 09:00, Europe/Moscow → only you, here\nNext: " in said
    assert ", 09:00 (Europe/Moscow, UTC+3).\nIt will be about " in said
    assert (await house.db(task)).schedule.state == Schedule.State.ACTIVE


async def test_switching_off_stops_it(house: House) -> None:
    await opened(house)
    await press(house, "Switch on")
    await press(house, "Switch off")

    assert "⏸ Reports are off." in card(house)
    assert (await house.db(task)).schedule.state == Schedule.State.PAUSED


async def test_unknown_time_zone_is_said_and_timezone_moves_the_report(house: House) -> None:
    await house.db(lambda: User.objects.update(time_zone=""))
    await opened(house)
    assert "🌍 I do not know your time zone and took UTC. Another one: /timezone" in card(house)

    await say(house, "/timezone Omsk")
    assert " 1 Avito report moved along. Change it with /timezone." in card(house)
    await say(house, "/profiles")
    await press(house, "Север")
    await press(house, "Report settings")
    assert "Set to: Every day at 09:00, Asia/Omsk." in card(house)
    assert "I do not know" not in card(house)


async def test_report_by_a_clock_of_its_own_stays_by_it(house: House) -> None:
    await opened(house)
    await press(house, "Time zone")
    await say(house, "Omsk")
    await say(house, "/timezone Samara")

    assert "moved along" not in card(house)
    assert (await house.db(task)).schedule.zone == "Asia/Omsk"


# --- when -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "at"),
    [("9:30", "09:30"), ("10.15", "10:15"), ("в 7", "07:00"), ("21 ч", "21:00"), ("at 8 pm", "20:00")],
)
async def test_time_is_said_in_words(house: House, written: str, at: str) -> None:
    await opened(house)
    await press(house, "Time")
    await say(house, written)

    assert (await rule(house))["at"] == at
    assert f"Every day at {at}" in card(house)


async def test_time_is_chosen_with_a_press(house: House) -> None:
    await opened(house)
    await press(house, "Time")
    await press(house, "18:00")

    assert (await rule(house))["at"] == "18:00"


async def test_what_is_no_time_is_asked_again_and_then_let_be(house: House) -> None:
    await opened(house)
    await press(house, "Time")
    await say(house, "whenever")
    assert "I see no time in that." in card(house)

    await say(house, "25:70")
    await say(house, "[[text Hello!]]")
    assert card(house) == "Hello!"


@pytest.mark.parametrize(
    ("choices", "kept"),
    [
        (["On working days"], {"kind": "weekly", "days": [0, 1, 2, 3, 4], "at": "09:00"}),
        (["Every week"], {"kind": "weekly", "days": [0], "at": "09:00"}),
        (["Every month", "15"], {"kind": "monthly", "day": 15, "at": "09:00"}),
        (["Every month", "The last day"], {"kind": "monthly", "day": 31, "at": "09:00"}),
        (["Every month", "1"], {"kind": "monthly", "day": 1, "at": "09:00"}),
    ],
    ids=["workdays", "weekly", "monthly", "last day", "first day"],
)
async def test_how_often_is_chosen(house: House, choices: list[str], kept: dict[str, object]) -> None:
    await opened(house)
    await press(house, "How often")
    for choice in choices:
        await press(house, choice)

    assert await rule(house) == kept


async def test_every_few_days_by_a_key_or_a_number(house: House) -> None:
    await opened(house)
    await press(house, "How often")
    await press(house, "Every few days")
    await say(house, "every 6 days")
    assert (await rule(house))["every"] == 6

    await press(house, "How often")
    await press(house, "Every few days")
    await press(house, "3")
    assert (await rule(house))["every"] == 3


async def test_too_many_days_are_refused_in_words(house: House) -> None:
    await opened(house)
    await press(house, "How often")
    await press(house, "Every few days")
    await say(house, "1000")

    assert "The number of days must be 1 to 366." in card(house)


async def test_days_of_the_week_are_toggled_one_by_one(house: House) -> None:
    await opened(house)
    await press(house, "How often")
    await press(house, "On chosen days")
    await press(house, "Tue")
    await press(house, "Fri")
    assert (await rule(house))["days"] == [1, 4]

    await press(house, "Tue")
    assert (await rule(house))["days"] == [4]
    assert await press(house, "Fri") == "Choose at least one day of the week."


async def test_last_day_of_the_month_is_explained(house: House) -> None:
    await opened(house)
    await press(house, "Switch on")
    await press(house, "How often")
    await press(house, "Every month")
    assert "A month without that day has its report on its last day." in card(house)

    await press(house, "The last day")
    assert "On the 31st of each month (or its last day) at 09:00" in card(house)
    assert "days: on the last one." in card(house)


async def test_zone_is_chosen_or_written(house: House) -> None:
    await opened(house)
    await press(house, "Time zone")
    await say(house, "Владивосток")

    assert (await house.db(task)).schedule.zone == "Asia/Vladivostok"
    assert "Asia/Vladivostok" in card(house)


async def test_unknown_place_is_asked_again(house: House) -> None:
    await opened(house)
    await press(house, "Time zone")
    await say(house, "Нигде")

    assert "I do not know where “Нигде” is." in card(house)


# --- what -----------------------------------------------------------------------------------------------------------


async def test_figures_are_toggled(house: House) -> None:
    await opened(house)
    await press(house, "Figures")
    await press(house, "Impressions")
    await press(house, "Views")

    chosen = (await house.db(task)).metrics
    assert "impressions" in chosen
    assert "views" not in chosen


async def test_figures_have_pages(house: House) -> None:
    await opened(house)
    await press(house, "Figures")
    await press(house, "›")

    assert f"page 2 of {-(-len(METRICS) // 8)}" in labels(house)


async def test_all_usual_or_only_views(house: House) -> None:
    await opened(house)
    await press(house, "Figures")
    await press(house, "All")
    assert len((await house.db(task)).metrics) == len(METRICS)

    await press(house, "Only views")
    assert (await house.db(task)).metrics == ["views"]
    assert await press(house, "Views") == "A report needs at least one figure."

    await press(house, "The usual ones")
    assert (await house.db(task)).metrics == list(USUAL)


async def test_chart_is_switched(house: House) -> None:
    await opened(house)
    await press(house, "🖼 Chart: on")

    assert not (await house.db(task)).chart
    assert "without a chart" in card(house)


async def test_alerts_have_thresholds(house: House) -> None:
    await opened(house)
    await press(house, "Alerts")
    await say(house, "5 000 руб")
    assert "Alerts: money below 5000 ₽; contacts 50% below the usual." in card(house)

    await press(house, "−30%")
    await press(house, "Switch alerts off")
    assert "🔕 No alerts." in card(house)
    row = await house.db(task)
    assert (row.alerts, row.low_money, row.contacts_drop) == (False, Decimal(5000), 30)
