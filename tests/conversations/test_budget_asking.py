"""More of a budget: asked for under a refusal, decided in the admins' chat, told to whoever asked."""

import pytest
from pytest_django import Settings

from accounts.models import Access, AuditEntry, Role, User
from conversations import services
from llm.models import Budget, Spending
from tests.conversations.test_budgets import limit, payer
from tests.house import ADMINS, ANNA, BORIS, CHRIS, OLGA, TEAM, House, open_house

ASK = "🙏 Ask for more"


@pytest.fixture
async def refused(house: House) -> House:
    """Анна is at her limit and has asked for more."""
    await house.db(limit, tokens=2000)
    await house.ask(ANNA, "Hello there")
    house.press(ANNA, ASK)
    await house.quiet()
    return house


def second_admin() -> None:
    """Chris may decide too."""
    User.objects.create(
        telegram_id=CHRIS, username=f"tg{CHRIS}", first_name="Chris", language="en", status=Access.ACTIVE,
        role=Role.ADMIN,
    )  # fmt: skip


def spending() -> Spending:
    return Spending.objects.select_related("budget").get()


def deeds() -> list[tuple[str, str]]:
    entries = AuditEntry.objects.filter(action__startswith="budget.").order_by("id")
    return [(entry.action, entry.actor_label) for entry in entries]


def cards(house: House) -> list[str]:
    return [text for text in house.heard(ADMINS) if text.startswith("🙏")]


def toasts(house: House) -> list[str]:
    return [call.params.get("text", "") for call in house.calls("answerCallbackQuery")]


async def press(house: House, who: int, label: str, chat: int) -> str:
    """Press and give the toast."""
    house.press(who, label, chat)
    await house.quiet()
    return toasts(house)[-1]


async def test_asking_puts_a_card_before_the_admins(refused: House) -> None:
    [card] = cards(refused)
    assert card.startswith("🙏 Анна asks for more.\n")
    assert "0 of 2" in card
    assert list(refused.buttons(ADMINS)) == ["➕ 25 %", "➕ 100 %", "🚫 Decline"]


async def test_admins_give_more_and_the_question_is_answered(refused: House) -> None:
    await press(refused, OLGA, "➕ 100 %", ADMINS)

    assert refused.heard(ANNA)[-1] == "🔋 Your budget for today grew by 100 %. Please ask your question again."
    assert (await refused.db(spending)).tokens_limit == 4000
    assert not (await refused.ask(ANNA, "Hello there")).startswith("🪫")


async def test_decision_stands_on_the_card_without_buttons(refused: House) -> None:
    await press(refused, OLGA, "➕ 25 %", ADMINS)

    [card] = cards(refused)
    assert card.endswith("✅ +25 % · Ольга")
    assert refused.buttons(ADMINS) == {}
    assert await refused.db(deeds) == [("budget.asked", "Анна"), ("budget.granted", "Ольга")]


async def test_admins_may_decline_and_then_nobody_asks_them_again_in_this_period(refused: House) -> None:
    await press(refused, OLGA, "🚫 Decline", ADMINS)
    assert (
        refused.heard(ANNA)[-1] == "🙏 Your budget for today stays as it is: the admins could not give more this time."
    )

    await refused.ask(ANNA, "Hello there")
    assert await press(refused, ANNA, ASK, ANNA) == "The admins have declined already."
    assert len(cards(refused)) == 1


async def test_two_admins_who_press_give_once(refused: House) -> None:
    await refused.db(second_admin)
    refused.world.member(ADMINS, CHRIS, "member")
    message = refused.messages(ADMINS)[-1]["message_id"]
    more = refused.buttons(ADMINS)["➕ 100 %"]

    for who in (OLGA, CHRIS):
        refused.world.press(who, message, more, ADMINS)
    await refused.quiet()

    assert sorted(toasts(refused)[-2:]) == ["+100 %", "Somebody has decided already."]
    assert (await refused.db(spending)).extra_tokens == 2000
    assert len([text for text in refused.heard(ANNA) if text.startswith("🔋")]) == 1


async def test_member_cannot_give_themselves_more(refused: House) -> None:
    refused.world.member(ADMINS, ANNA, "member")
    assert await press(refused, ANNA, "➕ 100 %", ADMINS) == "This is for admins."
    assert (await refused.db(spending)).extra_tokens == 0


async def test_asking_twice_makes_one_card(refused: House) -> None:
    await refused.ask(ANNA, "Hello again")
    assert await press(refused, ANNA, ASK, ANNA) == "I have asked the admins. You will hear from me."
    assert len(cards(refused)) == 1
    assert await refused.db(deeds) == [("budget.asked", "Анна")]


async def test_more_may_be_asked_for_again_when_what_was_given_is_used_up(refused: House) -> None:
    await press(refused, OLGA, "➕ 25 %", ADMINS)
    await refused.db(Spending.objects.update, tokens=2500)

    await refused.ask(ANNA, "Hello there")
    await press(refused, ANNA, ASK, ANNA)
    await press(refused, OLGA, "➕ 25 %", ADMINS)

    assert len(cards(refused)) == 2
    assert (await refused.db(spending)).extra_tokens == 1000


async def test_everybody_who_asked_for_the_groups_budget_is_told_in_the_group(team: House) -> None:
    await team.db(limit, "chat", chat=await team.db(payer, "chat"), tokens=100)
    for who in (ANNA, BORIS):
        await team.ask(who, "/ask Hello there", TEAM)
        await press(team, who, ASK, TEAM)

    assert len(cards(team)) == 1
    await press(team, OLGA, "➕ 100 %", ADMINS)

    told = [text for text in team.heard(TEAM) if text.startswith("🔋 This group's budget for today grew by 100 %.")]
    assert len(told) == 2


async def test_decision_after_the_period_is_void(refused: House) -> None:
    row = await refused.db(spending)
    await refused.db(Spending.objects.update, starts_on=row.starts_on.replace(year=2020))
    assert await press(refused, OLGA, "➕ 25 %", ADMINS) == "That budget has begun anew; there is nothing to decide."


async def test_without_an_admins_chat_nothing_is_offered(transactional_db: None, settings: Settings) -> None:
    async with open_house(settings, ADMIN_CHAT_ID=0) as house:
        await house.db(limit, tokens=10)
        assert (await house.ask(ANNA, "Hello there")).startswith("🪫")
        assert house.buttons(ANNA) == {}


async def test_deleted_budget_is_no_longer_asked_about(refused: House) -> None:
    await refused.db(Budget.objects.all().delete)
    await refused.db(services.forget_default)
    assert await press(refused, OLGA, "➕ 25 %", ADMINS) == "That budget has begun anew; there is nothing to decide."
