"""What the outbox could not deliver and the tick could not fire, as whose report it is sees it.

A report that cannot be said where it was to be said goes to its owner, with the reason. An e-mail or a webhook that
fails is told once until one arrives again, and never hides the report in the chat.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import User
from delivery import hooks
from delivery import services as delivery_services
from delivery.models import Delivery, Schedule
from delivery.signals import delivery_ended_badly, schedule_broke
from reports.chat import progress
from reports.contents import report_of
from reports.models import Report, ReportTask
from reports.sending.names import AWAY, EMAIL, HOOK, NO_SECRET, NOT_SET_UP, REFUSED
from reports.services import ordering, tasks
from reports.services.rows import SOURCE, private_chat
from telegram_bot import outgoing
from telegram_bot.access import escaped
from telegram_bot.incoming import language_of
from telegram_bot.outgoing import Key, Keyboard, Place

PREFIX = "reportnews"
# After these nothing that is said in the chat would arrive.
CLOSED = ("forbidden", "topic")


def connect() -> None:
    delivery_ended_badly.connect(on_delivery, dispatch_uid="reports.on_delivery")
    schedule_broke.connect(on_broken, dispatch_uid="reports.on_broken")


def on_delivery(delivery: Delivery, **_kwargs: Any) -> None:
    """Inside the transaction that records it."""
    report = _report(delivery)
    if report is None or report.requested_by is None:
        return
    with translation.override(language_of(report.requested_by)):
        match delivery.backend:
            case ordering.BACKEND:
                _broke(report, timezone.now())
            case backend if backend in (EMAIL, HOOK):
                _not_sent(report, delivery, timezone.now())
            case "telegram" if delivery.error_kind in CLOSED and ":text:" in delivery.key:
                _not_said(report, delivery, timezone.now())


def _report(delivery: Delivery) -> Report | None:
    """By the key: where contents are not kept nothing else is left."""
    source, _colon, rest = delivery.key.partition(":")
    if source != SOURCE or delivery.source != SOURCE:
        return None
    try:
        return report_of(UUID(rest.partition(":")[0]))
    except ValueError:
        return None


# --- a report that could not be made --------------------------------------------------------------------------------


def _broke(report: Report, now: datetime) -> None:
    """An error of ours, or a process that died over it again and again."""
    if not ordering.give_up(report, now):
        return
    text = _("⚠️ The report could not be made: something went wrong on my side, and the admins know. Try again later.")
    if report.progress_key:
        progress.replace(report, text)
    else:
        _tell(report, "broke", text, now)


# --- a message that nobody took -------------------------------------------------------------------------------------


def _not_said(report: Report, delivery: Delivery, now: datetime) -> None:
    """To its owner instead, as it stands; what somebody asked for in a group is not shown elsewhere."""
    chat = report.chat
    if report.kind == Report.Kind.STATS or chat is None or chat.is_private or report.requested_by is None:
        return
    closed = delivery.error_kind == "topic"
    why = _("its topic is closed or gone") if closed else _("Telegram does not let me write there")
    text = _("⚠️ The report could not be posted to “%(chat)s”: %(why)s. Here it is; choose where the next ones go.")
    number = delivery.key.partition(":text:")[2]
    _tell(report, number, text % {"chat": escaped(str(chat)), "why": why}, now, _where(report))
    params = delivery.content.get("params")
    if not isinstance(params, dict):
        return
    home = private_chat(report.requested_by, now)
    kept = {name: params[name] for name in ("text", "entities", "link_preview_options") if name in params}
    content = {"method": "sendMessage", "params": {**kept, "chat_id": home.telegram_id}}
    key = f"{PREFIX}:{delivery.key.removeprefix(SOURCE + ':')}"
    place = Place(home.bot_id, home.telegram_id)
    delivery_services.enqueue([outgoing.message(key, place, content, SOURCE)])


def _where(report: Report) -> Keyboard:
    profile = report.task.profile_id if report.task is not None else None
    return [[Key(_("📍 Where to"), "report_set_chat", {"profile": profile})]] if profile is not None else ()


# --- an e-mail, a webhook -------------------------------------------------------------------------------------------


def _not_sent(report: Report, delivery: Delivery, now: datetime) -> None:
    is_gone = delivery.backend == HOOK and delivery.error_kind == hooks.GONE_KIND
    if is_gone and report.task is not None:
        _switch_off(report.task, now)
    if not is_gone and _told_before(delivery):
        return
    text = _mail_words(delivery) if delivery.backend == EMAIL else _hook_words(delivery, is_gone=is_gone)
    name = report.task.profile.name if report.task is not None else ""
    head = _("**%(name)s**, report by e-mail:") if delivery.backend == EMAIL else _("**%(name)s**, report by webhook:")
    profile = {"profile": report.task.profile_id} if report.task is not None else {}
    keyboard = [[Key(_("⚙️ Report settings"), "profile_report", profile)]] if profile else ()
    _tell(report, delivery.backend, f"⚠️ {head % {'name': escaped(name)}} {text}", now, keyboard)


def _switch_off(task: ReportTask, now: datetime) -> None:
    tasks.set_hook(task, "", by=None, via="bot", now=now)


def _told_before(delivery: Delivery) -> bool:
    """Whether the one before failed, too: then its owner knows. What may have arrived is each time its own question."""
    if delivery.state == Delivery.State.UNKNOWN:
        return False
    earlier = Delivery.objects.filter(lane=delivery.lane, backend=delivery.backend, pk__lt=delivery.pk)
    ended = earlier.exclude(state__in=Delivery.OPEN).order_by("-pk").values_list("state", flat=True).first()
    return ended == Delivery.State.FAILED


def _mail_words(delivery: Delivery) -> str:
    told: Mapping[str, str] = {
        NOT_SET_UP: _("E-mail is not set up here. Ask the admins, or take the address out of the settings."),
        REFUSED: _("The mail server refuses it (%(error)s). Check the address in the settings."),
        AWAY: _("The mail server could not be reached or did not take it for hours (%(error)s)."),
    }
    if delivery.state == Delivery.State.UNKNOWN:
        return _("The line broke while it was sent, so please look whether it came. I do not send it twice.")
    text = told.get(delivery.error_kind) or _("Something went wrong on my side; the admins know.")
    return text % {"error": escaped(delivery.error)}


def _hook_words(delivery: Delivery, *, is_gone: bool) -> str:
    if is_gone:
        return _("The program says that it is gone (410), so I switched the webhook off.")
    told: Mapping[str, str] = {
        NO_SECRET: _("Its secret cannot be read any more. Set the webhook anew in the settings."),
        "bug": _("Something went wrong on my side; the admins know."),
        "crash": _("Something went wrong on my side; the admins know."),
    }
    text = told.get(delivery.error_kind) or _("The program did not take it for hours (%(error)s). Check the address.")
    return text % {"error": escaped(delivery.error)}


# --- a plan that cannot be fired ------------------------------------------------------------------------------------


def on_broken(schedule: Schedule, error: Exception, **_kwargs: Any) -> None:
    """The tick has put it aside; the admins were told by it."""
    task = ReportTask.objects.select_related("profile__owner").defer("hook_secret", "profile__credentials")
    found = task.filter(schedule=schedule.pk).first() if schedule.source == SOURCE else None
    if found is None:
        return
    owner, now = found.profile.owner, timezone.now()
    with translation.override(language_of(owner)):
        text = _(
            "⚠️ The planned reports of **%(name)s** are paused: something went wrong on my side, and the admins know. "
            "Switch them on again in the settings."
        )
        keyboard = [[Key(_("⚙️ Report settings"), "profile_report", {"profile": found.profile_id})]]
        told = text % {"name": escaped(found.profile.name)}
        _say(f"{PREFIX}:broken:{schedule.pk}:{now.timestamp():.0f}", owner, told, now, keyboard)


# --- to whom --------------------------------------------------------------------------------------------------------


def _tell(report: Report, name: str, text: str, now: datetime, keyboard: Keyboard = ()) -> None:
    """Once a report and cause, in its owner's private chat."""
    assert report.requested_by is not None
    _say(f"{PREFIX}:{report.pk}:{name}:why", report.requested_by, text, now, keyboard)


def _say(key: str, owner: User, text: str, now: datetime, keyboard: Keyboard) -> None:
    home = private_chat(owner, now)
    if not home.unreachable:
        outgoing.say(key, Place(home.bot_id, home.telegram_id), text, keyboard, owner=owner, source=SOURCE)
