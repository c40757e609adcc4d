"""What authors are told, each outcome once: in their private chat, in their language and by their clock.

Where there is no author any more, or Telegram does not let us write to them, the admins hear of it. Everything here is
called inside the transaction in which it happens, with the post locked.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from accounts.models import Chat, User
from delivery.models import Delivery
from delivery.outbox import lane_of
from posts import words
from posts.models import Post, PostTarget, State
from posts.services import rights, times
from posts.services.access import may_post
from posts.services.rows import expire_hours
from posts.signals import post_settled
from telegram_bot import outgoing
from telegram_bot.incoming import language_of
from telegram_bot.markdown import pieces_of, plain
from telegram_bot.notices import admin_place
from telegram_bot.outgoing import Key, Keyboard, bot_id

log = structlog.get_logger(__name__)

Target = PostTarget.State
SOURCE = "post"
# Notices that may wait for one person, and the time for which the rest is told together.
MOST, WINDOW = 10, timedelta(minutes=10)
# Unlike the post's own messages: those are withdrawn with its schedule.
PREFIX = "postnews"
# Of the posts that a chat's trouble concerns so many are named.
NAMED = 10


@contextmanager
def telling(post: Post) -> Iterator[None]:
    """What became of a post stays so, even if an error of ours keeps this from being told."""
    try:
        with transaction.atomic():
            yield
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("what became of a post could not be told", post=str(post.pk), exc_info=error)


def settled(post: Post) -> None:
    """Let edges know that it has come to rest (posts/signals.py)."""
    with telling(post):
        post_settled.send(sender=Post, post=post)


def outcome(post: Post, targets: Sequence[PostTarget], now: datetime) -> None:
    """What came of it: where it is to be seen, where not and why, and what to do."""
    hearer = hearer_of(post)
    with translation.override(language_of(hearer)):
        if post.state == State.PUBLISHED and hearer is not None and has_much_to_read(hearer):
            window = int(now.timestamp() // WINDOW.total_seconds())
            text = _("✅ More of your posts are published: so many at once that I do not list them. See /posts.")
            _say(f"{PREFIX}:many:{hearer.pk}:{window}", post, [text], ())
            return
        lines = [_headline(post, targets, now), *words.target_lines(targets)]
        _tell(post, lines, _keyboard(post, targets))


def has_much_to_read(hearer: User) -> bool:
    """Whether so much waits to be told already that what went well is told in one message: after a pause hundreds of
    posts may go out, and Telegram takes one message a second."""
    lane = lane_of(bot_id(), hearer.telegram_id or 0)
    waiting = Delivery.objects.filter(lane=lane, state=Delivery.State.QUEUED, key__startswith=f"{PREFIX}:")
    return len(waiting.values_list("pk", flat=True)[:MOST]) == MOST


def _headline(post: Post, targets: Sequence[PostTarget], now: datetime) -> str:
    names = {"post": words.name_of(post), "places": words.counted(targets)}
    match post.state:
        case State.PUBLISHED:
            said = _("✅ %(post)s is published.") % names
        case State.PARTIAL:
            said = _("⚠️ %(post)s is published in %(places)s.") % names
        case State.EXPIRED:
            return _expired_words(post, now)
        case State.CANCELLED:
            return _cancelled_words(post)
        case _:
            said = _doubtful(targets) or _("❌ %(post)s is not published.")
            said = said % names
    if not targets:
        said += " " + _("There is no chat any more where it could appear. Choose one.")
    return f"{said} {_lateness(post, now)}".rstrip()


def _doubtful(targets: Sequence[PostTarget]) -> str:
    """Nothing is known to be there, and something may be."""
    if not any(target.state == Target.UNKNOWN for target in targets):
        return ""
    return _("❓ I do not know whether %(post)s is published.")


def _lateness(post: Post, now: datetime) -> str:
    if not post.late or post.planned_at is None:
        return ""
    return _("Late: it was planned for %(when)s.") % {"when": words.clock(post.planned_at, _zone(post), now)}


# Rows of two buttons: Telegram refuses a message with more than a hundred. The post's card asks of the others.
MOST_ASKED = 40


def _keyboard(post: Post, targets: Sequence[PostTarget]) -> Keyboard:
    """An unknown target is settled with one tap, and what failed is sent again with one."""
    rows = []
    doubtful = [target for target in targets if target.state == Target.UNKNOWN]
    for target in doubtful[:MOST_ASKED]:
        where = f" · {_short(target)}" if len(targets) > 1 else ""
        data = {"id": str(post.pk), "target": target.pk}
        rows.append([
            Key(_("✅ It is there") + where, "post.there", data),
            Key(_("🔁 Send again") + where, "post.again", data),
        ])  # fmt: skip
    last = [Key(_("Open"), "post.open", {"id": str(post.pk)})]
    if any(target.state == Target.FAILED for target in targets):
        last.insert(0, Key(_("🔁 Retry failed"), "post.retry", {"id": str(post.pk)}))
    return [*rows, last]


def _short(target: PostTarget) -> str:
    name = words.place_of(target)
    return name if len(name) <= 20 else f"{name[:19].rstrip()}…"


def expired(post: Post, now: datetime) -> None:
    """It came too late, and was not sent."""
    with translation.override(language_of(hearer_of(post))):
        _tell(post, [_expired_words(post, now)], [[Key(_("Open"), "post.open", {"id": str(post.pk)})]])


def _expired_words(post: Post, now: datetime) -> str:
    text = _(
        "⌛ %(post)s was not published: it was planned for %(when)s, and that is more than %(hours)d h ago."
        " If it is still wanted, choose a new time."
    )
    when = words.clock(post.planned_at or now, _zone(post), now)
    return text % {"post": words.name_of(post), "when": when, "hours": expire_hours(post)}


def cancelled(post: Post, now: datetime) -> None:
    """Somebody else called it off."""
    with translation.override(language_of(hearer_of(post))):
        _tell(post, [_cancelled_words(post)], [[Key(_("Open"), "post.open", {"id": str(post.pk)})]])


def _cancelled_words(post: Post) -> str:
    said = _("🚫 %(post)s is cancelled; it will not be published.") % {"post": words.name_of(post)}
    return f"{said} {post.status_reason}".rstrip()


def held(post: Post, now: datetime) -> None:
    """It waits for a person: its author if they may still decide, else the admins."""
    with translation.override(language_of(hearer_of(post))):
        names = {"post": words.name_of(post), "reason": post.status_reason}
        lines = [_("⏸ %(post)s was not published and waits for a decision. %(reason)s") % names]
        if post.planned_at is not None:
            lines.append(_("It was planned for %(when)s.") % {"when": words.clock(post.planned_at, _zone(post), now)})
        data = {"id": str(post.pk)}
        keys = [Key(_("Publish now"), "post.late", data), Key(_("Cancel"), "post.drop", data)]
        _tell(post, lines, [keys, [Key(_("Open"), "post.open", data)]])


def warned(post: Post, problems: Sequence[str], now: datetime) -> None:
    """It is to go out soon, and would not as things stand."""
    with translation.override(language_of(hearer_of(post))):
        when = words.clock(post.planned_at or now, _zone(post), now)
        lines = [_("⚠️ %(post)s is planned for %(when)s, but:") % {"post": words.name_of(post), "when": when}]
        lines += [f"• {problem}" for problem in problems]
        data = {"id": str(post.pk)}
        keys = [Key(_("Another time"), "post.when", data), Key(_("Cancel"), "post.drop", data)]
        _tell(post, lines, [[Key(_("Open"), "post.open", data)], keys])


def chat_closed(chat: Chat, posts: Sequence[Post], now: datetime) -> None:
    """A chat takes no posts any more, and ``posts``, all of one author, are planned for it."""
    with translation.override(language_of(hearer_of(posts[0]))):
        lines = [f"⚠️ {problem.text}" for problem in rights.trouble_of(chat)]
        planned = ngettext("%(count)d post is planned for it:", "%(count)d posts are planned for it:", len(posts))
        lines += [planned % {"count": len(posts)}, *_named(posts, now)]
        lines.append(_("Mend it before their time, or choose another chat for them."))
        _say(f"{PREFIX}:chat:{chat.pk}:{posts[0].pk}:{now.timestamp()}", posts[0], lines, [[_next_key()]])


def welcome(user: User) -> None:
    """To who may post from now on; once, however often the role comes and goes."""
    if user.telegram_id is None:
        return
    with translation.override(language_of(user)):
        text = _("You may publish in our channels and groups now: /post makes a post, /posts shows them all.")
        place = outgoing.Place(bot_id(), user.telegram_id)
        outgoing.say(f"{PREFIX}:welcome:{user.pk}", place, f"📣 {text}", source=SOURCE)


def author_left(user: User, posts: Sequence[Post], now: datetime) -> None:
    """Somebody may not post any more, and ``posts`` of theirs are planned: the admins decide before their time."""
    with translation.override(settings.LANGUAGE_CODE):
        said = ngettext(
            "⚠️ %(name)s may not post any more, and %(count)d post of theirs is planned:",
            "⚠️ %(name)s may not post any more, and %(count)d posts of theirs are planned:",
            len(posts),
        )
        lines = [said % {"name": user.name, "count": len(posts)}, *_named(posts, now)]
        lines.append(_("None goes out by itself. Who plans or publishes one of them takes it over."))
        _say(f"{PREFIX}:left:{user.pk}:{now.timestamp()}", posts[0], lines, [[_next_key()]])


def _named(posts: Sequence[Post], now: datetime) -> list[str]:
    """The first of them with their times, and how many more there are."""
    shown = [f"• {words.name_of(post)}, {words.clock(post.planned_at or now, _zone(post), now)}" for post in posts]
    more = len(posts) - NAMED
    return shown[:NAMED] + (["• " + _("and %(count)d more") % {"count": more}] if more > 0 else [])


def _next_key() -> Key:
    return Key("🗓 " + pgettext("posts", "Next"), "post.list", {"tab": "next"})


# --- side steps -----------------------------------------------------------------------------------------------------


def step(post: Post, target: PostTarget, name: str, warning: str, now: datetime) -> None:
    """A side step failed somewhere: said once a step, however many chats it failed in."""
    lines = [
        f"⚠️ {words.name_of(post)}, {words.place_of(target)}: {warning}",
        _("Open it to see how it stands in every chat."),
    ]
    _say(f"{PREFIX}:{post.pk}:{name}", post, lines, [[Key(_("Open"), "post.open", {"id": str(post.pk)})]])


def step_warning(do: str, kind: str, error: str) -> str:
    """What did not work at a target, and what to do."""
    if kind == "gone":
        return _("The message is not there any more: somebody deleted it.")
    text = {
        "pin": _("It is published, but could not be pinned: %(error)s. Pin it by hand, or give me the right to pin."),
        "unpin": _("It could not be unpinned: %(error)s. Unpin it by hand."),
        "edit": _("The change did not arrive there: %(error)s. What stands there is the older text."),
        "delete": _("It could not be deleted: %(error)s. Delete it there by hand."),
        "stop": _("The poll could not be stopped: %(error)s."),
    }.get(do, "%(error)s")
    return text % {"error": error or kind}


# --- to whom --------------------------------------------------------------------------------------------------------


def hearer_of(post: Post) -> User | None:
    """Its author, if they may still decide and can be reached; None: the admins."""
    author = post.author
    if author is None or author.telegram_id is None or not may_post(author):
        return None
    closed = Chat.objects.filter(bot_id=bot_id(), telegram_id=author.telegram_id).exclude(unreachable="")
    return None if closed.exists() else author


def _zone(post: Post) -> ZoneInfo:
    return ZoneInfo(times.zone_name(hearer_of(post)) or settings.TIME_ZONE)


def _tell(post: Post, lines: Sequence[str], keyboard: Keyboard) -> None:
    Post.objects.filter(pk=post.pk).update(notices=F("notices") + 1)
    post.notices += 1
    _say(f"{PREFIX}:{post.pk}:{post.notices}", post, lines, keyboard)


def _say(key: str, post: Post, lines: Sequence[str], keyboard: Keyboard) -> None:
    hearer = hearer_of(post)
    telegram_id = hearer.telegram_id if hearer is not None else None
    place = admin_place() if telegram_id is None else outgoing.Place(bot_id(), telegram_id)
    if place is not None:
        outgoing.say(key, place, pieces_of(plain("\n".join(lines)), []), keyboard, source=SOURCE)
