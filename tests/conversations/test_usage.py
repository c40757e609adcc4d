"""/usage: what was used today and this month, what is left, and what nobody knows."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from pytest_django import Settings

from accounts.models import Chat, User
from conversations import usage
from conversations.models import Conversation, Request, RequestSum
from conversations.usage import Used
from llm.models import Model
from tests.conversations.test_budgets import limit, payer
from tests.house import ANNA, OLGA, TEAM, House


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


async def test_without_budgets_the_figures_are_shown(house: House) -> None:
    await house.db(Model.objects.update, price_input=1000, price_output=2000)
    await house.ask(ANNA, "Hello there")

    lines = plain(await house.ask(ANNA, "/usage")).splitlines()

    assert lines[0] == "📊 Your usage"
    assert lines[1].startswith("Today: 1 answer, ")
    assert "tokens, $" in lines[1]
    assert lines[2] == lines[1].replace("Today", "This month")
    assert lines[-1] == "There is no limit."


async def test_newcomer_has_used_nothing(house: House) -> None:
    assert "Today: nothing yet" in await house.ask(ANNA, "/usage")


async def test_price_that_nobody_knows_is_said_and_is_not_zero(house: House) -> None:
    await house.db(limit, money=1)
    await house.ask(ANNA, "Hello there")

    heard = plain(await house.ask(ANNA, "/usage"))

    assert "tokens, cost unknown" in heard
    assert "$0.0000 + ? of $1.0000" in heard
    assert "The price of 1 answer is unknown; it is not in the sum." in heard


async def test_what_is_left_of_each_budget_is_shown(house: House) -> None:
    await house.db(limit, tokens=12_345)

    heard = plain(await house.ask(ANNA, "/usage"))

    assert "Your budget for today\n▱▱▱▱▱▱▱▱▱▱ 0 of 12 345 tokens\nLeft: 12 345 tokens. It begins anew on " in heard


async def test_budget_of_the_whole_bot_is_shown_to_admins_only(house: House) -> None:
    await house.db(limit, "bot", tokens=5000)
    assert (await house.ask(ANNA, "/usage")).endswith("\n\nThere is no limit of your own.")
    assert "The bot's budget" in await house.ask(OLGA, "/usage")


async def test_group_shows_its_own_figures_and_budget(team: House) -> None:
    await team.db(limit, "chat", chat=await team.db(payer, "chat"), tokens=5000)
    await team.ask(ANNA, "In private")
    await team.ask(ANNA, "/ask In the group", TEAM)

    heard = plain(await team.ask(OLGA, "/usage", TEAM))

    assert heard.startswith("📊 Usage of this group\nToday: 1 answer, ")
    assert "This group's budget for today" in heard


async def test_persons_budget_is_not_shown_in_a_group(team: House) -> None:
    await team.db(limit, tokens=5000)
    heard = await team.ask(ANNA, "/usage", TEAM)
    assert heard.endswith("Here everybody's own budget counts. Yours: /usage in our private chat.")


# --- figures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "total"),
    [
        (Used(), Used(), Used()),
        (Used(1, 10, Decimal(1), 0), Used(2, 5, None, 2), Used(3, 15, Decimal(1), 2)),
        (Used(1, 10, Decimal(1), 0), Used(2, 5, Decimal(2), 1), Used(3, 15, Decimal(3), 1)),
    ],
)
def test_unknown_cost_does_not_become_known_by_adding(first: Used, second: Used, total: Used) -> None:
    assert first + second == total


@pytest.mark.django_db
def test_day_begins_in_the_installations_zone(
    member: User, private_chat: Chat, now: datetime, settings: Settings
) -> None:
    settings.TIME_ZONE = "Europe/Moscow"
    dialog = Conversation.objects.create(chat=private_chat)
    for number, hour in enumerate((20, 21)):  # 23:00 of the 19th and 0:00 of the 20th in Moscow
        Request.objects.create(
            conversation=dialog, user=member, update_key=str(number), input_tokens=10, output_tokens=1,
            created_at=now.replace(day=19, hour=hour),
        )  # fmt: skip

    assert usage.of_person(member, date(2026, 11, 20)) == Used(1, 11, None, 1)


@pytest.mark.django_db
def test_requests_that_are_kept_no_more_still_count(member: User) -> None:
    RequestSum.objects.create(
        day=date(2026, 11, 3),
        user=member,
        requests=3,
        answered=2,
        input_tokens=100,
        output_tokens=20,
        cost=1,
        unpriced=1,
    )
    assert usage.of_person(member, date(2026, 11, 1)) == Used(2, 120, Decimal(1), 1)
    assert usage.of_person(member, date(2026, 11, 4)) == Used()
