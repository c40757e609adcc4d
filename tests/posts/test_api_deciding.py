"""Posts over REST: planned, published, called off, sent again, taken away; what a person saw of a target."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from pytest_django import Settings

from accounts.models import AuditEntry, Chat, Role, User
from delivery.models import Delivery
from posts.models import Post, PostTarget, State
from tests.posts.making import (
    HOUR,
    NEWS,
    TEAM,
    Target,
    deliveries,
    fire,
    fresh,
    make_post,
    publish,
    settle,
    states,
    targets,
)
from tests.posts.rest import Service, made
from tests.rest.calling import flaws, problem

pytestmark = pytest.mark.django_db
NOON = "2026-11-20T12:00:00Z"


@pytest.fixture(autouse=True)
def _people(editor: User, news: Chat, team: Chat) -> None:
    """Who may post, and where."""


@pytest.fixture
def draft(service: Service, editor: User, news: Chat, team: Chat) -> Post:
    """For the channel and the group."""
    return make_post(editor, news, team, now=service.now)


def out(row: Post, service: Service, *outcomes: Target) -> Post:
    """Published, with those outcomes in its targets."""
    publish(row, service.now)
    for target, outcome in zip(targets(row), outcomes, strict=True):
        settle(target, outcome, now=service.now)
    return fresh(row)


# --- planned --------------------------------------------------------------------------------------------------------


def test_post_is_scheduled_for_an_instant(service: Service, draft: Post) -> None:
    body = made(service.post(f"{draft.pk}/schedule", {"planned_at": "2026-11-20T15:00:00+03:00"}))
    assert (body["state"], body["planned_at"], body["wall_time"]) == ("scheduled", NOON, "")


def test_post_is_scheduled_by_a_clock(service: Service, draft: Post) -> None:
    plan = {"planned_at": "2026-11-20T13:00:00", "timezone": "Europe/Berlin"}
    body = made(service.post(f"{draft.pk}/schedule", plan))
    assert (body["planned_at"], body["timezone"]) == (NOON, "Europe/Berlin")
    assert body["wall_time"] == "2026-11-20T13:00"


def test_clock_may_be_the_authors(service: Service, draft: Post) -> None:
    body = made(service.post(f"{draft.pk}/schedule", {"planned_at": "2026-11-20T15:00:00", "timezone": "owner"}))
    assert (body["planned_at"], body["timezone"]) == (NOON, "Europe/Moscow")


def test_time_without_an_offset_needs_a_clock(service: Service, draft: Post) -> None:
    answer = service.post(f"{draft.pk}/schedule", {"planned_at": "2026-11-20T15:00:00"})
    assert flaws(answer) == [("planned_at", "no-zone")]


def test_time_that_the_clock_skips_is_refused_with_a_proposal(service: Service, draft: Post) -> None:
    plan = {"planned_at": "2027-03-28T02:30:00", "timezone": "Europe/Berlin"}
    answer = service.post(f"{draft.pk}/schedule", plan)
    assert flaws(answer) == [("planned_at", "no-such-time")]
    assert "03:00" in problem(answer)["detail"]
    assert fresh(draft).state == State.DRAFT


def test_hour_that_comes_twice_is_remarked(service: Service, draft: Post) -> None:
    plan = {"planned_at": "2027-10-31T02:30:00", "timezone": "Europe/Berlin"}
    body = made(service.post(f"{draft.pk}/schedule", plan))
    assert body["planned_at"] == "2027-10-31T00:30:00Z"
    assert "twice" in body["remark"]


def test_past_is_refused_with_the_time_it_is(service: Service, draft: Post) -> None:
    answer = service.post(f"{draft.pk}/schedule", {"planned_at": "2026-11-20T08:58:00Z"})
    assert flaws(answer) == [("planned_at", "past")]
    assert "12:00" in problem(answer)["detail"]


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "", "../etc/passwd"])
def test_clock_that_nobody_knows_is_refused(service: Service, draft: Post, zone: str) -> None:
    answer = service.post(f"{draft.pk}/schedule", {"planned_at": "2026-11-20T15:00:00", "timezone": zone})
    assert [field for field, _code in flaws(answer)] == ["timezone"]


@pytest.mark.parametrize("time", ["tomorrow", "2026-02-30T10:00:00Z", "2026-11-20", "9999-12-31T23:59:59"])
def test_time_that_does_not_exist_is_refused(service: Service, draft: Post, time: str) -> None:
    answer = service.post(f"{draft.pk}/schedule", {"planned_at": time, "timezone": "Pacific/Pago_Pago"})
    assert [field for field, _code in flaws(answer)] == ["planned_at"]


def test_scheduled_post_is_put_off(service: Service, draft: Post) -> None:
    service.post(f"{draft.pk}/schedule", {"planned_at": NOON})
    body = made(service.post(f"{draft.pk}/schedule", {"planned_at": "2026-11-20T13:00:00Z"}))
    assert body["planned_at"] == "2026-11-20T13:00:00Z"
    assert AuditEntry.objects.filter(action="post.rescheduled").count() == 1


def test_right_that_the_bot_lacks_names_the_target(service: Service, draft: Post, team: Chat) -> None:
    Chat.objects.filter(pk=team.pk).update(bot_status="kicked")
    answer = service.post(f"{draft.pk}/schedule", {"planned_at": NOON})
    [(field, _code)] = flaws(answer)
    assert field == "targets.1"
    assert "Команда" in problem(answer)["detail"]


def test_dry_run_of_a_plan_tells_when_and_plans_nothing(service: Service, draft: Post) -> None:
    plan = {"planned_at": "2026-11-20T13:00:00", "timezone": "Europe/Berlin"}
    body = made(service.post(f"{draft.pk}/schedule?dry_run=true", plan))
    assert (body["planned_at"], body["problems"], len(body["preview"])) == (NOON, [], 2)
    assert fresh(draft).state == State.DRAFT
    assert fresh(draft).schedule is None


def test_same_words_in_the_hour_are_a_warning_and_no_bar(
    service: Service, draft: Post, editor: User, news: Chat
) -> None:
    other = make_post(editor, news, now=service.now)
    made(service.post(f"{other.pk}/schedule", {"planned_at": NOON}))
    body = made(service.post(f"{draft.pk}/schedule?dry_run=true", {"planned_at": "2026-11-20T12:30:00Z"}))
    assert "Новости" in body["warnings"][0]
    assert made(service.post(f"{draft.pk}/schedule", {"planned_at": "2026-11-20T12:30:00Z"}))["state"] == "scheduled"


def test_published_post_is_not_scheduled_again(service: Service, draft: Post) -> None:
    out(draft, service, Target.SENT, Target.SENT)
    answer = service.post(f"{draft.pk}/schedule", {"planned_at": NOON})
    assert flaws(answer, 409) == [("state", "published")]
    assert "repeat" in problem(answer)["detail"]


def test_what_went_wrong_is_scheduled_as_a_new_attempt(service: Service, draft: Post) -> None:
    out(draft, service, Target.FAILED, Target.FAILED)
    made(service.post(f"{draft.pk}/schedule", {"planned_at": NOON}))
    fire(fresh(draft))
    assert [target.attempt for target in targets(draft)] == [2, 2]
    assert len({one.key for one in deliveries(draft)}) == 4


def test_limit_of_planned_posts_is_told(service: Service, draft: Post, settings: Settings) -> None:
    settings.POSTS_PER_AUTHOR = 1
    other = service.created()
    made(service.post(f"{other['id']}/schedule", {"planned_at": NOON}))
    assert flaws(service.post(f"{draft.pk}/schedule", {"planned_at": NOON})) == [("author", "too-many")]


# --- published ------------------------------------------------------------------------------------------------------


def test_publishing_sends_to_each_target_once_however_often_it_is_asked(service: Service, draft: Post) -> None:
    for _time in range(3):
        body = made(service.post(f"{draft.pk}/publish"))
    assert body["state"] == "publishing"
    assert sorted(one.chat_id or 0 for one in deliveries(draft)) == sorted([NEWS, TEAM])


def test_published_post_is_not_published_again(service: Service, draft: Post) -> None:
    out(draft, service, Target.SENT, Target.SENT)
    assert made(service.post(f"{draft.pk}/publish"))["state"] == "published"
    assert len(deliveries(draft)) == 2


def test_draft_without_targets_is_not_published(service: Service) -> None:
    body = service.created(targets=[])
    assert flaws(service.post(f"{body['id']}/publish")) == [("targets", "no-target")]


def test_dry_run_of_publishing_sends_nothing(service: Service, draft: Post) -> None:
    body = made(service.post(f"{draft.pk}/publish?dry_run=true"))
    assert [call["chat_id"] for call in body["preview"]] == [NEWS, TEAM]
    assert fresh(draft).state == State.DRAFT
    assert not deliveries(draft)


def test_post_of_who_may_not_post_any_more_is_not_published(service: Service, draft: Post, editor: User) -> None:
    User.objects.filter(pk=editor.pk).update(role=Role.MEMBER)
    assert ("author", "may-not-post") in flaws(service.post(f"{draft.pk}/publish"))


@pytest.mark.parametrize("verb", ["publish", "cancel", "schedule"])
def test_decision_about_an_older_version_is_refused(service: Service, draft: Post, verb: str) -> None:
    service.patch(str(draft.pk), {"text": "Other words"})
    body = {"planned_at": NOON} if verb == "schedule" else None
    assert problem(service.post(f"{draft.pk}/{verb}", body, If_Match='"1"'))["status"] == 412
    assert fresh(draft).state == State.DRAFT


# --- called off -----------------------------------------------------------------------------------------------------


def test_planned_post_is_cancelled_with_a_reason(service: Service, draft: Post) -> None:
    service.post(f"{draft.pk}/schedule", {"planned_at": NOON})
    body = made(service.post(f"{draft.pk}/cancel", {"reason": "The sale is off"}))
    assert (body["state"], body["status_reason"]) == ("cancelled", "The sale is off")
    assert made(service.post(f"{draft.pk}/cancel"))["state"] == "cancelled"
    assert AuditEntry.objects.filter(action="post.cancelled").count() == 1


def test_draft_is_not_cancelled(service: Service, draft: Post) -> None:
    assert flaws(service.post(f"{draft.pk}/cancel"), 409) == [("state", "nothing-to-cancel")]


def test_what_is_going_out_is_withdrawn_where_it_has_not_left(service: Service, draft: Post) -> None:
    publish(draft, service.now)
    settle(targets(draft)[0], now=service.now)
    body = made(service.post(f"{draft.pk}/cancel"))
    assert [target["state"] for target in body["targets"]] == ["sent", "cancelled"]
    assert body["state"] == "partial"


# --- repaired -------------------------------------------------------------------------------------------------------


def test_retry_sends_only_where_it_failed(service: Service, draft: Post) -> None:
    out(draft, service, Target.SENT, Target.FAILED)
    body = made(service.post(f"{draft.pk}/retry"))
    assert (body["targets"], body["post"]["state"]) == (1, "publishing")
    assert [target.attempt for target in targets(draft)] == [1, 2]


def test_retry_may_name_its_targets(service: Service, draft: Post) -> None:
    out(draft, service, Target.FAILED, Target.FAILED)
    second = targets(draft)[1].pk
    assert made(service.post(f"{draft.pk}/retry", {"targets": [second]}))["targets"] == 1
    assert states(draft) == ["failed", "queued"]


def test_retry_of_what_failed_nowhere_is_told(service: Service, draft: Post) -> None:
    out(draft, service, Target.SENT, Target.UNKNOWN)
    assert flaws(service.post(f"{draft.pk}/retry"), 409) == [("state", "nothing-failed")]


def test_target_of_another_post_is_not_named(service: Service, draft: Post) -> None:
    other = service.created()["targets"][0]["id"]
    out(draft, service, Target.FAILED, Target.FAILED)
    assert service.post(f"{draft.pk}/retry", {"targets": [other]}).status_code == 404


def test_person_says_that_it_is_there(service: Service, draft: Post) -> None:
    out(draft, service, Target.SENT, Target.UNKNOWN)
    path = f"{draft.pk}/targets/{targets(draft)[1].pk}/resolve"
    target = made(service.post(path, {"outcome": "there", "message_ids": [55]}))
    assert (target["state"], target["message_ids"]) == ("sent", [55])
    assert fresh(draft).state == State.PUBLISHED
    assert len(deliveries(draft)) == 2
    assert flaws(service.post(path, {"outcome": "again"}), 409) == [("state", "settled")]


@pytest.mark.parametrize("numbers", [[55, 56], [55, 55], [0], [8]], ids=["many", "twice", "none", "another's"])
def test_messages_that_cannot_be_its_own_are_refused(
    service: Service, draft: Post, editor: User, team: Chat, numbers: list[int]
) -> None:
    """By these numbers it would be edited and deleted: then somebody else's would go."""
    other = make_post(editor, team, now=service.now)
    publish(other, service.now)
    settle(targets(other)[0], now=service.now, numbers=(7, 8))
    out(draft, service, Target.SENT, Target.UNKNOWN)
    path = f"{draft.pk}/targets/{targets(draft)[1].pk}/resolve"
    wrong = service.post(path, {"outcome": "there", "message_ids": numbers})
    assert [field.partition(".")[0] for field, _code in flaws(wrong)] == ["message_ids"]
    assert states(draft) == [Target.SENT, Target.UNKNOWN]
    assert not AuditEntry.objects.filter(action="post.is_there").exists()


def test_person_says_that_it_is_to_be_sent_again(service: Service, draft: Post) -> None:
    out(draft, service, Target.SENT, Target.UNKNOWN)
    path = f"{draft.pk}/targets/{targets(draft)[1].pk}/resolve"
    assert made(service.post(path, {"outcome": "again"}))["state"] == "queued"
    assert len(deliveries(draft)) == 3


def test_what_nobody_knows_of_is_not_sent_again_by_itself(service: Service, draft: Post) -> None:
    out(draft, service, Target.UNKNOWN, Target.UNKNOWN)
    assert flaws(service.post(f"{draft.pk}/retry"), 409) == [("state", "nothing-failed")]
    assert flaws(service.post(f"{draft.pk}/publish"), 409) == [("state", "unknown-target")]
    assert flaws(service.post(f"{draft.pk}/schedule", {"planned_at": NOON}), 409) == [("state", "unknown-target")]
    assert len(deliveries(draft)) == 2


@pytest.mark.parametrize("number", ["0", "x", "-1", "9" * 30])
def test_target_that_is_not_there_is_a_problem(service: Service, draft: Post, number: str) -> None:
    assert service.post(f"{draft.pk}/targets/{number}/resolve", {"outcome": "there"}).status_code == 404


# --- targets --------------------------------------------------------------------------------------------------------


def test_targets_are_listed(service: Service, draft: Post) -> None:
    items = made(service.get(f"{draft.pk}/targets"))["items"]
    assert [one["chat_id"] for one in items] == [NEWS, TEAM]


def test_targets_are_replaced(service: Service, draft: Post) -> None:
    kept = targets(draft)[1].pk
    items = made(service.put(f"{draft.pk}/targets", {"targets": [{"chat_id": TEAM}]}))["items"]
    assert [(one["id"], one["chat_id"]) for one in items] == [(kept, TEAM)]


def test_targets_of_what_has_appeared_stay(service: Service, draft: Post) -> None:
    out(draft, service, Target.SENT, Target.SENT)
    answer = service.put(f"{draft.pk}/targets", {"targets": [{"chat_id": TEAM}]})
    assert flaws(answer, 409) == [("state", "published")]
    assert PostTarget.objects.filter(post=draft).count() == 2


def test_targets_of_an_older_version_are_not_replaced(service: Service, draft: Post) -> None:
    service.patch(str(draft.pk), {"pin": True})
    answer = service.put(f"{draft.pk}/targets", {"targets": []}, If_Match='"1"')
    assert answer.status_code == 412


# --- taken away -----------------------------------------------------------------------------------------------------


def test_post_is_deleted_from_its_chats(service: Service, draft: Post) -> None:
    out(draft, service, Target.SENT, Target.SENT)
    body = made(service.post(f"{draft.pk}/delete-everywhere"))
    assert body["targets"] == 2
    assert [one.content["do"] for one in deliveries(draft) if "do" in one.content] == ["delete", "delete"]


def test_post_is_deleted_from_one_chat(service: Service, draft: Post) -> None:
    out(draft, service, Target.SENT, Target.SENT)
    first = targets(draft)[0].pk
    assert made(service.post(f"{draft.pk}/delete-everywhere", {"targets": [first]}))["targets"] == 1


def test_what_is_too_old_to_be_deleted_is_told(service: Service, draft: Post) -> None:
    out(draft, service, Target.SENT, Target.SENT)
    service.now += 49 * HOUR
    body = made(service.post(f"{draft.pk}/delete-everywhere"))
    assert body["targets"] == 0
    assert "48 hours" in body["post"]["targets"][0]["warning"]


def test_poll_is_stopped(service: Service) -> None:
    body = service.created(text=None, poll={"question": "Tea?", "options": ["Yes", "No"]})
    row = out(Post.objects.get(pk=body["id"]), service, Target.SENT)
    assert made(service.post(f"{row.pk}/stop-poll"))["targets"] == 1


def test_text_is_no_poll_to_stop(service: Service, draft: Post) -> None:
    out(draft, service, Target.SENT, Target.SENT)
    assert flaws(service.post(f"{draft.pk}/stop-poll"), 409) == [("state", "no-poll")]


# --- several at once ------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_programs_publish_at_the_same_moment_and_it_goes_out_once(
    service: Service, draft: Post, at_once: Callable[..., list[Any]]
) -> None:
    answers = at_once(*[lambda: service.post(f"{draft.pk}/publish")] * 2)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert Delivery.objects.filter(key__startswith=f"post:{draft.pk}:").count() == 2


@pytest.mark.django_db(transaction=True)
def test_removing_and_publishing_at_the_same_moment_leave_one_of_them(
    service: Service, draft: Post, at_once: Callable[..., list[Any]]
) -> None:
    removed, published = at_once(
        lambda: service.delete(str(draft.pk)), lambda: service.post(f"{draft.pk}/publish")
    )  # fmt: skip
    try:
        row = fresh(draft)
    except ObjectDoesNotExist:
        assert (removed.status_code, published.status_code) == (204, 404)
        assert not Delivery.objects.exists()
    else:
        assert (removed.status_code, published.status_code, row.state) == (409, 200, State.PUBLISHING)


def test_expired_post_says_so(service: Service, draft: Post) -> None:
    service.post(f"{draft.pk}/schedule", {"planned_at": NOON})
    row = fire(fresh(draft), late=25 * HOUR)
    body = made(service.get(str(row.pk)))
    assert (body["state"], len(deliveries(row))) == ("expired", 0)
    service.now += timedelta(days=2)
    assert made(service.post(f"{row.pk}/publish"))["state"] == "publishing"
