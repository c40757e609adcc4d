"""What is known of models beside their lists: prices, windows, capabilities, from a vendored table.

Its origin and licence stand in it. Prices are something to begin with until an operator knows better, and no billing
truth: DeepSeek is listed there at its peak rate, and some models at introductory rates.
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

TABLE = Path(__file__).with_name("known_models.json")
LISTED = "provider's list"  # price_source of prices that came with a list of models
SIXTH = Decimal("0.000001")
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


@dataclass(frozen=True, slots=True)
class Known:
    """One row of the table; sizes in tokens."""

    price: Price
    context_window: int | None
    max_output: int | None
    capabilities: list[str]


@functools.cache
def _table() -> dict[str, dict[str, Known]]:
    raw = json.loads(TABLE.read_text(encoding="utf-8"))
    on, source = date.fromisoformat(raw["date"]), raw["source"]

    def row(entered: str, cached: str | None, said: str, window: int | None, longest: int | None, can: str) -> Known:
        price = Price(Decimal(entered), Decimal(cached) if cached else None, Decimal(said), on, source)
        return Known(price, window, longest, can.split())

    return {seller: {name: row(*columns) for name, columns in rows.items()} for seller, rows in raw["models"].items()}


def seller_of(provider: str) -> str:
    """Whose models ``provider`` sells, as the table names them; empty when that is not known."""
    if provider != "openai":
        return provider
    return SELLERS.get(urlsplit(settings.OPENAI_BASE_URL).hostname or "", "")


def look_up(provider: str, info: ModelInfo) -> Known | None:
    """The table's row for a model, by name and then by alias."""
    rows = _table().get(seller_of(provider), {})
    return next((rows[name] for name in (info.name, *info.aliases) if name in rows), None)


def complete(model: Model, info: ModelInfo, today: date) -> None:
    """Fill what a row does not know yet, and its price unless that came from a person.

    The price in the provider's own list wins over the table's.
    """
    row = look_up(model.provider_id, info)
    if row is not None:
        model.max_output = model.max_output or row.max_output
        if not model.by_hand:
            model.context_window = model.context_window or row.context_window
            if set(model.capabilities) <= {"text"}:
                model.capabilities = sorted({"text", *row.capabilities})
    price = _listed(info, today) or (row.price if row else None)
    if price is not None and _ours(model):
        _set_price(model, price)


def _ours(model: Model) -> bool:
    """Whether the price may be set: there is none, or it came from here."""
    if not model.price_source:
        return model.price_input is None and model.price_output is None
    return model.price_source == LISTED or model.price_source.startswith("litellm ")


def _set_price(model: Model, price: Price) -> None:
    values = (price.input, price.cached, price.output, price.source)
    if values == (model.price_input, model.price_cached, model.price_output, model.price_source):
        return  # the date tells since when
    model.price_input, model.price_cached, model.price_output, model.price_source = values
    model.price_date = price.on


def _listed(info: ModelInfo, today: date) -> Price | None:
    try:
        cached = Decimal(info.price_cached).quantize(SIXTH) if info.price_cached else None
        entered, said = Decimal(info.price_input).quantize(SIXTH), Decimal(info.price_output).quantize(SIXTH)
    except InvalidOperation:
        return None
    return Price(entered, cached, said, today, LISTED)
