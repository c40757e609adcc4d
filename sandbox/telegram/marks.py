"""What the parsers of all modes share: growing text with UTF-16 positions, and open marks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .text import Entity, units


class ParseError(Exception):
    """Marks that do not fit; the text is what the server says after "can't parse entities: "."""


@dataclass(slots=True)
class Open:
    """A mark that waits for its end: the mark as written, where it stands, the fields of its entity."""

    mark: str
    at: int
    start: int
    entity: dict[str, Any] | None


@dataclass
class Output:
    """The text so far."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    entities: list[Entity] = field(default_factory=list)
    opened: list[Open] = field(default_factory=list)

    def write(self, piece: str) -> None:
        """Append plain text."""
        self.parts.append(piece)
        self.length += units(piece)

    def open(self, mark: str, at: int, entity: dict[str, Any] | None) -> None:
        """A mark begins here."""
        self.opened.append(Open(mark, at, self.length, entity))

    def close(self) -> Open:
        """The innermost mark ends here; empty ones leave nothing behind."""
        mark = self.opened.pop()
        if mark.entity is not None and self.length > mark.start:
            self.entities.append({**mark.entity, "offset": mark.start, "length": self.length - mark.start})
        return mark

    def result(self) -> tuple[str, list[Entity]]:
        """Text and entities in order of their place."""
        order = sorted(self.entities, key=lambda entity: (entity["offset"], -entity["length"]))
        return "".join(self.parts), [ordered(entity) for entity in order]


def ordered(entity: Entity) -> Entity:
    """The fields in the order of the manual."""
    first = {name: entity[name] for name in ("type", "offset", "length")}
    return first | entity


def byte_offset(text: str, position: int) -> int:
    """Where a character stands in UTF-8, as the server counts in its complaints."""
    return len(text[:position].encode("utf-8", "surrogatepass"))
