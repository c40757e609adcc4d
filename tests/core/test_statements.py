"""Statements made once store what the ORM would store."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from accounts.models import Chat, User
from conversations.models import Conversation, Message, Request
from core.statements import MANY, insert, like, loaded, update, update_many
from delivery.models import Delivery, Schedule
from llm.models import Model, ProviderState
from reminders.models import Occurrence, Reminder

pytestmark = pytest.mark.django_db


def delivery(key: str, now: datetime) -> Delivery:
    return Delivery(key=key, lane="out:1:1", source="t", content={"a": [1, "ж"]}, created_at=now, not_before=None)


def test_inserted_rows_have_keys_and_read_back_the_same(now: datetime) -> None:
    rows = [delivery("a", now), delivery("b", now)]
    insert(rows)

    assert rows[0].pk < rows[1].pk
    for row in rows:
        stored = Delivery.objects.get(pk=row.pk)
        fields = [field.attname for field in Delivery._meta.concrete_fields]
        assert [getattr(stored, name) for name in fields] == [getattr(row, name) for name in fields]


def test_many_rows_read_back_the_same_as_few(now: datetime) -> None:
    rows = [delivery(str(number), now) for number in range(2 * MANY)]
    rows[1].not_before, rows[1].content = now, {"quoted": ['"', "\\", "{}", "a,b", None, 1.5], "ж": {}}
    rows[2].lane, rows[2].error, rows[2].message_id = 'o"u\\t,{}', "NULL", 2**40
    insert(rows, skip_known=True)

    for row in rows:
        stored = Delivery.objects.get(pk=row.pk)
        fields = [field.attname for field in Delivery._meta.concrete_fields]
        assert [getattr(stored, name) for name in fields] == [getattr(row, name) for name in fields]
    assert not insert([delivery("new", now), *(delivery(str(number), now) for number in range(MANY))], skip_known=True)
    assert Delivery.objects.count() == 2 * MANY + 1


def test_row_with_a_key_of_its_own_keeps_it(member: User, now: datetime) -> None:
    chat = Chat.objects.create(bot_id=1, telegram_id=1, kind="private", person=member)
    schedule = Schedule.objects.create(source="reminder", object_id="1", rule={}, zone="UTC")
    reminder = Reminder.objects.create(
        schedule=schedule, user=member, chat=chat, type="one_time", payload={"text": "a"}
    )
    rows = [Occurrence(reminder=reminder, planned_at=now + timedelta(days=n)) for n in range(MANY)]
    keys = [row.pk for row in rows]
    insert(rows[:1])
    insert(rows, skip_known=True)

    assert [row.pk for row in rows] == keys
    assert set(Occurrence.objects.values_list("pk", flat=True)) == set(keys)


def test_sealed_text_is_sealed_as_anything_else(member: User, now: datetime) -> None:
    chat = Chat.objects.create(bot_id=1, telegram_id=1, kind="private", person=member)
    schedule = Schedule.objects.create(source="reminder", object_id="1", rule={}, zone="UTC")
    insert([Reminder(schedule=schedule, user=member, chat=chat, type="one_time", payload="a secret")])

    assert Reminder.objects.get().payload == "a secret"
    with connection.cursor() as cursor:
        cursor.execute("SELECT payload FROM reminders_reminder")
        assert "secret" not in cursor.fetchone()[0]


def test_row_like_another_is_a_new_one_with_its_own_values(now: datetime) -> None:
    common = delivery("a", now)
    insert([common])
    other = like(common, id=None, key="b", lane="out:1:2")

    assert insert([other])
    stored = Delivery.objects.get(key="b")
    assert (stored.lane, stored.content, stored.created_at) == ("out:1:2", common.content, now)
    assert stored.pk != common.pk


def test_row_can_be_saved_after_it_was_inserted(now: datetime) -> None:
    row = delivery("a", now)
    insert([row])
    row.error = "later"
    row.save()

    assert Delivery.objects.get().error == "later"


def test_known_key_is_left_out_and_said(now: datetime) -> None:
    assert insert([delivery("a", now)], skip_known=True)
    again = delivery("a", now)
    assert not insert([again, delivery("b", now)], skip_known=True)

    assert again._state.adding
    assert sorted(Delivery.objects.values_list("key", flat=True)) == ["a", "b"]


def test_nothing_to_insert_is_no_statement() -> None:
    insert([])

    assert not Delivery.objects.exists()


def test_json_null_decimal_and_relations_are_stored(member: User, now: datetime) -> None:
    chat = Chat.objects.create(bot_id=1, telegram_id=1, kind="private", person=member)
    model = Model.objects.create(provider=ProviderState.objects.create(name="openai"), name="m")
    dialog = Conversation.objects.create(chat=chat, started_at=now)
    request = Request(conversation=dialog, user=member, model=model, update_key="1:1", cost=Decimal("0.00000125"))
    insert([request])
    insert([Message(conversation=dialog, request=request, role="user", content="hi", raw=None)])

    stored = Request.objects.select_related("model", "user").get()
    assert (stored.model, stored.user, stored.cost) == (model, member, Decimal("0.00000125"))
    assert Message.objects.filter(raw__isnull=True).count() == 1


def test_update_sets_values_when_the_row_is_as_expected(now: datetime) -> None:
    row = delivery("a", now)
    insert([row])

    assert update(Delivery, row.pk, {"state": "sent", "result": {"x": 1}, "finished_at": now}, state="queued")

    stored = Delivery.objects.get()
    assert (stored.state, stored.result, stored.finished_at) == ("sent", {"x": 1}, now)


def test_update_leaves_a_row_alone_that_is_not_as_expected(now: datetime) -> None:
    row = delivery("a", now)
    insert([row])

    assert not update(Delivery, row.pk, {"state": "sent"}, state="sending")
    assert Delivery.objects.get().state == "queued"


@pytest.mark.parametrize("count", [1, 3])
def test_rows_are_updated_each_with_its_own_values(count: int, now: datetime) -> None:
    names = ("next_at", "last_at", "runs", "state", "paused_from")
    rows = [Schedule(source="t", object_id=str(number), rule={"n": 1}, zone="UTC") for number in range(count)]
    insert([*rows, untouched := Schedule(source="t", object_id="other", rule={}, zone="UTC", runs=7)])
    for number, row in enumerate(rows):
        row.next_at, row.last_at, row.runs = None if number else now, now - timedelta(days=number), number
        row.state, row.paused_from, row.zone = Schedule.State.PAUSED, Schedule.State.ACTIVE, "not asked for"
    update_many(rows, names)

    for row in rows:
        stored = Schedule.objects.get(pk=row.pk)
        assert [getattr(stored, name) for name in names] == [getattr(row, name) for name in names]
        assert (stored.zone, stored.rule) == ("UTC", {"n": 1})
    assert Schedule.objects.get(pk=untouched.pk).runs == 7


@pytest.mark.parametrize("count", [1, 3])
def test_rows_that_are_not_as_expected_are_left_alone(count: int, now: datetime) -> None:
    rows = [delivery(str(number), now) for number in range(count)]
    rows[0].state = Delivery.State.SENDING
    insert(rows)
    for row in rows:
        row.state, row.result = Delivery.State.SENT, {"x": [row.key]}
    update_many(rows, ("state", "result"), state=Delivery.State.SENDING, worker="")

    stored = {row.key: row for row in Delivery.objects.all()}
    changed = stored.pop("0")
    assert (changed.state, changed.result) == ("sent", {"x": ["0"]})
    assert {row.state for row in stored.values()} <= {"queued"}


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("Asia/Kathmandu"), timezone(-timedelta(hours=3, minutes=30))])
def test_time_of_any_zone_reads_back_as_the_same_moment(zone: Any) -> None:
    moments = [datetime(2026, 3, 29, 2, 30, 15, 123456, zone), datetime(1970, 1, 1, tzinfo=zone)]
    rows = [delivery(str(number), moment) for number, moment in enumerate(moments)]
    insert(rows)
    update(Delivery, rows[0].pk, {"finished_at": moments[0]})

    assert [row.created_at for row in Delivery.objects.order_by("key")] == moments
    assert Delivery.objects.get(key="0").finished_at == moments[0]
    assert Delivery.objects.filter(created_at=moments[0], finished_at__lte=moments[0]).count() == 1


def test_nothing_to_update_is_no_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        update_many([], ("state",))


def test_loaded_row_has_what_was_read_and_asks_for_the_rest(now: datetime) -> None:
    stored = delivery("a", now)
    insert([stored])
    found = loaded(Delivery, ("id", "key"), (stored.pk, "a"))

    assert (found, found.key) == (stored, "a")
    assert found.get_deferred_fields() >= {"lane", "content"}
    assert (found.lane, found.content) == (stored.lane, stored.content)


def test_known_row_with_a_key_of_its_own_is_left_out_and_said(member: User, now: datetime) -> None:
    chat = Chat.objects.create(bot_id=1, telegram_id=1, kind="private", person=member)
    schedule = Schedule.objects.create(source="reminder", object_id="1", rule={}, zone="UTC")
    reminder = Reminder.objects.create(schedule=schedule, user=member, chat=chat, type="one_time", payload={})
    insert([Occurrence(reminder=reminder, planned_at=now)])

    assert not insert([Occurrence(reminder=reminder, planned_at=now)], skip_known=True)
    assert Occurrence.objects.count() == 1
