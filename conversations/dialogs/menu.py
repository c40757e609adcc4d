"""What /dialogs shows: a place's dialogs in pages, and one dialog with what can be done to it."""

from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Chat, User
from conversations.services import library
from conversations.services.library import Entry
from conversations.words_dialogs import untitled
from telegram_bot.markdown import Part, units
from telegram_bot.outgoing import Key, Keyboard

PAGE = 6
LABEL = 34  # characters of a title that a button shows on a phone

Menu = tuple[list[Part], Keyboard]


def day(moment: datetime, user: User, now: datetime) -> str:
    """When it was, as short as it is clear: the time, the day, or the day and the year."""
    here, today = moment.astimezone(library.zone_of(user)), now.astimezone(library.zone_of(user))
    if here.date() == today.date():
        return date_format(here, "H:i")
    return date_format(here, "j E" if here.year == today.year else "j E Y")


def titled(title: str, *lines: str) -> list[Part]:
    """``title`` in bold, then lines. Ready parts, for a title may hold any sign of Markdown."""
    text = "\n".join([title, *(line for line in lines if line)])
    return [Part(text, [{"type": "bold", "offset": 0, "length": units(title)}])]


def page(user: User, chat: Chat, thread: int, number: int, now: datetime) -> Menu:
    """One page of this place's dialogs, the newest first."""
    dialogs = library.shelf(chat, thread)
    pages = max(1, -(-dialogs.count() // PAGE))
    number = min(max(0, number), pages - 1)
    shown = [library.entry(row) for row in dialogs[number * PAGE : (number + 1) * PAGE]]
    if not shown:
        return [Part(_("There are no dialogs here yet. Ask me anything, and the first one begins."))], ()
    title = _("Dialogs here")
    if pages > 1:
        title += " · " + _("page %(page)d of %(pages)d") % {"page": number + 1, "pages": pages}
    keys = [[Key(_label(entry, user, now), "dialogs.show", {"id": entry.dialog.pk, "page": number})] for entry in shown]
    return titled(title, _("● is open: your next message goes there.")), [*keys, _turning(number, pages)]


def _label(entry: Entry, user: User, now: datetime) -> str:
    mark = "● " if entry.dialog.closed_at is None else ""
    return f"{mark}{library.cut_at_word(name_of(entry), LABEL)} · {day(entry.said_at, user, now)}"


def name_of(entry: Entry) -> str:
    return entry.title or untitled()


def _turning(number: int, pages: int) -> list[Key]:
    back = [Key("‹", "dialogs.page", {"page": number - 1})] if number > 0 else []
    return back + ([Key("›", "dialogs.page", {"page": number + 1})] if number + 1 < pages else [])


def card(user: User, chat: Chat, thread: int, data: dict[str, int], now: datetime, note: str = "") -> Menu:
    """One dialog; ``data`` holds its ``id`` and the ``page`` to go back to. ``note`` stands under it."""
    entry = library.one_of(chat, thread, data["id"])
    if entry is None:
        return gone(data)
    dialog = entry.dialog
    here = {"id": dialog.pk, "page": data.get("page", 0)}
    counted = ngettext("%(count)d message", "%(count)d messages", entry.said) % {"count": entry.said}
    last = _("the last one: %(when)s") % {"when": day(entry.said_at, user, now)}
    lines = [
        "● " + _("Open: your next message goes there.") if dialog.closed_at is None else "",
        f"{counted}, {last}",
        _("Model: %(model)s") % {"model": dialog.model.title} if dialog.model else "",
        _("Its earlier part is kept as a summary.") if dialog.summary else "",
        f"\n{note}" if note else "",
    ]
    reopen = [Key("▶️ " + _("Go on with it"), "dialogs.open", here)] if dialog.closed_at else []
    erase = [Key("🗑 " + _("Delete"), "dialogs.ask", here)] if library.may_erase(dialog, user) else []
    keys = [
        reopen,
        [Key("✏️ " + _("Rename"), "dialogs.rename", here), *erase],
        [
            Key("📄 Markdown", "dialogs.export", here | {"form": "md"}),
            Key("🧩 JSON", "dialogs.export", here | {"form": "json"}),
        ],
        [_back(data)],
    ]
    return titled(name_of(entry), *lines), keys


def gone(data: dict[str, int]) -> Menu:
    return [Part(_("This dialog is gone."))], [[_back(data)]]


def _back(data: dict[str, int]) -> Key:
    return Key(_("« Back"), "dialogs.page", {"page": data.get("page", 0)})


def naming(chat: Chat, entry: Entry, data: dict[str, int]) -> Menu:
    """Asks for a new title; in a group only what replies to it is for the bot."""
    asked = _("Write the new title: your next message becomes it.")
    if not chat.is_private:
        asked = _("Reply to this message with the new title.")
    return titled(name_of(entry), "✏️ " + asked), [[Key(_("Cancel"), "dialogs.cancel", data)]]


def asking(entry: Entry, data: dict[str, int]) -> Menu:
    """Asks before what cannot be undone."""
    asked = _("Delete this dialog? Its messages and files will be erased, and nobody can bring them back.")
    yes, no = Key("🗑 " + _("Yes, delete"), "dialogs.erase", data), Key(_("No"), "dialogs.show", data)
    return titled(name_of(entry), asked), [[yes, no]]
