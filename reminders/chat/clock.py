"""The person's zone in the chat: asked for once, shown and changed by /timezone."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import services as accounts
from delivery import cities
from reminders import services
from reminders.chat import cards, place
from telegram_bot import expecting
from telegram_bot.incoming import Incoming
from telegram_bot.outgoing import Key, Keyboard

# What an expectation waits for.
ZONE = "remind.zone"
IN_A_ROW = 2


def ask(incoming: Incoming, kept: dict[str, Any], now: datetime, head: str = "") -> None:
    """Ask where the person is. ``kept``: what goes on afterwards; see talk.take_up."""
    head = head or _("Where are you? I ask only once, so that reminders come by your clock.")
    tail = _("Press what your clock shows, or write a city or a zone, such as Europe/Moscow.")
    group = "" if incoming.chat.is_private else _("Reply to this message.")
    places = _places(incoming, now, goes_on="wish" in kept)
    asked = place.say(incoming, (cards.titled("🌍 " + head, tail, group), places), reply=True)
    expecting.expect(incoming, ZONE, kept, asked, now)


def _places(incoming: Incoming, now: datetime, *, goes_on: bool) -> Keyboard:
    """``goes_on``: a reminder waits for the answer."""
    keys = [
        Key(cities.label(it, incoming.language, now), "remind.zone", {"zone": it.zone, "goes_on": goes_on})
        for it in cities.offered(incoming.language)
    ]
    return [keys[start : start + IN_A_ROW] for start in range(0, len(keys), IN_A_ROW)]


@transaction.atomic
def show(incoming: Incoming, words: str, now: datetime) -> None:
    """``/timezone``: which it is, and the choice of another one; with a place, that one."""
    zone = cities.found(words)
    if zone is not None:
        place.say(incoming, (cards.said(remember(incoming, zone, now)), ()))
    elif words.strip():
        ask(incoming, {}, now, unknown(words))
    else:
        ask(incoming, {}, now, _shown(incoming.user.time_zone, now) if incoming.user.time_zone else "")
    place.finish(incoming, now)


def _shown(zone: str, now: datetime) -> str:
    values = {"zone": zone, "time": f"{now.astimezone(ZoneInfo(zone)):%H:%M}"}
    return _("Your time zone is %(zone)s: it is %(time)s there now.") % values


def unknown(words: str) -> str:
    return _("I do not know where “%(place)s” is.") % {"place": words.strip()[:60]}


def remember(incoming: Incoming, zone: str, now: datetime) -> str:
    """Keep the zone; what follows the person's clock moves along. What to say of it."""
    before = incoming.user.time_zone
    accounts.set_time_zone(incoming.user, zone)
    moved = services.follow_zone(incoming.user, now, via="chat")
    told = "🌍 " + _shown(zone, now)
    if moved:
        text = ngettext("%(count)d reminder moved along.", "%(count)d reminders moved along.", moved)
        told += " " + text % {"count": moved}
    told = " ".join([told, *accounts.follow_zone(incoming.user, before, now)])
    return told + ("" if before else " " + _("Change it with /timezone."))
