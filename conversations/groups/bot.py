"""``/group``: the panel of a group, for admins of the bot. One message with buttons, changed in place."""

from django.utils import timezone
from django.utils.translation import gettext as _
from telegram import Update
from telegram.ext import CommandHandler, filters

from accounts import services as accounts
from accounts.models import Chat, Payer
from conversations import services
from core.db import in_db
from llm.models import Budget
from telegram_bot import fleeting
from telegram_bot.access import escaped
from telegram_bot.application import App, Context, on_button
from telegram_bot.incoming import Incoming
from telegram_bot.models import Button
from telegram_bot.outgoing import Key, Keyboard


def register(application: App) -> None:
    application.add_handler(CommandHandler("group", show, filters.UpdateType.MESSAGE))
    on_button(application, "group.set", change, toasts=True)


async def show(_update: Update, context: Context) -> None:
    if refused := _refused(context.incoming):
        await fleeting.notice(context, refused)
        return
    said, keyboard = await in_db(panel, context.incoming)
    await context.reply(said, keyboard, anyone=True)


async def change(context: Context, button: Button) -> None:
    """Any admin of the bot may press. Rights are asked again: a button lives longer than a role."""
    if refused := _refused(context.incoming):
        await context.toast(refused, alert=True)
        return
    await context.toast()
    said, keyboard = await in_db(_changed, context.incoming, button.data)
    await context.reply(said, keyboard, edit=context.pressed_message, anyone=True)


def _refused(incoming: Incoming) -> str:
    if incoming.chat.is_private:
        return _("This is about a group: write it there.")
    return "" if incoming.user.is_bot_admin else _("This is for admins.")


def _changed(incoming: Incoming, options: dict[str, object]) -> tuple[str, Keyboard]:
    accounts.set_chat_options(incoming.chat, by=incoming.user, via="bot", now=timezone.now(), **options)
    return panel(incoming)


def panel(incoming: Incoming) -> tuple[str, Keyboard]:
    """What holds for this group, and the buttons that change it."""
    chat = Chat.objects.get(pk=incoming.chat.pk)
    dialog = services.open_conversation(chat, incoming.thread, timezone.now())
    lines = [
        "⚙️ " + _("**%(title)s**") % {"title": escaped(chat.title)},
        _("Pays: %(who)s") % {"who": _payer(chat)},
        _("Another model may step in: %(answer)s") % {"answer": _("yes") if chat.fallbacks else _("no")},
        _("Assistant here: %(name)s (another one: /assistants)")
        % {"name": escaped(str(dialog.assistant)) if dialog.assistant else _("none")},
    ]
    return "\n".join(lines), _keys(chat)


def _keys(chat: Chat) -> Keyboard:
    other = Payer.PERSON if chat.payer == Payer.CHAT else Payer.CHAT
    pays = _("Let the group pay") if other == Payer.CHAT else _("Let whoever asks pay")
    steps = _("Only the chosen model") if chat.fallbacks else _("Another model may step in")
    return [
        [Key(pays, "group.set", {"payer": str(other)})],
        [Key(steps, "group.set", {"fallbacks": not chat.fallbacks})],
    ]


def _payer(chat: Chat) -> str:
    if chat.payer == Payer.PERSON:
        return _("whoever asks, from their budget")
    if Budget.objects.filter(scope=Budget.Scope.CHAT, chat=chat, enabled=True).exists():
        return _("the group, from its budget")
    return _("the group, but it has no budget yet: only the bot's own holds")
