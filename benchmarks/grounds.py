"""Both databases, for what must be quick on either: the one that the bench was started for, and the other where it
answers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks import databases
from benchmarks.databases import Databases, SqliteDatabases
from benchmarks.lab import FIRST, PEOPLE, WARM_PEOPLE, Lab
from benchmarks.processes import FailedError, run

# Where nothing is asked of Telegram or a model.
NOWHERE = "http://127.0.0.1:9"
ASK_SECONDS = 60.0


@dataclass(frozen=True)
class Ground:
    """A kind of database with a template that holds people."""

    name: str
    lab: Lab
    databases: Databases

    def env(self, database: str, url: str = NOWHERE, **more: str) -> dict[str, str]:
        return self.lab.env(url, database) | more

    def ask(
        self, database: str, *words: str | float, of: str = "benchmarks.reminder_rows", **more: str
    ) -> dict[str, Any]:
        """What `python -m` with ``of`` says in its last line."""
        log = self.lab.log(str(words[0]))
        run(["-m", of, *map(str, words)], self.env(database, **more), log, ASK_SECONDS)
        found: dict[str, Any] = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
        return found


def name_of(found: Databases) -> str:
    return "SQLite" if isinstance(found, SqliteDatabases) else "PostgreSQL"


@contextmanager
def grounds(lab: Lab, *, only: str = "") -> Iterator[list[Ground]]:
    """Those that there are, with their scratch databases; ``only``: that one."""
    found = [Ground(name_of(lab.databases), lab, lab.databases)]
    other = "PostgreSQL" if found[0].name == "SQLite" else "SQLite"
    made = None if only == found[0].name else another(lab, other)
    if made is not None:
        found.append(Ground(other, lab, made))
    try:
        yield [ground for ground in found if only in ("", ground.name)]
    finally:
        if made is not None:
            made.close()


def another(lab: Lab, name: str) -> Databases | None:
    """Scratch databases of the kind that the bench was not started for; none when its server does not answer."""
    folder = lab.folder / name
    folder.mkdir(exist_ok=True)
    try:
        made = databases.scratch("sqlite" if name == "SQLite" else "postgres", folder)
    except FailedError as error:
        lab.say(f"without PostgreSQL: {error}".splitlines()[0])
        return None
    env = lab.env(NOWHERE, made.template)
    lab.manage("migrate", "--verbosity", "0", env=env)
    lab.rows("people", FIRST, PEOPLE + WARM_PEOPLE, env=env)
    return made
