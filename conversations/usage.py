"""What a person, or a group, has used today and this month, whether or not there are budgets: the words of /usage."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts.models import Chat, Payer, User
from conversations import words_budget
from conversations.models import Request, RequestSum
from llm import budgets
from llm.models import Budget
from llm.periods import midnight, starts_on

ANSWERED = Q(input_tokens__isnull=False)
TOKENS = Coalesce("input_tokens", 0) + Coalesce("output_tokens", 0)


@dataclass(frozen=True)
class Used:
    """``cost`` in US dollars is None when the price of no answer is known; ``unknown``: answers it leaves out."""

    answers: int = 0
    tokens: int = 0
    cost: Decimal | None = None
    unknown: int = 0

    def __add__(self, other: "Used") -> "Used":
        known = [cost for cost in (self.cost, other.cost) if cost is not None]
        return Used(
            self.answers + other.answers,
            self.tokens + other.tokens,
            sum(known, Decimal(0)) if known else None,
            self.unknown + other.unknown,
        )


def of_person(user: User, since: date) -> Used:
    """What the person has used since that day began, in all their chats, with recordings and scans, and with requests
    that are kept no more."""
    return _of(Q(user=user), since) + _forgotten(user, since)


def of_chat(chat: Chat, since: date) -> Used:
    return _of(Q(conversation__chat=chat), since)


def _of(whose: Q, since: date) -> Used:
    rows = Request.objects.filter(whose, created_at__gte=midnight(since))
    return _used(
        rows.aggregate(
            answers=Count("pk", filter=ANSWERED & Q(kind=Request.Kind.ANSWER)),
            tokens=Sum(TOKENS),
            spent=Sum("cost"),
            unknown=Count("pk", filter=ANSWERED & Q(cost=None)),
        )
    )


def _forgotten(user: User, since: date) -> Used:
    rows = RequestSum.objects.filter(user=user, day__gte=since)
    used = _used(
        rows.aggregate(
            answers=Sum("answered"),
            tokens=Sum(F("input_tokens") + F("output_tokens")),
            spent=Sum("cost"),
            unknown=Sum("unpriced"),
        )
    )
    nothing_known = used.answers <= used.unknown and not used.cost
    return Used(used.answers, used.tokens, None if nothing_known else used.cost, used.unknown)


def _used(row: dict[str, Any]) -> Used:
    return Used(row["answers"] or 0, row["tokens"] or 0, row["spent"], row["unknown"] or 0)


def report(user: User, chat: Chat, now: datetime) -> str:
    """The person's usage; in a group the group's, for what a person spends is nobody else's business."""
    lines = ["📊 " + (_("**Your usage**") if chat.is_private else _("**Usage of this group**"))]
    for title, period in ((_("Today"), Budget.Period.DAY), (_("This month"), Budget.Period.MONTH)):
        since = starts_on(period, now)
        used = of_person(user, since) if chat.is_private else of_chat(chat, since)
        lines.append(words_budget.span_line(title, used.answers, used.tokens, used.cost, used.unknown))
    return "\n\n".join(["\n".join(lines), *_budgets(user, chat, now)])


def _budgets(user: User, chat: Chat, now: datetime) -> list[str]:
    """What is left. The bot's own budget is for admins to see, a person's for the person."""
    if not chat.is_private and chat.payer == Payer.PERSON:
        return [_("Here everybody's own budget counts. Yours: /usage in our private chat.")]
    found = budgets.usage_of(user, chat, now)
    rows = [row for row in found if row.budget.scope != Budget.Scope.BOT or user.is_bot_admin]
    none = _("There is no limit of your own.") if found else _("There is no limit.")
    return [words_budget.budget_line(row, user) for row in rows] or [none]
