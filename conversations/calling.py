"""Carrying out what a model calls: who may, with which arguments, how long, and the record of it.

Nothing here raises for what a model did wrong: it is told, so that it can mend it.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import Chat, User
from conversations.models import Request
from conversations.services.turns import Outcome, Turn
from core.db import in_db
from core.trace import current_trace
from llm import toolbox
from llm.toolbox import Arguments, Asked, Tool, ToolError
from llm.types import Part, ToolCall
from llm.types import Turn as Said
from telegram_bot.access import escaped
from telegram_bot.notices import notify_admins

log = structlog.get_logger(__name__)

SECONDS = 30.0  # one call of a tool; it is given up then, and the model told
RECORDED = 500  # characters of the arguments that stay on record
MOST_CALLS = 16  # in one round
REFUSED = "This person may not use this tool."


@dataclass
class Call:
    """One call on its way. ``problem``: why it cannot be done as it is; ``kind`` is that in a word, for the record."""

    call: ToolCall
    tool: Tool | None = None
    arguments: Arguments = field(default_factory=dict)
    kind: str = ""
    problem: str = ""

    @property
    def asks(self) -> bool:
        """Whether the person has to say Yes first."""
        return not self.problem and self.tool is not None and self.tool.destructive

    def wanted(self) -> dict[str, Any]:
        """What to do after a Yes."""
        return {"name": self.call.name, "arguments": self.arguments}


def read(calls: Sequence[ToolCall], turn: Turn) -> list[Call]:
    """What the calls of one round mean."""
    offered = {tool.name for tool in turn.tools}
    return [_read(call, offered, place, turn.task is not None) for place, call in enumerate(calls)]


def _read(call: ToolCall, offered: set[str], place: int, in_task: bool) -> Call:
    tool = toolbox.find(call.name, in_task) if call.name in offered else None
    if tool is None:
        return Call(call, kind="unknown", problem=f"There is no tool {call.name!r}. There are: {', '.join(offered)}.")
    if place >= MOST_CALLS:
        return Call(call, tool, kind="too_many", problem=f"At most {MOST_CALLS} calls at once.")
    try:
        return Call(call, tool, toolbox.read(tool, call.arguments))
    except ToolError as error:
        return Call(call, tool, kind="arguments", problem=str(error))


def asked_by(turn: Turn, user: User, chat: Chat) -> Asked:
    """On whose behalf the turn's model calls tools."""
    task = turn.task
    asked = asked_of(turn.request, user, chat, turn.conversation.thread_id, task.reminder_id if task else None)
    return replace(asked, words="\n".join(_texts(task.payload)) if task else "\n".join(_own_words(turn.call.turns)))


def _own_words(turns: Sequence[Said]) -> list[str]:
    """What the person wrote themselves, without the texts of files."""
    parts = (part for said in turns if said.role == "user" for part in said.parts)
    return [part.text for part in parts if part.kind == "text" and not part.name]


def _texts(value: Any) -> Iterator[str]:
    """All the words in what was planned."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def asked_of(request: Request, user: User, chat: Chat, thread: int, series: UUID | None = None) -> Asked:
    assistant = request.assistant.uid if request.assistant else None
    return Asked(user, chat, timezone.now(), thread, request.question_message_id, assistant, series)


async def perform(one: Call, asked: Asked) -> tuple[str, str]:
    """Do it: the outcome in a word, and what the model is told."""
    if one.tool is not None and one.tool.is_async:
        return await _outside(one.tool, one.arguments, asked)
    return await in_db(inside, one.call.name, one.arguments, asked)


def inside(name: str, arguments: Arguments, asked: Asked) -> tuple[str, str]:
    """Do in one transaction what works with the database. Rights are those of this moment."""
    tool, user = toolbox.find(name, asked.series is not None), _allowed(name, asked)
    if tool is None or user is None:
        return "refused", REFUSED
    try:
        with transaction.atomic():
            told = tool.function(replace(asked, user=user, now=timezone.now()), arguments)
            assert isinstance(told, str)
    except Exception as error:
        return _failed(name, error)
    return "ok", toolbox.bounded(told)


async def _outside(tool: Tool, arguments: Arguments, asked: Asked) -> tuple[str, str]:
    """Do what works with the network; neither a transaction nor a connection is held meanwhile."""
    user = await in_db(_allowed, tool.name, asked)
    if user is None:
        return "refused", REFUSED
    try:
        told = tool.function(replace(asked, user=user, now=timezone.now()), arguments)
        assert not isinstance(told, str)
        return "ok", toolbox.bounded(await told)
    except ToolError as error:
        return "error", toolbox.bounded(str(error))
    except Exception as error:
        return await in_db(_failed, tool.name, error)


def _allowed(name: str, asked: Asked) -> User | None:
    """The person as they are now, if they may have the tool called."""
    tool, user = toolbox.find(name, asked.series is not None), User.objects.filter(pk=asked.user.pk).first()
    may = tool is not None and user is not None and user.may_use and user.role in tool.roles
    return user if may else None


def _failed(name: str, error: Exception) -> tuple[str, str]:
    if isinstance(error, ToolError):
        return "error", toolbox.bounded(str(error))
    log.error("tool broke", tool=name, exc_info=error)
    _tell(name, error)
    return "failed", "The tool failed. Go on without it."


def _tell(name: str, error: Exception) -> None:
    """A bug: the answer goes on without the tool, so the admins would not hear of it otherwise."""
    with translation.override(settings.LANGUAGE_CODE):
        text = _("⚠️ The tool %(tool)s broke: %(error)s, trace %(trace)s.")
        values = {"tool": escaped(name), "error": type(error).__name__, "trace": current_trace()}
        notify_admins(f"tool-{name}", text % values)


def record(outcome: Outcome, one: Call, how: str, told: str, began: float) -> Said:
    """Put a call on record; what the model hears of it."""
    outcome.steps.append(step(one.call.name, one.call.arguments, how, round((time.monotonic() - began) * 1000)))
    outcome.steps[-1]["size"] = len(told)
    return Said("tool", (Part("text", told),), tool_call_id=one.call.id, tool_name=one.call.name)


def step(name: str, arguments: str, how: str, ms: int = 0) -> dict[str, Any]:
    at = timezone.now().isoformat(timespec="seconds")
    kept = toolbox.bounded(arguments, RECORDED)
    return {"at": at, "kind": "tool", "name": name[:64], "arguments": kept, "outcome": how, "ms": ms}


def note_asked(outcome: Outcome, calls: Sequence[Call]) -> list[str]:
    """Leave destructive calls to the person: they wait in the outcome, and the round's other calls are not done. What
    the person is asked, a line for each; nothing is noted when there is nothing to ask."""
    waiting = [one for one in calls if one.asks]
    for one in calls if waiting else ():
        how = "asked" if one.asks else one.kind or "skipped"
        outcome.steps.append(step(one.call.name, one.call.arguments, how))
    outcome.asked += [one.wanted() for one in waiting]
    return [one.tool.asks(one.arguments) for one in waiting if one.tool is not None]


def text_of(arguments: Arguments) -> str:
    return json.dumps(arguments, ensure_ascii=False)
