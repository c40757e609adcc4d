"""When a handler breaks: the operator gets the trace, the admins a short notice, the person one friendly sentence."""

from contextvars import ContextVar

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from telegram.ext import CallbackContext

from core.db import in_db
from core.trace import current_trace
from telegram_bot import outgoing, services
from telegram_bot.incoming import Incoming
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
    trace = current_trace()
    services.bury(incoming.ids, text, timezone.now())
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
    sorry = _("Something went wrong on our side. The admins know; if it happens again, give them the number %(trace)s.")
    outgoing.say(f"trouble:{incoming.key}", place, sorry % {"trace": f"`{trace}`"})
    with translation.override(settings.LANGUAGE_CODE):
        failed = _("⚠️ An update failed: %(name)s, trace %(trace)s.") % {"name": name, "trace": trace}
    notify_admins(f"bug-{name}", failed)
