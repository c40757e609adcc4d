"""What the admins are told of a condition that lasts: once when it sets in and once when it is over.

Of one that flutters they hear every ten minutes at most, and it is the last they heard that is true: what was held back
is told when its time has come (telegram_bot/heart.py looks each minute). What was told stands in a row, so that another
process can take it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from delivery import pulse
from telegram_bot.notices import WINDOW, notify_admins

log = structlog.get_logger(__name__)

TOLD = "told"


@dataclass(frozen=True)
class Condition:
    """``words`` tell of it, that it is so or that it is over; ``facts`` are for the log."""

    well: bool
    words: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def tell(conditions: Mapping[str, Condition], now: datetime) -> None:
    """Tell the admins what of ``conditions`` they have not heard yet."""
    told = dict(pulse.locked(TOLD))
    news: list[tuple[str, str]] = []
    for name, condition in conditions.items():
        entry = told.get(name, {})
        if condition.well and entry.get("bad"):
            told[name] = {**entry, "bad": False}
            news.append((f"health-{name}-well-{entry['at']}", condition.words))
        elif not condition.well and not entry.get("bad") and _paced(entry, now):
            told[name] = {"bad": True, "at": now.isoformat()}
            log.warning("not well", check=name, **condition.facts)
            news.append((f"health-{name}", condition.words))
    if news:
        pulse.beat(TOLD, told, now)
    for kind, words in news:
        notify_admins(kind, words, now=now)


def _paced(entry: Mapping[str, Any], now: datetime) -> bool:
    return "at" not in entry or now - datetime.fromisoformat(entry["at"]) >= WINDOW
