"""With a SENTRY_DSN, bugs are reported with their place in the code and their trace; never with a secret or a text."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.acceptance.processes import BOT, FIRST, PATIENCE, SECRETS, Json, Stage, until

pytestmark = pytest.mark.acceptance

DIARY = "Nobody may read this diary"
JOB = """
import sentry_sdk
from delivery.jobs import run
try:
    run({job!r})
finally:
    sentry_sdk.flush({seconds})
"""


class Reports:
    """What arrived at a server that takes error reports (https://develop.sentry.dev/sdk/data-model/envelopes/)."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        reports = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                packed = self.headers.get("Content-Encoding") == "gzip"
                reports.bodies.append((gzip.decompress(body) if packed else body).decode())
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.dsn = f"http://key@127.0.0.1:{self.server.server_address[1]}/1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def events(self) -> list[Json]:
        items = [json.loads(line) for body in list(self.bodies) for line in body.splitlines() if line.startswith("{")]
        return [item for item in items if "event_id" in item and "platform" in item]

    def of(self, message: str) -> Json:
        """The report of that name, once it is here."""
        return until(lambda: [event for event in self.events if message in json.dumps(event)], what=message)[0]


@pytest.fixture
def reports() -> Iterator[Reports]:
    taken = Reports()
    yield taken
    taken.server.shutdown()
    taken.server.server_close()


def kinds(event: Json) -> list[str]:
    return [value["type"] for value in event["exception"]["values"]]


def functions(event: Json) -> list[str]:
    return [frame["function"] for value in event["exception"]["values"] for frame in value["stacktrace"]["frames"]]


def test_bugs_of_a_handler_and_of_a_delivery_are_reported(stage: Stage, reports: Reports) -> None:
    stage.bot(SENTRY_DSN=reports.dsn)
    sender = {"id": FIRST, "is_bot": False, "first_name": "Person"}
    chat = {"id": FIRST, "type": "private", "first_name": "Person"}
    stage.ask(FIRST, "Hello")
    poison = {"message_id": 1, "date": "yesterday", "chat": chat, "from": sender, "text": DIARY}
    update = stage.sandbox.post("/update", message=poison)["update_id"]
    stage.database.rows(
        "INSERT INTO delivery_delivery (key, backend, bot_id, chat_id, lane, source, content, state, on_doubt,"
        " attempts, worker, result, repeated, error_kind, error, trace_id, created_at) VALUES"
        " ('odd', 'telegram', %s, %s, %s, 'test', '{}', 'queued', 'again', 0, '', '{}', %s, '', '', 'feedfeedfeed',"
        " CURRENT_TIMESTAMP)",
        BOT, FIRST, f"out:{BOT}:{FIRST}", False,
    )  # fmt: skip

    handler, delivery = reports.of("update broke"), reports.of("delivery broke")

    trace = stage.database.rows("SELECT trace_id FROM telegram_bot_update WHERE update_id = %s", update)[0][0]
    assert handler["tags"]["trace"] == trace
    assert (handler["logentry"]["message"], handler["extra"]["update"]) == ("update broke", update)
    assert "_handle" in functions(handler)
    assert delivery["tags"]["trace"] == "feedfeedfeed"
    assert (kinds(delivery), "send" in functions(delivery)) == (["KeyError"], True)
    whole = "".join(reports.bodies)
    assert [name for name, secret in SECRETS.items() if secret in whole] == []
    assert DIARY not in whole


def test_bug_of_a_job_is_reported_without_its_secrets(stage: Stage, reports: Reports) -> None:
    # A process that ends waits for its reports for two seconds only, and a machine may be busy.
    code = JOB.format(job=f"delivery.jobs.{SECRETS['BOT_TOKEN']}", seconds=PATIENCE)
    job = stage.manage("shell", "-v0", "-c", code, SENTRY_DSN=reports.dsn)
    assert job.wait() == 1
    event = reports.of("job_failed")
    assert kinds(event)[-1] == "ImportError"
    assert len(event["tags"]["trace"]) == 12
    assert "***" in event["exception"]["values"][-1]["value"]
    assert SECRETS["BOT_TOKEN"] not in "".join(reports.bodies)
