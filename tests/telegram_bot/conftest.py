from collections.abc import AsyncIterator

import pytest_asyncio
from pytest_django import Settings

from tests.house import House, open_house


@pytest_asyncio.fixture
async def house(transactional_db: None, settings: Settings) -> AsyncIterator[House]:
    """The bot, running against the sandbox; Ольга is its admin, Анна a member, Борис a stranger."""
    async with open_house(settings) as opened:
        yield opened
