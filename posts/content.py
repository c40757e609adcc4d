"""What edges hand over when somebody writes a post: plain values, not rows yet.

poll      {"question", "question_entities", "options": [{"text", "entities"}], "quiz": bool, "correct": [int],
          "explanation", "explanation_entities", "anonymous": bool, "multiple": bool, "open_seconds": int | None}
buttons   rows of {"text", "url"}
entities  as the Bot API has them (https://core.telegram.org/bots/api#messageentity), offsets in UTF-16 units
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.models import Chat
from files.models import StoredFile

Poll = dict[str, Any]
Buttons = Sequence[Sequence[dict[str, str]]]
Entities = list[dict[str, Any]]

# Names of `Post` that say how it appears, with their defaults there.
OPTIONS = (
    "silent", "protected", "pin", "link_preview", "caption_above", "general_allowed", "delete_after_minutes",
    "expire_hours",
)  # fmt: skip


@dataclass(frozen=True)
class Medium:
    """One file. ``kind``: a models.MediaKind; ``file``, or ``telegram_file_id`` for the bot ``bot_id``, or both."""

    kind: str
    file: StoredFile | None = None
    telegram_file_id: str = ""
    bot_id: int = 0
    name: str = ""
    mime: str = ""
    size: int | None = None
    width: int | None = None
    height: int | None = None
    duration: int | None = None
    text: str = ""
    entities: Entities = field(default_factory=list)
    spoiler: bool = False


# Links and other programs give the general topic this number; Telegram knows no such thread.
GENERAL = 1


@dataclass(frozen=True)
class Place:
    """A chat known to the bot, and a topic there (0: none, or the general one)."""

    chat: Chat
    thread: int = 0

    def __post_init__(self) -> None:
        if self.thread == GENERAL:
            object.__setattr__(self, "thread", 0)


@dataclass(frozen=True)
class Problem:
    """What is wrong: ``field`` as REST names it, ``code`` for programs, ``text`` says what to do. ``target``: in which
    chat, when it concerns one only."""

    field: str
    code: str
    text: str
    target: Place | None = None


class Refused(Exception):
    """The post cannot be so; nothing was saved."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(problem.text for problem in problems))
        self.problems = list(problems)


class NotNow(Exception):
    """The post does not allow it as it stands: ``code`` for programs, the text says what to do."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Stale(Exception):
    """Somebody changed it after it was read."""
