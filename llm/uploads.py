"""Large files of a question go to the provider first, and the question refers to them.

What lies with a provider is remembered in this process by its content, so the next question of the dialog refers to it
too. A restart uploads it once more, and that is cheaper than a table: it happens only to files over ``INLINE``, in
dialogs that go on within the two days for which a provider keeps a file; and a row would have to be forgotten with its
file and checked against a provider that may have lost it.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from django.utils import timezone

from llm.types import ChatRequest, FileRef, Part, Turn

# Bytes of all files that one request may hold: a third more in base64, and servers end at 20 MB.
INLINE = 14 * 2**20
MARGIN = timedelta(hours=1)  # what ends so soon is uploaded anew
REMEMBERED = 1000

Upload = Callable[[Part], Awaitable[FileRef]]
Key = tuple[str, str]


class Uploads:
    """What was left where. Belongs to one client."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, FileRef] = OrderedDict()

    async def fitted(self, provider: str, kinds: frozenset[str], request: ChatRequest, upload: Upload) -> ChatRequest:
        """``request`` with its largest files uploaded until the rest fits into one request."""
        heavy = _heaviest(request.turns, kinds)
        if not heavy:
            return request
        refs = {id(part): await self._ref(provider, part, upload) for part in heavy}
        return replace(request, turns=[_with(turn, refs) for turn in request.turns])

    async def _ref(self, provider: str, part: Part, upload: Upload) -> FileRef:
        key = (provider, hashlib.sha256(part.data).hexdigest())
        known = self._known.get(key)
        if known is None or (known.expires_at is not None and known.expires_at < timezone.now() + MARGIN):
            known = await upload(part)
        self._known[key] = known
        self._known.move_to_end(key)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known

    def forget(self, provider: str) -> None:
        """What this provider had is gone."""
        for key in [key for key in self._known if key[0] == provider]:
            del self._known[key]


def _heaviest(turns: Sequence[Turn], kinds: frozenset[str]) -> list[Part]:
    """The fewest files that must leave the request, the largest first; as many as can where that is not enough."""
    inside = [part for turn in turns for part in turn.parts if part.data and part.ref is None]
    left = sum(len(part.data) for part in inside)
    chosen: list[Part] = []
    for part in sorted(inside, key=lambda part: len(part.data), reverse=True):
        if left <= INLINE:
            break
        if part.kind in kinds:
            chosen.append(part)
            left -= len(part.data)
    return chosen


def _with(turn: Turn, refs: dict[int, FileRef]) -> Turn:
    if not any(id(part) in refs for part in turn.parts):
        return turn
    return replace(turn, parts=tuple(replace(part, ref=refs.get(id(part), part.ref)) for part in turn.parts))
