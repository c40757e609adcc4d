"""What tests of posts may ask for: somebody who may post, where to, and the running bot."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
import pytest_asyncio
from pytest_django import Settings

from accounts.models import Chat, User
from tests.house import ADMINS, House, open_house
from tests.posts import making
from tests.posts.rest import Service


@pytest.fixture(autouse=True)
def _bot(settings: Settings) -> None:
    """The bot whose chats these are, and the admins' chat."""
    settings.BOT_TOKEN = f"{making.BOT}:test-token"
    settings.ADMIN_CHAT_ID = ADMINS
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def editor(db: None) -> User:
    """In Moscow, and may post."""
    return making.editor()


@pytest.fixture
def news(db: None) -> Chat:
    """A channel where the bot may post."""
    return making.channel()


@pytest.fixture
def team(db: None) -> Chat:
    """A group where the bot is a member."""
    return making.group()


@pytest_asyncio.fixture
async def house(transactional_db: None, settings: Settings) -> AsyncIterator[House]:
    """The bot, running against the sandbox; Анна may post, in the channel and in the team's group."""
    async with open_house(settings) as opened:
        await opened.db(making.let_editors_in)
        yield opened


@pytest.fixture
def service(db: None, monkeypatch: pytest.MonkeyPatch, now: datetime) -> Service:
    """Another program, with a key that opens everything; the clock stands at ``now``."""
    return Service(monkeypatch, now)
