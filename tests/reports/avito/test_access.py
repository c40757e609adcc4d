"""Getting in: /token with all its ways to refuse, tokens that end, rights that are missing."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest

from core.db import in_db
from reports.avito import tokens
from reports.avito.account import advance, money, own_account
from reports.avito.client import Avito, Keys
from reports.avito.errors import AvitoError, Kind
from reports.avito.failures import Reply
from reports.avito.messenger import chats
from reports.avito.ratings import rating
from reports.avito.statistics import daily
from reports.metrics import Section
from reports.models import AvitoToken
from sandbox.avito import REMONT, SEVER, AvitoWorld
from tests.reports.avito.conftest import TOGETHER, Clock, Make, keys_in
from tests.reports.avito.said import TOKEN, Said

WALLET = "/core/v1/accounts/7/balance/"
HTML = "<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"


async def refusal(avito: Avito) -> AvitoError:
    with pytest.raises(AvitoError) as caught:
        await money(avito)
    return caught.value


# --- /token


async def test_keys_go_as_a_form(said: Said, client: Make) -> None:
    said.says(WALLET, {})
    await money(client())
    [heard] = said.asked("/token")
    assert (heard.verb, heard.path) == ("POST", "/token")
    assert heard.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(heard.body, strict_parsing=True) == {
        "grant_type": ["client_credentials"],
        "client_id": ["client-of-nobody"],
        "client_secret": ["a secret + & = %"],
    }


async def test_secret_with_odd_characters_opens_the_account(world: AvitoWorld, client: Make) -> None:
    keys = keys_in(world, REMONT, account_id=None)
    assert re.search(r"[+&=%]", keys.client_secret)
    assert " " in keys.client_secret
    assert (await own_account(client(keys))).id == REMONT


async def test_token_goes_with_the_call(said: Said, client: Make) -> None:
    said.says(WALLET, {})
    await money(client())
    assert said.asked()[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": "invalid_client", "error_description": "Client authentication failed"}, 401),
        ({"error": "invalid_client", "error_description": "Client authentication failed"}, 200),
        ({"error": "invalid_request"}, 400),
        ({"error": {"code": 403, "message": "Forbidden"}}, 403),
        ({"result": {"status": False, "message": "no"}}, 404),
        ({}, 200),
        ({"access_token": ""}, 200),
        ({"access_token": None}, 200),
        ({"access_token": " "}, 200),
        ({"access_token": ["x"]}, 200),
        ({"access_token": "токен"}, 200),
        ({"access_token": "tK\r\nX-More: 1"}, 200),
        ("", 401),
        ("Unauthorized", 401),
        (HTML, 401),
    ],
)
async def test_refused_keys_are_bad_credentials(said: Said, client: Make, body: Any, status: int) -> None:
    said.says("/token", body, status)
    avito = client()
    error = await refusal(avito)
    assert (error.kind, error.permanent, error.section) == (Kind.BAD_CREDENTIALS, True, Section.MONEY)
    assert (avito.token_calls, avito.calls) == (1, 0)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": "server_error"}, 500),
        ({"error": {"code": 503, "message": "Service temporarily unavailable"}}, 503),
        (HTML, 502),
        (HTML, 200),
        (HTML, 403),
        ("", 200),
        ("[]", 200),
        ("", 302),
        ({"error": "slow"}, 408),
    ],
)
async def test_broken_token_service_says_nothing_against_the_keys(
    said: Said, client: Make, body: Any, status: int
) -> None:
    said.says("/token", body, status)
    avito = client()
    error = await refusal(avito)
    assert (error.kind, error.permanent) == (Kind.AVITO_DOWN, False)
    assert (avito.token_calls, avito.calls) == (3, 0)


async def test_token_service_that_comes_back_is_asked_again(world: AvitoWorld, sever: Avito) -> None:
    world.trouble("token", 503, times=2)
    assert (await money(sever)).wallet == Decimal("250000.5")
    assert (sever.token_calls, sever.calls) == (3, 1)


async def test_failed_fetch_leaves_nobody_waiting(said: Said, client: Make) -> None:
    said.says("/token", {"error": "invalid_client"}, 401)
    await refusal(client())
    assert (await in_db(AvitoToken.objects.get)).fetching_until is None


@pytest.mark.parametrize(("kind", "asked"), [("invalid_client", 1), ("503", 3)])
async def test_calls_at_the_same_time_fail_with_one_fetch(
    world: AvitoWorld, sever: Avito, monkeypatch: pytest.MonkeyPatch, kind: str, asked: int
) -> None:
    world.trouble("token", kind, times=asked)
    calls = [money(sever), rating(sever), advance(sever), chats(sever, 0)]
    access = sever._access
    ask = access._wire.ask_token

    async def once_the_others_wait(keys: Keys) -> Reply:
        """Who comes after the failure is not at the same time, and asks again."""
        while len(access._one_at_a_time._waiters or ()) < len(calls) - 1:
            await asyncio.sleep(0.001)
        return await ask(keys)

    with monkeypatch.context() as held:
        held.setattr(access._wire, "ask_token", once_the_others_wait)
        found = await asyncio.gather(*calls, return_exceptions=True)
    assert len({(type(one), getattr(one, "kind", "")) for one in found}) == 1
    assert (isinstance(found[0], AvitoError), world.count("token")) == (True, asked)
    assert (await money(sever)).wallet == Decimal("250000.5")


async def test_limit_of_the_token_service_is_waited_for(said: Said, client: Make, clock: Clock) -> None:
    said.says("/token", {}, 429, retry_after="2").says("/token", {"access_token": "tK-2"})
    said.says(WALLET, {"real": 1})
    assert (await money(client())).wallet == Decimal(1)
    assert clock.slept == [2.0]


async def test_limit_of_the_token_service_that_is_too_long_is_told(said: Said, client: Make) -> None:
    said.says("/token", {}, 429, retry_after="40")
    error = await refusal(client())
    assert (error.kind, error.retry_after, error.status) == (Kind.RATE_LIMITED, 40.0, 429)


@pytest.mark.parametrize(
    ("manner", "hours"), [({}, 24), ({"expires_in": "string"}, 24), ({"expires_in": "absent"}, 1)], ids=str
)
async def test_life_of_a_token_may_be_said_in_any_way(
    world: AvitoWorld, sever: Avito, clock: Clock, manner: dict[str, Any], hours: int
) -> None:
    world.behave(**manner)
    await money(sever)
    assert (await in_db(AvitoToken.objects.get)).expires_at == clock.now + timedelta(hours=hours)


# --- one token for all


async def test_token_serves_other_jobs(world: AvitoWorld, client: Make) -> None:
    for job in (money, rating, advance):
        await job(client(keys_in(world)))
    assert world.count("token") == 1


async def test_calls_at_the_same_time_share_one_fetch(world: AvitoWorld, sever: Avito) -> None:
    await asyncio.gather(money(sever), rating(sever), advance(sever), chats(sever, 0))
    assert (sever.token_calls, sever.calls, world.count("token")) == (1, 4, 1)


async def test_jobs_at_the_same_time_share_one_fetch(world: AvitoWorld, client: Make) -> None:
    """Each as another process would: what they share is in the database."""
    jobs = [client(keys_in(world), **TOGETHER) for _ in range(4)]
    await asyncio.gather(
        *[call(avito) for call, avito in zip((money, rating, advance, own_account), jobs, strict=True)]
    )
    assert (world.count("token"), sum(avito.token_calls for avito in jobs)) == (1, 1)


async def test_token_is_renewed_before_it_ends(world: AvitoWorld, sever: Avito, clock: Clock) -> None:
    await money(sever)
    clock.passes(hours=23, minutes=56)
    await money(sever)
    assert (world.count("token"), world.count("balance", status=403)) == (2, 0)


# --- tokens that are refused


@pytest.mark.parametrize("status", [401, 403])
async def test_token_that_ended_between_two_calls_is_renewed_once(world: AvitoWorld, sever: Avito, status: int) -> None:
    world.behave(expired=status)
    await rating(sever)
    world.expire_tokens()
    assert (await money(sever)).wallet == Decimal("250000.5")
    assert (world.count("token"), world.count("balance")) == (2, 2)


async def test_renewal_does_not_cost_the_minute_of_statistics(world: AvitoWorld, sever: Avito) -> None:
    await rating(sever)
    world.expire_tokens()
    told = await daily(sever, datetime(2026, 3, 2, tzinfo=UTC).date(), datetime(2026, 3, 2, tzinfo=UTC).date())
    assert (len(told.days), world.count("stats_v2"), world.count("stats_v2", status=429)) == (1, 2, 0)


async def test_calls_refused_together_are_renewed_for_once(world: AvitoWorld, sever: Avito) -> None:
    await own_account(sever)
    world.expire_tokens()
    await asyncio.gather(money(sever), rating(sever), advance(sever))
    assert world.count("token") == 2


async def test_new_token_of_another_process_is_taken_over(world: AvitoWorld, client: Make) -> None:
    """Avito may end the old token when it gives a new one."""
    world.behave(new_token_revokes=True)
    ours, others = client(keys_in(world)), client(keys_in(world))
    await own_account(ours)
    await own_account(others)
    world.expire_tokens()
    await money(others)
    await rating(ours)
    assert (ours.token_calls, others.token_calls, world.count("token")) == (1, 1, 2)


async def test_second_refusal_is_a_matter_of_rights(world: AvitoWorld, sever: Avito) -> None:
    world.trouble("ratings", 403)
    with pytest.raises(AvitoError) as caught:
        await rating(sever)
    assert (caught.value.kind, caught.value.section, caught.value.status) == (Kind.NO_ACCESS, Section.RATINGS, 403)
    assert (world.count("rating"), world.count("token")) == (2, 2)


async def test_further_closed_sections_cost_no_further_tokens(world: AvitoWorld, sever: Avito) -> None:
    for section in ("ratings", "messenger", "balance"):
        world.trouble(section, 403)
    for call in (rating(sever), chats(sever, 0), money(sever)):
        with pytest.raises(AvitoError, match="no_access"):
            await call
    assert world.count("token") == 2


async def test_keys_revoked_in_the_middle_are_bad_credentials(world: AvitoWorld, sever: Avito) -> None:
    await rating(sever)
    world.revoke(world.keys_of(SEVER).client_id)
    assert (await refusal(sever)).kind is Kind.BAD_CREDENTIALS


async def test_regenerated_secret_is_told_apart_from_the_old(world: AvitoWorld, client: Make) -> None:
    old = keys_in(world)
    await money(client(old))
    world.regenerate(old.client_id)
    with pytest.raises(AvitoError, match="bad_credentials"):
        await rating(client(old))
    assert (await rating(client(keys_in(world)))).reviews == 128


async def test_wrong_secret_gets_nothing_by_the_token_of_the_right_one(world: AvitoWorld, client: Make) -> None:
    right = keys_in(world)
    await own_account(client(right))
    with pytest.raises(AvitoError, match="bad_credentials"):
        await own_account(client(Keys(right.client_id, "guessed", None)))


@pytest.mark.parametrize("status", [400, 403, 200])
async def test_words_of_an_invalid_token_mean_the_token(said: Said, client: Make, status: int) -> None:
    said.says(WALLET, {"result": {"status": False, "message": "invalid access token"}}, status)
    said.says(WALLET, {"real": 5})
    assert (await money(client())).wallet == Decimal(5)
    assert len(said.asked("/token")) == 2


async def test_page_with_status_403_says_nothing_of_rights(said: Said, client: Make) -> None:
    said.says(WALLET, "<html><body>Доступ ограничен</body></html>", 403)
    error = await refusal(client())
    assert (error.kind, len(said.asked("/token"))) == (Kind.AVITO_DOWN, 1)


async def test_dead_fetcher_is_waited_for_until_its_lease_ends(
    world: AvitoWorld, client: Make, clock: Clock, sever: Avito
) -> None:
    await in_db(tokens.look, keys_in(world), clock.now)
    error = await refusal(sever)
    assert (error.kind, error.retry_after, error.status) == (Kind.RATE_LIMITED, 1.0, None)
    clock.passes(seconds=tokens.LEASE.total_seconds())
    assert (await money(sever)).wallet == Decimal("250000.5")
