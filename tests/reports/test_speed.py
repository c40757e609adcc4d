"""/stats of many profiles ends as soon as Avito's limits let it, which is computed here from the limits. The clock is
moved over every pause, so the seconds that are counted are those that were waited for; nothing comes too early either,
or Avito, which goes by the same clock, would answer 429."""

import asyncio
import math
import time
from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from accounts.models import User
from core.db import in_db
from reports import running
from reports.avito.gate import LIMITS
from reports.figures.periods import Period, ending
from reports.metrics import Section
from reports.models import AvitoProfile, Report, ReportPart
from sandbox.avito import AvitoWorld
from tests.reports import making, working
from tests.reports.working import WEEK, YESTERDAY, Clock

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]

# Another question than that of a week: statistics are asked about a longer stretch.
QUARTER = ending(YESTERDAY.last, 40)
FIRST_UID = 96_000_000
PROFILES = 20


class Going(Clock):
    """Goes on while the work is done, and is moved besides; ``at`` is how far it was moved."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = time.monotonic()

    def __call__(self) -> datetime:
        return self.at + timedelta(seconds=time.monotonic() - self.begun)


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is counted is waiting; how fast this machine works is not the question."""
    monkeypatch.setattr(running, "STEP", 600.0)
    monkeypatch.setattr(running, "PART", 600.0)


@pytest.fixture
def clock() -> Clock:
    return Going()


@pytest_asyncio.fixture
async def owner(world: AvitoWorld) -> User:
    return await in_db(making.owner)


def twenty(world: AvitoWorld, owner: User, accounts: int) -> list[AvitoProfile]:
    """Profiles of so many accounts in turn."""
    for uid in range(FIRST_UID, FIRST_UID + accounts):
        world.fill(uid)
    return [
        working.given(world, owner, FIRST_UID + number % accounts, f"Profile {number}") for number in range(PROFILES)
    ]


async def stats(profiles: list[AvitoProfile], clock: Clock, period: Period = WEEK) -> Report:
    return await in_db(working.ordered, profiles, clock(), kind=Report.Kind.STATS, period=period)


def seconds_for(questions: int, method: str = "stats_v2") -> float:
    """How long so many questions of one account take at least: the first ones of a window go at once."""
    most, seconds = LIMITS[method]
    return (math.ceil(questions / most) - 1) * seconds


@pytest.mark.parametrize("accounts", [1, 5, 20])
async def test_twenty_profiles_take_no_longer_than_the_question_of_each_account(
    world: AvitoWorld, owner: User, clock: Clock, accounts: int
) -> None:
    profiles = await in_db(twenty, world, owner, accounts)
    taken = await working.finish(await stats(profiles, clock), clock)

    assert taken == seconds_for(1)
    assert [call.status for call in world.found("stats_v2")] == [200] * accounts
    assert world.count("balance") == accounts


@pytest.mark.parametrize("accounts", [1, 5, 20])
async def test_where_each_account_was_asked_a_moment_ago_all_wait_out_that_minute_together(
    world: AvitoWorld, owner: User, clock: Clock, accounts: int
) -> None:
    """The second question of every account can be asked a minute after the first, and all twenty are at that moment."""
    profiles = await in_db(twenty, world, owner, accounts)
    await working.finish(await stats(profiles, clock), clock)
    passed = 20.0
    clock.move(passed)
    report = await stats(profiles, clock, QUARTER)

    assert await working.finish(report, clock) <= seconds_for(2) - passed + 1
    assert [call.status for call in world.found("stats_v2")] == [200] * 2 * accounts
    parts = await working.parts_of(report)
    assert {(part.state, Section.STATISTICS in part.gaps) for part in parts} == {(ReportPart.State.DONE, False)}


async def test_one_busy_account_holds_up_no_other_profile(world: AvitoWorld, owner: User, clock: Clock) -> None:
    """Nineteen are had at the first step; the last comes when its minute is over."""
    profiles = await in_db(twenty, world, owner, PROFILES)
    await working.finish(await stats(profiles[:1], clock), clock)
    report = await stats(profiles, clock, QUARTER)
    pause = await working.step(report, clock)

    states = [part.state for part in await working.parts_of(report)]
    assert states == [ReportPart.State.WAITING] + [ReportPart.State.DONE] * (PROFILES - 1)
    assert pause is not None
    clock.move(pause)
    assert pause + await working.finish(report, clock) <= seconds_for(2) + 1


async def test_accounts_are_asked_at_the_same_time(world: AvitoWorld, owner: User, clock: Clock) -> None:
    """However slowly Avito answers, ten accounts take as long as one."""
    profiles = await in_db(twenty, world, owner, PROFILES)
    world.trouble("balance", "hold")
    report = await stats(profiles, clock)
    step = asyncio.create_task(working.step(report, clock))
    await world.until(lambda: world.count("balance") == running.TOGETHER)
    world.calm()
    world.release()

    assert await step is None
    assert world.count("balance") == PROFILES
