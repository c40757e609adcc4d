"""The people and chats a new world starts with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .world import World

OLGA, ANNA, BORIS, CHRIS = 100, 101, 102, 103
ADMINS, TEAM, NEWS, SALES = -1001000000001, -1001000000002, -1001000000003, -1001000000004


def seed_world(world: World, admin_chat: int | None = None) -> None:
    """Four people with private chats, a group of administrators, a team group, two channels.

    `admin_chat` replaces the id of the administrators' group, or, when positive, that of the administrator.
    """
    bot = world.bot["id"]
    olga = admin_chat if admin_chat and admin_chat > 0 else OLGA
    admins = admin_chat if admin_chat and admin_chat < 0 else ADMINS
    world.add_user(olga, "Ольга", username="olga", language_code="ru")
    world.add_user(ANNA, "Анна", username="anna", language_code="ru")
    world.add_user(BORIS, "Борис", username="boris", language_code="ru")
    world.add_user(CHRIS, "Chris", username="chris", language_code="en")
    leads = {olga: "creator", bot: "administrator"}
    team = {olga: "creator", ANNA: "member", BORIS: "member", CHRIS: "member", bot: "member"}
    world.add_chat("supergroup", "Администраторы", chat_id=admins, members=leads)
    world.add_chat("supergroup", "Команда", chat_id=TEAM, members=team)
    world.add_chat("channel", "Новости", chat_id=NEWS, members=leads)
    world.add_chat("channel", "Акции", chat_id=SALES, members=leads)
