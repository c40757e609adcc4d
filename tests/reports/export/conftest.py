"""The bot, running against the sandbox's Telegram and Avito, with a folder of its own for files."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pytest_django import Settings

from tests.house import House, open_house


@pytest.fixture(autouse=True)
def files(settings: Settings, tmp_path: Path) -> Path:
    """Where files are kept."""
    settings.FILES_DIR = tmp_path / "files"
    return tmp_path / "files"


@pytest_asyncio.fixture
async def house(transactional_db: None, settings: Settings, files: Path) -> AsyncIterator[House]:
    async with open_house(settings) as opened:
        settings.AVITO_BASE_URL = f"{opened.sandbox.url}/avito"
        yield opened
