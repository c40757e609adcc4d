"""What a card asks for in words, and what the words do: a name, a time, a number of days, a zone, an address, a sum."""

import re
from collections.abc import Callable
from datetime import datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from delivery import cities
from delivery.plain_words import parse
from delivery.schedule import Daily, Monthly, Once, Rule, RuleError, Weekly
from reports.chat import cards, menus, place
from reports.chat.cards import key
from reports.chat.place import Menu, titled
from reports.models import AvitoProfile, ReportTask
from reports.sending.names import mail_is_set_up
from reports.services import access, profiles, tasks
from reports.services.rows import NotSo
from telegram_bot import expecting
from telegram_bot.incoming import Incoming
from telegram_bot.models import Expectation

VIA = "chat"
# What expectations wait for: words for what stands in their data; a chat; the address of a webhook.
WORDS, CHAT, HOOK = "avito.words", "avito.chat", "avito.hook"
CLOCK = re.compile(
    r"(?:в|к|at)?\s*(?P<hour>\d{1,2})(?:\s*[:.\-ч]\s*(?P<minute>\d\d))?(?:\s*ч(?:ас\w*)?)?\.?", re.IGNORECASE
)
# Answers in a row that are none; then the words are for the assistant.
MOST_TRIES = 2


class Unclear(ValueError):
    """It is no answer; the text says what is."""


@transaction.atomic
def answer(incoming: Incoming, expectation: Expectation, words: str, now: datetime) -> bool:
    """The words that were asked for. False when they are no answer, again and again: they are a question then."""
    data = dict(expectation.data)
    profile = access.own(incoming.user, data.get("profile"))
    expecting.forget(incoming)
    if profile is None:
        place.say(incoming, cards.gone())
        place.finish(incoming, now)
        return True
    try:
        with transaction.atomic():
            menu = ANSWERS[data["what"]](incoming, profile, words.strip(), now)
    except (Unclear, NotSo, RuleError) as why_not:
        data["tries"] = data.get("tries", 0) + 1
        if data["tries"] > MOST_TRIES:
            return False
        again = _again(incoming, profile, data["what"], str(why_not), now)
        place.expect(incoming, WORDS, data, place.say(incoming, again), now)
    else:
        place.take_away(incoming, expectation.asked)
        place.say(incoming, menu)
    place.finish(incoming, now)
    return True


def _again(incoming: Incoming, profile: AvitoProfile, what: str, problem: str, now: datetime) -> Menu:
    """The question once more, with what is wrong."""
    task = tasks.task_of(profile)
    match what:
        case "name":
            return cards.renaming(profile, problem)
        case "time":
            return menus.time(profile, task, problem)
        case "every":
            return menus.every(profile, task, problem)
        case "zone":
            return menus.zone(profile, task, incoming.language, now, problem)
        case "email":
            return asking_email(profile, task, problem)
        case _:
            return menus.alerts(profile, task, problem)


def _settings(profile: AvitoProfile, now: datetime) -> Menu:
    return menus.settings(profile, tasks.task_of(profile), now)


def _by(incoming: Incoming, now: datetime) -> dict[str, Any]:
    return {"by": incoming.user, "via": VIA, "now": now}


# --- a name ---------------------------------------------------------------------------------------------------------


def _name(incoming: Incoming, profile: AvitoProfile, words: str, now: datetime) -> Menu:
    profiles.rename(profile, words, **_by(incoming, now))
    return cards.card(profile, cards.facts_of(profile), now)


# --- when -----------------------------------------------------------------------------------------------------------


def clock(words: str) -> time:
    """``9:30``, «9.30», «в 9», «9 ч». Raises Unclear."""
    found = CLOCK.fullmatch(words.strip())
    if found is None or int(found["hour"]) > 23 or int(found["minute"] or 0) > 59:
        raise Unclear(_("I see no time in that. Write it in hours and minutes, such as 9:30."))
    return time(int(found["hour"]), int(found["minute"] or 0))


def set_time(task: ReportTask, at: time, *, by: User, via: str, now: datetime) -> None:
    """Another time of the day, the same beat."""
    tasks.set_rule(task, at_time(tasks.rule_of(task), at), task.schedule.zone, by=by, via=via, now=now)


def at_time(rule: Rule, at: time) -> Rule:
    match rule:
        case Daily(every=every, since=since):
            return Daily(at, every, since)
        case Weekly(days=days):
            return Weekly(days, at)
        case Monthly(day=day):
            return Monthly(day, at)
        case _:
            return Daily(at)


def _time(incoming: Incoming, profile: AvitoProfile, words: str, now: datetime) -> Menu:
    task = tasks.task_of(profile)
    set_time(task, _time_in(words, task, incoming, now), **_by(incoming, now))
    return _settings(profile, now)


def _time_in(words: str, task: ReportTask, incoming: Incoming, now: datetime) -> time:
    """Also «в половине десятого», «в 9 вечера», as reminders are understood. Raises Unclear."""
    if CLOCK.fullmatch(words):
        return clock(words)
    zone = cards.zone_of(task)
    rule = parse(words, place.said_at(incoming, now), zone, incoming.language).rule
    if isinstance(rule, Once):
        here = rule.at.astimezone(zone)
        return time(here.hour, here.minute)
    if isinstance(rule, Daily | Weekly | Monthly):
        return rule.at
    return clock(words)


def _every(incoming: Incoming, profile: AvitoProfile, words: str, now: datetime) -> Menu:
    """Every so many days."""
    found = re.search(r"\d{1,4}", words)
    if found is None:
        raise Unclear(_("I see no number in that. Write one, such as 3."))
    task = tasks.task_of(profile)
    at = tasks.time_of(tasks.rule_of(task))
    rule = tasks.every(int(found[0]), at, task.schedule, task.schedule.zone, now)
    tasks.set_rule(task, rule, task.schedule.zone, **_by(incoming, now))
    return _settings(profile, now)


def _zone(incoming: Incoming, profile: AvitoProfile, words: str, now: datetime) -> Menu:
    zone = cities.found(words)
    if zone is None:
        text = _("I do not know where “%(place)s” is. Write a city or a zone, such as Europe/Moscow.")
        raise Unclear(text % {"place": words[:60]})
    task = tasks.task_of(profile)
    tasks.set_rule(task, tasks.rule_of(task), zone, **_by(incoming, now))
    return _settings(profile, now)


# --- where to, besides ----------------------------------------------------------------------------------------------


def asking_email(profile: AvitoProfile, task: ReportTask, problem: str = "") -> Menu:
    lines = [
        f"⚠️ {problem}" if problem else "",
        _("To which address shall each report go as well? Write it: anna@example.com"),
        "" if mail_is_set_up() else _("So far I have no mail server: ask the admins, or nothing will be sent."),
        _("Now: %(address)s") % {"address": task.email} if task.email else "",
    ]
    off = [key("✖️ " + _("No e-mail"), "report_email", profile, off=True)] if task.email else []
    return titled("✉️ " + profile.name, *lines), [off, menus.back(profile)]


def _email(incoming: Incoming, profile: AvitoProfile, words: str, now: datetime) -> Menu:
    if not words:
        raise Unclear(_("This is no e-mail address. Write one like anna@example.com."))
    tasks.set_email(tasks.task_of(profile), words, **_by(incoming, now))
    return _settings(profile, now)


def asking_hook(profile: AvitoProfile, task: ReportTask, problem: str = "") -> Menu:
    lines = [
        f"⚠️ {problem}" if problem else "",
        _("Which https address shall I call with each report? Write it: https://example.com/avito"),
        _("The calls are signed (Standard Webhooks); I show you the secret once. A new address gets a new secret."),
        _("Now: %(address)s") % {"address": task.hook_url} if task.hook_url else "",
    ]
    off = [key("✖️ " + _("No webhook"), "report_hook", profile, off=True)] if task.hook_url else []
    return titled("🔗 " + profile.name, *lines), [off, menus.back(profile)]


@transaction.atomic
def hook(incoming: Incoming, expectation: Expectation, words: str, now: datetime) -> str:
    """Keep the address; the secret, to be shown once. Empty: it was no address, and why is said."""
    profile = access.own(incoming.user, expectation.data.get("profile"))
    expecting.forget(incoming)
    secret = ""
    if profile is None:
        place.say(incoming, cards.gone())
    else:
        task = tasks.task_of(profile)
        try:
            with transaction.atomic():
                secret = tasks.set_hook(task, words, **_by(incoming, now))
        except NotSo as why_not:
            asked = place.say(incoming, asking_hook(profile, task, str(why_not)))
            place.expect(incoming, HOOK, dict(expectation.data), asked, now)
        else:
            place.say(incoming, _settings(profile, now))
    place.finish(incoming, now)
    return secret


# --- alerts ---------------------------------------------------------------------------------------------------------


def _money(incoming: Incoming, profile: AvitoProfile, words: str, now: datetime) -> Menu:
    """Warn below that sum, in roubles."""
    text = re.sub(r"[\s_]|руб\w*\.?|р\.?$|₽", "", words.casefold()).replace(",", ".")
    try:
        low = Decimal(text)
    except InvalidOperation as error:
        raise Unclear(_("I see no sum in that. Write it in roubles, such as 5000.")) from error
    task = tasks.task_of(profile)
    drop = task.contacts_drop
    tasks.set_alerts(task, True, low_money=low.quantize(Decimal("0.01")), contacts_drop=drop, **_by(incoming, now))
    return menus.alerts(profile, tasks.task_of(profile))


ANSWERS: dict[str, Callable[[Incoming, AvitoProfile, str, datetime], Menu]] = {
    "name": _name,
    "time": _time,
    "every": _every,
    "zone": _zone,
    "email": _email,
    "money": _money,
}
