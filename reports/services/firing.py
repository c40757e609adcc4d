"""What it means that reports are due: a report each, and the delivery that works on it. Called by the tick, inside its
transaction, for a batch.

The period follows the schedule (reports/figures/periods.py) at the planned moment, however late it comes. Of several
that were missed the latest comes, and one message a place tells of the others. A report that cannot go where it was to
go is not lost: it goes to its owner, who reads why. Who may not use the bot any more gets none, and the admins hear.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Chat, User
from delivery.models import Delivery, Schedule
from delivery.schedule import from_json
from delivery.schedule_words import local
from delivery.tick import Due
from reports.figures.periods import Period, comparison, period_for
from reports.models import Report, ReportTask
from reports.services import tasks
from reports.services.ordering import Wanted, order_many
from reports.services.rows import SOURCE, note, private_chat
from telegram_bot import outgoing
from telegram_bot.access import escaped
from telegram_bot.incoming import language_of
from telegram_bot.notices import notify_admins
from telegram_bot.outgoing import Key, Place

# The key of what tells of missed reports begins so.
MISSED = "reportmissed"


@dataclass
class Batch:
    """What a batch leads to, to be written together."""

    now: datetime
    wanted: list[Wanted] = field(default_factory=list)
    missed: list[tuple[ReportTask, Due]] = field(default_factory=list)
    stopped: list[ReportTask] = field(default_factory=list)


def fire(due: Sequence[Due]) -> list[Delivery]:
    """Order what is due; nothing is left for the tick to enqueue."""
    found = {task.schedule_id: task for task in _tasks([one.schedule.pk for one in due])}
    batch = Batch(due[0].now)
    for one in due:
        task = found.get(one.schedule.pk)
        if task is None:  # its profile is gone
            one.schedule.state, one.schedule.next_at = Schedule.State.CANCELLED, None
        elif not task.profile.owner.may_use:
            one.schedule.state, one.schedule.paused_from = Schedule.State.PAUSED, Schedule.State.ACTIVE
            batch.stopped.append(task)
        else:
            _one(task, one, batch)
    order_many(batch.wanted, batch.now)
    _tell_of_missed(batch)
    _stop(batch)
    return []


def _tasks(schedules: Sequence[int]) -> "QuerySet[ReportTask]":
    rows = ReportTask.objects.filter(schedule__in=schedules).select_related("profile__owner", "schedule", "chat")
    return rows.defer("profile__credentials", "hook_secret")


def _one(task: ReportTask, one: Due, batch: Batch) -> None:
    if one.missed:
        batch.missed.append((task, one))
    if one.planned_at is None:
        return
    period, before = periods_of(task, one.planned_at, batch.now)
    chat, thread = place_of(task, batch.now)
    batch.wanted.append(
        Wanted(
            Report.Kind.SCHEDULED, [task.profile], period, before, chat, thread, task.profile.owner, task,
            one.planned_at,
        )
    )  # fmt: skip


def periods_of(task: ReportTask, at: datetime, now: datetime) -> tuple[Period, Period | None]:
    """What a report of ``task`` that is planned for ``at`` tells of, and what it is compared with."""
    period = period_for(from_json(task.schedule.rule), at, task.schedule.zone)
    return period, comparison(period, now)


def place_of(task: ReportTask, now: datetime) -> tuple[Chat, int]:
    """Where its report goes: the chat that was chosen; when nothing can be said there, the owner's own."""
    if task.chat is not None and not trouble_at(task.chat):
        return task.chat, task.thread_id
    return private_chat(task.profile.owner, now), 0


def trouble_at(chat: Chat) -> str:
    """Why nothing is said there, in the active language; empty when it is. In private chats there is no other place."""
    if chat.is_private:
        return ""
    if not chat.allowed:
        return _("the admins have not approved this group, or do not any more")
    return _("Telegram does not let me write there") if chat.unreachable else ""


# --- missed ---------------------------------------------------------------------------------------------------------


def _tell_of_missed(batch: Batch) -> None:
    """One message a place for all that was missed there."""
    of_place: dict[tuple[int, int], list[tuple[ReportTask, Due]]] = {}
    for task, one in batch.missed:
        chat, thread = place_of(task, batch.now)
        of_place.setdefault((chat.pk, thread), []).append((task, one))
    for found in of_place.values():
        _tell(found, batch.now)


def _tell(found: Sequence[tuple[ReportTask, Due]], now: datetime) -> None:
    task, first = found[0]
    chat, thread = place_of(task, now)
    with translation.override(language_of(task.profile.owner)):
        lines = [_("While I was away, planned reports were left out:")]
        lines += [_missed_line(one, due) for one, due in found]
        # One that comes all the same tells of the latest period; of the rest nobody need ask twice.
        lines += [_("The latest one comes now. For another period press the button.")]
        if all(due.planned_at is None for _task, due in found):
            lines[-1] = _("Nothing is made up for. For the figures press the button.")
        keyboard = [[Key(_("🗓 Choose a period"), "report_historical", {"profile": task.profile_id, "edit": False})]]
        at = first.missed_to.isoformat() if first.missed_to else now.isoformat()
        place = Place(chat.bot_id, chat.telegram_id, thread)
        key = f"{MISSED}:{first.schedule.pk}:{at}"
        outgoing.say(key, place, "\n".join(lines), keyboard, owner=task.profile.owner, source=SOURCE)


def _missed_line(task: ReportTask, due: Due) -> str:
    count = due.missed
    text = ngettext(
        "• %(name)s: %(count)d report, planned for %(when)s",
        "• %(name)s: %(count)d reports, the first one planned for %(when)s",
        count,
    )
    assert due.missed_from is not None
    when = local(due.missed_from, ZoneInfo(task.schedule.zone))
    return text % {"name": escaped(task.profile.name), "count": count, "when": when}


# --- stopped --------------------------------------------------------------------------------------------------------


def _stop(batch: Batch) -> None:
    """Whoever may not use the bot any more gets no reports; the admins hear of it once a person."""
    ReportTask.objects.filter(pk__in=[task.pk for task in batch.stopped]).update(
        paused_because=tasks.OWNER, updated_at=batch.now
    )
    owners: dict[int, User] = {}
    for task in batch.stopped:
        note(task.profile, "report.off", by=None, via="bot", now=batch.now, reason=tasks.OWNER)
        owners[task.profile.owner_id] = task.profile.owner
    for owner in owners.values():
        names = [escaped(task.profile.name) for task in batch.stopped if task.profile.owner_id == owner.pk]
        with translation.override(settings.LANGUAGE_CODE):
            text = _("⏸ %(person)s may not use the bot any more, so their Avito reports are paused: %(profiles)s.")
            told = text % {"person": escaped(owner.name), "profiles": ", ".join(names)}
            notify_admins(f"reports-owner-{owner.pk}", told, now=batch.now)
