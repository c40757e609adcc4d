"""The record of who did what, and the small tools the other verbs share."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import models
from django.db.models import Q

from accounts.models import Access, AuditEntry, User
from core.privacy import delete_in_batches, older_than
from core.statements import insert

# A rejected person or group may ask again after this long.
ASK_AGAIN_AFTER = timedelta(hours=24)


def audit(
    action: str,
    *,
    by: User | None,
    via: str,
    target: str = "",
    target_label: str = "",
    details: dict[str, Any] | None = None,
    now: datetime,
) -> AuditEntry:
    """Record that ``by`` did ``action`` ("role.set") to ``target``.

    ``**target_of(row)`` gives both target arguments.
    """
    entry = AuditEntry(
        at=now,
        actor=by,
        actor_label=clip(by.name if by else "", 150),
        via=via,
        action=action,
        target=target,
        target_label=clip(target_label, 255),
        details=details or {},
    )
    insert([entry])
    return entry


def forget_old_audit(now: datetime) -> int:
    """Remove entries past KEEP_AUDIT_DAYS, the admin's own too; housekeeping calls it."""
    before = older_than(settings.KEEP_AUDIT_DAYS, now)
    if before is None:
        return 0
    own = delete_in_batches(AuditEntry.objects.filter(at__lt=before))
    return own + delete_in_batches(LogEntry.objects.filter(action_time__lt=before))


def forget_old_sessions(now: datetime) -> int:
    """Remove operators' sessions that are over; housekeeping calls it."""
    return delete_in_batches(Session.objects.filter(expire_date__lt=now))


def target_of(row: models.Model) -> dict[str, Any]:
    """A row as the target of an audit entry: ``user:12`` and what the row is called."""
    return {"target": f"{row._meta.model_name}:{row.pk}", "target_label": str(row)}


def clip(text: str | None, length: int) -> str:
    """``text`` as a column of ``length`` characters takes it (PostgreSQL refuses NUL)."""
    return (text or "").replace("\x00", "")[:length]


def put(row: models.Model, values: dict[str, Any]) -> None:
    """Show on ``row`` what an UPDATE has just written."""
    for name, value in values.items():
        setattr(row, name, value)


def refresh(row: models.Model, values: dict[str, Any]) -> None:
    """Write those ``values`` that differ from ``row``'s, if any do."""
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    if changed:
        type(row)._default_manager.filter(pk=row.pk).update(**changed)
        put(row, changed)


def may_ask(now: datetime) -> Q:
    """Who may ask for access: a newcomer who has not asked yet, or one whose rejection has aged."""
    rejected_long_ago = Q(decided_at=None) | Q(decided_at__lte=now - ASK_AGAIN_AFTER)
    return Q(status=Access.PENDING, requested_at=None) | (Q(status=Access.REJECTED) & rejected_long_ago)


def decision(status: Access, by: User | None, now: datetime) -> dict[str, Any]:
    """The columns a decision sets; one who is set back to pending may ask again at once."""
    change: dict[str, Any] = {"status": status, "decided_by": by, "decided_at": now}
    if status == Access.PENDING:
        change["requested_at"] = None
    return change
