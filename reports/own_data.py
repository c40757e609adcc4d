"""What is a person's own here, for /mydata and /forget (settings.OWN_DATA). Keys, tokens and secrets leave this
machine in no export: of a client_id there is what its owner recognises it by."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import ngettext

from accounts.models import User
from core.privacy import OwnData, columns, delete_in_batches
from delivery.models import Schedule
from reports.export import verbs as exporting
from reports.models import Alert, AvitoProfile, Export, ProfileChat, Report, ReportTask, Snapshot, Standing
from reports.services import ordering, profiles
from reports.services.collecting import SOURCE as COLLECTING

# Sealed, or good for nothing but to be matched.
NOT_TOLD = ("credentials", "client")


def own(user: User) -> "QuerySet[AvitoProfile]":
    return AvitoProfile.objects.filter(owner=user).defer("credentials").order_by("id")


def asked_for(user: User) -> "QuerySet[Report]":
    """Reports that the person asked for, also of a whole chat, and the planned ones of their profiles."""
    return Report.objects.filter(requested_by=user)


def record(user: User) -> dict[str, Any]:
    """Whole rows without secrets: profiles with all that was stored of them, reports, exports."""
    reports = asked_for(user).prefetch_related("parts__profile").order_by("created_at", "id")
    exports = Export.objects.filter(requested_by=user).order_by("created_at", "id")
    return {
        "avito_profiles": [_profile(row) for row in own(user)],
        "avito_reports": [_report(row) for row in reports],
        "avito_exports": [columns(row) for row in exports],
    }


def _report(row: Report) -> dict[str, Any]:
    return {**columns(row), "profiles": [str(part.profile) for part in row.parts.all()]}


def _profile(row: AvitoProfile) -> dict[str, Any]:
    task = ReportTask.objects.filter(profile=row).select_related("schedule").defer("hook_secret").first()
    collecting = Schedule.objects.filter(source=COLLECTING, object_id=str(row.pk)).first()
    places = ProfileChat.objects.filter(profile=row).select_related("chat").order_by("id")
    return {
        **columns(row, *NOT_TOLD),
        "task": {**columns(task, "hook_secret"), "schedule": columns(task.schedule)} if task is not None else None,
        "collected": columns(collecting) if collecting is not None else None,
        "shown_in": [{**columns(place), "chat": str(place.chat)} for place in places],
        "days": [columns(day) for day in Snapshot.objects.filter(profile=row).order_by("date")],
        "standings": [columns(day) for day in Standing.objects.filter(profile=row).order_by("date")],
        "alerts": [columns(alert) for alert in Alert.objects.filter(profile=row).order_by("since", "id")],
    }


def rows(user: User) -> list["QuerySet[Any]"]:
    return [
        own(user),
        ReportTask.objects.filter(profile__owner=user).defer("hook_secret"),
        Snapshot.objects.filter(profile__owner=user),
        Standing.objects.filter(profile__owner=user),
        asked_for(user),
        Export.objects.filter(requested_by=user),
    ]


def count(user: User) -> int:
    return own(user).count()


def words(number: int) -> str:
    text = ngettext(
        "%(count)d Avito profile with its keys, figures, reports and plans",
        "%(count)d Avito profiles with their keys, figures, reports and plans",
        number,
    )
    return text % {"count": number}


def steps(user: User, now: datetime) -> Iterator[Callable[[], int]]:
    """What is at work ends first, so that nothing is written of what goes."""
    yield lambda: sum(ordering.cancel(report, by=user, now=now) for report in _at_work(user))
    yield lambda: sum(_withdrawn(export, now) for export in _exports(user))
    yield lambda: sum(_delete(user, key, now) for key in list(own(user).values_list("pk", flat=True)))
    yield lambda: delete_in_batches(asked_for(user))


def _at_work(user: User) -> list[Report]:
    return list(asked_for(user).filter(state=Report.State.QUEUED))


def _exports(user: User) -> list[Export]:
    return list(Export.objects.filter(requested_by=user))


def _withdrawn(export: Export, now: datetime) -> bool:
    exporting.withdraw(export, now)
    return True


def _delete(user: User, key: int, now: datetime) -> int:
    row = own(user).filter(pk=key).first()
    if row is None:
        return 0
    profiles.delete_profile(row, by=user, via="bot", now=now)
    return 1


OWN = OwnData(record=record, rows=rows, count=count, words=words, steps=steps)
