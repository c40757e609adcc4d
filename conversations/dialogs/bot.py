"""Handlers of what was said before: /dialogs with what can be done to one dialog, and /context of the open one."""

from django.utils import timezone
from django.utils.translation import gettext as _
from telegram import Update
from telegram.ext import CommandHandler, filters

from conversations.dialogs import context_bot, menu
from conversations.dialogs.menu import Menu
from conversations.services import library
from conversations.services.turns import SOURCE
from core.db import in_db
from telegram_bot import documents
from telegram_bot.application import App, Context, on_button
from telegram_bot.incoming import Incoming
from telegram_bot.models import Button


def register(application: App) -> None:
    application.add_handler(CommandHandler("dialogs", dialogs, filters.UpdateType.MESSAGE))
    application.add_handler(CommandHandler("context", show_context, filters.UpdateType.MESSAGE))
    context_bot.add_to(application)
    for action, handler in (
        ("dialogs.page", show_page),
        ("dialogs.show", show),
        ("dialogs.open", reopen),
        ("dialogs.rename", rename),
        ("dialogs.cancel", cancel),
        ("dialogs.ask", ask),
        ("dialogs.erase", erase),
    ):
        on_button(application, action, handler)
    on_button(application, "dialogs.export", export, toasts=True)


async def dialogs(_update: Update, context: Context) -> None:
    await context.reply(*await in_db(_page, context.incoming, 0))


async def show_context(_update: Update, context: Context) -> None:
    await context_bot.show(context)


async def show_page(context: Context, button: Button) -> None:
    said = await in_db(_page, context.incoming, button.data.get("page", 0))
    await context.reply(*said, edit=context.pressed_message)


def _page(incoming: Incoming, number: int) -> Menu:
    return menu.page(incoming.user, incoming.chat, incoming.thread, number, timezone.now())


async def show(context: Context, button: Button) -> None:
    await context.reply(*await in_db(_card, context.incoming, button), edit=context.pressed_message)


def _card(incoming: Incoming, button: Button, note: str = "") -> Menu:
    return menu.card(incoming.user, incoming.chat, incoming.thread, button.data, timezone.now(), note)


async def reopen(context: Context, button: Button) -> None:
    await context.reply(*await in_db(_reopen, context.incoming, button), edit=context.pressed_message)


def _reopen(incoming: Incoming, button: Button) -> Menu:
    library.reopen(incoming.chat, incoming.thread, button.data["id"], timezone.now())
    return _card(incoming, button)


async def rename(context: Context, button: Button) -> None:
    await context.reply(*await in_db(_rename, context.incoming, button), edit=context.pressed_message)


def _rename(incoming: Incoming, button: Button) -> Menu:
    chat, thread, dialog_id = incoming.chat, incoming.thread, button.data["id"]
    library.await_title(chat, thread, dialog_id, incoming.user, timezone.now())
    entry = library.one_of(chat, thread, dialog_id)
    return menu.naming(chat, entry, button.data) if entry is not None else menu.gone(button.data)


async def cancel(context: Context, button: Button) -> None:
    await context.reply(*await in_db(_cancel, context.incoming, button), edit=context.pressed_message)


def _cancel(incoming: Incoming, button: Button) -> Menu:
    library.forget_title(incoming.chat, incoming.thread)
    return _card(incoming, button)


async def ask(context: Context, button: Button) -> None:
    await context.reply(*await in_db(_ask, context.incoming, button), edit=context.pressed_message)


def _ask(incoming: Incoming, button: Button) -> Menu:
    entry = library.one_of(incoming.chat, incoming.thread, button.data["id"])
    return menu.asking(entry, button.data) if entry is not None else menu.gone(button.data)


async def erase(context: Context, button: Button) -> None:
    await context.reply(*await in_db(_erase, context.incoming, button), edit=context.pressed_message)


def _erase(incoming: Incoming, button: Button) -> Menu:
    try:
        library.erase(incoming.chat, incoming.thread, button.data["id"], incoming.user, timezone.now())
    except library.Busy:
        return _card(incoming, button, _("An answer is being written there. Stop it first: /stop"))
    return _page(incoming, button.data.get("page", 0))


async def export(context: Context, button: Button) -> None:
    """The dialog as a document, under the list."""
    found = await in_db(_export, context, button)
    await context.toast("" if found else _("This dialog is gone."))


def _export(context: Context, button: Button) -> bool:
    incoming, data = context.incoming, button.data
    if library.one_of(incoming.chat, incoming.thread, data["id"]) is None:
        return False
    wanted = {"id": data["id"], "form": data["form"], "user": incoming.user.pk}
    documents.enqueue(f"export:{incoming.key}", context.place, "dialog", wanted, incoming.language, SOURCE)
    return True
