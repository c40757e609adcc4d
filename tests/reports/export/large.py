"""`python -m tests.reports.export.large CHATS MESSAGES FOLDER`: a journal of so many chats, read anew and made into a
file, in a process of its own; the megabytes by which its memory grew at most, as the kernel remembers them.
"""

import os
import resource
import sys
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.conf import settings  # noqa: E402

from reports.export import sheet, spool  # noqa: E402
from reports.export.spool import Row, Spool  # noqa: E402

WORDS = ("ещё", "продаёте", "цена", "доставка", "завтра", "посмотреть", "сегодня", "вечером", "торг", "спасибо")


def most() -> float:
    """Megabytes in memory at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def message(chat: int, number: int) -> Row:
    text = " ".join(WORDS[(chat * 7 + number * 3 + k * k) % len(WORDS)] for k in range(12))
    content = {"text": f"{text} {chat} {number}"}
    key = uuid.UUID(int=chat << 64 | number).hex
    return {"id": key, "created": 1_772_400_000 + number, "author": chat, "direction": "in", "type": "text",
            "content": content}  # fmt: skip


def fill(journal: Spool, chats: int, messages: int) -> None:
    for n in range(chats):
        row = {"id": f"c{n}", "created": 1, "updated": 2 + n, "item": None, "users": [{"id": n, "name": "Анна"}]}
        journal.add_chats("all", [row], 1, None, full=False)
        journal.add_messages(f"c{n}", [message(n, k) for k in range(messages, 0, -1)], messages, None, full=False)


def main(chats: int, messages: int, folder: str) -> None:
    settings.FILES_DIR = Path(folder)
    # What a small one loads and allocates is no growth.
    export(3, 100)
    before = most()
    export(chats, messages)
    sys.stdout.write(f"{most() - before}\n")


def export(chats: int, messages: int) -> None:
    key = uuid.uuid4()
    with spool.opened(key) as journal:
        fill(journal, chats, messages)
    about = sheet.About("Север", 1, "", datetime.now(UTC), ZoneInfo("Europe/Moscow"), "")
    with spool.opened(key) as journal:
        written = sheet.write(journal.folder / "1.xlsx", journal, journal.chats(), about, threading.Event())
    if (written.chats, written.messages) != (chats, chats * messages):
        raise SystemExit(f"not all of it: {written}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
