"""What a refusal means. Error bodies have many shapes; the status decides, and words where it cannot.

The shapes: ``{"error": {"code", "message"}}``, ``{"error": "text"}``, ``{"code", "message"}``, ``{"errors": [...]}``,
``{"result": {"error": {...}}}``, ``{"result": {"status": false | "error", "message" | "messages"}}``, nothing, a page.
"""

import email.utils
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reports.avito.assumed import LONGEST_WAIT
from reports.avito.errors import AvitoError, Kind
from reports.avito.methods import Method
from reports.avito.reading import Json, Unreadable, mapping, moment, number, parse, rows, text, whole

# Inside answers with status 200 (cpa.json and calltracking.json, 2026): what it would have been as a status. 1000 and
# 1001: an empty and a wrong request, 1002: rights, 1003: Avito's own fault, 1004: nothing found.
INNER = {1000: 400, 1001: 400, 1002: 401, 1003: 500, 1004: 404}
EXPIRED = re.compile(r"token[_ -]?(is[_ ])?expired|(invalid|expired)[_ ](access[_ ])?token", re.IGNORECASE)
# Of these the token is renewed once, whatever else they may mean.
OF_TOKEN = (401, 403)
WORTH_ANOTHER = (408, 425)
# Where an answer may say how long to wait: after any refusal, and after one because of a limit.
RETRY_AFTER = ("retry-after",)
PAUSES = (*RETRY_AFTER, "x-ratelimit-retry-after", "x-ratelimit-reset")


@dataclass(frozen=True)
class Reply:
    """An answer as it came. ``content`` may hold anything, a token too."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def __repr__(self) -> str:
        return f"<Reply {self.status}, {len(self.content)} bytes>"


def value_of(method: Method, reply: Reply) -> tuple[str, Any]:
    """The text of an answer, and what it holds: nothing (None) of one without a content. Raises ``AvitoError``."""
    if not 200 <= reply.status < 300:
        raise refusal(method, reply.status, read(reply.content))
    if reply.status == 204:
        return "", None
    told = _decoded(reply.content)
    try:
        value = parse(told)
    except Unreadable as error:
        raise AvitoError(Kind.AVITO_DOWN, str(error), section=method.section, status=reply.status) from None
    if (complaint := complaint_in(value)) is not None:
        raise _inside(method, complaint)
    if method.holds and mapping(value).get(method.holds) is None:
        raise AvitoError(Kind.AVITO_DOWN, f"No {method.holds} in the answer.", section=method.section)
    return told, value


def refusal(method: Method, status: int, body: Any) -> AvitoError:
    """The error of an answer with another status than 2xx; ``body``: its JSON, or the text that is none."""
    message = sentence(body)
    if status in OF_TOKEN and is_page(body):
        # A balancer or a guard before Avito speaks in pages; of the token it knows nothing.
        return AvitoError(Kind.AVITO_DOWN, "A page instead of JSON.", section=method.section, status=status)
    if status == 400 and EXPIRED.search(message):
        status = 401
    return AvitoError(_kind(method, status), message, section=method.section, status=status)


def _inside(method: Method, complaint: Json) -> AvitoError:
    """The error that stood inside an answer with status 200. ``status`` becomes what it would have been."""
    message = sentence({"error": complaint})
    code = whole(complaint.get("code")) or 0
    status = 401 if EXPIRED.search(message) else INNER.get(code, code)
    kind = _kind(method, status) if 400 <= status < 600 else method.inside
    return AvitoError(
        kind, message or f"Error {code} inside the answer.", section=method.section, status=status or None
    )


def _kind(method: Method, status: int) -> Kind:
    by_status = {
        401: Kind.NO_ACCESS,
        402: Kind.NEEDS_SUBSCRIPTION,
        403: method.closed,
        404: method.missing,
        410: method.missing,
        429: Kind.RATE_LIMITED,
    }
    if status in by_status:
        return by_status[status]
    lasting = 400 <= status < 500 and status not in WORTH_ANOTHER
    return Kind.BAD_REQUEST if lasting else Kind.AVITO_DOWN


def complaint_in(value: Any) -> Json | None:
    """What an answer with status 200 complains of, as ``{"code", "message"}``; None when it is an answer."""
    body = mapping(value)
    result = mapping(body.get("result"))
    for source in (body, result):
        error = source.get("error")
        if isinstance(error, dict) and whole(error.get("code")) != 0 and error:
            return error
        if isinstance(error, str) and error:
            return {"message": error}
    if result.get("status") is False or result.get("status") == "error":
        return {"message": sentence(body)}
    if body.keys() == {"code", "message"}:
        return body
    if rows(body.get("errors")) and "result" not in body:
        return {"message": sentence(body)}
    return None


def sentence(body: Any) -> str:
    """What an error body says, in one line; empty when it says nothing."""
    source = mapping(body)
    for inner in (source.get("error"), mapping(source.get("result")).get("error")):
        source = inner if isinstance(inner, dict) else source
    named: Any = source.get("message") or source.get("error_description") or source.get("error")
    result = mapping(source.get("result"))
    named = named or result.get("message") or result.get("messages") or source.get("errors")
    words = [text(word) for word in named if isinstance(word, str)] if isinstance(named, list) else [text(named)]
    return " ".join(" ".join(words).split())


def is_page(body: Any) -> bool:
    return isinstance(body, str) and body.lstrip().startswith("<")


def read(content: bytes) -> Any:
    """The JSON of an error body, or its text."""
    told = _decoded(content)
    try:
        return parse(told)
    except Unreadable:
        return told


def _decoded(content: bytes) -> str:
    return content.decode("utf-8-sig", "replace")


def asked_to_wait(headers: Mapping[str, str], now: datetime, names: Sequence[str] = PAUSES) -> float | None:
    """How many seconds an answer says to wait; None when it does not say. Names of headers in lower case.

    Only X-RateLimit-Limit and -Remaining are described (items.json); the others are what such servers usually send.
    """
    for name in names:
        if (seconds := _seconds(headers.get(name, "").strip(), now)) is not None:
            return min(max(seconds, 0.0), LONGEST_WAIT)
    return None


def _seconds(stated: str, now: datetime) -> float | None:
    """A number of seconds, a moment in Unix time, or an HTTP date."""
    if (figure := number(stated)) is not None:
        if figure <= LONGEST_WAIT:
            return float(figure)
        until = moment(stated)
    else:
        until = _http_date(stated)
    return None if until is None else (until - now).total_seconds()


def _http_date(stated: str) -> datetime | None:
    try:
        told = email.utils.parsedate_to_datetime(stated)
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def remaining(headers: Mapping[str, str]) -> int | None:
    """How many calls are left in this minute; None when the answer does not say."""
    return whole(headers.get("x-ratelimit-remaining", "").strip())
