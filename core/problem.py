"""Errors as programs read them: problem+json (RFC 9457, https://www.rfc-editor.org/rfc/rfc9457).

    {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "…",
     "errors": [{"field": "trigger_at", "code": "past", "detail": "…"}]}

``errors`` says field by field what is wrong; the codes are steady, the sentences are for people.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus

from django.http import HttpResponse

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Flaw:
    """One thing that is wrong: where, for programs, and for people what to do. ``field`` is empty for the whole."""

    field: str
    code: str
    detail: str


class HttpProblem(Exception):
    """Ends a request with an answer that says what is wrong."""

    def __init__(
        self,
        status: int,
        detail: str = "",
        flaws: Sequence[Flaw] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or " ".join(dict.fromkeys(flaw.detail for flaw in flaws)))
        self.status, self.flaws, self.headers = status, flaws, headers or {}

    def answer(self) -> HttpResponse:
        body = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": str(self),
            "errors": [asdict(flaw) for flaw in self.flaws],
        }
        content = json.dumps(body, ensure_ascii=False)
        answer = HttpResponse(content, status=self.status, content_type=CONTENT_TYPE, headers=dict(self.headers))
        # Django would log it as an unexpected thing, and what the caller did wrong is no news here.
        answer._has_been_logged = True  # type: ignore[attr-defined]
        return answer


def bad(field: str, code: str, detail: str) -> HttpProblem:
    """400 for one field."""
    return HttpProblem(400, flaws=[Flaw(field, code, detail)])
