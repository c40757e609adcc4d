"""What can go wrong with Avito, and who can do something about it.

    AvitoError(kind, section, status, retry_after)
    ├── the owner of the profile acts
    │   ├── bad_credentials      /token refuses the keys: enter them again
    │   ├── no_access            401 or 403 with a new token: a right, a role or a tariff is missing
    │   ├── needs_subscription   402: the section belongs to a higher level of subscription (the messenger)
    │   └── wrong_account        404 where the account's number stands: the keys belong to another account
    ├── nobody needs to act
    │   └── not_for_account      there is no such thing in this account (an advance without target actions): show "—"
    ├── waiting helps (``retry_after``)
    │   ├── rate_limited         Avito's limit, or our own that keeps to it; ``status`` 429 when Avito itself said so
    │   └── avito_down           5xx, a time-out, a page instead of JSON, a broken line
    └── we act
        └── bad_request          400 and the like: a bug of ours, or a peculiarity of the server

The texts are for logs, hold no secret, and are not for people: their words are in reports/words/troubles.py.
"""

from enum import StrEnum
from urllib.parse import quote, quote_plus

from reports.metrics import Section

# Characters of Avito's own sentence that are kept.
LONGEST = 300


class Kind(StrEnum):
    BAD_CREDENTIALS = "bad_credentials"
    NO_ACCESS = "no_access"
    NEEDS_SUBSCRIPTION = "needs_subscription"
    WRONG_ACCOUNT = "wrong_account"
    NOT_FOR_ACCOUNT = "not_for_account"
    RATE_LIMITED = "rate_limited"
    AVITO_DOWN = "avito_down"
    BAD_REQUEST = "bad_request"


# A second try alone does not change these.
LASTING = frozenset(Kind) - {Kind.RATE_LIMITED, Kind.AVITO_DOWN}


class AvitoError(Exception):
    """Avito refused or failed. ``status``: of HTTP, when there was an answer. ``retry_after``: in seconds."""

    def __init__(
        self,
        kind: Kind,
        message: str = "",
        *,
        section: Section | None = None,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.kind = Kind(kind)
        self.message = message
        super().__init__(f"{self.kind}: {self.message}" if message else str(self.kind))
        self.section = section
        self.status = status
        self.retry_after = retry_after

    @property
    def permanent(self) -> bool:
        """Whether it stays so until somebody acts."""
        return self.kind in LASTING

    def of(self, section: Section) -> "AvitoError":
        """The same error, told of a section."""
        return self._with(self.message, section)

    def hiding(self, *secrets: str) -> "AvitoError":
        """The same error in a short text without ``secrets``, should Avito have repeated one."""
        message = self.message
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            for form in (secret, quote(secret), quote_plus(secret)):
                message = message.replace(form, "***")
        return self._with(message[:LONGEST], self.section)

    def _with(self, message: str, section: Section | None) -> "AvitoError":
        return AvitoError(self.kind, message, section=section, status=self.status, retry_after=self.retry_after)
