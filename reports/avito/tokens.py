"""Access tokens by client credentials: one is fetched at a time for a pair of keys, by whichever process.

Whether a new token ends the old one is not described (authorization.json, 2026), so nobody fetches one that another is
fetching, and who was refused first looks whether there is a newer one. All functions are sync, one short transaction
each; the fetching itself is in client.py.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.crypto import salted_hmac

from core.claims import WORKER, has_ended
from core.sealed import Unreadable
from reports.avito.assumed import AHEAD, LIFETIME
from reports.avito.keys import Keys
from reports.avito.reading import number
from reports.models import AvitoToken

# How long who fetches is waited for; longer than a fetch can take.
LEASE = timedelta(seconds=90)
# A token that is said to live longer is renewed all the same.
LONGEST_LIFE = timedelta(days=30)


@dataclass(frozen=True)
class Token:
    value: str = field(repr=False)
    generation: int
    renew_at: datetime


@dataclass(frozen=True)
class Turn:
    """It is the caller who fetches, until then."""

    until: datetime


def digest_of_pair(keys: Keys) -> str:
    return salted_hmac("reports.avito.token", f"{keys.client_id}\0{keys.client_secret}", algorithm="sha256").hexdigest()


def look(keys: Keys, now: datetime, refused: int | None = None) -> Token | Turn | None:
    """A token that can be used, or the turn to fetch one; None: another is fetching it. ``refused``: the generation
    that Avito did not take, so that only a newer one will do."""
    pair = digest_of_pair(keys)
    rows = AvitoToken.objects.defer("token").filter(keys=pair)
    row = rows.first()
    if row is not None and (token := _usable(row, now, refused)) is not None:
        return token
    with transaction.atomic():
        rows.get_or_create(keys=pair, defaults={"client": keys.client})
        row = rows.select_for_update().get()
        if (token := _usable(row, now, refused)) is not None:
            return token
        if row.fetching_until is not None and row.fetching_until > now and not has_ended(row.fetching_by):
            return _usable(row, now, refused, old=True)
        row.fetching_until, row.fetching_by = now + LEASE, WORKER
        row.save(update_fields=["fetching_until", "fetching_by"])
        return Turn(row.fetching_until)


def _usable(row: AvitoToken, now: datetime, refused: int | None, *, old: bool = False) -> Token | None:
    """``old``: one that is to be renewed, but still works, will do."""
    until = row.expires_at if old else row.renew_at
    if until is None or until <= now or (refused is not None and row.generation <= refused):
        return None
    try:
        held = row.token
    except Unreadable:  # sealed with a key that is gone: Avito gives another
        return None
    return Token(held, row.generation, row.renew_at or until) if isinstance(held, str) and held else None


@transaction.atomic
def keep(keys: Keys, value: str, expires_in: Any, now: datetime) -> Token:
    """Keep a token that was fetched at ``now``. ``expires_in``: as Avito said it, in seconds."""
    life = lifetime(expires_in)
    row, _made = (
        AvitoToken.objects.defer("token")
        .select_for_update()
        .get_or_create(keys=digest_of_pair(keys), defaults={"client": keys.client})
    )
    row.token, row.generation, row.fetching_until = value, row.generation + 1, None
    row.expires_at = now + life
    row.renew_at = row.expires_at - min(AHEAD, life / 2)
    row.save()
    return Token(value, row.generation, row.renew_at)


def lifetime(expires_in: Any) -> timedelta:
    """A number or a text of seconds; what is neither, or no time at all, is taken for an hour."""
    seconds = number(expires_in)
    if seconds is None or seconds <= 0:
        return LIFETIME
    return min(timedelta(seconds=float(seconds)), LONGEST_LIFE)


def release(keys: Keys, turn: Turn) -> None:
    """The fetch came to nothing: whoever waits may try."""
    AvitoToken.objects.filter(keys=digest_of_pair(keys), fetching_until=turn.until).update(fetching_until=None)


def forget(client: str) -> None:
    """Remove all tokens of a client (`keys.digest_of`): its keys were changed, or its last profile is gone."""
    AvitoToken.objects.filter(client=client).delete()
