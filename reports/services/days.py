"""Days of figures as they are kept: the only writer of Snapshot and Standing.

    known(profile, first, last)             what is stored
    keep(profile, readings, standings)      what was just read; a day that is final stays as it is
    is_final(day, read_at)                  Avito counts no more: reading that day again is needless

Avito counts late: the last days may still grow, and only what was read two days after a day's end is taken for good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import MappingProxyType

from django.db import transaction

from reports.avito.errors import Kind
from reports.figures.periods import AVITO_ZONE, DAY, Period, today_at_avito
from reports.metrics import METRICS, Figures, Section, Sum, packed, unpacked
from reports.models import AvitoProfile, Snapshot, Standing

# After a day's end: whatever comes late has come by then.
SETTLED_AFTER = timedelta(days=2)


@dataclass(frozen=True)
class Day:
    """A stored day. ``read``: when each section was read last."""

    figures: dict[str, Decimal]
    read: dict[Section, datetime]
    partial: bool

    def is_final(self, day: date, section: Section) -> bool:
        """Whether ``section`` need not be asked about this day any more; of incomplete statistics there is hope."""
        if section is Section.STATISTICS and self.partial:
            return False
        return section in self.read and is_final(day, self.read[section])


@dataclass(frozen=True)
class Reading:
    """What a section told of the days of ``period``; a day that is not in ``days`` was asked about in vain."""

    section: Section
    period: Period
    days: Mapping[date, Figures]
    read_at: datetime
    partial: bool = False


@dataclass(frozen=True)
class Stood:
    """What a section told of now; without figures it told that there are none."""

    figures: Figures = field(default_factory=dict)
    read_at: datetime | None = None


NOTHING: Mapping[Section, Stood] = MappingProxyType({})


def is_final(day: date, read_at: datetime) -> bool:
    """Whether what was read of ``day`` at ``read_at`` (aware) is all that there will be."""
    end = datetime.combine(day + DAY, time(), AVITO_ZONE)
    return read_at >= end + SETTLED_AFTER


def names_of(section: Section) -> frozenset[str]:
    """The figures that this section tells by day, or as of now."""
    return frozenset(metric.name for metric in METRICS if metric.section is section and metric.sum is not Sum.RATIO)


def known(profile: AvitoProfile, first: date, last: date) -> dict[date, Day]:
    """The stored days from ``first`` to ``last``."""
    rows = Snapshot.objects.filter(profile=profile.pk, date__range=(first, last)).order_by("date")
    return {row.date: Day(row.values, _times(row.read), row.partial) for row in rows}


def standing_of(profile: AvitoProfile, now: datetime) -> dict[Section, Stood]:
    """What each section told last, of today and yesterday."""
    since = today_at_avito(now) - DAY
    found: dict[Section, Stood] = {}
    for row in Standing.objects.filter(profile=profile.pk, date__gte=since).order_by("date"):
        values = row.values
        for section, at in _times(row.read).items():
            figures = {name: values[name] for name in names_of(section) if name in values}
            found[section] = Stood(figures, at)
    if Section.ADVANCE not in found and (lacks := _lacks_advance(profile, since)):
        found[Section.ADVANCE] = lacks
    return found


def _lacks_advance(profile: AvitoProfile, since: date) -> Stood | None:
    """When a look at the keys, or another profile of the account, was told that it has none. To ask for that again
    would cost a minute."""
    told = profile.sections.get(Section.ADVANCE, {})
    if told.get("kind") == Kind.NOT_FOR_ACCOUNT:
        return Stood(read_at=datetime.fromisoformat(told["at"]))
    others = Standing.objects.filter(profile__account_id=profile.account_id, date__gte=since).order_by("-date")
    for row in others if profile.account_id is not None else ():
        at = _times(row.read).get(Section.ADVANCE)
        if at is not None and "advance" not in row.values:
            return Stood(read_at=at)
    return None


@transaction.atomic
def keep(
    profile: AvitoProfile,
    readings: Sequence[Reading],
    standings: Mapping[Section, Figures],
    now: datetime,
    *,
    carried: Mapping[Section, Stood] = NOTHING,
) -> bool:
    """Store what was read. False, and nothing stored, when the profile is gone or another account's by now.

    ``carried``: what was read before Moscow's midnight and still stands.
    """
    held = AvitoProfile.objects.select_for_update(of=("self",)).only("account_id").filter(pk=profile.pk).first()
    if held is None or held.account_id != profile.account_id:
        return False
    _keep_days(profile, readings)
    _keep_standings(profile, {**carried, **{one: Stood(told, now) for one, told in standings.items()}}, now)
    return True


def _keep_days(profile: AvitoProfile, readings: Sequence[Reading]) -> None:
    if not readings:
        return
    first, last = min(one.period.first for one in readings), max(one.period.last for one in readings)
    rows = {row.date: row for row in Snapshot.objects.filter(profile=profile.pk, date__range=(first, last))}
    changed: dict[date, Snapshot] = {}
    for reading in readings:
        for day in reading.period.dates():
            row = rows.setdefault(day, Snapshot(profile_id=profile.pk, date=day))
            if _merge(row, reading):
                changed[day] = row
    Snapshot.objects.bulk_create(
        changed.values(),
        update_conflicts=True,
        unique_fields=["profile", "date"],
        update_fields=["figures", "read", "partial"],
    )


def _merge(row: Snapshot, reading: Reading) -> bool:
    """Put what was read into ``row``; False when the row knows as much or better."""
    held = Day(row.values, _times(row.read), row.partial)
    if held.is_final(row.date, reading.section) or _is_older(reading, held):
        return False
    names, told = names_of(reading.section), reading.days.get(row.date, {})
    has = not names.isdisjoint(held.figures)
    if has and reading.partial and not held.partial:
        return False  # single listings know less than what Avito once told of all
    if told or not has:
        others = {name: value for name, value in held.figures.items() if name not in names}
        row.figures = packed({**others, **{name: value for name, value in told.items() if name in names}})
        row.partial = reading.partial if reading.section is Section.STATISTICS else row.partial
    row.read = {**row.read, reading.section: reading.read_at.isoformat()}
    return True


def _is_older(reading: Reading, held: Day) -> bool:
    """Somebody read this day later; what is whole takes the place of what was put together of listings at any rate."""
    read_at = held.read.get(reading.section)
    if read_at is None or (held.partial and not reading.partial):
        return False
    return read_at >= reading.read_at


def _keep_standings(profile: AvitoProfile, standings: Mapping[Section, Stood], now: datetime) -> None:
    if not standings:
        return
    row, _new = Standing.objects.get_or_create(profile_id=profile.pk, date=today_at_avito(now))
    figures = unpacked(row.figures)
    times = _times(row.read)
    for section, stood in standings.items():
        read_at = stood.read_at or now
        if section in times and times[section] > read_at:
            continue  # somebody read it later
        for name in names_of(section):
            figures.pop(name, None)
        figures.update(stood.figures)
        times[section] = read_at
    row.figures = packed(figures)
    row.read = {**row.read, **{str(section): at.isoformat() for section, at in times.items()}}
    row.save(update_fields=["figures", "read"])


def _times(read: Mapping[str, str]) -> dict[Section, datetime]:
    """When each section was read; one that an older or newer version knew is left out."""
    return {Section(name): datetime.fromisoformat(at) for name, at in read.items() if name in set(Section)}
