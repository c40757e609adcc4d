"""What a provider's refusal means: one reader for the error bodies that the OpenAI form and Mistral use.

The shapes: ``{"error": {...}}``, ``{"error": "text"}``, ``{"object": "error", "message": ...}``, ``{"message": ...}``,
``{"detail": "text" | [{"loc": [...], "msg": ...}]}``, any of them in a list of one, and pages that are no JSON at all.
Words decide only where the status does not: texts change more often than numbers.
"""

import email.utils
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llm.errors import Kind

CONTEXT = re.compile(
    r"context[_ ](length|window|size)|maximum context|too many tokens|token count.{0,40}exceed|reduce the length"
    r"|prompt is (too long|longer)|input (is )?too long|string_above_max_length|exceed.{0,30}context"
)
# The window that such a refusal names: OpenAI and most others, vLLM, Mistral, llama.cpp, Gemini. Of four digits at
# least, for what is remembered of it must not leave a dialog without its history by mistake.
WINDOW = re.compile(
    r"context length is (\d{4,9})\b|model length of (\d{4,9})\b|\b(\d{4,9}) maximum context length"
    r"|context size \((\d{4,9})\b|tokens allowed \((\d{4,9})\)"
)
BLOCKED = re.compile(r"content[_ ]policy|content[_ ]filter|content exists risk|guardrail|moderation|flagged")
MODEL = re.compile(
    r"model_not_found|invalid_model|invalid model|model not exist|no endpoints found"
    r"|model.{0,80}(not found|not exist|is not available|not supported for this api)"
)
REGION = re.compile(r"country|region|territory|location is not supported|location not supported")
BILLING = re.compile(
    r"insufficient[_ ](quota|balance|credit|fund)|credit_balance|billing_hard_limit|payment required"
    r"|(credits?|prepayment).{0,20}(depleted|exhausted)|billing_not_active"
)
DAILY = re.compile(r"per[-_ ]?day|\b[rt]pd\b|daily|monthly|per[-_ ]?month")
OVERLOADED = re.compile(r"capacity|overloaded|server is busy|insufficient_system_resource")
WAIT = re.compile(r"(?:retry|try again) (?:in|after) ((?:\d+(?:\.\d+)?(?:ms|h|m|s))+)", re.IGNORECASE)
SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
BY_STATUS: dict[int, Kind] = {
    401: "auth", 402: "billing", 404: "model_not_found", 408: "timeout", 413: "too_large", 503: "overloaded",
    504: "timeout", 529: "overloaded",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error body, whatever its shape was. ``code`` is text even where a provider sends a number."""

    status: int
    message: str
    type: str = ""
    code: str = ""
    param: str = ""

    @property
    def words(self) -> str:
        return f"{self.code} {self.type} {self.message}".lower()


def parse(content: bytes) -> Any:
    """The JSON in ``content``, or None: a proxy's page, nothing, a broken body."""
    try:
        return json.loads(content)
    except ValueError:
        return None


def find_error(body: Any) -> Any:
    """The part of an HTTP 200 body or of a stream's event that is an error, or None."""
    if isinstance(body, list):
        return next((found for item in body if (found := find_error(item))), None)
    if isinstance(body, dict) and (body.get("error") or body.get("object") == "error"):
        return body
    return None


def source_of(body: Any) -> dict[str, Any]:
    """The object that tells of the error, out of its list or envelope; empty when there is none."""
    if isinstance(body, list):
        body = next((item for item in body if isinstance(item, dict)), None)
    source: dict[str, Any] = body if isinstance(body, dict) else {}
    inner = source.get("error")
    if isinstance(inner, dict):
        return inner
    return source | {"message": inner} if isinstance(inner, str) else source


def read_complaint(status: int, body: Any) -> Complaint:
    """``body`` (parsed JSON or None) as a `Complaint`. Never raises, whatever came."""
    source = source_of(body)
    message, param = _sentence(source.get("message") or source.get("detail"))
    code = source.get("code")
    return Complaint(
        _status(code, status),
        message or f"HTTP {status}",
        str(source.get("type") or ""),
        "" if code is None else str(code),
        str(source.get("param") or param),
    )


def _status(code: Any, status: int) -> int:
    """Inside a stream the HTTP status is 200, and the true one is the error's code, if it is a number at all."""
    if status >= 400:
        return status
    return int(code) if str(code).isdigit() and 400 <= int(code) < 600 else 500


def _sentence(value: Any) -> tuple[str, str]:
    """The message and the blamed field of a text, of ``{"detail": ...}`` or of a list of validation errors."""
    if isinstance(value, dict):
        return _sentence(value.get("detail") or value.get("message"))
    if isinstance(value, list) and value and isinstance(value[0], dict):
        where = value[0].get("loc")
        field = str(where[-1]) if isinstance(where, list) and where else ""
        return f"{value[0].get('msg') or ''} {field}".strip(), field
    return (value, "") if isinstance(value, str) else ("", "")


# What decides where a status has several meanings: the first pattern that fits, else what `BY_WORDS` names.
Words = tuple[tuple[re.Pattern[str], Kind], ...]
LIMITED: Words = ((BILLING, "billing"), (OVERLOADED, "overloaded"), (DAILY, "quota_daily"))
FORBIDDEN: Words = (
    (REGION, "forbidden_region"),
    (BLOCKED, "blocked"),
    (BILLING, "billing"),
    (MODEL, "model_not_found"),
)
REFUSED: Words = (
    (CONTEXT, "context_too_long"),
    (BLOCKED, "blocked"),
    (MODEL, "model_not_found"),
    (re.compile(r"invalid_api_key|api key not valid|incorrect api key"), "auth"),
    (
        re.compile(r"location is not supported|unsupported_country|not available in your (country|region)"),
        "forbidden_region",
    ),
    (BILLING, "billing"),
)
BY_WORDS: dict[int, tuple[Words, Kind]] = {
    400: (REFUSED, "bad_request"),
    403: (FORBIDDEN, "auth"),
    422: (REFUSED, "bad_request"),
    429: (LIMITED, "rate_limited"),
}


def classify(complaint: Complaint) -> Kind:
    """The kind of error: by status first, then by words."""
    status, words = complaint.status, complaint.words
    if status in BY_WORDS:
        table, otherwise = BY_WORDS[status]
        return next((kind for pattern, kind in table if pattern.search(words)), otherwise)
    if kind := BY_STATUS.get(status):
        return kind
    if status >= 500:
        return "overloaded" if OVERLOADED.search(words) else "server"
    return "bad_request"


def window(message: str) -> int | None:
    """The model's window in tokens, as the refusal of a dialog that is too long names it; None when it does not."""
    found = WINDOW.search(message)
    return int(found[found.lastindex or 0]) if found else None


def seconds(text: str) -> float | None:
    """``"36.4s"``, ``"6m0s"``, ``"20ms"`` or ``"3"`` in seconds; None when it is none of these."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if not re.fullmatch(f"({SPAN.pattern})+", text):
        return None
    return sum(float(number) * UNITS[unit] for number, unit in SPAN.findall(text))


def retry_after(headers: Mapping[str, str], message: str) -> float | None:
    """How long a provider asks to wait, in seconds: its headers, else its sentence; None when it does not say."""
    if (value := headers.get("retry-after-ms", "")).isdigit():
        return int(value) / 1000
    if (stated := headers.get("retry-after")) is not None and (wait := _stated(stated)) is not None:
        return wait
    resets = [
        wait
        for what in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{what}", "0") == "0"
        and (wait := seconds(headers.get(f"x-ratelimit-reset-{what}", ""))) is not None
    ]
    if resets:
        return max(resets)
    if (moment := headers.get("x-ratelimit-reset", "")).isdigit():
        return _until(float(moment))
    found = WAIT.search(message)
    return seconds(found[1]) if found else None


def _stated(value: str) -> float | None:
    """Retry-After: seconds or an HTTP date."""
    if (wait := seconds(value.strip())) is not None:
        return wait
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _until(moment: float) -> float:
    """A reset given as a moment (Unix seconds or, by OpenRouter, milliseconds) or as seconds from now."""
    if moment < 10**8:
        return moment
    return max(0.0, (moment / 1000 if moment > 10**11 else moment) - time.time())
