"""Scratch databases: one is prepared, every run gets a copy of it, none is left behind."""

import secrets
import shutil
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

from benchmarks.processes import FailedError

POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"


class Databases(Protocol):
    """`template` is the URL of what is to be prepared; `fresh` copies it while nobody is connected to it."""

    template: str

    def fresh(self) -> str: ...
    def close(self) -> None: ...


class SqliteDatabases:
    """Files in a folder of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.copies = 0
        self.template = self._url(folder / "template.sqlite3")

    def _url(self, path: Path) -> str:
        return f"sqlite:///{path}"

    def fresh(self) -> str:
        self.copies += 1
        name = f"copy-{self.copies}.sqlite3"
        for part in self.folder.glob("template.sqlite3*"):
            shutil.copy(part, self.folder / part.name.replace("template.sqlite3", name))
        return self._url(self.folder / name)

    def close(self) -> None:
        """The folder goes with its owner."""


class PostgresDatabases:
    """Databases of their own names on a server that lets us create them; `url` names any database there."""

    def __init__(self, url: str = POSTGRES) -> None:
        self.url = url
        self.mark = f"sekretar_bench_{secrets.token_hex(3)}"
        self.names = [f"{self.mark}_template"]
        self._do(f'CREATE DATABASE "{self.names[0]}"')
        self.template = self._url(self.names[0])

    def _url(self, name: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def _do(self, statement: str) -> None:
        import psycopg

        try:
            with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
                connection.execute(statement.encode())
        except psycopg.Error as error:
            raise FailedError(f"PostgreSQL does not do what is asked: {error}") from error

    def fresh(self) -> str:
        name = f"{self.mark}_{len(self.names)}"
        self._do(f'CREATE DATABASE "{name}" TEMPLATE "{self.names[0]}"')
        self.names.append(name)
        return self._url(name)

    def close(self) -> None:
        for name in self.names:
            self._do(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def scratch(kind: str, folder: Path) -> Databases:
    """`sqlite`, `postgres` (the server on this machine) or the URL of any PostgreSQL server."""
    if kind == "sqlite":
        return SqliteDatabases(folder)
    return PostgresDatabases(POSTGRES if kind == "postgres" else kind)
