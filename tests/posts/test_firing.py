"""What it means that posts are due: order, lateness, expiry, and whom one waits for."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import AuditEntry, Chat, Role, User
from delivery import tick
from delivery.models import Delivery, Schedule
from posts import services
from posts.models import Post, PostTarget, State
from tests.house import ADMINS
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
    settle,
    states,
    targets,
    told,
)

pytestmark = pytest.mark.django_db
Target = PostTarget.State
SECOND = timedelta(seconds=1)


def fire_all(at: datetime) -> list[Delivery]:
    """One tick; what it put into the outbox, in order."""
    before = set(Delivery.objects.values_list("pk", flat=True))
    tick._fire_batch(at, tick.BATCH)
    return list(Delivery.objects.filter(source="post", backend="post").exclude(pk__in=before).order_by("id"))


def test_at_its_time_it_is_on_its_way_to_every_chat(editor: User, news: Chat, team: Chat, now: datetime) -> None:
    post = fire(planned(editor, team, news, at=now + HOUR, now=now))
    first, second = targets(post)
    assert (post.state, post.late, states(post)) == (State.PUBLISHING, False, [Target.QUEUED, Target.QUEUED])
    assert [(row.key, row.lane, row.content) for row in deliveries(post)] == [
        (f"post:{post.pk}:{first.pk}:1", f"out:1000:{team.telegram_id}", {"target": first.pk}),
        (f"post:{post.pk}:{second.pk}:1", f"out:1000:{news.telegram_id}", {"target": second.pk}),
    ]
    assert {row.on_doubt for row in deliveries(post)} == {"ask"}


def test_no_words_stand_in_the_outbox(editor: User, news: Chat, now: datetime) -> None:
    post = fire(planned(editor, news, at=now + HOUR, now=now, text="Secret"))
    assert "Secret" not in str([row.content for row in deliveries(post)])


def test_two_posts_of_one_minute_go_in_the_order_in_which_they_were_planned(
    editor: User, news: Chat, now: datetime
) -> None:
    at = now + HOUR
    posts = [planned(editor, news, at=at, now=now, text=f"no{number}") for number in range(12)]
    earlier = planned(editor, news, at=at - SECOND, now=now)
    assert [row.key.split(":")[1] for row in fire_all(at)] == [str(post.pk) for post in (earlier, *posts)]


def test_of_one_minute_goes_first_what_lists_show_first(editor: User, news: Chat, now: datetime) -> None:
    first, second = (make_post(editor, news, text=text, now=now) for text in ("first", "second"))
    for post in (second, first):
        services.schedule_post(post, now + HOUR, by=editor, via="chat", now=now)
    assert [post.pk for post in services.get_next_scheduled_posts()] == [first.pk, second.pk]
    assert [row.key.split(":")[1] for row in fire_all(now + HOUR)] == [str(first.pk), str(second.pk)]


def test_a_post_put_off_keeps_its_place_of_the_same_minute(editor: User, news: Chat, now: datetime) -> None:
    first = planned(editor, news, at=now + DAY, now=now)
    second = planned(editor, news, at=now + HOUR, now=now)
    services.reschedule_post(first, now + HOUR, by=editor, via="chat", now=now)
    assert [row.key.split(":")[1] for row in fire_all(now + HOUR)] == [str(first.pk), str(second.pk)]


def test_as_many_statements_for_a_hundred_as_for_ten(editor: User, news: Chat, team: Chat, now: datetime) -> None:
    counts = []
    for number in (10, 100):
        for _post in range(number):
            planned(editor, news, team, at=now + HOUR, now=now)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert len(fire_all(now + HOUR)) == 2 * number
        counts.append(len(queries))
    assert counts[1] - counts[0] <= 2  # how many rows fit into one statement
    assert counts[0] < 20


@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_once_fire_once(
    editor: User, news: Chat, now: datetime, at_once: Callable[..., list[object]]
) -> None:
    for _number in range(5):
        planned(editor, news, at=now + HOUR, now=now)
    at_once(*[lambda: tick._fire_batch(now + HOUR, tick.BATCH)] * 3)
    tick._fire_batch(now + HOUR, tick.BATCH)
    assert Delivery.objects.filter(backend="post").count() == 5
    assert set(PostTarget.objects.values_list("attempt", flat=True)) == {1}


# --- late -----------------------------------------------------------------------------------------------------------


def test_within_a_minute_it_is_not_late(editor: User, news: Chat, now: datetime) -> None:
    assert not fire(planned(editor, news, at=now + HOUR, now=now), late=MINUTE).late


def test_after_three_hours_it_goes_out_late_and_its_author_is_told(editor: User, news: Chat, now: datetime) -> None:
    post = fire(planned(editor, news, at=now + HOUR, now=now), late=2 * HOUR)
    assert (post.state, post.late) == (State.PUBLISHING, True)
    settle(targets(post)[0], now=now + 3 * HOUR)
    [notice] = told(editor)
    assert notice.startswith("✅ “Hello” is published. Late: it was planned for 20 November, 13:00.")


def test_held_by_policy_when_it_is_later_than_that(editor: User, news: Chat, now: datetime, settings: Settings) -> None:
    settings.POST_HOLD_LATE_MINUTES = 60
    in_time = fire(planned(editor, news, at=now + HOUR, now=now), late=HOUR)
    late = fire(planned(editor, news, at=now + HOUR, now=now), late=HOUR + SECOND)
    assert (in_time.state, late.state, states(late)) == (State.PUBLISHING, State.HELD, [Target.WAITING])
    assert not deliveries(late)
    [notice] = told(editor)
    assert "waits for a decision. Its time passed while the bot was away." in notice
    assert "planned for 20 November, 13:00" in notice


def test_a_held_post_goes_out_when_its_author_says_so(
    editor: User, news: Chat, now: datetime, settings: Settings
) -> None:
    settings.POST_HOLD_LATE_MINUTES = 60
    post = fire(planned(editor, news, at=now + HOUR, now=now), late=2 * HOUR)
    assert services.publish_post(post, by=editor, via="chat", now=now + 4 * HOUR)
    settle(targets(post)[0], now=now + 4 * HOUR)
    assert (fresh(post).state, fresh(post).late, fresh(post).planned_at) == (State.PUBLISHED, True, now + HOUR)


def test_exactly_24_hours_late_it_still_goes_out(editor: User, news: Chat, now: datetime) -> None:
    assert fire(planned(editor, news, at=now + HOUR, now=now), late=DAY).state == State.PUBLISHING


def test_a_second_later_it_expires_is_not_sent_and_its_author_is_told(editor: User, news: Chat, now: datetime) -> None:
    post = fire(planned(editor, news, at=now + HOUR, now=now), late=DAY + SECOND)
    assert (post.state, states(post), deliveries(post)) == (State.EXPIRED, [Target.CANCELLED], [])
    [notice] = told(editor)
    assert notice.startswith(
        "⌛ “Hello” was not published: it was planned for 20 November, 13:00, and that is more than 24 h ago."
    )
    assert AuditEntry.objects.filter(action="post.expired").count() == 1


def test_an_expiry_of_its_own_counts(editor: User, news: Chat, now: datetime) -> None:
    post = fire(planned(editor, news, at=now + HOUR, now=now, expire_hours=1), late=HOUR + SECOND)
    assert post.state == State.EXPIRED
    assert "more than 1 h ago" in told(editor)[0]


# --- who ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["role", "blocked", "gone"])
def test_a_post_of_one_who_left_waits_for_an_administrator(editor: User, news: Chat, now: datetime, how: str) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    if how == "gone":
        editor.delete()
    else:
        User.objects.filter(pk=editor.pk).update(**({"role": Role.MEMBER} if how == "role" else {"status": "blocked"}))
    post = fire(post)
    assert (post.state, states(post), deliveries(post)) == (State.HELD, [Target.WAITING], [])
    assert post.status_reason == "Its author may not post any more."
    [notice] = told(ADMINS)
    assert "“Hello” was not published and waits for a decision. Its author may not post any more." in notice
    buttons = Delivery.objects.get(chat_id=ADMINS).content["params"]["reply_markup"]["inline_keyboard"]
    assert [[button["text"] for button in row] for row in buttons] == [["Publish now", "Cancel"], ["Open"]]
    assert told(104) == []


def test_an_administrator_publishes_what_was_held(editor: User, admin: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    User.objects.filter(pk=editor.pk).update(role=Role.MEMBER)
    post = fire(post)
    assert services.publish_post(post, by=admin, via="chat", now=now + HOUR)
    assert (fresh(post).author, fresh(post).state) == (admin, State.PUBLISHING)


def test_one_who_is_back_in_time_is_not_held(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    User.objects.filter(pk=editor.pk).update(role=Role.MEMBER)
    User.objects.filter(pk=editor.pk).update(role=Role.EDITOR)
    assert fire(post).state == State.PUBLISHING


# --- what is gone ---------------------------------------------------------------------------------------------------


def test_a_schedule_whose_post_is_gone_ends(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    Post.objects.filter(pk=post.pk).delete()
    assert fire_all(now + HOUR) == []
    assert Schedule.objects.get(source="post").state == "cancelled"


def test_a_post_whose_chats_are_gone_is_an_error(editor: User, now: datetime) -> None:
    gone = channel(-1009, "Gone")
    post = planned(editor, gone, at=now + HOUR, now=now)
    gone.delete()
    post = fire(post)
    assert post.state == State.ERROR
    assert told(editor) == ["❌ “Hello” is not published. There is no chat any more where it could appear. Choose one."]
