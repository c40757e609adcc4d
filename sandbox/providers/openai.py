"""The OpenAI form: Chat Completions as OpenAI and the servers compatible with it speak it.

Quirks (words on a catalogue entry) make a model behave like some server met in the wild:
    max_completion_tokens   refuses `max_tokens`
    fixed_temperature       refuses a `temperature` other than 1
    no_effort_with_tools    refuses tools together with a `reasoning_effort`
    no_system               refuses system and developer messages
    alternation             wants user and assistant to take turns
    no_stream_options       refuses `stream_options`
    no_tools                refuses tools
    no_vision               refuses images
Source: OpenAI's OpenAPI description 2.3.0 and the error bodies its SDK's users see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

from aiohttp import web

from . import attachments, faults, pictures
from .catalogue import Listed
from .state import Models
from .wire import DONE, Json, Piece, Plan, RefusedError, Reply, Said, Turn, bearer, sse, tokens, words

NAME = "openai"
BLANK = b""
TAIL = 1
KNOWN = words(
    "audio function_call functions frequency_penalty logit_bias logprobs max_completion_tokens "
    "max_tokens messages metadata modalities model moderation n parallel_tool_calls prediction "
    "presence_penalty prompt_cache_key prompt_cache_options prompt_cache_retention reasoning_effort "
    "response_format safety_identifier seed service_tier stop store stream stream_options temperature "
    "tool_choice tools top_logprobs top_p user verbosity web_search_options reasoning"
)
ROLES = {"system", "developer", "user", "assistant", "tool"}
PARTS = {"text", "image_url", "input_audio", "file", "refusal"}
TEXTUAL = {"text", "thinking", "refusal", "reference"}
FINISH = {"blocked": "content_filter", "blocked_prompt": "content_filter"}


def refuse(message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> RefusedError:
    """A refusal of the request, in this form."""
    return RefusedError(Reply(status, faults.openai(message, faults.INVALID, code, param)))


def check_key(request: web.Request) -> None:
    """Any bearer key will do, except none and "bad-key"."""
    key = bearer(request)
    if not key:
        raise refuse("You didn't provide an API key.", status=401)
    if key == "bad-key":
        raise RefusedError(faults.error(NAME, "auth"))


def read(models: Models, body: Json, request: web.Request) -> Turn:
    """The request as a turn, after OpenAI's checks."""
    for field in body.keys() - set(KNOWN):
        raise refuse(f"Unknown parameter: '{field}'.", param=field, code="unknown_parameter")
    listed = find_model(models, body)
    check_messages(body.get("messages"))
    check_attached(models, listed, body)
    if body.get("stream_options") is not None and not body.get("stream"):
        raise refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options")
    for quirk in sorted(listed.quirks):
        QUIRKS[quirk](body)
    turn = read_turn(NAME, body, listed)
    turn.paints = "image" in ((listed.wire.get("architecture") or {}).get("output_modalities") or ())
    if not turn.paints and "image" in (body.get("modalities") or ()):
        raise refuse("This model does not support the requested modalities.", param="modalities")
    turn.thinking = body.get("reasoning_effort") not in (None, "none") or bool(body.get("reasoning"))
    check_window(turn, listed)
    return turn


def find_model(models: Models, body: Json) -> Listed:
    """The catalogue's model that the body names."""
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise refuse("you must provide a model parameter")
    listed = models.catalogues[NAME].find(name)
    if listed is None:
        message = f"The model `{name}` does not exist or you do not have access to it."
        raise refuse(message, code="model_not_found", status=404)
    if not listed.chat:
        message = "This is not a chat model and thus not supported in the v1/chat/completions endpoint."
        raise refuse(message, param="model", status=404)
    return listed


def read_turn(provider: str, body: Json, listed: Listed) -> Turn:
    """What DeepSeek and OpenAI requests have in common."""
    options = body.get("stream_options") or {}
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    return Turn(
        provider=provider,
        model=body["model"],
        reported=listed.id,
        stream=bool(body.get("stream")),
        said=[said(message) for message in body["messages"]],
        tools=tool_names(body),
        max_tokens=limit,
        as_json=(body.get("response_format") or {}).get("type") in ("json_object", "json_schema"),
        options={"include_usage": bool(options.get("include_usage"))},
    )


def tool_names(body: Json) -> list[str]:
    """The names of the functions offered; none when the choice is "none"."""
    if body.get("tool_choice") == "none":
        return []
    return [tool.get("function", {}).get("name", "") for tool in body.get("tools") or []]


def said(message: Json) -> Said:
    """One message: its text, and what is attached to it by kind."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
    text = "\n".join(part.get("text", "") for part in parts if part["type"] == "text")
    attached = [part["type"].removesuffix("_url") for part in parts if part["type"] not in TEXTUAL]
    role = "system" if message["role"] == "developer" else message["role"]
    return Said(role, text, attached, len(message.get("tool_calls") or []))


def check_messages(messages: Any) -> None:
    """Roles are known, content is there, and every tool call is followed by its answer."""
    if not isinstance(messages, list) or not messages:
        raise refuse(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            param="messages",
            code="empty_array",
        )
    waiting: list[str] = []
    for index, message in enumerate(messages):
        check_message(message, index)
        waiting = _check_calls(message, index, waiting)
    if waiting:
        raise _unanswered(waiting, len(messages))


def check_attached(models: Models, listed: Listed, body: Json) -> None:
    """What is attached is of a kind that the model takes, and what it claims to be."""
    able = attachments.abilities(NAME, listed)
    for part in attachments.parts_of(body["messages"]):
        if problem := attachments.problem(part, able, models.files):
            raise refuse(problem, param="messages")


def check_message(message: Any, index: int) -> None:
    """One message's role and content."""
    role = message.get("role") if isinstance(message, dict) else None
    if role not in ROLES:
        raise refuse(
            f"Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'tool', and 'developer'.",
            param=f"messages[{index}].role",
            code="invalid_value",
        )
    content = message.get("content")
    if content is None and not (role == "assistant" and message.get("tool_calls")):
        raise refuse("Invalid value for 'content': expected a string, got null.", param=f"messages.[{index}].content")
    if not isinstance(content, str | list | None):
        raise refuse(
            f"Invalid type for 'messages[{index}].content': expected a string or array of objects.",
            param=f"messages[{index}].content",
            code="invalid_type",
        )
    for part in content if isinstance(content, list) else []:
        if not isinstance(part, dict) or part.get("type") not in PARTS:
            raise refuse(
                f"Invalid value for a part of the content. Supported types are: {', '.join(sorted(PARTS))}.",
                param=f"messages[{index}].content",
                code="invalid_value",
            )


def _check_calls(message: Json, index: int, waiting: list[str]) -> list[str]:
    """The ids of calls still without an answer after this message."""
    if message["role"] == "tool":
        if message.get("tool_call_id") not in waiting:
            raise refuse(
                "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
                "with 'tool_calls'.",
                param=f"messages.[{index}].role",
            )
        return [id_ for id_ in waiting if id_ != message["tool_call_id"]]
    if waiting:
        raise _unanswered(waiting, index)
    return [call.get("id", "") for call in message.get("tool_calls") or []]


def _unanswered(waiting: Iterable[str], index: int) -> RefusedError:
    return refuse(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
        f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(waiting)}",
        param=f"messages.[{index}].role",
    )


def check_window(turn: Turn, listed: Listed) -> None:
    """The prompt must fit into the model's context."""
    if listed.window is not None and turn.prompt_tokens > listed.window:
        raise RefusedError(faults.error(turn.provider, "context"))


def _no_max_tokens(body: Json) -> None:
    if body.get("max_tokens") is not None:
        raise RefusedError(faults.error(NAME, "max_tokens"))


def _fixed_temperature(body: Json) -> None:
    if body.get("temperature") not in (None, 1):
        raise refuse(
            f"Unsupported value: 'temperature' does not support {body['temperature']} with this model. "
            "Only the default (1) value is supported.",
            param="temperature",
            code="unsupported_value",
        )


def _no_effort_with_tools(body: Json) -> None:
    if body.get("tools") and body.get("reasoning_effort") not in (None, "none"):
        raise refuse(
            f"Function tools with reasoning_effort are not supported for {body['model']} in "
            "/v1/chat/completions. Please use another endpoint.",
            param="reasoning_effort",
        )


def _no_system(body: Json) -> None:
    if any(message["role"] in ("system", "developer") for message in body["messages"]):
        raise refuse("System role not supported", param="messages")


def _alternation(body: Json) -> None:
    roles = [message["role"] for message in body["messages"] if message["role"] in ("user", "assistant")]
    if any(one == two for one, two in pairwise(roles)) or roles[:1] == ["assistant"]:
        raise refuse("Conversation roles must alternate user/assistant/user/assistant/...")


def _no_stream_options(body: Json) -> None:
    if body.get("stream_options") is not None:
        raise refuse("Unrecognized request argument supplied: stream_options", param="stream_options")


def _no_vision(body: Json) -> None:
    contents = [message["content"] for message in body["messages"] if isinstance(message.get("content"), list)]
    if any(part["type"] == "image_url" for content in contents for part in content):
        raise refuse("This model does not support image input.", param="messages")


def _no_tools(body: Json) -> None:
    if body.get("tools"):
        raise refuse("This model does not support tools.", param="tools")


QUIRKS: dict[str, Callable[[Json], None]] = {
    "max_completion_tokens": _no_max_tokens,
    "fixed_temperature": _fixed_temperature,
    "no_effort_with_tools": _no_effort_with_tools,
    "no_system": _no_system,
    "alternation": _alternation,
    "no_stream_options": _no_stream_options,
    "no_tools": _no_tools,
    "no_vision": _no_vision,
}


def usage(turn: Turn, plan: Plan) -> Json:
    """Tokens of the request, its thoughts included in the output."""
    return {
        "prompt_tokens": turn.prompt_tokens,
        "completion_tokens": plan.output_tokens,
        "total_tokens": turn.prompt_tokens + plan.output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": tokens(plan.reasoning)},
    }


def tool_calls(plan: Plan) -> list[Json]:
    """The calls as a message holds them."""
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in plan.tools
    ]


def reasoning_fields(form: str, text: str) -> Json:
    """Thoughts in the field that this or that compatible server uses."""
    if form == "details":
        return {"reasoning_details": [{"type": "reasoning.text", "text": text, "index": 0}]}
    return {"reasoning" if form == "reasoning" else "reasoning_content": text}


def whole(turn: Turn, plan: Plan) -> Json:
    """The answer in one body."""
    message: Json = {"role": "assistant", "content": plan.text, "refusal": None}
    if plan.tools:
        message |= {"content": None, "tool_calls": tool_calls(plan)}
    if plan.images:
        message["images"] = painted(plan)
    if plan.show_reasoning and plan.reasoning_form == "think":
        message["content"] = f"<think>{plan.reasoning}</think>{plan.text}"
    elif plan.show_reasoning:
        message |= reasoning_fields(plan.reasoning_form, plan.reasoning)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish(plan)}
    return {
        "id": f"chatcmpl-{turn.number}",
        "object": "chat.completion",
        "created": turn.created,
        "model": turn.reported,
        "choices": [choice],
        "usage": usage(turn, plan),
        "system_fingerprint": None,
    }


def painted(plan: Plan) -> list[Json]:
    """The pictures as OpenRouter's servers give them."""
    urls = [f"data:image/png;base64,{pictures.encoded(n)}" for n in range(plan.images)]
    return [{"type": "image_url", "image_url": {"url": url}, "index": n} for n, url in enumerate(urls)]


def finish(plan: Plan) -> str:
    """The finish reason in this form's words."""
    return FINISH.get(plan.finish, plan.finish)


def chunk(turn: Turn, choices: list[Json]) -> Json:
    """A stream event's outer shape. With usage asked for, every event has the field, null until the last."""
    body = {
        "id": f"chatcmpl-{turn.number}",
        "object": "chat.completion.chunk",
        "created": turn.created,
        "model": turn.reported,
        "choices": choices,
    }
    return body | {"usage": None} if turn.options["include_usage"] else body


def event(turn: Turn, delta: Json, finished: str | None = None) -> bytes:
    """One event with a delta."""
    return sse(chunk(turn, [{"index": 0, "delta": delta, "finish_reason": finished}]))


def frames(turn: Turn, plan: Plan, pieces: Sequence[Piece]) -> list[bytes]:
    """The stream: role, thoughts, text, tool calls in fragments, the end, usage if it was asked for."""
    written = [event(turn, {"role": "assistant", "content": None if plan.tools else ""})]
    written += [event(turn, {"images": [image]}) for image in painted(plan)]
    written += [event(turn, _delta(plan, pieces, index)) for index in range(len(pieces))]
    for index, call in enumerate(plan.tools):
        written += [event(turn, delta) for delta in tool_fragments(index, call.id, call.name, call.arguments)]
    tail = event(turn, {}, finish(plan))
    if turn.options["include_usage"]:
        tail += sse(chunk(turn, []) | {"usage": usage(turn, plan)})
    return [*written, tail + DONE]


def _delta(plan: Plan, pieces: Sequence[Piece], index: int) -> Json:
    kind, text = pieces[index]
    if kind == "text":
        return {"content": text}
    if plan.reasoning_form != "think":
        return reasoning_fields(plan.reasoning_form, text)
    first = index == 0
    last = index + 1 == len(pieces) or pieces[index + 1][0] == "text"
    return {"content": f"{'<think>' if first else ''}{text}{'</think>' if last else ''}"}


def tool_fragments(index: int, id_: str, name: str, arguments: str) -> list[Json]:
    """One call as deltas: its name with empty arguments, then these in two fragments."""
    opened = {"index": index, "id": id_, "type": "function", "function": {"name": name, "arguments": ""}}
    middle = len(arguments) // 2
    halves = [arguments[:middle], arguments[middle:]]
    return [
        {"tool_calls": [opened]},
        *({"tool_calls": [{"index": index, "function": {"arguments": half}}]} for half in halves if half),
    ]


def error_body(turn: Turn, kind: str) -> Json:
    """An error inside a stream with status 200: a gateway's, which ends the choice, or vLLM's bare one."""
    if kind == "vllm":
        return dict(faults.OPENAI["vllm"][1])
    choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
    error = {"code": 502, "message": "Provider disconnected"}
    return chunk(turn, [choice]) | {"provider": "sandbox", "error": error}


def list_models(models: Models, provider: str) -> Json:
    """A provider's catalogue as the OpenAI form lists it; raises `RefusedError` when the test made it fail."""
    catalogue = models.catalogues[provider]
    if catalogue.failure:
        raise RefusedError(faults.error(provider, catalogue.failure))
    return {"object": "list", "data": catalogue.listing()}
