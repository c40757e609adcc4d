"""kill -9 at every step of a post's way, and two of everything: a post appears once in each chat, or a person is asked.

The steps are found without touching the product: the sandbox holds a call open, or a lock of ours holds a statement
up, and meanwhile the process dies.
"""

import time

import pytest

from tests.acceptance.conftest import ON_POSTGRES, NewStage
from tests.acceptance.posting import (
    NEWS,
    in_order,
    let_chats_in,
    over,
    plan,
    posts,
    press_publish,
    said,
    settle,
    targets,
)
from tests.acceptance.processes import OLGA, PATIENCE, Stage, until
from tests.acceptance.test_reminders_crash import (
    STANDS_AT_THE_RECORD,
    Cast,
    held_up,
    telegram_asks_to_wait,
    the_wait_is_over,
    told_to_wait,
    waits_for_a_lock,
)

pytestmark = pytest.mark.acceptance

needs_postgres = pytest.mark.skipif(
    not ON_POSTGRES, reason="several processes work on PostgreSQL only: set DATABASE_URL"
)
SENDING = "SELECT count(*) FROM delivery_delivery WHERE backend = 'post' AND state = 'sending'"
WAITING = "SELECT count(*) FROM delivery_delivery WHERE backend = 'post' AND state = 'queued'"


def is_on_its_way(stage: Stage) -> bool:
    return stage.database.rows(SENDING) == [(1,)]


def told(stage: Stage, beginning: str) -> bool:
    return any(text.startswith(beginning) for text in stage.sandbox.heard(OLGA))


# --- send, record ---------------------------------------------------------------------------------------------------


def test_kill_between_telegrams_yes_and_our_record_asks_a_person_and_doubles_nothing(stage: Stage) -> None:
    let_chats_in(stage)
    stage.sandbox.fault("sendMessage", "hold", chat_id=NEWS)
    first = stage.bot()
    plan(stage)
    stage.sandbox.got()
    assert is_on_its_way(stage)
    first.kill()
    stage.sandbox.clear()
    until(lambda: said(stage, NEWS), what="it arrives all the same")
    stage.bot()
    until(lambda: told(stage, "❓"), what="the author is asked")
    stage.quiet()

    assert (posts(stage), targets(stage)) == ({"error": 1}, {"unknown": 1})
    assert said(stage, NEWS) == ["post 0"]
    settle(stage, there=True)
    assert (posts(stage), targets(stage)) == ({"published": 1}, {"sent": 1})
    stage.quiet()
    assert said(stage, NEWS) == ["post 0"]


def test_kill_before_it_arrived_asks_too_and_send_again_sends_it_once(stage: Stage) -> None:
    let_chats_in(stage)
    stage.sandbox.fault("sendMessage", "hang", chat_id=NEWS)
    first = stage.bot()
    plan(stage)
    stage.sandbox.got()
    assert is_on_its_way(stage)
    first.kill()
    stage.bot()
    until(lambda: told(stage, "❓"), what="the author is asked")
    assert said(stage, NEWS) == []
    settle(stage, there=False)
    until(lambda: over(stage, 1), what="it is sent")
    assert (posts(stage), said(stage, NEWS)) == ({"published": 1}, ["post 0"])


@needs_postgres
def test_kill_between_the_target_and_the_outbox_asks_nobody(stage: Stage) -> None:
    let_chats_in(stage)
    stage.sandbox.fault("sendMessage", "hold", chat_id=NEWS)
    cast = Cast(stage, "runworker")
    cast.greet()
    plan(stage)
    stage.sandbox.got()
    stage.database.rows(STANDS_AT_THE_RECORD)
    with held_up(stage, "SELECT pg_advisory_xact_lock(1)"):
        stage.sandbox.clear()
        until(lambda: waits_for_a_lock(stage, "delivery_delivery"), what="a record that is held up")
        assert targets(stage) == {"sent": 1}
        cast.kill(0)
    until(lambda: stage.database.count("delivery_delivery", "sending") == 0, what="it is settled")
    stage.quiet()

    assert (posts(stage), targets(stage), said(stage, NEWS)) == ({"published": 1}, {"sent": 1}, ["post 0"])
    assert not told(stage, "❓")


def test_kill_between_the_tick_and_the_sending_loses_nothing_and_asks_nobody(stage: Stage) -> None:
    let_chats_in(stage)
    # Telegram takes none while the first lives: what was fired waits in the outbox.
    telegram_asks_to_wait(stage)
    first = stage.bot()
    plan(stage, 5)
    # The other four wait behind the one that was refused.
    until(
        lambda: stage.database.rows(WAITING) == [(5,)] and told_to_wait(stage) == 1, what="all fired, none on its way"
    )
    first.kill()
    the_wait_is_over(stage)
    stage.bot()
    until(lambda: over(stage, 5), what="all are out")

    assert (posts(stage), targets(stage)) == ({"published": 5}, {"sent": 5})
    assert said(stage, NEWS) == [f"post {number}" for number in range(5)]


# --- two of everything ----------------------------------------------------------------------------------------------


@needs_postgres
def test_two_workers_and_five_presses_publish_once(stage: Stage) -> None:
    chats = let_chats_in(stage, 3)
    plan(stage, lead=3600, each=False)
    cast = Cast(stage, "runworker", "runworker")
    cast.greet()
    pressed = press_publish(stage, 5)
    until(lambda: over(stage, 1), what="it is out")

    assert (pressed.count("published True"), pressed.count("published False")) == (1, 4)
    assert [said(stage, chat) for chat in chats] == [["post 0"]] * 4
    assert targets(stage) == {"sent": 4}


def test_two_presses_publish_once(stage: Stage) -> None:
    let_chats_in(stage)
    plan(stage, lead=3600)
    stage.bot()
    pressed = press_publish(stage, 2)
    until(lambda: over(stage, 1), what="it is out")
    assert (pressed.count("published True"), said(stage, NEWS)) == (1, ["post 0"])


@needs_postgres
def test_two_workers_that_find_the_same_posts_due_publish_each_once(stage: Stage) -> None:
    chats = let_chats_in(stage, 9)
    plan(stage, 100, lead=4)
    cast = Cast(stage, "runworker", "runworker")
    cast.greet()
    until(lambda: over(stage, 100), 3 * PATIENCE, what="all are out")

    heard = [said(stage, chat) for chat in chats]
    assert sorted(text for texts in heard for text in texts) == sorted(f"post {number}" for number in range(100))
    assert all(in_order(texts) for texts in heard)


# --- after a pause --------------------------------------------------------------------------------------------------


def test_500_posts_due_after_a_pause_go_out_in_order_without_a_429(new_stage: NewStage) -> None:
    stage = new_stage(limits=True)
    chats = let_chats_in(stage, 125, channel=False)
    # Four times as much as Telegram lets a bot say, so that the story is short; a chat takes what it always takes.
    stage.sandbox.post("/limits", bot_rate=120)
    plan(stage, 500, lead=1)
    time.sleep(2)
    stage.bot(TELEGRAM_RATE_BOT="100")
    until(lambda: over(stage, 500), 5 * PATIENCE, what="all are out")

    assert posts(stage) == {"published": 500}
    heard = [said(stage, chat) for chat in chats]
    assert sum(len(texts) for texts in heard) == 500
    assert all(in_order(texts) for texts in heard)
    # What the author reads meanwhile is another chat's affair.
    calls = [call for call in stage.sandbox.calls("sendMessage") if call["chat_id"] in chats]
    assert (len(calls), [call for call in calls if not call["ok"]]) == (500, [])
