"""An assistant from the first migration on: chosen in the chat, calling tools, answered by another model, killed."""

import json
from typing import Any

import pytest

from tests.acceptance.processes import CHRIS, Stage, until

pytestmark = pytest.mark.acceptance

GEMINI = "gemini:gemini-3.8-flash"


def last_request(stage: Stage) -> tuple[str, str, list[dict[str, Any]]]:
    sql = "SELECT model_ref, chosen_ref, steps FROM conversations_request ORDER BY id DESC LIMIT 1"
    [(model, chosen, steps)] = stage.database.rows(sql)
    return model, chosen, json.loads(steps) if isinstance(steps, str) else steps


def asked(stage: Stage, provider: str) -> int:
    calls = stage.sandbox.get("/llm/calls", endpoint="chat")
    return sum(call["provider"] == provider for call in calls)


def test_shipped_assistant_tells_the_time_though_its_model_is_gone_and_the_process_dies(stage: Stage) -> None:
    assert stage.manage("sync_models").wait() == 0
    stage.sandbox.post("/llm/rules", provider="openai", contains="clock", error="404")
    bot = stage.bot(FALLBACK_MODELS=GEMINI)

    assert "🧭" in stage.ask(CHRIS, "/assistants")
    names = [row[0] for row in stage.database.rows("SELECT name FROM conversations_assistant WHERE emoji = %s", "🧭")]
    said = [stage.ask(CHRIS, f"/assistant {name}") for name in sorted(names)]
    assert sum("🧭" in text for text in said) == 1  # the one of their language

    answer = stage.ask(CHRIS, "What does the clock say? [[tool current_time {}]]")
    assert "UTC" in answer
    assert "↪️" in answer
    model, chosen, steps = last_request(stage)
    assert (model, chosen) == (GEMINI, "openai:gpt-4.1-mini")
    assert [step["kind"] for step in steps] == ["fallback", "tool"]

    before = asked(stage, "gemini")
    stage.sandbox.post("/llm/rules", provider="gemini", contains="slow clock", delay=1.5)
    stage.sandbox.say(CHRIS, "And the slow clock? [[tool current_time {}]]")
    until(lambda: asked(stage, "gemini") >= before + 2, what="the round after the tool")
    bot.kill()
    stage.bot(FALLBACK_MODELS=GEMINI)
    stage.quiet()

    assert "↪️" in stage.sandbox.heard(CHRIS)[-1]
    assert [step["kind"] for step in last_request(stage)[2]] == ["fallback", "tool"]
    assert stage.database.rows("SELECT count(*) FROM conversations_request WHERE prompt LIKE %s", "%slow clock%") == [
        (1,)
    ]
