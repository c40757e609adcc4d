"""What becomes of each planned time, whoever acts on it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import Access, Chat, User
from accounts.services import revoke_api_key
from delivery.errors import DeliveryError
from delivery.models import Delivery, Schedule
from delivery.outbox import lane_of
from delivery.services import MAX_ATTEMPTS, record_error, return_abandoned
from delivery.webhooks import create_webhook
from reminders import services
from reminders.models import Occurrence, Reminder, Status
from reminders.services import firing
from tests.reminders.making import DAY, HOUR, MINUTE, daily, fire, key, once

pytestmark = pytest.mark.django_db
State = Occurrence.State


@pytest.fixture
def redis_is_set(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:6379/0"


def events(row: Reminder) -> list[Delivery]:
    return list(Delivery.objects.filter(key__startswith=f"reminder:{row.pk}:", backend="event").order_by("id"))


def current(row: Reminder) -> Reminder:
    return Reminder.objects.select_related("schedule").get(pk=row.pk)


def test_firing_makes_an_occurrence_and_a_delivery_without_the_words(member: User, now: datetime) -> None:
    row = once(member, now + HOUR, now, payload={"text": "Secret"})
    occurrence = fire(row)

    (delivery,) = Delivery.objects.filter(source="reminder")
    assert delivery.key == f"reminder:{row.pk}:{(now + HOUR).isoformat()}"
    assert (delivery.backend, delivery.content) == ("reminder", {"occurrence": str(occurrence.pk)})
    assert delivery.lane == lane_of(row.chat.bot_id, 101)
    assert (occurrence.state, occurrence.lateness, occurrence.fired_at) == (State.QUEUED, 0.0, now + HOUR)
    assert row.status == Status.ACTIVE


def test_one_that_fires_once_is_completed_when_it_is_said(member: User, now: datetime) -> None:
    row = once(member, now + HOUR, now)
    occurrence = fire(row)
    services.said(occurrence, now + HOUR)

    occurrence.refresh_from_db()
    assert (occurrence.state, occurrence.result) == (State.ACKED, "sent")
    assert current(row).status == Status.COMPLETED


def test_a_series_is_completed_with_its_last_run(member: User, now: datetime) -> None:
    row = daily(member, now, max_runs=2)
    fire(row)
    assert current(row).status == Status.ACTIVE
    fire(current(row))
    assert current(row).status == Status.COMPLETED
    assert current(row).next_run_at is None


def test_late_within_the_grace_fires_and_is_marked(member: User, now: datetime) -> None:
    row = once(member, now + HOUR, now)
    occurrence = fire(row, now + HOUR + 10 * MINUTE)
    assert (occurrence.state, occurrence.lateness) == (State.QUEUED, 600.0)


def test_later_than_that_is_missed_and_told(member: User, now: datetime) -> None:
    row = once(member, now + HOUR, now)
    occurrence = fire(row, now + DAY)

    assert (occurrence.state, occurrence.missed_count) == (State.MISSED, 1)
    assert current(row).status == Status.COMPLETED
    assert current(row).status_reason
    (news,) = Delivery.objects.all()
    assert news.content == {"missed": [str(occurrence.pk)]}


def test_missed_runs_of_a_series_are_one_row_one_message_and_no_burst(member: User, now: datetime) -> None:
    row = daily(member, now, "0 * * * *")
    fire(row, now + 2 * DAY + 30 * MINUTE)

    kinds = dict(Occurrence.objects.values_list("state", "missed_count"))
    assert kinds == {State.MISSED: 47, State.QUEUED: 0}  # the latest is within the grace
    assert Delivery.objects.count() == 2


def test_missed_ones_of_one_chat_are_told_together(member: User, admin: User, now: datetime) -> None:
    rows = [once(member, now + HOUR, now) for _number in range(5)] + [once(admin, now + HOUR, now)]
    fire(rows[0], now + DAY)
    assert sorted(len(news.content["missed"]) for news in Delivery.objects.all()) == [1, 5]


def test_catch_up_makes_up_for_the_latest_once(member: User, now: datetime) -> None:
    row = daily(member, now, catch_up="last")
    fire(row, now + 3 * DAY)
    assert sorted(Occurrence.objects.values_list("state", flat=True)) == [State.MISSED, State.QUEUED]
    late = Occurrence.objects.get(state=State.QUEUED)
    assert late.planned_at == row.schedule.last_at == now + 3 * DAY - 3 * HOUR


def test_a_reminder_made_in_the_chat_stays_in_the_house(member: User, now: datetime, redis_is_set: None) -> None:
    row = once(member, now + HOUR, now)
    assert not fire(row).awaits_ack
    assert events(row) == []


def test_one_made_with_a_key_goes_to_the_list_and_waits_for_its_ack(
    member: User, now: datetime, redis_is_set: None
) -> None:
    row = once(member, now + HOUR, now, created_by_key=key(now)[0])
    occurrence = fire(row)
    (event,) = events(row)
    assert (event.lane, event.content["attempt"]) == ("event:redis", 1)
    services.said(occurrence, now + HOUR)
    assert current(row).status == Status.ACTIVE

    assert services.acknowledge(occurrence, who="redis:a", now=now + HOUR)
    assert current(row).status == Status.COMPLETED
    assert Delivery.objects.get(pk=event.pk).state == Delivery.State.CANCELLED
    assert not services.acknowledge(occurrence, who="redis:a", now=now + HOUR)


def test_nothing_heard_for_a_lease_means_another_attempt_and_at_last_the_end(
    member: User, now: datetime, redis_is_set: None
) -> None:
    row = once(member, now + HOUR, now, created_by_key=key(now)[0])
    occurrence, at = fire(row), now + HOUR
    pauses = []
    for attempt in range(1, services.ATTEMPTS + 1):
        services.handed_over({occurrence.pk: attempt})
        assert services.take(occurrence, who="redis:a", now=at)
        assert services.release_expired(at + timedelta(seconds=59)) == 0
        at += timedelta(seconds=61)
        assert services.release_expired(at) == 1
        occurrence.refresh_from_db()
        if attempt < services.ATTEMPTS:
            assert occurrence.state == State.RETRY_WAIT
            latest = events(row)[-1]
            assert latest.content == {"occurrence": str(occurrence.pk), "sink": "redis", "attempt": attempt + 1}
            assert latest.not_before is not None
            pauses.append((latest.not_before - at).total_seconds())

    assert (occurrence.state, occurrence.error) == (State.DEAD, "no acknowledgement")
    assert pauses == [pytest.approx(wait, rel=0.1) for wait in (10, 60, 300, 1800)]
    assert (current(row).status, current(row).needs_attention) == (Status.ACTIVE, True)


def test_an_ack_after_the_lease_and_even_after_the_end_counts(member: User, now: datetime, redis_is_set: None) -> None:
    row = once(member, now + HOUR, now, created_by_key=key(now)[0])
    occurrence = fire(row)
    services.take(occurrence, who="redis:a", now=now + HOUR)
    services.release_expired(now + 2 * HOUR)
    assert services.acknowledge(occurrence, who="redis:a", result="late", now=now + 3 * HOUR)
    assert (occurrence.state, occurrence.result) == (State.ACKED, "late")
    assert {event.state for event in events(row)} == {Delivery.State.CANCELLED}


def test_another_key_cannot_acknowledge_what_one_key_has(member: User, now: datetime, redis_is_set: None) -> None:
    occurrence = fire(once(member, now + HOUR, now, created_by_key=key(now)[0]))
    assert services.extend(occurrence, who="key:one", seconds=600, now=now + HOUR)
    assert occurrence.lease_until == now + HOUR + 10 * MINUTE
    with pytest.raises(services.Taken):
        services.acknowledge(occurrence, who="key:two", now=now + HOUR)
    assert services.acknowledge(occurrence, who="key:one", now=now + HOUR)


def test_dead_letters_go_out_again_when_somebody_says_so(member: User, now: datetime, redis_is_set: None) -> None:
    row = once(member, now + HOUR, now, created_by_key=key(now)[0])
    occurrence = fire(row)
    Occurrence.objects.filter(pk=occurrence.pk).update(state=State.DEAD, attempts=services.ATTEMPTS, error="no")
    occurrence.refresh_from_db()

    assert services.replay(occurrence, by=member, via="api", now=now + DAY)
    assert not services.replay(occurrence, by=member, via="api", now=now + DAY)

    assert (occurrence.state, events(row)[-1].content["attempt"]) == (State.QUEUED, services.ATTEMPTS + 1)
    services.handed_over({occurrence.pk: services.ATTEMPTS + 1})
    occurrence.refresh_from_db()
    services.nack(occurrence, who="redis:a", error="no", now=now + DAY)
    assert occurrence.state == State.RETRY_WAIT


def test_lease_of_what_cannot_be_read_any_more_ends_like_any_other(
    member: User, now: datetime, redis_is_set: None, settings: Settings
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]
    made = key(now)[0]
    rows = [fire(once(member, now + HOUR, now, created_by_key=made)) for _number in range(2)]
    Reminder.objects.filter(pk=rows[0].reminder_id).update(failures=firing.MOST_FAILURES)
    for row in rows:
        services.take(row, who="redis:a", now=now + HOUR)
    Occurrence.objects.filter(pk=rows[0].pk).update(attempts=services.ATTEMPTS)
    settings.FIELD_ENCRYPTION_KEYS = []

    assert services.release_expired(now + 2 * HOUR) == 2
    assert [Occurrence.objects.get(pk=row.pk).state for row in rows] == [State.DEAD, State.RETRY_WAIT]
    assert Reminder.objects.filter(pk=rows[0].reminder_id, needs_attention=True, status=Status.PAUSED).exists()


def test_message_that_cannot_be_read_any_more_is_given_up_like_any_other(
    member: User, now: datetime, settings: Settings
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]
    occurrence = fire(once(member, now + HOUR, now))
    Delivery.objects.update(state="sending", worker="gone:1:x", attempts=MAX_ATTEMPTS)
    settings.FIELD_ENCRYPTION_KEYS = []

    return_abandoned(list(Delivery.objects.values_list("pk", flat=True)), now + DAY)

    occurrence.refresh_from_db()
    assert (occurrence.state, occurrence.error) == (State.DEAD, "crash: The process died while sending.")


def test_no_of_a_consumer_to_what_was_erased_meanwhile_ends_quietly(
    member: User, now: datetime, redis_is_set: None
) -> None:
    occurrence = fire(once(member, now + HOUR, now, created_by_key=key(now)[0]))
    Schedule.objects.all().delete()

    assert not services.nack(occurrence, who="redis:a", error="no", now=now + HOUR)
    services.gave_up(occurrence, "no", now + HOUR)


def test_no_over_rest_to_an_event_of_a_webhook_brings_the_next_call(member: User, now: datetime) -> None:
    made = key(now)[0]
    create_webhook(made, "https://example.com/", by=None, via="admin", now=now)
    row = once(member, now + HOUR, now, created_by_key=made)
    occurrence = fire(row)
    services.handed_over({occurrence.pk: 1})
    occurrence.refresh_from_db()
    services.nack(occurrence, who=f"key:{made.prefix}", error="busy", now=now + HOUR)

    assert occurrence.state == State.RETRY_WAIT
    assert [event.content["sink"] for event in events(row)] == ["webhook", "webhook"]
    assert services.take(occurrence, who=f"key:{made.prefix}", now=now + HOUR)
    services.release_expired(now + 2 * HOUR)
    assert Occurrence.objects.get().state == State.RETRY_WAIT


def test_five_dead_in_a_row_pause_the_reminder_with_the_reason(member: User, now: datetime, redis_is_set: None) -> None:
    row = daily(member, now, created_by_key=key(now)[0])
    for failures in range(1, firing.MOST_FAILURES + 1):
        assert current(row).status == Status.ACTIVE
        occurrence = fire(current(row))
        firing.die(occurrence, "the handler broke", now + failures * DAY)
    assert current(row).status == Status.PAUSED
    assert "the handler broke" in current(row).status_reason
    assert current(row).needs_attention


def test_an_ack_in_between_begins_the_count_anew(member: User, now: datetime, redis_is_set: None) -> None:
    row = daily(member, now, created_by_key=key(now)[0])
    firing.die(fire(current(row)), "no", now)
    services.acknowledge(fire(current(row)), who="redis:a", now=now)
    assert current(row).failures == 0


def test_a_run_is_left_out_while_the_one_before_is_worked_on(member: User, now: datetime, settings: Settings) -> None:
    settings.ASSISTANT_TASKS = "somewhere"
    row = daily(member, now, payload={"task": "Look at the weather"})
    first = fire(row)
    services.take(first, who="assistant", now=now)
    second = fire(current(row))
    assert (second.state, second.result) == (State.SKIPPED, "skipped_overlap")
    assert Delivery.objects.filter(backend="reminder").count() == 1

    services.acknowledge(first, who="assistant", now=now)
    assert fire(current(row)).state == State.QUEUED


def test_a_text_comes_every_day_whether_or_not_yesterdays_was_answered(member: User, now: datetime) -> None:
    row = daily(member, now)
    assert [fire(current(row)).state for _day in range(3)] == [State.QUEUED] * 3


def test_a_task_waits_in_a_line_of_its_own_and_is_not_begun_twice(
    member: User, now: datetime, settings: Settings
) -> None:
    settings.ASSISTANT_TASKS = "somewhere"
    row = daily(member, now, payload={"task": "Look at the weather"})
    occurrence = fire(row)
    delivery = Delivery.objects.get(backend="reminder")
    assert (delivery.lane, delivery.on_doubt) == (f"task:{row.pk}:0", "ask")

    Delivery.objects.filter(pk=delivery.pk).update(state="sending", attempts=1)
    return_abandoned([delivery.pk], now + DAY)
    occurrence.refresh_from_db()
    assert (occurrence.state, occurrence.error) == (State.DEAD, "unknown")


@pytest.fixture
def group(db: None) -> Chat:
    return Chat.objects.create(bot_id=1000, telegram_id=-100, kind="supergroup", title="Team", status=Access.ACTIVE)


def test_nothing_is_said_in_a_group_that_is_not_approved_any_more(member: User, group: Chat, now: datetime) -> None:
    row = daily(member, now, chat=group)
    Chat.objects.filter(pk=group.pk).update(status=Access.BLOCKED)

    assert fire(row).state == State.SKIPPED

    assert (row.status, row.needs_attention) == (Status.PAUSED, True)
    assert row.status_reason == "This group is not approved any more."
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("shut", ["person", "group"])
def test_nothing_is_said_again_to_who_may_not_hear_it_any_more(
    member: User, group: Chat, now: datetime, shut: str
) -> None:
    row = once(member, now + HOUR, now, nag_minutes=10, chat=group)
    services.said(fire(row), now + HOUR)
    if shut == "person":
        User.objects.filter(pk=member.pk).update(status=Access.BLOCKED)
    else:
        Chat.objects.filter(pk=group.pk).update(status=Access.BLOCKED)

    fire(row, now + HOUR + 10 * MINUTE)

    assert not Delivery.objects.filter(key__startswith="nag:").exists()
    assert not Schedule.objects.filter(source="nag", state="active").exists()


def test_event_that_no_program_would_hear_of_stands_still_and_says_why(
    member: User, now: datetime, settings: Settings
) -> None:
    settings.ASSISTANT_TASKS, settings.REDIS_URL = "", "redis://127.0.0.1:6379/0"
    row = daily(member, now, payload={"job": 7}, created_by_key=key(now)[0])
    settings.REDIS_URL = ""

    assert fire(row).state == State.SKIPPED

    assert (row.status, row.needs_attention) == (Status.PAUSED, True)
    assert "REDIS_URL" in row.status_reason


@pytest.mark.parametrize("gone", ["key", "person", "assistant"])
def test_without_its_key_person_or_assistant_a_reminder_stands_still_and_says_why(
    member: User, now: datetime, gone: str, settings: Settings
) -> None:
    settings.ASSISTANT_TASKS, settings.ASSISTANT_DIRECTORY = "somewhere", "tests.reminders.test_firing.is_there"
    made, assistant = key(now)[0], uuid4()
    there.add(assistant)
    row = daily(member, now, payload={"task": "Look"}, created_by_key=made, assistant_id=assistant)
    if gone == "key":
        revoke_api_key(made, by=None, via="admin", now=now)
    elif gone == "person":
        User.objects.filter(pk=member.pk).update(status=Access.BLOCKED)
    else:
        there.discard(assistant)

    assert fire(row).state == State.SKIPPED
    stopped = current(row)
    assert (stopped.status, stopped.schedule.state, stopped.needs_attention) == (Status.PAUSED, "paused", True)
    assert stopped.status_reason
    assert not Delivery.objects.filter(backend="reminder").exists()


there: set[object] = set()


def is_there(uid: object) -> bool:
    return uid in there


def test_a_chat_that_takes_nothing_from_us_pauses_the_reminder(member: User, now: datetime) -> None:
    row = daily(member, now)
    occurrence = fire(row)
    delivery = Delivery.objects.get(backend="reminder")
    from core.claims import WORKER

    Delivery.objects.filter(pk=delivery.pk).update(state="sending", worker=WORKER)
    record_error(delivery, DeliveryError("forbidden", "bot was blocked", permanent=True), now + DAY)

    occurrence.refresh_from_db()
    assert (occurrence.state, current(row).status) == (State.DEAD, Status.PAUSED)


def test_a_reminder_that_nags_comes_again_until_it_is_done(member: User, now: datetime) -> None:
    row = once(member, now + HOUR, now, nag_minutes=10)
    occurrence = fire(row)
    services.said(occurrence, now + HOUR)
    services.said(occurrence, now + HOUR)
    assert Schedule.objects.filter(source="nag").count() == 1
    assert current(row).status == Status.ACTIVE

    for minutes in (10, 20, 30):
        fire(row, now + HOUR + minutes * MINUTE)
    assert Delivery.objects.filter(key__startswith=f"nag:{occurrence.pk}").count() == 3

    services.acknowledge(occurrence, who=f"person:{member.pk}", now=now + 2 * HOUR)
    assert not Schedule.objects.filter(source="nag").exists()
    assert set(Delivery.objects.filter(key__startswith="nag:").values_list("state", flat=True)) == {"cancelled"}
    assert current(row).status == Status.COMPLETED


def test_nagging_ends_after_a_day(member: User, now: datetime) -> None:
    row = once(member, now + HOUR, now, nag_minutes=600)
    services.said(fire(row), now + HOUR)
    for hours in (11, 21, 31, 41):
        fire(row, now + hours * HOUR)
    assert Delivery.objects.filter(key__startswith="nag:").count() == 2


def test_nagging_goes_on_after_the_bot_was_away(member: User, now: datetime) -> None:
    row = once(member, now + HOUR, now, nag_minutes=10)
    occurrence = fire(row)
    services.said(occurrence, now + HOUR)

    fire(row, now + 6 * HOUR)
    assert Delivery.objects.filter(key__startswith=f"nag:{occurrence.pk}").count() == 1
    fire(row, now + 6 * HOUR + 10 * MINUTE)
    assert Delivery.objects.filter(key__startswith=f"nag:{occurrence.pk}").count() == 2


def test_the_next_run_takes_the_place_of_one_that_still_nags(member: User, now: datetime) -> None:
    row = daily(member, now, nag_minutes=60)
    first = fire(row)
    services.said(first, now)
    fire(current(row), current(row).next_run_at)
    first.refresh_from_db()
    assert (first.state, first.result) == (State.SKIPPED, "superseded")


def test_many_that_nag_cost_no_more_statements_than_a_few(member: User, now: datetime) -> None:
    def supersede(count: int) -> int:
        rows = [daily(member, now, nag_minutes=60) for _number in range(count)]
        fire(rows[0])
        with CaptureQueriesContext(connection) as found:
            fire(rows[0])
        Reminder.objects.all().delete()
        return len(found)

    assert supersede(12) == supersede(2)


def test_task_at_work_is_not_taken_for_one_that_nags(member: User, now: datetime, settings: Settings) -> None:
    settings.ASSISTANT_TASKS = "somewhere"
    row = daily(member, now, payload={"task": "Look"}, nag_minutes=60)
    first = fire(row)
    services.take(first, who="assistant", now=now)

    assert fire(row).result == "skipped_overlap"

    first.refresh_from_db()
    assert first.state == State.CLAIMED


def test_what_was_put_off_comes_once_more(member: User, now: datetime) -> None:
    row = once(member, now + HOUR, now)
    occurrence = fire(row)
    services.said(occurrence, now + HOUR)
    services.snooze(current(row), now + 2 * HOUR, by=member, via="chat", now=now + HOUR, occurrence=occurrence)
    again = fire(current(row))
    assert (again.planned_at, again.state) == (now + 2 * HOUR, State.QUEUED)
    services.said(again, now + 2 * HOUR)
    assert current(row).status == Status.COMPLETED


def test_a_schedule_whose_reminder_is_gone_is_over(member: User, now: datetime) -> None:
    row = daily(member, now)
    schedule = row.schedule
    Reminder.objects.filter(pk=row.pk).delete()
    from delivery import tick

    tick._fire_batch(now + DAY, 10)
    schedule.refresh_from_db()
    assert (schedule.state, schedule.next_at) == ("cancelled", None)


@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_once_fire_each_reminder_once(
    member: User, now: datetime, at_once: Callable[..., list[object]]
) -> None:
    for _number in range(40):
        once(member, now + HOUR, now)
    from delivery import tick

    at_once(*[lambda: tick._fire_batch(now + HOUR, 25)] * 4)
    tick._fire_batch(now + HOUR, 100)
    assert Occurrence.objects.count() == Delivery.objects.count() == 40
