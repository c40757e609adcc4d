"""Report tasks: when, where to, with which figures; on and off. The only writer of their rows and their schedules.

Every function is one short transaction and takes the clock as ``now``. ``by`` is who did it (None: the bot itself),
``via`` is where: chat, admin, bot.
"""

from collections.abc import Collection
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Chat, User
from core import outward
from delivery import planning
from delivery.clocks import instant_of
from delivery.models import Schedule
from delivery.schedule import Daily, Monthly, Rule, Weekly, from_json, zone_of
from delivery.webhooks import new_secret
from reports.metrics import BY_NAME, METRICS
from reports.models import AvitoProfile, ReportTask
from reports.services import profiles
from reports.services.rows import NotSo, lock_task, note

# What paused a task, besides the kinds of an AvitoError (ReportTask.paused_because).
OWNER, CHAT = "owner", "chat"
LONGEST_HOOK = 500


def task_of(profile: AvitoProfile) -> ReportTask:
    """With its schedule and chat. Raises ``DoesNotExist`` when the profile was deleted meanwhile."""
    rows = ReportTask.objects.select_related("profile__owner", "schedule", "chat")
    found: ReportTask = rows.defer("profile__credentials", "hook_secret").get(profile=profile.pk)
    return found


def is_on(task: ReportTask) -> bool:
    return task.schedule.state == Schedule.State.ACTIVE


def rule_of(task: ReportTask) -> Rule:
    return from_json(task.schedule.rule)


def time_of(rule: Rule) -> time:
    """At what time of the day it reports."""
    return rule.at if isinstance(rule, Daily | Weekly | Monthly) else profiles.NINE


# --- when -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def set_rule(task: ReportTask, rule: Rule, zone: str, *, by: User | None, via: str, now: datetime) -> None:
    """Report by another rule or clock. A day that has had its report gets no second one by the change. Raises
    ``RuleError``."""
    held = lock_task(task)
    name = str(zone_of(zone))
    planning.reschedule(held.schedule, rule, name, now=now, start_at=_not_again(held.schedule, ZoneInfo(name), now))
    _save(task, held, now, by=by, via=via, what="time")


def counted_from(schedule: Schedule, at: time, zone: str, now: datetime) -> datetime:
    """The first moment at ``at`` that a report by a new rule may come at: today, if that is still to come and today has
    had none; of every so many days it is the one that they are counted from."""
    there = ZoneInfo(zone)
    first = _not_again(schedule, there, now) or now
    today = instant_of(datetime.combine(first.astimezone(there).date(), at), there)
    if today >= first and today > now:
        return today
    return instant_of(datetime.combine(first.astimezone(there).date() + timedelta(days=1), at), there)


def _not_again(schedule: Schedule, zone: ZoneInfo, now: datetime) -> datetime | None:
    """The beginning of tomorrow, when the report ran today by the zone's clock."""
    if schedule.last_at is None or schedule.last_at.astimezone(zone).date() < now.astimezone(zone).date():
        return None
    tomorrow = schedule.last_at.astimezone(zone).date() + timedelta(days=1)
    return instant_of(datetime.combine(tomorrow, time.min), zone)


def every(days: int, at: time, schedule: Schedule, zone: str, now: datetime) -> Daily:
    """Each ``days`` days, counted from the first report to come. Raises ``RuleError``."""
    if days == 1:
        return Daily(at)
    return Daily(at, days, counted_from(schedule, at, zone, now).astimezone(ZoneInfo(zone)).date())


@transaction.atomic
def switch(task: ReportTask, on: bool, *, by: User | None, via: str, now: datetime) -> bool:
    """On or off; False when it is so already. What was missed while it was off is not made up for. Raises
    ``RuleError``."""
    held = lock_task(task)
    turned = planning.resume(held.schedule, now=now) if on else planning.pause(held.schedule, now=now)
    if on:
        held.paused_because = ""
        type(held.profile).objects.filter(pk=held.profile_id).update(refusals=0)
    _save(task, held, now, by=by, via=via, what="on" if on else "off", noted=turned)
    return turned


@transaction.atomic
def pause_for(task: ReportTask, reason: str, *, now: datetime) -> bool:
    """The bot itself switches it off and remembers why: see ReportTask.paused_because. False when it was off."""
    held = lock_task(task)
    turned = planning.pause(held.schedule, now=now)
    if turned:
        held.paused_because = reason[:20]
        _save(task, held, now, by=None, via="bot", what="off", reason=reason)
    return turned


def pause_for_keys(task: ReportTask, reason: str, *, now: datetime) -> bool:
    """Avito refused the keys again and again. ``reason``: the kind of the AvitoError. New keys switch it on again
    (`go_on_with_keys`). False when it was off."""
    return pause_for(task, reason, now=now)


@transaction.atomic
def go_on_with_keys(task: ReportTask, *, by: User | None, via: str, now: datetime) -> bool:
    """New keys are there: what they were the reason to switch off goes on. True when it did."""
    if task.paused_because in ("", OWNER, CHAT):
        return False
    return switch(task, True, by=by, via=via, now=now)


# --- what -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def set_metrics(task: ReportTask, names: Collection[str], *, by: User | None, via: str, now: datetime) -> None:
    """Those figures, in the table's order; unknown names are left out. Raises NotSo (no-figures) when none is left."""
    chosen = [metric.name for metric in METRICS if metric.name in names]
    if not chosen:
        raise NotSo("no-figures", _("A report needs at least one figure."))
    held = lock_task(task)
    held.metrics = chosen
    _save(task, held, now, by=by, via=via, what="figures")


def metrics_of(task: ReportTask) -> list[str]:
    """As the row has them, without what the table does not know any more."""
    return [name for name in task.metrics if name in BY_NAME]


@transaction.atomic
def set_chart(task: ReportTask, chart: bool, *, by: User | None, via: str, now: datetime) -> None:
    held = lock_task(task)
    held.chart = chart
    _save(task, held, now, by=by, via=via, what="chart", on=chart)


@transaction.atomic
def set_alerts(
    task: ReportTask,
    on: bool,
    *,
    low_money: Decimal | None,
    contacts_drop: int,
    by: User | None,
    via: str,
    now: datetime,
) -> None:
    """Warn, or not. ``low_money``: roubles, None: when it lasts three days at the usual spending; ``contacts_drop``:
    percent below the usual, 0: never. Raises NotSo (wrong-number)."""
    if (low_money is not None and not 0 < low_money < 10**10) or not 0 <= contacts_drop <= 99:
        raise NotSo("wrong-number", _("Write a number above zero, such as 1000."))
    held = lock_task(task)
    held.alerts, held.low_money, held.contacts_drop = on, low_money, contacts_drop
    _save(task, held, now, by=by, via=via, what="alerts", on=on)


# --- where to -------------------------------------------------------------------------------------------------------


@transaction.atomic
def set_chat(task: ReportTask, chat: Chat, thread: int, *, by: User, via: str, now: datetime) -> None:
    """Report there from now on: to the owner alone, or to a group or channel, where everybody may then see the
    profile's figures. Whether they and the bot are members is asked before. Raises NotSo (no-chat)."""
    held = lock_task(task)
    owner = held.profile.owner
    if chat.is_private and chat.person_id != owner.pk:
        raise NotSo("no-chat", _("This is somebody else's private chat."))
    if not chat.allowed:
        raise NotSo("no-chat", _("The admins have not let this chat in yet. Ask them, then choose it again."))
    if not chat.is_private:
        profiles.show_in(held.profile, chat, by=by, via=via, now=now)
    held.chat, held.thread_id = chat, 0 if chat.is_private else thread
    if held.paused_because == CHAT:
        held.paused_because = ""
        planning.resume(held.schedule, now=now)
    _save(task, held, now, by=by, via=via, what="chat", chat=chat.telegram_id)


@transaction.atomic
def set_email(task: ReportTask, address: str, *, by: User | None, via: str, now: datetime) -> None:
    """Send the report there as well; empty: nowhere. The record does not hold addresses. Raises NotSo
    (wrong-address)."""
    address = address.strip()
    try:
        if address:
            validate_email(address)
    except ValidationError as error:
        raise NotSo("wrong-address", _("This is no e-mail address. Write one like anna@example.com.")) from error
    held = lock_task(task)
    if len(address) > (ReportTask._meta.get_field("email").max_length or 0):
        raise NotSo("wrong-address", _("This address is too long. Write another one."))
    held.email = address
    _save(task, held, now, by=by, via=via, what="email", on=bool(address))


@transaction.atomic
def set_hook(task: ReportTask, url: str, *, by: User | None, via: str, now: datetime) -> str:
    """Call that address with each report as well, signed with a secret that is given back, now only; empty: no
    address. Raises NotSo (wrong-address)."""
    url = url.strip()
    if url:
        _check_hook(url)
    held = lock_task(task)
    secret = new_secret() if url else ""
    held.hook_url, held.hook_secret = url, secret or None
    _save(task, held, now, by=by, via=via, what="webhook", on=bool(url))
    return secret


def _check_hook(url: str) -> None:
    try:
        checked = outward.checked(url)
    except outward.OutwardError as error:
        raise NotSo("wrong-address", str(error)) from error
    if checked.scheme != "https" or len(url) > LONGEST_HOOK:
        text = _("A webhook needs an https address, such as https://example.com/avito.")
        raise NotSo("wrong-address", text)


def _save(
    task: ReportTask,
    held: ReportTask,
    now: datetime,
    *,
    by: User | None,
    via: str,
    what: str,
    noted: bool = True,
    **details: Any,
) -> None:
    """Save ``held``; ``task`` then shows it."""
    held.updated_at = now
    held.save()
    if noted:
        note(held.profile, f"report.{what}", by=by, via=via, now=now, **details)
    for field in ReportTask._meta.concrete_fields:
        if field.attname in held.__dict__:
            setattr(task, field.attname, getattr(held, field.attname))
    task.schedule = held.schedule
    task.chat = held.chat
