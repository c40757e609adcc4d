"""Stored files on their way out: uploaded once, and by Telegram's own id from then on.

An upload is ``{"field": …, "kind": …, "file": a StoredFile's key, "id": …, "bot": …}``. ``field`` is a parameter of the
call, or stands in an InputMedia as ``attach://<field>``. ``kind`` (the field, if it is not said) is what Telegram makes
of it: an id holds for one kind. ``id``: by which the bot ``bot`` knows the file from elsewhere; then ``file`` may be
missing.
"""

import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from telegram import InputFile, InputMedia

from delivery.errors import WAITING, DeliveryError
from files import services as files
from files.models import StoredFile

# Texts of a 400 after which a picture may still go as a document.
NO_PHOTO = ("photo_invalid_dimensions", "image_process_failed", "too big for a photo")
# Texts of a 400 that an id of ours may cause: it is another bot's, or Telegram has forgotten the file.
NO_ID = ("file identifier", "file_id", "file_reference", "file reference")
# Texts of a 400 about a file, beside those above.
NO_FILE = (
    *NO_PHOTO, *NO_ID, "file must be non-empty", "too big", "can't use file of type", "media_empty",
    "photo_ext_invalid", "media_invalid",
)  # fmt: skip
# Seconds until one looks again whether another message has brought the file to Telegram.
LOOK_AGAIN = 0.5
# Shorter than a delivery's lease.
ANSWER_SECONDS = 90.0

Upload = Mapping[str, Any]
Params = dict[str, Any]

# What this process is bringing to Telegram at this moment, as (bot and kind, file), with the bytes of each.
_under_way: dict[tuple[str, Any], int] = {}
# They lie in memory meanwhile. A larger message goes alone.
MOST_BYTES = 100 * 1024 * 1024


def in_content(content: Mapping[str, Any]) -> list[Upload]:
    """The uploads of a delivery."""
    return [*content.get("uploads", ()), *([content["upload"]] if content.get("upload") else [])]


class Freight:
    """The files of one message on their way. What asks the database or the disk is called in a database thread."""

    def __init__(self, uploads: Sequence[Upload], bot_id: int) -> None:
        self.uploads, self.bot_id = list(uploads), bot_id
        self._ids = [""] * len(self.uploads)
        self._sizes = [0] * len(self.uploads)
        self._values: list[str | InputFile] = []

    @property
    def is_known(self) -> bool:
        """Telegram has all of them."""
        return all(self._ids)

    @property
    def patience(self) -> dict[str, Any]:
        """How long to wait for the answer to what was brought: Telegram looks at large files for a while."""
        return {"read_timeout": ANSWER_SECONDS} if self.uploads and not self.is_known else {}

    def look(self) -> None:
        """Find out under which ids Telegram has them. One query."""
        rows = StoredFile.objects.in_bulk([upload["file"] for upload in self.uploads if upload.get("file")])
        found = [rows.get(upload.get("file")) for upload in self.uploads]
        self._ids = [_known(upload, row, self.bot_id) for upload, row in zip(self.uploads, found, strict=True)]
        self._sizes = [row.size if row is not None else 0 for row in found]

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """While those that Telegram has not are under way, no other message brings them too: it waits for their ids.

        Nor are more of them under way than memory holds. Raises DeliveryError: that is no attempt, and the message is
        not on its way.
        """
        new = zip(self.uploads, self._ids, self._sizes, strict=True)
        mine = {
            (_key(upload, self.bot_id), upload["file"]): size
            for upload, known, size in new
            if not known and upload.get("file")
        }
        if not mine.keys().isdisjoint(_under_way):
            raise DeliveryError(WAITING, "Another message is bringing the file to Telegram.", retry_after=LOOK_AGAIN)
        if mine and _under_way and sum(mine.values()) + sum(_under_way.values()) > MOST_BYTES:
            raise DeliveryError(WAITING, "Other large files are on their way to Telegram.", retry_after=LOOK_AGAIN)
        _under_way.update(mine)
        try:
            yield
        finally:
            for key in mine:
                del _under_way[key]

    def fill(self, method: str, params: Params) -> Params:
        """``params`` with the files in their places, each by its id or as it is. Raises DeliveryError."""
        if method == "sendDocument":
            self.uploads = [{**upload, "field": "document", "kind": "document"} for upload in self.uploads]
        if not self._values:
            pairs = enumerate(zip(self.uploads, self._ids, strict=True))
            self._values = [known or self._read(upload, number + 1) for number, (upload, known) in pairs]
        return _placed(params, self.uploads, self._values)

    def _read(self, upload: Upload, number: int) -> InputFile:
        which = f"File {number}: " if len(self.uploads) > 1 else ""
        stored = StoredFile.objects.filter(pk=upload.get("file") or 0).first()
        if stored is None:
            raise DeliveryError("file gone", f"{which}The file is not kept any more.", permanent=True)
        try:
            content = files.path_of(stored).read_bytes()
        except OSError as error:
            raise DeliveryError("file gone", f"{which}{type(error).__name__}", permanent=True) from error
        return InputFile(content, filename=stored.name or _name(stored.mime))

    def bring_anew(self, refusal: str) -> bool:
        """Whether an id of ours is what ``refusal`` (a 400, in lower case) does not know, and the file is here."""
        stale = [bool(known and upload.get("file")) for upload, known in zip(self.uploads, self._ids, strict=True)]
        if not any(stale) or not any(text in refusal for text in NO_ID):
            return False
        self._ids = ["" if gone else known for gone, known in zip(stale, self._ids, strict=True)]
        self._values = []
        return True

    def remember(self, answer: Any) -> None:
        """Note the ids under which Telegram has them now, as ``answer`` (the message, or those of an album) says."""
        messages = answer if isinstance(answer, list) else [answer]
        for upload, message in zip(self.uploads, messages, strict=False):
            found = message.get(_kind(upload)) if isinstance(message, dict) else None
            last = found[-1] if isinstance(found, list) and found else found
            if upload.get("file") and isinstance(last, dict) and (file_id := last.get("file_id")):
                files.remember_sent(upload["file"], _key(upload, self.bot_id), file_id)


def _known(upload: Upload, stored: StoredFile | None, bot_id: int) -> str:
    remembered: str = stored.telegram_ids.get(_key(upload, bot_id), "") if stored is not None else ""
    return remembered or (upload.get("id", "") if upload.get("bot", 0) == bot_id else "")


def _name(mime: str) -> str | None:
    """Telegram tells by the name's end what it gets."""
    ending = mimetypes.guess_extension(mime)
    return f"file{ending}" if ending else None


def _placed(params: Params, uploads: Sequence[Upload], values: Sequence[str | InputFile]) -> Params:
    filled: Params = dict(params)
    ids: dict[str, str] = {}
    for upload, value in zip(uploads, values, strict=True):
        if "media" not in params or isinstance(value, InputFile):
            filled[upload["field"]] = value
        else:
            ids[f"attach://{upload['field']}"] = value
    return filled | ({"media": _with_ids(params["media"], ids)} if "media" in params else {})


def _with_ids(media: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(media, list):
        return [_item(_with_ids(item, ids)) for item in media]
    return {**media, "media": ids.get(media["media"], media["media"])}


def _item(item: Params) -> InputMedia:
    """The library takes an album's files as its own objects only."""
    more = {name: value for name, value in item.items() if name not in ("type", "media")}
    return InputMedia(item["type"], item["media"], api_kwargs=more)


def is_about_file(refusal: str) -> bool:
    """Whether a 400 (in lower case) is about a file."""
    return any(known in refusal for known in NO_FILE)


def _kind(upload: Upload) -> str:
    return str(upload.get("kind") or upload["field"])


def _key(upload: Upload, bot_id: int) -> str:
    return f"{bot_id}:{_kind(upload)}"
