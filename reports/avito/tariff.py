"""The tariff of an account: of those in Transport alone, and of those that do not pay for target actions."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from reports.avito import methods
from reports.avito.client import Avito
from reports.avito.reading import Json, flag, mapping, moment, number, text


@dataclass(frozen=True)
class Tariff:
    """``price``: roubles."""

    level: str
    active: bool | None
    starts: datetime | None
    ends: datetime | None
    price: Decimal | None


@dataclass(frozen=True)
class Tariffs:
    """``planned``: what comes after the current one."""

    current: Tariff | None
    planned: Tariff | None


async def tariffs(avito: Avito) -> Tariffs:
    """Raises ``AvitoError``: not_for_account when there is none that is told of (tariffs.json, 2026)."""
    told = mapping(await avito.ask(methods.TARIFF))
    return Tariffs(_tariff(mapping(told.get("current"))), _tariff(mapping(told.get("scheduled"))))


def _tariff(row: Json) -> Tariff | None:
    if not row:
        return None
    return Tariff(
        text(row.get("level")),
        flag(row.get("isActive")),
        moment(row.get("startTime")),
        moment(row.get("closeTime")),
        number(mapping(row.get("price")).get("price")),
    )
