"""Changing messages of the bot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..chats import Chat, Message
from ..errors import bad
from ..files import CAPTIONED, KINDS
from ..keyboards import inline_keyboard
from ..rich import rich_message
from .common import UNPLAYED, Params, caption_fields, find_chat, require_present, text_fields, unsupported
from .media import ALONE, media_fields

if TYPE_CHECKING:
    from ..world import World

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)
TEXT_FIELDS = ("text", "entities", "rich_message", "link_preview_options")
CAPTION_FIELDS = ("caption", "caption_entities", "show_caption_above_media")
# There is no InputMedia for a voice or a video note.
MEDIA = frozenset(CAPTIONED) - {"voice"}


def editable(world: World, params: Params) -> tuple[Chat, Message]:
    """The message to edit, or ApiError: it must exist and be the bot's own."""
    if not UNPLAYED.isdisjoint(params):
        raise unsupported()
    chat = find_chat(world, params.get("chat_id"))
    require_present(world, chat)
    if not params.get("message_id"):
        raise bad("message identifier is not specified")
    message = chat.messages.get(params["message_id"])
    if message is None:
        raise bad("message to edit not found")
    if not own(world, chat, message):
        raise bad("message can't be edited")
    return chat, message


def own(world: World, chat: Chat, message: Message) -> bool:
    """The bot sent it and it can be changed; a forwarded message cannot."""
    if "forward_origin" in message:
        return False
    if chat.type == "channel":
        return message["message_id"] in chat.posts
    return bool(message["from"]["id"] == world.bot["id"])


def changed(
    world: World, chat: Chat, old: Message, dropped: tuple[str, ...], fields: dict[str, Any], params: Params
) -> Message:
    """Publish the new version; ApiError when nothing changed. Without reply_markup the keyboard goes away."""
    new = {name: value for name, value in old.items() if name not in dropped and name != "reply_markup"}
    new |= fields
    keyboard = inline_keyboard(params["reply_markup"]) if params.get("reply_markup") else None
    if keyboard:
        new["reply_markup"] = keyboard
    if new == old:
        raise bad(NOT_MODIFIED)
    if any(new.get(name) != old.get(name) for name in (*dropped, *fields)):
        new["edit_date"] = world.now()
    return world.replace(chat, new)


def edit_message_text(world: World, params: Params) -> Message:
    """New text of a text message."""
    chat, message = editable(world, params)
    if "text" not in message and "rich_message" not in message:
        raise bad("there is no text in the message to edit")
    rich = params.get("rich_message")
    fields = {"rich_message": rich_message(rich)} if rich else text_fields(params)
    return changed(world, chat, message, TEXT_FIELDS, fields, params)


async def edit_message_media(world: World, params: Params) -> Message:
    """Another file in place of the old one, or of a text."""
    chat, message = editable(world, params)
    given = params["media"]
    kind = given.get("type")
    if kind not in MEDIA:
        raise bad("can't parse InputMedia: unsupported type specified")
    if "media_group_id" in message and kind not in album_mates(message):
        raise bad("message can't be edited to this type of media in an album")
    fields = await media_fields(world, kind, given.get("media"), given, params.files)
    dropped = (*TEXT_FIELDS, *CAPTION_FIELDS, *KINDS, "has_media_spoiler")
    return changed(world, chat, message, dropped, fields, params)


def album_mates(message: Message) -> tuple[str, ...]:
    """The kinds that may stand in an album in place of this message's file."""
    return next(((kind,) for kind in ALONE if kind in message), ("photo", "video"))


def edit_message_caption(world: World, params: Params) -> Message:
    """New caption of a message with a file."""
    chat, message = editable(world, params)
    if not any(name in message for name in CAPTIONED):
        raise bad("there is no caption in the message to edit")
    return changed(world, chat, message, CAPTION_FIELDS, caption_fields(params), params)


def edit_message_reply_markup(world: World, params: Params) -> Message:
    """New buttons, or none."""
    chat, message = editable(world, params)
    return changed(world, chat, message, (), {}, params)


EDITING = {
    "editMessageText": edit_message_text,
    "editMessageMedia": edit_message_media,
    "editMessageCaption": edit_message_caption,
    "editMessageReplyMarkup": edit_message_reply_markup,
}
