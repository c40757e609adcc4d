"""Whatever comes over the wire: what it means, and that nothing of it breaks the client."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from reports.avito import reading
from reports.avito.account import advance, money, own_account
from reports.avito.calltracking import recorded_calls
from reports.avito.client import Avito, Keys
from reports.avito.errors import AvitoError, Kind
from reports.avito.items import details, items
from reports.avito.messenger import chats, messages, voice_links
from reports.avito.operations import operations
from reports.avito.ratings import rating, reviews
from reports.avito.reading import Unreadable, day, moment, number, parse, roubles, text, whole
from reports.avito.statistics import by_item, calls, daily, of_items, spendings, totals
from reports.avito.tariff import tariffs
from tests.reports.avito.conftest import Make
from tests.reports.avito.said import Reply, Said

DAY = date(2026, 3, 2)
THEN, LATER = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)

JSON: Any = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats() | strategies.text(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "told", ["", "{", "NaN", "[Infinity]", '{"a": -Infinity}', "<html>", "[" * 100_000, "1e9999999999"]
)
def test_what_is_no_json_is_unreadable(told: str) -> None:
    with pytest.raises(Unreadable):
        number(parse(told)) or parse("{")


def test_fractions_are_decimal_to_the_last_digit() -> None:
    assert parse('{"a": 0.1, "b": 123456789012.12, "c": 5}') == {
        "a": Decimal("0.1"),
        "b": Decimal("123456789012.12"),
        "c": 5,
    }


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (0, Decimal(0)),
        (-7, Decimal(-7)),
        (Decimal("0.10"), Decimal("0.10")),
        ("12.50", Decimal("12.50")),
        ("-3", Decimal(-3)),
        (10**15 - 1, Decimal(10**15 - 1)),
        (10**15, None),
        (Decimal("1e400"), None),
        (Decimal("1e-300"), Decimal(0)),
        (Decimal("1600.4000000000000909"), Decimal("1600.4")),
        (Decimal("0.123456"), Decimal("0.123456")),
        (True, None),
        (None, None),
        ("", None),
        ("1e5", None),
        ("１２", None),
        (" 1", None),
        ([1], None),
        ({}, None),
    ],
    ids=repr,
)
def test_number_is_a_figure_or_nothing(told: Any, expected: Decimal | None) -> None:
    assert number(told) == expected


@pytest.mark.parametrize(
    ("kopecks", "expected"),
    [(1542050, "15420.5"), (-500000, "-5000"), (0, "0"), (1, "0.01"), (Decimal("110.1"), "1.101"), (None, None)],
    ids=repr,
)
def test_kopecks_are_hundredths(kopecks: Any, expected: str | None) -> None:
    assert roubles(kopecks) == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(
    ("told", "expected"),
    [(7, 7), ("7", 7), (Decimal("7.0"), 7), (Decimal("7.5"), None), (True, None), ("x", None)],
    ids=repr,
)
def test_whole_number_is_an_id_or_nothing(told: Any, expected: int | None) -> None:
    assert whole(told) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (1772400000, "2026-03-01T21:20:00"),
        (1772400000000, "2026-03-01T21:20:00"),
        ("1772400000", "2026-03-01T21:20:00"),
        ("2026-03-02T00:20:00+03:00", "2026-03-01T21:20:00"),
        ("2026-03-01T21:20:00Z", "2026-03-01T21:20:00"),
        ("2026-03-02 00:20:00", "2026-03-01T21:20:00"),
        (0, None),
        (-1, None),
        (10**15, None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (True, None),
    ],
    ids=repr,
)
def test_moment_is_in_utc(told: Any, expected: str | None) -> None:
    assert moment(told) == (None if expected is None else datetime.fromisoformat(expected).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("2026-03-02", date(2026, 3, 2)),
        (1742860800, date(2025, 3, 25)),
        (1742850000, date(2025, 3, 25)),
        ("2026-03-02T00:00:00+03:00", date(2026, 3, 2)),
        ("2026-02-30", None),
        ("02.03.2026", None),
        (None, None),
    ],
    ids=repr,
)
def test_day_is_moscows(told: Any, expected: date | None) -> None:
    assert day(told) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [("Кровать", "Кровать"), ("a\x00b", "a�b"), ("\ud83d", "�"), ("😀", "😀"), (7, ""), (None, "")],
    ids=ascii,
)
def test_text_is_one_that_can_be_kept(told: Any, expected: str) -> None:
    assert text(told) == expected


@hypothesis.given(JSON)
def test_nothing_that_json_holds_breaks_the_reading(told: Any) -> None:
    value = parse(json.dumps(told).replace("NaN", "0").replace("Infinity", "1"))
    for read in (number, roubles, whole, moment, day, text, reading.flag, reading.mapping, reading.rows):
        read(value)
    assert all(isinstance(row, dict) for row in reading.objects(value))


# --- whole answers

CALLS: dict[str, Callable[[Avito], Awaitable[Any]]] = {
    "self": own_account,
    "money": money,
    "advance": advance,
    "daily": lambda avito: daily(avito, DAY, DAY),
    "totals": lambda avito: totals(avito, DAY, DAY),
    "by_item": lambda avito: by_item(avito, DAY, DAY),
    "of_items": lambda avito: of_items(avito, [1, 2], DAY, DAY),
    "spendings": lambda avito: spendings(avito, DAY, DAY),
    "calls": lambda avito: calls(avito, DAY, DAY),
    "items": lambda avito: _all(items(avito)),
    "details": lambda avito: details(avito, 5),
    "operations": lambda avito: operations(avito, THEN, LATER),
    "recorded": lambda avito: _all(recorded_calls(avito, THEN, LATER)),
    "chats": lambda avito: chats(avito, 0),
    "messages": lambda avito: messages(avito, "c", 0),
    "voices": lambda avito: voice_links(avito, ["v"]),
    "rating": rating,
    "reviews": reviews,
    "tariffs": tariffs,
}
INNER: tuple[Any, ...] = (None, 7, "x", True, [], {}, [None, 1, "x", []], [{}], {"id": {}}, [{"id": []}])
NAMES = (
    *("result", "items", "groupings", "operations", "resources", "calls", "chats", "messages", "reviews", "rating"),
    *("meta", "data", "voices_urls", "current", "real", "balance"),
)
ODD: tuple[Any, ...] = (
    *INNER,
    *(dict.fromkeys(NAMES, inner) for inner in INNER),
    *({"result": dict.fromkeys(NAMES, inner)} for inner in INNER),
    {
        "result": {
            "groupings": [{"id": "x", "metrics": [{"slug": {}, "value": {}}], "date": [], "spendings": [{"slug": []}]}]
        }
    },
    {"result": {"items": [{"itemId": {}, "stats": [{"date": {}}], "days": [{"date": 7, "calls": {}}]}]}},
    {"chats": [{"id": "c", "context": [], "users": {}, "last_message": {"id": "m", "content": [], "created": {}}}]},
    {"messages": [{"id": "m", "content": {"text": {}, "link": 7, "location": [], "item": "x"}, "is_read": "yes"}]},
    {"calls": [{"callId": 1, "talkDuration": "x", "waitingDuration": {}}], "error": {"code": 0}},
    {"resources": [{"id": 1, "category": [], "price": {}}], "meta": {"page": [], "per_page": "x"}},
)


async def _all(found: Any) -> list[Any]:
    return [row async for row in found]


@pytest.mark.parametrize("name", sorted(CALLS))
async def test_odd_answers_give_something_or_an_error_of_ours(said: Said, client: Make, name: str) -> None:
    refusals = set()
    for account_id, odd in enumerate(ODD, 1000):
        said.otherwise = Reply(json.dumps(odd))
        try:
            await CALLS[name](client(Keys("client", "secret", account_id), patience=600))
        except AvitoError as error:
            refusals.add(error.kind)
    assert refusals <= {Kind.AVITO_DOWN}
    assert len(said.asked()) >= len(ODD)
