"""A profile's figures for some days: from what is stored where that is final, else from Avito, and then stored.

    gather(profile, first, last, sections, now)     at most one call a section: four for a usual report

Statistics may be asked once a minute, and one answer holds any number of days. So they are asked about one of a few
stretches that end today, whatever the days of the report: a report of yesterday, one of the week and /stats a moment
later ask the same question, which the client answers from memory. So does a longer stretch that was asked about minutes
ago, as for a new profile's first collection.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from core.db import in_db
from reports.avito import account, items, ratings, statistics
from reports.avito.client import Avito, Keys, keys_of
from reports.avito.errors import AvitoError, Kind
from reports.figures.periods import DAY, TREND, Period, ending, oldest_day, today_at_avito
from reports.metrics import Figures, Section
from reports.models import AvitoProfile
from reports.services import days as rows
from reports.services import watching
from reports.services.days import Day, Reading, Stood

# Days back from today that statistics are asked about: the first of these that is enough.
STRETCHES = (35, 95, 270)
# What stands now and was read so recently is not asked again: a report that waits for a limit goes on with it.
RECENT = timedelta(minutes=2)
# A rating is made in months: the morning's does for the day, so that no report costs more than four calls.
RATED = timedelta(hours=23)
# An account without an advance is not asked for it again so soon.
REST = timedelta(days=1)
# Which error says most about why nothing at all could be had.
WORST = (Kind.BAD_CREDENTIALS, Kind.WRONG_ACCOUNT, Kind.RATE_LIMITED, Kind.AVITO_DOWN, *Kind)


@dataclass(frozen=True)
class Gathered:
    """``days``: also those around the asked ones, as many as a chart shows. ``standing``: what is now.

    ``gaps``: sections that could not be had, and the kind of AvitoError. ``as_of``: until when Avito had counted.
    ``partial``: some day was put together of single listings. ``calls``: requests sent to Avito.
    """

    days: dict[date, dict[str, Decimal]]
    standing: dict[str, Decimal]
    gaps: dict[Section, str]
    as_of: datetime | None
    partial: bool
    calls: int


@dataclass
class _Job:
    """What is to be had, what is known, and what came of asking."""

    period: Period
    sections: frozenset[Section]
    now: datetime
    began: datetime
    known: dict[date, Day]
    stood: dict[Section, Stood]
    wait: bool = True
    keys: Keys | None = None
    readings: list[Reading] = field(default_factory=list)
    standings: dict[Section, Figures] = field(default_factory=dict)
    outcomes: dict[Section, AvitoError | None] = field(default_factory=dict)

    def has(self, section: Section) -> bool:
        """All of what is stored of its days is final. Days that Avito has forgotten cannot be asked for."""
        days = (day for day in self.period.dates() if day >= oldest_day(self.now))
        return all(day in self.known and self.known[day].is_final(day, section) for day in days)

    def stands(self, section: Section, span: timedelta = RECENT) -> bool:
        """What stood there was read within ``span``."""
        at = self.stood[section].read_at if section in self.stood else None
        return at is not None and timedelta() <= self.now - at < span

    def needs_not(self, section: Section) -> bool:
        return self.stands(section, RATED if section is Section.RATINGS else RECENT)

    def carried(self) -> dict[Section, Stood]:
        """What was read before midnight and is not asked again: today's row must hold it too."""
        today = today_at_avito(self.now)
        return {
            section: stood
            for section, stood in self.stood.items()
            if section in self.sections and section not in self.outcomes and self.needs_not(section)
            and stood.read_at is not None and today_at_avito(stood.read_at) != today
        }  # fmt: skip

    def known_to_lack(self, section: Section) -> bool:
        stood = self.stood.get(section, Stood())
        return not stood.figures and stood.read_at is not None and self.now - stood.read_at < REST


async def gather(
    profile: AvitoProfile,
    first: date,
    last: date,
    sections: frozenset[Section],
    now: datetime,
    *,
    patience: float = 3.0,
    wait: bool = True,
    began: datetime | None = None,
) -> Gathered:
    """What is known of ``first`` to ``last`` (Moscow's days, today at most the last) after asking what misses.

    ``patience``: seconds that a call may wait for Avito's limits. Raises ``AvitoError``: rate_limited while a section
    must wait longer (what was had is stored, and the next call goes on; with ``wait=False`` it is a gap instead); and
    when nothing at all could be had, why. ``began``: when the first of such calls was, if this is another one; so it
    asks the same although a midnight is between them.
    """
    job = await in_db(_job, profile, Period(first, last), sections, now)
    job.wait, job.began = wait, began or now
    asking = _to_ask(job)
    calls = 0
    if job.keys is not None and asking:
        async with Avito(job.keys, patience=patience, clock=_clock(now)) as avito:
            await _ask_all(avito, job, asking)
            calls = avito.calls
    if job.outcomes or job.carried():
        await in_db(_record, profile, job)
    waiting = [error for error in job.outcomes.values() if error and error.kind is Kind.RATE_LIMITED]
    if wait and waiting:
        raise _longest(waiting)
    return _outcome(job, calls)


def _job(profile: AvitoProfile, period: Period, sections: frozenset[Section], now: datetime) -> _Job:
    known = rows.known(profile, _first_shown(period), period.last)
    job = _Job(period, sections & ASKING.keys(), now, now, known, rows.standing_of(profile, now))
    try:
        job.keys = keys_of(profile)
    except AvitoError as error:
        job.outcomes = {section: error.of(section) for section in _to_ask(job)}
    return job


def _first_shown(period: Period) -> date:
    """The first day of the period, or of the chart that shows it."""
    return min(period.first, ending(period.last, TREND * 2).first)


def _clock(now: datetime) -> Callable[[], datetime]:
    """Time that goes on from ``now``."""
    start = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - start)


def _to_ask(job: _Job) -> dict[Section, "Asking"]:
    """Without what is stored for good, or was read a moment ago, or is known not to be there."""
    needless = {section for section in (Section.STATISTICS, Section.CALLS) if job.has(section)}
    needless |= {section for section in job.stood if job.needs_not(section)}
    needless |= {Section.ADVANCE} if job.known_to_lack(Section.ADVANCE) else set()
    return {section: ask for section, ask in ASKING.items() if section in job.sections - needless}


async def _ask_all(avito: Avito, job: _Job, asking: Mapping[Section, "Asking"]) -> None:
    """Whose keys they are, if nobody knows yet, is asked once and not by each section for itself."""
    if avito.account_id is None:
        try:
            await account.own_account(avito)
        except AvitoError as error:
            job.outcomes.update({section: error.of(section) for section in asking})
            return
    await _all(_tried(job, section, ask(avito, job)) for section, ask in asking.items())


async def _all(asked: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All at once, to the end of each: what breaks one of them leaves no other behind. Raises what broke the first."""
    for broken in await asyncio.gather(*asked, return_exceptions=True):
        if broken is not None:
            raise broken


async def _tried(job: _Job, section: Section, asking: Awaitable[None]) -> None:
    try:
        await asking
    except AvitoError as error:
        job.outcomes[section] = error.of(section)
        if error.kind is Kind.NOT_FOR_ACCOUNT and section in STANDING:
            job.standings[section] = {}
    else:
        job.outcomes[section] = None


# --- what is asked --------------------------------------------------------------------------------------------------


async def _statistics(avito: Avito, job: _Job) -> None:
    stretch = await _stretch(avito, job)
    told = await statistics.daily(avito, stretch.first, stretch.last)
    if told.empty or not any(told.days.values()):
        await _of_listings(avito, job)
        return
    # Not our clock alone: what Avito had not counted yet must be read again.
    read_at = min(told.as_of or job.now, job.now)
    job.readings.append(Reading(Section.STATISTICS, stretch, told.days, read_at))


async def _stretch(avito: Avito, job: _Job) -> Period:
    """The shortest that holds the period; rather a longer one that costs no call."""
    last = max(today_at_avito(job.began), job.period.last)
    back = min((last - job.period.first).days, STRETCHES[-1])
    enough = [Period(max(last - DAY * days, oldest_day(job.now)), last) for days in STRETCHES if days >= back]
    for stretch in enough:
        if await statistics.daily_is_at_hand(avito, stretch.first, stretch.last):
            return stretch
    return enough[0]


async def _of_listings(avito: Avito, job: _Job) -> None:
    """Statistics v2 say nothing at all: put the days together of single listings, also of those that are over (v1)."""
    period = _not_had_of_listings(job)
    if period is None:
        return
    ids: list[int] = []
    try:
        async for item in items.items(avito, items.STATUSES):
            ids.append(item.id)
    except AvitoError as error:
        # Of thousands of listings those that were had have to do, when nobody waits for the rest.
        if job.wait or error.kind is not Kind.RATE_LIMITED or not ids:
            raise
    days = (await statistics.of_items(avito, ids, period.first, period.last)).days if ids else {}
    job.readings.append(Reading(Section.STATISTICS, period, days, job.now, partial=True))


def _not_had_of_listings(job: _Job) -> Period | None:
    """From the first to the last day that was not yet put together, long enough after it ended."""
    missing = [
        day
        for day in job.period.dates()
        if day >= oldest_day(job.now)
        and not (day in job.known and Section.STATISTICS in job.known[day].read
                 and rows.is_final(day, job.known[day].read[Section.STATISTICS]))
    ]  # fmt: skip
    return Period(missing[0], missing[-1]) if missing else None


async def _calls(avito: Avito, job: _Job) -> None:
    period = Period(max(_first_shown(job.period), oldest_day(job.now)), job.period.last)
    told = await statistics.calls(avito, period.first, period.last)
    job.readings.append(Reading(Section.CALLS, period, told, job.now))


async def _money(avito: Avito, job: _Job) -> None:
    told = await account.money(avito)
    job.standings[Section.MONEY] = _present(wallet=told.wallet, bonus=told.bonus)


async def _advance(avito: Avito, job: _Job) -> None:
    told = await account.advance(avito)
    if told is None:
        raise AvitoError(Kind.NOT_FOR_ACCOUNT, "no balance in the answer")
    job.standings[Section.ADVANCE] = {"advance": told}


async def _rating(avito: Avito, job: _Job) -> None:
    told = await ratings.rating(avito)
    reviews = None if told.reviews is None else Decimal(told.reviews)
    job.standings[Section.RATINGS] = _present(score=told.score, reviews=reviews)


def _present(**figures: Decimal | None) -> Figures:
    return {name: value for name, value in figures.items() if value is not None}


Asking = Callable[[Avito, _Job], Awaitable[None]]
ASKING: Mapping[Section, Asking] = {
    Section.STATISTICS: _statistics,
    Section.CALLS: _calls,
    Section.MONEY: _money,
    Section.ADVANCE: _advance,
    Section.RATINGS: _rating,
}
STANDING = frozenset({Section.MONEY, Section.ADVANCE, Section.RATINGS})


# --- what came of it ------------------------------------------------------------------------------------------------


@transaction.atomic
def _record(profile: AvitoProfile, job: _Job) -> None:
    """Store what was had, and what that says about the keys. Afterwards the job knows the days as they are stored."""
    if not rows.keep(profile, job.readings, job.standings, job.now, carried=job.carried()):
        return
    if job.outcomes:
        watching.note(profile, {section: _kind(error) for section, error in job.outcomes.items()}, job.now)
    if job.readings:
        job.known = rows.known(profile, _first_shown(job.period), job.period.last)


def _kind(error: AvitoError | None) -> str:
    return str(error.kind) if error else ""


def _outcome(job: _Job, calls: int) -> Gathered:
    gaps = {section: str(error.kind) for section, error in job.outcomes.items() if error}
    if Section.ADVANCE in job.sections and job.known_to_lack(Section.ADVANCE):
        gaps.setdefault(Section.ADVANCE, str(Kind.NOT_FOR_ACCOUNT))
    errors = [error for error in job.outcomes.values() if error]
    if errors and not _had_anything(job):
        raise min(errors, key=lambda error: WORST.index(error.kind))
    known = {day: stored for day, stored in job.known.items() if stored.figures}
    return Gathered(
        days={day: stored.figures for day, stored in known.items()},
        standing=_standing(job),
        gaps=gaps,
        as_of=_as_of(job),
        partial=any(stored.partial for day, stored in known.items() if day in job.period),
        calls=calls,
    )


def _had_anything(job: _Job) -> bool:
    """Some section answered, or was known: of days the last one at least."""
    if None in job.outcomes.values() or any(map(job.stands, job.sections)):
        return True
    last = job.known.get(job.period.last)
    names = {name for section in job.sections - STANDING for name in rows.names_of(section)}
    return bool(last and not names.isdisjoint(last.figures))


def _standing(job: _Job) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for section in job.sections & STANDING:
        if section in job.standings:
            found.update(job.standings[section])
        elif section not in job.outcomes and job.needs_not(section):
            found.update(job.stood[section].figures)
    return found


def _as_of(job: _Job) -> datetime | None:
    """When the period's last day that is known was read; what was not asked by day is as of now."""
    if not job.sections & {Section.STATISTICS, Section.CALLS}:
        return job.now
    for day in sorted(job.known, reverse=True):
        times = job.known[day].read
        if day in job.period and (at := times.get(Section.STATISTICS) or times.get(Section.CALLS)):
            return at
    return None


def _longest(waiting: Sequence[AvitoError]) -> AvitoError:
    return max(waiting, key=lambda error: error.retry_after or 0.0)
