"""What somebody wants to be reminded of, and everything that is wrong with it, told at once."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import ApiKey, Chat, User
from delivery import planning
from delivery.models import Schedule
from delivery.schedule import Once, Rule, RuleError, Run, check_gap, preview, zone_of
from llm.tasks import Check
from reminders.models import OPEN, Action, Reminder, Type
from reminders.services.sinks import any_sink

MOST_TITLE = 200  # characters
MOST_PAYLOAD = 16 * 1024  # bytes of UTF-8
DEEPEST = 32
MOST_AHEAD = timedelta(days=5 * 366)
MOST_NAG = 24 * 60  # minutes
# What a payload may hold beside the text and still be no more than a message.
TEXT_FIELDS = frozenset({"text", "priority"})
LEAST_TEXT_GAP = timedelta(minutes=1)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where (``field``), for programs (``code``), and for people what to do (``text``)."""

    field: str
    code: str
    text: str


class Refused(Exception):
    """A wish that cannot be granted; nothing was saved."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(" ".join(problem.text for problem in problems))
        self.problems = problems


@dataclass
class Draft:
    """A wish. ``chat`` None: the person's private chat. ``confirmed`` False: not in force until `confirm`."""

    user: User
    rule: Rule
    zone: str
    payload: dict[str, Any]
    chat: Chat | None = None
    thread: int = 0
    title: str = ""
    zone_of_owner: bool = False
    assistant_id: UUID | None = None
    created_by: User | None = None
    created_by_key: ApiKey | None = None
    created_by_assistant: UUID | None = None
    nag_minutes: int | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    max_runs: int | None = None
    grace_seconds: int = 3600
    catch_up: str = Schedule.CatchUp.NONE
    idempotency_key: str = ""
    idempotency_digest: str = ""
    source_message_id: int | None = None
    confirmed: bool = True

    @property
    def type(self) -> Type:
        return Type.ONE_TIME if isinstance(self.rule, Once) else Type.RECURRING

    @property
    def limits(self) -> dict[str, Any]:
        """What the schedule's row keeps beside the rule."""
        names = ("start_at", "end_at", "max_runs", "grace_seconds", "catch_up")
        return {name: getattr(self, name) for name in names}


def action_of(payload: dict[str, Any], assistant: UUID | None) -> Action:
    """A text is said; anything else is done by an assistant of ours, or heard by a program outside."""
    if set(payload) <= TEXT_FIELDS and isinstance(payload.get("text"), str):
        return Action.TEXT
    if not settings.ASSISTANT_TASKS or (assistant is not None and not is_known(assistant)):
        return Action.EVENT
    return Action.TASK


def is_known(assistant: UUID) -> bool:
    """Whether it is an assistant here, in use."""
    return bool(settings.ASSISTANT_DIRECTORY and import_string(settings.ASSISTANT_DIRECTORY)(assistant))


def coming(draft: Draft, now: datetime, count: int = 5) -> list[Run]:
    """The next ``count`` runs of a wish. Raises ``RuleError`` for an unknown zone."""
    return runs_of(draft.rule, draft.zone, now, draft.start_at, draft.end_at, draft.max_runs, count)


def runs_of(
    rule: Rule,
    zone: str,
    now: datetime,
    start_at: datetime | None,
    end_at: datetime | None,
    runs_left: int | None,
    count: int,
) -> list[Run]:
    first = planning.first_run(rule, zone, now, start_at)
    if first is None:
        return []
    most = count if runs_left is None else min(count, runs_left)
    runs = preview(rule, first - timedelta(microseconds=1), zone_of(zone), most)
    return [run for run in runs if end_at is None or run.at <= end_at]


# --- what is wrong --------------------------------------------------------------------------------------------------


def check(draft: Draft, now: datetime) -> list[Problem]:
    """Everything that is wrong with a new wish; nothing: it may be created."""
    return [*_of_person(draft), *wrong_with(draft, now), *_of_limits(draft)]


def wrong_with(draft: Draft, now: datetime) -> list[Problem]:
    """What is wrong with what is wished, whoever wishes it."""
    of_payload = list(_of_payload(draft.payload))
    return [*_of_words(draft), *of_payload, *_of_time(draft, now), *([] if of_payload else _of_action(draft))]


def _of_person(draft: Draft) -> Iterator[Problem]:
    if not draft.user.may_use:
        yield Problem("user_id", "no-access", _("This person may not use the bot. An admin can let them in."))
    elif draft.user.telegram_id is None and draft.chat is None:
        yield Problem("user_id", "no-chat", _("This person has no Telegram account here, so nothing can be said."))
    if draft.chat is not None and not draft.chat.allowed:
        yield Problem("chat", "no-access", _("This group is not approved. An admin can let it in."))


def _of_words(draft: Draft) -> Iterator[Problem]:
    if len(draft.title) > MOST_TITLE:
        text = _("The title is too long: %(most)d characters at most.") % {"most": MOST_TITLE}
        yield Problem("title", "too-long", text)
    if "\x00" in draft.title or not _is_whole(draft.title):
        yield Problem("title", "bad-text", _("The title holds characters that cannot be kept. Leave them out."))
    if draft.nag_minutes is not None and not 1 <= draft.nag_minutes <= MOST_NAG:
        yield Problem("nag_minutes", "out-of-range", _("Repeat after 1 to %(most)d minutes.") % {"most": MOST_NAG})


def _of_payload(payload: Any) -> Iterator[Problem]:
    if not isinstance(payload, dict):
        yield Problem("payload", "not-an-object", _('The payload must be a JSON object, such as {"text": "Call mum"}.'))
        return
    if _depth(payload) > DEEPEST:
        yield Problem("payload", "too-deep", _("The payload is nested deeper than %(most)d.") % {"most": DEEPEST})
        return
    if not _is_sound(payload):
        text = _("The payload holds what no JSON text may: NaN, infinity, NUL or half a character.")
        yield Problem("payload", "bad-text", text)
    elif len(json.dumps(payload, ensure_ascii=False).encode()) > MOST_PAYLOAD:
        yield Problem("payload", "too-large", _("The payload is too large: 16 KiB at most."))
    elif not payload:
        yield Problem("payload", "empty", _('The payload is empty. Say what it is about: {"text": "Call mum"}.'))
    elif "text" in payload and not (isinstance(payload["text"], str) and payload["text"].strip()):
        yield Problem("payload", "no-text", _("The text is empty. Say what to remind of."))


def _depth(value: Any) -> int:
    """How deep objects and lists are nested; counted without recursion, and no further than is asked for."""
    holders, depth = [value], 0
    while holders and depth <= DEEPEST:
        inside = [item for one in holders for item in (one.values() if isinstance(one, dict) else one)]
        holders = [item for item in inside if isinstance(item, dict | list)]
        depth += 1
    return depth


def _is_sound(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" not in value and _is_whole(value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_sound(name) and _is_sound(item) for name, item in value.items())
    return all(_is_sound(item) for item in value) if isinstance(value, list) else True


def _is_whole(text: str) -> bool:
    """No half of a surrogate pair."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _of_time(draft: Draft, now: datetime) -> Iterator[Problem]:
    try:
        zone_of(draft.zone)
    except RuleError as error:
        yield Problem("timezone", error.code, str(error))
        return
    yield from _of_range(draft, now)
    if draft.type == Type.RECURRING:
        yield from _of_gap(draft, now)


def _of_range(draft: Draft, now: datetime) -> Iterator[Problem]:
    if isinstance(draft.rule, Once) and draft.rule.at < now - planning.TOLERANCE:
        yield Problem("trigger_at", "past", _("This time is in the past. Choose one that is ahead."))
    elif isinstance(draft.rule, Once) and draft.rule.at > now + MOST_AHEAD:
        yield Problem("trigger_at", "too-far", _("This is too far away: five years ahead is the limit."))
    if draft.max_runs is not None and draft.max_runs < 1:
        yield Problem("max_runs", "out-of-range", _("At least one run is needed."))
    elif draft.end_at is not None and not coming(draft, now, 1):
        yield Problem("end_at", "before-first-run", _("It would end before its first run. Choose a later end."))


def _of_gap(draft: Draft, now: datetime) -> Iterator[Problem]:
    """Actions that cost tokens are kept further apart."""
    is_task = isinstance(draft.payload, dict) and action_of(draft.payload, draft.assistant_id) == Action.TASK
    least = timedelta(minutes=settings.REMINDER_TASK_MINUTES) if is_task else LEAST_TEXT_GAP
    field = "cron_expression"
    try:
        check_gap(draft.rule, now, least)
    except RuleError as error:
        yield Problem(field, error.code, str(error))


def _of_action(draft: Draft) -> Iterator[Problem]:
    action = action_of(draft.payload, draft.assistant_id)
    if action == Action.EVENT and not any_sink(draft.created_by_key, draft.assistant_id):
        text = _("Nobody would act: no assistant here has this id, and neither REDIS_URL nor a webhook is set.")
        yield Problem("assistant_id", "nobody-acts", text)
    elif action == Action.TASK and (wrong := _wrong_with_task(draft)):
        yield Problem("payload", "bad-task", wrong)


def _wrong_with_task(draft: Draft) -> str:
    """What those say who will do it, if its payload has a form of its own."""
    name = draft.payload.get("task")
    if not isinstance(name, str) or name not in settings.TASK_CHECKS:
        return ""
    check: Check = import_string(settings.TASK_CHECKS[name])
    return check(draft.user, draft.chat, draft.payload)


def _of_limits(draft: Draft) -> Iterator[Problem]:
    """Open ones only: what is over counts no more."""
    person, key, assistant = draft.user.pk, draft.created_by_key, draft.created_by_assistant
    if _is_reached(most := settings.REMINDERS_PER_PERSON, user=person):
        yield _too_many("user_id", most)
    if key is not None and _is_reached(most := settings.REMINDERS_PER_KEY, created_by_key=key.pk):
        yield _too_many("key", most)
    most = settings.REMINDERS_PER_ASSISTANT
    if assistant is not None and _is_reached(most, user=person, created_by_assistant=assistant):
        yield _too_many("assistant", most)


def _is_reached(most: int, **owner: Any) -> bool:
    """Whether there are ``most`` open ones of an owner (0: no limit).

    Not counted: whether there is a last one that is allowed is told by the index. And not through a queryset, the
    making of which was a third of the work for a reminder that comes over REST.
    """
    if not most:
        return False
    fields: dict[Any, Any] = {Reminder._meta.get_field(name): value for name, value in owner.items()}
    same = " AND ".join(f'"{field.column}" = %s' for field in fields)
    values = [field.get_db_prep_value(value, connection) for field, value in fields.items()]
    sql = f'SELECT 1 FROM "{Reminder._meta.db_table}" WHERE {same} AND "status" IN (%s, %s, %s) LIMIT 1 OFFSET %s'  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, *(status.value for status in OPEN), most - 1])
        return cursor.fetchone() is not None


def _too_many(field: str, most: int) -> Problem:
    text = ngettext(
        "There is %(count)d open reminder already, the limit. Cancel one first.",
        "There are %(count)d open reminders already, the limit. Cancel some first.",
        most,
    )
    return Problem(field, "too-many", text % {"count": most})
