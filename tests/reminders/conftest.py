"""What tests may ask for: a Redis server of their own, the house for tests of the chat, a program that speaks REST."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime

import pytest
import pytest_asyncio
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from reminders.sinks import redis_list
from tests.house import TEAM, House, open_house
from tests.reminders.chatting import let_team_in
from tests.reminders.redis_server import BINARY, RedisServer
from tests.reminders.rest import Service


@pytest.fixture(scope="session")
def _redis_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    if BINARY is None:
        pytest.skip("there is no redis-server on this machine")
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis_server(_redis_of_session: RedisServer, settings: Settings) -> RedisServer:
    """An empty server, which is the one of REDIS_URL."""
    server = _redis_of_session
    with server.redis as client:
        client.flushall()
    settings.REDIS_URL = server.url
    redis_list._asked_again_at = 0.0  # a test before this one may have met a server that was away
    return server


@pytest_asyncio.fixture
async def newcomer(transactional_db: None, settings: Settings) -> AsyncIterator[House]:
    """The bot, running against the sandbox; nobody has said yet where they are.

    Not just before the border of an hour, which is midnight somewhere: what a test calls tomorrow would be today.
    """
    now = timezone.now()
    if (left := 3600 - now.minute * 60 - now.second) <= 10:
        await asyncio.sleep(left)
    async with open_house(settings) as opened:
        yield opened


@pytest_asyncio.fixture
async def chat(newcomer: House) -> House:
    """Everybody is known to be in Moscow."""
    await newcomer.db(lambda: User.objects.update(time_zone="Europe/Moscow"))
    return newcomer


@pytest_asyncio.fixture
async def team(chat: House) -> House:
    """With the team's group let in, where Анна and Борис are both members; the bot hears all of it."""
    await chat.db(let_team_in)
    chat.world.chats[TEAM].bot_reads_all = True
    return chat


@pytest.fixture
def service(db: None, monkeypatch: pytest.MonkeyPatch, now: datetime) -> Service:
    """Another program, with a key that opens everything; the clock stands at ``now``."""
    return Service(monkeypatch, now)
