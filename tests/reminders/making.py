"""Reminders for tests."""

from datetime import datetime, timedelta
from typing import Any

from accounts.models import ApiKey, User
from accounts.services import create_api_key
from delivery import tick
from delivery.schedule import Cron, Once, Rule
from reminders import services
from reminders.models import Occurrence, Reminder
from reminders.services import Draft

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def wish(user: User, rule: Rule, **more: Any) -> Draft:
    return Draft(**{"user": user, "rule": rule, "zone": "Europe/Moscow", "payload": {"text": "Tea"}} | more)


def once(user: User, at: datetime, now: datetime, **more: Any) -> Reminder:
    """A reminder that fires once, made at ``now``."""
    return services.create(wish(user, Once(at), **more), via="chat", now=now)


def daily(user: User, now: datetime, expression: str = "0 9 * * *", **more: Any) -> Reminder:
    """A reminder that comes again, at nine in Moscow unless said otherwise."""
    return services.create(wish(user, Cron(expression), **more), via="chat", now=now)


def key(now: datetime, *scopes: str) -> tuple[ApiKey, str]:
    """A key with those scopes, all of them when none is named, and its secret."""
    wanted = scopes or ("reminders:read", "reminders:write", "events:consume", "audit:read")
    return create_api_key("tests", wanted, by=None, expires_at=None, now=now)


def fire(row: Reminder, now: datetime | None = None) -> Occurrence:
    """Let the tick find it due, at its time when no other is given; the occurrence that it makes."""
    at = now or row.next_run_at
    assert at is not None
    tick._fire_batch(at, tick.BATCH)
    row.refresh_from_db()
    row.schedule.refresh_from_db()
    return Occurrence.objects.filter(reminder=row).latest("created_at")
