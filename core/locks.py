"""A lock between processes that dies with its holder.

PostgreSQL: a session's advisory lock on a connection kept for it; after ``kill -9`` the server frees it at once (a lost
machine takes as long as TCP keepalive). SQLite is one machine: an exclusive lock on a file beside the database. Not
through a transaction-mode pooler, where a session is nobody's.
"""

import fcntl
import os
import time
import zlib
from pathlib import Path
from typing import IO

from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import DatabaseError, InterfaceError

# For so long (s) who starts waits for the lock: a server hears a moment later that the process before has ended, and
# on a busy machine that moment may be longer than a start takes.
LINGERS_SEC = 3.0
LOOK_SEC = 0.2


class ProcessLock:
    """``acquire()`` says whether this process now holds ``name``; sync, to be used from one thread."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._file: IO[str] | None = None
        self._session: BaseDatabaseWrapper | None = None

    def acquire(self, patience: float = 0.0) -> bool:
        """``patience``: seconds for which a server is asked again; a file is free as soon as its process has ended."""
        if connection.vendor == "sqlite":
            return self._acquire_file()
        until = time.monotonic() + patience
        while not (held := self._acquire_session()) and time.monotonic() < until:
            time.sleep(LOOK_SEC)
        return held

    def still_held(self) -> bool:
        """False when the session that held the lock is gone: whoever led must stop leading."""
        if self._session is None:
            return self._file is not None
        try:
            with self._session.cursor() as cursor:
                cursor.execute("SELECT 1")
        except (DatabaseError, InterfaceError):
            return False
        return True

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
        if self._session is not None:
            self._session.close()
        self._file = self._session = None

    def _acquire_file(self) -> bool:
        path = Path(f"{connection.settings_dict['NAME']}.{self.name}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            return False
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        self._file = handle
        return True

    def _acquire_session(self) -> bool:
        session = connections.create_connection("default")
        # Taken on one thread, watched from another.
        session.inc_thread_sharing()
        with session.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [zlib.crc32(f"sekretar:{self.name}".encode())])
            held = bool(cursor.fetchone()[0])
        if held:
            self._session = session
        else:
            session.close()
        return held
