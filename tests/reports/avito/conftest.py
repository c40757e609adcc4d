"""The sandbox's Avito, one that a test speaks for, and clients of both on a clock that stands still."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from pytest_django import Settings

from core.claims import PLACE
from reports.avito.client import Avito, Keys
from sandbox.avito import SEVER, AvitoWorld
from tests.reports.avito.said import Said, served

MINUTE = timedelta(minutes=1)


@dataclass
class Clock:
    """Stands still; whoever waits by it moves it."""

    now: datetime
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **span: float) -> None:
        self.now += timedelta(**span)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


Make = Callable[..., Avito]
# What others do takes true time, in which the clock that stands still would let all patience pass at once.
TOGETHER: Mapping[str, Any] = {"patience": 60, "sleep": asyncio.sleep}


@pytest.fixture
def clock() -> Clock:
    """A Sunday noon in Moscow."""
    return Clock(datetime(2026, 11, 22, 9, 0, tzinfo=UTC))


@pytest_asyncio.fixture
async def said(settings: Settings) -> AsyncIterator[Said]:
    async with served(Said()) as running:
        settings.AVITO_BASE_URL = running.url
        yield running


@pytest_asyncio.fixture
async def client(clock: Clock, transactional_db: None) -> AsyncIterator[Make]:
    """``client(keys)``: closed after the test. Without keys those of nobody in particular, of account 7.

    ``**TOGETHER``: for several that wait for one another.
    """
    made: list[Avito] = []

    def make(keys: Keys | None = None, **more: Any) -> Avito:
        known: dict[str, Any] = {"clock": clock, "sleep": clock.sleep} | more
        avito = Avito(keys or Keys("client-of-nobody", "a secret + & = %", 7), **known)
        made.append(avito)
        return avito

    yield make
    for avito in made:
        await avito.__aexit__()


@pytest.fixture
def ended_process() -> str:
    """The name as a worker of a process of this machine that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return f"{PLACE}:{process.pid}:abcdef"


def keys_in(world: AvitoWorld, uid: int = SEVER, account_id: int | None = -1) -> Keys:
    """The keys of an account of the sandbox's; ``account_id=None``: it is not known yet whose they are."""
    keys = world.keys_of(uid)
    return Keys(keys.client_id, keys.client_secret, uid if account_id == -1 else account_id)


@pytest.fixture
def sever(world: AvitoWorld, client: Make) -> Avito:
    """A client of the account that has everything."""
    return client(keys_in(world))
