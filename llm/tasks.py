"""A task that an assistant does by itself at a planned time: what it gets and what comes of it.

settings.ASSISTANT_TASKS names who does it: an async function(Task) -> Done. Those who plan tasks and those who do them
know each other only through this.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.dispatch import Signal

from accounts.models import Chat, User


@dataclass(frozen=True)
class Task:
    """One run of a task. ``key`` is its unique name, the root of the keys of all that is said in it."""

    key: str
    user: User
    chat: Chat
    thread: int
    # None: whoever answers the person by default.
    assistant: UUID | None
    # What to do, as it was planned: {"task": "…", …}.
    payload: dict[str, Any]
    planned_at: datetime
    # The row that planned it, for tools that end the series.
    reminder_id: UUID
    # What came of the run before, in its own words; empty at the first.
    previous: str = ""


@dataclass(frozen=True)
class Done:
    """What a run brought: what was said to the chat (nothing, when there was nothing to say), what it leaves to the
    next run, and in a line what became of it, for the record that operators read."""

    said: str
    note: str = ""
    result: str = ""


class TaskFailed(Exception):
    """The run did not work out. ``permanent``: another attempt would fail as well."""

    def __init__(self, kind: str, text: str, *, permanent: bool = False) -> None:
        super().__init__(text)
        self.kind = kind
        self.permanent = permanent


Perform = Callable[[Task], Awaitable[Done]]
# What is wrong with the payload of a task that is planned for this person in this chat (None: their own), in a sentence
# of the active language; empty: nothing.
Check = Callable[[User, Chat | None, dict[str, Any]], str]

# reminder_id=UUID, now=datetime: who planned the tasks of this series wants them no more. Sent inside the transaction.
series_cancelled = Signal()
