"""Mistral's chat: refuses what it does not know, minds the order of messages and the look of tool ids.

Source: Mistral's OpenAPI description (docs v1.7.7, Apache-2.0), its SDK's types and the validator of its open
`mistral-common` library, from which the rules of message order are known.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from aiohttp import web

from . import attachments, faults, openai
from .catalogue import Listed
from .state import Models
from .wire import DONE, Json, Piece, Plan, RefusedError, Reply, Turn, bearer, sse, words

NAME = "mistral"
BLANK = b""
TAIL = 1
KNOWN = words(
    "model messages max_tokens temperature top_p stream stop random_seed tools tool_choice "
    "parallel_tool_calls response_format reasoning_effort safe_prompt n presence_penalty "
    "frequency_penalty prompt_cache_key metadata guardrails prediction prompt_mode"
)
MESSAGE_FIELDS = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "prefix"},
    "tool": {"role", "content", "tool_call_id", "name"},
}
PART_TYPES = {"text", "image_url", "document_url", "reference", "file", "thinking", "input_audio"}
MAY_FOLLOW = {
    "system": {"system", "user", "assistant"},
    "user": {"system", "user", "assistant"},
    "assistant": {"user", "assistant", "tool"},
    "tool": {"assistant", "tool"},
}
TOOL_ID = re.compile(r"[a-zA-Z0-9]{9}")
EFFORTS = {"none", "minimal", "low", "medium", "high", "xhigh"}
FINISH = {"blocked": "error", "blocked_prompt": "error"}


def invalid(loc: Iterable[str | int], kind: str, message: str, value: Any = None) -> RefusedError:
    """A 422 that points at one field of the body."""
    detail = {"type": kind, "loc": ["body", *loc], "msg": message, "input": value}
    return RefusedError(Reply(422, faults.mistral({"detail": [detail]}, faults.INVALID)))


def disorder(message: str, type_: str = "invalid_request_message_order", code: str = "3230") -> RefusedError:
    """A 400 about how the messages stand to each other."""
    return RefusedError(Reply(400, faults.mistral(message, type_, code)))


def check_key(request: web.Request) -> None:
    """Any bearer key will do, except none and "bad-key"."""
    if bearer(request) in ("", "bad-key"):
        raise RefusedError(faults.error(NAME, "auth"))


def read(models: Models, body: Json, request: web.Request) -> Turn:
    """The request as a turn, after Mistral's checks."""
    check_fields(body, KNOWN)
    _check_values(body)
    _check_messages(body["messages"])
    listed = _model(models, body["model"])
    able = attachments.abilities(NAME, listed)
    for part in attachments.parts_of(body["messages"]):
        if problem := attachments.problem(part, able, models.files):
            raise disorder(problem, faults.INVALID, "3051")
    turn = openai.read_turn(NAME, body, listed)
    thinks = listed.wire.get("capabilities", {}).get("reasoning", False)
    turn.thinking = thinks and body.get("reasoning_effort") not in (None, "none")
    turn.show_thoughts = turn.thinking
    openai.check_window(turn, listed)
    return turn


def check_fields(body: Json, known: Collection[str], *loc: str | int) -> None:
    """Refuse the first field that is not known."""
    for field in body:
        if field not in known:
            raise invalid([*loc, field], "extra_forbidden", "Extra inputs are not permitted", body[field])


def _check_values(body: Json) -> None:
    for field in ("model", "messages"):
        if field not in body:
            raise invalid([field], "missing", "Field required", body)
    if not isinstance(body["messages"], list) or not body["messages"]:
        raise invalid(["messages"], "too_short", "List should have at least 1 item", body["messages"])
    temperature = body.get("temperature")
    if temperature is not None and not 0 <= temperature <= 1.5:
        raise invalid(["temperature"], "less_than_equal", "Input should be between 0 and 1.5", temperature)
    effort = body.get("reasoning_effort")
    if effort is not None and effort not in EFFORTS:
        raise invalid(["reasoning_effort"], "enum", "Input is not an allowed effort", effort)


def _check_messages(messages: list[Json]) -> None:
    previous = ""
    for index, message in enumerate(messages):
        role = _check_message(message, index)
        if previous and role not in MAY_FOLLOW[previous]:
            raise disorder(f"Unexpected role '{role}' after role '{previous}'")
        previous = role
    if (previous == "assistant" and not messages[-1].get("prefix")) or previous == "system":
        raise disorder(
            f"Expected last role User or Tool (or Assistant with prefix True) for serving but got {previous}"
        )
    _check_calls(messages)


def _check_message(message: Json, index: int) -> str:
    role = message.get("role")
    if not isinstance(role, str) or role not in MESSAGE_FIELDS:
        raise invalid(["messages", index], "union_tag_invalid", "Input tag 'role' is not expected", message)
    check_fields(message, MESSAGE_FIELDS[role], "messages", index, role)
    content = message.get("content")
    for part_index, part in enumerate(content if isinstance(content, list) else []):
        if not isinstance(part, dict) or part.get("type") not in PART_TYPES:
            where: list[str | int] = ["messages", index, role, "content", part_index]
            raise invalid(where, "union_tag_invalid", "Input tag 'type' is not expected", part)
    if role == "assistant" and not content and not message.get("tool_calls"):
        raise disorder(
            "Assistant message must have either content or tool_calls, but not none.", faults.INVALID, "3240"
        )
    if role != "assistant" and content is None:
        raise invalid(["messages", index, role, "content"], "missing", "Field required", message)
    return role


def _check_calls(messages: list[Json]) -> None:
    """Ids are nine letters and digits, and after a message with calls comes an answer for each."""
    for index, message in enumerate(messages):
        ids = [call.get("id", "null") for call in message.get("tool_calls") or []]
        answers: list[str] = []
        for later in messages[index + 1 :]:
            if later["role"] != "tool":
                break
            answers.append(later.get("tool_call_id") or "")
        for id_ in ids + answers if ids else []:
            if not TOOL_ID.fullmatch(id_):
                text = f"Tool call id was {id_} but must be a-z, A-Z, 0-9, with a length of 9."
                raise disorder(text, "invalid_function_call", "3280")
        if ids and sorted(ids) != sorted(answers):
            raise disorder("Not the same number of function calls and responses")


def _model(models: Models, name: str) -> Listed:
    listed = models.catalogues[NAME].find(name)
    if listed is None or not listed.chat:
        raise RefusedError(Reply(400, faults.mistral(f"Invalid model: {name}", "invalid_model", "1500")))
    return listed


def usage(turn: Turn, plan: Plan) -> Json:
    """Tokens of the request; thoughts are part of the completion."""
    return {
        "prompt_tokens": turn.prompt_tokens,
        "completion_tokens": plan.output_tokens,
        "total_tokens": turn.prompt_tokens + plan.output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
    }


def thinking(text: str, closed: bool | None = None) -> Json:
    """A chunk of thoughts; `closed` marks the last of a stream."""
    part: Json = {"type": "thinking", "thinking": [{"type": "text", "text": text}]}
    return part if closed is None else part | {"closed": closed}


def _calls(plan: Plan) -> list[Json]:
    return [call | {"index": index} for index, call in enumerate(openai.tool_calls(plan))]


def whole(turn: Turn, plan: Plan) -> Json:
    """The answer in one body: a string, or a list of chunks when thoughts are shown."""
    content: Any = plan.text
    if plan.show_reasoning:
        content = [thinking(plan.reasoning), {"type": "text", "text": plan.text}]
    message = {"role": "assistant", "tool_calls": _calls(plan) or None, "content": content}
    choice = {"index": 0, "finish_reason": FINISH.get(plan.finish, plan.finish), "message": message}
    return {
        "id": f"{turn.number:032x}",
        "object": "chat.completion",
        "created": turn.created,
        "model": turn.reported,
        "choices": [choice],
        "usage": usage(turn, plan),
    }


def event(turn: Turn, delta: Json, finished: str | None = None, used: Json | None = None) -> bytes:
    """One stream event."""
    body: Json = {
        "id": f"{turn.number:032x}",
        "object": "chat.completion.chunk",
        "created": turn.created,
        "model": turn.reported,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finished}],
    }
    return sse(body if used is None else body | {"usage": used})


def frames(turn: Turn, plan: Plan, pieces: Sequence[Piece]) -> list[bytes]:
    """The stream: thoughts as lists, text as strings, all tool calls whole in the finishing event."""
    written = [event(turn, {"role": "assistant", "content": ""})]
    written += [event(turn, {"content": content}) for content in _contents(pieces)]
    ending: Json = {"content": ""}
    if plan.tools:
        ending["tool_calls"] = _calls(plan)
    finished = FINISH.get(plan.finish, plan.finish)
    return [*written, event(turn, ending, finished, usage(turn, plan)) + DONE]


def _contents(pieces: Sequence[Piece]) -> list[Any]:
    """The deltas' contents; the last thought comes in one list with the first text."""
    thoughts = [text for kind, text in pieces if kind == "reasoning"]
    texts: list[Any] = [text for kind, text in pieces if kind == "text"]
    contents: list[Any] = [[thinking(text)] for text in thoughts[:-1]]
    if thoughts:
        first = [{"type": "text", "text": texts.pop(0)}] if texts else []
        contents.append([thinking(thoughts[-1], closed=True), *first])
    return contents + texts


def error_body(turn: Turn, kind: str) -> Json:
    """An error inside a stream with status 200."""
    if kind == "stream":
        return dict(faults.MISTRAL["server"][1])
    return openai.error_body(turn, kind)
