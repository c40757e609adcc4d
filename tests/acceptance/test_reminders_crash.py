"""kill -9 at every step of a reminder's way: fire, compose, send, acknowledge, record. None is lost, none fires twice,
and what may have arrived comes again with a mark.

The steps are found without touching the product: the sandbox holds a call open, or a lock of ours holds a statement
up, and meanwhile the process dies.
"""

import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.acceptance.conftest import ON_POSTGRES
from tests.acceptance.planned import DUE, MARK, Heard, all_said, deliveries, heard, occurrences, plan
from tests.acceptance.processes import CROWD, FIRST, Process, Stage, until

pytestmark = pytest.mark.acceptance

needs_postgres = pytest.mark.skipif(
    not ON_POSTGRES, reason="several processes work on PostgreSQL only: set DATABASE_URL"
)

COUNT, OVER = 300, 5.0

# Whoever records a message as sent must pass a lock that a story may hold.
STANDS_AT_THE_RECORD = """
CREATE FUNCTION stand() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;
CREATE TRIGGER stand BEFORE UPDATE ON delivery_delivery FOR EACH ROW WHEN (NEW.state = 'sent') EXECUTE FUNCTION stand()
"""


class Cast:
    """The processes of a story. ``kill`` ends one in the middle and puts another in its place."""

    def __init__(self, stage: Stage, *commands: str) -> None:
        self.stage, self.commands = stage, commands
        self.processes = [self._start(command) for command in commands]
        self.on_their_way = 0  # messages whose process died over them
        self.kills = 0

    def _start(self, command: str) -> Process:
        return self.stage.manage(command)

    def greet(self) -> None:
        for process in self.processes:
            process.says("started")

    def kill(self, number: int) -> None:
        held = "SELECT count(*) FROM delivery_delivery WHERE state = 'sending' AND worker LIKE %s"
        mark = f"%:{self.processes[number].popen.pid}:%"
        # Standing still, it begins and ends nothing between the look and its death.
        self.processes[number].popen.send_signal(signal.SIGSTOP)
        before = self.stage.database.rows(held, mark)[0][0]
        self.processes[number].kill()
        # Another process may be quick to take back what it held, and its last word to the database may come late.
        self.on_their_way += max(before, self.stage.database.rows(held, mark)[0][0])
        self.kills += 1
        self.processes[number] = self._start(self.commands[number])


@contextmanager
def held_up(stage: Stage, statement: str) -> Iterator[None]:
    """A transaction of ours that has done ``statement`` and goes on until the block ends."""
    with psycopg.connect(stage.database.url) as connection:
        connection.execute(statement.encode())
        yield
        connection.rollback()


def waits_for_a_lock(stage: Stage, table: str) -> bool:
    """Whether a process of the story stands at our lock in a statement about ``table``."""
    sql = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        " AND query LIKE %s"
    )
    return bool(stage.database.rows(sql, f"%{table}%")[0][0])


def telegram_asks_to_wait(stage: Stage) -> None:
    """It takes none, and wants not to be asked again before a story is over."""
    stage.sandbox.fault("sendMessage", "429", retry_after=600, times=None)


def told_to_wait(stage: Stage) -> int:
    """How many messages nobody touches before the time that Telegram has named."""
    sql = "SELECT count(*) FROM delivery_delivery WHERE state = 'queued' AND error_kind = 'flood'"
    return int(stage.database.rows(sql)[0][0])


def the_wait_is_over(stage: Stage) -> None:
    """Telegram takes all again. Only while no bot runs, which would go on waiting."""
    stage.sandbox.clear()
    stage.database.rows("UPDATE delivery_delivery SET not_before = NULL WHERE state = 'queued'")


def nothing_is_lost_or_fired_twice(stage: Stage, count: int) -> None:
    assert occurrences(stage) == [("acked", count)]
    # Cancelled: said and acknowledged, and its process died before that was on record.
    found = dict(deliveries(stage))
    assert set(found) <= {"sent", "cancelled"}
    assert sum(found.values()) == count
    rows = stage.database.rows("SELECT count(DISTINCT reminder_id) FROM reminders_occurrence")
    assert rows == [(count,)]


def everybody_got_theirs(found: Heard, count: int) -> None:
    assert sorted(found.copies) == list(range(count))
    assert found.strayed == 0
    assert found.unmarked_again == 0
    assert found.repeated <= found.marked


# --- at any moment --------------------------------------------------------------------------------------------------


class Patient:
    """One of the people, whom Telegram lets wait until the processes have died so often: a story is not over before,
    however long this machine takes for a kill."""

    def __init__(self, stage: Stage, kills: int) -> None:
        self.stage, self.kills = stage, kills
        stage.sandbox.fault("sendMessage", "429", chat_id=CROWD[-1], times=None)
        self._others()

    def _others(self) -> None:
        self.stage.sandbox.fault("sendMessage", "slow", seconds=0.05, times=None)

    def look(self, kills: int) -> None:
        if kills == self.kills:
            self.stage.sandbox.clear()
            self._others()


@needs_postgres
@pytest.mark.parametrize(("seed", "commands"), [(1, ("runbot", "runworker")), (2, ("runworker", "runworker"))])
def test_two_processes_killed_at_any_moment_lose_nothing_and_fire_nothing_twice(
    stage: Stage, seed: int, commands: tuple[str, str]
) -> None:
    chance = random.Random(seed)
    patient = Patient(stage, 3)
    cast = Cast(stage, *commands)
    cast.greet()
    plan(stage, COUNT, lead=0.5, over=OVER)
    while not all_said(stage):
        time.sleep(chance.uniform(0.3, 1.5))
        if cast.kills < 6:
            cast.kill(chance.randrange(2))
            patient.look(cast.kills)

    found = heard(stage)
    nothing_is_lost_or_fired_twice(stage, COUNT)
    everybody_got_theirs(found, COUNT)
    assert found.marked <= cast.on_their_way
    assert cast.kills >= 3  # or this story tells nothing


def test_bot_alone_killed_at_any_moment_loses_nothing_and_fires_nothing_twice(stage: Stage) -> None:
    chance = random.Random(3)
    patient = Patient(stage, 3)
    cast = Cast(stage, "runbot")
    cast.greet()
    plan(stage, 100, lead=0.5, over=3)
    while not all_said(stage):
        time.sleep(chance.uniform(0.2, 1.0))
        if cast.kills < 3:
            cast.kill(0)
            patient.look(cast.kills)
            cast.greet()

    found = heard(stage)
    nothing_is_lost_or_fired_twice(stage, 100)
    everybody_got_theirs(found, 100)
    assert found.marked <= cast.on_their_way
    assert cast.kills == 3


# --- fire -----------------------------------------------------------------------------------------------------------


@needs_postgres
def test_kill_before_the_ticks_commit_leaves_all_to_the_next_tick(stage: Stage) -> None:
    cast = Cast(stage, "runworker", "runworker")
    cast.greet()
    with held_up(stage, "LOCK TABLE reminders_occurrence IN SHARE MODE"):
        plan(stage, 40)
        until(lambda: waits_for_a_lock(stage, "reminders_occurrence"), what="a tick that is held up")
        cast.kill(0)
        cast.kill(1)
        assert stage.database.rows(DUE) == [(40,)]
    until(lambda: all_said(stage), what="all reminders said")

    nothing_is_lost_or_fired_twice(stage, 40)
    assert heard(stage).marked == heard(stage).repeated == 0


def test_kill_between_the_ticks_commit_and_the_sending_loses_nothing_and_repeats_nothing(stage: Stage) -> None:
    # Telegram takes none while the first lives: what was fired waits in the outbox.
    telegram_asks_to_wait(stage)
    first = stage.bot()
    plan(stage, 40)
    until(lambda: told_to_wait(stage) == 40, what="all fired, none on its way")
    assert stage.database.rows(DUE) == [(0,)]
    first.kill()
    assert stage.database.count("delivery_delivery", "queued") == 40
    the_wait_is_over(stage)
    stage.bot()
    until(lambda: all_said(stage), what="all reminders said")

    nothing_is_lost_or_fired_twice(stage, 40)
    assert heard(stage).marked == heard(stage).repeated == 0


# --- send, acknowledge, record --------------------------------------------------------------------------------------


def test_kill_while_a_message_is_on_its_way_and_does_not_arrive_sends_it_again_marked(stage: Stage) -> None:
    stage.sandbox.fault("sendMessage", "hang", chat_id=FIRST)
    first = stage.bot()
    plan(stage, 1)
    stage.sandbox.got()
    first.kill()
    stage.bot()
    until(lambda: all_said(stage), what="it is said")

    nothing_is_lost_or_fired_twice(stage, 1)
    assert stage.sandbox.heard(FIRST) == [f"{MARK}⏰ no0"]


def test_kill_while_a_message_is_on_its_way_and_arrives_repeats_it_once_marked(stage: Stage) -> None:
    stage.sandbox.fault("sendMessage", "hold", chat_id=FIRST)
    first = stage.bot()
    plan(stage, 1)
    stage.sandbox.got()
    first.kill()
    stage.sandbox.clear()
    until(lambda: stage.sandbox.heard(FIRST), what="it arrives all the same")
    stage.bot()
    until(lambda: all_said(stage), what="it is said")

    nothing_is_lost_or_fired_twice(stage, 1)
    assert stage.sandbox.heard(FIRST) == ["⏰ no0", f"{MARK}⏰ no0"]


@needs_postgres
def test_kill_between_the_sending_and_the_acknowledgement_repeats_it_once_marked(stage: Stage) -> None:
    stage.sandbox.fault("sendMessage", "hold", chat_id=FIRST)
    cast = Cast(stage, "runworker")
    cast.greet()
    plan(stage, 1)
    stage.sandbox.got()
    with held_up(stage, "SELECT id FROM reminders_reminder FOR UPDATE"):
        stage.sandbox.clear()
        until(lambda: waits_for_a_lock(stage, "reminders_reminder"), what="an acknowledgement that is held up")
        cast.kill(0)
    until(lambda: all_said(stage), what="it is said")

    nothing_is_lost_or_fired_twice(stage, 1)
    assert stage.sandbox.heard(FIRST) == ["⏰ no0", f"{MARK}⏰ no0"]


@needs_postgres
def test_kill_between_the_acknowledgement_and_the_record_repeats_nothing(stage: Stage) -> None:
    stage.sandbox.fault("sendMessage", "hold", chat_id=FIRST)
    cast = Cast(stage, "runworker")
    cast.greet()
    plan(stage, 1)
    stage.sandbox.got()
    stage.database.rows(STANDS_AT_THE_RECORD)
    with held_up(stage, "SELECT pg_advisory_xact_lock(1)"):
        stage.sandbox.clear()
        until(lambda: waits_for_a_lock(stage, "delivery_delivery"), what="a record that is held up")
        assert occurrences(stage) == [("acked", 1)]
        cast.kill(0)
    until(lambda: all_said(stage), what="it is settled")

    nothing_is_lost_or_fired_twice(stage, 1)
    assert stage.sandbox.heard(FIRST) == ["⏰ no0"]


# --- people meanwhile -----------------------------------------------------------------------------------------------

# Those behind the first of each person's.
VERB = """
from django.utils import timezone
from reminders import services
from reminders.models import Reminder
for row in Reminder.objects.all():
    if int(row.payload["text"].removeprefix("no")) >= {first}:
        services.{verb}(row, by=None, via="test", now=timezone.now())
print("done so", flush=True)
"""


@pytest.mark.parametrize("verb", ["pause", "cancel"])
def test_what_is_paused_or_cancelled_between_tick_and_sending_does_not_arrive(stage: Stage, verb: str) -> None:
    # Of each person's two the first is held on its way, and the second waits behind it.
    stage.sandbox.fault("sendMessage", "hold", times=None)
    stage.bot()
    plan(stage, 10, people=5)
    stage.sandbox.got(5)
    assert stage.database.rows(DUE) == [(0,)]
    assert stage.database.count("delivery_delivery", "queued") == 5
    stage.manage("shell", "-v0", "-c", VERB.format(verb=verb, first=5)).says("done so")
    stage.sandbox.clear()
    stage.quiet()
    stage.ask(FIRST, "Is there anything?")  # the bot sends, so what did not come does not come

    for place, person in enumerate(CROWD[:5]):
        texts = stage.sandbox.heard(person)
        assert any(f"no{place}" in text for text in texts)
        assert not any(f"no{place + 5}" in text for text in texts)
    assert dict(deliveries(stage)) == {"sent": 5, "cancelled": 5}


def test_who_writes_in_the_second_of_a_reminder_gets_both_and_answers_in_order(stage: Stage) -> None:
    stage.bot()
    people = list(CROWD[:20])
    plan(stage, 20, people=20, lead=3)
    time.sleep(2.5)
    for n in range(3):
        for person in people:
            stage.sandbox.say(person, f"Question {n}")
        time.sleep(0.3)
    until(lambda: all_said(stage), what="all is said")
    stage.quiet()

    for place, person in enumerate(people):
        texts = stage.sandbox.heard(person)
        answers = [text for text in texts if "⏰" not in text]
        assert [text for text in texts if "⏰" in text] == [f"⏰ no{place}"]
        assert [f"Question {n}" in answer for n, answer in enumerate(answers)] == [True] * 3
