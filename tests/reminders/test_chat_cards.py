"""What cards say: pure functions of a reminder and the clock."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from pytest_django import Settings

from accounts.models import Chat, User
from delivery.schedule import Cron, Daily, Monthly, Once, Rule
from reminders import services
from reminders.chat import cards
from reminders.models import Reminder, Status
from reminders.services import pressing
from telegram_bot.markdown import units
from tests.reminders.making import fire, wish

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def private(member: User) -> Chat:
    return Chat.objects.create(bot_id=1000, telegram_id=101, kind="private", title=member.name, person=member)


def made(member: User, private: Chat, rule: Rule, now: datetime, **more: Any) -> Reminder:
    return services.create(wish(member, rule, chat=private, **more), via="chat", now=now)


def said(menu: cards.Menu) -> str:
    return "\n".join(part.text for part in menu[0])


def test_once_is_told_to_the_minute_with_its_zone(member: User, private: Chat, now: datetime) -> None:
    row = made(member, private, Once(now + timedelta(hours=2)), now)

    assert cards.when(row, now) == ["Friday, 20 November 2026, 14:00 (Europe/Moscow, UTC+3)", ""]


def test_series_shows_three_runs_where_nothing_is_odd(member: User, private: Chat, now: datetime) -> None:
    row = made(member, private, Daily(time(9, 30)), now)

    assert cards.when(row, now) == [
        "Every day at 09:30 (Europe/Moscow)",
        "Next:",
        "• Saturday, 21 November 2026, 09:30",
        "• Sunday, 22 November 2026, 09:30",
        "• Monday, 23 November 2026, 09:30",
    ]


def test_change_of_the_clock_is_remarked_and_lets_the_list_grow(member: User, private: Chat) -> None:
    now = datetime(2026, 3, 25, 12, tzinfo=UTC)
    row = made(member, private, Daily(time(2, 30)), now, zone="Europe/Berlin")

    lines = cards.when(row, now)

    assert len(lines) == 7
    assert "• Sunday, 29 March 2026, 03:00 ⚠️ the clock goes forward: there is no 02:30 on 29 March" in lines


def test_short_month_is_remarked(member: User, private: Chat, now: datetime) -> None:
    lines = cards.when(made(member, private, Monthly(31, time(9)), now), now)

    assert lines[2] == "• Monday, 30 November 2026, 09:00 ⚠️ November has 30 days: on the last one"


def test_series_with_an_end_shows_no_run_beyond_it(member: User, private: Chat, now: datetime) -> None:
    row = made(member, private, Daily(time(9)), now, max_runs=2)

    assert len([line for line in cards.when(row, now) if line.startswith("• ")]) == 2


def test_long_text_is_cut_on_the_card(member: User, private: Chat, now: datetime) -> None:
    row = made(member, private, Cron("0 9 * * *"), now, payload={"text": "слово " * 600})

    title = said(cards.card(row, member, now)).split("\n")[0]

    assert title.endswith("…")
    assert len(title) < cards.MOST_TEXT + 5


def test_bold_covers_the_title_in_telegrams_units(member: User, private: Chat, now: datetime) -> None:
    row = made(member, private, Cron("0 9 * * *"), now, payload={"text": "🫖 чай"})

    [part] = cards.card(row, member, now)[0]

    assert part.entities == [{"type": "bold", "offset": 0, "length": units("⏰ 🫖 чай")}]


@pytest.mark.parametrize("status", Status)
def test_card_of_every_status_says_how_it_stands(member: User, private: Chat, now: datetime, status: Status) -> None:
    row = made(member, private, Cron("0 9 * * *"), now)
    row.status = status

    text = said(cards.card(row, member, now, page=0))

    assert text.startswith(cards.MARKS[status])
    assert len(text.split("\n")) >= 2


def test_task_is_not_insisted_on(member: User, private: Chat, now: datetime, settings: Settings) -> None:
    settings.ASSISTANT_TASKS = "somewhere"
    row = made(member, private, Cron("0 9 * * *"), now, payload={"task": "Look"}, confirmed=False)
    assert "remind.nag" not in actions(cards.asking(row, now)) + actions(cards.card(row, member, now))

    row = made(member, private, Cron("0 9 * * *"), now, confirmed=False)
    assert "remind.nag" in actions(cards.asking(row, now))


def actions(menu: cards.Menu) -> list[str]:
    return [key.action for row in menu[1] for key in row]


def test_one_that_waits_for_done_says_so(member: User, private: Chat, now: datetime) -> None:
    row = made(member, private, Once(now), now, nag_minutes=5)
    fire(row, now)

    assert "It came, and waits until somebody presses Done." in said(cards.card(row, member, now))


def test_reminder_of_a_program_is_shown_by_its_title(member: User, private: Chat, now: datetime) -> None:
    row = made(member, private, Cron("0 9 * * *"), now, title="Backup")
    row.payload = {"job": 7}

    assert said(cards.card(row, member, now)).startswith("⏰ Backup\n")


@pytest.mark.parametrize(("hours", "short"), [(2, "14:00"), (26, "21 November, 14:00"), (24 * 60, "19 January 2027")])
def test_day_is_as_short_as_it_is_clear(now: datetime, hours: int, short: str) -> None:
    assert cards.short_day(now + timedelta(hours=hours), ZoneInfo("Europe/Moscow"), now) == short


def test_owner_and_in_groups_an_admin_may_change(member: User, admin: User, private: Chat, now: datetime) -> None:
    row = made(member, private, Cron("0 9 * * *"), now)
    assert (cards.may_change(row, member), cards.may_change(row, admin)) == (True, False)

    row.chat = Chat(kind="supergroup", title="Team")
    assert cards.may_change(row, admin)


# --- tomorrow -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pressed", "comes"),
    [
        ("2026-11-20T18:05+03:00", "2026-11-21T18:00+03:00"),
        ("2026-11-21T00:30+03:00", "2026-11-22T18:00+03:00"),
        ("2026-11-23T09:00+03:00", "2026-11-24T18:00+03:00"),
    ],
)
def test_tomorrow_is_the_day_after_the_press(
    member: User, private: Chat, now: datetime, pressed: str, comes: str
) -> None:
    row = made(member, private, Once(datetime.fromisoformat("2026-11-20T18:00+03:00")), now)
    occurrence = fire(row)

    assert pressing.tomorrow(occurrence, datetime.fromisoformat(pressed)) == datetime.fromisoformat(comes)


def test_tomorrow_keeps_the_wall_time_when_the_clock_changes(member: User, private: Chat) -> None:
    now = datetime(2026, 10, 24, 6, tzinfo=UTC)
    row = made(member, private, Once(datetime(2026, 10, 24, 7, tzinfo=UTC)), now, zone="Europe/Berlin")
    occurrence = fire(row)  # 09:00 in summer

    assert pressing.tomorrow(occurrence, datetime(2026, 10, 24, 8, tzinfo=UTC)) == datetime(2026, 10, 25, 8, tzinfo=UTC)


# --- done, once -----------------------------------------------------------------------------------------------------


def test_done_twice_is_done_once(member: User, private: Chat, now: datetime) -> None:
    occurrence = fire(made(member, private, Once(now), now), now)

    assert pressing.done(occurrence, by=member, now=now)
    assert not pressing.done(occurrence, by=member, now=now)
    assert (occurrence.result, occurrence.claimed_by) == ("done", f"person:{member.pk}")


def test_what_was_said_already_can_still_be_done(member: User, private: Chat, now: datetime) -> None:
    occurrence = fire(made(member, private, Once(now), now), now)
    services.said(occurrence, now)

    assert pressing.done(occurrence, by=member, now=now)
    assert occurrence.result == "done"


def test_what_is_done_is_not_put_off(member: User, private: Chat, now: datetime) -> None:
    occurrence = fire(made(member, private, Once(now), now), now)
    pressing.done(occurrence, by=member, now=now)

    assert not pressing.put_off(occurrence, now + timedelta(hours=1), by=member, via="chat", now=now)


def test_what_is_put_off_is_not_done(member: User, private: Chat, now: datetime) -> None:
    occurrence = fire(made(member, private, Once(now), now), now)

    assert pressing.put_off(occurrence, now + timedelta(hours=1), by=member, via="chat", now=now)
    assert not pressing.done(occurrence, by=member, now=now)
    assert occurrence.result == "snoozed"


def test_what_is_paused_is_not_put_off(member: User, private: Chat, now: datetime) -> None:
    row = made(member, private, Daily(time(9)), now)
    occurrence = fire(row)
    services.said(occurrence, now)
    services.pause(row, by=member, via="chat", now=now)

    assert not pressing.put_off(occurrence, now + timedelta(hours=1), by=member, via="chat", now=now)
