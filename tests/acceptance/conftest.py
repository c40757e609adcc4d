"""A migrated database to copy, stages on copies of it, and the last words of every process of a story that failed."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import once
from tests.acceptance.processes import CHRIS, CROWD, OLGA, PATIENCE, Database, Process, Stage, own_environment

ON_POSTGRES = bool(once.server())

# One process instead of three: tables, an admin, and the people that the stories let in.
PREPARE = f"""
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("approve", "{OLGA}", role="admin")
call_command("approve", "{CHRIS}", *map(str, range({CROWD.start}, {CROWD.stop})))
"""

NewStage = Callable[..., Stage]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """A database with people and without a word said, to be copied: one for the whole run."""
    name = "story"
    url = f"{once.server()}/{once.database(name)}" if ON_POSTGRES else f"sqlite:///{once.folder() / name}.sqlite3"
    once.made_once(name, lambda: _prepare(url, tmp_path_factory.mktemp(name)))
    return Database(url)


def _prepare(url: str, folder: Path) -> None:
    if ON_POSTGRES:
        once.on_server(f'CREATE DATABASE "{url.rpartition("/")[2]}"')
    # Without a token nobody is told of anything.
    told = {"DATABASE_URL": url, "SECRET_KEY": "x" * 50, "SEKRETAR_IGNORE_DOTENV": "1"}
    words = ["manage.py", "shell", "-v0", "-c", PREPARE]
    process = Process("prepare", words, {**own_environment(), **told}, folder)
    # All migrations there are: on a busy machine they take most of a minute.
    assert process.wait(5 * PATIENCE) == 0, process.output


@pytest.fixture(scope="module")
def new_stage(migrated: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewStage]:
    """``new_stage()`` gives a stage on its own copy of the database; ended with the module at the latest."""
    stages: list[Stage] = []

    def make(*, limits: bool = False) -> Stage:
        folder = tmp_path_factory.mktemp("stage")
        stages.append(Stage(folder, _create(folder, migrated), limits=limits))
        return stages[-1]

    yield make
    for stage in stages:
        _end(stage)


@pytest.fixture
def stage(migrated: Database, tmp_path: Path) -> Iterator[Stage]:
    """A stage of the test's own."""
    made = Stage(tmp_path, _create(tmp_path, migrated))
    yield made
    # Shown by pytest when the test failed. The sandbox, the first of them, only tells of what was broken on purpose.
    for process in made.processes[1:]:
        print(process.tail())  # noqa: T201
    _end(made)


def _end(stage: Stage) -> None:
    try:
        stage.close()
    finally:
        _drop(stage.database)


def _create(folder: Path, template: Database) -> Database:
    if ON_POSTGRES:
        name = f"sekretar_story_{uuid.uuid4().hex[:12]}"
        once.on_server(f'CREATE DATABASE "{name}" TEMPLATE "{template.url.rpartition("/")[2]}"')
        # Only our processes die, not the server.
        once.on_server(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        return Database(f"{once.server()}/{name}")
    file = folder / "story.sqlite3"
    shutil.copy(template.url.removeprefix("sqlite:///"), file)
    return Database(f"sqlite:///{file}")


def _drop(database: Database) -> None:
    if ON_POSTGRES:
        once.on_server(f'DROP DATABASE IF EXISTS "{database.url.rpartition("/")[2]}" WITH (FORCE)')
