"""A part of a longer list."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """``received``: how many rows came, readable or not: the next offset is this one plus so many."""

    rows: tuple[T, ...]
    has_more: bool
    received: int
