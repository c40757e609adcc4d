"""What those hear who may not come in: one sentence each, never again and again."""

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from telegram.error import TelegramError

from accounts import services as accounts
from core.db import in_db
from delivery.models import Delivery
from telegram_bot import fleeting, runtime
from telegram_bot.incoming import Incoming, Verdict


def words(verdict: Verdict) -> str:
    return {
        Verdict.REQUESTED: _("Hello! I work for a team. Your request is sent; I will write as soon as it is decided."),
        Verdict.WAITING: _("Your request is with the admins. I will write as soon as it is decided."),
        Verdict.REFUSED: _("Sorry, the admins did not let you in. You can ask again tomorrow."),
        Verdict.GROUP_CLOSED: _("This group is not approved yet. The admins have the request."),
    }[verdict]


# How long a sentence is not said again in one chat; the answer to a request is always said.
QUIET = {
    Verdict.REQUESTED: timedelta(0),
    Verdict.WAITING: timedelta(hours=1),
    Verdict.REFUSED: timedelta(days=1),
    Verdict.GROUP_CLOSED: timedelta(days=1),
}


async def tell(incoming: Incoming) -> None:
    """Say what the gate decided. A press gets its answer as a toast; a message at most once in a while."""
    if incoming.update.kind == "callback_query":
        await _toast(incoming)
        return
    await in_db(_say, incoming)


def _say(incoming: Incoming) -> None:
    now = timezone.now()
    if incoming.verdict is Verdict.GROUP_CLOSED:
        accounts.request_chat(incoming.chat, incoming.user, now)
    stem = f"{incoming.verdict}:{incoming.bot_id}:{incoming.chat_id}:"
    if Delivery.objects.filter(key__startswith=stem, created_at__gt=now - QUIET[incoming.verdict]).exists():
        return
    fleeting.say(f"{stem}{incoming.update.update_id}", incoming, words(incoming.verdict))


async def _toast(incoming: Incoming) -> None:
    query = incoming.update.raw["callback_query"]["id"]
    try:
        await runtime.bot().answer_callback_query(query, words(incoming.verdict)[:200])
    except TelegramError:
        return  # too old, or Telegram is away: a toast is worth no second try
