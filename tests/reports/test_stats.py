"""/stats, as people in a group and in private see it."""

from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import User
from reports.chat.stats import usual
from reports.figures.periods import Period
from reports.models import AvitoProfile, Report
from reports.words.numbers import number
from sandbox.avito import POLKA, REMONT, SEVER, figures_of
from tests.house import ANNA, OLGA, TEAM, House
from tests.reports import asked, making

pytestmark = pytest.mark.asyncio


def week() -> Period:
    return usual(timezone.now())


def views(*accounts: int) -> str:
    return number(Decimal(sum(figures_of(uid, day)["views"] for uid in accounts for day in week().dates())))


async def stats(house: House, words: str = "", user: int = ANNA, chat: int = TEAM) -> str:
    """All that the bot said after it."""
    before = len(house.messages(chat))
    house.say(user, f"/stats@sekretar_bot {words}".strip(), chat)
    await house.until(lambda: len(house.messages(chat)) > before)
    if await house.db(Report.objects.exists):
        await asked.ended(house)
    await house.quiet()
    return "\n".join(house.heard(chat)[before:])


async def test_a_group_hears_of_each_profile_and_the_total_of_seven_days(house: House) -> None:
    first = await house.db(asked.given, house)
    second = await house.db(asked.given, house, REMONT, "Ремонт")
    await house.db(asked.team, first, second)
    said = await stats(house)

    assert views(SEVER) in said
    assert views(REMONT) in said
    assert views(SEVER, REMONT) in said


async def test_anybody_in_the_group_may_ask(house: House) -> None:
    profile = await house.db(asked.given, house)
    await house.db(asked.team, profile)

    assert views(SEVER) in await stats(house, user=OLGA)


async def test_a_broken_profile_is_named_and_does_not_hide_the_others(house: House) -> None:
    good = await house.db(asked.given, house)
    other = await house.db(asked.given, house, REMONT, "Ремонт")
    bad = await house.db(asked.given, house, POLKA, "Полка")
    await house.db(asked.team, good, other, bad)
    asked.avito(house).revoke(asked.avito(house).keys_of(POLKA).client_id)
    said = await stats(house)

    assert "Полка" in said
    assert views(SEVER, REMONT) in said


async def test_a_group_without_profiles_learns_how_to_show_one(house: House) -> None:
    await house.db(asked.given, house)
    await house.db(asked.team)
    said = await stats(house)

    assert "No Avito profile is shown in this group" in said
    assert "/profiles" in said


async def test_in_private_one_sees_ones_own_profiles_alone(house: House) -> None:
    await house.db(asked.given, house)
    await house.db(_somebody_elses)
    said = await stats(house, chat=ANNA)

    assert views(SEVER) in said
    assert "Чужой" not in said


async def test_somebody_without_profiles_learns_how_to_connect_one(house: House) -> None:
    await house.db(asked.given, house)

    assert "/add_profile" in await stats(house, user=OLGA, chat=OLGA)


async def test_a_period_may_be_said(house: House) -> None:
    profile = await house.db(asked.given, house)
    await house.db(asked.team, profile)
    await stats(house, "вчера")

    report = await house.db(Report.objects.get)
    assert report.first == report.last == week().last


async def test_a_period_that_cannot_be_is_explained_with_an_example(house: House) -> None:
    profile = await house.db(asked.given, house)
    await house.db(asked.team, profile)
    said = await stats(house, "31.02.2026")

    assert "There is no such day" in said
    assert "/stats yesterday" in said
    assert await house.db(Report.objects.count) == 0


async def test_the_same_question_twice_is_answered_once(house: House) -> None:
    profile = await house.db(asked.given, house)
    await house.db(asked.team, profile)
    asked.avito(house).trouble("balance", "hold")
    house.say(ANNA, "/stats@sekretar_bot", TEAM)
    await asked.avito(house).until(lambda: asked.avito(house).count("balance") == 1)
    house.say(OLGA, "/stats@sekretar_bot", TEAM)
    await house.until(lambda: any("already" in text for text in house.heard(TEAM)))
    asked.avito(house).calm()
    asked.avito(house).release()
    await asked.ended(house)

    assert await house.db(Report.objects.count) == 1


async def test_fifty_profiles_are_told_in_messages_that_fit(house: House) -> None:
    profiles = await house.db(_fifty, house)
    await house.db(asked.team, *profiles)
    await stats(house, "week")

    said = [text for text in house.heard(TEAM) if text]
    assert all(len(text.encode("utf-16-le")) // 2 <= 4096 for text in said)
    for profile in profiles:
        assert any(profile.name in text for text in said)


async def test_a_profile_that_is_hidden_meanwhile_is_not_shown(house: House) -> None:
    first = await house.db(asked.given, house)
    second = await house.db(asked.given, house, REMONT, "Ремонт")
    await house.db(asked.team, first, second)
    asked.avito(house).trouble("balance", "hold", uid=SEVER)
    house.say(ANNA, "/stats@sekretar_bot", TEAM)
    await asked.avito(house).until(lambda: asked.avito(house).count("balance", SEVER) == 1)
    await house.db(second.places.all().delete)
    asked.avito(house).calm()
    asked.avito(house).release()
    await asked.ended(house)

    said = "\n".join(house.heard(TEAM))
    assert "Север" in said
    assert "Ремонт" not in said


def _somebody_elses() -> None:
    making.make_profile(making.owner(), "Чужой", REMONT)


def _fifty(house: House) -> list[AvitoProfile]:
    owner = User.objects.get(telegram_id=ANNA)
    return [
        asked.given(house, (SEVER, REMONT)[number % 2], f"Profile {number:02} _*[<", person=owner.telegram_id or 0)
        for number in range(50)
    ]
