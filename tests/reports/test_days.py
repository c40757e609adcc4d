"""How days and standings are stored: what is known better stays, and nothing of two writers is lost."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import User
from reports.figures.periods import Period
from reports.metrics import Figures, Section
from reports.models import AvitoProfile, Snapshot, Standing
from reports.services import days
from reports.services.days import Reading, Stood
from tests.reports import making

D = Decimal
DAY = timedelta(days=1)
YESTERDAY = date(2026, 11, 21)
MORNING = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)  # nine in Moscow
SETTLED = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)  # two days after the 21st ended in Moscow


@pytest.fixture
def profile(owner: User) -> AvitoProfile:
    return making.make_profile(owner)


def reading(
    figures: Figures | None,
    at: datetime = MORNING,
    section: Section = Section.STATISTICS,
    *,
    partial: bool = False,
) -> Reading:
    told = {} if figures is None else {YESTERDAY: figures}
    return Reading(section, Period(YESTERDAY, YESTERDAY), told, at, partial)


def kept(profile: AvitoProfile, *readings: Reading) -> dict[str, Decimal]:
    """What is stored of yesterday once these were kept, one after the other."""
    for one in readings:
        assert days.keep(profile, [one], {}, one.read_at)
    return Snapshot.objects.get(profile=profile, date=YESTERDAY).values


@pytest.mark.parametrize(
    ("read_at", "final"),
    [(MORNING, False), (SETTLED - timedelta(seconds=1), False), (SETTLED, True), (SETTLED + DAY, True)],
)
def test_a_day_is_final_when_it_was_read_two_days_after_its_end_in_moscow(read_at: datetime, final: bool) -> None:
    assert days.is_final(YESTERDAY, read_at) is final


def test_a_later_reading_replaces_an_earlier_one(profile: AvitoProfile) -> None:
    later = reading({"views": D(12)}, MORNING + DAY)
    assert kept(profile, reading({"views": D(10)}), later) == {"views": 12}


def test_an_earlier_reading_that_comes_late_changes_nothing(profile: AvitoProfile) -> None:
    earlier = reading({"views": D(10)}, MORNING)
    assert kept(profile, reading({"views": D(12)}, MORNING + timedelta(minutes=1)), earlier) == {"views": 12}


def test_a_figure_that_is_not_told_any_more_is_gone_with_the_rest_of_its_section(profile: AvitoProfile) -> None:
    later = reading({"views": D(12)}, MORNING + DAY)
    assert kept(profile, reading({"views": D(10), "favorites": D(3)}), later) == {"views": 12}


def test_a_day_that_is_not_told_any_more_keeps_what_was_told(profile: AvitoProfile) -> None:
    assert kept(profile, reading({"views": D(10)}), reading(None, SETTLED)) == {"views": 10}
    assert Snapshot.objects.get().read == {"statistics": SETTLED.isoformat()}


def test_a_final_day_stays_as_it_is(profile: AvitoProfile) -> None:
    assert kept(profile, reading({"views": D(10)}, SETTLED), reading({"views": D(99)}, SETTLED + DAY)) == {"views": 10}


def test_sections_stand_beside_each_other(profile: AvitoProfile) -> None:
    calls = reading({"calls": D(2), "views": D(999)}, MORNING, Section.CALLS)
    assert kept(profile, reading({"views": D(10)}), calls) == {"views": 10, "calls": 2}


def test_figures_of_kopecks_and_huge_numbers_come_back_as_they_were(profile: AvitoProfile) -> None:
    figures = {"allSpending": D("15420.50"), "impressions": D("123456789012")}
    assert kept(profile, reading(figures)) == figures


def test_single_listings_do_not_replace_what_is_whole_and_the_other_way_round(profile: AvitoProfile) -> None:
    whole, lean = {"views": D(10), "allSpending": D(5)}, {"views": D(8)}
    partial = reading(lean, MORNING + DAY, partial=True)
    assert kept(profile, reading(whole), partial) == whole
    Snapshot.objects.all().delete()
    assert kept(profile, partial, reading(whole)) == whole  # though Avito counted it earlier
    assert not Snapshot.objects.get().partial


def test_what_was_asked_in_vain_is_known_to_have_been_asked(profile: AvitoProfile) -> None:
    assert kept(profile, reading(None)) == {}
    assert days.known(profile, YESTERDAY, YESTERDAY)[YESTERDAY].read == {Section.STATISTICS: MORNING}


def test_standings_of_a_day_are_one_row_and_the_newest(profile: AvitoProfile) -> None:
    days.keep(profile, [], {Section.MONEY: {"wallet": D(5), "bonus": D(1)}, Section.ADVANCE: {}}, MORNING)
    days.keep(profile, [], {Section.MONEY: {"wallet": D(7)}}, MORNING + timedelta(hours=1))
    row = Standing.objects.get()
    assert (row.date, row.values) == (date(2026, 11, 22), {"wallet": D(7)})
    stood = days.standing_of(profile, MORNING + timedelta(hours=2))
    assert stood[Section.ADVANCE].figures == {}
    assert stood[Section.ADVANCE].read_at == MORNING
    assert stood[Section.MONEY].read_at == MORNING + timedelta(hours=1)


def test_a_section_of_another_version_is_passed_over(profile: AvitoProfile) -> None:
    read = {"weather": MORNING.isoformat(), "statistics": MORNING.isoformat()}
    Snapshot.objects.create(profile=profile, date=YESTERDAY, figures={"views": "1"}, read=read)
    assert days.known(profile, YESTERDAY, YESTERDAY)[YESTERDAY].read.keys() == {Section.STATISTICS}


def test_what_is_carried_over_midnight_covers_up_nothing_that_was_read_later(profile: AvitoProfile) -> None:
    early = {Section.MONEY: Stood({"wallet": D(5)}, MORNING), Section.ADVANCE: Stood({"advance": D(1)}, MORNING)}
    later = MORNING + timedelta(minutes=1)
    days.keep(profile, [], {Section.MONEY: {"wallet": D(7)}}, later)
    days.keep(profile, [], {}, later, carried=early)
    standing = Standing.objects.get()
    assert standing.values == {"wallet": 7, "advance": 1}
    assert standing.read == {"money": later.isoformat(), "advance": MORNING.isoformat()}


@pytest.mark.django_db(transaction=True)
def test_two_writers_at_once_lose_nothing(profile: AvitoProfile, at_once: Callable[..., list[bool]]) -> None:
    statistics = reading({"views": D(10)})
    calls = reading({"calls": D(2)}, MORNING, Section.CALLS)
    at_once(
        lambda: days.keep(profile, [statistics], {Section.MONEY: {"wallet": D(5)}}, MORNING),
        lambda: days.keep(profile, [calls], {Section.ADVANCE: {"advance": D(6)}}, MORNING),
    )
    assert Snapshot.objects.get().values == {"views": 10, "calls": 2}
    assert Standing.objects.get().values == {"wallet": 5, "advance": 6}


def test_270_days_are_stored_in_a_few_statements(
    profile: AvitoProfile, django_assert_max_num_queries: Callable[..., object]
) -> None:
    period = Period(YESTERDAY - DAY * 269, YESTERDAY)
    told = {day: {"views": D(1)} for day in period.dates()}
    with django_assert_max_num_queries(6):  # type: ignore[attr-defined]
        days.keep(profile, [Reading(Section.STATISTICS, period, told, MORNING)], {}, MORNING)
    assert Snapshot.objects.count() == 270
    with django_assert_max_num_queries(6):  # type: ignore[attr-defined]
        days.keep(profile, [Reading(Section.STATISTICS, period, told, MORNING + DAY)], {}, MORNING + DAY)
