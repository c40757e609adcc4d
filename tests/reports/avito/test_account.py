"""Whose keys, the wallet, the advance."""

from decimal import Decimal

import pytest

from reports.avito.account import Money, advance, money, own_account
from reports.avito.client import Avito
from reports.avito.errors import AvitoError, Kind
from reports.metrics import Section
from sandbox.avito import REMONT, SEVER, AvitoWorld
from tests.reports.avito.conftest import Make, keys_in
from tests.reports.avito.said import Said

CPA = "/cpa/v3/balanceInfo"
WALLET = "/core/v1/accounts/7/balance/"


async def test_account_is_named_by_its_keys(world: AvitoWorld, client: Make) -> None:
    avito = client(keys_in(world, account_id=None))
    found = await own_account(avito)
    assert (found.id, found.name, found.email) == (SEVER, "Магазин «Север»", f"seller{SEVER}@example.org")
    assert avito.account_id == SEVER


async def test_account_that_was_not_known_is_asked_for_once(world: AvitoWorld, client: Make) -> None:
    avito = client(keys_in(world, account_id=None))
    await money(avito)
    await advance(avito)
    assert (world.count("self"), world.count("balance"), avito.calls) == (1, 1, 3)


@pytest.mark.parametrize("body", [{}, {"id": None}, {"id": "x"}, {"id": 0}, {"id": True}, []])
async def test_answer_without_an_account_is_no_answer(said: Said, client: Make, body: object) -> None:
    said.says("/core/v1/accounts/self", body)
    with pytest.raises(AvitoError) as caught:
        await own_account(client())
    assert (caught.value.kind, caught.value.section) == (Kind.AVITO_DOWN, Section.ACCOUNT)


async def test_personal_data_stay_out_of_repr(sever: Avito) -> None:
    found = await own_account(sever)
    assert found.email not in repr(found)
    assert found.phone not in repr(found)


async def test_wallet_is_roubles_whatever_its_size(sever: Avito) -> None:
    assert await money(sever) == Money(Decimal("250000.5"), Decimal("120"))


@pytest.mark.parametrize(
    ("body", "wallet", "bonus"),
    [
        ('{"real": 0, "bonus": 0}', Decimal(0), Decimal(0)),
        ('{"real": 0.1}', Decimal("0.1"), None),
        ('{"bonus": 120.07}', None, Decimal("120.07")),
        ("{}", None, None),
        ('{"real": null, "bonus": "a lot"}', None, None),
        ('{"real": -15.5, "bonus": 1e2}', Decimal("-15.5"), Decimal(100)),
    ],
)
async def test_money_that_is_not_told_differs_from_none(
    said: Said, client: Make, body: str, wallet: Decimal | None, bonus: Decimal | None
) -> None:
    said.says(WALLET, body)
    assert await money(client()) == Money(wallet, bonus)


async def test_no_content_is_money_not_told(said: Said, client: Make) -> None:
    said.says(WALLET, "", 204)
    assert await money(client()) == Money(None, None)


@pytest.mark.parametrize("wrapping", ["flat", "result", "data"])
async def test_advance_is_kopecks_however_wrapped(world: AvitoWorld, client: Make, wrapping: str) -> None:
    world.behave(cpa=wrapping)
    assert await advance(client(keys_in(world))) == Decimal("18450")


async def test_advance_may_be_a_debt(world: AvitoWorld, sever: Avito) -> None:
    world.accounts[SEVER].cpa = -500_000
    assert await advance(sever) == Decimal(-5000)


async def test_advance_of_nothing_is_zero_and_not_absence(said: Said, client: Make) -> None:
    said.says(CPA, {"balance": 0})
    assert await advance(client()) == Decimal(0)


async def test_advance_that_is_not_told_is_none(said: Said, client: Make) -> None:
    said.says(CPA, {"result": {}})
    assert await advance(client()) is None


async def test_advance_names_its_source(said: Said, client: Make) -> None:
    said.says(CPA, {"balance": 1})
    await advance(client())
    [heard] = said.asked()
    assert (heard.headers["X-Source"], heard.body) == ("sekretar", {})


async def test_account_without_target_actions_has_no_advance(world: AvitoWorld, client: Make) -> None:
    with pytest.raises(AvitoError) as caught:
        await advance(client(keys_in(world, REMONT)))
    assert (caught.value.kind, caught.value.section) == (Kind.NOT_FOR_ACCOUNT, Section.ADVANCE)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"code": 404, "message": "not found"}}, 404),
        ({"error": {"code": 403}}, 403),
        ({"error": {"code": 1004, "message": "Не найдено"}}, 200),
        ({"error": {"code": 77, "message": "ЦД недоступно для обжалования"}}, 200),
        ({"result": {"error": {"code": 1004, "message": "?"}}}, 200),
    ],
)
async def test_every_way_to_say_that_there_is_no_advance(said: Said, client: Make, body: object, status: int) -> None:
    said.says(CPA, body, status)
    with pytest.raises(AvitoError) as caught:
        await advance(client())
    assert caught.value.kind is Kind.NOT_FOR_ACCOUNT


async def test_another_accounts_number_is_told_apart(world: AvitoWorld, client: Make) -> None:
    avito = client(keys_in(world, account_id=REMONT))
    with pytest.raises(AvitoError) as caught:
        await money(avito)
    assert (caught.value.kind, caught.value.section, caught.value.permanent) == (
        Kind.WRONG_ACCOUNT,
        Section.MONEY,
        True,
    )
