"""The things a world is made of: people, chats, topics, drafts. Plain records, no rules."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

User = dict[str, Any]
Message = dict[str, Any]
GROUPS = {"group", "supergroup"}
PRESENT = {"creator", "administrator", "member", "restricted"}
ADMINISTRATORS = {"creator", "administrator"}
PERMISSIONS = (
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_react_to_messages",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
)
RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_send_welcome_messages",
)
RIGHTS_BY_TYPE = {
    "supergroup": ("can_pin_messages", "can_manage_topics", "can_manage_tags"),
    "group": ("can_pin_messages",),
    "channel": ("can_post_messages", "can_edit_messages"),
}


@dataclass(slots=True)
class Draft:
    """A preview in a private chat; `until` is when it vanishes (seconds since the epoch)."""

    draft_id: int
    thread_id: int | None
    text: str
    entities: list[dict[str, Any]]
    until: float
    can_stop: bool = False
    keep_on_stop: bool = False
    rich_message: dict[str, Any] | None = None


@dataclass(slots=True)
class Topic:
    """A forum topic, or a topic of a private chat."""

    thread_id: int
    name: str
    icon_color: int = 0x6FB9F0
    icon_custom_emoji_id: str | None = None
    closed: bool = False


@dataclass(slots=True)
class Chat:
    """One chat as everybody in it sees it."""

    id: int
    type: str
    title: str | None = None
    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    is_forum: bool = False
    members: dict[int, str] = field(default_factory=dict)
    rights: dict[int, dict[str, bool]] = field(default_factory=dict)
    permissions: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(PERMISSIONS, True))
    messages: dict[int, Message] = field(default_factory=dict)
    reactions: dict[int, dict[int, list[dict[str, Any]]]] = field(default_factory=dict)
    # What only one person sees, by its own number.
    ephemeral: dict[int, Message] = field(default_factory=dict)
    drafts: dict[int | None, Draft] = field(default_factory=dict)
    stopped_drafts: set[int] = field(default_factory=set)
    actions: dict[int | None, tuple[str, float]] = field(default_factory=dict)
    topics: dict[int, Topic] = field(default_factory=dict)
    pinned: list[int] = field(default_factory=list)
    reply_keyboard: dict[str, Any] | None = None
    invite_links: list[dict[str, Any]] = field(default_factory=list)
    migrated_to: int | None = None
    description: str | None = None
    # A person blocked the bot or deleted the account; only private chats.
    blocked: bool = False
    deactivated: bool = False
    # Privacy mode as it was when the bot came in: changing the setting needs re-adding the bot.
    bot_reads_all: bool = False
    last_bot: int | None = None
    # Posts of our bot in a channel, where messages do not name their sender.
    posts: set[int] = field(default_factory=set)
    # The discussion group of a channel, which gets a copy of each post.
    linked: int | None = None
    # How many numbers of messages were used up; only in supergroups and channels.
    numbered: int = 0
    # When the bot sent or edited here, for the flood limits (monotonic seconds).
    sent: deque[float] = field(default_factory=deque)
    _short: dict[str, Any] | None = None

    @property
    def is_group(self) -> bool:
        """Basic group or supergroup."""
        return self.type in GROUPS

    def short(self) -> dict[str, Any]:
        """The Chat object inside messages. The same object each time: do not change it."""
        if self._short is None:
            fields = ("title", "username", "first_name", "last_name")
            named = {name: getattr(self, name) for name in fields if getattr(self, name)}
            self._short = {"id": self.id, **named, "type": self.type}
            if self.is_forum:
                self._short["is_forum"] = True
        return self._short

    def changed(self) -> None:
        """Forget the cached Chat object after a field of it changed."""
        self._short = None

    def status(self, user_id: int) -> str:
        """`member`, `administrator`, ..., or `left` for somebody unknown here."""
        return self.members.get(user_id, "left")

    def has(self, user_id: int) -> bool:
        """The person or bot is in the chat."""
        return self.members.get(user_id) in PRESENT

    def leads(self, user_id: int) -> bool:
        """The person or bot is an administrator or the owner."""
        return self.members.get(user_id) in ADMINISTRATORS

    def right(self, user_id: int, name: str) -> bool:
        """An administrator has this right (all, until some are taken away)."""
        return self.leads(user_id) and self.rights.get(user_id, {}).get(name, True)


def member_record(chat: Chat, user: User) -> dict[str, Any]:
    """The ChatMember object of a person in a chat."""
    status = chat.status(user["id"])
    record: dict[str, Any] = {"user": user, "status": status}
    if status == "creator":
        record["is_anonymous"] = False
    if status == "administrator":
        names = (*RIGHTS, *RIGHTS_BY_TYPE.get(chat.type, ()))
        rights = {name: chat.right(user["id"], name) for name in names}
        record |= {"can_be_edited": False, "is_anonymous": False, **rights}
    if status == "restricted":
        record |= {"is_member": True, "until_date": 0, **chat.permissions}
    if status == "kicked":
        record["until_date"] = 0
    return record
