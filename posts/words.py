"""Where a post stands, and each of its targets, in words: the same in the chat, in the admin, and in what authors are
told. Plain text in the active language; nothing here is Markdown."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import ChatKind
from posts.models import Kind, Post, PostTarget, State
from posts.services import media, rights
from posts.services.times import note_on

Target = PostTarget.State
# In Telegram's words: "not enough rights to send photos to the chat".
NOT_THIS_KIND = "not enough rights to send"
SUPERGROUP = "-100"
MARKS = {
    Target.WAITING: "🕒",
    Target.QUEUED: "📤",
    Target.SENT: "✅",
    Target.UNKNOWN: "❓",
    Target.FAILED: "❌",
    Target.CANCELLED: "🚫",
    Target.DELETED: "🗑",
    Target.GONE: "👻",
}


def clock(at: datetime, zone: ZoneInfo, now: datetime | None = None) -> str:
    """``21 November, 10:00``; with the year when it is not that of ``now``."""
    here = at.astimezone(zone)
    year = "" if now is None or here.year == now.astimezone(zone).year else f" {here.year}"
    return f"{date_format(here, 'j E')}{year}, {here:%H:%M}"


def name_of(post: Post) -> str:
    """What to call it: its first words, else what it is."""
    return _("“%(title)s”") % {"title": post.title} if post.title else f"({post.get_kind_display()})"


def lines_of(post: Post, zone: ZoneInfo, now: datetime) -> list[str]:
    """Its state, and a line for each target."""
    return [state_line(post, zone, now), *target_lines(targets_of(post))]


def targets_of(post: Post) -> list[PostTarget]:
    return list(PostTarget.objects.filter(post=post.pk).select_related("chat"))


def target_lines(targets: Sequence[PostTarget]) -> list[str]:
    return [target_line(target) for target in targets]


def state_line(post: Post, zone: ZoneInfo, now: datetime) -> str:
    """Where it stands and since when, and why."""
    match post.state:
        case State.SCHEDULED if post.planned_at is not None:
            said = _planned(post, zone, now)
        case State.PUBLISHED if post.published_at is not None:
            said = _("Published on %(when)s") % {"when": clock(post.published_at, zone, now)}
        case State.PARTIAL:
            said = _("Published in a part of the chats")
        case State.ERROR:
            said = _("Not published")
        case State.PUBLISHING:
            said = _("Going out now")
        case State.HELD:
            said = _("Waits for a decision")
        case State.EXPIRED:
            said = _("Not published: its time passed too long ago")
        case State.CANCELLED:
            said = _("Cancelled")
        case _:
            said = _("Draft")
    if post.late and post.planned_at is not None and post.state in (State.PUBLISHED, State.PARTIAL, State.PUBLISHING):
        said += " · " + _("late: planned for %(when)s") % {"when": clock(post.planned_at, zone, now)}
    return said + (f" · {post.status_reason}" if post.status_reason else "")


def _planned(post: Post, zone: ZoneInfo, now: datetime) -> str:
    assert post.planned_at is not None
    names = {"when": clock(post.planned_at, zone, now), "zone": str(zone)}
    if post.planned_at <= now:
        return _("Overdue: planned for %(when)s (%(zone)s)") % names
    said = _("Planned for %(when)s (%(zone)s)") % names
    note = note_on(post.wall_time, post.zone) if post.wall_time and post.zone else ""
    return f"{said}. {note}" if note else said


# --- targets --------------------------------------------------------------------------------------------------------


def target_line(target: PostTarget) -> str:
    """``✅ News: https://t.me/news/12``, with what went wrong there."""
    parts = [f"{MARKS[Target(target.state)]} {place_of(target)}"]
    if target.state == Target.SENT and (link := link_of(target)):
        parts.append(link)
    elif target.state in (Target.FAILED, Target.UNKNOWN):
        parts.append(reason_of(target))
    elif target.state not in (Target.WAITING, Target.SENT):
        parts.append(target.get_state_display())
    line = ": ".join(parts)
    return f"{line}\n⚠️ {target.warning}" if target.warning else line


def place_of(target: PostTarget) -> str:
    return str(target.chat)


def link_of(target: PostTarget) -> str:
    """Where to see it; empty when nobody knows its number, or Telegram makes no links to such chats."""
    if target.message_id is None:
        return ""
    thread = f"{target.thread_id}/" if target.thread_id else ""
    if target.chat.username:
        return f"https://t.me/{target.chat.username}/{thread}{target.message_id}"
    number = str(target.chat.telegram_id)
    if not number.startswith(SUPERGROUP):
        return ""
    return f"https://t.me/c/{number.removeprefix(SUPERGROUP)}/{thread}{target.message_id}"


def reason_of(target: PostTarget) -> str:
    """Why it is not there, or nobody knows, and what to do about it."""
    names = {"chat": str(target.chat), "error": target.error}
    if target.state == Target.UNKNOWN:
        text = _("I was interrupted while sending to “%(chat)s”, so it may be there. Please look, and tell me.")
        return text % names
    match target.error_kind:
        case "forbidden":
            return _forbidden(target) % names
        case "topic":
            return (
                _("The topic in “%(chat)s” is closed or gone. Open it, or choose another one, and try again.") % names
            )
        case "file" | "file gone":
            return _about_file(target)
        case "expired":
            return _("Its time had passed too long ago when it could leave. Choose a new time.")
        case "bug" | "crash":
            return _("Something went wrong on my side; the admins find it in the outbox. Try again.")
        case "rejected":
            return _("Telegram refused it: %(error)s. Change the post, and try again.") % names
    return _("Telegram could not be reached: %(error)s. Try again.") % names


def _about_file(target: PostTarget) -> str:
    number, error = media.number_in(target.error)
    names = {"number": number, "error": error}
    if target.error_kind == "file gone":
        numbered = _("File %(number)d is not kept any more. Send it again.") % names
        return numbered if number else _("The file is not kept any more. Add it again.")
    numbered = _("Telegram did not take file %(number)d: %(error)s. Choose another one.") % names
    return numbered if number else _("Telegram did not take the file: %(error)s. Choose another one.") % names


def _forbidden(target: PostTarget) -> str:
    if target.chat.kind == ChatKind.CHANNEL:
        return _("I may not post in “%(chat)s”. Make me an administrator there who may post messages, and try again.")
    if NOT_THIS_KIND in target.error.lower():
        kinds = rights.needs_of(list(target.post.media.all()), target.post.poll, {}).kinds
        text = _("In “%(chat)s” the bot may not send %(what)s. Allow it there, or make the bot an administrator.")
        return text.replace("%(what)s", ", ".join(str(rights.KINDS[kind]) for kind in sorted(kinds)))
    return _("I am not in “%(chat)s”, or may not write there. Add me, or give me the right, and try again.")


def counted(targets: Sequence[PostTarget]) -> str:
    """In how many chats of how many."""
    there = sum(target.state in PostTarget.APPEARED for target in targets)
    text = ngettext("%(there)d of %(count)d chat", "%(there)d of %(count)d chats", len(targets))
    return text % {"there": there, "count": len(targets)}


def is_poll(post: Post) -> bool:
    return post.kind == Kind.POLL
