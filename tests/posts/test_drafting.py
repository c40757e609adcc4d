"""A post is written, changed, removed and written once more."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from accounts.models import AuditEntry, Chat, Role, User
from accounts.services import create_api_key
from delivery.models import Delivery, Schedule
from posts import services
from posts.content import NotNow, Place, Refused, Stale
from posts.models import Kind, Post, PostTarget, State
from tests.posts.making import (
    DAY,
    HOUR,
    channel,
    deliveries,
    fresh,
    make_post,
    planned,
    publish,
    settle,
    states,
    targets,
)

pytestmark = pytest.mark.django_db
Target = PostTarget.State


def change(post: Post, now: datetime, **changes: Any) -> Post:
    services.change_post(post, by=post.author, via="chat", now=now, **changes)
    return fresh(post)


def codes(caught: "pytest.ExceptionInfo[Refused]") -> list[str]:
    return [problem.code for problem in caught.value.problems]


# --- making ---------------------------------------------------------------------------------------------------------


def test_markdown_becomes_text_with_formatting_and_is_kept(editor: User, news: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now, text="**Tea** at _five_")
    assert (post.text, post.markdown) == ("Tea at five", "**Tea** at _five_")
    assert [entity["type"] for entity in post.entities] == ["bold", "italic"]
    assert (post.state, post.kind, post.version) == (State.DRAFT, Kind.TEXT, 1)


def test_given_formatting_is_kept_as_it_is(editor: User, now: datetime) -> None:
    bold = [{"type": "bold", "offset": 0, "length": 3}]
    post = make_post(editor, now=now, text="Tea **raw**", entities=bold)
    assert (post.text, post.entities, post.markdown) == ("Tea **raw**", bold, "")


def test_it_names_each_place_once_and_in_order(editor: User, news: Chat, team: Chat, now: datetime) -> None:
    post = make_post(editor, team, news, team, Place(team, 5), now=now)
    assert [(target.chat, target.thread_id) for target in targets(post)] == [(team, 0), (news, 0), (team, 5)]
    assert states(post) == [Target.WAITING] * 3


def test_what_telegram_would_refuse_is_not_saved(editor: User, now: datetime) -> None:
    with pytest.raises(Refused):
        make_post(editor, now=now, text="x" * 4097)
    assert not Post.objects.exists()


def test_a_member_may_not_post(member: User, now: datetime) -> None:
    with pytest.raises(Refused) as caught:
        make_post(member, now=now)
    assert codes(caught) == ["may-not-post"]


def test_an_option_that_posts_do_not_have_is_a_bug(editor: User, now: datetime) -> None:
    with pytest.raises(TypeError, match="loud"):
        make_post(editor, now=now, loud=True)


def test_options_are_kept(editor: User, now: datetime) -> None:
    post = make_post(editor, now=now, silent=True, protected=True, pin=True, delete_after_minutes=60, expire_hours=2)
    post = fresh(post)
    assert (post.silent, post.protected, post.pin, post.delete_after_minutes, post.expire_hours) == (
        True, True, True, 60, 2,
    )  # fmt: skip


def test_a_poll_has_its_question_and_answers(editor: User, news: Chat, now: datetime) -> None:
    post = services.create_poll_post(editor, "Tea?", ["Yes", "No"], places=[Place(news)], via="chat", now=now)
    assert (post.kind, post.title) == (Kind.POLL, "Tea?")
    assert post.poll is not None
    assert [option["text"] for option in post.poll["options"]] == ["Yes", "No"]
    assert post.poll["anonymous"] is True


def test_a_quiz_knows_its_right_answer(editor: User, now: datetime) -> None:
    post = services.create_poll_post(
        editor, "2+2?", ["3", "4"], quiz=True, correct=[1], explanation="Count", via="chat", now=now
    )
    assert post.poll is not None
    assert (post.poll["quiz"], post.poll["correct"], post.poll["explanation"]) == (True, [1], "Count")


def test_the_record_says_who_made_it_and_nothing_of_what_it_says(editor: User, now: datetime) -> None:
    post = make_post(editor, now=now, text="Secret words")
    entry = AuditEntry.objects.get(action="post.created")
    assert (entry.actor, entry.via, entry.target) == (editor, "chat", f"post:{post.pk}")
    assert "Secret" not in f"{entry.target_label} {entry.details}"


def test_the_same_idempotency_key_gives_the_same_post(editor: User, now: datetime) -> None:
    key, _secret = create_api_key("tests", ["posts:write"], by=editor, expires_at=None, now=now)
    more: dict[str, Any] = {"key": key, "idempotency_key": "k1", "idempotency_digest": "d1"}
    first, second = make_post(editor, now=now, **more), make_post(editor, now=now, **more)
    assert (second.pk, first.replayed, second.replayed) == (first.pk, False, True)
    with pytest.raises(Refused) as caught:
        make_post(editor, now=now, text="Other", **(more | {"idempotency_digest": "d2"}))
    assert codes(caught) == ["idempotency-key-reused"]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_with_one_idempotency_key_make_one_post(
    editor: User, now: datetime, at_once: Callable[..., list[Post]]
) -> None:
    key, _secret = create_api_key("tests", ["posts:write"], by=editor, expires_at=None, now=now)

    def make() -> Post:
        return make_post(editor, now=now, key=key, idempotency_key="k1", idempotency_digest="d1")

    first, second = at_once(make, make)
    assert first.pk == second.pk
    assert Post.objects.count() == 1


# --- changing -------------------------------------------------------------------------------------------------------


def test_new_words_bring_their_own_formatting(editor: User, now: datetime) -> None:
    post = change(make_post(editor, now=now, text="**Old**"), now, text="_New_")
    assert (post.text, post.entities[0]["type"], post.markdown) == ("New", "italic", "_New_")
    assert (post.version, post.revision) == (2, 2)


def test_what_is_not_named_stays(editor: User, news: Chat, now: datetime) -> None:
    post = change(make_post(editor, news, now=now, text="**Tea**", silent=True), now, pin=True)
    assert (post.text, post.markdown, post.silent, post.pin, len(targets(post))) == ("Tea", "**Tea**", True, True, 1)
    assert post.revision == 1


def test_nothing_new_is_no_change(editor: User, news: Chat, now: datetime) -> None:
    post = change(make_post(editor, news, now=now, text="Tea"), now, text="Tea", silent=False, places=[Place(news)])
    assert post.version == 1
    assert not AuditEntry.objects.filter(action="post.changed").exists()


def test_a_change_of_an_older_version_is_stale(editor: User, now: datetime) -> None:
    post = make_post(editor, now=now)
    change(post, now, silent=True)
    with pytest.raises(Stale):
        change(post, now, version=1, text="Other")
    assert fresh(post).text == "Hello"


def test_a_change_that_telegram_would_refuse_changes_nothing(editor: User, news: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now)
    with pytest.raises(Refused):
        change(post, now, text="x" * 5000, places=[])
    assert (fresh(post).text, len(targets(post))) == ("Hello", 1)


def test_places_come_and_go(editor: User, news: Chat, team: Chat, now: datetime) -> None:
    post = change(make_post(editor, news, now=now), now, places=[Place(team), Place(news)])
    assert [target.chat for target in targets(post)] == [team, news]
    post = change(post, now, places=[Place(team)])
    assert [target.chat for target in targets(post)] == [team]


def test_a_planned_post_does_not_lose_all_its_places(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    with pytest.raises(Refused) as caught:
        change(post, now, places=[])
    assert codes(caught) == ["no-target"]
    assert len(targets(post)) == 1


def test_a_planned_post_gets_no_place_where_it_may_not_appear(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    closed = channel(-1005, "Closed", bot_status="left")
    with pytest.raises(Refused) as caught:
        change(post, now, places=[Place(news), Place(closed)])
    assert codes(caught) == ["bot-not-there"]


def test_an_edit_while_it_is_being_sent_is_refused(editor: User, news: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    with pytest.raises(NotNow) as caught:
        change(post, now, text="Other")
    assert caught.value.code == "sending-now"
    assert fresh(post).text == "Hello"


def test_an_edit_after_sending_goes_to_every_chat_where_it_stands(
    editor: User, news: Chat, team: Chat, now: datetime
) -> None:
    post = make_post(editor, news, team, now=now)
    publish(post, now)
    first, second = targets(post)
    settle(first, now=now)
    settle(second, Target.FAILED, now=now)
    post = change(post, now, text="Other")
    assert [row.key.split(":")[3:] for row in deliveries(post)] == [["1"], ["1"], ["edit", "2"]]
    assert deliveries(post)[-1].chat_id == news.telegram_id


def test_a_published_post_takes_no_other_places(editor: User, news: Chat, team: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    settle(targets(post)[0], now=now)
    with pytest.raises(NotNow) as caught:
        change(post, now, places=[Place(news), Place(team)])
    assert caught.value.code == "published"


def test_a_text_that_appeared_becomes_no_poll(editor: User, news: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    settle(targets(post)[0], now=now)
    with pytest.raises(Refused):
        change(post, now, text="", poll={"question": "Q", "options": [{"text": "a"}, {"text": "b"}], "anonymous": True})
    assert fresh(post).kind == Kind.TEXT


def test_a_later_expiry_holds_for_what_is_planned_already(editor: User, news: Chat, now: datetime) -> None:
    post = change(planned(editor, news, at=now + HOUR, now=now), now, expire_hours=2)
    assert post.schedule is not None
    assert post.schedule.grace_seconds == 2 * 3600


def test_a_place_of_which_nobody_knows_is_not_taken_away(editor: User, news: Chat, team: Chat, now: datetime) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    settle(targets(post)[0], Target.UNKNOWN, now=now)
    with pytest.raises(NotNow) as caught:
        change(post, now, places=[Place(team)])
    assert caught.value.code == "unknown-target"


# --- away, and once more --------------------------------------------------------------------------------------------


def test_a_draft_goes_with_all_that_was_planned(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + DAY, now=now, delete_after_minutes=60)
    assert Schedule.objects.filter(object_id=str(post.pk)).count() == 2  # the publication, and the check before it
    assert services.delete_draft(post, by=editor, via="chat", now=now)
    assert not Post.objects.exists()
    assert not Schedule.objects.filter(object_id=str(post.pk)).exists()
    assert not services.delete_draft(post, by=editor, via="chat", now=now)
    assert AuditEntry.objects.filter(action="post.deleted").count() == 1


@pytest.mark.parametrize("state", [Target.SENT, Target.UNKNOWN])
def test_what_appeared_or_may_have_is_not_removed(editor: User, news: Chat, now: datetime, state: Target) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    settle(targets(post)[0], state, now=now)
    with pytest.raises(NotNow) as caught:
        services.delete_draft(post, by=editor, via="chat", now=now)
    assert caught.value.code == "published"


def test_it_is_repeated_as_a_draft_of_who_repeats_it(editor: User, news: Chat, admin: User, now: datetime) -> None:
    post = make_post(editor, news, Place(news, 4), now=now, text="**Tea**", silent=True)
    publish(post, now)
    again = services.repeat_post(post, by=admin, via="chat", now=now)
    assert (again.repeat_of, again.author, again.state) == (post, admin, State.DRAFT)
    assert (again.text, again.markdown, again.silent) == ("Tea", "**Tea**", True)
    assert [(target.chat, target.thread_id) for target in targets(again)] == [(news, 0), (news, 4)]
    assert Delivery.objects.filter(key__startswith=f"post:{again.pk}").count() == 0


# --- who ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "may"), [(Role.MEMBER, False), (Role.EDITOR, True), (Role.ADMIN, True)])
def test_editors_and_admins_may_post(member: User, role: Role, may: bool) -> None:
    member.role = role
    assert services.may_post(member) is may
    member.status = "blocked"
    assert services.may_post(member) is False


def test_only_its_author_and_admins_may_decide_about_it(editor: User, admin: User, member: User, now: datetime) -> None:
    post = make_post(editor, now=now)
    member.role = Role.EDITOR
    assert services.may_change(editor, post)
    assert services.may_change(admin, post)
    assert not services.may_change(member, post)
    assert not services.may_change(None, post)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Short", "Short"),
        ("\n\n  The first line\nand the second", "The first line"),
        (f"Tomorrow we open our veranda: https://example.com/{'v' * 20}", "Tomorrow we open our veranda…"),
        ("w" * 100, "w" * 59 + "…"),
    ],
)
def test_title_is_the_first_words_and_no_piece_of_an_address(editor: User, text: str, title: str) -> None:
    assert make_post(editor, text=text).title == title
