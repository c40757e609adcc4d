"""The work on a report: what is asked, what waits, what is told when something fails. The clock is moved, never waited
for; Avito is the sandbox's, behind a real port."""

import asyncio
import time
from datetime import timedelta
from decimal import Decimal

import pytest
import pytest_asyncio
from django.db import connection
from pytest_django import Settings

from accounts.models import Access, User
from core.db import in_db
from reports.avito.errors import Kind
from reports.figures.periods import ending
from reports.metrics import Section
from reports.models import AvitoProfile, Report, ReportPart
from reports.services import ordering
from reports.words.numbers import number
from sandbox.avito import POLKA, REMONT, SEVER, SEVER_SECOND_KEYS, AvitoWorld, figures_of
from tests.reports import making, working
from tests.reports.working import NOON, WEEK, YESTERDAY, Clock

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]

State, Part = Report.State, ReportPart.State
# The first of them is enough for a week, the second for a quarter, the third for all that Avito remembers: three
# questions of statistics, a minute apart.
QUARTER, LONG = ending(YESTERDAY.last, 40), ending(YESTERDAY.last, 120)
MINUTE = 60
LATER = 10


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def owner(world: AvitoWorld) -> User:
    return await in_db(making.owner)


# --- one profile ----------------------------------------------------------------------------------------------------


async def test_a_report_asks_four_questions_and_tells_the_figures_of_its_days(
    world: AvitoWorld, owner: User, clock: Clock
) -> None:
    profile = await in_db(working.given, world, owner)
    report = await in_db(working.ordered, [profile], NOON)

    assert await working.finish(report, clock) == 0
    assert world.count() - world.count("token") == 4
    views = figures_of(SEVER, YESTERDAY.first)["views"]
    [text] = await in_db(working.said, report)
    assert f"{views}" in text
    assert (await working.state_of(report)).state == State.DONE


async def test_a_second_report_within_a_minute_asks_for_no_statistics_again(
    world: AvitoWorld, owner: User, clock: Clock
) -> None:
    profile = await in_db(working.given, world, owner)
    first = await in_db(working.ordered, [profile], NOON)
    await working.finish(first, clock)
    clock.move(20)
    second = await in_db(working.ordered, [profile], clock.at)

    assert await working.finish(second, clock) == 0
    assert world.count("stats_v2") == 1
    assert await in_db(working.said, first) == await in_db(working.said, second)


async def test_a_token_that_ends_between_two_calls_is_renewed_once_and_nobody_hears_of_it(
    world: AvitoWorld, owner: User, clock: Clock
) -> None:
    profile = await in_db(working.given, world, owner)
    await working.finish(await in_db(working.ordered, [profile], NOON), clock)
    clock.move(2 * MINUTE)
    world.expire_tokens()
    report = await in_db(working.ordered, [profile], clock.at, period=QUARTER)
    await working.finish(report, clock)

    assert world.count("token") == 2
    assert [part.gaps for part in await working.parts_of(report)] == [{}]


async def test_refused_keys_end_the_report_with_what_to_do(world: AvitoWorld, owner: User, clock: Clock) -> None:
    profile = await in_db(working.given, world, owner)
    world.revoke(world.keys_of(SEVER).client_id)
    report = await in_db(working.ordered, [profile], NOON)

    await working.finish(report, clock)
    [part] = await working.parts_of(report)
    assert (part.state, part.error_kind) == (Part.FAILED, Kind.BAD_CREDENTIALS)
    assert (await working.state_of(report)).state == State.FAILED
    [text] = await in_db(working.said, report)
    assert "Север" in text
    assert "key" in text


async def test_one_closed_section_leaves_a_gap_and_the_rest_is_told(
    world: AvitoWorld, owner: User, clock: Clock
) -> None:
    profile = await in_db(working.given, world, owner)
    world.trouble("balance", 403)
    report = await in_db(working.ordered, [profile], NOON)
    await working.finish(report, clock)

    [part] = await working.parts_of(report)
    assert part.gaps == {Section.MONEY: Kind.NO_ACCESS}
    assert (await working.state_of(report)).state == State.DONE


async def test_a_report_of_keys_that_cannot_be_opened_says_so(
    world: AvitoWorld, owner: User, clock: Clock, settings: Settings
) -> None:
    """Whoever changed the key of encryption has every profile refused, and no report broken."""
    profile = await in_db(working.given, world, owner)
    await in_db(_spoil, profile)
    report = await in_db(working.ordered, [profile], NOON)
    await working.finish(report, clock)

    [part] = await working.parts_of(report)
    assert (part.state, part.error_kind) == (Part.FAILED, Kind.BAD_CREDENTIALS)
    assert world.count() == 0


# --- waiting --------------------------------------------------------------------------------------------------------


async def test_a_pause_that_avito_asks_for_is_waited_for_and_shown(
    world: AvitoWorld, owner: User, clock: Clock
) -> None:
    profile = await in_db(working.given, world, owner)
    world.trouble("stats_v2", 429, times=1)
    report = await in_db(working.ordered, [profile], NOON, progress=True)

    assert await working.step(report, clock) is not None
    shown = [row.content["params"]["text"] for row in (await in_db(working.deliveries, report)).values()]
    assert any("Waiting for Avito" in text for text in shown)
    assert await working.finish(report, clock) > 0
    assert (await working.state_of(report)).state == State.DONE
    [part] = await working.parts_of(report)
    assert part.pauses == 1


async def test_between_two_steps_nothing_is_held_but_rows(world: AvitoWorld, owner: User, clock: Clock) -> None:
    """A worker that dies there leaves a report that any other goes on with, and what was told is not asked again."""
    profile = await in_db(working.given, world, owner)
    world.trouble("stats_v2", 429, times=1)
    report = await in_db(working.ordered, [profile], NOON)
    pause = await working.step(report, clock)
    assert pause is not None
    asked = world.count("balance"), world.count("call_stats")
    clock.move(pause)
    await working.finish(report, clock)

    assert (world.count("balance"), world.count("call_stats")) == asked
    assert (await working.state_of(report)).state == State.DONE


async def test_after_five_pauses_what_is_there_is_told_and_what_misses_is_named(
    world: AvitoWorld, owner: User, clock: Clock
) -> None:
    profile = await in_db(working.given, world, owner)
    world.trouble("stats_v2", 429)
    report = await in_db(working.ordered, [profile], NOON)
    await working.finish(report, clock)

    [part] = await working.parts_of(report)
    assert (part.state, part.gaps) == (Part.DONE, {Section.STATISTICS: Kind.RATE_LIMITED})
    assert (await working.state_of(report)).state == State.DONE
    [text] = await in_db(working.said, report)
    assert "250" in text  # the wallet is there


async def test_an_asked_report_waits_ten_minutes_at_most(world: AvitoWorld, owner: User, clock: Clock) -> None:
    profile = await in_db(working.given, world, owner)
    world.behave(rate_headers="none")
    world.trouble("stats_v2", 429)
    report = await in_db(working.ordered, [profile], NOON)

    assert await working.finish(report, clock) <= 12 * MINUTE


async def test_avito_that_is_down_is_tried_again_and_told_of_in_the_end(
    world: AvitoWorld, owner: User, clock: Clock
) -> None:
    profile = await in_db(working.given, world, owner)
    world.trouble("*", 503)
    report = await in_db(working.ordered, [profile], NOON)
    pauses = [await working.step(report, clock)]
    while pauses[-1] is not None:
        clock.move(pauses[-1])
        pauses.append(await working.step(report, clock))

    assert pauses == [5.0, 15.0, 40.0, None]
    [part] = await working.parts_of(report)
    assert (part.state, part.error_kind) == (Part.FAILED, Kind.AVITO_DOWN)
    [text] = await in_db(working.said, report)
    assert "Север" in text


async def test_avito_that_comes_back_gives_the_whole_report(world: AvitoWorld, owner: User, clock: Clock) -> None:
    profile = await in_db(working.given, world, owner)
    trouble = world.trouble("*", 503)
    report = await in_db(working.ordered, [profile], NOON)
    pause = await working.step(report, clock)
    assert pause == 5.0
    world.troubles.remove(trouble)
    clock.move(pause)
    await working.finish(report, clock)

    [part] = await working.parts_of(report)
    assert (part.state, part.gaps) == (Part.DONE, {})


# --- many profiles --------------------------------------------------------------------------------------------------


async def test_one_of_three_profiles_fails_and_two_are_summed(world: AvitoWorld, owner: User, clock: Clock) -> None:
    good = await in_db(working.given, world, owner)
    other = await in_db(working.given, world, owner, REMONT, "Ремонт")
    bad = await in_db(working.given, world, owner, POLKA, "Старый")
    world.revoke(world.keys_of(POLKA).client_id)
    report = await in_db(working.ordered, [good, other, bad], NOON, kind=Report.Kind.STATS, period=WEEK)
    await working.finish(report, clock)

    assert [part.state for part in await working.parts_of(report)] == [Part.DONE, Part.DONE, Part.FAILED]
    text = "\n".join(await in_db(working.said, report))
    views = sum(Decimal(figures_of(uid, day)["views"]) for uid in (SEVER, REMONT) for day in WEEK.dates())
    assert "Старый" in text
    assert number(Decimal(views)) in text


async def test_two_profiles_of_one_account_share_the_calls_and_are_counted_once(
    world: AvitoWorld, owner: User, clock: Clock
) -> None:
    first = await in_db(working.given, world, owner)
    client_id, secret = SEVER_SECOND_KEYS
    second = await in_db(working.given, world, owner, SEVER, "Второй", client_id=client_id, client_secret=secret)
    report = await in_db(working.ordered, [first, second], NOON, kind=Report.Kind.STATS, period=WEEK)
    await working.finish(report, clock)

    assert world.count("stats_v2") == 1
    text = "\n".join(await in_db(working.said, report))
    views = sum(Decimal(figures_of(SEVER, day)["views"]) for day in WEEK.dates())
    assert number(Decimal(views)) in text
    assert number(2 * Decimal(views)) not in text


async def test_twenty_profiles_of_twenty_accounts_wait_for_nothing(
    world: AvitoWorld, owner: User, clock: Clock
) -> None:
    """Each account has its own minute, so none has to wait for another: no second passes."""
    profiles = [await in_db(_generated, world, owner, 96_000_000 + number) for number in range(20)]
    report = await in_db(working.ordered, profiles, NOON, kind=Report.Kind.STATS, period=WEEK)

    assert await working.finish(report, clock) == 0
    assert world.count("stats_v2") == 20
    assert {part.state for part in await working.parts_of(report)} == {Part.DONE}


async def test_twenty_profiles_of_four_accounts_ask_as_four(world: AvitoWorld, owner: User, clock: Clock) -> None:
    for uid in range(96_000_000, 96_000_004):
        world.fill(uid)
    profiles = [
        await in_db(working.given, world, owner, 96_000_000 + number % 4, f"Profile {number}") for number in range(20)
    ]
    report = await in_db(working.ordered, profiles, NOON, kind=Report.Kind.STATS, period=WEEK)

    assert await working.finish(report, clock) == 0
    assert (world.count("stats_v2"), world.count("balance")) == (4, 4)


async def test_three_questions_to_one_account_take_the_two_minutes_that_its_limit_makes(
    world: AvitoWorld, owner: User, clock: Clock
) -> None:
    """One question of statistics a minute: the third can be asked after two minutes, and is."""
    profile = await in_db(working.given, world, owner)
    reports = [await in_db(working.ordered, [profile], NOON, period=period) for period in (WEEK, QUARTER, LONG)]
    waits: dict[Report, float] = dict.fromkeys(reports, 0.0)
    begun = time.monotonic()
    while waits:
        # Of two whose time comes together the shorter period first: the answer for the longer would serve both.
        report = min(waits, key=lambda one: (round(waits[one]), reports.index(one)))
        clock.at = max(clock.at, NOON + timedelta(seconds=waits[report]))
        pause = await working.step(report, clock)
        del waits[report]
        if pause is not None:
            # The fake's clock stands still while a step takes its time, so the next one comes a little later.
            waits[report] = (clock.at - NOON).total_seconds() + pause + LATER

    # Avito's minute counts from its answer on, so what the calls took in truth comes on top.
    took = time.monotonic() - begun
    assert 2 * MINUTE <= (clock.at - NOON).total_seconds() <= 2 * (MINUTE + LATER) + 2 + took
    assert [call.status for call in world.found("stats_v2")] == [200] * 3


async def test_two_chats_that_ask_at_once_share_an_answer(world: AvitoWorld, owner: User, clock: Clock) -> None:
    profile = await in_db(working.given, world, owner)
    group = await in_db(making.group)
    await in_db(making.bind, profile, group)
    here = await in_db(working.ordered, [profile], NOON, kind=Report.Kind.STATS, period=WEEK, chat=group)
    there = await in_db(working.ordered, [profile], NOON, kind=Report.Kind.STATS, period=WEEK)

    assert (await working.finish(here, clock), await working.finish(there, clock)) == (0, 0)
    assert world.count("stats_v2") == 1
    assert await in_db(working.said, here) == await in_db(working.said, there)


async def test_parts_of_one_account_wait_together_without_asking_one_by_one(
    world: AvitoWorld, owner: User, clock: Clock
) -> None:
    profiles = [await in_db(working.given, world, owner, SEVER, f"Profile {number}") for number in range(5)]
    world.trouble("stats_v2", 429, times=1)
    report = await in_db(working.ordered, profiles, NOON, kind=Report.Kind.STATS, period=WEEK)
    assert await working.step(report, clock) is not None

    parts = await working.parts_of(report)
    assert len({part.ready_at for part in parts}) == 1
    assert [part.pauses for part in parts] == [1, 0, 0, 0, 0]
    assert world.count("stats_v2") == 1


# --- nobody needs it ------------------------------------------------------------------------------------------------


async def test_a_cancelled_report_asks_and_says_nothing(world: AvitoWorld, owner: User, clock: Clock) -> None:
    profile = await in_db(working.given, world, owner)
    report = await in_db(working.ordered, [profile], NOON)
    await in_db(ordering.cancel, report, by=owner, now=NOON)

    assert await working.step(report, clock) is None
    assert world.count() == 0
    assert await in_db(working.said, report) == []


async def test_somebody_who_was_shut_out_gets_no_report(world: AvitoWorld, owner: User, clock: Clock) -> None:
    profile = await in_db(working.given, world, owner)
    report = await in_db(working.ordered, [profile], NOON, progress=True)
    await in_db(User.objects.filter(pk=owner.pk).update, status=Access.BLOCKED)

    assert await working.step(report, clock) is None
    assert world.count() == 0
    assert (await working.state_of(report)).state == State.CANCELLED
    assert set(await in_db(working.deliveries, report)) == {"gone"}  # nor does anybody look at its progress for ever


async def test_a_report_whose_profile_was_deleted_ends(world: AvitoWorld, owner: User, clock: Clock) -> None:
    profile = await in_db(working.given, world, owner)
    report = await in_db(working.ordered, [profile], NOON, progress=True)
    await in_db(profile.delete)

    assert await working.step(report, clock) is None
    assert (await working.state_of(report)).state == State.CANCELLED
    assert world.count() == 0
    assert set(await in_db(working.deliveries, report)) == {"gone"}


async def test_nothing_of_its_progress_is_shown_after_it_was_cancelled(
    world: AvitoWorld, owner: User, clock: Clock
) -> None:
    profile = await in_db(working.given, world, owner)
    report = await in_db(working.ordered, [profile], NOON, progress=True)
    world.trouble("stats_v2", "hold")
    asking = asyncio.create_task(working.step(report, clock))
    await world.until(lambda: world.count("stats_v2") == 1)
    await in_db(ordering.cancel, report, by=owner, now=NOON)
    world.release()

    assert await asking is None
    assert await in_db(working.deliveries, report) == {}


def _generated(world: AvitoWorld, owner: User, uid: int) -> AvitoProfile:
    world.fill(uid)
    return working.given(world, owner, uid, f"Profile {uid}")


def _spoil(profile: AvitoProfile) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE reports_avitoprofile SET credentials = 'gAAAA' WHERE id = %s", [profile.pk])
