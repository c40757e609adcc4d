"""What the tests of budgets share."""

from datetime import datetime
from decimal import Decimal

from accounts.models import Chat, User
from llm import budgets
from llm.budgets import Refusal
from llm.models import Budget, Reservation, Spending

PRICE = Decimal("0.01")


def budget(scope: str = "bot", **fields: object) -> Budget:
    """A budget that holds from now on; a month unless told otherwise."""
    row = Budget.objects.create(scope=scope, **fields)
    budgets.forget_enabled()
    return row


def private(person: User) -> Chat:
    return Chat.objects.create(bot_id=1, telegram_id=person.telegram_id or 0, kind="private", person=person)


def group(payer: str = "person", telegram_id: int = -1) -> Chat:
    return Chat.objects.create(bot_id=1, telegram_id=telegram_id, kind="supergroup", title="Team", payer=payer)


def reserve(
    person: User, chat: Chat, now: datetime, tokens: int = 100, cost: Decimal | None = PRICE, key: str = "1:1"
) -> Refusal | None:
    return budgets.reserve(key, person, chat, tokens, cost, now)


def spending(row: Budget | None = None) -> Spending:
    rows = Spending.objects.select_related("budget")
    return rows.get(budget=row) if row else rows.get()


def reserved() -> list[tuple[int, Decimal]]:
    """What each period holds back, in the order of their budgets."""
    return [(row.reserved_tokens, row.reserved_cost) for row in Spending.objects.order_by("budget")]


def used() -> list[tuple[int, Decimal]]:
    return [(row.tokens, row.cost) for row in Spending.objects.order_by("budget")]


def open_keys() -> list[str]:
    return list(Reservation.objects.filter(settled_at=None).values_list("key", flat=True))
