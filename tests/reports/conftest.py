"""What tests of reports may ask for: the bot's name for the chats, and somebody who has profiles."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime

import pytest
import pytest_asyncio
from pytest_django import Settings

from accounts.models import User
from sandbox.avito import AvitoWorld, serve_avito
from tests.house import ADMINS, House, open_house
from tests.reports import making


@pytest.fixture(autouse=True)
def _bot(settings: Settings) -> None:
    """The bot whose chats these are, and the admins' chat."""
    settings.BOT_TOKEN = f"{making.BOT}:test-token"
    settings.ADMIN_CHAT_ID = ADMINS
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def owner(db: None) -> User:
    """Ирина in Moscow, whose language is English here."""
    return making.owner()


@pytest_asyncio.fixture
async def house(transactional_db: None, settings: Settings) -> AsyncIterator[House]:
    """The bot, running against the sandbox's Telegram and Avito."""
    async with open_house(settings) as opened:
        settings.AVITO_BASE_URL = f"{opened.sandbox.url}/avito"
        yield opened


@pytest_asyncio.fixture
async def world(clock: Callable[[], datetime], settings: Settings) -> AsyncIterator[AvitoWorld]:
    """The sandbox's Avito alone, by the ``clock`` of whoever asks for it."""
    made = AvitoWorld(clock=clock)
    async with serve_avito(made) as url:
        settings.AVITO_BASE_URL = url
        yield made
