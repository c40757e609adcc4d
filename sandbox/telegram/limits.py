"""Flood limits of the server, and when they answer 429.

About 1 message a second in a private chat (3 at once), 20 a minute in a group or channel (5 at once), 30 a second for
the whole bot. Edits count like sends. Previews (drafts) have an allowance of their own in their chat, but
count for the bot. Limits are a little softer than stated, as the network makes steady senders arrive in heaps.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from .chats import Chat
from .errors import too_many

DRAFTS = frozenset({"sendMessageDraft", "sendRichMessageDraft"})
FREE = frozenset({"sendChatAction"})


@dataclass(slots=True)
class Bucket:
    """Tokens that come back at `rate` per second, `burst` at most."""

    rate: float
    burst: float
    level: float = 0.0
    at: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until one token is there (0: now). Takes nothing."""
        self.level = max(0.0, self.level - (now - self.at) * self.rate)
        self.at = now
        return max(0.0, (self.level + 1 - self.burst) / self.rate)


def _is_public(chat: Chat) -> bool:
    """Where many read: groups, and channels, which count as groups."""
    return chat.type != "private"


@dataclass
class Limits:
    """The rules and what was used of them. Rates per second, except `group_per_minute`."""

    enabled: bool = True
    chat_rate: float = 1.0
    chat_burst: float = 3.0
    group_per_minute: int = 20
    group_burst: float = 5.0
    draft_rate: float = 2.0
    draft_burst: float = 5.0
    bot_rate: float = 30.0
    slack: float = 0.25
    clock: Callable[[], float] = time.monotonic
    _chats: dict[tuple[int, bool], Bucket] = field(default_factory=dict)
    _bot: Bucket | None = None

    RULES = (
        "enabled",
        "chat_rate",
        "chat_burst",
        "group_per_minute",
        "group_burst",
        "bot_rate",
        "draft_rate",
    )

    def configure(self, **rules: float) -> None:
        """Change rules by name and forget what was used; ValueError for a wrong name or rate."""
        for name, value in rules.items():
            if name not in self.RULES:
                raise ValueError(f"unknown limit {name}; there are {', '.join(self.RULES)}")
            if name != "enabled" and value <= 0:
                raise ValueError(f"{name} must be above zero")
        for name, value in rules.items():
            setattr(self, name, value)
        self._chats.clear()
        self._bot = None

    def check(self, method: str, chat: Chat, count: int = 1) -> None:
        """Count one call with `count` messages, or raise ApiError 429 with the whole seconds to wait."""
        if not self.enabled or method in FREE:
            return
        now = self.clock()
        draft = method in DRAFTS
        buckets = [self._for_bot(), self._for_chat(chat, draft)]
        wait = max(bucket.wait(now) for bucket in buckets)
        if _is_public(chat) and not draft:
            wait = max(wait, self._minute(chat.sent, now))
        if wait > 0:
            raise too_many(max(1, math.ceil(wait)))
        for bucket in buckets:
            bucket.level += 1
        if _is_public(chat) and not draft:
            chat.sent.extend([now] * count)

    def _for_bot(self) -> Bucket:
        if self._bot is None:
            self._bot = Bucket(self.bot_rate, self.bot_rate + self.slack)
        return self._bot

    def _for_chat(self, chat: Chat, draft: bool) -> Bucket:
        key = (chat.id, draft)
        if key not in self._chats:
            burst = self.draft_burst if draft else self.group_burst if _is_public(chat) else self.chat_burst
            rate = self.draft_rate if draft else self.chat_rate
            self._chats[key] = Bucket(rate, burst + self.slack)
        return self._chats[key]

    def _minute(self, sent: deque[float], now: float) -> float:
        """Seconds until fewer than `group_per_minute` lie in the last minute."""
        window = 60.0 - self.slack
        while sent and sent[0] <= now - window:
            sent.popleft()
        return sent[-self.group_per_minute] + window - now if len(sent) >= self.group_per_minute else 0.0
