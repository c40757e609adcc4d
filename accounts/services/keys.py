"""API keys: shown once; a prefix to find the row by and an HMAC of the whole are kept."""

import hmac
import re
import secrets
import string
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.crypto import get_random_string, salted_hmac

from accounts.models import ApiKey, User
from accounts.services.record import audit, clip, put, target_of
from core.prepared import Prepared

MARK = "skr_"  # by it a leaked key is recognized, in logs as well as by scanners
PREFIX_LENGTH = 12
SCOPE = re.compile(r"[a-z][a-z_]*(:[a-z][a-z_]*)?")
NOBODY = "0" * 64  # the digest of no key
# Asked for every call, and compiling it costs more than answering it.
_by_prefix = Prepared(1, lambda prefix: ApiKey.objects.filter(prefix=prefix).order_by())
# last_used_at is for people: no write for each call of a busy client.
USED_EVERY = timedelta(minutes=1)


class KeyRefused(Exception):
    """A key that opens nothing; ``reason`` is unknown, revoked, expired or scope (it lacks that one)."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The API key was refused: {reason}.")
        self.reason = reason


@transaction.atomic
def create_api_key(
    name: str,
    scopes: Iterable[str],
    *,
    by: User | None,
    expires_at: datetime | None,
    now: datetime,
    via: str = "command",
) -> tuple[ApiKey, str]:
    """A new key and its secret, which nobody can show again. Raises ValueError for a scope of wrong form."""
    wanted = sorted(set(scopes))
    if not wanted or not all(SCOPE.fullmatch(scope) for scope in wanted):
        raise ValueError("Scopes are words like reminders or reminders:write, at least one.")
    prefix = MARK + get_random_string(PREFIX_LENGTH - len(MARK), string.ascii_lowercase + string.digits)
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        name=clip(name, 100),
        prefix=prefix,
        digest=_digest(secret),
        scopes=wanted,
        created_by=by,
        created_at=now,
        expires_at=expires_at,
    )
    audit("api_key.created", by=by, via=via, **target_of(key), details={"scopes": wanted}, now=now)
    return key, secret


def _digest(secret: str) -> str:
    """HMAC-SHA256 keyed by SECRET_KEY.

    A stolen database alone opens nothing; a new SECRET_KEY ends every key.
    """
    return salted_hmac("accounts.ApiKey", secret, algorithm="sha256").hexdigest()


def check_api_key(secret: str, scope: str, now: datetime) -> ApiKey:
    """The key's row if it opens ``scope`` now. Raises KeyRefused."""
    found = _by_prefix(secret[:PREFIX_LENGTH]) if _is_a_word(secret) else []
    key = found[0] if found else None
    # Computed also for a key that nobody has: the time taken must not tell which prefixes exist.
    fits = hmac.compare_digest(key.digest if key else NOBODY, _digest(secret))
    if key is None or not fits:
        raise KeyRefused("unknown")
    if key.revoked_at is not None:
        raise KeyRefused("revoked")
    if key.expires_at is not None and key.expires_at <= now:
        raise KeyRefused("expired")
    if scope not in key.scopes:
        raise KeyRefused("scope")
    _touch(key, now)
    return key


def _is_a_word(secret: str) -> bool:
    """Nothing that PostgreSQL or the digest's comparison stumbles over."""
    return secret.isascii() and secret.isprintable()


def _touch(key: ApiKey, now: datetime) -> None:
    if key.last_used_at is not None and now - key.last_used_at < USED_EVERY:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USED_EVERY)
    ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
    put(key, {"last_used_at": now})


@transaction.atomic
def revoke_api_key(key: ApiKey, *, by: User | None, via: str, now: datetime) -> bool:
    """Close the key for good; True when this call did."""
    if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now):
        key.refresh_from_db()
        return False
    put(key, {"revoked_at": now})
    audit("api_key.revoked", by=by, via=via, **target_of(key), now=now)
    return True
