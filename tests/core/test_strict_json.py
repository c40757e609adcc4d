"""core/strict_json.py: what is read, what is refused and by which code."""

import json
from typing import Any

import pytest

from core.strict_json import BadJSON, read

REFUSED = {
    "": "malformed",
    "{": "malformed",
    '{"a": 1,}': "malformed",
    "1" * 5000: "malformed",
    '{"a": 1, "a": 2}': "duplicate-name",
    '[{"b": {"a": 1, "a": 1}}]': "duplicate-name",
    "NaN": "bad-number",
    '{"a": -Infinity}': "bad-number",
    "1e999": "bad-number",
    r'"\u0000"': "bad-text",
    r'{"\u0000": 1}': "bad-text",
    r'"\ud83d"': "bad-text",
    r'[["\ude00\ud83d"]]': "bad-text",
    "[" * 100_000: "too-deep",
}


def code(text: str | bytes, **limits: int) -> str:
    with pytest.raises(BadJSON) as caught:
        read(text, **limits)
    return caught.value.code


@pytest.mark.parametrize(("text", "expected"), REFUSED.items(), ids=lambda text: text[:20])
def test_refused_with_a_code(text: str, expected: str) -> None:
    assert code(text) == expected


@pytest.mark.parametrize(
    "value", [None, True, 0, -1.5, 10**30, "", "Чай 🍵", [], {}, {"a": [1, {"b": None}], "": "\u2028"}]
)
def test_value_comes_back(value: Any) -> None:
    assert read(json.dumps(value)) == value
    assert read(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "utf-8-sig"])
def test_only_utf_8_is_read(encoding: str) -> None:
    assert code('"é"'.encode(encoding)) == "malformed"


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def test_as_deep_as_allowed_is_read() -> None:
    assert read(nested(32))
    assert code(nested(33)) == "too-deep"
    assert read(nested(3), deepest=3)
    assert code(nested(4), deepest=3) == "too-deep"
