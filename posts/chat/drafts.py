"""How a post comes about in the chat: something is sent, the bot shows it as it will look, and a card under it.

What cannot be posted as it is says why, and offers to make several posts of it. Each function is one short transaction
with which the update is done, so that nothing is made twice. Called inside ``in_db``.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Chat, ChatKind
from posts import services
from posts.chat import cards, contents, place
from posts.chat.contents import Content
from posts.content import NotNow, Place, Problem, Refused
from posts.models import Post, State
from telegram_bot import expecting
from telegram_bot import services as inbox
from telegram_bot.incoming import Incoming
from telegram_bot.lanes import body_of
from telegram_bot.models import Button
from telegram_bot.outgoing import Key

VIA = "chat"
# What an expectation waits for: a post, further files of the album that has just come, files for a post.
NEW, MORE, FILES = "post.new", "post.more", "post.files"
# Apps send what is more than ten files as several albums, one right after the other.
ONE_AFTER_THE_OTHER = 5  # seconds


def ask(incoming: Incoming, places: list[list[int]], now: datetime, instead: str = "") -> None:
    """Wait for whatever comes next. ``places``: numbers of chats and topics where it is to appear. ``instead``: what
    to say, when something came that cannot be posted."""
    text = instead or _(
        "Send me what to publish: a text, a photo, a video, a GIF, a file, an album, a poll; or forward it. "
        "I show how it will look, and nothing goes out before you say so."
    )
    asked = place.say(incoming, (cards.said("📝 " + text), [[Key(_("Cancel"), "post.forget")]]))
    expecting.expect(incoming, NEW, {"places": places}, asked, now)


@transaction.atomic
def wait(incoming: Incoming, places: list[list[int]], now: datetime, instead: str = "") -> None:
    """``/post`` alone, or about what cannot be posted."""
    ask(incoming, places, now, instead)
    place.finish(incoming, now)


@transaction.atomic
def make(
    incoming: Incoming, content: Content, now: datetime, places: list[list[int]] | None = None, note: str = ""
) -> None:
    """A draft of what was sent, with its preview and its card; or why not."""
    expecting.forget(incoming)
    wanted = places or []
    if content.is_empty:
        ask(incoming, wanted, now)
    elif (post := _made(incoming, content, wanted, now)) is not None:
        present(incoming, post, now, source=content.of, note=note)
        if post.media.exists():
            _await_the_rest(incoming, post, now)
    place.finish(incoming, now)


def _made(incoming: Incoming, content: Content, places: list[list[int]], now: datetime) -> Post | None:
    try:
        return services.create_draft(
            incoming.user, **content.changes(), places=_places(incoming, places), via=VIA, now=now
        )
    except Refused as refused:
        explain(incoming, content, refused.problems, now, places=places)
        return None


def _places(incoming: Incoming, places: list[list[int]]) -> list[Place]:
    shared = Chat.objects.filter(bot_id=incoming.bot_id).exclude(kind=ChatKind.PRIVATE)
    chats = shared.in_bulk([chat for chat, _thread in places])
    return [Place(chats[chat], thread) for chat, thread in places if chat in chats]


def present(incoming: Incoming, post: Post, now: datetime, *, source: int = 0, note: str = "") -> str:
    """Show ``post`` as it will look, and its card under it; the key of the card. Inside a transaction."""
    place.show(incoming, post, source=source)
    return place.say(incoming, cards.card(post, incoming.user, now, note=note), about=post)


def _await_the_rest(incoming: Incoming, post: Post, now: datetime) -> None:
    """The next files may belong to it: see `more`."""
    kept = {"post": str(post.pk), "date": body_of(incoming.update.raw).get("date", 0)}
    expecting.expect(incoming, MORE, kept, "", now)


# --- what cannot be posted as it is ---------------------------------------------------------------------------------


def explain(
    incoming: Incoming, content: Content, problems: list[Problem], now: datetime, *,
    places: list[list[int]] | None = None, instead: Post | None = None,
) -> None:  # fmt: skip
    """What is in the way and what can be done with one press; the next message may be the mended one. ``instead``: the
    draft that several posts would take the place of."""
    keys = []
    data: dict[str, Any] = {"places": places or []}
    if len(pieces := contents.parts(content)) > 1:
        kept = {"content": content.sealed(), "instead": str(instead.pk) if instead else ""}
        keys.append([Key("✂️ " + _split_label(content, pieces), "post.split", data | kept)])
    if content.poll and any(problem.code == NO_RIGHT_ANSWER for problem in problems):
        keys += _right_answers(content, data)
    if instead is not None:
        keys.append([cards.key(_("Leave it as it was"), "show", instead)])
    else:
        keys.append([Key(_("Cancel"), "post.forget")])
    told = _("Choose, or send it anew.") if len(keys) > 1 else _("Send it anew, or leave it.")
    asked = place.say(incoming, (cards.said(f"{cards.refusal(problems)}\n\n{told}"), keys))
    if instead is None:
        expecting.expect(incoming, NEW, data, asked, now)


NO_RIGHT_ANSWER = "no-right-answer"


def _split_label(content: Content, pieces: list[Content]) -> str:
    if len(pieces) == 2 and not pieces[1].media and content.media:
        return _("The text as a post of its own")
    return ngettext("Make %(count)d post of it", "Make %(count)d posts of it", len(pieces)) % {"count": len(pieces)}


def _right_answers(content: Content, data: dict[str, Any]) -> list[list[Key]]:
    """A quiz without a right answer: a press names it."""
    poll = content.poll or {}
    keys = []
    for number, option in enumerate(poll["options"]):
        mended = replace(content, poll={**poll, "correct": [number]}).sealed()
        keys.append([Key(f"✅ {option['text'][:40]}", "post.made", data | {"content": mended})])
    return keys


@transaction.atomic
def split(incoming: Incoming, button: Button, edit: int | None, now: datetime) -> None:
    """Several posts of what was sent, a preview and a card each. Two presses are one."""
    if not inbox.use_up(button):
        return
    data = button.data
    pieces = contents.parts(contents.unsealed(data["content"]))
    instead = place.one(data["instead"]) if data.get("instead") else None
    if data.get("instead") and instead is None:
        place.say(incoming, cards.gone(), edit=edit)
    elif instead is not None and instead.state != State.DRAFT:
        note = _("It was changed meanwhile. Look once more.")
        place.say(incoming, cards.card(instead, incoming.user, now, note=note), about=instead, edit=edit)
    else:
        expecting.forget(incoming)
        text = ngettext("It is %(count)d post now.", "They are %(count)d posts now.", len(pieces))
        place.say(incoming, (cards.said("✂️ " + text % {"count": len(pieces)}), ()), edit=edit)
        if instead is not None:
            data = data | {"places": [[one.chat_id, one.thread_id] for one in cards.targets(instead)]}
            place.take_previews_away(incoming, instead)
            services.delete_draft(instead, by=incoming.user, via=VIA, now=now)
        for number, piece in enumerate(pieces):
            # One after the other, so that lists keep their order.
            if (post := _made(incoming, piece, data["places"], now + timedelta(microseconds=number))) is not None:
                present(incoming, post, now)
    place.finish(incoming, now)


@transaction.atomic
def made(incoming: Incoming, button: Button, edit: int | None, now: datetime) -> None:
    """What was still to be chosen is: the draft is made. Two presses are one."""
    if not inbox.use_up(button):
        return
    expecting.forget(incoming)
    data = button.data
    content = contents.unsealed(data["content"])
    if (post := _made(incoming, content, data["places"], now)) is not None:
        place.say(incoming, (cards.said("✅ " + _("Good.")), ()), edit=edit)
        present(incoming, post, now, source=content.of)
    place.finish(incoming, now)


# --- further files --------------------------------------------------------------------------------------------------


def comes_along(incoming: Incoming, data: dict[str, Any]) -> bool:
    """Whether the files that come now were sent together with those of the draft."""
    later = int(body_of(incoming.update.raw).get("date", 0)) - int(data["date"])
    return 0 <= later <= ONE_AFTER_THE_OTHER


@transaction.atomic
def add_or_make(incoming: Incoming, key: str, content: Content, now: datetime) -> bool:
    """As `add`; but an app cuts one album with one caption, so that another caption is another post, for the same
    places."""
    post = place.one(key)
    if post is None or not post.text or not content.text:
        return add(incoming, key, content, now)
    make(incoming, content, now, [[one.chat_id, one.thread_id] for one in cards.targets(post)])
    return True


@transaction.atomic
def add(incoming: Incoming, key: str, content: Content, now: datetime, *, asked: str = "") -> bool:
    """Put further files to the post. False when it is gone, or no draft any more, so that they are no answer."""
    expecting.forget(incoming)
    post = place.one(key)
    if post is None or not services.may_change(incoming.user, post):
        return False
    if asked:
        place.take_away(incoming, asked)
    changes = _with(post, content)
    try:
        services.change_post(post, by=incoming.user, via=VIA, now=now, **changes)
    except (Refused, NotNow) as why_not:
        if post.state == State.DRAFT and isinstance(why_not, Refused):
            whole = replace(Content(post.text, post.entities, poll=post.poll, buttons=post.buttons), **changes)
            explain(incoming, whole, why_not.problems, now, instead=post)
        else:
            place.say(incoming, cards.card(post, incoming.user, now, note=f"⚠️ {why_not}"), about=post)
    else:
        present(incoming, post, now)
        if post.state == State.DRAFT:
            _await_the_rest(incoming, post, now)
    place.finish(incoming, now)
    return True


def _with(post: Post, content: Content) -> dict[str, Any]:
    """The post's files and those of ``content``. Words that came with them are the post's where it has none, else
    they stay with the first of the new files."""
    added = list(content.media)
    changes: dict[str, Any] = {}
    if content.text and not post.text:
        changes = {"text": content.text, "entities": content.entities}
    elif content.text:
        added[0] = replace(added[0], text=content.text, entities=content.entities)
    return {"media": [*services.media_of(post), *added], **changes}


# --- the message was edited -----------------------------------------------------------------------------------------


def source(incoming: Incoming) -> UUID | None:
    """The draft that the edited message became."""
    post = place.made_of(incoming, body_of(incoming.update.raw).get("message_id", 0))
    return post.pk if post is not None else None


@transaction.atomic
def edited(incoming: Incoming, key: UUID, content: Content, now: datetime) -> bool:
    """The message that a draft was made of says something else now; so does the draft."""
    post = place.one(key)
    if post is None or post.state != State.DRAFT or bool(post.poll) != bool(content.poll):
        return False
    changes: dict[str, Any] = {"text": content.text, "entities": content.entities}
    if content.poll:
        changes = {"poll": content.poll}
    elif content.media and post.media.count() == 1:
        changes["media"] = content.media
    try:
        services.change_post(post, by=incoming.user, via=VIA, now=now, **changes)
    except Refused as refused:
        note = cards.refusal(refused.problems) + "\n" + _("The draft stays as it was.")
        place.say(incoming, cards.card(post, incoming.user, now, note=note), about=post)
    else:
        present(incoming, post, now, note=_("Changed, as your message was."))
    place.finish(incoming, now)
    return True
