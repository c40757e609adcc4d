"""What the tick and the outbox ask of reminders: what firing means, and how what was fired leaves.

fire(due)         rows and deliveries, inside the tick's transaction
send(delivery)    settings.DELIVERY_BACKENDS["reminder"]: say it with its buttons, let an assistant do it, or tell
                  what was missed or given up. The payload is put together here and stands in no other row.
"""

import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone, translation
from django.utils.module_loading import import_string

from core.db import in_db
from delivery import services as delivery_services
from delivery.errors import DeliveryError
from delivery.models import Delivery
from delivery.services import Sent
from llm.tasks import Done, Perform, Task, TaskFailed
from reminders import words
from reminders.models import Action, Occurrence, Reminder, Status
from reminders.services import due, firing
from telegram_bot import backend
from telegram_bot.incoming import language_of
from telegram_bot.outgoing import Place, markup

fire = due.fire


@dataclass
class Loaded:
    """What a delivery is about, as it is at this moment."""

    reminder: Reminder
    occurrence: Occurrence
    previous: str = ""


async def send(delivery: Delivery) -> Sent:
    """Raises DeliveryError."""
    if "missed" in delivery.content:
        return await _send_missed(delivery)
    if "failed" in delivery.content:
        return await _send_failed(delivery)
    loaded = await in_db(_load, UUID(delivery.content["occurrence"]))
    if loaded is None:
        return Sent()  # it was withdrawn at the last moment
    if loaded.reminder.action == Action.TASK:
        return await _perform(delivery, loaded)
    return await _say(delivery, loaded)


def _load(key: UUID) -> Loaded | None:
    """None: nothing is to be said any more."""
    rows = Occurrence.objects.select_related("reminder__schedule", "reminder__chat", "reminder__user")
    found = rows.filter(pk=key).first()
    if found is None or found.reminder.status in (Status.CANCELLED, Status.PAUSED):
        return None
    if found.state not in Occurrence.OPEN and not firing.is_done_elsewhere(found):
        return None
    return Loaded(found.reminder, found, _previous(found) if found.reminder.action == Action.TASK else "")


def _previous(occurrence: Occurrence) -> str:
    """The note of the run before."""
    earlier = Occurrence.objects.filter(reminder=occurrence.reminder, note__isnull=False)
    before = earlier.filter(planned_at__lt=occurrence.planned_at).order_by("-planned_at")
    return before.values_list("note", flat=True).first() or ""


# --- a message ------------------------------------------------------------------------------------------------------


async def _say(delivery: Delivery, loaded: Loaded) -> Sent:
    row, occurrence = loaded.reminder, loaded.occurrence
    with translation.override(language_of(row.user)):
        pieces = words.fired(row, occurrence, again=bool(delivery.content.get("again")))
        number = delivery.content.get("part", 0)
        last = number >= len(pieces) - 1
        place = Place(row.chat.bot_id, row.chat.telegram_id, row.thread_id)
        keyboard = words.buttons(occurrence) if last else ()
        params = _params(pieces[min(number, len(pieces) - 1)], place, keyboard)
        sent = await backend.send(_as_message(delivery, params))
    await in_db(_said, delivery, occurrence, None if last else number + 1, timezone.now())
    return sent


def _params(piece: Any, place: Place, keyboard: Any) -> dict[str, Any]:
    params: dict[str, Any] = {"chat_id": place.chat_id, "text": piece.text}
    params["link_preview_options"] = {"is_disabled": True}
    if piece.entities:
        params["entities"] = piece.entities
    if place.thread:
        params["message_thread_id"] = place.thread
    if keyboard:
        params["reply_markup"] = markup(keyboard, [], None, place.chat_id)
    return params


def _as_message(delivery: Delivery, params: dict[str, Any]) -> Delivery:
    """The delivery as the Telegram backend sends it; the row itself stays without the words."""
    message = copy.copy(delivery)
    message.content = {"method": "sendMessage", "params": params}
    return message


def _said(delivery: Delivery, occurrence: Occurrence, following: int | None, now: datetime) -> None:
    """One part of a long text is followed by the next one; with the last it is said."""
    if following is None:
        firing.said(occurrence, now)
        return
    part = copy.copy(delivery)
    part.pk, part._state.adding = None, True
    part.key = f"{delivery.key.partition('#')[0]}#{following}"
    part.content = {**delivery.content, "part": following}
    part.state, part.attempts, part.repeated, part.not_before = Delivery.State.QUEUED, 0, False, None
    part.worker, part.lease_until, part.error, part.error_kind = "", None, "", ""
    delivery_services.enqueue([part])


async def _send_missed(delivery: Delivery) -> Sent:
    rows = await in_db(_load_missed, [UUID(key) for key in delivery.content["missed"]])
    if not rows:
        return Sent()
    row = rows[0].reminder
    with translation.override(language_of(row.user)):
        piece = words.missed(rows)[0]
    place = Place(row.chat.bot_id, row.chat.telegram_id, row.thread_id)
    return await backend.send(_as_message(delivery, _params(piece, place, ())))


def _load_missed(keys: list[UUID]) -> list[Occurrence]:
    found = Occurrence.objects.filter(pk__in=keys).order_by("planned_at")
    return list(found.select_related("reminder__schedule", "reminder__chat", "reminder__user"))


async def _send_failed(delivery: Delivery) -> Sent:
    found = await in_db(_load_failed, UUID(delivery.content["failed"]))
    if found is None:
        return Sent()  # it was done after all
    row, occurrence = found.reminder, found.occurrence
    with translation.override(language_of(row.user)):
        piece = words.failed(row, occurrence, delivery.content["why"])[0]
    place = Place(row.chat.bot_id, row.chat.telegram_id, row.thread_id)
    return await backend.send(_as_message(delivery, _params(piece, place, ())))


def _load_failed(key: UUID) -> Loaded | None:
    rows = Occurrence.objects.select_related("reminder__schedule", "reminder__chat", "reminder__user")
    found = rows.filter(pk=key).exclude(reminder__status=Status.CANCELLED).first()
    if found is None or (found.state == Occurrence.State.ACKED and not firing.is_done_elsewhere(found)):
        return None
    return Loaded(found.reminder, found)


# --- a task ---------------------------------------------------------------------------------------------------------


async def _perform(delivery: Delivery, loaded: Loaded) -> Sent:
    row, occurrence = loaded.reminder, loaded.occurrence
    perform: Perform = import_string(settings.ASSISTANT_TASKS)
    task = Task(
        key=firing.key_of(occurrence),
        user=row.user,
        chat=row.chat,
        thread=row.thread_id,
        assistant=row.assistant_id,
        payload=row.payload,
        planned_at=occurrence.planned_at,
        reminder_id=row.pk,
        previous=loaded.previous,
    )
    if not await in_db(_begin, occurrence):
        return Sent()
    try:
        with translation.override(language_of(row.user)):
            done = await perform(task)
    except TaskFailed as error:
        raise DeliveryError(error.kind, str(error), permanent=error.permanent) from error
    await in_db(_done, occurrence, done)
    return Sent()


def _begin(occurrence: Occurrence) -> bool:
    return firing.begin(occurrence, timezone.now())


def _done(occurrence: Occurrence, done: Done) -> None:
    firing.performed(occurrence, done.result, timezone.now(), note=done.note)
