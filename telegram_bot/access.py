"""Access in words: the card in the admins' chat, and what a person hears when it is decided.

Connected to the signals of ``accounts``, which are sent inside the deciding transaction: whoever decides, wherever
(a button, a command, the Django admin), the same rows are written with the decision.
"""

import re
from typing import Any

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import Access, Chat, ChatKind, User
from accounts.signals import access_requested, chat_decided, chat_requested, decided, role_changed
from delivery import services as delivery
from delivery.models import Delivery
from telegram_bot import commands, outgoing
from telegram_bot.incoming import language_of
from telegram_bot.notices import admin_place
from telegram_bot.outgoing import Key, Keyboard, Place, bot_id

MARKS = {Access.ACTIVE: "✅", Access.REJECTED: "🚫", Access.BLOCKED: "⛔", Access.PENDING: "⏳"}
# What Markdown gives a meaning to: anywhere, or where a line begins.
SPECIAL = re.compile(r"[\\`*_\[\]()<>~|#&]|^[-+=]", re.MULTILINE)


def connect() -> None:
    access_requested.connect(on_request, dispatch_uid="telegram_bot.access")
    decided.connect(on_decision, dispatch_uid="telegram_bot.access")
    role_changed.connect(on_role, dispatch_uid="telegram_bot.access")
    chat_requested.connect(on_group_request, dispatch_uid="telegram_bot.access")
    chat_decided.connect(on_group_decision, dispatch_uid="telegram_bot.access")


def on_request(user: User, **_kwargs: Any) -> None:
    place = admin_place()
    if place is None:
        return
    with translation.override(settings.LANGUAGE_CODE):
        text = "👤 " + _("**%(who)s** asks for access.") % {"who": described(user)}
        outgoing.say(f"{_card(user)}", place, text, _keyboard("user", user.pk), source="access")


def on_group_request(chat: Chat, by: User | None, **_kwargs: Any) -> None:
    place = admin_place()
    if place is None:
        return
    with translation.override(settings.LANGUAGE_CODE):
        who = described(by) if by else "?"
        if chat.kind == ChatKind.CHANNEL:
            text = "📣 " + _(
                "The channel **%(title)s** asks for access (%(who)s). Once approved, editors can post there."
            )
        else:
            text = "👥 " + _("The group **%(title)s** asks for access (%(who)s).")
        names = {"title": escaped(chat.title), "who": who}
        outgoing.say(_card(chat), place, text % names, _keyboard("chat", chat.pk), source="access")


def on_decision(user: User, status: str, by: User | None, **_kwargs: Any) -> None:
    """Tell the person, give them their commands, and put the decision on the card."""
    if user.telegram_id is None or not bot_id():
        return
    place = Place(bot_id(), user.telegram_id)
    with translation.override(language_of(user)):
        if text := _news(status):
            outgoing.say(f"decided:{_moment(user)}", place, text, source="access")
        commands.show_to(user)
    _close_card(user, "👤 " + described(user), status, by)


def on_role(user: User, **_kwargs: Any) -> None:
    """Show the commands of the new role."""
    commands.show_to(user)


def on_group_decision(chat: Chat, status: str, by: User | None, **_kwargs: Any) -> None:
    if status == Access.ACTIVE and chat.kind != ChatKind.CHANNEL:
        greet(f"decided:{_moment(chat)}", chat)
    sign = "📣 " if chat.kind == ChatKind.CHANNEL else "👥 "
    _close_card(chat, sign + escaped(chat.title), status, by)


def greet(key: str, chat: Chat) -> None:
    """Say in a group that was let in how to talk to the bot there (telegram_bot.greeting finds the words)."""
    row = outgoing.message(key, Place(chat.bot_id, chat.telegram_id), {}, "access")
    row.backend = "greeting"
    delivery.enqueue([row])


def _news(status: str) -> str:
    return {
        Access.ACTIVE: _("You are in! Ask me anything, or choose a model with /models. All I can do: /help."),
        Access.REJECTED: _("Sorry, the admins did not let you in. You can ask again tomorrow."),
    }.get(Access(status), "")


def _close_card(target: User | Chat, title: str, status: str, by: User | None) -> None:
    place, card = admin_place(), _card(target)
    if place is None or not Delivery.objects.filter(key=f"{card}:0").exists():
        return
    with translation.override(settings.LANGUAGE_CODE):
        verdict = label(status)
        who = f" · {by.name}" if by else ""
        text = f"{title}\n\n{MARKS[Access(status)]} **{verdict}**{escaped(who)}"
        outgoing.say(f"{card}:{_moment(target)}", place, text, edit_of=f"{card}:0", source="access")


def _card(target: User | Chat) -> str:
    asked = target.requested_at
    kind = "user" if isinstance(target, User) else "chat"
    return f"access:{kind}:{target.pk}:{int(asked.timestamp() * 1000) if asked else 0}"


def _moment(target: User | Chat) -> str:
    when = target.decided_at or timezone.now()
    return f"{type(target).__name__.lower()}:{target.pk}:{int(when.timestamp() * 1000)}"


def _keyboard(kind: str, pk: int) -> Keyboard:
    def key(label: str, status: Access) -> Key:
        return Key(label, "access", {"kind": kind, "id": pk, "status": status})

    return [
        [key(_("✅ Approve"), Access.ACTIVE), key(_("🚫 Reject"), Access.REJECTED)],
        [key(_("⛔ Block"), Access.BLOCKED)],
    ]


def label(status: str) -> str:
    """How access stands, where no heading says that this is about access."""
    return pgettext("in a sentence", "active") if status == Access.ACTIVE else str(Access(status).label)


def described(user: User) -> str:
    username = f" @{user.telegram_username}" if user.telegram_username else ""
    return f"{escaped(user.name)}{escaped(username)} `{user.telegram_id}`"


def escaped(text: str) -> str:
    """``text`` as it is, whatever Markdown a name holds."""
    return SPECIAL.sub(r"\\\g<0>", text)
