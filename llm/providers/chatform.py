"""The chat form that OpenAI made and most servers speak: requests, answers, and what a server teaches about itself.

Peculiarities are switches (`SWITCHES`), not subclasses: preset by the adapter, overruled by ``ChatRequest.options``.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from llm.errors import ProviderError
from llm.providers.base import PROGRESS, HTTPProvider, Json, Reader, count, mapping
from llm.providers.history import data_url, encoded, flattened, own_raw, picture_at, referred, sound
from llm.providers.provider import Lesson
from llm.providers.think import ThinkTags
from llm.types import ChatRequest, End, Event, Finish, Image, Part, Reasoning, Text, Tool, ToolCall, Turn, Usage

SWITCHES: Json = {
    "max_tokens_field": "max_tokens",  # or max_completion_tokens
    "send_stream_options": True,  # ask for usage in a stream
    "send_temperature": True,
    "send_user": False,
    "system_role": "system",  # or developer, or user for a server that knows neither
    "strict_alternation": False,  # a person and the model take turns, after tools too
    "tools": True,
    "vision": True,
    "reasoning_param": "none",  # or reasoning_effort, reasoning.effort
    "replay_reasoning": False,  # send a tool turn's own reasoning back
    "think_tags": False,  # the text may begin with <think>...</think>
    "extra_headers": {},
    "effort": "",  # overrules what is asked for
    "drop": [],  # fields this server does not want
    "image_out": False,  # ask for pictures too
    "plain_history": False,  # tell earlier tool calls in words
}
OPTIONAL = (
    "temperature", "reasoning_effort", "reasoning", "stream_options", "user", "user_id", "parallel_tool_calls",
    "tools", "tool_choice", "modalities",
)  # fmt: skip
LIMITS = ("max_completion_tokens", "max_tokens")
UNWANTED = re.compile(r"unsupported|not supported|not permitted|unknown|unrecognized|unexpected|extra", re.IGNORECASE)
# Sentences of servers that mind the order or the kinds of messages, and the switches that content them.
PECULIAR: tuple[tuple[re.Pattern[str], Json], ...] = (
    (re.compile(r"roles? must alternate|after role 'tool'", re.IGNORECASE), {"strict_alternation": True}),
    (
        re.compile(r"(system|developer) (role|message)s? (is |are )?not supported", re.IGNORECASE),
        {"system_role": "user"},
    ),
)
FINISHES: dict[str, Finish] = {
    "stop": "stop", "length": "length", "model_length": "length", "max_tokens": "length", "tool_calls": "tool_calls",
    "function_call": "tool_calls", "content_filter": "blocked", "error": "error",
}  # fmt: skip
# What the model is taken to have said where a tool's answer is followed by a person's words.
BRIDGE = "…"
AUDIO = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


def text_part(part: Part) -> Json:
    return {"type": "text", "text": part.text}


def image_part(part: Part) -> Json:
    return {"type": "image_url", "image_url": {"url": data_url(part)}}


def file_part(part: Part) -> Json:
    return {"type": "file", "file": {"filename": part.name or "document", "file_data": data_url(part)}}


def audio_part(part: Part) -> Json:
    form = AUDIO.get(part.mime, part.mime.rpartition("/")[2])
    return {"type": "input_audio", "input_audio": {"data": encoded(part), "format": form}}


PARTS: dict[str, Callable[[Part], Json]] = {
    "text": text_part,
    "image": image_part,
    "document": file_part,
    "audio": audio_part,
}


def entries(listing: Json) -> list[Json]:
    """The entries of a list of models that have an id."""
    listed = listing.get("data")
    return [entry for entry in listed or () if isinstance(entry, dict) and isinstance(entry.get("id"), str)]


def wire_tool(tool: Tool) -> Json:
    """A function as the form declares it."""
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def alternating(messages: Sequence[Json]) -> list[Json]:
    """``messages`` in which neighbours of one role (person or model, without calls) are one message, and the model
    speaks between a tool and a person."""
    out: list[Json] = []
    for message in messages:
        last = out[-1] if out else {}
        same = last.get("role") == message["role"] in ("user", "assistant")
        if same and not (last.get("tool_calls") or message.get("tool_calls")):
            out[-1] = last | {"content": _sum(last["content"], message["content"])}
            continue
        if last.get("role") == "tool" and message["role"] == "user":
            out.append({"role": "assistant", "content": BRIDGE})
        out.append(message)
    return out


def _sum(one: Any, other: Any) -> Any:
    if isinstance(one, str) and isinstance(other, str):
        return f"{one}\n\n{other}"
    return [*_as_parts(one), *_as_parts(other)]


def _as_parts(content: Any) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


# What a delta holds of which nothing is a thought.
WORDS = frozenset({"role", "content", "refusal", "tool_calls", "function_call"})


class ChatReader(Reader):
    """Reads an answer of the chat form, streamed or whole: a whole message is a stream's only delta."""

    def __init__(self, refuse: Callable[[Any], ProviderError], *, think_tags: bool = False) -> None:
        super().__init__(refuse)
        self._tags = ThinkTags() if think_tags else None
        self._text: list[str] = []
        self._thoughts: list[str] = []
        self._details: list[Any] = []
        self._calls: dict[int, Json] = {}
        self._painted: set[bytes] = set()
        self._usage: Usage | None = None
        self._finish = ""
        self._model = ""

    def take(self, answer: Json) -> Iterator[Event]:
        if isinstance(model := answer.get("model"), str) and model:
            self._model = model
        usage = answer.get("usage") or mapping(answer.get("x_groq")).get("usage")
        if isinstance(usage, dict):
            self._usage = self.usage(usage)
        choices = answer.get("choices")
        if not isinstance(choices, list) or not choices:
            return
        choice = mapping(choices[0])
        delta = mapping(choice.get("delta") or choice.get("message"))
        yield from self._kept(self.pieces(delta))
        if "images" in delta:
            yield from self._images(delta["images"])
        for fragment in delta.get("tool_calls") or ():
            self._fragment(mapping(fragment))
            yield PROGRESS
        if finish := choice.get("finish_reason"):
            self._finish, self.finished = str(finish), True

    def _kept(self, pieces: Iterable[Reasoning | Text]) -> Iterator[Reasoning | Text]:
        for piece in pieces:
            (self._thoughts if isinstance(piece, Reasoning) else self._text).append(piece.text)
            yield piece

    def _images(self, images: Any) -> Iterator[Image]:
        """Pictures as OpenRouter gives them; some servers say each again at the end."""
        for item in images if isinstance(images, list) else ():
            image = picture_at(mapping(mapping(item).get("image_url")).get("url"))
            if image is not None and image.data not in self._painted:
                self._painted.add(image.data)
                yield image

    def pieces(self, delta: Json) -> Iterator[Reasoning | Text]:
        """The thoughts and words of a delta."""
        if not delta.keys() <= WORDS and (thought := self._thought(delta)):
            yield Reasoning(thought)
        text = delta.get("content") or delta.get("refusal")
        if not text:
            return
        if isinstance(text, list):
            text = "".join(str(mapping(item).get("text") or "") for item in text)
        if self._tags:
            yield from self._tags.feed(str(text))
        elif text:
            yield Text(str(text))

    def _thought(self, delta: Json) -> str:
        details = delta.get("reasoning_details")
        if isinstance(details, list):
            self._details += details
        for name in ("reasoning_content", "reasoning"):
            if isinstance(thought := delta.get(name), str) and thought:
                return thought
        texts = [mapping(item).get("text") for item in details] if isinstance(details, list) else []
        return "".join(text for text in texts if isinstance(text, str))

    def _fragment(self, fragment: Json) -> None:
        """Add a piece of a call: joined by index; servers without one send whole calls with ids of their own."""
        call_id, index = str(fragment.get("id") or ""), fragment.get("index")
        at = index if isinstance(index, int) else max(self._calls, default=0)
        if call_id and at in self._calls and self._calls[at]["id"] not in ("", call_id):
            at = next((n for n, call in self._calls.items() if call["id"] == call_id), max(self._calls) + 1)
        call = self._calls.setdefault(at, {"id": "", "name": "", "arguments": "", "more": {}})
        function = mapping(fragment.get("function"))
        arguments = function.get("arguments") or ""
        call["id"] = call["id"] or call_id
        call["name"] = call["name"] or str(function.get("name") or "")
        call["arguments"] += arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        # Marks that a server wants back with the call.
        call["more"] |= {name: fragment[name] for name in fragment.keys() - {"id", "index", "type", "function"}}

    def usage(self, usage: Json) -> Usage:
        """Token counts in the form's words and in its speakers' dialects."""
        cached = count(mapping(usage.get("prompt_tokens_details")).get("cached_tokens"))
        if cached is None:
            cached = count(usage.get("prompt_cache_hit_tokens"))
        return Usage(
            count(usage.get("prompt_tokens")),
            cached,
            count(usage.get("completion_tokens")),
            count(mapping(usage.get("completion_tokens_details")).get("reasoning_tokens")),
        )

    def end(self) -> Iterator[Event]:
        if self._tags:
            yield from self._kept(self._tags.end())
        if self._finish == "insufficient_system_resource":
            raise ProviderError("overloaded", "The provider ran out of resources.")
        calls = [
            ToolCall(call["id"] or f"call_{n}", call["name"], call["arguments"] or "{}")
            for n, call in sorted(self._calls.items())
        ]
        yield from calls
        if self._usage is not None:
            yield self._usage
        finish = FINISHES.get(self._finish, "unknown")
        if calls and finish in ("stop", "unknown"):
            finish = "tool_calls"
        yield End(finish, self._finish, self._model, self.message(calls))

    def message(self, calls: Sequence[ToolCall]) -> Json:
        """The assistant's message as the provider would have it back."""
        message: Json = {"role": "assistant", "content": "".join(self._text)}
        if self._thoughts:
            message["reasoning_content"] = "".join(self._thoughts)
        if self._details:
            message["reasoning_details"] = self._details
        if calls:
            more = [call["more"] for _, call in sorted(self._calls.items())]
            message["tool_calls"] = [wire_call(call, call.id) | marks for call, marks in zip(calls, more, strict=True)]
        return message


def wire_call(call: ToolCall, call_id: str) -> Json:
    """A call as the assistant's message holds it."""
    return {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


class ChatProvider(HTTPProvider):
    """A server of the chat form."""

    preset: Mapping[str, Any] = {}
    parts = PARTS
    replayed: tuple[str, ...] = ("role", "content", "reasoning_details")

    def switches(self, request: ChatRequest) -> Json:
        """What is known of this server and model."""
        return {**SWITCHES, **self.preset, **request.options}

    def path(self, request: ChatRequest, stream: bool) -> str:
        return "/chat/completions"

    def reader(self, request: ChatRequest) -> Reader:
        return ChatReader(lambda body: self.failure(200, body), think_tags=bool(self.switches(request)["think_tags"]))

    def body(self, request: ChatRequest, stream: bool) -> Json:
        switches = self.switches(request)
        body: Json = {"model": request.model, "messages": self.messages(request, switches), "stream": stream}
        if request.max_output is not None:
            body[switches["max_tokens_field"]] = request.max_output
        if request.temperature is not None and switches["send_temperature"]:
            body["temperature"] = request.temperature
        if stream and switches["send_stream_options"]:
            body["stream_options"] = {"include_usage": True}
        if request.tools and switches["tools"]:
            body["tools"] = [wire_tool(tool) for tool in request.tools]
        if switches["image_out"]:
            body["modalities"] = ["image", "text"]
        body |= self.effort(request, switches) | self.extras(request, switches)
        for name in switches["drop"]:
            body.pop(name, None)
        return body

    def effort(self, request: ChatRequest, switches: Json) -> Json:
        """The fields that say how much to think."""
        wanted = switches["effort"] or request.effort
        match switches["reasoning_param"] if wanted else "none":
            case "reasoning_effort":
                return {"reasoning_effort": wanted}
            case "reasoning.effort":
                return {"reasoning": {"effort": wanted}}
        return {}

    def extras(self, request: ChatRequest, switches: Json) -> Json:
        """Fields of one provider's own."""
        return {"user": request.user} if request.user and switches["send_user"] else {}

    def messages(self, request: ChatRequest, switches: Json) -> list[Json]:
        turns = flattened(request.turns) if switches["plain_history"] else request.turns
        messages = [self.message(turn, f"{self.name}:{request.model}", switches) for turn in sound(turns)]
        if request.system:
            messages.insert(0, {"role": switches["system_role"], "content": request.system})
        if switches["strict_alternation"] or switches["system_role"] == "user":
            messages = alternating(messages)
        return messages

    def message(self, turn: Turn, ref: str, switches: Json) -> Json:
        """One turn on the wire; ``ref`` is the model asked, as ``provider:name``."""
        if turn.role == "tool":
            return self.tool_answer(turn)
        if turn.role == "user":
            return {"role": "user", "content": self.said(turn, switches)}
        raw = own_raw(turn, ref)
        if raw and bool(raw.get("tool_calls")) == bool(turn.tool_calls):
            message = {name: raw[name] for name in self.replayed if raw.get(name) is not None}
            calls = [dict(call) for call in raw.get("tool_calls") or ()]
        else:
            message = {"role": "assistant", "content": turn.text}
            calls = [wire_call(call, call.id) for call in turn.tool_calls]
        if calls:
            message["tool_calls"] = [call | {"id": self.call_id(call["id"])} for call in calls]
        if turn.tool_calls and switches["replay_reasoning"]:
            message["reasoning_content"] = (raw or {}).get("reasoning_content") or ""
        return message

    def tool_answer(self, turn: Turn) -> Json:
        return {"role": "tool", "tool_call_id": self.call_id(turn.tool_call_id), "content": turn.text}

    def call_id(self, call_id: str) -> str:
        """A call's id as this provider accepts it; the same for the call and for its answer."""
        return call_id

    def said(self, turn: Turn, switches: Json) -> str | list[Json]:
        """A person's message: text alone as text, else a list of parts."""
        if all(part.kind == "text" for part in turn.parts):
            return turn.text
        return [self.part(part, switches) for part in turn.parts]

    def part(self, part: Part, switches: Json) -> Json:
        if part.kind not in self.parts or (part.kind == "image" and not switches["vision"]):
            raise ProviderError("bad_request", f"{self.name} does not take {part.kind} parts.", param="content")
        if part.ref is not None and referred(part, self.name) is None:
            part = replace(part, ref=None)
        return self.parts[part.kind](part)

    def more_headers(self, request: ChatRequest) -> Mapping[str, str]:
        headers: Mapping[str, str] = self.switches(request)["extra_headers"]
        return headers

    def learn(self, request: ChatRequest, error: ProviderError) -> Lesson | None:
        """A field that the server does not want is renamed or left out, once and from then on."""
        if error.kind != "bad_request":
            return None
        if "reasoning_content" in error.message or "thought_signature" in error.message:
            return Lesson({"plain_history": True}, lasting=False)
        switches = self.switches(request)
        for pattern, options in PECULIAR:
            if pattern.search(error.message) and switches | options != switches:
                return Lesson(options)
        field = blamed(error, self.body(request, True))
        if field in LIMITS and UNWANTED.search(error.message):
            return Lesson({"max_tokens_field": LIMITS[1 - LIMITS.index(field)]})
        if field in ("reasoning_effort", "reasoning") and "tools" in error.message and switches["effort"] != "none":
            return Lesson({"effort": "none"})
        return Lesson({"drop": [*switches["drop"], field]}) if field in OPTIONAL else None


def blamed(error: ProviderError, sent: Mapping[str, Any]) -> str:
    """The field of ``sent`` that ``error`` complains about: the one it names, else one that stands in its sentence."""
    if (named := error.param.partition(".")[0].partition("[")[0]) in sent:
        return named
    fields = sorted((*OPTIONAL, *LIMITS), key=len, reverse=True)
    return next((name for name in fields if name in sent and re.search(rf"\b{name}\b", error.message)), "")
