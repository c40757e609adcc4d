"""What becomes of the choice of a chat, once Telegram has said that the person is there (reports/bot.py asks it).

Each function is one short transaction with which the update is done.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Chat
from reports.chat import answers, cards, menus, place, targets
from reports.chat.pressing import VIA, here, own
from reports.models import AvitoProfile
from reports.services import access, profiles, tasks
from reports.services.rows import NotSo
from telegram_bot import expecting
from telegram_bot.incoming import Incoming


@transaction.atomic
def offer(
    incoming: Incoming, action: str, data: Mapping[str, Any], chats: Sequence[Chat], edit: int | None, now: datetime
) -> str:
    """The chats where the person is, to choose from; what to toast, where it is not theirs to choose."""
    profile = own(incoming, action, dict(data))
    if isinstance(profile, str):
        return profile
    expecting.forget(incoming)
    purpose = targets.SHOW if action == "profile_show" else targets.REPORT
    place.say(incoming, targets.choosing(profile, chats, purpose) if profile else cards.gone(), edit=edit)
    place.finish(incoming, now)
    return ""


@transaction.atomic
def choose(
    incoming: Incoming,
    action: str,
    data: Mapping[str, Any],
    chat: Chat | None,
    standing: str,
    edit: int | None,
    now: datetime,
) -> str:
    """That chat: asked about first, then done; what to toast, where it cannot be."""
    profile = own(incoming, action, dict(data))
    if isinstance(profile, str):
        return profile
    if profile is None:
        place.say(incoming, cards.gone(), edit=edit)
    elif problem := targets.trouble(chat, standing) if chat is not None else targets.unknown():
        return problem
    elif chat is not None:
        expecting.forget(incoming)
        place.say(incoming, _next(incoming, profile, chat, data, now), edit=edit)
    place.finish(incoming, now)
    return ""


def _next(incoming: Incoming, profile: AvitoProfile, chat: Chat, data: Mapping[str, Any], now: datetime) -> place.Menu:
    purpose, thread = data.get("purpose", targets.REPORT), int(data.get("thread", 0))
    if not data.get("sure"):
        return targets.confirming(profile, chat, thread, purpose)
    by: dict[str, Any] = {"by": incoming.user, "via": VIA, "now": now}
    try:
        if purpose == targets.SHOW:
            profiles.show_in(profile, chat, **by)
        else:
            tasks.set_chat(tasks.task_of(profile), chat, thread, **by)
    except NotSo as why_not:
        return place.said(f"⚠️ {why_not}"), [cards.back(profile)]
    if not incoming.chat.is_private:
        return here(incoming, profile)
    task = tasks.task_of(profile)
    if purpose == targets.SHOW:
        return targets.places(profile, task, access.places_of(profile))
    note = "" if tasks.is_on(task) else _("Reports are off still: switch them on.")
    return menus.settings(profile, task, now, note)


@transaction.atomic
def to_me(incoming: Incoming, data: Mapping[str, Any], edit: int | None, now: datetime) -> str:
    """The reports go to the owner alone, here; what to toast, where it is not theirs to choose."""
    profile = own(incoming, "report_chat_here", dict(data))
    if isinstance(profile, str):
        return profile
    if profile is None:
        place.say(incoming, cards.gone(), edit=edit)
    else:
        task = tasks.task_of(profile)
        tasks.set_chat(task, incoming.chat, 0, by=incoming.user, via=VIA, now=now)
        shown = access.places_of(profile)
        note = targets.still_seen(shown) if shown else ""
        place.say(incoming, menus.settings(profile, tasks.task_of(profile), now, note), edit=edit)
    place.finish(incoming, now)
    return ""


@transaction.atomic
def named(incoming: Incoming, data: Mapping[str, Any], chat: Chat | None, standing: str, now: datetime) -> None:
    """The chat that somebody wrote or forwarded from; asked for again where it cannot be."""
    profile = access.own(incoming.user, data.get("profile"))
    purpose = data.get("purpose", targets.REPORT)
    expecting.forget(incoming)
    if profile is None:
        place.say(incoming, cards.gone())
    elif problem := targets.trouble(chat, standing) if chat is not None else targets.unknown():
        asked = place.say(incoming, targets.asking(profile, purpose, problem))
        place.expect(incoming, answers.CHAT, dict(data), asked, now)
    elif chat is not None:
        place.say(incoming, targets.confirming(profile, chat, 0, purpose))
    place.finish(incoming, now)
