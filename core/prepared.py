"""A SELECT whose SQL is compiled once.

The same three SELECTs run for every message. Building and compiling a queryset with joins costs several times what the
database needs to answer it (profiled: 40 % of a message's CPU), so the path of a message compiles each of them once.
Everywhere else a queryset is the better thing.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections, models

from core.rows import holds_values_only
from core.statements import loaded

M = TypeVar("M", bound=models.Model)

# Stand in for the values while the query is compiled, and show where they went.
FIRST_PLACEHOLDER = 900_000_000_000_001


@dataclass(frozen=True)
class Plan:
    """What compiling gave: the text, its parameters, where each value goes, and how rows become objects."""

    sql: str
    params: tuple[Any, ...]
    places: tuple[int, ...]
    read: Callable[[list[tuple[Any, ...]]], list[Any]]


class Prepared(Generic[M]):
    """``build`` makes the queryset from as many values as ``takes`` says; calling gives its rows as a list.

    Only plain comparisons may depend on the values, which are whole numbers, or texts where a column holds texts.
    ``select_related`` is kept (prefetching is not).
    """

    def __init__(self, takes: int, build: Callable[..., models.QuerySet[M]]) -> None:
        self._takes, self._build = takes, build
        self._plans: dict[str, Plan] = {}

    def __call__(self, *values: int | str) -> list[M]:
        db = connections[DEFAULT_DB_ALIAS]
        plan = self._plans.get(db.vendor) or self._compile()
        params = list(plan.params)
        for place, value in zip(plan.places, values, strict=True):
            params[place] = value
        with db.cursor() as cursor:
            cursor.execute(plan.sql, params)
            rows = cursor.fetchall()
        return plan.read(rows) if rows else []

    def _compile(self) -> Plan:
        placeholders = range(FIRST_PLACEHOLDER, FIRST_PLACEHOLDER + self._takes)
        compiler = self._build(*placeholders).query.get_compiler(DEFAULT_DB_ALIAS)
        sql, params = compiler.as_sql()
        # A column of texts makes a text of it.
        places = tuple(params.index(one if one in params else str(one)) for one in placeholders)
        plan = self._plans[connection.vendor] = Plan(sql, tuple(params), places, _reader(compiler))
        return plan


@functools.cache
def columns(model: type[M]) -> tuple[str, Callable[[list[tuple[Any, ...]]], list[M]]]:
    """The columns of ``model`` as a statement's RETURNING lists them, and what makes objects of such rows."""
    compiler = model._default_manager.order_by().query.get_compiler(DEFAULT_DB_ALIAS)
    compiler.as_sql()
    names = ", ".join(f'"{column[0].target.column}"' for column in compiler.select)
    return names, _reader(compiler)


Row = Sequence[Any]


def _reader(compiler: Any) -> Callable[[list[tuple[Any, ...]]], list[Any]]:
    """As django.db.models.query.ModelIterable does it, with what does not change worked out beforehand."""
    make = _maker(compiler.klass_info, compiler.select)
    converters = _converters(compiler)

    def read(rows: list[tuple[Any, ...]]) -> list[Any]:
        found = []
        for row in rows:
            values = list(row)
            for place, convert in converters:
                if values[place] is not None:
                    values[place] = convert(values[place])
            found.append(make(values))
        return found

    return read


def _maker(info: Any, select: Any) -> Callable[[Row], Any]:
    """What makes an object of a row, and those it is related to. Past the constructor, which asks each column what it
    is and tells two signals nobody hears: that was a tenth of what beginning an answer costs (profiled)."""
    model, columns = info["model"], info["select_fields"]
    holds_values_only(model)
    start, end = columns[0], columns[-1] + 1
    names = tuple(column[0].target.attname for column in select[start:end])
    key = start + names.index(model._meta.pk.attname)
    related = [
        (_maker(other, select), other["local_setter"], other["remote_setter"])
        for other in info.get("related_klass_infos", ())
    ]

    def make(row: Row) -> Any:
        if row[key] is None:
            return None
        made = loaded(model, names, row[start:end])
        for other, tell, tell_back in related:
            found = other(row)
            tell(made, found)
            if found is not None:
                tell_back(found, made)
        return made

    return make


def _converters(compiler: Any) -> list[tuple[int, Callable[[Any], Any]]]:
    """For each column that the driver gives in another form: its place, and what makes the value of what is there."""
    found = compiler.get_converters([column[0] for column in compiler.select])
    return [(place, _converter(steps, column, compiler.connection)) for place, (steps, column) in found.items()]


def _converter(steps: list[Callable[..., Any]], column: Any, db: Any) -> Callable[[Any], Any]:
    if type(column.output_field) is models.DateTimeField and db.vendor == "sqlite" and db.timezone is UTC:
        return _moment

    def convert(value: Any) -> Any:
        for step in steps:
            value = step(value, column, db)
        return value

    return convert


def _moment(stored: datetime | str) -> datetime:
    """A time of SQLite: its driver reads those of columns, not what RETURNING gives."""
    read = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return read.replace(tzinfo=UTC)
