"""The calls there are: a table. Paths, verbs and slashes at the end are those of Avito's API descriptions (2026)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import quote

from reports.avito.assumed import SOURCE
from reports.avito.errors import Kind
from reports.metrics import Section


@dataclass(frozen=True)
class Method:
    """``fresh``: for how many seconds an answer serves whoever asks the same. ``missing``, ``closed``, ``inside``: what
    a 404, a 403 with a new token, and an error inside an answer with status 200 mean here. ``holds``: what an answer
    has, if it is one."""

    name: str
    verb: str
    path: str
    section: Section
    fresh: int = 0
    holds: str = ""
    missing: Kind = Kind.BAD_REQUEST
    closed: Kind = Kind.NO_ACCESS
    inside: Kind = Kind.BAD_REQUEST
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def where(self, **places: str | int) -> str:
        """The path, with places filled in: ids may hold whatever a path gives a meaning to."""
        return self.path.format(**{name: quote(str(value), safe="") for name, value in places.items()})


OURS, NOT_HERE = Kind.WRONG_ACCOUNT, Kind.NOT_FOR_ACCOUNT

SELF = Method("self", "GET", "/core/v1/accounts/self", Section.ACCOUNT, holds="id")
BALANCE = Method("balance", "GET", "/core/v1/accounts/{uid}/balance/", Section.MONEY, fresh=60, missing=OURS)
ADVANCE = Method(
    "cpa",
    "POST",
    "/cpa/v3/balanceInfo",
    Section.ADVANCE,
    fresh=60,
    missing=NOT_HERE,
    closed=NOT_HERE,
    inside=NOT_HERE,
    headers=MappingProxyType({"X-Source": SOURCE}),
)
OPERATIONS = Method("operations", "POST", "/core/v1/accounts/operations_history/", Section.MONEY)
STATISTICS = Method(
    "stats_v2", "POST", "/stats/v2/accounts/{uid}/items", Section.STATISTICS, fresh=600, missing=OURS, holds="result"
)
# One limit with the above. A page costs a minute, so the first must last until the last is there.
STATISTICS_BY_ITEM = Method(
    "stats_v2", "POST", "/stats/v2/accounts/{uid}/items", Section.STATISTICS, fresh=3600, missing=OURS, holds="result"
)
STATISTICS_V1 = Method(
    "stats_v1", "POST", "/stats/v1/accounts/{uid}/items", Section.STATISTICS, missing=OURS, holds="result"
)
SPENDINGS = Method(
    "spendings",
    "POST",
    "/stats/v2/accounts/{uid}/spendings",
    Section.STATISTICS,
    fresh=600,
    missing=OURS,
    holds="result",
)
CALLS = Method(
    "calls", "POST", "/core/v1/accounts/{uid}/calls/stats/", Section.CALLS, fresh=600, missing=OURS, holds="result"
)
RECORDED_CALLS = Method("get_calls", "POST", "/calltracking/v1/getCalls/", Section.CALLS, missing=NOT_HERE)
# Kept so long because an account with more than 25 pages is gone through in several minutes (`items.items`).
ITEMS = Method("items", "GET", "/core/v1/items", Section.ITEMS, fresh=600)
ITEM = Method("item", "GET", "/core/v1/accounts/{uid}/items/{item}/", Section.ITEMS)
CHATS = Method("chats", "GET", "/messenger/v2/accounts/{uid}/chats", Section.MESSENGER, missing=OURS)
MESSAGES = Method("messages", "GET", "/messenger/v3/accounts/{uid}/chats/{chat}/messages/", Section.MESSENGER)
VOICES = Method("voices", "GET", "/messenger/v1/accounts/{uid}/getVoiceFiles", Section.MESSENGER)
RATING = Method("rating", "GET", "/ratings/v1/info", Section.RATINGS, fresh=3600, missing=NOT_HERE)
REVIEWS = Method("reviews", "GET", "/ratings/v1/reviews", Section.RATINGS, missing=NOT_HERE)
TARIFF = Method("tariff", "GET", "/tariff/info/1", Section.ACCOUNT, fresh=3600, missing=NOT_HERE)
