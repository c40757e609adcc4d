"""/context: what the open dialog holds and what its next question costs; and the choice when a model cannot take it."""

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Chat, User
from conversations.dialogs.menu import Menu, titled
from conversations.services import holding
from conversations.services.holding import Held, Obstacles
from core.show import money, number
from llm.models import Model
from llm.services import Target
from telegram_bot.outgoing import Key, Keyboard

NAMED_FILES = 5


def shown(user: User, chat: Chat, thread: int, now: datetime, note: str = "") -> Menu:
    """What the open dialog holds, with what can be done about it. ``note``: what was just done."""
    held = holding.held(chat, thread, user, now)
    title = held.target.label or held.target.name if held.target else _("No model is set up yet.")
    lines = [_window(held), _sends(held), _left_out(held), _files(held.files), _summary(held), _cost(held)]
    return titled("🧠 " + title, *lines, f"\n{note}" if note else ""), _keys(held)


def _window(held: Held) -> str:
    window = held.target.model.context_window if held.target and held.target.model else None
    if window is None:
        return _("Its window is not known; a question here sends at most %(limit)s tokens.") % {
            "limit": number(held.limit)
        }
    values = {"window": number(window), "limit": number(held.limit)}
    return _("Its window is %(window)s tokens; a question here sends at most %(limit)s.") % values


def _sends(held: Held) -> str:
    share = round(held.tokens * 100 / held.limit) if held.limit else 0
    values = {"tokens": number(held.tokens), "share": share, "messages": held.messages}
    return (
        _("The next question sends about %(tokens)s tokens (estimated, %(share)d %%), messages: %(messages)d.") % values
    )


def _left_out(held: Held) -> str:
    return _("The earliest messages no longer fit and are left out.") if held.left_out else ""


def _files(names: list[str]) -> str:
    if not names:
        return "📎 " + _("No files.")
    more = "…" if len(names) > NAMED_FILES else ""
    named = ", ".join(names[:NAMED_FILES]) + more
    return "📎 " + _("Files, %(count)d: %(names)s") % {"count": len(names), "names": named}


def _summary(held: Held) -> str:
    if held.conversation.summary:
        return "📝 " + _("The earlier part is kept as a summary.")
    return "📝 " + _("Nothing is summarised.")


def _cost(held: Held) -> str:
    if held.cost is None:
        return "💰 " + _("What the next question costs is not known: this model has no price.")
    return "💰 " + _("The next question costs %(cost)s, estimated, and its answer on top.") % {"cost": money(held.cost)}


def _keys(held: Held) -> Keyboard:
    drop = (
        [Key("📎 " + _("Leave the files out"), "context.drop", {"dialog": held.conversation.pk})] if held.files else []
    )
    summarise = [Key("📝 " + _("Summarise"), "context.summarise")] if held.messages else []
    return [drop, [*summarise, Key("✨ " + _("New dialog"), "context.new")]]


# --- another model --------------------------------------------------------------------------------------------------


def offer(user: User, chat: Chat, thread: int, model: Model, now: datetime, note: str = "") -> Menu | None:
    """What to say when ``model`` cannot take what the open dialog holds, with the ways on; None when it can."""
    found = holding.obstacles(chat, thread, user, model, now)
    if not found:
        return None
    data = {"id": model.pk}
    summarise = [Key("📝 " + _("Summarise and switch"), "switch.summarise", data)] if found.too_long else []
    keys = [
        [Key("✂️ " + _("Switch and leave it out"), "switch.leave", data)],
        summarise,
        [Key("✨ " + _("New dialog with it"), "switch.new", data), Key(_("Stay"), "switch.stay")],
    ]
    return titled(*_reasons(found, model.title), f"\n{note}" if note else ""), keys


def lost(found: Obstacles, target: Target) -> tuple[list[str], Keyboard]:
    """What is said when the model of the dialog changed already, a line each, with the ways on."""
    summarise = [Key("📝 " + _("Summarise"), "context.summarise")] if found.too_long else []
    keys = [[*summarise, Key("✨ " + _("New dialog"), "context.new")]]
    return _reasons(found, target.label or target.name), keys


def _reasons(found: Obstacles, model: str) -> list[str]:
    reasons = [_("%(model)s cannot take all that this dialog holds.") % {"model": model}]
    if found.too_long:
        reasons.append(_("• The dialog is longer than it reads: the earliest messages would be left out."))
    if found.files:
        named = ", ".join(found.files[:NAMED_FILES])
        reasons.append(_("• It cannot read these files: %(names)s.") % {"names": named})
    return reasons
