"""What is a person's own, what goes when they want it, and what goes with time."""

import json
from datetime import datetime

import pytest
from pytest_django import Settings

from accounts.models import Chat, User
from delivery.models import Delivery, Schedule
from posts import own_data, retention, services
from posts.models import Post, PostTarget, State
from tests.posts.making import DAY, HOUR, deliveries, fresh, make_post, planned, publish, settle, targets

pytestmark = pytest.mark.django_db
Target = PostTarget.State


def out(editor: User, news: Chat, now: datetime, state: Target = Target.SENT) -> Post:
    post = make_post(editor, news, now=now, text="Said to all")
    publish(post, now)
    settle(targets(post)[0], state, now=now)
    return fresh(post)


def forget(user: User, now: datetime) -> None:
    for step in own_data.steps(user, now):
        step()


# --- /mydata and /forget --------------------------------------------------------------------------------------------


def test_my_data_hold_my_posts_with_what_became_of_them(editor: User, admin: User, news: Chat, now: datetime) -> None:
    out(editor, news, now)
    make_post(admin, news, now=now, text="Another's")
    [row] = own_data.record(editor)["posts"]
    assert (row["text"], row["targets"][0]["chat"], row["targets"][0]["message_ids"]) == ("Said to all", "Новости", [7])
    assert "Another's" not in json.dumps(row, default=str, ensure_ascii=False)
    assert (own_data.count(editor), own_data.words(1), own_data.words(2)) == (1, "1 post", "2 posts")


def test_drafts_and_plans_go_with_all_that_belongs_to_them(editor: User, news: Chat, now: datetime) -> None:
    make_post(editor, news, now=now)
    planned(editor, news, at=now + HOUR, now=now)
    out(editor, news, now, Target.FAILED)
    forget(editor, now)
    assert not Post.objects.exists()
    assert not Schedule.objects.exists()


def test_what_appeared_stays_without_its_author(editor: User, news: Chat, now: datetime) -> None:
    posts = [out(editor, news, now), out(editor, news, now, Target.UNKNOWN)]
    forget(editor, now)
    assert [(fresh(post).author, fresh(post).text) for post in posts] == [(None, "Said to all")] * 2
    assert own_data.count(editor) == 0


def test_what_is_going_out_is_not_called_back(editor: User, news: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    forget(editor, now)
    assert (fresh(post).author, fresh(post).state) == (None, State.PUBLISHING)
    settle(targets(post)[0], now=now)
    assert fresh(post).state == State.PUBLISHED


def test_anothers_posts_are_not_touched(editor: User, admin: User, news: Chat, now: datetime) -> None:
    post = planned(admin, news, at=now + HOUR, now=now)
    forget(editor, now)
    assert (fresh(post).author, fresh(post).state) == (admin, State.SCHEDULED)


# --- with time ------------------------------------------------------------------------------------------------------


def test_posts_are_kept_for_ever_unless_it_is_said_otherwise(editor: User, news: Chat, now: datetime) -> None:
    out(editor, news, now)
    assert retention.forget_old_posts(now + 4000 * DAY) == 0


def test_after_their_days_posts_that_are_over_go(editor: User, news: Chat, now: datetime, settings: Settings) -> None:
    settings.KEEP_POSTS_DAYS = 30
    over = out(editor, news, now)
    kept = [
        make_post(editor, news, now=now),
        planned(editor, news, at=now + 90 * DAY, now=now),
        out(editor, news, now, Target.UNKNOWN),
        out(editor, news, now + DAY),
    ]
    assert retention.forget_old_posts(now + 30 * DAY + HOUR) == 1
    assert not Post.objects.filter(pk=over.pk).exists()
    assert Post.objects.filter(pk__in=[post.pk for post in kept]).count() == len(kept)


def test_deliveries_hold_no_words_whatever_stays(editor: User, news: Chat, now: datetime, settings: Settings) -> None:
    settings.CONTENT_LOG = "off"
    post = out(editor, news, now)
    assert "Said" not in str([row.content for row in deliveries(post)])
    assert fresh(post).text == "Said to all"


def test_schedules_without_a_post_are_removed(editor: User, news: Chat, now: datetime) -> None:
    lost, kept = planned(editor, news, at=now + HOUR, now=now), planned(editor, news, at=now + HOUR, now=now)
    Post.objects.filter(pk=lost.pk).delete()
    retention.remove_lost_schedules(now)
    assert [row.object_id for row in Schedule.objects.filter(source="post")] == [str(kept.pk)]


def test_checks_and_deletions_that_are_over_go_a_day_later(editor: User, news: Chat, now: datetime) -> None:
    planned(editor, news, at=now + HOUR, now=now)
    Schedule.objects.filter(source="post_check").update(state="completed")
    assert retention.remove_lost_schedules(now + HOUR) == 0
    assert retention.remove_lost_schedules(now + 2 * DAY) == 1


def test_what_waits_of_a_removed_post_is_withdrawn(editor: User, news: Chat, now: datetime, settings: Settings) -> None:
    settings.KEEP_POSTS_DAYS = 1
    post = out(editor, news, now)
    services.delete_everywhere(post, by=editor, via="chat", now=now)
    Post.objects.update(updated_at=now)
    assert retention.forget_old_posts(now + 2 * DAY) == 1
    assert Delivery.objects.get(key__contains=":delete:").state == "cancelled"
