"""Every method of the fake but /token."""

from ..ask import Method
from . import account, calls, items, messenger, reputation, spendings, stats

METHODS: tuple[Method, ...] = (
    *account.METHODS,
    *items.METHODS,
    *stats.METHODS,
    *spendings.METHODS,
    *calls.METHODS,
    *messenger.METHODS,
    *reputation.METHODS,
)
