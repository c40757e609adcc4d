"""Whose keys these are, and the money of the account."""

from dataclasses import dataclass, field
from decimal import Decimal

from reports.avito import methods
from reports.avito.client import Avito
from reports.avito.errors import AvitoError, Kind
from reports.avito.reading import mapping, number, roubles, text, whole


@dataclass(frozen=True)
class Account:
    id: int
    name: str
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    profile_url: str = ""


@dataclass(frozen=True)
class Money:
    """Roubles; None: Avito did not say."""

    wallet: Decimal | None
    bonus: Decimal | None


async def own_account(avito: Avito) -> Account:
    """Whose keys these are. Raises ``AvitoError``, avito_down when Avito does not name the account."""
    told = mapping(await avito.ask(methods.SELF))
    account_id = whole(told.get("id"))
    if account_id is None or account_id <= 0:
        raise AvitoError(Kind.AVITO_DOWN, "The answer names no account.", section=methods.SELF.section)
    if avito.account_id is None:
        avito.account_id = account_id
    named = {name: text(told.get(name)) for name in ("name", "email", "phone", "profile_url")}
    return Account(account_id, **named)


async def uid_of(avito: Avito) -> int:
    """The account's number, which most paths hold: as the profile has it, else as Avito says."""
    return avito.account_id if avito.account_id is not None else (await own_account(avito)).id


async def money(avito: Avito) -> Money:
    """What stands in the wallet. Roubles, with kopecks as a fraction (user.json, 2026)."""
    told = mapping(await avito.ask(methods.BALANCE, uid=await uid_of(avito)))
    return Money(number(told.get("real")), number(told.get("bonus")))


async def advance(avito: Avito) -> Decimal | None:
    """What is left of the advance for target actions, in roubles; less than zero is a debt. None: Avito did not say.

    Kopecks over the wire (cpa.json, 2026), flat or in ``result`` or ``data``. Raises ``AvitoError``: not_for_account
    when the account does not pay for target actions.
    """
    told = mapping(await avito.ask(methods.ADVANCE, body={}))
    for place in (told, mapping(told.get("result")), mapping(told.get("data"))):
        if (left := roubles(place.get("balance"))) is not None:
            return left
    return None
