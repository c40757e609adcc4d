"""The days and months of budgets. They begin at midnight in TIME_ZONE, whoever spends and wherever they live."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from llm.models import Budget

Period = Budget.Period


def starts_on(period: str, now: datetime) -> date:
    """The first day of the period that ``now`` lies in."""
    today = now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    return today.replace(day=1) if period == Period.MONTH else today


def next_start(period: str, first: date) -> date:
    """The first day of the period after the one that begins on ``first``."""
    if period == Period.DAY:
        return first + timedelta(days=1)
    return (first + timedelta(days=31)).replace(day=1)


def midnight(day: date) -> datetime:
    """When ``day`` begins."""
    return datetime.combine(day, time(), ZoneInfo(settings.TIME_ZONE))
