"""What many methods need: the chat and whether the bot may write there, threads, replies, text, keyboards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import markup, talking
from ..chats import Chat, Message
from ..errors import ApiError, bad, forbidden
from ..files import Upload
from ..keyboards import inline_keyboard, reply_keyboard
from ..text import MAX_CAPTION, MAX_TEXT, Entity, check_entities, merged, trimmed, units

if TYPE_CHECKING:
    from ..world import World

# Parts of the API that the sandbox does not play; better refused than silently ignored.
UNPLAYED = frozenset(
    {
        "business_connection_id",
        "direct_messages_topic_id",
        "inline_message_id",
        "suggested_post_parameters",
    }
)


class Params(dict[str, Any]):
    """Checked parameters of a call and the files that came along, by field name."""

    def __init__(self, values: Mapping[str, Any], files: Mapping[str, Upload] | None = None) -> None:
        super().__init__(values)
        self.files = files or {}


def unsupported() -> ApiError:
    """The honest answer for what is not played."""
    return bad("not supported by the sandbox")


def find_chat(world: World, value: int | str | None) -> Chat:
    """The chat for an id or @username, or ApiError; also when it was upgraded or the bot was thrown out."""
    if value is None:
        raise bad("chat_id is empty")
    chat = world.chats.get(value) if isinstance(value, int) else by_username(world, value)
    if chat is None:
        known = value in world.users if isinstance(value, int) else False
        raise forbidden("bot can't initiate conversation with a user") if known else bad("chat not found")
    if chat.migrated_to is not None:
        text = "group chat was upgraded to a supergroup chat"
        raise bad(text, migrate_to_chat_id=chat.migrated_to)
    return chat


def by_username(world: World, name: str) -> Chat | None:
    """A public group or channel; people cannot be written to by name."""
    wanted = name.removeprefix("@").lower()
    found = (
        chat
        for chat in world.chats.values()
        if chat.type != "private" and chat.username and chat.username.lower() == wanted
    )
    return next(found, None)


def require_present(world: World, chat: Chat) -> None:
    """The bot is in the chat and the person did not block it; ApiError 403 otherwise."""
    if chat.type == "private":
        if chat.deactivated:
            raise forbidden("user is deactivated")
        if chat.blocked:
            raise forbidden("bot was blocked by the user")
        return
    if chat.status(world.bot["id"]) == "kicked":
        raise forbidden(f"bot was kicked from the {chat.type} chat")
    if not chat.has(world.bot["id"]):
        raise forbidden(f"bot is not a member of the {chat.type} chat")


def require_right(world: World, chat: Chat, right: str, what: str) -> None:
    """The bot administrates with this right; ApiError 400 `not enough rights to <what>` otherwise."""
    require_present(world, chat)
    if chat.type != "private" and not chat.right(world.bot["id"], right):
        raise bad(f"not enough rights to {what}")


def writable(world: World, params: Params, permission: str = "can_send_messages", what: str = "text messages") -> Chat:
    """The chat of a send, if the bot may send this there."""
    if not UNPLAYED.isdisjoint(params):
        raise unsupported()
    chat = find_chat(world, params.get("chat_id"))
    require_present(world, chat)
    bot = world.bot["id"]
    if chat.type == "channel":
        if not chat.right(bot, "can_post_messages"):
            raise bad("need administrator rights in the channel chat")
    elif chat.is_group and not chat.leads(bot):
        allowed = chat.permissions["can_send_messages"] and chat.permissions[permission]
        if chat.status(bot) == "restricted" or not allowed:
            raise bad(f"not enough rights to send {what} to the chat")
    return chat


def thread_fields(world: World, chat: Chat, params: Params) -> dict[str, Any]:
    """`message_thread_id` and `is_topic_message` of a new message; ApiError for a wrong or closed topic."""
    thread_id = params.get("message_thread_id")
    if not thread_id:
        return {}
    topic = chat.topics.get(thread_id)
    if topic is not None and (chat.is_forum or world.bot["has_topics_enabled"]):
        if topic.closed:
            raise bad("TOPIC_CLOSED")
        return {"message_thread_id": thread_id, "is_topic_message": True}
    if chat.type == "supergroup" and not chat.is_forum and thread_id in chat.messages:
        return {"message_thread_id": thread_id}
    raise bad("message thread not found")


def reply_fields(world: World, chat: Chat, params: Params) -> dict[str, Any]:
    """`reply_to_message` or `external_reply` of a new message, and the quote; ApiError when it is gone."""
    reply = params.get("reply_parameters")
    if not reply:
        return {}
    source = chat
    if reply.get("chat_id") not in (None, "", chat.id):
        source = find_chat(world, reply["chat_id"])
    original = source.messages.get(as_int(reply.get("message_id")))
    if original is None:
        if reply.get("allow_sending_without_reply") is True:
            return {}
        raise bad("message to be replied not found")
    if source is not chat:
        return {"external_reply": {"origin": origin_of(original), "chat": source.short()}}
    return {"reply_to_message": talking.flat(original), **quote_fields(original, reply)}


def quote_fields(original: Message, reply: dict[str, Any]) -> dict[str, Any]:
    """The quoted part of the replied message."""
    quote = reply.get("quote")
    if not quote:
        return {}
    text = original.get("text") or original.get("caption") or ""
    if quote not in text or units(quote) > MAX_CAPTION:
        raise bad("QUOTE_TEXT_INVALID")
    position = units(text[: text.index(quote)])
    return {"quote": {"text": quote, "position": position, "is_manual": True}}


def as_int(value: Any) -> int:
    """A number given as text or as a number; 0 for anything else."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def message_numbers(params: Params, limit: int) -> list[int]:
    """The `message_ids` of a call, 1 to `limit` of them; ApiError otherwise."""
    rows = params["message_ids"]
    if not rows:
        raise bad("message identifiers are not specified")
    if len(rows) > limit:
        raise bad("too many message identifiers specified")
    if any(as_int(row) == 0 for row in rows):
        raise bad("message identifiers must be numbers")
    return [as_int(row) for row in rows]


def origin_of(message: Message) -> dict[str, Any]:
    """The MessageOrigin object for a message that is forwarded."""
    if "forward_origin" in message:
        return dict(message["forward_origin"])
    if "sender_chat" in message:
        where = {"chat": message["sender_chat"], "message_id": message["message_id"]}
        return {"type": "channel", "date": message["date"], **where}
    return {"type": "user", "date": message["date"], "sender_user": message["from"]}


def formatted(text: str, parse_mode: str | None, entities: list[Any] | None) -> tuple[str, list[Entity]]:
    """Text and entities as the server keeps them: parsed, checked, trimmed, links and commands found."""
    given: list[Entity] = []
    if parse_mode:
        text, given = markup.parse(parse_mode, text)
    elif entities:
        given = check_entities(text, entities)
    text, given = trimmed(text, given)
    return text, merged(text, given)


def text_fields(params: Params) -> dict[str, Any]:
    """`text` and `entities` of a message; ApiError when empty or over 4096 units."""
    text = params.get("text") or ""
    text, entities = formatted(text, params.get("parse_mode"), params.get("entities"))
    if not text:
        raise bad("message text is empty")
    if units(text) > MAX_TEXT:
        raise bad("message is too long")
    fields: dict[str, Any] = {"text": text}
    if entities:
        fields["entities"] = entities
    if params.get("link_preview_options"):
        fields["link_preview_options"] = params["link_preview_options"]
    return fields


def caption_fields(params: Mapping[str, Any]) -> dict[str, Any]:
    """`caption` and `caption_entities`; empty without a caption; ApiError over 1024 units."""
    caption = params.get("caption") or ""
    if not caption:
        return {}
    text, entities = formatted(caption, params.get("parse_mode"), params.get("caption_entities"))
    if units(text) > MAX_CAPTION:
        raise bad("message caption is too long")
    fields: dict[str, Any] = {"caption": text} if text else {}
    if entities:
        fields["caption_entities"] = entities
    if params.get("show_caption_above_media"):
        fields["show_caption_above_media"] = True
    return fields


def bot_message(world: World, chat: Chat, params: Params, content: dict[str, Any]) -> Message:
    """A new message of the bot, published: envelope, thread, reply, content, inline keyboard."""
    thread, reply = thread_fields(world, chat, params), reply_fields(world, chat, params)
    raw_markup = params.get("reply_markup")
    keyboard = inline_keyboard(raw_markup) if raw_markup else None
    if params.get("ephemeral_message_parameters"):
        return whispered(world, chat, params, {**thread, **reply, **content}, keyboard)
    message: Message = {"message_id": world.next_message_id(chat)}
    if chat.type == "channel":
        message["sender_chat"] = chat.short()
        chat.posts.add(message["message_id"])
    else:
        message["from"] = world.sender
    message |= {"chat": chat.short(), "date": world.now(), **thread, **reply, **content}
    if params.get("protect_content"):
        message["has_protected_content"] = True
    if keyboard:
        message["reply_markup"] = keyboard
    elif raw_markup:
        chat.reply_keyboard = reply_keyboard(raw_markup)
        world.chat_changed(chat)
    return spoken(world, chat, message)


def whispered(
    world: World, chat: Chat, params: Params, content: dict[str, Any], keyboard: dict[str, Any] | None
) -> Message:
    """An ephemeral message: only one person of a group sees it, it has no number of its own, and it does not stay."""
    asked = params["ephemeral_message_parameters"]
    receiver = as_int(asked.get("receiver_user_id"))
    if not chat.is_group:
        raise bad("ephemeral messages can be sent only to groups")
    if not chat.has(receiver):
        raise bad("user not found")
    number = max(chat.ephemeral, default=0) + 1
    message: Message = {
        "message_id": 0,
        "ephemeral_message_id": number,
        "from": world.sender,
        "receiver_user": world.users[receiver],
        "chat": chat.short(),
        "date": world.now(),
        **content,
    }
    if keyboard:
        message["reply_markup"] = keyboard
    chat.ephemeral[number] = message
    world.feed.emit("ephemeral", chat.id, {"chat_id": chat.id, "message": message})
    return message


def spoken(world: World, chat: Chat, message: Message) -> Message:
    """Publish what the bot says: previews and typing of that thread end."""
    thread_id = message.get("message_thread_id")
    chat.last_bot = world.bot["id"]
    chat.actions.pop(thread_id, None)
    if chat.drafts:
        world.end_draft(chat, thread_id)
    return world.publish(chat, message)
