"""Documents and pictures that are made as they leave: in their reader's language, marked when they may have come
before, and as a file where Telegram does not take the picture."""

from typing import Any

import pytest
from django.db import transaction
from django.utils.translation import gettext as _

from delivery.models import Delivery
from telegram_bot import documents
from telegram_bot.documents import Collected, Document
from telegram_bot.outgoing import Place
from tests.house import ANNA, BOT, House

pytestmark = pytest.mark.asyncio

MARK = "↻ possibly a repetition"


def collect(data: dict[str, Any]) -> Collected:
    """Says a word of ours when it is drawn, not when it is collected."""
    return lambda: Document("drawn.png", PIXEL, caption=_("Cancel") if data["says"] else "", photo=True)


# One transparent dot.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360000000000500010d26e8d40000000049454e44ae426082"
)


@pytest.fixture(autouse=True)
def known(settings: Any) -> None:
    settings.DOCUMENTS = {"drawn": f"{__name__}.collect"}


async def sent(house: House, language: str = "en", *, says: bool = False, **facts: Any) -> dict[str, Any]:
    """What came of it in the chat."""

    @transaction.atomic  # a sweep must not find it before it has its facts
    def enqueue() -> None:
        documents.enqueue("a:drawn", Place(BOT, ANNA), "drawn", {"says": says}, language, "test")
        Delivery.objects.filter(key="a:drawn").update(**facts)

    await house.db(enqueue)
    await house.quiet()
    return house.messages(ANNA)[-1]


async def test_a_picture_comes_as_one(house: House) -> None:
    message = await sent(house)
    assert message["photo"]
    assert "caption" not in message


async def test_what_is_written_while_it_is_made_is_in_its_readers_language(house: House) -> None:
    assert (await sent(house, "ru", says=True))["caption"] == "Отмена"


@pytest.mark.parametrize("trouble", ["PHOTO_INVALID_DIMENSIONS", "Image_process_failed", "file is too big for a photo"])
async def test_what_telegram_takes_for_no_picture_comes_as_a_file(house: House, trouble: str) -> None:
    house.fault("sendPhoto", "400", description=f"Bad Request: {trouble}")
    message = await sent(house)
    assert message["document"]["file_name"] == "drawn.png"
    assert house.world.files.by_id[message["document"]["file_id"]].content == PIXEL


async def test_another_refusal_of_a_picture_is_not_gone_around(house: House) -> None:
    house.fault("sendPhoto", "400", description="Bad Request: not enough rights to send photos to the chat")
    await house.db(documents.enqueue, "a:drawn", Place(BOT, ANNA), "drawn", {"says": False}, "en", "test")
    await house.quiet()
    assert (await house.db(Delivery.objects.get, key="a:drawn")).state == Delivery.State.FAILED
    assert house.messages(ANNA) == []


async def test_one_that_may_have_come_before_says_so(house: House) -> None:
    assert (await sent(house, repeated=True))["caption"] == MARK


async def test_one_with_words_of_its_own_keeps_them_below(house: House) -> None:
    assert (await sent(house, says=True, repeated=True))["caption"] == f"{MARK}\nCancel"
