"""Why a file is not read, or only in part. The edge that talks with people has a sentence for each kind.

FileError
├── not kept:     empty, too_large, lost (it could not be loaded)
├── no text:      encrypted, broken, bomb, unsupported, no_text
└── part of it:   too_many_pages, too_long, timeout (nothing at all when there is no text either)
"""

from typing import Literal, get_args

Kind = Literal[
    "empty", "too_large", "lost",
    "encrypted", "broken", "bomb", "unsupported", "no_text",
    "too_many_pages", "too_long", "timeout",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
# Of these there may be text all the same: the beginning.
PARTLY: tuple[Kind, ...] = ("too_many_pages", "too_long", "timeout")


class FileError(Exception):
    """``kind`` says what is wrong with the file; only the person who sent it can do something about it."""

    def __init__(self, kind: Kind, message: str = "") -> None:
        super().__init__(message or kind)
        self.kind: Kind = kind
