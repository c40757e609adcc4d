"""Handlers of /context and of the choice that a model leaves which cannot take what a dialog holds."""

from dataclasses import replace

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations import summarising, turn
from conversations.context import limit_of
from conversations.dialogs.context import offer, shown
from conversations.dialogs.menu import Menu
from conversations.services import choose_model, dialogs, holding, start_anew, summaries
from conversations.services.turns import SOURCE
from core.db import in_db
from llm import services as llm
from llm.models import Model
from telegram_bot import outgoing
from telegram_bot import services as inbox
from telegram_bot.application import App, Context, on_button
from telegram_bot.incoming import Incoming
from telegram_bot.markdown import Part
from telegram_bot.models import Button

# Callback data of what goes on in the chat's own line.
IN_LINE = r"^summarise:\d*$"
# Messages that stay word for word when a person asks for a summary.
KEPT = 4


def add_to(application: App) -> None:
    on_button(application, "context.drop", drop)
    on_button(application, "context.new", new)
    on_button(application, "context.summarise", summarise)
    on_button(application, "switch.leave", leave)
    on_button(application, "switch.summarise", summarise_and_switch)
    on_button(application, "switch.new", new_with)
    on_button(application, "switch.stay", stay)


async def show(context: Context) -> None:
    await context.reply(*await in_db(_shown, context.incoming))


def _shown(incoming: Incoming, note: str = "") -> Menu:
    return shown(incoming.user, incoming.chat, incoming.thread, timezone.now(), note)


async def drop(context: Context, button: Button) -> None:
    said = await in_db(_drop, context.incoming, button.data.get("dialog"))
    await context.reply(*said, edit=context.pressed_message)


def _drop(incoming: Incoming, dialog_id: int | None) -> Menu:
    """Only from the dialog that the message was about: they do not come back."""
    dropped = holding.drop_files(incoming.chat, incoming.thread, dialog_id, timezone.now())
    said = _("The files are left out from now on.")
    return _shown(incoming, said if dropped else _("Another dialog is open now: this is what it holds."))


async def new(context: Context, _button: Button) -> None:
    await context.reply(*await in_db(_new, context.incoming), edit=context.pressed_message)


def _new(incoming: Incoming) -> Menu:
    start_anew(incoming.chat, incoming.thread, timezone.now())
    return _shown(incoming, "✨ " + _("A new dialog. What is it about?"))


async def summarise(context: Context, _button: Button) -> None:
    await in_db(_put_in_line, context, "")


@transaction.atomic
def _put_in_line(context: Context, model_id: int | str) -> None:
    """A model takes its time: that is for the chat's own line, for in the line of presses a Stop would wait for it."""
    incoming = context.incoming
    place = replace(context.place, edit=context.pressed_message)
    outgoing.say(f"summarising:{incoming.key}", place, [Part("📝 " + _("Summarising…"))], source=SOURCE)
    inbox.follow(incoming, f"summarise:{model_id}", "", timezone.now())


async def in_line(context: Context) -> None:
    """What `_put_in_line` left in the chat's line: summarise, and switch to the model that is named there."""
    incoming, press = context.incoming, context.incoming.update.raw["callback_query"]
    if incoming.update.update_id > 0:
        return  # a person's app may send any data with a press, but no row of ours
    if model_id := int(press["data"].partition(":")[2] or 0):
        note = await _summarise(incoming, None, await in_db(_room, model_id))
        said = await in_db(_after_summary, incoming, model_id, note)
    else:
        note = await _summarise(incoming, KEPT, None)
        said = await in_db(_shown, incoming, note)
    await context.reply(*said, edit=context.pressed_message)


async def _summarise(incoming: Incoming, most: int | None, room: int | None) -> str:
    """Have the open dialog summarised; what came of it."""
    try:
        job = await in_db(_begin, incoming, most, room)
    except summaries.NoBudget:
        return _("The budget has no room for a summary.")
    if job is None:
        return _("There is nothing to summarise yet: the newest messages stay as they are.")
    if await summarising.make(turn.client(), job):
        return _("Done: the newest messages stay word for word.")
    return _("No summary came of it this time. Nothing is lost; try again later.")


def _begin(incoming: Incoming, most: int | None, room: int | None) -> summaries.Job | None:
    conversation = dialogs.open_conversation(incoming.chat, incoming.thread, timezone.now())
    return summaries.begin_summary(conversation.pk, incoming.user, timezone.now(), most=most, room=room)


# --- another model --------------------------------------------------------------------------------------------------


async def leave(context: Context, button: Button) -> None:
    await context.reply(*await in_db(_switch, context.incoming, button.data["id"]), edit=context.pressed_message)


def _model(model_id: int) -> Model | None:
    return next((model for model in llm.offered_models() if model.pk == model_id), None)


def _gone() -> Menu:
    return [Part(_("This model is gone. Please choose another one: /models"))], ()


def _switch(incoming: Incoming, model_id: int, note: str = "") -> Menu:
    if (model := _model(model_id)) is None:
        return _gone()
    choose_model(incoming.chat, incoming.thread, model, timezone.now())
    return _shown(incoming, note)


async def summarise_and_switch(context: Context, button: Button) -> None:
    """Summarised by the model that has read it all; only then another one goes on."""
    await in_db(_put_in_line, context, button.data["id"])


def _room(model_id: int) -> int | None:
    model = _model(model_id)
    return limit_of(llm.target_of(model)) if model is not None else None


def _after_summary(incoming: Incoming, model_id: int, note: str) -> Menu:
    """Switch if it fits now; else the choice once more."""
    model = _model(model_id)
    again = model and offer(incoming.user, incoming.chat, incoming.thread, model, timezone.now(), note)
    return again or _switch(incoming, model_id, note)


async def new_with(context: Context, button: Button) -> None:
    await context.reply(*await in_db(_new_with, context.incoming, button.data["id"]), edit=context.pressed_message)


def _new_with(incoming: Incoming, model_id: int) -> Menu:
    if (model := _model(model_id)) is None:
        return _gone()
    holding.start_with(incoming.chat, incoming.thread, model, timezone.now())
    return _shown(incoming, "✨ " + _("A new dialog. What is it about?"))


async def stay(context: Context, _button: Button) -> None:
    await context.reply(*await in_db(_shown, context.incoming), edit=context.pressed_message)
