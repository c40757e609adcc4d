"""What those hear who may not come in: one sentence each, never again and again."""

from django.utils import timezone
from django.utils.translation import gettext as _
from telegram.error import TelegramError

from accounts import services as accounts
from core.db import in_db
from telegram_bot import outgoing, runtime
from telegram_bot.incoming import Incoming, Verdict
from telegram_bot.outgoing import Place


def words(verdict: Verdict) -> str:
    return {
        Verdict.REQUESTED: _("Hello! I work for a team. Your request is sent; I will write as soon as it is decided."),
        Verdict.WAITING: _("Your request is with the admins. I will write as soon as it is decided."),
        Verdict.REFUSED: _("Sorry, the admins did not let you in. You can ask again tomorrow."),
        Verdict.GROUP_CLOSED: _("This group is not approved yet. The admins have the request."),
    }[verdict]


# How often each sentence may be said to one person, in seconds.
EVERY = {Verdict.REQUESTED: 0, Verdict.WAITING: 3600, Verdict.REFUSED: 86_400, Verdict.GROUP_CLOSED: 86_400}


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
    every = EVERY[incoming.verdict]
    bucket = incoming.key if not every else f"{incoming.bot_id}:{incoming.chat_id}:{int(now.timestamp() // every)}"
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
    outgoing.say(f"{incoming.verdict}:{bucket}", place, words(incoming.verdict))


async def _toast(incoming: Incoming) -> None:
    query = incoming.update.raw["callback_query"]["id"]
    try:
        await runtime.bot().answer_callback_query(query, words(incoming.verdict)[:200])
    except TelegramError:
        return  # too old, or Telegram is away: a toast is worth no second try
