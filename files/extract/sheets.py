"""The parts of a spreadsheet: its sheets' names, the strings they share, which styles are dates, and the rows."""

import re
from datetime import datetime, timedelta

from files.errors import FileError
from files.extract.archive import Attributes, Part

# Shared strings are all kept until the sheets are read.
MOST_STRINGS = 20_000_000  # characters
# Formats of dates and times that need no declaration (ISO/IEC 29500-1, 18.8.30).
DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
# In a declared format: what is quoted, escaped or in brackets is no letter of a date.
LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
LAST_DAY = 2_958_465  # 31 December 9999


class Workbook(Part):
    """``sheets``: their titles and under which id the workbook refers to them."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[tuple[str, str]] = []
        self.from_1904 = False

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "sheet":
            self.sheets.append((attributes.get("name", ""), attributes.get("id", "")))
        elif tag == "workbookPr":
            self.from_1904 = attributes.get("date1904") in ("1", "true")


class Strings(Part):
    """``all``: the strings in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[str] = []
        self._now: list[str] = []
        self._in_text = False
        self._size = 0

    def start(self, tag: str, _attributes: Attributes) -> None:
        if tag == "si":
            self._now = []
        self._in_text = tag == "t"

    def end(self, tag: str) -> None:
        self._in_text = False
        if tag == "si":
            self.all.append("".join(self._now))

    def data(self, words: str) -> None:
        if self._in_text:
            self._now.append(words)
            self._size += len(words)
            if self._size > MOST_STRINGS:
                raise FileError("bomb")


class Styles(Part):
    """``are_dates``: for each style of a cell, whether its number is a day or a time."""

    def __init__(self) -> None:
        super().__init__()
        self.are_dates: list[bool] = []
        self._declared: dict[str, bool] = {}
        self._in_cells = False

    def start(self, tag: str, attributes: Attributes) -> None:
        number = attributes.get("numFmtId", "0")
        if tag == "numFmt":
            code = LITERAL.sub("", attributes.get("formatCode", ""))
            self._declared[number] = any(letter in code.lower() for letter in "ymdhs")
        elif tag == "cellXfs":
            self._in_cells = True
        elif tag == "xf" and self._in_cells:
            usual = number.isascii() and number.isdigit() and int(number[:6]) in DATES
            self.are_dates.append(self._declared.get(number, usual))

    def end(self, tag: str) -> None:
        if tag == "cellXfs":
            self._in_cells = False


class Sheet(Part):
    """A line a row, none for an empty one. An empty cell between others leaves its place free."""

    def __init__(self, strings: list[str], are_dates: list[bool], from_1904: bool) -> None:
        super().__init__()
        self._strings, self._are_dates = strings, are_dates
        self._epoch = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 30)
        self._cell: Attributes = {}
        self._value: list[str] = []
        self._reading = False
        self._column, self._is_empty = 0, True

    def start(self, tag: str, attributes: Attributes) -> None:
        match tag:
            case "row":
                self._column, self._is_empty = 0, True
            case "c":
                self._cell, self._value = attributes, []
            case "v" | "t":
                self._reading = True

    def end(self, tag: str) -> None:
        match tag:
            case "v" | "t":
                self._reading = False
            case "c":
                self._put()
            case "row":
                self.found.append("" if self._is_empty else "\n")

    def data(self, words: str) -> None:
        if self._reading:
            self._value.append(words)

    def _put(self) -> None:
        words = self._words("".join(self._value))
        if words:
            column = max(self._column, column_of(self._cell.get("r", "")))
            self.found.append("\t" * (column - self._column) + words)
            self._column, self._is_empty = column, False

    def _words(self, value: str) -> str:
        kind = self._cell.get("t", "n")
        if kind == "s":
            return self._strings[int(value)] if value.isdigit() and int(value) < len(self._strings) else ""
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        style = self._cell.get("s", "0")
        dated = style.isdigit() and int(style) < len(self._are_dates) and self._are_dates[int(style)]
        return self._date(value) if kind == "n" and dated else value

    def _date(self, value: str) -> str:
        try:
            days = float(value)
        except ValueError:
            return value
        if not 0 <= days <= LAST_DAY:
            return value
        when = self._epoch + timedelta(seconds=round(days * 86400))
        if days < 1:
            return f"{when:%H:%M:%S}"
        return f"{when:%Y-%m-%d}" if days == int(days) else f"{when:%Y-%m-%d %H:%M:%S}"


def column_of(reference: str) -> int:
    """0 for ``A1``, 27 for ``AB7``; 16,383 is the last one there is."""
    number = 0
    for letter in reference[:3]:
        if not "A" <= letter <= "Z":
            break
        number = number * 26 + ord(letter) - 64
    return min(max(number - 1, 0), 16_383)
