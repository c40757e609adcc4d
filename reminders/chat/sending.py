"""How cards leave (settings.DELIVERY_BACKENDS): what they say is sealed in the outbox, as it is in their rows."""

import copy

from core.sealed import seal, unseal
from delivery.models import Delivery
from delivery.services import Sent
from telegram_bot import backend

BACKEND = "card"


def seal_up(key: str) -> None:
    """Seal the message of the delivery ``key``. Inside the transaction that enqueues it."""
    for row in Delivery.objects.filter(key=key, backend="telegram"):
        row.backend, row.content = BACKEND, {"sealed": seal(row.content)}
        row.save(update_fields=["backend", "content"])


async def send(delivery: Delivery) -> Sent:
    """Raises DeliveryError."""
    message = copy.copy(delivery)
    message.content = unseal(delivery.content["sealed"])
    return await backend.send(message)
