"""What is known of profiles from the stored days alone. Avito is not asked, and nothing is written.

    summaries_of(profiles, period)     one each
    figures_of(profiles, period)       all together, each account once

What closed sections, days that were never read and days that Avito said nothing of are, is told apart.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Min, OuterRef, Subquery

from accounts.models import Chat, User
from reports.figures.periods import Period
from reports.figures.summary import Summary, summarise, total
from reports.metrics import METRICS, Metric, Section
from reports.models import AvitoProfile, ProfileChat, Snapshot, Standing


def figures_of(
    profiles: Sequence[AvitoProfile],
    period: Period,
    before: Period | None = None,
    metrics: Sequence[Metric] = METRICS,
) -> Summary:
    """Their figures of ``period``, and the change against ``before``. Two queries. Raises ValueError without any."""
    summaries = summaries_of(profiles, period, before, metrics)
    return summaries[0] if len(summaries) == 1 else total(summaries)


def summaries_of(
    profiles: Sequence[AvitoProfile],
    period: Period,
    before: Period | None = None,
    metrics: Sequence[Metric] = METRICS,
) -> list[Summary]:
    """As `figures_of`, each profile on its own, in their order."""
    days = _days(profiles, [period, *([before] if before else [])])
    standings = _standings(profiles)
    return [
        _summary(profile, period, before, metrics, days.get(profile.pk, []), standings.get(profile.pk))
        for profile in profiles
    ]


def _days(profiles: Iterable[AvitoProfile], periods: Sequence[Period]) -> dict[int, list[Snapshot]]:
    first, last = min(period.first for period in periods), max(period.last for period in periods)
    found: dict[int, list[Snapshot]] = {}
    for row in Snapshot.objects.filter(profile__in=profiles, date__range=(first, last)).order_by("date"):
        found.setdefault(row.profile_id, []).append(row)
    return found


def _standings(profiles: Iterable[AvitoProfile]) -> dict[int, Standing]:
    """The newest of each."""
    rows = Standing.objects.filter(profile__in=profiles, date=_newest_date(Standing))
    return {row.profile_id: row for row in rows}


def _newest_date(model: type[Snapshot] | type[Standing]) -> Subquery:
    """Of the row's own profile."""
    return Subquery(model.objects.filter(profile=OuterRef("profile")).order_by("-date").values("date")[:1])


def _summary(
    profile: AvitoProfile,
    period: Period,
    before: Period | None,
    metrics: Sequence[Metric],
    days: Sequence[Snapshot],
    standing: Standing | None,
) -> Summary:
    inside = [row for row in days if row.date in period]
    read = [at for row in inside if (at := read_at(row, Section.STATISTICS)) is not None]
    gaps = {Section(name): told["kind"] for name, told in profile.sections.items() if told["kind"]}
    return summarise(
        profile.name,
        profile.account_id,
        period,
        before,
        {row.date: row.values for row in days},
        standing.values if standing else {},
        metrics,
        gaps,
        max(read, default=None),
        any(row.partial for row in days if row.date in period or (before is not None and row.date in before)),
    )


def read_at(row: Snapshot | Standing, section: Section) -> datetime | None:
    """When a section was read last for that day."""
    at = row.read.get(section)
    return datetime.fromisoformat(at) if at else None


# --- whether there is anything to know ------------------------------------------------------------------------------

# Seldom does that change, and each question looks: it is remembered for so many seconds.
REMEMBERED = 30.0
# The keys of owners and of groups, and until when this holds.
_known: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())
_known_until = 0.0


def is_of_use(user: User, chat: Chat) -> bool:
    """Whether there is something to ask about there: the person's own profiles in private, else some that the group
    may see. No query, but for two each half a minute."""
    owners, groups = _somewhere()
    return user.pk in owners if chat.is_private else chat.pk in groups


def _somewhere() -> tuple[frozenset[int], frozenset[int]]:
    global _known, _known_until
    if time.monotonic() >= _known_until:
        owners = AvitoProfile.objects.order_by().values_list("owner", flat=True).distinct()
        groups = ProfileChat.objects.order_by().values_list("chat", flat=True).distinct()
        _known, _known_until = (frozenset(owners), frozenset(groups)), time.monotonic() + REMEMBERED
    return _known


def somebody_came() -> None:
    """There is one more profile or place of one; other processes see it a little later."""
    global _known_until
    _known_until = 0.0


# --- how far it is known --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """How far a profile's figures are stored: the first and the last day, when statistics and money were read last."""

    first: date | None
    last: date | None
    read_at: datetime | None
    standing_at: datetime | None


def known_of(profiles: Sequence[AvitoProfile]) -> dict[int, Known]:
    """By the profile's key. Three queries, however many profiles."""
    days = Snapshot.objects.filter(profile__in=profiles).order_by()
    firsts = dict(days.values_list("profile").annotate(Min("date")))
    newest = {row.profile_id: row for row in days.filter(date=_newest_date(Snapshot))}
    standings = _standings(profiles)
    return {
        key: Known(
            firsts.get(key),
            newest[key].date if key in newest else None,
            read_at(newest[key], Section.STATISTICS) if key in newest else None,
            read_at(standings[key], Section.MONEY) if key in standings else None,
        )
        for key in (profile.pk for profile in profiles)
    }


def never_read(profiles: Sequence[AvitoProfile], period: Period) -> list[date]:
    """Days of ``period`` of which some profile's statistics were never read. One query."""
    rows = Snapshot.objects.filter(profile__in=profiles, date__range=(period.first, period.last)).defer("figures")
    read = {(row.profile_id, row.date) for row in rows if read_at(row, Section.STATISTICS) is not None}
    return [day for day in period.dates() if any((profile.pk, day) not in read for profile in profiles)]
