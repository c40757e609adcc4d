"""Conditions that headers set: once however often it is sent, and only if it is still what was read."""

import hashlib
import json
import re
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from pydantic import BaseModel

from core.problem import HttpProblem, bad

IDEMPOTENCY_KEY = re.compile(r"[!-~]([ -~]{0,198}[!-~])?")
VERSION = re.compile(r'(?:W/)?"([0-9]{1,9})"', re.ASCII)
Header = dict[str, Any]
IF_MATCH: Header = {
    "in": "header",
    "name": "If-Match",
    "description": "The ETag of what was read; another version is left alone and answered with 412.",
    "schema": {"type": "string", "examples": ['"3"']},
    "required": False,
}


def idempotency(makes: str) -> Header:
    """The header Idempotency-Key, described; ``makes`` as in "one reminder"."""
    return {
        "in": "header",
        "name": "Idempotency-Key",
        "description": f"The same key with the same body makes {makes}, however often it is sent.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]([ -~]*[!-~])?$"},
        "required": False,
    }


def idempotency_key(request: HttpRequest) -> str:
    """Empty: none was sent. Raises HttpProblem."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if key and not IDEMPOTENCY_KEY.fullmatch(key):
        raise bad("Idempotency-Key", "bad-value", _("Send 1 to 200 printable characters without accents."))
    return key


def digest(body: BaseModel) -> str:
    """By it the same request is recognized, however its JSON was written."""
    sent = json.dumps(body.model_dump(mode="json", exclude_unset=True), sort_keys=True)
    return hashlib.sha256(sent.encode()).hexdigest()


def version_wanted(request: HttpRequest) -> int | None:
    """The version that the caller read; None: whichever it is. Raises HttpProblem for what is none of ours."""
    wanted = request.headers.get("If-Match", "*").strip()
    if wanted == "*":
        return None
    found = VERSION.fullmatch(wanted)
    if found is None:
        raise stale()
    return int(found[1])


def stale() -> HttpProblem:
    return HttpProblem(412, _("Somebody changed it after you read it. Read it again."))
