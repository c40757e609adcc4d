"""How profiles and what Avito lets them do are shown to operators."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from core.show import badge, localised, nowrap
from reports.metrics import Unit
from reports.models import Access, AvitoProfile, Export, Report, ReportPart, ReportTask
from reports.words import alerts, troubles

ACCESS_KIND = {
    Access.UNCHECKED: "",
    Access.WORKS: "success",
    Access.BAD_KEYS: "danger",
    Access.OTHER_ACCOUNT: "warning",
}
REPORT_KIND = {"queued": "primary", "done": "success", "failed": "danger", "cancelled": ""}
# By what rows hold.
SECTIONS = {str(section): name for section, name in troubles.SECTIONS.items()}
PURSES = alerts.PURSES
# Where a section is closed by nature: an account without it has no trouble.
NO_TROUBLE = ("", "not_for_account")


def access_badge(profile: AvitoProfile) -> SafeString:
    return badge(profile.get_access_display(), ACCESS_KIND[Access(profile.access)])


def report_badge(report: Report | Export) -> SafeString:
    return badge(report.get_state_display(), REPORT_KIND[report.state])


def about_words(about: str) -> str:
    """What an alert is about: a section, or a purse."""
    return str(SECTIONS.get(about) or PURSES.get(about) or about)


def missing_words(sections: Iterable[str]) -> str:
    return ", ".join(map(about_words, sections)) or "—"


def section_badge(state: Mapping[str, str]) -> SafeString:
    """Whether a section answers, as it was when it was asked last."""
    kind = state.get("kind", "")
    if not kind:
        return badge(_("works"), "success")
    if kind == "not_for_account":
        return badge(_("not for this account"))
    if kind in ("no_access", "needs_subscription"):
        return badge(pgettext("section of Avito", "closed"), "warning")
    return badge(_("trouble"), "danger")


def troubled(profile: AvitoProfile) -> list[str]:
    """Names of the sections that do not answer as they should."""
    kinds = {name: state.get("kind", "") for name, state in profile.sections.items()}
    return [about_words(name) for name, kind in kinds.items() if name in SECTIONS and kind not in NO_TROUBLE]


def state_of(task: ReportTask | None) -> SafeString | str:
    """Whether it is reported by itself."""
    if task is None:
        return "—"
    return badge(_("on"), "success") if task.schedule.state == "active" else badge(_("off"))


def next_report(task: ReportTask | None) -> datetime | None:
    """None: it is off."""
    return task.schedule.next_at if task is not None and task.schedule.state == "active" else None


def figure(value: Decimal | None, unit: Unit) -> str:
    """A figure as operators read it; a dash for what was not told."""
    if value is None:
        return "—"
    if unit is Unit.MONEY:
        return f"{localised(value, 2)}\N{NO-BREAK SPACE}₽"
    if unit is Unit.PERCENT:
        return f"{localised(value, 1)}\N{NO-BREAK SPACE}%"
    return localised(value, 1 if unit is Unit.SCORE else 0)


def parts_of(parts: Iterable[ReportPart]) -> SafeString | str:
    """What became of each profile of a report."""
    kinds = {"waiting": "info", "done": "success", "failed": "danger"}
    rows = [(part.profile, badge(part.get_state_display(), kinds[part.state]), part.error_kind) for part in parts]
    return nowrap(format_html_join("", "<div>{} {} {}</div>", rows)) if rows else "—"
