"""Clocks that go forward and back, authors who move, and countries that change their mind."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import services as accounts
from accounts.models import AuditEntry, Chat, User
from delivery import pulse, zone_news
from delivery.models import Schedule
from posts import services
from posts.content import Refused
from posts.models import Post, State
from posts.services import NoSuchTime, planning, times
from tests.posts.making import HOUR, fire, fresh, make_post, planned

pytestmark = pytest.mark.django_db
BERLIN = "Europe/Berlin"


def plan(post: Post, at: datetime, zone: str, now: datetime) -> Post:
    services.schedule_post(post, at, zone, by=post.author, via="chat", now=now)
    return fresh(post)


def test_a_time_that_the_clock_skips_is_refused_and_the_next_one_proposed(
    editor: User, news: Chat, now: datetime
) -> None:
    post = make_post(editor, news, now=now)
    with pytest.raises(NoSuchTime) as caught:
        plan(post, datetime(2027, 3, 28, 2, 30), BERLIN, now)
    [problem] = caught.value.problems
    assert (problem.field, problem.code) == ("planned_at", "no-such-time")
    assert "02:30 does not exist on 28 March. How about 03:00?" in problem.text
    assert caught.value.wall == datetime(2027, 3, 28, 3, 0)
    assert caught.value.proposal == datetime(2027, 3, 28, 1, 0, tzinfo=UTC)
    assert (fresh(post).state, fresh(post).planned_at) == (State.DRAFT, None)
    assert plan(post, caught.value.wall, BERLIN, now).planned_at == caught.value.proposal


@pytest.mark.parametrize(("wall", "exists"), [("01:59", True), ("02:00", False), ("02:59", False), ("03:00", True)])
def test_the_gap_begins_and_ends_where_the_clock_says(
    editor: User, news: Chat, now: datetime, wall: str, exists: bool
) -> None:
    at = datetime.fromisoformat(f"2027-03-28T{wall}")
    if exists:
        assert plan(make_post(editor, news, now=now), at, BERLIN, now).wall_time.endswith(wall)
        return
    with pytest.raises(NoSuchTime) as caught:
        plan(make_post(editor, news, now=now), at, BERLIN, now)
    assert caught.value.wall == datetime(2027, 3, 28, 3, 0)


def test_of_a_time_that_comes_twice_the_first_is_meant_and_said(editor: User, news: Chat, now: datetime) -> None:
    post = plan(make_post(editor, news, now=now), datetime(2027, 10, 31, 2, 30), BERLIN, now)
    assert post.planned_at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert times.note_on(post.wall_time, post.zone) == (
        "The clocks go back that night, so 02:30 comes twice; the first one is meant."
    )


def test_of_a_time_that_comes_once_nothing_is_said(editor: User, news: Chat, now: datetime) -> None:
    post = plan(make_post(editor, news, now=now), datetime(2027, 10, 31, 3, 30), BERLIN, now)
    assert times.note_on(post.wall_time, post.zone) == ""


def test_an_instant_within_the_gap_is_an_instant(editor: User, news: Chat, now: datetime) -> None:
    at = datetime(2027, 3, 28, 2, 30, tzinfo=UTC)
    assert plan(make_post(editor, news, now=now), at, BERLIN, now).planned_at == at


def test_an_author_who_moves_moves_no_post(editor: User, news: Chat, now: datetime) -> None:
    post = plan(make_post(editor, news, now=now), datetime(2026, 11, 21, 10, 0), "", now)
    before = post.planned_at
    accounts.set_time_zone(editor, "Asia/Tokyo")
    post = fresh(post)
    assert (post.planned_at, post.zone) == (before, "Europe/Moscow")
    assert fire(post).state == State.PUBLISHING


# --- other zone data ------------------------------------------------------------------------------------------------


def by_clock(editor: User, news: Chat, now: datetime, at: datetime, **more: Any) -> Post:
    """Planned for ten in Moscow; but the data of its day said that this is ``at``."""
    post = plan(make_post(editor, news, now=now, **more), datetime(2026, 11, 21, 10, 0), "Europe/Moscow", now)
    Post.objects.filter(pk=post.pk).update(planned_at=at)
    Schedule.objects.filter(source="post", object_id=str(post.pk)).update(next_at=at)
    return fresh(post)


TEN = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


def test_a_post_planned_by_a_clock_follows_new_zone_data(editor: User, news: Chat, now: datetime) -> None:
    post = by_clock(editor, news, now, TEN + HOUR)
    pulse.beat(zone_news.ZONES, {"version": "2026a"}, now)
    assert zone_news.follow_to("2026b", now) == 1
    post = fresh(post)
    assert post.schedule is not None
    assert (post.planned_at, post.schedule.next_at) == (TEN, TEN)
    check = Schedule.objects.get(source="post_check")
    assert check.next_at == TEN - timedelta(minutes=10)
    details = AuditEntry.objects.get(action="post.zone_data").details
    assert (details["wall"], details["zone"]) == ("2026-11-21T10:00", "Europe/Moscow")
    assert details["before"].startswith("2026-11-21T08:00")
    assert details["at"].startswith("2026-11-21T07:00")
    assert zone_news.follow_to("2026b", now) == 0


def test_an_instant_stays_whatever_the_data_say(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=TEN + HOUR, now=now)
    assert planning.follow_zone_data(now) == 0
    assert fresh(post).planned_at == TEN + HOUR


def test_what_is_right_by_the_new_data_stays_and_is_not_on_record(editor: User, news: Chat, now: datetime) -> None:
    by_clock(editor, news, now, TEN)
    assert planning.follow_zone_data(now) == 0
    assert not AuditEntry.objects.filter(action="post.zone_data").exists()


def test_what_by_the_new_data_has_just_passed_goes_out_at_once(editor: User, news: Chat, now: datetime) -> None:
    post = by_clock(editor, news, now, TEN + HOUR)
    late = TEN + timedelta(minutes=20)
    assert planning.follow_zone_data(late) == 1
    post = fresh(post)
    assert post.schedule is not None
    assert (post.planned_at, post.schedule.next_at) == (TEN, late)


def test_what_has_gone_out_is_not_moved(editor: User, news: Chat, now: datetime) -> None:
    post = fire(by_clock(editor, news, now, TEN + HOUR))
    assert planning.follow_zone_data(now) == 0
    assert fresh(post).planned_at == TEN + HOUR


def test_seconds_are_kept(editor: User, news: Chat, now: datetime) -> None:
    at = datetime(2026, 11, 21, 10, 0, 30)
    post = plan(make_post(editor, news, now=now), at, "Europe/Moscow", now)
    assert planning.follow_zone_data(now) == 0
    assert fresh(post).planned_at == TEN + timedelta(seconds=30)


def test_a_year_beyond_the_calendar_is_refused(editor: User, news: Chat) -> None:
    with pytest.raises(Refused) as caught:
        plan(make_post(editor, news), datetime(9999, 12, 31, 23, 59), "Pacific/Honolulu", timezone.now())
    assert [one.code for one in caught.value.problems] == ["bad-time"]
