"""The bot goes deaf while its process lives: /readyz says so, the admins are told; and again when it hears."""

from typing import Any

import httpx
import pytest

from tests.acceptance.processes import ADMINS, FIRST, PATIENCE, Stage, free_port, until

pytestmark = pytest.mark.acceptance

SOON = {"DEAF_AFTER_SEC": "2"}


def get(address: str) -> httpx.Response:
    return httpx.get(address, timeout=PATIENCE)


def ready(address: str) -> tuple[int, dict[str, Any]]:
    answer = get(f"{address}/readyz")
    return answer.status_code, answer.json()["checks"]


def notices(stage: Stage) -> list[str]:
    return [text for text in stage.sandbox.heard(ADMINS) if text.startswith(("⚠️ The bot is deaf", "✅ Well again"))]


def test_deaf_bot_is_told_of_and_so_is_the_cure(stage: Stage) -> None:
    web, address = stage.web(**SOON)
    assert get(f"{address}/healthz").text == "ok\n"
    status, checks = ready(address)
    assert (status, checks["bot"]) == (503, {"level": "failed", "alive": False})

    bot = stage.bot(**SOON)
    until(lambda: ready(address)[1]["bot"].get("by") == "poll", what="a bot that polls")
    assert ready(address)[0] == 200
    assert ready(address)[1]["bot"]["tick_seconds_ago"] < 20

    stage.sandbox.fault("getUpdates", "cut", times=None)
    stage.sandbox.say(FIRST, "This ends the poll that waits.")
    until(lambda: ready(address)[0] == 503, what="not ready")
    status, checks = ready(address)
    assert (checks["bot"]["level"], checks["bot"]["alive"]) == ("failed", True)
    assert checks["bot"]["trouble"] in ("NetworkError", "TimedOut")
    assert get(f"{address}/healthz").status_code == 200
    until(lambda: notices(stage), what="the admins are told")

    stage.sandbox.clear()
    until(lambda: ready(address)[0] == 200, what="ready again")
    until(lambda: len(notices(stage)) > 1, what="the admins are told of it")
    deaf, well = notices(stage)
    assert deaf.startswith("⚠️ The bot is deaf: it has heard nothing from Telegram since ")
    assert well == "✅ Well again: the bot hears Telegram."
    assert bot.is_running
    assert "Service Unavailable" not in web.output


def test_bot_that_was_killed_is_missed(stage: Stage) -> None:
    _web, address = stage.web()
    bot = stage.bot()
    until(lambda: ready(address)[0] == 200, what="ready")
    bot.kill()
    until(lambda: ready(address)[0] == 503, what="not ready")
    assert ready(address)[1]["bot"]["alive"] is False


def test_figures_of_both_processes_can_be_scraped(stage: Stage) -> None:
    port = free_port()
    _web, address = stage.web()
    stage.bot(METRICS_PORT=str(port))
    stage.ask(FIRST, "How much is it?")
    stage.quiet()
    figures = f"http://127.0.0.1:{port}/metrics"
    # The last to be counted, when the row says already that it is done.
    until(lambda: "sekretar_updates_total{" in get(figures).text, what="the update to be counted")
    own = get(figures).text
    assert 'sekretar_updates_total{kind="message",outcome="done"} 1.0' in own
    assert 'sekretar_answers_total{error="",model="gpt-4.1-mini",provider="openai",state="done"} 1.0' in own
    assert 'sekretar_first_token_seconds_count{provider="openai"} 1.0' in own
    assert 'sekretar_tokens_total{direction="output",model="gpt-4.1-mini",provider="openai"}' in own
    assert "How much" not in own
    rows = get(f"{address}/metrics").text
    assert 'sekretar_day_updates{kind="message",state="done"} 1.0' in rows
    assert 'sekretar_inbox_rows{state="new"} 0.0' in rows
