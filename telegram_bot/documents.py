"""A delivery of a document that is made when it is sent: its row holds what it is about, never what is in it.

``content`` is ``{"document": name in settings.DOCUMENTS, "data": {…}, "language": …}``; the table names a function of
``data`` that reads the database and returns another one, which makes the document without it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone, translation
from django.utils.module_loading import import_string
from telegram import InputFile
from telegram.error import TelegramError

from core.db import in_db
from delivery import services as delivery
from delivery.errors import DeliveryError
from delivery.models import Delivery
from delivery.outbox import lane_of
from delivery.services import Sent
from telegram_bot import runtime
from telegram_bot.backend import meaning_of
from telegram_bot.limiter import RESERVED
from telegram_bot.outgoing import Place

# What Telegram takes of a bot (https://core.telegram.org/bots/api#sending-files).
MOST_BYTES = 50 * 1024 * 1024


@dataclass(frozen=True)
class Document:
    """A document that is ready to be sent."""

    name: str
    body: bytes
    caption: str = ""


Collected = Callable[[], Document]


def enqueue(key: str, place: Place, document: str, data: dict[str, Any], language: str, source: str) -> None:
    """Send the document that ``settings.DOCUMENTS[document]`` makes of ``data`` to ``place``, in its turn."""
    delivery.enqueue(
        [
            Delivery(
                key=key,
                backend="document",
                bot_id=place.bot_id,
                chat_id=place.chat_id,
                lane=lane_of(place.bot_id, place.chat_id),
                source=source,
                content={"document": document, "data": data, "thread": place.thread, "language": language},
                created_at=timezone.now(),
            )
        ]
    )


async def send(row: Delivery) -> Sent:
    """Make the document and send it; raises DeliveryError."""
    content = row.content
    collect: Callable[[dict[str, Any]], Collected] = import_string(settings.DOCUMENTS[content["document"]])
    with translation.override(content["language"]):
        made = await in_db(collect, content["data"])
    document = await asyncio.to_thread(made)
    if len(document.body) > MOST_BYTES:
        raise DeliveryError("too large", "Telegram takes 50 MB at most.", permanent=True)
    try:
        message = await runtime.bot().send_document(
            row.chat_id or 0,
            InputFile(document.body, filename=document.name),
            caption=document.caption or None,
            message_thread_id=content.get("thread") or None,
            rate_limit_args=RESERVED,
        )
    except TelegramError as error:
        raise meaning_of(error) from error
    return Sent(message.message_id)
