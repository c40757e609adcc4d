"""A post as its card shows it: what, where, when, how; what is in the way; and what can be done about it.

Ready parts, for what people write may hold any sign of Markdown.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from delivery.schedule_words import local
from posts import services, words
from posts.content import Problem
from posts.models import Kind, Post, PostTarget, State, Topic
from posts.services import checking
from telegram_bot.markdown import Part, plain, units
from telegram_bot.outgoing import Key, Keyboard

Menu = tuple[list[Part], Keyboard]
Target = PostTarget.State

MARKS = {
    State.DRAFT: "📝",
    State.SCHEDULED: "🗓",
    State.HELD: "⏸",
    State.PUBLISHING: "📤",
    State.PUBLISHED: "✅",
    State.PARTIAL: "⚠️",
    State.ERROR: "❗️",
    State.EXPIRED: "⌛️",
    State.CANCELLED: "✖️",
}
# What of a post's chats is not to be left out.
NEEDED = (words.MARKS[Target.FAILED], words.MARKS[Target.UNKNOWN])
# Of which nothing is on its way or planned: it may be planned, or removed.
OPEN = (State.DRAFT, State.ERROR, State.EXPIRED, State.CANCELLED)


def titled(title: str, *lines: str) -> list[Part]:
    """``title`` in bold, then lines; empty ones are left out."""
    title = plain(title)
    text = "\n".join([title, *(plain(line) for line in lines if line)])
    return [Part(text, [{"type": "bold", "offset": 0, "length": units(title)}])]


def said(text: str) -> list[Part]:
    """A sentence as it stands."""
    return [Part(plain(text))]


def key(label: str, verb: str, post: Post, **data: Any) -> Key:
    """A button of the card of ``post``."""
    return Key(label, f"post.{verb}", {"id": str(post.pk), **data})


def back(post: Post) -> list[Key]:
    return [key(_("« Back"), "show", post)]


def zone_of(user: User) -> ZoneInfo:
    """By whose clock times are said and read."""
    return ZoneInfo(user.time_zone or settings.TIME_ZONE)


def name_of(post: Post) -> str:
    """What a person knows it by: its first words, else what it is."""
    return post.title or capfirst(str(Kind(post.kind).label))


def headline(post: Post) -> str:
    return f"{MARKS[State(post.state)]} {name_of(post)}"


def gone() -> Menu:
    return said(_("This post is gone. /posts lists those that are left.")), ()


def refusal(problems: Sequence[Problem]) -> str:
    """What is in the way, a line each."""
    return some_of(list(dict.fromkeys(f"⚠️ {problem.text}" for problem in problems)))


# For lines about chats, in units: of the 4096 of a message all else needs its part, too.
ROOM, ROOM_FOR_STATES = 800, 1300


def some_of(lines: Sequence[str], between: str = "\n", room: int = ROOM) -> str:
    """As many of them as there is room for, and how many more there are."""
    kept = list(lines)
    while len(kept) > 1 and units(between.join(kept)) > room:
        kept.pop()
    if len(kept) == len(lines):
        return between.join(kept)
    left = len(lines) - len(kept)
    more = ngettext("… and %(count)d more", "… and %(count)d more", left) % {"count": left}
    return between.join([*kept, more])


def places_of(post: Post) -> str:
    """Where it is to appear; empty while nobody chose."""
    return some_of([place_name(target) for target in targets(post)], ", ")


# --- the card -------------------------------------------------------------------------------------------------------


def card(post: Post, viewer: User, now: datetime, *, note: str = "", back_to: tuple[str, int] | None = None) -> Menu:
    """All about ``post``, and what ``viewer`` may do. ``back_to``: the tab and page of the list it was opened from."""
    zone = zone_of(viewer)
    lines = [_kind(post), *_state(post, zone, now), *_manner(post)]
    lines += _trouble(post, now) if post.state in (*OPEN, State.SCHEDULED, State.HELD) else []
    keyboard = _keys(post) if services.may_change(viewer, post) else []
    if not keyboard:
        lines.append(_("Only its author or an admin may change it."))
    if post.author_id not in (None, viewer.pk):
        lines.append(_("By %(name)s.") % {"name": post.author})
    if back_to is not None:
        keyboard = [*keyboard, [Key(_("« Back"), "post.list", {"tab": back_to[0], "page": back_to[1]})]]
    return titled(headline(post), *lines, note and f"\n{note}"), keyboard


def _kind(post: Post) -> str:
    """What it is, where its first words do not say so."""
    if post.kind == Kind.ALBUM:
        count = post.media.count()
        return ngettext("An album of %(count)d file.", "An album of %(count)d files.", count) % {"count": count}
    if post.kind == Kind.MEDIA:
        medium = post.media.first()
        return f"{str(medium.get_kind_display()).capitalize()}." if medium else ""
    if post.poll:
        kind = _("A quiz") if post.poll.get("quiz") else _("A poll")
        named = _("anonymous") if post.poll.get("anonymous", True) else _("with names")
        many = ", " + _("several answers") if post.poll.get("multiple") else ""
        return f"{kind}, {named}{many}."
    return ""


def _state(post: Post, zone: ZoneInfo, now: datetime) -> list[str]:
    if post.state != State.DRAFT:
        state, *lines = words.lines_of(post, zone, now)
        if units("\n".join(lines)) > ROOM_FOR_STATES:
            lines.sort(key=lambda line: not line.startswith(NEEDED))
        return [state, some_of(lines, room=ROOM_FOR_STATES)]
    where = places_of(post) or _("not chosen yet")
    return [_("A draft: nothing goes out before you say so."), "📍 " + _("Where: %(where)s") % {"where": where}]


def targets(post: Post) -> list[PostTarget]:
    return list(post.targets.select_related("chat").order_by("position", "id"))


def place_name(target: PostTarget) -> str:
    """«Команда › Анонсы»: a chat, and the topic by its name as far as it is known."""
    if not target.thread_id:
        return words.place_of(target)
    return f"{words.place_of(target)} › {topic_name(target)}"


def topic_name(target: PostTarget) -> str:
    topic = Topic.objects.filter(chat=target.chat_id, thread_id=target.thread_id).first()
    return str(topic or target.thread_id)


def _manner(post: Post) -> list[str]:
    named = [label for name, label in switches() if getattr(post, name) != STANDARD[name]]
    if post.delete_after_minutes:
        named.append(_("deletes itself after %(time)s") % {"time": span(post.delete_after_minutes)})
    if post.expire_hours:
        named.append(_("expires after %(time)s") % {"time": span(post.expire_hours * 60)})
    lines = ["⚙️ " + ", ".join(named)] if named else []
    count = sum(len(row) for row in post.buttons)
    if count:
        text = ngettext("%(count)d button under it", "%(count)d buttons under it", count)
        lines.append("🔗 " + text % {"count": count})
    return lines


STANDARD = {
    "silent": False, "protected": False, "pin": False, "link_preview": True, "caption_above": False,
    "general_allowed": False,
}  # fmt: skip


def switches() -> list[tuple[str, str]]:
    """What can be other than usual, and how that is said."""
    return [
        ("silent", _("without a sound")),
        ("protected", _("protected from forwarding")),
        ("pin", _("pinned")),
        ("link_preview", _("no preview of links")),
        ("caption_above", _("caption above the picture")),
        ("general_allowed", _("general topic if the topic is gone")),
    ]


def span(minutes: int) -> str:
    """Minutes, or whole hours, in words."""
    if minutes % 60:
        return ngettext("%(count)d min", "%(count)d min", minutes) % {"count": minutes}
    hours = minutes // 60
    return ngettext("%(count)d h", "%(count)d h", hours) % {"count": hours}


def _trouble(post: Post, now: datetime) -> list[str]:
    """What is in the way of publishing, then what a person should know."""
    problems = [problem for problem in checking.check_post(post, now) if problem.code != NO_PLACE or _is_late(post)]
    warnings = [f"ℹ️ {text}" for text in checking.warnings_of(post, now)]
    return [refusal(problems), some_of(warnings)]


# A draft begins without a place; that it has none yet stands on its card already.
NO_PLACE = "no-target"


def _is_late(post: Post) -> bool:
    return post.state != State.DRAFT


# --- its keys -------------------------------------------------------------------------------------------------------


def _keys(post: Post) -> list[list[Key]]:
    if post.state == State.PUBLISHING:
        return [[key("🔄 " + _("How it stands"), "show", post)], _doubts(post), [_cancelling(post)]]
    if post.state in (State.PUBLISHED, State.PARTIAL):
        return _keys_of_published(post)
    rows = [[key("📍 " + _("Where"), "where", post), key("🕙 " + _("When"), "when", post)]]
    rows.append([key("⚙️ " + _("Options"), "options", post), *_buttons(post)])
    rows.append(_content(post))
    rows += [_doubts(post)] if _doubts(post) else []
    if any(target.state == Target.FAILED for target in targets(post)):
        rows.append([key("🔁 " + _("Try again"), "retry", post)])
    rows.append([key("🚀 " + _("Publish now"), "now", post)])
    if post.state in OPEN:
        rows.append([key("💾 " + _("Keep"), "keep", post), key("🗑 " + _("Delete"), "remove", post)])
    else:
        rows.append([_cancelling(post)])
    return rows


def _buttons(post: Post) -> list[Key]:
    """Telegram takes none under an album."""
    return [] if post.kind == Kind.ALBUM else [key("🔗 " + _("Buttons"), "buttons", post)]


def _content(post: Post) -> list[Key]:
    if post.poll:
        return [key("📊 " + _("Poll"), "poll", post)]
    row = [key("✏️ " + (_("Caption") if post.kind != Kind.TEXT else _("Text")), "text", post)]
    return row if post.kind == Kind.TEXT else [*row, key("➕ " + _("Files"), "files", post)]


def _cancelling(post: Post) -> Key:
    return key("✖️ " + _("Cancel it"), "cancel", post)


def _doubts(post: Post) -> list[Key]:
    """Where nobody knows whether it arrived; one after the other."""
    target = next((one for one in targets(post) if one.state == Target.UNKNOWN), None)
    if target is None:
        return []
    values = {"chat": target.chat}
    return [
        key("✅ " + _("It is there: %(chat)s") % values, "there", post, target=target.pk),
        key("🔁 " + _("Send again: %(chat)s") % values, "again", post, target=target.pk),
    ]


def _keys_of_published(post: Post) -> list[list[Key]]:
    states = {target.state for target in targets(post)}
    rows = [_doubts(post)] if Target.UNKNOWN in states else []
    if Target.FAILED in states:
        rows.append([key("🔁 " + _("Retry what failed"), "retry", post)])
    if Target.SENT in states:
        rows.append(_editing(post))
        rows.append([key("🗑 " + _("Delete everywhere"), "wipe", post)])
    return [*rows, [key("♻️ " + _("Post it again"), "repeat", post)]]


def _editing(post: Post) -> list[Key]:
    if post.poll:
        return [*_buttons(post), key("⏹ " + _("Stop the poll"), "stop", post)]
    return [*_content(post)[:1], *_buttons(post)]


# --- asking before what cannot be taken back -----------------------------------------------------------------------


def asking(post: Post, question: str, yes: Key) -> Menu:
    return titled(headline(post), "", question), [[yes, key(_("No"), "show", post)]]


def publishing(post: Post) -> Menu:
    count = len(targets(post))
    text = ngettext("Publish in %(count)d chat now?", "Publish in %(count)d chats now?", count) % {"count": count}
    yes = key("🚀 " + _("Yes, publish"), "publish", post, version=post.version)
    return asking(post, f"{text}\n📍 {places_of(post)}", yes)


def removing(post: Post) -> Menu:
    return asking(
        post, _("Delete this post? Nothing of it will be left here."), key("🗑 " + _("Yes, delete"), "removed", post)
    )


def wiping(post: Post) -> Menu:
    count = sum(target.state == Target.SENT for target in targets(post))
    text = ngettext("Delete it from %(count)d chat?", "Delete it from %(count)d chats?", count) % {"count": count}
    more = _("Readers will see it no more.")
    return asking(post, f"{text} {more}", key("🗑 " + _("Yes, delete"), "wiped", post))


def stopping(post: Post) -> Menu:
    text = _("Stop the poll in all its chats? Nobody can vote afterwards, and it cannot be opened again.")
    return asking(post, text, key("⏹ " + _("Yes, stop it"), "stopped", post))


# --- short times ----------------------------------------------------------------------------------------------------


def moment(at: datetime, zone: ZoneInfo) -> str:
    """``Saturday, 21 November 2026, 15:00 (Europe/Moscow, UTC+3)``."""
    text = local(at, zone)
    return text[:1].upper() + text[1:]


def short_day(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """The time, the day and the time, or the day and the year: as short as it is clear."""
    here, today = at.astimezone(zone), now.astimezone(zone)
    if here.date() == today.date():
        return f"{here:%H:%M}"
    if here.year == today.year:
        return f"{date_format(here, 'j E')}, {here:%H:%M}"
    return date_format(here, "j E Y")
