"""Tokens of the Avito fake: how one is got, how long it opens what, and how it ends."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from sandbox.avito import REMONT, REMONT_KEYS, SEVER, SEVER_KEYS, SEVER_SECOND_KEYS
from sandbox.avito.errors import WORDS
from sandbox.avito.troubles import HTML

from .avito_client import Avito, Seller

SELF = "/core/v1/accounts/self"


@pytest.mark.parametrize("path", ["/token", "/token/"])
async def test_keys_are_changed_for_a_token_of_a_day(avito: Avito, path: str) -> None:
    answer = await avito.token(avito.world.keys_of(SEVER), path)
    assert (answer.status, answer.body["token_type"], answer.body["expires_in"]) == (200, "Bearer", 86_400)
    assert answer.body["access_token"]


async def test_a_secret_with_signs_survives_the_form(avito: Avito) -> None:
    keys = avito.world.keys_of(REMONT)
    assert set("+ &=%") <= set(keys.client_secret)
    assert (await avito.token(keys)).status == 200


async def test_both_pairs_of_one_seller_open_the_same_account(avito: Avito) -> None:
    for client_id, _ in (SEVER_KEYS, SEVER_SECOND_KEYS):
        answer = await avito.token(avito.world.keys[client_id])
        shown = await Seller(avito, SEVER, answer.body["access_token"]).get(SELF)
        assert shown.body["id"] == SEVER


@pytest.mark.parametrize(
    "wrong", [{"client_id": "nobody"}, {"client_secret": "wrong"}], ids=["unknown id", "wrong secret"]
)
async def test_wrong_keys_are_refused_as_oauth_does(avito: Avito, wrong: dict[str, str]) -> None:
    answer = await avito.token(avito.world.keys_of(SEVER), **wrong)
    assert (answer.status, answer.body["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"client_id": ""}, "invalid_request"),
        ({"client_secret": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
    ids=["no id", "no secret", "another grant"],
)
async def test_a_form_that_is_not_right_is_refused(avito: Avito, fields: dict[str, str], word: str) -> None:
    answer = await avito.token(avito.world.keys_of(SEVER), **fields)
    assert (answer.status, answer.body["error"]) == (400, word)


async def test_a_form_as_json_is_refused(avito: Avito) -> None:
    form = {"grant_type": "client_credentials", "client_id": SEVER_KEYS[0], "client_secret": SEVER_KEYS[1]}
    answer = await avito.ask("POST", avito.url + "/token", json=form)
    assert (answer.status, answer.body["error"]) == (400, "invalid_request")


async def test_a_token_ends_with_its_time(avito: Avito, sever: Seller) -> None:
    avito.world.move_clock(timedelta(seconds=86_399))
    assert (await sever.get(SELF)).status == 200
    avito.world.move_clock(timedelta(seconds=1))
    assert (await sever.get(SELF)).status == 403


async def test_a_dead_token_may_be_a_401(avito: Avito, sever: Seller) -> None:
    avito.world.behave(expired=401)
    assert avito.world.expire_tokens(SEVER) == 1
    answer = await sever.get(SELF)
    assert (answer.status, answer.body["error"]["message"]) == (401, "access token expired")


async def test_another_sellers_tokens_are_not_ended(avito: Avito, sever: Seller) -> None:
    assert avito.world.expire_tokens(REMONT) == 0
    assert (await sever.get(SELF)).status == 200


async def test_a_call_without_a_token_is_unauthorised(avito: Avito) -> None:
    answer = await avito.ask("GET", avito.url + SELF)
    assert (answer.status, answer.body) == (401, {"error": {"code": 401, "message": "Unauthorized"}})


async def test_an_unknown_token_is_refused(avito: Avito, sever: Seller) -> None:
    assert (await replace(sever, token="tK-made-up").get(SELF)).status == 403


async def test_two_tokens_live_side_by_side(avito: Avito) -> None:
    first, second = await avito.seller(SEVER), await avito.seller(SEVER)
    assert first.token != second.token
    assert [(await one.get(SELF)).status for one in (first, second)] == [200, 200]


async def test_a_new_token_may_end_the_old_one_of_its_keys(avito: Avito) -> None:
    avito.world.behave(new_token_revokes=True)
    first, second = await avito.seller(SEVER), await avito.seller(SEVER)
    assert [(await one.get(SELF)).status for one in (first, second)] == [403, 200]


@pytest.mark.parametrize(("manner", "told"), [("string", "3600"), ("absent", None), ("number", 3600)])
async def test_the_life_of_a_token_may_be_told_otherwise(avito: Avito, manner: str, told: object) -> None:
    avito.world.behave(expires_in=manner, token_seconds=3600)
    assert (await avito.token(avito.world.keys_of(SEVER))).body.get("expires_in") == told


async def test_revoked_keys_get_no_token_and_end_theirs(avito: Avito, sever: Seller) -> None:
    keys = avito.world.keys_of(SEVER)
    avito.world.revoke(keys.client_id)
    assert (await avito.token(keys)).status == 401
    assert (await sever.get(SELF)).status == 403


async def test_restored_keys_work_again(avito: Avito) -> None:
    keys = avito.world.keys_of(SEVER)
    avito.world.revoke(keys.client_id)
    avito.world.revoke(keys.client_id, revoked=False)
    assert (await avito.token(keys)).status == 200


async def test_a_new_secret_ends_the_old_one(avito: Avito, sever: Seller) -> None:
    keys = avito.world.keys_of(SEVER)
    old = keys.client_secret
    assert avito.world.regenerate(keys.client_id) == keys.client_secret != old
    assert (await avito.token(keys, client_secret=old)).status == 401
    assert (await avito.token(keys)).status == 200
    assert (await sever.get(SELF)).status == 403


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("invalid_client", 401, {"error": "invalid_client", "error_description": "Client authentication failed"}),
        ("invalid_client_200", 200, {"error": "invalid_client", "error_description": "Client authentication failed"}),
        ("no_token", 200, {"token_type": "Bearer", "expires_in": 86_400}),
        ("null_token", 200, {"access_token": None, "token_type": "Bearer", "expires_in": 86_400}),
        ("400", 400, {"error": {"code": 400, "message": "Bad Request"}}),
        ("403", 403, {"error": {"code": 403, "message": "Forbidden"}}),
        ("429", 429, {"error": {"code": 429, "message": "Too Many Requests"}}),
        ("500", 500, {"error": {"code": 500, "message": WORDS[500]}}),
        ("html", 502, HTML),
        ("empty", 200, ""),
        ("204", 204, ""),
        ("bad_json", 200, '{"result": {"items": [{"id": 7, '),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isidentifier() else "",
)
async def test_a_token_may_be_refused_in_every_way(avito: Avito, kind: str, status: int, body: object) -> None:
    avito.world.trouble("token", kind, times=1)
    keys = avito.world.keys_of(SEVER)
    answer = await avito.token(keys)
    assert (answer.status, answer.body) == (status, body)
    assert (await avito.token(keys)).body["access_token"]


async def test_trouble_with_one_sellers_tokens_leaves_the_others_alone(avito: Avito) -> None:
    avito.world.trouble("token", 500, uid=REMONT)
    assert (await avito.token(avito.world.keys[REMONT_KEYS[0]])).status == 500
    assert (await avito.token(avito.world.keys_of(SEVER))).status == 200


async def test_requests_for_tokens_are_counted_and_hide_the_secret(avito: Avito) -> None:
    keys = avito.world.keys_of(SEVER)
    await asyncio.gather(avito.token(keys), avito.token(keys))
    assert avito.world.count("token", uid=SEVER) == 2
    body = avito.world.calls[-1].body
    assert (body["client_id"], body["client_secret"]) == (keys.client_id, "****")
