"""The file in a message of Telegram: found in the raw update, refused by its declared size, loaded, kept.

The address of a file holds the bot's token, so it is made here, used here, and stands in no error and no log.
"""

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import structlog
from django.conf import settings
from django.utils import timezone
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError

from accounts.models import User
from core.db import in_db
from core.http import Broken, save
from files import services as files
from files.errors import FileError
from files.models import StoredFile
from telegram_bot import runtime
from telegram_bot.calling import Request
from telegram_bot.limiter import seconds_of

log = structlog.get_logger(__name__)

PUBLIC_SERVER = "https://api.telegram.org"
# https://core.telegram.org/bots/api#getfile: the public server gives no larger ones, one's own does.
PUBLIC_LIMIT = 20 * 1024 * 1024
# Seconds before a further try to load a file.
AGAIN = (0.5, 2.0)
LONGEST_WAIT = 30.0
# Seconds for all tries together: bytes that trickle in must not hold up a chat for ever.
LONGEST_LOAD = 300.0

Kind = Literal["photo", "document", "audio", "voice"]
# In this order: an animation stands in its message as a document, too.
DECLINED = ("animation", "video", "video_note", "sticker", "live_photo", "paid_media", "story")
KINDS: tuple[Kind, ...] = ("photo", "voice", "audio", "document")


@dataclass(frozen=True)
class Attached:
    """A file as a message names it. ``size`` in bytes, null: the message does not say. ``unique_id``: empty when only
    the other one is known."""

    kind: Kind
    file_id: str
    unique_id: str
    size: int | None
    name: str


def attached(message: Mapping[str, Any]) -> Attached | None:
    """The file in ``message`` that can be read, if there is one. Of a photo, its largest size."""
    kind = next((kind for kind in KINDS if kind in message), None)
    if kind is None or declined(message):
        return None
    found = message[kind]
    if kind == "photo":
        found = max(found, key=lambda size: size.get("width", 0) * size.get("height", 0))
    name = found.get("file_name") or found.get("title") or ""
    return Attached(kind, found["file_id"], found["file_unique_id"], found.get("file_size"), name)


def declined(message: Mapping[str, Any]) -> str:
    """What is in ``message`` that is never read (a film, a sticker …); an empty string for nothing of the kind."""
    return next((kind for kind in DECLINED if kind in message), "")


def limit_of(user: User) -> int:
    """How large a file ``user`` may send, in bytes: by the settings, and by what Telegram gives."""
    public = settings.TELEGRAM_API_URL == PUBLIC_SERVER
    return min(files.limit_of(user), PUBLIC_LIMIT) if public else files.limit_of(user)


async def fetch(found: Attached, owner: User) -> StoredFile:
    """Load a file and keep it for ``owner``. Raises FileError: too_large (mostly before anything is loaded), empty,
    lost."""
    limit = limit_of(owner)
    if not limit or (found.size or 0) > limit:
        raise FileError("too_large")
    known = await in_db(files.known, owner, found.unique_id, found.name, timezone.now()) if found.unique_id else None
    if known is not None:
        return known
    path = await asyncio.to_thread(files.incoming_path)
    try:
        try:
            async with asyncio.timeout(LONGEST_LOAD):
                await _load(found, path, limit)
        except TimeoutError:
            raise FileError("lost", "It took too long.") from None
        measured = await asyncio.to_thread(files.measure, path, found.name)
        return await in_db(files.store, owner, measured, timezone.now(), found.unique_id)
    finally:
        path.unlink(missing_ok=True)


async def _load(found: Attached, path: Path, limit: int) -> None:
    for pause in (*AGAIN, None):
        try:
            await _load_once(found, path, limit)
        except BadRequest as error:
            kind = "too_large" if "too big" in str(error).lower() else "lost"
            raise FileError(kind, str(error)) from error  # type: ignore[arg-type]
        except (NetworkError, RetryAfter, Broken) as error:
            wait = seconds_of(error) if isinstance(error, RetryAfter) else pause
            log.info("file not loaded", error=str(error), again_in=wait)
            if pause is None or wait is None or wait > LONGEST_WAIT:
                raise FileError("lost", str(error)) from error
            await asyncio.sleep(wait)
        except TelegramError as error:
            raise FileError("lost", str(error)) from error
        else:
            return


async def _load_once(found: Attached, path: Path, limit: int) -> None:
    bot = runtime.bot()
    answer = await bot.do_api_request("getFile", api_kwargs={"file_id": found.file_id})
    place = str(answer.get("file_path") or "")
    if Path(place).is_absolute():
        await asyncio.to_thread(_copy, Path(place), path, limit)
        return
    address = f"{settings.TELEGRAM_API_URL}/file/bot{bot.token}/{quote(place)}"
    request = bot.request
    assert isinstance(request, Request)
    if not await save(request.client, address, path, limit):
        raise FileError("too_large")


def _copy(source: Path, path: Path, limit: int) -> None:
    """A server of one's own on this machine (``--local``) names a file on the disk."""
    if settings.TELEGRAM_API_URL == PUBLIC_SERVER:
        raise FileError("lost", "The public server named a file on this disk.")
    try:
        if source.stat().st_size > limit:
            raise FileError("too_large")
        shutil.copyfile(source, path)
    except OSError as error:
        raise FileError("lost", type(error).__name__) from error
