"""`manage.py runworker`: more processes that send and fire, beside the bot."""

import time

import pytest

from tests.acceptance.conftest import ON_POSTGRES
from tests.acceptance.planned import MARK, all_said, deliveries, plan
from tests.acceptance.processes import FIRST, Process, Stage, until

pytestmark = pytest.mark.acceptance

needs_postgres = pytest.mark.skipif(not ON_POSTGRES, reason="several workers work on PostgreSQL only: set DATABASE_URL")

SIGNS = "SELECT count(*) FROM delivery_heartbeat WHERE name LIKE %s"


def worker(stage: Stage) -> Process:
    """A worker that has greeted Telegram."""
    process = stage.manage("runworker")
    process.says("started")
    return process


def test_worker_on_sqlite_says_what_to_do_and_ends(stage: Stage) -> None:
    process = stage.manage("runworker", DATABASE_URL=f"sqlite:///{stage.folder}/any.sqlite3")

    assert process.wait() == 1
    assert "Set DATABASE_URL=postgres://" in process.output
    assert "Traceback" not in process.output


@needs_postgres
def test_worker_fires_and_sends_hears_nothing_and_ends_in_order(stage: Stage) -> None:
    process = worker(stage)
    stage.sandbox.say(FIRST + 5, "Is anybody there?")
    plan(stage, 20)
    until(lambda: all_said(stage), what="all reminders said")
    assert stage.database.rows(SIGNS, "worker:%") == [(1,)]

    assert process.terminate() == 0
    assert stage.database.rows(SIGNS, "worker:%") == [(0,)]
    assert stage.sandbox.heard(FIRST) == ["⏰ no0"]
    assert stage.sandbox.pending() == 1
    assert stage.sandbox.calls("getUpdates") == []
    assert stage.sandbox.calls("setMyCommands") == []


@needs_postgres
def test_bot_that_starts_leaves_alone_what_a_worker_is_sending(stage: Stage) -> None:
    worker(stage)
    stage.sandbox.fault("sendMessage", "hold", chat_id=FIRST)
    plan(stage, 1)
    stage.sandbox.got()
    stage.bot()
    # Before it receives it has taken back what nobody living holds.
    until(lambda: stage.sandbox.calls("deleteWebhook"), what="a bot that receives")
    assert deliveries(stage) == [("sending", 1)]  # or this story tells nothing

    stage.sandbox.clear()
    until(lambda: all_said(stage), what="it is said")
    time.sleep(2)  # a sweep or two
    assert stage.sandbox.heard(FIRST) == ["⏰ no0"]


@needs_postgres
def test_what_a_killed_worker_was_sending_is_sent_by_another_soon_and_marked(stage: Stage) -> None:
    stage.sandbox.fault("sendMessage", "hang", chat_id=FIRST)
    first = worker(stage)
    plan(stage, 1)
    stage.sandbox.got()
    assert deliveries(stage) == [("sending", 1)]
    worker(stage)
    first.kill()
    began = time.monotonic()

    until(lambda: all_said(stage), what="it is said")
    assert time.monotonic() - began < 30  # its lease is 150 s
    assert stage.sandbox.heard(FIRST) == [f"{MARK}⏰ no0"]


@needs_postgres
def test_two_workers_share_the_work(stage: Stage) -> None:
    stage.sandbox.fault("sendMessage", "slow", seconds=0.3, times=None)
    processes = [worker(stage), worker(stage)]
    # Calls take a while, so there is work left for the one that did not fire and finds it by its sweep.
    plan(stage, 240, over=6)
    until(lambda: all_said(stage), what="all reminders said")

    assert [process.terminate() for process in processes] == [0, 0]
    rows = stage.database.rows("SELECT worker, count(*) FROM delivery_delivery GROUP BY worker")
    assert len(rows) == 2
    assert sum(count for _worker, count in rows) == 240
