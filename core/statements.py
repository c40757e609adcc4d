"""INSERT and UPDATE for the path of a message: the text of the statement is made once.

Compiling them through querysets cost a sixth of a message's CPU (profiled at a burst of 2,000 messages). Values go
through the fields, so they are stored as the ORM stores them. Everywhere else use the ORM.
"""

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from operator import attrgetter
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.base import ModelState

M = TypeVar("M", bound=models.Model)
# What a value is stored as.
Prepare = Callable[[Any], Any]

# From so many rows on they are prepared by columns.
MANY = 20


def insert(rows: Sequence[models.Model], *, skip_known: bool = False) -> bool:
    """Insert ``rows`` of one model in one statement and give them their keys.

    ``skip_known``: a row whose unique key is there already is left out; then no row gets a key, and False is returned.
    """
    if not rows:
        return True
    # The connection itself: the proxy that Django offers costs more than the work it is asked for here.
    db = connections[DEFAULT_DB_ALIAS]
    fields, head = _insertion(type(rows[0]), db.vendor)
    if len(rows) < MANY:
        params: list[Any] = [
            value if value is None or type(value) is plain else prepare(value)
            for row in rows
            for _field, plain, prepare, read in fields
            for value in (read(row),)
        ]
        values = _groups(len(fields), len(rows))
    else:
        columns = [_column(plain, prepare, list(map(read, rows))) for _field, plain, prepare, read in fields]
        if db.vendor == "postgresql":
            values, params = _by_columns([field.db_type(db) for field, *_rest in fields], columns)
        else:
            values, params = _groups(len(fields), len(rows)), list(chain.from_iterable(zip(*columns, strict=True)))
    gives_key = isinstance(rows[0]._meta.pk, models.AutoField)
    end = (" ON CONFLICT DO NOTHING" if skip_known else "") + (" RETURNING id" if gives_key else "")
    with db.cursor() as cursor:
        cursor.execute(head + values + end, params)
        keys = cursor.fetchall() if gives_key else [(row.pk,) for row in rows][: cursor.rowcount]
    if len(keys) < len(rows):
        return False
    for row, (key,) in zip(rows, keys, strict=True):
        if row.pk is None:
            row.pk = key
        row._state.adding = False
        row._state.db = db.alias
    return True


def like(row: M, **values: Any) -> M:
    """Another unsaved row, as ``row`` but for ``values`` (by attribute: ``chat_id``, not ``chat``). To fill one takes a
    tenth of the time that Django takes to make one."""
    made = type(row).__new__(type(row))
    made.__dict__.update(row.__dict__, _state=ModelState(), **values)
    return made


def loaded(model: type[M], names: Sequence[str], values: Iterable[Any]) -> M:
    """A row of which only ``names`` (attributes, as above) were read, as after ``only``, and as cheap as ``like``."""
    made = model.__new__(model)
    made.__dict__.update(zip(names, values, strict=True), _state=ModelState())
    made._state.adding, made._state.db = False, DEFAULT_DB_ALIAS
    return made


def _column(plain: type | None, prepare: Prepare, found: list[Any]) -> list[Any]:
    """What is the same throughout is prepared once."""
    first = found[0]
    if all(value is first for value in found):
        return [first if first is None else prepare(first)] * len(found)
    return [value if value is None or type(value) is plain else prepare(value) for value in found]


def _groups(columns: int, rows: int) -> str:
    group = "(" + ", ".join(["%s"] * columns) + ")"
    return f"VALUES {', '.join([group] * rows)}"


def _by_columns(kinds: Sequence[str], columns: Sequence[list[Any]]) -> tuple[str, list[Any]]:
    """With a parameter for each column, for PostgreSQL's driver takes statements apart to find every one. A column with
    one value throughout is said once."""
    said: list[str] = []
    named: list[tuple[str, str]] = []
    once: list[Any] = []
    lists: list[list[Any]] = []
    for number, (kind, column) in enumerate(zip(kinds, columns, strict=True)):
        if lists and all(value is column[0] or value == column[0] for value in column):
            said.append(f"%s::{kind}")
            once.append(column[0])
        else:
            said.append(f"v{number}")
            named.append((f"v{number}", f"%s::{kind}[]"))
            lists.append(column)
    names, arrays = zip(*named, strict=True)
    values = f"SELECT {', '.join(said)} FROM unnest({', '.join(arrays)}) AS varying({', '.join(names)})"  # noqa: S608
    return values, [*once, *lists]


@functools.cache
def _insertion(
    model: type[models.Model], vendor: str
) -> tuple[list[tuple[Any, type | None, Prepare, Callable[[Any], Any]]], str]:
    # A key that the database gives is left to it.
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    read = [(field, _plain(field), _preparing(field, vendor), _reading(field)) for field in fields]
    return read, f'INSERT INTO "{model._meta.db_table}" ({columns}) '


def _plain(field: Any) -> type | None:
    """The type of those values that the field stores as they are. To ask it for each of 60 columns a message was a
    tenth of the work in the database thread."""
    kept = field.target_field if field.is_relation else field
    if not type(kept).__module__.startswith("django."):
        return None  # it may well change a text, or seal it
    kinds = ((models.BooleanField, bool), (models.IntegerField, int), (models.CharField, str), (models.TextField, str))
    return next((plain for kind, plain in kinds if isinstance(kept, kind)), None)


def _preparing(field: Any, vendor: str) -> Prepare:
    """What makes of any other value what is stored. For times and JSON, which most rows hold, SQLite's is said here:
    the field asks a dozen functions for it."""

    def prepare(value: Any) -> Any:
        return field.get_db_prep_save(value, connections[DEFAULT_DB_ALIAS])

    def as_text(value: Any) -> Any:
        return str(value.replace(tzinfo=None)) if type(value) is datetime and value.tzinfo is UTC else prepare(value)

    def as_json(value: Any) -> Any:
        return json.dumps(value) if type(value) in (dict, list) else prepare(value)

    def as_member(value: Any) -> Any:
        return value.value if isinstance(value, models.TextChoices) else prepare(value)

    if _plain(field) is str:
        return as_member
    if vendor == "sqlite" and type(field) is models.DateTimeField and connections[DEFAULT_DB_ALIAS].timezone is UTC:
        return as_text
    return as_json if vendor == "sqlite" and type(field) is models.JSONField and field.encoder is None else prepare


def _reading(field: Any) -> Callable[[Any], Any]:
    """What gives a row's value: the attribute, unless the field sets it as it is saved (``auto_now``)."""
    sets_itself = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    if type(field).pre_save is models.Field.pre_save or (isinstance(field, models.DateField) and not sets_itself):
        return attrgetter(field.attname)
    return lambda row: field.pre_save(row, True)


def update(model: type[models.Model], key: int, values: Mapping[str, Any], **only_if: str) -> bool:
    """Set ``values`` in the row ``key`` when its columns are as ``only_if`` says; False when it is not so."""
    db = connections[DEFAULT_DB_ALIAS]
    fields, sql = _updating(model, tuple(values), tuple(only_if), db.vendor)
    params: list[Any] = [
        value if value is None or type(value) is plain else prepare(value)
        for (_field, plain, prepare), value in zip(fields, values.values(), strict=True)
    ]
    with db.cursor() as cursor:
        cursor.execute(sql, [*params, key, *only_if.values()])
        return bool(cursor.rowcount)


@functools.cache
def _updating(
    model: type[models.Model], names: tuple[str, ...], conditions: tuple[str, ...], vendor: str
) -> tuple[list[tuple[Any, type | None, Prepare]], str]:
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    changes = ", ".join(f'"{field.column}" = %s' for field in fields)
    where = "".join(f' AND "{name}" = %s' for name in conditions)
    sql = f'UPDATE "{model._meta.db_table}" SET {changes} WHERE id = %s{where}'  # noqa: S608
    return [(field, _plain(field), _preparing(field, vendor)) for field in fields], sql


def update_many(rows: Sequence[models.Model], names: Sequence[str], **only_if: str) -> None:
    """Write the columns ``names`` of ``rows`` of one model, each row with values of its own, where its columns are as
    ``only_if`` says. Cheaper than one statement with a large CASE."""
    if not rows:
        return
    db = connections[DEFAULT_DB_ALIAS]
    model = type(rows[0])
    fields, sql = _updating(model, tuple(names), tuple(only_if), db.vendor)
    kept: list[tuple[Any, type | None, Prepare]] = [(model._meta.pk, int, int), *fields]
    columns = [_column(plain, prepare, [getattr(row, field.attname) for row in rows]) for field, plain, prepare in kept]
    with db.cursor() as cursor:
        if db.vendor == "postgresql":
            values, params = _by_columns([field.db_type(db) for field, *_rest in kept], columns)
            many = _updating_from(model, tuple(names), tuple(only_if))
            cursor.execute(many.format(values), [*params, *only_if.values()])
        else:
            conditions = [[value] * len(rows) for value in only_if.values()]
            cursor.executemany(sql, list(zip(*columns[1:], columns[0], *conditions, strict=True)))


@functools.cache
def _updating_from(model: type[models.Model], names: tuple[str, ...], conditions: tuple[str, ...]) -> str:
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    columns = [field.column for field in fields]
    changes = ", ".join(f'"{column}" = new."{column}"' for column in columns)
    found = ", ".join(f'"{column}"' for column in columns)
    table = model._meta.db_table
    where = "".join(f' AND "{table}"."{name}" = %s' for name in conditions)
    return f'UPDATE "{table}" SET {changes} FROM ({{}}) AS new(id, {found}) WHERE "{table}".id = new.id{where}'  # noqa: S608
