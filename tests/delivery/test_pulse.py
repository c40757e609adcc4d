"""Processes know of one another."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from core.claims import WORKER
from delivery import outbox, pulse
from delivery.models import Delivery, Heartbeat

pytestmark = pytest.mark.django_db

FAR = "another-machine:7:abcdef"


def beat(worker: str, seconds_ago: float = 0.0, name: str = "") -> None:
    pulse.beat(name or f"{pulse.WORKERS}{worker}", {"worker": worker}, timezone.now() - timedelta(seconds=seconds_ago))


def held_by(worker: str) -> Delivery:
    until = timezone.now() + timedelta(minutes=2)
    return Delivery.objects.create(
        key=worker, lane=f"out:1:{worker}", source="test", state="sending", worker=worker, lease_until=until
    )


def test_alive_are_the_bot_and_those_workers_that_were_heard_of_just_now(
    monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    monkeypatch.setattr(pulse, "database_now", lambda: now)
    monkeypatch.setattr(timezone, "now", lambda: now)
    beat("the bot", name=pulse.BOT)
    beat("fresh", 19.9)
    beat("silent", 20.1)
    beat("something else", name="conditions")

    assert pulse.workers() == {"the bot", "fresh"}


def test_start_leaves_alone_what_a_living_worker_holds() -> None:
    beat(FAR)
    held_by(FAR)

    assert outbox.recover(everything=True) == 0
    assert not Delivery.objects.get().repeated


def test_start_takes_back_what_a_silent_worker_holds() -> None:
    beat(FAR, 25)
    held_by(FAR)

    assert outbox.recover(everything=True) == 1
    assert Delivery.objects.get().repeated


def test_bot_that_starts_takes_back_what_the_bot_before_it_held() -> None:
    beat(FAR, 1, name=pulse.BOT)
    held_by(FAR)
    pulse.beat(pulse.BOT, {"worker": WORKER}, timezone.now())  # the first thing it does

    assert outbox.recover(everything=True) == 1


def test_worker_that_ends_in_order_leaves_no_sign() -> None:
    beat(FAR)
    pulse.end(f"{pulse.WORKERS}{FAR}")

    assert pulse.workers() == set()
    assert not Heartbeat.objects.exists()


def test_housekeeping_forgets_workers_that_ended_without_a_word_and_never_the_bot(now: datetime) -> None:
    for name, hours in ((pulse.BOT, 5), ("worker:old", 2), ("worker:new", 0)):
        pulse.beat(name, {}, now - timedelta(hours=hours))

    assert pulse.forget_silent(now) == 1
    assert set(Heartbeat.objects.values_list("name", flat=True)) == {pulse.BOT, "worker:new"}


def test_name_of_a_workers_sign_fits_its_column() -> None:
    assert len(pulse.WORKER_HERE) <= 60
