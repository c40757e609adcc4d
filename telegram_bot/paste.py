"""Several messages that are one question: a long paste, cut by the sender's app near 4,096, and an album.

Only a message close to that limit, or one of an album, waits up to a second for the next part. Nothing else is held
back.
"""

import asyncio
from itertools import pairwise
from typing import Any

from core.claims import WORKER, database_now
from core.db import in_db
from telegram_bot import lanes
from telegram_bot.incoming import Incoming
from telegram_bot.markdown import MESSAGE_UNITS, units
from telegram_bot.models import Update

# Apps cut at a word or a line, so a part may be a little shorter than the limit.
NEAR_LIMIT = MESSAGE_UNITS - 300
QUIET_SECONDS = 1.0
LOOK_EVERY = 0.1
MOST_PARTS = 50
# https://core.telegram.org/bots/api#sendmediagroup
MOST_IN_ALBUM = 10


async def whole(incoming: Incoming) -> dict[str, Any]:
    """The raw update, with the parts that follow it joined on; their rows become this one's.

    A paste's texts are joined; its messages as they came are in ``incoming.pasted``. The messages of an album are in
    ``incoming.album``, and its words in the first.
    """
    raw = dict(incoming.update.raw)
    if _group(raw):
        return await _album(incoming, raw)
    texts = [text] if (text := _written(raw)) else []
    parts = [raw.get("message", {})]
    while texts and units(texts[-1]) >= NEAR_LIMIT and len(texts) < MOST_PARTS:
        part = await _next(incoming)
        if part is None:
            break
        incoming.ids.append(part.pk)
        texts.append(_pasted(part.raw))
        parts.append(part.raw["message"])
    if len(texts) > 1:
        incoming.pasted = parts
        # The entities of the parts no longer fit; a question needs none, and a command its own.
        marks = [mark for mark in raw["message"].get("entities", ()) if _is_command(mark)]
        raw["message"] = {**raw["message"], "text": joined(texts), "entities": marks}
    return raw


async def _album(incoming: Incoming, raw: dict[str, Any]) -> dict[str, Any]:
    incoming.album = [raw["message"]]
    while len(incoming.album) < MOST_IN_ALBUM and (part := await _next(incoming)) is not None:
        incoming.ids.append(part.pk)
        incoming.album.append(part.raw["message"])
    worded = next((message for message in incoming.album if message.get("caption")), raw["message"])
    words = {key: worded[key] for key in ("caption", "caption_entities") if key in worded}
    return {**raw, "message": {**raw["message"], **words}}


def _group(raw: dict[str, Any]) -> str:
    """The album that a new message belongs to, if any."""
    message = raw.get("message")
    return str(message.get("media_group_id") or "") if isinstance(message, dict) else ""


def joined(texts: list[str]) -> str:
    whole = texts[0]
    for before, after in pairwise(texts):
        whole += glue(before) + after
    return whole


def glue(before: str) -> str:
    """What stood after this part: one that fills the message to the last unit was cut in the middle, a shorter one at
    a blank."""
    return "" if units(before) >= MESSAGE_UNITS else "\n"


def _written(raw: dict[str, Any]) -> str:
    """The text of a message somebody typed or pasted; empty for forwards and everything else."""
    message = raw.get("message")
    if not isinstance(message, dict) or "forward_origin" in message:
        return ""
    return str(message.get("text") or "")


def _pasted(raw: dict[str, Any]) -> str:
    """As `_written`, where a text may go on: a command begins something else."""
    text = _written(raw)
    return "" if text.startswith("/") else text


def _is_command(mark: dict[str, Any]) -> bool:
    return mark.get("type") == "bot_command" and mark.get("offset") == 0


async def _next(incoming: Incoming) -> Update | None:
    for _look in range(round(QUIET_SECONDS / LOOK_EVERY)):
        part, over = await in_db(_claim_next, incoming.update, incoming.ids[-1])
        if part is not None or over:
            return part
        await asyncio.sleep(LOOK_EVERY)
    return None


def _claim_next(first: Update, last_id: int) -> tuple[Update | None, bool]:
    """The next update of the lane, claimed, if it goes on where the last part ended; and whether there can be no
    further part, because something else follows."""
    after = Update.objects.filter(pk=last_id).values("update_id")
    waiting = Update.objects.filter(lane=first.lane, state=Update.State.NEW, update_id__gt=after[:1])
    part = waiting.order_by("update_id").first()
    if part is None:
        return None, False
    if not _goes_on(first.raw, part.raw):
        return None, True
    claimed = Update.objects.filter(pk=part.pk, state=Update.State.NEW).update(
        state=Update.State.RUNNING, worker=WORKER, lease_until=first.lease_until or database_now()
    )
    return (part, False) if claimed else (None, True)


def _goes_on(first: dict[str, Any], raw: dict[str, Any]) -> bool:
    if group := _group(first):
        return _group(raw) == group
    return bool(_pasted(raw)) and _sender(raw) == _sender(first)


def _sender(raw: dict[str, Any]) -> Any:
    return lanes.body_of(raw).get("from", {}).get("id")
