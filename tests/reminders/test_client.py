"""The client for other programs: take an event, say what became of it, against a real server."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis

from reminders import client
from reminders.client import QUEUE, AsyncEvents, Event, Events, keys_of
from reminders.sinks.redis_list import PUSH
from tests.reminders.redis_server import RedisServer

_QUEUE, WAITING, PROCESSING, LEASES, GONE, NEWS, NEWER = keys_of()


@pytest.fixture
def server(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis_server.redis as connected:
        yield connected


def text(event_id: str, attempt: int = 1, **payload: Any) -> str:
    event = {"assistant_id": None, "event": "reminder_triggered", "event_id": event_id, "attempt": attempt}
    return json.dumps({**event, "payload": payload or {"reminder_id": "r", "payload": {"text": "Tea"}}})


def push(server: redis.Redis, *ids: str, attempt: int = 1) -> None:
    """As the service does it."""
    server.register_script(PUSH)(keys_of(), [part for one in ids for part in (one, attempt, text(one, attempt))])


def entries(server: Any) -> list[dict[str, str]]:
    """What the service gets to read."""
    return [fields for _number, fields in server.xrange(NEWS)]


def news(server: redis.Redis) -> list[tuple[str, str]]:
    """What, of which event."""
    return [(fields["what"], fields["id"]) for fields in entries(server)]


def consumer(redis_server: RedisServer, name: str = "mailer-1", **more: Any) -> Events:
    return Events(redis_server.url, consumer=name, **more)


def test_empty_list_gives_nothing(redis_server: RedisServer) -> None:
    assert consumer(redis_server).take() is None


def test_event_comes_as_it_was_pushed(redis_server: RedisServer, server: redis.Redis) -> None:
    push(server, "e-1")

    assert consumer(redis_server).take() == Event("e-1", 1, None, {"reminder_id": "r", "payload": {"text": "Tea"}})


def test_first_in_is_first_out(redis_server: RedisServer, server: redis.Redis) -> None:
    push(server, "a", "b")
    push(server, "c")
    events = consumer(redis_server)

    assert [event.event_id for event in iter(events.take, None)] == ["a", "b", "c"]


def test_what_is_taken_is_leased_and_told(redis_server: RedisServer, server: redis.Redis) -> None:
    push(server, "e-1")
    before = time.time()
    consumer(redis_server, lease=30).take()
    after = time.time()
    until = float(server.zscore(LEASES, "e-1") or 0) / 1000

    assert before + 29 < until < after + 31
    assert (server.llen(QUEUE), server.zcard(WAITING), server.hkeys(PROCESSING)) == (0, 0, ["e-1"])
    [said] = entries(server)
    assert (said["what"], said["consumer"], said["attempt"]) == ("take", "mailer-1", "1")


def test_acknowledged_event_leaves_no_trace_but_the_news(redis_server: RedisServer, server: redis.Redis) -> None:
    push(server, "e-1")
    events = consumer(redis_server)
    event = events.take()
    assert event is not None

    assert events.ack(event, "sent")
    assert (server.exists(PROCESSING), server.exists(LEASES), server.zscore(GONE, "e-1") is not None) == (0, 0, True)
    assert news(server) == [("take", "e-1"), ("ack", "e-1")]


def test_acknowledging_twice_is_told_once(redis_server: RedisServer, server: redis.Redis) -> None:
    push(server, "e-1")
    events = consumer(redis_server)
    event = events.take()
    assert event is not None

    assert [events.ack(event), events.ack(event), events.ack("e-1")] == [True, False, False]
    assert news(server).count(("ack", "e-1")) == 1


def test_acknowledgement_after_the_lease_counts_and_the_later_copy_is_dropped(
    redis_server: RedisServer, server: redis.Redis
) -> None:
    push(server, "e-1")
    slow = consumer(redis_server)
    event = slow.take()
    assert event is not None
    push(server, "e-1", attempt=2)

    assert slow.ack(event)
    assert server.llen(QUEUE) == 1
    assert consumer(redis_server, "mailer-2").take() is None


def test_event_that_somebody_has_is_not_given_to_another(redis_server: RedisServer, server: redis.Redis) -> None:
    push(server, "e-1")
    consumer(redis_server).take()
    push(server, "e-1")
    server.lpush(QUEUE, text("e-1"))

    assert consumer(redis_server, "mailer-2").take() is None


def test_event_is_once_in_the_list_however_often_it_is_pushed(server: redis.Redis, redis_server: RedisServer) -> None:
    for _time in range(3):
        push(server, "e-1")

    assert server.llen(QUEUE) == 1


def test_next_attempt_takes_the_place_of_one_whose_consumer_died(
    redis_server: RedisServer, server: redis.Redis
) -> None:
    push(server, "e-1")
    dead = consumer(redis_server)
    first = dead.take()
    push(server, "e-1", attempt=2)
    second = consumer(redis_server, "mailer-2").take()

    assert first is not None
    assert second is not None
    assert (second.event_id, second.attempt) == ("e-1", 2)
    assert not dead.nack(first, "too late")
    assert not dead.extend(first)


def test_refused_event_is_free_for_its_next_attempt(redis_server: RedisServer, server: redis.Redis) -> None:
    push(server, "e-1")
    events = consumer(redis_server)
    event = events.take()
    assert event is not None

    assert [events.nack(event, "no mail server"), events.nack(event)] == [True, False]
    [_take, said] = entries(server)
    assert (said["what"], said["attempt"], said["text"]) == ("nack", "1", "no mail server")
    push(server, "e-1", attempt=2)
    again = events.take()
    assert again is not None
    assert again.attempt == 2


def test_lease_is_extended_from_now_on(redis_server: RedisServer, server: redis.Redis) -> None:
    push(server, "e-1")
    events = consumer(redis_server, lease=5)
    event = events.take()
    assert event is not None

    before = time.time()
    assert events.extend(event, 120)
    assert before + 119 < float(server.zscore(LEASES, "e-1") or 0) / 1000 < time.time() + 121
    assert news(server) == [("take", "e-1"), ("extend", "e-1")]


def test_event_that_this_program_did_is_acknowledged_again_and_not_handed_out(
    redis_server: RedisServer, server: redis.Redis
) -> None:
    """The server lost everything, the acknowledgement too, and was filled again."""
    push(server, "e-1")
    events = consumer(redis_server)
    event = events.take()
    assert event is not None
    events.ack(event)
    server.flushall()
    push(server, "e-1", "e-2")

    assert [found.event_id for found in iter(events.take, None)] == ["e-2"]
    assert ("ack", "e-1") in news(server)


def test_what_is_no_event_does_not_stop_the_others(redis_server: RedisServer, server: redis.Redis) -> None:
    server.lpush(QUEUE, "no JSON", '"a text"', "[1]", "{}", "null", '{"event_id": 7}')
    push(server, "e-1")

    event = consumer(redis_server).take()
    assert event is not None
    assert event.event_id == "e-1"


def test_waiting_consumer_gets_an_event_as_soon_as_it_comes(redis_server: RedisServer, server: redis.Redis) -> None:
    timer = threading.Timer(0.3, push, (server, "e-1"))
    timer.start()
    began = time.monotonic()
    event = consumer(redis_server).take(wait=180)

    assert event is not None
    assert time.monotonic() - began < 60
    timer.join()


def test_waiting_longer_than_the_library_waits_for_a_server(redis_server: RedisServer) -> None:
    assert consumer(redis_server).take(wait=6) is None


def test_waiting_ends_when_nothing_comes(redis_server: RedisServer) -> None:
    began = time.monotonic()

    assert consumer(redis_server).take(wait=0.3) is None
    assert 0.2 < time.monotonic() - began < 60


def test_consumers_at_the_same_time_share_the_events(redis_server: RedisServer, server: redis.Redis) -> None:
    ids = [str(uuid4()) for _n in range(300)]
    push(server, *ids)
    taken: list[str] = []

    def work(name: str) -> None:
        with_name = consumer(redis_server, name)
        for event in iter(with_name.take, None):
            taken.append(event.event_id)

    threads = [threading.Thread(target=work, args=(f"mailer-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == sorted(ids)


async def test_client_for_asyncio_does_the_same(redis_server: RedisServer) -> None:
    with redis_server.redis as server:
        push(server, "e-1", "e-2", "e-3")
        events = AsyncEvents(redis_server.url, consumer="async-1")
        first, second, third = await events.take(), await events.take(wait=1), await events.take()
        assert first is not None
        assert second is not None
        assert third is not None

        assert [await events.ack(first, "sent"), await events.ack(first)] == [True, False]
        assert [await events.nack(second, "no"), await events.nack(second)] == [True, False]
        assert await events.extend(third, 90)
        assert await events.take(wait=0.1) is None
        server.flushall()
        push(server, "e-1", "e-4")
        fourth = await events.take()
        assert fourth is not None
        assert fourth.event_id == "e-4"
        await events.close()


def test_file_stands_alone() -> None:
    """It can be copied into another project: it needs the package redis and nothing of ours."""
    path = Path(client.__file__)
    code = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("events_client", {str(path)!r})
module = importlib.util.module_from_spec(spec)
sys.modules["events_client"] = module
spec.loader.exec_module(module)
ours = [name for name in sys.modules if name.partition(".")[0] in ("django", "reminders", "core", "delivery")]
print(module.QUEUE, ours)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=path.anchor, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "queue:to_assistant []"
