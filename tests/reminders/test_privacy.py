"""A person's reminders are in /mydata and go with /forget, wherever they were made; nobody else's do."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Access, AuditEntry, Chat, User
from conversations.models import StandUp
from conversations.privacy import export, forgetting
from core.db import in_db
from delivery import tick, webhooks
from delivery.models import Delivery, Schedule, Webhook
from reminders import events, own_data, services
from reminders.client import QUEUE, Events
from reminders.models import Occurrence, Reminder, Status
from reminders.services import firing
from reminders.services import forgetting as removal
from reminders.sinks import redis_list
from telegram_bot.models import Expectation, Update
from tests.house import ANNA, BOT, OLGA, TEAM, House
from tests.privacy import places_of
from tests.reminders.chatting import comes, confirmed
from tests.reminders.making import DAY, HOUR, MINUTE, daily, fire, key, once
from tests.reminders.redis_server import RedisServer

WORD = {"text": "bumblebee"}
State = Occurrence.State


@pytest.fixture
def group(db: None) -> Chat:
    return Chat.objects.create(bot_id=BOT, telegram_id=-500, kind="supergroup", title="Team", status=Access.ACTIVE)


def recorded(user: User) -> dict[str, Any]:
    """As the person gets it: through JSON."""
    record = export.record_of(user, [], packed=False)
    again: dict[str, Any] = json.loads(json.dumps(record, default=export._plain))
    return again


def forget(user: User, now: datetime) -> forgetting.Holdings:
    """As the button does it."""
    raw = {"callback_query": {"from": {"id": user.telegram_id}}}
    values = {"lane": "in:1:1:0", "chat_id": user.telegram_id, "kind": "callback_query", "raw": raw}
    press = Update.objects.create(bot_id=BOT, update_id=1, **values)
    found = forgetting.begin(user, press, now)
    for step in forgetting.steps(user, now):
        step()
    forgetting.finish(user, found, now)
    return found


# --- /mydata --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_export_holds_what_a_reminder_says_its_rule_and_what_became_of_it(member: User, now: datetime) -> None:
    row = daily(member, now, payload=WORD, title="Insects")
    firing.performed(fire(row), "", now, note="105")
    Occurrence.objects.update(state=State.QUEUED)

    [found] = recorded(member)["reminders"]
    assert (found["id"], found["title"], found["payload"], found["status"]) == (str(row.pk), "Insects", WORD, "active")
    assert found["schedule"]["rule"] == {"kind": "cron", "expression": "0 9 * * *"}
    assert [(one["state"], one["planned_at"][:10]) for one in found["occurrences"]] == [("queued", "2026-11-21")]
    assert found["occurrences"][0]["note"] == "105"


@pytest.mark.django_db
def test_export_holds_reminders_that_others_made_for_the_person(member: User, admin: User, now: datetime) -> None:
    once(member, now + HOUR, now, created_by=admin, payload=WORD)
    assert len(recorded(member)["reminders"]) == 1
    assert recorded(admin)["reminders"] == []


@pytest.mark.django_db
def test_export_holds_what_the_person_made_for_a_group(member: User, admin: User, group: Chat, now: datetime) -> None:
    daily(admin, now, created_by=member, chat=group)
    assert len(recorded(member)["reminders"]) == 1


@pytest.mark.django_db
def test_reminder_that_no_key_opens_does_not_keep_the_rest(member: User, now: datetime, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    fire(once(member, now + HOUR, now))
    Occurrence.objects.update(note="seen at 9")
    settings.FIELD_ENCRYPTION_KEYS = []
    fire(once(member, now + 2 * HOUR, now + MINUTE, payload=WORD))
    Occurrence.objects.filter(reminder__schedule__runs=1, note=None).update(note="seen at 10")

    lost, kept = recorded(member)["reminders"]
    assert "Put its key back" in lost["payload"]
    assert "Put its key back" in lost["occurrences"][0]["note"]
    assert (kept["payload"], kept["occurrences"][0]["note"]) == (WORD, "seen at 10")


@pytest.mark.django_db
def test_rows_of_others_that_no_key_opens_keep_nothing_back_and_go_too(
    member: User, group: Chat, now: datetime, settings: Settings
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    place = {"user": member, "chat": group}
    round_ = StandUp.objects.create(key="x", series=uuid4(), plan=WORD, day=now.date(), post_at=now, **place)
    round_.members.create(user=member, ask_at=now, said={"1": "tea"})
    Expectation.objects.create(action="x", data=WORD, asked="x", expires_at=now, **place)
    settings.FIELD_ENCRYPTION_KEYS = []

    found = recorded(member)
    sealed = [found["standups"][0]["plan"], found["standup_answers"][0]["said"], found["awaited_answers"][0]["data"]]
    assert ["Put its key back" in one for one in sealed] == [True] * 3
    assert found["standup_answers"][0]["day"] == now.date().isoformat()

    forget(member, now)
    assert [StandUp.objects.count(), Expectation.objects.count()] == [0, 0]


@pytest.mark.django_db
def test_export_of_many_reminders_takes_few_statements(
    member: User, now: datetime, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for _number in range(10):
        fire(daily(member, now))
    with django_assert_max_num_queries(3):
        found = own_data.record(member)["reminders"]
    assert [len(row["occurrences"]) for row in found] == [1] * 10


@pytest.mark.django_db
def test_export_tells_where_events_of_own_keys_go_but_not_the_secret(admin: User, now: datetime) -> None:
    made, _secret = key(now)
    made.created_by = admin
    made.save()
    webhooks.create_webhook(made, "https://hooks.example/in", by=admin, via="test", now=now)

    [hook] = recorded(admin)["webhooks"]
    assert hook["url"] == "https://hooks.example/in"
    assert Webhook.objects.get().secret not in json.dumps(recorded(admin))


@pytest.mark.django_db
def test_export_tells_when_operators_read_a_reminder(member: User, now: datetime) -> None:
    row = daily(member, now)
    occurrence = fire(row)
    for target in (f"reminder:{row.pk}", f"occurrence:{occurrence.pk}", "reminder:other"):
        AuditEntry.objects.create(action="content.read", target=target, actor_label="Root")

    read = [entry["target"] for entry in recorded(member)["record"] if entry["action"] == "content.read"]
    assert read == [f"reminder:{row.pk}", f"occurrence:{occurrence.pk}"]


# --- /forget --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_no_word_and_no_row_of_a_persons_reminders_is_left(member: User, now: datetime) -> None:
    row = daily(member, now, payload=WORD, title="bumblebee", nag_minutes=5)
    occurrence = fire(row)
    services.said(occurrence, now + DAY)
    once(member, now + 3 * DAY, now, payload=WORD)
    assert Schedule.objects.filter(source="nag").exists()

    found = forget(member, now + 2 * DAY)

    assert found.others["reminders"] == 2
    assert places_of("bumblebee") == set()
    left = [Reminder.objects.count(), Occurrence.objects.count(), Schedule.objects.count()]
    assert left == [0, 0, 0]


@pytest.mark.django_db
def test_what_was_fired_and_waits_is_withdrawn(member: User, group: Chat, now: datetime) -> None:
    fire(daily(member, now, chat=group))
    forget(member, now + DAY)
    [delivery] = Delivery.objects.filter(source="reminder")
    assert (delivery.state, delivery.content) == ("cancelled", {"erased": True})


@pytest.mark.django_db
def test_error_of_what_was_sent_goes_too(member: User, group: Chat, now: datetime) -> None:
    fire(daily(member, now, chat=group))
    Delivery.objects.update(state="failed", error="bumblebee")
    forget(member, now + DAY)
    assert places_of("bumblebee") == set()


@pytest.mark.django_db
def test_error_that_paused_a_reminder_is_on_no_record_and_goes_too(member: User, now: datetime) -> None:
    row = daily(member, now)
    for _number in range(firing.MOST_FAILURES):
        firing.die(fire(row), "no room for bumblebee", now)
        row.refresh_from_db()
    assert row.status_reason == "Failed 5 times in a row. The last time: no room for bumblebee"
    assert AuditEntry.objects.get(action="reminder.paused").details == {"reason": "Failed 5 times in a row."}

    forget(member, now + DAY)
    assert places_of("bumblebee") == set()


@pytest.mark.django_db
def test_reminders_of_a_group_go_with_who_made_them(member: User, admin: User, group: Chat, now: datetime) -> None:
    daily(admin, now, created_by=member, chat=group)
    forget(member, now)
    assert not Reminder.objects.exists()


@pytest.mark.django_db
def test_others_keep_their_reminders(member: User, admin: User, group: Chat, now: datetime) -> None:
    private = daily(admin, now, created_by=member)
    ours = daily(admin, now, created_by=admin, chat=group)
    daily(member, now)
    forget(member, now)
    assert set(Reminder.objects.values_list("pk", flat=True)) == {private.pk, ours.pk}
    assert Reminder.objects.get(pk=private.pk).status == Status.ACTIVE


@pytest.mark.django_db
def test_reminder_that_no_key_opens_goes_as_well(member: User, now: datetime, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    fire(daily(member, now))
    settings.FIELD_ENCRYPTION_KEYS = []
    forget(member, now + DAY)
    assert not Schedule.objects.exists()


@pytest.mark.django_db
def test_begun_again_it_goes_on_where_a_process_died(
    member: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [daily(member, now) for _number in range(3)]
    fire(rows[0])
    Occurrence.objects.filter(reminder=rows[0]).delete()
    services.cancel(rows[1], by=None, via="test", now=now)
    monkeypatch.setattr(removal, "SMALL", 1)

    assert removal.forget(own_data.mine(member), now) == 3
    assert removal.forget(own_data.mine(member), now) == 0


@pytest.mark.django_db
def test_what_is_being_said_or_done_at_this_moment_comes_to_nothing_quietly(member: User, now: datetime) -> None:
    fire(daily(member, now))
    occurrence = Occurrence.objects.select_related("reminder").get()  # as it was loaded to be said
    forget(member, now + DAY)

    services.said(occurrence, now + DAY)
    assert not services.take(occurrence, who="assistant", now=now + DAY)
    assert not services.acknowledge(occurrence, who="assistant", result="bumblebee", now=now + DAY)
    assert places_of("bumblebee") == set()


@pytest.mark.django_db(transaction=True)
def test_nothing_fires_while_it_is_removed(member: User, now: datetime, at_once: Callable[..., list[Any]]) -> None:
    """Whoever is first, the tick or /forget: no row is left, and nothing that waits."""
    rows = [daily(member, now) for _number in range(20)]
    moment = rows[0].next_run_at
    assert moment is not None

    def remove() -> int:
        return removal.forget(own_data.mine(member), moment)

    at_once(remove, lambda: tick._fire_batch(moment, tick.BATCH))

    assert (Reminder.objects.count(), Occurrence.objects.count()) == (0, 0)
    assert not Delivery.objects.filter(source="reminder", state="queued").exists()


# --- in the chat ----------------------------------------------------------------------------------------------------


def _tea(telegram_id: int) -> Reminder:
    now = timezone.now()
    return once(User.objects.get(telegram_id=telegram_id), now + HOUR, now, payload=WORD)


async def test_person_is_told_how_many_reminders_go_and_they_go(chat: House) -> None:
    await chat.db(_tea, ANNA)
    await chat.db(_tea, ANNA)
    await chat.db(_tea, OLGA)
    asked = await chat.ask(ANNA, "/forget")
    assert "• 2 reminders" in asked.splitlines()

    chat.press(ANNA, "🗑 Erase")
    await chat.quiet()

    assert "• 2 reminders" in chat.heard(ANNA)[-1].splitlines()
    assert await chat.db(lambda: [row.user.telegram_id for row in Reminder.objects.select_related("user")]) == [OLGA]
    entry = await chat.db(AuditEntry.objects.get, action="privacy.forgotten")
    assert entry.details["reminders"] == 2


async def test_no_word_is_left_of_a_reminder_made_said_and_listed_in_the_chat(chat: House) -> None:
    row = await confirmed(chat, "/remind every day at 6pm bumblebee")
    await comes(chat, row)
    assert "bumblebee" in chat.heard(ANNA)[-1]
    await chat.ask(ANNA, "/remind sometime bumblebee")  # the bot asks when, and waits for an answer
    await chat.ask(ANNA, "/reminders")
    await chat.ask(ANNA, "/forget")
    chat.press(ANNA, "🗑 Erase")
    await chat.quiet()
    assert await chat.db(places_of, "bumblebee") == set()


async def test_no_word_is_left_of_a_reminder_in_a_group(team: House) -> None:
    row = await confirmed(team, "/remind@sekretar_bot every day at 6pm bumblebee", chat=TEAM)
    await comes(team, row)
    assert "bumblebee" in team.heard(TEAM)[-1]
    await team.ask(ANNA, "/forget")
    team.press(ANNA, "🗑 Erase")
    await team.quiet()
    assert await team.db(places_of, "bumblebee") == set()


@pytest.mark.parametrize("mode", ["metadata", "off"])
async def test_where_contents_are_not_kept_only_the_reminder_holds_its_words(
    chat: House, settings: Settings, mode: str
) -> None:
    settings.CONTENT_LOG = mode
    row = await confirmed(chat, "/remind every day at 6pm bumblebee")
    await comes(chat, row)
    await chat.ask(ANNA, "/reminders")
    assert await chat.db(places_of, "bumblebee") == {"reminder.payload"}


@pytest.mark.django_db(transaction=True)
async def test_event_that_waits_in_redis_leaves_it_at_once(member: User, redis_server: RedisServer) -> None:
    await in_db(_event, member)
    assert await events.drain(redis_list.LANE)
    await redis_list.close()
    with redis_server.redis as there:
        assert "bumblebee" in str(there.lrange(QUEUE, 0, -1))
        await in_db(removal.forget, own_data.mine(member), timezone.now())
        assert there.lrange(QUEUE, 0, -1) == []
        assert await asyncio.to_thread(Events(redis_server.url, consumer="mailer").take) is None


def _event(member: User) -> Occurrence:
    now = timezone.now()
    made, _secret = key(now)
    return fire(once(member, now + HOUR, now, payload=WORD, created_by_key=made), now + HOUR)
