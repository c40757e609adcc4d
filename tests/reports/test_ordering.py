"""Reports as rows: ordered together, cancelled by who ordered them, ended once."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Chat, User
from delivery.models import Delivery
from delivery.services import ERASED
from reports.contents import contents_of
from reports.figures.periods import Period
from reports.metrics import Section
from reports.models import AvitoProfile, Report, ReportPart, ReportTask
from reports.services import ordering
from tests.reports import making
from tests.reports.working import NOON, WEEK, YESTERDAY

pytestmark = pytest.mark.django_db


def order(owner: User, *profiles: AvitoProfile, period: Period = YESTERDAY) -> Report:
    chat = Chat.objects.get(person=owner)
    return ordering.order(
        Report.Kind.STATS, profiles, period, period.before(), chat=chat, thread=0, by=owner, now=NOON
    )  # fmt: skip


def test_an_order_is_a_row_with_its_parts_and_somebody_who_works_on_it(owner: User) -> None:
    profiles = [making.make_profile(owner, name) for name in ("Север", "Юг")]
    report = order(owner, *profiles)

    assert [part.profile for part in report.parts.all()] == profiles
    assert Delivery.objects.get(key=ordering.key_of(report.pk)).content == {"report": str(report.pk)}


def test_many_orders_take_three_statements(owner: User, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    profile, chat = making.make_profile(owner), Chat.objects.get(person=owner)
    wanted = [ordering.Wanted(Report.Kind.NOW, [profile], YESTERDAY, None, chat, 0, owner) for _number in range(50)]
    with django_assert_max_num_queries(6):
        ordering.order_many(wanted, NOON)


def test_cancelling_takes_the_work_back(owner: User) -> None:
    report = order(owner, making.make_profile(owner))

    assert ordering.cancel(report, by=owner, now=NOON)
    row = Delivery.objects.get(key=ordering.key_of(report.pk))
    assert (row.state, row.content) == (Delivery.State.CANCELLED, ERASED)
    report.refresh_from_db()
    assert report.state == Report.State.CANCELLED


def test_a_report_is_cancelled_once_and_only_by_who_ordered_it(owner: User) -> None:
    report = order(owner, making.make_profile(owner))

    assert not ordering.cancel(report, by=making.owner(telegram_id=106, name="Пётр"), now=NOON)
    assert ordering.cancel(report, by=owner, now=NOON)
    assert not ordering.cancel(report, by=owner, now=NOON)


def test_what_has_ended_does_not_end_again(owner: User) -> None:
    report = order(owner, making.make_profile(owner))
    parts = list(report.parts.all())
    ordering.part_done(parts[0], {}, NOON)

    assert ordering.finish(report, parts, NOON)
    assert not ordering.finish(report, parts, NOON)
    assert not ordering.cancel(report, by=owner, now=NOON)


def test_an_outcome_that_is_on_record_stays(owner: User) -> None:
    """Two workers may come to the end of one part."""
    report = order(owner, making.make_profile(owner))
    mine, theirs = report.parts.get(), report.parts.get()
    ordering.part_done(mine, {}, NOON)
    ordering.part_failed(theirs, "avito_down")
    ordering.part_put_off(theirs, 60, NOON, counts=True)

    now = report.parts.get()
    assert (now.state, now.error_kind, now.pauses) == (ReportPart.State.DONE, "", 0)


# --- what it says, of rows ------------------------------------------------------------------------------------------


def done(report: Report) -> None:
    for part in report.parts.all():
        ordering.part_done(part, {}, NOON)


def test_different_figures_in_one_chat_are_all_told_of_every_profile(owner: User) -> None:
    """The union: each profile then says the same, and the total adds up."""
    first, second = making.make_profile(owner, "Север", 1), making.make_profile(owner, "Юг", 2)
    ReportTask.objects.filter(profile=first).update(metrics=["views", "wallet"])
    ReportTask.objects.filter(profile=second).update(metrics=["contacts"])
    report = order(owner, first, second)
    done(report)

    contents = contents_of(report.pk)
    assert contents is not None
    told = [[line.metric.name for line in summary.lines] for summary in contents.summaries]
    assert told == [["views", "contacts", "wallet"]] * 2


def test_a_chart_of_one_day_has_the_days_before_it(owner: User) -> None:
    profile = making.make_profile(owner)
    for back in range(40):
        making.make_day(profile, YESTERDAY.last - timedelta(days=back), views=back)
    report = order(owner, profile)
    done(report)

    contents = contents_of(report.pk)
    assert contents is not None
    assert contents.summary is not None
    assert len(contents.summary.days) == 28
    assert contents.summary.value("views") == 0


def test_money_of_yesterday_is_not_passed_off_as_of_now(owner: User) -> None:
    profile = making.make_profile(owner)
    making.make_standing(profile, YESTERDAY.last, wallet="100")
    report = order(owner, profile)
    done(report)

    contents = contents_of(report.pk)
    assert contents is not None
    assert contents.summary is not None
    assert contents.summary.value("wallet") is None


def test_money_that_could_not_be_asked_is_not_told_from_an_hour_ago(owner: User) -> None:
    profile = making.make_profile(owner)
    making.make_standing(profile, NOON.date(), wallet="100", advance="7")
    report = order(owner, profile)
    ordering.part_done(report.parts.get(), {Section.MONEY: "no_access"}, NOON)

    contents = contents_of(report.pk)
    assert contents is not None
    assert contents.summary is not None
    assert (contents.summary.value("wallet"), contents.summary.value("advance")) == (None, Decimal(7))


def test_the_total_is_named_in_the_readers_language(owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(language="ru")
    profiles = [making.make_profile(owner, name, uid) for name, uid in (("Север", 1), ("Юг", 2))]
    for profile in profiles:
        making.make_day(profile, YESTERDAY.last, views=2)
    report = order(owner, *profiles)
    done(report)

    contents = contents_of(report.pk)
    assert contents is not None
    assert contents.total is not None
    assert contents.total.name == "Итого"


def test_fifty_profiles_are_read_with_as_many_queries_as_two(
    owner: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    profiles = [making.make_profile(owner, f"Profile {number}", 1000 + number) for number in range(50)]
    for profile in profiles:
        making.make_day(profile, WEEK.last, views=2)
    report = order(owner, *profiles, period=WEEK)
    done(report)

    with django_assert_max_num_queries(4):
        contents = contents_of(report.pk)
    assert contents is not None
    assert contents.total is not None
    assert contents.total.value("views") == 100
