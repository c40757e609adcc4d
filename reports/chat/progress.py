"""The message that shows how far a report is, while somebody waits for it.

It stands from the order on, is edited in place as parts are done and while Avito makes us wait, and makes room for the
report in the end: a quick one takes its place, before a slow one it goes, so that the phone tells of what has come.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.db import in_db
from delivery import services as delivery
from reports.contents import parts_of, report_of
from reports.models import Report, ReportPart
from reports.services.ordering import hold, key_of
from reports.services.rows import SOURCE
from telegram_bot import outgoing
from telegram_bot.access import escaped
from telegram_bot.incoming import language_of
from telegram_bot.outgoing import Key, Keyboard, Place

# Seconds between two edits while parts are done one after the other.
PACE = 3.0
# Whoever waited no longer than this is looking at the chat.
QUICK = timedelta(seconds=20)

Part = ReportPart.State


def language(report: Report) -> str:
    return language_of(report.requested_by)


def keyboard(report: Report) -> Keyboard:
    return [[Key(_("✖️ Cancel"), "report_cancel", {"report": str(report.pk)})]]


def begun(names: Sequence[str]) -> str:
    """The first words, when all is still to be asked."""
    if len(names) == 1:
        return _("⏳ **%(name)s**: asking Avito…") % {"name": escaped(names[0])}
    text = ngettext("⏳ Asking Avito: %(count)d profile…", "⏳ Asking Avito: %(count)d profiles…", len(names))
    return text % {"count": len(names)}


def words(parts: Sequence[ReportPart], now: datetime) -> str:
    """How far it is: what is done, and how long Avito makes us wait at least."""
    waits = [part.ready_at - now for part in parts if part.state == Part.WAITING and part.ready_at is not None]
    seconds = max(0, round(min(waits, default=timedelta()).total_seconds()))
    done = sum(part.state != Part.WAITING for part in parts)
    asking = len(parts) - done > len(waits)
    lines = [_("⏳ Asking Avito…")]
    if seconds and not asking:
        text = ngettext(
            "⏳ Waiting for Avito: %(count)d s more. It allows only so many questions a minute.",
            "⏳ Waiting for Avito: %(count)d s more. It allows only so many questions a minute.",
            seconds,
        )
        lines = [text % {"count": seconds}]
    if len(parts) > 1:
        lines.append(_("Ready: %(done)d of %(all)d") % {"done": done, "all": len(parts)})
    return "\n".join(lines)


def show(report: Report, parts: Sequence[ReportPart], now: datetime) -> None:
    """Edit the message, if somebody waits; once a second at most, for the key has it. In the active language."""
    place = place_of(report)
    if not report.progress_key or place is None:
        return
    key = f"{key_of(report.pk)}:progress:{round((now - report.created_at).total_seconds())}"
    text = words(parts, now)
    outgoing.say(
        key, place, text, keyboard(report), owner=report.requested_by, source=SOURCE, edit_of=report.progress_key
    )


def place_of(report: Report) -> Place | None:
    chat = report.chat
    return Place(chat.bot_id, chat.telegram_id, report.thread_id) if chat is not None else None


def replace(report: Report, text: str, buttons: Keyboard = ()) -> None:
    """Its last words, in place: cancelled, or given up."""
    place = place_of(report)
    if report.progress_key and place is not None:
        key = f"{key_of(report.pk)}:end"
        outgoing.say(key, place, text, buttons, owner=report.requested_by, source=SOURCE, edit_of=report.progress_key)


def is_quick(report: Report, now: datetime) -> bool:
    return now - report.created_at <= QUICK


def take_away(report: Report) -> None:
    """Delete it: what it announced has come."""
    place = place_of(report)
    if report.progress_key and place is not None:
        content = {"method": "deleteMessage", "params": {"chat_id": place.chat_id}, "edit_of": report.progress_key}
        row = outgoing.message(f"{key_of(report.pk)}:gone", place, content, SOURCE)
        delivery.enqueue([row])


class Pace:
    """Shows the progress while a step is at work, not at every part."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._next = asyncio.get_running_loop().time() + PACE

    async def maybe(self) -> None:
        time = asyncio.get_running_loop().time()
        if self._report.progress_key and time >= self._next:
            self._next = time + PACE
            await in_db(self._show, timezone.now())

    @transaction.atomic
    def _show(self, now: datetime) -> None:
        report = report_of(self._report.pk) if hold(self._report.pk) else None
        if report is not None:
            with translation.override(language(report)):
                show(report, parts_of(report), now)
