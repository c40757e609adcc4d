"""Votes in polls, and reactions of people. Each function is also a method of World."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .chats import Chat, Message
from .errors import ControlError

if TYPE_CHECKING:
    from .world import World


@dataclass(slots=True)
class PollState:
    """A poll and who voted for what."""

    chat_id: int
    message_id: int
    votes: dict[int, list[int]] = field(default_factory=dict)


def poll_message(world: World, chat_id: int, message_id: int) -> tuple[Chat, Message]:
    """The chat and the message of a poll."""
    chat = world.chat(chat_id)
    message = chat.messages.get(message_id)
    if message is None or "poll" not in message:
        raise ControlError(f"message {message_id} in chat {chat_id} is no poll")
    return chat, message


def vote(world: World, user_id: int, message_id: int, options: list[int], chat_id: int | None = None) -> None:
    """A person votes for options by number from 0 (an empty list takes the vote back)."""
    chat, message = poll_message(world, user_id if chat_id is None else chat_id, message_id)
    poll = message["poll"]
    if poll["is_closed"]:
        raise ControlError("the poll is closed")
    if len(options) > 1 and not poll["allows_multiple_answers"]:
        raise ControlError("the poll takes one answer")
    if any(not 0 <= number < len(poll["options"]) for number in options):
        raise ControlError("there is no such option")
    state = world.polls[poll["id"]]
    if user_id in state.votes and not poll["allows_revoting"]:
        raise ControlError("the vote cannot be changed")
    state.votes[user_id] = options
    counted = recount(world, chat, message)
    if not poll["is_anonymous"]:
        ids = [poll["options"][number]["persistent_id"] for number in options]
        answer = {"poll_id": poll["id"], "user": world.user(user_id), "option_ids": options}
        world.updates.push("poll_answer", {**answer, "option_persistent_ids": ids})
    world.updates.push("poll", counted)


def recount(world: World, chat: Chat, message: Message, *, closed: bool = False) -> dict[str, Any]:
    """The poll with its votes counted, put into its message."""
    poll = message["poll"]
    votes = [options for options in world.polls[poll["id"]].votes.values() if options]
    options = [
        {**option, "voter_count": sum(number in chosen for chosen in votes)}
        for number, option in enumerate(poll["options"])
    ]
    counted = {**poll, "options": options, "total_voter_count": len(votes)}
    counted["is_closed"] = poll["is_closed"] or closed
    world.replace(chat, {**message, "poll": counted})
    return dict(counted)


def close_poll(world: World, chat_id: int, message_id: int) -> dict[str, Any]:
    """A poll ends (its time is up); the closed poll, which the bot hears of."""
    chat, message = poll_message(world, chat_id, message_id)
    counted = recount(world, chat, message, closed=True)
    world.updates.push("poll", counted)
    return counted


def react(world: World, user_id: int, message_id: int, emoji: str | None, chat_id: int | None = None) -> int | None:
    """A person reacts with an emoji, or takes it back with None; the id of the update."""
    chat = world.chat(user_id if chat_id is None else chat_id)
    if message_id not in chat.messages:
        raise ControlError(f"there is no message {message_id} in chat {chat.id}")
    old, new = put_reaction(world, chat, message_id, user_id, emoji)
    if not chat.leads(world.bot["id"]) and chat.type != "private":
        return None
    if chat.type == "channel":
        return tell_counts(world, chat, message_id)
    reaction = {
        "chat": chat.short(),
        "message_id": message_id,
        "user": world.user(user_id),
        "date": world.now(),
    }
    return world.updates.push("message_reaction", {**reaction, "old_reaction": old, "new_reaction": new})


def tell_counts(world: World, chat: Chat, message_id: int) -> int | None:
    """In a channel nobody is told who reacted: the bot hears how often there is each reaction now."""
    counts = Counter(row["emoji"] for rows in chat.reactions[message_id].values() for row in rows)
    reactions = [
        {"type": {"type": "emoji", "emoji": emoji}, "total_count": count} for emoji, count in counts.most_common()
    ]
    body = {"chat": chat.short(), "message_id": message_id, "date": world.now(), "reactions": reactions}
    return world.updates.push("message_reaction_count", body)


def put_reaction(
    world: World, chat: Chat, message_id: int, who: int, emoji: str | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Replace somebody's reaction to a message; the old and the new ones, as lists of ReactionType."""
    by_user = chat.reactions.setdefault(message_id, {})
    old = by_user.pop(who, [])
    new = [{"type": "emoji", "emoji": emoji}] if emoji else []
    if new:
        by_user[who] = new
    world.feed.emit("reaction", chat.id, {"chat_id": chat.id, "message_id": message_id, "reactions": by_user})
    return old, new
