"""Handlers of the house itself: who you are, whether the bot is there, and the meaning of buttons."""

import re

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from telegram import Update
from telegram.ext import (
    ApplicationHandlerStop,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    MessageHandler,
    filters,
)

from accounts import services as accounts
from accounts.models import Language, Role, User
from core.db import in_db
from telegram_bot import access, commands, expecting, fleeting, outgoing, rights, services, settings_menu, trouble
from telegram_bot.application import ANSWERS, SAID, App, Context, on_button
from telegram_bot.incoming import Incoming
from telegram_bot.models import Button
from telegram_bot.outgoing import Key, Place

CANCEL = re.compile(r"/cancel(@\w+)?(?=\s|$)", re.IGNORECASE)


def register(application: App) -> None:
    application.add_error_handler(trouble.on_error)
    for name, handler in (
        ("start", start),
        ("help", help_),
        ("ping", ping),
        ("whoami", whoami),
        ("language", language),
        ("settings", settings_),
    ):
        application.add_handler(CommandHandler(name, handler, filters.UpdateType.MESSAGE))
    application.add_handler(CallbackQueryHandler(press, pattern=r"^b:"))
    application.add_handler(ChatMemberHandler(membership, ChatMemberHandler.MY_CHAT_MEMBER))
    application.add_handler(MessageHandler(filters.UpdateType.MESSAGE & SAID, listen), group=ANSWERS)
    on_button(application, "language", choose_language)
    on_button(application, "language.ask", ask_language)


async def start(_update: Update, context: Context) -> None:
    name = context.incoming.user.first_name or context.incoming.user.name
    # Their menu too: an invitation or an operator may have changed the role since.
    await in_db(commands.show_to, context.incoming.user)
    await context.reply(
        _("Hello, %(name)s! Ask me anything, or choose a model with /models. All I can do: /help.")
        % {"name": access.escaped(name)}
    )


async def help_(_update: Update, context: Context) -> None:
    role = Role(context.incoming.user.role)
    lines = [f"/{item['command']} · {item['description']}" for item in commands.menu(role, translation.get_language())]
    text = _("Just write, and I will answer. Edit your question, and I will answer it anew; ⏹ stops an answer.")
    await context.reply(text + "\n\n" + "\n".join(lines))


async def ping(_update: Update, context: Context) -> None:
    await context.reply(_("Bot ready"))


async def whoami(_update: Update, context: Context) -> None:
    user = context.incoming.user
    lines = [
        access.described(user),
        _("Role: %(role)s") % {"role": user.get_role_display()},
        _("Language: %(language)s") % {"language": Language(context.incoming.language).label},
    ]
    if not context.incoming.chat.is_private:
        lines.append(_("This chat: `%(id)d`") % {"id": context.incoming.chat_id})
    await context.reply("\n".join(lines))


async def language(_update: Update, context: Context) -> None:
    await _ask_language(context)


async def _ask_language(context: Context) -> None:
    keys = [Key(label, "language", {"code": code}) for code, label in Language.choices]
    await context.reply(_("Which language do you prefer?"), [keys])


async def ask_language(context: Context, _button: Button) -> None:
    await _ask_language(context)


async def choose_language(context: Context, button: Button) -> None:
    user = context.incoming.user
    await in_db(_set_language, user, button.data["code"])
    with translation.override(user.language):
        await context.reply(_("Good, English it is."), edit=context.pressed_message)


@transaction.atomic
def _set_language(user: User, code: str) -> None:
    accounts.set_language(user, code)
    commands.show_to(user)


async def settings_(_update: Update, context: Context) -> None:
    """All of a person's settings; what they are is nobody else's business."""
    if not context.incoming.chat.is_private:
        await fleeting.notice(context, _("Your settings are in our private chat: write /settings there."))
        return
    said, keyboard = await in_db(settings_menu.menu, context.incoming, timezone.now())
    await context.reply(said, keyboard)


# --- answers --------------------------------------------------------------------------------------------------------


async def listen(update: Update, context: Context) -> None:
    """Hand words that somebody waits for to who asked; a command means that they wait in vain."""
    incoming, now = context.incoming, timezone.now()
    message = update.effective_message
    if message is None or not expecting.is_asked(incoming, now):
        return
    cancelled = _cancels(message.text or "", context.bot.username)
    # In a group only replies are answers; /cancel is for what the person was asked there, however they write it.
    if not (cancelled or expecting.may_be_expected(incoming, now)):
        return
    if message.text and message.text.startswith("/"):
        if await in_db(_interrupt, context, cancelled):
            raise ApplicationHandlerStop
        return
    expectation = await in_db(expecting.expected, incoming, now)
    answers = context.application.bot_data["answers"]
    answer, anything = answers.get(expectation.action, (None, False)) if expectation else (None, False)
    if answer is None or not (message.text or anything):
        return
    if await answer(context, expectation, message.text or message.caption or ""):
        raise ApplicationHandlerStop


def _cancels(text: str, username: str) -> bool:
    found = CANCEL.match(text)
    return found is not None and (found[1] or "").casefold() in ("", f"@{username}".casefold())


@transaction.atomic
def _interrupt(context: Context, cancelled: bool) -> bool:
    """A command: nothing is expected any more. Whether it was meant for that alone; then what ended is said."""
    incoming = context.incoming
    ended = expecting.end(incoming)
    if ended is None or not cancelled:
        return False
    named = context.application.bot_data["named"].get(ended, "")
    said = _("Good, I leave it at that: %(what)s.") % {"what": named} if named else _("Good, I leave it at that.")
    fleeting.say(f"update:{incoming.key}:{incoming.said}", incoming, said)
    incoming.said += 1
    services.finish(incoming.ids, timezone.now())
    incoming.finished = True
    return True


# --- buttons --------------------------------------------------------------------------------------------------------


async def press(update: Update, context: Context) -> None:
    """Find out what a press means and whether this person may; then the action's handler does it."""
    query = update.callback_query
    assert query is not None
    assert query.data is not None
    button = await in_db(_button, query.data.removeprefix("b:"))
    if button is None or not _still_means(button, context):
        await context.toast(_("This button is too old. Ask for it again."))
        return
    if button.owner_id not in (None, context.incoming.user.pk):
        await context.toast(_("This button is somebody else's."))
        return
    handler, toasts = context.application.bot_data["actions"][button.action]
    if not toasts:
        await context.toast()
    await handler(context, button)


def _button(key: str) -> Button | None:
    return Button.objects.filter(pk=key).first()


def _still_means(button: Button, context: Context) -> bool:
    chat = context.incoming.chat
    here = button.chat_id in (None, chat.telegram_id, chat.migrated_from)
    return here and button.expires_at > timezone.now() and button.action in context.application.bot_data["actions"]


# --- chats ----------------------------------------------------------------------------------------------------------


AWAY = ("left", "kicked")


async def membership(update: Update, context: Context) -> None:
    """The bot was added, removed, blocked or let in again."""
    change = update.my_chat_member
    assert change is not None
    came = change.old_chat_member.status in AWAY
    member = context.incoming.update.raw["my_chat_member"]["new_chat_member"]
    await in_db(_membership, context.incoming, *rights.told(member), came=came)


@transaction.atomic
def _membership(incoming: Incoming, status: str, may: dict[str, bool], *, came: bool) -> None:
    if not incoming.chat.is_private:
        accounts.set_rights(incoming.chat, status, may, timezone.now())
    if status in AWAY:
        accounts.mark_unreachable(
            incoming.bot_id,
            incoming.chat_id,
            "bot was blocked by the user" if incoming.chat.is_private else f"bot is {status}",
        )
        return
    accounts.mark_reachable(incoming.bot_id, incoming.chat_id)
    chat = incoming.chat
    if came and not chat.is_private and chat.allowed and chat.kind != "channel":
        access.greet(f"hello:{incoming.key}", chat)
    if chat.is_private or chat.allowed or incoming.in_admin_chat or not incoming.user.may_use:
        return
    if accounts.request_chat(chat, incoming.user, timezone.now()) and chat.kind != "channel":
        place = Place(incoming.bot_id, incoming.chat_id)
        outgoing.say(
            f"hello:{incoming.key}", place, _("Hello! As soon as the admins approve this group, I am here for you.")
        )
