"""Our SQLite backend takes statements as Django's own does."""

import pytest
from django.db import connection

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
