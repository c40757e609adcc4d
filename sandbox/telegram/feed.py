"""What happens in the chats, numbered, for pages and tests that watch."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from .signals import Signal

KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Event:
    """One thing somebody in the chat would have seen. `kind` is one of the event names of the control API."""

    id: int
    kind: str
    chat_id: int | None
    data: dict[str, Any]


class Feed:
    """The last events, and a signal for new ones."""

    def __init__(self) -> None:
        self.events: deque[Event] = deque(maxlen=KEPT)
        self.signal = Signal()
        self.closed = False
        self._last = 0

    @property
    def last_id(self) -> int:
        """Number of the newest event, 0 before the first."""
        return self._last

    def emit(self, kind: str, chat_id: int | None, data: dict[str, Any]) -> None:
        """Append an event and wake who waits."""
        self._last += 1
        self.events.append(Event(self._last, kind, chat_id, data))
        self.signal.notify()

    def after(self, event_id: int, chat_id: int | None = None) -> list[Event]:
        """Events newer than `event_id`, oldest first; with `chat_id` those of that chat and of no chat."""
        missed = min(self._last - event_id, len(self.events))
        if missed <= 0:
            return []
        recent = [self.events[-n] for n in range(missed, 0, -1)] if missed < 50 else list(self.events)[-missed:]
        return [event for event in recent if chat_id is None or event.chat_id in (None, chat_id)]

    def close(self) -> None:
        """End all streams."""
        self.closed = True
        self.signal.notify()
