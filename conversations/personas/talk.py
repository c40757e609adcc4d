"""Assistants in the chat: chosen by keyboard or by name, and bound to a group or a topic by an admin."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from conversations import services
from conversations.dialogs.context import lost
from conversations.models import Assistant
from conversations.services import holding
from core.db import in_db
from telegram_bot.access import escaped
from telegram_bot.application import App, Context, on_button
from telegram_bot.incoming import Incoming
from telegram_bot.models import Button
from telegram_bot.outgoing import Key, Keyboard

MOST = 30

Menu = tuple[str, Keyboard]


def register(application: App) -> None:
    on_button(application, "assistant.choose", choose)
    on_button(application, "assistant.bind", bind)


async def show(_update: object, context: Context) -> None:
    await context.reply(*await in_db(menu, context.incoming, timezone.now()))


async def by_name(update: object, context: Context) -> None:
    """``/assistant name`` · ``/assistant bind [name]`` and ``/assistant unbind`` for admins."""
    words = list(context.args or [])
    if not words:
        await show(update, context)
    elif words[0].lower() in ("bind", "unbind"):
        await _binding(context, words[0].lower(), " ".join(words[1:]))
    else:
        await context.reply(*await in_db(_named, context.incoming, " ".join(words), "assistant.choose"))


async def _binding(context: Context, verb: str, name: str) -> None:
    if not context.incoming.user.is_bot_admin:
        await context.reply(_("This is for admins."))
    elif verb == "unbind":
        await context.reply(*await in_db(_do, context.incoming, "assistant.bind", None, timezone.now()))
    elif name:
        await context.reply(*await in_db(_named, context.incoming, name, "assistant.bind"))
    else:
        await context.reply(*await in_db(_bindable, context.incoming))


def menu(incoming: Incoming, now: datetime) -> Menu:
    """The assistants that this person may choose, the one of this dialog marked."""
    offered = services.offered_assistants(incoming.user, incoming.language)[:MOST]
    current = services.open_conversation(incoming.chat, incoming.thread, now).assistant
    if not offered:
        return _("There are no assistants yet. An admin can write some on the admin site."), ()
    lines = [f"**{escaped(str(one))}** · {escaped(one.description)}" for one in offered if one.description]
    keys = [[_key(one, "assistant.choose", current)] for one in offered]
    if not any(one.is_default for one in offered):
        label = _("Without an assistant")
        keys.append([Key(label if current else f"✓ {label}", "assistant.choose", {"id": None})])
    return "\n".join([_("Who shall help you here?"), "", *lines]), keys


def _key(assistant: Assistant, action: str, current: Assistant | None) -> Key:
    mark = "✓ " if current is not None and current.pk == assistant.pk else ""
    return Key(f"{mark}{assistant}", action, {"id": assistant.pk})


def _bindable(incoming: Incoming) -> Menu:
    bound = services.bound_to(incoming.chat, incoming.thread)
    found = Assistant.objects.filter(enabled=True).order_by("name")[:MOST]
    keys = [[_key(one, "assistant.bind", bound.assistant if bound else None)] for one in found]
    if incoming.thread:
        return _("Which assistant begins the dialogs of this topic? `/assistant unbind` takes it away."), keys
    return _("Which assistant begins the dialogs of this chat? `/assistant unbind` takes it away."), keys


def _named(incoming: Incoming, name: str, action: str) -> Menu:
    """Do it when the name means one assistant, else ask which."""
    known = _may(incoming, action)
    found = [one for one in known if one.name.casefold() == name.casefold()]
    found = found or [one for one in known if name.casefold() in one.name.casefold()]
    if len(found) == 1:
        return _do(incoming, action, found[0], timezone.now())
    if found:
        return _("Several assistants match. Which one?"), [[_key(one, action, None)] for one in found[:MOST]]
    return _("I do not know an assistant of that name. Choose from the list: /assistants"), ()


def _may(incoming: Incoming, action: str) -> Sequence[Assistant]:
    if action == "assistant.bind":
        return list(Assistant.objects.filter(enabled=True)) if incoming.user.is_bot_admin else []
    return services.offered_assistants(incoming.user, incoming.language)


async def choose(context: Context, button: Button) -> None:
    said = await in_db(_pressed, context.incoming, button.data["id"], "assistant.choose")
    await context.reply(*said, edit=context.pressed_message)


async def bind(context: Context, button: Button) -> None:
    said = await in_db(_pressed, context.incoming, button.data["id"], "assistant.bind")
    await context.reply(*said, edit=context.pressed_message)


def _pressed(incoming: Incoming, key: int | None, action: str) -> Menu:
    """What the list offered may be offered no more, and the person may have another role."""
    chosen = next((one for one in _may(incoming, action) if one.pk == key), None)
    if chosen is None and (key is not None or action == "assistant.bind"):
        return _("This assistant is gone. Please choose another one: /assistants"), ()
    return _do(incoming, action, chosen, timezone.now())


def _do(incoming: Incoming, action: str, assistant: Assistant | None, now: datetime) -> Menu:
    """Do it; where the assistant's own model cannot take what the dialog holds, that is said, with the ways on."""
    target, found = holding.obstacles_with(incoming.chat, incoming.thread, incoming.user, assistant, now)
    said = (_bind if action == "assistant.bind" else _choose)(incoming, assistant, now)
    if target is None or not found:
        return said, ()
    lines, keys = lost(found, target)
    return "\n".join([said, "", *map(escaped, lines)]), keys


def _choose(incoming: Incoming, assistant: Assistant | None, now: datetime) -> str:
    services.choose_assistant(incoming.chat, incoming.thread, assistant, now)
    if assistant is None:
        return "✅ " + _("The model answers here without an assistant now.")
    said = "✅ " + _("**%(assistant)s** helps here now.") % {"assistant": escaped(str(assistant))}
    return f"{said} {escaped(assistant.description)}".strip()


def _bind(incoming: Incoming, assistant: Assistant | None, now: datetime) -> str:
    services.bind(incoming.chat, incoming.thread, assistant, incoming.user, now)
    if assistant is None:
        return "✅ " + _("No assistant is bound here any more.")
    return "✅ " + _("Dialogs begin here with **%(assistant)s** now.") % {"assistant": escaped(str(assistant))}
