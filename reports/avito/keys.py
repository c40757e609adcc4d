"""The keys of one Avito account, and what of them may be kept or shown elsewhere."""

from dataclasses import dataclass, field

from django.utils.crypto import salted_hmac

from core.sealed import Unreadable
from reports.avito.errors import AvitoError, Kind
from reports.models import AvitoProfile


@dataclass(frozen=True)
class Keys:
    """``account_id``: None while it is not known whose keys they are."""

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    account_id: int | None = None

    @property
    def client(self) -> str:
        """What stands for the client_id in rows (`digest_of`)."""
        return digest_of(self.client_id)


def keys_of(profile: AvitoProfile) -> Keys:
    """The profile's keys. Raises ``AvitoError`` (bad_credentials) when they cannot be opened or are not whole.

    Sync. To get here with a profile whose column cannot be opened, load it with ``defer("credentials")``; should it be
    deleted meanwhile, its keys are as good as refused.
    """
    try:
        stored = profile.credentials
    except Unreadable:
        raise AvitoError(Kind.BAD_CREDENTIALS, "The stored keys cannot be opened.") from None
    except AvitoProfile.DoesNotExist:
        raise AvitoError(Kind.BAD_CREDENTIALS, "The profile is gone.") from None
    held = stored if isinstance(stored, dict) else {}
    client_id, secret = held.get("client_id"), held.get("client_secret")
    if not (isinstance(client_id, str) and client_id and isinstance(secret, str) and secret):
        raise AvitoError(Kind.BAD_CREDENTIALS, "The stored keys are not whole.")
    return Keys(client_id, secret, profile.account_id)


def digest_of(client_id: str) -> str:
    """64 characters that are the same for the same client_id, and tell nothing of it to who has no SECRET_KEY."""
    return salted_hmac("reports.avito.client", client_id, algorithm="sha256").hexdigest()


def mask_of(client_id: str) -> str:
    """So much of a client_id as its owner needs to recognise it, at most 7 characters."""
    return f"{client_id[:4]}…{client_id[-2:]}" if len(client_id) >= 12 else "…"
