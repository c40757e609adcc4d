"""What is done with a post that is there: pinned, edited, deleted, its poll stopped, each time by a row of the outbox.

None of them is ever a reason to send it again. When one fails, its target gets a warning and its author a word.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import User
from delivery import planning as schedules
from delivery import services as delivery
from delivery.models import Delivery, Doubt, Schedule
from delivery.schedule import Once
from delivery.tick import Due
from posts.content import NotNow
from posts.models import OUT, Kind, Post, PostTarget, State
from posts.services import leaving, notices
from posts.services.rows import DELETE, SOURCE, lock, lock_alone, note, schedules_of, store, targets_of
from telegram_bot.incoming import language_of

Target = PostTarget.State
PIN, UNPIN, EDIT, REMOVE, STOP = "pin", "unpin", "edit", "delete", "stop"
# Of the pin that follows an attempt to send; others are numbered by versions.
FIRST = "a"
# Telegram deletes for bots what is younger (https://core.telegram.org/bots/api#deletemessage).
DELETABLE = timedelta(hours=48)
SHOWN = {"text", "entities", "media", "poll", "buttons", "link_preview", "caption_above"}


def appeared(post: Post, target: PostTarget, now: datetime) -> None:
    """It is there: pin it, and plan its deletion, if that is wanted. The post is locked."""
    if post.pin and target.message_ids:
        _enqueue([target], PIN, f"{FIRST}{target.attempt}", now)
    if target.revision < post.revision and target.message_ids:  # changed while nobody knew of it
        _enqueue([target], EDIT, str(post.revision), now)
    plan_deletion(post, now)


def follow(post: Post, changed: Iterable[str], *, by: User | None, now: datetime) -> None:
    """A locked and saved post was changed: what has appeared follows."""
    names = set(changed)
    if post.state in OUT:
        there = [target for target in targets_of(post) if target.state == Target.SENT]
        if names & SHOWN:
            _enqueue(there, EDIT, str(post.revision), now)
        if "pin" in names:
            _enqueue(there, PIN if post.pin else UNPIN, str(post.version), now)
    if "delete_after_minutes" in names:
        _end_deletion(post, now)
        plan_deletion(post, now)


def _enqueue(targets: Iterable[PostTarget], do: str, number: str, now: datetime) -> int:
    rows = [
        leaving.row_for(
            target,
            f"{SOURCE}:{target.post_id}:{target.pk}:{do}:{number}",
            {"target": target.pk, "do": do},
            now,
            Doubt.AGAIN,
        )
        for target in targets
    ]
    delivery.enqueue(rows)
    return len(rows)


# --- people decide --------------------------------------------------------------------------------------------------


@transaction.atomic
def delete_everywhere(
    post: Post, *, by: User | None, via: str, now: datetime, targets: Iterable[PostTarget] | None = None
) -> int:
    """Delete it from the chats (``targets``: only from these of them); from how many it is on its way out.

    Where Telegram does not let bots delete it any more, the target gets a warning that says so. Raises NotNow.
    """
    held = lock(post)
    if held.state == State.PUBLISHING:
        raise NotNow("sending-now", _("It is going out at this moment. Delete it when it has arrived."))
    there = _there(held, targets)
    old = [target for target in there if target.sent_at is not None and now - target.sent_at >= DELETABLE]
    _warn(old, _("Telegram lets bots delete a message within 48 hours only. Delete it there by hand."), now)
    young = [target for target in there if target not in old]
    number = _enqueue(young, REMOVE, str(held.version + 1), now)
    if there:
        note(held, "delete_everywhere", by=by, via=via, now=now, targets=number)
        store(post, held, now)
    return number


@transaction.atomic
def stop_poll(
    post: Post, *, by: User | None, via: str, now: datetime, targets: Iterable[PostTarget] | None = None
) -> int:
    """Let nobody vote any more; in how many chats. Raises NotNow."""
    held = lock(post)
    if held.kind != Kind.POLL:
        raise NotNow("no-poll", _("This post is no poll."))
    if held.state == State.PUBLISHING:
        raise NotNow("sending-now", _("It is going out at this moment. Stop it when it has arrived."))
    number = _enqueue(_there(held, targets), STOP, str(held.version + 1), now)
    if number:
        note(held, "poll_stopped", by=by, via=via, now=now, targets=number)
        store(post, held, now)
    return number


def _there(held: Post, targets: Iterable[PostTarget] | None) -> list[PostTarget]:
    chosen = None if targets is None else {target.pk for target in targets}
    return [
        target for target in targets_of(held) if target.state == Target.SENT and (chosen is None or target.pk in chosen)
    ]


def _warn(targets: Sequence[PostTarget], text: str, now: datetime) -> None:
    keys = [target.pk for target in targets]
    PostTarget.objects.filter(pk__in=keys).update(warning=text[:500], updated_at=now)


# --- from the outbox ------------------------------------------------------------------------------------------------


@transaction.atomic
def done(number: int, do: str, now: datetime, *, revision: int = 0, key: str = "") -> None:
    """A side step worked at a target; ``revision``: what is to be seen there since an edit. ``key``: its delivery's."""
    target = _locked(number)
    if target is None:
        return
    # The first pin settles nothing: a warning that is there tells of how it appeared.
    values: dict[str, Any] = {} if f":{PIN}:{FIRST}" in key else {"warning": ""}
    if do == EDIT:
        values["revision"] = revision
    elif do in (PIN, UNPIN):
        values["pinned"] = do == PIN
    elif do == REMOVE:
        values |= {"state": Target.DELETED, "pinned": False}
    PostTarget.objects.filter(pk=number).update(updated_at=now, **values)


@transaction.atomic
def step_failed(row: Delivery, now: datetime) -> None:
    """A side step did not work, and will not: said at its target, and to the author."""
    target = _locked(int(row.content.get("target", 0)))
    if target is None:
        return
    do = str(row.content.get("do", ""))
    post = Post.objects.select_related("author").get(pk=target.post_id)
    if row.error_kind == "gone" and do == UNPIN:
        # Telegram says the same of what is not pinned, which is what was wanted.
        PostTarget.objects.filter(pk=target.pk).update(pinned=False, updated_at=now)
        return
    if row.error_kind == "gone":
        PostTarget.objects.filter(pk=target.pk).update(state=Target.GONE, pinned=False, updated_at=now)
        if do == REMOVE:
            return  # that was what was wanted
    with translation.override(language_of(post.author)):
        warning = notices.step_warning(do, row.error_kind, row.error)
        _warn([target], warning, now)
        notices.step(post, target, f"{do}:{row.key.rpartition(':')[2]}", warning, now)


def _locked(number: int) -> PostTarget | None:
    """The target, after its post."""
    target = PostTarget.objects.filter(pk=number).only("post_id").first()
    if target is None:
        return None
    lock_alone(Post(pk=target.post_id))
    return PostTarget.objects.select_related("chat").filter(pk=number).first()


# --- deleted by itself ----------------------------------------------------------------------------------------------


def plan_deletion(post: Post, now: datetime) -> None:
    """Plan the deletion of what has appeared, if that is wanted and not planned yet. The post is locked."""
    if post.delete_after_minutes is None or not (times := _times(post)):
        return
    row = schedules_of(post).filter(source=DELETE).first()
    if row is not None and row.state == Schedule.State.ACTIVE:
        return  # it looks for what is left when it fires
    if row is not None:
        schedules.remove(row, now=now)
    limits: dict[str, Any] = {"grace_seconds": int(DELETABLE.total_seconds()), "catch_up": Schedule.CatchUp.LAST}
    schedules.plan(DELETE, str(post.pk), Once(max(min(times.values()), now)), "UTC", now=now, **limits)


def _times(post: Post) -> dict[int, datetime]:
    """When each target that is there is to be deleted."""
    life = timedelta(minutes=post.delete_after_minutes or 0)
    return {
        target.pk: target.sent_at + life
        for target in targets_of(post)
        if target.state == Target.SENT and target.sent_at is not None
    }


def _end_deletion(post: Post, now: datetime) -> None:
    for row in schedules_of(post).filter(source=DELETE):
        schedules.remove(row, now=now)


def drop_schedules(post: Post, now: datetime) -> None:
    """Nothing is planned for it any more, and nothing of it leaves."""
    post.schedule = None
    post.save(update_fields=["schedule"])
    for row in schedules_of(post):
        schedules.remove(row, now=now)


def fire_deletions(due: Sequence[Due]) -> list[Delivery]:
    """Delete what has been there long enough; come again for what has not. Called by the tick."""
    for one in due:
        post = Post.objects.select_for_update(of=("self",)).filter(pk=UUID(one.schedule.object_id)).first()
        if post is None or post.delete_after_minutes is None:
            continue
        times = _times(post)
        ripe = [key for key, at in times.items() if at <= one.now]
        targets = [target for target in targets_of(post) if target.pk in ripe]
        _enqueue(targets, REMOVE, "auto", one.now)
        if later := [at for at in times.values() if at > one.now]:
            one.schedule.next_at, one.schedule.state = min(later), Schedule.State.ACTIVE
        if targets:
            note(post, "deleted_in_time", by=None, via="bot", now=one.now, targets=len(targets))
    return []
