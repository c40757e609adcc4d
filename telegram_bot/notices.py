"""Short notices to the admins' chat: at most one of a kind in ten minutes, with a count of those held back."""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from core.db import in_db
from telegram_bot import outgoing
from telegram_bot.outgoing import Keyboard, Place, bot_id

log = structlog.get_logger(__name__)

WINDOW = timedelta(minutes=10)

_held_back: dict[str, int] = {}
_last_window: dict[str, int] = {}


def admin_place() -> Place | None:
    """The admins' chat, or None when none is set."""
    return Place(bot_id(), settings.ADMIN_CHAT_ID) if settings.ADMIN_CHAT_ID and settings.BOT_TOKEN else None


def notify_admins(kind: str, text: str | Promise, keyboard: Keyboard = (), *, now: datetime | None = None) -> bool:
    """Say ``text`` (no secrets) in the admins' chat unless one of ``kind`` was said in this window.

    Sync, inside whatever transaction runs. The delivery's key holds kind and window, so several processes say it once.
    """
    place = admin_place()
    if place is None:
        log.warning("no admin chat for a notice", kind=kind)
        return False
    window = int((now or timezone.now()).timestamp() // WINDOW.total_seconds())
    if _last_window.get(kind) == window:
        _held_back[kind] = _held_back.get(kind, 0) + 1
        return False
    _last_window[kind] = window
    with translation.override(settings.LANGUAGE_CODE):
        more = _held_back.pop(kind, 0)
        whole = str(text) + (("\n\n" + _("And %(count)d more of the kind.") % {"count": more}) if more else "")
        outgoing.say(f"notice:{kind}:{window}", place, whole, keyboard, source="notice")
    return True


def forget() -> None:
    """Forget what this process said when (a new start, a test)."""
    _held_back.clear()
    _last_window.clear()


async def notify_admins_async(kind: str, text: str | Promise) -> bool:
    return await in_db(notify_admins, kind, text)
