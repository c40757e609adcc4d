"""What became of each target, and what that makes of the post.

    waiting ─▶ queued ─▶ sent ─▶ deleted, gone
                  ├────▶ unknown ─▶ sent (it is there), queued (send again)
                  ├────▶ failed ─▶ queued (retried)
                  └────▶ cancelled

A target is settled under its post's lock, so the last one to be settled is known, and the outcome is told once.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from delivery.tick import LATE
from posts.content import NotNow, Problem, Refused
from posts.models import Post, PostTarget, State
from posts.services import after, checking, leaving, news, notices, proofs
from posts.services.access import may_post
from posts.services.rows import lock, lock_alone, note, store, targets_of

Target = PostTarget.State
APPEARED = PostTarget.APPEARED


def begin(number: int, attempt: int, now: datetime) -> bool:
    """Whether this attempt is to be sent. One that ended badly is begun again when an operator says so in the
    outbox."""
    rows = PostTarget.objects.filter(pk=number, attempt=attempt)
    state = rows.values_list("state", flat=True).first()
    if state == Target.QUEUED:
        return True
    return state in (Target.FAILED, Target.UNKNOWN) and _again(number, attempt, now)


@transaction.atomic
def _again(number: int, attempt: int, now: datetime) -> bool:
    found = _locked(number, attempt)
    if found is None or found[1].state not in (Target.FAILED, Target.UNKNOWN):
        return False
    post, target = found
    _put(target, Target.QUEUED, now, error="", error_kind="")
    post.state, post.status_reason = State.PUBLISHING, ""
    note(post, "send_again", by=None, via="admin", now=now, target=target.pk)
    store(post, post, now)
    return True


def _locked(
    number: int, attempt: int | None, locks: Callable[[Post], Post] = lock_alone
) -> tuple[Post, PostTarget] | None:
    """The target with its post, both locked; None when another attempt is under way, or it is gone.

    Where it may appear, ``locks`` is `lock`: its deletion is a schedule.
    """
    target = PostTarget.objects.filter(pk=number).only("post_id").first()
    if target is None:
        return None
    post = locks(Post(pk=target.post_id))
    held = PostTarget.objects.select_for_update(of=("self",)).select_related("chat").get(pk=number)
    return (post, held) if attempt is None or held.attempt == attempt else None


def _put(target: PostTarget, state: Target, now: datetime, **values: Any) -> None:
    values |= {"state": state, "updated_at": now}
    for name, value in values.items():
        setattr(target, name, value)
    target.save(update_fields=list(values))


# --- from the outbox ------------------------------------------------------------------------------------------------


@transaction.atomic
def sent(
    number: int,
    attempt: int,
    *,
    message_ids: Sequence[int],
    poll_id: str = "",
    revision: int,
    now: datetime,
    warning: str = "",
) -> bool:
    """It is there, as Telegram says. False when it was settled so before."""
    found = _locked(number, attempt, lock)
    if found is None or found[1].state in APPEARED:
        return False
    post, target = found
    _appeared(post, target, message_ids, now, poll_id=poll_id, revision=revision, warning=warning[:500])
    settle(post, now)
    return True


def _appeared(post: Post, target: PostTarget, message_ids: Sequence[int], now: datetime, **values: Any) -> None:
    numbers = [int(number) for number in message_ids]
    first = numbers[0] if numbers else None
    values |= {"message_ids": numbers, "message_id": first, "sent_at": now, "error": "", "error_kind": ""}
    _put(target, Target.SENT, now, **values)
    after.appeared(post, target, now)


@transaction.atomic
def failed(number: int, attempt: int, kind: str, error: str, now: datetime) -> bool:
    """It did not appear, and trying again does not help by itself."""
    return _ended(number, attempt, Target.FAILED, kind, error, now)


@transaction.atomic
def called_off(number: int, attempt: int, now: datetime) -> bool:
    """An operator said that it is not to be sent there."""
    return _ended(number, attempt, Target.CANCELLED, "", "", now)


@transaction.atomic
def unknown(number: int, attempt: int, kind: str, error: str, now: datetime) -> bool:
    """Nobody knows whether it appeared: its author says so, or an update that shows it, which may have come already."""
    if (found := _proof(number, attempt)) is not None:
        post, proof = found
        ids = [proof.message_id]
        return sent(number, attempt, message_ids=ids, poll_id=proof.poll_id, revision=post.revision, now=now)
    return _ended(number, attempt, Target.UNKNOWN, kind, error, now)


def _proof(number: int, attempt: int) -> tuple[Post, proofs.Proof] | None:
    found = _locked(number, attempt, lock)
    if found is None or found[1].state != Target.QUEUED:
        return None
    post, target = found
    target.post = post
    proof = proofs.look_back(target)
    return None if proof is None else (post, proof)


def _ended(number: int, attempt: int, state: Target, kind: str, error: str, now: datetime) -> bool:
    found = _locked(number, attempt)
    if found is None or found[1].state != Target.QUEUED:
        return False
    post, target = found
    # What is to be seen there, if it is.
    revision = post.revision if state == Target.UNKNOWN else target.revision
    _put(target, state, now, error_kind=kind[:30], error=error[:500], revision=revision)
    settle(post, now)
    return True


# --- what that makes of the post ------------------------------------------------------------------------------------


def settle(post: Post, now: datetime, *, tells: bool = True) -> State:
    """Derive the state of a locked post from its targets, and tell its author once what came of it.

    ``tells``: False when they have just decided it themselves.
    """
    targets = targets_of(post)
    before, state = State(post.state), _state_of(targets)
    if any(target.state in APPEARED for target in targets) and post.published_at is None:
        post.published_at = min(target.sent_at or now for target in targets if target.state in APPEARED)
        post.late = post.planned_at is not None and post.published_at - post.planned_at > LATE
    post.state = state
    store(post, post, now, changed=False)
    if state == before or state == State.PUBLISHING:
        return state
    note(post, str(state), by=None, via="bot", now=now)
    _tell(post, targets, now, tells=tells)
    return state


def _tell(post: Post, targets: Sequence[PostTarget], now: datetime, *, tells: bool) -> None:
    """Tell the author, programs, and whoever shows it."""
    with notices.telling(post):
        if tells:
            notices.outcome(post, targets, now)
        for event in _events(State(post.state), targets):
            news.tell(post, event, now)
    notices.settled(post)


def _state_of(targets: Sequence[PostTarget]) -> State:
    states = {target.state for target in targets}
    if Target.QUEUED in states:
        return State.PUBLISHING
    there = [target for target in targets if target.state in APPEARED]
    if there:
        return State.PUBLISHED if len(there) == len(targets) else State.PARTIAL
    if states == {Target.CANCELLED}:
        return State.CANCELLED
    kinds = {target.error_kind for target in targets}
    return State.EXPIRED if targets and kinds == {leaving.EXPIRED} else State.ERROR


def _events(state: State, targets: Sequence[PostTarget]) -> list[str]:
    """What programs hear (services.news). What is only in doubt is no error."""
    names = {State.PUBLISHED: "published", State.PARTIAL: "partial", State.ERROR: "error", State.EXPIRED: "expired"}
    states = {target.state for target in targets}
    events = [names[state]] if state in names and states - {Target.CANCELLED} != {Target.UNKNOWN} else []
    return events + (["unknown"] if Target.UNKNOWN in states else [])


# --- people decide --------------------------------------------------------------------------------------------------


@transaction.atomic
def retry_failed(
    post: Post, *, by: User | None, via: str, now: datetime, targets: Iterable[PostTarget] | None = None
) -> int:
    """Send it once more where it failed, and to chats that were added since, and nowhere else; in how many chats.
    ``targets``: only in these of them.

    Raises Refused when it would fail again.
    """
    held = lock_alone(post)
    chosen = None if targets is None else {target.pk for target in targets}
    rows = [
        target for target in targets_of(held) if target.state in _owed(held) and (chosen is None or target.pk in chosen)
    ]
    if not rows:
        return 0
    _check(held, rows, by, now)
    number = leaving.queue(held, rows, now)
    note(held, "retried", by=by, via=via, now=now, targets=number)
    store(post, held, now)
    return number


def _owed(held: Post) -> tuple[Target, ...]:
    """Where it is to appear and has not. What waits in a post that came to nothing was added to it afterwards."""
    return (Target.FAILED, Target.WAITING) if held.state == State.ERROR else (Target.FAILED,)


def _check(held: Post, rows: Sequence[PostTarget], by: User | None, now: datetime) -> None:
    """Of what is wrong, what concerns ``rows`` counts, and what concerns all."""
    places = {(target.chat_id, target.thread_id) for target in rows}
    problems = [
        one
        for one in checking.check_post(held, now)
        if one.target is None or (one.target.chat.pk, one.target.thread) in places
    ]
    if not may_post(held.author) and not may_post(by):
        problems.append(Problem("author", "may-not-post", _("Its author may not post any more.")))
    if problems:
        raise Refused(problems)


@transaction.atomic
def resolve(
    target: PostTarget, *, there: bool, by: User | None, via: str, now: datetime, message_ids: Sequence[int] = ()
) -> bool:
    """Say of a target that nobody knows about whether it is there; if not, it is sent again. False when it is settled.

    ``message_ids``: its messages, when they are known. Raises NotNow, Refused.
    """
    found = _locked(target.pk, None, lock)
    if found is None or found[1].state != Target.UNKNOWN:
        return False
    post, held = found
    note(post, "is_there" if there else "send_again", by=by, via=via, now=now, target=held.pk)
    if there:
        if problems := list(proofs.wrong_with(held, message_ids)):
            raise Refused(problems)
        _appeared(post, held, message_ids, held.updated_at)
        post.version += 1
        settle(post, now, tells=by is None)
    else:
        if not may_post(post.author) and not may_post(by):
            raise NotNow("may-not-post", _("Its author may not post any more."))
        leaving.queue(post, [held], now)
        store(post, post, now)
    target.refresh_from_db()
    return True
