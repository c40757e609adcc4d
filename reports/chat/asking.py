"""What leads from a press or a word to a report that somebody waits for.

Each function is one transaction: the order, the message that shows its progress and the end of the update are saved
together, so a press that comes again after a crash orders nothing twice. What they return is for the toast of the
press; empty: it is done.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from reports.chat import history, place, progress
from reports.contents import report_of
from reports.figures.periods import Period, PeriodError, comparison, read_range, today_at_avito
from reports.models import AvitoProfile, Report, ReportTask
from reports.saying import send_on
from reports.services import access, firing, ordering, tasks
from reports.services.rows import SOURCE
from telegram_bot import expecting, outgoing
from telegram_bot.incoming import Incoming
from telegram_bot.models import Expectation
from telegram_bot.outgoing import Place

Kind = Report.Kind
# What the words are awaited for.
PERIOD = "report_period"


@transaction.atomic
def report_now(incoming: Incoming, profile_id: object, edit: int | None, now: datetime) -> str:
    """What the plan would report of at this moment."""
    profile = access.own(incoming.user, profile_id)
    if profile is None:
        return gone()
    task = tasks.task_of(profile)
    period, before = firing.periods_of(task, now, now)
    return _order_one(incoming, Kind.NOW, profile, task, period, before, now)


@transaction.atomic
def report_history(incoming: Incoming, profile_id: object, edit: int | None, now: datetime) -> str:
    """Ask for which period, in place of the pressed message when it is a card (``edit``)."""
    profile = access.own(incoming.user, profile_id)
    if profile is None:
        return gone()
    return _show(incoming, history.menu(profile), edit, now)


def _show(incoming: Incoming, menu: place.Menu, edit: int | None, now: datetime) -> str:
    expecting.forget(incoming)
    place.say(incoming, menu, edit=edit)
    place.finish(incoming, now)
    return ""


@transaction.atomic
def picked(incoming: Incoming, data: dict[str, Any], edit: int | None, now: datetime) -> str:
    """A period was chosen by its name, or one wants to write it."""
    profile = access.own(incoming.user, data.get("profile"))
    if profile is None:
        return gone()
    if data.get("do") == "type":
        asked = place.say(incoming, history.question(profile), edit=edit)
        expecting.expect(incoming, PERIOD, {"profile": profile.pk}, asked, now)
        place.finish(incoming, now)
        return ""
    if data.get("do") == "calendar":
        return _show(incoming, history.calendar_menu(profile, today_at_avito(now), None, now), edit, now)
    period = history.named(str(data.get("period")), now)
    return gone() if period is None else _history(incoming, profile, period, now)


@transaction.atomic
def tapped(incoming: Incoming, callback: str, edit: int | None, now: datetime) -> str:
    """A cell of the calendar: another month, the first day, or the last one."""
    tap = history.read(callback)
    profile = access.own(incoming.user, tap.profile) if tap is not None else None
    if tap is None or profile is None:
        return gone()
    if tap.day is None or tap.first is None:
        return _show(incoming, history.calendar_menu(profile, tap.month, tap.day or tap.first, now), edit, now)
    try:
        period = history.between(tap.first, tap.day, now)
    except PeriodError as error:
        return str(error)
    return _history(incoming, profile, period, now)


@transaction.atomic
def written(incoming: Incoming, expectation: Expectation, words: str, now: datetime) -> bool:
    """The period in words; what cannot be read is asked for again."""
    expecting.forget(incoming)
    profile = access.own(incoming.user, expectation.data.get("profile"))
    if profile is None:
        return False
    try:
        period = read_range(words, now)
    except PeriodError as error:
        asked = place.say(incoming, history.question(profile, str(error)))
        expecting.expect(incoming, PERIOD, {"profile": profile.pk}, asked, now)
        place.finish(incoming, now)
        return True
    if refused := _history(incoming, profile, period, now):
        place.say(incoming, (place.said(refused), ()))
        place.finish(incoming, now)
    return True


@transaction.atomic
def cancel(incoming: Incoming, key: object, now: datetime) -> str:
    """Nobody needs it any more."""
    report = _report(key)
    if report is None or not ordering.cancel(report, by=incoming.user, now=now):
        return _("It has ended already.")
    progress.replace(report, _("✖️ Cancelled. What Avito told until then is kept for the next report."))
    place.finish(incoming, now)
    return ""


@transaction.atomic
def send_further(incoming: Incoming, key: object, now: datetime) -> str:
    """By e-mail and to the webhook, as planned reports go."""
    report = _report(key)
    if report is None or report.requested_by_id != incoming.user.pk:
        return gone()
    ways = send_on(report, report.task)
    place.finish(incoming, now)
    return _("It is on its way.") if ways else _("Neither an e-mail address nor a webhook is set for this profile.")


def _report(key: object) -> Report | None:
    return report_of(UUID(key)) if isinstance(key, str) else None


def gone() -> str:
    return _("This is not here any more. See /profiles.")


# --- orders ---------------------------------------------------------------------------------------------------------


def _history(incoming: Incoming, profile: AvitoProfile, period: Period, now: datetime) -> str:
    task = tasks.task_of(profile)
    expecting.forget(incoming)
    return _order_one(incoming, Kind.HISTORY, profile, task, period, comparison(period, now), now)


def _order_one(
    incoming: Incoming,
    kind: Report.Kind,
    profile: AvitoProfile,
    task: ReportTask,
    period: Period,
    before: Period | None,
    now: datetime,
) -> str:
    at_work = ordering.at_work(incoming.user, (Kind.NOW, Kind.HISTORY)).filter(parts__profile=profile.pk)
    if at_work.exists():
        return _("A report of this profile is being made already. It comes in a moment, or cancel it first.")
    if not incoming.chat.is_private and not profile.places.filter(chat=incoming.chat).exists():
        return _("This profile is not shown in this group. Ask for its report in our private chat.")
    order(incoming, kind, [profile], period, before, now, task=task)
    return ""


def order(
    incoming: Incoming,
    kind: Report.Kind,
    profiles: Sequence[AvitoProfile],
    period: Period,
    before: Period | None,
    now: datetime,
    *,
    task: ReportTask | None = None,
) -> Report:
    """Put it on its way, and show how far it is. Inside a transaction, which ends the update."""
    key = f"reportsay:{incoming.key}:{incoming.said}"
    incoming.said += 1
    report = ordering.order(
        kind, profiles, period, before, chat=incoming.chat, thread=incoming.thread, by=incoming.user, task=task,
        now=now, progress_key=f"{key}:0",
    )  # fmt: skip
    here = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
    text = progress.begun([profile.name for profile in profiles])
    outgoing.say(key, here, text, progress.keyboard(report), owner=incoming.user, source=SOURCE)
    place.finish(incoming, now)
    return report
