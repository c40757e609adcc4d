"""Handlers of reports that somebody asks for: /stats, "report now", a chosen period, and what stands under reports."""

from django.utils import timezone
from django.utils.translation import gettext_lazy
from telegram import Update
from telegram.ext import CallbackQueryHandler

from core.db import in_db
from reports.chat import asking, history, stats
from telegram_bot.application import App, Context, on_answer, on_button, on_command
from telegram_bot.models import Button, Expectation


def register(application: App) -> None:
    on_command(application, "stats", command)
    on_button(application, "report_now", now, toasts=True)
    on_button(application, history.ACTION, choose, toasts=True)
    on_button(application, "report_cancel", cancel, toasts=True)
    on_button(application, "report_send", send_further, toasts=True)
    on_answer(application, asking.PERIOD, words, named=gettext_lazy("the choice of a period"))
    application.add_handler(CallbackQueryHandler(tap, pattern=rf"^{history.NAME}:"))


async def command(_update: Update, context: Context) -> None:
    await in_db(stats.stats, context.incoming, " ".join(context.args or []), timezone.now())


async def now(context: Context, button: Button) -> None:
    number = context.pressed_message
    await _told(context, await in_db(asking.report_now, context.incoming, button.data.get("profile"), number, _now()))


async def choose(context: Context, button: Button) -> None:
    """The menu of periods, or one that was chosen there."""
    incoming, number = context.incoming, context.pressed_message
    if "do" in button.data:
        refused = await in_db(asking.picked, incoming, dict(button.data), number, _now())
    else:
        edit = number if button.data.get("edit", True) else None
        refused = await in_db(asking.report_history, incoming, button.data.get("profile"), edit, _now())
    await _told(context, refused)


async def tap(_update: Update, context: Context) -> None:
    """A cell of the calendar; one without a day does nothing."""
    data = str(context.incoming.update.raw["callback_query"].get("data", ""))
    if data == history.EMPTY:
        await context.toast()
        return
    await _told(context, await in_db(asking.tapped, context.incoming, data, context.pressed_message, _now()))


async def words(context: Context, expectation: Expectation, said: str) -> bool:
    return await in_db(asking.written, context.incoming, expectation, said, _now())


async def cancel(context: Context, button: Button) -> None:
    await _told(context, await in_db(asking.cancel, context.incoming, button.data.get("report"), _now()))


async def send_further(context: Context, button: Button) -> None:
    said = await in_db(asking.send_further, context.incoming, button.data.get("report"), _now())
    await context.toast(said)


async def _told(context: Context, refused: str) -> None:
    await context.toast(refused, alert=bool(refused))


_now = timezone.now
