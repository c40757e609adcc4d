"""An admin invites from the chat; the link lets one person in."""

import re

import pytest

from accounts.models import Invite, User
from delivery.models import Delivery
from tests.house import ANNA, BORIS, CHRIS, OLGA, House


def token_in(text: str) -> str:
    found = re.search(r"https://t\.me/sekretar_bot\?start=([A-Za-z0-9_-]+)", text)
    assert found
    return found.group(1)


async def test_admins_link_lets_one_stranger_in_with_its_role(house: House) -> None:
    token = token_in(await house.ask(OLGA, "/admin invite editor 2"))

    await house.ask(CHRIS, f"/start {token}")
    assert any(text.startswith("Hello, Chris!") for text in house.heard(CHRIS))
    await house.ask(BORIS, f"/start {token}")
    chris, boris = await house.db(lambda: list(User.objects.filter(telegram_id__gt=101).order_by("-telegram_id")))
    assert (chris.status, chris.role, boris.status) == ("active", "editor", "pending")


async def test_member_with_an_admins_link_sees_the_admins_commands(house: House) -> None:
    token = token_in(await house.ask(OLGA, "/admin invite admin"))
    await house.ask(ANNA, f"/start {token}")

    menus = [
        call.params for call in house.calls("setMyCommands") if call.params.get("scope", {}).get("chat_id") == ANNA
    ]
    assert "admin" in [command["command"] for command in menus[-1]["commands"]]


async def test_link_stands_in_no_row(house: House) -> None:
    token = token_in(await house.ask(OLGA, "/admin invite"))

    contents = await house.db(lambda: [str(content) for content in Delivery.objects.values_list("content", flat=True)])
    assert not any(token in content for content in contents)
    assert (await house.db(Invite.objects.get)).token_hash != token


async def test_member_cannot_invite(house: House) -> None:
    assert "for admins" in await house.ask(ANNA, "/admin invite")
    assert not await house.db(Invite.objects.exists)


@pytest.mark.parametrize("words", ["invite king", "invite member 0", "invite member 9999", "invite member 5 more"])
async def test_unclear_invitation_is_explained(house: House, words: str) -> None:
    assert "/admin invite member 24" in await house.ask(OLGA, f"/admin {words}")
    assert not await house.db(Invite.objects.exists)
