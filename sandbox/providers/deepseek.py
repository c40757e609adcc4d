"""DeepSeek: the OpenAI form with thinking on by default, its thoughts to be passed back, and fillers.

Source: DeepSeek's API reference and its "thinking mode" guide, autumn 2026.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from . import attachments, faults, openai
from .catalogue import Listed
from .state import Models
from .stream import COMMENT
from .wire import DONE, Json, Piece, Plan, RefusedError, Reply, Turn, bearer, sse, tokens

NAME = "deepseek"
BLANK = b"\n\n\n"  # the service fills the wait for an answer with empty lines
TAIL = 1
EFFORTS = {"low", "medium", "high", "max", "xhigh"}


def refuse(message: str, status: int = 400) -> RefusedError:
    """A refusal; `code` says nothing here, as in the service."""
    return RefusedError(Reply(status, faults.openai(message, faults.INVALID, faults.SAME)))


def check_key(request: web.Request) -> None:
    """Any bearer key will do, except none and "bad-key"."""
    if bearer(request) in ("", "bad-key"):
        raise RefusedError(faults.error(NAME, "auth"))


def read(models: Models, body: Json, request: web.Request) -> Turn:
    """The request as a turn. Unknown fields are ignored, as the service does."""
    listed = _model(models, body)
    try:
        openai.check_messages(body.get("messages"))
    except RefusedError as refused:
        raise refuse(refused.reply.body["error"]["message"]) from refused
    able = attachments.abilities(NAME, listed)
    for part in attachments.parts_of(body["messages"]):
        if problem := attachments.problem(part, able, models.files):
            raise refuse(problem)
    turn = openai.read_turn(NAME, body, listed)
    turn.thinking = turn.show_thoughts = _thinking(body)
    if turn.thinking:
        _check_passed_back(body["messages"])
    openai.check_window(turn, listed)
    return turn


def _model(models: Models, body: Json) -> Listed:
    name = body.get("model")
    if not isinstance(name, str):
        raise refuse("Failed to deserialize the JSON body into the target type: missing field `model`", 422)
    listed = models.catalogues[NAME].find(name)
    if listed is None:
        raise RefusedError(faults.error(NAME, "model"))
    return listed


def _thinking(body: Json) -> bool:
    """Whether the model thinks: unless it was told not to. Raises for values the service refuses (422)."""
    chosen = body.get("thinking") or {}
    if not isinstance(chosen, dict) or chosen.get("type", "enabled") not in (
        "enabled",
        "disabled",
        "adaptive",
    ):
        raise refuse("Failed to deserialize the JSON body into the target type: thinking", 422)
    effort = body.get("reasoning_effort")
    if effort is not None and effort not in EFFORTS:
        raise refuse(f"Failed to deserialize the JSON body into the target type: effort `{effort}`", 422)
    return chosen.get("type") != "disabled"


def _check_passed_back(messages: list[Json]) -> None:
    """A message of ours that called tools must come back with its thoughts, even empty ones."""
    for message in messages:
        if message.get("tool_calls") and not isinstance(message.get("reasoning_content"), str):
            raise RefusedError(faults.error(NAME, "reasoning"))


def usage(turn: Turn, plan: Plan) -> Json:
    """Tokens, with the cache's share: the prompt's whole blocks of 64 count as hits after the first turn."""
    cached = turn.prompt_tokens // 64 * 64 if len(turn.users) > 1 else 0
    return openai.usage(turn, plan) | {
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": tokens(plan.reasoning)},
        "prompt_cache_hit_tokens": cached,
        "prompt_cache_miss_tokens": turn.prompt_tokens - cached,
    }


def whole(turn: Turn, plan: Plan) -> Json:
    """The answer in one body."""
    message: Json = {"role": "assistant", "content": plan.text}
    if plan.show_reasoning:
        message["reasoning_content"] = plan.reasoning
    if plan.tools:
        message["tool_calls"] = [{"index": index} | call for index, call in enumerate(openai.tool_calls(plan))]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": openai.finish(plan)}
    return {
        "id": f"d-{turn.number}",
        "object": "chat.completion",
        "created": turn.created,
        "model": turn.reported,
        "choices": [choice],
        "usage": usage(turn, plan),
        "system_fingerprint": "fp_sandbox",
    }


def event(turn: Turn, delta: Json, finished: str | None = None, used: Json | None = None) -> bytes:
    """One event; the usage field is always there."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finished}
    return sse(
        {
            "id": f"d-{turn.number}",
            "object": "chat.completion.chunk",
            "created": turn.created,
            "model": turn.reported,
            "system_fingerprint": "fp_sandbox",
            "choices": [choice],
            "usage": used,
        }
    )


def frames(turn: Turn, plan: Plan, pieces: Sequence[Piece]) -> list[bytes]:
    """The stream; the other of content and reasoning_content is null in every delta that has one."""
    thinks = plan.show_reasoning
    opening: Json = {"role": "assistant", "content": None if thinks else ""}
    written = [COMMENT + event(turn, opening | ({"reasoning_content": ""} if thinks else {}))]
    written += [event(turn, _delta(kind, text, thinks)) for kind, text in pieces]
    for index, call in enumerate(plan.tools):
        fragments = openai.tool_fragments(index, call.id, call.name, call.arguments)
        written += [event(turn, fragment) for fragment in fragments]
    used = usage(turn, plan) if turn.options["include_usage"] else None
    ending = {"content": "", "reasoning_content": None} if thinks else {"content": ""}
    return [*written, event(turn, ending, openai.finish(plan), used) + DONE]


def _delta(kind: str, text: str, thinks: bool) -> Json:
    if kind == "reasoning":
        return {"content": None, "reasoning_content": text}
    return {"content": text, "reasoning_content": None} if thinks else {"content": text}


def error_body(turn: Turn, kind: str) -> Json:
    """An error inside a stream with status 200."""
    if kind == "stream":
        return dict(faults.DEEPSEEK["server"][1])
    return openai.error_body(turn, kind)


def balance() -> Json:
    """The account's money."""
    info = {
        "currency": "USD",
        "total_balance": "110.00",
        "granted_balance": "10.00",
        "topped_up_balance": "100.00",
    }
    return {"is_available": True, "balance_infos": [info]}
