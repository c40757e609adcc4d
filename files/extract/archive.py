"""Parts of an Office document (a ZIP archive of XML), read as a stream and never past a limit.

The three office libraries build whole trees of objects before they give a word; a stream of events does not, however
much a part unpacks to. Declarations of entities, with which a small XML grows without end, are refused.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from files.errors import FileError

# Bytes, unpacked: all parts of a document together; and by how much a large part may be packed.
MOST_BYTES = 200 * 1024 * 1024
LARGE = 10 * 1024 * 1024
MOST_RATIO = 200
MOST_PARTS = 20_000
PIECE = 64 * 1024

Attributes = dict[str, str]


class Archive:
    """An opened document. Raises FileError: bomb, broken."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
            raise FileError("broken") from error
        entries = self._zip.infolist()
        if len(entries) > MOST_PARTS or any(map(_is_bomb, entries)):
            raise FileError("bomb")
        if any(entry.flag_bits & 1 for entry in entries):
            raise FileError("encrypted")
        self.names = [entry.filename for entry in entries]
        self._left = MOST_BYTES

    def pieces(self, name: str) -> Iterator[bytes]:
        """A part's bytes, counted as they are unpacked: what an archive declares of itself need not be so."""
        try:
            with self._zip.open(name) as part:
                while piece := part.read(PIECE):
                    self._left -= len(piece)
                    if self._left < 0:
                        raise FileError("bomb")
                    yield piece
        except (zipfile.BadZipFile, KeyError, NotImplementedError, EOFError, OSError) as error:
            raise FileError("broken") from error


def _is_bomb(entry: zipfile.ZipInfo) -> bool:
    return entry.file_size > LARGE and entry.file_size > MOST_RATIO * max(1, entry.compress_size)


class Part:
    """Walks through one XML part; subclasses say what a tag means and collect text in ``found``."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self.data
        self._parser.EntityDeclHandler = _refuse

    def _start(self, name: str, attributes: Attributes) -> None:
        self.start(name.rpartition(":")[2], {key.rpartition(":")[2]: value for key, value in attributes.items()})

    def _end(self, name: str) -> None:
        self.end(name.rpartition(":")[2])

    def start(self, tag: str, attributes: Attributes) -> None: ...

    def end(self, tag: str) -> None: ...

    def data(self, words: str) -> None: ...

    def taken(self) -> str:
        words, self.found = "".join(self.found), []
        return words

    def read(self, pieces: Iterator[bytes]) -> Iterator[str]:
        """The text of a part as it comes."""
        try:
            for piece in pieces:
                self._parser.Parse(piece, False)
                yield self.taken()
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise FileError("broken") from error
        yield self.taken()

    def whole(self, pieces: Iterator[bytes]) -> str:
        return "".join(self.read(pieces))


def _refuse(*_declaration: object) -> None:
    raise FileError("bomb")
