"""How Avito treats a profile's keys and each section, and who hears when that changes.

note(profile, outcomes, now)    what the last calls came to; only a change is news, and it is told once

What passes by itself (a limit, an outage) changes nothing. A section that never worked is no news either: whoever
entered the keys was told. Of one that flutters a change and its end are told once a day at most, and the last that was
told is true: what was held back is told when its time has come.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from reports.avito.errors import Kind
from reports.metrics import Section
from reports.models import Access, Alert, AvitoProfile
from reports.services import notices
from reports.services.rows import lock

# Of one thing so often at most.
PACE = timedelta(days=1)
# It worked, or Avito said why it does not: in both cases the keys themselves are good.
CLOSED = frozenset({Kind.NO_ACCESS, Kind.NEEDS_SUBSCRIPTION, Kind.WRONG_ACCOUNT})
SETTLED = CLOSED | {"", Kind.NOT_FOR_ACCOUNT}
# What Avito is asked about by the account's number. The others answer whoever asks.
OF_THE_ACCOUNT = frozenset({Section.STATISTICS, Section.MONEY, Section.CALLS, Section.MESSENGER})
# When an alert was told (ISO time; empty: it was held back), and of which kind of AvitoError it tells.
TOLD, WHY = "told", "kind"


@transaction.atomic
def note(profile: AvitoProfile, outcomes: Mapping[Section, str], now: datetime) -> None:
    """Record what asking each section came to: nothing where it worked, else the kind of the AvitoError.

    Opens and closes alerts, and tells the owner and the admins, all in this transaction and under the profile's lock,
    so that two processes with the same news tell it once. ``profile`` then shows it.
    """
    held = lock(profile)
    before = {name: told["kind"] for name, told in held.sections.items()}
    found = {str(section): kind for section, kind in outcomes.items() if kind in SETTLED}
    access = _access(held.access, outcomes)
    if access in (Access.BAD_KEYS, Access.OTHER_ACCOUNT):
        found = {}  # what the sections say of other keys is not about these
    held.sections = {**held.sections, **{name: {"kind": kind, "at": now.isoformat()} for name, kind in found.items()}}
    held.access = access
    held.refusals = 0 if access == Access.WORKS else held.refusals
    held.save(update_fields=["access", "sections", "refusals"])
    _keys(held, now)
    _rights(held, before, found, now)
    profile.access, profile.sections, profile.refusals = held.access, held.sections, held.refusals


def _access(before: str, outcomes: Mapping[Section, str]) -> str:
    """What the outcomes say of the keys as a whole."""
    kinds = set(outcomes.values())
    if Kind.BAD_CREDENTIALS in kinds:
        return Access.BAD_KEYS
    if _are_anothers(outcomes):
        return Access.OTHER_ACCOUNT
    return Access.WORKS if kinds & SETTLED else before


def _are_anothers(outcomes: Mapping[Section, str]) -> bool:
    """Avito says whose the keys are, or knows the account nowhere. One place that is not found is only closed."""
    told = [kind for section, kind in outcomes.items() if section in OF_THE_ACCOUNT and kind in SETTLED]
    not_found = len(told) > 1 and set(told) == {Kind.WRONG_ACCOUNT}
    return not_found or outcomes.get(Section.ACCOUNT) == Kind.WRONG_ACCOUNT


@transaction.atomic
def refused(profile: AvitoProfile, now: datetime) -> int:
    """A scheduled report found the keys refused; how many in a row have by now. One that works begins anew."""
    held = lock(profile)
    held.refusals += 1
    held.save(update_fields=["refusals"])
    profile.refusals = held.refusals
    return held.refusals


# --- keys -----------------------------------------------------------------------------------------------------------


def _keys(profile: AvitoProfile, now: datetime) -> None:
    kind = {
        Access.BAD_KEYS.value: Kind.BAD_CREDENTIALS.value,
        Access.OTHER_ACCOUNT.value: Kind.WRONG_ACCOUNT.value,
    }.get(profile.access, "")
    if kind:
        if news := _opened(profile, Alert.Kind.KEYS, {"": kind}, now):
            notices.keys_refused(profile, news[0], kind)
    elif profile.access == Access.WORKS and (over := _closed(profile, Alert.Kind.KEYS, [""], now)):
        notices.keys_back(profile, over[0])


# --- rights ---------------------------------------------------------------------------------------------------------


def _rights(profile: AvitoProfile, before: Mapping[str, str], found: Mapping[str, str], now: datetime) -> None:
    """Sections that worked and are closed now, and those that were closed and work again: one message for each."""
    known = set(_open(profile, Alert.Kind.RIGHTS))
    shut = {
        name: kind for name, kind in found.items() if kind in CLOSED and (before.get(name) == "" or name in known)
    }  # fmt: skip
    if news := _opened(profile, Alert.Kind.RIGHTS, shut, now):
        notices.sections_closed(profile, news)
    ended = [name for name, kind in found.items() if kind not in CLOSED]
    # What the account does not have any more is closed no more, and yet it is not back.
    if over := [alert for alert in _closed(profile, Alert.Kind.RIGHTS, ended, now) if not found[alert.about]]:
        notices.sections_back(profile, over)


# --- alerts of both -------------------------------------------------------------------------------------------------


def _open(profile: AvitoProfile, kind: Alert.Kind) -> dict[str, Alert]:
    rows = Alert.objects.filter(profile=profile, kind=kind, over_at=None)
    return {row.about: row for row in rows}


def _opened(profile: AvitoProfile, kind: Alert.Kind, why: Mapping[str, str], now: datetime) -> list[Alert]:
    """Let an alert stand for each of ``why`` (what it is about: kind of error); those to be told now."""
    standing, news = _open(profile, kind), []
    for about, error in why.items():
        alert = standing.get(about) or Alert(profile=profile, kind=kind, about=about, since=now)
        tells = not alert.facts.get(TOLD) and not _told_lately(profile, kind, about, now)
        alert.facts = {**alert.facts, WHY: error, TOLD: now.isoformat() if tells else alert.facts.get(TOLD, "")}
        alert.save()
        news += [alert] if tells else []
    return news


def _told_lately(profile: AvitoProfile, kind: Alert.Kind, about: str, now: datetime) -> bool:
    rows = Alert.objects.filter(profile=profile, kind=kind, about=about, over_at__gt=now - PACE - PACE)
    told = [row.facts.get(TOLD, "") for row in rows]
    return any(at and now - datetime.fromisoformat(at) < PACE for at in told)


def _closed(profile: AvitoProfile, kind: Alert.Kind, abouts: Sequence[str], now: datetime) -> list[Alert]:
    """End the alerts about ``abouts``; those of which somebody was told that they had begun."""
    over = [alert for about, alert in _open(profile, kind).items() if about in abouts]
    for alert in over:
        alert.over_at = now
        alert.save(update_fields=["over_at"])
    return [alert for alert in over if alert.facts.get(TOLD)]
