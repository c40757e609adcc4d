"""How a reminder comes about in a chat: words are heard, what is unclear is asked, the card waits for a yes.

What somebody has said so far is an `Expectation`; the card is a reminder that is not in force yet. Each function is one
short transaction with which the update is done, so that nothing is made twice. Called inside ``in_db``.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from delivery import cities
from delivery.models import Schedule
from delivery.schedule import Once
from reminders import services
from reminders.chat import cards, clock, place
from reminders.chat.cards import Menu
from reminders.chat.requests import is_request
from reminders.chat.wishes import Wish, changed, heard
from reminders.models import FINAL, Action, Reminder, Status
from reminders.services import Draft, NotNow, Refused
from telegram_bot import expecting
from telegram_bot.incoming import Incoming
from telegram_bot.lanes import body_of
from telegram_bot.models import Expectation
from telegram_bot.outgoing import Key

# What an expectation waits for.
WORDS = "remind.words"
# Answers in a row that are none; then the words are a question to the assistant again.
MOST_TRIES = 2
VIA = "chat"
# Where a problem with the time stands; another time may mend it.
OF_TIME = {"trigger_at", "cron_expression", "end_at", "rule"}


# --- making ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def request(incoming: Incoming, words: str, about: str, now: datetime, *, free: bool = False) -> bool:
    """Somebody wants to be reminded. ``about``: the message that the command replies to, if it was not said of what.

    ``free``: said in passing, without the command; then False gives it back where no time can be found in it.
    """
    expecting.forget(incoming)
    if about and (found := place.replied_about(incoming)) is not None:
        about = found[1].text
    wish = Wish(message=body_of(incoming.update.raw).get("message_id") or 0)
    at = place.said_at(incoming, now)
    if free and not _names_a_time(incoming, words, at):
        return False
    if not words.strip() and not about:
        wish.asked = "time"
        _ask(incoming, wish, _("What shall I remind you of, and when? For example: tomorrow at 9 call mum"), now)
    elif not incoming.user.time_zone:
        kept = {"wish": wish.as_json(), "words": words, "about": about, "said_at": at.isoformat()}
        clock.ask(incoming, kept, now)
    else:
        _hear(incoming, wish, words, about, at, now)
    place.finish(incoming, now)
    return True


def _names_a_time(incoming: Incoming, words: str, at: datetime) -> bool:
    trial = Wish()
    heard(trial, words, at, ZoneInfo(incoming.user.time_zone or settings.TIME_ZONE), incoming.language)
    return not trial.tries


def _hear(incoming: Incoming, wish: Wish, words: str, about: str, at: datetime, now: datetime) -> None:
    question = heard(wish, words, at, ZoneInfo(incoming.user.time_zone), incoming.language)
    if wish.asked == "text" and about:
        wish.text, wish.asked, question = about, "", ""
    ask_or_propose(incoming, wish, question, now)


def ask_or_propose(incoming: Incoming, wish: Wish, question: str, now: datetime) -> None:
    """Ask what is unclear, or show what was understood. Inside a transaction."""
    if question:
        _ask(incoming, wish, question, now)
    else:
        _propose(incoming, wish, now)


def _ask(incoming: Incoming, wish: Wish, question: str, now: datetime) -> None:
    """One short question; the next message answers it, in a group a reply."""
    if not incoming.chat.is_private:
        question += "\n" + _("Reply to this message.")
    keys = [[Key(_("Cancel"), "remind.forget")]]
    asked = place.say(incoming, (cards.said("❓ " + question), keys), reply=True)
    expecting.expect(incoming, WORDS, wish.as_json(), asked, now)


@transaction.atomic
def answer(incoming: Incoming, expectation: Expectation, words: str, now: datetime) -> bool:
    """The words that were asked for. False when they are no answer, again and again: they are a question then."""
    expecting.forget(incoming)
    if is_request(words):
        return request(incoming, words, "", now)
    wish, at = Wish(**expectation.data), place.said_at(incoming, now)
    if wish.reminder:
        row = place.one_here(incoming, wish.reminder)
        question = changed(wish, words, at, cards.zone_of(row), incoming.language) if row else ""
    else:
        question = heard(wish, words, at, ZoneInfo(incoming.user.time_zone or settings.TIME_ZONE), incoming.language)
    if wish.tries > MOST_TRIES:
        return False
    if not incoming.user.time_zone and not wish.reminder:
        kept = {"wish": Wish(**expectation.data).as_json(), "words": words, "about": "", "said_at": at.isoformat()}
        clock.ask(incoming, kept, now)
    else:
        ask_or_propose(incoming, wish, question, now)
    place.finish(incoming, now)
    return True


@transaction.atomic
def edited(incoming: Incoming, words: str, now: datetime) -> bool:
    """The message that asked for a reminder says something else now. False when it made none that is still to come."""
    message_id = body_of(incoming.update.raw).get("message_id")
    kept = Expectation.objects.filter(user=incoming.user, chat=incoming.chat, thread_id=incoming.thread).first()
    if kept is not None and kept.data.get("wish", kept.data).get("message") == message_id:
        return request(incoming, words, "", now)
    made = place.reminders_here(incoming).filter(user=incoming.user, chat=incoming.chat, source_message_id=message_id)
    row = made.exclude(status__in=FINAL).first()
    if row is None:
        return False
    wish = Wish(reminder=str(row.pk))
    question = heard(wish, words, place.said_at(incoming, now), cards.zone_of(row), incoming.language)
    ask_or_propose(incoming, wish, question, now)
    place.finish(incoming, now)
    return True


def _propose(incoming: Incoming, wish: Wish, now: datetime) -> None:
    """The card: a reminder that is not in force before somebody says yes."""
    try:
        row = (
            _changed(incoming, wish, now)
            if wish.reminder
            else services.create(_draft(incoming, wish), via=VIA, now=now)
        )
    except Refused as refused:
        _refused(incoming, wish, refused, now)
    except NotNow as why_not:
        place.say(incoming, (cards.said(why_not.text), ()))
    else:
        menu = _card_of(row, wish, now) if row is not None else cards.gone()
        place.say(incoming, menu, about=row, reply=True)


def _card_of(row: Reminder, wish: Wish, now: datetime) -> Menu:
    if row.status == Status.PENDING:
        return cards.asking(row, now, wish.assumed)
    return cards.confirmed(row, now, wish.assumed)


def _draft(incoming: Incoming, wish: Wish) -> Draft:
    rule = wish.when
    assert rule is not None
    return Draft(
        user=incoming.user,
        rule=rule,
        zone=incoming.user.time_zone,
        payload={"text": wish.text},
        chat=incoming.chat,
        thread=incoming.thread,
        zone_of_owner=True,
        created_by=incoming.user,
        nag_minutes=wish.nag,
        catch_up=_catch_up(rule),
        source_message_id=wish.message or None,
        confirmed=False,
    )


def _catch_up(rule: object) -> str:
    """What comes once is better late than never."""
    return Schedule.CatchUp.LAST if isinstance(rule, Once) else Schedule.CatchUp.NONE


def _refused(incoming: Incoming, wish: Wish, refused: Refused, now: datetime) -> None:
    """Say what to do; where another time would mend it, wait for one."""
    text = "\n".join(dict.fromkeys(problem.text for problem in refused.problems))
    if any(problem.field in OF_TIME for problem in refused.problems):
        wish.rule, wish.asked, wish.tries = None, "time", 0
        _ask(incoming, wish, text, now)
        return
    if any(problem.code == "too-many" for problem in refused.problems):
        text += " /reminders"
    place.say(incoming, (cards.said(text), ()), reply=True)


# --- changing -------------------------------------------------------------------------------------------------------


def _changed(incoming: Incoming, wish: Wish, now: datetime) -> Reminder | None:
    row = place.one_here(incoming, wish.reminder)
    if row is None or not cards.may_change(row, incoming.user):
        return None
    changes: dict[str, Any] = {}
    if (rule := wish.when) is not None:
        changes = {"rule": rule, "catch_up": _catch_up(rule)}
        if row.schedule.end_at is not None and row.schedule.end_at == row.schedule.next_at:
            changes["end_at"] = None  # it was over, but for what was put off
    if wish.text and row.action == Action.TEXT:
        changes["payload"] = row.payload | {"text": wish.text}
    elif wish.text:  # what it does is no text; this is what it is called
        changes["title"] = wish.text[:200]
    if wish.nag:
        changes["nag_minutes"] = wish.nag
    return services.change(row, by=incoming.user, via=VIA, now=now, **changes)


# --- the zone is known now ------------------------------------------------------------------------------------------


@transaction.atomic
def choose_zone(incoming: Incoming, pressed: dict[str, Any], edit: int | None, now: datetime) -> None:
    """A press on a place; what was to be made when it was asked for goes on, however late, while it is kept."""
    kept = Expectation.objects.filter(user=incoming.user, chat=incoming.chat, thread_id=incoming.thread)
    data: dict[str, Any] = next((row.data for row in kept.filter(action=clock.ZONE)), {})
    expecting.forget(incoming)
    told = clock.remember(incoming, pressed["zone"], now)
    if pressed.get("goes_on") and "wish" not in data:
        told += "\n" + _("What you wanted to be reminded of is too long ago. Write it once more: /remind")
    place.say(incoming, (cards.said(told), ()), edit=edit)
    _take_up(incoming, data, now)
    place.finish(incoming, now)


@transaction.atomic
def answer_zone(incoming: Incoming, expectation: Expectation, words: str, now: datetime) -> bool:
    """A city or a zone. False when it is none, again and again: then it is a question."""
    expecting.forget(incoming)
    if is_request(words):
        return request(incoming, words, "", now)
    zone, data = cities.found(words), expectation.data
    if zone is not None:
        place.say(incoming, (cards.said(clock.remember(incoming, zone, now)), ()))
        _take_up(incoming, data, now)
    elif (tries := data.get("tries", 0) + 1) <= MOST_TRIES:
        clock.ask(incoming, data | {"tries": tries}, now, clock.unknown(words))
    else:
        return False
    place.finish(incoming, now)
    return True


def _take_up(incoming: Incoming, data: dict[str, Any], now: datetime) -> None:
    """Go on with what was said before the zone was asked for."""
    if "wish" in data:
        at = datetime.fromisoformat(data["said_at"])
        _hear(incoming, Wish(**data["wish"]), data["words"], data["about"], at, now)
