"""Handlers of ``/mydata`` and ``/forget``."""

import asyncio
import math
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from telegram import Update
from telegram.ext import CommandHandler, filters

from accounts import services as accounts
from accounts.models import AuditEntry, User
from conversations import running
from conversations.privacy import forgetting, words
from core.db import in_db
from telegram_bot import documents, fleeting
from telegram_bot.application import App, Context, on_button
from telegram_bot.incoming import Incoming
from telegram_bot.models import Button
from telegram_bot.models import Update as RawUpdate
from telegram_bot.outgoing import Key, Place

EXPORT_EVERY = timedelta(minutes=10)
# Longer than a stopped answer takes to be saved, and a message to be sent.
END_SECONDS = 10.0

Busy = Callable[[User, RawUpdate, datetime], bool]


def register(application: App) -> None:
    application.add_handler(CommandHandler("mydata", mydata, filters.UpdateType.MESSAGE))
    application.add_handler(CommandHandler("forget", forget, filters.UpdateType.MESSAGE))
    on_button(application, "forget", erase)
    on_button(application, "forget.no", keep)


async def mydata(_update: Update, context: Context) -> None:
    if not context.incoming.chat.is_private:
        await fleeting.notice(context, words.only_in_private())
        return
    wait = await in_db(_export, context.incoming, timezone.now())
    await context.reply(words.export_came(math.ceil(wait / 60)) if wait else words.export_comes())


@transaction.atomic
def _export(incoming: Incoming, now: datetime) -> float:
    """Let the export come, on record; seconds to wait when there was one a moment ago."""
    user, key = incoming.user, f"mydata:{incoming.key}"
    asked = AuditEntry.objects.filter(actor=user, action="privacy.exported", at__gt=now - EXPORT_EVERY)
    if earlier := asked.exclude(details__key=key).order_by("-at").first():
        return (earlier.at + EXPORT_EVERY - now).total_seconds()
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
    documents.enqueue(key, place, "mydata", {"user": user.pk}, incoming.language, "privacy")
    if not asked.exists():
        accounts.audit(
            "privacy.exported", by=user, via="bot", **accounts.target_of(user), details={"key": key}, now=now
        )
    return 0.0


async def forget(_update: Update, context: Context) -> None:
    if not context.incoming.chat.is_private:
        await fleeting.notice(context, words.only_in_private())
        return
    found = await in_db(forgetting.holdings, context.incoming.user)
    if not found:
        await context.reply(words.nothing())
        return
    keys = [[Key(_("🗑 Erase"), "forget")], [Key(_("Keep everything"), "forget.no")]]
    await context.reply(words.question(found), keys)


async def keep(context: Context, _button: Button) -> None:
    await context.reply(words.kept(), edit=context.pressed_message)


async def erase(context: Context, _button: Button) -> None:
    """Everything again from the start when a process died in the middle: what is gone stays gone."""
    user, press = context.incoming.user, context.incoming.update
    found = await in_db(forgetting.begin, user, press, timezone.now())
    running.end_of(user.pk)
    await _while(forgetting.is_answered, user, press)
    await _while(forgetting.is_told, user, press)
    for step in forgetting.steps(user, timezone.now()):
        await in_db(step)
    await in_db(forgetting.remove_files, timezone.now())
    await in_db(forgetting.finish, user, found, timezone.now())
    await context.reply(words.erased(found), edit=context.pressed_message)


async def _while(busy: Busy, user: User, press: RawUpdate) -> None:
    """Let what is about to end do so; what takes longer comes to nothing."""
    for _try in range(int(END_SECONDS / 0.1)):
        if not await in_db(busy, user, press, timezone.now()):
            return
        await asyncio.sleep(0.1)
