"""Prices to begin with: a vendored table (its origin and licence stand in it) until an operator knows better.

Not billing truth. DeepSeek is listed there at its peak rate, and some models at introductory rates.
"""

import functools
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from llm.models import Model
from llm.types import ModelInfo

TABLE = Path(__file__).with_name("prices.json")
LISTED = "provider's list"  # price_source of prices that came with a list of models
# Whose prices hold at an address of the chat form; another address is another seller.
SELLERS = {"api.openai.com": "openai", "api.groq.com": "groq"}


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens; ``cached`` may be unknown."""

    input: Decimal
    cached: Decimal | None
    output: Decimal
    on: date
    source: str


@functools.cache
def _table() -> dict[str, dict[str, Price]]:
    raw = json.loads(TABLE.read_text(encoding="utf-8"))
    on, source = date.fromisoformat(raw["date"]), raw["source"]

    def price(entered: str, cached: str | None, said: str) -> Price:
        return Price(Decimal(entered), Decimal(cached) if cached else None, Decimal(said), on, source)

    return {seller: {name: price(*row) for name, row in rows.items()} for seller, rows in raw["prices"].items()}


def seller_of(provider: str) -> str:
    """Whose price list applies to ``provider``; empty when none is known."""
    if provider != "openai":
        return provider
    return SELLERS.get(urlsplit(settings.OPENAI_BASE_URL).hostname or "", "")


def known_price(provider: str, info: ModelInfo, today: date) -> Price | None:
    """The price in the provider's own list, else in the table, by name and then by alias; None: unknown."""
    if (listed := _listed(info, today)) is not None:
        return listed
    rows = _table().get(seller_of(provider), {})
    return next((rows[name] for name in (info.name, *info.aliases) if name in rows), None)


def _listed(info: ModelInfo, today: date) -> Price | None:
    try:
        cached = Decimal(info.price_cached) if info.price_cached else None
        return Price(Decimal(info.price_input), cached, Decimal(info.price_output), today, LISTED)
    except InvalidOperation:
        return None


def seed(model: Model, price: Price | None) -> list[str]:
    """Put ``price`` into a row unless its price came from a person. Returns the fields that changed."""
    ours = model.price_source in (LISTED, "") or model.price_source.startswith("litellm ")
    empty = model.price_input is None and model.price_output is None
    if price is None or not (ours if model.price_source else empty):
        return []
    values = {
        "price_input": price.input,
        "price_cached": price.cached,
        "price_output": price.output,
        "price_source": price.source,
    }
    changed = [name for name, value in values.items() if getattr(model, name) != value]
    if not changed:
        return []
    for name, value in values.items():
        setattr(model, name, value)
    model.price_date = price.on
    return [*changed, "price_date"]
