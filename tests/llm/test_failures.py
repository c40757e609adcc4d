"""Error bodies of every shape, and what they ask for."""

# ruff: noqa: E501 (bodies stay on one line)

import email.utils
import time
from collections.abc import Mapping
from typing import Any

import pytest

from llm.providers.failures import classify, find_error, read_complaint, retry_after, seconds, window
from llm.providers.openai import OpenAI
from tests.llm.conftest import Wire, refused

QUOTA = {"message": "You exceeded your current quota, please check your plan and billing details.", "type": "insufficient_quota", "param": None, "code": "credit_balance_exhausted"}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"error": {"message": "Incorrect API key provided: sk-…", "code": "invalid_api_key"}}, "auth"),
        (429, {"error": QUOTA}, "billing"),
        (429, {"error": {"message": "Rate limit reached …", "type": "requests", "code": "rate_limit_exceeded"}}, "rate_limited"),
        (429, {"error": {"message": "Rate limit reached on requests per day (RPD): Limit 200", "type": "requests"}}, "quota_daily"),
        (400, {"error": {"message": "This model's maximum context length is 8192 tokens.", "code": "context_length_exceeded"}}, "context_too_long"),
        (400, {"error": {"message": "Refused.", "code": "content_policy_violation"}}, "blocked"),
        (403, {"error": {"message": "Country, region, or territory not supported", "code": "unsupported_country_region_territory"}}, "forbidden_region"),
        (403, {"error": {"message": "Your input was flagged", "code": 403, "metadata": {"reasons": ["x"]}}}, "blocked"),
        (403, {"detail": "Forbidden"}, "auth"),
        (404, {"error": {"message": "The model `x` does not exist", "code": "model_not_found"}}, "model_not_found"),
        (402, {"error": {"code": 402, "message": "Insufficient credits", "metadata": {}}}, "billing"),
        (400, {"error": "invalid temperature"}, "bad_request"),
        (400, [{"error": {"message": "the input is too long"}}], "context_too_long"),
        (413, None, "too_large"),
        (500, None, "server"),
        (502, None, "server"),
        (503, {}, "overloaded"),
        (504, None, "timeout"),
        (529, {"error": {"type": "overloaded_error"}}, "overloaded"),
        (200, {"error": {"code": 502, "message": "Provider disconnected"}}, "server"),
        (200, {"error": {"code": "429", "message": "slow down"}}, "rate_limited"),
        (200, {"error": {"message": "?"}}, "server"),
        (418, {"message": {"nested": {"deeper": 1}}}, "bad_request"),
        (400, 7, "bad_request"),
    ],
)  # fmt: skip
def test_kind_of_error(status: int, body: Any, kind: str) -> None:
    assert classify(read_complaint(status, body)) == kind


@pytest.mark.parametrize("body", [[{"error": {"message": "x"}}], {"error": "x"}, {"object": "error", "message": "x"}])
def test_error_is_found_in_every_shape(body: Any) -> None:
    assert find_error(body)


@pytest.mark.parametrize("body", [{"error": None, "choices": []}, {"choices": []}, [{"candidates": []}], None, 3, "x"])
def test_answers_are_no_errors(body: Any) -> None:
    assert find_error(body) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1s", 1), ("6m0s", 360), ("20ms", 0.02), ("36.43s", 36.43), ("3", 3), ("1h2m", 3720), ("soon", None), ("", None)],
)
def test_spans_of_time(text: str, expected: float | None) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("headers", "message", "expected"),
    [
        ({"retry-after": "7"}, "", 7),
        ({"retry-after-ms": "1500", "retry-after": "7"}, "", 1.5),
        ({"x-ratelimit-reset-requests": "1s"}, "", 1),
        ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "9s", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}, "", 360),
        ({"retry-after": "never"}, "Please try again in 1m30s.", 90),
        ({}, "Please retry in 36.429760048s.", 36.429760048),
        ({}, "Try again later.", None),
    ],
)  # fmt: skip
def test_wait_that_a_provider_asks_for(headers: Mapping[str, str], message: str, expected: float | None) -> None:
    assert retry_after(headers, message) == expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.", 8192),
        ("The decoder prompt (length 5000) is longer than the maximum model length of 4096.", 4096),
        ("Prompt contains 45000 tokens, too large for model with 32768 maximum context length", 32768),
        ("request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it", 4096),
        ("The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).", 1048576),
        ("This model's maximum context length is exceeded. Please reduce the length of the messages.", None),
        ("This model's maximum context length is 0 tokens.", None),
        ("This model's maximum context length is 99999999999 tokens.", None),
    ],
)
def test_window_that_a_refusal_names(sentence: str, expected: int | None) -> None:
    assert window(sentence) == expected


def test_dates_and_moments_are_waited_for_too() -> None:
    then = time.time() + 30
    date, moment = email.utils.formatdate(then, usegmt=True), str(int(then * 1000))
    waits = retry_after({"retry-after": date}, ""), retry_after({"x-ratelimit-reset": moment}, "")
    for wait in waits:  # a date tells no parts of a second
        assert wait is not None
        assert then - time.time() - 1 <= wait <= 30


async def test_headers_of_a_refusal_are_read(wire: Wire, openai: OpenAI) -> None:
    body = {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}
    wire.says_json(body, status=429, **{"Retry-After": "2", "x-ratelimit-reset-requests": "1s"})
    assert (await refused(openai)).retry_after == 2


async def test_page_of_a_proxy_is_a_server_error_without_its_markup(wire: Wire, openai: OpenAI) -> None:
    wire.says("<html><h1>502 Bad Gateway</h1></html>", status=502, content_type="text/html")
    error = await refused(openai)
    assert (error.kind, error.message) == ("server", "HTTP 502")


async def test_redirect_is_not_followed(wire: Wire, openai: OpenAI) -> None:
    wire.says("", status=302, Location="http://127.0.0.1:9/")
    assert (await refused(openai)).kind == "server"
    assert len(wire.seen) == 1


async def test_broken_json_in_a_stream_is_a_server_error(wire: Wire, openai: OpenAI) -> None:
    wire.says('data: {"choices":[{"del\n\n')
    assert (await refused(openai)).kind == "server"


async def test_closed_port_is_a_network_error() -> None:
    provider = OpenAI("openai", "http://127.0.0.1:9", "")
    error = await refused(provider)
    await provider.close()
    assert error.kind == "network"


async def test_server_that_hangs_up_is_a_network_error(wire: Wire, openai: OpenAI) -> None:
    wire.says(ending="cut")
    assert (await refused(openai)).kind == "network"
