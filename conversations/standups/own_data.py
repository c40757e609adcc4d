"""What stand-ups keep of a person, for /mydata and /forget (settings.OWN_DATA)."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet
from django.utils.translation import ngettext

from accounts.models import User
from conversations.models import Leave, StandUp, StandUpMember
from conversations.standups import rounds
from core.privacy import OwnData, columns, opened, unopened


def mine(user: User) -> "QuerySet[StandUpMember]":
    return StandUpMember.objects.filter(user=user)


def record(user: User) -> dict[str, Any]:
    """What they said and when they were asked; the rounds that they planned, without what others said there."""
    planned = unopened(StandUp.objects.filter(user=user), "plan").order_by("pk")
    said = unopened(mine(user), "said").annotate(day=F("standup__day")).order_by("pk")
    return {
        "standups": [opened(row, "plan") for row in planned],
        "standup_answers": [{**opened(row, "said"), "day": row.day} for row in said],
        "leaves": [columns(row) for row in Leave.objects.filter(user=user).order_by("pk")],
    }


def rows(user: User) -> list[QuerySet[Any]]:
    return [mine(user), StandUp.objects.filter(user=user)]


def count(user: User) -> int:
    return mine(user).count()


def words(number: int) -> str:
    return ngettext("%(count)d answer to stand-ups", "%(count)d answers to stand-ups", number) % {"count": number}


def steps(user: User, now: datetime) -> Iterator[Callable[[], int]]:
    """What they said goes with the row, from a round that is still open too; and the rounds that they planned."""
    yield lambda: rounds.forget(user)


OWN = OwnData(record=record, rows=rows, count=count, words=words, steps=steps)
