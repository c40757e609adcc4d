"""A daily stand-up: who is asked when, what counts as an answer, what is summed up, and what stays on record."""

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation
from django.utils.translation import gettext
from pytest_django import Settings

from accounts.models import Access, Chat, Role, User
from conversations import tasks
from conversations.models import Assistant, Leave, StandUp, StandUpMember
from conversations.privacy import forgetting
from conversations.standups import leaves, own_data, rounds
from conversations.standups.plan import BadPlan, Plan, read
from delivery import planning, tick
from delivery.models import Schedule
from delivery.schedule import Once
from llm.tasks import Done, Task, TaskFailed, series_cancelled
from llm.toolbox import Asked, ToolError
from telegram_bot.markdown import units
from tests.house import ANNA, BORIS, BOT, CHRIS, OLGA, TEAM, House

BERLIN, MOSCOW, TOKYO = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/Moscow"), ZoneInfo("Asia/Tokyo")
# A Friday, seven o'clock in UTC: ten in Moscow, four in the afternoon in Tokyo.
FRIDAY = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def plan(**more: Any) -> Plan:
    return read({"task": "standup", **more}, MOSCOW)


# --- the plan -------------------------------------------------------------------------------------------------------


def test_plan_without_a_word_has_its_usual_questions_and_two_hours() -> None:
    usual = plan()

    assert usual.questions[0] == "What did you do since the last time?"
    assert usual.privately
    assert (usual.zone, usual.at, usual.until, usual.minutes) == (MOSCOW, None, None, 120)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"memebrs": [1]}, "no memebrs"),
        ({"members": "101"}, "“members” must be a list"),
        ({"members": ["@anna"]}, "Telegram ids"),
        ({"members": [True]}, "Telegram ids"),
        ({"members": list(range(101))}, "at most 100"),
        ({"ask": "by post"}, "“ask” must be one of: privately, group"),
        ({"at": "25:00"}, "“at” must be a time such as 09:30"),
        ({"until": "10:00+03:00"}, "“until” must be a time"),
        ({"until": None}, "“until” must be a time"),
        ({"members": [2**63]}, "Telegram ids"),
        ({"title": 5}, "“title” must be text"),
        ({"questions": [None]}, "“questions” must be text"),
        ({"questions": {"a": 1}}, "“questions” must be a list"),
        ({"questions": ["🫖" * 300] * 6}, "too long: 3000"),
        ({"zone": 5}, "“zone” must be text"),
        ({"minutes": 1}, "5 to 1440"),
        ({"zone": "Mars"}, "time zone is not known"),
        ({"days_off": ["sunday"]}, "“days_off” must be one of: mon"),
        ({"holidays": ["2026-02-30"]}, "“holidays” must be a date such as 2026-12-31"),
        ({"holidays": [5]}, "“holidays” must be a date"),
        ({"on_day_off": "ask"}, "one of: skip, move"),
        ({"away": [{"member": 101}]}, "“away” must say who"),
        ({"away": [101]}, "“away” must say who"),
        ({"away": [{"member": 101, "from": "2026-12-10", "to": "2026-12-01"}]}, "end after it begins"),
        ({"quiet": "22:00"}, "“quiet” must be two times"),
        ({"quiet": ["22:00"]}, "“quiet” must be two times"),
        ({"quiet": ["22:00", "soon"]}, "“quiet” must be a time"),
    ],
)
def test_what_is_wrong_with_a_plan_is_said(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadPlan, match=sentence):
        plan(**wrong)


@pytest.mark.parametrize(
    ("more", "day"),
    [
        ({}, date(2026, 11, 20)),
        ({"days_off": ["fri"]}, None),
        ({"holidays": ["2026-11-20"]}, None),
        ({"holidays": ["2026-11-20"], "on_day_off": "move"}, date(2026, 11, 21)),
        ({"days_off": ["fri", "sat", "sun"], "on_day_off": "move"}, date(2026, 11, 23)),
        ({"days_off": ["mon"]}, date(2026, 11, 20)),
    ],
)
def test_day_off_is_left_out_or_moved_to_the_next_working_day(more: dict[str, Any], day: date | None) -> None:
    assert plan(**more).day_for(FRIDAY) == day


def test_date_of_a_run_is_that_of_the_plans_zone() -> None:
    late = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)

    assert plan().day_for(late) == date(2026, 11, 21)
    assert plan(zone="UTC").day_for(late) == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("more", "zone", "asked"),
    [
        ({}, TOKYO, FRIDAY),
        ({"at": "10:00"}, MOSCOW, FRIDAY),
        ({"at": "10:00"}, BERLIN, FRIDAY + 2 * HOUR),
        ({"at": "10:00"}, TOKYO, FRIDAY),  # over there already: as soon as it begins
        ({"quiet": ["15:00", "18:00"]}, TOKYO, FRIDAY + 2 * HOUR),
        ({"quiet": ["22:00", "09:00"]}, BERLIN, FRIDAY + HOUR),
        ({"quiet": ["22:00", "09:00"]}, MOSCOW, FRIDAY),
    ],
)
def test_each_is_asked_by_their_own_clock_and_never_while_it_is_quiet(
    more: dict[str, Any], zone: ZoneInfo, asked: datetime
) -> None:
    assert plan(**more).ask_at(date(2026, 11, 20), FRIDAY, zone) == asked


def test_quiet_evening_moves_the_question_to_the_morning() -> None:
    evening = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)  # eleven in Moscow

    asked = plan(quiet=["22:00", "09:00"]).ask_at(date(2026, 11, 20), evening, MOSCOW)

    assert asked == datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("more", "last", "end"),
    [
        ({}, FRIDAY, FRIDAY + 2 * HOUR),
        ({"minutes": 45}, FRIDAY, FRIDAY + timedelta(minutes=45)),
        ({"until": "12:30"}, FRIDAY, FRIDAY + timedelta(hours=2, minutes=30)),
        ({"until": "09:00"}, FRIDAY, FRIDAY + 23 * HOUR),
        ({"until": "12:00"}, FRIDAY + 3 * HOUR, FRIDAY + timedelta(hours=3, minutes=30)),
    ],
)
def test_answers_are_waited_for_until_the_end_and_a_while_after_the_last_was_asked(
    more: dict[str, Any], last: datetime, end: datetime
) -> None:
    assert plan(**more).post_at(FRIDAY, last) == end


def test_leave_lasts_from_its_first_day_to_its_last() -> None:
    away = plan(
        away=[{"member": ANNA, "from": "2026-11-20", "to": "2026-11-22"}, {"member": BORIS, "from": "2026-11-20"}]
    )

    assert [away.is_away(ANNA, date(2026, 11, day)) for day in (19, 20, 22, 23)] == [False, True, True, False]
    assert [away.is_away(BORIS, date(2026, 11, day)) for day in (20, 21)] == [True, False]
    assert not away.is_away(OLGA, date(2026, 11, 20))


# --- a round --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def team(house: House) -> House:
    """The group, with Анна (Moscow), Борис (Moscow) and Ольга (Tokyo), whom the bot may write to."""
    await house.db(_team)
    house.world.chats[TEAM].bot_reads_all = True
    return house


def _team() -> None:
    now = timezone.now()
    Chat.objects.create(bot_id=BOT, telegram_id=TEAM, kind="supergroup", title="Tea team", status=Access.ACTIVE)
    boris = User.objects.create(
        telegram_id=BORIS, username=f"tg{BORIS}", first_name="Борис", telegram_language="en", language="en",
        status=Access.ACTIVE, role=Role.MEMBER, requested_at=now, decided_at=now,
    )  # fmt: skip
    Chat.objects.create(bot_id=BOT, telegram_id=BORIS, kind="private", title="Борис", person=boris)
    User.objects.update(time_zone="Europe/Moscow")
    User.objects.filter(telegram_id=OLGA).update(time_zone="Asia/Tokyo")


async def run(
    house: House, members: Iterable[int] = (ANNA, BORIS), planned: datetime | None = None, **more: Any
) -> Done:
    """One run of a stand-up that Ольга planned in the group."""
    done = await tasks.perform(await task(house, members, planned, **more))
    await house.quiet()
    return done


async def task(house: House, members: Iterable[int], planned: datetime | None = None, **more: Any) -> Task:
    def make() -> Task:
        series, assistant = uuid.uuid4(), Assistant.objects.first()
        return Task(
            key=f"reminder:{series}:run",
            user=User.objects.get(telegram_id=OLGA),
            chat=Chat.objects.get(telegram_id=TEAM),
            thread=0,
            assistant=assistant.uid if assistant else None,
            payload={"task": "standup", "questions": ["What is new?"], "members": list(members), **more},
            planned_at=planned or timezone.now(),
            reminder_id=series,
        )

    return await house.db(make)


def states() -> dict[str, str]:
    rows = StandUpMember.objects.select_related("user").order_by("pk")
    return {row.user.first_name: row.state for row in rows}


async def reply(house: House, user: int, text: str, chat: int | None = None) -> str:
    """An answer to the bot's question; what the bot says to it."""
    question = next(message for message in house.messages(chat or user) if message["text"].find("🧍") >= 0)
    house.say(user, text, chat, reply_to=question["message_id"])
    await house.quiet()
    return house.heard(chat or user)[-1]


async def let_end(house: House) -> str:
    """The time for answers is over; what the group reads."""

    await house.db(let_come, "post-")
    await house.quiet()
    return house.heard(TEAM)[-1]


def let_come(what: str) -> None:
    """What was planned for later comes now."""
    for row in Schedule.objects.filter(source="standup", object_id__startswith=what, state="active"):
        planning.reschedule(row, Once(timezone.now()), "UTC", now=timezone.now())
    tick._fire_batch(timezone.now(), 100)


async def test_each_is_asked_in_private_with_a_reply_begun(team: House) -> None:
    done = await run(team)

    [question] = team.messages(ANNA)
    assert question["text"].startswith("🧍 Stand-up of Tea team\nWhat is new?\n\nReply to this message by ")
    assert team.calls("sendMessage", ANNA)[-1].params["reply_markup"]["force_reply"] is True
    assert len(team.messages(BORIS)) == 1
    assert team.messages(OLGA) == []
    assert question["text"].endswith("The summary is posted in Tea team.")
    assert done.said == ""
    assert done.result.endswith("asked: 2")


async def test_each_is_asked_the_usual_questions_in_their_own_language(team: House) -> None:
    await team.db(User.objects.filter(telegram_id=BORIS).update, language="ru")

    await run(team, questions=[])

    with translation.override("ru"):
        russian = gettext("What is next?")
    assert russian != "What is next?"
    assert "2. What is next?" in team.heard(ANNA)[0]
    assert f"2. {russian}" in team.heard(BORIS)[0]


async def test_round_begins_once_however_often_the_run_is_tried(team: House) -> None:
    one = await task(team, [ANNA])

    first = await tasks.perform(one)
    second = await tasks.perform(one)
    await team.quiet()

    assert first == second
    assert len(team.messages(ANNA)) == 1


async def test_reply_is_an_answer_and_goes_to_no_model(team: House) -> None:
    await run(team)

    said = await reply(team, ANNA, "I made tea")

    assert said.startswith("👍 Noted.")
    assert not team.models.calls
    assert (await team.db(states)) == {"Анна": "answered", "Борис": "asked"}


async def test_words_that_reply_to_nothing_are_a_question_as_ever(team: House) -> None:
    await run(team)

    await team.ask(ANNA, "How are you?")

    assert len(team.models.calls) == 1
    assert (await team.db(states))["Анна"] == "asked"


async def test_edited_answer_takes_the_place_of_the_first_and_a_second_one_is_added(team: House) -> None:
    await run(team)
    await reply(team, ANNA, "I made te")
    message = max(number for number, row in team.world.chats[ANNA].messages.items() if row.get("text") == "I made te")
    team.world.edit(ANNA, message, "I made tea")
    await team.quiet()
    await reply(team, ANNA, "And cake")

    member = await team.db(StandUpMember.objects.get, user__telegram_id=ANNA)
    assert list(member.said.values()) == ["I made tea", "And cake"]


async def test_summary_comes_at_once_when_all_have_answered(team: House) -> None:
    team.models.rule(text="Anna made tea, Boris slept.")
    await run(team)
    await reply(team, ANNA, "I made tea")
    await reply(team, BORIS, "I slept")

    await team.db(tick._fire_batch, timezone.now(), 100)
    await team.quiet()

    head, _blank, summary = team.heard(TEAM)[-1].partition("\n\n")
    assert head.startswith("🧍 Stand-up of Tea team · ")
    assert summary == "Anna made tea, Boris slept."
    told = team.models.calls[-1].body["messages"][-1]["content"]
    assert '"Анна": "I made tea"' in told
    assert '"Борис": "I slept"' in told


async def test_summary_is_made_without_tools_and_names_who_is_missing(team: House) -> None:
    team.models.rule(text="Anna made tea.")
    await run(team, [ANNA, BORIS, OLGA], away=[{"member": OLGA, "from": "2020-01-01", "to": "2040-01-01"}])
    await reply(team, ANNA, "I made tea")

    assert (await let_end(team)).endswith("Anna made tea.\n\nNo answer: Борис\nOn leave: Ольга")
    assert not team.models.calls[-1].body.get("tools")


async def test_answers_are_told_in_full_when_no_assistant_can_sum_them_up(team: House) -> None:
    team.models.rule(error="blocked")
    await run(team)
    await reply(team, ANNA, "I made *tea*")

    assert (await let_end(team)).endswith("\n\nАнна\nI made *tea*\n\nNo answer: Борис")


async def test_nobody_answered_is_said_without_a_model(team: House) -> None:
    await run(team)

    assert (await let_end(team)).endswith("\n\nNobody has answered.")
    assert not team.models.calls


async def test_end_is_said_once(team: House) -> None:
    await run(team)
    await let_end(team)
    standup = await team.db(StandUp.objects.select_related("chat", "user").get)
    said = len(team.heard(TEAM))

    await team.db(rounds.end, standup, "again", timezone.now())
    await team.quiet()

    assert standup.state == "posted"
    assert len(team.heard(TEAM)) == said


async def test_answer_after_the_end_is_told_that_it_is_too_late(team: House) -> None:
    await run(team)
    await let_end(team)

    assert "summed up already" in await reply(team, ANNA, "I made tea")
    assert (await team.db(states))["Анна"] == "asked"


async def test_answer_that_comes_while_they_are_summed_up_is_not_taken_and_lost(team: House) -> None:
    await run(team)
    await reply(team, BORIS, "I slept")
    [standup] = await team.db(lambda: list(StandUp.objects.all()))
    await team.db(rounds.close, standup.pk)  # a model is asked for the summary at this moment

    assert "summed up already" in await reply(team, ANNA, "I made tea")
    assert (await team.db(states))["Анна"] == "asked"


async def test_so_many_messages_are_an_answer_and_no_more(team: House) -> None:
    await run(team, [ANNA, BORIS])
    for number in range(rounds.MOST_MESSAGES):
        assert "Noted" in await reply(team, ANNA, f"I made tea no. {number}")

    assert "that is all I can note" in await reply(team, ANNA, "I made tea")
    member = await team.db(StandUpMember.objects.get, user__telegram_id=ANNA)
    assert len(member.said) == rounds.MOST_MESSAGES


async def test_longest_message_is_taken_whole(team: House) -> None:
    await run(team)

    await reply(team, ANNA, "🫖" * 2047 + "!")

    member = await team.db(StandUpMember.objects.get, user__telegram_id=ANNA)
    assert list(member.said.values()) == ["🫖" * 2047 + "!"]


async def test_two_of_one_name_are_both_summed_up(team: House) -> None:
    await run(team)
    await reply(team, ANNA, "I made tea")
    await reply(team, BORIS, "I slept")
    await team.db(User.objects.filter(telegram_id=BORIS).update, first_name="Анна")
    await let_end(team)

    told = team.models.calls[-1].body["messages"][-1]["content"]
    assert '"Анна": "I made tea"' in told
    assert f'"Анна ({BORIS})": "I slept"' in told


async def test_round_of_a_series_that_was_cancelled_ends_without_a_word(team: House, settings: Settings) -> None:
    settings.CONTENT_LOG = "metadata"
    one = await task(team, [ANNA, OLGA], timezone.now() + timedelta(days=1), at="10:00")
    await tasks.perform(one)
    other = await task(team, [BORIS])
    await tasks.perform(other)
    await team.db(lambda: StandUpMember.objects.filter(user__telegram_id=ANNA).update(state="asked"))
    await team.db(lambda: StandUpMember.objects.filter(user__telegram_id=ANNA).update(said={"1": "I made tea"}))

    await team.db(series_cancelled.send, sender=Task, reminder_id=one.reminder_id, now=timezone.now())
    await team.db(let_come, "ask-")
    await team.db(let_come, f"post-{(await team.db(StandUp.objects.get, series=one.reminder_id)).pk}")
    await team.quiet()

    assert team.heard(TEAM) == []
    assert team.messages(ANNA) == team.messages(OLGA) == []
    found = await team.db(lambda: dict(StandUp.objects.values_list("series", "state")))
    assert found == {one.reminder_id: "off", other.reminder_id: "open"}
    assert (await team.db(StandUpMember.objects.get, user__telegram_id=ANNA)).said == {}


async def test_answer_to_a_round_that_was_called_off_is_told_so(team: House) -> None:
    await run(team)
    [standup] = await team.db(lambda: list(StandUp.objects.all()))
    assert await team.db(rounds.call_off, standup.series, timezone.now()) == 1

    assert "called off" in await reply(team, ANNA, "I made tea")
    assert (await team.db(states))["Анна"] == "asked"
    assert await team.db(rounds.call_off, standup.series, timezone.now()) == 0


async def test_who_passes_is_waited_for_no_more(team: House) -> None:
    await run(team, [ANNA])

    assert "not this time" in await reply(team, ANNA, " - ")
    await team.db(tick._fire_batch, timezone.now(), 100)
    await team.quiet()

    assert team.heard(TEAM)[-1].endswith("Nobody has answered.\n\nPass: Анна")


async def test_group_is_asked_in_one_message_that_calls_all_by_name(team: House) -> None:
    await run(team, ask="group")

    [question] = team.messages(TEAM)
    assert question["text"].startswith("Анна, Борис!\n🧍 Stand-up")
    assert question["text"].endswith("reply with “-”.")
    assert [entity["user"]["id"] for entity in question["entities"] if entity["type"] == "text_mention"] == [
        ANNA,
        BORIS,
    ]
    await reply(team, ANNA, "I made tea", TEAM)
    assert (await team.db(states)) == {"Анна": "answered", "Борис": "asked"}


async def test_group_too_large_for_one_message_is_called_in_several(team: House) -> None:
    await team.db(User.objects.filter(telegram_id__in=(ANNA, BORIS)).update, first_name="A" * 64, last_name="B" * 64)
    long = ["x" * 300] * 9 + ["y" * 280]

    await run(team, ask="group", questions=long, title="🫖")
    assert len(team.messages(TEAM)) == 1

    await team.db(lambda: User.objects.bulk_create(User(
        telegram_id=number, username=f"tg{number}", first_name="🫖" * 32, last_name="🫖" * 32, status=Access.ACTIVE
    ) for number in range(200, 220)))  # fmt: skip
    await run(team, range(200, 220), ask="group", questions=long, title="🫖")

    messages = team.messages(TEAM)[1:]
    assert len(messages) == 3
    named = [entity["user"]["id"] for one in messages for entity in one["entities"] if "user" in entity]
    assert named == list(range(200, 220))
    assert all(units(one["text"]) <= 4096 for one in messages)


async def test_reply_of_who_was_not_asked_is_no_answer(team: House) -> None:
    await run(team, [ANNA], ask="group")

    await reply(team, BORIS, "Me too", TEAM)

    assert (await team.db(states)) == {"Анна": "asked"}
    assert len(team.models.calls) == 1


async def test_members_in_other_zones_are_asked_at_their_own_time(team: House) -> None:
    midnight = (timezone.now() + timedelta(days=2)).astimezone(MOSCOW).replace(hour=0, minute=0)

    await run(team, [ANNA, OLGA], planned=midnight.astimezone(UTC), at="10:00")

    def asked_at() -> dict[str, datetime]:
        return {row.user.first_name: row.ask_at for row in StandUpMember.objects.select_related("user")}

    rows = await team.db(asked_at)
    assert rows["Анна"].astimezone(MOSCOW).time() == time(10, 0)
    assert rows["Ольга"].astimezone(TOKYO).time() == time(10, 0)
    assert rows["Анна"] - rows["Ольга"] == 6 * HOUR
    assert team.messages(ANNA) == team.messages(OLGA) == []
    assert (await team.db(states)) == {"Анна": "waiting", "Ольга": "waiting"}


async def test_who_is_asked_later_is_asked_by_the_tick(team: House) -> None:
    await run(team, [ANNA], planned=timezone.now() + timedelta(days=2))
    waiting = team.messages(ANNA)

    await team.db(let_come, "ask-")
    await team.quiet()

    assert waiting == []
    assert len(team.messages(ANNA)) == 1
    assert (await team.db(states)) == {"Анна": "asked"}


@pytest.mark.parametrize(("change", "state"), [("leave", "away"), ("access", "unreachable")])
async def test_who_leaves_before_they_are_asked_is_not_asked(team: House, change: str, state: str) -> None:
    await run(team, [ANNA], planned=timezone.now() + timedelta(days=2))
    anna = await team.db(User.objects.get, telegram_id=ANNA)
    if change == "leave":
        await team.db(leave, anna, timezone.now(), to=f"{date.today() + timedelta(days=5)}")
    else:
        await team.db(User.objects.filter(pk=anna.pk).update, status=Access.BLOCKED)

    await team.db(let_come, "ask-")
    await team.quiet()
    await team.db(tick._fire_batch, timezone.now(), 100)
    await team.quiet()

    assert team.messages(ANNA) == []
    assert (await team.db(states)) == {"Анна": state}
    assert "Nobody has answered." in team.heard(TEAM)[-1]


async def test_end_on_another_day_is_told_with_the_day(team: House) -> None:
    before = timezone.now()
    await run(team, minutes=24 * 60)

    ends = [
        (now + timedelta(days=1)).astimezone(MOSCOW) for now in (before, timezone.now())
    ]  # an hour may end meanwhile
    [said] = team.heard(ANNA)
    assert any(f"Reply to this message by {end.day} {end:%B}, {end:%H}:" in said for end in ends)


async def test_day_off_is_left_out_and_recorded(team: House) -> None:
    done = await run(team, planned=FRIDAY, holidays=["2026-11-20"])

    assert done == Done("", result="left out: a day off")
    assert not await team.db(StandUp.objects.exists)


async def test_day_has_one_stand_up_even_when_another_moved_there(team: House) -> None:
    plan = {"days_off": ["sat", "sun"], "on_day_off": "move"}
    saturday = await task(team, [ANNA], FRIDAY + 24 * HOUR, **plan)

    moved = await tasks.perform(saturday)
    monday = replace(saturday, key=f"{saturday.key}:2", planned_at=FRIDAY + 72 * HOUR)
    again = await tasks.perform(monday)

    assert moved.result.startswith("2026-11-23, asked: 1")
    assert again.result == "left out: that day has a stand-up already"
    assert await team.db(StandUp.objects.count) == 1


async def test_series_may_come_twice_a_day(team: House) -> None:
    morning = await task(team, [ANNA], FRIDAY, on_day_off="move")

    await tasks.perform(morning)
    done = await tasks.perform(replace(morning, key=f"{morning.key}:2", planned_at=FRIDAY + 6 * HOUR))

    assert done.result.startswith("2026-11-20, asked: 1")
    assert await team.db(StandUp.objects.count) == 2


async def test_member_on_leave_is_not_asked_and_that_is_recorded(team: House) -> None:
    done = await run(team, planned=FRIDAY, away=[{"member": ANNA, "from": "2026-11-16", "to": "2026-11-27"}])

    assert done.result == "2026-11-20, asked: 1; on leave: Анна"
    assert team.messages(ANNA) == []
    assert (await team.db(states)) == {"Анна": "away", "Борис": "asked"}


async def test_member_whom_the_bot_cannot_write_to_is_recorded(team: House) -> None:
    await team.db(Chat.objects.filter(telegram_id=BORIS).update, unreachable="blocked")

    done = await run(team)

    assert done.result.endswith("asked: 1; cannot be asked: Борис")


async def test_strangers_are_never_asked(team: House) -> None:
    await team.db(User.objects.filter(telegram_id=BORIS).update, status=Access.BLOCKED)

    await run(team, [ANNA, BORIS, CHRIS])

    assert (await team.db(states)) == {"Анна": "asked"}
    assert team.messages(CHRIS) == []


async def test_without_members_those_who_wrote_in_the_group_are_asked(team: House) -> None:
    team.say(ANNA, "Good morning", TEAM)
    await team.quiet()

    await run(team, [])

    assert (await team.db(states)) == {"Анна": "asked"}


async def test_program_may_plan_it_for_a_group_that_its_person_is_in(team: House) -> None:
    private = await team.db(Chat.objects.get, telegram_id=OLGA)
    one = replace(await task(team, [ANNA], group=TEAM), chat=private)

    await tasks.perform(one)
    await let_end(team)

    assert team.heard(TEAM)[-1].startswith("🧍 Stand-up of Tea team")
    assert team.heard(OLGA) == []


async def test_group_that_is_closed_or_not_the_persons_own_is_refused(team: House) -> None:
    anna = await team.db(User.objects.get, telegram_id=ANNA)
    private = await team.db(Chat.objects.get, telegram_id=ANNA)
    foreign = replace(await task(team, [ANNA], group=TEAM), chat=private, user=anna)
    unknown = await task(team, [ANNA], group=-42)

    for one in (foreign, unknown):
        with pytest.raises(TaskFailed, match="not let in"):
            await tasks.perform(one)


async def test_nobody_to_ask_is_recorded(team: House) -> None:
    assert (await run(team, [CHRIS])).result == "left out: nobody is there to be asked"


async def test_plan_that_cannot_be_read_fails_for_good_in_a_sentence(team: House) -> None:
    broken = await task(team, [ANNA])

    with pytest.raises(TaskFailed, match="“minutes” must be") as caught:
        await tasks.perform(replace(broken, payload={**broken.payload, "minutes": 1}))
    assert (caught.value.kind, caught.value.permanent) == ("bad_plan", True)


# --- what stays -----------------------------------------------------------------------------------------------------


async def test_answers_are_sealed_in_the_database(team: House) -> None:
    await run(team)
    await reply(team, ANNA, "Top secret")

    column = await team.db(lambda: str(list(StandUpMember.objects.extra(select={"raw": "said"}).values_list("raw"))))
    assert "secret" not in column


async def test_answers_go_with_the_round_where_contents_do_not_stay(team: House, settings: Settings) -> None:
    settings.CONTENT_LOG = "metadata"
    await run(team)
    await reply(team, ANNA, "I made tea")
    await let_end(team)

    members = await team.db(lambda: list(StandUpMember.objects.order_by("pk")))
    assert [member.said for member in members] == [{}, {}]
    assert members[0].state == "answered"


async def test_persons_answers_are_in_their_data_and_go_with_it(team: House) -> None:
    await run(team)
    await reply(team, ANNA, "I made tea")
    anna = await team.db(User.objects.get, telegram_id=ANNA)

    record = await team.db(own_data.record, anna)
    found = await team.db(forgetting.holdings, anna)
    [erase] = await team.db(lambda: list(own_data.steps(anna, timezone.now())))
    await team.db(erase)

    assert list(record["standup_answers"][0]["said"].values()) == ["I made tea"]
    assert found.others["standups"] == 1
    assert (await team.db(states)) == {"Борис": "asked"}
    assert own_data.words(2) == "2 answers to stand-ups"
    olga = await team.db(User.objects.get, telegram_id=OLGA)
    assert (await team.db(own_data.record, olga))["standups"][0]["plan"]["questions"] == ["What is new?"]


@pytest.mark.parametrize(("mode", "left"), [("full", ["I made tea"]), ("metadata", [])])
async def test_round_whose_end_failed_for_good_keeps_no_more_than_others(
    team: House, settings: Settings, mode: str, left: list[str]
) -> None:
    settings.CONTENT_LOG = mode
    await run(team)
    await reply(team, ANNA, "I made tea")
    await team.db(rounds.close, (await team.db(StandUp.objects.get)).pk)

    await team.db(rounds.forget_old, timezone.now() + timedelta(hours=3))
    assert (await team.db(StandUp.objects.get)).state == "closed"
    await team.db(rounds.forget_old, timezone.now() + timedelta(days=2))

    assert (await team.db(StandUp.objects.get)).state == "off"
    member = await team.db(StandUpMember.objects.get, user__telegram_id=ANNA)
    assert list(member.said.values()) == left


async def test_old_rounds_are_forgotten(team: House, settings: Settings) -> None:
    settings.KEEP_REMINDERS_DAYS = 30
    await run(team)
    await let_end(team)

    assert await team.db(rounds.forget_old, timezone.now() + timedelta(days=29)) == 1  # the schedule
    assert await team.db(StandUp.objects.count) == 1
    await team.db(rounds.forget_old, timezone.now() + timedelta(days=31))
    assert await team.db(StandUp.objects.count) == 0


# --- leave ----------------------------------------------------------------------------------------------------------


def leave(user: User, now: datetime, **arguments: Any) -> str:
    told = leaves.take_leave.function(Asked(user, Chat(), now), arguments)
    assert isinstance(told, str)
    return told


def test_leave_is_noted_and_the_last_word_counts(member: User, now: datetime) -> None:
    leave(member, now, **{"from": "2026-12-01", "to": "2026-12-10"})

    told = leave(member, now, to="2026-11-22")

    assert told == "Noted: they are not asked in stand-ups from 2026-11-20 to 2026-11-22."
    assert [(row.first, row.last) for row in Leave.objects.all()] == [(date(2026, 11, 20), date(2026, 11, 22))]
    assert leaves.on_leave([member], date(2026, 11, 22)) == {member.pk}
    assert leaves.on_leave([member], date(2026, 11, 23)) == set()


def test_who_is_back_is_asked_again(member: User, now: datetime) -> None:
    leave(member, now, to="2026-11-22")

    assert "again" in leave(member, now, none=True)
    assert not Leave.objects.exists()


@pytest.mark.parametrize(
    "dates",
    [{"from": "soon"}, {"from": "2026-12-10", "to": "2026-12-01"}, {"from": "2026-11-01"}, {"to": "2030-01-01"}],
)
def test_leave_that_cannot_be_is_told_to_the_model(member: User, now: datetime, dates: dict[str, str]) -> None:
    with pytest.raises(ToolError):
        leave(member, now, **dates)


async def test_who_is_on_leave_is_not_asked_and_that_is_recorded(team: House) -> None:
    anna = await team.db(User.objects.get, telegram_id=ANNA)
    await team.db(leave, anna, timezone.now(), to=f"{date.today() + timedelta(days=3)}")

    done = await run(team)

    assert done.result.endswith("asked: 1; on leave: Анна")
    assert team.messages(ANNA) == []
