"""Reports that fall due: which days they are about, where they go, and what is said of those that were missed."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Access, User
from delivery import tick
from delivery.models import Delivery, Schedule
from delivery.schedule import Daily, Monthly, Rule, Weekly
from reports.models import Report, ReportPart, ReportTask
from reports.services import firing, ordering, tasks
from tests.house import ADMINS
from tests.reports import making

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 6, tzinfo=UTC)  # a Tuesday, nine in Moscow
NINE = time(9)


def due(task: ReportTask, at: datetime | None = NOW, **more: Any) -> tick.Due:
    """As the tick hands it over."""
    return tick.Due(Schedule.objects.get(pk=task.schedule_id), NOW, at, **more)


def fire(*found: tick.Due) -> list[Report]:
    assert firing.fire(found) == []
    return list(Report.objects.order_by("created_at", "pk"))


def task_of(owner: User, rule: Rule = making.NINE, zone: str = "Europe/Moscow", name: str = "Север") -> ReportTask:
    return making.make_task(making.make_profile(owner, name), rule, zone, now=NOW)


def messages(chat_id: int) -> list[str]:
    rows = Delivery.objects.filter(chat_id=chat_id, backend="telegram").order_by("pk")
    return [row.content["params"]["text"] for row in rows]


# --- which days -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "zone", "at", "days"),
    [
        pytest.param(Daily(NINE), "Europe/Moscow", NOW, ("2026-03-09", "2026-03-09"), id="yesterday"),
        # Nine in Vladivostok is two at night in Moscow: the day that has just ended there.
        pytest.param(
            Daily(NINE), "Asia/Vladivostok", datetime(2026, 3, 9, 23, tzinfo=UTC), ("2026-03-09", "2026-03-09"),
            id="vladivostok",
        ),
        # Half past eleven at night in Kaliningrad is tomorrow in Moscow.
        pytest.param(
            Daily(time(23, 30)), "Europe/Kaliningrad", datetime(2026, 3, 10, 21, 30, tzinfo=UTC),
            ("2026-03-10", "2026-03-10"), id="kaliningrad",
        ),
        pytest.param(
            Daily(NINE, 3, date(2026, 3, 1)), "Europe/Moscow", NOW, ("2026-03-07", "2026-03-09"), id="three-days"
        ),
        pytest.param(Weekly(frozenset({1}), NINE), "Europe/Moscow", NOW, ("2026-03-02", "2026-03-08"), id="last-week"),
        pytest.param(Monthly(10, NINE), "Europe/Moscow", NOW, ("2026-02-01", "2026-02-28"), id="last-month"),
    ],
)  # fmt: skip
def test_the_period_follows_the_plan(owner: User, rule: Rule, zone: str, at: datetime, days: tuple[str, str]) -> None:
    [report] = fire(due(task_of(owner, rule, zone), at))

    assert (report.first.isoformat(), report.last.isoformat()) == days
    assert (report.kind, report.planned_at) == (Report.Kind.SCHEDULED, at)


def test_a_month_is_compared_with_the_month_before(owner: User) -> None:
    [report] = fire(due(task_of(owner, Monthly(10, NINE))))

    assert (report.before_first, report.before_last) == (date(2026, 1, 1), date(2026, 1, 31))


def test_a_late_report_is_about_the_days_of_its_plan(owner: User) -> None:
    at = NOW - timedelta(days=2)
    [report] = fire(due(task_of(owner), at))

    assert report.last == date(2026, 3, 7)


def test_a_report_has_one_delivery_in_a_lane_of_its_own(owner: User) -> None:
    [report] = fire(due(task_of(owner)))

    row = Delivery.objects.get(key=ordering.key_of(report.pk))
    assert (row.backend, row.lane, row.source) == ("report", f"task:report:{report.pk}:0", "report")
    assert [part.profile_id for part in ReportPart.objects.filter(report=report)] == [report.task.profile_id]  # type: ignore[union-attr]


def test_a_hundred_due_reports_take_as_many_statements_as_two(
    owner: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    found = [due(task_of(owner, name=f"Profile {number}")) for number in range(40)]
    with django_assert_max_num_queries(12):
        assert len(fire(*found)) == 40


# --- where ----------------------------------------------------------------------------------------------------------


def test_it_goes_to_the_chosen_group_and_topic(owner: User) -> None:
    task, chat = task_of(owner), making.group()
    ReportTask.objects.filter(pk=task.pk).update(chat=chat, thread_id=7)
    [report] = fire(due(task))

    assert (report.chat, report.thread_id) == (chat, 7)


@pytest.mark.parametrize(
    "trouble", [{"unreachable": "bot was kicked"}, {"status": Access.PENDING}], ids=["unreachable", "not-let-in"]
)
def test_where_nothing_may_be_said_it_goes_to_its_owner(owner: User, trouble: dict[str, Any]) -> None:
    task = task_of(owner)
    ReportTask.objects.filter(pk=task.pk).update(chat=making.group(**trouble), thread_id=7)
    [report] = fire(due(task))

    assert report.chat is not None
    assert (report.chat.person, report.thread_id) == (owner, 0)


def test_a_deleted_chat_leaves_the_report_to_its_owner(owner: User) -> None:
    task = task_of(owner)
    ReportTask.objects.filter(pk=task.pk).update(chat=None)
    [report] = fire(due(task))

    assert report.chat is not None
    assert report.chat.person == owner


def test_whoever_may_not_use_the_bot_gets_none_and_the_admins_hear_once(owner: User) -> None:
    found = [due(task_of(owner, name=name)) for name in ("Север", "Юг")]
    User.objects.filter(pk=owner.pk).update(status=Access.BLOCKED)

    assert fire(*found) == []
    assert [one.schedule.state for one in found] == [Schedule.State.PAUSED] * 2
    assert set(ReportTask.objects.values_list("paused_because", flat=True)) == {tasks.OWNER}
    [told] = messages(ADMINS)
    assert "Север, Юг" in told


def test_a_plan_whose_profile_is_gone_is_over(owner: User) -> None:
    task = task_of(owner)
    one = due(task)
    ReportTask.objects.filter(pk=task.pk).delete()

    assert fire(one) == []
    assert (one.schedule.state, one.schedule.next_at) == (Schedule.State.CANCELLED, None)


# --- missed ---------------------------------------------------------------------------------------------------------


def missed(task: ReportTask, days: int, at: datetime | None) -> tick.Due:
    first = NOW - timedelta(days=days)
    return due(task, at, missed=days, missed_from=first, missed_to=NOW - timedelta(days=1))


def test_after_an_outage_one_report_comes_and_one_message_tells_of_the_others(owner: User) -> None:
    [report] = fire(missed(task_of(owner), 5, NOW))

    assert report.last == date(2026, 3, 9)
    [told] = messages(owner.telegram_id or 0)
    assert "Север: 5 reports" in told
    assert "The latest one comes now" in told


def test_what_is_too_late_is_told_and_not_made(owner: User) -> None:
    assert fire(missed(task_of(owner), 2, None)) == []
    [told] = messages(owner.telegram_id or 0)
    assert "Nothing is made up for" in told


def test_all_that_one_chat_missed_is_one_message(owner: User) -> None:
    found: Sequence[tick.Due] = [missed(task_of(owner, name=name), 2, None) for name in ("Север", "Юг", "_Восток_")]
    fire(*found)

    [told] = messages(owner.telegram_id or 0)
    assert all(name in told for name in ("Север", "Юг", "_Восток_"))


# --- keys that are refused ------------------------------------------------------------------------------------------


def refused(task: ReportTask, at: datetime, kind: str = "bad_credentials") -> None:
    """A planned report that could not be made."""
    [report] = [one for one in fire(due(task, at)) if one.state == Report.State.QUEUED]
    part = ReportPart.objects.select_related("profile").get(report=report)
    ordering.part_failed(part, kind)
    assert ordering.finish(Report.objects.select_related("task__schedule").get(pk=report.pk), [part], at)


def test_the_third_refusal_in_a_row_pauses_the_plan(owner: User) -> None:
    task = task_of(owner)
    for day in range(3):
        assert Schedule.objects.get(pk=task.schedule_id).state == Schedule.State.ACTIVE
        refused(task, NOW + timedelta(days=day))

    task.refresh_from_db()
    assert (task.schedule.state, task.paused_because) == (Schedule.State.PAUSED, "bad_credentials")


def test_another_trouble_in_between_begins_the_count_anew(owner: User) -> None:
    task = task_of(owner)
    for day, kind in enumerate(["bad_credentials", "bad_credentials", "avito_down", "bad_credentials"]):
        refused(task, NOW + timedelta(days=day), kind)

    assert Schedule.objects.get(pk=task.schedule_id).state == Schedule.State.ACTIVE
