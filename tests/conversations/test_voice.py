"""Voice messages become words, and pictures that a model makes become photos."""

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from conversations.models import Attachment, Message, Request
from files.models import StoredFile
from sandbox.telegram.files import Upload
from tests.conversations.conftest import change, choose, offer
from tests.house import ANNA, MODEL, House

OGG = b"OggS\x00\x02" + bytes(22) + b"\x01\x13OpusHead" + bytes(50)
PAINTER = "gemini-3.1-flash-image"


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.FILES_DIR = tmp_path
    return tmp_path


async def speak(house: House, words: str = "What is the time", **more: Any) -> list[str]:
    recording = Upload("voice.ogg", "audio/ogg", OGG + f"[[text {words}]]".encode())
    house.world.say(ANNA, file=("voice", recording), **more)
    await house.quiet()
    return house.heard(ANNA)


def asked(house: House) -> list[Any]:
    return [call.body["messages"][-1]["content"] for call in house.models.calls if call.endpoint == "chat"]


@pytest.fixture
async def listening(house: House) -> House:
    """The house with a model that turns recordings into words."""
    await house.db(offer, "openai", "gpt-4o-mini-transcribe", capabilities=["transcription"])
    return house


async def test_voice_message_is_heard_quoted_and_answered(listening: House) -> None:
    quote, answer = await speak(listening)

    assert quote == "🎤 What is the time"
    assert MODEL in answer
    assert asked(listening) == ["What is the time"]
    request = await listening.db(Request.objects.get)
    assert request.prompt == "What is the time"
    stored = await listening.db(StoredFile.objects.get)
    assert (stored.mime, stored.text) == ("audio/ogg", "What is the time")


async def test_dialog_goes_on_after_a_voice_message_without_hearing_it_again(listening: House) -> None:
    await speak(listening)
    await listening.ask(ANNA, "And now?")

    messages = listening.models.calls[-1].body["messages"]
    assert [message["content"] for message in messages if message["role"] == "user"] == ["What is the time", "And now?"]
    assert len([call for call in listening.models.calls if call.endpoint == "transcriptions"]) == 1


async def test_long_quote_is_cut_short(listening: House) -> None:
    quote, _answer = await speak(listening, "word " * 200)

    assert quote.endswith("…")
    assert len(quote) < 320


async def test_voice_message_goes_to_a_model_that_hears_when_nobody_transcribes(house: House) -> None:
    await house.db(change, MODEL, capabilities=["text", "audio"])
    house.world.say(ANNA, "Listen", file=("audio", Upload("a.mp3", "audio/mpeg", b"ID3\x04" + bytes(500))))
    await house.quiet()

    (content,) = asked(house)
    assert [part["type"] for part in content] == ["input_audio", "text"]


async def test_voice_message_that_nobody_hears_is_told(house: House) -> None:
    assert await speak(house) == ["This model cannot listen. No model that can is set up here."]
    assert asked(house) == []


@pytest.mark.parametrize("kind", ["audio", "voice"])
async def test_recording_without_words_is_told(listening: House, kind: str) -> None:
    silence = Upload("a.ogg", "audio/ogg", OGG + b"[[text]]")
    for _time in range(2):
        listening.world.say(ANNA, file=(kind, silence))
        await listening.quiet()

    assert listening.heard(ANNA) == ["I heard no words in this recording."] * 2
    assert [call.endpoint for call in listening.models.calls] == ["transcriptions"]


async def test_recording_that_could_not_be_written_down_is_told_and_heard_when_it_is_sent_again(
    listening: House,
) -> None:
    listening.models.rule(endpoint="transcriptions", error="400", times=1)

    assert await speak(listening) == [
        "I could not make out the recording just now. Please send it once more in a minute."
    ]
    assert asked(listening) == []
    assert not await listening.db(Request.objects.exists)
    assert (await speak(listening))[1] == "🎤 What is the time"


async def test_model_that_hears_gets_the_voice_message_that_could_not_be_written_down(listening: House) -> None:
    await listening.db(change, MODEL, capabilities=["text", "audio"])
    listening.models.rule(endpoint="transcriptions", error="400")
    await speak(listening)

    (content,) = asked(listening)
    assert [part["type"] for part in content] == ["input_audio"]


async def music(house: House) -> Any:
    """A recording that is no voice message; what a model was told of it."""
    recording = Upload("a.mp3", "audio/mpeg", b"ID3\x04" + bytes(500) + b"[[text La la]]")
    house.world.say(ANNA, "What is it?", file=("audio", recording))
    await house.quiet()
    (content,) = asked(house)
    return content


async def test_recording_goes_as_it_is_to_a_model_that_hears_though_another_could_write_it_down(
    listening: House,
) -> None:
    await listening.db(change, MODEL, capabilities=["text", "audio"])

    assert [part["type"] for part in await music(listening)] == ["input_audio", "text"]
    assert [call.endpoint for call in listening.models.calls] == ["chat"]


async def test_words_of_a_recording_go_to_a_model_that_does_not_hear(listening: House) -> None:
    assert "Transcript of “a.mp3” (audio/mpeg):\nLa la" in str(await music(listening))
    assert (await listening.db(Request.objects.get)).prompt == "What is it?"


# --- pictures that come back ----------------------------------------------------------------------------------------


@pytest.fixture
async def painting(house: House, settings: Settings) -> House:
    settings.GEMINI_API_KEY, settings.GEMINI_BASE_URL = "sandbox", f"{house.sandbox.url}/llm/gemini"
    await house.db(offer, "gemini", PAINTER, capabilities=["text", "image"])
    await house.db(choose, PAINTER)
    return house


def photos(house: House) -> list[dict[str, Any]]:
    return [message for message in house.messages(ANNA) if "photo" in message]


async def test_picture_of_a_model_is_sent_as_a_photo(painting: House) -> None:
    await painting.ask(ANNA, "Paint a cat [[image 2]]")

    assert len(photos(painting)) == 2
    answer = await painting.db(Message.objects.get, role="assistant")
    assert answer.files == 2
    kinds = await painting.db(lambda: list(Attachment.objects.filter(message=answer).values_list("kind", flat=True)))
    assert kinds == ["image", "image"]
    stored = await painting.db(lambda: list(StoredFile.objects.all()))
    assert all(list(file.telegram_ids) == ["1000:photo"] for file in stored)


async def test_photo_that_telegram_refuses_goes_as_a_document(painting: House) -> None:
    painting.fault("sendPhoto", "400", description="Bad Request: PHOTO_INVALID_DIMENSIONS")
    await painting.ask(ANNA, "Paint a cat [[image 1]]")

    assert [message for message in painting.messages(ANNA) if "document" in message]


async def test_dialog_goes_on_about_the_picture(painting: House) -> None:
    await painting.ask(ANNA, "Paint a cat [[image 1]]")
    await painting.ask(ANNA, "Nice")

    request = await painting.db(lambda: Request.objects.order_by("-id")[0])
    assert request.state == "done"
