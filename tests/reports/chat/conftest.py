"""The bot, running against the sandbox: its Telegram, and its Avito."""

from collections.abc import AsyncIterator

import pytest_asyncio
from pytest_django import Settings

from accounts.models import User
from tests.house import TEAM, House, open_house


@pytest_asyncio.fixture
async def house(transactional_db: None, settings: Settings) -> AsyncIterator[House]:
    """Анна is a member, in Moscow, and has no profile yet."""
    async with open_house(settings) as opened:
        opened.world.chats[TEAM].bot_reads_all = True
        settings.AVITO_BASE_URL = f"{opened.sandbox.url}/avito"
        await opened.db(lambda: User.objects.update(time_zone="Europe/Moscow"))
        yield opened
