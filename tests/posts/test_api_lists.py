"""Several posts at once over REST: lists, places, figures, the record."""

import time
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Access, Chat, User
from delivery.models import Heartbeat
from posts.models import Post, PostTarget, State, Topic
from tests.posts.making import HOUR, NEWS, TEAM, Target, editor, make_post, planned, publish, settle, targets
from tests.posts.rest import EDITOR, Service, made
from tests.rest.calling import flaws

pytestmark = pytest.mark.django_db


def texts(answer: Any) -> list[str]:
    return [item["text"] for item in made(answer)["items"]]


# --- lists ----------------------------------------------------------------------------------------------------------


def test_posts_changed_last_come_first(service: Service, editor: User) -> None:
    for name in ("one", "two", "three"):
        service.now += timedelta(minutes=1)
        make_post(editor, now=service.now, text=name)
    assert texts(service.get()) == ["three", "two", "one"]
    body = made(service.get("?limit=2&page=2"))
    assert [one["text"] for one in body["items"]] == ["one"]
    assert (body["page"], body["limit"], body["total"], body["pages"]) == (2, 2, 3, 2)


def test_page_past_the_end_is_empty(service: Service, editor: User) -> None:
    make_post(editor, now=service.now)
    assert texts(service.get("?page=7")) == []


def test_posts_are_found_by_state(service: Service, editor: User, news: Chat) -> None:
    make_post(editor, now=service.now, text="draft")
    planned(editor, news, at=service.now + HOUR, now=service.now, text="planned")
    assert texts(service.get("?state=scheduled")) == ["planned"]
    assert sorted(texts(service.get("?state=scheduled&state=draft"))) == ["draft", "planned"]


def test_posts_are_found_by_author(service: Service, editor: User) -> None:
    make_post(editor, now=service.now, text="hers")
    make_post(another_editor(), now=service.now, text="his")
    assert texts(service.get(f"?author={EDITOR}")) == ["hers"]
    assert texts(service.get("?author=999")) == []


def another_editor() -> User:
    return editor(105, "Пётр")


def test_posts_are_found_by_target(service: Service, editor: User, news: Chat, team: Chat) -> None:
    make_post(editor, news, team, now=service.now, text="both")
    make_post(editor, team, now=service.now, text="group")
    assert texts(service.get(f"?target={NEWS}")) == ["both"]
    assert sorted(texts(service.get(f"?target={TEAM}"))) == ["both", "group"]
    assert texts(service.get("?target=-1")) == []


def test_posts_of_a_period_come_in_its_order(service: Service, editor: User, news: Chat) -> None:
    for hours in (3, 1, 2):
        planned(editor, news, at=service.now + hours * HOUR, now=service.now, text=str(hours))
    make_post(editor, now=service.now, text="draft")
    assert texts(service.get("?from=2026-11-20T10:00:00Z")) == ["1", "2", "3"]
    assert texts(service.get("?from=2026-11-20T13:30:00+03:00&to=2026-11-20T12:00:00Z")) == ["2"]


@pytest.mark.parametrize("words", ["распродажа", "Распродажа", "РАСПРОДАЖА"])
def test_words_are_found_in_capitals_or_not(service: Service, editor: User, words: str) -> None:
    make_post(editor, now=service.now, text="Распродажа начинается")
    make_post(editor, now=service.now, text="Завтра распродажа")
    assert made(service.get(f"?q={words}"))["total"] == 2


def test_posts_are_found_by_words(service: Service, editor: User) -> None:
    make_post(editor, now=service.now, text="The great Sale")
    make_post(editor, now=service.now, text="", poll={"question": "A sale?", "options": [{"text": "a"}, {"text": "b"}]})
    make_post(editor, now=service.now, text="Winter")
    assert made(service.get("?q=sale"))["total"] == 2
    assert made(service.get("?q=%25"))["total"] == 0


@pytest.mark.parametrize(
    ("query", "flaw"),
    [
        ("state=sent", ("state.0", "bad-value")),
        ("author=anna", ("author", "bad-value")),
        ("target=news", ("target", "bad-value")),
        ("target=--1", ("target", "bad-value")),
        ("from=yesterday", ("from", "bad-value")),
        ("from=2026-11-20T10:00:00", ("from", "no-zone")),
        ("to=2026-02-30T10:00:00Z", ("to", "bad-time")),
        ("limit=101", ("limit", "out-of-range")),
        ("page=0", ("page", "out-of-range")),
        ("q=" + "x" * 101, ("q", "too-long")),
        ("q=%00", ("q", "bad-value")),
        ("stat=draft", ("stat", "unknown-field")),
    ],
)
def test_parameter_that_is_wrong_is_named(service: Service, query: str, flaw: tuple[str, str]) -> None:
    assert flaws(service.get(f"?{query}")) == [flaw]


def test_list_asks_the_same_number_of_questions_however_long_it_is(
    service: Service, editor: User, news: Chat, team: Chat, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _number in range(30):
        make_post(editor, news, team, now=service.now)
    service.get()
    with django_assert_max_num_queries(6):
        made(service.get("?limit=30"))


@pytest.mark.parametrize("query", ["", "?state=error", "?from=2026-11-20T10:00:00Z", f"?target={NEWS}", "?q=needle"])
def test_list_is_quick_beside_many_old_posts(service: Service, editor: User, news: Chat, query: str) -> None:
    """Not 100,000 as in a year of a busy team, but enough for a statement a post to be seen."""
    old = [
        Post(author=editor, state=State.PUBLISHED, text=f"Post {number}", planned_at=service.now - number * HOUR)
        for number in range(2000)
    ]
    Post.objects.bulk_create(old)
    PostTarget.objects.bulk_create(PostTarget(post=row, chat=news, state=Target.SENT) for row in old)
    service.get(query)
    assert any(seconds_of(service, query) < 0.3 for _look in range(20)), "the machine may pause, but not each time"


def seconds_of(service: Service, query: str) -> float:
    begun = time.perf_counter()
    made(service.get(query))
    return time.perf_counter() - begun


# --- places ---------------------------------------------------------------------------------------------------------


def test_places_are_listed_with_rights_and_topics(service: Service, news: Chat, team: Chat) -> None:
    Topic.objects.create(chat=team, thread_id=5, name="Plans")
    Topic.objects.create(chat=team, thread_id=6, name="Gone", deleted=True)
    group, channel = made(service.get("places"))["items"]
    assert (group["chat_id"], group["kind"], channel["chat_id"], channel["kind"]) == (
        TEAM, "supergroup", NEWS, "channel",
    )  # fmt: skip
    assert group["topics"] == [{"thread_id": 5, "name": "Plans", "closed": False}]
    assert (channel["bot_status"], channel["bot_rights"]["can_post_messages"]) == ("administrator", True)
    assert channel["problems"] == []


def test_place_where_the_bot_may_not_post_says_why(service: Service, news: Chat) -> None:
    Chat.objects.filter(pk=news.pk).update(bot_rights={"can_post_messages": False})
    [place] = made(service.get("places"))["items"]
    assert "Новости" in place["problems"][0]["detail"]


def test_chats_that_nobody_let_in_and_private_ones_are_no_places(service: Service, editor: User, news: Chat) -> None:
    Chat.objects.filter(pk=news.pk).update(status=Access.PENDING)
    assert made(service.get("places"))["items"] == []


def test_places_are_not_found_by_what_no_title_holds(service: Service) -> None:
    assert flaws(service.get("places?q=%00")) == [("q", "bad-value")]


def test_places_are_found_by_title(service: Service, news: Chat, team: Chat) -> None:
    assert [one["chat_id"] for one in made(service.get("places?q=новост"))["items"]] == [NEWS]


# --- figures --------------------------------------------------------------------------------------------------------


def test_stats_count_states_errors_and_what_comes_next(service: Service, editor: User, news: Chat) -> None:
    row = make_post(editor, news, now=service.now)
    publish(row, service.now)
    settle(targets(row)[0], Target.FAILED, now=service.now)
    planned(editor, news, at=service.now + HOUR, now=service.now, text="next")
    make_post(editor, now=service.now)
    body = made(service.get("stats"))
    assert {name: body["counts"][name] for name in ("draft", "scheduled", "error", "published", "ready")} == {
        "draft": 1, "scheduled": 1, "error": 1, "published": 0, "ready": 0,
    }  # fmt: skip
    assert [(one["title"], one["error_kind"], one["count"]) for one in body["errors"]] == [("Новости", "forbidden", 1)]
    assert [one["text"] for one in body["next"]] == ["next"]
    assert body["lag"] is None


def test_stats_tell_how_punctual_posts_are(service: Service, editor: User, news: Chat) -> None:
    row = make_post(editor, news, now=service.now)
    publish(row, service.now)
    settle(targets(row)[0], now=service.now + timedelta(seconds=2))
    service.now += timedelta(minutes=1)
    assert made(service.get("stats"))["lag"] == {"median": 2.0, "p95": 2.0, "worst": 2.0, "sample": 1}


def test_status_tells_that_nobody_lets_posts_out(service: Service, editor: User, news: Chat) -> None:
    planned(editor, news, at=service.now + HOUR, now=service.now)
    body = made(service.get("status"))
    assert (body["alive"], body["trouble"], body["last_tick_at"]) == (False, True, None)
    service.now += 2 * HOUR
    body = made(service.get("status"))
    assert (body["overdue"], body["lag_seconds"], body["oldest_due_at"]) == (1, 3600.0, "2026-11-20T10:00:00Z")


def test_status_tells_of_a_scheduler_that_lives(service: Service, editor: User, news: Chat) -> None:
    row = planned(editor, news, at=service.now + HOUR, now=service.now)
    Heartbeat.objects.create(name="bot", at=service.now, details={"ticked_seconds_ago": 1})
    body = made(service.get("status"))
    assert (body["alive"], body["trouble"], body["planned"]) == (True, False, 1)
    assert body["last_tick_at"] == "2026-11-20T08:59:59Z"
    assert ("publish", str(row.pk)) in [(job["what"], job["post_id"]) for job in body["jobs"]]


# --- the record -----------------------------------------------------------------------------------------------------


def test_record_tells_who_did_what(service: Service, editor: User, news: Chat) -> None:
    body = service.created()
    service.post(f"{body['id']}/schedule", {"planned_at": "2026-11-20T12:00:00Z"})
    make_post(editor, now=service.now, text="Other")
    items = made(service.get(f"audit?post_id={body['id']}"))["items"]
    assert [one["action"] for one in items] == ["post.scheduled", "post.created"]
    assert {one["post_id"] for one in items} == {body["id"]}
    assert made(service.get("audit"))["total"] == 3


def test_record_of_no_id_is_refused(service: Service) -> None:
    assert flaws(service.get("audit?post_id=7")) == [("post_id", "bad-value")]
