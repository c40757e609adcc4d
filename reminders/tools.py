"""What an assistant may do with reminders by tool call, on behalf of the person who asks.

What a model wants to be reminded of is only prepared: a card with the exact times asks the person, and one tap puts it
into force. What cannot be undone waits for a Yes. In a planned task an assistant sees its own series only.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import User
from core import outward
from delivery import when
from delivery.models import Schedule
from delivery.schedule import Once, Rule
from delivery.schedule_words import describe, local
from llm.toolbox import Arguments, Asked, Tool, ToolError
from reminders import services
from reminders.chat import cards
from reminders.chat.sending import seal_up
from reminders.models import FINAL, Reminder, Status
from reminders.services.making import SOURCE
from telegram_bot import outgoing
from telegram_bot.outgoing import Place

MOST_LISTED = 30
SHOWN = 120  # characters of a text in the list
# The same wish within this time is the same reminder; a moment counted from now is never quite the same.
AGAIN = timedelta(minutes=10)
ABOUT = timedelta(minutes=2)
SHORT_ID = 8
LEAST_ID = 4
ENOUGH = 40  # characters from which on the beginning of a text names it
QUOTES = "“”«»\"' "


# --- making ---------------------------------------------------------------------------------------------------------


def _create(asked: Asked, arguments: Arguments) -> str:
    zone = zone_of(asked.user)
    found = when_of(arguments["when"], asked.now, zone)
    draft = _draft(asked, arguments, found.rule, zone)
    return prepare(draft, asked, [*_what(draft.payload), *found.assumed])


def prepare(draft: services.Draft, asked: Asked, lines: list[str]) -> str:
    """Save the wish, which is not in force, and show its card with ``lines``; what the model is told. Once: the same
    wish a moment later is the same reminder. Raises ToolError."""
    if (row := made_just_now(draft, asked.now)) is not None:
        return f"It exists already, nothing was made: {line(row, asked.now)}"
    try:
        row = services.create(draft, via="tool", now=asked.now)
    except services.Refused as refused:
        raise ToolError(str(refused)) from refused
    ask(row, asked, [*lines, *_about_zone(asked.user, draft.zone)])
    return f"Prepared, not in force yet: {line(row, asked.now)}\n{ASK_THEM}"


ASK_THEM = (
    "The person sees a card with the exact times and the buttons Yes, Change and No; it is in force only after Yes. "
    "Tell them briefly to check it and press Yes. Do not say that it is done."
)


def when_of(words: str, now: datetime, zone: ZoneInfo) -> when.When:
    """Raises ToolError."""
    try:
        return when.read(words, now, zone, translation.get_language() or "en")
    except when.Unclear as unclear:
        raise ToolError(f"“when” is not clear: {unclear} Ask the person if you do not know it.") from unclear


def _draft(asked: Asked, arguments: Arguments, rule: Rule, zone: ZoneInfo) -> services.Draft:
    once = isinstance(rule, Once)
    return services.Draft(
        user=asked.user,
        rule=rule,
        zone=zone.key,
        payload=_payload(arguments),
        chat=asked.chat,
        thread=asked.thread,
        title=_name(arguments),
        zone_of_owner=True,
        assistant_id=asked.assistant if _task(arguments) else None,
        created_by=asked.user,
        created_by_assistant=asked.assistant,
        nag_minutes=arguments.get("nag_minutes"),
        end_at=_end(arguments.get("until", ""), zone),
        catch_up=Schedule.CatchUp.LAST if once else Schedule.CatchUp.NONE,
        source_message_id=asked.message_id,
        confirmed=False,
    )


def _payload(arguments: Arguments) -> dict[str, Any]:
    """A text is said as it is; a task is done by an assistant."""
    text, task, url = arguments.get("text", "").strip(), _task(arguments), arguments.get("url", "").strip()
    if not text and not task:
        raise ToolError("Give “text”, what to remind of, or “task”, what an assistant shall do by itself.")
    if not task:
        return {"text": text}
    if url:
        _check_address(url)
    # A task needs a name by which its answers and lists show it. One that is its beginning stays sealed with it.
    return {"task": task, **({"url": url} if url else {}), "title": _name(arguments) or _shortened(task)}


def _task(arguments: Arguments) -> str:
    return str(arguments.get("task", "")).strip()


def _name(arguments: Arguments) -> str:
    """What a task is called, if somebody gave it a name; a text is none."""
    return _shortened(arguments.get("text", "")) if _task(arguments) else ""


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


def _check_address(url: str) -> None:
    """Better now, to who asks, than at each run."""
    try:
        outward.checked(url)
    except outward.OutwardError as error:
        raise ToolError(f"“url” cannot be watched: {error}") from error


def _end(text: str, zone: ZoneInfo) -> datetime | None:
    try:
        return when.moment(text.strip(), zone, when.END_OF_DAY) if text.strip() else None
    except when.Unclear as unclear:
        raise ToolError(f"“until” is not clear: {unclear}") from unclear


def made_just_now(draft: services.Draft, now: datetime) -> Reminder | None:
    """The reminder that the same wish made a moment ago."""
    rows = Reminder.objects.filter(user=draft.user, created_at__gt=now - AGAIN).exclude(status__in=FINAL)
    rows = rows.filter(chat=draft.chat, thread_id=draft.thread).select_related("schedule", "user", "chat")
    return next((row for row in rows if row.payload == draft.payload and _same_time(row.rule, draft.rule)), None)


def _same_time(one: Rule, other: Rule) -> bool:
    if isinstance(one, Once) and isinstance(other, Once):
        return abs(one.at - other.at) < ABOUT
    return one == other


def _about_zone(user: User, zone: str) -> list[str]:
    if user.time_zone:
        return []
    return [_("I do not know your time zone and took %(zone)s. Another one: /timezone") % {"zone": zone}]


def ask(row: Reminder, asked: Asked, lines: list[str]) -> None:
    """Put the card into the chat, in this transaction; only the person may press."""
    text, keyboard = cards.asking(row, asked.now, lines)
    place = Place(asked.chat.bot_id, asked.chat.telegram_id, asked.thread)
    outgoing.say(f"card:{row.pk}:tool", place, text, keyboard, owner=asked.user, source=SOURCE)
    seal_up(f"card:{row.pk}:tool:0")


def _what(payload: dict[str, Any]) -> list[str]:
    """What an assistant is going to do by itself, in full: the person answers for it."""
    if "task" not in payload:
        return []
    said = _("An assistant will do this by itself: %(task)s") % {"task": payload["task"]}
    return [said, *([payload["url"]] if "url" in payload else [])]


def zone_of(user: User) -> ZoneInfo:
    return ZoneInfo(user.time_zone or settings.TIME_ZONE)


create_reminder = Tool(
    "create_reminder",
    "Prepares a reminder, once or again and again; the person confirms it with one tap. With “text” it is a message to "
    "the person. With “task” an assistant does something by itself at that time, with its tools, and tells what came "
    "of it: watch a page, sum something up.",
    {
        "type": "object",
        "properties": {
            "when": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "description": "The person's own words, Russian or English (“tomorrow at 18:00”, «через 2 часа», "
                "“every weekday at 9:30”), or their local time as 2026-11-21T18:00, or five fields of a cron.",
            },
            "text": {
                "type": "string",
                "maxLength": 2000,
                "description": "What to remind of, without the time; with a task, its name in a few words.",
            },
            "task": {
                "type": "string",
                "minLength": 3,
                "maxLength": 4000,
                "description": "What an assistant shall do by itself, all that it needs to know, and when to say "
                "nothing.",
            },
            "url": {"type": "string", "maxLength": 2000, "description": "With a task: the public page to watch."},
            "nag_minutes": {
                "type": "integer",
                "minimum": 1,
                "maximum": 1440,
                "description": "Only if asked for: repeat after so many minutes until it is done.",
            },
            "until": {"type": "string", "maxLength": 40, "description": "When a series ends: 2026-12-31."},
        },
        "required": ["when"],
    },
    _create,
)


# --- looking --------------------------------------------------------------------------------------------------------


def _list(asked: Asked, arguments: Arguments) -> str:
    rows = visible(asked)
    if not arguments.get("ended"):
        rows = rows.exclude(status__in=FINAL)
    found = list(rows.in_order()[: MOST_LISTED + 1])
    lines = [line(row, asked.now) for row in found[:MOST_LISTED]]
    if len(found) > MOST_LISTED:
        lines.append("There are more; the person sees all of them with /reminders.")
    return "\n".join(lines) or "There are none."


def visible(asked: Asked) -> Any:
    """The person's own; in a group those of the group, for everybody reads the answer; in a task its own series."""
    rows = Reminder.objects.select_related("schedule", "user", "chat")
    if asked.series is not None:
        return rows.filter(pk=asked.series)
    return rows.filter(user=asked.user) if asked.chat.is_private else rows.filter(chat=asked.chat)


def line(row: Reminder, now: datetime) -> str:
    """One reminder for a model: its id, state, rule, next time with the zone, and what it is about."""
    zone = ZoneInfo(row.schedule.zone)
    at = row.next_run_at
    parts = [f"[{str(row.pk)[:SHORT_ID]}]", Status(row.status).value]
    parts += [] if isinstance(row.rule, Once) else [f"{describe(row.rule, zone)} ({zone.key})"]
    parts += [f"next {local(at, zone)}"] if at is not None else []
    return " · ".join([*parts, f"“{_shortened(cards.text_of(row))}”"])


list_reminders = Tool(
    "list_reminders",
    "Lists the person's reminders (in a group: the group's) with their ids, states and next times.",
    {"type": "object", "properties": {"ended": {"type": "boolean", "description": "Also those that are over."}}},
    _list,
)


# --- one of them ----------------------------------------------------------------------------------------------------

IDENT = {
    "type": "string",
    "minLength": LEAST_ID,
    "maxLength": 36,
    "description": "The id in brackets that list_reminders gives.",
}
TEXT = {
    "type": "string",
    "minLength": 1,
    "maxLength": 200,
    "description": "How list_reminders quotes it, word for word: the person is asked about it by these words.",
}
ONE = {"type": "object", "properties": {"id": IDENT}, "required": ["id"]}
ONE_NAMED = {"type": "object", "properties": {"id": IDENT, "text": TEXT}, "required": ["id", "text"]}


def _found(asked: Asked, ident: str) -> Reminder:
    ident = ident.strip(" []").lower()
    here = visible(asked).values_list("pk", flat=True) if len(ident) >= LEAST_ID else ()
    keys = [key for key in here if str(key).startswith(ident)]
    if len(keys) != 1:
        raise ToolError("There is no reminder with this id here. list_reminders gives the ids.")
    row: Reminder = visible(asked).get(pk=keys[0])
    if not cards.may_change(row, asked.user):
        raise ToolError("It is another person's; only they or an admin may change it.")
    return row


def _named(asked: Asked, arguments: Arguments) -> Reminder:
    """The one with that id, if it is the one whose text the person was shown when they said Yes."""
    row = _found(asked, arguments["id"])
    shown, real = (_bare(text) for text in (arguments["text"], cards.text_of(row)))
    if shown != real and not (len(shown) >= ENOUGH and real.startswith(shown)):
        raise ToolError(f"The reminder with this id is another one: {line(row, asked.now)}")
    return row


def _bare(text: str) -> str:
    """The words, however they are quoted and cut off."""
    return " ".join(text.split()).strip(QUOTES).rstrip("…").rstrip()


Verb = Callable[..., bool]


def _do(verb: Verb, row: Reminder, asked: Asked, done: str, otherwise: str) -> str:
    try:
        changed = verb(row, by=asked.user, via="tool", now=asked.now)
    except services.NotNow as refused:
        raise ToolError(str(refused)) from refused
    return f"{done if changed else otherwise} {line(row, asked.now)}"


def _pause(asked: Asked, arguments: Arguments) -> str:
    row = _found(asked, arguments["id"])
    return _do(services.pause, row, asked, "Paused:", "It was paused already:")


def _resume(asked: Asked, arguments: Arguments) -> str:
    row = _found(asked, arguments["id"])
    return _do(services.resume, row, asked, "It goes on:", "It was not paused:")


def _cancel(asked: Asked, arguments: Arguments) -> str:
    return _do(services.cancel, _named(asked, arguments), asked, "Cancelled:", "It was over already:")


def _complete(asked: Asked, arguments: Arguments) -> str:
    return _do(services.complete, _named(asked, arguments), asked, "Completed:", "It was over already:")


def _complete_own(asked: Asked, _arguments: Arguments) -> str:
    row = visible(asked).first()
    if row is None or asked.series is None:
        raise ToolError("There is no series to end.")
    return _do(services.complete, row, asked, "The series is over; this was its last run:", "It was over already:")


def _cancel_question(arguments: Arguments) -> str:
    return _("Delete the reminder “%(text)s”") % {"text": arguments["text"]}


def _complete_question(arguments: Arguments) -> str:
    return _("Mark “%(text)s” as done for good") % {"text": arguments["text"]}


pause_reminder = Tool("pause_reminder", "Lets a reminder rest until it is resumed.", ONE, _pause)
resume_reminder = Tool("resume_reminder", "Lets a paused reminder go on.", ONE, _resume)
cancel_reminder = Tool(
    "cancel_reminder",
    "Deletes a reminder; the person is asked first.",
    ONE_NAMED,
    _cancel,
    destructive=True,
    question=_cancel_question,
)
complete_reminder = Tool(
    "complete_reminder",
    "Marks a reminder as done, a series for good; the person is asked first.",
    ONE_NAMED,
    _complete,
    destructive=True,
    question=_complete_question,
    alone=Tool(
        "complete_reminder",
        "Ends the series of this task for good: its aim is reached, and it need not run again.",
        {"type": "object", "properties": {}},
        _complete_own,
    ),
)
