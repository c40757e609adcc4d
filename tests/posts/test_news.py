"""What becomes of posts, told to the webhooks of other programs: posts/services/news.py."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import ApiKey, Chat, Role, User
from core.db import in_db
from delivery import hooks, webhooks
from delivery.models import Delivery, Webhook
from posts import services
from posts.models import Post, PostTarget
from posts.services import news as telling
from posts.services import settling
from tests.house import House
from tests.posts.making import DAY, HOUR, NEWS, fire, fresh, make_post, planned, publish, published, settle, targets
from tests.receiver import receiving

pytestmark = pytest.mark.django_db
Target = PostTarget.State


def hook(number: int = 1, *, all_posts: bool = False, url: str = "https://site.example/in") -> ApiKey:
    """A key with a webhook."""
    key = ApiKey.objects.create(name="Site", prefix=f"skr_{number}", digest=f"d{number}", scopes=["posts:write"])
    webhooks.create_webhook(key, url, all_posts=all_posts, by=None, via="admin", now=key.created_at)
    return key


def told(key: ApiKey | None = None) -> list[dict[str, Any]]:
    """The events on their way, oldest first."""
    rows = Delivery.objects.filter(backend=hooks.BACKEND).order_by("id")
    return [row.content for row in (rows if key is None else rows.filter(lane=hooks.lane_of(key.pk)))]


def events(key: ApiKey | None = None) -> list[str]:
    return [content["event"] for content in told(key)]


def going(editor: User, *chats: Chat, key: ApiKey, now: datetime) -> Post:
    post = make_post(editor, *chats, now=now, key=key)
    publish(post, now)
    return post


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ([Target.SENT, Target.SENT], ["post.published"]),
        ([Target.SENT, Target.FAILED], ["post.partial"]),
        ([Target.FAILED, Target.FAILED], ["post.error"]),
        ([Target.SENT, Target.UNKNOWN], ["post.partial", "post.unknown"]),
        ([Target.FAILED, Target.UNKNOWN], ["post.error", "post.unknown"]),
        ([Target.UNKNOWN, Target.UNKNOWN], ["post.unknown"]),
    ],
)
def test_outcome_is_told_once_when_all_is_settled(
    editor: User, news: Chat, team: Chat, now: datetime, outcomes: list[Target], said: list[str]
) -> None:
    post = going(editor, news, team, key=hook(), now=now)
    first, second = targets(post)
    settle(first, outcomes[0], now=now)
    assert events() == []
    settle(second, outcomes[1], now=now)

    assert events() == said


def test_event_says_where_it_stands_and_where_it_is_and_not_what_it_says(
    editor: User, news: Chat, team: Chat, now: datetime
) -> None:
    post = going(editor, news, team, key=hook(), now=now)
    first, second = targets(post)
    settle(first, now=now + timedelta(seconds=1), numbers=(7, 8))
    settle(second, Target.FAILED, now=now + timedelta(seconds=2))

    [event] = told()
    assert len(event["event_id"]) == 36
    moment = now.strftime("%Y-%m-%dT%H:%M")
    assert event["payload"] == {
        "post_id": str(post.pk),
        "state": "partial",
        "status_reason": "",
        "planned_at": f"{moment}:00Z",
        "published_at": f"{moment}:01Z",
        "late": False,
        "targets": [
            {
                "chat_id": NEWS, "title": "Новости", "thread_id": 0, "state": "sent", "message_ids": [7, 8],
                "sent_at": f"{moment}:01Z", "error_kind": "", "error": "",
            },
            {
                "chat_id": team.telegram_id, "title": "Команда", "thread_id": 0, "state": "failed", "message_ids": [],
                "sent_at": None, "error_kind": "forbidden", "error": "Forbidden: bot was kicked",
            },
        ],
        "happened_at": f"{moment}:02Z",
    }  # fmt: skip
    assert "Hello" not in json.dumps(event)


def test_post_that_came_too_late_is_told_as_expired(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now, key=hook())
    fire(post, late=DAY + timedelta(seconds=1))

    [event] = told()
    assert (event["event"], event["payload"]["state"]) == ("post.expired", "expired")
    assert [target["error_kind"] for target in event["payload"]["targets"]] == ["expired"]


def test_post_that_waits_for_a_decision_is_told_with_the_reason(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now, key=hook())
    User.objects.filter(pk=editor.pk).update(role=Role.MEMBER)
    fire(post)

    [event] = told()
    assert (event["event"], event["payload"]["status_reason"]) == ("post.held", "Its author may not post any more.")


def test_post_that_is_held_by_hand_is_told(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now, key=hook())
    services.hold_post(post, "The schedule broke.", now=now)

    assert events() == ["post.held"]


def test_doubt_that_is_settled_is_told_again(editor: User, news: Chat, now: datetime) -> None:
    post = going(editor, news, key=hook(), now=now)
    settle(targets(post)[0], Target.UNKNOWN, now=now)
    services.resolve(targets(post)[0], there=True, by=editor, via="chat", now=now)

    assert events() == ["post.unknown", "post.published"]
    assert len({content["event_id"] for content in told()}) == 2


def test_doubt_beside_what_was_called_off_is_no_error(editor: User, news: Chat, team: Chat, now: datetime) -> None:
    post = going(editor, news, team, key=hook(), now=now)
    first, second = targets(post)
    settling.called_off(first.pk, first.attempt, now)
    settle(second, Target.UNKNOWN, now=now)

    assert events() == ["post.unknown"]


def test_repaired_post_is_told_as_published(editor: User, news: Chat, now: datetime) -> None:
    post = going(editor, news, key=hook(), now=now)
    settle(targets(post)[0], Target.FAILED, now=now)
    services.retry_failed(post, by=editor, via="chat", now=now)
    settle(targets(post)[0], now=now)

    assert events() == ["post.error", "post.published"]


def test_webhook_hears_of_its_own_keys_posts_only_unless_it_wants_all(editor: User, news: Chat, now: datetime) -> None:
    own, other, everything = hook(1), hook(2), hook(3, all_posts=True)
    post = going(editor, news, key=own, now=now)
    settle(targets(post)[0], now=now)
    by_hand = make_post(editor, news, now=now)
    publish(by_hand, now)
    settle(targets(by_hand)[0], now=now)

    assert (len(events(own)), len(events(other)), len(events(everything))) == (1, 0, 2)
    assert told(own)[0]["event_id"] == told(everything)[0]["event_id"]


@pytest.mark.parametrize("why", ["switched off", "revoked", "expired"])
def test_webhook_that_is_off_or_whose_key_has_ended_hears_nothing(
    editor: User, news: Chat, now: datetime, why: str
) -> None:
    key = hook()
    post = going(editor, news, key=key, now=now)
    if why == "revoked":
        ApiKey.objects.update(revoked_at=now)
    elif why == "expired":
        ApiKey.objects.update(expires_at=now)
    else:
        webhooks.switch_webhook(Webhook.objects.get(), on=False, via="admin", now=now)
    settle(targets(post)[0], now=now)

    assert events() == []


def test_without_webhooks_it_costs_one_query(
    editor: User, news: Chat, now: datetime, django_assert_num_queries: Any
) -> None:
    post = make_post(editor, news, now=now)
    with django_assert_num_queries(1):
        assert telling.tell(post, "published", now) == 0


def test_event_that_nobody_knows_is_a_mistake(editor: User, news: Chat, now: datetime) -> None:
    with pytest.raises(ValueError, match="liked"):
        telling.tell(make_post(editor, news, now=now), "liked", now)


@pytest.mark.django_db(transaction=True)
async def test_program_hears_of_a_post_that_its_key_made(house: House, settings: Settings) -> None:
    settings.OUTWARD_ALLOW_PRIVATE = True
    async with receiving() as receive:
        receiver = await receive(204)
        key = await house.db(hook, url=receiver.url)
        post = await published(house, NEWS, key=key)
        await house.until(lambda: receiver.bodies)
        await house.quiet()

    [body] = receiver.bodies
    said = json.loads(body)
    there = (await in_db(targets, post))[0]
    assert (said["event"], said["attempt"], said["payload"]["post_id"]) == ("post.published", 1, str(post.pk))
    assert said["payload"]["targets"][0]["message_ids"] == [there.message_id]
    assert receiver.heads[0]["webhook-signature"].startswith("v1,")
    assert (await house.db(fresh, post)).state == "published"
