"""What can go wrong on purpose: rules a test or a person sets for some methods, some account, some times.

Kinds for any method:
  400 401 402 403 404 429 500 503   that status, in the body style of the method
  html          a 502 page of a balancer, which is not JSON
  slow          the answer, after `seconds`
  hold          the answer, once `world.release()` lets it go
  cut           half of the answer, then the connection closes
  empty         200 without a body; 204: no content
  bad_json      200 with something that only begins like JSON
  inside        200 with an error inside
Kinds for /token besides:
  invalid_client, invalid_client_200   the usual refusal of wrong keys, with status 401 and with 200
  no_token, null_token                 200 without a token
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .errors import Reply, body_of, inside

HTML = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n"
STATUSES = ("400", "401", "402", "403", "404", "429", "500", "503")
TRANSPORT = ("slow", "hold", "cut")  # the answer is made, but comes badly
ANYWHERE = (*STATUSES, "html", "empty", "204", "bad_json", "inside", *TRANSPORT)
TOKEN_ONLY = ("invalid_client", "invalid_client_200", "no_token", "null_token")
KINDS = (*ANYWHERE, *TOKEN_ONLY)
INVALID_CLIENT = {"error": "invalid_client", "error_description": "Client authentication failed"}

# Methods by their short names, and the families a rule may name instead.
FAMILIES = {
    "stats": ("stats_v1", "stats_v2", "spendings"),
    "messenger": ("chats", "chat", "messages", "read", "voices"),
    "ratings": ("rating", "reviews"),
    "cpa": ("cpa_v3", "cpa_v2"),
    "items": ("item_list", "item"),
    "calls": ("call_stats", "calltracking"),
}
METHODS = (
    *("token", "self", "balance", "operations", "item_list", "item", "stats_v1", "stats_v2", "spendings"),
    *("call_stats", "calltracking", "cpa_v3", "cpa_v2", "chats", "chat", "messages", "read", "voices"),
    *("rating", "reviews", "tariff"),
)


def covers(section: str, method: str) -> bool:
    """Whether a section (a method, a family, or "*" for everything but /token) has the method in it."""
    return section == method or method in FAMILIES.get(section, ()) or (section == "*" and method != "token")


@dataclass
class Trouble:
    """A rule; `uid` None means every account, `times` None every time, the first `after` requests pass.

    `body` and `message` are for statuses and for errors inside: a body of one's own, or other words in the usual one.
    """

    section: str
    kind: str
    uid: int | None = None
    times: int | None = None
    after: int = 0
    seconds: float = 0.0
    message: str = ""
    body: Any = None
    retry_after: int | None = None
    matched: int = 0

    def __post_init__(self) -> None:
        if self.section not in (*METHODS, *FAMILIES, "*"):
            raise ValueError(f"unknown section {self.section!r}")
        if self.kind not in KINDS or (self.kind in TOKEN_ONLY and self.section != "token"):
            raise ValueError(f"unknown kind {self.kind!r} for {self.section}")

    def takes(self, method: str, uid: int | None) -> bool:
        """Whether this request is the rule's; counts it."""
        if not covers(self.section, method) or self.uid not in (None, uid):
            return False
        self.matched += 1
        served = self.matched - self.after
        return served > 0 and (self.times is None or served <= self.times)

    def as_dict(self) -> dict[str, Any]:
        """As the control API shows it."""
        return asdict(self)


def reply_of(trouble: Trouble, style: str) -> Reply:
    """What is answered in place of the answer."""
    kind, method = trouble.kind, trouble.section
    if kind in STATUSES:
        headers = {} if trouble.retry_after is None else {"Retry-After": str(trouble.retry_after)}
        body = body_of(style, int(kind), trouble.message) if trouble.body is None else trouble.body
        return Reply(int(kind), body, headers)
    if kind == "inside":
        said = trouble.message or "internal error"
        usual = inside(500, said) if style == "calls" else {"error": {"code": 1003, "message": said}}
        return Reply(200, usual if trouble.body is None else trouble.body)
    table = {
        "html": Reply(502, HTML, type="text/html"),
        "empty": Reply(200, ""),
        "204": Reply(204, ""),
        "bad_json": Reply(200, '{"result": {"items": [{"id": 7, '),
        "invalid_client": Reply(401, INVALID_CLIENT),
        "invalid_client_200": Reply(200, INVALID_CLIENT),
        "no_token": Reply(200, {"token_type": "Bearer", "expires_in": 86400}),
        "null_token": Reply(200, {"access_token": None, "token_type": "Bearer", "expires_in": 86400}),
    }
    if kind not in table:
        raise ValueError(f"{kind} of {method} is no answer")
    return table[kind]
