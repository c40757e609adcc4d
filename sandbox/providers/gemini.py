"""Gemini's generateContent: camelCase answers, either case in requests, signatures on function calls.

Source: Google's published protocol definitions of `generativelanguage` v1beta (Apache-2.0) and the error
bodies of the service's documentation, autumn 2026.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Sequence
from typing import Any

from aiohttp import web

from . import attachments, faults, pictures, speech
from .catalogue import Listed
from .state import Models
from .wire import Json, Piece, Plan, RefusedError, Reply, Said, Turn, bearer, dumps, sse, tokens, words

NAME = "gemini"
BLANK = b""
TAIL = 0
SNAKE = re.compile(r"_([a-z0-9])")
# Values that belong to the user: their keys are left as they are
OPAQUE = {
    "args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema",
    "_responseJsonSchema", "partMetadata", "labels",
}  # fmt: skip
REQUEST = words(
    "model systemInstruction contents tools toolConfig safetySettings generationConfig cachedContent "
    "serviceTier store labels"
)
CONFIG = words(
    "candidateCount stopSequences maxOutputTokens temperature topP topK seed responseMimeType "
    "responseSchema responseJsonSchema _responseJsonSchema presencePenalty frequencyPenalty "
    "responseLogprobs logprobs enableEnhancedCivicAnswers responseModalities speechConfig "
    "thinkingConfig imageConfig mediaResolution responseFormat"
)
DATA = words(
    "text inlineData functionCall functionResponse fileData executableCode codeExecutionResult toolCall toolResponse"
)
PART = set(DATA) | {"thought", "thoughtSignature", "videoMetadata", "partMetadata", "mediaResolution"}
FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "blocked": "SAFETY"}
SIGNATURE = base64.b64encode(b"signed by the sandbox").decode()
RATING = {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}


def refuse(message: str, status: str = "INVALID_ARGUMENT", code: int = 400) -> RefusedError:
    """A refusal of the request, in Google's form."""
    return RefusedError(Reply(code, faults.gemini(code, status, message)))


def check_key(request: web.Request) -> None:
    """Any key in `x-goog-api-key` or `?key=` will do, except none, "bad-key" and a bearer token.

    The bytes of an upload come without a key: the address they are sent to is secret enough.
    """
    if "upload_id" in request.query:
        return
    key = request.headers.get("x-goog-api-key") or request.query.get("key", "")
    if not key:
        raise RefusedError(faults.error(NAME, "token" if bearer(request) else "no_key"))
    if key == "bad-key":
        raise RefusedError(faults.error(NAME, "auth"))


def camel(value: Any) -> Any:
    """The same JSON with camelCase keys, except inside values that are the user's own."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {SNAKE.sub(lambda found: found[1].upper(), key): item for key, item in value.items()}
    return {key: item if key in OPAQUE else camel(item) for key, item in named.items()}


def read(models: Models, body: Json, request: web.Request) -> Turn:
    """The request as a turn, after Gemini's checks. The model and the method are in the path."""
    name, _, method = request.match_info["target"].rpartition(":")
    listed = find_model(models, name, "generateContent")
    body, paints = camel(body), "image" in name
    _check_known(body, REQUEST, "")
    config = body.get("generationConfig") or {}
    _check_known(config, CONFIG, " at 'generation_config'")
    if not paints and "IMAGE" in (config.get("responseModalities") or ()):
        raise refuse("Model does not support the requested response modalities: image,text")
    check_contents(models, body)
    _check_attached(listed, body["contents"])
    if listed.wire.get("thinking"):
        _check_signatures(body["contents"])
    turn = _turn(body, config, listed)
    turn.model, turn.paints = name, paints
    turn.stream = method.startswith("stream")
    turn.options["array"] = turn.stream and request.query.get("alt") != "sse"
    if "transcri" in turn.system.lower():
        turn.options["spoken"] = heard(body["contents"][-1])
    if listed.window is not None and turn.prompt_tokens > listed.window:
        raise RefusedError(faults.error(NAME, "context"))
    return turn


def find_model(models: Models, name: str, method: str) -> Listed:
    """The catalogue's model, if it has the method."""
    listed = models.catalogues[NAME].find(name)
    if listed is None or method not in listed.wire["supportedGenerationMethods"]:
        message = (
            f"models/{name} is not found for API version v1beta, or is not supported for {method}. "
            "Call ListModels to see the list of available models and their supported methods."
        )
        raise refuse(message, "NOT_FOUND", 404)
    return listed


def _turn(body: Json, config: Json, listed: Listed) -> Turn:
    thoughts = config.get("thinkingConfig") or {}
    thinking = bool(listed.wire.get("thinking")) and thoughts.get("thinkingBudget") != 0
    declared = [tool.get("functionDeclarations") or [] for tool in body.get("tools") or []]
    chooser = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    names = [function["name"] for functions in declared for function in functions]
    return Turn(
        provider=NAME,
        model=listed.id,
        reported=listed.id,
        stream=False,
        said=messages(body),
        tools=[] if chooser.get("mode") == "NONE" else names,
        max_tokens=config.get("maxOutputTokens"),
        thinking=thinking,
        show_thoughts=thinking and bool(thoughts.get("includeThoughts")),
        as_json=config.get("responseMimeType") == "application/json",
    )


def messages(body: Json) -> list[Said]:
    """The system instruction, if any, and the contents."""
    spoken = [said(content) for content in body["contents"]]
    if instruction := body.get("systemInstruction"):
        spoken.insert(0, Said("system", said(instruction).text))
    return spoken


def said(content: Json) -> Said:
    """One content: its text without thoughts, and the types of what is attached."""
    parts = content["parts"]
    answers = [dumps(part["functionResponse"].get("response")) for part in parts if "functionResponse" in part]
    if answers:
        return Said("tool", "\n".join(answers))
    text = "\n".join(part["text"] for part in parts if "text" in part and not part.get("thought"))
    attached = [part.get("inlineData") or part.get("fileData") for part in parts]
    kinds = [blob.get("mimeType", "file") for blob in attached if blob]
    role = "assistant" if content.get("role") == "model" else "user"
    return Said(role, text, kinds, sum("functionCall" in part for part in parts))


def heard(content: Json) -> str:
    """What is said in the recordings of a content; an uploaded one says the usual sentence."""
    blobs = [part.get("inlineData") or part.get("fileData") or {} for part in content["parts"]]
    recordings = [blob for blob in blobs if blob.get("mimeType", "").startswith("audio/")]
    return "\n".join(speech.spoken(attachments.decoded(blob.get("data", ""))) for blob in recordings)


def _check_known(value: Json, known: Collection[str], where: str) -> None:
    for field in value.keys() - set(known):
        raise refuse(
            f'Invalid JSON payload received. Unknown name "{field}"{where}: Cannot find field.',
        )


def check_contents(models: Models, body: Json) -> None:
    """Contents are there, with known roles and parts that hold one thing each."""
    contents = body.get("contents")
    if not contents:
        raise refuse("* GenerateContentRequest.contents: contents is not specified\n")
    for index, content in enumerate(contents):
        if content.get("role", "user") not in ("user", "model"):
            raise refuse("Please use a valid role: user, model.")
        if not content.get("parts"):
            raise refuse(f"* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.\n")
        for part_index, part in enumerate(content["parts"]):
            _check_part(models, part, f"contents[{index}].parts[{part_index}]")
    _check_calls(contents)


def _check_part(models: Models, part: Json, where: str) -> None:
    _check_known(part, PART, f" at '{where}'")
    if len(part.keys() & set(DATA)) != 1:
        raise refuse(f"* GenerateContentRequest.{where}.data: required oneof field 'data' must have one field\n")
    if blob := part.get("inlineData"):
        _check_base64(blob.get("data", ""), f"{where}.inline_data.data")
    if file := part.get("fileData"):
        name = file.get("fileUri", "").rpartition("/files/")[2]
        if f"files/{name}" not in models.files:
            message = f"You do not have permission to access the File {name} or it may not exist."
            raise refuse(message, "PERMISSION_DENIED", 403)


def _check_attached(listed: Listed, contents: list[Json]) -> None:
    """Files are of kinds that the model takes, and their bytes are what they claim to be."""
    able = attachments.abilities(NAME, listed)
    for part in (part for content in contents for part in content["parts"]):
        blob = part.get("inlineData") or part.get("fileData")
        if not blob:
            continue
        mime = str(blob.get("mimeType", ""))
        kind = mime.partition("/")[0]
        kind = kind if kind in ("image", "audio") else "document"
        if kind not in able:
            raise refuse(f"{kind.capitalize()} input modality is not enabled for models/{listed.id}")
        if "data" in blob and (flaw := attachments.flaw(kind, mime, blob["data"])):
            raise refuse(flaw)


def _check_base64(data: str, where: str) -> None:
    try:
        attachments.decoded(data)
    except ValueError as error:
        message = f"Invalid value at '{where}' (TYPE_BYTES), Base64 decoding failed"
        raise refuse(message) from error


def _count(content: Json, field: str) -> int:
    return sum(field in part for part in content["parts"])


def _check_calls(contents: list[Json]) -> None:
    """A function call follows a user's turn, and is followed by as many answers."""
    for index, content in enumerate(contents):
        called = _count(content, "functionCall")
        if called and (index == 0 or contents[index - 1].get("role") == "model"):
            raise refuse(
                "Please ensure that function call turn comes immediately after a user turn or after a "
                "function response turn."
            )
        answered = _count(contents[index + 1], "functionResponse") if index + 1 < len(contents) else 0
        if called != answered:
            raise refuse(
                "Please ensure that the number of function response parts is equal to the number of "
                "function call parts of the function call turn."
            )


def _check_signatures(contents: list[Json]) -> None:
    """In the current turn (since the user's last words) each step's first call carries its signature."""
    for content in reversed(contents):
        is_answer = _count(content, "functionResponse") > 0
        if content.get("role", "user") == "user" and not is_answer:
            return
        first = next((part for part in content["parts"] if "functionCall" in part), None)
        if first is None:
            continue
        if not first.get("thoughtSignature"):
            raise RefusedError(faults.error(NAME, "signature"))
        _check_base64(first["thoughtSignature"], "contents.parts.thought_signature")


def usage(turn: Turn, thoughts: int, output: int) -> Json:
    """Token counts so far; a count of nothing is left out."""
    counts = {
        "promptTokenCount": turn.prompt_tokens,
        "candidatesTokenCount": output,
        "totalTokenCount": turn.prompt_tokens + thoughts + output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": turn.prompt_tokens}],
        "thoughtsTokenCount": thoughts,
    }
    return {name: count for name, count in counts.items() if count}


def response(turn: Turn, used: Json, **fields: Any) -> Json:
    """The outer shape of an answer or a stream event."""
    tail = {"usageMetadata": used, "modelVersion": turn.reported, "responseId": f"r-{turn.number}"}
    return fields | tail


def candidate(turn: Turn, used: Json, parts: list[Json], finished: str = "") -> Json:
    """An answer with one candidate; without parts its content has a role only, as an empty answer's has."""
    content: Json = {"role": "model"}
    if parts:
        content = {"parts": parts, "role": "model"}
    one: Json = {"content": content}
    if finished:
        one["finishReason"] = finished
    return response(turn, used, candidates=[one | {"index": 0}])


def _empty(turn: Turn, plan: Plan) -> Json | None:
    """The answers that are refused altogether: the question's fault, or the answer's."""
    used = usage(turn, 0, 0)
    if plan.finish == "blocked_prompt":
        return response(turn, used, promptFeedback={"blockReason": "PROHIBITED_CONTENT"})
    if plan.finish == "blocked" and not plan.text:
        refused = {"finishReason": "SAFETY", "index": 0, "safetyRatings": [RATING]}
        return response(turn, used, candidates=[refused])
    return None


def _calls(plan: Plan) -> list[Json]:
    """The calls as parts; of several made together only the first is signed."""
    parts: list[Json] = []
    for index, call in enumerate(plan.tools):
        made = {"functionCall": {"id": call.id, "name": call.name, "args": _arguments(call.arguments)}}
        parts.append(made if index else made | {"thoughtSignature": SIGNATURE})
    return parts


def _arguments(text: str) -> Json:
    """Arguments are an object on this wire: what is not one cannot be sent."""
    try:
        arguments = json.loads(text)
    except ValueError:
        return {}
    return arguments if isinstance(arguments, dict) else {}


def _painted(plan: Plan) -> list[Json]:
    """The pictures as parts."""
    return [{"inlineData": {"mimeType": "image/png", "data": pictures.encoded(n)}} for n in range(plan.images)]


def whole(turn: Turn, plan: Plan) -> Json:
    """The answer in one body."""
    if empty := _empty(turn, plan):
        return empty
    parts: list[Json] = []
    if plan.show_reasoning and plan.reasoning:
        parts.append({"text": plan.reasoning, "thought": True})
    parts += _painted(plan)
    if plan.text:
        signed = {"thoughtSignature": SIGNATURE} if plan.reasoning else {}
        parts.append({"text": plan.text} | signed)
    thoughts = tokens(plan.reasoning)
    used = usage(turn, thoughts, plan.output_tokens - thoughts)
    return candidate(turn, used, [*parts, *_calls(plan)], FINISH.get(plan.finish, plan.finish))


def frames(turn: Turn, plan: Plan, pieces: Sequence[Piece]) -> list[bytes]:
    """The stream: one event a piece, the finish on the last, no closing mark; usage grows with the events."""
    if empty := _empty(turn, plan):
        return _framed(turn, [empty])
    thoughts, said_so_far = tokens(plan.reasoning), 0
    events = [candidate(turn, usage(turn, thoughts, 0), [part]) for part in _painted(plan)]
    for kind, text in pieces:
        said_so_far += len(text) if kind == "text" else 0
        part: Json = {"text": text} if kind == "text" else {"text": text, "thought": True}
        events.append(candidate(turn, usage(turn, thoughts, (said_so_far + 3) // 4), [part]))
    finished = FINISH.get(plan.finish, plan.finish)
    used = usage(turn, thoughts, plan.output_tokens - thoughts)
    if plan.tools or not plan.text:
        events.append(candidate(turn, used, _calls(plan), finished))
    else:
        signed = {"thoughtSignature": SIGNATURE} if plan.reasoning else {}
        events[-1] = candidate(turn, used, [part | signed], finished)
    return _framed(turn, events)


def _framed(turn: Turn, events: list[Json]) -> list[bytes]:
    """Events of a stream, or the items of the JSON array that is sent when no events were asked for."""
    if not turn.options["array"]:
        return [sse(event) for event in events]
    items = [dumps(event).encode() for event in events]
    last = len(items) - 1
    return [
        (b"[" if not index else b",\r\n") + item + (b"]" if index == last else b"") for index, item in enumerate(items)
    ]


def error_body(turn: Turn, kind: str) -> Json:
    """An error inside a stream with status 200."""
    return dict(faults.GEMINI["overloaded"][1])
