"""Handlers of Avito profiles in the chat: /add_profile, /profiles, and the buttons of their cards.

A press or an answer is one short transaction (reports/chat); what asks Avito or Telegram on the way stands here, and
holds no connection meanwhile.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from telegram import InlineKeyboardMarkup, Update
from telegram.error import TelegramError
from telegram.ext import ApplicationHandlerStop, CommandHandler, MessageHandler, filters

from accounts.models import Chat
from core.db import in_db
from delivery.errors import DeliveryError
from reports.chat import adding, answers, checking, choosing, outcome, place, pressing, targets
from reports.chat.adding import Ready
from reports.probing import probe
from telegram_bot import outgoing, rights
from telegram_bot.application import SECRETS, App, Context, on_answer, on_button
from telegram_bot.models import Button, Expectation
from telegram_bot.outgoing import Key

log = structlog.get_logger(__name__)

NEW = filters.UpdateType.MESSAGE
# Chats that are looked at at the same time.
AT_ONCE = 8


def register(application: App) -> None:
    application.add_handler(CommandHandler("add_profile", add_profile, NEW))
    application.add_handler(CommandHandler("profiles", profiles, NEW))
    edited = filters.UpdateType.EDITED_MESSAGE & filters.ChatType.PRIVATE
    application.add_handler(MessageHandler(edited, forget_edited), group=SECRETS)
    on_answer(application, adding.ADDING, keys, anything=True, named=gettext_lazy("connecting an Avito account"))
    on_answer(application, answers.WORDS, words, named=gettext_lazy("the settings of an Avito profile"))
    on_answer(application, answers.CHAT, chat_named, anything=True, named=gettext_lazy("the choice of a chat"))
    on_answer(application, answers.HOOK, hook, named=gettext_lazy("the address of a webhook"))
    for action in pressing.VERBS:
        on_button(application, action, press, toasts=True)
    on_button(application, "profile_list", turn)
    on_button(application, "profile_check", check, toasts=True)
    for action, handler in (
        ("avito.anew", keys_anew),
        ("avito.again", keys_again),
        ("avito.replace", keys_replace),
        ("avito.cancel", keys_cancel),
        ("avito.seen", seen),
    ):
        on_button(application, action, handler)
    for action in ("report_set_chat", "profile_show"):
        on_button(application, action, offer_chats, toasts=True)
    for action in ("report_chat_here", "report_chat_pick"):
        on_button(application, action, pick_chat, toasts=True)


# --- connecting -----------------------------------------------------------------------------------------------------


async def add_profile(update: Update, context: Context) -> None:
    """``/add_profile``, alone or with a name and keys; not in a group, where others would see them."""
    message = update.effective_message
    assert message is not None
    # Behind the command there may be a line break.
    said = (message.text or "").split(maxsplit=1)[1:]
    incoming = context.incoming
    if not incoming.chat.is_private:
        await in_db(adding.refuse_in_group, incoming, "".join(said), timezone.now())
        return
    await _look(context, await in_db(adding.begin, incoming, "".join(said), timezone.now()))


async def keys(context: Context, expectation: Expectation, said: str) -> bool:
    taken = await in_db(adding.answer, context.incoming, expectation, said, timezone.now())
    if isinstance(taken, Ready):
        await _look(context, taken)
    return taken is not False


async def _look(context: Context, ready: Ready | None, edit: int | None = None) -> None:
    """See what the keys open, and tell."""
    if ready is not None:
        found = await probe(ready.keys)
        await in_db(outcome.settle, context.incoming, found, timezone.now(), ready.progress, edit)


async def keys_anew(context: Context, button: Button) -> None:
    edit = None if button.data.get("beside") else context.pressed_message
    await in_db(adding.anew, context.incoming, button.data, edit, timezone.now())


async def keys_again(context: Context, _button: Button) -> None:
    edit = context.pressed_message
    await _look(context, await in_db(adding.again, context.incoming, edit, timezone.now()), edit)


async def keys_replace(context: Context, button: Button) -> None:
    edit, profile = context.pressed_message, button.data.get("profile")
    await in_db(outcome.replace, context.incoming, profile, edit, timezone.now())


async def keys_cancel(context: Context, _button: Button) -> None:
    await in_db(adding.cancel, context.incoming, context.pressed_message, timezone.now())


async def forget_edited(update: Update, context: Context) -> None:
    """A message with keys that was edited before it was gone: its words go nowhere, and stand nowhere."""
    message = update.effective_message
    assert message is not None
    if await in_db(place.was_deleted, context.incoming, message.message_id):
        await in_db(place.empty, context.incoming)
        raise ApplicationHandlerStop


# --- cards ----------------------------------------------------------------------------------------------------------


async def profiles(_update: Update, context: Context) -> None:
    await in_db(pressing.show_list, context.incoming, 0, None, timezone.now())


async def turn(context: Context, button: Button) -> None:
    page, edit = button.data.get("page", 0), None if button.data.get("beside") else context.pressed_message
    await in_db(pressing.show_list, context.incoming, page, edit, timezone.now())


async def press(context: Context, button: Button) -> None:
    edit = None if button.data.get("beside") else context.pressed_message
    refused = await in_db(pressing.press, context.incoming, button.action, button.data, edit, timezone.now())
    await context.toast(refused, alert=bool(refused))


async def words(context: Context, expectation: Expectation, said: str) -> bool:
    return await in_db(answers.answer, context.incoming, expectation, said, timezone.now())


async def check(context: Context, button: Button) -> None:
    """Look at what the keys of a profile open now."""
    edit = context.pressed_message
    begun = await in_db(checking.begin, context.incoming, button.data, edit, timezone.now())
    refused = begun if isinstance(begun, str) else ""
    await context.toast(refused, alert=bool(refused))
    if isinstance(begun, checking.Begun):
        found = await probe(begun.keys)
        await in_db(checking.end, context.incoming, begun, found, edit, timezone.now())


# --- where to -------------------------------------------------------------------------------------------------------


async def offer_chats(context: Context, button: Button) -> None:
    """The chats where the person is as well; Telegram is asked about each."""
    await context.toast()
    chats = await in_db(lambda: list(targets.candidates()))
    there = await _where_they_are(context, chats)
    edit = context.pressed_message
    await in_db(choosing.offer, context.incoming, button.action, button.data, there, edit, timezone.now())


async def _where_they_are(context: Context, chats: Sequence[Chat]) -> list[Chat]:
    room = asyncio.Semaphore(AT_ONCE)

    async def look(chat: Chat) -> str:
        async with room:
            return await _standing(context, chat)

    standings = await asyncio.gather(*(look(chat) for chat in chats))
    return [chat for chat, standing in zip(chats, standings, strict=True) if targets.is_there(chat, standing)]


async def _standing(context: Context, chat: Chat) -> str:
    """What the person is in ``chat``; nothing where Telegram does not answer."""
    try:
        return await rights.standing(chat, context.incoming.user.telegram_id or 0)
    except DeliveryError as error:
        log.info("membership not known", kind=error.kind)
        return ""


async def pick_chat(context: Context, button: Button) -> None:
    """A chat was chosen, or the one where the button stands."""
    incoming, edit, now = context.incoming, context.pressed_message, timezone.now()
    data: dict[str, Any] = dict(button.data)
    if button.action == "report_chat_here" and incoming.chat.is_private:
        refused = await in_db(choosing.to_me, incoming, data, edit, now)
    else:
        if button.action == "report_chat_here":
            data |= {"chat": incoming.chat.pk, "thread": incoming.thread, "purpose": targets.REPORT}
        chat, standing = await _looked_at(context, data)
        refused = await in_db(choosing.choose, incoming, button.action, data, chat, standing, edit, now)
    await context.toast(refused, alert=bool(refused))


async def _looked_at(context: Context, data: Mapping[str, Any]) -> tuple[Chat | None, str]:
    """The chat as it is now, and what the person is there."""
    chat = await in_db(Chat.objects.filter(pk=data.get("chat", 0)).first)
    return chat, await _there(context, chat)


async def _there(context: Context, chat: Chat | None) -> str:
    if chat is None or chat.is_private:
        return ""
    with suppress(DeliveryError):
        await rights.refresh(chat)
    return await _standing(context, chat)


async def chat_named(context: Context, expectation: Expectation, said: str) -> bool:
    """By its @name, or by a message forwarded from it."""
    incoming = context.incoming
    chat = await in_db(targets.named, said, incoming.messages)
    standing = await _there(context, chat)
    await in_db(choosing.named, incoming, expectation.data, chat, standing, timezone.now())
    return True


async def hook(context: Context, expectation: Expectation, said: str) -> bool:
    """The address of a webhook. Its secret is said past the outbox, which would keep it."""
    secret = await in_db(answers.hook, context.incoming, expectation, said, timezone.now())
    if secret:
        await _show_once(context, secret)
    return True


async def _show_once(context: Context, secret: str) -> None:
    text = _("🔗 The secret of the webhook, this once. Keep it where the calls are checked, then delete this message:")
    buttons: list[Button] = []
    keyboard = [[Key("🗑 " + _("I have it, delete this"), "avito.seen")]]
    markup = outgoing.markup(keyboard, buttons, context.incoming.user, context.incoming.chat_id)
    await in_db(Button.objects.bulk_create, buttons)
    try:
        ready = InlineKeyboardMarkup.de_json(markup, context.bot)
        await context.bot.send_message(context.incoming.chat_id, f"{text}\n{secret}", reply_markup=ready)
    except TelegramError as error:
        log.warning("secret of a webhook not shown", error=type(error).__name__)
        await context.reply(_("The secret could not be shown. Enter the address once more: it gets a new one."))


async def seen(context: Context, _button: Button) -> None:
    """The secret was kept elsewhere."""
    await in_db(place.delete, context.incoming, [context.pressed_message or 0])
