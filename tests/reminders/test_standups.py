"""A stand-up is prepared by an assistant in the group, confirmed with a tap, and held."""

import json
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Access, Chat, Role, User
from conversations import services as conversations
from conversations.models import Assistant, StandUpMember
from conversations.standups.plan import read
from delivery import tick
from delivery.models import Schedule
from llm.models import Model
from llm.toolbox import Asked, ToolError
from reminders import services, standups
from reminders.models import Action, Occurrence, Reminder, Status
from tests.house import ANNA, BORIS, BOT, MODEL, OLGA, TEAM, House, open_house
from tests.reminders.making import daily
from tests.reminders.rest import Service, flaws, wish
from tests.reminders.test_tools import MOSCOW, call, cards, made


@pytest.fixture
def group(member: User, settings: Settings, now: datetime) -> Asked:
    """Анна asks in the team's group."""
    settings.BOT_TOKEN = f"{BOT}:token"
    User.objects.filter(pk=member.pk).update(time_zone="Europe/Moscow")
    member.refresh_from_db()
    chat = Chat.objects.create(bot_id=BOT, telegram_id=TEAM, kind="supergroup", title="Tea team", status=Access.ACTIVE)
    return Asked(member, chat, now)


def test_stand_up_is_prepared_as_its_payload_is_told(group: Asked, admin: User) -> None:
    told = call(
        standups.create_standup, group, when="every weekday at 10:00", title="Morning", questions=["What is new?"],
        members=["@olga", "Анна"], until="12:00", days_off=["sat"], holidays=["2026-12-31"], on_day_off="move",
    )  # fmt: skip

    row = made()
    assert row.payload == {
        "task": "standup", "title": "Morning", "zone": "Europe/Moscow", "questions": ["What is new?"],
        "members": [admin.telegram_id, ANNA], "until": "12:00", "days_off": ["sat"], "holidays": ["2026-12-31"],
        "on_day_off": "move",
    }  # fmt: skip
    assert (row.status, row.action, row.title, row.chat) == (Status.PENDING, Action.TASK, "Morning", group.chat)
    assert "not in force yet" in told


def test_what_is_prepared_is_a_plan_that_can_be_read(group: Asked) -> None:
    call(standups.create_standup, group, when="every weekday at 10:00", until="09:30", at="10:00", ask="group")

    plan = read(made().payload, MOSCOW)
    assert (plan.privately, plan.title) == (False, "Stand-up")


def test_card_tells_who_is_asked_what_and_when_it_is_summed_up(group: Asked) -> None:
    call(
        standups.create_standup,
        group,
        when="every day at 10",
        questions=["What is new?"],
        members=["Анна"],
        until="12:00",
    )

    [card] = cards()
    assert card.startswith("❔ Stand-up\n")
    for line in ("I ask in private: Анна", "– What is new?", "Summed up here at 12:00."):
        assert line in card


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"when": "tomorrow at 10"}, "again and again"),
        ({"when": "sometime"}, "is not clear"),
        ({"when": "every day at 10", "members": ["Nobody"]}, "Nobody is nobody who may use the bot"),
        ({"when": "every day at 10", "until": "25:00"}, "“until” must be a time such as 09:30"),
        ({"when": "every day at 10", "holidays": ["soon"]}, "“holidays” must be a date such as"),
    ],
)
def test_wish_for_a_stand_up_that_cannot_be_is_told_to_the_model(
    group: Asked, wish: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ToolError, match=sentence):
        call(standups.create_standup, group, **wish)
    assert not Reminder.objects.exists()


def test_two_people_of_one_name_are_asked_about(group: Asked, admin: User) -> None:
    User.objects.filter(pk=admin.pk).update(first_name="Анна")

    with pytest.raises(ToolError, match="several people"):
        call(standups.create_standup, group, when="every day at 10", members=["Анна"])


def test_who_is_named_twice_is_asked_once(group: Asked) -> None:
    names = ["Анна", f"@{group.user.telegram_username}", str(ANNA)]

    call(standups.create_standup, group, when="every day at 10", members=names)

    assert made().payload["members"] == [ANNA]


def test_people_are_looked_up_at_once(group: Asked, django_assert_max_num_queries: Callable[..., Any]) -> None:
    names = [str(ANNA)] * 60

    with django_assert_max_num_queries(40):
        call(standups.create_standup, group, when="every day at 10", members=names)


def test_stand_up_belongs_to_a_group(group: Asked) -> None:
    private = Chat.objects.create(bot_id=BOT, telegram_id=ANNA, kind="private", person=group.user)

    with pytest.raises(ToolError, match="group"):
        call(standups.create_standup, replace(group, chat=private), when="every day at 10")


# --- planned by a program -------------------------------------------------------------------------------------------

EVERY_DAY = {"cron_expression": "0 10 * * 1-5", "timezone": "Europe/Moscow"}


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"memebrs": [ANNA]}, "no memebrs"),
        ({"until": "25:00"}, "“until” must be a time"),
        ({"members": ["@anna"]}, "Telegram ids"),
        ({"quiet": ["22:00"]}, "“quiet” must be two times"),
        ({"group": -42}, "not let in"),
        ({"group": TEAM}, "has never written there"),
    ],
)
def test_wrong_stand_up_is_refused_when_it_is_planned(
    service: Service, group: Asked, wrong: dict[str, Any], sentence: str
) -> None:
    answer = service.create(**EVERY_DAY, payload={"task": "standup", **wrong})

    assert flaws(answer) == [("payload", "bad-task")]
    assert sentence in answer.content.decode()
    assert not Reminder.objects.exists()


def test_dry_run_tells_what_is_wrong_with_a_stand_up_too(service: Service, group: Asked) -> None:
    answer = service.post("?dry_run=true", wish(**EVERY_DAY, payload={"task": "standup", "minutes": 1}))

    assert flaws(answer) == [("payload", "bad-task")]


def test_stand_up_is_not_made_wrong_by_a_change(service: Service, group: Asked, admin: User) -> None:
    made = service.created(**EVERY_DAY, user_id=admin.telegram_id, payload={"task": "standup", "group": TEAM})

    answer = service.patch(made["id"], {"payload": {"task": "standup", "minutes": 1}})
    assert flaws(answer) == [("payload", "bad-task")]

    Chat.objects.filter(telegram_id=TEAM).update(status=Access.BLOCKED)  # a name may change all the same
    assert service.patch(made["id"], {"title": "Tea"}).json()["title"] == "Tea"


def test_stand_up_for_an_assistant_outside_has_the_form_that_it_wants(
    service: Service, group: Asked, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    service.created(**EVERY_DAY, assistant_id=str(uuid.uuid4()), payload={"task": "standup", "memebrs": 1})

    assert made().action == Action.EVENT


@pytest.mark.parametrize("task", ["watch", ["standup"], {"standup": 1}, 5])
def test_other_tasks_have_any_form(service: Service, group: Asked, task: Any) -> None:
    service.created(**EVERY_DAY, payload={"task": task, "memebrs": 1})

    assert made().action == Action.TASK


# --- the whole way --------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def house(transactional_db: None, settings: Settings) -> AsyncIterator[House]:
    conversations.forget_default()
    async with open_house(settings) as opened:
        await opened.db(_team)
        yield opened


def _team() -> None:
    now = timezone.now()
    Chat.objects.create(bot_id=BOT, telegram_id=TEAM, kind="supergroup", title="Tea team", status=Access.ACTIVE)
    boris = User.objects.create(
        telegram_id=BORIS, username=f"tg{BORIS}", first_name="Борис", telegram_language="en", language="en",
        status=Access.ACTIVE, role=Role.MEMBER, requested_at=now, decided_at=now,
    )  # fmt: skip
    Chat.objects.create(bot_id=BOT, telegram_id=BORIS, kind="private", title="Борис", person=boris)
    User.objects.update(time_zone="Europe/Moscow")
    Model.objects.filter(name=MODEL).update(capabilities=["text", "tools"])
    Assistant.objects.create(name="Clerk", tools=["create_standup"], is_default=True)


async def test_stand_up_is_made_in_the_group_confirmed_held_and_summed_up(house: House) -> None:
    wish = {"when": "every weekday at 10:00", "questions": ["What is new?"], "members": ["Анна", "Борис"]}
    house.say(OLGA, f"/ask@sekretar_bot stand-up! [[tool create_standup {json.dumps(wish, ensure_ascii=False)}]]", TEAM)
    await house.quiet()
    card = next(message for message in house.messages(TEAM) if message["text"].startswith("❔ Stand-up"))
    yes = card["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    house.world.press(OLGA, card["message_id"], yes, TEAM)
    await house.quiet()

    def due() -> None:
        Schedule.objects.filter(source="reminder", state="active").update(next_at=timezone.now())
        tick._fire_batch(timezone.now(), 100)

    await house.db(due)
    await house.quiet()
    for user, said in ((ANNA, "I made tea"), (BORIS, "I slept")):
        question = next(message for message in house.messages(user) if message["text"].startswith("🧍"))
        house.say(user, said, reply_to=question["message_id"])
        await house.quiet()
    house.models.rule(text="Tea was made.")
    await house.db(tick._fire_batch, timezone.now(), 100)
    await house.quiet()

    assert house.heard(TEAM)[-1].endswith("\n\nTea was made.")
    occurrence = await house.db(Occurrence.objects.get)
    assert (occurrence.state, "asked: 2" in occurrence.result) == ("acked", True)
    assert await house.db(StandUpMember.objects.filter(state="answered").count) == 2


async def test_cancelling_the_series_ends_its_open_round(house: House) -> None:
    def plan() -> Reminder:
        olga, group = User.objects.get(telegram_id=OLGA), Chat.objects.get(telegram_id=TEAM)
        payload = {"task": "standup", "questions": ["What is new?"], "members": [ANNA, BORIS]}
        row = daily(olga, timezone.now(), payload=payload, chat=group)
        Schedule.objects.filter(pk=row.schedule_id).update(next_at=timezone.now())
        tick._fire_batch(timezone.now(), 100)
        return row

    row = await house.db(plan)
    await house.quiet()
    assert len(house.messages(ANNA)) == len(house.messages(BORIS)) == 1

    await house.db(services.cancel, row, by=None, via="chat", now=timezone.now())
    house.say(ANNA, "I made tea", reply_to=house.messages(ANNA)[0]["message_id"])
    await house.quiet()

    assert "called off" in house.heard(ANNA)[-1]
    assert not await house.db(Schedule.objects.filter(source="standup").exists)
    assert house.messages(TEAM) == []
