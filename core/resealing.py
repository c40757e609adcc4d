"""Sealed columns under a new key: what ``manage.py reseal`` does, a few hundred rows at a time.

It may be stopped and begun again at any moment, and be run while everything works: no row is held longer than its own
change takes, and one that somebody writes meanwhile is sealed with the first key anyway.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.db.models import QuerySet, TextField, Value
from django.db.models.functions import Cast

from core.privacy import BATCH
from core.sealed import SealedJSON, Unreadable, is_current, reseal, sealed_columns


@dataclass
class Resealed:
    """What became of one column: how many values there are, how many got the first key, which rows no key opens."""

    name: str
    values: int = 0
    changed: int = 0
    unreadable: list[str] = field(default_factory=list)


def reseal_all() -> Iterator[Resealed]:
    """Every sealed column, one after the other."""
    for model, column in sealed_columns():
        yield reseal_column(model, column)


def reseal_column(model: type[models.Model], column: SealedJSON, *, size: int = BATCH) -> Resealed:
    """One column, ``size`` rows read at once."""
    done = Resealed(f"{model._meta.label}.{column.name}")
    # The column itself would open each value; as a text it is what lies in the database.
    rows = model._default_manager.exclude(**{column.name: None}).annotate(_sealed=Cast(column.name, TextField()))
    last = None
    while found := _after(rows, last, size):
        for key, token in found:
            _reseal_row(rows.filter(pk=key, _sealed=token), column, str(key), token, done)
        last = found[-1][0]
    return done


def _after(rows: QuerySet[Any], last: Any, size: int) -> list[tuple[Any, str]]:
    further = rows if last is None else rows.filter(pk__gt=last)
    return list(further.order_by("pk").values_list("pk", "_sealed")[:size])


def _reseal_row(row: QuerySet[Any], column: SealedJSON, key: str, token: str, done: Resealed) -> None:
    """``row`` is it as long as nobody has written it since it was read."""
    done.values += 1
    if is_current(token):
        return
    try:
        fresh = Value(reseal(token), output_field=TextField())
    except Unreadable:
        done.unreadable.append(key)
    else:
        done.changed += row.update(**{column.name: fresh})
