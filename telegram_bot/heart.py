"""The bot's process tells of itself, and watches over the whole: a sign of life each few seconds (delivery/pulse.py),
and a word to the admins' chat when something is not well, and once when it is well again.

Nobody is told by a process that is dead: for that there is `/readyz`.
"""

import asyncio
import time
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from core import metrics
from core.claims import WORKER
from core.db import in_db
from core.health import Finding, examine
from delivery import pulse, tick
from delivery.engine.local import LocalEngine
from telegram_bot import model_news
from telegram_bot.conditions import Condition, tell
from telegram_bot.hearing import Receiver

log = structlog.get_logger(__name__)

LOOK_SECONDS = 60.0


class Heart:
    """``run`` beats, ``watch`` looks after everything, both until ``stop`` is set. ``leads``: the jobs run here.
    ``name``: of the row that it beats in."""

    def __init__(self, engine: LocalEngine, *, leads: bool, name: str = pulse.BOT) -> None:
        self.engine, self.leads, self.name = engine, leads, name
        self.receiver: Receiver | None = None
        self.began_at = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        if settings.METRICS_PORT:
            _show_figures(settings.METRICS_PORT)
        while not stop.is_set():
            await self.beat()
            await _pause(stop, pulse.BEAT_SECONDS)

    async def beat(self) -> None:
        try:
            await in_db(pulse.beat, self.name, self.details(), timezone.now())
        except DatabaseError as error:
            log.warning("no sign of life", error=str(error))

    async def end(self) -> None:
        """Of the bot something is expected: its row stays, and tells when it was last heard of."""
        if self.name == pulse.BOT:
            return
        try:
            await in_db(pulse.end, self.name)
        except DatabaseError as error:
            log.warning("end not recorded", error=str(error))

    def details(self) -> dict[str, Any]:
        hearing = self.receiver.hearing() if self.receiver else self._not_yet()
        work = self.engine.health()
        for kind in settings.LANES:
            metrics.LANES_BUSY.labels(kind).set(work["lanes"].get(kind, 0))
        metrics.HEARD_AGO.set(hearing["heard_seconds_ago"])
        looked = {"tick_seconds_ago": work["swept_seconds_ago"], "ticked_seconds_ago": tick.HERE.seconds_ago()}
        return {"worker": WORKER, "leads": self.leads, "lanes": work["lanes"], **looked, **hearing}

    def _not_yet(self) -> dict[str, Any]:
        ago = round(time.monotonic() - self.began_at, 1)
        return {"by": "", "heard_seconds_ago": ago, "expected": 0, "trouble": "not connected yet"}

    async def watch(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await _pause(stop, min(LOOK_SECONDS, settings.DEAF_AFTER_SEC))
            await self.beat()  # after a sleep of the machine, or it would look as if nobody were here
            try:
                await in_db(look, timezone.now())
            except DatabaseError as error:
                log.warning("health not looked at", error=str(error))


def _show_figures(port: int) -> None:
    """A port that somebody else has is no reason not to answer people."""
    try:
        metrics.serve(port)
    except OSError as error:
        log.warning("figures are not shown: choose another METRICS_PORT", port=port, error=str(error))


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


def look(now: datetime) -> None:
    """Examine everything and tell the admins what changed."""
    with translation.override(settings.LANGUAGE_CODE):
        checks = {name: _condition(name, finding) for name, finding in examine(now).items()}
        tell(checks | model_news.providers(now), now)


def _condition(name: str, finding: Finding) -> Condition:
    if finding.well:
        return Condition(True, _("✅ Well again: %(what)s.") % {"what": _names().get(name, name)})
    return Condition(False, f"⚠️ {finding.words}", finding.facts)


def _names() -> dict[str, str]:
    return {
        "database": _("the database answers"),
        "bot": _("the bot hears Telegram"),
        "inbox": _("what people write is worked on"),
        "outbox": _("messages are leaving"),
        "tick": _("what is planned is fired on time"),
        "posts": _("posts go out on time"),
        "scheduler": _("planned jobs are run"),
        "disk": _("there is room on the disk"),
    }
