"""What the outbox could not do for an export, as its owner sees it. Connected by reports/apps.py."""

from typing import Any
from uuid import UUID

from django.db.models.signals import pre_delete
from django.utils import timezone, translation

from delivery.models import Delivery
from delivery.signals import delivery_called_off, delivery_ended_badly
from reports.export import spool, verbs
from reports.models import Export
from telegram_bot.incoming import language_of


def connect() -> None:
    delivery_ended_badly.connect(on_delivery, dispatch_uid="reports.export.on_delivery")
    delivery_called_off.connect(on_called_off, dispatch_uid="reports.export.on_called_off")
    pre_delete.connect(on_delete, sender=Export, dispatch_uid="reports.export.on_delete")


def on_delivery(delivery: Delivery, **_kwargs: Any) -> None:
    export = _of(delivery)
    if export is None:
        return
    with translation.override(language_of(export.requested_by)):
        if delivery.backend == verbs.BACKEND:
            if verbs.fail(export, "bug", timezone.now()):
                spool.remove(export.pk)
        elif delivery.error_kind != "forbidden" and (part := _part(delivery)):
            verbs.tell_lost(export, "lost", part)


def on_called_off(delivery: Delivery, **_kwargs: Any) -> None:
    """An operator took it out of the outbox: without this the export would be on its way for ever."""
    export = _of(delivery) if delivery.backend == verbs.BACKEND else None
    if export is not None:
        with translation.override(language_of(export.requested_by)):
            verbs.call_off(export, now=timezone.now())


def on_delete(instance: Export, **_kwargs: Any) -> None:
    """With its profile, for example: who is at work on it stops, and its message does not stand there for ever."""
    export = verbs.find(instance.pk) if instance.state == Export.State.QUEUED else None
    if export is not None:
        with translation.override(language_of(export.requested_by)):
            verbs.cancel(export, now=timezone.now())


def _of(delivery: Delivery) -> Export | None:
    """By the key: of what is withdrawn while it is being sent the content is gone."""
    if delivery.backend not in (verbs.BACKEND, verbs.FILE_BACKEND):
        return None
    return verbs.find(UUID(delivery.key.split(":")[1]))


def _part(delivery: Delivery) -> int:
    """The number of a file; 0 for what only tidies up."""
    number = delivery.key.rpartition(":file")[2]
    return int(number) if number.isdecimal() else 0
