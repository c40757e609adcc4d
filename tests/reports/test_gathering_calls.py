"""A report costs at most four calls of Avito, whatever its days and whenever it falls due."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError

from accounts.models import User
from core.db import in_db
from delivery.schedule import Daily, Monthly, Rule, Weekly
from reports.avito.errors import AvitoError, Kind
from reports.figures.periods import MOST_DAYS_BACK, comparison, ending, period_for
from reports.gathering import _all as gathering_all
from reports.gathering import gather
from reports.metrics import Section
from reports.models import AvitoProfile, Snapshot, Standing
from sandbox.avito import SEVER, AvitoWorld
from tests.reports import making
from tests.reports.gathered import USUAL_SECTIONS, Moment, gathering, opened

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)
SINCE = date(2026, 1, 1)
MOSCOW = "Europe/Moscow"
# Moscow's midnight, in UTC.
MIDNIGHT = datetime(2026, 11, 21, 21, 0, tzinfo=UTC)
ALL_SECTIONS = USUAL_SECTIONS | {Section.RATINGS}


@pytest.fixture
def clock() -> Moment:
    return Moment(MIDNIGHT)


@pytest.fixture
def profile(owner: User, world: AvitoWorld) -> AvitoProfile:
    return opened(owner, world)


def asked(world: AvitoWorld) -> int:
    return world.count() - world.count("token")


@pytest.mark.parametrize(
    ("rule", "planned_at", "length"),
    [
        (Daily(time(0)), MIDNIGHT, 1),
        (Daily(time(0)), MIDNIGHT - timedelta(seconds=1), 1),
        (Weekly(frozenset({6}), time(0)), MIDNIGHT, 7),
        (Monthly(1, time(0, 1)), datetime(2026, 10, 31, 21, 1, tzinfo=UTC), 31),
        (Monthly(31, time(23, 59)), datetime(2026, 10, 31, 20, 59, tzinfo=UTC), 30),
        (Daily(time(9), 135, SINCE), datetime(2026, 11, 22, 6, 0, tzinfo=UTC), 135),
        (Daily(time(9), 270, SINCE), datetime(2026, 11, 22, 6, 0, tzinfo=UTC), 270),
    ],
    ids=["at-midnight", "before-midnight", "a-week", "first-of-a-month", "31st", "135-days", "270-days"],
)
async def test_a_planned_report_costs_four_calls(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment, rule: Rule, planned_at: datetime, length: int
) -> None:
    clock.now = planned_at
    period = period_for(rule, planned_at, MOSCOW)
    before = comparison(period, planned_at)
    found = await gathering(profile, clock, (before or period).first, period.last)
    assert period.days == length
    assert asked(world) == found.calls == 4
    assert world.count(status=200) - world.count("token") == 4
    assert set(period.dates()) <= found.days.keys()


async def test_the_longest_period_there_is_costs_four_calls(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    today = date(2026, 11, 22)
    found = await gathering(profile, clock, today - MOST_DAYS_BACK * DAY, today)
    assert asked(world) == found.calls == 4
    assert len(found.days) == MOST_DAYS_BACK + 1


async def test_a_report_that_waits_over_midnight_asks_nothing_twice(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    clock.now = began = MIDNIGHT - timedelta(seconds=20)
    world.trouble("cpa_v3", 429, times=1)
    yesterday = date(2026, 11, 20)
    with pytest.raises(AvitoError) as caught:
        await gathering(profile, clock, yesterday, yesterday)
    assert caught.value.kind is Kind.RATE_LIMITED
    clock.passes(seconds=100)  # well over the limit's minute: it counts from the answer on, and a call takes its time
    later = await in_db(making.fresh, profile)
    found = await gather(later, yesterday, yesterday, USUAL_SECTIONS, clock.now, patience=0.0, began=began)
    assert {method: world.count(method) for method in ("stats_v2", "balance", "call_stats", "cpa_v3")} == {
        "stats_v2": 1, "balance": 1, "call_stats": 1, "cpa_v3": 2,
    }  # fmt: skip
    assert found.gaps == {}


async def test_what_stood_a_moment_before_midnight_stands_in_the_new_day_too(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    money = frozenset({Section.MONEY, Section.ADVANCE})
    clock.now = read_at = MIDNIGHT - timedelta(seconds=20)
    await gathering(profile, clock, sections=money)
    clock.passes(seconds=40)
    found = await gathering(profile, clock, sections=money)
    assert found.standing["wallet"] == Decimal("250000.5")
    assert world.count("balance") == 1
    today = await in_db(Standing.objects.get, profile=profile, date=date(2026, 11, 22))
    assert today.values == found.standing
    assert today.read[Section.MONEY] == read_at.isoformat()


async def test_the_mornings_rating_serves_for_the_day(profile: AvitoProfile, world: AvitoWorld, clock: Moment) -> None:
    clock.now = datetime(2026, 11, 22, 3, 30, tzinfo=UTC)
    morning = await gathering(profile, clock, sections=ALL_SECTIONS)
    clock.passes(hours=20)  # it is the next day in Moscow
    night = await gathering(profile, clock, sections=ALL_SECTIONS)
    assert (morning.calls, night.calls) == (5, 4)
    assert night.standing["score"] == morning.standing["score"]
    clock.passes(hours=4)
    await gathering(profile, clock, sections=ALL_SECTIONS)
    assert world.count("rating") == 2


async def test_a_rating_that_is_known_hides_no_refusal_of_the_keys(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    await gathering(profile, clock, sections=frozenset({Section.RATINGS}))
    world.revoke(world.keys_of(SEVER).client_id)
    clock.passes(hours=1)
    with pytest.raises(AvitoError) as caught:
        await gathering(profile, clock, ending(date(2026, 11, 21), 1).first, sections=ALL_SECTIONS)
    assert caught.value.kind is Kind.BAD_CREDENTIALS


async def test_reports_of_a_day_and_of_a_week_share_one_question_of_calls(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    yesterday = date(2026, 11, 21)
    calls = frozenset({Section.CALLS})
    one = await gathering(profile, clock, yesterday - DAY, yesterday, calls)
    await gathering(profile, clock, yesterday - 13 * DAY, yesterday, calls)
    assert world.count("call_stats") == 1
    assert min(day for day, figures in one.days.items() if "calls" in figures) in ending(yesterday - 13 * DAY, 15)


async def test_a_profile_that_is_deleted_before_its_keys_are_read_asks_and_stores_nothing(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    unread = await in_db(AvitoProfile.objects.defer("credentials").get, pk=profile.pk)
    await in_db(AvitoProfile.objects.filter(pk=profile.pk).delete)
    yesterday = date(2026, 11, 21)
    with pytest.raises(AvitoError) as caught:
        await gather(unread, yesterday, yesterday, USUAL_SECTIONS, clock.now)
    assert caught.value.kind is Kind.BAD_CREDENTIALS
    assert asked(world) == 0
    assert not await in_db(Snapshot.objects.exists)


async def test_whose_keys_they_are_is_asked_once(profile: AvitoProfile, world: AvitoWorld, clock: Moment) -> None:
    await in_db(AvitoProfile.objects.filter(pk=profile.pk).update, account_id=None)
    found = await gathering(profile, clock)
    assert (world.count("self"), asked(world)) == (1, 5)
    assert found.gaps == {}


async def test_an_account_that_is_not_told_is_asked_for_once_and_said(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    await in_db(AvitoProfile.objects.filter(pk=profile.pk).update, account_id=None)
    world.trouble("self", 403)
    with pytest.raises(AvitoError) as caught:
        await gathering(profile, clock)
    assert caught.value.kind is Kind.NO_ACCESS
    assert world.count("self") == asked(world) == 2  # the second with a new token


async def test_what_breaks_one_question_leaves_no_other_behind() -> None:
    ended: list[str] = []

    async def breaks() -> None:
        raise DatabaseError("gone")

    async def takes_longer() -> None:
        await asyncio.sleep(0.01)
        ended.append("the other")

    with pytest.raises(DatabaseError):
        await gathering_all([breaks(), takes_longer()])
    assert ended == ["the other"]
