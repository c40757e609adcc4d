"""For load tests: many people who write at once, and a cheap count of what the bot did."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from .errors import ControlError

if TYPE_CHECKING:
    from .world import World

Body = dict[str, Any]
LOOK_SECONDS = 0.005
FIRST_ID = 1_000_001


def burst(world: World, body: Body) -> Body:
    """Each of `chats` people (ids from `first_id` on, made when needed) writes `per_chat` messages.

    All have the first message before anybody has the second. `{chat}` and `{n}` in `text` become the person's
    id and the number of the message. `began` and `ended` are seconds since the epoch.
    """
    first, text = int(body.get("first_id", FIRST_ID)), str(body.get("text", "{chat} {n}"))
    chats, rounds = range(first, first + int(body["chats"])), range(1, int(body["per_chat"]) + 1)
    if first <= 0:
        raise ControlError("first_id must be above zero")
    for user_id in chats:
        if user_id not in world.chats:
            world.add_user(user_id, f"Person {user_id}")
    began = world.clock()
    for n in rounds:
        for user_id in chats:
            world.say(user_id, text.replace("{chat}", str(user_id)).replace("{n}", str(n)))
    return {"began": began, "ended": world.clock(), "messages": len(chats) * len(rounds)}


async def counted(world: World, method: str, least: int, timeout: float) -> dict[str, int]:  # noqa: ASYNC109
    """Calls that succeeded, by method; after `least` of `method`, or after `timeout` seconds."""
    done, end = world.call_log.done, time.monotonic() + timeout
    # Looks instead of listening: waking up at each call would slow down the server that is measured with.
    while done[method] < least and time.monotonic() < end and not world.closing.is_set():  # noqa: ASYNC110
        await asyncio.sleep(LOOK_SECONDS)
    return dict(done)
