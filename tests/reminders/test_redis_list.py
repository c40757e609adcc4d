"""Events of reminders in the Redis list: out of the rows, back into the rows, and nothing lost on the way."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import redis
from django.conf import settings as settings_of_project
from django.utils import timezone
from pytest_django import Settings
from structlog.testing import capture_logs

from accounts.models import User
from core import sealed
from core.db import in_db
from delivery import engine
from delivery import health as delivery_health
from delivery import services as delivery_services
from delivery.engine.local import LocalEngine
from delivery.models import Delivery
from delivery.schedule import Cron
from reminders import events, services
from reminders.client import QUEUE, Event, Events, keys_of
from reminders.models import Occurrence, Reminder, Status
from reminders.services import firing
from reminders.sinks import redis as sink
from reminders.sinks import redis_list
from reminders.sinks.redis_list import server
from tests.delivery import paper
from tests.reminders.making import HOUR, fire, key, once
from tests.reminders.redis_server import BINARY, RedisServer

pytestmark = pytest.mark.django_db(transaction=True)
State = Occurrence.State
LANE = redis_list.LANE
_QUEUE, WAITING, PROCESSING, LEASES, GONE, NEWS, NEWER = keys_of()
WORK = {"check": "https://example.com/", "below": 10}
LATER = Cron("0 9 * * *")


@pytest_asyncio.fixture(autouse=True)
async def _lines_end() -> AsyncIterator[None]:
    redis_list._asked_again_at = 0.0
    yield
    redis_list._asked_again_at = 0.0
    await redis_list.close()


@pytest.fixture
def list_(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis_server.redis as connected:
        yield connected


def due(person: User, **more: Any) -> Occurrence:
    """A reminder for another program that has just fired."""
    now = timezone.now()
    row = once(person, now + HOUR, now, **{"payload": WORK, "created_by_key": key(now)[0]} | more)
    return fire(row, now + HOUR)


async def out(person: User, **more: Any) -> Occurrence:
    """One whose event is in the list."""
    occurrence = await in_db(due, person, **more)
    assert await events.drain(LANE)
    return occurrence


async def state_of(occurrence: Occurrence) -> str:
    await in_db(occurrence.refresh_from_db)
    return occurrence.state


def consumer(redis_server: RedisServer, name: str = "mailer-1") -> Events:
    return Events(redis_server.url, consumer=name)


def taken(events: Events) -> Event:
    event = events.take()
    assert event is not None
    return event


async def write_down() -> None:
    while await redis_list.carry(server()):
        pass


def end_lease(occurrence: Occurrence) -> int:
    """As time does; how many were released."""
    now = timezone.now()
    Occurrence.objects.filter(pk=occurrence.pk).update(lease_until=now - timedelta(seconds=1))
    return firing.release_expired(now)


def retries_are_due() -> None:
    Delivery.objects.filter(backend="event", state="queued").update(not_before=None)


# --- out ------------------------------------------------------------------------------------------------------------


async def test_event_in_the_list_is_the_one_of_the_contract(member: User, list_: redis.Redis) -> None:
    assistant = "7d3f0a53-6f9b-4f50-9f2f-3d8a7bb8a1a4"
    occurrence = await out(member, assistant_id=assistant)
    row = await in_db(Reminder.objects.get, pk=occurrence.reminder_id)

    assert json.loads(str(list_.lindex(QUEUE, 0))) == {
        "assistant_id": assistant,
        "event": "reminder_triggered",
        "event_id": str(occurrence.pk),
        "attempt": 1,
        "payload": {
            "reminder_id": str(row.pk),
            "user_id": 101,
            "reminder_type": "one_time",
            "payload": WORK,
            "triggered_at": events.written(occurrence.planned_at),
            "created_at": events.written(row.created_at),
        },
    }


def test_times_are_written_in_utc_with_seconds(now: datetime) -> None:
    assert events.written(now) == "2026-11-20T09:00:00Z"


async def test_what_is_in_the_list_is_recorded_as_sent(member: User, list_: redis.Redis) -> None:
    occurrence = await out(member)
    row = await in_db(Delivery.objects.get, backend="event")

    assert (row.state, row.attempts) == ("sent", 1)
    assert row.content == {"occurrence": str(occurrence.pk), "sink": "redis", "attempt": 1}
    assert (await state_of(occurrence), occurrence.attempts) == (State.QUEUED, 1)
    assert not await events.drain(LANE)


async def test_what_a_person_made_in_the_chat_never_leaves_the_house(member: User, list_: redis.Redis) -> None:
    await in_db(due, member, payload={"text": "Buy a ring"}, created_by_key=None)

    assert not await in_db(Delivery.objects.filter(backend="event").exists)


async def test_many_leave_in_one_go(member: User, list_: redis.Redis) -> None:
    occurrence = await in_db(due, member)
    await in_db(_copies, occurrence, 300)

    assert [await events.drain(LANE) for _step in range(3)] == [True, True, False]
    assert list_.llen(QUEUE) == 300
    assert await in_db(Delivery.objects.filter(backend="event", state="sent").count) == 300


def _copies(occurrence: Occurrence, count: int) -> list[Occurrence]:
    """So many events in the outbox, the given one among them."""
    more = [
        Occurrence(
            reminder_id=occurrence.reminder_id,
            planned_at=occurrence.planned_at + timedelta(seconds=number),
            awaits_ack=True,
        )
        for number in range(1, count)
    ]
    Occurrence.objects.bulk_create(more)
    reminder = Reminder.objects.get(pk=occurrence.reminder_id)
    for one in more:
        one.reminder = reminder
    Delivery.objects.bulk_create([firing.event_delivery(one, "redis", 1) for one in more])
    return more


async def test_two_workers_take_different_events(member: User, list_: redis.Redis) -> None:
    occurrence = await in_db(due, member)
    await in_db(_copies, occurrence, 20)
    first, second = await asyncio.gather(
        in_db(events.claim, LANE, 12, timezone.now()), in_db(events.claim, LANE, 12, timezone.now())
    )

    ids = [event.id for event in (*first, *second)]
    assert (len(ids), len(set(ids))) == (20, 20)


async def test_sender_that_died_on_the_way_sends_again_with_the_same_id(member: User, list_: redis.Redis) -> None:
    """It had pushed, and not recorded it."""
    occurrence = await in_db(due, member)
    batch = await in_db(events.claim, LANE, 10, timezone.now())
    await redis_list.push(server(), [(event.id, event.attempt, event.text) for event in batch])
    await in_db(Delivery.objects.filter(backend="event").update, state="queued", worker="", repeated=True)

    assert await events.drain(LANE)
    assert (list_.llen(QUEUE), list_.zrange(WAITING, 0, -1)) == (1, [str(occurrence.pk)])


async def test_event_that_cannot_be_read_stops_no_other(member: User, list_: redis.Redis, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]
    lost = await in_db(due, member)
    settings.FIELD_ENCRYPTION_KEYS = []
    good = await in_db(due, member)
    with pytest.raises(sealed.Unreadable):
        await in_db(Reminder.objects.get, pk=lost.reminder_id)

    assert await events.drain(LANE)
    assert list_.zrange(WAITING, 0, -1) == [str(good.pk)]
    assert (await state_of(lost), lost.error) == (State.DEAD, "its payload cannot be read: FIELD_ENCRYPTION_KEYS")
    assert (
        await in_db(Delivery.objects.get, key__startswith=firing.key_of(lost), backend="event")
    ).state == "cancelled"


# --- back -----------------------------------------------------------------------------------------------------------


async def test_taken_event_is_known_to_be_worked_on(
    member: User, redis_server: RedisServer, list_: redis.Redis
) -> None:
    occurrence = await out(member)
    before = timezone.now()
    taken(consumer(redis_server))
    await write_down()
    after = timezone.now()

    assert (await state_of(occurrence), occurrence.claimed_by) == (State.CLAIMED, "redis:mailer-1")
    assert occurrence.lease_until is not None
    assert before + timedelta(seconds=59) <= occurrence.lease_until <= after + timedelta(seconds=61)
    assert list_.xlen(NEWS) == 0


async def test_acknowledged_event_completes_what_fires_once(member: User, redis_server: RedisServer) -> None:
    occurrence = await out(member)
    mailer = consumer(redis_server)
    mailer.ack(taken(mailer), "mail sent")
    await write_down()

    assert (await state_of(occurrence), occurrence.result) == (State.ACKED, "mail sent")
    assert (await in_db(Reminder.objects.get, pk=occurrence.reminder_id)).status == Status.COMPLETED


async def test_news_that_are_read_twice_change_nothing_more(member: User, redis_server: RedisServer) -> None:
    """Another process read them too, or this one died before it took them away."""
    occurrence = await out(member)
    mailer = consumer(redis_server)
    mailer.nack(taken(mailer), "no server")
    said = server().redis
    found = await said.xrange(NEWS)
    await write_down()
    for _number, fields in found:
        await said.xadd(NEWS, fields)
    await write_down()

    assert (await state_of(occurrence), occurrence.error) == (State.RETRY_WAIT, "no server")
    assert await in_db(Delivery.objects.filter(backend="event").count) == 2


async def test_consumer_that_dies_lets_the_event_go_out_again_with_its_id(
    member: User, redis_server: RedisServer
) -> None:
    occurrence = await out(member)
    taken(consumer(redis_server))
    await write_down()

    assert await in_db(end_lease, occurrence) == 1
    assert (await state_of(occurrence), occurrence.error) == (State.RETRY_WAIT, "no acknowledgement")
    assert not await events.drain(LANE), "only after a pause"
    await in_db(retries_are_due)
    assert await events.drain(LANE)
    again = taken(consumer(redis_server, "mailer-2"))
    assert (again.event_id, again.attempt) == (str(occurrence.pk), 2)


async def test_slow_consumer_may_acknowledge_after_its_lease_and_the_copy_is_dropped(
    member: User, redis_server: RedisServer
) -> None:
    occurrence = await out(member)
    slow = consumer(redis_server)
    event = taken(slow)
    await write_down()
    await in_db(end_lease, occurrence)
    await in_db(retries_are_due)
    await events.drain(LANE)
    slow.ack(event)
    await write_down()

    assert await state_of(occurrence) == State.ACKED
    assert consumer(redis_server, "mailer-2").take() is None


async def test_acknowledgement_before_the_next_attempt_left_keeps_it_back(
    member: User, redis_server: RedisServer, list_: redis.Redis
) -> None:
    occurrence = await out(member)
    slow = consumer(redis_server)
    event = taken(slow)
    await write_down()
    await in_db(end_lease, occurrence)
    slow.ack(event)
    await write_down()
    await in_db(retries_are_due)

    assert not await events.drain(LANE)
    assert list_.llen(QUEUE) == 0


async def test_acknowledgement_over_rest_drops_the_copy_in_the_list(member: User, redis_server: RedisServer) -> None:
    occurrence = await out(member)
    await in_db(services.acknowledge, occurrence, who="key:skr_abc", now=timezone.now())

    assert consumer(redis_server).take() is None


async def test_extended_lease_does_not_end_before_its_new_time(member: User, redis_server: RedisServer) -> None:
    occurrence = await out(member)
    mailer = consumer(redis_server)
    event = taken(mailer)
    await write_down()
    mailer.extend(event, 600)
    await write_down()
    later = timezone.now() + timedelta(seconds=300)

    assert await in_db(firing.release_expired, later) == 0
    assert await state_of(occurrence) == State.CLAIMED


async def test_retry_waits_while_the_first_consumer_has_it_again(member: User, redis_server: RedisServer) -> None:
    """Its extension was heard just after the lease was taken for over."""
    occurrence = await out(member)
    mailer = consumer(redis_server)
    event = taken(mailer)
    await write_down()
    await in_db(end_lease, occurrence)
    mailer.extend(event, 600)
    await write_down()
    await in_db(retries_are_due)

    assert not await events.drain(LANE)
    assert await state_of(occurrence) == State.CLAIMED
    assert consumer(redis_server, "mailer-2").take() is None


async def test_refused_event_comes_four_times_more_and_is_then_given_up(
    member: User, redis_server: RedisServer
) -> None:
    occurrence = await out(member)
    mailer = consumer(redis_server)
    pauses = []
    for _attempt in range(4):
        asked = timezone.now()
        mailer.nack(taken(mailer), "no mail server")
        await write_down()
        answered = timezone.now()
        waiting = await in_db(Delivery.objects.get, backend="event", state="queued")
        assert waiting.not_before is not None
        # As long as that at most, and as short as that at least: it is not known when in between the no was heard.
        pauses.append([(waiting.not_before - moment).total_seconds() for moment in (asked, answered)])
        await in_db(retries_are_due)
        assert await events.drain(LANE)
    mailer.nack(taken(mailer), "no mail server")
    await write_down()

    wanted = (10, 60, 300, 1800)
    assert all(
        0.85 * want <= longest and shortest <= 1.15 * want
        for (longest, shortest), want in zip(pauses, wanted, strict=True)
    )
    assert (await state_of(occurrence), occurrence.attempts) == (State.DEAD, 5)
    assert (await in_db(Reminder.objects.get, pk=occurrence.reminder_id)).needs_attention


async def test_event_that_always_fails_does_not_hold_up_the_others(member: User, redis_server: RedisServer) -> None:
    poison = await out(member)
    good = await out(member)
    mailer = consumer(redis_server)
    mailer.nack(taken(mailer), "poison")
    mailer.ack(taken(mailer))
    await write_down()

    assert (await state_of(poison), await state_of(good)) == (State.RETRY_WAIT, State.ACKED)


async def test_given_up_event_goes_out_again_when_somebody_asks(member: User, redis_server: RedisServer) -> None:
    occurrence = await out(member)
    await in_db(Occurrence.objects.filter(pk=occurrence.pk).update, state=State.DEAD, attempts=5)
    mailer = consumer(redis_server)
    taken(mailer)
    await in_db(services.replay, occurrence, by=None, via="api", now=timezone.now())
    assert await events.drain(LANE)

    again = taken(mailer)
    assert (again.event_id, again.attempt) == (str(occurrence.pk), 6)


async def given_up(member: User, redis_server: RedisServer, list_: redis.Redis) -> tuple[Occurrence, Events, Event]:
    """An event whose last lease is over, and whose consumer is still at work; the list is tidied."""
    occurrence = await out(member)
    slow = Events(redis_server.url, consumer="slow", lease=-10)
    event = taken(slow)
    await in_db(Occurrence.objects.filter(pk=occurrence.pk).update, state=State.DEAD, attempts=5)
    await redis_list.look(server())
    assert not list_.exists(PROCESSING, LEASES), "nothing of it stays"
    return occurrence, slow, event


async def test_given_up_event_goes_out_again_after_the_list_was_tidied(
    member: User, redis_server: RedisServer, list_: redis.Redis
) -> None:
    occurrence, _slow, _event = await given_up(member, redis_server, list_)
    await in_db(services.replay, occurrence, by=None, via="api", now=timezone.now())
    assert await events.drain(LANE)

    assert taken(consumer(redis_server)).attempt == 6


async def test_acknowledgement_after_the_event_was_given_up_counts(
    member: User, redis_server: RedisServer, list_: redis.Redis
) -> None:
    occurrence, slow, event = await given_up(member, redis_server, list_)
    assert slow.ack(event, "late")
    await write_down()

    assert (await state_of(occurrence), occurrence.result) == (State.ACKED, "late")


async def test_given_up_event_of_a_cancelled_reminder_is_not_handed_out(
    member: User, redis_server: RedisServer
) -> None:
    occurrence = await out(member)
    await in_db(Occurrence.objects.filter(pk=occurrence.pk).update, state=State.DEAD)
    await in_db(VERBS["cancelled"], await in_db(Reminder.objects.get, pk=occurrence.reminder_id))
    await redis_list.look(server())

    assert consumer(redis_server).take() is None


async def test_event_refused_over_rest_while_it_waits_comes_as_its_next_attempt(
    member: User, redis_server: RedisServer, list_: redis.Redis
) -> None:
    """A program that was told of it otherwise says no; who then takes it from the list is heard."""
    occurrence = await out(member)
    await in_db(services.nack, occurrence, who="key:skr_abc", error="not me", now=timezone.now())
    await in_db(retries_are_due)
    assert await events.drain(LANE)
    mailer = consumer(redis_server)
    event = taken(mailer)
    await write_down()

    assert (event.attempt, list_.exists(NEWER)) == (2, 0)
    assert (await state_of(occurrence), occurrence.claimed_by) == (State.CLAIMED, "redis:mailer-1")
    assert mailer.take() is None
    mailer.nack(event, "busy")
    await write_down()
    assert await state_of(occurrence) == State.RETRY_WAIT


async def test_next_attempt_of_an_event_that_a_program_popped_itself_leaves_nothing_behind(
    member: User, redis_server: RedisServer, list_: redis.Redis
) -> None:
    occurrence = await out(member)
    await in_db(services.nack, occurrence, who="key:skr_abc", error="not me", now=timezone.now())
    await in_db(retries_are_due)
    assert await events.drain(LANE)
    assert list_.rpop(QUEUE)
    await redis_list.look(server())
    await write_down()

    assert (await state_of(occurrence), list_.exists(NEWER, WAITING)) == (State.CLAIMED, 0)


async def test_replay_to_nobody_is_given_up_again_and_says_why(member: User, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    occurrence = await in_db(due, member)
    await in_db(Occurrence.objects.filter(pk=occurrence.pk).update, state=State.DEAD, attempts=5)
    settings.REDIS_URL = ""
    await in_db(services.replay, occurrence, by=None, via="api", now=timezone.now())
    row = await in_db(Delivery.objects.get, backend="event", content__attempt=6)
    assert await events.drain(row.lane)

    assert (await state_of(occurrence), occurrence.error) == (State.DEAD, "there is no webhook that can be used")


async def test_many_consumers_are_heard_together_and_each_for_what_it_did(
    member: User, redis_server: RedisServer
) -> None:
    first = await in_db(due, member)
    more = await in_db(_copies, first, 12)
    await events.drain(LANE)
    mailers = [consumer(redis_server, f"mailer-{number}") for number in range(3)]
    for number in range(12):
        mailer = mailers[number % 3]
        event = taken(mailer)
        if number % 4 == 0:
            mailer.nack(event, "busy")
        elif number % 4 < 3:
            mailer.ack(event, f"result {number}")
    await write_down()
    said = {
        row.pk: (row.state, row.claimed_by, row.result) for row in await in_db(lambda: list(Occurrence.objects.all()))
    }

    assert said[first.pk] == (State.RETRY_WAIT, "redis:mailer-0", "")
    assert said[more[0].pk] == (State.ACKED, "redis:mailer-1", "result 1")
    assert said[more[2].pk] == (State.CLAIMED, "redis:mailer-0", "")
    assert (
        sorted(state for state, _who, _result in said.values()) == ["acked"] * 6 + ["claimed"] * 3 + ["retry_wait"] * 3
    )


async def test_unknown_ids_and_broken_news_are_passed_over(member: User, redis_server: RedisServer) -> None:
    occurrence = await out(member)
    mailer = consumer(redis_server, "bad \x00 name")
    with redis_server.redis as raw:
        raw.xadd(NEWS, {"what": "ack"})
        raw.xadd(NEWS, {"what": "dance", "id": str(occurrence.pk), "attempt": "1"})
        raw.xadd(NEWS, {"what": "take", "id": str(occurrence.pk), "attempt": "x", "until": "y"})
        raw.xadd(NEWS, {b"what": b"ack", b"id": b"\xff\xfe"})
    mailer.ack("no-such-event")
    mailer.ack("5f0f6f4e-3f57-4bb0-9a55-3a1c1f0a1f3c")
    event = taken(mailer)
    mailer.ack(event, "done \x00 twice")
    await write_down()

    assert await state_of(occurrence) == State.ACKED


async def test_program_that_pops_the_list_itself_has_a_lease_too(
    member: User, redis_server: RedisServer, list_: redis.Redis
) -> None:
    occurrence = await out(member)
    text = list_.rpop(QUEUE)
    assert isinstance(text, str)
    await redis_list.look(server())
    await write_down()
    assert (await state_of(occurrence), occurrence.claimed_by) == (State.CLAIMED, "redis:?")

    await in_db(end_lease, occurrence)
    await in_db(retries_are_due)
    assert await events.drain(LANE)
    assert taken(consumer(redis_server)).attempt == 2


# --- withdrawn ------------------------------------------------------------------------------------------------------


Verb = Callable[[Reminder], object]
VERBS: dict[str, Verb] = {
    "paused": lambda row: services.pause(row, by=None, via="chat", now=timezone.now()),
    "cancelled": lambda row: services.cancel(row, by=None, via="chat", now=timezone.now()),
    "planned anew": lambda row: services.change(row, by=None, via="chat", now=timezone.now(), rule=LATER),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=list(VERBS))
async def test_event_of_a_reminder_that_changed_is_not_handed_out(
    member: User, redis_server: RedisServer, list_: redis.Redis, verb: Verb
) -> None:
    occurrence = await out(member)
    await in_db(verb, await in_db(Reminder.objects.get, pk=occurrence.reminder_id))

    assert (list_.llen(QUEUE), list_.zcard(WAITING)) == (0, 0)
    assert consumer(redis_server).take() is None
    assert await state_of(occurrence) == State.WITHDRAWN


async def test_what_was_taken_out_leaves_the_others_in_their_order(
    member: User, redis_server: RedisServer, list_: redis.Redis
) -> None:
    first, second, third = [await out(member) for _number in range(3)]
    list_.lpush(QUEUE, "not ours")
    await in_db(redis_list.forget, [second.pk])

    assert list_.llen(QUEUE) == 3
    mailer = consumer(redis_server)
    assert [event.event_id for event in iter(mailer.take, None)] == [str(first.pk), str(third.pk)]


async def test_words_of_a_later_attempt_leave_too(member: User, list_: redis.Redis) -> None:
    occurrence = await out(member)
    list_.hset(NEWER, str(occurrence.pk), "bumblebee")
    await in_db(redis_list.forget, [occurrence.pk])
    assert list_.hlen(NEWER) == 0


async def test_in_a_long_list_nothing_is_searched_and_it_is_handed_to_nobody(
    member: User, redis_server: RedisServer, list_: redis.Redis
) -> None:
    occurrence = await out(member)
    list_.rpush(QUEUE, *["not ours"] * redis_list.MOST_SEARCHED)
    await in_db(redis_list.forget, [occurrence.pk])

    assert list_.llen(QUEUE) == redis_list.MOST_SEARCHED + 1
    assert consumer(redis_server).take() is None
    assert (list_.llen(QUEUE), list_.zcard(WAITING)) == (0, 0)


async def test_all_that_is_withdrawn_is_found_although_the_list_shrinks(
    member: User, list_: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_list, "MOST_LOOKED_AT", 2)
    for _number in range(5):
        await out(member)
    await in_db(Occurrence.objects.update, state=State.WITHDRAWN)
    assert await redis_list.settle(server(), everything=True) == 5
    assert list_.llen(QUEUE) == 0


async def test_event_that_fired_before_its_words_changed_still_comes(member: User, redis_server: RedisServer) -> None:
    occurrence = await out(member)
    row = await in_db(Reminder.objects.get, pk=occurrence.reminder_id)
    await in_db(services.change, row, by=None, via="chat", now=timezone.now(), payload={"check": "else"})

    assert taken(consumer(redis_server)).event_id == str(occurrence.pk)


async def test_event_that_was_withdrawn_before_it_left_does_not_leave(member: User, list_: redis.Redis) -> None:
    occurrence = await in_db(due, member)
    await in_db(Occurrence.objects.filter(pk=occurrence.pk).update, state=State.WITHDRAWN)

    assert not await events.drain(LANE)
    assert list_.llen(QUEUE) == 0
    assert (await in_db(Delivery.objects.get, backend="event")).state == "cancelled"


async def test_what_was_withdrawn_while_the_server_was_away_is_found_later(
    member: User, redis_server: RedisServer
) -> None:
    withdrawn, stays = await out(member), await out(member)
    await in_db(Occurrence.objects.filter(pk=withdrawn.pk).update, state=State.WITHDRAWN)
    await redis_list.look(server())

    mailer = consumer(redis_server)
    assert [event.event_id for event in iter(mailer.take, None)] == [str(stays.pk)]


async def test_claimed_event_of_a_cancelled_reminder_may_be_finished(member: User, redis_server: RedisServer) -> None:
    occurrence = await out(member)
    mailer = consumer(redis_server)
    event = taken(mailer)
    await write_down()
    await in_db(VERBS["cancelled"], await in_db(Reminder.objects.get, pk=occurrence.reminder_id))
    assert mailer.ack(event, "sent")
    await write_down()

    assert (await state_of(occurrence), occurrence.result) == (State.ACKED, "cancelled")


# --- a server that is away, or forgets ------------------------------------------------------------------------------


@pytest.fixture
def own_server(tmp_path: Path, settings: Settings) -> Iterator[RedisServer]:
    """One that may be killed, with a password."""
    if BINARY is None:
        pytest.skip("there is no redis-server on this machine")
    found = RedisServer(tmp_path, password="hunter22")
    settings.REDIS_URL = found.url
    found.start()
    yield found
    found.kill()


def patience_ends() -> None:
    server().out.until = server().back.until = 0.0


async def test_events_wait_while_the_server_is_away_and_leave_when_it_is_back(
    member: User, own_server: RedisServer
) -> None:
    own_server.kill()
    occurrence = await in_db(due, member)
    with capture_logs() as logs:
        for _time in range(3):
            patience_ends()
            assert not await events.drain(LANE)
            await in_db(retries_are_due)
    row = await in_db(Delivery.objects.get, backend="event")
    assert (row.state, row.attempts) == ("queued", 0)
    assert [line["event"] for line in logs] == ["Redis does not answer, events wait"]

    own_server.start()
    patience_ends()
    assert await events.drain(LANE)
    assert taken(consumer(own_server)).event_id == str(occurrence.pk)


async def test_server_that_is_away_is_not_asked_at_every_turn(member: User, own_server: RedisServer) -> None:
    own_server.kill()
    await in_db(due, member)
    assert not await events.drain(LANE)
    assert server().out.pause == 1.0
    server().out.until += 60  # its second may be over by now
    await in_db(retries_are_due)

    assert not await events.drain(LANE)
    row = await in_db(Delivery.objects.get, backend="event")
    assert row.not_before is None, "nobody touched it"


async def test_verb_waits_a_moment_at_most_for_a_server_that_hangs(
    member: User, own_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    from_url = redis.Redis.from_url

    def noted(url: str, **how: Any) -> redis.Redis:
        asked.append(how)
        return from_url(url, **how)

    monkeypatch.setattr(redis.Redis, "from_url", noted)
    occurrence = await out(member)
    assert own_server.process is not None
    own_server.process.send_signal(signal.SIGSTOP)
    for verb in (VERBS["paused"], VERBS["cancelled"]):
        await in_db(verb, await in_db(Reminder.objects.get, pk=occurrence.reminder_id))
        redis_list.forget([occurrence.pk])

    assert len(asked) == 1, "it is not asked again for a while"
    assert asked[0]["socket_connect_timeout"] + asked[0]["socket_timeout"] < 1
    # The quickest of several: another program may keep this one waiting, but not each time.
    pauses = [2.0]
    while min(pauses) >= 1.5 and len(pauses) < 20:
        redis_list._asked_again_at = 0.0
        began = time.monotonic()
        redis_list.forget([occurrence.pk])
        pauses.append(time.monotonic() - began)
    assert min(pauses) < 1.5
    assert len(asked) == len(pauses), "it was asked each time"


async def test_password_of_the_server_is_in_no_log(member: User, own_server: RedisServer) -> None:
    own_server.kill()
    await in_db(due, member)
    with capture_logs() as logs:
        await events.drain(LANE)
        redis_list.forget([])
    own_server.password = "another"
    own_server.start()
    patience_ends()
    server()._said_at = None
    await in_db(retries_are_due)
    with capture_logs() as more:
        await events.drain(LANE)

    assert logs
    assert more
    assert "hunter22" not in repr(logs) + repr(more)


async def test_emptied_server_is_filled_again_with_what_is_open(
    member: User, redis_server: RedisServer, list_: redis.Redis
) -> None:
    done, claimed, waiting = await out(member), await out(member), await out(member)
    await redis_list.look(server())
    mailer = consumer(redis_server)
    mailer.ack(taken(mailer))
    taken(mailer)
    await write_down()
    list_.flushall()
    await redis_list.look(server())

    assert [await state_of(one) for one in (done, claimed, waiting)] == [State.ACKED, State.CLAIMED, State.QUEUED]
    again = consumer(redis_server, "mailer-2")
    assert [(event.event_id, event.attempt) for event in iter(again.take, None)] == [(str(waiting.pk), 1)]


async def test_server_that_has_all_is_not_filled_again(member: User, redis_server: RedisServer) -> None:
    await out(member)
    assert await redis_list.fill(server()) == 0

    taken(consumer(redis_server))
    assert await redis_list.fill(server()) == 0
    assert consumer(redis_server, "mailer-2").take() is None


async def test_event_that_left_just_before_the_server_was_emptied_is_pushed_again(
    member: User, redis_server: RedisServer, list_: redis.Redis
) -> None:
    """Between the push and its record."""
    occurrence = await in_db(due, member)
    batch = await in_db(events.claim, LANE, 10, timezone.now())
    await redis_list.push(server(), [(event.id, event.attempt, event.text) for event in batch])
    list_.flushall()
    await redis_list.look(server())
    await in_db(events.sent, batch, timezone.now())

    assert taken(consumer(redis_server)).event_id == str(occurrence.pk)


async def test_server_that_is_emptied_while_it_is_filled_is_filled_anew(
    member: User, redis_server: RedisServer, list_: redis.Redis
) -> None:
    occurrence = await out(member)
    list_.flushall()
    await server().redis.set(redis_list.MARKER, "filling:by a process that died")
    await redis_list.look(server())

    assert taken(consumer(redis_server)).event_id == str(occurrence.pk)


async def test_server_that_comes_back_as_it_was_a_while_ago_gets_what_it_lost(
    member: User, own_server: RedisServer
) -> None:
    done = await out(member)
    await redis_list.look(server())
    with own_server.redis as raw:
        raw.save()
    mailer = consumer(own_server)
    mailer.ack(taken(mailer))
    await write_down()
    lost = await out(member)
    own_server.kill()
    own_server.start()
    patience_ends()
    await redis_list.look(server())

    fresh = consumer(own_server, "mailer-2")
    assert [event.event_id for event in iter(fresh.take, None)] == [str(lost.pk)]
    assert await state_of(done) == State.ACKED


async def test_server_that_does_not_say_which_run_it_is_in_is_heard_and_filled(
    member: User, own_server: RedisServer
) -> None:
    """INFO is among the commands that Redis calls dangerous."""
    occurrence = await out(member)
    with own_server.redis as raw:
        raw.execute_command("ACL", "SETUSER", "default", "-@dangerous", "+flushall")
        await redis_list.look(server())
        raw.flushall()
    await redis_list.look(server())
    assert await redis_list.fill(server()) == 0
    mailer = consumer(own_server)
    mailer.ack(taken(mailer))
    await write_down()

    assert await state_of(occurrence) == State.ACKED


async def test_acknowledgement_that_the_server_lost_is_made_up_for_by_the_client(
    member: User, redis_server: RedisServer, list_: redis.Redis
) -> None:
    occurrence = await out(member)
    mailer = consumer(redis_server)
    mailer.ack(taken(mailer))
    list_.flushall()
    await redis_list.look(server())

    assert mailer.take() is None, "it did that"
    await write_down()
    assert await state_of(occurrence) == State.ACKED


async def test_events_for_a_server_that_was_given_up_are_given_up(
    member: User, redis_server: RedisServer, settings: Settings
) -> None:
    occurrence = await in_db(due, member)
    settings.REDIS_URL = ""

    assert await events.drain(LANE)
    assert (await state_of(occurrence), occurrence.error) == (State.DEAD, "REDIS_URL is empty")
    assert not await events.drain(LANE)


# --- the services of the bot's process ------------------------------------------------------------------------------


@asynccontextmanager
async def running(*services: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    tasks = [asyncio.ensure_future(service(stop)) for service in services]
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(60):
            await asyncio.gather(*tasks)


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not await true():
            await asyncio.sleep(0.05)


async def drained() -> bool:
    """Once more, and whether nothing is left to be sent."""
    await in_db(retries_are_due)
    await events.drain(LANE)
    return not await in_db(Delivery.objects.filter(backend="event", state="queued").exists)


async def test_server_is_stopped_emptied_and_started_again_and_nothing_is_lost(
    member: User, own_server: RedisServer
) -> None:
    """Some are in the list, some taken, some acknowledged, some still in the outbox."""
    made = [await out(member) for _n in range(6)]
    async with running(sink.run, events.run):
        mailer = consumer(own_server)
        for _n in range(2):
            mailer.ack(taken(mailer))
        taken(mailer)
        await until(lambda: _is(made[2], State.CLAIMED))
        own_server.kill()
        made += [await in_db(due, member) for _n in range(4)]
        assert not await events.drain(LANE)
        own_server.start()
        await in_db(Occurrence.objects.filter(pk=made[2].pk).update, lease_until=timezone.now() - HOUR)
        await until(lambda: _is(made[2], State.RETRY_WAIT))
        await until(drained)
        fresh = consumer(own_server, "mailer-2")
        await until(lambda: _take_all(fresh, made))

    assert {await state_of(one) for one in made} == {State.ACKED}


async def _is(occurrence: Occurrence, state: str) -> bool:
    return await state_of(occurrence) == state


async def _take_all(mailer: Events, made: list[Occurrence]) -> bool:
    for event in iter(mailer.take, None):
        mailer.ack(event)
    await events.drain(LANE)
    return all([await state_of(one) == State.ACKED for one in made])


@asynccontextmanager
async def engine_at_work() -> AsyncIterator[LocalEngine]:
    """Lanes of events and of messages, which are written on paper."""
    local = LocalEngine({"event": "reminders.events", "out": "delivery.outbox"})
    engine.use(local)
    await local.start(8)
    task = asyncio.create_task(local.run(8))
    try:
        yield local
    finally:
        engine.use(None)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for kind in ("event", "out"):
            await local.stop(kind, 60.0)
        paper.forget()


async def test_engine_sends_an_event_by_itself(member: User, redis_server: RedisServer) -> None:
    async with engine_at_work():
        occurrence = await in_db(due, member)
        await until(lambda: _is_in(redis_server, occurrence))


async def _is_in(redis_server: RedisServer, occurrence: Occurrence) -> bool:
    with redis_server.redis as raw:
        return raw.zscore(WAITING, str(occurrence.pk)) is not None


async def test_server_that_is_away_holds_up_no_message_and_is_no_fault_of_the_outbox(
    member: User, own_server: RedisServer, settings: Settings
) -> None:
    settings.DELIVERY_BACKENDS = {**settings.DELIVERY_BACKENDS, "paper": "tests.delivery.paper.send"}
    own_server.kill()
    async with engine_at_work():
        await in_db(due, member)
        note = Delivery(key="note", lane="out:1:7", source="t", backend="paper", content={"text": "hi"})
        await until(_is_put_back)
        await in_db(delivery_services.enqueue, [note])
        await until(_is_on_paper)

    old = timezone.now() - timedelta(hours=1)
    await in_db(Delivery.objects.filter(backend="event").update, created_at=old)
    assert (await in_db(delivery_health.outbox, timezone.now())).well


async def _is_put_back() -> bool:
    return await in_db(Delivery.objects.filter(backend="event", not_before__isnull=False, attempts=0).exists)


async def _is_on_paper() -> bool:
    return paper.written == ["note"]


async def test_lease_that_ended_is_noticed_without_being_asked(member: User, redis_server: RedisServer) -> None:
    occurrence = await out(member)
    taken(consumer(redis_server))
    async with running(sink.run, events.run):
        await until(lambda: _is(occurrence, State.CLAIMED))
        await in_db(Occurrence.objects.filter(pk=occurrence.pk).update, lease_until=timezone.now() - HOUR)
        await until(lambda: _is(occurrence, State.RETRY_WAIT))


async def test_lease_is_not_over_while_what_consumers_said_is_unread(member: User, redis_server: RedisServer) -> None:
    await out(member)
    with redis_server.redis as raw:
        raw.xadd(NEWS, {"what": "ack", "id": "x"}, id="1-1")

    assert not await redis_list.all_told()
    await write_down()
    assert await redis_list.all_told()


async def test_without_a_server_the_services_rest_and_all_is_told(settings: Settings) -> None:
    settings.REDIS_URL = ""
    async with running(sink.run, events.run):
        await asyncio.sleep(0.1)
    assert await sink.all_told()


def test_without_a_server_nothing_of_it_is_loaded() -> None:
    """It takes 11 MB of every process."""
    code = """
import django, sys
django.setup()
from importlib import import_module
from django.conf import settings
from django.utils.module_loading import import_string
for path in (*settings.SERVICES, *settings.HEALTH_CHECKS.values()):
    import_string(path)
for path in (*settings.EVENT_SINKS.values(), *settings.LANES.values()):
    import_module(path)
print([name for name in sys.modules if name.partition(".")[0] == "redis"])
"""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "REDIS_URL": ""}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings_of_project.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "[]"
