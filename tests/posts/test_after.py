"""What is done with a post that is there: pinned, edited, deleted, its poll stopped. Never sent again for that."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import AuditEntry, Chat, User
from delivery import tick
from delivery.models import Schedule
from posts import services
from posts.content import NotNow, Place
from posts.models import Post, PostTarget, State
from posts.services import after
from tests.posts.making import (
    DAY,
    HOUR,
    MAY_POST,
    MINUTE,
    deliveries,
    fresh,
    make_post,
    publish,
    settle,
    states,
    targets,
)

pytestmark = pytest.mark.django_db
Target = PostTarget.State


def out(editor: User, *chats: Chat, now: datetime, **more: Any) -> Post:
    """A post that is there."""
    post = make_post(editor, *chats, now=now, **more)
    publish(post, now)
    for number, target in enumerate(targets(post)):
        settle(target, now=now, numbers=(7 + number,))
    return fresh(post)


def steps(post: Post) -> list[str]:
    """What was put into the outbox after the messages: ``edit:2``."""
    return [":".join(row.key.split(":")[3:]) for row in deliveries(post) if row.key.count(":") == 4]


def wipe(post: Post, now: datetime) -> int:
    return services.delete_everywhere(post, by=post.author, via="chat", now=now)


def tick_at(at: datetime) -> None:
    tick._fire_batch(at, tick.BATCH)


# --- deleted --------------------------------------------------------------------------------------------------------


def test_it_is_deleted_from_every_chat_where_it_stands(editor: User, news: Chat, team: Chat, now: datetime) -> None:
    post = out(editor, news, team, now=now)
    assert wipe(post, now) == 2
    assert steps(post) == ["delete:3", "delete:3"]
    for target in targets(post):
        after.done(target.pk, after.REMOVE, now)
    assert (fresh(post).state, states(post)) == (State.PUBLISHED, [Target.DELETED] * 2)
    assert wipe(post, now) == 0
    assert AuditEntry.objects.filter(action="post.delete_everywhere").count() == 1


def test_only_from_some_chats(editor: User, news: Chat, team: Chat, now: datetime) -> None:
    post = out(editor, news, team, now=now)
    more = {"targets": targets(post)[1:]}
    assert services.delete_everywhere(post, by=editor, via="chat", now=now, **more) == 1
    assert deliveries(post)[-1].chat_id == team.telegram_id


def test_after_48_hours_telegram_does_not_let_bots_and_that_is_said(editor: User, news: Chat, now: datetime) -> None:
    post = out(editor, news, now=now)
    assert wipe(post, now + 2 * DAY) == 0
    assert steps(post) == []
    assert targets(post)[0].warning.startswith("Telegram lets bots delete a message within 48 hours only.")
    assert wipe(post, now + 2 * DAY - MINUTE) == 1


def test_what_is_going_out_is_not_deleted(editor: User, news: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    with pytest.raises(NotNow) as caught:
        wipe(post, now)
    assert caught.value.code == "sending-now"


# --- deleted by itself ----------------------------------------------------------------------------------------------


def test_it_is_deleted_when_its_time_is_over(editor: User, news: Chat, now: datetime) -> None:
    post = out(editor, news, now=now, delete_after_minutes=60)
    assert Schedule.objects.get(source="post_delete").next_at == now + HOUR
    tick_at(now + HOUR - timedelta(seconds=1))
    assert steps(post) == []
    tick_at(now + HOUR)
    assert steps(post) == ["delete:auto"]


def test_each_chat_at_its_own_time(editor: User, news: Chat, team: Chat, now: datetime) -> None:
    post = make_post(editor, news, team, now=now, delete_after_minutes=60)
    publish(post, now)
    first, second = targets(post)
    settle(first, now=now)
    settle(second, now=now + 10 * MINUTE)
    tick_at(now + HOUR)
    assert [row.chat_id for row in deliveries(post)[2:]] == [news.telegram_id]
    after.done(first.pk, after.REMOVE, now + HOUR)
    assert Schedule.objects.get(source="post_delete").next_at == now + HOUR + 10 * MINUTE
    tick_at(now + HOUR + 10 * MINUTE)
    assert [row.chat_id for row in deliveries(post)[2:]] == [news.telegram_id, team.telegram_id]


def test_one_that_arrives_after_the_others_are_deleted_is_deleted_too(
    editor: User, news: Chat, team: Chat, now: datetime
) -> None:
    post = make_post(editor, news, team, now=now, delete_after_minutes=5)
    publish(post, now)
    first, second = targets(post)
    settle(first, now=now)
    tick_at(now + 5 * MINUTE)
    after.done(first.pk, after.REMOVE, now + 5 * MINUTE)
    settle(second, now=now + HOUR)
    tick_at(now + HOUR + 5 * MINUTE)
    assert [row.chat_id for row in deliveries(post)[2:]] == [news.telegram_id, team.telegram_id]


def test_it_is_deleted_late_rather_than_not_at_all(editor: User, news: Chat, now: datetime) -> None:
    post = out(editor, news, now=now, delete_after_minutes=60)
    tick_at(now + 3 * DAY)
    assert steps(post) == ["delete:auto"]


def test_one_may_change_ones_mind(editor: User, news: Chat, now: datetime) -> None:
    post = out(editor, news, now=now, delete_after_minutes=60)
    services.change_post(post, by=editor, via="chat", now=now, delete_after_minutes=120)
    assert Schedule.objects.get(source="post_delete").next_at == now + 2 * HOUR
    services.change_post(post, by=editor, via="chat", now=now, delete_after_minutes=None)
    assert not Schedule.objects.filter(source="post_delete").exists()
    tick_at(now + DAY)
    assert steps(post) == []


def test_a_post_that_appeared_nowhere_has_nothing_to_delete(editor: User, news: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now, delete_after_minutes=60)
    publish(post, now)
    settle(targets(post)[0], Target.FAILED, now=now)
    assert not Schedule.objects.filter(source="post_delete").exists()


# --- pinned ---------------------------------------------------------------------------------------------------------


def test_it_is_pinned_once_it_is_there(editor: User, team: Chat, now: datetime) -> None:
    Chat.objects.update(bot_status="administrator", bot_rights={"can_pin_messages": True})
    post = out(editor, team, now=now, pin=True)
    assert steps(post) == ["pin:a1"]
    after.done(targets(post)[0].pk, after.PIN, now)
    assert targets(post)[0].pinned


def test_a_pin_may_be_put_and_taken_later(editor: User, news: Chat, now: datetime) -> None:
    post = out(editor, news, now=now)
    Chat.objects.update(bot_rights=MAY_POST)
    services.change_post(post, by=editor, via="chat", now=now, pin=True)
    services.change_post(post, by=editor, via="chat", now=now, pin=False)
    assert steps(post) == ["pin:3", "unpin:4"]


# --- edited ---------------------------------------------------------------------------------------------------------


def test_each_edit_has_a_delivery_of_its_own(editor: User, news: Chat, now: datetime) -> None:
    post = out(editor, news, now=now)
    for text in ("Two", "Three"):
        services.change_post(post, by=editor, via="chat", now=now, text=text)
    assert steps(post) == ["edit:2", "edit:3"]
    after.done(targets(post)[0].pk, after.EDIT, now, revision=3)
    assert targets(post)[0].revision == 3


def test_options_that_nobody_sees_cause_no_edit(editor: User, news: Chat, now: datetime) -> None:
    post = out(editor, news, now=now)
    services.change_post(post, by=editor, via="chat", now=now, silent=True, expire_hours=3)
    assert steps(post) == []
    services.change_post(post, by=editor, via="chat", now=now, link_preview=False)
    assert steps(post) == ["edit:2"]


# --- polls ----------------------------------------------------------------------------------------------------------


def test_a_poll_is_stopped_where_it_stands(editor: User, news: Chat, now: datetime) -> None:
    post = services.create_poll_post(editor, "Tea?", ["Yes", "No"], places=[Place(news)], via="chat", now=now)
    with pytest.raises(NotNow):
        services.stop_poll(make_post(editor, news, now=now), by=editor, via="chat", now=now)
    publish(post, now)
    settle(targets(post)[0], now=now)
    assert services.stop_poll(post, by=editor, via="chat", now=now) == 1
    assert steps(post) == ["stop:3"]
