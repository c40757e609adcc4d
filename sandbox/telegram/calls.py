"""Every call of the Bot API, with time stamps."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 200_000


@dataclass(slots=True)
class CallRecord:
    """One call. `time` in seconds since the epoch, `duration` in seconds, `fault` what was injected.

    `error_code` is None for a success and 0 when the connection was cut without an answer.
    """

    n: int
    time: float
    method: str
    params: dict[str, Any]
    chat_id: int | None = None
    ok: bool = False
    error_code: int | None = None
    description: str | None = None
    duration: float = 0.0
    fault: str | None = None

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class CallLog:
    """The last calls, oldest first; `done` counts by method those that succeeded."""

    def __init__(self) -> None:
        self.records: deque[CallRecord] = deque(maxlen=KEPT)
        self.done: Counter[str] = Counter()
        self._n = 0

    def start(self, time: float, method: str, params: dict[str, Any]) -> CallRecord:
        """A record for a call that has just come in; it is listed once `finish`ed."""
        self._n += 1
        return CallRecord(self._n, time, method, params)

    def finish(self, record: CallRecord) -> None:
        """List the call."""
        self.records.append(record)
        self.done[record.method] += record.ok

    def select(
        self, method: str | None = None, chat_id: int | None = None, since: float | None = None
    ) -> list[CallRecord]:
        """Calls of a method (any case), of a chat, at or after a time in seconds since the epoch."""
        wanted = method.lower() if method else None
        return [
            record
            for record in self.records
            if (wanted is None or record.method.lower() == wanted)
            and (chat_id is None or record.chat_id == chat_id)
            and (since is None or record.time >= since)
        ]

    def clear(self) -> None:
        """Forget all calls."""
        self.records.clear()
        self.done.clear()
