"""Claiming the head of a lane: one row, one winner, in order, on both databases."""

import functools
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import claims
from core.claims import PLACE, WORKER, Queue, abandoned, claim_heads, claim_many, database_now, waiting_lanes
from delivery.models import Delivery
from delivery.outbox import QUEUE as OUTBOX
from telegram_bot.inbox import QUEUE as INBOX
from telegram_bot.models import Update

AtOnce = Callable[..., list[Any]]

LANE = "out:1:7"


def row(key: str, **facts: Any) -> Delivery:
    return Delivery.objects.create(key=key, **{"lane": LANE, "source": "t", "content": {"text": "ж"}, **facts})


def claim(lane: str = LANE) -> Delivery | None:
    found: Delivery | None = claim_heads(OUTBOX, [lane])[0]
    return found


def key_of(found: Delivery | None) -> str | None:
    return found.key if found else None


# --- one worker -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_claimed_row_is_held_by_this_worker_for_the_lease() -> None:
    row("a", message_id=2**52, trace_id="abc")
    before = database_now()
    found = claim()
    after = database_now()

    assert found is not None
    assert (found.key, found.state, found.attempts, found.worker) == ("a", "sending", 1, WORKER)
    assert (found.content, found.message_id, found.trace_id) == ({"text": "ж"}, 2**52, "abc")
    assert found.lease_until is not None
    assert before <= found.lease_until - OUTBOX.lease <= after
    stored = Delivery.objects.get()
    fields = [field.attname for field in Delivery._meta.concrete_fields]
    assert [getattr(found, name) for name in fields] == [getattr(stored, name) for name in fields]


@pytest.mark.django_db
def test_claim_is_one_query() -> None:
    row("a")
    with CaptureQueriesContext(connection) as queries:
        claim()

    assert len(queries) == 1


@pytest.mark.django_db
def test_held_head_holds_its_lane_and_no_other() -> None:
    row("a")
    row("b")
    row("other", lane="out:1:8")

    assert key_of(claim()) == "a"
    assert claim() is None
    assert key_of(claim("out:1:8")) == "other"


@pytest.mark.django_db
def test_next_row_is_free_when_the_head_has_ended() -> None:
    row("a")
    row("b")
    claim()
    Delivery.objects.filter(key="a").update(state="failed")

    assert key_of(claim()) == "b"


@pytest.mark.django_db
def test_head_that_is_not_due_holds_its_lane() -> None:
    row("a", not_before=timezone.now() + timedelta(minutes=1))
    row("b")
    assert claim() is None

    Delivery.objects.filter(key="a").update(not_before=timezone.now() - timedelta(seconds=1))
    assert key_of(claim()) == "a"


@pytest.mark.django_db
def test_empty_lane_gives_nothing() -> None:
    row("a", state="sent")

    assert claim() is None
    assert claim("'; DROP TABLE delivery_delivery; --") is None


@pytest.mark.django_db
def test_heads_of_several_lanes_are_claimed_in_one_query_and_told_in_the_order_of_asking() -> None:
    for lane in ("out:1:7", "out:1:8", "out:1:9"):
        row(f"{lane} first", lane=lane)
        row(f"{lane} second", lane=lane)
    claim("out:1:8")
    with CaptureQueriesContext(connection) as queries:
        found = claim_heads(OUTBOX, ["out:1:9", "out:1:8", "out:1:5", "out:1:7"])

    assert len(queries) == 1
    assert [key_of(one) for one in found] == ["out:1:9 first", None, None, "out:1:7 first"]
    assert Delivery.objects.filter(state="queued").count() == 3


@pytest.mark.django_db
def test_inbox_goes_by_the_number_of_the_update_and_not_by_arrival() -> None:
    for update_id in (3, 1, 2):
        Update.objects.create(bot_id=1, update_id=update_id, lane="in:1:7:0", raw={})
    order = []
    while (found := claim_heads(INBOX, ["in:1:7:0"])[0]) is not None:
        order.append(found.update_id)
        Update.objects.filter(pk=found.pk).update(state="done")

    assert order == [1, 2, 3]


# --- several --------------------------------------------------------------------------------------------------------


def is_any_left() -> bool:
    """Not a number of looks: whoever holds a head may be kept waiting for as long as many of them take."""
    return Delivery.objects.filter(state="queued").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_time", range(3))
def test_of_two_who_claim_one_lane_at_once_exactly_one_wins(at_once: AtOnce, _time: int) -> None:
    row("a")
    row("b")
    found = [key_of(one) for one in at_once(claim, claim, claim, claim)]

    assert sorted(found, key=str) == [None, None, None, "a"]
    assert Delivery.objects.get(key="a").attempts == 1
    assert Delivery.objects.get(key="b").state == "queued"


@pytest.mark.django_db(transaction=True)
def test_crowd_drains_a_lane_in_order_and_each_row_once(at_once: AtOnce) -> None:
    for number in range(12):
        row(f"{number:02}")

    def drain() -> list[str]:
        mine = []
        while is_any_left():
            if (found := claim()) is not None:
                mine.append(found.key)
                Delivery.objects.filter(pk=found.pk).update(state="sent", finished_at=database_now())
        return mine

    shares = at_once(drain, drain, drain)
    assert sorted(key for share in shares for key in share) == [f"{number:02}" for number in range(12)]
    assert all(share == sorted(share) for share in shares)
    ended = list(Delivery.objects.order_by("finished_at").values_list("key", flat=True))
    assert ended == sorted(ended)


@pytest.mark.django_db(transaction=True)
def test_crowd_that_claims_the_same_lanes_in_any_order_gets_each_head_once(at_once: AtOnce) -> None:
    lanes = [f"out:1:{chat}" for chat in range(12)]
    for lane in lanes:
        for number in range(5):
            row(f"{lane} {number}", lane=lane)

    def drain(names: list[str]) -> list[str]:
        mine = []
        while is_any_left():
            for found in claim_heads(OUTBOX, names):
                if found is not None:
                    mine.append(found.key)
                    Delivery.objects.filter(pk=found.pk).update(state="sent")
        return mine

    forwards, backwards = functools.partial(drain, lanes), functools.partial(drain, lanes[::-1])
    taken = [key for keys in at_once(forwards, backwards, forwards, backwards) for key in keys]

    assert sorted(taken) == sorted(f"{lane} {number}" for lane in lanes for number in range(5))


@pytest.mark.django_db(transaction=True)
def test_different_lanes_are_claimed_at_once(at_once: AtOnce) -> None:
    row("a")
    row("b", lane="out:1:8")

    assert {key_of(found) for found in at_once(claim, lambda: claim("out:1:8"))} == {"a", "b"}


# --- what waits, what was left --------------------------------------------------------------------------------------


# --- many at once ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_many_are_claimed_in_one_query_in_order_and_no_more_than_asked_for() -> None:
    for key in "abcd":
        row(key)
    row("of another lane", lane="out:1:8")
    with CaptureQueriesContext(connection) as queries:
        found = claim_many(OUTBOX, LANE, 3)

    assert [(one.key, one.state, one.attempts, one.worker) for one in found] == [
        (key, "sending", 1, WORKER) for key in "abc"
    ]
    assert len(queries) == 1
    assert [one.key for one in claim_many(OUTBOX, LANE, 3)] == ["d"]


@pytest.mark.django_db
def test_among_many_one_that_is_held_or_not_due_holds_up_no_other() -> None:
    row("held", state="sending", worker="other")
    row("later", not_before=timezone.now() + timedelta(minutes=1))
    row("sent", state="sent")
    row("free")

    assert [one.key for one in claim_many(OUTBOX, LANE, 10)] == ["free"]


@pytest.mark.django_db(transaction=True)
def test_crowd_that_claims_many_gets_each_row_once(at_once: AtOnce) -> None:
    for number in range(60):
        row(str(number))

    def work() -> list[str]:
        taken: list[str] = []
        while found := claim_many(OUTBOX, LANE, 7):
            taken += [one.key for one in found]
        return taken

    taken = [key for part in at_once(work, work, work) for key in part]
    assert sorted(taken, key=int) == [str(number) for number in range(60)]


@pytest.mark.django_db
def test_waiting_are_lanes_with_free_rows_that_are_due() -> None:
    later = timezone.now() + timedelta(minutes=1)
    row("a")
    row("b")
    row("due", lane="due", not_before=timezone.now() - timedelta(seconds=1))
    row("later", lane="later", not_before=later)
    row("held", lane="held", state="sending", worker=WORKER, lease_until=later)
    row("ended", lane="ended", state="sent")

    assert waiting_lanes(OUTBOX) == {LANE: 2, "due": 1}


@pytest.mark.django_db
def test_no_more_lanes_are_woken_at_once_than_asked_for() -> None:
    for number in range(5):
        row(str(number), lane=f"lane {number}")

    assert len(waiting_lanes(OUTBOX, limit=3)) == 3


@pytest.mark.django_db
def test_abandoned_is_what_others_held_or_what_is_over() -> None:
    past, later = timezone.now() - timedelta(seconds=1), timezone.now() + timedelta(minutes=1)
    rows = {
        name: row(name, lane=name, state="sending", worker=worker, lease_until=until).pk
        for name, worker, until in (
            ("mine", WORKER, later), ("mine, over", WORKER, past), ("theirs", "x:1:a", later), ("both", "x:1:a", past),
        )
    }  # fmt: skip
    row("free", lane="free")
    row("sent", lane="sent", state="sent", worker="x:1:a", lease_until=past)

    assert set(abandoned(OUTBOX, everything=True)) == {rows["theirs"], rows["both"]}
    assert set(abandoned(OUTBOX, everything=False)) == {rows["mine, over"], rows["both"]}


@pytest.mark.django_db
def test_what_a_process_of_this_machine_held_is_abandoned_as_soon_as_it_has_ended() -> None:
    later = timezone.now() + timedelta(minutes=1)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(60)
    lives = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        theirs = {
            name: row(name, lane=name, state="sending", worker=worker, lease_until=later).pk
            for name, worker in (
                ("ended", f"{PLACE}:{ended.pid}:aa"),
                ("lives", f"{PLACE}:{lives.pid}:aa"),
                ("my number before me", f"{PLACE}:{os.getpid()}:aa"),
                ("elsewhere", f"elsewhere:{ended.pid}:aa"),
                ("unreadable", "worker"),
            )
        }
        alive = [f"{PLACE}:{ended.pid}:aa", f"{PLACE}:{lives.pid}:aa", "worker"]

        found = set(abandoned(OUTBOX, everything=False))
        at_start = set(abandoned(OUTBOX, everything=True, alive=alive))
    finally:
        lives.communicate(b"\n", timeout=60)

    assert found == {theirs["ended"], theirs["my number before me"]}
    assert at_start == found | {theirs["elsewhere"]}


@pytest.mark.django_db(transaction=True)
def test_two_processes_do_not_give_back_the_same_row(at_once: AtOnce) -> None:
    for number in range(20):
        row(str(number), lane=str(number), state="sending", worker="x:1:a")

    def give_back() -> int:
        with transaction.atomic():
            ids = abandoned(OUTBOX, everything=True)
            return Delivery.objects.filter(pk__in=ids).update(state="queued")

    assert sum(at_once(*[give_back] * 3)) == 20


@pytest.mark.django_db
def test_clock_of_the_database_is_near_ours_and_moves(now: datetime) -> None:
    first, second = database_now(), database_now()

    assert first.tzinfo is not None
    assert first <= second
    assert abs(first - timezone.now()) < timedelta(seconds=30)


@pytest.mark.django_db
@pytest.mark.parametrize(("queue", "index"), [(OUTBOX, "delivery_open_lane"), (INBOX, "update_open_lane")])
def test_claim_uses_the_index_of_open_rows(queue: Queue, index: str) -> None:
    sql, params = claims.claim(queue, ["out:1:7", "out:1:8"])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(("EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN ") + sql, params)
        plan = str(cursor.fetchall())

    assert "SCAN " + queue.table not in plan
    assert index in plan


def test_worker_fits_its_column_and_names_this_process() -> None:
    assert len(WORKER) <= 60
    assert f":{os.getpid()}:" in WORKER


def test_another_process_is_another_worker_even_with_the_same_number() -> None:
    spec = importlib.util.find_spec("core.claims")
    assert spec is not None
    assert spec.loader is not None
    again = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(again)

    assert again.WORKER != claims.WORKER
