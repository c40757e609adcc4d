"""People, profiles, tasks and days of figures for tests."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import Chat, Role, User
from delivery import planning
from delivery.schedule import Daily, Rule
from reports.avito.account import Account
from reports.metrics import Section, packed
from reports.models import AvitoProfile, ProfileChat, Report, ReportPart, ReportTask, Snapshot, Standing
from reports.services.profiles import create_profile, delete_profile
from tests.house import BOT as BOT
from tests.house import TEAM as TEAM
from tests.people import group as group
from tests.people import person

SECRET = "s3cret-of-tests-only"
NINE = Daily(time(9))


def owner(telegram_id: int = 105, name: str = "Ирина", zone: str = "Europe/Moscow", role: Role = Role.MEMBER) -> User:
    """Somebody who may use the bot, with a private chat."""
    return person(telegram_id, name, zone, role)


def make_profile(
    owner: User,
    name: str = "Север",
    account_id: int | None = 90000001,
    *,
    client_id: str = "",
    client_secret: str = SECRET,
    sections: Mapping[Section, str] | None = None,
    now: datetime | None = None,
    **facts: Any,
) -> AvitoProfile:
    """A profile whose keys work everywhere unless ``sections`` says otherwise, its report off. ``facts``: columns."""
    account = None if account_id is None else Account(id=account_id, name=f"Магазин «{name}»")
    told = dict.fromkeys(Section, "") if sections is None else dict(sections)
    keys = (client_id or f"client-of-{account_id or name}", client_secret)
    profile = create_profile(owner, name, *keys, account, told, now=now or timezone.now(), via="tests")
    if facts:
        AvitoProfile.objects.filter(pk=profile.pk).update(**facts)
    return fresh(profile)


def make_task(
    profile: AvitoProfile,
    rule: Rule = NINE,
    zone: str = "Europe/Moscow",
    *,
    on: bool = True,
    now: datetime | None = None,
    **facts: Any,
) -> ReportTask:
    """The task of a profile: by that rule, and switched on unless said otherwise. ``facts``: columns, such as chat."""
    now = now or timezone.now()
    task = ReportTask.objects.select_related("schedule", "profile", "chat").get(profile=profile)
    planning.reschedule(task.schedule, rule, zone, now=now)
    if on:
        planning.resume(task.schedule, now=now)
    for name, value in facts.items():
        setattr(task, name, value)
    task.save()
    return task


def bind(profile: AvitoProfile, chat: Chat) -> ProfileChat:
    """Let everybody in ``chat`` see the profile's figures."""
    return ProfileChat.objects.get_or_create(profile=profile, chat=chat)[0]


def make_day(
    profile: AvitoProfile, day: date, *, read_at: datetime | None = None, partial: bool = False, **figures: Any
) -> Snapshot:
    """A stored day: ``views=120``. It was read at ``read_at``, now unless said otherwise."""
    at = (read_at or timezone.now()).isoformat()
    read = {str(section): at for section in (Section.STATISTICS, Section.CALLS)}
    values = packed({name: Decimal(str(value)) for name, value in figures.items()})
    return Snapshot.objects.create(profile=profile, date=day, figures=values, read=read, partial=partial)


def make_standing(profile: AvitoProfile, day: date, *, read_at: datetime | None = None, **figures: Any) -> Standing:
    """What stood in the account on that day: ``wallet="250000.50"``."""
    at = (read_at or timezone.now()).isoformat()
    read = {str(section): at for section in (Section.MONEY, Section.ADVANCE, Section.RATINGS)}
    values = packed({name: Decimal(str(value)) for name, value in figures.items()})
    return Standing.objects.create(profile=profile, date=day, figures=values, read=read)


def make_report(profile: AvitoProfile, finished_at: datetime, **facts: Any) -> Report:
    """A report of the day before ``finished_at``, done then."""
    day = finished_at.date() - timedelta(days=1)
    report = Report.objects.create(
        **{"kind": Report.Kind.NOW, "requested_by": profile.owner, "first": day, "last": day, "created_at": finished_at}
        | {"finished_at": finished_at, "state": Report.State.DONE}
        | facts
    )
    ReportPart.objects.create(report=report, profile=profile, state=ReportPart.State.DONE)
    return report


def fresh(profile: AvitoProfile) -> AvitoProfile:
    return AvitoProfile.objects.select_related("owner", "task__schedule", "task__chat").get(pk=profile.pk)


def delete_all_profiles() -> None:
    """As their owners do it, who wait for whoever writes down what Avito told."""
    for profile in AvitoProfile.objects.select_related("owner"):
        delete_profile(profile, by=profile.owner, via="tests", now=timezone.now())
