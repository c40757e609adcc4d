"""A dialog as a document: Markdown for people, JSON for programs."""

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from conversations.models import Conversation, Message, Request
from conversations.services import library
from conversations.words_dialogs import untitled
from delivery.errors import DeliveryError
from telegram_bot.documents import Document


def collect(data: dict[str, Any]) -> Callable[[], Document]:
    """Read the dialog that ``data`` names, in the form it names, as its person may see it (settings.DOCUMENTS)."""
    found = library.entry_of(data["id"])
    if found is None:
        raise DeliveryError("gone", "The dialog is gone.", permanent=True)
    dialog, title = found.dialog, found.title or untitled()
    user = User.objects.get(pk=data["user"])
    said = Message.objects.filter(conversation=dialog, superseded=False).order_by("id")
    messages = list(said.select_related("request__user", "author").prefetch_related("attachments__file"))
    zone = library.zone_of(user)

    def make() -> Document:
        name = file_name(title, dialog.started_at.astimezone(zone), data["form"])
        return Document(name, exported(data["form"], dialog, title, messages, zone).encode())

    return make


def file_name(title: str, started: datetime, form: str) -> str:
    """A name that every system takes: letters, digits and hyphens of the title, and the day."""
    words = re.sub(r"[^\w]+", "-", title, flags=re.UNICODE).strip("-_")[:40].strip("-_")
    return f"{started:%Y-%m-%d}-{words or 'dialog'}.{form}"


def exported(form: str, dialog: Conversation, title: str, messages: Iterable[Message], zone: tzinfo) -> str:
    """``dialog`` in that form; ``messages`` oldest first, with their request and their attachments' files."""
    return _json(dialog, title, messages, zone) if form == "json" else _markdown(dialog, title, messages, zone)


def _markdown(dialog: Conversation, title: str, messages: Iterable[Message], zone: tzinfo) -> str:
    parts = [f"# {title}", f"{dialog.started_at.astimezone(zone):%Y-%m-%d %H:%M %Z}"]
    if dialog.summary:
        parts += ["## " + _("Summary of the earlier part"), dialog.summary]
    for message in messages:
        files = "".join(f"\n\n📎 {name}" for name in _files(message))
        parts += [
            f"## {_side(message)} · {message.created_at.astimezone(zone):%Y-%m-%d %H:%M}",
            message.content + files,
        ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _side(message: Message) -> str:
    if message.role == Message.Role.USER:
        return _asker(message) or str(message.get_role_display())
    return _model(message) or str(message.get_role_display())


def _asker(message: Message) -> str:
    user = message.request.user if message.request else message.author
    return user.name if user else ""


def _model(message: Message) -> str:
    return message.request.model_ref if message.request else message.raw_model


def _files(message: Message) -> list[str]:
    links = sorted(message.attachments.all(), key=lambda link: (link.position, link.pk))
    return [link.file.name or str(link.get_kind_display()) for link in links]


def _json(dialog: Conversation, title: str, messages: Iterable[Message], zone: tzinfo) -> str:
    whole = {
        "title": title,
        "started_at": dialog.started_at.astimezone(zone).isoformat(),
        "closed_at": dialog.closed_at.astimezone(zone).isoformat() if dialog.closed_at else None,
        "summary": dialog.summary or None,
        "messages": [_as_dict(message, zone) for message in messages],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _as_dict(message: Message, zone: tzinfo) -> dict[str, Any]:
    said: dict[str, Any] = {
        "role": message.role,
        "at": message.created_at.astimezone(zone).isoformat(),
        "text": message.content,
        "files": _files(message),
    }
    if message.role == Message.Role.USER:
        return said | {"from": _asker(message) or None}
    request = message.request or Request()
    return said | {
        "model": _model(message) or None,
        "tokens_in": request.input_tokens,
        "tokens_out": request.output_tokens,
        "cost_usd": str(request.cost) if request.cost is not None else None,
    }
