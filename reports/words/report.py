"""A report in words, in the active language: for Telegram (Markdown for telegram_bot.outgoing.say), e-mail, a program.

report_text(summary, zone=…)            one profile's, or a total
stats_texts(summaries, failed, …)       a chat's profiles one after another and their total: messages that fit
subject(…), plain(…)                    an e-mail
as_json(summary)                        a webhook's body: figures as text, with units
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from reports.avito.errors import Kind
from reports.figures.periods import Period, today_at_avito
from reports.figures.summary import Line, Summary, missing_days
from reports.metrics import BY_NAME, SPENT, Metric, Section, Sum, Unit
from reports.words.numbers import change, rounded, written
from reports.words.periods import compared_words, moment_words, period_words
from reports.words.text import MARKDOWN, PLAIN, Style
from reports.words.troubles import trouble

# UTF-16 units of one message, with room for what a bold mark becomes; Telegram takes 4,096.
MOST_UNITS = 3900
# So many profiles are shown with all their figures; of more each has the main ones, and the total has all.
MOST_WHOLE = 3
MAIN = ("views", "contacts", "viewsToContactsConversion", SPENT, "costPerContact", "calls")
NO_DATA, DASH = gettext_lazy("no data"), "—"


def _is_now(metric: Metric) -> bool:
    return metric.sum is Sum.NOW


def _is_money(metric: Metric) -> bool:
    return metric.unit is Unit.MONEY and not _is_now(metric)


def _is_interest(metric: Metric) -> bool:
    return not _is_now(metric) and not _is_money(metric)


GROUPS: tuple[tuple[Promise, Callable[[Metric], bool]], ...] = (
    (gettext_lazy("Interest"), _is_interest),
    (gettext_lazy("Money"), _is_money),
    (gettext_lazy("Now"), _is_now),
)


def report_text(summary: Summary, *, zone: str, title: str = "", now: datetime | None = None) -> str:
    """Markdown. ``zone``: the reader's. ``title`` stands for the profile's name. ``now``: what "yesterday" is told
    from; the clock's when it is not given."""
    return _report(summary, zone, title, now or timezone.now(), MARKDOWN)


def plain(summary: Summary, zone: str, *, title: str = "", now: datetime | None = None) -> str:
    """The same without marks, for an e-mail."""
    return _report(summary, zone, title, now or timezone.now(), PLAIN)


def subject(summary: Summary, *, now: datetime | None = None) -> str:
    """Of an e-mail: one line."""
    names = {"name": PLAIN.name(summary.name), "period": period_words(summary.period, now or timezone.now())}
    return _("Avito · %(name)s: %(period)s") % names


def _report(summary: Summary, zone: str, title: str, now: datetime, style: Style) -> str:
    head = [f"📊 {style.bold(style.name(title or summary.name))}", _about(summary, now)]
    blocks = ["\n".join(head), *_groups(summary.lines, summary, style)]
    blocks.append("\n".join([*_notes(summary, now, style), *_freshness(summary, zone)]))
    return "\n\n".join(block for block in blocks if block)


def _about(summary: Summary, now: datetime) -> str:
    """The period, and what it is compared with."""
    said = _capital(period_words(summary.period, now))
    if summary.before is None:
        return said
    return f"{said}\n{_capital(compared_words(summary.period, summary.before, now))}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- figures --------------------------------------------------------------------------------------------------------


def _groups(lines: Iterable[Line], summary: Summary, style: Style) -> list[str]:
    found = []
    for heading, belongs in GROUPS:
        rows = [_row(line, summary, style) for line in lines if belongs(line.metric)]
        if rows:
            found.append("\n".join([style.bold(str(heading)), *rows]))
    return found


def _row(line: Line, summary: Summary, style: Style) -> str:
    """``Views: 1 204 🟢 ▲ +12,3 %``"""
    figure = style.bold(_figure(line, summary)) if line.value is not None else _figure(line, summary)
    mark = style.name("*") if line.incomplete and line.value is not None else ""
    moved = change(line)
    return f"{line.metric.label}: {figure}{mark}" + (f"  {moved}" if moved else "")


def _figure(line: Line, summary: Summary) -> str:
    """A dash where there cannot be a figure; "no data" where Avito should have told one."""
    if line.value is not None:
        return written(line.value, line.metric)
    return str(NO_DATA) if _untold(line.metric, summary) else DASH


def _untold(metric: Metric, summary: Summary) -> bool:
    if metric.section in summary.gaps:
        return False  # a note says why
    if metric.sum is Sum.RATIO:
        return any(summary.value(name) is None for name in metric.over)
    return True


# --- what must be known to read them --------------------------------------------------------------------------------


def _notes(summary: Summary, now: datetime, style: Style = MARKDOWN, *, full: bool = True) -> list[str]:
    notes = [f"⚠️ {trouble(kind, section)}" for section, kind in _shown_gaps(summary)]
    if summary.partial:
        notes.append("⚠️ " + (_partial() if full else _("Put together of single listings, so incomplete.")))
    elif absent := _absent_days(summary):
        notes.append(f"⚠️ {absent}")
    if any(line.incomplete and line.value is not None for line in summary.lines):
        notes.append(style.name("*") + " " + _("Not all accounts told this figure, so there may be more."))
    if summary.before is None:
        notes.append(_("There is nothing to compare with: Avito remembers only the last 270 days."))
    if summary.period.last >= today_at_avito(now):
        notes.append(_("Today is not over, so the figures still grow."))
    return notes


def _partial() -> str:
    return _(
        "Avito did not give the statistics of the whole account, so views, contacts and favourites were put together "
        "of single listings: there may have been more, and spending is not known."
    )


def _shown_gaps(summary: Summary) -> list[tuple[Section, str]]:
    """Of sections that have a line here, the more important first; what the account does not have is no trouble."""
    asked = {line.metric.section for line in summary.lines}
    gaps = [(section, summary.gaps[section]) for section in Section if section in summary.gaps]
    return [(section, kind) for section, kind in gaps if section in asked and kind != Kind.NOT_FOR_ACCOUNT]


def _absent_days(summary: Summary) -> str:
    """How many days of a period that is told in part were not told."""
    if not any(line.metric.section is Section.STATISTICS for line in summary.lines):
        return ""
    absent = len(missing_days(summary, summary.period))
    if absent in (0, summary.period.days):
        return ""
    text = ngettext(
        "Avito told nothing of %(count)d day out of %(all)d, so it is not in the sums.",
        "Avito told nothing of %(count)d days out of %(all)d, so they are not in the sums.",
        absent,
    )
    return text % {"count": absent, "all": summary.period.days}


def _freshness(summary: Summary, zone: str) -> list[str]:
    if summary.as_of is None:
        return []
    return ["🕘 " + _("Data as of %(moment)s") % {"moment": moment_words(summary.as_of, zone)}]


# --- of a chat ------------------------------------------------------------------------------------------------------


def stats_texts(
    summaries: Sequence[Summary],
    failed: Sequence[tuple[str, str]],
    total: Summary | None,
    zone: str,
    *,
    now: datetime | None = None,
) -> list[str]:
    """Markdown of each message. ``failed``: the name of a profile that could not be had, and the kind of AvitoError."""
    now = now or timezone.now()
    whole = len(summaries) <= MOST_WHOLE
    blocks = [_of_profile(summary, now, whole=whole) for summary in summaries]
    blocks += [f"❌ {MARKDOWN.bold(MARKDOWN.name(name))}\n{trouble(kind)}" for name, kind in failed]
    if total is not None:
        blocks += _total(summaries, failed, total, zone, now)
    elif summaries:
        blocks += _freshness(summaries[0], zone)
    return _messages([_head(summaries, failed, now), *blocks])


def _head(summaries: Sequence[Summary], failed: Sequence[tuple[str, str]], now: datetime) -> str:
    count = len(summaries) + len(failed)
    title = ngettext("%(count)d profile at Avito", "%(count)d profiles at Avito", count) % {"count": count}
    head = f"📊 {MARKDOWN.bold(title)}"
    return f"{head}\n{_about(summaries[0], now)}" if summaries else head


def _of_profile(summary: Summary, now: datetime, *, whole: bool) -> str:
    main = [line for line in summary.lines if line.metric.name in MAIN] or summary.lines[: len(MAIN)]
    lines = summary.lines if whole else main
    rows = [_row(line, summary, PLAIN) for line in lines]
    notes = [note for note in _notes(summary, now, full=whole) if note.startswith("⚠️")]
    return "\n".join([f"▪️ {MARKDOWN.bold(MARKDOWN.name(summary.name))}", *rows, *notes])


def _total(
    summaries: Sequence[Summary], failed: Sequence[tuple[str, str]], total: Summary, zone: str, now: datetime
) -> list[str]:
    title = MARKDOWN.bold("Σ " + _("Total"))
    if failed:
        names = ", ".join(MARKDOWN.name(name) for name, _kind in failed)
        title += "\n" + _("⚠️ The total is incomplete, without: %(names)s") % {"names": names}
    notes = [note for note in _notes(total, now) if not note.startswith("⚠️")]
    if total.accounts < len(summaries):
        notes.insert(0, _("Profiles of the same account are counted once."))
    groups = _groups(total.lines, total, MARKDOWN)
    return [title, *groups, "\n".join([*notes, *_freshness(total, zone)])]


def _messages(blocks: Iterable[str]) -> list[str]:
    """Blocks joined as long as they fit. One that is too long alone is left to `telegram_bot.markdown` to cut."""
    found: list[str] = []
    for block in filter(None, blocks):
        joined = f"{found[-1]}\n\n{block}" if found else block
        if found and _units(joined) <= MOST_UNITS:
            found[-1] = joined
        else:
            found.append(block)
    return found


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


# --- for a program --------------------------------------------------------------------------------------------------


def as_json(summary: Summary) -> dict[str, Any]:
    """Figures are decimals as text (money in roubles), absent ones null; days are Moscow's, times ISO 8601."""
    return {
        "name": summary.name,
        "account_id": summary.account_id,
        "period": _span(summary.period),
        "compared_with": _span(summary.before) if summary.before else None,
        "as_of": summary.as_of.isoformat() if summary.as_of else None,
        "partial": summary.partial,
        "metrics": [_metric(line) for line in summary.lines],
        "gaps": {str(section): str(kind) for section, kind in summary.gaps.items()},
        "days": [
            {"date": day.isoformat(), **{name: _text(value, BY_NAME[name]) for name, value in figures.items()}}
            for day, figures in sorted(summary.days.items())
            if day in summary.period
        ],
    }


def _span(period: Period) -> dict[str, str]:
    return {"from": period.first.isoformat(), "to": period.last.isoformat()}


def _metric(line: Line) -> dict[str, Any]:
    return {
        "name": line.metric.name,
        "label": str(line.metric.label),
        "unit": str(line.metric.unit),
        "value": None if line.value is None else _text(line.value, line.metric),
        "before": None if line.before is None else _text(line.before, line.metric),
        "change_percent": None if line.change is None else str(rounded(line.change, 1)),
    }


def _text(value: Decimal, metric: Metric) -> str:
    """Money and shares with two digits, numbers without any that say nothing."""
    if metric.unit in (Unit.MONEY, Unit.PERCENT):
        return str(rounded(value, 2))
    return f"{value.normalize():f}"
