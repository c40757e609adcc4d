"""Leave: on these dates a person is not asked in stand-ups. They tell an assistant of it."""

from collections.abc import Iterable
from datetime import date, timedelta

from accounts.models import User
from conversations.models import Leave
from conversations.services.library import zone_of
from llm.toolbox import Arguments, Asked, Tool, ToolError

LONGEST = timedelta(days=400)


def on_leave(users: Iterable[User], day: date) -> set[int]:
    """The keys of those who are away on ``day``."""
    found = Leave.objects.filter(user__in=list(users), first__lte=day, last__gte=day)
    return set(found.values_list("user", flat=True))


def _take_leave(asked: Asked, arguments: Arguments) -> str:
    """What they said before of dates from today on is replaced: the last word counts."""
    today = asked.now.astimezone(zone_of(asked.user)).date()
    Leave.objects.filter(user=asked.user, last__gte=today).delete()
    if arguments.get("none"):
        return "They are asked in stand-ups again."
    first, last = _dates(arguments, today)
    Leave.objects.create(user=asked.user, first=first, last=last)
    return f"Noted: they are not asked in stand-ups from {first} to {last}."


def _dates(arguments: Arguments, today: date) -> tuple[date, date]:
    try:
        first = date.fromisoformat(arguments.get("from") or today.isoformat())
        last = date.fromisoformat(arguments.get("to") or first.isoformat())
    except ValueError:
        raise ToolError("The dates must look like 2026-12-31.") from None
    if last < first or last < today:
        raise ToolError("The leave must end after it begins, and not before today.")
    if last - first > LONGEST:
        raise ToolError(f"A leave lasts {LONGEST.days} days at most.")
    return first, last


DATE = {"type": "string", "maxLength": 10}
take_leave = Tool(
    "take_leave",
    "Notes on which dates the person is away, so that stand-ups do not ask them. It takes the place of what was noted "
    "before.",
    {
        "type": "object",
        "properties": {
            "from": {**DATE, "description": "The first date, such as 2026-12-01; without it today."},
            "to": {**DATE, "description": "The last date; without it only one day."},
            "none": {"type": "boolean", "description": "They are back: no leave any more."},
        },
    },
    _take_leave,
)
