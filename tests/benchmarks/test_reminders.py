"""What the measurements of reminders make of what they see, and the rows that they measure on."""

import time
from pathlib import Path

import pytest

from accounts.models import Chat, ChatKind, User
from benchmarks import reminder_rows
from benchmarks.grounds import grounds
from benchmarks.lab import QUICK, Lab
from benchmarks.reminders import _waits, percentile
from delivery.models import Delivery, Schedule
from reminders.models import Occurrence, Reminder


def test_percentile_is_the_value_that_so_many_do_not_pass() -> None:
    assert percentile([float(n) for n in range(1, 101)], 0.95) == 96.0
    assert percentile([3.0], 0.99) == 3.0


def test_percentile_of_nothing_is_an_error_and_not_a_zero() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 0.99)


def test_a_reminder_waits_from_its_own_planned_moment_on() -> None:
    calls = [{"time": 112.5, "params": {"text": "⏰ no2"}}, {"time": 100.25, "params": {"text": "⏰ no0"}}]
    assert sorted(_waits([*calls, {"time": 1.0, "params": {"text": "an answer"}}], 100.0, 6.0)) == [0.25, 0.5]


# --- rows -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def chat(member: User) -> Chat:
    return Chat.objects.create(bot_id=1000, telegram_id=101, kind=ChatKind.PRIVATE, person=member)


@pytest.mark.django_db(transaction=True)
def test_what_is_planned_fires_once_and_is_planned_anew_from_scratch(chat: Chat) -> None:
    for count in (3, 5):
        reminder_rows.plan(101, 1, count, time.time() - 5, 0)
        told = reminder_rows.fire()
        assert (told["fired"], told["deliveries"]) == (count, count)
        assert Occurrence.objects.count() == Reminder.objects.count() == count


@pytest.mark.django_db(transaction=True)
def test_lateness_is_told_of_what_was_fired_only(chat: Chat) -> None:
    reminder_rows.plan(101, 1, 2, time.time() - 5, 3600)
    reminder_rows.fire()

    (late,) = reminder_rows.fired()["late"]
    assert 5 <= late < 60


@pytest.mark.django_db(transaction=True)
def test_rows_of_the_future_are_never_due(chat: Chat) -> None:
    reminder_rows.future(1000)

    assert Schedule.objects.filter(state="active").count() == 1000
    assert len(reminder_rows.poll(5)["took"]) == 5
    assert not Delivery.objects.exists()


# --- databases ------------------------------------------------------------------------------------------------------


def test_a_server_that_does_not_answer_leaves_the_other_database_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("benchmarks.databases.POSTGRES", "postgres://nobody@127.0.0.1:9/none")
    with Lab("sqlite", QUICK, said.append) as lab, grounds(lab) as found:
        assert [ground.name for ground in found] == ["SQLite"]
    assert said[0].startswith("without PostgreSQL: PostgreSQL does not do what is asked")
