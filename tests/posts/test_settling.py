"""What became of each target, what that makes of the post, and what people decide about it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from accounts.models import AuditEntry, Chat, Role, User
from core.claims import WORKER
from delivery import services as outbox
from delivery.errors import DeliveryError
from delivery.models import Delivery
from posts import services
from posts.content import NotNow, Refused
from posts.models import Post, PostTarget, State
from posts.services import leaving, settling
from tests.posts.making import HOUR, channel, deliveries, fresh, make_post, publish, settle, states, targets, told

pytestmark = pytest.mark.django_db
Target = PostTarget.State
SENT, FAILED, UNKNOWN, CANCELLED = Target.SENT, Target.FAILED, Target.UNKNOWN, Target.CANCELLED


@pytest.fixture
def going(editor: User, news: Chat, team: Chat, now: datetime) -> Post:
    """On its way to three chats."""
    post = make_post(editor, news, team, channel(-1007, "Акции"), now=now)
    publish(post, now)
    return post


def ends(post: Post, now: datetime, *became: Target) -> Post:
    for target, state in zip(targets(post), became, strict=True):
        settle(target, state, now=now)
    return fresh(post)


def retry(post: Post, now: datetime, **more: object) -> int:
    return services.retry_failed(post, **{"by": post.author, "via": "chat", "now": now} | more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("became", "state"),
    [
        ((SENT, SENT, SENT), State.PUBLISHED),
        ((SENT, FAILED, SENT), State.PARTIAL),
        ((SENT, UNKNOWN, SENT), State.PARTIAL),
        ((FAILED, FAILED, FAILED), State.ERROR),
        ((UNKNOWN, FAILED, FAILED), State.ERROR),
        ((UNKNOWN, UNKNOWN, UNKNOWN), State.ERROR),
    ],
)
def test_its_state_follows_from_its_targets(
    going: Post, now: datetime, became: tuple[Target, ...], state: State
) -> None:
    assert ends(going, now, *became).state == state
    assert AuditEntry.objects.filter(action=f"post.{state}").count() == 1


def test_until_the_last_one_is_settled_it_is_going_out(going: Post, now: datetime, editor: User) -> None:
    first, second, third = targets(going)
    settle(first, now=now)
    settle(second, FAILED, now=now)
    assert fresh(going).state == State.PUBLISHING
    assert told(editor) == []
    settle(third, now=now)
    assert (fresh(going).state, len(told(editor))) == (State.PARTIAL, 1)


@pytest.mark.django_db(transaction=True)
def test_the_last_two_at_once_tell_it_once(
    editor: User, news: Chat, team: Chat, now: datetime, at_once: Callable[..., list[object]]
) -> None:
    post = make_post(editor, news, team, now=now)
    publish(post, now)
    first, second = targets(post)
    at_once(lambda: settle(first, now=now), lambda: settle(second, now=now))
    assert (fresh(post).state, len(told(editor))) == (State.PUBLISHED, 1)


def test_what_is_there_is_there_with_its_numbers(going: Post, now: datetime) -> None:
    first = targets(going)[0]
    settle(first, now=now + HOUR, numbers=(11, 12))
    first.refresh_from_db()
    assert (first.message_ids, first.message_id, first.sent_at, first.revision) == ([11, 12], 11, now + HOUR, 1)
    assert not services.sent(first.pk, 1, message_ids=[13], revision=1, now=now)
    assert targets(going)[0].message_ids == [11, 12]


def test_an_ending_of_an_earlier_attempt_changes_nothing(going: Post, now: datetime) -> None:
    post = ends(going, now, FAILED, SENT, SENT)
    retry(post, now)
    first = targets(post)[0]
    assert not services.failed(first.pk, 1, "forbidden", "late news", now)
    assert not services.sent(first.pk, 1, message_ids=[5], revision=1, now=now)
    assert states(post)[0] == Target.QUEUED


def test_it_counts_as_published_from_the_first_chat_on(going: Post, now: datetime) -> None:
    for minutes, target in enumerate(targets(going)):
        settle(target, now=now + timedelta(minutes=minutes))
    assert (fresh(going).published_at, fresh(going).late) == (now, False)


# --- retry ----------------------------------------------------------------------------------------------------------


def test_retry_touches_only_what_failed(going: Post, now: datetime) -> None:
    post = ends(going, now, SENT, FAILED, SENT)
    assert retry(post, now) == 1
    assert (fresh(post).state, states(post)) == (State.PUBLISHING, [SENT, Target.QUEUED, SENT])
    second = targets(post)[1]
    assert [row.key for row in deliveries(post)[3:]] == [f"post:{post.pk}:{second.pk}:2"]
    settle(second, now=now)
    assert (fresh(post).state, targets(post)[1].error) == (State.PUBLISHED, "")


def test_retry_may_be_for_some_of_them(going: Post, now: datetime) -> None:
    post = ends(going, now, FAILED, FAILED, SENT)
    assert retry(post, now, targets=targets(post)[1:]) == 1
    assert states(post) == [FAILED, Target.QUEUED, SENT]


def test_what_nobody_knows_of_is_not_retried(going: Post, now: datetime) -> None:
    post = ends(going, now, UNKNOWN, SENT, SENT)
    assert retry(post, now) == 0
    assert fresh(post).state == State.PARTIAL


def test_a_second_press_retries_nothing_more(going: Post, now: datetime) -> None:
    post = ends(going, now, FAILED, SENT, SENT)
    assert [retry(post, now), retry(post, now)] == [1, 0]


def test_a_retry_that_would_fail_again_is_refused_by_the_name_of_the_chat(going: Post, now: datetime) -> None:
    post = ends(going, now, SENT, SENT, FAILED)
    Chat.objects.filter(title="Акции").update(bot_status="kicked")
    Chat.objects.filter(title="Новости").update(bot_status="kicked")  # it is there already
    with pytest.raises(Refused) as caught:
        retry(post, now)
    assert ["“Акции”" in problem.text for problem in caught.value.problems] == [True]


# --- nobody knows ---------------------------------------------------------------------------------------------------


def test_it_is_there_says_a_person(going: Post, now: datetime, editor: User) -> None:
    post = ends(going, now, UNKNOWN, SENT, SENT)
    heard = len(told(editor))
    assert services.resolve(targets(post)[0], there=True, by=editor, via="chat", now=now + HOUR)
    assert (fresh(post).state, states(post), targets(post)[0].sent_at) == (State.PUBLISHED, [SENT] * 3, now)
    assert len(told(editor)) == heard  # they said so themselves
    assert AuditEntry.objects.get(action="post.is_there").actor == editor
    assert not services.resolve(targets(post)[0], there=False, by=editor, via="chat", now=now)


def test_an_update_that_shows_it_settles_it_and_its_author_is_told(going: Post, now: datetime, editor: User) -> None:
    post = ends(going, now, UNKNOWN, SENT, SENT)
    first = targets(post)[0]
    assert services.resolve(first, there=True, by=None, via="bot", now=now, message_ids=[77])
    assert (fresh(post).state, targets(post)[0].message_id) == (State.PUBLISHED, 77)
    assert told(editor)[-1].startswith("✅ “Hello” is published.")


def test_it_is_sent_again_only_there_and_as_a_new_attempt(going: Post, now: datetime, editor: User) -> None:
    post = ends(going, now, UNKNOWN, SENT, SENT)
    first = targets(post)[0]
    assert services.resolve(first, there=False, by=editor, via="chat", now=now)
    assert (fresh(post).state, states(post)) == (State.PUBLISHING, [Target.QUEUED, SENT, SENT])
    assert deliveries(post)[-1].key == f"post:{post.pk}:{first.pk}:2"
    assert not services.resolve(first, there=False, by=editor, via="chat", now=now)


@pytest.mark.django_db(transaction=True)
def test_two_answers_at_once_are_one(
    editor: User, news: Chat, now: datetime, at_once: Callable[..., list[bool]]
) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    settle(targets(post)[0], UNKNOWN, now=now)

    def answer(there: bool) -> Callable[[], bool]:
        return lambda: services.resolve(targets(post)[0], there=there, by=editor, via="chat", now=now)

    assert sorted(at_once(answer(True), answer(False), answer(False))) == [False, False, True]
    assert len(deliveries(post)) <= 2


def test_one_who_may_not_post_any_more_sends_nothing_again(going: Post, now: datetime, editor: User) -> None:
    post = ends(going, now, UNKNOWN, SENT, SENT)
    User.objects.filter(pk=editor.pk).update(role=Role.MEMBER)
    with pytest.raises(NotNow):
        services.resolve(targets(post)[0], there=False, by=None, via="api", now=now)
    assert states(post)[0] == UNKNOWN


def test_what_is_known_after_all_stays_known(going: Post, now: datetime) -> None:
    """The record of the target was made, and the process died before the outbox had its own."""
    first = targets(going)[0]
    settle(first, now=now)
    assert not services.unknown(first.pk, 1, "crash", "The process died while sending.", now)
    assert states(going)[0] == SENT


# --- the outbox -----------------------------------------------------------------------------------------------------


def test_a_crash_while_sending_leaves_it_open(going: Post, now: datetime) -> None:
    row = deliveries(going)[0]
    Delivery.objects.filter(pk=row.pk).update(state="sending")
    outbox.return_abandoned([row.pk], now)
    assert states(going)[0] == UNKNOWN
    assert Delivery.objects.get(pk=row.pk).state == "unknown"


def test_what_never_left_is_tried_again_and_nobody_is_asked(going: Post, now: datetime, editor: User) -> None:
    row = deliveries(going)[0]
    Delivery.objects.filter(pk=row.pk).update(state="sending", worker=WORKER, attempts=1)
    row.refresh_from_db()
    outbox.record_error(row, DeliveryError("network", "Connection refused"), now)
    row.refresh_from_db()
    assert (row.state, row.repeated, states(going)[0]) == ("queued", False, Target.QUEUED)
    assert told(editor) == []


def test_a_read_timeout_is_not_tried_again_by_itself(going: Post, now: datetime) -> None:
    row = deliveries(going)[0]
    Delivery.objects.filter(pk=row.pk).update(state="sending", worker=WORKER, attempts=1)
    row.refresh_from_db()
    outbox.record_error(row, DeliveryError("network", "Timed out", doubt=True), now)
    row.refresh_from_db()
    assert (row.state, states(going)[0]) == ("unknown", UNKNOWN)


def test_a_crash_after_a_withdrawal_is_not_forgotten(going: Post, now: datetime, editor: User) -> None:
    """Its content is emptied when it is called back too late; whose it is stands in its key."""
    Delivery.objects.filter(key__endswith=":1", chat_id=targets(going)[0].chat.telegram_id).update(state="sending")
    services.cancel_post(going, by=editor, via="chat", now=now)
    Delivery.objects.update(content=outbox.ERASED)
    outbox.return_abandoned([deliveries(going)[0].pk], now)
    assert states(going) == [UNKNOWN, CANCELLED, CANCELLED]


def test_an_operator_may_begin_it_again_in_the_outbox(going: Post, now: datetime) -> None:
    post = ends(going, now, FAILED, SENT, SENT)
    first = targets(post)[0]
    assert settling.begin(first.pk, 1, now)
    assert (fresh(post).state, states(post)[0]) == (State.PUBLISHING, Target.QUEUED)
    settle(first, now=now)
    assert fresh(post).state == State.PUBLISHED


@pytest.mark.parametrize("became", [SENT, CANCELLED])
def test_what_is_settled_is_not_begun_again(going: Post, now: datetime, became: Target) -> None:
    PostTarget.objects.update(state=became)
    assert not settling.begin(targets(going)[0].pk, 1, now)


def test_what_waited_in_the_outbox_beyond_its_time_has_expired(going: Post, now: datetime, editor: User) -> None:
    for target in targets(going):
        services.failed(target.pk, 1, leaving.EXPIRED, "Its time had passed.", now)
    assert fresh(going).state == State.EXPIRED
    assert told(editor)[-1].startswith("⌛ “Hello” was not published")


def test_a_key_names_its_attempt_and_a_side_step_none(going: Post) -> None:
    first = targets(going)[0]
    assert leaving.parse(leaving.key_of(first)) == (going.pk, first.pk, 1)
    assert leaving.parse(f"post:{going.pk}:{first.pk}:edit:2") is None
