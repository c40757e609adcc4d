"""/poll: a question and its answers, at once or one after the other; then what kind of poll it is."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from posts.chat import cards, drafts, place
from posts.chat.cards import Menu, key
from posts.chat.contents import Content
from posts.content import Poll
from posts.models import Post
from telegram_bot import expecting
from telegram_bot.incoming import Incoming
from telegram_bot.models import Expectation
from telegram_bot.outgoing import Key

# What an expectation waits for.
POLL = "post.poll"
# What stands before, or after, a right answer; and before the words that are shown to who was wrong.
RIGHT = ("✅", "+")
EXPLAINED = ("💡", "explanation:", "пояснение:", "объяснение:")
FEWEST = 2
MOST_SHOWN = 300  # characters of a question, as many as Telegram takes


@dataclass
class Wish:
    """What has been said so far of a poll."""

    question: str = ""
    options: list[str] = field(default_factory=list)
    correct: list[int] = field(default_factory=list)
    explanation: str = ""
    places: list[list[int]] = field(default_factory=list)

    def hear(self, words: str) -> None:
        """The first line is the question, where there is none yet; each further line an answer."""
        for line in (line.strip() for line in words.splitlines()):
            if not line:
                continue
            begin = next((mark for mark in EXPLAINED if line.lower().startswith(mark)), "")
            if not self.question:
                self.question = line
            elif begin and self.options:
                self.explanation = line[len(begin) :].strip()
            else:
                self._answer(line)

    def _answer(self, line: str) -> None:
        bare = line
        for mark in RIGHT:
            bare = bare.removeprefix(mark).removesuffix(mark).strip()
        if bare != line and bare:
            self.correct.append(len(self.options))
        self.options.append(bare or line)

    def poll(self) -> Poll:
        is_quiz = bool(self.correct)
        return {
            "question": self.question,
            "question_entities": [],
            "options": [{"text": option, "entities": []} for option in self.options],
            "quiz": is_quiz,
            "correct": self.correct,
            "explanation": self.explanation if is_quiz else "",
            "explanation_entities": [],
            "anonymous": True,
            "multiple": len(self.correct) > 1,
            "open_seconds": None,
        }


@transaction.atomic
def begin(incoming: Incoming, words: str, now: datetime, places: list[list[int]] | None = None) -> None:
    """``/poll``, with the question and its answers or without."""
    expecting.forget(incoming)
    wish = Wish(places=places or [])
    wish.hear(words)
    _go_on(incoming, wish, now, of=place.message_id(incoming))
    place.finish(incoming, now)


@transaction.atomic
def answer(incoming: Incoming, expectation: Expectation, words: str, now: datetime) -> bool:
    """The question, or the answers."""
    expecting.forget(incoming)
    place.take_away(incoming, expectation.asked)
    wish = Wish(**expectation.data)
    wish.hear(words)
    _go_on(incoming, wish, now)
    place.finish(incoming, now)
    return True


@transaction.atomic
def edited(incoming: Incoming, post: UUID, words: str, now: datetime) -> bool:
    """``/poll`` with everything in one message, which says something else now; so does the draft."""
    row = place.one(post)
    if row is None or not row.poll:
        return False
    return drafts.edited(incoming, post, Content(poll=rewritten(row.poll, words)), now)


def _go_on(incoming: Incoming, wish: Wish, now: datetime, *, of: int = 0) -> None:
    """``of``: the message that holds all of the poll."""
    if len(wish.options) >= FEWEST:
        drafts.make(incoming, Content(poll=wish.poll(), of=of), now, wish.places)
        return
    if not wish.question:
        text = _("What is the question? You may write the answers at once, each on a line of its own.")
    else:
        text = _("Now the answers to “%(question)s”, each on a line of its own.") % {"question": _short(wish.question)}
        text += "\n" + _("For a quiz put + before the right one; a last line “💡 …” explains it.")
    asked = place.say(incoming, (cards.said("📊 " + text), [[Key(_("Cancel"), "post.forget")]]))
    expecting.expect(incoming, POLL, asdict(wish), asked, now)


def _short(question: str) -> str:
    """Of a message of the bot, what was said is only a part."""
    return question if len(question) <= MOST_SHOWN else question[: MOST_SHOWN - 1].rstrip() + "…"


# --- what kind of poll ----------------------------------------------------------------------------------------------


def menu(post: Post) -> Menu:
    poll = post.poll or {}
    keys = [
        [_switch(post, "quiz", _("A quiz: one answer is right"), is_on=bool(poll.get("quiz")))],
        [_switch(post, "anonymous", _("Anonymous"), is_on=bool(poll.get("anonymous", True)))],
        [_switch(post, "multiple", _("Several answers may be chosen"), is_on=bool(poll.get("multiple")))],
        [key("✏️ " + _("Question and answers"), "text", post)],
        [key("✅ " + _("Done"), "show", post)],
    ]
    lines = [
        f"{'✅' if number in poll.get('correct', ()) else '•'} {option['text']}" for number, option in _numbered(poll)
    ]
    return cards.titled(cards.headline(post), *lines), keys


def _numbered(poll: Poll) -> list[tuple[int, dict[str, Any]]]:
    return list(enumerate(poll.get("options", [])))


def _switch(post: Post, name: str, label: str, *, is_on: bool) -> Key:
    return key(f"{'☑️' if is_on else '▫️'} {label}", "pollset", post, name=name, value=not is_on)


def right_answers(post: Post) -> Menu:
    """Before it is a quiz: which answer is right."""
    keys = [
        [key(option["text"][:40], "pollset", post, name="correct", value=[number])]
        for number, option in _numbered(post.poll or {})
    ]
    return cards.titled(cards.headline(post), _("Which answer is right?")), [*keys, [key(_("« Back"), "poll", post)]]


def rewritten(poll: Poll, words: str) -> Poll:
    """``poll`` with another question, and other answers where ``words`` hold some."""
    wish = Wish()
    wish.hear(words)
    new = wish.poll()
    names = ["question", "question_entities"]
    if wish.options:
        names += ["options", "quiz", "correct", "explanation", "explanation_entities"]
    several = {"multiple": True} if len(wish.correct) > 1 else {}
    return {**poll, **{name: new[name] for name in names}, **several}


def changed(poll: Poll, name: str, value: Any) -> Poll | None:
    """``poll`` with that set; None: the right answer is to be named first. Only a quiz has right answers."""
    if name == "quiz" and value:
        return None
    if name == "quiz":
        return {**poll, "quiz": False, "correct": [], "explanation": "", "explanation_entities": []}
    if name == "correct":
        return {**poll, "quiz": True, "correct": value}
    if name == "multiple" and not value:
        return {**poll, "multiple": False, "correct": poll.get("correct", [])[:1]}
    return {**poll, name: value}
