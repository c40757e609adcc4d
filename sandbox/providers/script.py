"""What a request makes the fake do: `[[directives]]` in the prompt, rules of a test, and their plan.

A behaviour is a dict of the names below; in a prompt `[[name argument]]` stands for `{"name": "argument"}`. A
rule wins over the prompt where both name the same thing.

    pace N            N tokens a second instead of the usual pace; 0 answers at once
    slow S            the answer takes S seconds from first to last byte
    delay S           the first byte comes after S seconds
    text T            says exactly T
    words N           N words in numbered sentences
    code [N]          N parts of prose and fenced code, over 4096 characters by default
    markdown          every Markdown construction an answer may have
    emoji [N]         N emoji that are hard to cut
    history           the user's messages as a JSON list
    system            the system prompt, word for word
    image [N]         paints N pictures, if the model can
    tool NAME {json}  a tool call (several: called together); when the tool has answered, a text
    rounds N          calls the tools N times before it answers
    reasoning [FORM]  thinks aloud; FORM (OpenAI form only): reasoning_content, reasoning, details, think
    error KIND [S] [list]  an HTTP error (see `faults`), S = seconds to wait, list = Gemini's list form
    error stream|vllm|openrouter  an error inside a stream that began well (stream: the provider's own way)
    cut [0]           the connection closes halfway; 0: before any byte
    hang [mid|keepalive]  never answers; mid: falls silent halfway; keepalive: only comments come
    hold [NAME]       stops halfway until `Models.release(NAME)`
    malformed         broken JSON halfway
    empty [answer]    an empty body; answer: a proper answer without any text
    blocked [prompt|late]  refused by the filter; prompt: the question itself; late: halfway
    length [N]        cut off by the token limit, after N tokens when given
    finish WORD       any finish reason
    html              a proxy's error page, 502
    keepalive [N]     N comments and blank lines before anything is said, and one between the pieces
    drip              byte by byte, so that characters arrive in halves
    crlf              lines end with CR LF
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import answers, faults
from .wire import Json, Piece, Plan, ToolCall, Turn, dumps, tokens

if TYPE_CHECKING:
    from .state import Models

PACING = {"pace", "slow", "delay"}
CONNECTION = {"cut", "hang", "malformed", "empty"}
BEHAVIOURS = (
    PACING
    | CONNECTION
    | set(answers.TEXTS)
    | {
        "image",
        "tool",
        "rounds",
        "reasoning",
        "error",
        "hold",
        "blocked",
        "length",
        "finish",
        "html",
        "keepalive",
        "drip",
        "crlf",
    }
    | {"retry_after"}
)
NAMES = "|".join(sorted(BEHAVIOURS - {"retry_after"}))
DIRECTIVE = re.compile(rf"\[\[({NAMES})(?=[\s\]])\s*", re.IGNORECASE)
TOOL = re.compile(r"([\w.-]+)\s*")
STREAM_ERRORS = {"stream", "vllm", "openrouter"}
PIECE_SECONDS = 0.05  # a paced answer grows twenty times a second at most
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


def split(text: str) -> tuple[str, Json]:
    """The text without its directives, and the behaviour they ask for."""
    if "[[" not in text:
        return text, {}
    kept, behaviour, at = [], Json(), 0
    while found := DIRECTIVE.search(text, at):
        kept.append(text[at : found.start()])
        name = found[1].lower()
        value, at = _argument(name, text, found.end())
        behaviour[name] = [*behaviour.get(name, []), value] if name == "tool" else value
    return "".join([*kept, text[at:]]).strip(), behaviour


def _argument(name: str, text: str, start: int) -> tuple[Any, int]:
    """One directive's argument, and where the text goes on after the closing brackets."""
    value: Any = None
    if name == "tool" and (named := TOOL.match(text, start)):
        value, start = {"name": named[1], "arguments": None}, named.end()
        try:
            value["arguments"], start = json.JSONDecoder().raw_decode(text, start)
        except ValueError:
            value["arguments"] = text[start : _closing(text, start)].strip()
    end = _closing(text, start)
    return (text[start:end].strip() if value is None else value), min(end + 2, len(text))


def _closing(text: str, start: int) -> int:
    end = text.find("]]", start)
    return len(text) if end < 0 else end


def number(value: object, default: float) -> float:
    """The value as a number of seconds, tokens or times; `default` when it is none."""
    try:
        return float(str(value))
    except ValueError:
        return default


def make_plan(models: Models, turn: Turn) -> Plan:
    """What this request is answered with: the prompt's directives, overruled by the rules."""
    heard, behaviour = split(turn.last_user)
    behaviour |= models.behaviour("chat", turn.provider, turn.model, turn.last_user)
    plan = Plan()
    _transport(plan, turn.provider, behaviour)
    if not plan.error:
        _content(plan, turn, heard, behaviour)
    plan.seconds = _seconds(plan, number(behaviour.get("pace"), models.pace), behaviour)
    return plan


def transport_plan(models: Models, provider: str, endpoint: str, model: str = "", text: str = "") -> Plan:
    """The plan of a request that no model answers (a list, a file): errors, delays, broken connections."""
    plan = Plan()
    _transport(plan, provider, models.behaviour(endpoint, provider, model, text))
    return plan


def _transport(plan: Plan, provider: str, behaviour: Mapping[str, Any]) -> None:
    """Errors, faults of the connection, and when the first byte comes."""
    plan.delay = number(behaviour.get("delay"), 0.0)
    for fault in CONNECTION & behaviour.keys():
        plan.fault, plan.fault_arg = fault, str(behaviour[fault] or "")
    if plan.fault == "empty" and plan.fault_arg == "answer":
        plan.fault = ""
    if "html" in behaviour:
        plan.error = faults.error(provider, "html")
    if "error" in behaviour:
        _error(plan, provider, str(behaviour["error"]).split(), behaviour.get("retry_after"))
    if "keepalive" in behaviour:
        plan.keepalive = int(number(behaviour["keepalive"], 3))
    plan.drip = "drip" in behaviour
    plan.crlf = "crlf" in behaviour
    plan.hold = str(behaviour["hold"] or "hold") if "hold" in behaviour else ""


def _error(plan: Plan, provider: str, words: list[str], retry_after: object) -> None:
    kind, *rest = words or ["server"]
    if kind in STREAM_ERRORS:
        plan.stream_error = kind
        return
    waits = [word for word in rest if word != "list"] + ([] if retry_after is None else [str(retry_after)])
    seconds = number(waits[-1], 0.0) if waits else None
    plan.error = faults.error(provider, kind, retry_after=seconds, as_list="list" in rest)


def _content(plan: Plan, turn: Turn, heard: str, behaviour: Mapping[str, Any]) -> None:
    """The words, thoughts and tool calls, and how they end."""
    lang = answers.language(heard, *reversed(turn.users[:-1]), turn.system)
    plan.reasoning_form = str(behaviour.get("reasoning") or "")
    plan.show_reasoning = turn.show_thoughts or "reasoning" in behaviour
    if turn.thinking or "reasoning" in behaviour:
        plan.reasoning = answers.WORDS[lang]["thought"]
    rounds = int(number(behaviour.get("rounds"), 1))
    if "tool" in behaviour and turn.tools and turn.rounds < rounds:
        plan.tools = [_call(turn, wanted, index) for index, wanted in enumerate(_wanted(behaviour["tool"]))]
        plan.finish = "tool_calls"
        return
    plan.text = _text(turn, heard, lang, behaviour)
    if "image" in behaviour and turn.paints:
        plan.images = int(number(behaviour["image"], 1))
    _ending(plan, turn, behaviour)


def _text(turn: Turn, heard: str, lang: str, behaviour: Mapping[str, Any]) -> str:
    if behaviour.get("empty") == "answer":
        return ""
    chosen = next((name for name in answers.TEXTS if name in behaviour), "")
    if chosen:
        return answers.TEXTS[chosen](behaviour[chosen], turn, lang)
    if "spoken" in turn.options:
        return str(turn.options["spoken"])
    if turn.results:
        text = answers.after_tools(turn, lang)
    elif "tool" in behaviour:
        text = answers.WORDS[lang]["no_tools"]
    else:
        text = answers.echo(turn, heard)
    return dumps({"answer": text}) if turn.as_json else text


def _ending(plan: Plan, turn: Turn, behaviour: Mapping[str, Any]) -> None:
    """The finish reason, and the text as far as it came."""
    limits = [turn.max_tokens] if turn.max_tokens is not None else []
    if "length" in behaviour:
        limits.append(int(number(behaviour["length"], max(1, tokens(plan.text) // 2))) + tokens(plan.reasoning))
    if limits and plan.output_tokens > min(limits):
        _truncate(plan, min(limits))
    if "blocked" in behaviour:
        where = str(behaviour["blocked"] or "")
        plan.finish = "blocked_prompt" if where == "prompt" else "blocked"
        plan.text = plan.text[: len(plan.text) // 2] if where == "late" else ""
    if behaviour.get("finish"):
        plan.finish = str(behaviour["finish"])


def _truncate(plan: Plan, limit: int) -> None:
    """Cut at `limit` tokens; thoughts are spent first."""
    plan.finish = "length"
    plan.reasoning = plan.reasoning[: limit * 4]
    plan.text = plan.text[: max(0, limit - tokens(plan.reasoning)) * 4]


def _wanted(value: Any) -> list[Json]:
    """The tool calls of a behaviour: an object, a list of them, or "NAME {json}"."""
    listed = value if isinstance(value, list) else [value]
    return [_argument("tool", f"{item}]]", 0)[0] if isinstance(item, str) else item for item in listed]


def _call(turn: Turn, wanted: Json, index: int) -> ToolCall:
    arguments = wanted.get("arguments")
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments or {}, ensure_ascii=False)
    return ToolCall(tool_id(turn.provider, turn.number * 16 + index), str(wanted["name"]), arguments or "{}")


def tool_id(provider: str, count: int) -> str:
    """An id of the provider's look; Mistral's are exactly nine letters and digits."""
    digits = ""
    while count:
        count, digit = divmod(count, 36)
        digits = ALPHABET[digit] + digits
    digits = digits.rjust(8, "0")
    return {
        "mistral": f"T{digits[-8:]}",
        "deepseek": f"call_00_{digits:0>20}",
        "gemini": f"fc_{digits}",
    }.get(provider, f"call_{digits:0>24}")


def _seconds(plan: Plan, pace: float, behaviour: Mapping[str, Any]) -> float:
    if "slow" in behaviour:
        return number(behaviour["slow"], 4.0)
    return plan.output_tokens / pace if pace > 0 else 0.0


def pieces(plan: Plan) -> list[Piece]:
    """The answer cut for streaming: in two when it comes at once, else a piece per tick of the pace."""
    said = [("reasoning", plan.reasoning)] if plan.show_reasoning else []
    said.append(("text", plan.text))
    total = sum(len(text) for _, text in said)
    count = max(2, round(plan.seconds / PIECE_SECONDS))
    size = max(1, -(-total // count))
    return [(kind, text[at : at + size]) for kind, text in said for at in range(0, len(text), size)]
