"""What people read when an answer does not come as hoped. One kind sentence each, and what to do next."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from telegram_bot.access import escaped
from telegram_bot.outgoing import Key

FENCE = re.compile(r"^ {0,3}(`{3,}(?=[^`\n]*$)|~{3,})(.*)$", re.MULTILINE)


def sorry(kind: str) -> str:
    """The sentence for a provider's error kind (llm.errors); it names no provider and no code."""
    return {
        "auth": _("This model is not set up right now. The admins know; another model will help meanwhile."),
        "billing": _("This model is out of service for now. The admins know; another model will help meanwhile."),
        "forbidden_region": _("This model is not available here. Another one will help."),
        "model_not_found": _("This model is gone. Please choose another one."),
        "bad_request": _("The model did not accept the question. Try other words, or another model."),
        "context_too_long": _(
            "This dialog has grown too long for the model. Begin anew with /new, or shorten the text."
        ),
        "too_large": _("This is too large for the model. Send a shorter text."),
        "blocked": _("The model will not answer this. Try other words."),
        "rate_limited": _("Too many questions at once. Try again in a minute, or choose another model."),
        "quota_daily": _("This model's limit for today is used up. Another one will help, or come back tomorrow."),
        "overloaded": _("The model is overloaded. Try again in a minute, or choose another model."),
        "server": _("The model's server failed. Try again, or choose another model."),
        "timeout": _("The model took too long. Try again, or choose another model."),
        "network": _("The connection to the model broke. Try again, or choose another model."),
        "no_model": _("No model is set up yet. The admins can add a provider's key."),
        "empty": _("The model gave no answer. Try again, or use other words."),
    }.get(kind, _("The answer did not work out. Try again, or choose another model."))


def after(answer: str, note: str) -> str:
    """``note`` under ``answer`` (which may be nothing), outside a code block that was cut in the middle."""
    return f"{closed(answer)}\n\n{note}" if answer else note


def closed(answer: str) -> str:
    """``answer`` with the end of its last code block, should that be missing."""
    opened = ""
    for mark, rest in FENCE.findall(answer):
        if not opened:
            opened = mark
        elif mark.startswith(opened) and not rest.strip():
            opened = ""
    return f"{answer}\n{opened}" if opened else answer


def cut_short(kind: str) -> str:
    """What stands under an answer that broke off in the middle."""
    return "⚠️ " + _("The answer broke off here.") + " " + sorry(kind)


def stopped() -> str:
    return "⏹ " + _("Stopped.")


def edited() -> str:
    return "✏️ " + _("The question was changed.")


def part_edited() -> str:
    return "✏️ " + _("This question came in several messages. Please send it once more as a whole.")


def length_reached() -> str:
    return "✂️ " + _("The answer reached the model's limit. Write “go on” for the rest.")


def long_dialog() -> str:
    return "💡 " + _(
        "This dialog has grown long: answers cost more, and the earliest messages will be left out. "
        "/new begins a fresh one whenever you like."
    )


def summarised() -> str:
    return "📝 " + _("The earlier part of this dialog is kept as a summary from now on. /context shows what I hold.")


def moved(old: str, new: str) -> str:
    if not new:
        return "🔁 " + _("The model %(old)s was retired. I will answer with the default one.") % {"old": escaped(old)}
    names = {"old": escaped(old), "new": escaped(new)}
    return "🔁 " + _("The model %(old)s was retired. From now on %(new)s answers here.") % names


def hidden(old: str, new: str) -> str:
    """For the next question after an operator hid the dialog's model; ``new`` is empty when nothing is left."""
    if not new:
        return "🔁 " + _("The model %(old)s is not offered any more.") % {"old": escaped(old)}
    names = {"old": escaped(old), "new": escaped(new)}
    return "🔁 " + _("The model %(old)s is not offered any more. From now on %(new)s answers here.") % names


def withheld(assistant: str) -> str:
    said = _("The assistant %(assistant)s is not offered to you any more. The dialog goes on without it.")
    return "🔁 " + said % {"assistant": escaped(assistant)}


def stepped_in(answered: str, chosen: str) -> str:
    """What stands under an answer that another model gave."""
    names = {"answered": escaped(answered), "chosen": escaped(chosen)}
    return "↪️ " + _("**%(answered)s** answered: **%(chosen)s** is not available right now.") % names


def planned_task() -> str:
    return _("Planned task")


def of_task(title: str, answer: str) -> str:
    """What a planned task has to tell, marked as such."""
    return f"⏰ **{escaped(title or planned_task())}**\n\n{answer}"


def no_access() -> str:
    return _("This person may not use the bot any more.")


def no_assistant() -> str:
    return _("Its assistant is gone, or not offered to you any more. Delete it in /reminders and ask another for it.")


def task_failed(kind: str) -> str:
    """Why a planned task was not done (llm.errors), for its person, who was not there."""
    if kind in ("blocked", "bad_request"):
        return _("The model will not do this. Delete it in /reminders and ask for it in other words.")
    if kind in ("context_too_long", "too_large"):
        return _("It is too much for the model at once. Delete it in /reminders and ask for a smaller task.")
    if kind == "quota_daily":
        return _("The model's limit for today is used up.")
    if kind in ("auth", "billing", "forbidden_region", "model_not_found", "no_model"):
        return _("Its model is not available right now. An admin can choose another one.")
    if kind == "bug":
        return _("Something went wrong on my side; the admins know.")
    return _("The model did not answer, although I asked it several times.")


def may_i(questions: Sequence[str]) -> str:
    """What the person is asked before something is done that cannot be undone."""
    return "❓ " + _("May I do this?") + "\n" + "\n".join(f"• {escaped(question)}" for question in questions)


def yes_key(data: Mapping[str, Any]) -> Key:
    return Key(_("✅ Yes"), "tool.yes", data)


def no_key(data: Mapping[str, Any]) -> Key:
    return Key(_("✖️ No"), "tool.no", data)


def models_key() -> Key:
    return Key(_("📋 Models"), "models", {})
