"""Replies to the questions of a stand-up, in private or in the group, and their edits."""

from django.utils import timezone
from telegram import Update
from telegram.ext import ApplicationHandlerStop, MessageHandler, filters

from conversations.standups import rounds
from core.db import in_db
from telegram_bot.application import REPLIES, App, Context


def register(application: App) -> None:
    words = filters.TEXT & ~filters.COMMAND & filters.REPLY
    application.add_handler(MessageHandler(words, reply), group=REPLIES)


async def reply(update: Update, context: Context) -> None:
    """What is no answer to such a question goes on to whoever it is for."""
    message = update.effective_message
    assert message is not None
    if await in_db(rounds.answer, context.incoming, message.text or "", timezone.now()):
        raise ApplicationHandlerStop
