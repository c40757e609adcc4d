"""Rules of time: what the clock does to them, what is refused, and that a run is neither lost nor doubled."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise, takewhile
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.clocks import instant_of
from delivery.schedule import (
    COUNTED,
    Cron,
    Daily,
    Monthly,
    Once,
    Rule,
    RuleError,
    Run,
    Weekly,
    check_gap,
    cron,
    from_json,
    last_between,
    next_after,
    preview,
    smallest_gap,
    to_json,
    zone_of,
)

BERLIN, NEW_YORK, CAIRO = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Africa/Cairo")
LORD_HOWE, KATHMANDU, APIA = ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("Pacific/Apia")
HAVANA, MOSCOW, CASABLANCA = ZoneInfo("America/Havana"), ZoneInfo("Europe/Moscow"), ZoneInfo("Africa/Casablanca")
UTC_ZONE = ZoneInfo("UTC")
ZONES = [BERLIN, NEW_YORK, CAIRO, LORD_HOWE, KATHMANDU, APIA, HAVANA, MOSCOW, CASABLANCA, UTC_ZONE]
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

steady = settings(derandomize=True, deadline=None, max_examples=100)


def shown(at: datetime | None, zone: ZoneInfo) -> str:
    assert at is not None
    assert at.tzinfo is UTC
    return at.astimezone(zone).isoformat(timespec="minutes")


def coming(rule: Rule, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The runs, each asked for anew as a tick does."""
    at = next_after(rule, after, zone)
    while at:
        yield at
        at = next_after(rule, at, zone)


def runs(rule: Rule, since: str, zone: ZoneInfo, count: int) -> list[str]:
    start = datetime.fromisoformat(since).replace(tzinfo=zone)
    return [shown(at, zone) for at in islice(coming(rule, start, zone), count)]


# --- what the clock does --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [cron("30 2 * * *"), Daily(time(2, 30)), Weekly(frozenset(range(7)), time(2, 30))])
def test_time_that_the_clock_skips_runs_at_the_end_of_the_gap(rule: Rule) -> None:
    assert runs(rule, "2026-03-28T12:00", BERLIN, 2) == ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]


@pytest.mark.parametrize("rule", [cron("30 2 * * *"), Daily(time(2, 30)), Weekly(frozenset(range(7)), time(2, 30))])
def test_time_that_comes_twice_runs_at_its_first_pass(rule: Rule) -> None:
    assert runs(rule, "2026-10-24T12:00", BERLIN, 2) == ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]


def test_end_of_a_gap_is_exact_for_any_wall_time() -> None:
    end = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert {
        instant_of(datetime(2026, 3, 29, 2, 0) + timedelta(seconds=n / 7), BERLIN) for n in range(0, 25200, 611)
    } == {end}


def test_several_times_in_one_gap_run_once() -> None:
    rule = cron("0,15,30,45 2,3 29 3 *")
    expected = ["2026-03-29T03:00+02:00", "2026-03-29T03:15+02:00", "2026-03-29T03:30+02:00"]
    assert runs(rule, "2026-03-28T12:00", BERLIN, 3) == expected


@pytest.mark.parametrize("minutes", [0, 10, 29, 30, 31, 59])
@pytest.mark.parametrize("rule", [cron("30 2 * * *"), Daily(time(2, 30))])
def test_in_the_second_pass_the_first_is_not_run_again(rule: Rule, minutes: int) -> None:
    second_pass = datetime(2026, 10, 25, 1, minutes, tzinfo=UTC)  # 02:xx for the second time
    assert shown(next_after(rule, second_pass, BERLIN), BERLIN) == "2026-10-26T02:30+01:00"


def test_new_york_one_o_clock_runs_once_when_it_comes_twice() -> None:
    expected = ["2026-11-01T01:00-04:00", "2026-11-02T01:00-05:00"]
    assert runs(cron("0 1 * * *"), "2026-10-31T12:00", NEW_YORK, 2) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/30 * * * *", ["02:00+02:00", "02:30+02:00", "02:00+01:00", "02:30+01:00", "03:00+01:00"]),
        ("30 * * * *", ["02:30+02:00", "02:30+01:00", "03:30+01:00", "04:30+01:00", "05:30+01:00"]),
        ("*/30 2-3 * * *", ["02:00+02:00", "02:30+02:00", "02:00+01:00", "02:30+01:00", "03:00+01:00"]),
        ("15 */2 * * *", ["02:15+02:00", "02:15+01:00", "04:15+01:00", "06:15+01:00", "08:15+01:00"]),
    ],
)
def test_wildcards_run_in_both_passes(expression: str, expected: list[str]) -> None:
    found = runs(cron(expression), "2026-10-25T01:45", BERLIN, 5)
    assert found == [f"2026-10-25T{time_of_day}" for time_of_day in expected]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/30 * * * *", ["29T01:30+01:00", "29T03:00+02:00", "29T03:30+02:00"]),
        ("30 * * * *", ["29T01:30+01:00", "29T03:30+02:00", "29T04:30+02:00"]),
        ("*/30 2 * * *", ["30T02:00+02:00", "30T02:30+02:00", "31T02:00+02:00"]),
    ],
)
def test_wildcards_pass_over_an_hour_that_is_not_there(expression: str, expected: list[str]) -> None:
    found = runs(cron(expression), "2026-03-29T01:15", BERLIN, 3)
    assert found == [f"2026-03-{moment}" for moment in expected]


@pytest.mark.parametrize("rule", [cron("0 0 * * *"), cron("@daily"), Daily(time(0))])
def test_cairo_whose_midnight_is_missing_loses_no_day(rule: Rule) -> None:
    expected = ["2026-04-23T00:00+02:00", "2026-04-24T01:00+03:00", "2026-04-25T00:00+03:00"]
    assert runs(rule, "2026-04-22T12:00", CAIRO, 3) == expected


def test_cairo_whose_last_hour_comes_twice_runs_once() -> None:
    expected = ["2026-10-29T23:30+03:00", "2026-10-30T23:30+02:00"]
    assert runs(Daily(time(23, 30)), "2026-10-29T12:00", CAIRO, 2) == expected


def test_havana_whose_midnight_comes_twice_runs_once() -> None:
    expected = ["2026-11-01T00:30-04:00", "2026-11-02T00:30-05:00"]
    assert runs(Daily(time(0, 30)), "2026-10-31T12:00", HAVANA, 2) == expected


@pytest.mark.parametrize("rule", [cron("15 2 * * *"), Daily(time(2, 15))])
def test_lord_howe_skips_half_an_hour(rule: Rule) -> None:
    expected = ["2026-10-03T02:15+10:30", "2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"]
    assert runs(rule, "2026-10-02T12:00", LORD_HOWE, 3) == expected


@pytest.mark.parametrize("rule", [cron("45 1 * * *"), Daily(time(1, 45))])
def test_lord_howe_repeats_half_an_hour(rule: Rule) -> None:
    expected = ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"]
    assert runs(rule, "2026-04-04T12:00", LORD_HOWE, 2) == expected


def test_half_hour_switch_shifts_no_wildcard_of_a_later_hour() -> None:
    expected = ["2026-10-04T05:00+11:00", "2026-10-04T05:20+11:00", "2026-10-04T05:40+11:00"]
    assert runs(cron("*/20 5 * * *"), "2026-10-04T00:00", LORD_HOWE, 3) == expected


def test_kathmandu_keeps_its_quarter_of_an_hour() -> None:
    at = next_after(Daily(time(9)), datetime(2026, 11, 20, 3, 14, 59, tzinfo=UTC), KATHMANDU)
    assert at == datetime(2026, 11, 20, 3, 15, tzinfo=UTC)


@pytest.mark.parametrize("rule", [cron("0 9 * * *"), Daily(time(9))])
def test_apia_runs_what_its_skipped_day_held_at_the_days_end(rule: Rule) -> None:
    expected = ["2011-12-29T09:00-10:00", "2011-12-31T00:00+14:00", "2011-12-31T09:00+14:00"]
    assert runs(rule, "2011-12-29T00:00", APIA, 3) == expected


def test_apia_at_midnight_runs_once_for_both_days() -> None:
    expected = ["2011-12-29T00:00-10:00", "2011-12-31T00:00+14:00", "2012-01-01T00:00+14:00"]
    assert runs(Daily(time(0)), "2011-12-28T12:00", APIA, 3) == expected


@pytest.mark.parametrize("year", [2038, 2050, 2100])
def test_the_clock_is_known_after_2038(year: int) -> None:
    assert runs(Daily(time(9)), f"{year}-07-01T00:00", BERLIN, 1) == [f"{year}-07-01T09:00+02:00"]
    assert runs(cron("0 9 * * *"), f"{year}-01-01T00:00", BERLIN, 1) == [f"{year}-01-01T09:00+01:00"]


def test_second_pass_is_seen_before_the_next_year_is() -> None:
    after = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)  # 02:45 for the first time
    assert shown(next_after(cron("*/30 2 25 10 *"), after, BERLIN), BERLIN) == "2026-10-25T02:00+01:00"


def test_cron_counts_weekdays_from_sunday() -> None:
    assert runs(cron("0 9 * * 0"), "2026-11-20T12:00", MOSCOW, 1) == ["2026-11-22T09:00+03:00"]
    assert runs(cron("0 9 * * 7"), "2026-11-20T12:00", MOSCOW, 1) == ["2026-11-22T09:00+03:00"]


def test_weekly_counts_weekdays_from_monday() -> None:
    assert runs(Weekly(frozenset({0}), time(9)), "2026-11-20T12:00", MOSCOW, 1) == ["2026-11-23T09:00+03:00"]


def test_cron_of_a_leap_day_waits_for_it() -> None:
    assert runs(cron("0 0 29 2 *"), "2026-01-01T00:00", BERLIN, 2) == [
        "2028-02-29T00:00+01:00",
        "2032-02-29T00:00+01:00",
    ]


def test_cron_of_a_day_or_a_weekday_runs_on_either() -> None:
    expected = ["2026-02-02T00:00+01:00", "2026-02-09T00:00+01:00"]  # Mondays; no February has a 30th
    assert runs(cron("0 0 30 2 1"), "2026-01-30T00:00", BERLIN, 2) == expected


def test_the_31st_is_the_last_day_of_a_shorter_month() -> None:
    found = runs(Monthly(31, time(10)), "2027-12-31T12:00", MOSCOW, 4)
    assert [at[:10] for at in found] == ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"]


def test_every_three_days_keep_their_beat_over_months_and_switches() -> None:
    rule = Daily(time(8), every=3, since=date(2026, 1, 1))
    expected = ["2026-03-26T08:00+01:00", "2026-03-29T08:00+02:00", "2026-04-01T08:00+02:00"]
    assert runs(rule, "2026-03-24T00:00", BERLIN, 3) == expected


def test_days_are_not_counted_before_their_beginning() -> None:
    rule = Daily(time(8), every=3, since=date(2026, 12, 24))
    assert runs(rule, "2026-11-20T12:00", MOSCOW, 2) == ["2026-12-24T08:00+03:00", "2026-12-27T08:00+03:00"]


def test_once_runs_once_and_is_over() -> None:
    rule = Once(datetime(2026, 11, 20, 12, 0, tzinfo=MOSCOW))
    assert list(coming(rule, NOW - MINUTE, BERLIN)) == [NOW]
    assert next_after(rule, NOW, BERLIN) is None


def test_run_is_later_than_a_moment_within_its_second() -> None:
    assert next_after(cron("0 9 * * *"), NOW - timedelta(microseconds=1), UTC_ZONE) == NOW
    assert next_after(cron("* * * * *"), NOW - timedelta(microseconds=1), UTC_ZONE) == NOW
    assert next_after(cron("* * * * *"), NOW + timedelta(microseconds=1), UTC_ZONE) == NOW + MINUTE


@pytest.mark.parametrize(
    "rule", [cron("0 9 * * *"), cron("* * * * *"), Daily(time(9)), Weekly(frozenset({0}), time(9)), Monthly(1, time(9))]
)
@pytest.mark.parametrize("zone", [BERLIN, APIA, NEW_YORK])
def test_every_rule_is_over_when_the_calendar_ends(rule: Rule, zone: ZoneInfo) -> None:
    found = list(islice(coming(rule, datetime(9999, 12, 31, 23, 58, tzinfo=UTC), zone), 5))
    assert len(found) < 5


# --- cron against what others say -----------------------------------------------------------------------------------

TIMES = ["30 2 * * *", "0 1 * * *", "5 0 * * *", "15,45 1-3 * * *", "0 9 * * 1-5", "0 12 31 * *", "0 3 L * *"]
WILD = ["*/30 * * * *", "30 * * * *", "*/20 2 * * *", "15 */2 * * *", "* 1 * * 0", "*/15 * * 3,10 *", "*/5 * * * *"]
SWITCHES = [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)]


@steady
@given(
    expression=st.sampled_from(TIMES + WILD),
    after=st.sampled_from(SWITCHES).flatmap(lambda at: st.datetimes(*around(at), timezones=st.just(UTC))),
)
def test_cron_agrees_with_cronsim_in_a_zone_of_whole_hours(expression: str, after: datetime) -> None:
    found = (at.astimezone(UTC) for at in CronSim(expression, after.astimezone(BERLIN)))
    theirs = next(at for at in found if at > after)  # its first answer may lie before a second pass
    assert next_after(cron(expression), after, BERLIN) == theirs


def around(at: datetime) -> tuple[datetime, datetime]:
    naive = at.replace(tzinfo=None)
    return naive - DAY, naive + DAY


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        (BERLIN, "2026-03-29"),
        (BERLIN, "2026-10-25"),
        (CAIRO, "2026-04-24"),
        (CAIRO, "2026-10-29"),
        (HAVANA, "2026-03-08"),
        (HAVANA, "2026-11-01"),
        (LORD_HOWE, "2026-10-04"),
        (LORD_HOWE, "2026-04-05"),
        (CASABLANCA, "2026-02-15"),
        (CASABLANCA, "2026-03-22"),
        (APIA, "2011-12-30"),
    ],
)
@pytest.mark.parametrize(
    ("expression", "step", "hours"), [("*/20 * * * *", 20, range(24)), ("*/7 0-5 * * *", 7, range(6))]
)
def test_wildcards_run_at_each_minute_whose_wall_time_fits(
    zone: ZoneInfo, day: str, expression: str, step: int, hours: range
) -> None:
    begin = datetime.fromisoformat(day).replace(tzinfo=UTC) - DAY
    minutes = [begin + count * MINUTE for count in range(1, 3 * 24 * 60)]
    walls = [(at, at.astimezone(zone)) for at in minutes]
    fitting = [at for at, wall in walls if wall.minute % step == 0 and wall.hour in hours]

    assert list(takewhile(lambda at: at <= minutes[-1], coming(cron(expression), begin, zone))) == fitting


# --- properties -----------------------------------------------------------------------------------------------------

zones = st.sampled_from(ZONES)
moments = st.datetimes(datetime(2005, 1, 1), datetime(2045, 1, 1), timezones=st.just(UTC))
times = st.builds(time, st.integers(0, 23), st.integers(0, 59))
dates = st.dates(date(2005, 1, 1), date(2045, 1, 1))
dailies = st.builds(Daily, times, st.integers(1, 40), dates)
weeklies = st.builds(Weekly, st.frozensets(st.integers(0, 6), min_size=1), times)
monthlies = st.builds(Monthly, st.integers(1, 31), times)
dated = dailies | weeklies | monthlies
crons = st.sampled_from([*TIMES, *WILD, "@daily", "0 0 29 2 *", "0 9 * * 1#1", "0 9 * * 5L", "* * 1 1 *"]).map(cron)
onces = st.builds(Once, moments)
rules = onces | crons | dated


@steady
@given(rule=rules, after=moments, zone=zones)
def test_next_run_is_strictly_later(rule: Rule, after: datetime, zone: ZoneInfo) -> None:
    at = next_after(rule, after, zone)
    assert at is not None or (isinstance(rule, Once) and rule.at <= after)
    assert at is None or at > after


@steady
@given(rule=rules, after=moments, zone=zones)
def test_preview_is_what_ticks_will_find(rule: Rule, after: datetime, zone: ZoneInfo) -> None:
    found = [run.at for run in preview(rule, after, zone)]
    assert found == list(islice(coming(rule, after, zone), 5))
    assert all(earlier < later for earlier, later in pairwise(found))


@settings(steady, max_examples=300)
@given(rule=dated, after=moments, zone=zones)
def test_dates_agree_with_looking_at_each_day(rule: Daily | Weekly | Monthly, after: datetime, zone: ZoneInfo) -> None:
    day = after.astimezone(zone).date() - DAY
    if isinstance(rule, Daily) and rule.since:
        day = max(day, rule.since)
    while not fits(rule, day) or (at := first_shown(datetime.combine(day, rule.at), zone)) <= after:
        day += DAY
    assert next_after(rule, after, zone) == at


def fits(rule: Daily | Weekly | Monthly, day: date) -> bool:
    if isinstance(rule, Daily):
        assert rule.since
        return day.toordinal() % rule.every == rule.since.toordinal() % rule.every
    if isinstance(rule, Weekly):
        return day.weekday() in rule.days
    is_last = (day + DAY).day == 1
    return day.day == rule.day or (is_last and day.day < rule.day)


def first_shown(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the clock shows ``wall`` or more, found by looking at the clock.

    Clocks differ from UTC, and switch, by quarters of an hour: two grids of quarters hold every candidate.
    """
    begin = wall.replace(tzinfo=UTC) - timedelta(hours=15)
    full = begin.replace(minute=begin.minute // 15 * 15)
    grid = sorted(start + count * 15 * MINUTE for start in (begin, full) for count in range(28 * 4))
    return next(at for at in grid if at.astimezone(zone).replace(tzinfo=None) >= wall)


stretches = st.tuples(onces | dated, st.integers(0, 24 * 200)) | st.tuples(crons, st.integers(0, 24))


@steady
@given(stretch=stretches, after=moments, zone=zones)
def test_last_run_of_a_stretch_agrees_with_stepping(stretch: tuple[Rule, int], after: datetime, zone: ZoneInfo) -> None:
    rule, hours = stretch
    until = after + timedelta(hours=hours)
    stepped = list(takewhile(lambda at: at <= until, coming(rule, after, zone)))
    found = last_between(rule, after, until, zone)

    assert found.last == (stepped[-1] if stepped else None)
    assert (found.count, found.capped) == (min(len(stepped), COUNTED), len(stepped) > COUNTED)
    assert found.next == next_after(rule, until, zone)


@steady
@given(rule=rules)
def test_what_a_row_keeps_is_read_back(rule: Rule) -> None:
    assert from_json(to_json(rule)) == rule


# --- a stretch of time ----------------------------------------------------------------------------------------------


def test_years_of_minutes_are_not_counted_one_by_one() -> None:
    found = last_between(cron("* * * * *"), NOW - 3650 * DAY, NOW + timedelta(seconds=30), BERLIN)
    assert (found.last, found.count, found.capped, found.next) == (NOW, COUNTED, True, NOW + MINUTE)


@pytest.mark.parametrize(("due", "capped"), [(COUNTED - 1, False), (COUNTED, False), (COUNTED + 1, True)])
def test_count_says_when_it_stopped(due: int, capped: bool) -> None:
    found = last_between(cron("* * * * *"), NOW - due * MINUTE, NOW, UTC_ZONE)
    assert (found.last, found.count, found.capped) == (NOW, min(due, COUNTED), capped)


def test_burst_long_ago_is_found() -> None:
    found = last_between(cron("* * 1 1 *"), NOW - 400 * DAY, NOW, UTC_ZONE)
    assert (found.last, found.capped) == (datetime(2026, 1, 1, 23, 59, tzinfo=UTC), True)


def test_end_of_a_stretch_belongs_to_it_and_its_beginning_does_not() -> None:
    rule = Daily(time(9))
    found = last_between(rule, NOW - DAY, NOW, UTC_ZONE)
    assert (found.last, found.count, found.capped, found.next) == (NOW, 1, False, NOW + DAY)
    assert last_between(rule, NOW, NOW, UTC_ZONE).count == 0


def test_nothing_is_due_in_a_stretch_that_runs_backwards() -> None:
    assert last_between(Daily(time(9)), NOW, NOW - DAY, UTC_ZONE).last is None


# --- remarks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "after", "zone", "remark"),
    [
        (cron("30 2 * * *"), "2026-03-28T12:00", BERLIN, "the clock goes forward: there is no 02:30 on 29 March"),
        (Daily(time(9)), "2011-12-29T12:00", APIA, "the clock goes forward: there is no 09:00 on 30 December"),
        (Daily(time(2, 30)), "2026-10-24T12:00", BERLIN, "02:30 comes twice on 25 October: the first time"),
        (Monthly(30, time(9)), "2026-02-01T12:00", MOSCOW, "February has 28 days: on the last one"),
        (Monthly(29, time(9)), "2028-02-01T12:00", MOSCOW, None),
        (Monthly(31, time(9)), "2026-03-01T12:00", MOSCOW, None),
        (Daily(time(9)), "2026-03-28T12:00", BERLIN, None),
    ],
)
def test_odd_run_says_why(rule: Rule, after: str, zone: ZoneInfo, remark: str | None) -> None:
    (run,) = preview(rule, datetime.fromisoformat(after).replace(tzinfo=zone), zone, count=1)
    assert run.remark == remark


def test_wildcard_says_which_pass_it_is() -> None:
    found = preview(cron("30 * * * *"), datetime(2026, 10, 25, 0, 0, tzinfo=UTC), BERLIN, count=3)
    twice = "02:30 comes twice on 25 October: the {} time"
    assert [run.remark for run in found] == [twice.format("first"), twice.format("second"), None]


def test_two_oddities_are_both_said() -> None:
    """Egypt's clock went forward at midnight on Friday, 30 April 2010."""
    (run,) = preview(Monthly(31, time(0)), datetime(2010, 4, 20, tzinfo=UTC), CAIRO, count=1)
    assert run == Run(
        datetime(2010, 4, 29, 22, 0, tzinfo=UTC),
        "April has 30 days: on the last one; the clock goes forward: there is no 00:00 on 30 April",
    )


# --- how often ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "gap"),
    [
        (cron("* * * * *"), MINUTE),
        (cron("0,5,10,15,20,25,30,35,40,45,50,51 * * * *"), MINUTE),
        (cron("0 9,21 * * *"), timedelta(hours=12)),
        (Weekly(frozenset({0, 1}), time(9)), DAY),
        (Monthly(1, time(9)), 28 * DAY),
        (Once(NOW + DAY), None),
    ],
)
def test_smallest_gap(rule: Rule, gap: timedelta | None) -> None:
    assert smallest_gap(rule, NOW, UTC_ZONE) == gap


def test_rule_that_runs_too_often_is_refused() -> None:
    check_gap(cron("*/15 * * * *"), NOW, timedelta(minutes=15))
    with pytest.raises(RuleError, match="at least 15 minutes") as refused:
        check_gap(cron("*/10 * * * *"), NOW, timedelta(minutes=15))
    assert refused.value.code == "too-often"


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "code", "field"),
    [
        ("", "empty", "expression"),
        ("  \t", "empty", "expression"),
        ("* * * *", "field-count", "expression"),
        ("* * * * * *", "six-fields", "expression"),
        ("* * * * * * *", "field-count", "expression"),
        ("@reboot", "unknown-macro", "expression"),
        ("@every 5m", "field-count", "expression"),
        ("60 * * * *", "bad-field", "minute"),
        ("-1 * * * *", "bad-field", "minute"),
        ("*/0 * * * *", "bad-field", "minute"),
        ("1,,2 * * * *", "bad-field", "minute"),
        ("٣ * * * *", "bad-field", "minute"),
        ("\x00 * * * *", "bad-field", "minute"),
        ("0 24 * * *", "bad-field", "hour"),
        ("0 9-8 * * *", "bad-field", "hour"),
        ("0 0 32 * *", "bad-field", "day"),
        ("0 0 0 * *", "bad-field", "day"),
        ("0 0 * 13 *", "bad-field", "month"),
        ("0 0 * FOO *", "bad-field", "month"),
        ("0 0 * * 8", "bad-field", "weekday"),
        ("0 0 * * MON#6", "bad-field", "weekday"),
        ("0 0 * * ²L", "bad-field", "weekday"),
        ("0 0 31 2 *", "never-fires", "expression"),
        ("0 0 30 2 *", "never-fires", "expression"),
        ("0 0 31 4,6,9,11 *", "never-fires", "expression"),
        ("0 0 */31 * 1#5", "never-fires", "expression"),
        ("0 0 " + "1," * 250 + "1 * *", "too-long", "expression"),
    ],
)
def test_cron_that_cannot_be_is_refused(expression: str, code: str, field: str) -> None:
    with pytest.raises(RuleError) as refused:
        cron(expression)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("  0   9 * * mon-fri ", "0 9 * * MON-FRI"),
        ("@daily", "0 0 * * *"),
        ("@Midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@annually", "0 0 1 1 *"),
        ("0 9 l * 5l", "0 9 L * 5L"),
    ],
)
def test_cron_is_kept_in_one_form(written: str, kept: str) -> None:
    assert cron(written).expression == kept


@steady
@given(st.text() | st.from_regex(r"\A[0-9*/,LWJ#@ -]{1,30}\Z"))
def test_cron_of_any_text_is_a_rule_or_refused(expression: str) -> None:
    try:
        rule = cron(expression)
    except RuleError:
        return
    assert cron(rule.expression) == rule
    assert next_after(rule, NOW, BERLIN)


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: Once(datetime(2026, 1, 1)), "at"),
        (lambda: Once(datetime.max.replace(tzinfo=NEW_YORK)), "at"),
        (lambda: Daily(time(9), every=0), "every"),
        (lambda: Daily(time(9), every=367, since=date(2026, 1, 1)), "every"),
        (lambda: Daily(time(9), every=2), "since"),
        (lambda: Daily(time(9), every=2, since=datetime(2026, 1, 1)), "since"),
        (lambda: Daily(time(9, tzinfo=UTC)), "at"),
        (lambda: Daily(time(9, 0, 30)), "at"),
        (lambda: Weekly(frozenset(), time(9)), "days"),
        (lambda: Weekly(frozenset({7}), time(9)), "days"),
        (lambda: Monthly(0, time(9)), "day"),
        (lambda: Monthly(32, time(9)), "day"),
    ],
)
def test_rule_that_cannot_be_is_refused(build: Any, field: str) -> None:
    with pytest.raises(RuleError) as refused:
        build()
    assert (refused.value.code, refused.value.field) == ("bad-field", field)


def test_a_day_is_not_counted_by_true() -> None:
    with pytest.raises(RuleError):
        Monthly(True, time(9))


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
almost = st.fixed_dictionaries(
    {"kind": st.sampled_from(["once", "cron", "daily", "weekly", "monthly", "yearly"])},
    optional={key: json | times.map(str) for key in ("at", "expression", "every", "since", "days", "day")},
)


@settings(steady, max_examples=300)
@given(json | almost)
def test_any_json_is_a_rule_or_refused(data: object) -> None:
    try:
        rule = from_json(data)
    except RuleError:
        return
    assert from_json(to_json(rule)) == rule


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"kind": "yearly", "at": "09:00"},
        {"kind": "daily", "at": "09:00"},
        {"kind": "daily", "at": "9", "every": 1, "since": None},
        {"kind": "daily", "at": "09:00", "every": 2, "since": "2026-02-30"},
        {"kind": "weekly", "days": [[1]], "at": "09:00"},
        {"kind": "weekly", "days": "12", "at": "09:00"},
        {"kind": "once", "at": "2026-01-01T00:00:60Z"},
        {"kind": ["once"], "at": "2026-01-01T00:00:00Z"},
    ],
)
def test_json_that_is_no_rule_is_refused(data: object) -> None:
    with pytest.raises(RuleError) as refused:
        from_json(data)
    assert refused.value.code == "bad-rule"


def test_rows_keep_what_people_can_read() -> None:
    kept = [to_json(rule) for rule in (Once(NOW), cron("@daily"), Daily(time(9)), Weekly(frozenset({3, 0}), time(18)))]
    assert kept == [
        {"kind": "once", "at": "2026-11-20T09:00:00+00:00"},
        {"kind": "cron", "expression": "0 0 * * *"},
        {"kind": "daily", "at": "09:00", "every": 1, "since": None},
        {"kind": "weekly", "days": [0, 3], "at": "18:00"},
    ]


def test_one_instant_is_one_rule_in_every_zone() -> None:
    """Python holds a repeated hour of two zones for unequal."""
    second_pass = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1)
    assert Once(second_pass) == Once(datetime(2026, 10, 25, 1, 30, tzinfo=UTC))


# --- zones ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Europe/Berlin", "europe/berlin", " EUROPE/BERLIN "])
def test_zone_is_found_in_any_case(name: str) -> None:
    assert zone_of(name).key == "Europe/Berlin"


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "Europe", "Europe/Berlin/", "../etc/passwd", "/etc/passwd", "Europe/../Europe/Berlin"),
        *("posixrules", "localtime", "Factory", "tzdata.zi", "a\x00b", "x" * 5000, "Москва", "\ud800", None, 3),
    ],
)
def test_what_is_no_zone_is_refused(name: Any) -> None:
    with pytest.raises(RuleError) as refused:
        zone_of(name)
    assert refused.value.code == "unknown-zone"


def test_rules_are_plain_values() -> None:
    assert {cron("@daily"), cron("0 0 * * *"), Cron("0  0 * * *")} == {cron("@daily")}
    assert len({Daily(time(9)), Daily(time(9), 1, None), Daily(time(10))}) == 2
