"""When a post goes out: planned, put off, called off, published at once, held."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from accounts.models import AuditEntry, Chat, Role, User
from delivery.models import Delivery, Schedule
from posts import services
from posts.content import NotNow, Refused, Stale
from posts.models import Post, PostTarget, State
from posts.services import Past
from tests.posts.making import (
    DAY,
    HOUR,
    MINUTE,
    channel,
    deliveries,
    fire,
    fresh,
    make_post,
    planned,
    publish,
    settle,
    states,
    targets,
    told,
)

pytestmark = pytest.mark.django_db
Target = PostTarget.State


def plan(post: Post, at: datetime, now: datetime, zone: str = "", version: int | None = None) -> Post:
    services.schedule_post(post, at, zone, by=post.author, via="chat", now=now, version=version)
    return fresh(post)


def cancel(post: Post, now: datetime, reason: str = "", by: User | None = None) -> bool:
    return services.cancel_post(post, reason, by=by or post.author, via="chat", now=now)


# --- planned --------------------------------------------------------------------------------------------------------


def test_it_is_planned_for_an_instant(editor: User, news: Chat, now: datetime) -> None:
    post = plan(make_post(editor, news, now=now), now + HOUR, now)
    assert (post.state, post.planned_at, post.zone, post.wall_time) == (
        State.SCHEDULED, now + HOUR, "Europe/Moscow", "",
    )  # fmt: skip
    assert post.schedule is not None
    assert (post.schedule.next_at, post.schedule.grace_seconds) == (now + HOUR, 24 * 3600)
    assert AuditEntry.objects.get(action="post.scheduled").details["at"] == "2026-11-20T10:00:00+00:00"


def test_it_is_planned_by_the_authors_clock(editor: User, news: Chat, now: datetime) -> None:
    post = plan(make_post(editor, news, now=now), datetime(2026, 11, 21, 10, 0), now)
    assert post.planned_at == datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
    assert (post.zone, post.wall_time) == ("Europe/Moscow", "2026-11-21T10:00")


def test_a_zone_that_is_named_counts_more_than_the_authors(editor: User, news: Chat, now: datetime) -> None:
    post = plan(make_post(editor, news, now=now), datetime(2026, 11, 21, 10, 0), now, "America/New_York")
    assert post.planned_at == datetime(2026, 11, 21, 15, 0, tzinfo=UTC)


def test_a_time_in_the_past_is_refused_with_the_current_time_by_the_authors_clock(
    editor: User, news: Chat, now: datetime
) -> None:
    post = make_post(editor, news, now=now)
    with pytest.raises(Past) as caught:
        plan(post, datetime(2026, 11, 20, 11, 58), now)  # noon in Moscow
    [problem] = caught.value.problems
    assert (problem.field, problem.code) == ("planned_at", "past")
    assert "it is 20 November, 12:00 now (Europe/Moscow)" in problem.text
    assert "publish it now" in problem.text
    assert (fresh(post).state, caught.value.now.hour) == (State.DRAFT, 12)


def test_within_a_minute_past_it_is_meant_for_now(editor: User, news: Chat, now: datetime) -> None:
    post = plan(make_post(editor, news, now=now), now - MINUTE, now)
    assert post.planned_at == now
    assert fire(post).state == State.PUBLISHING


def test_a_second_more_is_past(editor: User, news: Chat, now: datetime) -> None:
    with pytest.raises(Past):
        plan(make_post(editor, news, now=now), now - MINUTE - timedelta(seconds=1), now)


def test_an_unknown_zone_is_refused(editor: User, news: Chat, now: datetime) -> None:
    with pytest.raises(Refused) as caught:
        plan(make_post(editor, news, now=now), datetime(2027, 1, 1), now, "Mars/Olympus")
    assert [(one.field, one.code) for one in caught.value.problems] == [("zone", "unknown-zone")]


def test_a_post_without_a_place_is_not_planned(editor: User, now: datetime) -> None:
    with pytest.raises(Refused) as caught:
        plan(make_post(editor, now=now), now + HOUR, now)
    assert [one.code for one in caught.value.problems] == ["no-target"]


def test_a_place_where_the_bot_may_not_post_is_refused_by_its_name(editor: User, now: datetime) -> None:
    closed = channel(title="Closed", bot_status="left")
    with pytest.raises(Refused) as caught:
        plan(make_post(editor, closed, now=now), now + HOUR, now)
    [problem] = caught.value.problems
    assert problem.target is not None
    assert (problem.target.chat, "“Closed”" in problem.text) == (closed, True)


def test_somebody_who_lost_the_role_plans_nothing_more(editor: User, news: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now)
    User.objects.filter(pk=editor.pk).update(role=Role.MEMBER)
    with pytest.raises(Refused) as caught:
        plan(post, now + HOUR, now)
    assert [one.code for one in caught.value.problems] == ["may-not-post"]


def test_an_admin_takes_over_the_post_of_one_who_left(editor: User, admin: User, news: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now)
    User.objects.filter(pk=editor.pk).update(role=Role.MEMBER)
    services.schedule_post(post, now + HOUR, by=admin, via="admin", now=now)
    assert (fresh(post).author, fresh(post).state) == (admin, State.SCHEDULED)


def test_an_author_has_only_so_many_posts_planned(editor: User, news: Chat, now: datetime, settings: Settings) -> None:
    settings.POSTS_PER_AUTHOR = 1
    first = planned(editor, news, at=now + HOUR, now=now)
    with pytest.raises(Refused) as caught:
        planned(editor, news, at=now + HOUR, now=now)
    assert [one.code for one in caught.value.problems] == ["too-many"]
    plan(first, now + DAY, now)  # another time for it is no further post


def test_a_plan_for_an_older_version_is_stale(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    with pytest.raises(Stale):
        plan(post, now + DAY, now, version=1)
    assert fresh(post).planned_at == now + HOUR


# --- another time ---------------------------------------------------------------------------------------------------


def test_another_time_is_another_time_and_no_second_post(editor: User, news: Chat, now: datetime) -> None:
    post = plan(planned(editor, news, at=now + HOUR, now=now), now + DAY, now)
    assert (post.planned_at, Schedule.objects.filter(source="post").count()) == (now + DAY, 1)
    details = AuditEntry.objects.get(action="post.rescheduled").details
    assert (details["before"], details["at"]) == ("2026-11-20T10:00:00+00:00", "2026-11-21T09:00:00+00:00")


def test_what_is_going_out_is_not_planned(editor: User, news: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    with pytest.raises(NotNow) as caught:
        plan(post, now + HOUR, now)
    assert caught.value.code == "sending-now"


@pytest.mark.parametrize("also_failed", [False, True])
def test_what_is_published_is_not_planned_again(
    editor: User, news: Chat, team: Chat, now: datetime, also_failed: bool
) -> None:
    post = make_post(editor, news, *([team] if also_failed else []), now=now)
    publish(post, now)
    for target, state in zip(targets(post), (Target.SENT, Target.FAILED), strict=False):
        settle(target, state, now=now)
    assert fresh(post).state == (State.PARTIAL if also_failed else State.PUBLISHED)
    with pytest.raises(NotNow) as caught:
        plan(post, now + HOUR, now)
    assert caught.value.code == "published"


def test_what_failed_is_planned_as_a_new_attempt_with_a_new_key(editor: User, news: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    settle(targets(post)[0], Target.FAILED, now=now)
    assert fresh(post).state == State.ERROR
    post = plan(post, now + HOUR, now)
    assert (post.state, states(post)) == (State.SCHEDULED, [Target.WAITING])
    fire(post)
    target = targets(post)[0]
    assert [row.key for row in deliveries(post)] == [f"post:{post.pk}:{target.pk}:{n}" for n in (1, 2)]
    actions = AuditEntry.objects.filter(target=f"post:{post.pk}").values_list("action", flat=True)
    assert {"post.publish", "post.error", "post.scheduled"} <= set(actions)


def test_what_expired_is_planned_anew(editor: User, news: Chat, now: datetime) -> None:
    post = fire(planned(editor, news, at=now + HOUR, now=now), late=25 * HOUR)
    assert post.state == State.EXPIRED
    post = plan(post, now + 2 * DAY, now + 2 * DAY)
    assert (post.state, states(post)) == (State.SCHEDULED, [Target.WAITING])
    assert fire(post).state == State.PUBLISHING


def test_what_was_cancelled_is_planned_anew(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    cancel(post, now)
    post = plan(post, now + DAY, now)
    assert (post.state, states(post), post.status_reason) == (State.SCHEDULED, [Target.WAITING], "")


def test_what_may_be_there_is_not_sent_again_by_a_new_time(editor: User, news: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    settle(targets(post)[0], Target.UNKNOWN, now=now)
    for verb in (lambda: plan(post, now + HOUR, now), lambda: publish(post, now)):
        with pytest.raises(NotNow) as caught:
            verb()
        assert caught.value.code == "unknown-target"
        assert "“Новости”" in caught.value.text


# --- cancelled ------------------------------------------------------------------------------------------------------


def test_a_cancelled_post_does_not_go_out_and_says_why(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    assert cancel(post, now, "No tea today")
    assert (post.state, post.status_reason, states(post)) == (State.CANCELLED, "No tea today", [Target.CANCELLED])
    assert fire(post).state == State.CANCELLED
    assert not deliveries(post)
    assert AuditEntry.objects.get(action="post.cancelled").details == {"reason": "No tea today"}
    assert not cancel(post, now)
    assert told(editor) == []


def test_an_author_hears_that_somebody_else_cancelled_it(editor: User, admin: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    cancel(post, now, "Not now", by=admin)
    assert told(editor) == ["🚫 “Hello” is cancelled; it will not be published. Not now"]


def test_cancelled_on_its_way_only_what_left_stays(editor: User, news: Chat, team: Chat, now: datetime) -> None:
    post = make_post(editor, news, team, now=now)
    publish(post, now)
    Delivery.objects.filter(chat_id=news.telegram_id).update(state="sending")
    assert cancel(post, now)
    assert (post.state, states(post)) == (State.PUBLISHING, [Target.QUEUED, Target.CANCELLED])
    settle(targets(post)[0], now=now)
    assert (fresh(post).state, states(post)) == (State.PARTIAL, [Target.SENT, Target.CANCELLED])


def test_cancelled_before_anything_left_nothing_leaves(editor: User, news: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    assert cancel(post, now)
    assert post.state == State.CANCELLED
    assert [row.state for row in deliveries(post)] == ["cancelled"]
    assert told(editor) == []


def test_a_draft_is_not_cancelled(editor: User, news: Chat, now: datetime) -> None:
    assert not cancel(make_post(editor, news, now=now), now)


# --- now ------------------------------------------------------------------------------------------------------------


def test_it_is_published_at_once(editor: User, news: Chat, team: Chat, now: datetime) -> None:
    post = make_post(editor, news, team, now=now)
    assert publish(post, now)
    assert (post.state, post.planned_at, states(post)) == (State.PUBLISHING, now, [Target.QUEUED] * 2)
    assert [(row.chat_id, row.on_doubt, row.backend) for row in deliveries(post)] == [
        (news.telegram_id, "ask", "post"), (team.telegram_id, "ask", "post"),
    ]  # fmt: skip


def test_a_second_press_changes_nothing(editor: User, news: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now)
    assert publish(post, now)
    assert not publish(fresh(post), now)
    settle(targets(post)[0], now=now)
    assert not publish(fresh(post), now)
    assert len(deliveries(post)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_publish_once(
    editor: User, news: Chat, now: datetime, at_once: Callable[..., list[bool]]
) -> None:
    post = make_post(editor, news, now=now)
    assert sorted(at_once(*[lambda: publish(fresh(post), now)] * 2)) == [False, True]
    assert len(deliveries(post)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_plan_a_draft_at_once_do_not_wait_for_each_other(
    editor: User, news: Chat, now: datetime, at_once: Callable[..., list[Post]]
) -> None:
    post = make_post(editor, news, now=now)
    at_once(lambda: plan(fresh(post), now + HOUR, now), lambda: plan(fresh(post), now + DAY, now))
    assert Schedule.objects.filter(source="post", object_id=str(post.pk)).count() == 1
    assert fresh(post).planned_at in (now + HOUR, now + DAY)


@pytest.mark.django_db(transaction=True)
def test_a_press_at_the_moment_of_its_time_publishes_once(
    editor: User, news: Chat, now: datetime, at_once: Callable[..., list[object]]
) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    at_once(lambda: publish(fresh(post), now + HOUR), lambda: fire(post), lambda: fire(post))
    assert len(deliveries(post)) == 1


def test_published_before_its_time_it_does_not_come_again(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    publish(post, now)
    assert post.planned_at == now
    Schedule.objects.filter(source="post").update(next_at=now + HOUR)
    fire(post, late=HOUR)
    assert len(deliveries(post)) == 1


def test_nothing_is_published_where_it_may_not(editor: User, now: datetime) -> None:
    post = make_post(editor, channel(bot_status="kicked"), now=now)
    with pytest.raises(Refused):
        publish(post, now)
    assert (fresh(post).state, deliveries(post)) == (State.DRAFT, [])


# --- held, expired, looked at ---------------------------------------------------------------------------------------


def test_a_held_post_waits_for_a_person(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    assert services.hold_post(post, "Look at it first.", now=now)
    assert (post.state, post.status_reason) == (State.HELD, "Look at it first.")
    fire(post)
    assert not deliveries(post)
    assert not services.hold_post(post, "Again", now=now)
    assert publish(post, now + DAY)
    assert fresh(post).planned_at == now + HOUR  # what it was meant for


def test_what_is_too_late_expires_also_without_the_tick(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now, now=now)
    assert services.expire_posts(now + DAY) == 0  # exactly so late it may still go out
    assert services.expire_posts(now + DAY + timedelta(seconds=1)) == 1
    assert fresh(post).state == State.EXPIRED
    assert not Schedule.objects.filter(state="active").exists()


def test_a_look_at_all_that_is_planned_finds_what_is_wrong_with_it(editor: User, news: Chat, now: datetime) -> None:
    soon, later = planned(editor, news, at=now + 5 * MINUTE, now=now), planned(editor, news, at=now + DAY, now=now)
    due, old = planned(editor, news, at=now, now=now), planned(editor, news, at=now, now=now, expire_hours=1)
    Post.objects.filter(pk=old.pk).update(planned_at=now - 2 * HOUR)
    Chat.objects.filter(pk=news.pk).update(bot_status="kicked")
    checked = services.check_scheduled_posts(now)
    assert (checked.ready, checked.expired, list(checked.problems)) == (1, 1, [soon.pk])
    assert [fresh(post).state for post in (later, due, old)] == [State.SCHEDULED, State.SCHEDULED, State.EXPIRED]
