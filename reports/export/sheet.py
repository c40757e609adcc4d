"""The Excel file of an export: sheets of chats, of messages, and about the file. A chat's messages are held in memory
while they are written, and nothing else: XlsxWriter keeps no row it has written (``constant_memory``).
"""

import threading
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reports.export import cells, speech
from reports.export.spool import Pages, Row, Spool

# Excel's own ceiling is 1,048,576 rows.
MOST_ROWS = 1_000_000
# Below Telegram's 50 MB, for the weight of a file is an estimate until it is packed.
MOST_BYTES = 45 * 1024 * 1024
# What a row weighs packed, besides its words.
ROW_BYTES = 48
ALWAYS_TEXT, A_DATE, WRAPPED, PLAIN = "text", "date", "wrapped", "plain"
# How cells look; what the owner wrote is shaded, so that a dialogue can be followed down the sheet.
LOOKS: dict[str, dict[str, Any]] = {
    PLAIN: {},
    ALWAYS_TEXT: {"num_format": "@"},
    A_DATE: {"num_format": "dd.mm.yyyy hh:mm", "align": "left"},
    WRAPPED: {"text_wrap": True},
}
SHADE: dict[bool, dict[str, Any]] = {False: {}, True: {"bg_color": "#EAF4EC", "border": 1, "border_color": "#DDE6DF"}}


class Stopped(Exception):
    """Nobody wants the file any more."""


@dataclass(frozen=True)
class Limits:
    """How large a file may grow before the rest goes into another one."""

    rows: int = MOST_ROWS
    # Packed.
    size: int = MOST_BYTES


FULL = Limits()


@dataclass(frozen=True)
class About:
    """What stands on the sheet about the file, and what the rows need to know."""

    profile: str
    # The account's id at Avito: who of a chat is "us".
    account: int | None
    account_name: str
    made_at: datetime
    zone: ZoneInfo
    # Of which chats: in words.
    period: str
    notes: Sequence[str] = ()
    # 1 for the first file.
    part: int = 1


@dataclass(frozen=True)
class Written:
    """How many of the chats the file took, and what went in."""

    chats: int
    messages: int


@dataclass(frozen=True)
class Column:
    title: Promise
    width: int
    style: str = PLAIN


CHATS = (
    Column(gettext_lazy("Buyer"), 24),
    Column(gettext_lazy("Listing"), 40, WRAPPED),
    Column(gettext_lazy("Listing's number"), 20, ALWAYS_TEXT),
    Column(gettext_lazy("Price"), 16),
    Column(gettext_lazy("Listing's address"), 36),
    Column(gettext_lazy("Begun"), 17, A_DATE),
    Column(gettext_lazy("Last news"), 21, A_DATE),
    Column(gettext_lazy("Messages"), 14),
    Column(gettext_lazy("Incoming"), 14),
    Column(gettext_lazy("Outgoing"), 14),
    Column(gettext_lazy("Note"), 48, WRAPPED),
    Column(gettext_lazy("Buyer's ID"), 18, ALWAYS_TEXT),
    Column(gettext_lazy("Chat ID"), 30, ALWAYS_TEXT),
)
MESSAGES = (
    Column(gettext_lazy("Time"), 17, A_DATE),
    Column(gettext_lazy("Buyer"), 24),
    Column(gettext_lazy("Direction"), 16),
    Column(gettext_lazy("Author"), 24),
    Column(gettext_lazy("Kind"), 18),
    Column(gettext_lazy("Message"), 80, WRAPPED),
    Column(gettext_lazy("Listing"), 40, WRAPPED),
    Column(gettext_lazy("Listing's number"), 20, ALWAYS_TEXT),
    Column(gettext_lazy("Chat ID"), 30, ALWAYS_TEXT),
    Column(gettext_lazy("Message ID"), 34, ALWAYS_TEXT),
)


def write(
    path: Path, spool: Spool, chats: Sequence[str], about: About, stop: threading.Event, limits: Limits = FULL
) -> Written:
    """Write ``chats`` into a new file until it is full: at least one, the others belong into the next file.

    Takes seconds of CPU: call it in a thread, with the person's language. Raises ``Stopped`` soon after ``stop`` is
    set, and OSError.
    """
    book = Book(path, about)
    weight, rows, taken = Weight(), 1, 0
    try:
        for key in chats:
            _check(stop)
            messages = spool.messages(key)
            if taken and (rows + len(messages) > limits.rows or weight.size > limits.size):
                break
            rows += len(messages)
            weight.add(book.chat(spool.chat(key), messages, spool.threads.get(key, Pages())))
            taken += 1
        book.close(taken)
    except BaseException:
        book.drop()
        raise
    return Written(taken, book.messages)


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise Stopped


class Weight:
    """About how large the words of a file become when they are packed: they are, quickly, and thrown away."""

    def __init__(self) -> None:
        self._packer = zlib.compressobj(1)
        self.size = 0

    def add(self, texts: Iterable[str]) -> None:
        for text in texts:
            self.size += ROW_BYTES + len(self._packer.compress(text.encode()))


class Sheet:
    """A sheet that is filled from the top."""

    def __init__(self, book: Any, name: str, columns: Sequence[Column]) -> None:
        self.sheet = book.add_worksheet(name)
        self.columns = columns
        self.row = 0
        self._styles = {
            shaded: {name: book.add_format({**LOOKS[name], **SHADE[shaded], "valign": "top"}) for name in LOOKS}
            for shaded in SHADE
        }
        self._head(book.add_format({"bold": True, "valign": "top", "bottom": 1, "bg_color": "#EEF2F6"}))

    def _head(self, style: Any) -> None:
        for number, column in enumerate(self.columns):
            self.sheet.set_column(number, number, column.width)
            self.sheet.write_string(0, number, cells.text(column.title), style)
        self.sheet.freeze_panes(1, 0)

    def add(self, values: Sequence[Any], *, shaded: bool = False) -> None:
        self.row += 1
        for number, (value, column) in enumerate(zip(values, self.columns, strict=True)):
            style = self._styles[shaded][column.style]
            if value is None or value == "":
                if shaded:
                    self.sheet.write_blank(self.row, number, None, style)
            elif isinstance(value, datetime):
                self.sheet.write_datetime(self.row, number, value, style)
            elif isinstance(value, int):
                self.sheet.write_number(self.row, number, value, style)
            else:
                self.sheet.write_string(self.row, number, value, style)

    def finish(self) -> None:
        last = max(self.row, 1)
        self.sheet.autofilter(0, 0, last, len(self.columns) - 1)
        # No green corners at numbers that are text on purpose.
        self.sheet.ignore_errors({"number_stored_as_text": f"A1:Z{last + 1}"})


class Book:
    """The file with its three sheets."""

    def __init__(self, path: Path, about: About) -> None:
        import xlsxwriter  # 2 MB, which a bot need not carry all day

        options = {
            "constant_memory": True,
            "tmpdir": str(path.parent),
            "strings_to_urls": False,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
        }
        self.book = xlsxwriter.Workbook(str(path), options)
        self.book.set_properties({"title": cells.text(about.profile), "comments": ""})
        self.book.set_size(2400, 1400)
        self.about, self.messages = about, 0
        self._chats = Sheet(self.book, _("Chats"), CHATS)
        self._messages = Sheet(self.book, _("Messages"), MESSAGES)

    def chat(self, chat: Row, messages: Sequence[Row], pages: Pages) -> list[str]:
        """Write a chat and what was said there; the words, for they have weight."""
        zone, item = self.about.zone, chat.get("item") or {}
        buyer, number = _buyer(chat, self.about.account)
        title, listing = cells.text(item.get("title")), cells.number(item.get("id"))
        incoming = sum(1 for message in messages if message.get("direction") == "in")
        outgoing = sum(1 for message in messages if message.get("direction") == "out")
        self._chats.add(
            [
                buyer, title, listing, cells.text(item.get("price")), cells.text(item.get("url")),
                cells.moment(chat.get("created"), zone), cells.moment(chat.get("updated"), zone),
                len(messages), incoming, outgoing, _note(pages), number, cells.number(chat["id"]),
            ]
        )  # fmt: skip
        said = [self._message(chat, message, (buyer, title, listing)) for message in messages]
        self.messages += len(messages)
        return [buyer, title, *said]

    def _message(self, chat: Row, message: Row, of: tuple[str, str, str]) -> str:
        buyer, title, listing = of
        words = cells.text(speech.words(message))
        self._messages.add(
            [
                cells.moment(message.get("created"), self.about.zone), buyer, speech.direction(message),
                self._author(chat, message), cells.text(speech.kind(message)), words, title, listing,
                cells.number(chat["id"]), cells.number(message["id"]),
            ],
            shaded=message.get("direction") == "out",
        )  # fmt: skip
        return f"{words}{message['id']}"

    def _author(self, chat: Row, message: Row) -> str:
        author = message.get("author")
        if message.get("type") == "system":
            return _("Avito")
        if author is not None and author == self.about.account:
            return cells.text(_people(chat).get(author) or self.about.account_name or self.about.profile)
        return cells.text(_people(chat).get(author) or _unknown())

    def close(self, chats: int) -> None:
        """Raises OSError."""
        from xlsxwriter.exceptions import FileCreateError

        self._chats.finish()
        self._messages.finish()
        self._tell(chats)
        try:
            self.book.close()
        except FileCreateError as error:  # what the library makes of one while it packs
            raise OSError(str(error)) from error

    def _tell(self, chats: int) -> None:
        about, zone = self.about, self.about.zone
        sheet, bold = (
            self.book.add_worksheet(_("About the file")),
            self.book.add_format({"bold": True, "valign": "top"}),
        )
        wrapped = self.book.add_format({"text_wrap": True, "valign": "top"})
        sheet.set_column(0, 0, 26)
        sheet.set_column(1, 1, 100)
        lines = [
            (_("Profile"), about.profile),
            (_("Avito account"), " ".join(str(part) for part in (about.account_name, about.account) if part)),
            (_("Made"), f"{about.made_at.astimezone(zone):%d.%m.%Y %H:%M} ({zone.key})"),
            (_("Which chats"), about.period),
            (_("File"), str(about.part)),
            (_("Chats in this file"), str(chats)),
            (_("Messages in this file"), str(self.messages)),
            (_("Times"), _("All times are by the clock in %(zone)s.") % {"zone": zone.key}),
            *((_("Note"), note) for note in about.notes),
        ]
        for row, (name, said) in enumerate(lines):
            sheet.write_string(row, 0, cells.text(name), bold)
            sheet.write_string(row, 1, cells.text(said), wrapped)

    def drop(self) -> None:
        """Leave nothing of an unfinished file: XlsxWriter's own files for the rows go with the folder."""
        for sheet in self.book.worksheets():
            if getattr(sheet, "row_data_fh", None) is not None and not sheet.row_data_fh.closed:
                sheet.row_data_fh.close()
        # Or it would warn when it is collected.
        self.book.fileclosed = 1


def _people(chat: Row) -> Mapping[Any, str]:
    return {person.get("id"): person.get("name") or "" for person in chat.get("users") or ()}


def _buyer(chat: Row, account: int | None) -> tuple[str, str]:
    """The name and the number of whom the chat is with."""
    others = {key: name for key, name in _people(chat).items() if key is not None and key != account}
    names = ", ".join(name for name in others.values() if name)
    return cells.text(names or _unknown()), cells.text(", ".join(str(key) for key in others))


def _unknown() -> str:
    return _("unknown")


def _note(pages: Pages) -> str:
    if pages.refused:
        return _("Avito did not let its messages be read.")
    if pages.full:
        return _("Only the newest messages: Avito gives no more of one chat.")
    return ""
