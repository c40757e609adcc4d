"""Having a dialog's older turns summarised: claim, ask the model, keep. Never costs anybody an answer."""

import asyncio
import time

import structlog
from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from conversations.services import summaries
from conversations.services.summaries import Job
from conversations.services.turns import Outcome, Turn
from core.db import in_db
from core.trace import current_trace
from llm.client import Client
from llm.errors import ProviderError
from telegram_bot.incoming import Incoming
from telegram_bot.notices import notify_admins_async
from telegram_bot.outgoing import Place

log = structlog.get_logger(__name__)

# The chat's next question waits for it.
PATIENCE = 120.0  # seconds


async def after_answer(client: Client, turn: Turn, outcome: Outcome, incoming: Incoming) -> None:
    """Summarise when the next question would come near what its model takes, and say so in one line."""
    if not summaries.nearly_full(turn, outcome):
        return
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
    try:
        job = await in_db(summaries.begin_summary, turn.conversation.pk, incoming.user, timezone.now())
        if job is not None:
            await make(client, job, place)
    except summaries.NoBudget:
        log.info("no budget for a summary", dialog=turn.conversation.pk)
    except Exception as error:  # the answer is there: what breaks behind it is the admins' to read, not the person's
        log.exception("summary broke", dialog=turn.conversation.pk, exc_info=error)
        with translation.override(settings.LANGUAGE_CODE):
            text = _("⚠️ A summary broke: %(name)s, trace %(trace)s.")
            text %= {"name": type(error).__name__, "trace": current_trace()}
        await notify_admins_async("summary", text)


async def make(client: Client, job: Job, tell: Place | None = None) -> bool:
    """Ask the model for ``job`` and keep what it says. False when nothing came of it; the row tells why."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await client.chat(job.target, job.call)
    except Exception as error:
        kind = _kind(error)
        await in_db(summaries.fail_summary, job, kind, str(error), _ms(began), timezone.now())
        if kind == "bug":
            raise
        log.warning("summary failed", request=job.request.pk, error_kind=kind)
        return False
    kept = await in_db(summaries.keep_summary, job, answer, _ms(began), timezone.now(), tell)
    log.info("summarised", request=job.request.pk, kept=kept, messages=job.messages)
    return kept


def _kind(error: Exception) -> str:
    if isinstance(error, ProviderError):
        return error.kind
    return "timeout" if isinstance(error, TimeoutError) else "bug"


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
