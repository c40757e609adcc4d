"""A post's files: what a message of Telegram carries, what was uploaded, and whether Telegram will take it.

Kept here are files that can be loaded; larger ones stay with Telegram, which knows them by an id of its own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from accounts.models import User
from files import pictures
from files import services as files
from files.errors import FileError
from files.models import StoredFile
from posts.content import Entities, Medium, Problem, Refused
from posts.models import MediaKind
from posts.services import limits

# What a kind may be, by content. A document may be anything.
MIMES = {
    MediaKind.PHOTO: ("image/jpeg", "image/png", "image/webp"),
    MediaKind.VIDEO: ("video/mp4",),
    MediaKind.ANIMATION: ("image/gif", "video/mp4"),
    MediaKind.AUDIO: ("audio/mpeg", "audio/mp4"),
}
PICTURES = ("image/jpeg", "image/png", "image/webp", "image/gif")
# What a name ends with, of which people expect a picture, a film or sound.
CLAIMS = {
    ".jpg": MediaKind.PHOTO, ".jpeg": MediaKind.PHOTO, ".png": MediaKind.PHOTO, ".webp": MediaKind.PHOTO,
    ".gif": MediaKind.ANIMATION, ".mp4": MediaKind.VIDEO, ".mp3": MediaKind.AUDIO, ".m4a": MediaKind.AUDIO,
}  # fmt: skip
# Whoever sends a file names its type, however long.
LONGEST_TYPE = 100
# In this order: an animation stands in its message as a document, too.
FOUND = (MediaKind.ANIMATION, MediaKind.PHOTO, MediaKind.VIDEO, MediaKind.AUDIO, MediaKind.DOCUMENT)


# --- from a message -------------------------------------------------------------------------------------------------


def in_message(message: Mapping[str, Any], bot_id: int) -> Medium | None:
    """The file of a raw message with its caption, by Telegram's id alone; of a photo the largest size."""
    kind = next((kind for kind in FOUND if kind in message), None)
    if kind is None:
        return None
    found = message[kind]
    if kind == MediaKind.PHOTO:
        found = max(found, key=lambda size: size.get("width", 0) * size.get("height", 0))
    return Medium(
        kind=str(kind),
        telegram_file_id=found["file_id"],
        bot_id=bot_id,
        name=files.safe_name(found.get("file_name") or ""),
        mime=(found.get("mime_type") or ("image/jpeg" if kind == MediaKind.PHOTO else ""))[:LONGEST_TYPE],
        size=found.get("file_size"),
        width=found.get("width"),
        height=found.get("height"),
        duration=found.get("duration"),
        text=message.get("caption") or "",
        entities=_entities(message),
        spoiler=bool(message.get("has_media_spoiler")),
    )


def _entities(message: Mapping[str, Any]) -> Entities:
    return list(message.get("caption_entities") or ())


# --- from an upload -------------------------------------------------------------------------------------------------


def from_bytes(
    owner: User | None, content: bytes, name: str, now: datetime, *, kind: str = "", number: int = 1
) -> Medium:
    """Keep an uploaded file. ``kind``: what it must be; else by its content, a picture that Telegram would refuse as a
    photo being a document. Raises Refused."""
    if not content:
        raise Refused([_empty(number)])
    try:
        return of_file(files.store_bytes(owner, content, name, now), name=name, kind=kind, number=number)
    except FileError as error:
        raise Refused([_empty(number)]) from error


def of_file(stored: StoredFile, *, name: str = "", kind: str = "", number: int = 1) -> Medium:
    """A kept file as a post's. Raises Refused: it is not what it must be, or what its name promises."""
    picture = _picture_of(stored)
    wanted = kind or _claimed(name or stored.name, stored.mime)
    medium = Medium(
        kind=wanted or _kind_of(stored, picture),
        file=stored,
        name=files.safe_name(name) or stored.name,
        mime=stored.mime,
        size=stored.size,
        width=picture.width if picture else None,
        height=picture.height if picture else None,
    )
    if problems := list(wrong_with(medium, number)):
        raise Refused(problems)
    return medium


def _claimed(name: str, mime: str) -> str:
    """What the name promises and the content does not hold; then the checks say so."""
    claim = CLAIMS.get(Path(name).suffix.lower())
    media = mime.startswith(("image/", "video/", "audio/"))
    return str(claim) if claim is not None and not media else ""


def _kind_of(stored: StoredFile, picture: pictures.Picture | None) -> str:
    if stored.mime in MIMES[MediaKind.PHOTO]:
        fits = picture is None or not picture.whole or (stored.size <= limits.PHOTO_BYTES and _sides_fit(picture))
        return str(MediaKind.PHOTO if fits else MediaKind.DOCUMENT)
    if stored.mime == "image/gif":
        return str(MediaKind.ANIMATION)
    for kind in (MediaKind.VIDEO, MediaKind.AUDIO):
        if stored.mime in MIMES[kind]:
            return str(kind)
    return str(MediaKind.DOCUMENT)


def _picture_of(stored: StoredFile) -> pictures.Picture | None:
    """Raises OSError when the file is not there."""
    return pictures.look(files.path_of(stored)) if stored.mime in PICTURES else None


def _sides_fit(picture: pictures.Picture) -> bool:
    longer, shorter = max(picture.width, picture.height), min(picture.width, picture.height)
    return longer + shorter <= limits.PHOTO_SIDES and longer <= limits.PHOTO_RATIO * shorter


# --- what is wrong with them ----------------------------------------------------------------------------------------


def wrong_with_all(media: Sequence[Any], bot_id: int = 0) -> Iterator[Problem]:
    """What Telegram would not take of ``media`` (Medium or PostMedia), each problem naming its file by number.

    ``bot_id``: who is to send them; what Telegram gave it an id for is not looked at again.
    """
    for number, medium in enumerate(media, start=1):
        if not _is_known(medium, bot_id):
            yield from wrong_with(medium, number)


def _is_known(medium: Any, bot_id: int) -> bool:
    by_itself = bool(medium.telegram_file_id) and medium.bot_id == bot_id
    remembered = medium.file is not None and f"{bot_id}:{medium.kind}" in medium.file.telegram_ids
    return bool(bot_id) and (by_itself or remembered)


def wrong_with(medium: Any, number: int = 1) -> Iterator[Problem]:
    """What is wrong with a file that is to be brought to Telegram. Looks at the file itself."""
    stored = medium.file
    if stored is None or not files.path_of(stored).exists():
        text = _("File %(number)d is not kept any more. Send it again.")
        yield _problem(number, "file-gone", text)
    elif not stored.size:
        yield _empty(number)
    elif stored.mime not in MIMES.get(medium.kind, (stored.mime,)):
        yield _wrong_kind(medium, number)
    elif medium.kind == MediaKind.PHOTO:
        yield from _wrong_with_photo(stored, number)
    elif stored.size > limits.upload_bytes():
        yield too_large(stored.size, number)
    elif stored.mime == "image/gif" and medium.kind == MediaKind.ANIMATION:
        yield from _wrong_with_picture(_picture_of(stored), number)


def too_large(size: int, number: int) -> Problem:
    """What is to be said of more bytes than a bot may bring to Telegram."""
    text = _("File %(number)d is too large: %(size)s. Bots may send %(limit)s at most. Make it smaller.")
    return _problem(number, "file-too-large", text, **_sizes(size, limits.upload_bytes()))


def _wrong_with_photo(stored: StoredFile, number: int) -> Iterator[Problem]:
    picture = _picture_of(stored)
    yield from _wrong_with_picture(picture, number)
    if stored.size > limits.PHOTO_BYTES:
        text = _(
            "File %(number)d is too large for a photo: %(size)s, and %(limit)s is the most. Make it smaller, or send it"
            " as a file."
        )
        yield _problem(number, "photo-too-large", text, **_sizes(stored.size, limits.PHOTO_BYTES))
    if picture is not None and not _sides_fit(picture):
        text = _(
            "File %(number)d is no photo for Telegram: %(width)d × %(height)d. Both sides together may be 10,000 at"
            " most, and one of them 20 times the other. Crop it, or send it as a file."
        )
        yield _problem(number, "photo-dimensions", text, width=picture.width, height=picture.height)


def _wrong_with_picture(picture: pictures.Picture | None, number: int) -> Iterator[Problem]:
    if picture is None or not picture.whole:
        yield _problem(number, "broken-picture", _("File %(number)d is a damaged picture. Send it again."))


def _wrong_kind(medium: Any, number: int) -> Problem:
    texts = {
        MediaKind.PHOTO: _("File %(number)d is not a picture but %(mime)s. Send a JPEG, PNG or WebP."),
        MediaKind.VIDEO: _("File %(number)d is not an MP4 video but %(mime)s. Convert it, or send it as a file."),
        MediaKind.ANIMATION: _("File %(number)d is not a GIF but %(mime)s. Convert it, or send it as a file."),
        MediaKind.AUDIO: _("File %(number)d is not MP3 or M4A but %(mime)s. Convert it, or send it as a file."),
    }
    return _problem(number, "wrong-kind", texts[medium.kind], mime=medium.file.mime)


def _empty(number: int) -> Problem:
    return _problem(number, "empty-file", _("File %(number)d is empty. Send it again."))


def _sizes(size: int, limit: int) -> dict[str, str]:
    return {"size": filesizeformat(size), "limit": filesizeformat(limit)}


def _problem(number: int, code: str, text: str, **values: Any) -> Problem:
    return Problem(f"media.{number - 1}", code, text % {"number": number, **values})


def split(media: Sequence[Medium]) -> list[list[Medium]]:
    """As albums that Telegram takes, as even as can be: of 11 files six and five."""
    count = -(-len(media) // limits.LARGEST_ALBUM)
    size, more = divmod(len(media), count or 1)
    ends = [number * size + min(number, more) for number in range(count + 1)]
    return [list(media[start:end]) for start, end in pairwise(ends)]


# --- what Telegram did not take -------------------------------------------------------------------------------------

NUMBERED = re.compile(r"File (\d+): ")
# In Telegram's words, of an album: "failed to send message #2 with the error message …".
COUNTED = re.compile(r"#(\d+)")


def numbered(files: Sequence[Any], error: str) -> str:
    """A refusal about a file, with the number of the file as far as anybody can tell: Telegram does not always say, but
    what is wrong with it can be seen here."""
    if NUMBERED.match(error) or not files:
        return error
    wrong = [number for number, medium in enumerate(files, start=1) if medium.file and any(wrong_with(medium))]
    told = [int(found[1]) for found in COUNTED.finditer(error) if int(found[1]) <= len(files)]
    number = next(iter([*told, *wrong, *([1] if len(files) == 1 else [])]), None)
    return error if number is None else f"File {number}: {error}"


def number_in(error: str) -> tuple[int, str]:
    """The number of the file in such a refusal (0: nobody knows), and the rest of it."""
    found = NUMBERED.match(error)
    return (int(found[1]), error[found.end() :]) if found else (0, error)
