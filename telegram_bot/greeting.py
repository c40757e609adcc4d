"""The first words in a group that was let in: how to talk to the bot there.

What it hears depends on its privacy mode and on whether it is an admin of the group. Telegram is asked when the words
are sent: who lets a group in may sit at the admin site, where there is no bot
(https://core.telegram.org/bots/features#privacy-mode).
"""

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from telegram import Bot
from telegram.error import TelegramError

from delivery.models import Delivery
from delivery.services import Sent
from telegram_bot import runtime
from telegram_bot.backend import meaning_of
from telegram_bot.limiter import RESERVED


async def send(row: Delivery) -> Sent:
    """Find out what the bot hears in the group, and say how to talk to it; raises DeliveryError."""
    bot, chat_id = runtime.bot(), row.chat_id or 0
    try:
        text = words(bot.username, hears_all=await _hears_all(bot, chat_id))
        message = await bot.send_message(chat_id, text, rate_limit_args=RESERVED)
    except TelegramError as error:
        raise meaning_of(error) from error
    return Sent(message.message_id)


async def _hears_all(bot: Bot, chat_id: int) -> bool:
    me = await bot.get_me()
    if me.can_read_all_group_messages:
        return True
    return (await bot.get_chat_member(chat_id, me.id)).status == "administrator"


def words(name: str, *, hears_all: bool) -> str:
    """How to talk to the bot, in the house's language."""
    with translation.override(settings.LANGUAGE_CODE):
        if hears_all:
            return _(
                "Hello! I am ready here. Write /ask and your question, reply to me, or name me: @%(name)s. "
                "I answer only what is meant for me."
            ) % {"name": name}
        return _(
            "Hello! I am ready here. Write /ask and your question, or reply to me.\n\n"
            "Nothing else reaches me, not even my name. If I am to hear it, make me an admin of the group; or turn my "
            "privacy mode off at @BotFather (/setprivacy) and add me anew."
        )
