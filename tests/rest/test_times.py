"""rest/times.py: times as programs write them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from core.problem import HttpProblem
from rest.times import BadTime, instant, parse, read_time, written

MOSCOW = ZoneInfo("Europe/Moscow")
NOON = datetime(2026, 4, 6, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2026-04-06T12:00:00Z", "2026-04-06t12:00z", "2026-04-06T15:00:00+03:00", "2026-04-06T12:00:00.000Z"],
)
def test_instant_is_read_whatever_its_offset(text: str) -> None:
    assert parse(text) == NOON
    assert read_time(text, None) == NOON


def test_time_without_an_offset_stays_what_the_clock_shows() -> None:
    assert parse("2026-04-06T12:00:00") == datetime(2026, 4, 6, 12, 0)
    assert read_time("2026-04-06T15:00:00", MOSCOW) == NOON


def test_time_without_an_offset_needs_a_clock() -> None:
    with pytest.raises(BadTime) as raised:
        read_time("2026-04-06T12:00:00", None)
    assert raised.value.code == "no-zone"


@pytest.mark.parametrize(
    "text", ["", "noon", "2026-04-06", "2026-13-01T00:00Z", "2026-02-30T00:00:00Z", "2026-04-06T25:00:00Z", "١٢"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadTime) as raised:
        parse(text)
    assert raised.value.code == "bad-time"


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_time_beyond_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(BadTime):
        parse(text)


def test_flaw_names_the_field() -> None:
    with pytest.raises(HttpProblem) as raised:
        instant("from", "yesterday")
    assert [(flaw.field, flaw.code) for flaw in raised.value.flaws] == [("from", "bad-time")]


def test_instant_is_answered_in_utc() -> None:
    assert written(NOON.astimezone(MOSCOW)) == "2026-04-06T12:00:00Z"
    assert written(None) is None
