"""When a post goes out: planned, put off, called off, published at once, held until a person decides.

Each verb is one short transaction that locks the schedule first and the post after it, as the tick does.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from delivery import planning as schedules
from delivery import services as delivery
from delivery.models import Delivery, Schedule
from delivery.schedule import Once
from posts import precheck
from posts.content import NotNow, Problem, Refused, Stale
from posts.models import OUT, Post, PostTarget, State
from posts.services import checking, firing, leaving, news, notices, settling
from posts.services.access import may_post
from posts.services.rows import SOURCE, expire_hours, lock, note, store, targets_of
from posts.services.times import Moment, anew, moment_of, zone_name
from telegram_bot.markdown import plain

Target = PostTarget.State
AHEAD = (State.SCHEDULED, State.HELD)
# Where nothing appeared: they may be planned anew.
AGAIN = (Target.FAILED, Target.CANCELLED)


@dataclass
class Checked:
    """What a look at all that is planned found: due and about to be fired, expired, and problems of what comes soon."""

    ready: int = 0
    expired: int = 0
    problems: dict[UUID, list[Problem]] = field(default_factory=dict)


@transaction.atomic
def schedule_post(
    post: Post, at: datetime, zone: str = "", *, by: User | None, via: str, now: datetime, version: int | None = None
) -> Post:
    """Publish it at ``at``: naive, the time of the clock of ``zone`` (empty: the author's); aware, an instant.

    What went wrong before is planned as a new attempt; its history stays. Raises Refused (NoSuchTime, Past), NotNow,
    Stale.
    """
    held = _held(post, version)
    _refuse_what_is_out(held)
    moment = moment_of(at, zone, held.author, now)
    _take_over(held, by)
    _check(held, now, planned=True)
    before = held.planned_at if held.state in AHEAD else None
    _plan(held, moment, now)
    details = {"at": moment.at.isoformat(timespec="seconds"), "zone": moment.zone}
    if before is not None:
        details["before"] = before.isoformat(timespec="seconds")
    note(held, "rescheduled" if before is not None else "scheduled", by=by, via=via, now=now, **details)
    store(post, held, now)
    precheck.plan(held, now)
    return post


# To choose another time is to choose a time.
reschedule_post = schedule_post


def _held(post: Post, version: int | None) -> Post:
    held = lock(post)
    if version is not None and held.version != version:
        raise Stale
    return held


def _refuse_what_is_out(held: Post) -> None:
    """What is to be seen, or may be, does not go out once more."""
    if held.state == State.PUBLISHING:
        raise NotNow("sending-now", _("It is going out at this moment. Look again when it has arrived."))
    if held.state in OUT:
        raise NotNow("published", _("It has been published. To say it again, repeat it as a new post."))
    for target in targets_of(held):
        if target.state == Target.UNKNOWN:
            text = _("Nobody knows whether it appeared in “%(chat)s”. Say first whether it is there.")
            raise NotNow("unknown-target", text % {"chat": target.chat})


def _take_over(held: Post, by: User | None) -> None:
    """The post of one who left goes on under the name of who decides about it."""
    if not may_post(held.author) and by is not None and by.pk != held.author_id and may_post(by):
        held.author = by


def _check(held: Post, now: datetime, *, planned: bool = False) -> None:
    problems = list(checking.check_post(held, now))
    if not may_post(held.author):
        text = _("Its author may not post any more. An admin can take it over by planning or publishing it.")
        problems.append(Problem("author", "may-not-post", text))
    if planned and held.state not in AHEAD and (most := _most_planned(held.author)):
        problems.append(Problem("author", "too-many", _too_many(most)))
    if problems:
        raise Refused(problems)


def _most_planned(author: User | None) -> int:
    """How many posts somebody may have planned, if they have so many; else 0."""
    most: int = settings.POSTS_PER_AUTHOR
    return most if most and Post.objects.filter(author=author, state__in=AHEAD).count() >= most else 0


def _too_many(most: int) -> str:
    text = ngettext(
        "There is %(count)d post planned already, and more are not allowed. Publish or cancel it first.",
        "There are %(count)d posts planned already, and more are not allowed. Publish or cancel some first.",
        most,
    )
    return text % {"count": most}


def _plan(held: Post, moment: Moment, now: datetime) -> None:
    limits: dict[str, Any] = {"grace_seconds": expire_hours(held) * 3600, "catch_up": Schedule.CatchUp.NONE}
    rule, row = Once(moment.at), held.schedule
    if row is None or not schedules.reschedule(row, rule, moment.zone, now=now, **limits):
        if row is not None:
            held.schedule = None
            held.save(update_fields=["schedule"])
            schedules.remove(row, now=now)
        held.schedule = schedules.plan(SOURCE, str(held.pk), rule, moment.zone, now=now, **limits)
    held.state, held.status_reason, held.late = State.SCHEDULED, "", False
    held.planned_at, held.zone, held.wall_time = moment.at, moment.zone, moment.wall
    held.warning, held.checked_at = "", None
    again = PostTarget.objects.filter(post=held, state__in=AGAIN)
    again.update(state=Target.WAITING, error="", error_kind="", updated_at=now)


def _unplan(held: Post, state: Schedule.State, now: datetime) -> None:
    if held.schedule is not None:
        schedules.end(held.schedule, state, now=now)
    precheck.unplan(held, now)


@transaction.atomic
def publish_post(post: Post, *, by: User | None, via: str, now: datetime, version: int | None = None) -> bool:
    """Let it go out now. False when it is going out, or out, already. Raises Refused, NotNow, Stale."""
    held = lock(post)
    if held.state == State.PUBLISHING or held.state in OUT:
        post.refresh_from_db()
        return False
    if version is not None and held.version != version:
        raise Stale
    _refuse_what_is_out(held)
    _take_over(held, by)
    _check(held, now)
    _unplan(held, Schedule.State.COMPLETED, now)
    # What was held, or came to nothing, keeps the time it was meant for only if that has come.
    if held.planned_at is None or held.state != State.HELD or held.planned_at > now:
        held.planned_at, held.wall_time = now, ""
    held.zone = held.zone or zone_name(held.author)
    waiting = [target for target in targets_of(held) if target.state in (Target.WAITING, *AGAIN)]
    leaving.queue(held, waiting, now)
    note(held, "publish", by=by, via=via, now=now)
    store(post, held, now)
    return True


@transaction.atomic
def cancel_post(post: Post, reason: str = "", *, by: User | None, via: str, now: datetime) -> bool:
    """Call it off. While it goes out, what has not left is withdrawn and the rest stays true. False when there was
    nothing to call off."""
    held, reason = lock(post), plain(reason)
    if held.state in AHEAD:
        _unplan(held, Schedule.State.CANCELLED, now)
        PostTarget.objects.filter(post=held, state=Target.WAITING).update(state=Target.CANCELLED, updated_at=now)
        held.state = State.CANCELLED
    elif held.state != State.PUBLISHING or not _withdraw(held, now):
        post.refresh_from_db()
        return False
    held.status_reason = reason[:300]
    note(held, "cancelled", by=by, via=via, now=now, **({"reason": reason} if reason else {}))
    own = by is not None and by.pk == held.author_id
    if held.state == State.PUBLISHING:
        held.version += 1
        settling.settle(held, now, tells=not own)
        post.refresh_from_db()
    else:
        store(post, held, now)
        if not own:
            notices.cancelled(held, now)
        notices.settled(held)
    return True


def _withdraw(held: Post, now: datetime) -> int:
    """Take back what waits in the outbox; how many targets."""
    taken = 0
    for target in targets_of(held):
        if target.state != Target.QUEUED:
            continue
        row = Delivery.objects.filter(key=leaving.key_of(target)).first()
        if row is None or row.state == Delivery.State.CANCELLED or delivery.cancel(row, now=now):
            PostTarget.objects.filter(pk=target.pk).update(state=Target.CANCELLED, updated_at=now)
            taken += 1
    return taken


@transaction.atomic
def hold_post(post: Post, reason: str, *, now: datetime, via: str = "bot", by: User | None = None) -> bool:
    """Let a planned post wait for a person's decision. False when it is not planned."""
    held = lock(post)
    if held.state != State.SCHEDULED:
        return False
    _unplan(held, Schedule.State.COMPLETED, now)
    held.state, held.status_reason = State.HELD, reason[:300]
    note(held, "held", by=by, via=via, now=now, reason=reason)
    store(post, held, now)
    with notices.telling(held):
        notices.held(held, now)
        news.tell(held, "held", now)
    notices.settled(held)
    return True


def expire_posts(now: datetime) -> int:
    """Give up what is later than it may be, as the tick does with what it finds; how many.

    What is exactly as late as that still goes out.
    """
    overdue = Post.objects.filter(state=State.SCHEDULED, planned_at__lt=now).order_by("planned_at", "id")
    late = [row for row in overdue.only("pk", "planned_at", "expire_hours") if _is_too_late(row, now)]
    return sum(_expire(row, now) for row in late)


def _is_too_late(row: Post, now: datetime) -> bool:
    return row.planned_at is not None and now - row.planned_at > timedelta(hours=expire_hours(row))


@transaction.atomic
def _expire(post: Post, now: datetime) -> bool:
    held = lock(post)
    if held.state != State.SCHEDULED or not _is_too_late(held, now):
        return False
    _unplan(held, Schedule.State.COMPLETED, now)
    firing.expire([held], now)
    return True


def check_scheduled_posts(now: datetime) -> Checked:
    """Look at all that is planned: expire what is too late, count what the tick is about to fire, and check what comes
    within POST_CHECK_MINUTES by what is known of its chats."""
    checked = Checked(expired=expire_posts(now))
    planned = Post.objects.filter(state=State.SCHEDULED)
    checked.ready = planned.filter(planned_at__lte=now).count()
    soon = now + timedelta(minutes=settings.POST_CHECK_MINUTES)
    rows = planned.filter(planned_at__gt=now, planned_at__lte=soon).select_related("author", "schedule")
    for row in rows.order_by("planned_at", "id"):
        if problems := list(checking.check_post(row, now)):
            checked.problems[row.pk] = problems
    return checked


# --- zones ----------------------------------------------------------------------------------------------------------


def follow_zone_data(now: datetime) -> int:
    """This machine has other zone data: what was planned by a clock is worked out anew (settings.ZONE_NEWS).

    A person's move to another zone changes nothing: the zone of the plan stands beside its time.
    """
    rows = Post.objects.filter(state__in=AHEAD, planned_at__gt=now).exclude(wall_time="")
    return sum(_follow(row, now) for row in rows.only("pk").order_by("pk").iterator())


@transaction.atomic
def _follow(post: Post, now: datetime) -> bool:
    held = lock(post)
    before = held.planned_at
    if held.state not in AHEAD or not held.wall_time or before is None or before <= now:
        return False
    at = anew(held.wall_time, held.zone, before)
    if at == before:
        return False
    held.planned_at = at
    if held.state == State.SCHEDULED and held.schedule is not None:
        _move(held.schedule, at, now)
    details = {"before": before.isoformat(timespec="seconds"), "at": at.isoformat(timespec="seconds")}
    note(held, "zone_data", by=None, via="bot", now=now, zone=held.zone, wall=held.wall_time, **details)
    store(post, held, now, changed=False)
    if held.state == State.SCHEDULED:
        precheck.plan(held, now)
    return True


def _move(row: Schedule, at: datetime, now: datetime) -> None:
    """Also to a time that has just passed: then it goes out at once."""
    limits: dict[str, Any] = {"grace_seconds": row.grace_seconds, "catch_up": row.catch_up}
    schedules.reschedule(row, Once(max(at, now)), row.zone, now=now, **limits)
