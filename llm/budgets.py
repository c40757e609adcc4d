"""The verbs of budgets: set aside before a call, settle after it, grant more. Sync, short, correct with any number of
processes: whoever looks at what is left holds the rows of the period until their transaction ends.

Which budgets an answer counts against: the bot's always; in a group that pays for itself the group's; else those of
the person and of their role. All that apply must have room. Rows are created before any is locked, and locked in the
order of their keys, so two transactions never wait for one another.

An answer may be longer than what was set aside for it; then it is charged in full, and the next one is refused.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import Chat, Payer, User
from llm.models import Budget, Model, Reservation, Spending
from llm.periods import midnight, next_start, starts_on
from llm.services import cost_of
from llm.types import Usage

# Tokens set aside for an answer whose length nobody knows: more than nine in ten answers of chats have.
OUTPUT_TOKENS = 2000
WARN_AT = 0.8
# How old the knowledge may be that there are budgets at all (seconds).
KNOWN_SECONDS = 5.0
KEPT = timedelta(days=40)

Scope = Budget.Scope
Why = Literal["tokens", "money", "unpriced"]


@dataclass(frozen=True)
class Refusal:
    """Why an answer may not be asked for: the period that has no room, and which of its limits says so.

    ``unpriced``: there is a limit in money, and nobody knows what the model costs.
    """

    spending: Spending
    why: Why

    @property
    def until(self) -> datetime:
        """When the next period begins."""
        return ends_at(self.spending)


def ends_at(spending: Spending) -> datetime:
    return midnight(next_start(spending.budget.period, spending.starts_on))


# --- is there any budget? -------------------------------------------------------------------------------------------

_known: tuple[bool, float] | None = None


def any_enabled() -> bool:
    """Whether some budget holds, as of a few seconds ago: an installation without budgets must not pay for them."""
    known = _known
    if known is None or time.monotonic() - known[1] > KNOWN_SECONDS:
        return ask_enabled()
    return known[0]


def ask_enabled() -> bool:
    """Ask now, and remember."""
    global _known
    found = Budget.objects.filter(enabled=True).exists()
    _known = (found, time.monotonic())
    return found


def keep(budget: Budget) -> None:
    """Write a budget as an operator set it; this process minds it at once, others within seconds."""
    budget.save()
    forget_enabled()


def forget_enabled() -> None:
    """Ask anew at the next question (a budget was changed here)."""
    global _known
    _known = None


# --- before the call ------------------------------------------------------------------------------------------------


def foreseen(
    model: Model | None, input_tokens: int, max_output: int | None = None, written: int = 0
) -> tuple[int, Decimal | None]:
    """What an answer to ``input_tokens`` may cost: tokens, and US dollars (None: the price is not known).

    ``written``: tokens that the model has written already, in earlier rounds of the same answer.
    """
    longest = model.max_output if model else None
    output = written + min(most for most in (max_output or OUTPUT_TOKENS, longest) if most)
    return input_tokens + output, cost_of(model, Usage(input=input_tokens, output=output))


@transaction.atomic
def reserve(key: str, user: User, chat: Chat, tokens: int, cost: Decimal | None, now: datetime) -> Refusal | None:
    """Set ``tokens`` and ``cost`` (US dollars; None: unknown) aside in every budget that applies; else say which one
    has no room, and set nothing aside. A repeated call with the same ``key`` finds what it reserved before, until that
    is settled."""
    if not any_enabled():
        return None
    known = Reservation.objects.select_for_update().filter(key=key).first()
    if known is not None and known.tokens and known.settled_at is None:
        return None
    spendings = _locked(_of_now(user, chat, now))
    if not spendings:
        return None
    if (refusal := _refusal(spendings, tokens, cost)) is None:
        _set_aside(known or Reservation(key=key), spendings, tokens, cost, now)
    return refusal


@transaction.atomic
def raise_to(key: str, tokens: int, cost: Decimal | None) -> Refusal | None:
    """Set so much aside under ``key`` if it is less so far: the answer takes another round, or a dearer model. Says
    which budget has no room for it, and leaves it as it is then. Nothing happens where nothing is set aside."""
    if not any_enabled():
        return None
    reservation = Reservation.objects.select_for_update().filter(key=key, settled_at=None, tokens__gt=0).first()
    if reservation is None:
        return None
    more = max(0, tokens - reservation.tokens)
    dearer = None if cost is None else max(Decimal(0), cost - (reservation.cost or 0))
    spendings = lock(reservation.spendings.all())
    if (refusal := _refusal(spendings, more, dearer)) is not None:
        return refusal
    for spending in spendings:
        _hold(spending, more, dearer)
    known = None if reservation.cost is None and dearer is None else (reservation.cost or 0) + (dearer or 0)
    Reservation.objects.filter(pk=reservation.pk).update(tokens=reservation.tokens + more, cost=known)
    return None


def _refusal(spendings: Iterable[Spending], tokens: int, cost: Decimal | None) -> Refusal | None:
    for spending in spendings:
        if (why := _no_room(spending, tokens, cost)) is not None:
            return Refusal(spending, why)
    return None


def _no_room(spending: Spending, tokens: int, cost: Decimal | None) -> Why | None:
    if spending.tokens_left is not None and tokens > spending.tokens_left:
        return "tokens"
    money = spending.money_left
    if money is None:
        return None
    if cost is None and not settings.BUDGET_UNPRICED_MODELS:
        return "unpriced"
    # What costs nobody knows how much goes on while there is anything left.
    return "money" if (cost > money if cost is not None else not money) else None


def _set_aside(
    reservation: Reservation, spendings: Sequence[Spending], tokens: int, cost: Decimal | None, now: datetime
) -> None:
    for spending in spendings:
        _hold(spending, tokens, cost)
    reservation.tokens, reservation.cost = tokens, cost
    reservation.created_at, reservation.settled_at = now, None
    reservation.save()
    reservation.spendings.set(spendings)


def _hold(spending: Spending, tokens: int, cost: Decimal | None) -> None:
    spending.reserved_tokens += tokens
    spending.reserved_cost += cost or 0
    spending.save(update_fields=["reserved_tokens", "reserved_cost"])


def applying(user: User, chat: Chat) -> QuerySet[Budget]:
    """The budgets that an answer to ``user`` in ``chat`` counts against."""
    if chat.is_private or chat.payer == Payer.PERSON:
        mine = Q(scope=Scope.PERSON, user=user) | Q(scope=Scope.ROLE, role=user.role)
    else:
        mine = Q(scope=Scope.CHAT, chat=chat)
    return Budget.objects.filter(mine | Q(scope=Scope.BOT), enabled=True).order_by("pk")


def _of_now(user: User, chat: Chat, now: datetime) -> list[Spending]:
    """The periods, unsaved where nothing was spent yet."""
    return [
        Spending(
            budget=budget,
            user=user if budget.scope == Scope.ROLE else None,
            starts_on=starts_on(budget.period, now),
        )
        for budget in applying(user, chat).select_related("user", "chat")
    ]


def _rows_of(wanted: Iterable[Spending]) -> QuerySet[Spending]:
    same = Q(pk__in=())
    for row in wanted:
        same |= Q(budget=row.budget_id, user=row.user_id, starts_on=row.starts_on)
    return Spending.objects.filter(same)


def _period_of(row: Spending) -> tuple[int, int | None, date]:
    return row.budget_id, row.user_id, row.starts_on


def _locked(wanted: Sequence[Spending]) -> list[Spending]:
    """Those periods as rows that nobody else changes until this transaction ends."""
    if not wanted:
        return []
    there = {_period_of(row) for row in _rows_of(wanted)}
    if missing := [row for row in wanted if _period_of(row) not in there]:
        Spending.objects.bulk_create(missing, ignore_conflicts=True)
    return lock(_rows_of(wanted))


def lock(rows: QuerySet[Spending]) -> list[Spending]:
    """``rows``, held until this transaction ends."""
    return list(rows.select_related("budget__user", "budget__chat").select_for_update(of=("self",)).order_by("pk"))


# --- after the call -------------------------------------------------------------------------------------------------


@transaction.atomic
def settle(key: str, tokens: int, cost: Decimal | None, estimated: bool, now: datetime) -> list[Spending]:
    """Charge what was used in place of what was set aside. Gives the periods that are now worth a warning, each once.

    ``cost``: US dollars; None: unknown, which is counted and never taken for zero. A second call changes nothing.
    """
    if not any_enabled():
        return []
    reservation = Reservation.objects.select_for_update().filter(key=key, settled_at=None).first()
    if reservation is None:
        return []
    spendings = lock(reservation.spendings.all())
    for spending in spendings:
        _give_back(spending, reservation)
        _charge(spending, tokens, cost, estimated)
    warned = [spending for spending in spendings if spending.warned_at is None and spending.share >= WARN_AT]
    for spending in warned:
        spending.warned_at = now
    for spending in spendings:
        spending.save()
    Reservation.objects.filter(pk=reservation.pk).update(settled_at=now)
    return warned


def _give_back(spending: Spending, reservation: Reservation) -> None:
    spending.reserved_tokens = max(0, spending.reserved_tokens - reservation.tokens)
    spending.reserved_cost = max(Decimal(0), spending.reserved_cost - (reservation.cost or 0))


def _charge(spending: Spending, tokens: int, cost: Decimal | None, estimated: bool) -> None:
    if not tokens:
        return
    spending.tokens += tokens
    spending.cost += cost or 0
    spending.unpriced += cost is None
    spending.estimated += estimated


@transaction.atomic
def release(key: str) -> bool:
    """Give back what was set aside; False when nothing is. What is used all the same can still be settled later."""
    reservation = Reservation.objects.select_for_update().filter(key=key, settled_at=None, tokens__gt=0).first()
    if reservation is None:
        return False
    for spending in lock(reservation.spendings.all()):
        _give_back(spending, reservation)
        spending.save(update_fields=["reserved_tokens", "reserved_cost"])
    Reservation.objects.filter(pk=reservation.pk).update(tokens=0, cost=None)
    return True


def release_abandoned(now: datetime) -> int:
    """Housekeeping: give back what turns that died have set aside, and forget reservations of long ago.

    A turn may wait as long again for its retries and for its answer to be saved.
    """
    longest = timedelta(seconds=2 * settings.LLM_TURN_TIMEOUT_SEC)
    dead = Reservation.objects.filter(settled_at=None, tokens__gt=0, created_at__lt=now - longest)
    released = sum(release(key) for key in dead.values_list("key", flat=True))
    Reservation.objects.filter(created_at__lt=now - KEPT).delete()
    return released


# --- looking --------------------------------------------------------------------------------------------------------


def usage_of(user: User, chat: Chat, now: datetime) -> list[Spending]:
    """What each budget that applies has left now; unsaved rows where nothing was spent yet. Two queries."""
    wanted = _of_now(user, chat, now)
    found = {_period_of(row): row for row in _rows_of(wanted).select_related("budget__user", "budget__chat")}
    return [found.get(_period_of(row), row) for row in wanted]
