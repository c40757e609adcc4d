"""Why a message did not go out, and what follows.

    DeliveryError(kind, permanent, retry_after, doubt)

permanent: trying again cannot help · retry_after: the chat asks for a pause of so many seconds (not an attempt) ·
doubt: the message may have arrived all the same.
"""

# The kind of what was not even tried, for it waits for another message.
WAITING = "waiting"


class DeliveryError(Exception):
    def __init__(
        self,
        kind: str,
        message: str = "",
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        doubt: bool = False,
    ) -> None:
        super().__init__(message or kind)
        self.kind = kind
        self.message = message
        self.permanent = permanent
        self.retry_after = retry_after
        self.doubt = doubt
