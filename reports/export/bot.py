"""Handlers of the export: the button on a profile's card, which chats, and the button that ends it.

Only the owner, and only in their private chat: in a group everybody would see what buyers wrote.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from core.db import in_db
from reports.export import verbs, words
from reports.models import AvitoProfile
from reports.services import access
from telegram_bot import outgoing
from telegram_bot.application import App, Context, on_button
from telegram_bot.incoming import Incoming
from telegram_bot.models import Button
from telegram_bot.outgoing import Key, Keyboard, Place

ASK, BEGIN, NO = "export_messenger", "export_begin", "export_no"


def register(application: App) -> None:
    on_button(application, ASK, ask, toasts=True)
    on_button(application, BEGIN, begin, toasts=True)
    on_button(application, NO, no)
    on_button(application, verbs.CANCEL, cancel, toasts=True)


async def ask(context: Context, button: Button) -> None:
    """Which chats; where an export is on its way, how far it is."""
    await _answer(context, await in_db(_ask, context.incoming, button))


async def begin(context: Context, button: Button) -> None:
    await _answer(context, await in_db(_begin, context.incoming, button, context.pressed_message, timezone.now()))


async def cancel(context: Context, button: Button) -> None:
    await _answer(context, await in_db(_cancel, context.incoming, button, timezone.now()))


async def no(context: Context, _button: Button) -> None:
    await context.reply(_("No export, then."), edit=context.pressed_message)


async def _answer(context: Context, refusal: str) -> None:
    await context.toast(refusal, alert=bool(refusal))


def _own(incoming: Incoming, button: Button) -> AvitoProfile | str:
    """The profile, or why not."""
    profile = access.own(incoming.user, button.data.get("profile"))
    if profile is None:
        there = AvitoProfile.objects.filter(pk=button.data.get("profile")).exists()
        return words.not_yours() if there else words.gone()
    return profile if incoming.chat.is_private else words.only_in_private()


@transaction.atomic
def _ask(incoming: Incoming, button: Button) -> str:
    profile = _own(incoming, button)
    if isinstance(profile, str):
        return profile
    if _show_running(incoming, profile, None):
        return ""
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
    key = f"{verbs.SOURCE}:ask:{incoming.key}"
    outgoing.say(key, place, words.question(profile.name), _choices(profile), owner=incoming.user, source=verbs.SOURCE)
    return ""


def _choices(profile: AvitoProfile) -> Keyboard:
    keys = [Key(words.period(days), BEGIN, {"profile": profile.pk, "days": days}) for days in words.PERIODS]
    return [*([key] for key in keys), [Key(_("No, thanks"), NO, {"profile": profile.pk})]]


def _show_running(incoming: Incoming, profile: AvitoProfile, edit: int | None) -> bool:
    """Say how far an export is that is on its way; False when none is."""
    export = verbs.running(profile)
    found = verbs.find(export.pk) if export is not None else None
    if found is None:
        return False
    verbs.show_here(found, f"{verbs.key_of(found.pk)}:said:{incoming.key}", edit)
    return True


@transaction.atomic
def _begin(incoming: Incoming, button: Button, edit: int | None, now: datetime) -> str:
    """Two presses are one: the second finds the first one's export on its way."""
    profile = _own(incoming, button)
    if isinstance(profile, str):
        return profile
    days = button.data.get("days", 0)
    verbs.begin(profile, incoming.user, incoming.chat, incoming.thread, days, now=now)
    _show_running(incoming, profile, edit)
    return ""


@transaction.atomic
def _cancel(incoming: Incoming, button: Button, now: datetime) -> str:
    export = verbs.find(UUID(button.data["export"]))
    if export is not None and export.requested_by_id != incoming.user.pk:
        return words.not_yours()
    return "" if export is not None and verbs.cancel(export, now=now) else _("It has ended already.")
