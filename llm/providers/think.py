"""Thoughts that a server leaves in the text: ``<think>...</think>`` at its beginning."""

from collections.abc import Iterator

from llm.types import Reasoning, Text


class ThinkTags:
    """Splits a leading ``<think>...</think>`` from a text that comes in pieces."""

    OPEN, CLOSE = "<think>", "</think>"

    def __init__(self) -> None:
        self._held = ""
        self._state = "start"

    def feed(self, text: str) -> Iterator[Reasoning | Text]:
        self._held += text
        if self._state == "start":
            self._begin()
        if self._state == "inside":
            yield from self._inside()
        if self._state == "after" and (held := self._take(len(self._held))):
            yield Text(held)

    def _begin(self) -> None:
        text = self._held.lstrip()
        if text.startswith(self.OPEN):
            self._state, self._held = "inside", text[len(self.OPEN) :]
        elif not self.OPEN.startswith(text):
            self._state = "after"

    def _inside(self) -> Iterator[Reasoning]:
        closed = self.CLOSE in self._held
        at = self._held.index(self.CLOSE) if closed else self._partial()
        if thought := self._take(at):
            yield Reasoning(thought)
        if closed:
            self._held, self._state = self._held[len(self.CLOSE) :].lstrip(), "after"

    def _partial(self) -> int:
        """Where a closing tag may begin that has not come whole yet."""
        for size in range(min(len(self.CLOSE) - 1, len(self._held)), 0, -1):
            if self._held.endswith(self.CLOSE[:size]):
                return len(self._held) - size
        return len(self._held)

    def _take(self, size: int) -> str:
        taken, self._held = self._held[:size], self._held[size:]
        return taken

    def end(self) -> Iterator[Reasoning | Text]:
        if self._held:
            yield Reasoning(self._held) if self._state == "inside" else Text(self._held)
            self._held = ""
