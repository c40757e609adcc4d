"""What a model is given of files: the file itself where it can take that, else its text, as much as there is room for.

Pure, but for the bytes it reads from the disk. Sizes are tokens as estimated.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from conversations.models import Attachment
from files import kinds
from files.errors import PARTLY
from files.models import StoredFile
from files.services import path_of
from llm.tokens import estimate, estimate_file
from llm.types import Part

Kind = Attachment.Kind

# Less room than this is not worth a piece of text.
LEAST_TEXT = 60
# Pictures of earlier turns that are shown again.
MOST_OLD_IMAGES = 10

SEEN = ("image/jpeg", "image/png", "image/webp", "image/gif")
HEARD = ("audio/ogg", "audio/mpeg", "audio/wav", "audio/mp4", "audio/flac", "audio/aac", "audio/webm")


def kind_of(mime: str) -> Kind:
    """What a file is in a question. Pictures and sounds that no provider takes are documents nobody can read."""
    if mime in SEEN:
        return Kind.IMAGE
    return Kind.AUDIO if mime in HEARD else Kind.DOCUMENT


# Why a model gets nothing of a file: it cannot see, hear or open it; there is no text in it; there is no room left.
Missing = Literal["", "image", "audio", "document", "text", "room", "gone"]


@dataclass(frozen=True)
class Shown:
    """What of one file goes to a model. ``share``: how much of its text, 1 for all."""

    part: Part
    tokens: int
    missing: Missing = ""
    share: float = 1.0


@dataclass
class Piece:
    """A file in a question, and what the model is shown of it once that is known.

    ``spoken``: a voice message whose words are the question, so it is not told again.
    """

    file: StoredFile
    kind: str
    shown: Shown | None = None
    spoken: bool = False

    @property
    def title(self) -> str:
        return self.file.name or self.kind


@dataclass
class Told:
    """What the model is told of a turn's files."""

    parts: list[Part] = field(default_factory=list)
    tokens: int = 0


def show(pieces: Sequence[Piece], able: set[str], room: int) -> Told:
    """The parts of a turn's files for a model with the abilities ``able``, in at most about ``room`` tokens.

    What goes as it is comes first in the reckoning, for it cannot be cut; texts share what is left.
    """
    left, pieces = room, [piece for piece in pieces if not piece.spoken]
    for piece in pieces:
        piece.shown = _native(piece, able, left)
        left -= piece.shown.tokens if piece.shown else 0
    texts = [piece for piece in pieces if piece.shown is None]
    for number, piece in enumerate(sorted(texts, key=lambda piece: len(piece.file.text))):
        piece.shown = _as_text(piece, able, left // (len(texts) - number))
        left -= piece.shown.tokens
    shown = [piece.shown for piece in pieces if piece.shown is not None]
    return Told([one.part for one in shown], sum(one.tokens for one in shown))


def _native(piece: Piece, able: set[str], room: int) -> Shown | None:
    """The file as it is, if the model takes it so and there is room."""
    file = piece.file
    if piece.kind not in able or not _takes(file, piece.kind):
        return None
    tokens = estimate_file(piece.kind, file.mime, file.size, file.pages)
    if tokens > room:
        return None
    try:
        content = path_of(file).read_bytes()
    except OSError:
        return Shown(_mention(piece, "it is not kept any more"), 0, "" if file.text else "gone")
    return Shown(Part(piece.kind, data=content, mime=file.mime, name=file.name), tokens)  # type: ignore[arg-type]


def _takes(file: StoredFile, kind: str) -> bool:
    if kind == Kind.DOCUMENT:
        # Of documents providers open only PDF; the others are text to them, which we read better.
        return file.mime == kinds.PDF and file.text_error in ("", "no_text", "too_many_pages", "too_long", "timeout")
    return True


def _as_text(piece: Piece, able: set[str], room: int) -> Shown:
    file = piece.file
    if not file.text:
        missing: Missing = "room" if piece.kind in able and _takes(file, piece.kind) else _lacking(piece)
        return _nothing(piece, missing)
    head = _head(piece)
    spare = room - estimate(head)
    whole = estimate(file.text)
    if whole <= spare:
        return Shown(Part("text", f"{head}\n{file.text}", name=file.name), estimate(head) + whole)
    if spare < LEAST_TEXT:
        return _nothing(piece, "room")
    text = _beginning(file.text, spare / whole)
    share = len(text) / len(file.text)
    head = f"{head} Only the first {max(1, round(share * 100))} % of its text fits here:"
    return Shown(Part("text", f"{head}\n{text}", name=file.name), estimate(head) + estimate(text), "", share)


def _lacking(piece: Piece) -> Missing:
    if piece.kind != Kind.DOCUMENT:
        return "image" if piece.kind == Kind.IMAGE else "audio"
    return "document" if is_scan(piece.file) else "text"


def is_scan(file: StoredFile) -> bool:
    return file.mime == kinds.PDF and file.text_error == "no_text"


def _nothing(piece: Piece, missing: Missing) -> Shown:
    reason = "there is no room for it" if missing == "room" else "it cannot be shown to you"
    part = _mention(piece, reason)
    return Shown(part, estimate(part.text), missing)


def _mention(piece: Piece, reason: str) -> Part:
    return Part("text", f"[A file: {_named(piece)}; {reason}.]")


def _head(piece: Piece) -> str:
    words = "Transcript of" if piece.kind == Kind.AUDIO else "File"
    partly = " (its beginning)" if piece.file.text_error in PARTLY else ""
    return f"{words} {_named(piece)}{partly}:"


def _named(piece: Piece) -> str:
    pages = f", {piece.file.pages} pages" if piece.file.pages else ""
    return f"“{piece.title}” ({piece.file.mime}{pages})"


def _beginning(text: str, share: float) -> str:
    """The first ``share`` of ``text``, to the end of a line or a word where one is near."""
    end = int(len(text) * share)
    near = max(text.rfind("\n", end - 2000, end), text.rfind(" ", end - 100, end))
    return text[: near if near > 0 else end]


def show_again(turns: Sequence[Sequence[Piece]], able: set[str], room: int) -> list[Told]:
    """The files of earlier turns, oldest first: the newest of them while there is room, and not all the pictures."""
    images, left, told = 0, room, []
    for pieces in reversed(turns):
        images += sum(piece.kind == Kind.IMAGE for piece in pieces)
        seen = able - {"image"} if images > MOST_OLD_IMAGES else able
        told.append(show(pieces, seen, left))
        left = max(0, left - told[-1].tokens)
    return told[::-1]
