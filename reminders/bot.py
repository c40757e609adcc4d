"""Handlers of reminders in the chat: /remind, /reminders, /timezone, a sentence that asks for one, and the buttons."""

import re

from django.utils import timezone as clocks
from django.utils.translation import gettext_lazy
from telegram import Message, Update
from telegram.ext import ApplicationHandlerStop, CallbackQueryHandler, CommandHandler, MessageHandler, filters

from core.db import in_db
from reminders.chat import clock, deciding, fired, shelf, talk
from reminders.chat.requests import is_request
from telegram_bot.addressing import replies_to, without_name
from telegram_bot.application import REQUESTS, App, Context, on_answer, on_button
from telegram_bot.models import Button, Expectation

NEW = filters.UpdateType.MESSAGE
COMMAND = re.compile(r"/remind(@\w+)?(?=\s|$)", re.IGNORECASE)
# Presses on a card: what they do is in chat/shelf.py.
CARD = (
    "yes", "no", "change", "show", "pause", "resume", "later", "snooze", "done", "ask", "delete", "nag",
)  # fmt: skip


def register(application: App) -> None:
    application.add_handler(CommandHandler("remind", remind, NEW))
    application.add_handler(CommandHandler("reminders", reminders, NEW))
    application.add_handler(CommandHandler("timezone", timezone, NEW))
    heard = (NEW & filters.TEXT & ~filters.COMMAND) | (filters.UpdateType.EDITED_MESSAGE & filters.TEXT)
    application.add_handler(MessageHandler(heard, overheard), group=REQUESTS)
    application.add_handler(CallbackQueryHandler(press_fired, pattern=fired.CALLBACK))
    on_answer(application, talk.WORDS, words, named=gettext_lazy("the question about the reminder"))
    on_answer(application, clock.ZONE, place, named=gettext_lazy("the choice of a time zone"))
    for what in CARD:
        on_button(application, f"remind.{what}", press, toasts=True)
    on_button(application, "remind.page", turn)
    on_button(application, "remind.forget", forget)
    on_button(application, "remind.zone", choose_zone)
    on_button(application, "remind.where", where)


# --- words ----------------------------------------------------------------------------------------------------------


async def remind(update: Update, context: Context) -> None:
    """``/remind`` with a time and what it is about; in reply to a message, that may be what it is about."""
    message = update.effective_message
    assert message is not None
    _command, *said = (message.text or "").split(maxsplit=1)
    await in_db(talk.request, context.incoming, "".join(said), _replied_text(message), clocks.now())


def _replied_text(message: Message) -> str:
    replied = message.reply_to_message
    if replied is None or replied.forum_topic_created is not None:
        return ""
    return replied.text or replied.caption or ""


async def overheard(update: Update, context: Context) -> None:
    """«Напомни…» without a command, and new words in reply to a reminder; what is neither goes on to the dialog."""
    message = update.effective_message
    assert message is not None
    said = _said_to_bot(message, context)
    if said is None:
        return
    if update.edited_message is not None:
        await _edited(context, said)
        return
    taken = await _changes(context, said)
    if not taken and message.forward_origin is None and is_request(said):
        taken = await in_db(talk.request, context.incoming, said, "", clocks.now(), free=True)
    if taken:
        raise ApplicationHandlerStop


async def _edited(context: Context, said: str) -> None:
    """What asked for a reminder is understood anew, as an edited question is answered anew."""
    command = COMMAND.match(said)
    if not command and not is_request(said):
        return
    words = said[command.end() :] if command else said
    if await in_db(talk.edited, context.incoming, words, clocks.now()):
        raise ApplicationHandlerStop


async def _changes(context: Context, said: str) -> bool:
    """Whether the words are for the reminder that they reply to."""
    if context.incoming.replied_to is None:
        return False
    return await in_db(deciding.reply, context.incoming, said, clocks.now())


def _said_to_bot(message: Message, context: Context) -> str | None:
    """The words of a message that is meant for the bot; in a group a reply to it, or one with its name."""
    said = message.text or ""
    if context.incoming.chat.is_private or replies_to(message, context.bot.id) or COMMAND.match(said):
        return said
    return without_name(message, context.bot)


async def words(context: Context, expectation: Expectation, said: str) -> bool:
    return await in_db(talk.answer, context.incoming, expectation, said, clocks.now())


# --- the person's clock ---------------------------------------------------------------------------------------------


async def timezone(_update: Update, context: Context) -> None:
    await in_db(clock.show, context.incoming, " ".join(context.args or []), clocks.now())


async def where(context: Context, _button: Button) -> None:
    await in_db(clock.show, context.incoming, "", clocks.now())


async def place(context: Context, expectation: Expectation, said: str) -> bool:
    return await in_db(talk.answer_zone, context.incoming, expectation, said, clocks.now())


async def choose_zone(context: Context, button: Button) -> None:
    await in_db(talk.choose_zone, context.incoming, button.data, context.pressed_message, clocks.now())


# --- cards and lists ------------------------------------------------------------------------------------------------


async def reminders(_update: Update, context: Context) -> None:
    await in_db(shelf.show_page, context.incoming, 0, None, clocks.now())


async def turn(context: Context, button: Button) -> None:
    await in_db(shelf.show_page, context.incoming, button.data.get("page", 0), context.pressed_message, clocks.now())


async def forget(context: Context, _button: Button) -> None:
    await in_db(deciding.forget, context.incoming, context.pressed_message, clocks.now())


async def press(context: Context, button: Button) -> None:
    what = button.action.removeprefix("remind.")
    refused = await in_db(shelf.press, context.incoming, what, button.data, context.pressed_message, clocks.now())
    await context.toast(refused, alert=bool(refused))


async def press_fired(update: Update, context: Context) -> None:
    query = update.callback_query
    assert query is not None
    assert query.data is not None
    pressed = await in_db(fired.press, context.incoming, query.data, context.pressed_message, clocks.now())
    await context.toast(pressed.toast, alert=pressed.alert)
