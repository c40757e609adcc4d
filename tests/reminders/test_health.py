"""What the operators are told of the Redis server."""

import time
from datetime import datetime

import pytest
from django.utils import translation
from pytest_django import Settings

from core.health import Level
from reminders import health
from reminders.client import keys_of
from tests.acceptance.processes import free_port
from tests.reminders.redis_server import RedisServer

WAITING = keys_of()[1]


def test_without_a_server_all_is_well(settings: Settings, now: datetime) -> None:
    settings.REDIS_URL = ""

    assert health.redis(now).well
    assert health.redis(now).facts == {"configured": False}


def test_server_that_answers_is_well(redis_server: RedisServer, now: datetime) -> None:
    found = health.redis(now)

    assert (found.level, found.facts["waiting"], found.facts["oldest_seconds"]) == (Level.OK, 0, 0.0)


def test_server_that_is_away_is_a_warning_without_its_address(settings: Settings, now: datetime) -> None:
    settings.REDIS_URL = f"redis://:hunter22@127.0.0.1:{free_port()}/0"
    with translation.override("en"):
        found = health.redis(now)

    assert found.level == Level.WARNING, "people get what is for them without it"
    assert found.words.startswith("Redis does not answer.")
    assert "hunter22" not in repr(found)


@pytest.mark.parametrize(("waited", "level"), [(100, Level.OK), (600, Level.WARNING)])
def test_events_that_nobody_takes_are_told(
    redis_server: RedisServer, settings: Settings, now: datetime, waited: int, level: Level
) -> None:
    settings.WAIT_WARN_SEC = 300
    with redis_server.redis as raw:
        raw.zadd(WAITING, {"e-1": (time.time() - waited) * 1000, "e-2": time.time() * 1000})
    with translation.override("en"):
        found = health.redis(now)

    assert (found.level, found.facts["waiting"]) == (level, 2)
    assert ("one has waited for 10 min" in found.words) is (level == Level.WARNING)
