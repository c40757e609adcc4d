"""What could not be said where it was to be said, made, or fired: whose report it is hears of it, with what to do."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Chat, User
from core.claims import WORKER
from delivery import services
from delivery.errors import DeliveryError
from delivery.models import Delivery, Schedule
from delivery.signals import schedule_broke
from reports.models import Report, ReportTask
from reports.services import ordering
from tests.reports import making, working
from tests.reports.working import NOON, YESTERDAY

pytestmark = pytest.mark.django_db


def finished(owner: User, chat: Chat | None = None, **facts: Any) -> Report:
    """A planned report that is done and on its way."""
    profile = making.make_profile(owner)
    making.make_day(profile, YESTERDAY.last, views=640)
    ReportTask.objects.filter(profile=profile).update(chat=chat or Chat.objects.get(person=owner), **facts)
    if chat is not None:
        making.bind(profile, chat)
    report = working.ordered([making.fresh(profile)], NOON, kind=Report.Kind.SCHEDULED, chat=chat)
    ordering.part_done(report.parts.get(), {}, NOON)
    working.settle(report)
    return report


def fail(row: Delivery, kind: str = "forbidden", *, doubt: bool = False) -> None:
    """As the outbox records it."""
    Delivery.objects.filter(pk=row.pk).update(state=Delivery.State.SENDING, worker=WORKER)
    error = DeliveryError(kind, kind, permanent=not doubt, doubt=doubt)
    services.record_error(row, error, timezone.now())


def said_to(chat: int) -> list[str]:
    rows = Delivery.objects.filter(chat_id=chat, backend="telegram").order_by("pk")
    return [row.content["params"].get("text", "") for row in rows]


def test_a_report_that_a_group_does_not_take_goes_to_its_owner_with_the_reason(owner: User) -> None:
    group = making.group()
    report = finished(owner, group)
    fail(working.deliveries(report)["text:0:0"])

    why, itself = said_to(owner.telegram_id or 0)
    assert "could not be posted to “Команда”" in why
    assert itself.startswith("📊")


def test_a_closed_topic_is_named(owner: User) -> None:
    report = finished(owner, making.group())
    fail(working.deliveries(report)["text:0:0"], "topic")

    assert "topic is closed" in said_to(owner.telegram_id or 0)[0]


def test_whoever_blocked_the_bot_is_told_nothing(owner: User) -> None:
    report = finished(owner)
    fail(working.deliveries(report)["text:0:0"])

    assert len(said_to(owner.telegram_id or 0)) == 1  # the report itself


def test_a_group_that_was_closed_meanwhile_hears_nothing_and_the_owner_all(owner: User) -> None:
    group = making.group()
    profile = making.make_profile(owner)
    making.bind(profile, group)
    ReportTask.objects.filter(profile=profile).update(chat=group)
    report = working.ordered([making.fresh(profile)], NOON, kind=Report.Kind.SCHEDULED, chat=group)
    Chat.objects.filter(pk=group.pk).update(unreachable="bot was kicked")
    ordering.part_done(report.parts.get(), {}, NOON)
    working.settle(report)

    assert said_to(group.telegram_id) == []
    [text] = said_to(owner.telegram_id or 0)
    assert "It comes here and not to “Команда”" in text


def test_a_profile_that_was_hidden_from_a_group_is_not_reported_there(owner: User) -> None:
    group = making.group()
    profile = making.make_profile(owner)
    ReportTask.objects.filter(profile=profile).update(chat=group)
    report = working.ordered([making.fresh(profile)], NOON, kind=Report.Kind.SCHEDULED, chat=group)
    ordering.part_done(report.parts.get(), {}, NOON)
    working.settle(report)

    assert said_to(group.telegram_id) == []
    assert "not shown there any more" in said_to(owner.telegram_id or 0)[0]


def test_an_error_of_ours_ends_the_report_and_says_so_in_the_progress_message(owner: User) -> None:
    profile = making.make_profile(owner)
    report = working.ordered([profile], NOON, progress=True)
    fail(Delivery.objects.get(key=ordering.key_of(report.pk)), "bug")

    report.refresh_from_db()
    assert report.state == Report.State.FAILED
    assert "something went wrong on my side" in said_to(owner.telegram_id or 0)[-1]


def test_an_e_mail_that_may_have_arrived_is_asked_about_each_time_and_not_sent_again(owner: User) -> None:
    report = finished(owner, email="anna@example.org")
    row = working.deliveries(report)["email"]
    fail(row, "mail line", doubt=True)

    row.refresh_from_db()
    assert row.state == Delivery.State.UNKNOWN
    assert "please look whether it came" in said_to(owner.telegram_id or 0)[-1]


def test_an_e_mail_that_is_refused_does_not_hide_the_report_in_the_chat(owner: User) -> None:
    report = finished(owner, email="anna@example.org")
    fail(working.deliveries(report)["email"], "mail refused")

    texts = said_to(owner.telegram_id or 0)
    assert texts[0].startswith("📊")
    assert "The mail server refuses it" in texts[1]


def test_a_plan_that_cannot_be_fired_is_told_to_its_owner(owner: User) -> None:
    task = making.make_task(making.make_profile(owner), now=NOON)
    schedule_broke.send(sender=Schedule, schedule=task.schedule, error=ValueError("x"))

    assert any("are paused" in text for text in said_to(owner.telegram_id or 0))


def test_figures_without_a_single_day_have_no_chart(owner: User) -> None:
    profile = making.make_profile(owner)
    report = working.ordered([profile], NOON, kind=Report.Kind.SCHEDULED)
    ordering.part_done(report.parts.get(), {}, NOON)
    working.settle(report)

    assert set(working.deliveries(report)) == {"text:0:0"}


def test_messages_chart_and_mail_are_written_with_the_end_of_the_report_and_once(owner: User) -> None:
    report = finished(owner, email="anna@example.org", hook_url="https://example.com/hook")
    first = working.deliveries(report)
    working.settle(report, NOON + timedelta(minutes=1))

    assert set(first) == {"text:0:0", "chart", "email", "hook"}
    assert {row.pk for row in working.deliveries(report).values()} == {row.pk for row in first.values()}
