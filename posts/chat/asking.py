"""What a card asks for in words, and what the words do: a time, a reason, buttons, another text, further files."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from posts import services
from posts.chat import cards, clock, drafts, menus, place, polls
from posts.chat.contents import Content
from posts.content import NotNow, Refused
from posts.models import Post, PostTarget, State
from posts.services import times
from telegram_bot import expecting
from telegram_bot.incoming import Incoming
from telegram_bot.models import Expectation

VIA = "chat"
# What an expectation waits for: words for a post; another content of it.
WORDS, CONTENT = "post.words", "post.content"
# Where words go where they are to be seen at once, a person is asked first.
OUT = (State.PUBLISHING, State.PUBLISHED, State.PARTIAL)
# «Купить — https://shop.example»: a label, a dash or nothing, an address; several in a row between bars.
BUTTON = re.compile(r"(?P<text>.*?)\s*(?:[—–-]\s*|\s)(?P<url>\S+)", re.DOTALL)

# Between two buttons; an address may hold one, too.
BAR = re.compile(r"(?:^|\s)\|(?:\s|$)")


def expect_words(incoming: Incoming, post: Post, what: str, asked: str, now: datetime) -> None:
    """The next words are for ``post``: "when", "reason" or "buttons". Inside the transaction that asks."""
    expecting.expect(incoming, WORDS, {"post": str(post.pk), "what": what}, asked, now)


@transaction.atomic
def answer(incoming: Incoming, expectation: Expectation, words: str, now: datetime) -> bool:
    """The words that were asked for."""
    post = place.one(expectation.data["post"])
    expecting.forget(incoming)
    if post is None:
        place.say(incoming, cards.gone())
        place.finish(incoming, now)
        return True
    if not services.may_change(incoming.user, post):
        return False
    place.take_away(incoming, expectation.asked)
    try:
        with transaction.atomic():
            ANSWERS[expectation.data["what"]](incoming, post, words, now)
    except (Refused, NotNow) as why_not:
        _ask_again(incoming, post, expectation, why_not, now)
    place.finish(incoming, now)
    return True


def _ask_again(incoming: Incoming, post: Post, waiting: Expectation, why_not: Refused | NotNow, now: datetime) -> None:
    """Why it cannot be so; what mends it may be written at once."""
    if isinstance(why_not, times.Past | times.NoSuchTime):
        asked = place.say(incoming, clock.refused(post, why_not), about=post)
    elif isinstance(why_not, Refused):
        text = cards.refusal(why_not.problems)
        menu = cards.titled(cards.headline(post), text, "\n" + _("Send it anew, or leave it.")), [cards.back(post)]
        asked = place.say(incoming, menu, about=post)
    else:
        place.say(incoming, cards.card(post, incoming.user, now, note=f"⚠️ {why_not.text}"), about=post)
        return
    expecting.expect(incoming, waiting.action, waiting.data, asked, now)


def when(incoming: Incoming, post: Post, words: str, now: datetime) -> None:
    """A time in words: shown as the exact one before it holds."""
    try:
        reading = clock.read(words, place.said_at(incoming, now), now, incoming.user, incoming.language)
    except clock.AtOnce:
        place.say(incoming, menus.publishing(post, incoming.user, now), about=post)
    except clock.Unclear as unclear:
        asked = place.say(incoming, clock.asking(post, incoming.user, now, f"❓ {unclear}"), about=post)
        expect_words(incoming, post, "when", asked, now)
    else:
        place.say(incoming, clock.confirming(post, reading), about=post)


def _reason(incoming: Incoming, post: Post, words: str, now: datetime) -> None:
    done = services.cancel_post(post, " ".join(words.split()), by=incoming.user, via=VIA, now=now)
    note = "" if done else _("There is nothing left to cancel.")
    place.say(incoming, cards.card(post, incoming.user, now, note=note), about=post)


# --- buttons --------------------------------------------------------------------------------------------------------


def ask_buttons(incoming: Incoming, post: Post, edit: int | None, now: datetime) -> None:
    text = _(
        "Write the buttons, a row on each line: “Text — https://example.com”. Several in one row stand between bars: "
        "“One — https://one.example | Two — https://two.example”."
    )
    keys = [cards.back(post)]
    if post.buttons:
        keys.insert(0, [cards.key("✖️ " + _("Without buttons"), "nobuttons", post)])
    asked = place.say(incoming, (cards.titled(cards.headline(post), text), keys), about=post, edit=edit)
    expect_words(incoming, post, "buttons", asked, now)


def _buttons(incoming: Incoming, post: Post, words: str, now: datetime) -> None:
    services.change_post(post, buttons=buttons_of(words), by=incoming.user, via=VIA, now=now)
    drafts.present(incoming, post, now)


def buttons_of(words: str) -> list[list[dict[str, str]]]:
    """What is no address is found by the checks, which name the button."""
    rows = [[_button(piece.strip()) for piece in BAR.split(line) if piece.strip()] for line in words.splitlines()]
    return [row for row in rows if row]


def _button(piece: str) -> dict[str, str]:
    found = BUTTON.fullmatch(piece)
    return {"text": found["text"].strip(" —–-"), "url": found["url"]} if found else {"text": piece, "url": ""}


ANSWERS: dict[str, Callable[[Incoming, Post, str, datetime], None]] = {
    "when": when,
    "reason": _reason,
    "buttons": _buttons,
}


# --- another content ------------------------------------------------------------------------------------------------


def ask_text(incoming: Incoming, post: Post, edit: int | None, now: datetime) -> None:
    text = _("Send the new text; its formatting is kept.")
    if post.poll:
        text = _("Write the question and the answers anew, each on a line of its own; one line is a new question only.")
        text += "\n" + _("For a quiz put + before the right one; a last line “💡 …” explains it.")
    elif post.state not in OUT:
        text += " " + _("A file, an album or a poll takes the place of the whole post.")
    menu = cards.titled(cards.headline(post), text), [cards.back(post)]
    asked = place.say(incoming, menu, about=post, edit=edit)
    expecting.expect(incoming, CONTENT, {"post": str(post.pk)}, asked, now)


def ask_files(incoming: Incoming, post: Post, edit: int | None, now: datetime) -> None:
    menu = cards.titled(cards.headline(post), _("Send the files to add.")), [cards.back(post)]
    asked = place.say(incoming, menu, about=post, edit=edit)
    expecting.expect(incoming, drafts.FILES, {"post": str(post.pk)}, asked, now)


@transaction.atomic
def replace(incoming: Incoming, key: Any, content: Content, now: datetime, *, asked: str = "") -> bool:
    """Another text for a post, or all of it anew; where it is to be seen already, after a yes. False when it is
    gone, or another person's."""
    post = place.one(key)
    if post is None or content.is_empty or not services.may_change(incoming.user, post):
        return False
    expecting.forget(incoming)
    if asked:
        place.take_away(incoming, asked)
    if post.state in OUT:
        _ask_before_all_see(incoming, post, content)
    else:
        _put(incoming, post, content, now)
    place.finish(incoming, now)
    return True


def _put(incoming: Incoming, post: Post, content: Content, now: datetime) -> None:
    try:
        services.change_post(post, by=incoming.user, via=VIA, now=now, **changes_of(post, content))
    except (Refused, NotNow) as why_not:
        if post.state == State.DRAFT and isinstance(why_not, Refused):
            whole = Content(content.text, content.entities, content.media or services.media_of(post), content.poll)
            drafts.explain(incoming, whole, why_not.problems, now, instead=post)
        else:
            place.say(incoming, cards.card(post, incoming.user, now, note=f"⚠️ {why_not}"), about=post)
    else:
        drafts.present(incoming, post, now)


def changes_of(post: Post, content: Content) -> dict[str, Any]:
    """What ``content`` changes: words alone are new words, anything else takes the place of the whole post."""
    if not content.media and not content.poll:
        if post.poll:
            return {"poll": polls.rewritten(post.poll, content.text)}
        return {"text": content.text, "entities": content.entities}
    return content.changes() | ({"buttons": []} if len(content.media) > 1 else {})


MOST_SHOWN = 700  # characters of a text that is asked about


def _ask_before_all_see(incoming: Incoming, post: Post, content: Content) -> None:
    """New words in reply to a post that is out might have been meant for somebody else."""
    count = sum(target.state == PostTarget.State.SENT for target in cards.targets(post))
    text = ngettext("Change it in %(count)d chat to this?", "Change it in %(count)d chats to this?", count)
    shown = content.text if len(content.text) <= MOST_SHOWN else content.text[:MOST_SHOWN].rstrip() + "…"
    files = ngettext("%(count)d file", "%(count)d files", len(content.media)) % {"count": len(content.media)}
    yes = cards.key("✏️ " + _("Yes, change it"), "edit", post, content=content.sealed(), version=post.version)
    lines = ["", "📎 " + files if content.media else "", shown, "\n" + text % {"count": count}]
    place.say(
        incoming, (cards.titled(cards.headline(post), *lines), [[yes, cards.key(_("No"), "show", post)]]), about=post
    )
