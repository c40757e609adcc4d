"""Stored files on their way out: uploaded once, and by Telegram's own id from then on."""

from collections.abc import Mapping
from typing import Any

from telegram import InputFile

from delivery.errors import DeliveryError
from files import services as files
from files.models import StoredFile

# Texts of a 400 after which a picture may still go as a document.
NO_PHOTO = ("photo_invalid_dimensions", "image_process_failed", "too big for a photo")
# Texts of a 400 that an id of ours may cause: it is another bot's, or Telegram has forgotten the file.
NO_ID = ("file identifier", "file_id", "file_reference", "file reference")

Upload = Mapping[str, Any]


def of(upload: Upload, bot_id: int, *, anew: bool = False) -> str | InputFile:
    """What to send: the id that Telegram gave the file before, else (or ``anew``) the file. Raises DeliveryError."""
    stored = StoredFile.objects.filter(pk=upload["file"]).first()
    if stored is None:
        raise DeliveryError("file gone", "The file is not kept any more.", permanent=True)
    known: str = stored.telegram_ids.get(_key(upload, bot_id), "")
    if known and not anew:
        return known
    try:
        content = files.path_of(stored).read_bytes()
    except OSError as error:
        raise DeliveryError("file gone", type(error).__name__, permanent=True) from error
    return InputFile(content, filename=stored.name or None)


def remember(upload: Upload, bot_id: int, answer: Any) -> None:
    """Note the id under which Telegram has the file now, as ``answer`` (the message sent) says."""
    found = answer.get(upload["field"]) if isinstance(answer, dict) else None
    last = found[-1] if isinstance(found, list) and found else found
    if isinstance(last, dict) and (file_id := last.get("file_id")):
        files.remember_sent(upload["file"], _key(upload, bot_id), file_id)


def is_stale(sent: Any, refusal: str) -> bool:
    """Whether ``sent`` was an id that ``refusal`` (a 400, in lower case) does not know."""
    return isinstance(sent, str) and any(known in refusal for known in NO_ID)


def as_document(params: dict[str, Any]) -> dict[str, Any]:
    return {**{key: value for key, value in params.items() if key != "photo"}, "document": params["photo"]}


def _key(upload: Upload, bot_id: int) -> str:
    return f"{bot_id}:{upload['field']}"
