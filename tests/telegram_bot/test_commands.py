"""The house's own commands, the language a person is spoken to in, and the menus Telegram shows."""

from typing import Any

import pytest
from django.utils import timezone

from accounts import services as accounts
from accounts.models import AuditEntry, Role, User
from delivery.models import Delivery
from telegram_bot import commands
from tests.house import ANNA, BORIS, CHRIS, OLGA, TEAM, House
from tests.telegram_bot.test_groups import open_group


def names(call: Any) -> list[str]:
    return [command["command"] for command in call.params["commands"]]


def menus(house: House, chat_id: int) -> dict[str, list[str]]:
    """Language code of the list ("": any) -> commands, of the person's own menu, as last set."""
    calls = [call for call in house.calls("setMyCommands") if call.params["scope"].get("chat_id") == chat_id]
    return {call.params.get("language_code", ""): names(call) for call in calls}


async def approve(house: House, telegram_id: int, role: Role = Role.MEMBER) -> None:
    now = timezone.now()
    await house.db(lambda: accounts.approve_telegram_ids([telegram_id], role=role, by=None, via="command", now=now))
    await house.quiet()


# --- commands -------------------------------------------------------------------------------------------------------


async def test_start_greets_by_name(house: House) -> None:
    assert (await house.ask(ANNA, "/start")).startswith("Hello, Анна! Ask me anything,")


async def test_ping_is_answered(house: House) -> None:
    assert await house.ask(ANNA, "/ping") == "Bot ready"


async def test_whoami_tells_name_role_and_language(house: House) -> None:
    assert await house.ask(ANNA, "/whoami") == "Анна @anna 101\nRole: member\nLanguage: English"


async def test_whoami_in_a_group_tells_its_number_too(house: House) -> None:
    await open_group(house)

    assert (await house.ask(ANNA, "/whoami@sekretar_bot", TEAM)).endswith(f"This chat: {TEAM}")


async def test_help_lists_what_the_role_may_do(house: House) -> None:
    member, admin = await house.ask(ANNA, "/help"), await house.ask(OLGA, "/help")

    assert "/models · Choose a model" in member
    assert "/admin" not in member
    assert "/admin · Steer the bot: people, models, announcements" in admin


async def test_command_for_another_bot_is_not_ours(house: House) -> None:
    house.say(ANNA, "/ping@other_bot")
    await house.quiet()

    assert "Bot ready" not in house.heard(ANNA)


# --- language -------------------------------------------------------------------------------------------------------


async def test_person_chooses_a_language_and_is_spoken_to_in_it(house: House, russian: None) -> None:
    await house.ask(ANNA, "/language")
    house.press(ANNA, "Русский")
    await house.quiet()

    assert house.heard(ANNA) == ["Хорошо, говорим по-русски."]
    assert await house.ask(ANNA, "/ping") == "Бот готов"
    assert await house.ask(OLGA, "/ping") == "Bot ready"


async def test_menu_follows_the_chosen_language_at_once_and_back(house: House, russian: None) -> None:
    for label in ("Русский", "English"):
        await house.ask(ANNA, "/language")
        house.press(ANNA, label)
        await house.quiet()

    calls = [call for call in house.calls("setMyCommands") if call.params["scope"].get("chat_id") == ANNA]
    told = [
        (c.params.get("language_code", ""), item["description"])
        for c in calls
        for item in c.params["commands"]
        if item["command"] == "help"
    ]
    assert told == [
        ("", "Что я умею"), ("ru", "Что я умею"), ("", "What I can do"), ("ru", "What I can do"),
    ]  # fmt: skip


async def test_without_a_choice_the_language_of_the_app_counts(house: House, russian: None) -> None:
    await approve(house, BORIS)
    house.say(BORIS, "/ping")
    await house.quiet()

    assert house.heard(BORIS)[-1] == "Бот готов"


async def test_language_we_do_not_speak_falls_back_to_the_houses(house: House, russian: None) -> None:
    house.world.add_user(CHRIS, "Chris", language_code="pt-br")
    await approve(house, CHRIS)

    assert await house.ask(CHRIS, "/ping") == "Bot ready"


# --- menus ----------------------------------------------------------------------------------------------------------


def test_menu_grows_with_the_role() -> None:
    roles = (None, Role.MEMBER, Role.EDITOR, Role.ADMIN)
    seen = [{item["command"] for item in commands.menu(role, "en")} for role in roles]

    assert seen[0] == {"start", "help", "whoami"}
    assert seen[0] < seen[1] < seen[2] < seen[3]
    assert seen[2] - seen[1] == {"post", "poll", "posts", "schedule", "poststats"}
    assert seen[3] - seen[2] == {"admin", "group"}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_menu_fits_telegrams_limits(language: str) -> None:
    listed = commands.menu(Role.ADMIN, language)

    assert len(listed) <= 100
    for item in listed:
        assert item["command"].replace("_", "").isalnum()
        assert item["command"] == item["command"].lower()
        assert len(item["command"]) <= 32
        assert 0 < len(item["description"]) <= 256


async def test_everybodys_menus_are_set_once_until_they_change(house: House) -> None:
    await house.db(commands.show_to_all)
    await house.quiet()
    await house.db(commands.show_to_all)
    await house.quiet()

    calls = house.calls("setMyCommands")
    assert [(c.params["scope"]["type"], c.params.get("language_code", "")) for c in calls] == [
        ("default", ""), ("all_group_chats", ""), ("default", "ru"), ("all_group_chats", "ru"),
    ]  # fmt: skip
    assert names(calls[0]) == ["start", "help", "whoami"]
    assert "ask" in names(calls[1])
    assert "admin" not in names(calls[1])


async def test_approved_person_gets_the_menu_of_their_role_in_each_language(house: House) -> None:
    house.say(CHRIS, "/start")
    await house.quiet()
    await approve(house, CHRIS)

    found = menus(house, CHRIS)
    assert set(found) == {"", "ru"}
    assert "models" in found[""]
    assert "admin" not in found[""]


async def test_person_put_out_loses_the_menu(house: House) -> None:
    await house.ask(OLGA, f"/admin reject {ANNA}")

    assert menus(house, ANNA)[""] == ["start", "help", "whoami"]


async def test_new_role_shows_in_the_menu_after_start(house: House) -> None:
    anna = await house.db(lambda: User.objects.get(telegram_id=ANNA))
    await house.db(lambda: accounts.set_role(anna, Role.ADMIN, by=None, via="admin", now=timezone.now()))
    await house.ask(ANNA, "/start")

    assert "admin" in menus(house, ANNA)[""]
    assert await house.db(AuditEntry.objects.filter(action="role.set").exists)
    assert not await house.db(Delivery.objects.filter(state="failed").exists)
