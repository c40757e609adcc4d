"""Looking at chats and tending them: members, pins, reactions, invite links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import people, talking, voting
from ..chats import Chat, member_record
from ..errors import bad
from .common import Params, find_chat, require_present, require_right

if TYPE_CHECKING:
    from ..world import World

EMOJI = frozenset([
    "👍", "👎", "❤", "🔥", "🥰", "👏", "😁", "🤔", "🤯", "😱", "🤬", "😢", "🎉", "🤩",
    "🤮", "💩", "🙏", "👌", "🕊", "🤡", "🥱", "🥴", "😍", "🐳", "❤\u200d🔥", "🌚", "🌭", "💯",
    "🤣", "⚡", "🍌", "🏆", "💔", "🤨", "😐", "🍓", "🍾", "💋", "🖕", "😈", "😴", "😭",
    "🤓", "👻", "👨\u200d💻", "👀", "🎃", "🙈", "😇", "😨", "🤝", "✍", "🤗", "🫡", "🎅", "🎄",
    "☃", "💅", "🤪", "🗿", "🆒", "💘", "🙉", "🦄", "😘", "💊", "🙊", "😎", "👾", "🤷\u200d♂",
    "🤷", "🤷\u200d♀", "😡",
])  # fmt: skip


def present(world: World, params: Params) -> Chat:
    """The chat, if the bot is in it."""
    chat = find_chat(world, params["chat_id"])
    if chat.type != "private":
        require_present(world, chat)
    return chat


def get_chat(world: World, params: Params) -> dict[str, Any]:
    """The ChatFullInfo object."""
    chat = present(world, params)
    info: dict[str, Any] = {
        **chat.short(),
        "accent_color_id": abs(chat.id) % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(
            (
                "unlimited_gifts",
                "limited_gifts",
                "unique_gifts",
                "premium_subscription",
                "gifts_from_channels",
            ),
            False,
        ),
    }
    if chat.is_group:
        info["permissions"] = chat.permissions
    if chat.username:
        info["active_usernames"] = [chat.username]
    if chat.description:
        info["description"] = chat.description
    if chat.pinned:
        info["pinned_message"] = chat.messages[chat.pinned[-1]]
    primary = next((link for link in chat.invite_links if link["is_primary"]), None)
    return info | ({"invite_link": primary["invite_link"]} if primary else {})


def get_chat_member(world: World, params: Params) -> dict[str, Any]:
    """Somebody's part in the chat; `left` for a person who was never there."""
    chat, user = present(world, params), world.users.get(params["user_id"])
    if user is None:
        raise bad("member not found")
    return member_record(chat, user)


def get_chat_administrators(world: World, params: Params) -> list[dict[str, Any]]:
    """Owner and administrators; of the bots only ours."""
    chat = present(world, params)
    if chat.type == "private":
        raise bad("there are no administrators in the private chat")
    leaders = [world.users[user_id] for user_id in chat.members if chat.leads(user_id)]
    own = world.bot["id"]
    return [member_record(chat, user) for user in leaders if not user["is_bot"] or user["id"] == own]


def get_chat_member_count(world: World, params: Params) -> int:
    """How many are in the chat, the bot counted."""
    chat = present(world, params)
    return sum(chat.has(user_id) for user_id in chat.members)


def leave_chat(world: World, params: Params) -> bool:
    """The bot leaves a group or channel."""
    chat = find_chat(world, params["chat_id"])
    require_present(world, chat)
    if chat.type == "private":
        raise bad("chat member status can't be changed in private chats")
    people.member(world, chat.id, world.bot["id"], "left")
    return True


def pins(world: World, params: Params) -> Chat:
    """The chat, if the bot may pin there."""
    chat = find_chat(world, params["chat_id"])
    right = "can_edit_messages" if chat.type == "channel" else "can_pin_messages"
    require_right(world, chat, right, "manage pinned messages in the chat")
    return chat


def told_pins(world: World, chat: Chat, message_id: int | None, pinned: bool) -> bool:
    """Tell who watches what is pinned now."""
    shown = {"chat_id": chat.id, "message_id": message_id, "is_pinned": pinned, "pinned": list(chat.pinned)}
    world.feed.emit("pin", chat.id, shown)
    return True


def pin_chat_message(world: World, params: Params) -> bool:
    """Pin a message; everybody sees a note of it."""
    chat, message_id = pins(world, params), params["message_id"]
    if message_id not in chat.messages:
        raise bad("message to pin not found")
    chat.pinned = [*(number for number in chat.pinned if number != message_id), message_id]
    if chat.type != "channel":
        note = {"message_id": world.next_message_id(chat), "from": world.sender, "chat": chat.short()}
        world.publish(chat, {**note, "date": world.now(), "pinned_message": talking.flat(chat.messages[message_id])})
    return told_pins(world, chat, message_id, True)


def unpin_chat_message(world: World, params: Params) -> bool:
    """Unpin a message, the newest pinned one when none is named."""
    chat = pins(world, params)
    message_id = params.get("message_id") or (chat.pinned[-1] if chat.pinned else None)
    if message_id not in chat.pinned:
        raise bad("message to unpin not found")
    chat.pinned.remove(message_id)
    return told_pins(world, chat, message_id, False)


def unpin_all(world: World, params: Params) -> bool:
    """Unpin everything."""
    chat = pins(world, params)
    chat.pinned.clear()
    return told_pins(world, chat, None, False)


def set_message_reaction(world: World, params: Params) -> bool:
    """The bot's reaction to a message: one emoji of the usual ones, or none."""
    chat = find_chat(world, params["chat_id"])
    require_present(world, chat)
    if params["message_id"] not in chat.messages:
        raise bad("message to react not found")
    reactions = params.get("reaction") or []
    if len(reactions) > 1:
        raise bad("REACTIONS_TOO_MANY")
    emoji = emoji_of(reactions[0]) if reactions else None
    voting.put_reaction(world, chat, params["message_id"], world.bot["id"], emoji)
    return True


def emoji_of(reaction: Any) -> str:
    """The emoji of a ReactionTypeEmoji, if bots may use it."""
    given = reaction if isinstance(reaction, dict) else {}
    emoji = str(given.get("emoji", "")).replace("\ufe0f", "")
    if given.get("type") != "emoji" or emoji not in EMOJI:
        raise bad("REACTION_INVALID")
    return emoji


def new_link(world: World, params: Params, *, primary: bool) -> dict[str, Any]:
    """A fresh invite link of a group or channel."""
    chat = find_chat(world, params["chat_id"])
    if chat.type == "private":
        raise bad("chat invite links can't be created for private chats")
    require_right(world, chat, "can_invite_users", "manage chat invite link")
    link: dict[str, Any] = {
        "invite_link": f"https://t.me/+{int(world.number()) % 10**12:012d}",
        "creator": world.sender,
        "creates_join_request": bool(params.get("creates_join_request")),
        "is_primary": primary,
        "is_revoked": False,
    }
    link |= {name: params[name] for name in ("name", "expire_date", "member_limit") if params.get(name)}
    if primary:
        chat.invite_links = [old for old in chat.invite_links if not old["is_primary"]]
    chat.invite_links.append(link)
    return link


def export_chat_invite_link(world: World, params: Params) -> str:
    """A new primary link; the old one ends."""
    return str(new_link(world, params, primary=True)["invite_link"])


def create_chat_invite_link(world: World, params: Params) -> dict[str, Any]:
    """One more link."""
    return new_link(world, params, primary=False)


CHATTING = {
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatAdministrators": get_chat_administrators,
    "getChatMemberCount": get_chat_member_count,
    "leaveChat": leave_chat,
    "pinChatMessage": pin_chat_message,
    "unpinChatMessage": unpin_chat_message,
    "unpinAllChatMessages": unpin_all,
    "setMessageReaction": set_message_reaction,
    "exportChatInviteLink": export_chat_invite_link,
    "createChatInviteLink": create_chat_invite_link,
}
