"""For the operator's pages of every app: who is acting, what they did on record, and how the record is shown."""

from datetime import datetime
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from accounts.models import AuditEntry, User
from accounts.services import audit, target_of
from core.show import stamp

VIA = "admin"


def operator(request: HttpRequest) -> User:
    """Who is acting; the admin lets nobody in who is not logged in."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("Nobody is logged in.")
    return user


def audited(done: bool, what: str, row: Model, request: HttpRequest, now: datetime, **details: Any) -> bool:
    """Put on record what a service without a record of its own has done to ``row``; gives ``done`` back."""
    if done:
        audit(what, by=operator(request), via=VIA, **target_of(row), details=details, now=now)
    return done


def trail(row: Model) -> SafeString | str:
    """The newest 30 audit entries about ``row``."""
    return timeline(AuditEntry.objects.filter(target=target_of(row)["target"])[:30])


def timeline(entries: QuerySet[AuditEntry]) -> SafeString | str:
    """Audit entries as lines: when, what, who, how, and what changed."""
    rows = [
        (stamp(entry.at), entry.action, entry.actor_label or "—", entry.via, details_of(entry)) for entry in entries
    ]
    if not rows:
        return gettext("Nothing yet.")
    cell = '<td style="padding:.35rem 1.25rem .35rem 0;vertical-align:top">{}</td>'
    body = format_html_join("", f"<tr>{cell * 5}</tr>", rows)
    return format_html('<table style="font-variant-numeric:tabular-nums">{}</table>', body)


def details_of(entry: AuditEntry) -> str:
    """An entry's details in one line: ``pending → active``, or ``role: admin; hours: 72``."""
    details = entry.details
    if "old" in details and "new" in details:
        return f"{details['old']} → {details['new']}"
    shown = {key: ", ".join(map(str, value)) if isinstance(value, list) else value for key, value in details.items()}
    return "; ".join(f"{key}: {value}" for key, value in shown.items())
