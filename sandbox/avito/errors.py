"""Refusals as Avito words them: each family of methods has a body of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WORDS = {
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not found",
    429: "Too Many Requests",
    500: "Error while processing request. Please, contact support",
    503: "Service temporarily unavailable. Please, contact support",
}
# The numbers that calls and CPA put inside an answer with status 200 (Avito's API description, cpa.json, 2026).
INSIDE = {400: 1001, 401: 1002, 403: 1002, 404: 1004, 500: 1003, 503: 1003}


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer; a body that is text goes out as it is."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    type: str = "application/json"


class RefusedError(Exception):
    """The request is not served; carries the `Reply`."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"refused with {reply.status}")
        self.reply = reply


def body_of(style: str, status: int, message: str = "", fields: Mapping[str, str] | None = None) -> Any:
    """An error body in the style of a family: error, code, cpa, calls, ratings, tariff."""
    words = message or WORDS.get(status, "Error")
    if style == "code":
        return {"code": str(status), "message": words}
    if style == "tariff" and status == 404:
        return {"errors": [words]}
    if style == "ratings" and status == 400:
        return {"error": {"code": "validation", "message": words}}
    if style == "cpa":
        if status in (401, 403):
            return {"result": {"status": False, "message": "invalid access token"}}
        return {"error": {"code": 429}} if status == 429 else {"error": {"code": status, "message": words}}
    error: dict[str, Any] = {"code": status, "message": words}
    if fields:
        error["fields"] = dict(fields)
    return {"error": error}


def refused(style: str, status: int, message: str = "", headers: Mapping[str, str] | None = None) -> RefusedError:
    """To be raised."""
    return RefusedError(Reply(status, body_of(style, status, message), headers or {}))


def invalid(style: str, name: str, why: str) -> RefusedError:
    """400 because of one field. Calls say so inside an answer with status 200."""
    if style == "calls":
        return RefusedError(Reply(200, inside(400, f"{name}: {why}")))
    if style in ("code", "ratings"):
        return refused(style, 400, f"Field `{name}` {why}")
    return RefusedError(Reply(400, body_of(style, 400, "Validation error", {name: why})))


def inside(status: int, message: str) -> Any:
    """The body of calls that went wrong with status 200."""
    return {"calls": [], "error": {"code": INSIDE.get(status, 1003), "message": message}}
