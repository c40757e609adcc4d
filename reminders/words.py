"""What people read when their time has come, or was missed."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery.tick import LATE
from reminders.models import Occurrence, Reminder, Status
from telegram_bot.markdown import Entity, Part, parts, pieces_of, plain, units
from telegram_bot.outgoing import Key, Keyboard

BELL = "⏰ "
MOST_NAMED = 10
SHORT = 80  # characters of a text in a list


def fired(row: Reminder, occurrence: Occurrence, *, again: bool = False) -> list[Part]:
    """The reminder itself, word for word, in as many parts as it needs; in a group it calls the person by name."""
    name = "" if row.chat.is_private else plain(row.user.name)
    text = plain(BELL + (f"{name}, " if name else "") + (row.text or _("without words"))).rstrip()
    entities = _calling(name, row.user.telegram_id) if name else []
    for aside in parts(_aside(row, occurrence, again)):
        text += "\n\n"
        entities += [entity | {"offset": units(text) + entity["offset"]} for entity in aside.entities]
        text += aside.text
    return pieces_of(text, entities)


def _calling(name: str, telegram_id: int | None) -> list[Entity]:
    if telegram_id is None:
        return []
    person = {"id": telegram_id, "is_bot": False, "first_name": name}
    return [{"type": "text_mention", "offset": units(BELL), "length": units(name), "user": person}]


def _aside(row: Reminder, occurrence: Occurrence, again: bool) -> str:
    if again:
        return _("_Once more, until you press Done._")
    if occurrence.lateness <= LATE.total_seconds():
        return ""
    return _("_Late: this was planned for %(when)s._") % {"when": clock(occurrence.planned_at, zone_of(row))}


def zone_of(row: Reminder) -> ZoneInfo:
    return ZoneInfo(row.schedule.zone)


def clock(at: datetime, zone: ZoneInfo) -> str:
    """``21 November, 10:00``."""
    here = at.astimezone(zone)
    return f"{date_format(here, 'j E')}, {here:%H:%M}"


def buttons(occurrence: Occurrence) -> Keyboard:
    """What to do with a reminder that has come; the callback names its occurrence, so no row is needed."""
    labels = {"done": _("✅ Done"), "s10": _("10 min"), "s60": _("1 h"), "tom": _("tomorrow")}
    keys = [Key(label, callback=f"r:{verb}:{occurrence.pk}") for verb, label in labels.items()]
    return [keys[:1], keys[1:]]


def missed(found: Sequence[Occurrence]) -> list[Part]:
    """What did not go off while the bot was away."""
    lines = [_("⏰ I was away, and these reminders did not come:")]
    lines += [f"• {_one_missed(row)}" for row in found[:MOST_NAMED]]
    if len(found) > MOST_NAMED:
        rest = len(found) - MOST_NAMED
        lines.append(ngettext("… and %(count)d more", "… and %(count)d more", rest) % {"count": rest})
    lines.append(_("All of them: /reminders"))
    return pieces_of(plain("\n".join(lines)), [])


def failed(row: Reminder, occurrence: Occurrence, why: str) -> list[Part]:
    """A planned task that was given up: why, and what comes of it or can be done."""
    names = {"task": short(row.text) or _("Planned task"), "when": clock(occurrence.planned_at, zone_of(row))}
    head = _("😕 “%(task)s” did not work out this time (%(when)s).") % names
    return pieces_of(plain(" ".join(part for part in (head, why, _what_next(row)) if part)), [])


def _what_next(row: Reminder) -> str:
    if row.status == Status.PAUSED:
        return _("I have paused it now; to let it go on, open /reminders.")
    if row.next_run_at is not None:
        return _("I try again on %(when)s.") % {"when": clock(row.next_run_at, zone_of(row))}
    return _("If you still want it, just ask for it once more.")


def _one_missed(row: Occurrence) -> str:
    said = short(row.reminder.text) or _("without words")
    when = clock(row.planned_at, zone_of(row.reminder))
    if row.missed_count > 1:
        text = ngettext("%(text)s: %(count)d time, %(when)s", "%(text)s: %(count)d times, %(when)s", row.missed_count)
        return text % {"text": said, "count": row.missed_count, "when": when}
    return _("%(text)s: %(when)s") % {"text": said, "when": when}


def short(text: str) -> str:
    """One line of it."""
    line = " ".join(text.split())
    return line if len(line) <= SHORT else line[: SHORT - 1].rstrip() + "…"
