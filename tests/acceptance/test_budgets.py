"""Two processes answer at the same time and cannot overspend a budget together."""

import json

import pytest

from tests.acceptance.conftest import ON_POSTGRES
from tests.acceptance.processes import BOT, CROWD, Process, Stage, until

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not ON_POSTGRES, reason="several processes answer on PostgreSQL only: set DATABASE_URL"),
]

LIMIT = 10_000
ASKED = CROWD[:30]
# What an answer sets aside is a little over 2000 tokens, what it costs here about 1800.
WORDS = 1200

# A process that works off the lanes of the inbox and the outbox, as runbot does, but does not receive. Three at a time:
# answers that are being written fill it up, so that the other one has work as well.
WORKER = """
import asyncio
from core.trace import new_trace
from delivery import engine
from delivery.engine.local import LocalEngine
from telegram_bot import runtime
from telegram_bot.application import build

async def main():
    application, local = build(), LocalEngine()
    runtime.use(application)
    engine.use(local)
    await application.initialize()
    await local.start(3)
    print("at work", flush=True)
    await local.run(3)

asyncio.run(main())
"""

STORE = """
import json, sys
from django.utils import timezone
from telegram_bot.services import store
store({bot}, json.loads({batch!r}), timezone.now())
print("stored", flush=True)
"""


def run(stage: Stage, code: str) -> Process:
    return stage.manage("shell", "-v0", "-c", code)


def spent(stage: Stage) -> tuple[int, int]:
    rows = stage.database.rows("SELECT tokens, reserved_tokens FROM llm_spending")
    return (int(rows[0][0]), int(rows[0][1])) if rows else (0, 0)


def test_two_processes_cannot_overspend_a_budget_together(stage: Stage) -> None:
    stage.database.rows(
        "INSERT INTO llm_budget (scope, role, period, tokens, enabled, updated_at)"
        " VALUES ('bot', '', 'month', %s, true, now())",
        LIMIT,
    )
    # Held until both have begun: one that was late would find nothing left to do.
    stage.sandbox.model("Question", words=WORDS, slow=1.5, hold="hold")
    said = [stage.sandbox.say(person, f"Question {person}") for person in ASKED]
    batch = [{"update_id": number, "message": message} for number, message in enumerate(said, start=1)]
    workers = [run(stage, WORKER), run(stage, WORKER)]
    for worker in workers:
        worker.says("at work")
    run(stage, STORE.format(bot=BOT, batch=json.dumps(batch))).says("stored")

    both = "SELECT DISTINCT worker FROM telegram_bot_update WHERE state <> 'new'"
    until(lambda: len(stage.database.rows(both)) == 2, what="both at work")

    most = [0]

    def all_is_said() -> bool:
        stage.sandbox.release()
        most.append(sum(spent(stage)))
        done = stage.database.count("telegram_bot_update", "done") == len(ASKED)
        return done and not stage.database.count("delivery_delivery", "queued", "sending")

    until(all_is_said, what="all questions answered or refused")

    heard = [stage.sandbox.heard(person) for person in ASKED]
    answered = [texts for texts in heard if texts and not texts[0].startswith("🪫")]
    used, reserved = spent(stage)
    assert max(most) <= LIMIT
    assert len(answered) >= 4
    counted = stage.database.rows(
        "SELECT sum(input_tokens + output_tokens) FROM conversations_request WHERE error_kind = ''"
    )
    assert used == counted[0][0]
    assert used > LIMIT / 2
    assert reserved == 0
    assert len([texts for texts in heard if texts and texts[0].startswith("🪫")]) == len(ASKED) - len(answered)
    # Both were at work, or this story tells nothing.
    assert len({row[0] for row in stage.database.rows("SELECT worker FROM telegram_bot_update")}) == 2
