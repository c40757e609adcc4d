"""What was got of an export so far, on the disk: a journal that grows page by page and goes with the export.

Each line is a page as JSON, written whole before the next one is asked for. The journal is the cursor as well: who
opens it after a crash reads which pages are there, cuts off the line that was being written, and goes on behind it.
The words of the chats stand here and in the finished files and nowhere else.
"""

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

FOLDER = "exports"
JOURNAL = "pages.jsonl"

Row = dict[str, Any]


class Busy(Exception):
    """Another worker has the journal open: its lease ran out while it was still at work."""


class Broken(Exception):
    """The journal does not hold what its own index says: somebody else wrote in it, or the disk lies."""


@dataclass
class Pages:
    """How far one listing, or one chat's messages, has been read.

    ``offset``: where the next page begins. ``full``: the ceiling was reached and there is more behind it.
    ``refused``: the kind of AvitoError that closed it.
    """

    offset: int = 0
    received: int = 0
    done: bool = False
    full: bool = False
    refused: str = ""
    # Where in the journal each page stands: its first byte and its length.
    places: list[tuple[int, int]] = field(default_factory=list)


def folder_of(export: uuid.UUID) -> Path:
    return Path(settings.FILES_DIR) / FOLDER / export.hex


def remove(export: uuid.UUID) -> None:
    """Take the export's folder from the disk, with all that is in it; it may be gone already."""
    shutil.rmtree(folder_of(export), ignore_errors=True)


class Spool:
    """The journal of one export, open. Made by `opened`. All numbers are of rows, in the order they came."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.listings: dict[str, Pages] = {}
        self.threads: dict[str, Pages] = {}
        # Of the account's listings, where they had to be asked for; None: not asked.
        self.items: list[int] | None = None
        # As JSON: a dict for each would take four times the memory.
        self._chats: dict[str, bytes] = {}
        self._updated: dict[str, int] = {}
        self._file = os.open(folder / JOURNAL, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = 0

    def close(self) -> None:
        os.close(self._file)

    # --- writing ---------------------------------------------------------------------------------------------------

    def add_chats(self, listing: str, rows: Sequence[Row], received: int, following: int | None, *, full: bool) -> None:
        """A page of chats. ``following``: the offset of the next page; None when this was the last one."""
        self._append({"list": listing, "rows": list(rows), "n": received, "next": following, "full": full})

    def add_messages(self, chat: str, rows: Sequence[Row], received: int, following: int | None, *, full: bool) -> None:
        """A page of a chat's messages, newest first as Avito gives them."""
        self._append({"of": chat, "rows": list(rows), "n": received, "next": following, "full": full})

    def refuse(self, chat: str, kind: str) -> None:
        """The chat's messages cannot be had; ``kind`` of AvitoError."""
        self._append({"of": chat, "rows": [], "n": 0, "next": None, "full": False, "refused": kind})

    def add_items(self, items: Sequence[int]) -> None:
        self._append({"items": list(items)})

    def _append(self, record: Row) -> None:
        line = json.dumps(record, ensure_ascii=True, separators=(",", ":"), default=str).encode() + b"\n"
        written = os.write(self._file, line)
        if written != len(line):  # the disk is full: what stands there is cut off, so that the journal stays whole
            os.ftruncate(self._file, self._size)
            raise OSError("The disk took a part of a page only.")
        self._note(record, self._size, len(line))
        self._size += len(line)

    # --- reading ---------------------------------------------------------------------------------------------------

    def read(self) -> None:
        """Find out what is there, and cut off what was not written to its end."""
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                try:
                    record = json.loads(line)
                except ValueError:
                    break
                self._note(record, self._size, len(line))
                self._size += len(line)
        os.ftruncate(self._file, self._size)

    def _note(self, record: Row, at: int, length: int) -> None:
        if "items" in record:
            self.items = record["items"]
            return
        if "list" in record:
            pages = self.listings.setdefault(record["list"], Pages())
            for row in record["rows"]:
                self._keep(row)
        else:
            pages = self.threads.setdefault(record["of"], Pages())
            pages.places.append((at, length))
        pages.received += record["n"]
        pages.done, pages.full = record["next"] is None, record["full"]
        pages.offset = record["next"] or pages.offset
        pages.refused = record.get("refused", "")

    def _keep(self, row: Row) -> None:
        """The newest of what was told of a chat: a new message moves it up while the pages are read."""
        updated = row["updated"] or 0
        if updated >= self._updated.get(row["id"], -1):
            self._updated[row["id"]] = updated
            self._chats[row["id"]] = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode(
                "utf-8", "surrogatepass"
            )

    def knows(self, chat: str) -> bool:
        return chat in self._chats

    def chats(self, since: int = 0) -> list[str]:
        """Ids of the chats with news at ``since`` (seconds since 1970) or later, those with the newest first."""
        wanted = [key for key, updated in self._updated.items() if updated >= since]
        return sorted(wanted, key=lambda key: (-self._updated[key], key))

    def chat(self, key: str) -> Row:
        found: Row = json.loads(self._chats[key].decode("utf-8", "surrogatepass"))
        return found

    def messages(self, chat: str) -> list[Row]:
        """Each once, oldest first. Raises ``Broken``."""
        found: dict[str, Row] = {}
        for at, length in self.threads[chat].places if chat in self.threads else ():
            for row in self._page(chat, at, length):
                found.setdefault(row["id"], row)
        # Of one second the one that Avito named later is the older.
        oldest_first = list(reversed(found.values()))
        return sorted(oldest_first, key=lambda row: row["created"] or 0)

    def _page(self, chat: str, at: int, length: int) -> list[Row]:
        try:
            record = json.loads(os.pread(self._file, length, at))
        except ValueError:
            record = {}
        if record.get("of") != chat:
            raise Broken(f"No page of the chat stands at {at}.")
        rows: list[Row] = record["rows"]
        return rows

    @property
    def counts(self) -> Mapping[str, int]:
        """How far it is, for people: chats known, chats read to their end, messages."""
        ended = sum(1 for pages in self.threads.values() if pages.done)
        received = sum(pages.received for pages in self.threads.values())
        return {"chats": len(self._chats), "ended": ended, "messages": received}


@contextmanager
def opened(export: uuid.UUID) -> Iterator[Spool]:
    """The journal, read, for this worker alone. Raises ``Busy``. Reads the disk: call it in a thread."""
    folder = folder_of(export)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    spool = Spool(folder)
    try:
        try:
            fcntl.flock(spool._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy from None
        spool.read()
        yield spool
    finally:
        spool.close()
