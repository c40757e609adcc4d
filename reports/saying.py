"""All that a finished report becomes: its messages, the chart, the e-mail, the call of a webhook.

Each is a delivery whose key begins with the report's, written in the transaction that says it is done, so nothing comes
twice and nothing is lost. Nothing of it waits for another: a mail server that is down holds up no message.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Chat
from delivery import services as delivery
from delivery.models import Delivery, Doubt
from reports.chat import progress
from reports.contents import Contents, together
from reports.models import Report, ReportPart, ReportTask, visible_in
from reports.sending.chart import names_of
from reports.sending.names import CHART, EMAIL, HOOK
from reports.services.firing import trouble_at
from reports.services.ordering import MOST_REFUSALS, key_of
from reports.services.rows import SOURCE, private_chat
from reports.words.report import report_text, stats_texts
from reports.words.troubles import trouble
from telegram_bot import documents, outgoing
from telegram_bot.access import escaped
from telegram_bot.outgoing import Key, Keyboard, Place

Kind, Part = Report.Kind, ReportPart.State


def say(contents: Contents, now: datetime) -> None:
    """Enqueue all of it. Inside the transaction that ends the report, in its reader's language."""
    if contents.report.kind == Kind.STATS:
        _say_stats(contents, now)
        return
    place, hint = _place(contents, now)
    texts = [_text_of_one(contents, hint)]
    _say_texts(contents, place, texts, _keyboard(contents, place), now)
    if names_of(contents):
        data = {"report": str(contents.report.pk)}
        key = f"{key_of(contents.report.pk)}:chart"
        documents.enqueue(key, _at(place, contents), CHART, data, contents.language, SOURCE)
    if contents.report.kind == Kind.SCHEDULED:
        send_on(contents.report, contents.report.task)


# --- where ----------------------------------------------------------------------------------------------------------


def _place(contents: Contents, now: datetime) -> tuple[Chat, str]:
    """Where it goes, and why it is not where it was to go: what was open when it was ordered may not be any more."""
    report = contents.report
    asked = report.requested_by
    assert asked is not None
    chosen = report.chat
    if report.kind == Kind.SCHEDULED and report.task is not None and report.task.chat is not None:
        chosen = report.task.chat
    if chosen is None:
        return private_chat(asked, now), ""
    why = trouble_at(chosen) or _hidden_in(chosen, contents)
    if not why:
        return chosen, ""
    text = _("It comes here and not to “%(chat)s”: %(why)s.")
    return private_chat(asked, now), text % {"chat": escaped(str(chosen)), "why": why}


def _hidden_in(chat: Chat, contents: Contents) -> str:
    """Figures are shown in a group only while their owner wants it."""
    if chat.is_private or contents.parts[0].profile.places.filter(chat=chat).exists():
        return ""
    return _("the profile is not shown there any more")


def _at(chat: Chat, contents: Contents) -> Place:
    """The topic is one of the chat that was asked for."""
    report = contents.report
    thread = report.thread_id if report.chat_id == chat.pk else 0
    return Place(chat.bot_id, chat.telegram_id, thread)


# --- messages -------------------------------------------------------------------------------------------------------


def _text_of_one(contents: Contents, hint: str) -> str:
    part = contents.parts[0]
    summary = contents.summary
    text = failed_text(part) if summary is None else report_text(summary, zone=contents.zone)
    if part.error_kind and part.profile.refusals >= MOST_REFUSALS and contents.report.kind == Kind.SCHEDULED:
        hint = "\n\n".join(filter(None, [hint, _("The plan is paused until there are new keys: /profiles")]))
    return f"{text}\n\n{hint}" if hint else text


def failed_text(part: ReportPart) -> str:
    """Nothing could be had, and what to do."""
    head = _("⚠️ **%(name)s**: no report this time.") % {"name": escaped(part.profile.name)}
    return f"{head}\n{trouble(part.error_kind, None)}"


def _say_stats(contents: Contents, now: datetime) -> None:
    """What may still be shown there to whoever asked."""
    report = contents.report
    if report.chat is None or report.requested_by is None or trouble_at(report.chat):
        return
    shown = set(visible_in(report.requested_by, report.chat).values_list("pk", flat=True))
    contents = _only(contents, shown)
    if not contents.parts:
        progress.replace(report, _("These profiles are not shown here any more."))
        return
    texts = stats_texts(contents.summaries, contents.failed, contents.total, contents.zone)
    _say_texts(contents, report.chat, texts, (), now)


def _only(contents: Contents, shown: set[int]) -> Contents:
    """Of those profiles alone."""
    parts = [part for part in contents.parts if part.profile_id in shown]
    if len(parts) == len(contents.parts):
        return contents
    done = [part for part in contents.parts if part.state == Part.DONE]
    pairs = zip(done, contents.summaries, strict=True)
    summaries = [summary for part, summary in pairs if part.profile_id in shown]
    failed = [(part.profile.name, part.error_kind) for part in parts if part.state == Part.FAILED]
    return replace(contents, parts=parts, summaries=summaries, failed=failed, total=together(summaries, len(parts)))


def _say_texts(contents: Contents, chat: Chat, texts: Sequence[str], buttons: Keyboard, now: datetime) -> None:
    """In the place of the progress message when somebody is looking at it, else anew."""
    report, place = contents.report, _at(chat, contents)
    same = chat.pk == report.chat_id
    edits = bool(report.progress_key) and same and progress.is_quick(report, now)
    if not edits:
        progress.take_away(report)
    for number, text in enumerate(texts):
        outgoing.say(
            f"{key_of(report.pk)}:text:{number}",
            place,
            text,
            buttons if number == len(texts) - 1 else (),
            owner=report.requested_by,
            source=SOURCE,
            edit_of=report.progress_key if edits and number == 0 else "",
        )


def _keyboard(contents: Contents, chat: Chat) -> Keyboard:
    """What its owner may want next, which leaves the report where it is; in a group nobody else could press."""
    if not chat.is_private:
        return ()
    report, task = contents.report, contents.report.task
    data = {"profile": contents.parts[0].profile_id, "edit": False}
    rows = [[Key(_("🗓 Another period"), "report_historical", data)]]
    if report.kind != Kind.SCHEDULED and task is not None and (task.email or task.hook_url):
        rows.append([Key(_("✉️ Send it on as planned ones are"), "report_send", {"report": str(report.pk)})])
    return rows


# --- beside the chat ------------------------------------------------------------------------------------------------


def send_on(report: Report, task: ReportTask | None) -> int:
    """By e-mail and to the webhook, where the task has them; how many ways. Again changes nothing."""
    rows = []
    if task is not None and task.email:
        rows.append(_email(report, task.email))
    if task is not None and task.hook_url:
        lane = f"task:reporthook-{task.pk}:0"
        rows.append(_row(report, "hook", HOOK, lane, {}))
    if rows:
        delivery.enqueue(rows)
    return len(rows)


def _email(report: Report, address: str) -> Delivery:
    """Each address has a lane: one that is slow holds up no other. What may have arrived is not sent again."""
    name = hashlib.sha256(address.casefold().encode()).hexdigest()[:24]
    row = _row(report, "email", EMAIL, f"task:mail-{name}:0", {"to": address})
    row.on_doubt = Doubt.ASK
    return row


def _row(report: Report, name: str, backend: str, lane: str, more: dict[str, Any]) -> Delivery:
    content = {"report": str(report.pk), **more}
    return Delivery(key=f"{key_of(report.pk)}:{name}", backend=backend, lane=lane, source=SOURCE, content=content)
