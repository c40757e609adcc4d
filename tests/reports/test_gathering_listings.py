"""When statistics v2 say nothing at all: the days are put together of single listings, and that is told."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import User
from core.db import in_db
from reports.avito.errors import AvitoError, Kind
from reports.metrics import Section
from reports.models import AvitoProfile, Snapshot
from sandbox.avito import POLKA, REMONT, AvitoWorld
from tests.reports.gathered import YESTERDAY, Moment, gathering, opened, said_by

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)
STATISTICS = frozenset({Section.STATISTICS})
BIG = 95_000_002


@pytest.fixture
def clock() -> Moment:
    return Moment(datetime(2026, 11, 22, 9, 0, tzinfo=UTC))


@pytest.fixture
def profile(owner: User, world: AvitoWorld) -> AvitoProfile:
    return opened(owner, world)


@pytest.mark.parametrize("silence", ["empty", "timestamp"])
async def test_listings_stand_in_for_statistics_that_say_nothing(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment, silence: str
) -> None:
    world.behave(v2=silence)
    found = await gathering(profile, clock, sections=STATISTICS)
    told, said = found.days[YESTERDAY], said_by(world, YESTERDAY)
    assert found.partial
    assert {name: told[name] for name in told} == {name: said[name] for name in ("views", "contacts", "favorites")}
    assert found.gaps == {}


async def test_listings_that_are_over_are_counted_as_well(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    world.behave(v2="empty")
    await gathering(profile, clock, sections=STATISTICS)
    call = world.found("item_list")[0]
    assert {"active", "removed", "old", "blocked", "rejected"} <= set(re.findall(r"[a-z]+", f"{call.path} {call.body}"))


async def test_a_server_that_leaves_out_quiet_days_and_listings_is_understood(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    world.behave(v2="empty", v1="bare", gaps=True)
    found = await gathering(profile, clock, YESTERDAY - 6 * DAY, YESTERDAY, STATISTICS)
    assert found.days[YESTERDAY]["views"] == said_by(world, YESTERDAY)["views"]


async def test_what_avito_told_of_all_is_not_replaced_by_what_listings_tell(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    whole = await gathering(profile, clock, sections=STATISTICS)
    clock.passes(minutes=11)
    world.behave(v2="empty")
    found = await gathering(profile, clock, sections=STATISTICS)
    assert found.days[YESTERDAY] == whole.days[YESTERDAY]
    assert not found.partial


async def test_what_listings_told_is_replaced_as_soon_as_statistics_speak(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    world.behave(v2="empty")
    await gathering(profile, clock, sections=STATISTICS)
    clock.passes(minutes=11)
    world.behave(v2="full")
    found = await gathering(profile, clock, sections=STATISTICS)
    assert found.days[YESTERDAY] == said_by(world, YESTERDAY)
    assert not found.partial


async def test_settled_days_of_listings_are_not_put_together_again(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    world.behave(v2="empty")
    old = YESTERDAY - 5 * DAY
    await gathering(profile, clock, old, old, STATISTICS)
    pages = world.count("items")
    clock.passes(hours=2)
    found = await gathering(profile, clock, old, old, STATISTICS)
    assert world.count("items") == pages
    assert world.count("stats_v2") == 2  # there is hope that it speaks again
    assert found.partial


async def test_an_employee_whose_listings_nobody_sees_has_no_data_and_no_zeros(
    owner: User, world: AvitoWorld, clock: Moment
) -> None:
    world.behave(v2="empty")
    profile = await in_db(opened, owner, world, POLKA, "Полка")
    found = await gathering(profile, clock, sections=STATISTICS)
    assert found.days == {}
    assert found.gaps == {}
    assert not found.partial
    row = await in_db(Snapshot.objects.get, profile=profile, date=YESTERDAY)
    assert row.figures == {}
    assert row.read.keys() == {"statistics"}


async def test_thirteen_pages_of_listings_are_read_within_the_limits(
    owner: User, world: AvitoWorld, clock: Moment
) -> None:
    world.behave(v2="empty")
    profile = await in_db(opened, owner, world, REMONT, "Ремонт")
    found = await gathering(profile, clock, sections=STATISTICS)
    assert world.count("item_list") == world.count("item_list", status=200) >= 13
    assert found.days[YESTERDAY]["views"] == said_by(world, YESTERDAY, REMONT)["views"]


async def test_of_thousands_of_listings_the_rest_waits_or_is_left_out(
    owner: User, world: AvitoWorld, clock: Moment
) -> None:
    world.fill(BIG, items=2600)
    world.behave(v2="empty")
    profile = await in_db(opened, owner, world, BIG, "Большой")
    with pytest.raises(AvitoError) as caught:
        await gathering(profile, clock, sections=STATISTICS)
    assert caught.value.kind is Kind.RATE_LIMITED
    found = await gathering(profile, clock, sections=STATISTICS, wait=False)
    assert found.partial
    assert 0 < found.days[YESTERDAY]["views"] <= said_by(world, YESTERDAY, BIG)["views"]
    clock.passes(seconds=100)  # well over the limit's minute: it counts from the answer on, and a call takes its time
    whole = await gathering(profile, clock, sections=STATISTICS)
    assert whole.days[YESTERDAY]["views"] == said_by(world, YESTERDAY, BIG)["views"]
