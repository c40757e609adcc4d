"""Another program, with nothing but an API key and a Redis server: it plans, hears, does, and says that it did."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from reminders.client import Event, Events
from tests.acceptance.conftest import NewStage
from tests.acceptance.processes import FIRST, PATIENCE, Stage, until
from tests.reminders.redis_server import BINARY, RedisServer

pytestmark = pytest.mark.acceptance

OUTSIDE = "6f1c2f0e-52a1-4b7e-9a3d-0d5f7f5b8a11"
SCOPES = "reminders:read,reminders:write,events:consume"
MINUTE = 60.0 + 2 * PATIENCE  # seconds for what comes with the next minute


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    if BINARY is None:
        pytest.skip("there is no redis-server on this machine")
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def stage(new_stage: NewStage, redis_server: RedisServer) -> Stage:
    stage = new_stage()
    stage.bot(REDIS_URL=redis_server.url)
    return stage


@pytest.fixture
def site(stage: Stage, redis_server: RedisServer) -> Iterator[httpx.Client]:
    """A client of the web side with a key of its own, as the command prints it."""
    made = stage.manage("create_api_key", "--name", "stock", "--scopes", SCOPES)
    assert made.wait() == 0
    secret = made.output.splitlines()[-1]
    _web, address = stage.web(REDIS_URL=redis_server.url)
    headers = {"X-API-Key": secret}
    with httpx.Client(base_url=f"{address}/api/reminders", headers=headers, timeout=PATIENCE) as client:
        yield client


def planned(site: httpx.Client, **when: str) -> str:
    wish = {"user_id": FIRST, "assistant_id": OUTSIDE, "payload": {"check": "stock"}, **when}
    answer = site.post("/", json=wish, headers={"Idempotency-Key": "stock-1"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def taken(events: Events) -> Event:
    event = events.take(wait=MINUTE)
    assert event is not None
    return event


def test_program_plans_a_series_takes_its_event_from_redis_and_acknowledges_it(
    site: httpx.Client, redis_server: RedisServer
) -> None:
    reminder = planned(site, type="recurring", cron_expression="* * * * *")
    events = Events(redis_server.url, consumer="stock-1")
    event = taken(events)
    assert (event.assistant_id, event.attempt, event.payload["user_id"]) == (OUTSIDE, 1, FIRST)
    assert (event.payload["reminder_id"], event.payload["payload"]) == (reminder, {"check": "stock"})
    assert events.ack(event, "7 left")
    history = f"/{reminder}/occurrences"
    until(lambda: site.get(history).json()["items"][-1]["state"] == "acked", MINUTE, "the acknowledgement")
    assert site.get(history).json()["items"][-1]["result"] == "7 left"
    assert site.delete(f"/{reminder}").status_code == 204


def test_program_may_acknowledge_over_rest(site: httpx.Client, redis_server: RedisServer) -> None:
    reminder = planned(site, type="one_time", trigger_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    events = Events(redis_server.url, consumer="stock-1")
    event = taken(events)
    answer = site.post(f"/events/{event.event_id}/ack", json={"result": "7 left"})
    assert (answer.status_code, answer.json()["state"], answer.json()["result"]) == (200, "acked", "7 left")
    assert site.get(f"/{reminder}").json()["status"] == "completed"
    assert site.get("/events", params={"state": "dead"}).json()["items"] == []
