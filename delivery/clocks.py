"""Wall time and instants (UTC): what a zone's clock shows, and when it shows it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SECOND, WEEK = timedelta(seconds=1), timedelta(weeks=1)


def wall_at(at: datetime, zone: ZoneInfo) -> datetime:
    """What the zone's clock shows, without a zone."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def offset_at(at: datetime, zone: ZoneInfo) -> timedelta:
    """How far the zone's clock is ahead of UTC."""
    return at.astimezone(zone).utcoffset() or timedelta()


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """When the clock shows ``wall``: its first pass, or the end of the gap that swallows it."""
    early = wall.replace(tzinfo=zone, fold=0)
    at = early.astimezone(UTC)
    if wall_at(at, zone) == wall:
        return at
    before = early.replace(fold=1).astimezone(UTC)
    return switch_in(before.replace(microsecond=0), at.replace(microsecond=0), zone) or at


def switch_in(low: datetime, high: datetime, zone: ZoneInfo) -> datetime | None:
    """The first second in (low, high] when the offset is no more what it is at ``low``; both are whole seconds."""
    offset = offset_at(low, zone)
    while low < high:
        step = min(low + WEEK, high)
        if offset_at(step, zone) != offset:
            return _first_other(low, step, zone)
        low = step
    return None


def _first_other(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    offset = offset_at(low, zone)
    while high - low > SECOND:
        middle = low + (high - low) // SECOND // 2 * SECOND
        if offset_at(middle, zone) == offset:
            low = middle
        else:
            high = middle
    return high
