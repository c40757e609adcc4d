"""The world of the sandbox: one bot, people, chats, and everything that was said.

State and its small rules are here; what people do is in `people`, `talking` and `voting`, what the bot may
call in `methods`. Everything runs in one event loop: call the methods of World from that loop's thread only.
Unknown ids raise ControlError.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar

from . import channels, people, talking, views, voting
from .calls import CallLog, CallRecord
from .chats import Chat, Message, User
from .errors import ControlError
from .faults import Faults
from .feed import Feed
from .files import Files
from .limits import Limits
from .seed import seed_world
from .signals import Signal
from .updates import Updates
from .webhook import Webhook

T = TypeVar("T")
DRAFT_SECONDS = 30.0
CALLBACK_SECONDS = 150.0


class World:
    """Everything the fake server knows. `clock` gives seconds since the epoch; a test may replace it.

    Messages are numbered from `first` on, updates as many above 100 million.
    """

    def __init__(
        self,
        token: str = "1000:sandbox-token",  # noqa: S107 (opens nothing but this sandbox)
        *,
        strict: bool = False,
        limits: bool = True,
        seed: bool = True,
        admin_chat: int | None = None,
        first: int = 1,
    ) -> None:
        self.clock: Callable[[], float] = time.time
        self.token = token
        self.token_valid = True
        self.strict = strict
        self.draft_seconds = DRAFT_SECONDS
        self.callback_seconds = CALLBACK_SECONDS
        self.bot = new_bot(int(token.split(":", 1)[0]))
        # The bot as sender: without what only getMe tells.
        self.sender: User = {name: self.bot[name] for name in ("id", "is_bot", "first_name", "username")}
        self.users: dict[int, User] = {self.bot["id"]: self.sender}
        self.chats: dict[int, Chat] = {}
        self.feed = Feed()
        self.news = Signal()
        self.feed.signal = self.news
        self.updates = Updates(lambda: self.clock(), self.news.notify, 100_000_000 + first)
        self.webhook = Webhook(self.updates, lambda: self.clock())
        self.call_log = CallLog()
        self.faults = Faults()
        self.limits = Limits(enabled=limits)
        self.files = Files(self.bot["id"], lambda: self.clock())
        self.callbacks: dict[str, talking.Press] = {}
        self.polls: dict[str, voting.PollState] = {}
        self.commands: dict[tuple[str, int | None, int | None, str], list[dict[str, Any]]] = {}
        self.profile: dict[tuple[str, str], str] = {}
        self.closing = asyncio.Event()
        self.numbers = count(1)
        self.first = first
        self._message_ids = count(first)
        if seed:
            seed_world(self, admin_chat)

    # ------------------------------------------------------------------ records

    def now(self) -> int:
        """Whole seconds since the epoch, for `date` fields."""
        return int(self.clock())

    def number(self) -> str:
        """A fresh identifier as a string of digits."""
        return str(4_000_000_000_000_000_000 + next(self.numbers))

    def chat(self, chat_id: int) -> Chat:
        """The chat; ControlError for an unknown id."""
        try:
            return self.chats[chat_id]
        except KeyError:
            raise ControlError(f"there is no chat {chat_id}") from None

    def user(self, user_id: int) -> User:
        """The person or bot; ControlError for an unknown id."""
        try:
            return self.users[user_id]
        except KeyError:
            raise ControlError(f"there is no user {user_id}") from None

    def next_message_id(self, chat: Chat) -> int:
        """Supergroups and channels count for themselves; all other chats of the bot share one counter."""
        if chat.type in {"supergroup", "channel"}:
            chat.numbered += 1
            return self.first + chat.numbered - 1
        return next(self._message_ids)

    def publish(self, chat: Chat, message: Message) -> Message:
        """Put a message into its chat and tell who watches."""
        chat.messages[message["message_id"]] = message
        self.feed.emit("message", chat.id, {"chat_id": chat.id, "message": views.seen(message)})
        if chat.linked is not None:
            channels.discuss(self, chat, message)
        return message

    def replace(self, chat: Chat, message: Message) -> Message:
        """Put the new version of a message into its chat and tell who watches."""
        chat.messages[message["message_id"]] = message
        self.feed.emit("edit", chat.id, {"chat_id": chat.id, "message": views.seen(message)})
        return message

    def remove(self, chat: Chat, message_ids: list[int]) -> None:
        """Take messages out of a chat."""
        gone = [number for number in message_ids if chat.messages.pop(number, None) is not None]
        chat.pinned = [number for number in chat.pinned if number not in gone]
        if gone:
            self.feed.emit("delete", chat.id, {"chat_id": chat.id, "message_ids": gone})

    def end_draft(self, chat: Chat, thread_id: int | None) -> None:
        """A preview vanishes."""
        draft = chat.drafts.pop(thread_id, None)
        if draft is not None:
            self.feed.emit("draft_end", chat.id, {"chat_id": chat.id, "draft_id": draft.draft_id})

    def chat_changed(self, chat: Chat) -> None:
        """Tell who watches that a chat looks different now."""
        chat.changed()
        self.feed.emit("chat", chat.id, {"chat": views.chat_summary(self, chat)})

    # ------------------------------------------------------------------ watching

    def calls(
        self, method: str | None = None, chat_id: int | None = None, since: float | None = None
    ) -> list[CallRecord]:
        """What the bot called, oldest first; fields as attributes or by `record["..."]`, see CallRecord."""
        return self.call_log.select(method, chat_id, since)

    def state(self, chat_id: int | None = None) -> dict[str, Any]:
        """The whole world (or one chat of it) as JSON values."""
        return views.state(self, chat_id)

    async def wait_for(self, predicate: Callable[[], T], timeout: float = 60.0) -> T:  # noqa: ASYNC109
        """What `predicate()` returns once it is true, asked at each event and call; else TimeoutError."""
        end = time.monotonic() + timeout
        while not (found := predicate()):
            if not await self.news.wait(max(0.0, end - time.monotonic())):
                raise TimeoutError(f"nothing of that kind happened within {timeout} s")
        return found

    async def close(self) -> None:
        """End polls, streams, hanging calls and webhook deliveries."""
        self.closing.set()
        self.updates.close()
        self.feed.close()
        await self.webhook.close()

    # ------------------------------------------------------------------ what people do

    say = talking.say
    paste = talking.paste
    album = talking.album
    edit = talking.edit
    press = talking.press
    stop_draft = talking.stop_draft
    member = people.member
    block = people.block
    migrate = people.migrate
    vote = voting.vote
    close_poll = voting.close_poll
    react = voting.react
    link = channels.link
    forward = channels.forward
    pin = channels.pin
    add_user = people.add_user
    add_chat = people.add_chat


def new_bot(bot_id: int) -> User:
    """The bot as getMe shows it."""
    return {
        "id": bot_id,
        "is_bot": True,
        "first_name": "Секретарь",
        "username": "sekretar_bot",
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": False,
        "allows_users_to_create_topics": False,
        "can_manage_bots": False,
    }
