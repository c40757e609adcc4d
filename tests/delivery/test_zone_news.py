"""When a zone's rules change, what was planned for nine stays at nine."""

from datetime import UTC, datetime, timedelta

import pytest

from delivery import planning, zone_news
from delivery.models import Schedule
from delivery.schedule import Cron, Once, Rule

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def planned(name: str, rule: Rule, now: datetime, moved_by: timedelta = timedelta()) -> Schedule:
    """A schedule whose next run was worked out with data by which Moscow's clock was ``moved_by`` elsewhere."""
    row = planning.plan("probe", name, rule, "Europe/Moscow", now=now)
    assert row.next_at is not None
    row.next_at += moved_by
    row.save()
    return row


def test_the_release_of_the_data_is_known() -> None:
    assert zone_news.version()[:2] == "20"


def test_runs_worked_out_with_other_data_are_planned_anew(now: datetime) -> None:
    elsewhere = planned("a", Cron("0 9 * * *"), now, moved_by=HOUR)
    right = planned("b", Cron("0 9 * * *"), now)
    single = planned("c", Once(now + 5 * HOUR), now, moved_by=HOUR)
    assert zone_news.follow_to("2026a", now) == 0  # the first time there is nothing to compare with

    assert zone_news.follow_to("2026b", now) == 1

    for row in (elsewhere, right, single):
        row.refresh_from_db()
    assert elsewhere.next_at == right.next_at == datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
    assert single.next_at == now + 6 * HOUR


def test_the_same_data_moves_nothing(now: datetime) -> None:
    zone_news.follow_to("2026a", now)
    row = planned("a", Cron("0 9 * * *"), now, moved_by=HOUR)  # as one that was put off
    assert zone_news.follow_to("2026a", now) == 0
    assert row.next_at == Schedule.objects.get().next_at


def test_what_is_not_in_force_is_let_be(now: datetime) -> None:
    zone_news.follow_to("2026a", now)
    row = planned("a", Cron("0 9 * * *"), now, moved_by=HOUR)
    planning.pause(row, now=now)
    assert zone_news.follow_to("2026b", now) == 0


def test_a_rule_that_cannot_be_read_holds_nobody_up(now: datetime) -> None:
    zone_news.follow_to("2026a", now)
    broken = planned("a", Cron("0 9 * * *"), now, moved_by=HOUR)
    Schedule.objects.filter(pk=broken.pk).update(rule={"kind": "nonsense"})
    planned("b", Cron("0 9 * * *"), now, moved_by=HOUR)
    assert zone_news.follow_to("2026b", now) == 1


def test_what_begins_later_does_not_begin_sooner(now: datetime) -> None:
    zone_news.follow_to("2026a", now)
    begins = now + 60 * DAY
    row = planning.plan("probe", "a", Cron("0 9 * * *"), "Europe/Moscow", now=now, start_at=begins)
    Schedule.objects.filter(pk=row.pk).update(next_at=datetime(2027, 1, 20, 7, 0, tzinfo=UTC))
    assert zone_news.follow_to("2026b", now) == 1

    row.refresh_from_db()
    assert row.next_at == datetime(2027, 1, 20, 6, 0, tzinfo=UTC)


def test_what_somebody_put_off_comes_when_they_said(now: datetime) -> None:
    zone_news.follow_to("2026a", now)
    row = planned("a", Cron("0 9 * * *"), now)
    planning.snooze(row, now + HOUR, now=now)
    assert zone_news.follow_to("2026b", now) == 0

    row.refresh_from_db()
    assert row.next_at == now + HOUR


def test_what_would_run_after_its_end_is_let_be(now: datetime) -> None:
    zone_news.follow_to("2026a", now)
    row = planned("a", Cron("0 9 * * *"), now, moved_by=-HOUR)
    Schedule.objects.filter(pk=row.pk).update(end_at=row.next_at)
    assert zone_news.follow_to("2026b", now) == 0
