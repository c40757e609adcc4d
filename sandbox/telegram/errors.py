"""What the Bot API refuses, in the words of the real server.

    ApiError          an answer {"ok": false, "error_code", "description", "parameters"}
    ControlError      a control call that makes no sense in this world (HTTP 400 of the control API)

The texts are those the public server sends; clients match on them.
"""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A refused method call: HTTP status, description and optional response parameters."""

    def __init__(self, code: int, description: str, parameters: dict[str, Any] | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def body(self) -> dict[str, Any]:
        """The JSON object the client gets."""
        answer: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            answer["parameters"] = self.parameters
        return answer


class ControlError(Exception):
    """The play-the-user side asked for something impossible; the text says what."""


def bad(text: str, **parameters: Any) -> ApiError:
    """400 with the prefix every such description carries."""
    return ApiError(400, f"Bad Request: {text}", parameters or None)


def forbidden(text: str) -> ApiError:
    """403: the chat does not want the bot."""
    return ApiError(403, f"Forbidden: {text}")


def conflict(text: str) -> ApiError:
    """409: two receivers of updates."""
    return ApiError(409, f"Conflict: {text}")


def too_many(seconds: int) -> ApiError:
    """429 with the pause in whole seconds."""
    return ApiError(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})


def unauthorized() -> ApiError:
    """401: the token is revoked or was never one."""
    return ApiError(401, "Unauthorized")


def not_found() -> ApiError:
    """404: no such token form, method or file."""
    return ApiError(404, "Not Found")
