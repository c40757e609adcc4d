"""A model makes, lists, rests and ends reminders on behalf of a person, who has the last word."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from django.db.models import TextField, Value
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Access, AuditEntry, Chat, Role, User
from conversations import services as conversations
from conversations.models import Assistant
from core.sealed import unseal
from delivery import when
from delivery.models import Delivery, Schedule
from delivery.schedule import Cron, Daily, Once, Weekly
from llm.models import Model
from llm.toolbox import Asked, Tool, ToolError
from reminders import services, tools
from reminders.models import Action, Reminder, Status
from tests.house import ANNA, BORIS, BOT, MODEL, OLGA, TEAM, House, open_house

MOSCOW = ZoneInfo("Europe/Moscow")


# --- reading a time -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("2026-12-31T18:00", Once(datetime(2026, 12, 31, 15, 0, tzinfo=UTC))),
        ("2026-12-31 18:00", Once(datetime(2026, 12, 31, 15, 0, tzinfo=UTC))),
        ("2026-12-31T18:00:00Z", Once(datetime(2026, 12, 31, 18, 0, tzinfo=UTC))),
        ("2026-12-31T18:00+01:00", Once(datetime(2026, 12, 31, 17, 0, tzinfo=UTC))),
        ("0 9 * * 1-5", Cron("0 9 * * 1-5")),
        ("@daily", Cron("0 0 * * *")),
        ("каждый будний день в 9:30", Weekly(frozenset(range(5)), time(9, 30))),
        ("every day at 7 am", Daily(time(7, 0))),
        ("через 2 часа", Once(datetime(2026, 11, 20, 11, 0, tzinfo=UTC))),
    ],
)
def test_time_is_read_as_words_as_iso_and_as_cron(words: str, rule: object, now: datetime) -> None:
    assert when.read(words, now, MOSCOW, "ru").rule == rule


@pytest.mark.parametrize(
    "words", ["sometime", "2026-02-30T10:00", "2026-12-31", "0 0 30 2 *", "60 * * * *", "@reboot", "yesterday at 5 pm"]
)
def test_what_is_no_time_is_asked_about(words: str, now: datetime) -> None:
    with pytest.raises(when.Unclear) as caught:
        when.read(words, now, MOSCOW, "en")
    assert str(caught.value)


def test_wall_time_in_the_gap_of_a_clock_is_at_its_end(now: datetime) -> None:
    rule = when.read("2027-03-28T02:30", now, ZoneInfo("Europe/Berlin"), "en").rule

    assert rule == Once(datetime(2027, 3, 28, 1, 0, tzinfo=UTC))


# --- making: the function -------------------------------------------------------------------------------------------


@pytest.fixture
def anna(member: User, settings: Settings) -> User:
    settings.BOT_TOKEN = f"{BOT}:token"
    member.time_zone = "Europe/Moscow"
    member.save()
    return member


@pytest.fixture
def by(anna: User, now: datetime) -> Asked:
    """Анна asks in her private chat."""
    chat = Chat.objects.create(bot_id=BOT, telegram_id=ANNA, kind="private", person=anna)
    assistant = Assistant.objects.create(name="Clerk")
    return Asked(anna, chat, now, message_id=77, assistant=assistant.uid)


def call(tool: Tool, asked: Asked, **arguments: Any) -> str:
    told = tool.function(asked, arguments)
    assert isinstance(told, str)
    return told


def made(**filters: Any) -> Reminder:
    row: Reminder = Reminder.objects.select_related("schedule").get(**filters)
    return row


def messages() -> list[Any]:
    """What is about to be said, unsealed."""
    return [unseal(row.content["sealed"])["params"] for row in Delivery.objects.order_by("id")]


def cards() -> list[str]:
    return [message["text"] for message in messages()]


def test_wish_is_prepared_with_all_that_is_known_of_it_and_not_in_force(by: Asked) -> None:
    told = call(tools.create_reminder, by, when="завтра в 10", text="Позвонить маме")

    row = made()
    assert (row.status, row.schedule.state) == (Status.PENDING, Schedule.State.PENDING)
    assert row.rule == Once(datetime(2026, 11, 21, 7, 0, tzinfo=UTC))
    assert (row.payload, row.action) == ({"text": "Позвонить маме"}, Action.TEXT)
    assert (row.source_message_id, row.created_by_assistant, row.created_by) == (77, by.assistant, by.user)
    assert (row.schedule.zone, row.zone_of_owner, row.schedule.catch_up) == ("Europe/Moscow", True, "last")
    assert "not in force yet" in told
    assert "Saturday, 21 November 2026, 10:00 (Europe/Moscow, UTC+3)" in told


def test_card_shows_the_exact_time_and_asks(by: Asked) -> None:
    call(tools.create_reminder, by, when="every Monday at 10", text="Plan the week")

    [card] = cards()
    assert card.startswith("❔ Plan the week\n")
    assert "Europe/Moscow" in card
    assert "Monday, 23 November 2026, 10:00" in card
    assert "Monday, 30 November 2026, 10:00" in card
    keys = messages()[0]["reply_markup"]["inline_keyboard"]
    assert [key["text"] for key in keys[0]] == ["✅ Yes", "✏️ Change", "✖️ No"]


def test_series_has_its_end_and_its_nagging(by: Asked) -> None:
    call(tools.create_reminder, by, when="every day at 9", text="Pills", nag_minutes=15, until="2026-12-31")

    row = made()
    assert row.nag_minutes == 15
    assert row.schedule.end_at == datetime(2026, 12, 31, 20, 59, tzinfo=UTC)
    assert row.schedule.catch_up == "none"


def test_person_without_a_zone_is_told_which_one_was_taken(by: Asked, settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    by.user.time_zone = ""

    call(tools.create_reminder, by, when="tomorrow at 10", text="Tea")

    assert "took Asia/Tokyo. Another one: /timezone" in cards()[0]


def test_same_wish_again_makes_nothing(by: Asked) -> None:
    wishes = [{"when": "in 2 hours", "text": "Tea"}, {"when": "every day at 9", "text": "Tea"}]
    for wish in wishes:
        call(tools.create_reminder, by, **wish)
    later = Asked(by.user, by.chat, by.now + timedelta(seconds=40), message_id=78)

    told = [call(tools.create_reminder, later, **wish) for wish in wishes]

    assert all("exists already, nothing was made" in text for text in told)
    assert Reminder.objects.count() == len(cards()) == 2


@pytest.mark.parametrize(
    ("change", "seconds"),
    [({"text": "Coffee"}, 10), ({"when": "in 3 hours"}, 10), ({}, 601)],
    ids=["another text", "another time", "later"],
)
def test_another_wish_is_another_reminder(by: Asked, change: dict[str, str], seconds: int) -> None:
    wish = {"when": "in 2 hours", "text": "Tea"}
    call(tools.create_reminder, by, **wish)

    call(tools.create_reminder, Asked(by.user, by.chat, by.now + timedelta(seconds=seconds)), **(wish | change))

    assert Reminder.objects.count() == 2


def test_wish_that_was_refused_may_be_wished_again(by: Asked, now: datetime) -> None:
    call(tools.create_reminder, by, when="in 2 hours", text="Tea")
    services.cancel(made(), by=by.user, via="chat", now=now)

    assert "Prepared" in call(tools.create_reminder, by, when="in 2 hours", text="Tea")


def test_task_is_shown_in_full_to_the_person_who_answers_for_it(by: Asked) -> None:
    task = "Watch the price of tea and say when it is below 100."
    call(tools.create_reminder, by, when="every hour", text="Tea price", task=task, url="https://tea.example/")

    row = made()
    assert row.payload == {"task": task, "url": "https://tea.example/", "title": "Tea price"}
    assert (row.title, row.action, row.assistant_id) == ("Tea price", Action.TASK, by.assistant)
    [card] = cards()
    assert card.startswith("❔ Tea price\n")
    assert f"An assistant will do this by itself: {task}" in card
    assert "https://tea.example/" in card


def test_task_without_a_name_is_called_by_its_beginning(by: Asked) -> None:
    call(tools.create_reminder, by, when="every hour", task="Look " + "again " * 50)

    assert made().text.startswith("Look again again")
    assert len(made().text) == tools.SHOWN
    assert cards()[0].startswith("❔ Look again again")


def test_beginning_of_a_task_stays_sealed_with_it(by: Asked) -> None:
    call(tools.create_reminder, by, when="every hour", task="Look for a gift for Ольга")

    assert (made().title, made().text) == ("", "Look for a gift for Ольга")


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"when": "sometime", "text": "Tea"}, "is not clear"),
        ({"when": "in 2 hours"}, "Give “text”"),
        ({"when": "in 2 hours", "text": " "}, "Give “text”"),
        ({"when": "in 2 hours", "task": "   "}, "Give “text”"),
        ({"when": "every hour", "task": "Look", "url": "tea.example"}, "“url” cannot be watched"),
        ({"when": "every hour", "task": "Look", "url": "http://127.0.0.1/"}, "“url” cannot be watched"),
        ({"when": "2026-11-19T10:00", "text": "Tea"}, "in the past"),
        ({"when": "2040-11-19T10:00", "text": "Tea"}, "five years"),
        ({"when": "* * * * *", "task": "Look"}, "too often"),
        ({"when": "every day at 9", "text": "Tea", "until": "soon"}, "“until” is not clear"),
        ({"when": "every day at 9", "text": "Tea", "until": "2026-11-19"}, "end before its first run"),
    ],
)
def test_wish_that_cannot_be_is_told_to_the_model_and_nothing_is_made(
    by: Asked, wish: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ToolError, match=sentence):
        call(tools.create_reminder, by, **wish)

    assert not Reminder.objects.exists()
    assert cards() == []


def test_assistant_makes_so_many_and_no_more(by: Asked, settings: Settings) -> None:
    settings.REMINDERS_PER_ASSISTANT = 1
    call(tools.create_reminder, by, when="in 1 hour", text="one")

    with pytest.raises(ToolError, match="limit"):
        call(tools.create_reminder, by, when="in 2 hours", text="two")


def test_nothing_of_the_payload_stands_in_the_audit(by: Asked) -> None:
    call(tools.create_reminder, by, when="in 1 hour", text="Top secret")

    [entry] = AuditEntry.objects.filter(action="reminder.created")
    assert entry.actor == by.user
    assert "secret" not in json.dumps(entry.details).lower()


# --- one of them ----------------------------------------------------------------------------------------------------


@pytest.fixture
def tea(by: Asked, now: datetime) -> Reminder:
    draft = services.Draft(by.user, Daily(time(9, 0)), "Europe/Moscow", {"text": "Drink  tea"}, chat=by.chat)
    return services.create(draft, via="chat", now=now)


def short(row: Reminder) -> str:
    return str(row.pk)[: tools.SHORT_ID]


def test_list_tells_ids_states_times_and_words(by: Asked, tea: Reminder) -> None:
    told = call(tools.list_reminders, by)

    assert told.startswith(f"[{short(tea)}] · active · every day at 09:00 (Europe/Moscow) · next Saturday")
    assert told.endswith("“Drink tea”")


def test_what_is_over_is_listed_on_request_only(by: Asked, tea: Reminder, now: datetime) -> None:
    services.cancel(tea, by=by.user, via="chat", now=now)

    assert call(tools.list_reminders, by) == "There are none."
    assert "cancelled" in call(tools.list_reminders, by, ended=True)


def test_long_list_is_told_in_part(by: Asked, now: datetime) -> None:
    for number in range(tools.MOST_LISTED + 1):
        draft = services.Draft(by.user, Daily(time(9, 0)), "UTC", {"text": f"no. {number}"}, chat=by.chat)
        services.create(draft, via="chat", now=now)

    lines = call(tools.list_reminders, by).splitlines()
    assert len(lines) == tools.MOST_LISTED + 1
    assert "/reminders" in lines[-1]


def test_reminder_rests_and_goes_on(by: Asked, tea: Reminder) -> None:
    assert call(tools.pause_reminder, by, id=short(tea)).startswith("Paused:")
    assert call(tools.pause_reminder, by, id=f"[{short(tea)}]").startswith("It was paused already:")
    assert made().status == Status.PAUSED
    assert call(tools.resume_reminder, by, id=str(tea.pk)).startswith("It goes on:")
    assert made().status == Status.ACTIVE


def test_what_is_over_cannot_rest(by: Asked, tea: Reminder, now: datetime) -> None:
    services.cancel(tea, by=by.user, via="chat", now=now)

    with pytest.raises(ToolError, match="It is over"):
        call(tools.pause_reminder, by, id=short(tea))


def test_anothers_reminder_is_not_there(by: Asked, tea: Reminder, admin: User, now: datetime) -> None:
    chat = Chat.objects.create(bot_id=BOT, telegram_id=100, kind="private", person=admin)
    stranger = Asked(admin, chat, now)

    assert call(tools.list_reminders, stranger) == "There are none."
    with pytest.raises(ToolError, match="no reminder with this id"):
        call(tools.pause_reminder, stranger, id=short(tea))


def test_group_lists_its_own_and_only_whose_it_is_or_an_admin_changes_it(
    by: Asked, tea: Reminder, admin: User, now: datetime
) -> None:
    group = Chat.objects.create(bot_id=BOT, telegram_id=TEAM, kind="supergroup", title="Team", status=Access.ACTIVE)
    draft = services.Draft(admin, Daily(time(9, 0)), "UTC", {"text": "Team tea"}, chat=group)
    row = services.create(draft, via="chat", now=now)
    here = Asked(by.user, group, now)

    told = call(tools.list_reminders, here)
    assert "Team tea" in told
    assert "Drink tea" not in told
    with pytest.raises(ToolError, match="another person's"):
        call(tools.pause_reminder, here, id=short(row))
    assert call(tools.pause_reminder, Asked(admin, group, now), id=short(row)).startswith("Paused")


def test_cancelling_needs_the_words_that_the_person_said_yes_to(by: Asked, tea: Reminder) -> None:
    with pytest.raises(ToolError, match="is another one"):
        call(tools.cancel_reminder, by, id=short(tea), text="Drink coffee")
    assert made().status == Status.ACTIVE

    assert call(tools.cancel_reminder, by, id=short(tea), text="“Drink tea”").startswith("Cancelled:")
    assert call(tools.cancel_reminder, by, id=short(tea), text="Drink tea").startswith("It was over already:")
    assert made().status == Status.CANCELLED


@pytest.mark.parametrize("words", ["D", "…", "“”", "Drink", "Drink tea and more"])
def test_part_of_the_words_is_not_what_the_person_said_yes_to(by: Asked, tea: Reminder, words: str) -> None:
    with pytest.raises(ToolError, match="is another one"):
        call(tools.cancel_reminder, by, id=short(tea), text=words)


def test_long_and_quoted_words_name_a_reminder_as_the_list_shows_them(by: Asked, now: datetime) -> None:
    for number, text in enumerate(("“Hello”, she said", "word " * 60, "word " * 60 + "end")):
        draft = services.Draft(by.user, Daily(time(9, number)), "UTC", {"text": text}, chat=by.chat)
        row = services.create(draft, via="chat", now=now)
        shown = tools.line(row, now).partition(" · “")[2].removesuffix("”")

        assert call(tools.cancel_reminder, by, id=short(row), text=shown).startswith("Cancelled:")


def test_one_is_found_among_many_without_opening_them(
    by: Asked, tea: Reminder, now: datetime, settings: Settings
) -> None:
    other = services.create(
        services.Draft(by.user, Daily(time(8, 0)), "UTC", {"text": "Other"}, chat=by.chat), via="chat", now=now
    )
    Reminder.objects.filter(pk=other.pk).update(payload=Value("no key opens this", output_field=TextField()))

    assert call(tools.pause_reminder, by, id=short(tea)).startswith("Paused")


def test_completing_ends_a_series_for_good(by: Asked, tea: Reminder) -> None:
    assert call(tools.complete_reminder, by, id=short(tea), text="Drink tea").startswith("Completed:")
    assert made().status == Status.COMPLETED


def test_cancelling_and_completing_wait_for_a_yes_in_a_dialog() -> None:
    for tool, words in ((tools.cancel_reminder, "Delete the reminder “Tea”"), (tools.complete_reminder, "Mark “Tea”")):
        assert tool.destructive
        assert tool.asks({"id": "abcd", "text": "Tea"}).startswith(words)


# --- in a task ------------------------------------------------------------------------------------------------------


def test_task_sees_its_own_series_only(by: Asked, tea: Reminder, now: datetime) -> None:
    draft = services.Draft(by.user, Daily(time(8, 0)), "UTC", {"text": "Other"}, chat=by.chat)
    other = services.create(draft, via="chat", now=now)
    alone = Asked(by.user, by.chat, now, series=tea.pk)

    assert call(tools.list_reminders, alone).count("[") == 1
    with pytest.raises(ToolError, match="no reminder with this id"):
        call(tools.pause_reminder, alone, id=short(other))


def test_task_ends_its_own_series_without_asking(by: Asked, tea: Reminder, now: datetime) -> None:
    finish = tools.complete_reminder.where(in_task=True)
    assert finish is not None
    assert not finish.destructive

    told = call(finish, Asked(by.user, by.chat, now, series=tea.pk))

    assert told.startswith("The series is over")
    assert made().status == Status.COMPLETED


def test_task_cannot_delete_anything() -> None:
    assert tools.cancel_reminder.where(in_task=True) is None


# --- the whole way --------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def house(transactional_db: None, settings: Settings) -> AsyncIterator[House]:
    """The bot, with a model that can call tools and a dialog without an assistant."""
    conversations.forget_default()
    async with open_house(settings) as opened:
        await opened.db(Model.objects.filter(name=MODEL).update, capabilities=["text", "tools"])
        await opened.db(User.objects.filter(telegram_id=ANNA).update, time_zone="Europe/Moscow")
        yield opened


def calls(name: str, **arguments: Any) -> str:
    """What makes the sandbox's model call a tool."""
    return f"[[tool {name} {json.dumps(arguments, ensure_ascii=False)}]]"


def rows() -> list[Reminder]:
    return list(Reminder.objects.select_related("schedule").order_by("created_at"))


async def test_wish_in_any_dialog_becomes_a_card_and_one_tap_puts_it_into_force(house: House) -> None:
    house.say(ANNA, f"Не забыть бы про чай {calls('create_reminder', when='tomorrow at 10', text='Tea')}")
    await house.quiet()

    card = next(message for message in house.messages(ANNA) if message["text"].startswith("❔ Tea"))
    [row] = await house.db(rows)
    assert row.status == Status.PENDING
    assert "Prepared, not in force yet" in house.models.calls[-1].body["messages"][-1]["content"]
    yes = card["reply_markup"]["inline_keyboard"][0][0]
    assert yes["text"] == "✅ Yes"
    assert row.source_message_id == 1

    house.world.press(ANNA, card["message_id"], yes["callback_data"])
    await house.quiet()

    [row] = await house.db(rows)
    assert row.status == Status.ACTIVE


async def test_nobody_else_may_say_yes(house: House) -> None:
    await house.db(_let_team_in)
    house.say(ANNA, f"/ask@sekretar_bot remind us {calls('create_reminder', when='tomorrow at 10', text='Tea')}", TEAM)
    await house.quiet()
    card = next(message for message in house.messages(TEAM) if message["text"].startswith("❔ Tea"))

    house.world.press(OLGA, card["message_id"], card["reply_markup"]["inline_keyboard"][0][0]["callback_data"], TEAM)
    await house.quiet()

    [row] = await house.db(rows)
    assert (row.status, row.chat_id) == (Status.PENDING, (await house.db(Chat.objects.get, telegram_id=TEAM)).pk)


def _let_team_in() -> None:
    Chat.objects.create(bot_id=BOT, telegram_id=TEAM, kind="supergroup", title="Команда", status=Access.ACTIVE)


async def test_deleting_is_asked_about_by_its_words(house: House) -> None:
    row = await house.db(_tea_of_anna)

    question = await house.ask(ANNA, f"Drop it {calls('cancel_reminder', id=short(row), text='Drink tea')}")
    assert "• Delete the reminder “Drink tea”" in question
    house.press(ANNA, "✅ Yes")
    await house.quiet()

    [row] = await house.db(rows)
    assert row.status == Status.CANCELLED
    assert "Cancelled:" in house.models.calls[-1].body["messages"][-1]["content"]


def _tea_of_anna() -> Reminder:
    anna = User.objects.get(telegram_id=ANNA)
    draft = services.Draft(anna, Daily(time(9, 0)), "Europe/Moscow", {"text": "Drink tea"})
    return services.create(draft, via="chat", now=timezone.now())


async def test_stranger_has_no_model_and_so_no_tools(house: House) -> None:
    house.say(BORIS, calls("list_reminders"))
    await house.quiet()

    assert not house.models.calls
    assert Role.MEMBER in tools.list_reminders.roles
