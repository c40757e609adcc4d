"""``/admin health``: what settings.HEALTH_CHECKS find, the providers, the last refresh, the versions."""

import platform
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any

import django
from django.db import connection
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from core.health import Finding, Level, examine
from llm.models import ProviderState, SyncRun
from llm.providers import configured
from telegram_bot.access import escaped
from telegram_bot.admin_chat import refreshing
from telegram_bot.admin_chat.command import Asked, View, key

MARKS = {Level.OK: "✅", Level.WARNING: "⚠️", Level.FAILED: "❌"}


def health(asked: Asked) -> View | None:
    if asked.words:
        return None
    lines = [_line(name, finding) for name, finding in examine(asked.now).items()]
    lines += ["", *_providers(asked.now), "", *_versions()]
    return View("\n".join(lines), [[key(_("🔄 Look again"), "health")]])


def _line(name: str, finding: Finding) -> str:
    title = f"{MARKS[finding.level]} **{_titles().get(name, name)}**"
    said = finding.words or _facts(name, finding.facts)
    return f"{title}: {escaped(said)}" if said else title


def _titles() -> Mapping[str, str]:
    return {
        "database": _("Database"),
        "bot": _("Telegram"),
        "inbox": _("Inbox"),
        "outbox": _("Outbox"),
        "tick": _("Plans"),
        "scheduler": _("Jobs"),
        "disk": _("Disk"),
    }


def _facts(name: str, facts: Mapping[str, Any]) -> str:
    if "heard_seconds_ago" in facts:
        return _("heard from %(seconds)d s ago") % {"seconds": facts["heard_seconds_ago"]}
    if "oldest_seconds" in facts:
        return _("the oldest waits for %(seconds)d s") % {"seconds": facts["oldest_seconds"]}
    if "overdue_seconds" in facts:
        return _("nothing is overdue")
    if "free_percent" in facts:
        return _("%(free)d %% free") % {"free": facts["free_percent"]}
    if "milliseconds" in facts:
        return _("answers in %(milliseconds)d ms") % {"milliseconds": facts["milliseconds"]}
    if name == "scheduler":
        return _("somebody leads") if facts.get("leader") else _("nobody leads")
    return ""


def _providers(now: datetime) -> Iterator[str]:
    states = ProviderState.objects.in_bulk()
    for name in configured():
        yield _provider(name, states.get(name), now)
    run = SyncRun.objects.exclude(finished_at=None).first()
    yield refreshing.when(run) if run else _("The list was never fetched yet.")


def _provider(name: str, state: ProviderState | None, now: datetime) -> str:
    if state is not None and state.paused_until is not None and state.paused_until > now:
        until = date_format(timezone.localtime(state.paused_until), "TIME_FORMAT")
        paused = _("paused until %(time)s (%(kind)s)") % {"time": until, "kind": escaped(state.trouble)}
        return f"⏸ **{name}**: {paused}"
    if state is not None and state.failures:
        return f"⚠️ **{name}**: " + _("failures in a row: %(count)d") % {"count": state.failures}
    return f"✅ **{name}**"


def _versions() -> Iterator[str]:
    libraries = f"Django {django.get_version()}, python-telegram-bot {version('python-telegram-bot')}"
    yield f"Python {platform.python_version()}, {libraries}, {connection.vendor}"
