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
from django.contrib.admin.models import LogEntry
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import ApiKey, AuditEntry, Chat, Invite, User
from conversations.models import AssistantVersion, Message, RequestSum
from conversations.privacy import owned
from core.privacy import columns, opened, own_data, unopened
from files.models import StoredFile
from llm.models import Budget, Spending
from telegram_bot.documents import Collected, Document
from telegram_bot.models import AdminSession, Broadcast

# Telegram takes 50 MB of a bot; packed in memory, so less than it could be.
MOST_FILES = 20 * 1024 * 1024


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
    """All that is known about ``user``, as JSON takes it: whole rows, so that no new column is forgotten."""
    return {
        "made_at": timezone.now(),
        "person": columns(user, "password"),
        "chats": _rows(owned.private_chats(user)),
        "chats_you_added": _rows(Chat.objects.filter(requested_by=user)),
        "dialogs": [
            columns(dialog) | {"messages": _rows(Message.objects.filter(conversation=dialog))}
            for dialog in owned.dialogs(user).order_by("id")
        ],
        "said_in_groups": [
            columns(said) | {"chat": str(said.conversation.chat)}
            for said in owned.said_in_groups(user).select_related("conversation__chat").order_by("id")
        ],
        "requests": _rows(owned.requests(user)),
        "sums_of_older_requests": _rows(RequestSum.objects.filter(user=user)),
        "budgets": _rows(Budget.objects.filter(user=user)),
        "spending": _rows(Spending.objects.filter(Q(user=user) | Q(budget__user=user))),
        "files": [columns(file) | {"in_this_archive": _in_zip(file) if packed else None} for file in files],
        "received_from_telegram": _rows(owned.updates(user), "worker"),
        "sent_to_telegram": _rows(owned.deliveries(user), "worker"),
        "buttons": _rows(owned.buttons(user)),
        **{key: value for own in own_data().values() for key, value in own.record(user).items()},
        "awaited_answers": [opened(row, "data") for row in unopened(owned.expectations(user), "data").order_by("pk")],
        "record": [*_rows(AuditEntry.objects.filter(Q(actor=user) | Q(target=f"user:{user.pk}"))), *_readings(user)],
        **_as_operator(user),
    }


def _as_operator(user: User) -> dict[str, Any]:
    """What there is of those who run the bot; empty for everybody else. Keys and links are on record as hashes only."""
    return {
        "invitations": _rows(Invite.objects.filter(Q(created_by=user) | Q(used_by=user)), "token_hash"),
        "api_keys": _rows(ApiKey.objects.filter(created_by=user), "digest"),
        "announcements": _rows(Broadcast.objects.filter(created_by=user)),
        "admin_session": _rows(AdminSession.objects.filter(user=user)),
        "assistants": _rows(AssistantVersion.objects.filter(changed_by=user)),
        "changes_in_the_admin": _rows(LogEntry.objects.filter(user=user)),
    }


def _readings(user: User) -> list[dict[str, Any]]:
    """When operators read what is the person's own. These entries are few: one an hour for each page and operator."""
    rows = (owned.private_chats(user), owned.dialogs(user), owned.requests(user), owned.files(user),
            owned.updates(user), owned.deliveries(user),
            *(found for own in own_data().values() for found in own.rows(user)))  # fmt: skip
    own = {f"{found.model._meta.model_name}:{key}" for found in rows for key in found.values_list("pk", flat=True)}
    own |= {f"trace:{trace}" for trace in owned.requests(user).values_list("trace_id", flat=True) if trace}
    return [row for row in _rows(AuditEntry.objects.filter(action="content.read")) if row["target"] in own]


def _rows(rows: QuerySet[Any], *without: str) -> list[dict[str, Any]]:
    return [columns(row, *without) for row in rows.order_by("pk")]
