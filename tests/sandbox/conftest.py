"""The sandbox for tests in the same process."""

from collections.abc import AsyncIterator

import pytest_asyncio

from sandbox.server import Sandbox, serve


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A running sandbox with the seeded people and chats; flood limits are off."""
    async with serve(limits=False) as running:
        yield running
