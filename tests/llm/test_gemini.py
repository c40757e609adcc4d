"""Gemini, byte for byte as it answers."""

# ruff: noqa: E501 (what comes over the wire stays on one line)

from typing import Any

import pytest

from llm.providers.gemini import Gemini
from llm.types import End, Part, Reasoning, Text, Tool, ToolCall, Turn, Usage, user_says
from tests.llm.conftest import KEY, Wire, asks, heard, refused

STREAM = (
    'data: {"candidates":[{"content":{"role":"model","parts":[{"text":"**Multiplying**","thought":true}]},"index":0}],"usageMetadata":{"promptTokenCount":12,"totalTokenCount":40,"thoughtsTokenCount":28},"modelVersion":"gemini-3.8-flash","responseId":"r-1"}\r\n\r\n',
    'data: {"candidates":[{"content":{"role":"model","parts":[{"text":"4"}]},"index":0}],"usageMetadata":{"promptTokenCount":12,"candidatesTokenCount":1,"totalTokenCount":48,"thoughtsTokenCount":35},"modelVersion":"gemini-3.8-flash","responseId":"r-1"}\r\n\r\n',
    'data: {"candidates":[{"content":{"role":"model","parts":[{"text":"2.","thoughtSignature":"EpoBCpcBAbQ="}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":12,"candidatesTokenCount":5,"totalTokenCount":52,"thoughtsTokenCount":35},"modelVersion":"gemini-3.8-flash","responseId":"r-1"}\r\n\r\n',
)  # fmt: skip
CALLED = {"functionCall": {"id": "fc_1", "name": "get_weather", "args": {"city": "Oslo"}}, "thoughtSignature": "EpoBCpcBAbQ="}  # fmt: skip
CALLING = {
    "candidates": [{"content": {"role": "model", "parts": [CALLED]}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 60, "candidatesTokenCount": 14, "totalTokenCount": 109, "thoughtsTokenCount": 35},
    "modelVersion": "gemini-3.8-flash",
    "responseId": "r-2",
}  # fmt: skip
CALL = ToolCall("fc_1", "get_weather", '{"city": "Oslo"}')
WEATHER = Tool(
    "get_weather",
    "Weather now",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


async def test_thoughts_are_not_the_answer_and_the_last_count_holds(wire: Wire, gemini: Gemini) -> None:
    wire.says(*STREAM)
    raw = {"role": "model", "parts": [{"text": "4"}, {"text": "2.", "thoughtSignature": "EpoBCpcBAbQ="}]}
    assert await heard(gemini) == [
        Reasoning("**Multiplying**"),
        Text("4"),
        Text("2."),
        Usage(12, None, 40, 35),
        End("stop", "STOP", "gemini-3.8-flash", raw),
    ]


async def test_request_is_made_of_parts(wire: Wire, gemini: Gemini) -> None:
    wire.says(*STREAM)
    question = Turn("user", (Part("text", "What is this?"), Part("image", data=b"\x89PNG\r\n\x1a\n", mime="image/png")))
    turns = [question, Turn("assistant", (Part("text", "A dot."),)), user_says("Sure?")]
    await heard(
        gemini,
        asks(model="gemini-3.8-flash", turns=turns, system="Be brief.", max_output=2048, effort="low", tools=[WEATHER]),
    )
    assert wire.seen[0].path == "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
    assert wire.seen[0].headers["x-goog-api-key"] == KEY
    assert wire.seen[0].body == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "What is this?"},
                    {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
                ],
            },
            {"role": "model", "parts": [{"text": "A dot."}]},
            {"role": "user", "parts": [{"text": "Sure?"}]},
        ],
        "generationConfig": {
            "maxOutputTokens": 2048,
            "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"},
        },
        "tools": [
            {
                "functionDeclarations": [
                    {
                        "name": "get_weather",
                        "description": "Weather now",
                        "parametersJsonSchema": WEATHER.parameters,
                    }
                ]
            }
        ],
    }


async def test_whole_answer_is_read(wire: Wire, gemini: Gemini) -> None:
    wire.says_json({"candidates": [{"content": {"role": "model", "parts": [{"text": "**Multiplying**", "thought": True}, {"text": "42.", "thoughtSignature": "EpoBCpcBAbQ="}]}, "finishReason": "STOP", "index": 0}], "usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 5, "totalTokenCount": 52, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}], "thoughtsTokenCount": 35}, "modelVersion": "gemini-3.8-flash", "responseId": "r-1"})  # fmt: skip
    answer = await gemini.chat(asks())
    assert wire.seen[0].path == "/v1beta/models/m:generateContent"
    assert (answer.text, answer.reasoning, answer.usage.output) == ("42.", "**Multiplying**", 40)


async def test_call_of_a_function_ends_with_tool_calls(wire: Wire, gemini: Gemini) -> None:
    wire.says_json(CALLING)
    events = await heard(gemini)
    raw = {"role": "model", "parts": [CALLED]}
    assert events == [CALL, Usage(60, None, 49, 35), End("tool_calls", "STOP", "gemini-3.8-flash", raw)]


async def test_call_goes_back_with_its_signature_and_answer(wire: Wire, gemini: Gemini) -> None:
    wire.says(*STREAM)
    asked = Turn("assistant", tool_calls=[CALL], raw={"role": "model", "parts": [CALLED]}, raw_model="gemini:m")
    answer = Turn("tool", (Part("text", '{"temp":3}'),), tool_call_id="fc_1", tool_name="get_weather")
    await heard(gemini, asks(turns=[user_says("Oslo?"), asked, answer]))
    assert wire.seen[0].body["contents"][1:] == [
        {"role": "model", "parts": [CALLED]},
        {
            "role": "user",
            "parts": [{"functionResponse": {"id": "fc_1", "name": "get_weather", "response": {"temp": 3}}}],
        },
    ]


async def test_answers_to_parallel_calls_are_one_content(wire: Wire, gemini: Gemini) -> None:
    wire.says(*STREAM)
    calls = [ToolCall("a", "f", "{}"), ToolCall("b", "g", "broken")]
    answers = [Turn("tool", (Part("text", "three"),), tool_call_id=call.id, tool_name=call.name) for call in calls]
    await heard(gemini, asks(turns=[user_says("?"), Turn("assistant", tool_calls=calls), *reversed(answers)]))
    model, user = wire.seen[0].body["contents"][1:]
    assert [part["functionCall"] for part in model["parts"]] == [
        {"id": "a", "name": "f", "args": {}},
        {"id": "b", "name": "g", "args": {"arguments": "broken"}},
    ]
    assert [part["functionResponse"] for part in user["parts"]] == [
        {"id": "a", "name": "f", "response": {"result": "three"}},
        {"id": "b", "name": "g", "response": {"result": "three"}},
    ]


async def test_id_that_the_model_did_not_give_is_never_sent(wire: Wire, gemini: Gemini) -> None:
    wire.says_json({"candidates": [{"content": {"parts": [{"functionCall": {"name": "f"}}]}, "finishReason": "STOP"}]})
    call = (await heard(gemini))[0]
    assert isinstance(call, ToolCall)
    assert call.id
    wire.says(*STREAM)
    answer = Turn("tool", (Part("text", "{}"),), tool_call_id=call.id, tool_name="f")
    await heard(gemini, asks(turns=[user_says("?"), Turn("assistant", tool_calls=[call]), answer]))
    assert call.id not in str(wire.seen[1].body)


@pytest.mark.parametrize(
    ("body", "finish", "raw_finish", "usage"),
    [
        ('{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9},"modelVersion":"gemini-3.8-flash","responseId":"r-3"}', "blocked", "PROHIBITED_CONTENT", Usage(9, None, 0, None)),
        ('{"candidates":[{"finishReason":"SAFETY","index":0,"safetyRatings":[{"category":"HARM_CATEGORY_DANGEROUS_CONTENT","probability":"HIGH","blocked":true}]}],"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9},"modelVersion":"gemini-3.8-flash","responseId":"r-4"}', "blocked", "SAFETY", Usage(9, None, 0, None)),
        ('{"candidates":[{"content":{"role":"model"},"finishReason":"MAX_TOKENS","index":0}],"usageMetadata":{"promptTokenCount":9,"totalTokenCount":73,"thoughtsTokenCount":64},"modelVersion":"gemini-3.8-flash","responseId":"r-5"}', "length", "MAX_TOKENS", Usage(9, None, 64, 64)),
    ],
)  # fmt: skip
async def test_empty_answer_says_why(
    wire: Wire, gemini: Gemini, body: str, finish: Any, raw_finish: str, usage: Usage
) -> None:
    wire.says(f"data: {body}\n\n")
    assert await heard(gemini) == [usage, End(finish, raw_finish, "gemini-3.8-flash", None)]


async def test_stream_that_ends_before_a_reason_was_cut(wire: Wire, gemini: Gemini) -> None:
    wire.says(*STREAM[:2])
    assert (await refused(gemini)).kind == "network"


async def test_unknown_parts_and_reasons_are_no_errors(wire: Wire, gemini: Gemini) -> None:
    wire.says(
        'data: {"candidates":[{"content":{"parts":[{"hologram":{}},{"text":"x"}]},"finishReason":"NEW"}],"x":1}\n\n'
    )
    events = await heard(gemini)
    assert events[0] == Text("x")
    assert isinstance(events[-1], End)
    assert events[-1].finish == "unknown"


def info(reason: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}


def quota(quota_id: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota_id}]}


UNMET = {
    "@type": "type.googleapis.com/google.rpc.PreconditionFailure",
    "violations": [{"type": "TIER", "subject": "x"}],
}
WAIT = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "36s"}


@pytest.mark.parametrize(
    ("code", "status", "message", "details", "kind", "wait"),
    [
        (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [info("API_KEY_INVALID")], "auth", None),
        (401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", [info("ACCESS_TOKEN_TYPE_UNSUPPORTED")], "auth", None),
        (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota … Please retry in 36.429760048s.", [quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"), WAIT], "rate_limited", 36),
        (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota … Please retry in 36.429760048s.", [], "rate_limited", 36.429760048),
        (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", [quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier")], "quota_daily", None),
        (402, "RESOURCE_EXHAUSTED", "No money.", [], "billing", None),
        (429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.", [], "billing", None),
        (400, "INVALID_ARGUMENT", "Function call is missing a thought_signature in functionCall parts.", [], "bad_request", None),
        (400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8).", [], "context_too_long", None),
        (400, "FAILED_PRECONDITION", "User location is not supported for the API use.", [], "forbidden_region", None),
        (400, "FAILED_PRECONDITION", "Gemini API free tier is not available in your country. Please enable billing.", [UNMET], "forbidden_region", None),
        (403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.", [], "auth", None),
        (404, "NOT_FOUND", "models/x is not found for API version v1beta.", [], "model_not_found", None),
        (413, "INVALID_ARGUMENT", "Request payload size exceeds the limit.", [], "too_large", None),
        (500, "INTERNAL", "An internal error has occurred.", [], "server", None),
        (503, "UNAVAILABLE", "The model is overloaded. Please try again later.", [], "overloaded", None),
        (504, "DEADLINE_EXCEEDED", "Too slow.", [], "timeout", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("listed", [False, True])
async def test_refusal_is_decided_by_its_details_first(
    wire: Wire, gemini: Gemini, code: int, status: str, message: str, details: Any, kind: str, wait: Any, listed: bool
) -> None:
    body = {"error": {"code": code, "message": message, "status": status, "details": details}}
    wire.says_json([body] if listed else body, status=code)
    error = await refused(gemini)
    assert (error.kind, error.retry_after, error.status) == (kind, wait, code)


async def test_error_within_a_stream_is_raised(wire: Wire, gemini: Gemini) -> None:
    wire.says(STREAM[0], 'data: {"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}\n\n')
    assert (await refused(gemini)).kind == "overloaded"


async def test_all_pages_of_the_list_are_read(wire: Wire, gemini: Gemini) -> None:
    chat = {"name": "models/gemini-3.8-flash", "version": "3.8", "displayName": "Gemini 3.8 Flash", "inputTokenLimit": 1048576, "outputTokenLimit": 65536, "supportedGenerationMethods": ["generateContent", "countTokens", "createCachedContent", "batchGenerateContent"], "temperature": 1, "topP": 0.95, "topK": 64, "maxTemperature": 2, "thinking": True}  # fmt: skip
    other = {"name": "models/gemini-embedding-001", "supportedGenerationMethods": ["embedContent", "countTextTokens"]}
    speech = {"name": "models/gemini-2.5-pro-preview-tts", "supportedGenerationMethods": ["generateContent"]}
    gemma = {"name": "models/gemma-4-31b-it", "supportedGenerationMethods": ["generateContent"]}
    wire.says_json({"models": [chat, other], "nextPageToken": "CAIQAg"})
    wire.says_json({"models": [speech, gemma]})
    flash, open_model = await gemini.list_models()
    assert [seen.path for seen in wire.seen] == [
        "/v1beta/models?pageSize=1000",
        "/v1beta/models?pageSize=1000&pageToken=CAIQAg",
    ]
    assert (flash.name, flash.label, flash.context_window, flash.max_output) == (
        "gemini-3.8-flash",
        "Gemini 3.8 Flash",
        1048576,
        65536,
    )
    able = {"text", "image", "document", "audio", "tools", "reasoning", "transcription"}
    assert flash.capabilities == able
    assert open_model.capabilities == {"text", "image"}


def test_version_in_the_address_is_kept() -> None:
    assert Gemini("gemini", "http://127.0.0.1/v1/", KEY).base_url == "http://127.0.0.1/v1"
    assert Gemini("gemini", "http://127.0.0.1/", KEY).base_url == "http://127.0.0.1/v1beta"
