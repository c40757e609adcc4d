"""What the page of one post shows: as it looks in Telegram, the facts, each place with the truth about it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from accounts.pages import trail
from core.show import badge, link, nowrap, stamp
from delivery import services as delivery
from delivery.models import Delivery
from posts import words
from posts.admin_deeds import DEEDS, Deed
from posts.models import Post, PostMedia, PostTarget, State, Topic
from posts.pages import place_badge, state_badge
from posts.preview import look_of
from posts.services import checking
from posts.services.figures import is_overdue

Place = PostTarget.State
# The newest deliveries of a post; more of them are a matter for the outbox.
SHOWN = 60
REPEATS = 10
STEPS = {
    "pin": gettext_lazy("pin"), "unpin": gettext_lazy("unpin"), "edit": gettext_lazy("edit"),
    "delete": gettext_lazy("delete"), "stop": gettext_lazy("close the poll"),
}  # fmt: skip
DELIVERY_KIND = {"queued": "info", "sending": "primary", "sent": "success", "unknown": "warning", "failed": "danger"}


@dataclass(frozen=True)
class Row:
    """A place as the page's table shows it. ``deeds``: what may be done about it, each with its address."""

    target: PostTarget
    chat: SafeString | str
    topic: str
    badge: SafeString
    sent_at: str
    address: str
    numbers: str
    behind: bool
    wrong: str
    counted: Sequence[tuple[str, int]]
    deeds: Sequence[tuple[Deed, str]]


def page_of(post: Post, now: datetime, may: Collection[str], *, readable: bool) -> dict[str, Any]:
    """All that the page's template needs. ``may``: the names of the deeds that are offered; ``readable``: whether words
    that somebody wrote may be shown."""
    targets = list(post.targets.select_related("chat"))
    media = list(post.media.select_related("file"))
    return {
        "post": post,
        "look": look_of(post, media, [url_of(post, medium) for medium in media]),
        "channel": str(targets[0].chat) if targets else "",
        "facts": facts(post, now, readable=readable),
        "problems": problems_of(post, now),
        "warnings": warnings_of(post, now),
        "rows": rows_of(post, targets, may, readable=readable),
        "deliveries": [_sending(row, post, targets) for row in deliveries_of(post)[:SHOWN]],
        "repeats": list(post.repeats.order_by("-created_at")[:REPEATS]),
        "record": trail(post),
        "zone": timezone.get_current_timezone_name(),
    }


def url_of(post: Post, medium: PostMedia) -> str:
    """Where the file's content is; empty when it is not kept here."""
    return reverse("admin:posts_post_media", args=[post.pk, medium.position]) if medium.file_id else ""


def problems_of(post: Post, now: datetime) -> list[str]:
    """What stands against publishing what has not gone out yet."""
    if post.state not in (State.DRAFT, State.SCHEDULED, State.HELD):
        return []
    return [problem.text for problem in checking.check_post(post, now)]


def warnings_of(post: Post, now: datetime) -> list[str]:
    """What somebody should know: what the check before its time found, and what is known now."""
    found = [post.warning] if post.warning else []
    if is_overdue(post, now):
        found.insert(0, _("Its time has passed, and it has not gone out: is the bot running?"))
    ahead = post.state in (State.DRAFT, State.SCHEDULED, State.HELD)
    return [*found, *(checking.warnings_of(post, now) if ahead else ())]


# --- the facts ------------------------------------------------------------------------------------------------------


def facts(post: Post, now: datetime, *, readable: bool) -> list[tuple[str, Any]]:
    """(name, value) of what is known; what is not, is left out."""
    every = [
        (_("state"), state_badge(post, now)),
        (_("because"), post.status_reason if readable else ""),
        (_("planned for"), _planned(post, now)),
        (_("by the author's clock"), _wall(post)),
        (_("published"), nowrap(stamp(post.published_at)) if post.published_at else ""),
        (_("author"), link(post.author, post.author.name) if post.author else _("nobody any more")),
        (_("made by"), _maker(post)),
        (_("repeats"), link(post.repeat_of, stamp(post.repeat_of.created_at)) if post.repeat_of else ""),
        (_("expires"), _expiry(post)),
        (_("checked"), stamp(post.checked_at) if post.checked_at else ""),
        (_("created"), nowrap(stamp(post.created_at))),
        (_("changed"), nowrap(stamp(post.updated_at))),
        (_("edition"), str(post.revision) if post.revision > 1 else ""),
    ]
    return [(name, value) for name, value in every if value]


def _planned(post: Post, now: datetime) -> SafeString | str:
    if post.planned_at is None:
        return _("not yet")
    away = ""
    if post.state in (State.SCHEDULED, State.HELD):
        ahead = post.planned_at > now
        words = _("in %(time)s") if ahead else _("%(time)s ago")
        away = words % {"time": (timeuntil if ahead else timesince)(post.planned_at, now, depth=2)}
    return format_html('{} <span class="po-quiet">{}</span>', nowrap(stamp(post.planned_at)), away)


def _wall(post: Post) -> str:
    """The time that was said, where another clock says it otherwise."""
    if not post.wall_time or post.zone == timezone.get_current_timezone_name():
        return ""
    return f"{post.wall_time.replace('T', ' ')} ({post.zone})"


def _expiry(post: Post) -> str:
    if post.expire_hours is None or post.state not in (State.DRAFT, State.SCHEDULED, State.HELD):
        return ""
    return ngettext("%(n)d hour after its time", "%(n)d hours after its time", post.expire_hours) % {
        "n": post.expire_hours
    }


def _maker(post: Post) -> str:
    if post.created_by_key is not None:
        return pgettext("maker of a post", "key %(name)s") % {"name": post.created_by_key}
    return _("an assistant, for the author") if post.created_by_assistant else ""


# --- the places -----------------------------------------------------------------------------------------------------


def rows_of(
    post: Post, targets: Sequence[PostTarget], may: Collection[str] = (), *, readable: bool = True
) -> list[Row]:
    names = _topics(targets)
    found = {deed.name: deed for deed in DEEDS if deed.name in may}
    return [
        Row(
            target=target,
            chat=link(target.chat),
            topic=names.get((target.chat_id, target.thread_id), str(target.thread_id)) if target.thread_id else "",
            badge=place_badge(target),
            sent_at=stamp(target.sent_at) if target.sent_at else "",
            address=words.link_of(target) if target.state == Place.SENT else "",
            numbers=", ".join(map(str, target.message_ids)),
            behind=target.state == Place.SENT and target.revision < post.revision,
            wrong=words.reason_of(target) if target.state in (Place.FAILED, Place.UNKNOWN) else "",
            counted=list(_counted(target, readable=readable)),
            deeds=[(found[name], _address(post, name, target)) for name in _deeds(target) if name in found],
        )
        for target in targets
    ]


def _topics(targets: Sequence[PostTarget]) -> dict[tuple[int, int], str]:
    chats = [target.chat_id for target in targets if target.thread_id]
    return {(row.chat_id, row.thread_id): str(row) for row in Topic.objects.filter(chat__in=chats)} if chats else {}


def _address(post: Post, name: str, target: PostTarget) -> str:
    return f"{reverse(f'admin:posts_post_{name}', args=[post.pk])}?target={target.pk}"


def _counted(target: PostTarget, *, readable: bool) -> Iterator[tuple[str, int]]:
    """What Telegram counted there; a reaction nobody chose is nothing to show. An answer's words are content."""
    for reaction in target.reactions:
        if reaction.get("count"):
            yield str(reaction.get("emoji") or "⭐"), int(reaction["count"])
    for number, option in enumerate(target.votes or [], start=1):
        yield str(option.get("text", "")) if readable else f"{number}.", int(option.get("votes") or 0)


def _deeds(target: PostTarget) -> Iterator[str]:
    if target.state == Place.FAILED:
        yield "retry"
    if target.state == Place.UNKNOWN:
        yield from ("there", "again")
    if target.state == Place.SENT and target.message_ids:
        yield "delete_everywhere"


# --- the outbox -----------------------------------------------------------------------------------------------------


def deliveries_of(post: Post) -> QuerySet[Delivery]:
    """All that was enqueued for it, newest first."""
    return delivery.named(f"post:{post.pk}").defer("content", "result").order_by("-id")


def _sending(row: Delivery, post: Post, targets: Sequence[PostTarget]) -> tuple[Any, ...]:
    """(link, state, what, attempts, error)."""
    state = badge(row.get_state_display(), DELIVERY_KIND.get(row.state, ""))
    return nowrap(link(row, stamp(row.created_at))), state, _step(row.key, targets), row.attempts, row.error_kind


def _step(key: str, targets: Sequence[PostTarget]) -> str:
    """What a key means: ``post:<id>:<target>:<attempt>``, or with a side step before the number."""
    _source, _post, number, *step = key.split(":")
    chat = next((str(target.chat) for target in targets if str(target.pk) == number), number)
    if len(step) == 1:
        return f"{chat} · " + _("attempt %(n)s") % {"n": step[0]}
    return f"{chat} · {STEPS.get(step[0], step[0])}"
