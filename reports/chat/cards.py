"""A profile as its owner sees it: whose keys, what works, what is reported where and when, and what can be done.

Ready parts, for names may hold any sign of Markdown. What is asked of the database is asked by who calls.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Chat
from delivery.schedule import Monthly, preview
from delivery.schedule_words import describe, local
from reports.chat import found
from reports.chat.place import Menu, said, titled
from reports.figures.periods import period_for
from reports.models import Access, Alert, AvitoProfile, ReportPart, ReportTask
from reports.services import access, tasks
from reports.words.periods import period_words
from reports.words.troubles import trouble
from telegram_bot.outgoing import Key

PAGE = 8
LABEL = 40  # characters of a button that a phone shows


@dataclass(frozen=True)
class Facts:
    """What the card of a profile shows besides its own row."""

    task: ReportTask
    last: ReportPart | None = None
    alerts: Sequence[Alert] = ()
    places: Sequence[Chat] = field(default_factory=list)


def facts_of(profile: AvitoProfile) -> Facts:
    """Asks the database."""
    ended = ReportPart.objects.filter(profile=profile, report__finished_at__isnull=False).select_related("report")
    alerts = Alert.objects.filter(profile=profile, over_at=None, kind__in=(Alert.Kind.MONEY, Alert.Kind.CONTACTS))
    return Facts(
        tasks.task_of(profile),
        ended.order_by("-report__finished_at").first(),
        list(alerts.order_by("since")),
        access.places_of(profile),
    )


def key(label: str, action: str, profile: AvitoProfile, **data: object) -> Key:
    """A button about ``profile``."""
    return Key(label, action, {"profile": profile.pk, **data})


def back(profile: AvitoProfile) -> list[Key]:
    return [key(_("« Back"), "profile_view", profile)]


def zone_of(task: ReportTask) -> ZoneInfo:
    return ZoneInfo(task.schedule.zone)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- the list -------------------------------------------------------------------------------------------------------


def shelf(profiles: Sequence[AvitoProfile], page: int) -> Menu:
    """The person's profiles, a page of them."""
    pages = max(1, -(-len(profiles) // PAGE))
    page = min(max(0, page), pages - 1)
    shown = profiles[page * PAGE : (page + 1) * PAGE]
    title = "👤 " + _("Your Avito profiles")
    if pages > 1:
        title += " · " + _("page %(page)d of %(pages)d") % {"page": page + 1, "pages": pages}
    add = [Key("➕ " + _("Connect an account"), "avito.anew", {})]
    if not shown:
        return titled(title, _("There is none yet. Connect an Avito account, and I report how it is doing.")), [add]
    keys = [[key(_label(profile), "profile_view", profile)] for profile in shown]
    return titled(title, _("Press one to open it.")), [*keys, turning(page, pages), add]


def turning(page: int, pages: int) -> list[Key]:
    """To the pages before and behind, where there are any."""
    before = [Key("‹", "profile_list", {"page": page - 1})] if page else []
    return before + ([Key("›", "profile_list", {"page": page + 1})] if page + 1 < pages else [])


def _label(profile: AvitoProfile) -> str:
    mark = {Access.WORKS.value: "👤", Access.UNCHECKED.value: "⏳"}.get(profile.access, "⚠️")
    on = " · 🔔" if tasks.is_on(profile.task) else ""
    name = profile.name if len(profile.name) <= LABEL else profile.name[: LABEL - 1].rstrip() + "…"
    return f"{mark} {name}{on}"


# --- one ------------------------------------------------------------------------------------------------------------


def card(profile: AvitoProfile, facts: Facts, now: datetime, note: str = "") -> Menu:
    """All about one profile."""
    lines = [
        account(profile),
        *found.of_profile(profile),
        "\n" + "\n".join(reports(facts.task, now)),
        _last(facts),
        *(_alert(alert, facts.task) for alert in facts.alerts),
        places(facts.places),
        note and f"\n{note}",
    ]
    return titled(f"👤 {profile.name}", *lines), keys(profile)


def account(profile: AvitoProfile) -> str:
    if profile.account_id is None:
        return _("Keys: %(mask)s.") % {"mask": profile.client_mask}
    values = {"name": profile.account_name or "—", "id": profile.account_id, "mask": profile.client_mask}
    return _("At Avito: %(name)s, account %(id)d. Keys: %(mask)s.") % values


def keys(profile: AvitoProfile) -> list[list[Key]]:
    return [
        [
            key("📊 " + _("Report now"), "report_now", profile),
            key("🗓 " + _("Another period"), "report_historical", profile),
        ],
        [key("⚙️ " + _("Report settings"), "profile_report", profile)],
        [key("💬 " + _("Chats to Excel"), "export_messenger", profile)],
        [
            key("👁 " + _("Where it is shown"), "profile_places", profile),
            key("🔎 " + _("Check again"), "profile_check", profile),
        ],
        [key("🔑 " + _("New keys"), "avito.anew", profile), key("✏️ " + _("Rename"), "profile_rename", profile)],
        [key("🗑 " + _("Delete"), "profile_delete", profile)],
        [Key(_("« All profiles"), "profile_list", {"page": 0})],
    ]


def reports(task: ReportTask, now: datetime) -> list[str]:
    """Whether, when and where it is reported, and of which days."""
    zone, rule = zone_of(task), tasks.rule_of(task)
    when = _("%(rule)s, %(zone)s") % {"rule": capital(describe(rule, zone)), "zone": zone.key}
    if not tasks.is_on(task):
        return ["⏸ " + _("Reports are off."), *why_off(task), _("Set to: %(when)s.") % {"when": when}]
    return [f"🔔 {when} → {where(task)}", *upcoming(task, now)]


def upcoming(task: ReportTask, now: datetime) -> list[str]:
    """The next report, exactly, and the days it will be about."""
    at, zone = task.schedule.next_at, zone_of(task)
    if at is None:
        return []
    rule = tasks.rule_of(task)
    lines = [_("Next: %(when)s.") % {"when": local(at, zone)}]
    lines += [_("It will be about %(days)s.") % {"days": period_words(period_for(rule, at, zone.key), now)}]
    if isinstance(rule, Monthly) and rule.day > 28:
        remark = next((run.remark for run in preview(rule, now, zone, 12) if run.remark), None)
        lines += ["ℹ️ " + capital(remark) + "."] if remark else []
    return lines


def why_off(task: ReportTask) -> list[str]:
    """Why the bot itself switched it off, and what to do."""
    why = task.paused_because
    if not why:
        return []
    if why == tasks.CHAT:
        return ["⚠️ " + _("I could not write to the chat where they went. Choose another one, then switch them on.")]
    if why == tasks.OWNER:
        return ["⚠️ " + _("They were switched off while you could not use the bot. Switch them on again.")]
    return [f"⚠️ {trouble(why, None)}"]


def where(task: ReportTask) -> str:
    """In words, as part of a sentence."""
    if task.chat is None or task.chat.is_private:
        return _("only you, here")
    topic = _(", a topic") if task.thread_id else ""
    return f"{task.chat}{topic}"


def _moment(at: datetime, task: ReportTask) -> str:
    """By the task's clock, which the card names above; to the minute."""
    return local(at.replace(second=0, microsecond=0), zone_of(task)).partition(" (")[0]


def _last(facts: Facts) -> str:
    if facts.last is None or facts.last.report.finished_at is None:
        return ""
    at = _moment(facts.last.report.finished_at, facts.task)
    if facts.last.state == ReportPart.State.FAILED:
        return _("Last report: %(when)s, it failed.") % {"when": at}
    return _("Last report: %(when)s.") % {"when": at}


def _alert(alert: Alert, task: ReportTask) -> str:
    values = {"what": capital(str(Alert.Kind(alert.kind).label)), "since": _moment(alert.since, task)}
    return "🔔 " + _("%(what)s since %(since)s.") % values


def places(chats: Sequence[Chat]) -> str:
    if not chats:
        return "👁 " + _("Only you see its figures.")
    names = ", ".join(str(chat) for chat in chats)
    return "👁 " + _("Everybody there sees its figures: %(names)s.") % {"names": names}


def gone() -> Menu:
    """It was deleted meanwhile."""
    return said(_("This profile is gone. /profiles lists those that are left.")), ()


# --- asked before ---------------------------------------------------------------------------------------------------


def deleting(profile: AvitoProfile, days: int) -> Menu:
    text = ngettext(
        "Its keys, the figures of %(count)d day, its reports and their schedule are deleted here for good, and it is "
        "shown nowhere any more. At Avito nothing changes.",
        "Its keys, the figures of %(count)d days, its reports and their schedule are deleted here for good, and it is "
        "shown nowhere any more. At Avito nothing changes.",
        days,
    )
    keys = [
        [key("🗑 " + _("Yes, delete it"), "profile_deleted", profile)],
        [key(_("No, keep it"), "profile_view", profile)],
    ]
    return titled("❔ " + _("Delete “%(name)s”?") % {"name": profile.name}, text % {"count": days}), keys


def renaming(profile: AvitoProfile, problem: str = "") -> Menu:
    lines = [f"⚠️ {problem}" if problem else "", _("Write its new name.")]
    return titled(f"✏️ {profile.name}", *lines), [back(profile)]
