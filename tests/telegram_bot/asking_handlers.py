"""Handlers that ask and wait for an answer, put into BOT_MODULES by the tests of what is expected."""

from django.utils import timezone
from telegram import Update
from telegram.ext import CommandHandler

from core.db import in_db
from telegram_bot import expecting
from telegram_bot.application import App, Context, on_answer
from telegram_bot.models import Expectation


def register(application: App) -> None:
    application.add_handler(CommandHandler("name", name))
    on_answer(application, "name", named)
    application.add_handler(CommandHandler("picture", picture))
    on_answer(application, "picture", pictured, anything=True)


async def name(_update: Update, context: Context) -> None:
    key = f"update:{context.incoming.key}:{context.incoming.said}:0"
    await context.reply("What is your cat called?")
    await in_db(expecting.expect, context.incoming, "name", {"animal": "cat"}, key, timezone.now())


async def named(context: Context, expectation: Expectation, text: str) -> bool:
    """A question is no name."""
    if text.endswith("?"):
        return False
    await in_db(expectation.delete)
    await context.reply(f"Hello, {text} the {expectation.data['animal']}")
    return True


async def picture(_update: Update, context: Context) -> None:
    key = f"update:{context.incoming.key}:{context.incoming.said}:0"
    await context.reply("What does your cat look like?")
    await in_db(expecting.expect, context.incoming, "picture", {}, key, timezone.now())


async def pictured(context: Context, expectation: Expectation, text: str) -> bool:
    await in_db(expectation.delete)
    kinds = [kind for message in context.incoming.messages for kind in ("photo", "poll", "text") if kind in message]
    await context.reply(f"{', '.join(kinds)}: {text}")
    return True
