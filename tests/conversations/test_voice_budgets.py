"""Listening to a recording costs too: it needs room in the budgets, and is charged to them, priced or not."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from conversations.models import RequestSum
from llm.models import Reservation
from llm.tokens import PAGE, SECOND
from sandbox.providers.speech import seconds
from sandbox.telegram.files import Upload
from tests.conversations.conftest import change, offer, requests
from tests.conversations.test_budgets import limit, spendings
from tests.conversations.test_usage import plain
from tests.files import documents
from tests.house import ADMINS, ANNA, MODEL, House, open_house

WORDS = "What is the time"
OGG = b"OggS\x00\x02" + bytes(22) + b"\x01\x13OpusHead" + bytes(9000)
RECORDING = OGG + f"[[text {WORDS}]]".encode()
SCRIBE = "gpt-4o-mini-transcribe"


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.FILES_DIR = tmp_path


@pytest.fixture
async def listening(house: House) -> House:
    """The house with a model that turns recordings into words and counts their tokens."""
    await house.db(offer, "openai", SCRIBE, capabilities=["transcription"])
    return house


async def speak(house: House, content: bytes = RECORDING) -> list[str]:
    house.world.say(ANNA, file=("voice", Upload("voice.ogg", "audio/ogg", content)))
    await house.quiet()
    return house.heard(ANNA)


def heard(house: House) -> list[Any]:
    return [call for call in house.models.calls if call.endpoint == "transcriptions"]


async def spent_on_listening(house: House) -> tuple[int, Decimal, int, int]:
    """Tokens, money, answers of unknown price and estimated ones, without what the answer itself cost."""
    [spending] = await house.db(spendings)
    [request] = await house.db(requests)
    answer = (request.input_tokens or 0) + (request.output_tokens or 0)
    unpriced = spending.unpriced - (request.cost is None)
    return spending.tokens - answer, spending.cost - (request.cost or 0), unpriced, spending.estimated


async def test_listening_is_charged_with_what_the_provider_counted(listening: House) -> None:
    await listening.db(limit, tokens=100_000, money=1)
    await listening.db(change, SCRIBE, price_input=1000, price_output=2000)

    assert (await speak(listening))[0] == f"🎤 {WORDS}"

    entered = seconds(RECORDING) * 10
    tokens, cost, unpriced, estimated = await spent_on_listening(listening)
    assert tokens > entered
    assert cost == (entered + 2 * (tokens - entered)) * Decimal("0.001")
    assert (unpriced, estimated) == (0, 0)
    assert not await listening.db(Reservation.objects.filter(settled_at=None).exists)


async def test_what_listening_took_is_on_record_without_any_budget(listening: House) -> None:
    await speak(listening)

    row = await listening.db(RequestSum.objects.get)
    [request] = await listening.db(requests)
    assert (row.user_id, row.model_ref, row.answered, row.unpriced) == (request.user_id, f"openai:{SCRIBE}", 0, 1)
    assert row.input_tokens == seconds(RECORDING) * 10
    total = row.input_tokens + row.output_tokens + (request.input_tokens or 0) + (request.output_tokens or 0)
    assert f"Today: 1 answer, {total} tokens, cost unknown" in plain(await listening.ask(ANNA, "/usage"))


async def test_recording_of_unknown_price_is_counted_as_such(listening: House) -> None:
    await listening.db(limit, money=1)

    await speak(listening)

    tokens, cost, unpriced, estimated = await spent_on_listening(listening)
    assert tokens > 0
    assert (cost, unpriced, estimated) == (Decimal(0), 1, 0)


async def test_listener_that_counts_seconds_is_charged_with_an_estimate(house: House) -> None:
    await house.db(offer, "openai", "whisper-1", capabilities=["transcription"], price_input=1, price_output=1)
    await house.db(limit, tokens=100_000, money=1)

    await speak(house)

    tokens, cost, unpriced, estimated = await spent_on_listening(house)
    assert tokens >= seconds(RECORDING) * SECOND
    assert (cost, unpriced, estimated) == (Decimal(0), 1, 1)


async def test_scan_is_charged_with_an_estimate_and_its_price_is_unknown(house: House, settings: Settings) -> None:
    settings.MISTRAL_API_KEY, settings.MISTRAL_BASE_URL = "sandbox", f"{house.sandbox.url}/llm/mistral"
    await house.db(offer, "mistral", "mistral-ocr-4-0", capabilities=["ocr"], price_input=1, price_output=1)
    await house.db(limit, tokens=100_000, money=1)

    house.world.say(ANNA, "Sum it up", file=("document", Upload("scan.pdf", "application/pdf", documents.pdf([""]))))
    await house.quiet()

    assert [call.endpoint for call in house.models.calls] == ["ocr", "chat"]
    tokens, cost, unpriced, estimated = await spent_on_listening(house)
    assert tokens >= PAGE
    assert (cost, unpriced, estimated) == (Decimal(0), 1, 1)


async def test_price_of_a_model_that_converses_says_nothing_of_recordings(house: House, settings: Settings) -> None:
    settings.GEMINI_API_KEY, settings.GEMINI_BASE_URL = "sandbox", f"{house.sandbox.url}/llm/gemini"
    able = ["audio", "text", "transcription"]
    await house.db(offer, "gemini", "gemini-3.8-flash", capabilities=able, price_input=1, price_output=1)
    await house.db(limit, money=1)

    await speak(house)

    tokens, cost, unpriced, _estimated = await spent_on_listening(house)
    assert tokens > 0
    assert (cost, unpriced) == (Decimal(0), 1)


async def test_at_the_limit_nobody_listens_and_more_can_be_asked_for(listening: House) -> None:
    await listening.db(limit, tokens=20)

    said = await speak(listening)

    assert len(said) == 1
    assert said[0].startswith("🪫 Your budget for today is nearly used up")
    assert list(listening.buttons(ANNA)) == ["🙏 Ask for more"]
    assert not listening.models.calls
    assert await listening.db(requests) == []


async def test_recording_nobody_could_listen_to_costs_nothing(listening: House) -> None:
    await listening.db(change, MODEL, capabilities=["text", "audio"])
    await listening.db(limit, tokens=100_000)
    listening.models.rule(endpoint="transcriptions", error="400")

    await speak(listening)

    assert len(heard(listening)) == 1
    assert (await spent_on_listening(listening))[0] == 0
    [spending] = await listening.db(spendings)
    assert spending.reserved_tokens == 0


async def test_without_a_known_price_the_recording_itself_goes_to_a_model_that_hears(
    transactional_db: None, settings: Settings
) -> None:
    async with open_house(settings, BUDGET_UNPRICED_MODELS=False) as house:
        await house.db(offer, "openai", SCRIBE, capabilities=["transcription"])
        await house.db(change, MODEL, capabilities=["text", "audio"], price_input=1, price_output=1)
        await house.db(limit, money=1)

        await speak(house)

        assert [call.endpoint for call in house.models.calls] == ["chat"]


async def test_bots_budget_is_warned_of_by_listening_alone(listening: House) -> None:
    await listening.db(limit, "bot", tokens=400)

    await speak(listening, OGG + f"[[text {'word ' * 400}]]".encode())

    assert listening.heard(ADMINS)[-1].startswith("🔋 The bot's budget for today is used to 100 %")


async def test_whoever_is_too_fast_is_not_listened_to(transactional_db: None, settings: Settings) -> None:
    async with open_house(settings, REQUESTS_PER_MINUTE=1) as house:
        await house.db(offer, "openai", SCRIBE, capabilities=["transcription"])
        await house.ask(ANNA, "One")

        assert (await speak(house))[-1].startswith("⏱ 1 question a minute is the limit here.")
        assert heard(house) == []
