"""The taps under "May I do this?": Yes does it and lets the dialog go on, No leaves it."""

from django.utils import timezone
from django.utils.translation import gettext as _

from conversations import services, turn
from conversations.services import Question
from core.db import in_db
from telegram_bot.application import Context
from telegram_bot.models import Button


async def yes(context: Context, button: Button) -> None:
    await _settle(context, button, yes=True)


async def no(context: Context, button: Button) -> None:
    await _settle(context, button, yes=False)


async def _settle(context: Context, button: Button, *, yes: bool) -> None:
    settled = await in_db(services.settle, context.incoming, button.data, yes, timezone.now())
    if not settled:
        await context.toast(_("This was settled before, or is too old. Ask once more."))
    elif yes:
        await context.toast("✅")
    else:
        await context.toast(_("Good, I leave it as it is."))
    await context.take_buttons_away()


async def go_on(_update: object, context: Context) -> None:
    """What `telegram_bot.services.follow` put into the chat's line after a Yes: the model hears what came of it."""
    press = context.incoming.update.raw["callback_query"]
    # A person's app may send any data with a press, but no row of ours.
    if context.incoming.update.update_id < 0:
        await turn.answer(context, Question(press["told"], context.pressed_message or 0))
