"""Django's SQLite backend with a shorter way for a statement that nobody watches.

``%s`` becomes ``?`` once for each statement instead of at every call, and the wrappers around a call are only entered
when there is something to wrap. Together they took a tenth of a message's work (profiled at 200 questions at once).
"""

import functools
import sqlite3
from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.db.backends.sqlite3 import base
from django.db.backends.utils import CursorWrapper


@functools.lru_cache(maxsize=1000)
def _with_question_marks(query: str) -> str:
    return base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")


class SQLiteCursorWrapper(base.SQLiteCursorWrapper):
    def execute(self, query: str, params: Any = None) -> Any:
        if type(params) in (list, tuple):
            return sqlite3.Cursor.execute(self, _with_question_marks(query), params)
        return super().execute(query, params)

    def convert_query(self, query: str, *, param_names: Sequence[str] | None = None) -> str:
        if param_names is None and isinstance(query, str):
            return _with_question_marks(query)
        return super().convert_query(query, param_names=param_names)


class Cursor(CursorWrapper):
    """What Django's does before and after a statement, where there is anything to do."""

    def execute(self, sql: Any, params: Any = None) -> Any:
        if self.db.execute_wrappers or not apps.ready:
            return super().execute(sql, params)
        self.db.validate_no_broken_transaction()
        try:
            return self.cursor.execute(sql, params)
        except Exception:
            with self.db.wrap_database_errors:
                raise

    def fetchall(self) -> Any:
        try:
            return self.cursor.fetchall()
        except Exception:
            with self.db.wrap_database_errors:
                raise


class DatabaseWrapper(base.DatabaseWrapper):
    def create_cursor(self, name: Any = None) -> Any:
        return self.connection.cursor(factory=SQLiteCursorWrapper)

    def make_cursor(self, cursor: Any) -> CursorWrapper:
        return Cursor(cursor, self)
