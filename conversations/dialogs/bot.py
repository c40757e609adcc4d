"""Handlers of what was said before: /dialogs with what can be done to one dialog, and /context of the open one."""

from dataclasses import replace

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from telegram import Update
from telegram.ext import CallbackQueryHandler, CommandHandler, filters

from conversations.dialogs import context_bot, menu
from conversations.dialogs.menu import Menu
from conversations.services import library, summaries
from core.db import in_db
from telegram_bot import documents, outgoing
from telegram_bot import services as inbox
from telegram_bot.application import App, Context, on_button
from telegram_bot.incoming import Incoming
from telegram_bot.models import Button
from telegram_bot.models import Update as Row


def register(application: App) -> None:
    application.add_handler(CommandHandler("dialogs", dialogs, filters.UpdateType.MESSAGE))
    application.add_handler(CommandHandler("context", show_context, filters.UpdateType.MESSAGE))
    application.add_handler(CallbackQueryHandler(summarise, pattern=context_bot.IN_LINE))
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


async def startup() -> None:
    """Summaries whose process died are made behind the next answer, and not only when their lease is over."""
    await in_db(summaries.give_back, timezone.now())


async def show_context(_update: Update, context: Context) -> None:
    await context_bot.show(context)


async def summarise(_update: Update, context: Context) -> None:
    await context_bot.in_line(context)


# --- /dialogs -------------------------------------------------------------------------------------------------------


async def _say(context: Context, said: Menu) -> None:
    """A menu, in place of the one under which a button was pressed."""
    await context.reply(*said, edit=context.pressed_message, source=library.TITLES)


async def dialogs(_update: Update, context: Context) -> None:
    await _say(context, await in_db(_page, context.incoming, 0))


async def show_page(context: Context, button: Button) -> None:
    await _say(context, await in_db(_page, context.incoming, button.data.get("page", 0)))


def _page(incoming: Incoming, number: int) -> Menu:
    return menu.page(incoming.user, incoming.chat, incoming.thread, number, timezone.now())


async def show(context: Context, button: Button) -> None:
    await _say(context, await in_db(_card, context.incoming, button))


def _card(incoming: Incoming, button: Button, note: str = "") -> Menu:
    return menu.card(incoming.user, incoming.chat, incoming.thread, button.data, timezone.now(), note)


async def reopen(context: Context, button: Button) -> None:
    await _say(context, await in_db(_reopen, context.incoming, button))


def _reopen(incoming: Incoming, button: Button) -> Menu:
    library.reopen(incoming.chat, incoming.thread, button.data["id"], timezone.now())
    return _card(incoming, button)


async def rename(context: Context, button: Button) -> None:
    await _say(context, await in_db(_rename, context, button))


def _rename(context: Context, button: Button) -> Menu:
    incoming = context.incoming
    entry = library.await_title(incoming, button.data["id"], context.pressed_message, timezone.now())
    return menu.naming(incoming.chat, entry, button.data) if entry is not None else menu.gone(button.data)


async def cancel(context: Context, button: Button) -> None:
    await _say(context, await in_db(_cancel, context.incoming, button))


def _cancel(incoming: Incoming, button: Button) -> Menu:
    library.forget_title(incoming.chat, incoming.thread, incoming.user)
    return _card(incoming, button)


async def ask(context: Context, button: Button) -> None:
    await _say(context, await in_db(_ask, context.incoming, button))


def _ask(incoming: Incoming, button: Button) -> Menu:
    entry = library.one_of(incoming.chat, incoming.thread, button.data["id"])
    return menu.asking(entry, button.data) if entry is not None else menu.gone(button.data)


async def erase(context: Context, button: Button) -> None:
    if why_not := await in_db(_erase, context, button):
        await _say(context, await in_db(_card, context.incoming, button, why_not))


@transaction.atomic
def _erase(context: Context, button: Button) -> str:
    """Erase, say so, and be done with the press, all at once: it is under a question that names the dialog, so it goes
    too. Gives the words that tell why it is not done."""
    incoming, now = context.incoming, timezone.now()
    try:
        erased = library.erase(incoming.chat, incoming.thread, button.data["id"], incoming.user, now)
    except library.Busy:
        return _("An answer is being written there. Stop it first: /stop")
    if not erased:
        return _("Others asked in it too: only an admin may delete it.")
    place = replace(context.place, edit=context.pressed_message)
    said, keyboard = _page(incoming, button.data.get("page", 0))
    outgoing.say(f"erased:{incoming.key}", place, said, keyboard, owner=incoming.user, source=library.TITLES)
    inbox.finish(incoming.ids, now)
    incoming.finished = True
    inbox.erase(Row.objects.filter(pk__in=incoming.ids))
    return ""


async def export(context: Context, button: Button) -> None:
    """The dialog as a document, under the list."""
    found = await in_db(_export, context, button)
    await context.toast("" if found else _("This dialog is gone."))


def _export(context: Context, button: Button) -> bool:
    incoming, data = context.incoming, button.data
    if library.one_of(incoming.chat, incoming.thread, data["id"]) is None:
        return False
    wanted = {"id": data["id"], "form": data["form"], "user": incoming.user.pk}
    documents.enqueue(f"export:{incoming.key}", context.place, "dialog", wanted, incoming.language, library.TITLES)
    return True
