"""``/admin`` and its buttons, the message with the password, ``/announcements``: the edge of the admin suite."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from telegram import Update
from telegram.error import TelegramError
from telegram.ext import ApplicationHandlerStop, CallbackQueryHandler, CommandHandler, MessageHandler, filters

from accounts import services as accounts
from accounts.models import User
from core.db import in_db
from delivery.signals import delivery_ended_badly
from telegram_bot import broadcasts, fleeting, lanes, outgoing
from telegram_bot.admin_chat import command, people, sessions
from telegram_bot.admin_chat.command import ACTION, Asked, View
from telegram_bot.application import PASSWORDS, App, Context, on_button
from telegram_bot.incoming import Incoming
from telegram_bot.limiter import COSMETIC, Dropped
from telegram_bot.models import Button
from telegram_bot.outgoing import Key, Keyboard, Place

log = structlog.get_logger(__name__)

_following: set[asyncio.Task[None]] = set()


def register(application: App) -> None:
    new = filters.UpdateType.MESSAGE
    texts = (new | filters.UpdateType.EDITED_MESSAGE) & filters.TEXT & ~filters.COMMAND
    application.add_handler(MessageHandler(texts, password), group=PASSWORDS)
    application.add_handler(CommandHandler("admin", admin, new))
    application.add_handler(CommandHandler("announcements", announcements, new))
    application.add_handler(CallbackQueryHandler(press_announcements, pattern=rf"^({broadcasts.OFF}|{broadcasts.ON})$"))
    on_button(application, "announcements.show", show_announcements)
    on_button(application, "access", people.press_card, toasts=True)
    on_button(application, ACTION, press, toasts=True)
    delivery_ended_badly.connect(sessions.on_ended_badly, dispatch_uid="telegram_bot.admin_chat")


async def shutdown() -> None:
    for task in list(_following):
        task.cancel()
    await asyncio.gather(*_following, return_exceptions=True)


# --- commands -------------------------------------------------------------------------------------------------------


async def admin(_update: Update, context: Context) -> None:
    """``/admin`` and words of the table; without words, who waits and a keyboard to the rest."""
    words = list(context.args or [])
    if refused := _refused(context.incoming, words):
        await fleeting.notice(context, refused)
        return
    await run(context, words, context.place, dict(lanes.body_of(context.incoming.update.raw)))


async def press(context: Context, button: Button) -> None:
    """A button does what its words do, in place. Whoever may write them may press; twice is as good as once."""
    if refused := _refused(context.incoming, button.data["words"]):
        await context.toast(refused, alert=True)
        return
    await context.toast()
    beside = button.data.get("beside", False)
    place = context.place if beside else replace(context.place, edit=context.pressed_message)
    await run(context, button.data["words"], place)


def _refused(incoming: Incoming, words: Sequence[str]) -> str:
    """Why the words are not obeyed. Names and figures are not for the eyes of any other group."""
    if not command.may(incoming.user, words):
        return _("This is for admins.")
    if not (incoming.chat.is_private or incoming.in_admin_chat):
        return _("Write this to me in private, or in the admins' chat.")
    return ""


async def password(_update: Update, context: Context) -> None:
    """Take the message for the password if one is awaited of this admin; then do what it was asked for."""
    incoming = context.incoming
    if not settings.ADMIN_PASSWORD or not incoming.user.is_bot_admin:
        return
    message = dict(lanes.body_of(incoming.update.raw))
    found = await in_db(sessions.take, incoming, message, timezone.now())
    if found is False:
        return
    if isinstance(found, sessions.Opened):
        await run(context, found.words, found.place)
    raise ApplicationHandlerStop


async def run(context: Context, words: Sequence[str], place: Place, message: dict[str, Any] | None = None) -> None:
    """Do what ``words`` say and show what comes of it at ``place``. ``message``: the raw one with the command."""
    incoming = context.incoming
    key = f"update:{incoming.key}:{incoming.said}"
    incoming.said += 1
    asked = Asked(incoming.user, place, words, timezone.now(), key, message or {})
    view = await in_db(_done, asked)
    if view.once:
        await context.bot.send_message(place.chat_id, view.text, message_thread_id=place.thread or None)
    if view.follow is not None:
        _follow(view.follow)


@transaction.atomic
def _done(asked: Asked) -> View:
    with timezone.override(asked.by.time_zone or None):
        view = _view(asked)
    if not view.once:
        outgoing.say(asked.key, asked.place, view.text, _keyboard(view, asked.place))
    return view


def _view(asked: Asked) -> View:
    if not asked.words:
        return people.home(asked)
    found = command.find(asked.words)
    if found is None:
        return command.unknown()
    wanted, rest = found
    if wanted.sensitive and (question := sessions.question(asked, list(asked.words))) is not None:
        return question
    return wanted.function(replace(asked, words=rest)) or command.usage(wanted)


def _keyboard(view: View, place: Place) -> Keyboard:
    """With a way back where the view stands in place of another."""
    back = [command.back_key(view.back)] if view.back is not None and place.edit is not None else []
    return [*view.keyboard, *back]


def _follow(work: Callable[[], Awaitable[None]]) -> None:
    """Go on beside the lane."""

    async def followed() -> None:
        try:
            await work()
        except Exception:
            log.exception("nothing to follow any more")

    task = asyncio.create_task(followed())
    _following.add(task)
    task.add_done_callback(_following.discard)


# --- announcements, for everybody -----------------------------------------------------------------------------------


async def announcements(_update: Update, context: Context) -> None:
    """``/announcements on|off``; without a word, how it is now, and a button."""
    words = [word.lower() for word in context.args or []]
    wanted = {"on": True, "off": False}.get(words[0]) if len(words) == 1 else None
    user = context.incoming.user
    if wanted is not None:
        await in_db(accounts.set_broadcasts, user, wanted)
    await fleeting.notice(context, _wants(user), [[_switch(user)]])


async def show_announcements(context: Context, _button: Button) -> None:
    user = context.incoming.user
    await context.reply(_wants(user), [[_switch(user)]])


async def press_announcements(update: Update, context: Context) -> None:
    """The button under each announcement; it means whoever presses it."""
    assert update.callback_query is not None
    user = context.incoming.user
    await in_db(accounts.set_broadcasts, user, update.callback_query.data == broadcasts.ON)
    await context.toast(_wants(user), alert=True)
    if context.incoming.chat.is_private:
        await _turn(context, _switch(user))


async def _turn(context: Context, key: Key) -> None:
    """Let the button offer the opposite; cosmetic, so not worth a second try."""
    keyboard: Any = outgoing.markup([[key]], [], None, context.incoming.chat_id)
    with suppress(Dropped, TelegramError):
        await context.bot.edit_message_reply_markup(
            context.incoming.chat_id, context.pressed_message, reply_markup=keyboard, rate_limit_args=COSMETIC
        )


def _wants(user: User) -> str:
    if user.broadcasts:
        return _("You get the admins' announcements. /announcements off turns them off.")
    return _("You get no announcements any more. /announcements on brings them back.")


def _switch(user: User) -> Key:
    if user.broadcasts:
        return Key(_("🔕 No more announcements"), callback=broadcasts.OFF)
    return Key(_("🔔 Announcements again"), callback=broadcasts.ON)
