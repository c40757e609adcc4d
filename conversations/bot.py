"""Handlers of dialogs: a question is answered, a dialog begun anew, a model chosen, an answer stopped."""

import re

from django.utils import timezone
from django.utils.translation import gettext as _
from telegram import Message, Update
from telegram.ext import CallbackQueryHandler, CommandHandler, MessageHandler, TypeHandler, filters

from conversations import as_file, attachments, menu, running, services, taps, turn
from conversations.dialogs.context import offer
from conversations.dialogs.menu import Menu
from conversations.personas import talk
from conversations.privacy.forgetting import came_too_late
from conversations.services import Question
from core.db import in_db
from llm import services as llm
from llm.routing import abilities
from telegram_bot import fleeting
from telegram_bot.access import escaped
from telegram_bot.addressing import replies_to, without_name
from telegram_bot.application import SAID, App, Context, on_button
from telegram_bot.markdown import Part, parts
from telegram_bot.models import Button
from telegram_bot.streaming import typing

NEW = filters.UpdateType.MESSAGE
EDITED = filters.UpdateType.EDITED_MESSAGE
FILE = (
    filters.PHOTO | filters.Document.ALL | filters.AUDIO | filters.VOICE
    | filters.VIDEO | filters.VIDEO_NOTE | filters.ANIMATION | filters.Sticker.ALL
)  # fmt: skip


# What asks in the words of a file.
COMMAND = re.compile(r"/ask(@\w+)?(?=\s|$)", re.IGNORECASE)


def register(application: App) -> None:
    application.add_handler(CommandHandler(["new", "clear"], new, NEW))
    application.add_handler(CommandHandler("models", models, NEW))
    application.add_handler(CommandHandler("model", model, NEW))
    application.add_handler(CommandHandler("assistants", talk.show, NEW))
    application.add_handler(CommandHandler("assistant", talk.by_name, NEW))
    application.add_handler(CommandHandler(["stop", "cancel"], stop, NEW))
    application.add_handler(CommandHandler("ask", ask, NEW | EDITED))
    application.add_handler(CallbackQueryHandler(press_stop, pattern=r"^stop:\d+$"))
    application.add_handler(CallbackQueryHandler(taps.go_on, pattern=r"^go:\d+$"))
    application.add_handler(MessageHandler(NEW & filters.COMMAND, unknown_command))
    application.add_handler(MessageHandler((NEW | EDITED) & filters.TEXT & ~filters.COMMAND, text))
    application.add_handler(MessageHandler((NEW | EDITED) & FILE, file))
    application.add_handler(MessageHandler(NEW & filters.ChatType.PRIVATE & SAID, not_text))
    application.add_handler(TypeHandler(Update, stopped_draft))
    on_button(application, "models", show_providers)
    on_button(application, "models.of", show_models)
    on_button(application, "model.choose", choose)
    on_button(application, "answer.file", as_file.send)
    on_button(application, "answer.code", as_file.send_code)
    talk.register(application)
    on_button(application, "assistant.list", show_assistants)
    on_button(application, "tool.yes", taps.yes, toasts=True)
    on_button(application, "tool.no", taps.no, toasts=True)


startup, shutdown = turn.startup, turn.shutdown


# --- asking ---------------------------------------------------------------------------------------------------------


async def text(update: Update, context: Context) -> None:
    """A question: any text in a private chat; in a group only what is meant for the bot."""
    message = update.effective_message
    assert message is not None
    asked = addressed(message, context)
    if asked:
        await _answer(update, context, asked)


async def file(update: Update, context: Context) -> None:
    """A photo, a document, a recording or an album, with or without words: in a group only when it is for us."""
    message = update.effective_message
    assert message is not None
    asked = addressed(message, context)
    if asked is not None:
        await _answer(update, context, asked)


async def _answer(update: Update, context: Context, asked: str) -> None:
    """Answer what is asked about the message's own files, else about those of the message it replies to."""
    message, incoming = update.effective_message, context.incoming
    assert message is not None
    question = Question(asked, message.message_id, edited=update.edited_message is not None)
    if not question.edited and (messages := attachments.with_files(incoming.messages)):
        able = await in_db(_abilities_here, context)
        async with typing(context.place):
            gathered = await attachments.gather(messages, incoming, able, turn.client())
        if await in_db(came_too_late, incoming, [piece.file for piece in gathered.pieces], timezone.now()):
            return
        if gathered.not_now is not None:
            await context.reply(gathered.not_now.text, gathered.not_now.keyboard)
            return
        attachments.add(question, gathered)
        if not question.files:
            await context.reply("\n".join(gathered.refused))
            return
    await turn.answer(context, question)


def _abilities_here(context: Context) -> set[str]:
    """What the model that would answer here can take."""
    chat, thread = context.incoming.chat, context.incoming.thread
    target = services.target_for(services.open_conversation(chat, thread, timezone.now()))
    return abilities(target) if target else {"text"}


async def ask(update: Update, context: Context) -> None:
    """``/ask question``, for groups; without words, the message it replies to is the question."""
    message = update.effective_message
    assert message is not None
    asked = (message.text or "").partition(" ")[2].strip()
    edited = update.edited_message is not None
    asked = asked or _replied_text(message)
    if asked or (not edited and attachments.with_files(context.incoming.messages)):
        await _answer(update, context, asked)
    elif not edited:
        await fleeting.notice(context, _("Write your question after the command: `/ask how are you?`"))


def addressed(message: Message, context: Context) -> str | None:
    """The question in ``message`` (nothing, where a file comes without a word), or None when it is not for us."""
    said = message.text or message.caption or ""
    if message.caption and (command := COMMAND.match(said)):
        return said[command.end() :].strip() if _is_ours(command, context) else None
    if context.incoming.chat.is_private:
        return said
    if replies_to(message, context.bot.id):
        return said
    rest = without_name(message, context.bot)
    if rest is None:
        return None
    return rest or _replied_text(message) or ("" if attachments.with_files(context.incoming.messages) else said)


def _is_ours(command: re.Match[str], context: Context) -> bool:
    """``/ask`` before the words of a file; without a name it is for whoever hears it."""
    return not command[1] or command[1].lower() == f"@{context.bot.username}".lower()


def _replied_text(message: Message) -> str:
    replied = message.reply_to_message
    return (replied.text or replied.caption or "") if replied is not None else ""


async def not_text(_update: Update, context: Context) -> None:
    await context.reply(_("I cannot read this. Please put it in words, or send a file or a picture."))


async def unknown_command(update: Update, context: Context) -> None:
    """Silence in groups: the command may be another bot's."""
    if context.incoming.chat.is_private:
        await context.reply(_("I do not know this command. /help lists what I can do."))


async def new(_update: Update, context: Context) -> None:
    incoming = context.incoming
    await in_db(services.start_anew, incoming.chat, incoming.thread, timezone.now())
    await fleeting.notice(context, "✨ " + _("A new dialog. What is it about?"))


# --- stopping -------------------------------------------------------------------------------------------------------


async def stop(update: Update, context: Context) -> None:
    """``/stop``, and ``/cancel`` when nothing was asked."""
    run = running.at(context.incoming.chat_id, context.incoming.thread)
    if run is None:
        text = _("No answer is being written right now.")
        message = update.effective_message
        if message is not None and (message.text or "").casefold().startswith("/cancel"):
            text = _("There is nothing to cancel: I asked you nothing, and no answer is being written.")
        await fleeting.notice(context, text)
    elif _may_stop(run, context):
        run.end("stopped")
    else:
        await fleeting.notice(context, _("Only the person who asked, or an admin, can stop this answer."))


async def press_stop(update: Update, context: Context) -> None:
    query = update.callback_query
    assert query is not None
    assert query.data is not None
    run = running.of_request(int(query.data.partition(":")[2]))
    if run is None:
        await context.toast(_("The answer is already complete."))
        await context.take_buttons_away()  # a process that died may have left them for ever
    elif not _may_stop(run, context):
        await context.toast(_("Only the person who asked, or an admin, can stop this answer."), alert=True)
    else:
        run.end("stopped")
        await context.toast()


def _may_stop(run: running.Running, context: Context) -> bool:
    user = context.incoming.user
    return run.incoming.user.pk == user.pk or user.is_bot_admin


async def stopped_draft(_update: Update, context: Context) -> None:
    """The Stop of a draft (a kind of update the library does not know by name)."""
    if context.incoming.update.kind != "stopped_message_generation":
        return
    run = running.at(context.incoming.chat_id, context.incoming.thread)
    if run is not None and _may_stop(run, context):
        run.end("stopped")


# --- models ---------------------------------------------------------------------------------------------------------


async def models(_update: Update, context: Context) -> None:
    incoming = context.incoming
    said, keyboard = await in_db(menu.providers, incoming.chat, incoming.thread, timezone.now())
    await context.reply(said, keyboard)


async def show_providers(context: Context, button: Button) -> None:
    incoming = context.incoming
    said, keyboard = await in_db(menu.providers, incoming.chat, incoming.thread, timezone.now())
    # Under an error the button opens a new message, so that the sentence above it stays.
    await context.reply(said, keyboard, edit=context.pressed_message if button.data.get("back") else None)


async def show_assistants(context: Context, _button: Button) -> None:
    await talk.show(None, context)


async def show_models(context: Context, button: Button) -> None:
    incoming, data = context.incoming, button.data
    said, keyboard = await in_db(
        menu.models_of, incoming.chat, incoming.thread, data["provider"], data.get("page"), timezone.now()
    )
    await context.reply(said, keyboard, edit=context.pressed_message)


async def choose(context: Context, button: Button) -> None:
    await context.reply(*await in_db(_choose, context, button.data["id"]), edit=context.pressed_message)


def _choose(context: Context, model_id: int) -> Menu:
    """Choose the model, or leave the choice where it cannot take what the dialog holds."""
    model = next((model for model in llm.offered_models() if model.pk == model_id), None)
    if model is None:
        return [Part(_("This model is gone. Please choose another one: /models"))], ()
    incoming, now = context.incoming, timezone.now()
    if choice := offer(incoming.user, incoming.chat, incoming.thread, model, now):
        return choice
    services.choose_model(incoming.chat, incoming.thread, model, now)
    return parts("✅ " + _("**%(model)s** answers here now.") % {"model": escaped(model.title)}), ()


async def model(update: Update, context: Context) -> None:
    """``/model name``: choose by name, or among those the name may mean; without one, show the list."""
    name = " ".join(context.args or [])
    if not name:
        await models(update, context)
        return
    found = await in_db(menu.matching, name)
    if len(found) == 1:
        await context.reply(*await in_db(_choose, context, found[0].pk))
        return
    said, keyboard = await in_db(menu.which, name, found)
    await context.reply(said, keyboard)
