"""The world as JSON for the control API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .chats import Chat, Draft, Message
from .files import KINDS

if TYPE_CHECKING:
    from .world import World


def file_of(message: Message) -> dict[str, Any] | None:
    """The (largest) file object of a message."""
    for kind in KINDS:
        if kind in message:
            found = message[kind][-1] if kind == "photo" else message[kind]
            return dict(found)
    return None


def seen(message: Message) -> Message:
    """A message as the page needs it: with `file_url`, a path on this server, when it holds a file."""
    stored = file_of(message)
    if stored is None:
        return message
    return {**message, "file_url": f"/_sandbox/file/{stored['file_unique_id']}"}


def draft_view(draft: Draft) -> dict[str, Any]:
    """A preview; the same fields as the `draft` event."""
    view: dict[str, Any] = {
        "draft_id": draft.draft_id,
        "text": draft.text,
        "entities": draft.entities,
        "message_thread_id": draft.thread_id,
        "can_stop": draft.can_stop,
        "keep_on_stop": draft.keep_on_stop,
        "until": draft.until,
    }
    if draft.rich_message is not None:
        view["rich_message"] = draft.rich_message
    return view


def chat_summary(world: World, chat: Chat) -> dict[str, Any]:
    """A chat without its messages."""
    now = world.clock()
    return {
        **chat.short(),
        "title": chat.title or " ".join(filter(None, [chat.first_name, chat.last_name])),
        "members": [user_id for user_id in chat.members if chat.has(user_id)],
        "statuses": {str(user_id): status for user_id, status in chat.members.items()},
        "bot_status": bot_status(world, chat),
        "blocked": chat.blocked,
        "migrated_to": chat.migrated_to,
        "topics": [
            {"message_thread_id": topic.thread_id, "name": topic.name, "closed": topic.closed}
            for topic in chat.topics.values()
        ],
        "pinned": list(chat.pinned),
        "reply_keyboard": chat.reply_keyboard,
        "reactions": {str(number): by_user for number, by_user in chat.reactions.items()},
        "drafts": {str(draft.draft_id): draft_view(draft) for draft in chat.drafts.values()},
        "actions": [
            {"action": action, "message_thread_id": thread_id, "until": until}
            for thread_id, (action, until) in chat.actions.items()
            if until > now
        ],
    }


def bot_status(world: World, chat: Chat) -> str:
    """`kicked` for a private chat whose person blocked the bot, else the bot's status there."""
    return "kicked" if chat.blocked else chat.status(world.bot["id"])


def chat_view(world: World, chat: Chat) -> dict[str, Any]:
    """A chat with its messages."""
    return {
        **chat_summary(world, chat),
        "messages": [seen(message) for message in chat.messages.values()],
        "ephemeral": [seen(message) for message in chat.ephemeral.values()],
    }


def command_lists(world: World) -> list[dict[str, Any]]:
    """All command lists with their scope and language."""
    return [
        {"scope": scope_view(scope, chat_id, user_id), "language_code": language, "commands": commands}
        for (scope, chat_id, user_id, language), commands in world.commands.items()
    ]


def scope_view(scope: str, chat_id: int | None, user_id: int | None) -> dict[str, Any]:
    """A BotCommandScope object."""
    where = {"chat_id": chat_id, "user_id": user_id}
    return {"type": scope, **{name: value for name, value in where.items() if value is not None}}


def state(world: World, chat_id: int | None = None) -> dict[str, Any]:
    """Everything; with `chat_id` only that chat."""
    chats = [world.chat(chat_id)] if chat_id is not None else list(world.chats.values())
    return {
        "bot": world.bot,
        "users": [user for user in world.users.values() if user["id"] != world.bot["id"]],
        "chats": [chat_view(world, chat) for chat in chats],
        "commands": command_lists(world),
        "pending_updates": len(world.updates.pending),
        "last_event_id": world.feed.last_id,
    }
