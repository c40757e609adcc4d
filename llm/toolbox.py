"""What a tool is: a function that a model may call on behalf of the person who asks.

Each capability describes its own in its ``tools.py`` and names them in settings.ASSISTANT_TOOLS. A tool is sync and
works with the database only, in one transaction; or it is async and works with the network only, outside any. Its
arguments come from a model, so nothing in them is believed before it was checked.
"""

import functools
import inspect
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.models import Chat, Role, User
from llm import types

MOST_RESULT = 8000  # characters of a tool's answer that a model is told
MOST_ARGUMENTS = 20_000  # characters of arguments that are read at all
# What no database takes as text.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """On whose behalf a tool is called, where, and when.

    ``message_id``: the person's message that the model answers. ``assistant``: the ``uid`` of who calls. ``series``:
    the reminder whose task this is; None in a dialog, where a person reads along. ``words``: what the person wrote in
    this dialog or planned, as far as the model was told; nothing that it was told by tools.
    """

    user: User
    chat: Chat
    now: datetime
    thread: int = 0
    message_id: int | None = None
    assistant: UUID | None = None
    series: UUID | None = None
    words: str = ""


Function = Callable[[Asked, Arguments], str]
Outside = Callable[[Asked, Arguments], Awaitable[str]]


class ToolError(Exception):
    """A call that cannot be done as asked; its text tells the model what to mend, or why it is of no use."""


@dataclass(frozen=True)
class Tool:
    """A function of ours as a model sees it, and who may have it called.

    ``parameters``: a JSON schema of an object. ``destructive``: the person taps Yes before it is done; ``question``
    says in one line what would be done. ``alone``: what stands in its place in a task, where nobody can be asked;
    without it a destructive tool is not there in tasks. ``of_use``: whether it is worth offering to that person in that
    chat, for its description costs tokens with every question; who may is for ``roles`` and the function itself to say.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    function: Function | Outside
    roles: frozenset[Role] = field(default_factory=lambda: frozenset(Role))
    destructive: bool = False
    question: Callable[[Arguments], str] | None = None
    alone: "Tool | None" = None
    of_use: Callable[[User, Chat], bool] | None = None

    def __post_init__(self) -> None:
        if self.is_async and self.destructive:
            raise ValueError(f"{self.name}: what waits for a Yes is done in one transaction, so it cannot be async.")
        if self.alone is not None and (self.alone.destructive or self.alone.name != self.name):
            raise ValueError(f"{self.name}: what stands in its place needs its name, and nobody's Yes.")

    @property
    def is_async(self) -> bool:
        """Whether it works with the network, outside any transaction."""
        return inspect.iscoroutinefunction(self.function)

    def where(self, in_task: bool) -> "Tool | None":
        """What it is in a dialog or in a task; None: nothing."""
        if not in_task:
            return self
        return self.alone or (None if self.destructive else self)

    def asks(self, arguments: Arguments) -> str:
        """What the person is asked before it is done."""
        return self.question(arguments) if self.question else f"{self.name} {json.dumps(arguments, ensure_ascii=False)}"

    def spec(self) -> types.Tool:
        return types.Tool(self.name, self.description, self.parameters)


@functools.lru_cache(maxsize=256)
def _loaded(name: str, path: str) -> Tool:
    tool: Tool = import_string(path)
    if tool.name != name:
        raise ValueError(f"ASSISTANT_TOOLS calls {path} {name!r}, its own name is {tool.name!r}.")
    return tool


def find(name: str, in_task: bool = False) -> Tool | None:
    """The tool of that name as it is there, or None when the table has none."""
    path = settings.ASSISTANT_TOOLS.get(name)
    return _loaded(name, path).where(in_task) if path else None


def offered(names: Iterable[str], user: User, chat: Chat, in_task: bool = False) -> list[Tool]:
    """Of ``names`` the tools that there are, that this person may have called, and that are of use to them there."""
    tools = [tool for name in names if (tool := find(name, in_task)) is not None and user.role in tool.roles]
    useful = {asks: asks(user, chat) for asks in {tool.of_use for tool in tools if tool.of_use is not None}}
    return [tool for tool in tools if tool.of_use is None or useful[tool.of_use]]


def read(tool: Tool, text: str) -> Arguments:
    """The arguments in ``text``, fit for the tool. Raises ToolError with all that is wrong with them."""
    if len(text) > MOST_ARGUMENTS:
        raise ToolError(f"The arguments are longer than {MOST_ARGUMENTS} characters.")
    try:
        arguments = json.loads(text or "{}", parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ToolError(f"The arguments are not valid JSON: {error}.") from error
    if problems := list(_problems(arguments, tool.parameters, "arguments")):
        raise ToolError(" ".join(problems))
    assert isinstance(arguments, dict)
    return arguments


def _no_number(name: str) -> None:
    """For NaN and Infinity, which Python reads although JSON has no such numbers."""
    raise ValueError(f"{name} is no number")


TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def _problems(value: Any, schema: Mapping[str, Any], path: str) -> Iterable[str]:
    """What of ``schema`` the value breaks, for the words that our schemas use (tests hold the tools to these)."""
    wanted = schema.get("type", "object")
    if not _is_a(value, wanted):
        yield f"{path} must be of type {wanted}."
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path} must be one of {', '.join(map(str, schema['enum']))}."
    if isinstance(value, dict):
        yield from _problems_of_object(value, schema, path)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _problems(item, schema.get("items", {}), f"{path}[{place}]")
    else:
        yield from _out_of_bounds(value, schema, path)


def _is_a(value: Any, kind: str) -> bool:
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _problems_of_object(value: dict[str, Any], schema: Mapping[str, Any], path: str) -> Iterable[str]:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path}.{name} is missing."
    for name, item in value.items():
        if name in known:
            yield from _problems(item, known[name], f"{path}.{name}")
        else:
            yield f"{path}.{name} is unknown; known are {', '.join(known) or 'none'}."


def _out_of_bounds(value: Any, schema: Mapping[str, Any], path: str) -> Iterable[str]:
    if isinstance(value, str) and UNSTORABLE.search(value):
        yield f"{path} holds half a character or NUL."
    size, unit = (len(value), " characters") if isinstance(value, str) else (value, "")
    least, most = ("minLength", "maxLength") if unit else ("minimum", "maximum")
    if least in schema and size < schema[least]:
        yield f"{path} must be at least {schema[least]}{unit}."
    if most in schema and size > schema[most]:
        yield f"{path} must be at most {schema[most]}{unit}."


def bounded(text: str, most: int = MOST_RESULT) -> str:
    """``text`` as far as a model is told, saying what was left out."""
    if len(text) <= most:
        return text
    return f"{text[:most]}\n… {len(text) - most} more characters are left out."
