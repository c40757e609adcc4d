"""What a model's arguments are held to before a tool sees them."""

import json
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import Chat, ChatKind, Role, User
from llm import toolbox
from llm.toolbox import Arguments, Asked, Tool, ToolError


def _nothing(_asked: Asked, _arguments: Arguments) -> str:
    return ""


def test_every_tool_of_ours_has_a_schema_we_can_check(settings: Settings) -> None:
    known = {"type", "properties", "required", "enum", "items", "description"}
    known |= {"minimum", "maximum", "minLength", "maxLength"}

    def words(schema: Any) -> set[str]:
        inner = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
        return set(schema).union(*(words(one) for one in inner)) if inner else set(schema)

    for name in settings.ASSISTANT_TOOLS:
        tool = toolbox.find(name)
        assert tool is not None
        assert words(tool.parameters) <= known
        json.dumps(tool.parameters)


@pytest.mark.parametrize(
    ("schema", "value", "good"),
    [
        ({"type": "integer", "minimum": 1}, 1, True),
        ({"type": "integer", "minimum": 1}, 0, False),
        ({"type": "integer"}, True, False),
        ({"type": "integer"}, 1.5, False),
        ({"type": "number", "maximum": 2}, 3, False),
        ({"type": "boolean"}, True, True),
        ({"type": "string", "enum": ["a", "b"]}, "c", False),
        ({"type": "array", "items": {"type": "string"}}, ["a", 1], False),
        ({"type": "array", "items": {"type": "string"}}, ["a"], True),
        ({"type": "string", "minLength": 2}, "a", False),
        ({"type": "string"}, "half \ud83d", False),
        ({"type": "string"}, "nul \x00", False),
    ],
)
def test_arguments_are_checked(schema: dict[str, Any], value: Any, good: bool) -> None:
    tool = Tool("t", "", {"type": "object", "properties": {"v": schema}, "required": ["v"]}, _nothing)

    if good:
        assert toolbox.read(tool, json.dumps({"v": value})) == {"v": value}
    else:
        with pytest.raises(ToolError, match=r"arguments\.v"):
            toolbox.read(tool, json.dumps({"v": value}))


@pytest.mark.parametrize("text", ["{", "[" * 20_000, '{"v": NaN}', '{"v": -Infinity}', '"words"'])
def test_what_is_no_object_of_json_is_told_to_the_model(text: str) -> None:
    tool = Tool("t", "", {"type": "object", "properties": {"v": {"type": "number"}}}, _nothing)

    with pytest.raises(ToolError, match=r"The arguments are not valid JSON|arguments must be of type object"):
        toolbox.read(tool, text)


def test_arguments_without_end_are_not_read() -> None:
    tool = Tool("t", "", {"type": "object", "properties": {}}, _nothing)

    with pytest.raises(ToolError, match="longer than"):
        toolbox.read(tool, " " * (toolbox.MOST_ARGUMENTS + 1))


PRIVATE, GROUP = Chat(kind=ChatKind.PRIVATE), Chat(kind=ChatKind.GROUP)
_useful_to: list[str] = []


def _is_of_use(user: User, chat: Chat) -> bool:
    _useful_to.append(user.username)
    return user.username == "anna" and chat.is_private


one, two = (
    Tool(name, "", {"type": "object", "properties": {}}, _nothing, of_use=_is_of_use) for name in ("one", "two")
)


def test_tool_is_offered_only_to_whom_it_is_of_use(settings: Settings) -> None:
    settings.ASSISTANT_TOOLS = {tool.name: f"{__name__}.{tool.name}" for tool in (one, two)}
    _useful_to.clear()

    assert toolbox.offered(["one", "two"], User(username="anna", role=Role.MEMBER), PRIVATE) == [one, two]
    assert toolbox.offered(["one", "two"], User(username="boris", role=Role.MEMBER), PRIVATE) == []
    assert _useful_to == ["anna", "boris"]  # asked once for both
    assert toolbox.offered(["one"], User(username="anna", role=Role.MEMBER), GROUP) == []
