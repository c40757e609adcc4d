"""A reminder as its card shows it: what, when exactly, what comes next, and what can be done about it.

Ready parts, for what people write may hold any sign of Markdown. Nothing here asks the database.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from delivery.schedule import Once, Run, preview
from delivery.schedule_words import describe, local
from reminders import services
from reminders.models import Action, Reminder, Status
from telegram_bot.markdown import Part, plain, units
from telegram_bot.outgoing import Key, Keyboard

Menu = tuple[list[Part], Keyboard]

SHOWN_RUNS, LOOKED_RUNS = 3, 5
# Characters of a text that a card shows: what is long is still recognized.
MOST_TEXT = 700
MARKS = {
    Status.PENDING: "❔",
    Status.ACTIVE: "⏰",
    Status.PAUSED: "⏸",
    Status.COMPLETED: "✅",
    Status.CANCELLED: "✖️",
}


def titled(title: str, *lines: str) -> list[Part]:
    """``title`` in bold, then lines; empty ones are left out."""
    title = plain(title)
    text = "\n".join([title, *(plain(line) for line in lines if line)])
    return [Part(text, [{"type": "bold", "offset": 0, "length": units(title)}])]


def said(text: str) -> list[Part]:
    """A sentence as it stands."""
    return [Part(plain(text))]


def text_of(row: Reminder) -> str:
    text = row.text.strip() or _("without words")
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT].rstrip() + "…"


def zone_of(row: Reminder) -> ZoneInfo:
    return ZoneInfo(row.schedule.zone)


# --- before it is in force ------------------------------------------------------------------------------------------


def asking(row: Reminder, now: datetime, assumed: Sequence[str] = ()) -> Menu:
    """Is this what you mean? Not in force before the person says yes."""
    lines = [*when(row, now), insists(row), *(f"ℹ️ {line}" for line in assumed)]
    data = {"id": str(row.pk)}
    keys = [
        [
            Key("✅ " + _("Yes"), "remind.yes", data),
            Key("✏️ " + _("Change"), "remind.change", data),
            Key("✖️ " + _("No"), "remind.no", data),
        ],
        _insisting(row, data | {"ask": True}),
    ]
    sure = "\n" + _("Is that right? Until you say yes, nothing will come.")
    return titled("❔ " + text_of(row), *lines, sure), keys


def when(row: Reminder, now: datetime) -> list[str]:
    """The exact local time with its zone; of what comes again the rule and the next runs."""
    zone = zone_of(row)
    if isinstance(row.rule, Once):
        at = row.schedule.next_at or row.rule.at
        [run] = preview(Once(at), at - timedelta(seconds=1), zone, 1)
        return [_capital(local(at, zone)), f"⚠️ {_capital(run.remark)}." if run.remark else ""]
    return [f"{_capital(describe(row.rule, zone))} ({zone.key})", *_next_runs(coming(row, now), zone)]


def coming(row: Reminder, now: datetime) -> list[Run]:
    """The next runs; one that was put off stands at the time it was put off to."""
    held = row.schedule
    left = None if held.max_runs is None else held.max_runs - held.runs
    first = held.next_at
    if first is None or first <= now:
        return services.runs_of(row.rule, held.zone, now, held.start_at, held.end_at, left, LOOKED_RUNS)
    runs = services.runs_of(row.rule, held.zone, now, held.start_at, held.end_at, left, LOOKED_RUNS)
    after = [run for run in runs if run.at > first]
    return [next((run for run in runs if run.at == first), Run(first)), *after]


def _next_runs(runs: Sequence[Run], zone: ZoneInfo) -> list[str]:
    """A few of them; more where the clock changes, for that is what people want to know before."""
    shown = runs if any(run.remark for run in runs[SHOWN_RUNS:]) else runs[:SHOWN_RUNS]
    return [_("Next:"), *(f"• {_line(run, zone)}" for run in shown)] if shown else []


def _line(run: Run, zone: ZoneInfo) -> str:
    return day_and_time(run.at, zone) + (f" ⚠️ {run.remark}" if run.remark else "")


def day_and_time(at: datetime, zone: ZoneInfo) -> str:
    """``Saturday, 21 November 2026, 15:00``."""
    return local(at, zone).partition(" (")[0]


def insists(row: Reminder) -> str:
    if row.nag_minutes is None:
        return ""
    text = ngettext(
        "🔔 Again every %(count)d minute until you press Done.",
        "🔔 Again every %(count)d minutes until you press Done.",
        row.nag_minutes,
    )
    return text % {"count": row.nag_minutes}


def _insisting(row: Reminder, data: dict[str, object]) -> list[Key]:
    """Of what is said; a task is not done again until somebody presses Done."""
    if row.action != Action.TEXT:
        return []
    label = _("🔕 Do not insist") if row.nag_minutes else _("🔔 Insist until done")
    return [Key(label, "remind.nag", data | {"on": not row.nag_minutes})]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- afterwards -----------------------------------------------------------------------------------------------------


def confirmed(row: Reminder, now: datetime, assumed: Sequence[str] = (), mark: str = "") -> Menu:
    """It stands as the person wants it, as of a moment ago or still."""
    data = {"id": str(row.pk)}
    keys = [[Key("✏️ " + _("Change"), "remind.change", data), Key("⚙️ " + _("More"), "remind.show", data)]]
    lines = [*_state(row, now), insists(row), *(f"ℹ️ {line}" for line in assumed)]
    return titled(f"{mark or MARKS[Status(row.status)]} {text_of(row)}", *lines), keys


def card(row: Reminder, viewer: User, now: datetime, *, page: int | None = None, note: str = "") -> Menu:
    """All about one, with what ``viewer`` may do. ``page``: of the list it was opened from."""
    lines = [_group(row), *_state(row, now), insists(row), note and f"\n{note}"]
    data: dict[str, object] = {"id": str(row.pk)} | ({"page": page} if page is not None else {})
    back = [] if page is None else [[Key(_("« Back"), "remind.page", {"page": page})]]
    keys = _keys(row, data) if may_change(row, viewer) else []
    return titled(f"{MARKS[Status(row.status)]} {text_of(row)}", *lines), [*keys, *back]


def _group(row: Reminder) -> str:
    return "" if row.chat.is_private else "👥 " + _("In the group %(title)s") % {"title": row.chat.title}


def _state(row: Reminder, now: datetime) -> list[str]:
    if row.status == Status.PENDING:
        return [*when(row, now), _("Not confirmed yet: nothing will come.")]
    if row.status == Status.PAUSED:
        planned = when(row, now)[0] if isinstance(row.rule, Once) else _capital(describe(row.rule, zone_of(row)))
        return [planned, _("Paused."), row.status_reason]
    if row.status == Status.ACTIVE:
        return when(row, now) if row.next_run_at else [_("It came, and waits until somebody presses Done.")]
    return [_("Over.") if row.status == Status.COMPLETED else _("Deleted.")]


def _keys(row: Reminder, data: dict[str, object]) -> list[list[Key]]:
    if row.status == Status.PENDING:
        yes = Key("✅ " + _("Yes, remind me"), "remind.yes", data)
        return [[yes], [Key("✏️ " + _("Change"), "remind.change", data), _asking_key(data)]]
    if row.status not in (Status.ACTIVE, Status.PAUSED):
        return []
    stopped = row.status == Status.PAUSED
    turn = Key("▶️ " + _("Resume"), "remind.resume", data) if stopped else Key("⏸ " + _("Pause"), "remind.pause", data)
    later = [] if stopped else [Key("⏰ " + _("Put off"), "remind.later", data)]
    return [
        [turn, Key("✏️ " + _("Change"), "remind.change", data)],
        [*later, Key("✅ " + _ending(row), "remind.done", data)],
        _insisting(row, data),
        [_asking_key(data)],
    ]


def _ending(row: Reminder) -> str:
    """Under a series "Done" would sound like this time only."""
    return _("Done") if isinstance(row.rule, Once) else _("Done for good")


def _asking_key(data: dict[str, object]) -> Key:
    return Key("🗑 " + _("Delete"), "remind.ask", data)


def may_change(row: Reminder, user: User) -> bool:
    """Whose it is, and in groups an admin of the bot."""
    return row.user_id == user.pk or (user.is_bot_admin and not row.chat.is_private)


def later(row: Reminder, data: dict[str, object]) -> Menu:
    """How long to put the next run off; each key knows which one, so that two presses are one."""
    at = row.next_run_at
    this_time = data | {"planned": at.isoformat() if at else ""}
    keys = [
        [
            Key(_("+10 min"), "remind.snooze", this_time | {"minutes": 10}),
            Key(_("+1 h"), "remind.snooze", this_time | {"minutes": 60}),
            Key(_("+1 day"), "remind.snooze", this_time | {"days": 1}),
        ],
        [_back_to_card(data)],
    ]
    planned = _("Planned: %(when)s.") % {"when": day_and_time(at, zone_of(row))} if at else ""
    return titled("⏰ " + text_of(row), planned, _("How much later this time?")), keys


def deleting(row: Reminder, data: dict[str, object]) -> Menu:
    """Asks before what cannot be undone."""
    keys = [[Key("🗑 " + _("Yes, delete"), "remind.delete", data), Key(_("No"), "remind.show", data)]]
    return titled("🗑 " + text_of(row), _("Delete this reminder? It will not come any more.")), keys


def _back_to_card(data: dict[str, object]) -> Key:
    return Key(_("« Back"), "remind.show", data)


def changing(row: Reminder, now: datetime, data: dict[str, object], *, group: bool) -> Menu:
    """Asks for new words; in a group only what replies to it is for the bot."""
    asked = _("Write what shall be different: another time, another text, or both.")
    if group:
        asked = _("Reply to this message with what shall be different: another time, another text, or both.")
    return titled("✏️ " + text_of(row), *when(row, now), "\n" + asked), [[Key(_("Cancel"), "remind.show", data)]]


def gone() -> Menu:
    return said(_("This reminder is gone. /reminders lists those that are left.")), ()


# --- the list -------------------------------------------------------------------------------------------------------

LABEL = 36  # characters of a text that a button shows on a phone


def shelf(rows: Sequence[Reminder], number: int, pages: int, viewer: User, now: datetime, *, group: bool) -> Menu:
    """One page of a list, the next to come first."""
    if not rows:
        return said(_("There are no reminders yet. Make one: /remind tomorrow at 9 call mum")), ()
    title = _("Reminders of this group") if group else _("Your reminders")
    if pages > 1:
        title += " · " + _("page %(page)d of %(pages)d") % {"page": number + 1, "pages": pages}
    keys = [[Key(_label(row, viewer, now), "remind.show", {"id": str(row.pk), "page": number})] for row in rows]
    turning = [Key("‹", "remind.page", {"page": number - 1})] if number else []
    turning += [Key("›", "remind.page", {"page": number + 1})] if number + 1 < pages else []
    return titled(title, _("Press one to change it.")), [*keys, turning]


def _label(row: Reminder, viewer: User, now: datetime) -> str:
    line = " ".join(row.text.split()) or _("without words")
    short = line if len(line) <= LABEL else line[: LABEL - 1].rstrip() + "…"
    mark = "🔁" if not isinstance(row.rule, Once) and row.status == Status.ACTIVE else MARKS[Status(row.status)]
    at = row.next_run_at
    zone = ZoneInfo(viewer.time_zone or row.schedule.zone)
    return f"{mark} {short_day(at, zone, now)} · {short}" if at else f"{mark} {short}"


def short_day(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """The time, the day and the time, or the day and the year: as short as it is clear."""
    here, today = at.astimezone(zone), now.astimezone(zone)
    if here.date() == today.date():
        return f"{here:%H:%M}"
    if here.year == today.year:
        return f"{date_format(here, 'j E')}, {here:%H:%M}"
    return date_format(here, "j E Y")
