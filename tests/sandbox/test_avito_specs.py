"""The Avito fake against Avito's own API descriptions, where they are at hand.

AVITO_SPECS_DIR is a folder with the OpenAPI files of Avito's developer catalogue, named as there (items.json, …).
"""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from sandbox.avito import REMONT, SEVER
from sandbox.avito.figures import SLUGS
from sandbox.avito.methods import METHODS
from sandbox.avito.methods.spendings import TYPES
from sandbox.avito.world import LIMITS

from .avito_client import WEEK, Avito, Seller, spent, v2

FOLDER = os.environ.get("AVITO_SPECS_DIR", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="AVITO_SPECS_DIR names no folder with Avito's API descriptions")

SOURCE = {"X-Source": "tests"}
ITEM, CHAT = "7001000001", "u2i-118628d~f4b30_0"
CALLS = {"dateTimeFrom": "2026-03-02T00:00:00Z", "limit": 100, "offset": 0}
OPERATIONS = {"dateTimeFrom": "2026-03-02T00:00:00+03:00", "dateTimeTo": "2026-03-09T00:00:00+03:00"}
# Method of the fake → the description it is in, its path there, and how it is asked.
ASKED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "self": ("user", "/core/v1/accounts/self", {}),
    "balance": ("user", "/core/v1/accounts/{user_id}/balance/", {}),
    "operations": ("user", "/core/v1/accounts/operations_history/", {"json": OPERATIONS}),
    "cpa_v3": ("cpa", "/cpa/v3/balanceInfo", {"json": {}, "headers": SOURCE}),
    "cpa_v2": ("cpa", "/cpa/v2/balanceInfo", {"json": {}, "headers": SOURCE}),
    "item_list": ("items", "/core/v1/items", {"params": {"status": "active,old,removed"}}),
    "item": ("items", "/core/v1/accounts/{user_id}/items/{item_id}/", {}),
    "stats_v1": ("items", "/stats/v1/accounts/{user_id}/items", {"json": {**WEEK, "itemIds": [int(ITEM)]}}),
    "stats_v2": ("items", "/stats/v2/accounts/{user_id}/items", {"json": v2(*sorted(SLUGS), grouping="day")}),
    "spendings": ("items", "/stats/v2/accounts/{user_id}/spendings", {"json": spent()}),
    "call_stats": ("items", "/core/v1/accounts/{user_id}/calls/stats/", {"json": WEEK}),
    "calltracking": ("calltracking", "/calltracking/v1/getCalls/", {"json": CALLS}),
    "chats": ("messenger", "/messenger/v2/accounts/{user_id}/chats", {"params": {"chat_types": "u2i,u2u,a2u"}}),
    "chat": ("messenger", "/messenger/v2/accounts/{user_id}/chats/{chat_id}", {}),
    "messages": ("messenger", "/messenger/v3/accounts/{user_id}/chats/{chat_id}/messages/", {}),
    "read": ("messenger", "/messenger/v1/accounts/{user_id}/chats/{chat_id}/read", {}),
    "voices": ("messenger", "/messenger/v1/accounts/{user_id}/getVoiceFiles", {"params": {"voice_ids": "a"}}),
    "rating": ("reviews", "/ratings/v1/info", {}),
    "reviews": ("reviews", "/ratings/v1/reviews", {"params": {"offset": 0, "limit": 50}}),
    "tariff": ("tariffs", "/tariff/info/1", {}),
}
OF_WEBHOOKS = ("appCall", "file", "video")
TARIFF = {"current": {"level": "Тариф «Максимальный»", "isActive": True, "bonus": 0, "packages": []}}


@cache
def described(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((Path(FOLDER) / f"{name}.json").read_text())
    return loaded


def schema(name: str, node: Any) -> Any:
    """A schema of OpenAPI 3.0 as plain JSON Schema: references followed, `nullable` spelled out, formats left."""
    if isinstance(node, list):
        return [schema(name, one) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target: Any = described(name)
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return schema(name, target)
    plain = {key: schema(name, value) for key, value in node.items() if key not in ("example", "format", "nullable")}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


def answer_schema(method: str) -> Any:
    name, path, _ = ASKED[method]
    verb = next(one.http.lower() for one in METHODS if one.name == method)
    answer = schema(name, described(name)["paths"][path][verb]["responses"]["200"])
    return answer["content"]["application/json"]["schema"]


def as_described(method: str, body: Any) -> Any:
    """The part of an answer the description means, without what life has and the description has not."""
    if method == "messages":
        return [told(row) for row in body["messages"] if row["type"] not in OF_WEBHOOKS]
    if method == "chats":
        return {"chats": [{**chat, "last_message": told(chat["last_message"])} for chat in body["chats"]]}
    return body["result"] if method == "cpa_v2" else body


def told(message: dict[str, Any]) -> dict[str, Any]:
    """A message without the nulls where the description has objects."""
    return {name: value for name, value in message.items() if name not in ("content", "quote") or value is not None}


def test_every_method_is_compared() -> None:
    assert set(ASKED) == {method.name for method in METHODS}


@pytest.mark.parametrize("method", sorted(ASKED))
async def test_an_answer_is_as_described(avito: Avito, sever: Seller, method: str) -> None:
    avito.world.accounts[SEVER].tariff = TARIFF
    (one,) = (known for known in METHODS if known.name == method)
    answer = await sever.ask(one.http, one.path, words={"item_id": ITEM, "chat_id": CHAT}, **ASKED[method][2])
    assert answer.status == 200, answer
    jsonschema_rs.validate(answer_schema(method), as_described(method, answer.body))


@pytest.mark.parametrize("method", sorted(ASKED))
def test_a_path_and_its_verb_are_as_described(method: str) -> None:
    (one,) = (known for known in METHODS if known.name == method)
    name, path, _ = ASKED[method]
    assert one.path.replace("{uid}", "{user_id}") == path
    assert one.http.lower() in described(name)["paths"][path]


@pytest.mark.parametrize(
    "body",
    [
        {},
        v2("views") | {"grouping": "year"},
        v2("views") | {"limit": 1001},
        v2("views") | {"offset": None},
        v2("views") | {"filter": {"categoryIDs": ["x"]}},
        v2("views") | {"sort": {"key": "views"}},
        v2("views") | {"metrics": "views"},
    ],
    ids=["empty", "grouping", "limit", "offset null", "filter", "sort", "metrics"],
)
async def test_what_the_description_refuses_the_fake_refuses(sever: Seller, body: dict[str, Any]) -> None:
    """Offset null is the exception: the description lets it be, but requires it; the fake wants a number."""
    asked = described("items")["paths"]["/stats/v2/accounts/{user_id}/items"]["post"]["requestBody"]
    allowed = jsonschema_rs.is_valid(schema("items", asked["content"]["application/json"]["schema"]), body)
    answer = await sever.post("/stats/v2/accounts/{uid}/items", body)
    assert answer.status == 400
    assert allowed is (body.get("offset", 0) is None)


def test_the_slugs_are_those_of_the_description() -> None:
    text = described("items")["paths"]["/stats/v2/accounts/{user_id}/items"]["post"]["description"]
    told = {word.strip("* ") for line in text.splitlines() for word in line.split("**")[1:2]}
    assert {slug for slug in told if slug[0].islower()} - {"totals", "item", "day", "week", "month"} == SLUGS


def test_the_types_of_spendings_are_those_of_the_description() -> None:
    text = described("items")["paths"]["/stats/v2/accounts/{user_id}/spendings"]["post"]["description"]
    told = {line.split("**")[1] for line in text.splitlines() if line.lstrip().startswith("- **")}
    assert told - {"day", "week", "month"} == set(TYPES)


def test_the_limits_are_those_of_the_description() -> None:
    for method in ("stats_v2", "spendings", "cpa_v3"):
        name, path, _ = ASKED[method]
        text = described(name)["paths"][path]["post"]["description"]
        assert LIMITS[method] == 1
        assert "одного запроса в минуту" in text or "в минуту - 1" in text
    items = described("items")["paths"]
    assert f"в минуту - {LIMITS['item_list']}" in items["/core/v1/items"]["get"]["description"]
    assert f"в минуту - {LIMITS['item']}" in items["/core/v1/accounts/{user_id}/items/{item_id}/"]["get"]["description"]
    limiter = described("calltracking")["paths"]["/calltracking/v1/getCalls/"]["post"]["x-rate-limiter"]
    assert limiter["default"] == LIMITS["calltracking"]


async def test_a_long_list_of_items_is_as_described(avito: Avito) -> None:
    remont = await avito.seller(REMONT)
    for page in (1, 13):
        answer = await remont.get("/core/v1/items", {"per_page": 99, "page": page})
        jsonschema_rs.validate(answer_schema("item_list"), answer.body)


async def test_a_token_is_as_described(avito: Avito) -> None:
    told = described("authorization")["paths"]["/token"]["post"]["responses"]["200"]["content"]["application/json"]
    answer = await avito.token(avito.world.keys_of(SEVER))
    jsonschema_rs.validate(schema("authorization", told["schema"]), answer.body)


@pytest.mark.parametrize("n", range(40))
async def test_every_chat_is_as_described(avito: Avito, n: int) -> None:
    seller = await avito.seller(SEVER)
    chat_id = avito.world.accounts[SEVER].inbox.chat_id(n)
    answer = await seller.get("/messenger/v3/accounts/{uid}/chats/{chat_id}/messages/", chat_id=chat_id)
    jsonschema_rs.validate(answer_schema("messages"), as_described("messages", answer.body))
