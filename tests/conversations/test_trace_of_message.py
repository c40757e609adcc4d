"""One trace from the update to the ids of its messages: in every line of the log, and in every row."""

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from pytest_django import Settings

from conversations.models import Request
from core import metrics
from delivery.models import Delivery
from telegram_bot.models import Update
from tests.house import ANNA, BORIS, House, open_house

pytestmark = pytest.mark.django_db(transaction=True)

Line = dict[str, Any]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[Line]]:
    """Every line of ours, of every level, with what is bound to it."""
    heard: list[Line] = []

    def hear(_logger: Any, method: str, event: Line) -> Line:
        heard.append({"level": method, **event})
        return event

    before = structlog.get_config()["processors"]
    # In place: loggers that were used already keep the list.
    before.insert(1, hear)
    caplog.set_level("DEBUG")
    yield heard
    before.remove(hear)


async def one_trace(house: House) -> str:
    def traces() -> set[str]:
        rows: list[Any] = [Update.objects, Request.objects, Delivery.objects.filter(key__startswith="turn:")]
        return {trace for row in rows for trace in row.values_list("trace_id", flat=True)}

    (trace,) = await house.db(traces)
    return trace


async def test_every_step_is_logged_under_one_trace(settings: Settings, lines: list[Line]) -> None:
    async with open_house(settings) as house:
        await house.ask(ANNA, "Hello there")
        trace = await one_trace(house)
        message = house.messages(ANNA)[-1]["message_id"]

    of_it = [line for line in lines if line.get("trace") == trace]
    assert [(line["event"], line["level"]) for line in of_it] == [
        ("received", "debug"),
        ("let in", "debug"),
        ("asking", "debug"),
        ("first words", "debug"),
        ("answered", "info"),
        ("claimed", "debug"),
        ("sent", "info"),
    ]
    assert of_it[-1]["message_id"] == message
    assert "Hello there" not in str(lines)


async def test_failed_attempts_are_logged_under_the_trace(settings: Settings, lines: list[Line]) -> None:
    async with open_house(settings, STREAM_MODE="off") as house:  # a preview would take the fault
        house.fault("sendMessage", "500")
        house.say(ANNA, "Hello there")
        await house.until(lambda: house.messages(ANNA))
        trace = await one_trace(house)
    assert "delivery failed" in [line["event"] for line in lines if line.get("trace") == trace]


async def test_answer_adds_to_the_figures_of_the_process(settings: Settings) -> None:
    def count(name: str, **labels: str) -> float:
        return metrics.REGISTRY.get_sample_value(f"sekretar_{name}", labels) or 0.0

    model = {"provider": "openai", "model": "gpt-4.1-mini"}
    answers = {**model, "state": "done", "error": ""}
    before = count("answers_total", **answers), count("updates_total", kind="message", outcome="done")
    tokens = count("tokens_total", **model, direction="output")
    async with open_house(settings) as house:
        await house.ask(ANNA, "Hello there")
    assert count("answers_total", **answers) == before[0] + 1
    assert count("updates_total", kind="message", outcome="done") == before[1] + 1
    assert count("tokens_total", **model, direction="output") > tokens
    assert count("deliveries_total", outcome="sent", error="") >= 1


async def test_stranger_is_counted_as_refused(settings: Settings) -> None:
    def refused() -> float:
        labels = {"kind": "message", "outcome": "refused"}
        return metrics.REGISTRY.get_sample_value("sekretar_updates_total", labels) or 0.0

    before = refused()
    async with open_house(settings) as house:
        await house.ask(BORIS, "Hello")
    assert refused() == before + 1
