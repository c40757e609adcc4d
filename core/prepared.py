"""A SELECT whose SQL is compiled once.

The same three SELECTs run for every message. Building and compiling a queryset with joins costs several times what the
database needs to answer it (profiled: 40 % of a message's CPU), so the path of a message compiles each of them once.
Everywhere else a queryset is the better thing.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.models.query import get_related_populators

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


def _reader(compiler: Any) -> Callable[[list[tuple[Any, ...]]], list[Any]]:
    """As django.db.models.query.ModelIterable does it, with what does not change worked out beforehand."""
    select, info = compiler.select, compiler.klass_info
    converters = compiler.get_converters([column[0] for column in select])
    start, end = info["select_fields"][0], info["select_fields"][-1] + 1
    names = [column[0].target.attname for column in select[start:end]]
    related = get_related_populators(info, select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]  # stubs of Django 6

    def read(rows: list[tuple[Any, ...]]) -> list[Any]:
        found = []
        for row in compiler.apply_converters(rows, converters) if converters else rows:
            instance = info["model"].from_db(DEFAULT_DB_ALIAS, names, row[start:end])
            for populator in related:
                populator.populate(row, instance)
            found.append(instance)
        return found

    return read
