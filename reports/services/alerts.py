"""What in a profile's figures its owner should hear of: money that runs out, contacts that drop.

check(profile, now)     after each daily collection; told once, and once more when it is over

Everything is computed of what is stored, in Decimal. Between "bad" and "well" there is a stretch where nothing changes,
so that no alert flutters. An account that a person entered twice is told of once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from reports.figures.periods import AVITO_ZONE, DAY, today_at_avito
from reports.metrics import SPENT, Section
from reports.models import Access, Alert, AvitoProfile, ReportTask, Snapshot, Standing
from reports.services import notices

PURSES = ("wallet", "advance")
# Money is low when it lasts less than so many days, and well again when it lasts so many.
LOW_DAYS, WELL_DAYS = Decimal(3), Decimal(4)
# Of a threshold that a person chose: well again from so much of it on.
WELL_SHARE = Decimal("1.2")
# Full days of which the usual spending is the average, and how many of them must be known.
SPENDING_DAYS, SPENDING_KNOWN = 7, 3
# A purse that was empty for so long is not in use.
USED_DAYS = 30
# A day is compared with the same weekday of four weeks before, three of which must be known; else with two weeks.
WEEKS, WEEKS_KNOWN, DAYS, DAYS_KNOWN = 4, 3, 14, 7
# Fewer contacts less than usual alarm nobody: one instead of three is no news.
LEAST_FEWER = Decimal(5)
CONTACTS = "contacts"
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Finding:
    """How it is with one thing. Neither bad nor well: as it was. ``used``: False when there is nothing to watch."""

    kind: Alert.Kind
    about: str = ""
    bad: bool = False
    well: bool = False
    used: bool = True
    facts: Mapping[str, str] = field(default_factory=dict)


@transaction.atomic
def check(profile: AvitoProfile, now: datetime) -> None:
    """Look at what is stored of the profile, and tell its owner what changed. Nothing when the profile is gone."""
    held, siblings = _locked(profile)
    task = ReportTask.objects.filter(profile=profile.pk).defer("hook_secret").first()
    if held is None or task is None:
        return
    today = today_at_avito(now)
    for finding in (*_money(held, task, today), _contacts(held, task, today)):
        _settle(held, finding, siblings, now)


def _locked(profile: AvitoProfile) -> tuple[AvitoProfile | None, list[int]]:
    """The profile as it is now, and the owner's others of the same account whose keys work. One process at a time
    looks at them, and each locks them in the same order."""
    which = Q(pk=profile.pk)
    if profile.account_id is not None:
        which |= Q(owner=profile.owner_id, account_id=profile.account_id)
    rows = AvitoProfile.objects.select_for_update(of=("self",)).select_related("owner").defer("credentials")
    found = {row.pk: row for row in rows.filter(which).order_by("pk")}
    held = found.pop(profile.pk, None)
    return held, [key for key, row in found.items() if row.access == Access.WORKS]


def _settle(profile: AvitoProfile, finding: Finding, siblings: Sequence[int], now: datetime) -> None:
    open_ones = Alert.objects.filter(kind=finding.kind, about=finding.about, over_at=None)
    alert = open_ones.filter(profile=profile).first()
    if alert is None:
        if finding.used and finding.bad and not open_ones.filter(profile__in=siblings).exists():
            facts = {**finding.facts, "told": now.isoformat()}
            alert = Alert.objects.create(
                profile=profile, kind=finding.kind, about=finding.about, facts=facts, since=now
            )  # fmt: skip
            notices.figures_alarm(profile, alert)
    elif not finding.used or (finding.well and _is_better(alert, finding)):
        alert.over_at = now
        alert.facts = {**alert.facts, **finding.facts}
        alert.save(update_fields=["over_at", "facts"])
        if finding.used:
            notices.figures_well(profile, alert)


def _is_better(alert: Alert, finding: Finding) -> bool:
    """An empty purse spends nothing, and so would last for ever: there must be more in it than when it was told."""
    if finding.kind != Alert.Kind.MONEY:
        return True
    return Decimal(finding.facts["left"]) > Decimal(alert.facts["left"])


# --- money ----------------------------------------------------------------------------------------------------------


def _money(profile: AvitoProfile, task: ReportTask, today: date) -> list[Finding]:
    standings = Standing.objects.filter(profile=profile, date__gt=today - DAY * USED_DAYS, date__lte=today)
    stood = {row.date: row.values for row in standings}
    # What stands there today; a day without an answer says nothing.
    newest = stood.get(today, {})
    used = {purse for purse in PURSES if any(values.get(purse) for values in stood.values())}
    a_day = usual_spending(_days(profile, today - DAY * SPENDING_DAYS, today - DAY), used)
    return [_purse(purse, newest.get(purse), a_day.get(purse), task, purse in used) for purse in PURSES]


def _purse(purse: str, left: Decimal | None, a_day: Decimal | None, task: ReportTask, is_used: bool) -> Finding:
    if not task.alerts or not is_used:
        return Finding(Alert.Kind.MONEY, purse, used=False)
    if left is None:
        return Finding(Alert.Kind.MONEY, purse)
    days = left / a_day if a_day else None
    facts = {"left": str(left)} | ({"a_day": str(a_day.quantize(CENT))} if a_day else {})
    facts |= {"days": str(days.quantize(CENT))} if days is not None else {}
    if (low := task.low_money) is not None:
        bad, well, facts = left < low, left >= low * WELL_SHARE, {**facts, "low": str(low)}
    else:
        bad = left <= 0 or (days is not None and days < LOW_DAYS)
        well = left > 0 and (a_day == 0 or (days is not None and days >= WELL_DAYS))
    return Finding(Alert.Kind.MONEY, purse, bad=bad, well=well and not bad, facts=facts)


def usual_spending(days: Sequence[Snapshot], used: set[str]) -> dict[str, Decimal]:
    """Roubles a day that each purse in use pays, by the full ``days`` that are known; empty when too few are.

    Bonuses leave no purse. Avito does not say which purse pays for what: where both are in use, the advance pays for
    placement and target actions and the wallet for the rest; where Avito does not tell these apart, each for all.
    """
    told = [row.values for row in days if "spending" in row.values or SPENT in row.values]
    if len(told) < SPENDING_KNOWN:
        return {}
    whole = sum((day.get("spending", day.get(SPENT, Decimal())) for day in told), Decimal())
    average = {purse: whole / len(told) for purse in used}
    if len(used) == len(PURSES) and all("presenceSpending" in day for day in told):
        placed = sum((day["presenceSpending"] for day in told), Decimal())
        average = {"advance": placed / len(told), "wallet": max(Decimal(), whole - placed) / len(told)}
    return average


# --- contacts -------------------------------------------------------------------------------------------------------


def _contacts(profile: AvitoProfile, task: ReportTask, today: date) -> Finding:
    if not task.alerts or not task.contacts_drop:
        return Finding(Alert.Kind.CONTACTS, used=False)
    yesterday = today - DAY
    known = {
        row.date: row.values[CONTACTS]
        for row in _days(profile, yesterday - DAY * 7 * WEEKS, yesterday)
        if not row.partial and CONTACTS in row.values and _was_over(row)
    }
    usual = usual_contacts(known, yesterday)
    if usual is None or yesterday not in known:
        return Finding(Alert.Kind.CONTACTS)
    average, basis, count = usual
    is_now = known[yesterday]
    drop = (average - is_now) * 100 / average if average else Decimal()
    facts = {
        "day": yesterday.isoformat(), "contacts": str(is_now), "usual": str(average.quantize(CENT)), "basis": basis,
        "count": str(count), "drop": str(drop.quantize(CENT)),
    }  # fmt: skip
    bad = drop >= task.contacts_drop and average - is_now >= LEAST_FEWER
    return Finding(Alert.Kind.CONTACTS, bad=bad, well=drop <= Decimal(task.contacts_drop) / 2, facts=facts)


def usual_contacts(known: Mapping[date, Decimal], day: date) -> tuple[Decimal, str, int] | None:
    """What a day like ``day`` brings: the average, of which days ("weekdays" or "days"), of how many. None when too
    little is known."""
    weeks = [known[before] for week in range(1, WEEKS + 1) if (before := day - DAY * 7 * week) in known]
    if len(weeks) >= WEEKS_KNOWN:
        return sum(weeks, Decimal()) / len(weeks), "weekdays", len(weeks)
    days = [known[before] for back in range(1, DAYS + 1) if (before := day - DAY * back) in known]
    if len(days) >= DAYS_KNOWN:
        return sum(days, Decimal()) / len(days), "days", len(days)
    return None


def _was_over(row: Snapshot) -> bool:
    """Whether the day had ended in Moscow when its statistics were read; what was read before is a part of it."""
    read = row.read.get(Section.STATISTICS)
    end = datetime.combine(row.date + DAY, datetime.min.time(), AVITO_ZONE)
    return read is not None and datetime.fromisoformat(read) >= end


def _days(profile: AvitoProfile, first: date, last: date) -> list[Snapshot]:
    return list(Snapshot.objects.filter(profile=profile, date__gte=first, date__lte=last).order_by("date"))
