"""Who waits for whom: verbs, the tick and the outbox at one post at the same time, and nobody waits for ever."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Chat, User
from delivery.models import Schedule
from posts import services
from posts.models import Post, PostTarget, State
from posts.services import rows
from tests.posts.making import HOUR, fire, fresh, planned, settle, states, targets

pytestmark = pytest.mark.django_db(transaction=True)
Target = PostTarget.State
# Seconds after which nobody comes any more.
LONGEST = 60.0


@pytest.fixture(autouse=True)
def _locks_rows(transactional_db: None) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one write at a time")


class Meanwhile:
    """Work in threads of their own, each with its own connection."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.errors: list[Exception] = []

    def start(self, work: Callable[[], Any]) -> None:
        """Return when it is done or waits for a lock that another holds."""
        backend: Future[int] = Future()
        thread = threading.Thread(target=self._run, args=[work, backend])
        self.threads.append(thread)
        thread.start()
        number, until = backend.result(LONGEST), time.monotonic() + LONGEST
        while thread.is_alive() and not _waits(number):
            assert time.monotonic() < until, "it neither ends nor waits"
            time.sleep(0.01)

    def _run(self, work: Callable[[], Any], backend: "Future[int]") -> None:
        try:
            backend.set_result(_number())
            work()
        except Exception as error:
            self.errors.append(error)
        finally:
            connection.close()

    def end(self) -> None:
        for thread in self.threads:
            thread.join(LONGEST)
        assert not any(thread.is_alive() for thread in self.threads)


def _number() -> int:
    """That of this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _waits(number: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [number])
        return bool(cursor.fetchone()[0])


@pytest.fixture
def meanwhile() -> Iterator[Meanwhile]:
    found = Meanwhile()
    yield found
    found.end()
    assert found.errors == []


def on_its_way(editor: User, *chats: Chat, now: datetime, **more: Any) -> Post:
    post = planned(editor, *chats, at=now + HOUR, now=now, **more)
    return fire(post)


def test_what_is_settled_waits_for_no_verb_that_waits_for_it(
    editor: User, news: Chat, now: datetime, meanwhile: Meanwhile
) -> None:
    post = on_its_way(editor, news, now=now)

    with transaction.atomic():
        settle(targets(post)[0], now=now)  # saves the post, and counts what its author is told
        meanwhile.start(lambda: services.cancel_post(fresh(post), by=editor, via="chat", now=now))
    meanwhile.end()
    assert (fresh(post).state, states(post)) == (State.PUBLISHED, [Target.SENT])


def test_second_chat_and_a_changed_deletion_meet_at_the_schedule(
    editor: User, news: Chat, team: Chat, now: datetime, meanwhile: Meanwhile
) -> None:
    post = on_its_way(editor, news, team, now=now, delete_after_minutes=10)
    first, second = targets(post)
    settle(first, now=now)
    Schedule.objects.filter(source="post_delete").update(state="completed", next_at=None)

    with transaction.atomic():
        rows.lock_alone(post)
        meanwhile.start(lambda: settle(second, now=now))
        meanwhile.start(lambda: services.publish_post(fresh(post), by=editor, via="chat", now=now))
    meanwhile.end()
    assert states(post) == [Target.SENT, Target.SENT]


def test_verb_locks_a_schedule_that_came_while_it_waited(
    editor: User, news: Chat, now: datetime, meanwhile: Meanwhile
) -> None:
    post = on_its_way(editor, news, now=now, delete_after_minutes=10)
    target = targets(post)[0]
    locked, looked = threading.Event(), threading.Event()
    free: list[int] = []

    def verb() -> None:
        with transaction.atomic():
            rows.lock(post)
            locked.set()
            looked.wait(LONGEST)

    with transaction.atomic():
        settle(target, now=now)
        meanwhile.start(verb)
    assert locked.wait(LONGEST)
    with transaction.atomic():
        unlocked = Schedule.objects.filter(source="post_delete").select_for_update(skip_locked=True, no_key=True)
        free.extend(unlocked.values_list("pk", flat=True))
    looked.set()
    assert free == []
