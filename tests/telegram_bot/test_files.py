"""Files on their way in: found in a message, refused by their size, loaded whole or not at all; and sent again."""

import base64
import traceback
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from delivery.models import Delivery
from files import services
from files.errors import FileError
from files.models import StoredFile
from sandbox.telegram.files import Upload
from telegram_bot import files, outgoing
from telegram_bot.files import Attached, attached, declined, fetch, limit_of
from telegram_bot.outgoing import Place
from telegram_bot.streaming import Pace, typing
from tests.house import ANNA, BORIS, BOT, House

MEGABYTE = 1024 * 1024
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


# --- found ----------------------------------------------------------------------------------------------------------


def test_largest_size_of_a_photo_is_taken() -> None:
    sizes = [
        {"file_id": "s", "file_unique_id": "us", "width": 90, "height": 60, "file_size": 1},
        {"file_id": "l", "file_unique_id": "ul", "width": 900, "height": 600, "file_size": 3},
        {"file_id": "m", "file_unique_id": "um", "width": 320, "height": 200, "file_size": 2},
    ]
    assert attached({"photo": sizes}) == Attached("photo", "l", "ul", 3, "")


def test_animation_is_no_document() -> None:
    message = {"animation": {}, "document": {"file_id": "x", "file_unique_id": "y"}}

    assert attached(message) is None
    assert declined(message) == "animation"


@pytest.mark.parametrize("kind", ["video", "video_note", "sticker"])
def test_what_is_never_read_is_named(kind: str) -> None:
    assert attached({kind: {"file_id": "x"}}) is None
    assert declined({kind: {"file_id": "x"}}) == kind


def test_text_has_no_file() -> None:
    assert attached({"text": "hello"}) is None
    assert declined({"text": "hello"}) == ""


def test_public_server_gives_20_megabytes_and_ones_own_what_the_settings_allow(settings: Settings) -> None:
    settings.MAX_FILE_MB, settings.MAX_FILE_MB_OF_ROLE = 100, {"member": 50}
    user = User(role="member")

    settings.TELEGRAM_API_URL = "https://api.telegram.org"
    assert limit_of(user) == 20 * MEGABYTE
    settings.TELEGRAM_API_URL = "http://127.0.0.1:8081"
    assert limit_of(user) == 50 * MEGABYTE


# --- loaded ---------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.FILES_DIR = tmp_path
    return tmp_path


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Further tries come at once."""
    monkeypatch.setattr(files, "AGAIN", (0.01, 0.01))


async def anna(house: House) -> User:
    return await house.db(User.objects.get, telegram_id=ANNA)


def send(house: House, content: bytes = b"hello", name: str = "a.txt", **more: Any) -> Attached:
    # From a stranger, whose file the bot does not load by itself.
    message = house.world.say(BORIS, file=("document", Upload(name, "text/plain", content)), **more).message
    found = attached(message)
    assert found is not None
    return found


def calls(house: House) -> list[str]:
    return [call.method for call in house.calls("getFile") + house.calls("download")]


async def test_file_is_loaded_and_kept(house: House, folder: Path) -> None:
    content = b"word " * 100_000
    stored = await fetch(send(house, content), await anna(house))

    assert services.path_of(stored).read_bytes() == content
    assert (stored.name, stored.mime) == ("a.txt", "text/plain")
    assert list((folder / "incoming").iterdir()) == []


async def test_same_file_sent_on_is_not_loaded_again(house: House) -> None:
    found = send(house)
    first = await fetch(found, await anna(house))
    again = await fetch(found, await anna(house))

    assert again.pk == first.pk
    assert len(house.calls("getFile")) == 1


async def test_file_over_the_limit_is_refused_before_anything_is_loaded(house: House, settings: Settings) -> None:
    settings.MAX_FILE_MB_OF_ROLE = {"member": 1}
    with pytest.raises(FileError) as refused:
        await fetch(send(house, file_size=MEGABYTE + 1), await anna(house))

    assert refused.value.kind == "too_large"
    assert calls(house) == []


async def test_file_that_is_larger_than_it_says_is_not_loaded_to_its_end(
    house: House, settings: Settings, folder: Path
) -> None:
    settings.MAX_FILE_MB_OF_ROLE = {"member": 1}
    with pytest.raises(FileError) as refused:
        await fetch(send(house, bytes(3 * MEGABYTE), file_size=10), await anna(house))

    assert refused.value.kind == "too_large"
    assert [path for path in folder.rglob("*") if path.is_file()] == []


async def test_telegrams_own_refusal_of_a_large_file_is_understood(house: House, settings: Settings) -> None:
    settings.MAX_FILE_MB, settings.MAX_FILE_MB_OF_ROLE = 100, {"member": 100}
    with pytest.raises(FileError) as refused:
        await fetch(send(house, file_size=21 * MEGABYTE), await anna(house))

    assert refused.value.kind == "too_large"


@pytest.mark.parametrize("kind", ["500", "cut_after", "502_html"])
async def test_download_that_fails_is_tried_again(house: House, kind: str) -> None:
    house.fault("download", kind)
    stored = await fetch(send(house, b"x" * 1000), await anna(house))

    assert stored.size == 1000


async def test_file_that_trickles_in_for_ever_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LONGEST_LOAD", 0.1)
    house.fault("download", "hang", seconds=1)
    with pytest.raises(FileError) as refused:
        await fetch(send(house), await anna(house))

    assert refused.value.kind == "lost"


async def test_file_that_stays_away_is_lost_and_no_address_is_told(
    house: House, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    house.fault("download", "500", times=None)
    with pytest.raises(FileError) as refused:
        await fetch(send(house), await anna(house))

    assert refused.value.kind == "lost"
    error, chain = refused.value, traceback.format_exception(refused.value)
    told = " ".join([*chain, repr(error), caplog.text, *capsys.readouterr()])
    assert settings.BOT_TOKEN not in told


async def test_file_of_another_bot_is_lost(house: House) -> None:
    with pytest.raises(FileError) as refused:
        await fetch(Attached("document", "nonsense", "u", 5, "a.txt"), await anna(house))

    assert refused.value.kind == "lost"


async def test_role_without_files_loads_none(house: House, settings: Settings) -> None:
    settings.MAX_FILE_MB_OF_ROLE = {"member": 0}
    for content in (b"", b"hello"):
        with pytest.raises(FileError) as refused:
            await fetch(send(house, content), await anna(house))
        assert refused.value.kind == "too_large"

    assert calls(house) == []


async def test_server_of_ones_own_names_a_file_on_the_disk(house: House, tmp_path: Path, settings: Settings) -> None:
    """As telegram-bot-api does when it is started with ``--local``."""
    settings.MAX_FILE_MB_OF_ROLE = {"member": 1}
    found, there = send(house), tmp_path / "there"
    there.write_bytes(b"from the disk")
    stored_there = house.world.files.by_id[found.file_id]
    stored_there.path, stored_there.path_until = str(there), float("inf")

    stored = await fetch(found, await anna(house))
    assert services.path_of(stored).read_bytes() == b"from the disk"
    assert there.exists()

    there.write_bytes(bytes(MEGABYTE + 1))
    await house.db(StoredFile.objects.all().delete)
    with pytest.raises(FileError) as refused:
        await fetch(found, await anna(house))
    assert refused.value.kind == "too_large"


async def test_zero_bytes_are_told(house: House) -> None:
    with pytest.raises(FileError) as refused:
        await fetch(send(house, b""), await anna(house))

    assert refused.value.kind == "empty"
    assert not await house.db(StoredFile.objects.exists)


# --- sent -----------------------------------------------------------------------------------------------------------


def photo(key: str, stored: StoredFile) -> None:
    """A stored picture, sent to Анна."""
    outgoing.photo(key, Place(BOT, ANNA), stored.pk, "test")


def sent(house: House) -> list[str]:
    """What each photo was sent as: by its id, or as the file itself."""
    return ["id" if isinstance(call.params.get("photo"), str) else "file" for call in house.calls("sendPhoto")]


@pytest.mark.parametrize(
    "refusal",
    [
        "Bad Request: wrong file identifier/HTTP URL specified",
        "Bad Request: wrong remote file identifier specified: Wrong padding in the string",
        "Bad Request: wrong file_id or the file is temporarily unavailable",
        "Bad Request: FILE_REFERENCE_EXPIRED",
    ],
)
async def test_picture_whose_id_telegram_does_not_know_any_more_is_uploaded_again(house: House, refusal: str) -> None:
    stored = await house.db(services.store_bytes, None, PNG, "", timezone.now())
    await house.db(photo, "first", stored)
    await house.quiet()
    await house.db(photo, "second", stored)
    await house.quiet()
    house.fault("sendPhoto", "400", description=refusal)
    await house.db(photo, "third", stored)
    await house.quiet()
    await house.db(photo, "fourth", stored)
    await house.quiet()

    assert sent(house) == ["file", "id", "id", "file", "id"]
    assert len([message for message in house.messages(ANNA) if "photo" in message]) == 4
    newest = house.messages(ANNA)[-2]["photo"][-1]["file_id"]
    assert (await house.db(StoredFile.objects.get)).telegram_ids == {f"{BOT}:photo": newest}


async def test_file_that_is_refused_itself_is_not_uploaded_again(house: House) -> None:
    stored = await house.db(services.store_bytes, None, PNG, "", timezone.now())
    house.fault("sendPhoto", "400", times=None, description="Bad Request: wrong file identifier/HTTP URL specified")
    await house.db(photo, "first", stored)
    await house.quiet()

    assert sent(house) == ["file"]
    assert (await house.db(Delivery.objects.get, key="first")).state == "failed"


# --- while it takes its time ----------------------------------------------------------------------------------------


async def test_typing_is_shown_until_what_takes_long_is_done(house: House) -> None:
    async with typing(Place(BOT, ANNA), Pace(typing_after=0.01, typing_every=0.01)):
        await house.until(lambda: len(house.calls("sendChatAction")) > 1)
    shown = len(house.calls("sendChatAction"))
    assert {call.params["action"] for call in house.calls("sendChatAction")} == {"typing"}

    async with typing(Place(BOT, ANNA), Pace(typing_after=60.0)):  # what takes a moment is a matter of the machine
        await fetch(send(house), await anna(house))
    assert len(house.calls("sendChatAction")) == shown


async def test_typing_that_telegram_refuses_harms_nothing(house: House) -> None:
    house.fault("sendChatAction", "403", times=None)
    async with typing(Place(BOT, ANNA), Pace(typing_after=0.01, typing_every=0.01)):
        await house.until(lambda: len(house.calls("sendChatAction")) > 1)
        stored = await fetch(send(house), await anna(house))

    assert stored.size == 5
