"""Which consumers hear of a reminder beside the person: the Redis list, the webhook of the key that made it."""

from collections.abc import Iterable, Sequence
from functools import partial
from importlib import import_module
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.models import ApiKey
from delivery.models import Webhook
from reminders.models import Reminder

REDIS, WEBHOOK = "redis", "webhook"


def sinks_of(reminders: Sequence[Reminder]) -> dict[UUID, list[str]]:
    """The sinks of each. What a person made in the chat for themselves never leaves the house."""
    keys = {row.created_by_key_id for row in reminders if row.created_by_key_id}
    hooked = set(Webhook.objects.filter(key__in=keys, enabled=True).values_list("key", flat=True)) if keys else set()
    return {row.pk: [*_redis(row), *([WEBHOOK] if row.created_by_key_id in hooked else [])] for row in reminders}


def _redis(row: Reminder) -> list[str]:
    return [REDIS] if settings.REDIS_URL and (row.by_key or row.assistant_id is not None) else []


def any_sink(key: ApiKey | None, assistant: UUID | None) -> bool:
    """Whether anybody outside would hear of what this key wishes for that assistant."""
    if settings.REDIS_URL and (key is not None or assistant is not None):
        return True
    return key is not None and Webhook.objects.filter(key=key, enabled=True).exists()


def lane_of(sink: str, row: Reminder) -> str:
    """The lane of an event in the outbox. Each receiver of webhooks has one, so that a slow one holds up no other."""
    return f"event:{sink}:{row.created_by_key_id}" if sink == WEBHOOK else f"event:{sink}"


def forget(occurrences: Iterable[UUID]) -> None:
    """With the commit: let the sinks that keep events until they are taken hand these out no more."""
    keys = list(occurrences)
    for path in settings.EVENT_SINKS.values() if keys else ():
        if (function := getattr(import_module(path), "forget", None)) is not None:
            transaction.on_commit(partial(function, keys))
