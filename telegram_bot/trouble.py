"""When a handler breaks: the operator gets the trace, the admins a short notice, the person one friendly sentence."""

from contextvars import ContextVar

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from telegram.ext import CallbackContext

from accounts.models import User
from core.db import in_db
from core.trace import current_trace
from telegram_bot import lanes, outgoing, services
from telegram_bot.incoming import Incoming, language_of
from telegram_bot.models import Update
from telegram_bot.notices import notify_admins
from telegram_bot.outgoing import Place

log = structlog.get_logger(__name__)

# What python-telegram-bot caught from a handler of the running update; the inbox raises it again.
failure: ContextVar[list[Exception]] = ContextVar("failure")


async def on_error(_update: object, context: CallbackContext) -> None:  # type: ignore[type-arg]
    if isinstance(context.error, Exception):
        failure.get().append(context.error)


async def broke(incoming: Incoming, error: Exception) -> None:
    """A bug: bury the update, tell everybody concerned what they need to know."""
    log.error("update broke", update=incoming.update.update_id, kind=incoming.update.kind, exc_info=error)
    await in_db(_record, incoming, f"{type(error).__name__}: {error}", type(error).__name__)


@transaction.atomic
def _record(incoming: Incoming, text: str, name: str) -> None:
    services.bury(incoming.ids, text, timezone.now())
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
    _tell(incoming.key, place, current_trace(), name)


def tell_buried(update: Update) -> None:
    """Tell everybody concerned of an update that its process died of again and again."""
    sender = lanes.body_of(update.raw).get("from") or {}
    place = Place(update.bot_id, update.chat_id or 0, lanes.thread_of(update.raw))
    with translation.override(language_of(User.objects.by_telegram(sender.get("id", 0)))):
        _tell(f"{update.bot_id}:{update.update_id}", place, update.trace_id, "crash")


def _tell(key: str, place: Place, trace: str, name: str) -> None:
    """The person in the running language, the admins in the house's."""
    sorry = _("Something went wrong on our side. The admins know; if it happens again, give them the number %(trace)s.")
    if place.chat_id:
        outgoing.say(f"trouble:{key}", place, sorry % {"trace": f"`{trace}`"})
    with translation.override(settings.LANGUAGE_CODE):
        failed = _("⚠️ An update failed: %(name)s, trace %(trace)s.") % {"name": name, "trace": trace}
    notify_admins(f"bug-{name}", failed)
