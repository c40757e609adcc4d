"""What is made once for a whole run, by the worker that needs it first, and copied by all: migrated databases."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import psycopg


def folder() -> Path:
    """Of this run; all its workers see it, and the process that began the run removes it."""
    return Path(os.environ["SEKRETAR_TEST_DIR"])


def made_once(name: str, make: Callable[[], None]) -> None:
    """Return when ``make`` has been called by one of the workers."""
    with (folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder() / f"{name}.made"
        if not made.exists():
            make()
            made.touch()


def server() -> str:
    """The address of PostgreSQL without a database's name; empty when the tests run on SQLite."""
    address = os.environ.get("DATABASE_URL", "")
    return address.rpartition("/")[0] if address.startswith("postgres") else ""


def database(name: str) -> str:
    """What a database on the server is called that is made once in this run."""
    return f"{folder().name}_{name}".replace("-", "_").lower()


def on_server(statement: str) -> None:
    with psycopg.connect(f"{server()}/postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


def remove() -> None:
    """At the end of the run: what stands in no folder."""
    if server():
        for made in folder().glob("*.made"):
            on_server(f'DROP DATABASE IF EXISTS "{database(made.stem)}" WITH (FORCE)')
