"""A refresh of the catalogue that an admin watches: asked of whoever leads the scheduler, followed beside the lane.

When nobody takes the request in time, this process does the work itself: the count of the claim says who.
"""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts import services as accounts
from core.db import in_db
from delivery import jobs, pulse
from delivery import services as delivery
from llm import sync
from llm.models import SyncRun
from llm.providers import configured
from telegram_bot import outgoing
from telegram_bot.access import escaped
from telegram_bot.admin_chat.command import Asked, View, back_key
from telegram_bot.model_news import changes_of

JOB = "sync_models"
PATIENCE = 8.0  # seconds; a leader looks for requests every three
LONGEST = 150.0  # seconds that progress is shown
LOOK_EVERY = 0.5


@dataclass(frozen=True)
class Watched:
    """A refresh that somebody watches: the request, the newest run before it, where it is shown, in which language."""

    asked: Asked
    request: int
    newest: int
    language: str


def begin(asked: Asked) -> View:
    newest = SyncRun.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    request = delivery.request_job(JOB, asked.by.name, asked.now)
    accounts.audit("models.refresh_asked", by=asked.by, via="chat", now=asked.now)
    watched = Watched(asked, request.pk, newest, translation.get_language() or settings.LANGUAGE_CODE)
    return View(progress(None), back="models", follow=partial(follow, watched))


async def follow(watched: Watched) -> None:
    """Show each provider's answer as it comes; ends with the run, or when there is nothing to see for too long."""
    here = None if await _taken(watched.request) else asyncio.create_task(asyncio.to_thread(_run_here))
    shown, number = "", 0
    loop = asyncio.get_running_loop()
    end = loop.time() + LONGEST
    while True:
        over = loop.time() >= end or (here is not None and here.done())
        run = await in_db(_run_after, watched.newest)
        text = await in_db(_words, watched.language, watched.asked.by.time_zone, run, over)
        if text != shown:
            await in_db(_show, watched, text, number)
            shown, number = text, number + 1
        if over or (run is not None and run.finished_at is not None):
            return
        await asyncio.sleep(LOOK_EVERY)


async def _taken(request: int) -> bool:
    """Whether a leader took the request; False when it is ours now."""
    looks = round(PATIENCE / LOOK_EVERY) if await in_db(_somebody_leads) else 0
    for _look in range(looks):
        if await in_db(jobs.was_taken, request):
            return True
        await asyncio.sleep(LOOK_EVERY)
    return not await in_db(jobs.take, request, timezone.now())


def _somebody_leads() -> bool:
    heartbeat = pulse.last(pulse.BOT)
    return heartbeat is not None and pulse.is_alive(heartbeat, timezone.now()) and bool(heartbeat.details.get("leads"))


def _run_here() -> None:
    try:
        sync.run("chat")
    finally:
        connection.close()


def _run_after(newest: int) -> SyncRun | None:
    return SyncRun.objects.filter(pk__gt=newest).order_by("pk").first()


def _show(watched: Watched, text: str, number: int) -> None:
    asked = watched.asked
    edit_of = "" if asked.place.edit is not None else f"{asked.key}:0"
    with translation.override(watched.language):
        outgoing.say(f"{asked.key}:then{number}", asked.place, text, [back_key("models")], edit_of=edit_of)


# --- in words -------------------------------------------------------------------------------------------------------


def _words(language: str, zone: str, run: SyncRun | None, over: bool) -> str:
    with translation.override(language), timezone.override(zone or None):
        if over and (run is None or run.finished_at is None):
            return _("The refresh did not end as it should. What went wrong stands in the log and under /admin health.")
        return progress(run)


def progress(run: SyncRun | None) -> str:
    """A line for each provider: not answered yet, what changed, or the error."""
    results = run.results if run is not None else {}
    lines = [_line(name, results.get(name)) for name in sorted({*configured(), *results})]
    if not lines:
        lines = [_("No provider is configured. Put a key into .env.")]
    title = _("🔄 Asking the providers…") if run is None or run.finished_at is None else when(run)
    return "\n".join([title, *lines])


def when(run: SyncRun) -> str:
    at = timezone.localtime(run.finished_at or run.started_at)
    return _("Refreshed %(time)s.") % {"time": date_format(at, "SHORT_DATETIME_FORMAT")}


def _line(provider: str, result: dict[str, Any] | None) -> str:
    if result is None:
        return f"⏳ {provider}"
    if result.get("error"):
        return f"⚠️ {provider}: {escaped(str(result['error']))}"
    changes = [f"{mark} {names}" for mark, names in changes_of(result)]
    return f"✅ {provider}: " + ("; ".join(changes) if changes else _("nothing new"))
