"""`POST /token`: a token for a pair of keys (authorization.json)."""

from __future__ import annotations

import hmac
from typing import Any

from .errors import RefusedError, Reply
from .troubles import INVALID_CLIENT
from .world import AvitoWorld

GRANT = "client_credentials"


def issue(world: AvitoWorld, form: dict[str, str] | None) -> Any:
    """The answer to a form (None: the body was none). RefusedError: keys are missing, wrong or revoked."""
    if form is None:
        raise RefusedError(Reply(400, error("invalid_request", "the body must be application/x-www-form-urlencoded")))
    for name in ("grant_type", "client_id", "client_secret"):
        if not form.get(name):
            raise RefusedError(Reply(400, error("invalid_request", f"{name} is missing")))
    if form["grant_type"] != GRANT:
        raise RefusedError(Reply(400, error("unsupported_grant_type", form["grant_type"])))
    keys = world.keys.get(form["client_id"])
    if keys is None or keys.revoked or not _same(keys.client_secret, form["client_secret"]):
        raise RefusedError(Reply(401, INVALID_CLIENT))
    answer: dict[str, Any] = {"access_token": world.issue(keys), "token_type": "Bearer"}
    manners = world.manner(keys.uid)
    if manners.expires_in != "absent":
        life = manners.token_seconds
        answer["expires_in"] = str(life) if manners.expires_in == "string" else life
    return answer


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode(), theirs.encode())


def error(word: str, description: str) -> dict[str, str]:
    """An OAuth error."""
    return {"error": word, "error_description": description}
