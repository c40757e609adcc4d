"""New rows for the path of a message, made without a look at every field.

Django's constructor asks each field of a row, some thirty of them, what it holds where nobody says, and six new rows
made that a thirtieth of a message's CPU. Everywhere else use the constructor, whose arguments are checked by type.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import models
from django.db.models.base import ModelState
from django.db.models.query_utils import DeferredAttribute

M = TypeVar("M", bound=models.Model)


@dataclass(frozen=True)
class Blank:
    """What a row holds by attribute where nobody says: ``fixed``, or what is ``made`` anew for each (an empty list, a
    key); and by name the relations that may be given as objects."""

    fixed: Mapping[str, Any]
    made: Mapping[str, Callable[[], Any]]
    relations: Mapping[str, Any]


def new(model: type[M], **values: Any) -> M:
    """An unsaved row as ``model(**values)`` makes it, without its signals. Raises TypeError for what is no field."""
    blank = _blank(model)
    row = model.__new__(model)
    row._state = ModelState()
    held = row.__dict__
    held.update(blank.fixed)
    for name, value in values.items():
        if name in blank.relations:
            _relate(row, blank.relations[name], value)
        elif name in blank.fixed or name in blank.made:
            held[name] = value
        else:
            raise TypeError(f"{model.__name__} has no field {name!r}.")
    for name, make in blank.made.items():
        if name not in held:
            held[name] = make()
    return row


def _relate(row: models.Model, field: Any, other: models.Model | None) -> None:
    row.__dict__[field.attname] = None if other is None else getattr(other, field.target_field.attname)
    field.set_cached_value(row, other)


@functools.cache
def _blank(model: type[models.Model]) -> Blank:
    holds_values_only(model)
    relations, fixed, made = {}, {}, {}
    for field in model._meta.concrete_fields:
        if field.many_to_one:
            relations[field.name] = field
        if field.has_db_default() or (field.has_default() and callable(field.default)):
            made[field.attname] = field.get_default
        else:
            fixed[field.attname] = field.get_default()
    return Blank(fixed, made, relations)


def holds_values_only(model: type[models.Model]) -> None:
    """Raises TypeError for a model whose rows only its constructor knows how to make."""
    if "__init__" in model.__dict__ or "from_db" in model.__dict__:
        raise TypeError(f"{model.__name__} has a constructor of its own.")
    for field in model._meta.concrete_fields:
        if not field.many_to_one and field.descriptor_class is not DeferredAttribute:
            raise TypeError(f"{field} does more than hold a value: only the constructor knows how to make it.")
