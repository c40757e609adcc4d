"""The methods that are played truly: name -> function(world, params).

A function takes the World and the checked parameters and returns the `result`, or raises ApiError. Methods of
the Bot API that are in no table are answered with an honest refusal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from .chatting import CHATTING
from .common import Params
from .copying import COPYING
from .deleting import DELETING
from .editing import EDITING
from .ephemeral import EPHEMERAL
from .media import MEDIA
from .polls import POLLS
from .profile import PROFILE
from .receiving import RECEIVING
from .sending import SENDING
from .topics import TOPICS

if TYPE_CHECKING:
    from ..world import World

Handler = Callable[["World", Params], Any | Awaitable[Any]]

METHODS: dict[str, Handler] = {
    **RECEIVING,
    **SENDING,
    **MEDIA,
    **POLLS,
    **EDITING,
    **DELETING,
    **EPHEMERAL,
    **COPYING,
    **CHATTING,
    **TOPICS,
    **PROFILE,
}

__all__ = ["METHODS", "Handler", "Params"]
