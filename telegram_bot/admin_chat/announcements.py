"""Announcements in the admins' words: write, see exactly what people will see, send or give up, repeat."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import services as accounts
from telegram_bot import broadcasts, outgoing
from telegram_bot.admin_chat.command import Asked, View
from telegram_bot.admin_chat.people import VIA
from telegram_bot.markdown import units
from telegram_bot.models import Broadcast
from telegram_bot.outgoing import Place

COMMAND = re.compile(r"/\w+(@\w+)?\s+broadcast\b\s*", re.IGNORECASE)


def draft(asked: Asked) -> View | None:
    """``broadcast <text>``, or as a reply; shows the announcement itself, then asks."""
    text, entities = _written(asked.message)
    if not text:
        return _how(asked)
    made = broadcasts.draft(text, entities, by=asked.by, place=asked.place, now=asked.now)
    place = Place(asked.place.bot_id, asked.place.chat_id, asked.place.thread)
    outgoing.say(f"{asked.key}:preview", place, broadcasts.parts(made), broadcasts.keyboard())
    count = broadcasts.audience().count()
    said = ngettext(
        "This is how it will look. %(count)d person gets it.",
        "This is how it will look. %(count)d people get it.",
        count,
    )
    return View(said % {"count": count}, broadcasts.ways_on(made, {}), back=None)


def _how(asked: Asked) -> View | None:
    """What to write, and how the newest announcement is doing. What is neither text nor a reply is a mistake."""
    if asked.message.get("reply_to_message"):
        return View(_("So far I can announce only text."))
    said = _("Write `/admin broadcast` and your text, or reply with `/admin broadcast` to a message. You see it first.")
    newest = Broadcast.objects.order_by("-pk").first()
    if newest is None:
        return View(said)
    shown = _shown(newest)
    return replace(shown, text=f"{said}\n\n{shown.text}")


def _written(message: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """What follows the command with its entities, else the message that it replies to."""
    text = str(message.get("text") or "")
    found = COMMAND.match(text)
    if found is None:
        return "", []
    if rest := text[found.end() :].rstrip():
        return rest, _moved(message.get("entities") or [], units(text[: found.end()]))
    replied = message.get("reply_to_message") or {}
    return str(replied.get("text") or ""), list(replied.get("entities") or [])


def _moved(entities: list[dict[str, Any]], by: int) -> list[dict[str, Any]]:
    return [{**entity, "offset": entity["offset"] - by} for entity in entities if entity["offset"] >= by]


# --- buttons --------------------------------------------------------------------------------------------------------


def send(asked: Asked) -> View | None:
    """``broadcast send <number>``: let it leave. Pressed twice, it leaves once."""
    return _done(asked, "broadcast.started", lambda found: broadcasts.start(found, asked.now))


def cancel(asked: Asked) -> View | None:
    """``broadcast cancel <number>``: give a draft up, or send no more of what is leaving."""
    return _done(asked, "broadcast.cancelled", lambda found: broadcasts.stop(found, asked.now))


def again(asked: Asked) -> View | None:
    """``broadcast again <number>``: repeat what may not have arrived."""
    return _done(asked, "broadcast.repeated", lambda found: broadcasts.again(found, asked.now))


def _done(asked: Asked, action: str, do: Callable[[Broadcast], int]) -> View | None:
    found = _found(asked)
    if found is None:
        return None
    if do(found):
        # Not what it says: the target's name would hold it.
        accounts.audit(action, by=asked.by, via=VIA, target=f"broadcast:{found.pk}", now=asked.now)
    return _shown(found)


def _found(asked: Asked) -> Broadcast | None:
    if asked.number is None or len(asked.words) != 1:
        return None
    return Broadcast.objects.filter(pk=asked.number).first()


def _shown(broadcast: Broadcast) -> View:
    broadcast.refresh_from_db()
    counted = broadcasts.counts(broadcast)
    return View(broadcasts.report(broadcast, counted), broadcasts.ways_on(broadcast, counted))
