"""Other services: events into a Redis list, and reminders made and listed over REST."""

import http.client
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from benchmarks.figures import Figure, Target, median
from benchmarks.grounds import Ground, grounds
from benchmarks.lab import FIRST, READY_SECONDS, Lab
from benchmarks.processes import FailedError, Process, run, running
from benchmarks.reminders import PEOPLE, percentile

EVENTS = 5000
CREATES, CLIENTS = 1200, 4
LISTED, LOOKS = 10_000, 200
SCOPES = "reminders:read,reminders:write"


# --- events ---------------------------------------------------------------------------------------------------------


def events(lab: Lab) -> list[Figure]:
    """5,000 events that wait in the outbox, out of one process into the list of a Redis server of their own."""
    with redis_server(lab) as url, grounds(lab) as found:
        return [_events(ground, url) for ground in found]


def _events(ground: Ground, url: str) -> Figure:
    database, rates = ground.databases.fresh(), []
    for turn in range(ground.lab.size.repeats):
        server = f"{url}/{turn % 16}" if ground.name == "SQLite" else f"{url}/{8 + turn % 8}"
        ground.ask(database, "events", FIRST, PEOPLE, EVENTS, REDIS_URL=server)
        told = ground.ask(database, "push", REDIS_URL=server)
        assert told["events"] == EVENTS, told
        rates.append(EVENTS / told["seconds"])
    return Figure(f"events into Redis, {ground.name}", "1/s", median(rates), target=Target(1500, at_least=True))


@contextmanager
def redis_server(lab: Lab) -> Iterator[str]:
    """The address of a server that keeps nothing. FailedError where there is no program for it."""
    program = shutil.which("redis-server")
    if program is None:
        raise FailedError("there is no redis-server on this machine")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    words = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with lab.log("redis").open("wb") as output, subprocess.Popen(words, stdout=output, cwd=lab.folder) as server:
        try:
            _wait_for(port)
            yield f"redis://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait_for(port: int) -> None:
    end = time.monotonic() + READY_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


# --- REST -----------------------------------------------------------------------------------------------------------


def rest(lab: Lab) -> list[Figure]:
    """One web process, as it is started in life: reminders made by four clients, and the list of somebody with many."""
    with grounds(lab) as found:
        return [figure for ground in found for figure in _rest(ground)]


def _rest(ground: Ground) -> list[Figure]:
    database = ground.databases.fresh()
    env = ground.env(database)
    log = ground.lab.log("key")
    run(["manage.py", "create_api_key", "--name", "bench", "--scopes", SCOPES], env, log)
    key = log.read_text(encoding="utf-8").splitlines()[-1]
    ground.ask(database, "plan", FIRST, 1, LISTED, time.time() + 86_400, 86_400)
    words = ["-m", "uvicorn", "config.asgi:application", "--port", "0", "--no-access-log"]
    with running(words, env, ground.lab.log("web")) as process:
        address = _address(process)
        _create(address, key, range(50))
        began = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(
                pool.map(lambda part: _create(address, key, part), [range(n, CREATES, CLIENTS) for n in range(CLIENTS)])
            )
        creates = CREATES / (time.perf_counter() - began)
        took = sorted(_lists(address, key))
    # What is asked for is PostgreSQL: SQLite's one writer is for one machine and few.
    promised = ground.name == "PostgreSQL"
    return [
        Figure(f"creates, {ground.name}", "1/s", creates, target=Target(200, at_least=True) if promised else None),
        Figure(f"a page of {LISTED:,}, 95 of 100, {ground.name}", "ms", percentile(took, 0.95), target=Target(50)),
    ]


def _address(process: Process) -> str:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and process.popen.poll() is None:
        _before, found, after = process.log.read_text(encoding="utf-8").partition("running on http://")
        if found and " " in after:
            return after.split()[0]
        time.sleep(0.02)
    raise process.failed("does not listen")


def _create(address: str, key: str, numbers: range) -> None:
    """One client on a connection that stays."""
    client = http.client.HTTPConnection(address, timeout=30)
    at = datetime.now(UTC) + timedelta(days=1)
    for number in numbers:
        body = {
            "user_id": FIRST + 1 + number % (PEOPLE - 1),
            "type": "one_time",
            "trigger_at": (at + timedelta(seconds=number)).isoformat(),
            "payload": json.dumps({"text": f"Meeting {number}", "priority": "normal"}),
        }
        _call(client, key, "POST", "/api/reminders/", body)
    client.close()


def _lists(address: str, key: str) -> list[float]:
    """Milliseconds for each page, from the first to the last."""
    client, took = http.client.HTTPConnection(address, timeout=30), []
    for look in range(LOOKS + 10):
        page = 1 + look * (LISTED // 20) // (LOOKS + 10)
        began = time.perf_counter()
        told = _call(client, key, "GET", f"/api/reminders/user/{FIRST}?page={page}")
        took.append(1000 * (time.perf_counter() - began))
        assert (told["total"], len(told["items"])) == (LISTED, 20)
    client.close()
    return took[10:]


def _call(client: http.client.HTTPConnection, key: str, method: str, path: str, body: object = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    client.request(method, path, None if body is None else json.dumps(body), headers)
    answer = client.getresponse()
    text = answer.read()
    if answer.status >= 400:
        raise FailedError(f"{method} {urlsplit(path).path} answered {answer.status}: {text[:200]!r}")
    found: dict[str, Any] = json.loads(text)
    return found
