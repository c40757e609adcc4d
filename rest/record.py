"""Who did what, as each API lists it of its own rows."""

from django.db.models import QuerySet

from accounts.models import AuditEntry
from core.problem import HttpProblem, bad
from rest.routing import uuid_in


def entries_of(kind: str, key: str | None, wrong: str) -> "QuerySet[AuditEntry]":
    """The latest first: what was done to rows of ``kind``, or to the one that the parameter ``<kind>_id`` names.

    Raises HttpProblem with the sentence ``wrong`` when ``key`` is no id.
    """
    rows = AuditEntry.objects.filter(action__startswith=f"{kind}.").select_related("actor").order_by("-at", "-id")
    if key is None:
        return rows
    try:
        return rows.filter(target=f"{kind}:{uuid_in(key)}")
    except HttpProblem as error:
        raise bad(f"{kind}_id", "bad-value", wrong) from error
