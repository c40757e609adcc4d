"""How the statements of the product are counted."""

import json
import threading
from pathlib import Path

import pytest

from benchmarks.product import Counts, is_transaction
from benchmarks.storage import Counted, per_message


@pytest.mark.parametrize("sql", ["BEGIN IMMEDIATE", "SAVEPOINT s1_x1", "RELEASE SAVEPOINT s1_x1", "  begin"])
def test_what_begins_or_ends_a_transaction_is_no_statement(sql: str) -> None:
    assert is_transaction(sql)


@pytest.mark.parametrize("sql", ["SELECT 1", "INSERT INTO begin VALUES (1)", "UPDATE a SET b = 1"])
def test_what_reads_or_writes_is_a_statement(sql: str) -> None:
    assert not is_transaction(sql)


def test_counts_are_written_as_they_stand(tmp_path: Path) -> None:
    counts, path = Counts(), tmp_path / "counts.json"
    for sql in ("BEGIN", "SELECT  1\n", "SELECT 1", "UPDATE a SET b = 1"):
        counts.wrap(lambda *_: None, sql, (), False, {})
    counts.write(path)
    assert json.loads(path.read_text()) == {
        "snapshot": 1,
        "statements": 3,
        "transactions": 1,
        "by_text": {"SELECT 1": 2, "UPDATE a SET b = 1": 1},
    }


def test_statements_of_other_threads_are_executed_and_not_counted(tmp_path: Path) -> None:
    counts, path = Counts("db-"), tmp_path / "counts.json"
    assert counts.wrap(lambda sql, *_: f"done {sql}", "SELECT 1", (), False, {}) == "done SELECT 1"
    thread = threading.Thread(target=counts.wrap, args=(lambda *_: None, "SELECT 2", (), False, {}), name="db-0")
    thread.start()
    thread.join()
    counts.write(path)

    assert json.loads(path.read_text())["by_text"] == {"SELECT 2": 1}


def test_a_counted_statement_is_still_executed() -> None:
    assert Counts().wrap(lambda sql, *_: f"done {sql}", "SELECT 1", (), False, {}) == "done SELECT 1"


def test_between_two_counts_lies_their_difference() -> None:
    before, after = Counted(1.0, 10, 2, {"a": 8}), Counted(3.0, 16, 5, {"a": 9, "b": 5})
    assert after.since(before) == Counted(2.0, 6, 3, {"a": 1, "b": 5})


def test_statements_that_come_at_rest_too_are_not_the_messages() -> None:
    rest = Counted(11.0, 22, 0, {"sweep": 22, "once": 0})
    span = Counted(2.0, 50, 8, {"sweep": 4, "insert": 40, "once": 6})

    statements, transactions = per_message("in a burst", span, 4, rest)

    assert statements.product == 11.5
    assert transactions.product == 2
