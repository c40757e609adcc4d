"""The sandbox, or its model servers or Avito alone, for tests in the same process, and plain HTTP clients for them."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from sandbox.avito import SEVER
from sandbox.server import Sandbox, serve

from .avito_client import Avito, Seller, serve_fake
from .providers_server import Server, serve_models
from .telegram_clients import Api, Control


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A running sandbox with the seeded people and chats; flood limits are off."""
    async with serve(limits=False) as running:
        yield running


@pytest_asyncio.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def api(sandbox: Sandbox, session: aiohttp.ClientSession) -> Api:
    return Api(sandbox.url, session)


@pytest.fixture
def control(sandbox: Sandbox, session: aiohttp.ClientSession) -> Control:
    return Control(sandbox.url, session)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    """The model servers; answers come at once."""
    async with serve_models() as running:
        yield running


@pytest_asyncio.fixture
async def avito() -> AsyncIterator[Avito]:
    """The Avito fake with its three accounts; it is noon in Moscow, and stays so."""
    async with serve_fake() as running:
        yield running


@pytest_asyncio.fixture
async def sever(avito: Avito) -> Seller:
    """The shop that has everything, with a token."""
    return await avito.seller(SEVER)
