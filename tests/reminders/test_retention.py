"""What is over goes when its time has come, and nothing that somebody still waits for."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as project
from django.utils import translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext
from pytest_django import Settings

from accounts.models import AuditEntry, User
from delivery.models import Delivery, Schedule
from reminders import retention, services
from reminders.models import Occurrence, Reminder, Status
from reminders.services.dropping import drop_unconfirmed
from tests.privacy import places_of
from tests.reminders.making import DAY, HOUR, MINUTE, daily, fire, once

pytestmark = pytest.mark.django_db
State = Occurrence.State
BY: dict[str, Any] = {"by": None, "via": "test"}
WORD = {"text": "bumblebee"}
YEAR = 366 * DAY


def current(row: Reminder) -> Reminder:
    return Reminder.objects.select_related("schedule").get(pk=row.pk)


def over(user: User, now: datetime, **more: Any) -> Reminder:
    """A reminder that was said in an hour and is done."""
    row = once(user, now + HOUR, now, **more)
    services.said(fire(row), now + HOUR)
    Delivery.objects.update(state="sent")
    return row


def test_housekeeping_calls_all_of_it() -> None:
    ours = [path for path in project.HOUSEKEEPING if path.startswith("reminders.retention.")]
    assert [import_string(path) for path in ours] == [
        retention.forget_old_reminders,
        retention.forget_old_occurrences,
        retention.remove_lost_schedules,
        retention.erase_contents,
    ]


# --- what nobody confirmed ------------------------------------------------------------------------------------------


def test_what_nobody_confirmed_in_a_day_is_cancelled_with_a_reason(member: User, now: datetime) -> None:
    row = daily(member, now, confirmed=False)
    assert drop_unconfirmed(now + DAY - MINUTE) == 0
    assert drop_unconfirmed(now + DAY + MINUTE) == 1

    assert (current(row).status, current(row).schedule.state) == (Status.CANCELLED, "cancelled")
    assert AuditEntry.objects.get(action="reminder.cancelled").details == {"reason": current(row).status_reason}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_reason_is_in_the_persons_language(member: User, now: datetime, language: str) -> None:
    member.language = language
    member.save()
    row = daily(member, now, confirmed=False)
    drop_unconfirmed(now + 2 * DAY)
    with translation.override(language):
        assert current(row).status_reason == gettext("Nobody confirmed it.")


def test_what_was_confirmed_or_only_begins_later_stays(member: User, now: datetime) -> None:
    rows = [daily(member, now), daily(member, now, start_at=now + 30 * DAY), daily(member, now, confirmed=False)]
    services.pause(rows[2], **BY, now=now)
    assert drop_unconfirmed(now + 2 * DAY) == 0
    assert [current(row).status for row in rows] == ["active", "active", "paused"]


# --- rows past their time -------------------------------------------------------------------------------------------


def test_what_is_over_goes_after_its_time_with_all_that_came_of_it(member: User, now: datetime) -> None:
    over(member, now)
    assert retention.forget_old_reminders(now + 364 * DAY) == 0
    assert retention.forget_old_reminders(now + YEAR) == 1
    assert (Reminder.objects.count(), Occurrence.objects.count(), Schedule.objects.count()) == (0, 0, 0)


def test_zero_keeps_everything(member: User, now: datetime, settings: Settings) -> None:
    settings.KEEP_REMINDERS_DAYS = 0
    over(member, now)
    assert retention.forget_old_reminders(now + 10 * YEAR) == 0
    assert retention.forget_old_occurrences(now + 10 * YEAR) == 0
    assert Reminder.objects.exists()


@pytest.mark.parametrize("status", ["pending", "active", "paused"])
def test_what_is_not_over_never_goes(member: User, now: datetime, status: str) -> None:
    daily(member, now)
    Reminder.objects.update(status=status)
    assert retention.forget_old_reminders(now + 10 * YEAR) == 0


@pytest.mark.parametrize("state", ["queued", "claimed", "retry_wait"])
def test_what_is_being_worked_on_never_goes(member: User, now: datetime, settings: Settings, state: str) -> None:
    settings.CONTENT_LOG = "off"
    over(member, now, payload=WORD)
    Occurrence.objects.update(state=state)
    assert retention.forget_old_reminders(now + YEAR) == 0
    assert retention.forget_old_occurrences(now + YEAR) == 0
    assert retention.erase_contents(now + YEAR) == 0
    assert Reminder.objects.get().payload == WORD


def test_of_a_series_that_goes_on_only_old_times_go(member: User, now: datetime) -> None:
    row = daily(member, now)
    old, new = fire(row), fire(current(row), now + 200 * DAY)
    Occurrence.objects.update(state=State.ACKED)
    assert retention.forget_old_occurrences(now + YEAR + DAY) == 1
    assert list(Occurrence.objects.values_list("pk", flat=True)) == [new.pk]
    assert old.pk != new.pk


# --- schedules of what is gone --------------------------------------------------------------------------------------


def test_schedule_of_a_person_who_is_gone_goes(member: User, admin: User, now: datetime) -> None:
    daily(member, now)
    kept = daily(admin, now)
    member.delete()
    assert retention.remove_lost_schedules(now) == 1
    assert list(Schedule.objects.values_list("pk", flat=True)) == [kept.schedule.pk]


@pytest.mark.parametrize(("state", "days", "gone"), [("completed", 3, 1), ("completed", 1, 0), ("active", 3, 0)])
def test_nagging_that_is_over_goes_after_some_days(
    member: User, now: datetime, state: str, days: int, gone: int
) -> None:
    services.said(fire(daily(member, now, nag_minutes=5)), now)
    Schedule.objects.filter(source="nag").update(state=state, updated_at=now)
    assert retention.remove_lost_schedules(now + timedelta(days=days)) == gone


def test_schedules_of_others_are_nobodys_to_remove(now: datetime) -> None:
    Schedule.objects.create(source="post", object_id="1", rule={}, zone="UTC", state="completed", updated_at=now)
    assert retention.remove_lost_schedules(now + YEAR) == 0


# --- CONTENT_LOG ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["metadata", "off"])
def test_a_day_after_it_is_over_no_word_is_left(member: User, now: datetime, settings: Settings, mode: str) -> None:
    settings.CONTENT_LOG = mode
    row = over(member, now, payload=WORD, title="bumblebee")
    Occurrence.objects.update(result="bumblebee", error="bumblebee", note="bumblebee")
    assert retention.erase_contents(now + 2 * HOUR) == 0
    assert places_of("bumblebee")

    retention.erase_contents(now + 2 * DAY)

    assert places_of("bumblebee") == set()
    assert (current(row).status, current(row).payload, current(row).erased) == (Status.COMPLETED, {}, True)
    assert Occurrence.objects.get().note is None
    assert retention.erase_contents(now + 2 * DAY) == 0


def test_everything_stays_where_contents_are_kept(member: User, now: datetime) -> None:
    over(member, now, payload=WORD)
    assert retention.erase_contents(now + YEAR) == 0
    assert Reminder.objects.get().payload == WORD


def test_what_will_be_said_again_keeps_its_words(member: User, now: datetime, settings: Settings) -> None:
    settings.CONTENT_LOG = "off"
    row = daily(member, now, payload=WORD)
    retention.erase_contents(now + YEAR)
    assert current(row).payload == WORD


def test_series_keeps_only_its_newest_note(member: User, now: datetime, settings: Settings) -> None:
    settings.CONTENT_LOG = "off"
    row = daily(member, now)
    for note in ("first", "second", None):
        occurrence = fire(current(row))
        Occurrence.objects.filter(pk=occurrence.pk).update(state=State.ACKED, result="done", note=note)
    assert retention.erase_contents(now + 10 * DAY) == 2
    assert list(Occurrence.objects.order_by("planned_at").values_list("note", flat=True)) == [None, "second", None]


def test_what_has_no_words_any_more_is_not_put_off(member: User, now: datetime, settings: Settings) -> None:
    settings.CONTENT_LOG = "off"
    row = over(member, now)
    later = now + 2 * DAY
    assert services.snooze(row, now + DAY, **BY, now=now + 2 * HOUR)
    services.cancel(row, **BY, now=now + 2 * HOUR)
    Reminder.objects.update(status=Status.COMPLETED)
    retention.erase_contents(later)
    assert not services.snooze(row, later + HOUR, **BY, now=later)
    assert current(row).status == Status.COMPLETED


def test_each_call_takes_few_statements(
    member: User, now: datetime, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    """It runs each hour, also when there is nothing to do."""
    for _number in range(30):
        over(member, now)
    with django_assert_max_num_queries(12):
        for path in [name for name in project.HOUSEKEEPING if name.startswith("reminders.")]:
            import_string(path)(now)
