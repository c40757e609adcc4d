"""What every test may ask for: three people, a clock, threads that start together."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from accounts.models import Access, Role, User
from accounts.services import TelegramPerson
from conversations.models import Assistant
from core.db import close_db_threads

T = TypeVar("T")


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
            start.wait(timeout=10)
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(run, functions))


@pytest.fixture(autouse=True)
def _end_database_threads(request: pytest.FixtureRequest) -> Iterator[None]:
    """End the threads of ``in_db`` before the database is emptied: an open connection would block that."""
    for name in ("transactional_db", "db"):
        if name in request.fixturenames:
            request.getfixturevalue(name)  # set up before us, so torn down after us
    yield
    close_db_threads()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """PostgreSQL drops no database that somebody is connected to, such as a process a test killed."""
    with django_db_blocker.unblock():
        Assistant.objects.all().delete()  # what a migration puts in is the business of a test of its own
    yield
    if connection.vendor == "postgresql":
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
