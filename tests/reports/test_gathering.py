"""How a profile's figures are gathered: how few questions Avito is asked, and what is stored of its answers."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import User
from core.db import in_db
from reports.avito.errors import AvitoError, Kind
from reports.avito.waiting import SOON
from reports.figures.periods import Period
from reports.metrics import Section
from reports.models import AvitoProfile, Snapshot, Standing
from reports.services import days
from sandbox.avito import REMONT, SEVER, SEVER_SECOND_KEYS, AvitoWorld
from sandbox.avito.figures import Trade
from tests.reports.gathered import USUAL_SECTIONS, YESTERDAY, Moment, gathering, opened, said_by

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)
QUIET = 95_000_001
STATISTICS = frozenset({Section.STATISTICS})


@pytest.fixture
def clock() -> Moment:
    """Sunday, 22 November 2026, noon in Moscow."""
    return Moment(datetime(2026, 11, 22, 9, 0, tzinfo=UTC))


@pytest.fixture
def profile(owner: User, world: AvitoWorld) -> AvitoProfile:
    return opened(owner, world)


@pytest.fixture
def other(owner: User, world: AvitoWorld) -> AvitoProfile:
    """Another pair of keys of the same account."""
    return opened(owner, world, name="Север 2", client=SEVER_SECOND_KEYS[0])


def asked(world: AvitoWorld) -> int:
    """Calls of the API, those for a token apart."""
    return world.count() - world.count("token")


# --- how often ------------------------------------------------------------------------------------------------------


async def test_a_report_costs_at_most_four_calls(profile: AvitoProfile, world: AvitoWorld, clock: Moment) -> None:
    found = await gathering(profile, clock, YESTERDAY - DAY)
    assert asked(world) == found.calls == 4
    assert {call.method for call in world.calls} == {"token", "stats_v2", "balance", "cpa_v3", "call_stats"}
    assert world.count("token") == 1


async def test_asking_again_at_once_costs_nothing(profile: AvitoProfile, world: AvitoWorld, clock: Moment) -> None:
    first = await gathering(profile, clock)
    clock.passes(seconds=30)
    again = await gathering(profile, clock)
    assert asked(world) == 4
    assert (again.days, again.standing, again.calls) == (first.days, first.standing, 0)


async def test_another_period_within_minutes_needs_no_second_call_of_statistics(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    await gathering(profile, clock, YESTERDAY, YESTERDAY, STATISTICS)
    clock.passes(seconds=5)
    found = await gathering(profile, clock, YESTERDAY - 13 * DAY, YESTERDAY, STATISTICS)
    assert world.count("stats_v2") == 1
    assert {YESTERDAY - n * DAY for n in range(14)} <= found.days.keys()


async def test_days_that_a_longer_question_told_of_minutes_ago_are_not_asked_for_again(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    await gathering(profile, clock, YESTERDAY - 260 * DAY, YESTERDAY, STATISTICS)
    clock.passes(seconds=20)
    found = await gathering(profile, clock, YESTERDAY, YESTERDAY, STATISTICS)
    assert (world.count("stats_v2"), found.calls) == (1, 0)
    assert found.days[YESTERDAY] == said_by(world, YESTERDAY)


async def test_who_comes_while_a_longer_question_is_asked_waits_for_its_answer_and_no_minute(
    profile: AvitoProfile, other: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    world.trouble("stats_v2", "hold")
    collecting = asyncio.create_task(gathering(profile, clock, YESTERDAY - 260 * DAY, YESTERDAY, STATISTICS))
    await world.until(lambda: world.count("stats_v2") == 1)
    with pytest.raises(AvitoError) as caught:
        await gathering(other, clock, YESTERDAY, YESTERDAY, STATISTICS)
    assert (caught.value.kind, caught.value.retry_after) == (Kind.RATE_LIMITED, SOON)

    world.release()
    await collecting
    found = await gathering(other, clock, YESTERDAY, YESTERDAY, STATISTICS)
    assert (world.count("stats_v2"), found.calls) == (1, 0)


async def test_two_profiles_of_one_account_share_the_calls(
    profile: AvitoProfile, other: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    one = await gathering(profile, clock)
    two = await gathering(other, clock)
    assert asked(world) == 4
    assert one.days == two.days
    assert one.standing == two.standing


async def test_two_at_the_same_moment_share_them_too(
    profile: AvitoProfile, other: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    found = await asyncio.gather(*(gathering(one, clock, patience=50.0) for one in (profile, other)))
    assert asked(world) == sum(one.calls for one in found) == 4
    assert found[0].days == found[1].days


async def test_two_reports_of_one_profile_at_once_fetch_one_token(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    await asyncio.gather(*(gathering(profile, clock, patience=50.0) for _time in range(2)))
    assert (world.count("token"), asked(world)) == (1, 4)


async def test_days_that_are_final_are_not_asked_for(profile: AvitoProfile, world: AvitoWorld, clock: Moment) -> None:
    await gathering(profile, clock, sections=STATISTICS)
    clock.passes(days=10)
    found = await gathering(profile, clock, YESTERDAY - 9 * DAY, YESTERDAY - 2 * DAY, STATISTICS)
    assert world.count("stats_v2") == 1
    assert found.days[YESTERDAY - 2 * DAY] == said_by(world, YESTERDAY - 2 * DAY)


async def test_a_day_read_a_moment_after_its_end_is_read_again_once_it_has_settled(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    await gathering(profile, clock, sections=STATISTICS)
    clock.passes(days=3)
    await gathering(profile, clock, YESTERDAY, YESTERDAY, STATISTICS)
    assert world.count("stats_v2") == 2
    clock.passes(days=3)
    await gathering(profile, clock, YESTERDAY, YESTERDAY, STATISTICS)
    assert world.count("stats_v2") == 2


async def test_what_came_late_replaces_what_was_read_early(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    clock.now = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)  # four in the morning, and a tenth of yesterday is on its way
    world.behave(lag=9)
    early = await gathering(profile, clock, sections=STATISTICS)
    clock.passes(hours=8)
    late = await gathering(profile, clock, sections=STATISTICS)
    assert early.days[YESTERDAY]["views"] < late.days[YESTERDAY]["views"] == said_by(world, YESTERDAY)["views"]


async def test_today_is_never_taken_for_final(profile: AvitoProfile, world: AvitoWorld, clock: Moment) -> None:
    today = date(2026, 11, 22)
    noon = await gathering(profile, clock, today, today, STATISTICS)
    clock.passes(hours=6)
    evening = await gathering(profile, clock, today, today, STATISTICS)
    assert noon.days[today]["views"] < evening.days[today]["views"]
    assert world.count("stats_v2") == 2


async def test_a_long_period_back_costs_one_call(profile: AvitoProfile, world: AvitoWorld, clock: Moment) -> None:
    first = date(2026, 11, 22) - 270 * DAY
    found = await gathering(profile, clock, first, YESTERDAY, STATISTICS)
    assert world.count("stats_v2") == 1
    assert len([day for day in found.days if first <= day <= YESTERDAY]) == 270


async def test_days_that_avito_has_forgotten_are_not_asked_for(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    first = date(2026, 11, 22) - 280 * DAY
    await gathering(profile, clock, first, YESTERDAY, STATISTICS)
    assert world.found("stats_v2")[0].body["dateFrom"] == "2026-02-25"
    assert world.count("stats_v2", status=200) == 1


# --- what it says ---------------------------------------------------------------------------------------------------


async def test_figures_of_each_day_are_those_that_avito_told_in_roubles(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    found = await gathering(profile, clock, YESTERDAY - 6 * DAY)
    for day in (YESTERDAY - n * DAY for n in range(7)):
        told = {name: value for name, value in found.days[day].items() if not name.startswith("calls")}
        assert told == said_by(world, day)


async def test_money_is_told_of_now(profile: AvitoProfile, world: AvitoWorld, clock: Moment) -> None:
    world.accounts[SEVER].real, world.accounts[SEVER].cpa = 250_000.5, -500_000
    found = await gathering(profile, clock)
    assert found.standing == {
        "wallet": Decimal("250000.5"), "bonus": Decimal("120.0"), "advance": Decimal("-5000"),
    }  # fmt: skip


async def test_the_days_of_a_chart_come_along(profile: AvitoProfile, clock: Moment) -> None:
    found = await gathering(profile, clock)
    assert min(found.days) == YESTERDAY - 27 * DAY


async def test_zeros_are_kept_as_zeros_and_listings_are_not_asked(
    owner: User, world: AvitoWorld, clock: Moment
) -> None:
    world.fill(QUIET, trade=Trade(views=0, contacts=0, presence=0, promo=0))
    profile = await in_db(opened, owner, world, QUIET, "Тихий")
    found = await gathering(profile, clock, sections=STATISTICS)
    zeros = {name: value for name, value in found.days[YESTERDAY].items() if name in ("views", "allSpending")}
    assert zeros == {"views": 0, "allSpending": 0}
    assert not found.partial
    assert world.count("items") == world.count("stats_v1") == 0


async def test_a_metric_the_account_does_not_get_is_absent(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    world.accounts[SEVER].absent.add("favorites")
    found = await gathering(profile, clock)
    assert "favorites" not in found.days[YESTERDAY]
    assert "views" in found.days[YESTERDAY]


# --- without an advance ---------------------------------------------------------------------------------------------


async def test_an_account_without_an_advance_is_asked_for_it_once_a_day(
    owner: User, world: AvitoWorld, clock: Moment
) -> None:
    profile = await in_db(opened, owner, world, REMONT, "Ремонт")
    for hours in (0, 1, 22):
        clock.passes(hours=hours)
        found = await gathering(profile, clock)
        assert found.gaps == {Section.ADVANCE: Kind.NOT_FOR_ACCOUNT}
        assert "advance" not in found.standing
    assert world.count("cpa_v3") == 1
    clock.passes(hours=2)
    await gathering(profile, clock)
    assert world.count("cpa_v3") == 2


async def test_what_the_look_at_the_keys_was_told_of_an_advance_is_not_asked_again_at_once(
    owner: User, world: AvitoWorld, clock: Moment
) -> None:
    profile = await in_db(opened, owner, world, REMONT, "Ремонт")
    told = {"kind": Kind.NOT_FOR_ACCOUNT, "at": clock.now.isoformat()}
    await in_db(AvitoProfile.objects.filter(pk=profile.pk).update, sections={Section.ADVANCE: told})
    clock.passes(minutes=1)
    assert (await gathering(profile, clock)).gaps == {Section.ADVANCE: Kind.NOT_FOR_ACCOUNT}
    assert world.count("cpa_v3") == 0
    clock.passes(days=1)
    await gathering(profile, clock)
    assert world.count("cpa_v3") == 1


# --- what fails -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "trouble", "section", "kind"),
    [
        ("balance", 403, Section.MONEY, Kind.NO_ACCESS),
        ("cpa_v3", 404, Section.ADVANCE, Kind.NOT_FOR_ACCOUNT),
        ("call_stats", 403, Section.CALLS, Kind.NO_ACCESS),
        ("stats_v2", 403, Section.STATISTICS, Kind.NO_ACCESS),
    ],
)
async def test_a_section_that_fails_is_a_gap_and_the_others_go_on(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment, method: str, trouble: int, section: Section, kind: Kind
) -> None:
    world.trouble(method, trouble)
    found = await gathering(profile, clock)
    assert found.gaps == {section: kind}
    others = USUAL_SECTIONS - {section}
    told = {name for figures in found.days.values() for name in figures} | set(found.standing)
    for one in others:
        assert told & days.names_of(one), one


async def test_stored_days_stand_in_while_statistics_are_closed(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    before = await gathering(profile, clock)
    clock.passes(hours=1)
    world.trouble("stats_v2", 403)
    found = await gathering(profile, clock)
    assert found.gaps == {Section.STATISTICS: Kind.NO_ACCESS}
    assert found.days[YESTERDAY]["views"] == before.days[YESTERDAY]["views"]
    assert found.as_of == before.as_of


async def test_refused_keys_are_said_when_nothing_could_be_had(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    world.revoke(world.keys_of(SEVER).client_id)
    with pytest.raises(AvitoError) as caught:
        await gathering(profile, clock)
    assert caught.value.kind is Kind.BAD_CREDENTIALS
    assert not await in_db(Snapshot.objects.exists)


async def test_what_was_had_is_stored_while_the_rest_waits(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    world.trouble("stats_v2", 429, times=1)
    with pytest.raises(AvitoError) as caught:
        await gathering(profile, clock)
    assert caught.value.kind is Kind.RATE_LIMITED
    assert caught.value.section is Section.STATISTICS
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 65
    standing = await in_db(Standing.objects.get)
    assert standing.values["wallet"] == Decimal("250000.5")


async def test_the_next_try_asks_only_for_what_waited(profile: AvitoProfile, world: AvitoWorld, clock: Moment) -> None:
    world.trouble("stats_v2", 429, times=1)
    with pytest.raises(AvitoError):
        await gathering(profile, clock)
    clock.passes(seconds=100)  # well over the limit's minute: it counts from the answer on, and a call takes its time
    found = await gathering(profile, clock)
    assert found.gaps == {}
    assert {call.method for call in world.calls if call.status == 200} >= {"stats_v2"}
    assert asked(world) == 5  # four, and the one that was refused
    assert set(found.standing) == {"wallet", "bonus", "advance"}


async def test_who_does_not_wait_gets_a_gap(profile: AvitoProfile, world: AvitoWorld, clock: Moment) -> None:
    world.trouble("stats_v2", 429)
    found = await gathering(profile, clock, wait=False)
    assert found.gaps == {Section.STATISTICS: Kind.RATE_LIMITED}
    assert found.standing["wallet"] == Decimal("250000.5")


async def test_a_profile_that_is_gone_meanwhile_stores_nothing(
    profile: AvitoProfile, world: AvitoWorld, clock: Moment
) -> None:
    reading = days.Reading(Section.STATISTICS, Period(YESTERDAY, YESTERDAY), {}, clock.now)
    await in_db(AvitoProfile.objects.filter(pk=profile.pk).update, account_id=7)
    assert not await in_db(days.keep, profile, [reading], {}, clock.now)
    await in_db(AvitoProfile.objects.filter(pk=profile.pk).delete)
    assert not await in_db(days.keep, profile, [reading], {}, clock.now)
    assert not await in_db(Snapshot.objects.exists)
