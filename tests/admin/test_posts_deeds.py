"""What operators do with posts: each goes through the services, is asked for first, and says why not."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.test import Client
from pytest_django import Settings

from accounts.models import Access, AuditEntry, Chat, User
from delivery.models import Delivery
from posts import services
from posts.models import Post, PostTarget, State, Topic
from tests.admin.conftest import client_of, url
from tests.house import BOT
from tests.posts.making import channel, deliveries, editor, fresh, group, make_post, planned, publish, settle, states
from tests.posts.making import targets as places

CHECKED = re.compile(r'value="(\d+)"[^>]*\schecked[\s>]')
SUBMIT = {"_form_submitted": "on"}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Target = PostTarget.State
POLL = {"question": "Coffee?", "options": [{"text": "Yes"}, {"text": "No"}]}


@pytest.fixture(autouse=True)
def _bot(settings: Settings) -> None:
    """The one whose chats these are."""
    settings.BOT_TOKEN = f"{BOT}:test-token"


@pytest.fixture
def anna(db: None) -> User:
    return editor(zone="Europe/Moscow")


@pytest.fixture
def news(db: None) -> Chat:
    return channel(title="News")


@pytest.fixture
def draft(anna: User, news: Chat) -> Post:
    return make_post(anna, news)


@pytest.fixture
def partly(anna: User, news: Chat, now: datetime) -> Post:
    """Published in the first of three chats, failed in the second, unknown in the third."""
    post = make_post(anna, news, group(title="Team"), channel(-1007, "Sales"), now=now)
    publish(post, now=now)
    for target, state in zip(places(post), (Target.SENT, Target.FAILED, Target.UNKNOWN), strict=True):
        settle(target, state, now=now)
    return fresh(post)


def do(site: Client, row: Post, verb: str, **values: Any) -> Any:
    return site.post(url(row, verb, row.pk), SUBMIT | values)


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def offered(site: Client, row: Post) -> set[str]:
    page = site.get(url(row, "change", row.pk)).content.decode()
    return {verb for verb in (*VERBS, "edit") if url(row, verb, row.pk) in page}


VERBS = (
    "publish", "schedule", "retry", "there", "again", "stop_poll", "repeat", "cancel", "delete_everywhere", "remove",
)  # fmt: skip


# --- out ------------------------------------------------------------------------------------------------------------


def test_post_is_published_and_stands_on_record(site: Client, operator: User, draft: Post) -> None:
    answer = do(site, draft, "publish")
    assert said(answer) == "It is going out."
    assert fresh(draft).state == State.PUBLISHING
    assert len(deliveries(draft)) == 1
    entry = AuditEntry.objects.get(action="post.publish")
    assert (entry.actor, entry.via) == (operator, "admin")


def test_post_that_is_published_twice_goes_out_once(site: Client, draft: Post) -> None:
    do(site, draft, "publish")
    answer = do(site, draft, "publish")
    assert said(answer).endswith("Nothing was changed.")
    assert len(deliveries(draft)) == 1


def test_asking_for_a_dialog_changes_nothing(site: Client, draft: Post) -> None:
    for verb in VERBS:
        assert site.get(url(draft, verb, draft.pk)).status_code == 200
    assert (fresh(draft).state, Delivery.objects.count()) == (State.DRAFT, 0)


def test_refusal_is_said_in_the_dialog(site: Client, draft: Post, news: Chat) -> None:
    Chat.objects.filter(pk=news.pk).update(bot_status="kicked")
    answer = do(site, draft, "publish")
    assert answer.status_code == 200
    assert "The bot cannot reach “News”." in answer.content.decode()
    assert fresh(draft).state == State.DRAFT


def test_dialog_tells_of_what_stands_in_nobodys_way(site: Client, anna: User, news: Chat, now: datetime) -> None:
    first = make_post(anna, news, text="Twice")
    publish(first, now=now)
    second = make_post(anna, news, text="Twice")
    assert "Is it meant twice?" in site.get(url(second, "publish", second.pk)).content.decode()


def test_post_that_changed_meanwhile_is_looked_at_first(site: Client, anna: User, draft: Post, now: datetime) -> None:
    seen = draft.version
    services.change_post(draft, text="Something else", by=anna, via="chat", now=now)
    answer = do(site, draft, "publish", version=seen)
    assert "Somebody has changed it meanwhile." in answer.content.decode()
    assert fresh(draft).state == State.DRAFT


# --- its time -------------------------------------------------------------------------------------------------------


def when(moment: datetime, zone: str = "Europe/Berlin") -> dict[str, str]:
    return {"day": f"{moment:%Y-%m-%d}", "time": f"{moment:%H:%M}", "zone": zone}


def test_time_is_that_of_the_clock_which_is_chosen(site: Client, draft: Post) -> None:
    answer = do(site, draft, "schedule", **when(datetime(2099, 7, 1, 10, 30), "Asia/Tokyo"))
    assert said(answer) == "It is planned."
    row = fresh(draft)
    assert (row.state, row.zone, row.wall_time) == (State.SCHEDULED, "Asia/Tokyo", "2099-07-01T10:30")
    assert f"{row.planned_at:%Y-%m-%d %H:%M}" == "2099-07-01 01:30"
    assert AuditEntry.objects.get(action="post.scheduled").via == "admin"


def test_time_in_the_past_is_refused_with_the_time_it_is(site: Client, draft: Post) -> None:
    page = do(site, draft, "schedule", **when(datetime(2020, 1, 1, 10))).content.decode()
    assert "This time has passed: it is" in page
    assert "(Europe/Berlin)" in page
    assert fresh(draft).state == State.DRAFT


def test_time_that_the_clock_skips_is_put_right_with_one_more_press(site: Client, draft: Post) -> None:
    answer = do(site, draft, "schedule", **when(datetime(2027, 3, 28, 2, 30)))
    page = answer.content.decode()
    assert "02:30 does not exist" in page
    assert 'value="03:00"' in page
    assert fresh(draft).state == State.DRAFT
    do(site, draft, "schedule", **when(datetime(2027, 3, 28, 3)))
    assert fresh(draft).wall_time == "2027-03-28T03:00"


def test_time_that_the_clock_shows_twice_is_told_of(site: Client, draft: Post) -> None:
    answer = do(site, draft, "schedule", **when(datetime(2027, 10, 31, 2, 30)))
    assert "02:30 comes twice; the first one is meant." in said(answer)


@pytest.mark.parametrize("values", [{"day": ""}, {"time": "25:00"}, {"zone": "Mars/Olympus"}])
def test_what_is_no_time_is_refused(site: Client, draft: Post, values: dict[str, str]) -> None:
    assert do(site, draft, "schedule", **when(datetime(2099, 7, 1, 10)) | values).status_code == 200
    assert fresh(draft).state == State.DRAFT


def test_dialog_proposes_the_time_that_stands_by_its_own_clock(
    site: Client, anna: User, news: Chat, now: datetime
) -> None:
    wall = (now + 3 * DAY).replace(hour=10, minute=0, second=0, microsecond=0, tzinfo=None)
    post = planned(anna, news, at=wall, now=now)
    page = site.get(url(post, "schedule", post.pk)).content.decode()
    assert f'value="{wall:%Y-%m-%d}"' in page
    assert 'value="10:00"' in page
    assert '<option value="Europe/Moscow" selected>' in page


def test_post_is_put_off(site: Client, anna: User, news: Chat, now: datetime) -> None:
    post = planned(anna, news, at=now + HOUR, now=now)
    do(site, post, "schedule", **when(datetime(2099, 7, 1, 10), "UTC"))
    assert f"{fresh(post).planned_at:%Y-%m-%d %H}" == "2099-07-01 10"


def test_published_post_is_not_planned_anew_and_why_is_said(
    site: Client, anna: User, news: Chat, now: datetime
) -> None:
    post = make_post(anna, news, now=now)
    publish(post, now=now)
    settle(places(post)[0], now=now)
    page = do(site, post, "schedule", **when(datetime(2099, 7, 1, 10))).content.decode()
    assert "It has been published. To say it again, repeat it as a new post." in page


# --- off ------------------------------------------------------------------------------------------------------------


def test_post_is_called_off_with_a_reason(site: Client, anna: User, news: Chat, now: datetime) -> None:
    post = planned(anna, news, at=now + HOUR, now=now)
    do(site, post, "cancel", reason="The date moved")
    row = fresh(post)
    assert (row.state, row.status_reason, states(row)) == (State.CANCELLED, "The date moved", ["cancelled"])
    assert "The date moved" in site.get(url(post, "change", post.pk)).content.decode()


def test_chosen_posts_are_called_off_together(site: Client, anna: User, news: Chat, now: datetime) -> None:
    rows = [planned(anna, news, at=now + HOUR, now=now, text=f"Post {number}") for number in range(2)]
    form = {"action": "cancel_selected", "_selected_action": [str(row.pk) for row in rows]}
    answer = site.post(url(Post, "changelist"), form)
    assert said(answer) == "Call it off: 2 rows."
    assert {fresh(row).state for row in rows} == {State.CANCELLED}


def test_draft_is_removed(site: Client, draft: Post) -> None:
    answer = do(site, draft, "remove")
    assert answer.headers["Location"] == url(Post, "changelist")
    assert not Post.objects.exists()


def test_what_has_appeared_is_not_removed_and_why_is_said(site: Client, partly: Post) -> None:
    page = do(site, partly, "remove").content.decode()
    assert "It has appeared, so its record stays." in page
    assert Post.objects.exists()


# --- put right ------------------------------------------------------------------------------------------------------


def test_retry_touches_only_what_failed(site: Client, partly: Post) -> None:
    failed = places(partly)[1]
    answer = do(site, partly, "retry", places=[failed.pk])
    assert said(answer) == "It is sent again in 1 chat."
    assert states(partly) == ["sent", "queued", "unknown"]
    again = [row.key for row in deliveries(partly) if row.state == "queued" and row.key.endswith(":2")]
    assert again == [f"post:{partly.pk}:{failed.pk}:2"]


def test_many_are_retried_together_and_refusals_name_the_post(
    site: Client, anna: User, news: Chat, now: datetime
) -> None:
    first, second = make_post(anna, news, text="First", now=now), make_post(anna, group(), text="Second", now=now)
    for row in (first, second):
        publish(row, now=now)
        settle(places(row)[0], Target.FAILED, now=now)
    Chat.objects.filter(pk=news.pk).update(bot_status="kicked")
    form = {"action": "retry_selected", "_selected_action": [str(first.pk), str(second.pk)]}
    told = said(site.post(url(Post, "changelist"), form))
    assert "First: The bot cannot reach “News”." in told
    assert "Retry where it failed: 1 row." in told
    assert (states(first), states(second)) == (["failed"], ["queued"])


def test_unknown_is_there_with_its_number(site: Client, operator: User, partly: Post) -> None:
    doubtful = places(partly)[2]
    do(site, partly, "there", places=[doubtful.pk], message="https://t.me/c/7/512?single")
    doubtful.refresh_from_db()
    assert (doubtful.state, doubtful.message_ids) == (Target.SENT, [512])
    assert AuditEntry.objects.get(action="post.is_there").actor == operator


def test_unknown_is_there_without_a_number(site: Client, partly: Post) -> None:
    do(site, partly, "there", places=[places(partly)[2].pk])
    assert states(partly) == ["sent", "failed", "sent"]


@pytest.mark.parametrize("message", ["over there", "https://t.me/news", "-5"])
def test_what_is_no_link_to_a_message_is_refused(site: Client, partly: Post, message: str) -> None:
    page = do(site, partly, "there", places=[places(partly)[2].pk], message=message).content.decode()
    assert "This is no link to a message." in page
    assert states(partly)[2] == "unknown"


@pytest.mark.parametrize("message", ["https://t.me/c/8/512", "t.me/other_news/512"])
def test_link_into_another_chat_is_no_proof(site: Client, partly: Post, message: str) -> None:
    doubtful = places(partly)[2]
    Chat.objects.filter(pk=doubtful.chat_id).update(username="Our_News")
    page = do(site, partly, "there", places=[doubtful.pk], message=message).content.decode()
    assert "This link leads to another chat." in page
    assert states(partly)[2] == "unknown"
    do(site, partly, "there", places=[doubtful.pk], message="https://t.me/our_news/512")
    assert places(partly)[2].message_ids == [512]


def test_unknown_is_sent_again(site: Client, partly: Post) -> None:
    do(site, partly, "again", places=[places(partly)[2].pk])
    assert states(partly) == ["sent", "failed", "queued"]


def test_dialog_chooses_the_chat_from_whose_row_it_came(site: Client, partly: Post) -> None:
    first, second = places(partly)[:2]
    PostTarget.objects.filter(pk=first.pk).update(state=Target.FAILED)
    dialog = url(partly, "retry", partly.pk)
    chosen = [CHECKED.findall(site.get(dialog, query).content.decode()) for query in ({"target": str(second.pk)}, {})]
    assert chosen == [[str(second.pk)], [str(first.pk), str(second.pk)]]


def test_place_of_another_post_is_no_choice(site: Client, anna: User, news: Chat, partly: Post, now: datetime) -> None:
    other = make_post(anna, news, now=now)
    publish(other, now=now)
    settle(places(other)[0], Target.UNKNOWN, now=now)
    assert do(site, partly, "there", places=[places(other)[0].pk]).status_code == 200
    assert states(other) == ["unknown"]


# --- after ----------------------------------------------------------------------------------------------------------


def test_post_is_deleted_from_the_chats(site: Client, partly: Post) -> None:
    answer = do(site, partly, "delete_everywhere", places=[places(partly)[0].pk])
    assert said(answer) == "It is being deleted from 1 chat."
    assert [row.content["do"] for row in deliveries(partly) if "do" in row.content] == ["delete"]


def test_post_that_is_too_old_to_be_deleted_is_said_so(site: Client, partly: Post, now: datetime) -> None:
    PostTarget.objects.filter(pk=places(partly)[1].pk).update(state=Target.SENT, sent_at=now, message_ids=[8])
    old, young = places(partly)[:2]
    PostTarget.objects.filter(pk=old.pk).update(sent_at=now - timedelta(hours=49))
    page = do(site, partly, "delete_everywhere", places=[old.pk]).content.decode()
    assert "within 48 hours only. Delete it there by hand." in page
    told = said(do(site, partly, "delete_everywhere", places=[old.pk, young.pk]))
    assert "It is being deleted from 1 chat. Telegram lets bots delete" in told


def test_topics_of_one_group_are_told_apart(site: Client, anna: User, now: datetime) -> None:
    team = group(title="Team")
    Topic.objects.create(chat=team, thread_id=7, name="Announcements")
    post = make_post(anna, team, now=now)
    PostTarget.objects.create(post=post, chat=team, thread_id=7, position=1)
    PostTarget.objects.create(post=post, chat=team, thread_id=8, position=2)
    PostTarget.objects.update(state=Target.FAILED)
    dialog = site.get(url(post, "retry", post.pk)).content.decode()
    assert "Team — Announcements" in dialog
    assert "Team — 8" in dialog


def test_post_is_repeated_as_a_draft(site: Client, operator: User, partly: Post) -> None:
    answer = do(site, partly, "repeat")
    draft = Post.objects.get(repeat_of=partly)
    assert answer.headers["Location"] == url(draft, "change", draft.pk)
    assert (draft.state, len(places(draft))) == (State.DRAFT, 3)


def test_poll_is_closed(site: Client, anna: User, news: Chat, now: datetime) -> None:
    post = make_post(anna, news, text="", poll=POLL, now=now)
    publish(post, now=now)
    settle(places(post)[0], now=now)
    assert said(do(site, post, "stop_poll")) == "The poll is being closed."
    assert deliveries(post)[-1].content["do"] == "stop"


# --- what is offered, and to whom -----------------------------------------------------------------------------------

OFFERED = {
    State.DRAFT: {"publish", "schedule", "remove", "edit"},
    State.SCHEDULED: {"publish", "schedule", "repeat", "cancel", "remove", "edit"},
    State.HELD: {"publish", "schedule", "repeat", "cancel", "remove", "edit"},
    State.CANCELLED: {"publish", "schedule", "repeat", "remove", "edit"},
    State.EXPIRED: {"publish", "schedule", "repeat", "remove", "edit"},
    State.PUBLISHING: {"repeat", "cancel", "edit"},
}


@pytest.mark.parametrize(("state", "verbs"), OFFERED.items())
def test_page_offers_only_what_can_be_done(site: Client, draft: Post, state: State, verbs: set[str]) -> None:
    Post.objects.update(state=state)
    assert offered(site, draft) == verbs


def test_page_of_a_partial_post_offers_to_put_it_right(site: Client, partly: Post) -> None:
    assert offered(site, partly) == {"retry", "there", "again", "repeat", "delete_everywhere", "edit"}


def test_operator_who_may_only_look_is_refused(draft: Post) -> None:
    watcher = User.objects.create_user("watcher", is_staff=True, status=Access.ACTIVE)
    watcher.user_permissions.set(Permission.objects.filter(codename__in=("view_post", "read_content")))
    client = client_of(watcher)
    for verb in (*VERBS, "edit"):
        assert do(client, draft, verb).status_code == 403
    assert offered(client, draft) == set()
    assert fresh(draft).state == State.DRAFT


def test_removing_asks_for_the_right_to_delete(draft: Post) -> None:
    changer = User.objects.create_user("changer", is_staff=True, status=Access.ACTIVE)
    rights = ("view_post", "change_post", "read_content")
    changer.user_permissions.set(Permission.objects.filter(codename__in=rights))
    assert offered(client_of(changer), draft) == {"publish", "schedule", "edit"}
    assert do(client_of(changer), draft, "remove").status_code == 403
    assert Post.objects.exists()


def test_operator_who_may_not_read_publishes_without_seeing_a_word(draft: Post) -> None:
    blind = User.objects.create_user("blind", is_staff=True, status=Access.ACTIVE)
    blind.user_permissions.set(Permission.objects.filter(codename__in=("view_post", "change_post")))
    Post.objects.update(text="bumblebee")
    client = client_of(blind)
    assert "bumblebee" not in client.get(url(draft, "publish", draft.pk)).content.decode()
    do(client, draft, "publish")
    assert fresh(draft).state == State.PUBLISHING


def test_post_that_is_gone_meanwhile_is_not_found(site: Client, draft: Post) -> None:
    draft.delete()
    assert do(site, draft, "publish").status_code == 404
