"""Planned reports that do not come: what /readyz says, and what the admins hear."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from core.health import Level, examine
from delivery.models import Schedule
from reports.health import reports
from reports.models import Access, Report
from tests.reports import making

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def due(owner: User, now: datetime, late: timedelta, name: str = "Север") -> None:
    task = making.make_task(making.make_profile(owner, name, now=now), now=now)
    Schedule.objects.filter(pk=task.schedule_id).update(next_at=now - late)


def test_all_is_well_while_reports_wait_for_their_time(owner: User, now: datetime) -> None:
    due(owner, now, -HOUR)
    found = reports(now)
    assert (found.level, found.words) == (Level.OK, "")
    assert found.facts == {
        "planned": 1, "overdue": 0, "oldest_due_seconds": 0.0, "unfinished": 0, "keys_refused": 0,
    }  # fmt: skip


def test_reports_that_nobody_fires_are_a_failure(owner: User, now: datetime) -> None:
    due(owner, now, 20 * MINUTE)
    due(owner, now, 10 * MINUTE, "Юг")
    found = reports(now)
    assert found.level == Level.FAILED
    assert (found.facts["overdue"], found.facts["oldest_due_seconds"]) == (2, 1200.0)
    assert found.words == "2 Avito reports are overdue, the first one by 20 min. Does the bot run?"


def test_a_report_that_is_switched_off_is_not_overdue(owner: User, now: datetime) -> None:
    due(owner, now, HOUR)
    Schedule.objects.update(state=Schedule.State.PAUSED)
    assert reports(now).well


def test_a_report_that_does_not_end_is_a_warning(owner: User, now: datetime) -> None:
    for ago in (2 * HOUR, 10 * MINUTE):
        Report.objects.create(
            kind=Report.Kind.NOW, requested_by=owner, first=now.date(), last=now.date(), created_at=now - ago
        )
    found = reports(now)
    assert (found.level, found.facts["unfinished"]) == (Level.WARNING, 1)
    assert found.words.startswith("1 Avito report has been at work for more than an hour.")


def test_refused_keys_are_a_figure_without_a_name(owner: User, now: datetime) -> None:
    making.make_profile(owner, "Тайный", access=Access.BAD_KEYS)
    making.make_profile(owner, "Юг", 90000002, access=Access.OTHER_ACCOUNT)
    making.make_profile(owner, "Запад", 90000003)
    found = reports(now)
    assert (found.level, found.facts["keys_refused"]) == (Level.OK, 2)
    assert "Тайный" not in str(found)


def test_it_is_one_of_the_checks(now: datetime, settings: Settings) -> None:
    assert "reports" in examine(now)


def test_readyz_shows_it(client: Client, owner: User, now: datetime) -> None:
    assert "keys_refused" in client.get("/readyz").content.decode()


def test_it_asks_few_questions(
    owner: User, now: datetime, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    due(owner, now, HOUR)
    with django_assert_max_num_queries(3):
        reports(now)
