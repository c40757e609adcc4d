"""The bot's process with an eye on it: database statements counted, or its CPU time profiled.

`python -m benchmarks.product --count FILE`: at each SIGUSR1 the counts so far go to FILE as JSON.
`python -m benchmarks.product --profile FOLDER`: at the end a profile of each thread lies in FOLDER.
The timed runs start `manage.py runbot` as in life.
"""

import argparse
import cProfile
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Statements that begin or end something; COMMIT itself is a call of the driver and not among them.
TRANSACTION = ("BEGIN", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")
KEPT_CHARACTERS = 160
KEPT_STATEMENTS = 60


class Counts:
    """Statements by text, of threads with names that begin with ``threads``: the scheduler has its own, and its
    statements are no message's. A signal may come in the middle, hence the lock that re-enters."""

    def __init__(self, threads: str = "") -> None:
        self.threads = threads
        self.statements: Counter[str] = Counter()
        self.transactions = 0
        self.snapshots = 0
        self._lock = threading.RLock()

    def wrap(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """An execute wrapper of Django: count, then do."""
        if not threading.current_thread().name.startswith(self.threads):
            return execute(sql, params, many, context)
        with self._lock:
            if is_transaction(sql):
                self.transactions += 1
            else:
                self.statements[" ".join(sql.split())[:KEPT_CHARACTERS]] += 1
        return execute(sql, params, many, context)

    def write(self, path: Path) -> None:
        """The counts so far, in a file that is complete whenever it is there."""
        with self._lock:
            self.snapshots += 1
            body = {
                "snapshot": self.snapshots,
                "statements": self.statements.total(),
                "transactions": self.transactions,
                "by_text": dict(self.statements.most_common(KEPT_STATEMENTS)),
            }
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(body), encoding="utf-8")
        draft.replace(path)


def is_transaction(sql: str) -> bool:
    """Whether a statement only begins or ends a transaction or a savepoint."""
    return sql.lstrip().upper().startswith(TRANSACTION)


def count(path: Path) -> None:
    """Count the statements of every connection of the database threads (core.db) from now on."""
    from django.db.backends.signals import connection_created

    counts = Counts("db-")

    def watch(connection: Any, **_more: Any) -> None:
        if counts.wrap not in connection.execute_wrappers:
            connection.execute_wrappers.append(counts.wrap)

    connection_created.connect(watch, weak=False)
    signal.signal(signal.SIGUSR1, lambda *_: counts.write(path))


def profile_threads(folder: Path) -> Callable[[], None]:
    """Profile the CPU time of this and every later thread; the function that is returned writes the profiles.

    From Python 3.12 on one profile holds all threads in a heap, so there only this thread is taken.
    """
    profiles: list[tuple[str, cProfile.Profile]] = []

    def begin(*_event: Any) -> None:
        profile = cProfile.Profile(time.thread_time)
        profiles.append((threading.current_thread().name, profile))
        profile.enable()

    def write() -> None:
        for number, (name, profile) in enumerate(profiles):
            profile.dump_stats(folder / f"{number}-{name}.prof")

    if sys.version_info < (3, 12):
        threading.setprofile(begin)
    begin()
    return write


def main() -> None:
    """Set Django up, put the eye on it, run the bot until SIGTERM."""
    parser = argparse.ArgumentParser(prog="benchmarks.product", description=__doc__)
    parser.add_argument("--count", type=Path, metavar="FILE")
    parser.add_argument("--profile", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.core.management import call_command

    django.setup()
    if options.count:
        count(options.count)
    write = profile_threads(options.profile) if options.profile else None
    try:
        call_command("runbot")
    finally:
        if write is not None:
            write()


if __name__ == "__main__":
    main()
