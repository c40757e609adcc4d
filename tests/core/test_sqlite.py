"""Our SQLite backend takes statements as Django's own does."""

from typing import Any

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from accounts.models import User

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="these tests are about SQLite"),
]


def test_places_and_percent_signs_are_told_apart() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s, '100%%', 'a' LIKE '%%a%%', %s", ["x", 2])
        assert cursor.fetchone() == ("x", "100%", 1, 2)


def test_values_go_to_places_with_names_too() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %(b)s, %(a)s", {"a": 1, "b": "%s"})
        assert cursor.fetchone() == ("%s", 1)


def test_one_statement_runs_with_many_rows_of_values() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE numbers (a, b)")
        cursor.executemany("INSERT INTO numbers VALUES (%s, %s)", [(1, 2), (3, 4)])
        cursor.execute("SELECT sum(a), sum(b) FROM numbers")
        assert cursor.fetchone() == (4, 6)


def test_statement_without_values_is_left_as_it_is() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'a' LIKE '%a%'")
        assert cursor.fetchone() == (1,)


def test_error_of_a_statement_is_djangos(member: User) -> None:
    with pytest.raises(IntegrityError, match="UNIQUE constraint"), transaction.atomic():
        User.objects.create(username=member.username)
    with pytest.raises(OperationalError, match="no such table"), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM nowhere")


def test_nothing_more_is_done_in_a_broken_transaction() -> None:
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            User.objects.exists()


def test_who_watches_statements_sees_them() -> None:
    seen: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        User.objects.filter(pk=1).exists()
    with CaptureQueriesContext(connection) as captured:
        User.objects.filter(pk=2).exists()

    assert len(seen) == len(captured) == 1


async def test_event_loop_may_not_ask_the_database() -> None:
    with pytest.raises(SynchronousOnlyOperation):
        User.objects.filter(pk=1).exists()
