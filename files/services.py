"""Stored files' verbs. A file is named on the disk by a random id in the folder of its day, never by a person's word.

The same content is one file on the disk, whoever sent it, and one row for each who did; it goes with the last row.
"""

import hashlib
import stat
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath, PureWindowsPath

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import User
from files import kinds
from files.extraction import Extracted
from files.models import StoredFile

INCOMING = "incoming"
ABANDONED_SECONDS = 24 * 3600
# Days ago whose folders are looked at each time: the bot may have been away for a weekend.
LOOKED_AT = range(1, 5)
LONGEST_NAME = 255
PIECE = 1024 * 1024


@dataclass(frozen=True)
class Measured:
    """A file that arrived, looked at but not kept yet. ``path``: where it lies, in ``incoming_path()``'s folder."""

    path: Path
    name: str
    mime: str
    size: int
    sha256: str


def incoming_path() -> Path:
    """Where to write a file that is on its way in. What is left there a day later was abandoned."""
    folder = Path(settings.FILES_DIR) / INCOMING
    folder.mkdir(parents=True, exist_ok=True)
    return folder / uuid.uuid4().hex


def measure(path: Path, name: str) -> Measured:
    """Look at a file in the incoming folder. Raises FileError of kind empty. Reads all of it: call it in a thread."""
    mime = kinds.mime_of(path, name)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return Measured(path, safe_name(name), mime, path.stat().st_size, digest.hexdigest())


def safe_name(name: str) -> str:
    """The last part of a name, without what cannot be shown or stored; an empty string for nothing."""
    last = PureWindowsPath(PurePosixPath(name.replace("\x00", "")).name).name
    return "".join(letter for letter in last if letter.isprintable()).strip()[:LONGEST_NAME]


def store(owner: User | None, measured: Measured, now: datetime, unique_id: str = "") -> StoredFile:
    """Keep a file; what its owner has already is found again, and kept as long as a new one."""
    try:
        return _store(owner, measured, now, unique_id)
    except IntegrityError:
        # The same picture twice in an album: the other was quicker, and its row is there now.
        return _store(owner, measured, now, unique_id)


@transaction.atomic
def _store(owner: User | None, measured: Measured, now: datetime, unique_id: str) -> StoredFile:
    # Locked, so that housekeeping does not take the file away in the same moment.
    twins = list(StoredFile.objects.select_for_update().filter(sha256=measured.sha256).order_by("id"))
    stored = next((twin for twin in twins if twin.owner_id == (owner.pk if owner else None)), None)
    if stored is None:
        path = twins[0].path if twins else _new_path(now)
        stored = StoredFile(owner=owner, sha256=measured.sha256, path=path, size=measured.size, created_at=now)
        _copy_text(twins, stored)
    stored.name, stored.mime = measured.name or stored.name, measured.mime
    stored.telegram_file_unique_id = unique_id or stored.telegram_file_unique_id
    stored.expires_at = _expiry(now)
    stored.save()
    _put(measured.path, path_of(stored))
    return stored


def _expiry(now: datetime) -> datetime | None:
    return now + timedelta(days=settings.KEEP_FILES_DAYS) if settings.KEEP_FILES_DAYS else None


def _copy_text(twins: list[StoredFile], stored: StoredFile) -> None:
    """The same content has the same text."""
    if read := next((twin for twin in twins if twin.text_error is not None), None):
        stored.text, stored.text_error, stored.pages = read.text, read.text_error, read.pages


def store_bytes(owner: User | None, content: bytes, name: str, now: datetime) -> StoredFile:
    """Keep ``content`` as a file. Raises FileError of kind empty."""
    path = incoming_path()
    path.write_bytes(content)
    try:
        return store(owner, measure(path, name), now)
    finally:
        path.unlink(missing_ok=True)


def _new_path(now: datetime) -> str:
    return f"{now:%Y/%m/%d}/{uuid.uuid4().hex}"


def _put(arrived: Path, place: Path) -> None:
    if place.exists():
        arrived.unlink(missing_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    arrived.replace(place)


def path_of(stored: StoredFile) -> Path:
    return Path(settings.FILES_DIR) / stored.path


def known(owner: User, unique_id: str, name: str, now: datetime) -> StoredFile | None:
    """The owner's file that Telegram calls so, if it is still there; it is then kept as long as a new one."""
    stored = StoredFile.objects.filter(owner=owner, telegram_file_unique_id=unique_id).order_by("-id").first()
    if stored is None or not path_of(stored).exists():
        return None
    # What was let go and not removed yet has no name any more.
    stored.name, stored.expires_at = safe_name(name) or stored.name, _expiry(now)
    stored.save(update_fields=["name", "expires_at"])
    return stored


def keep_text(stored: StoredFile, found: Extracted) -> None:
    """Record what was read of a file, or why nothing was."""
    stored.text, stored.text_error, stored.pages = found.text, found.error, found.pages
    stored.save(update_fields=["text", "text_error", "pages"])


def remember_sent(pk: int, key: str, file_id: str) -> None:
    """Note under which id Telegram has a file now; ``key`` is ``bot:field``."""
    stored = StoredFile.objects.filter(pk=pk).first()
    if stored is not None and stored.telegram_ids.get(key) != file_id:
        stored.telegram_ids[key] = file_id
        stored.save(update_fields=["telegram_ids"])


def limit_of(user: User) -> int:
    """How large a file of ``user`` may be, in bytes."""
    return min(settings.MAX_FILE_MB, settings.MAX_FILE_MB_OF_ROLE[user.role]) * 1024 * 1024


def remove_expired(now: datetime) -> int:
    """Remove files whose time is over; housekeeping calls it."""
    expired = list(StoredFile.objects.filter(expires_at__lt=now).values_list("pk", flat=True))
    removed = sum(_remove(pk, now) for pk in expired)
    for path in _abandoned(now):
        path.unlink(missing_ok=True)
    return removed


@transaction.atomic
def _remove(pk: int, now: datetime) -> bool:
    """Remove a row, and its file if no other row names it; from the disk before the commit, so that none is forgotten.

    False when it was wanted again in the last moment.
    """
    stored = StoredFile.objects.select_for_update().filter(pk=pk, expires_at__lt=now).first()
    if stored is None:
        return False
    stored.delete()
    if not StoredFile.objects.filter(path=stored.path).exists():
        path_of(stored).unlink(missing_ok=True)
    return True


def _abandoned(now: datetime) -> Iterator[Path]:
    """What is nobody's and a day old: a process died before it kept a file, or before it said that it did."""
    root = Path(settings.FILES_DIR)
    yield from _old(root / INCOMING)
    for ago in LOOKED_AT:
        day = f"{now - timedelta(days=ago):%Y/%m/%d}"
        kept = set(StoredFile.objects.filter(path__startswith=f"{day}/").values_list("path", flat=True))
        yield from (path for path in _old(root / day) if f"{day}/{path.name}" not in kept)


def _old(folder: Path) -> list[Path]:
    before = time.time() - ABANDONED_SECONDS
    found = folder.iterdir() if folder.is_dir() else ()
    return [path for path in found if _is_older(path, before)]


def _is_older(path: Path, before: float) -> bool:
    try:
        about = path.stat()
    except FileNotFoundError:  # another process kept it or let it go meanwhile
        return False
    return stat.S_ISREG(about.st_mode) and about.st_mtime < before
