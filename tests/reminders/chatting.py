"""What people do with reminders in a chat, for tests that read like one."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from accounts.models import Access, Chat, Role, User
from delivery import tick
from delivery.models import Schedule
from delivery.schedule import Once, to_json
from reminders.models import Occurrence, Reminder
from tests.house import ANNA, BORIS, BOT, TEAM, House

MOSCOW = ZoneInfo("Europe/Moscow")


def anna() -> User:
    return User.objects.get(telegram_id=ANNA)


def reminders() -> list[Reminder]:
    """All of them, oldest first."""
    return list(Reminder.objects.select_related("schedule", "chat", "user").order_by("created_at"))


async def the_only(house: House) -> Reminder:
    [row] = await house.db(reminders)
    return row


def let_team_in() -> None:
    """Анна and Борис are members of the approved group of the team."""
    now = timezone.now()
    Chat.objects.create(bot_id=BOT, telegram_id=TEAM, kind="supergroup", title="Команда", status=Access.ACTIVE)
    User.objects.create(
        telegram_id=BORIS, username=f"tg{BORIS}", first_name="Борис", telegram_language="en", language="en",
        time_zone="Europe/Moscow", status=Access.ACTIVE, role=Role.MEMBER, requested_at=now, decided_at=now,
    )  # fmt: skip


async def press(house: House, label: str, user: int = ANNA, chat: int | None = None) -> str:
    """Press the button under the bot's newest message; the toast."""
    pressed = house.press(user, label, chat)
    await house.until(lambda: pressed.answered)
    await house.quiet()
    return str(house.calls("answerCallbackQuery")[-1].params.get("text", ""))


def shown(house: House, chat: int = ANNA) -> str:
    return house.heard(chat)[-1]


async def confirmed(house: House, words: str, user: int = ANNA, chat: int | None = None) -> Reminder:
    """Ask for it and say yes."""
    await house.ask(user, words, chat)
    await press(house, "✅ Yes", user, chat)
    return (await house.db(reminders))[-1]


async def comes(house: House, row: Reminder, late: timedelta = timedelta()) -> Occurrence:
    """Its time has come: the tick finds it, and it is said. What comes once is put forward to this moment."""

    def due() -> None:
        at = timezone.now().replace(microsecond=0)
        schedule = Schedule.objects.get(pk=row.schedule_id)
        if schedule.rule["kind"] == "once" and not schedule.runs:
            schedule.rule, schedule.next_at = to_json(Once(at)), at
            schedule.save()
        assert schedule.next_at is not None
        tick._fire_batch(schedule.next_at + late, tick.BATCH)

    await house.db(due)
    await house.quiet()
    return await house.db(Occurrence.objects.filter(reminder=row).latest, "created_at")


def tomorrow_at(hour: int, minute: int = 0) -> datetime:
    today = timezone.now().astimezone(MOSCOW).date()
    wall = datetime.combine(today + timedelta(days=1), datetime.min.time())
    return wall.replace(hour=hour, minute=minute, tzinfo=MOSCOW).astimezone(UTC)


def entities(house: House, chat: int = ANNA) -> Any:
    return house.messages(chat)[-1].get("entities", [])
