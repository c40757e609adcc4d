"""``/mydata``: everything about one person as JSON, with their files in a zip where they are not too large.

It is made when it is sent and never lies anywhere in between.
"""

import io
import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import AuditEntry, User
from conversations.models import Message, RequestSum
from conversations.privacy import owned
from files.models import StoredFile
from llm.models import Spending
from telegram_bot.documents import Collected, Document

# Telegram takes 50 MB of a bot; packed in memory, so less than it could be.
MOST_FILES = 20 * 1024 * 1024
REQUEST = (
    "created_at", "model_ref", "state", "prompt", "answer", "steps", "error_kind", "input_tokens", "output_tokens",
    "cost",
)  # fmt: skip
SUM = ("day", "model_ref", "requests", "answered", "input_tokens", "output_tokens", "cost")
PERSON = (
    "telegram_id", "telegram_username", "first_name", "last_name", "email", "language", "telegram_language",
    "time_zone", "status", "role", "requested_at", "decided_at", "date_joined", "last_login", "broadcasts",
)  # fmt: skip


def collect(data: dict[str, Any]) -> Collected:
    """What is on record about the person ``data["user"]``, and how to pack it (without the database)."""
    user = User.objects.get(pk=data["user"])
    files = list(owned.files(user).order_by("id"))
    packed = sum(file.size for file in files) <= MOST_FILES
    record = record_of(user, files, packed=packed)
    paths = {_in_zip(file): Path(settings.FILES_DIR) / file.path for file in files} if packed else {}
    caption = _("Everything that is on record about you.")
    if files and not packed:
        caption += " " + _("Your files are too large to come along; they are listed by name.")
    return lambda: pack(record, paths, caption)


def pack(record: dict[str, Any], paths: dict[str, Path], caption: str) -> Document:
    """The document: JSON alone, or with files in a zip."""
    name = f"mydata-{timezone.localdate():%Y-%m-%d}"
    text = json.dumps(record, ensure_ascii=False, indent=1, default=_plain).encode()
    there = {inside: path for inside, path in paths.items() if path.is_file()}
    if not there and len(text) <= MOST_FILES:
        return Document(f"{name}.json", text, caption)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mydata.json", text)
        for inside, path in there.items():
            archive.write(path, inside)
    return Document(f"{name}.zip", packed.getvalue(), caption)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _in_zip(file: StoredFile) -> str:
    """Under its number: names are people's own and may be the same, or no names at all."""
    return f"files/{file.pk}{Path(file.name).suffix if file.name else ''}"


def record_of(user: User, files: list[StoredFile], *, packed: bool) -> dict[str, Any]:
    """All that is known about ``user``, as JSON takes it."""
    return {
        "made_at": timezone.now(),
        "person": {name: getattr(user, name) for name in PERSON},
        "dialogs": [_dialog(dialog) for dialog in owned.dialogs(user).order_by("id")],
        "said_in_groups": [
            {"at": said.created_at, "chat": str(said.conversation.chat), "text": said.content}
            for said in owned.said_in_groups(user).select_related("conversation__chat").order_by("id")
        ],
        "requests": list(owned.requests(user).order_by("id").values(*REQUEST)),
        "sums_of_older_requests": list(RequestSum.objects.filter(user=user).order_by("day").values(*SUM)),
        "spending": _spending(user),
        "files": [_file(file, packed=packed) for file in files],
        "record": list(
            AuditEntry.objects.filter(Q(actor=user) | Q(target=f"user:{user.pk}"))
            .order_by("id")
            .values("at", "actor_label", "via", "action", "target", "details")
        ),
        "received_from_telegram": list(
            owned.updates(user).order_by("id").values("received_at", "kind", "state", "raw")
        ),
        "sent_to_telegram": list(
            owned.deliveries(user).order_by("id").values("created_at", "source", "state", "content")
        ),
    }  # fmt: skip


def _dialog(dialog: Any) -> dict[str, Any]:
    said = Message.objects.filter(conversation=dialog).order_by("id")
    return {
        "title": dialog.title,
        "summary": dialog.summary,
        "started_at": dialog.started_at,
        "closed_at": dialog.closed_at,
        "messages": list(said.values("created_at", "role", "content")),
    }


def _spending(user: User) -> list[dict[str, Any]]:
    rows = Spending.objects.filter(Q(user=user) | Q(budget__user=user)).order_by("starts_on")
    return [dict(row) for row in rows.values("starts_on", "budget__period", "tokens", "cost")]


def _file(file: StoredFile, *, packed: bool) -> dict[str, Any]:
    return {
        "name": file.name,
        "type": file.mime,
        "size": file.size,
        "stored_at": file.created_at,
        "text": file.text,
        "in_this_archive": _in_zip(file) if packed else None,
    }
