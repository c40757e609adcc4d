"""What seldom happens to a post: an operator steps in, chats come late, values that nobody expects."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Chat, Role, User
from delivery import services as outbox
from delivery import tick
from posts import services, words
from posts.content import Medium, NotNow, Place, Refused
from posts.models import Post, PostTarget, State
from tests.posts.making import (
    BOT,
    HOUR,
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
from tests.posts.making import editor as person

pytestmark = pytest.mark.django_db
Target = PostTarget.State
SENT, FAILED, UNKNOWN = Target.SENT, Target.FAILED, Target.UNKNOWN


# --- an operator in the outbox --------------------------------------------------------------------------------------


def test_what_an_operator_calls_off_in_the_outbox_is_not_on_its_way_for_ever(
    editor: User, news: Chat, team: Chat, now: datetime
) -> None:
    post = make_post(editor, news, team, now=now)
    publish(post, now)
    settle(targets(post)[0], SENT, now=now)

    assert outbox.call_off(deliveries(post)[1], now=now)
    assert (states(post), fresh(post).state) == (["sent", "cancelled"], State.PARTIAL)
    assert "Команда: cancelled" in told(editor)[-1]


def test_of_what_an_operator_sends_once_more_and_calls_off_nobody_knows_still(
    editor: User, news: Chat, now: datetime
) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    row = deliveries(post)[0]
    type(row).objects.filter(pk=row.pk).update(state="unknown")
    settle(targets(post)[0], UNKNOWN, now=now)
    row.refresh_from_db()
    outbox.retry(row, now=now)

    assert outbox.call_off(row, now=now)
    assert states(post) == ["unknown"]


def test_post_whose_messages_left_the_outbox_can_be_called_off(editor: User, news: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    outbox.cancel(deliveries(post)[0], now=now)

    assert services.cancel_post(post, by=editor, via="chat", now=now)
    assert fresh(post).state == State.CANCELLED


def test_what_has_left_when_an_operator_calls_it_off_is_on_its_way_still(
    editor: User, news: Chat, now: datetime
) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    row = deliveries(post)[0]
    type(row).objects.filter(pk=row.pk).update(state="sending")

    assert not outbox.call_off(row, now=now)
    assert (states(post), fresh(post).state, told(editor)) == (["queued"], State.PUBLISHING, [])


def test_side_step_that_is_called_off_changes_nothing_at_the_post(editor: User, news: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now, pin=True)
    publish(post, now)
    settle(targets(post)[0], SENT, now=now)

    assert outbox.call_off(deliveries(post)[1], now=now)
    assert (states(post), fresh(post).state) == (["sent"], State.PUBLISHED)


def test_button_of_the_outbox_calls_off_what_the_post_hears_of(
    admin_client: Client, editor: User, news: Chat, now: datetime
) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)

    address = reverse("admin:delivery_delivery_cancel", args=[deliveries(post)[0].pk])
    admin_client.post(address, {"_form_submitted": "on"})
    assert fresh(post).state == State.CANCELLED


# --- values nobody expects ------------------------------------------------------------------------------------------

# An assistant's JSON may hold them; PostgreSQL keeps no NUL, and no UTF-8 has half a character.
BAD = pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b"])


@BAD
@pytest.mark.parametrize("field", ["text", "entities", "buttons", "poll", "media.1"])
def test_characters_that_cannot_be_kept_are_refused_where_they_stand(
    editor: User, now: datetime, bad: str, field: str
) -> None:
    formatting = [{"type": "text_link", "offset": 0, "length": 1, "url": f"https://example.org/{bad}"}]
    photos = [Medium("photo", telegram_file_id="x", bot_id=BOT), Medium("photo", text=bad)]
    wishes: dict[str, dict[str, Any]] = {
        "text": {"text": bad},
        "entities": {"text": "Hello", "entities": formatting},
        "buttons": {"text": "Hello", "buttons": [[{"text": bad, "url": "https://example.org/"}]]},
        "poll": {"poll": {"question": "Tea?", "options": [{"text": "Yes"}, {"text": bad}]}},
        "media.1": {"media": photos},
    }
    with pytest.raises(Refused) as refused:
        services.create_draft(editor, **wishes[field], via="tool", now=now)

    expected = "text" if field == "entities" else field
    assert [(one.field, one.code) for one in refused.value.problems] == [(expected, "bad-text")]


@BAD
def test_what_is_changed_holds_no_such_characters_either(editor: User, news: Chat, now: datetime, bad: str) -> None:
    post = make_post(editor, news, now=now)

    with pytest.raises(Refused, match="NUL or half a character"):
        services.change_post(post, by=editor, via="tool", now=now, text=bad)


@BAD
def test_reason_for_calling_off_is_kept_without_such_characters(
    editor: User, news: Chat, now: datetime, bad: str
) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)

    assert services.cancel_post(post, bad, by=editor, via="tool", now=now)
    assert fresh(post).status_reason in ("ab", "a?b")


@pytest.mark.parametrize("at", [datetime(9999, 12, 31, 23, 30, tzinfo=UTC), datetime(9999, 1, 1)])
def test_time_that_no_other_clock_could_show_is_refused(editor: User, news: Chat, now: datetime, at: datetime) -> None:
    post = make_post(editor, news, now=now)

    with pytest.raises(Refused, match="beyond the calendar"):
        services.schedule_post(post, at, "UTC", by=editor, via="api", now=now)


def test_last_time_that_is_taken_can_be_shown_everywhere(editor: User, news: Chat, now: datetime) -> None:
    at = datetime(9998, 12, 31, 23, 30, tzinfo=UTC)
    post = planned(editor, news, at=at, now=now)

    assert "9999" in words.state_line(post, ZoneInfo("Pacific/Kiritimati"), now)
    assert services.warnings_of(post, now) == []


@pytest.mark.parametrize("zone", ["", "Mars/Phobos"])
def test_author_whose_zone_nobody_knows_is_told_by_the_clock_of_the_settings(
    editor: User, news: Chat, now: datetime, zone: str, settings: Settings
) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    post = planned(editor, news, at=now + HOUR, now=now)
    User.objects.filter(pk=editor.pk).update(time_zone=zone)

    fire(post, 26 * HOUR)
    assert fresh(post).state == State.EXPIRED
    assert f"{(now + HOUR).astimezone(ZoneInfo('Asia/Tokyo')):%H:%M}" in told(editor)[0]


def test_author_whose_zone_nobody_knows_plans_by_the_clock_of_the_settings(
    editor: User, news: Chat, now: datetime
) -> None:
    User.objects.filter(pk=editor.pk).update(time_zone="Mars/Phobos")
    post = make_post(editor, news, now=now)

    services.schedule_post(fresh(post), now + HOUR, by=editor, via="api", now=now)
    assert fresh(post).state == State.SCHEDULED


# --- people come and go ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [SENT, FAILED])
def test_admin_mends_the_post_of_one_who_left(editor: User, news: Chat, now: datetime, state: Target) -> None:
    admin = person(105, "Анна", role=Role.ADMIN)
    post = make_post(editor, news, now=now)
    publish(post, now)
    settle(targets(post)[0], state, now=now)
    User.objects.filter(pk=editor.pk).update(role=Role.MEMBER)

    services.change_post(fresh(post), by=admin, via="admin", now=now, text="Mended")
    assert (fresh(post).text, fresh(post).author) == ("Mended", editor)


def test_one_who_left_changes_nothing_any_more(editor: User, news: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now)
    User.objects.filter(pk=editor.pk).update(role=Role.MEMBER)
    editor.refresh_from_db()

    with pytest.raises(Refused, match="may not post"):
        services.change_post(fresh(post), by=editor, via="chat", now=now, text="Changed")


# --- chats that come late -------------------------------------------------------------------------------------------


def test_chat_added_after_it_failed_gets_it_with_the_next_try(
    editor: User, news: Chat, team: Chat, now: datetime
) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    settle(targets(post)[0], FAILED, now=now)
    services.change_post(fresh(post), by=editor, via="chat", now=now, places=[Place(news), Place(team)])

    assert services.retry_failed(fresh(post), by=editor, via="chat", now=now) == 2
    for target in targets(post):
        settle(target, SENT, now=now)
    assert fresh(post).state == State.PUBLISHED


def test_while_nobody_knows_whether_it_is_out_no_chat_is_added(
    editor: User, news: Chat, team: Chat, now: datetime
) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    settle(targets(post)[0], UNKNOWN, now=now)

    with pytest.raises(NotNow, match="Say first whether it is there"):
        services.change_post(fresh(post), by=editor, via="chat", now=now, places=[Place(news), Place(team)])
    assert states(post) == ["unknown"]


# --- what cannot be told --------------------------------------------------------------------------------------------


def nameless(post: Post) -> None:
    """No words can be made of it any more."""
    Post.objects.filter(pk=post.pk).update(poll={"question": 5})


def test_post_that_cannot_be_named_expires_all_the_same_and_the_tick_goes_on(
    editor: User, news: Chat, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    post, other = (planned(editor, news, at=now + HOUR, now=now, text=text) for text in ("One", "Two"))
    nameless(post)

    tick._fire(now + 26 * HOUR, tick.BATCH)
    assert [fresh(row).state for row in (post, other)] == [State.EXPIRED] * 2
    assert len(told(editor)) == 1
    assert "what became of a post could not be told" in caplog.text


def test_post_that_cannot_be_named_is_held_all_the_same(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    nameless(post)

    assert services.hold_post(post, "Wait", now=now)
    assert fresh(post).state == State.HELD


def test_post_of_one_who_left_that_cannot_be_named_is_held_all_the_same(
    editor: User, news: Chat, now: datetime
) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    nameless(post)
    User.objects.filter(pk=editor.pk).update(role=Role.MEMBER)

    tick._fire(now + HOUR, tick.BATCH)
    assert fresh(post).state == State.HELD
