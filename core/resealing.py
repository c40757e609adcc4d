"""Sealed columns under a new key: what ``manage.py reseal`` does, a few hundred rows at a time.

It may be stopped and begun again at any moment, and be run while everything works: a row that somebody writes meanwhile
is sealed with the first key anyway.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.db.models import QuerySet, TextField, Value
from django.db.models.functions import Cast

from core.privacy import BATCH, in_batches
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
    """One column, ``size`` rows in a transaction."""
    done = Resealed(f"{model._meta.label}.{column.name}")
    rows: QuerySet[Any] = model._default_manager.exclude(**{column.name: None}).order_by("pk")
    in_batches(rows, lambda part: _reseal_rows(part, column, done), size)
    return done


def _reseal_rows(rows: QuerySet[Any], column: SealedJSON, done: Resealed) -> int:
    # The column itself would open each value; as a text it is what lies in the database.
    tokens = rows.select_for_update().annotate(token=Cast(column.name, TextField())).values_list("pk", "token")
    found = list(tokens)
    done.values += len(found)
    for key, token in found:
        if is_current(token):
            continue
        try:
            fresh = Value(reseal(token), output_field=TextField())
        except Unreadable:
            done.unreadable.append(str(key))
        else:
            done.changed += rows.model._default_manager.filter(pk=key).update(**{column.name: fresh})
    return len(found)
