"""What opens from a post's card: where it appears, and how. Each press is done and shown at once, in place."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Chat, User
from posts.chat import cards
from posts.chat.cards import Menu, key
from posts.content import Place
from posts.models import Kind, MediaKind, Post, Topic
from posts.services import checking, rights
from telegram_bot.outgoing import Key

PAGE = 8
# Minutes after which a post deletes itself: Telegram lets a bot do so within 48 hours.
LIVES = (60, 180, 360, 720, 1440, 2160, 2820)
EXPIRIES = (1, 3, 6, 12, 24, 48, 72)


# --- where ----------------------------------------------------------------------------------------------------------


Then = dict[str, Any]


def where(post: Post, now: datetime, page: int = 0, then: Then | None = None) -> Menu:
    """The chats to choose from; what is wrong with those that are chosen. ``then``: the verb and the data of what
    waits for the choice, so that nobody has to say a time twice."""
    chosen = chosen_of(post)
    # What was chosen can be taken back, whatever became of it.
    known = rights.places() | Chat.objects.filter(pk__in={number for number, _thread in chosen})
    pages = max(1, -(-known.count() // PAGE))
    page = min(max(0, page), pages - 1)
    shown = list(known[page * PAGE : (page + 1) * PAGE])
    if not shown:
        text = _("The bot is in no channel or group yet. Add it as an administrator, and let an admin approve it.")
        return cards.titled(cards.headline(post), text), [cards.back(post)]
    with_topics = set(Topic.objects.of(shown).values_list("chat_id", flat=True))
    with_topics |= {number for number, thread in chosen if thread}
    data = {"page": page, "then": then}
    keys = [[_row(post, chat, chosen, data, has_topics=chat.pk in with_topics)] for chat in shown]
    lines = [_("Where shall it appear? Press to choose, and again to take it back."), *_wrong(post, now)]
    done = key("✅ " + _("Done"), then["verb"], post, **then["data"]) if then else key("✅ " + _("Done"), "show", post)
    return cards.titled(cards.headline(post), *lines), [*keys, _turning(post, "where", "page", pages, data), [done]]


Chosen = list[tuple[int, int]]


def _row(post: Post, chat: Chat, chosen: Chosen, data: Then, *, has_topics: bool) -> Key:
    if has_topics:
        mark = _mark(any(number == chat.pk for number, _thread in chosen))
        return key(f"{mark} {chat} ›", "topics", post, chat=chat.pk, **data)
    trouble = " ⚠️" if rights.trouble_of(chat) else ""
    return _toggle(post, (chat.pk, 0), f"{chat}{trouble}", chosen, data)


def _toggle(post: Post, place: tuple[int, int], label: str, chosen: Chosen, data: Then) -> Key:
    is_on = place in chosen
    return key(f"{_mark(is_on)} {label}", "place", post, chat=place[0], thread=place[1], on=not is_on, **data)


def _mark(chosen: bool) -> str:
    return "☑️" if chosen else "▫️"


def chosen_of(post: Post) -> Chosen:
    return [(target.chat_id, target.thread_id) for target in cards.targets(post)]


def _turning(post: Post, verb: str, name: str, pages: int, data: Then) -> list[Key]:
    """``name``: of ``data``, the number of the page."""
    page = data[name]
    turning = [key("‹", verb, post, **data | {name: page - 1})] if page else []
    return [*turning, *([key("›", verb, post, **data | {name: page + 1})] if page + 1 < pages else [])]


def _wrong(post: Post, now: datetime) -> list[str]:
    """Of the places only."""
    problems = [problem for problem in checking.check_post(post, now) if problem.target is not None]
    return cards.refusal(problems).splitlines()


def topics(post: Post, chat: Chat, now: datetime, back: Then, page: int = 0) -> Menu:
    """The topics of a forum, as far as the bot has heard of them. ``back``: as `where` was shown."""
    chosen, known = chosen_of(post), _topics_of(post, chat)
    pages = -(-len(known) // PAGE)
    page = min(max(0, page), pages - 1)
    data = back | {"topics": True, "at": page}
    shown = known[page * PAGE : (page + 1) * PAGE]
    keys = [[_toggle(post, (chat.pk, thread), name, chosen, data)] for thread, name in shown]
    keys.append(_turning(post, "topics", "at", pages, data | {"chat": chat.pk}))
    text = _("Which topic of “%(chat)s”? The bot knows those where something was said since it came.")
    hint = _("Another one: write /post there.")
    lines = [text % {"chat": chat}, hint, *_wrong(post, now)]
    return cards.titled(cards.headline(post), *lines), [*keys, [key(_("« Back"), "where", post, **back)]]


def _topics_of(post: Post, chat: Chat) -> list[tuple[int, str]]:
    """Their numbers and names; also of those that were chosen and are gone, so that they can be taken back."""
    known = {topic.thread_id: f"{topic}{' 🔒' if topic.closed else ''}" for topic in Topic.objects.of([chat])}
    for target in cards.targets(post):
        if target.chat_id == chat.pk and target.thread_id and target.thread_id not in known:
            known[target.thread_id] = f"{cards.topic_name(target)} ⚠️"
    return [(0, _("General")), *known.items()]


def with_place(post: Post, chat: int, thread: int, *, on: bool) -> list[Place]:
    """The post's places with that one, or without it. Two presses of one button are one."""
    wanted = [one for one in chosen_of(post) if one != (chat, thread)]
    if on:
        wanted.append((chat, thread))
    known = Chat.objects.in_bulk({number for number, _thread in wanted})
    return [Place(known[number], topic) for number, topic in wanted if number in known]


def publishing(post: Post, viewer: User, now: datetime) -> Menu:
    """Asks once whether to publish; what is in the way is said before."""
    if not cards.targets(post):
        return where(post, now, then={"verb": "now", "data": {}})
    if checking.check_post(post, now):
        return cards.card(post, viewer, now, note=_("Put this right before it goes out."))
    return cards.publishing(post)


# --- how ------------------------------------------------------------------------------------------------------------


def options(post: Post) -> Menu:
    keys = [[_switch(post, name, label)] for name, label in _switches(post)]
    lives = cards.span(post.delete_after_minutes) if post.delete_after_minutes else _("never")
    expires = cards.span(post.expire_hours * 60) if post.expire_hours else _("as usual")
    keys.append([key("⏲ " + _("Deletes itself: %(when)s") % {"when": lives}, "lives", post)])
    keys.append([key("⌛️ " + _("Expires: %(when)s") % {"when": expires}, "expires", post)])
    keys.append([key("✅ " + _("Done"), "show", post)])
    return cards.titled(cards.headline(post), _("How shall it appear?")), keys


def _switches(post: Post) -> Iterable[tuple[str, str]]:
    """Those that mean something for this post."""
    yield "silent", _("Without a sound")
    yield "protected", _("Protected from forwarding")
    yield "pin", _("Pin it")
    if post.kind == Kind.TEXT:
        yield "link_preview", _("Preview of links")
    if post.media.filter(kind__in=(MediaKind.PHOTO, MediaKind.VIDEO, MediaKind.ANIMATION)).exists():
        yield "caption_above", _("Caption above the picture")
    if any(target.thread_id for target in cards.targets(post)):
        yield "general_allowed", _("General topic if the topic is gone")


def _switch(post: Post, name: str, label: str) -> Key:
    is_on = getattr(post, name)
    return key(f"{_mark(is_on)} {label}", "set", post, name=name, value=not is_on)


def lives(post: Post) -> Menu:
    """After how long it deletes itself."""
    text = _("When shall it delete itself, after it has appeared?")
    times = [("delete_after_minutes", minutes, cards.span(minutes)) for minutes in LIVES]
    return _choices(post, text, [("delete_after_minutes", None, _("Never")), *times])


def expires(post: Post) -> Menu:
    """How late it may still go out."""
    text = _("If the bot could not publish it in time, how late may it still go out?")
    times = [("expire_hours", hours, cards.span(hours * 60)) for hours in EXPIRIES]
    return _choices(post, text, [("expire_hours", None, _("As usual")), *times])


def _choices(post: Post, text: str, known: list[tuple[str, int | None, str]]) -> Menu:
    keys = []
    for name, value, label in known:
        chosen = "✅ " if getattr(post, name) == value else ""
        keys.append(key(chosen + label, "set", post, name=name, value=value))
    # The first is words, and would not fit beside three others.
    rows = [keys[:1], *(keys[start : start + 4] for start in range(1, len(keys), 4))]
    return cards.titled(cards.headline(post), text), [*rows, [key(_("« Back"), "options", post)]]
