"""A call: its limits, its other tries, and answers that are shared."""

import asyncio
import socket
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from pytest_django import Settings

from core.db import in_db
from reports.avito import answers, wire
from reports.avito.account import advance, money, own_account
from reports.avito.client import Avito
from reports.avito.errors import AvitoError, Kind
from reports.avito.messenger import chats, messages
from reports.avito.ratings import rating, reviews
from reports.avito.statistics import calls, daily, spendings, totals
from reports.avito.waiting import PAUSES
from reports.metrics import Section
from reports.models import Answer, CallGate
from sandbox.avito import POLKA, REMONT, SEVER, AvitoWorld
from tests.reports.avito.conftest import TOGETHER, Clock, Make, keys_in
from tests.reports.avito.said import Said

DAY = date(2026, 3, 2)
WALLET, V2 = "/core/v1/accounts/7/balance/", "/stats/v2/accounts/7/items"


async def refusal(call: Any) -> AvitoError:
    with pytest.raises(AvitoError) as caught:
        await call
    return caught.value


async def test_report_takes_four_calls(world: AvitoWorld, sever: Avito) -> None:
    await asyncio.gather(
        daily(sever, DAY, DAY + timedelta(days=13)), money(sever), advance(sever), calls(sever, DAY, DAY)
    )
    assert (sever.calls, sever.token_calls) == (4, 1)
    assert len(world.calls) == 5


# --- failures of Avito's and of the line's


@pytest.mark.parametrize("kind", ["500", "503", "html", "bad_json", "empty", "cut", "inside"])
async def test_what_avito_fails_at_is_tried_again(world: AvitoWorld, sever: Avito, clock: Clock, kind: str) -> None:
    world.trouble("balance", kind, times=2)
    assert (await money(sever)).wallet == Decimal("250000.5")
    assert (sever.calls, len(clock.slept)) == (3, 2)


async def test_pauses_between_tries_grow_and_are_not_the_same_for_all(
    world: AvitoWorld, sever: Avito, clock: Clock
) -> None:
    world.trouble("balance", 500, times=2)
    await money(sever)
    assert all(pause / 2 <= slept <= pause * 1.5 for pause, slept in zip(PAUSES, clock.slept, strict=True))


@pytest.mark.parametrize("kind", ["500", "503", "html", "bad_json", "empty", "cut", "inside"])
async def test_after_three_tries_avito_is_down(world: AvitoWorld, sever: Avito, kind: str) -> None:
    world.trouble("balance", kind)
    error = await refusal(money(sever))
    assert (error.kind, error.section, error.permanent, sever.calls) == (Kind.AVITO_DOWN, Section.MONEY, False, 3)


@pytest.mark.parametrize("kind", ["500", "html", "bad_json"])
async def test_failure_of_statistics_does_not_cost_the_minute(world: AvitoWorld, sever: Avito, kind: str) -> None:
    world.trouble("stats_v2", kind, times=1)
    told = await daily(sever, DAY, DAY)
    assert (len(told.days), sever.calls) == (1, 2)


async def test_failure_that_counted_after_all_is_waited_for(said: Said, client: Make) -> None:
    said.says(V2, {}, 500).says(V2, {"error": {"code": 429}}, 429)
    error = await refusal(daily(client(), DAY, DAY))
    assert (error.kind, error.retry_after, error.status) == (Kind.RATE_LIMITED, 65.0, 429)


async def test_pause_that_a_broken_avito_asks_for_is_told_and_not_cut_short(said: Said, client: Make) -> None:
    said.says(WALLET, {"error": {"code": 503}}, 503, retry_after="120")
    error = await refusal(money(client()))
    assert (error.kind, error.retry_after, len(said.asked())) == (Kind.AVITO_DOWN, 120.0, 1)


async def test_reset_of_a_limit_is_no_pause_for_a_broken_avito(said: Said, client: Make) -> None:
    said.says(WALLET, {}, 503, x_ratelimit_reset="60").says(WALLET, {"real": 1})
    assert (await money(client())).wallet == Decimal(1)


async def test_nobody_there_is_avito_down(settings: Settings, client: Make) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # it is ours, so nobody else listens there
        settings.AVITO_BASE_URL = "http://127.0.0.1:{1}".format(*nobody.getsockname())
        error = await refusal(own_account(client()))
    assert (error.kind, error.status, error.section) == (Kind.AVITO_DOWN, None, Section.ACCOUNT)


async def test_silence_is_avito_down(said: Said, client: Make) -> None:
    said.says(WALLET, {})
    await money(client())  # the token is there
    said.waits = True
    avito = client(within=0.05)
    error = await refusal(own_account(avito))
    assert (error.kind, error.status, avito.calls) == (Kind.AVITO_DOWN, None, 3)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirect_is_not_followed(said: Said, client: Make, status: int) -> None:
    said.says(WALLET, "", status, location="/elsewhere")
    error = await refusal(money(client()))
    assert (error.kind, error.status) == (Kind.AVITO_DOWN, status)
    assert {one.path for one in said.asked()} == {WALLET}


# --- refusals that last


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Kind.BAD_REQUEST),
        (402, Kind.NEEDS_SUBSCRIPTION),
        (404, Kind.WRONG_ACCOUNT),
        (405, Kind.BAD_REQUEST),
        (409, Kind.BAD_REQUEST),
        (418, Kind.BAD_REQUEST),
    ],
)
async def test_refusal_that_lasts_is_not_tried_again(said: Said, client: Make, status: int, kind: Kind) -> None:
    said.says(WALLET, {"error": {"code": status, "message": "Так нельзя"}}, status)
    error = await refusal(money(client()))
    assert (error.kind, error.status, error.permanent, len(said.asked())) == (kind, status, True, 1)
    assert str(error) == f"{kind}: Так нельзя"


async def test_chats_need_a_subscription(world: AvitoWorld, client: Make) -> None:
    error = await refusal(chats(client(keys_in(world, REMONT)), 0))
    assert (error.kind, error.section) == (Kind.NEEDS_SUBSCRIPTION, Section.MESSENGER)


async def test_chat_that_is_gone_says_nothing_of_the_account(said: Said, client: Make) -> None:
    said.says("/messenger/v3/accounts/7/chats/gone/messages/", {"error": {"code": 404, "message": "Not found"}}, 404)
    assert (await refusal(messages(client(), "gone", 0))).kind is Kind.BAD_REQUEST


async def test_one_closed_section_does_not_close_the_others(world: AvitoWorld, client: Make) -> None:
    avito = client(keys_in(world, POLKA))
    found = await asyncio.gather(
        daily(avito, DAY, DAY), money(avito), advance(avito), calls(avito, DAY, DAY), return_exceptions=True
    )
    kinds = [one.kind if isinstance(one, AvitoError) else "" for one in found]
    assert kinds == ["", "", Kind.NOT_FOR_ACCOUNT, Kind.NO_ACCESS]


# --- limits


async def test_second_call_in_a_minute_is_put_off_without_asking(world: AvitoWorld, sever: Avito) -> None:
    await daily(sever, DAY, DAY)
    error = await refusal(totals(sever, DAY, DAY))
    assert (error.kind, error.retry_after, error.section) == (Kind.RATE_LIMITED, 60.0, Section.STATISTICS)
    assert error.status is None
    assert world.count("stats_v2") == 1


async def test_limit_within_patience_is_waited_for(world: AvitoWorld, client: Make, clock: Clock) -> None:
    await daily(client(keys_in(world)), DAY, DAY)
    clock.passes(seconds=58)
    assert (await totals(client(keys_in(world)), DAY, DAY))["views"] > 0
    assert (clock.slept, world.count("stats_v2", status=429)) == ([2.0], 0)


async def test_patience_of_nothing_waits_for_nothing(world: AvitoWorld, client: Make, clock: Clock) -> None:
    await daily(client(keys_in(world)), DAY, DAY)
    clock.passes(seconds=59)
    error = await refusal(totals(client(keys_in(world), patience=0), DAY, DAY))
    assert (error.retry_after, clock.slept) == (1.0, [])


async def test_statistics_and_spendings_have_a_minute_each(world: AvitoWorld, sever: Avito) -> None:
    await daily(sever, DAY, DAY)
    await spendings(sever, DAY, DAY)
    assert world.count("stats", status=429) == 0


async def test_two_pairs_of_keys_of_one_account_share_its_minute(world: AvitoWorld, client: Make) -> None:
    first, second = (keys for keys in world.keys.values() if keys.uid == SEVER)
    await daily(client(keys_in(world)), DAY, DAY)
    other = client(keys_in(world).__class__(second.client_id, second.client_secret, SEVER))
    error = await refusal(totals(other, DAY, DAY))
    assert (first != second, error.kind, other.calls) == (True, Kind.RATE_LIMITED, 0)


async def test_limit_used_up_by_others_is_kept_by_all_of_ours(world: AvitoWorld, client: Make, clock: Clock) -> None:
    """The same keys may serve another program."""
    world.trouble("stats_v2", 429, times=1)
    error = await refusal(daily(client(keys_in(world)), DAY, DAY))
    assert (error.kind, error.retry_after, error.status) == (Kind.RATE_LIMITED, 65.0, 429)
    clock.passes(seconds=20)
    error = await refusal(daily(client(keys_in(world)), DAY, DAY))
    assert (error.retry_after, world.count("stats_v2")) == (45.0, 1)
    clock.passes(seconds=45)
    assert (await daily(client(keys_in(world)), DAY, DAY)).days


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "Sun, 22 Nov 2026 09:00:30 GMT"}, 30.0),
        ({"x_ratelimit_retry_after": "12"}, 12.0),
        ({"x_ratelimit_reset": "1795338015"}, 15.0),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_limit": "1"}, 65.0),
        ({"retry_after": "soon"}, 65.0),
        ({"retry_after": "99999999999999"}, 3600.0),
        ({}, 65.0),
    ],
    ids=str,
)
async def test_pause_is_as_long_as_avito_says(said: Said, client: Make, headers: dict[str, str], wait: float) -> None:
    said.says(V2, {"error": {"code": 429}}, 429, **headers)
    error = await refusal(daily(client(), DAY, DAY))
    assert (error.kind, error.retry_after) == (Kind.RATE_LIMITED, wait)


async def test_short_pause_is_waited_for(world: AvitoWorld, sever: Avito, clock: Clock) -> None:
    world.trouble("messenger", 429, times=1, retry_after=2)
    assert (await chats(sever, 0)).rows
    assert clock.slept == [2.0]


async def test_pauses_of_other_methods_begin_short(world: AvitoWorld, sever: Avito) -> None:
    world.trouble("messenger", 429)
    assert (await refusal(chats(sever, 0))).retry_after == 5.0


async def test_last_call_that_avito_leaves_is_heeded(said: Said, client: Make) -> None:
    said.says("/ratings/v1/reviews", {"reviews": [], "total": 0}, x_ratelimit_remaining="0")
    avito = client()
    await reviews(avito)
    error = await refusal(reviews(avito))
    assert (error.retry_after, len(said.asked())) == (60.0, 1)


async def test_limits_hold_for_who_comes_after_a_restart(world: AvitoWorld, client: Make) -> None:
    await daily(client(keys_in(world)), DAY, DAY)
    await in_db(Answer.objects.all().delete)
    assert (await refusal(daily(client(keys_in(world)), DAY, DAY))).kind is Kind.RATE_LIMITED


# --- answers that are shared


async def test_same_question_within_ten_minutes_is_answered_without_avito(
    world: AvitoWorld, client: Make, clock: Clock
) -> None:
    first = await daily(client(keys_in(world)), DAY, DAY)
    clock.passes(minutes=9, seconds=59)
    later = client(keys_in(world))
    assert (await daily(later, DAY, DAY), later.calls, world.count("stats_v2")) == (first, 0, 1)
    clock.passes(seconds=1)
    await daily(later, DAY, DAY)
    assert world.count("stats_v2") == 2


@pytest.mark.parametrize(("call", "seconds"), [(money, 60), (advance, 60), (rating, 3600)])
async def test_each_answer_stays_fresh_as_long_as_it_may(
    world: AvitoWorld, client: Make, clock: Clock, call: Any, seconds: int
) -> None:
    first, second = client(keys_in(world)), client(keys_in(world))
    told = await call(first)
    clock.passes(seconds=seconds - 1)
    assert (await call(second), second.calls) == (told, 0)
    clock.passes(seconds=1)
    await call(second)
    assert second.calls == 1


async def test_kopecks_survive_being_kept(said: Said, client: Make) -> None:
    said.says(WALLET, '{"real": 0.1, "bonus": 1234567890.12}')
    first = await money(client())
    assert first == await money(client())
    assert (first.wallet, first.bonus, len(said.asked())) == (Decimal("0.1"), Decimal("1234567890.12"), 1)


async def test_no_content_is_kept_too(world: AvitoWorld, client: Make) -> None:
    world.trouble("stats_v2", "204")
    for _ in range(2):
        assert (await daily(client(keys_in(world)), DAY, DAY)).empty
    assert world.count("stats_v2") == 1


async def test_who_asks_the_same_meanwhile_gets_the_same_answer(said: Said, client: Make) -> None:
    said.waits = True
    said.says(WALLET, {"real": 5})
    first = asyncio.create_task(money(client(**TOGETHER)))
    await said.arrived.wait()
    second = asyncio.create_task(money(client(**TOGETHER)))
    said.go.set()
    assert (await first, len(said.asked())) == (await second, 1)


async def test_who_waits_too_long_for_another_comes_again(world: AvitoWorld, client: Make, clock: Clock) -> None:
    avito = client(keys_in(world))
    asked = answers.question(avito.scope, "balance", f"/core/v1/accounts/{SEVER}/balance/", None)
    await in_db(answers.look, asked, clock.now, 60)
    error = await refusal(money(avito))
    assert (error.kind, error.retry_after, error.section) == (Kind.RATE_LIMITED, 1.0, Section.MONEY)
    assert 2.5 < sum(clock.slept) <= 3.0
    clock.passes(seconds=answers.LEASE.total_seconds())
    assert (await money(avito)).wallet == Decimal("250000.5")


async def test_failure_is_no_answer_for_others(world: AvitoWorld, client: Make) -> None:
    world.trouble("balance", 404, times=1)
    await refusal(money(client(keys_in(world))))
    assert (await money(client(keys_in(world)))).wallet == Decimal("250000.5")


@pytest.mark.parametrize("body", [{}, [], 7, {"result": None}, {"results": []}], ids=str)
async def test_answer_that_holds_nothing_is_not_kept(said: Said, client: Make, body: Any) -> None:
    said.says(V2, body).says(V2, body).says(V2, body).says(V2, {"result": {"groupings": []}})
    assert (await refusal(daily(client(), DAY, DAY))).kind is Kind.AVITO_DOWN
    assert (await daily(client(), DAY, DAY)).empty


async def test_call_that_was_cancelled_holds_up_nobody(said: Said, client: Make) -> None:
    said.waits = True
    task = asyncio.create_task(money(client()))
    await said.arrived.wait()
    while not said.asked():
        said.arrived.clear()
        await said.arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await in_db(Answer.objects.get)).fetching_until is None


async def test_accounts_do_not_see_one_anothers_answers(world: AvitoWorld, client: Make) -> None:
    wallets = [(await money(client(keys_in(world, uid)))).wallet for uid in (SEVER, REMONT, POLKA)]
    assert wallets == [Decimal("250000.5"), Decimal("842.37"), Decimal(0)]


# --- what a job leaves behind


async def test_methods_without_a_limit_leave_no_rows(sever: Avito) -> None:
    await chats(sever, 0)
    assert not await in_db(CallGate.objects.filter(method="chats").exists)


async def test_closed_client_holds_no_connection(world: AvitoWorld, client: Make) -> None:
    async with client(keys_in(world)) as avito:
        await money(avito)
    assert (await rating(avito)).score == Decimal("4.8")
    await avito.__aexit__()


def test_aiohttp_names_what_breaks() -> None:
    """What the transport lets through as it is must be caught too."""
    assert any(issubclass(aiohttp.ClientResponseError, kind) for kind in wire.BROKEN)
