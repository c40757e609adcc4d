"""Words of DOCX and PPTX, and rows of XLSX (ISO/IEC 29500). What is drawn, and how it looks, is left out."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from files.extract.archive import Archive, Attributes, Part
from files.extract.sheets import Sheet, Strings, Styles, Workbook

NUMBER = re.compile(r"\d+")


class Relations(Part):
    """``targets``: by their ids, the kind and the name of the parts that one part refers to."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.targets: dict[str, tuple[str, str]] = {}
        self._folder = posixpath.dirname(part)

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "Relationship":
            kind = attributes.get("Type", "").rpartition("/")[2]
            name = posixpath.normpath(posixpath.join("/", self._folder, attributes.get("Target", "")))
            self.targets[attributes.get("Id", "")] = kind, name[1:]


def relations(archive: Archive, part: str) -> dict[str, tuple[str, str]]:
    """What ``part`` refers to that is there."""
    folder, name = posixpath.split(part)
    found, listed = Relations(part), f"{folder}/_rels/{name}.rels"
    if listed in archive.names:
        found.whole(archive.pieces(listed))
    return {key: target for key, target in found.targets.items() if target[1] in archive.names}


class Words(Part):
    """Paragraphs of text; the cells of a table's row stand in one line."""

    def __init__(self) -> None:
        super().__init__()
        self._in_text = False
        self._cells = 0
        self._doubles = 0

    def start(self, tag: str, _attributes: Attributes) -> None:
        match tag:
            case "t":
                self._in_text = not self._doubles
            case "Fallback":  # the same words once more, for older programs
                self._doubles += 1
            case "tab":
                self.found.append("\t")
            case "br" | "cr":
                self.found.append("\n")
            case "tc":
                self._cells += 1

    def end(self, tag: str) -> None:
        match tag:
            case "t":
                self._in_text = False
            case "Fallback":
                self._doubles -= 1
            case "p":
                self.found.append(" " if self._cells else "\n")
            case "tc":
                self._cells -= 1
                self.found.append("\t")
            case "tr":
                self.found.append("\n")

    def data(self, words: str) -> None:
        if self._in_text:
            self.found.append(words)


def read_docx(path: Path) -> Iterator[str]:
    archive = Archive(path)
    yield from Words().read(archive.pieces("word/document.xml"))
    for name in ("word/footnotes.xml", "word/endnotes.xml"):
        if name in archive.names:
            yield "\n"
            yield from Words().read(archive.pieces(name))


def read_pptx(path: Path) -> Iterator[str]:
    """Slides by their numbers, each with its notes."""
    archive = Archive(path)
    for name in _numbered(archive.names, "ppt/slides/slide"):
        number = NUMBER.findall(name)[-1]
        yield f"[slide {number}]\n"
        yield from Words().read(archive.pieces(name))
        for kind, notes in relations(archive, name).values():
            if kind == "notesSlide":
                yield "[notes]\n"
                yield from Words().read(archive.pieces(notes))
        yield "\n"


def _numbered(names: list[str], beginning: str) -> list[str]:
    numbered = [name for name in names if re.fullmatch(rf"{re.escape(beginning)}\d+\.xml", name)]
    return sorted(numbered, key=lambda name: int(NUMBER.findall(name)[-1]))


def read_xlsx(path: Path) -> Iterator[str]:
    """Sheets in the workbook's order, a line a row, cells apart by tabs."""
    archive = Archive(path)
    workbook, strings, styles = Workbook(), Strings(), Styles()
    workbook.whole(archive.pieces("xl/workbook.xml"))
    for part, name in ((strings, "xl/sharedStrings.xml"), (styles, "xl/styles.xml")):
        if name in archive.names:
            part.whole(archive.pieces(name))
    targets = relations(archive, "xl/workbook.xml")
    for title, key in workbook.sheets:
        kind, name = targets.get(key, ("", ""))
        if kind == "worksheet":
            yield f"[sheet {title}]\n"
            yield from Sheet(strings.all, styles.are_dates, workbook.from_1904).read(archive.pieces(name))
            yield "\n"
