"""How long contents stay: CONTENT_LOG and the KEEP_… settings, and taking rows away without holding anybody up."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Cast
from django.utils.module_loading import import_string

from core.sealed import Unreadable, unseal

M = TypeVar("M", bound=models.Model)

# Rows in one short transaction: SQLite has one writer, and people's messages wait for it.
BATCH = 500
# What did not work out keeps its contents this long, so that an operator may try it again.
GRACE = timedelta(days=1)


@dataclass(frozen=True)
class OwnData:
    """What a capability keeps of people, an entry of settings.OWN_DATA: for /mydata and /forget.

    Each is called with the person (accounts.models.User). ``steps`` gives what is to be done to erase it, in short
    transactions that may be begun again at any point.
    """

    # For the export, under the capability's own names.
    record: Callable[[Any], Mapping[str, Any]]
    # Rows whose pages show contents: when operators opened them is told.
    rows: Callable[[Any], "Iterable[models.QuerySet[Any]]"]
    # How much there is to erase, and that in words.
    count: Callable[[Any], int]
    words: Callable[[int], str]
    steps: Callable[[Any, datetime], "Iterator[Callable[[], int]]"]


def own_data() -> dict[str, OwnData]:
    return {name: import_string(path) for name, path in settings.OWN_DATA.items()}


def columns(row: models.Model, *without: str) -> dict[str, Any]:
    """The whole row, so that no new column is forgotten."""
    names = [field.attname for field in row._meta.concrete_fields]
    return {name: getattr(row, name) for name in names if name not in without}


def unopened(rows: "models.QuerySet[Any]", name: str) -> "models.QuerySet[Any]":
    """With the sealed column ``name`` as it lies in the database, for `opened`."""
    sealed: models.QuerySet[Any] = rows.defer(name).annotate(token=Cast(name, models.TextField()))
    return sealed


def opened(row: Any, name: str) -> dict[str, Any]:
    """The whole row. What no key opens must not keep the rest from the person."""
    try:
        value = None if row.token is None else unseal(row.token)
    except Unreadable as error:
        value = str(error)
    return {**columns(row, name), name: value}


def contents_stay() -> bool:
    """Whether what people and models wrote is kept once it is no longer needed for an answer."""
    return bool(settings.CONTENT_LOG == "full")


def only_sums_stay() -> bool:
    """Whether requests themselves go after a day."""
    return bool(settings.CONTENT_LOG == "off")


def older_than(days: int, now: datetime) -> datetime | None:
    """Before when rows are past their time; None: they are kept for ever."""
    return now - timedelta(days=days) if days else None


def in_batches(rows: "models.QuerySet[M]", act: "Callable[[models.QuerySet[M]], int]", size: int = BATCH) -> int:
    """Call ``act`` with ``rows`` in parts, each in a transaction of its own; the sum of what it returns.

    A row that changed meanwhile and is no longer among ``rows`` is left out.
    """
    done, last = 0, None
    while keys := _keys_after(rows, last, size):
        with transaction.atomic():
            done += act(rows.filter(pk__in=keys))
        last = keys[-1]
    return done


def _keys_after(rows: "models.QuerySet[M]", last: Any, size: int) -> list[Any]:
    further = rows if last is None else rows.filter(pk__gt=last)
    return list(further.order_by("pk").values_list("pk", flat=True)[:size])


def delete_in_batches(rows: "models.QuerySet[M]") -> int:
    """Delete ``rows`` in parts; how many of them are gone, without what went along."""

    def delete(part: "models.QuerySet[M]") -> int:
        return part.delete()[1].get(part.model._meta.label, 0)

    return in_batches(rows, delete)
