"""More than a budget allows, for one period alone: asked for by people, granted or declined by admins.

The audit holds what was asked and decided; the row of the period is the lock, so of two admins who press at once the
first decides. A decline holds until the period ends.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts.models import AuditEntry, User
from accounts.services import audit, target_of
from llm.budgets import lock
from llm.models import Spending

ASKED, GRANTED, DECLINED = "budget.asked", "budget.granted", "budget.declined"
SMALLEST_MONEY = Decimal("0.0001")


class AlreadyDecided(Exception):
    """Somebody was quicker."""


@transaction.atomic
def grant(spending: Spending, per_cent: int, *, by: User | None, via: str, now: datetime, **details: Any) -> Spending:
    """Allow ``per_cent`` of the budget besides, in this period alone; the row as it stands now. Audited."""
    [row] = lock(Spending.objects.filter(pk=spending.pk))
    if row.budget.tokens is not None:
        row.extra_tokens += row.budget.tokens * per_cent // 100
    if row.budget.money is not None:
        row.extra_money += (row.budget.money * per_cent / 100).quantize(SMALLEST_MONEY)
    row.save(update_fields=["extra_tokens", "extra_money"])
    audit(GRANTED, by=by, via=via, **target_of(row), details={"per_cent": per_cent, **details}, now=now)
    return row


@transaction.atomic
def ask(spending: Spending, by: User, where: Mapping[str, int], now: datetime) -> int | None:
    """Note that ``by`` asks for more; the number of the question, which several people share until it is decided.

    ``where``: whatever the answer needs to find them again. None: the admins have declined for this period.
    """
    lock(Spending.objects.filter(pk=spending.pk))
    entries = _entries(spending)
    if any(entry.action == DECLINED for entry in entries):
        return None
    number = 1 + sum(entry.action == GRANTED and "ask" in entry.details for entry in entries)
    mine = [entry for entry in _askers(entries, number) if entry.actor_id == by.pk]
    if not mine:
        details = {"ask": number, **where}
        audit(ASKED, by=by, via="bot", **target_of(spending), details=details, now=now)
    return number


@transaction.atomic
def decide(spending: Spending, number: int, per_cent: int, *, by: User, via: str, now: datetime) -> list[AuditEntry]:
    """Answer question ``number``: grant ``per_cent``, or decline with 0. Gives who asked, with their ``where``.

    Raises AlreadyDecided.
    """
    lock(Spending.objects.filter(pk=spending.pk))
    entries = _entries(spending)
    if any(entry.action != ASKED and entry.details.get("ask") == number for entry in entries):
        raise AlreadyDecided
    if per_cent:
        grant(spending, per_cent, by=by, via=via, now=now, ask=number)
    else:
        audit(DECLINED, by=by, via=via, **target_of(spending), details={"ask": number}, now=now)
    return _askers(entries, number)


def _entries(spending: Spending) -> list[AuditEntry]:
    about = AuditEntry.objects.filter(target=target_of(spending)["target"], action__in=(ASKED, GRANTED, DECLINED))
    return list(about.select_related("actor").order_by("id"))


def _askers(entries: list[AuditEntry], number: int) -> list[AuditEntry]:
    return [entry for entry in entries if entry.action == ASKED and entry.details.get("ask") == number]
