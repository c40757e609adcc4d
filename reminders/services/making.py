"""Reminders come into being."""

from datetime import datetime
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import services as accounts
from accounts.models import Chat, ChatKind, User
from core.statements import insert
from delivery import planning
from delivery.schedule import RuleError
from reminders.models import Reminder, Status
from reminders.services.wishes import Draft, Problem, Refused, action_of, check
from telegram_bot.outgoing import bot_id

SOURCE = "reminder"


def create(draft: Draft, *, via: str, now: datetime) -> Reminder:
    """Save a wish. The same idempotency key of the same API key gives the reminder that it made (``replayed``).

    Raises ``Refused``.
    """
    if (made := _made_before(draft)) is not None:
        return made
    if problems := check(draft, now):
        raise Refused(problems)
    try:
        return _save(draft, via, now)
    except RuleError as error:
        raise Refused([Problem("cron_expression", error.code, str(error))]) from error
    except IntegrityError:
        # Somebody was quicker with the same key.
        if (made := _made_before(draft)) is None:
            raise
        return made


def _made_before(draft: Draft) -> Reminder | None:
    if not draft.idempotency_key or draft.created_by_key is None:
        return None
    rows = Reminder.objects.select_related("schedule", "user")
    found = rows.filter(created_by_key=draft.created_by_key, idempotency_key=draft.idempotency_key).readable()
    row: Reminder | None = found[0] if found else None
    if row is not None and row.idempotency_digest != draft.idempotency_digest:
        text = _("This Idempotency-Key was used for another reminder. Send a new one.")
        raise Refused([Problem("Idempotency-Key", "idempotency-key-reused", text)])
    if row is not None:
        row.replayed = True
    return row


@transaction.atomic
def _save(draft: Draft, via: str, now: datetime) -> Reminder:
    key = uuid4()
    zone, limits = draft.zone, draft.limits
    schedule = planning.plan(SOURCE, str(key), draft.rule, zone, now=now, confirmed=draft.confirmed, **limits)
    row = Reminder(
        id=key,
        schedule=schedule,
        user=draft.user,
        chat=draft.chat or private_chat(draft.user, now),
        thread_id=draft.thread,
        type=draft.type,
        action=action_of(draft.payload, draft.assistant_id),
        title=draft.title,
        payload=draft.payload,
        zone_of_owner=draft.zone_of_owner,
        status=Status.ACTIVE if draft.confirmed else Status.PENDING,
        nag_minutes=draft.nag_minutes,
        assistant_id=draft.assistant_id,
        created_by=draft.created_by,
        created_by_assistant=draft.created_by_assistant,
        created_by_key=draft.created_by_key,
        by_key=draft.created_by_key is not None,
        source_message_id=draft.source_message_id,
        idempotency_key=draft.idempotency_key,
        idempotency_digest=draft.idempotency_digest,
        created_at=now,
        updated_at=now,
    )
    insert([row])
    note(row, "created", by=draft.created_by, via=via, now=now, type=str(row.type))
    return row


def private_chat(user: User, now: datetime) -> Chat:
    """The chat with the person; they may not have written yet since the bot is a new one."""
    chat = Chat.objects.filter(bot_id=bot_id(), person=user, kind=ChatKind.PRIVATE).first()
    return chat or accounts.see_chat(
        bot_id(), user.telegram_id or 0, ChatKind.PRIVATE, user.name, user.telegram_username, person=user, now=now
    )


def note(row: Reminder, what: str, *, by: User | None, via: str, now: datetime, **details: str) -> None:
    """Record who did what to a reminder; never what it is about."""
    if row.created_by_key is not None and via == "api" and "key" not in details:
        details["key"] = row.created_by_key.prefix
    accounts.audit(f"reminder.{what}", by=by, via=via, **accounts.target_of(row), details=details, now=now)
