"""A delivery of a document, or a picture, that is made when it is sent: its row holds what it is about, never what is
in it.

``content`` is ``{"document": name in settings.DOCUMENTS, "data": {…}, "language": …}``; the table names a function of
``data`` that reads the database and returns another one, which makes the document without it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone, translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from telegram import InputFile
from telegram.error import BadRequest, TelegramError

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
from telegram_bot.uploads import ANSWER_SECONDS, NO_PHOTO

# What Telegram takes of a bot (https://core.telegram.org/bots/api#sending-files).
MOST_BYTES = 50 * 1024 * 1024
MOST_CAPTION = 1024
# How long a file may take: less than the lease of a delivery in a lane ``task:…``, or it would be sent twice.
FILE_SECONDS = 840.0


@dataclass(frozen=True)
class Document:
    """A document that is ready to be sent. ``photo``: shown in the chat, where Telegram takes it for a picture."""

    name: str
    body: bytes
    caption: str = ""
    photo: bool = False


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
        collected = await in_db(collect, content["data"])
    document = await asyncio.to_thread(_made, collected, row)
    if len(document.body) > MOST_BYTES:
        raise DeliveryError("too large", "Telegram takes 50 MB at most.", permanent=True)
    try:
        if document.photo:
            return await _show(row, document)
        return await _send(row, document)
    except TelegramError as error:
        raise meaning_of(error) from error


def _made(collected: Collected, row: Delivery) -> Document:
    """In a thread, which does not know the active language by itself."""
    with translation.override(row.content["language"]):
        document = collected()
        return replace(document, caption=marked(document.caption)) if row.repeated else document


def marked(caption: str) -> str:
    """What an earlier attempt may have brought already says so. In the active language."""
    return "\n".join(filter(None, [_("↻ possibly a repetition"), caption]))


async def _show(row: Delivery, document: Document) -> Sent:
    """As a picture; one that Telegram does not take for a picture goes as a file."""
    try:
        message = await runtime.bot().send_photo(
            row.chat_id or 0,
            InputFile(document.body, filename=document.name),
            caption=document.caption or None,
            message_thread_id=row.content.get("thread") or None,
            rate_limit_args=RESERVED,
        )
    except BadRequest as error:
        if not any(known in str(error).lower() for known in NO_PHOTO):
            raise
        return await _send(row, document, None)
    return Sent(message.message_id)


async def _send(row: Delivery, document: Document, turn: Any = RESERVED) -> Sent:
    """``turn``: RESERVED while the room that was made for the message is not used up."""
    message = await runtime.bot().send_document(
        row.chat_id or 0,
        InputFile(document.body, filename=document.name),
        caption=document.caption or None,
        message_thread_id=row.content.get("thread") or None,
        rate_limit_args=turn,
    )
    return Sent(message.message_id)


async def send_file(row: Delivery, path: Path, name: str, caption: str = "", *, within: float = FILE_SECONDS) -> Sent:
    """Send a file from the disk, which is read as it leaves and never lies in memory; raises DeliveryError.

    ``within``: seconds that it may take, its turn in the chat included: no room was made for it there when it comes in
    a lane of its own.
    """
    if row.repeated:
        caption = marked(caption)
    turn = RESERVED if row.lane == lane_of(row.bot_id, row.chat_id or 0) else None
    try:
        with path.open("rb") as file:
            async with asyncio.timeout(within):
                message = await runtime.bot().send_document(
                    row.chat_id or 0,
                    InputFile(file, filename=name, read_file_handle=False),
                    caption=caption[:MOST_CAPTION] or None,
                    message_thread_id=row.content.get("thread") or None,
                    read_timeout=ANSWER_SECONDS,
                    write_timeout=ANSWER_SECONDS,
                    rate_limit_args=turn,
                )
    except TimeoutError as error:
        raise DeliveryError("network", "The line is too slow for the file.", doubt=True) from error
    except OSError as error:
        raise DeliveryError("file gone", type(error).__name__, permanent=True) from error
    except TelegramError as error:
        raise meaning_of(error) from error
    return Sent(message.message_id)
