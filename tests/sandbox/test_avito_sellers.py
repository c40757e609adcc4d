"""The sellers the sandbox starts with, and those a test has made: each keeps its story over the years."""

import itertools
from dataclasses import fields
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.avito import POLKA, POLKA_KEYS, REMONT, REMONT_KEYS, SEVER, SEVER_KEYS, SEVER_SECOND_KEYS, AvitoWorld
from sandbox.avito import figures_of as foretold
from sandbox.avito.accounts import Account, Keys
from sandbox.avito.figures import BY_HOUR, MOSCOW, PARTS, Trade, grown, moscow_day, parts_of
from sandbox.avito.inbox import Inbox
from sandbox.avito.seeds import generated, made_up_keys
from sandbox.avito.stock import COFFEE, FURNITURE, RENOVATION, ROUND, UP, Line, Stock

from .avito_client import NOON

TODAY = date(2026, 3, 9)
YEAR = [TODAY - timedelta(days=n) for n in range(360)]
SEEDED = (SEVER, REMONT, POLKA)


def world_at(moment: datetime) -> AvitoWorld:
    return AvitoWorld(clock=lambda: moment)


# --- keys -----------------------------------------------------------------------------------------------------


def test_every_pair_of_keys_looks_like_one_and_is_its_own() -> None:
    pairs = [SEVER_KEYS, SEVER_SECOND_KEYS, REMONT_KEYS, POLKA_KEYS, made_up_keys(95_000_001), made_up_keys(95_000_002)]
    assert {len(client_id) for client_id, _ in pairs} == {20}
    assert all(len(secret) >= 40 for _, secret in pairs)
    assert len({word for pair in pairs for word in pair}) == 2 * len(pairs)


def test_a_secret_is_not_in_what_is_printed() -> None:
    assert SEVER_KEYS[1] not in repr(Keys(*SEVER_KEYS, uid=SEVER))


def test_the_first_pair_is_the_one_given_for_an_account() -> None:
    world = AvitoWorld()
    assert world.keys_of(SEVER).client_id == SEVER_KEYS[0]
    with pytest.raises(KeyError):
        world.keys_of(1)


def test_a_world_may_begin_empty() -> None:
    world = AvitoWorld(seed=False)
    assert (world.accounts, world.keys) == ({}, {})


# --- stories --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("year", [2025, 2026, 2027, 2031])
def test_thirteen_pages_hold_the_items_whatever_the_year(year: int) -> None:
    stock = world_at(NOON).accounts[REMONT].stock
    for month in range(1, 13):
        count = len(stock.up(date(year, month, 15)))
        assert 12 * 100 < count <= 13 * 99


def test_the_shop_spends_every_day_and_tops_its_advance_up() -> None:
    assert all(foretold(SEVER, day)["allSpending"] > 0 for day in YEAR)
    assert AvitoWorld().accounts[SEVER].cpa


def test_the_wallet_of_the_renovators_is_soon_empty() -> None:
    account = AvitoWorld().accounts[REMONT]
    week = sum(foretold(REMONT, day)["spending"] for day in YEAR[1:29]) / 4
    assert account.real is not None
    assert account.real * 100 < week
    assert account.cpa is None


def test_a_tariff_is_paid_once_in_thirty_days() -> None:
    paid = [day for day in YEAR if foretold(REMONT, day)["restSpending"]]
    assert len(paid) == 12
    assert {(before - after).days for before, after in itertools.pairwise(paid)} == {30}


def test_promotion_rests_one_week_of_four() -> None:
    promoted = [bool(foretold(SEVER, day)["promoSpending"]) for day in YEAR]
    assert promoted.count(True) == pytest.approx(270, abs=7)


def test_the_cafe_rests_on_sundays() -> None:
    assert {foretold(POLKA, day)["views"] for day in YEAR if day.weekday() == 6} == {0}
    assert any(foretold(POLKA, day)["views"] for day in YEAR)


@pytest.mark.parametrize("uid", SEEDED)
def test_figures_are_never_below_zero_nor_out_of_measure(uid: int) -> None:
    for day in YEAR:
        told = foretold(uid, day)
        assert min(told.values()) >= 0
        assert told["contacts"] <= told["views"] <= told["impressions"]
        assert told["deliveredItems"] <= told["orderedItems"] <= told["views"]
        assert told["newActiveItems"] <= told["activeItems"]


def test_spendings_have_kopecks() -> None:
    assert any(foretold(SEVER, day)["presenceSpending"] % 100 for day in YEAR[:7])


def test_only_the_three_are_foretold_without_a_world() -> None:
    with pytest.raises(KeyError):
        foretold(95_000_001, TODAY)


@pytest.mark.parametrize("uid", SEEDED)
def test_what_is_foretold_is_what_the_world_says(uid: int) -> None:
    world = world_at(NOON)
    for day in (TODAY, TODAY - timedelta(days=1), TODAY - timedelta(days=269), TODAY + timedelta(days=1)):
        assert world.figures_of(uid, day) == foretold(uid, day, NOON)


def test_chats_are_as_old_as_the_world_is_young() -> None:
    for moment in (NOON, NOON + timedelta(days=400)):
        newest = world_at(moment).accounts[SEVER].inbox.chat(0)["updated"]
        assert 0 <= moment.timestamp() - newest < 3600


# --- made-up sellers ------------------------------------------------------------------------------------------


def test_a_made_up_seller_is_always_the_same() -> None:
    first, second = (generated(95_000_001, NOON, items=30, chats=5) for _ in range(2))
    assert first.stock.items == second.stock.items
    assert first.figures(TODAY) == second.figures(TODAY)
    assert first.inbox.thread(0, 0, 5) == second.inbox.thread(0, 0, 5)


def test_made_up_sellers_differ() -> None:
    first, second = (generated(uid, NOON, items=30) for uid in (95_000_001, 95_000_002))
    assert first.figures(TODAY) != second.figures(TODAY)
    assert not {item.id for item in first.stock.items} & {item.id for item in second.stock.items}


def test_a_made_up_seller_trades_as_told() -> None:
    account = generated(95_000_001, NOON, items=1, trade=Trade(views=1000, quiet=0), real=None, cpa=5)
    assert account.figures(TODAY)["views"] == parts_of(Trade(views=1000, quiet=0), 95_000_001, TODAY)["views"]
    assert (account.real, account.cpa) == (None, 5)


def test_unknown_words_for_a_seller_are_refused() -> None:
    with pytest.raises(TypeError, match="weather"):
        AvitoWorld().fill(95_000_001, weather="fine")


def test_an_accounts_fields_are_what_a_test_may_set() -> None:
    names = {one.name for one in fields(Account)}
    assert {"real", "bonus", "cpa", "absent", "closed", "manners", "employee", "score", "tariff"} <= names


# --- items ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lines", [FURNITURE, RENOVATION, COFFEE], ids=["furniture", "renovation", "coffee"])
def test_items_have_titles_of_their_own_and_some_a_price(lines: tuple[Line, ...]) -> None:
    stock = Stock(9, 40, 0, lines)
    assert len({item.title for item in stock.items}) == 40
    assert {item.price is None for item in stock.items} == {True, False}
    assert {item.category for item in stock.items} == {line.category for line in lines}


def test_an_item_is_up_in_one_go_and_rests_in_one_go() -> None:
    item = next(item for item in Stock(9, 0, 5).items)
    changes = sum(item.is_up(day) != item.is_up(day + timedelta(days=1)) for day in YEAR)
    assert changes == 2 * len(YEAR) // ROUND
    assert sum(item.is_up(day) for day in YEAR) == UP * len(YEAR) // ROUND


def test_an_item_is_published_anew_every_thirty_days_while_it_is_up() -> None:
    steady, passing = (Stock(9, 1, 1).items[n] for n in (0, 1))
    assert sum(steady.is_new(day) for day in YEAR) == 12
    assert sum(passing.is_new(day) for day in YEAR) == 8
    assert all(passing.is_up(day) for day in YEAR if passing.is_new(day))


def test_active_items_are_counted_once_over_many_days() -> None:
    stock = Stock(9, 3, 6)
    assert stock.active(YEAR) == 9
    assert stock.active([TODAY]) == len(stock.up(TODAY))
    assert (stock.active([]), stock.new([])) == (0, 0)


@given(
    steady=st.integers(0, 60),
    passing=st.integers(0, 20),
    ordinal=st.integers(735_000, 745_000),
    views=st.integers(0, 9999),
)
def test_no_share_is_lost_or_made_up(steady: int, passing: int, ordinal: int, views: int) -> None:
    day, stock = date.fromordinal(ordinal), Stock(3, steady, passing)
    total = dict.fromkeys(PARTS, 0) | {"views": views, "promo": 3 * views + 1}
    shares = stock.shares(day, total)
    rows = [shares.of(item.id) for item in stock.items]
    up = stock.up(day)
    assert [item.id for item in up] == list(shares.places)
    if up:
        assert sum(row.get("views", 0) for row in rows) == views
        assert sum(row.get("promo", 0) for row in rows) == 3 * views + 1


def test_a_bigger_item_gets_the_bigger_share() -> None:
    stock = Stock(3, 30)
    by_weight = sorted(stock.items, key=lambda item: item.weight)
    light, heavy = by_weight[0], by_weight[-1]
    shares = stock.shares(TODAY, dict.fromkeys(PARTS, 0) | {"views": 10_000})
    assert shares.of(heavy.id)["views"] > 3 * shares.of(light.id)["views"]


# --- the day --------------------------------------------------------------------------------------------------


def test_a_day_begins_with_nothing_and_ends_whole() -> None:
    assert (BY_HOUR[0], BY_HOUR[24], len(BY_HOUR)) == (0, 1000, 25)
    assert list(BY_HOUR) == sorted(BY_HOUR)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_what_has_grown_does_not_shrink(one: int, other: int) -> None:
    parts = parts_of(Trade(views=777, tariff=99_999), 1, TODAY)
    less, more = (grown(parts, part) for part in sorted((one, other)))
    assert all(less[name] <= more[name] <= parts[name] for name in PARTS)


def test_the_moscow_day_is_three_hours_ahead() -> None:
    assert moscow_day(NOON.replace(hour=20, minute=59)) == TODAY
    assert moscow_day(NOON.replace(hour=21)) == TODAY + timedelta(days=1)
    assert NOON.astimezone(MOSCOW).hour == 12


# --- chats ----------------------------------------------------------------------------------------------------


@given(st.integers(0, 1400), st.booleans())
def test_a_chat_is_found_by_its_id(n: int, odd: bool) -> None:
    inbox = Inbox(7, chats=1300, messages=1, odd=odd, newer=3)
    assert inbox.place(inbox.chat_id(n)) == (n if n < 1300 else None)
    assert inbox.place(inbox.chat_id(-1 - n)) == (-1 - n if n < 3 else None)


@pytest.mark.parametrize("chat_id", ["", "u2i", "u2i-x~y_0", "u2i-x~y_z", "u2u-1/2", "_" * 50, "u2i-1~2_99999999999"])
def test_an_id_nobody_has_is_found_nowhere(chat_id: str) -> None:
    assert Inbox(7, chats=20, messages=1, odd=True).place(chat_id) is None


def test_ids_of_chats_and_messages_are_all_different() -> None:
    inbox = Inbox(7, chats=60, messages=40, odd=True)
    assert len({inbox.chat_id(n) for n in range(60)}) == 60
    assert len({inbox.message_id(n, k) for n in range(60) for k in range(40)}) == 2400
