"""What can go wrong with a provider, and who can do something about it.

    ProviderError(kind, retry_after, param, status)

Kinds: auth, billing, forbidden_region (the operator acts) · model_not_found (refresh the list) · bad_request (a bug or
a server's peculiarity) · context_too_long, too_large, blocked (the person acts) · rate_limited, quota_daily (wait) ·
overloaded, server, timeout, network (try again).
"""

from typing import Literal

Kind = Literal[
    "auth", "billing", "forbidden_region", "model_not_found", "bad_request", "context_too_long", "too_large",
    "blocked", "rate_limited", "quota_daily", "overloaded", "server", "timeout", "network",
]  # fmt: skip

# Worth another try before the first word came: at most twice.
TRANSIENT = frozenset({"rate_limited", "overloaded", "server", "timeout", "network"})
# A provider that answers so will answer so for everybody: its breaker opens.
PAUSING = frozenset({"auth", "billing", "forbidden_region"})


class ProviderError(Exception):
    """A provider refused or failed. ``retry_after`` in seconds; ``param`` is the field it complained about."""

    def __init__(
        self,
        kind: Kind,
        message: str = "",
        *,
        retry_after: float | None = None,
        param: str = "",
        status: int | None = None,
    ) -> None:
        super().__init__(message or kind)
        self.kind = kind
        self.message = message
        self.retry_after = retry_after
        self.param = param
        self.status = status
