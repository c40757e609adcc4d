"""Change, pause, resume, put off, end: what follows, and what is refused with a sentence."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pytest_django import Settings

from accounts.models import AuditEntry, User
from delivery.models import Delivery, Schedule
from delivery.schedule import Cron, Once
from reminders import services
from reminders.models import Occurrence, Reminder, Status, Type
from reminders.services import NotNow, Refused, Stale
from reminders.services.dropping import drop_unconfirmed
from tests.reminders.making import DAY, HOUR, MINUTE, daily, fire, key, once

pytestmark = pytest.mark.django_db
BY: dict[str, Any] = {"via": "chat", "by": None}
State = Occurrence.State


def deliveries(row: Reminder) -> list[str]:
    return list(Delivery.objects.filter(key__startswith=f"reminder:{row.pk}:").values_list("state", flat=True))


def test_pause_and_resume_return_to_the_status_before(member: User, now: datetime) -> None:
    row = daily(member, now, confirmed=False)
    assert services.pause(row, **BY, now=now)
    assert row.status == Status.PAUSED
    assert not services.pause(row, **BY, now=now)
    assert services.resume(row, **BY, now=now)
    assert row.status == Status.PENDING
    assert services.confirm(row, **BY, now=now)
    assert not services.confirm(row, **BY, now=now)
    assert row.status == Status.ACTIVE


def test_a_paused_series_goes_on_at_its_next_time(member: User, now: datetime) -> None:
    row = daily(member, now)
    services.pause(row, **BY, now=now)
    services.resume(row, **BY, now=now + 3 * DAY)
    assert row.next_run_at == datetime(2026, 11, 24, 6, 0, tzinfo=ZoneInfo("UTC"))


def test_a_single_time_that_passed_in_a_pause_needs_a_new_one(member: User, now: datetime) -> None:
    row = once(member, now + HOUR, now)
    services.pause(row, **BY, now=now)
    with pytest.raises(NotNow) as refused:
        services.resume(row, **BY, now=now + 2 * HOUR)
    assert refused.value.code == "missed"
    assert Reminder.objects.get(pk=row.pk).status == Status.PAUSED

    services.change(row, **BY, now=now + 2 * HOUR, rule=Once(now + DAY))
    assert services.resume(row, **BY, now=now + 2 * HOUR)
    assert row.next_run_at == now + DAY


def test_a_single_time_that_passed_in_a_pause_is_made_up_for_when_wished(member: User, now: datetime) -> None:
    row = once(member, now + HOUR, now, catch_up="last")
    services.pause(row, **BY, now=now)
    assert services.resume(row, **BY, now=now + 2 * HOUR)
    assert (row.status, row.next_run_at) == (Status.ACTIVE, now + HOUR)


@pytest.mark.parametrize("nag_minutes", [None, 5])
def test_what_came_once_and_was_taken_back_by_a_pause_comes_when_it_goes_on(
    member: User, now: datetime, nag_minutes: int | None
) -> None:
    row = once(member, now + HOUR, now, catch_up="last", nag_minutes=nag_minutes)
    occurrence = fire(row)
    if nag_minutes:
        services.said(occurrence, now + HOUR)
    services.pause(row, **BY, now=now + HOUR)

    assert services.resume(row, **BY, now=now + 2 * HOUR)

    assert (row.status, row.next_run_at) == (Status.ACTIVE, now + 2 * HOUR)
    assert fire(row).state == State.QUEUED


def test_what_came_once_and_was_taken_back_needs_a_new_time_when_it_is_not_made_up_for(
    member: User, now: datetime
) -> None:
    row = once(member, now + HOUR, now)
    fire(row)
    services.pause(row, **BY, now=now + HOUR)
    with pytest.raises(NotNow) as refused:
        services.resume(row, **BY, now=now + 2 * HOUR)
    assert refused.value.code == "missed"
    assert Reminder.objects.get(pk=row.pk).status == Status.PAUSED


def test_what_somebody_works_on_does_not_come_again_when_it_goes_on(member: User, now: datetime) -> None:
    row = once(member, now + HOUR, now, catch_up="last")
    occurrence = fire(row)
    services.take(occurrence, who="redis:a", now=now + HOUR)
    services.pause(row, **BY, now=now + HOUR)

    assert services.resume(row, **BY, now=now + 2 * HOUR)

    assert (row.status, row.next_run_at) == (Status.ACTIVE, None)
    assert services.acknowledge(occurrence, who="redis:a", now=now + 2 * HOUR)
    assert Reminder.objects.get(pk=row.pk).status == Status.COMPLETED


def test_to_make_up_for_it_may_be_wished_after_its_time(member: User, now: datetime) -> None:
    row = once(member, now + HOUR, now)
    services.pause(row, **BY, now=now)
    services.change(row, **BY, now=now + 2 * HOUR, catch_up="last", grace_seconds=60)
    assert services.resume(row, **BY, now=now + 2 * HOUR)
    assert (row.next_run_at, row.schedule.grace_seconds) == (now + HOUR, 60)


def test_another_grace_takes_nothing_back(member: User, now: datetime) -> None:
    row = daily(member, now)
    fire(row)
    services.change(row, **BY, now=now, grace_seconds=60)
    assert deliveries(row) == ["queued"]


def test_what_is_over_cannot_be_paused_resumed_or_changed(member: User, now: datetime) -> None:
    row = daily(member, now)
    assert services.cancel(row, **BY, now=now)
    assert not services.cancel(row, **BY, now=now)
    for verb in (services.pause, services.resume):
        with pytest.raises(NotNow):
            verb(row, **BY, now=now)
    with pytest.raises(NotNow):
        services.change(row, **BY, now=now, rule=Cron("0 10 * * *"))
    assert services.change(row, **BY, now=now, title="Old").title == "Old"


def test_a_completed_one_stays_completed_when_cancelled(member: User, now: datetime) -> None:
    row = daily(member, now)
    assert services.complete(row, **BY, now=now)
    assert not services.cancel(row, **BY, now=now)
    assert row.status == Status.COMPLETED


def test_another_rule_moves_the_next_run_and_takes_back_what_nobody_has(member: User, now: datetime) -> None:
    row = daily(member, now)
    occurrence = fire(row)
    assert deliveries(row) == ["queued"]

    services.change(row, **BY, now=now + DAY, rule=Cron("0 18 * * *"))

    occurrence.refresh_from_db()
    assert occurrence.state == State.WITHDRAWN
    assert deliveries(row) == ["cancelled"]
    assert row.next_run_at == datetime(2026, 11, 21, 15, 0, tzinfo=ZoneInfo("UTC"))


@pytest.mark.parametrize("changes", [{"payload": {"text": "Coffee"}}, {"title": "T"}, {"zone_of_owner": True}])
def test_other_words_take_nothing_back_that_has_come(member: User, now: datetime, changes: dict[str, Any]) -> None:
    row = once(member, now + HOUR, now, nag_minutes=5)
    occurrence = fire(row)
    services.said(occurrence, now + HOUR)

    services.change(row, **BY, now=now + HOUR, **changes)

    occurrence.refresh_from_db()
    assert occurrence.state == State.QUEUED
    assert Schedule.objects.filter(source="nag", state="active").exists()
    assert services.acknowledge(occurrence, who="person:1", now=now + 2 * HOUR)
    assert Reminder.objects.get(pk=row.pk).status == Status.COMPLETED


def test_who_has_the_event_already_may_finish(member: User, now: datetime) -> None:
    row = daily(member, now)
    occurrence = fire(row)
    services.take(occurrence, who="redis:a", now=now + DAY)
    services.cancel(row, **BY, now=now + DAY)
    occurrence.refresh_from_db()
    assert occurrence.state == State.CLAIMED

    assert services.acknowledge(occurrence, who="redis:a", result="fine", now=now + DAY)
    assert (occurrence.state, occurrence.result) == (State.ACKED, "cancelled")


def test_a_change_says_what_is_wrong_and_changes_nothing(member: User, now: datetime) -> None:
    row = daily(member, now)
    with pytest.raises(Refused) as refused:
        services.change(row, **BY, now=now, title="x" * 300, rule=Once(now - DAY))
    assert {problem.code for problem in refused.value.problems} == {"too-long", "past"}
    assert Reminder.objects.get(pk=row.pk).version == 1


def test_a_title_may_change_after_the_time_has_passed(member: User, now: datetime) -> None:
    row = once(member, now + HOUR, now)
    fire(row)
    assert services.change(row, **BY, now=now + 2 * HOUR, title="Tea!").title == "Tea!"


def test_a_title_may_change_where_no_words_are_kept(member: User, now: datetime) -> None:
    row = once(member, now + HOUR, now)
    services.complete(row, **BY, now=now)
    Reminder.objects.update(payload={}, erased=True)
    assert services.change(row, **BY, now=now, title="Tea!").title == "Tea!"


def test_nothing_changes_when_the_values_are_the_same(member: User, now: datetime) -> None:
    row = daily(member, now)
    services.change(row, **BY, now=now, title="", rule=Cron("0 9 * * *"))
    assert row.version == 1
    assert not AuditEntry.objects.filter(action="reminder.changed").exists()


def test_a_change_of_what_was_read_too_long_ago_is_refused(member: User, now: datetime) -> None:
    row = daily(member, now)
    services.change(row, **BY, now=now, version=1, title="One")
    with pytest.raises(Stale):
        services.change(row, **BY, now=now, version=1, title="Two")


@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_lose_no_field(member: User, now: datetime, at_once: Callable[..., list[object]]) -> None:
    row = daily(member, now)
    read = [Reminder.objects.get(pk=row.pk) for _copy in range(2)]
    at_once(
        lambda: services.change(read[0], **BY, now=now, title="One"),
        lambda: services.change(read[1], **BY, now=now, rule=Cron("0 10 * * *")),
    )
    row = Reminder.objects.select_related("schedule").get(pk=row.pk)
    assert (row.title, row.cron_expression, row.version) == ("One", "0 10 * * *", 3)


def test_a_recurring_one_may_become_a_single_one(member: User, now: datetime) -> None:
    row = services.change(daily(member, now), **BY, now=now, rule=Once(now + HOUR))
    assert (row.type, row.trigger_at) == (Type.ONE_TIME, now + HOUR)


def test_another_zone_moves_what_follows_its_person(member: User, now: datetime) -> None:
    follows = daily(member, now, zone_of_owner=True)
    stays = daily(member, now)
    single = once(member, now + HOUR, now, zone_of_owner=True)
    member.time_zone = "Asia/Novosibirsk"

    assert services.follow_zone(member, now) == 1

    rows = {row.pk: row for row in Reminder.objects.select_related("schedule")}
    assert rows[follows.pk].next_run_at == datetime(2026, 11, 21, 2, 0, tzinfo=ZoneInfo("UTC"))
    assert rows[stays.pk].schedule.zone == "Europe/Moscow"
    assert (rows[single.pk].next_run_at, rows[single.pk].schedule.zone) == (now + HOUR, "Asia/Novosibirsk")
    assert AuditEntry.objects.filter(action="reminder.zone_followed", target=f"reminder:{follows.pk}").exists()
    assert services.follow_zone(member, now) == 0


def test_series_that_is_paused_and_past_its_end_holds_up_no_change_of_the_zone(member: User, now: datetime) -> None:
    ended = daily(member, now, zone_of_owner=True, end_at=now + 2 * DAY)
    services.pause(ended, **BY, now=now)
    follows = daily(member, now, zone_of_owner=True)
    member.time_zone = "Asia/Novosibirsk"

    assert services.follow_zone(member, now + 9 * DAY) == 1

    zones = dict(Reminder.objects.values_list("pk", "schedule__zone"))
    assert zones == {ended.pk: "Asia/Novosibirsk", follows.pk: "Asia/Novosibirsk"}


def test_put_off_of_a_series_that_was_ended_comes_once_and_ends_it_again(member: User, now: datetime) -> None:
    row = daily(member, now)
    occurrence = fire(row)
    at = occurrence.planned_at
    services.said(occurrence, at)
    services.complete(row, **BY, now=at)

    assert services.snooze(row, at + HOUR, **BY, now=at, occurrence=occurrence)
    assert row.status == Status.ACTIVE
    assert fire(row).planned_at == at + HOUR

    assert (row.status, row.next_run_at) == (Status.COMPLETED, None)


def test_run_that_is_put_off_counts_once_of_a_limited_number(member: User, now: datetime) -> None:
    row = daily(member, now, max_runs=2)
    for _number in range(2):
        occurrence = fire(row)
        services.said(occurrence, occurrence.planned_at)
        later = occurrence.planned_at + HOUR
        assert services.snooze(row, later, **BY, now=occurrence.planned_at, occurrence=occurrence)
        assert fire(row).planned_at == later

    assert (row.status, row.schedule.runs) == (Status.COMPLETED, 2)
    assert Occurrence.objects.count() == 4


def test_put_off_comes_once_more_and_the_series_goes_on(member: User, now: datetime) -> None:
    row = once(member, now + HOUR, now)
    occurrence = fire(row)
    later = now + HOUR + 10 * MINUTE
    assert services.snooze(row, later, **BY, now=now + HOUR, occurrence=occurrence)
    occurrence.refresh_from_db()
    assert (occurrence.state, occurrence.result) == (State.ACKED, "snoozed")
    assert (row.status, row.next_run_at) == (Status.ACTIVE, later)

    services.cancel(row, **BY, now=later)
    assert not services.snooze(row, later + HOUR, **BY, now=later)


def test_who_did_what_is_on_record_without_the_words(member: User, now: datetime) -> None:
    row = daily(member, now, payload={"text": "Secret"}, created_by=member)
    made = key(now)[0]
    services.change(row, by=None, via="api", now=now, key=made, payload={"text": "Other secret"})
    services.pause(row, by=member, via="chat", now=now)
    services.cancel(row, by=member, via="chat", now=now)

    entries = AuditEntry.objects.filter(target=f"reminder:{row.pk}").order_by("id")
    assert [entry.action.removeprefix("reminder.") for entry in entries] == [
        "created", "changed", "paused", "cancelled",
    ]  # fmt: skip
    assert entries[1].details == {"fields": "payload", "key": made.prefix}
    assert "ecret" not in "".join(f"{entry.details}{entry.target_label}" for entry in entries)


def test_one_that_cannot_be_read_any_more_holds_up_the_dropping_of_no_other(
    member: User, now: datetime, settings: Settings
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]
    daily(member, now, confirmed=False)
    settings.FIELD_ENCRYPTION_KEYS = []
    daily(member, now + MINUTE, confirmed=False)

    assert drop_unconfirmed(now + 2 * DAY) == 2

    assert set(Reminder.objects.values_list("status", flat=True)) == {Status.CANCELLED}
