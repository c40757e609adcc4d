"""What every test may ask for: three people, a clock, threads that start together. How the tests are shared out."""

import functools
import gc
import itertools
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import hypothesis
import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker
from whitenoise.responders import StaticFile
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from accounts.models import Access, Role, User
from accounts.services import TelegramPerson
from config.static import StaticFiles
from conversations.models import Assistant
from core import db as bridge
from tests import once

T = TypeVar("T")

# The same examples at every run, however slow the machine is.
hypothesis.settings.register_profile(
    "steady",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("steady")


@pytest.fixture
def now() -> datetime:
    """A Friday morning in UTC; noon in Moscow."""
    return datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def admin(db: None, now: datetime) -> User:
    return _person(100, "Ольга", "olga", Role.ADMIN, now)


@pytest.fixture
def member(db: None, now: datetime) -> User:
    return _person(101, "Анна", "anna", Role.MEMBER, now)


@pytest.fixture
def stranger() -> TelegramPerson:
    """Somebody of whom the database knows nothing; they must see nothing."""
    return TelegramPerson(102, first_name="Борис", username="boris", language_code="ru")


def _person(telegram_id: int, name: str, username: str, role: Role, now: datetime) -> User:
    return User.objects.create(
        telegram_id=telegram_id,
        username=f"tg{telegram_id}",
        password="!",
        first_name=name,
        telegram_username=username,
        telegram_language="ru",
        status=Access.ACTIVE,
        role=role,
        requested_at=now,
        decided_at=now,
        date_joined=now,
    )


@pytest.fixture
def at_once() -> Callable[..., list[T]]:
    """``at_once(f, g)`` runs the functions at the same moment, each in a thread with its own connection.

    Gives what they returned, in their order; what one raises is raised. Needs
    ``django_db(transaction=True)``.
    """
    return _at_once


def _at_once(*functions: Callable[[], T]) -> list[T]:
    start = threading.Barrier(len(functions))

    def run(function: Callable[[], T]) -> T:
        try:
            connection.ensure_connection()
            start.wait(timeout=60)
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(run, functions))


@pytest.fixture(autouse=True)
def _finish_database_calls(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the threads of ``in_db`` finish before the database is emptied. They stay, with their connections: eight
    new ones for each test cost PostgreSQL more than the tests' statements.
    """
    for name in ("transactional_db", "db"):
        if name in request.fixturenames:
            request.getfixturevalue(name)  # set up before us, so torn down after us
    yield
    if (threads := bridge._current) is None:
        return
    finished = threading.Barrier(len(threads._threads) + 1)

    def finish() -> None:
        finished.wait(60)

    for _thread in threads._threads:
        threads.calls.put(finish)  # behind all that was asked; whoever takes it takes no other
    finished.wait(60)


_look_for_files = StaticFiles.add_files_from_finders
_found: dict[tuple[str, int], dict[str, StaticFile]] = {}


def _add_what_was_found(self: StaticFiles) -> None:
    """The site's own files are looked for once in a process, not for each test's client: there are hundreds."""
    told = (self.static_prefix, self.max_age)
    if told not in _found:
        others, self.files = self.files, {}
        _look_for_files(self)
        _found[told], self.files = self.files, others
    self.files |= _found[told]


StaticFiles.add_files_from_finders = _add_what_was_found


@pytest.fixture(scope="session")
def django_db_keepdb(request: pytest.FixtureRequest, django_db_keepdb: bool) -> bool:
    """A worker's SQLite file is there already: a copy (below)."""
    return django_db_keepdb or (connection.vendor == "sqlite" and hasattr(request.config, "workerinput"))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest, django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Workers begin with copies of one migrated database: to apply all migrations takes each three seconds."""
    if not hasattr(request.config, "workerinput"):
        return
    with django_db_blocker.unblock():
        once.made_once("migrated", _migrate)
    if connection.vendor == "sqlite":
        shutil.copy(_template(), connection.settings_dict["TEST"]["NAME"])
    else:
        connection.settings_dict["TEST"]["TEMPLATE"] = _template()


def _template() -> str:
    """The name of the migrated database."""
    return str(once.folder() / "migrated.sqlite3") if connection.vendor == "sqlite" else once.database("migrated")


def _migrate() -> None:
    told, own = connection.settings_dict, connection.settings_dict["TEST"]["NAME"]
    before, told["TEST"]["NAME"] = told["NAME"], _template()
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    connection.close()
    told["NAME"] = settings.DATABASES["default"]["NAME"] = before
    told["TEST"]["NAME"] = own


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        once.remove()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """PostgreSQL drops no database that somebody is connected to, such as a process a test killed."""
    with django_db_blocker.unblock():
        Assistant.objects.all().delete()  # what a migration puts in is the business of a test of its own
    TransactionTestCase._fixture_teardown = _delete_what_was_written  # type: ignore[attr-defined]
    yield
    bridge.close_db_threads()
    if connection.vendor == "postgresql":
        _cleaner().close()
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            # They end a moment later than they are told to, on a busy machine later than the server waits for them.
            until = time.monotonic() + 60
            while time.monotonic() < until:
                cursor.execute(f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {others}")
                if not cursor.fetchone()[0]:
                    break
                time.sleep(0.02)


# Written by migrations, changed by no test: Django's own records of models and rights.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def _delete_what_was_written(_case: TransactionTestCase) -> None:
    """In place of Django's flush, which empties all tables and makes the rights anew: on PostgreSQL half of the time
    that such a test takes. Like it this waits for transactions that a test left open, or nothing would be sure.
    """
    tables, touched = _tables()
    if connection.vendor == "postgresql":
        connection.close()  # as Django does a moment later: what it left open would be waited for
        with _cleaner().transaction():
            _cleaner().execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE".encode())
            for (place,) in _cleaner().execute(touched.encode(), prepare=True).fetchall():
                _cleaner().execute(f"DELETE FROM {tables[place]}".encode())
        return
    with transaction.atomic(), connection.cursor() as cursor:  # on SQLite a transaction is alone from its beginning
        cursor.execute(touched)
        for (place,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {tables[place]}")


@functools.cache
def _cleaner() -> psycopg.Connection:
    """A session that stays: a new one would learn of all tables after each test, which takes forty milliseconds."""
    return psycopg.connect(**connection.get_connection_params(), autocommit=True)


@functools.cache
def _tables() -> tuple[list[str], str]:
    """The quoted names of all tables but the kept, and a query for the places of those that hold something."""
    there = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = [connection.ops.quote_name(name) for name in there if name not in KEPT]
    looks = [f"SELECT {place} WHERE EXISTS (SELECT 1 FROM {name})" for place, name in enumerate(tables)]
    return tables, " UNION ALL ".join(looks)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is imported and collected stays to the end: to look through it for garbage takes time and finds none."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Mark the tests that use the database, whichever it is: ``-m database`` runs these alone on another one.
    All others are kept from it by pytest-django, or start processes that have their own.
    """
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if item.get_closest_marker("django_db") or fixtures & {"db", "transactional_db", "migrated"}:
            item.add_marker("database")
    yield
    if hasattr(config, "workerinput"):
        items[:] = _spread(items)


APART = 6  # as many files of stories are in tests/browser


def _spread(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Those that start processes among the others, over three quarters of the run: many at once would stand in one
    another's way, and one at the end would be waited for.
    """
    heavy = [item for item in items if item.get_closest_marker("acceptance") or item.get_closest_marker("browser")]
    heavy = list(_file_by_file(heavy))
    known = set(heavy)
    light = iter([item for item in items if item not in known])
    between = (len(items) - len(heavy)) * 3 // 4 // max(1, len(heavy))
    for item in heavy:
        yield item
        yield from itertools.islice(light, between)
    yield from light


def _file_by_file(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """One of each file, then another of each: a story that waits for minutes stands alone in its file, so it begins
    early, while there is other work to wait with. Neighbours stand apart: a folder's browsers are not started at once.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    apart = [of_file for first in range(APART) for of_file in list(files.values())[first::APART]]
    for turn in itertools.zip_longest(*apart):
        yield from (item for item in turn if item is not None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For ``-n auto``: two for each processor, for the tests wait a third of their time; four at most."""
    return min(2 * (os.cpu_count() or 1), 4)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    config.option.loadscopereorder = False
    return _Shared(config, log)


class _Shared(LoadScopeScheduling):  # type: ignore[misc]
    """Test by test to whoever is free, but the tests of a file with a fixture for the whole file to one worker."""

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """What is done is forgotten: all that a worker has had would be counted after each of its tests."""
        super().mark_test_complete(node, item_index, duration)
        done = self._split_scope(self.registered_collections[node][item_index])
        if all(self.assigned_work[node][done].values()):
            del self.assigned_work[node][done]

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if _has_a_fixture_for_all(self.config.rootpath / file) else nodeid


@functools.cache
def _has_a_fixture_for_all(file: Path) -> bool:
    return 'scope="module"' in file.read_text(encoding="utf-8")
