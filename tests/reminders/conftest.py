"""What tests of events may ask for: a Redis server of their own."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.reminders.redis_server import BINARY, RedisServer


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
    return server
