"""What is sent to us: read strictly, with every unknown name refused, and everything that is wrong told at once."""

from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.parser import Parser
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from core.problem import Flaw, HttpProblem
from core.strict_json import DEEPEST, BadJSON, read
from reminders.api.times import FORM, unreadable

MOST_BODY = 64 * 1024  # bytes
MOST_WORDS = 10_000  # characters of a single value that is no payload
TIME = rf"^{FORM}$"
DATE = r"^\d{4}-\d{2}-\d{2}$"
CLOCK = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
# What an answer shows and nobody may set.
READ_ONLY = {"id", "user_id", "type", "created_at", "updated_at", "created_by_assistant_id", "next_run_at", "version"}
READ_ONLY |= {"last_triggered_at", "run_count", "status_reason", "needs_attention", "next_runs", "last_occurrence"}


class StrictParser(Parser):
    def parse_body(self, request: HttpRequest) -> Any:
        """Raises HttpProblem: 415 for another type, 413 for too much, 400 for what is no JSON."""
        if request.content_type != "application/json" or (request.encoding or "utf-8").lower() != "utf-8":
            raise HttpProblem(415, _("Send application/json in UTF-8."), headers={"Accept": "application/json"})
        if len(request.body) > MOST_BODY:
            raise too_much()
        try:
            return read(request.body, DEEPEST + 1)  # the body itself around a payload
        except BadJSON as error:
            raise HttpProblem(400, flaws=[Flaw("", error.code, str(error))]) from error


def too_much() -> HttpProblem:
    return HttpProblem(413, _("The body is too large: 64 KiB at most."))


def read_payload(value: Any) -> Any:
    """A JSON text is read; what it holds is checked by the services."""
    if isinstance(value, str):
        try:
            value = read(value)
        except BadJSON as error:
            raise PydanticCustomError("bad-payload", "{text}", {"text": str(error)}) from error
    if not isinstance(value, dict):
        text = _('The payload must be a JSON object, such as {"text": "Call mum"}.')
        raise PydanticCustomError("not-an-object", "{text}", {"text": text})
    return value


EXAMPLE = {"text": "Meeting", "priority": "normal"}
PAYLOAD = {
    "description": "A JSON object, at most 16 KiB: as an object, or as a string that holds one.",
    "anyOf": [{"type": "object", "minProperties": 1}, {"type": "string"}],
    "examples": [EXAMPLE],
}
Payload = Annotated[Any, BeforeValidator(read_payload), WithJsonSchema(PAYLOAD)]
Whole = Annotated[int, Field(strict=True)]
Time = Annotated[str, Field(pattern=TIME, description="RFC 3339", examples=["2026-04-06T12:00:00Z"])]
Clock = Annotated[str, Field(pattern=CLOCK, description="hours and minutes", examples=["09:30"])]
CatchUp = Annotated[
    Literal["none", "last"],
    Field(description="of runs missed beyond the grace: none, or the last one once"),
]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EveryDays(Body):
    """Every so many days, counted from a date."""

    kind: Literal["daily"]
    at: Clock
    every: Annotated[Whole, Field(ge=1, le=366)] = 1
    since: Annotated[str, Field(pattern=DATE, description="needed when every is above 1")] | None = None


class OnWeekdays(Body):
    """On chosen weekdays: 0 is Monday, 6 is Sunday."""

    kind: Literal["weekly"]
    days: Annotated[list[Annotated[Whole, Field(ge=0, le=6)]], Field(min_length=1, max_length=7)]
    at: Clock


class OnDayOfMonth(Body):
    """On a day of each month; a month without it has its last day instead."""

    kind: Literal["monthly"]
    day: Annotated[Whole, Field(ge=1, le=31)]
    at: Clock


class OnCron(Body):
    """Five fields as crontab has them; the same as cron_expression."""

    kind: Literal["cron"]
    expression: Annotated[str, Field(max_length=MOST_WORDS)]


Rule = Annotated[EveryDays | OnWeekdays | OnDayOfMonth | OnCron, Field(discriminator="kind")]
Title = Annotated[str, Field(max_length=200)]
CronText = Annotated[str, Field(max_length=MOST_WORDS, description="five fields", examples=["0 9 * * 1-5"])]
Zone = Annotated[
    str, Field(max_length=100, description="IANA name, or `owner`: the person's own, whichever it is at the time")
]
MaxRuns = Annotated[Whole, Field(ge=1, le=1_000_000, description="the series is over after so many runs")]
Grace = Annotated[Whole, Field(ge=0, le=30 * 86_400, description="how late a run may be and still fires, in seconds")]
NagMinutes = Annotated[Whole, Field(ge=1, le=1440, description="said again so often until somebody presses Done")]
Assistant = Annotated[UUID, Field(description="who acts: an assistant here, or one of yours that reads events")]


class Wish(Body):
    """A new reminder."""

    user_id: Annotated[Whole, Field(ge=1, lt=2**63, description="the person's Telegram id")]
    type: Literal["one_time", "recurring"]
    payload: Payload
    trigger_at: Annotated[
        Time | None, Field(description="when, if it is one_time: RFC 3339, in `timezone` if it has no offset")
    ] = None
    cron_expression: Annotated[CronText | None, Field(description="when, if it is recurring")] = None
    rule: Annotated[Rule | None, Field(description="when, if it is recurring and no cron says it")] = None
    timezone: Zone | None = None
    title: Annotated[Title, Field(description="what it is called")] = ""
    assistant_id: Assistant | None = None
    start_at: Time | None = None
    end_at: Time | None = None
    max_runs: MaxRuns | None = None
    grace_seconds: Grace = 3600
    catch_up: CatchUp = "none"
    nag_minutes: NagMinutes | None = None


def _without_defaults(shape: dict[str, Any]) -> None:
    """Nothing is assumed of what is not named."""
    for field in shape["properties"].values():
        field.pop("default", None)


class Change(Body):
    """What is to be different; what is not named stays. Names that may be null are taken away by it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_defaults)

    status: Literal["active", "paused", "cancelled"] = "active"
    title: Title = ""
    payload: Payload = None
    trigger_at: Time = ""
    cron_expression: CronText = ""
    rule: Rule = None  # type: ignore[assignment]  # defaults are never read: only names that were sent count
    timezone: Zone = ""
    assistant_id: Assistant | None = None
    start_at: Time | None = None
    end_at: Time | None = None
    max_runs: MaxRuns | None = None
    grace_seconds: Grace = 3600
    catch_up: CatchUp = "none"
    nag_minutes: NagMinutes | None = None


class Done(Body):
    result: Annotated[str, Field(max_length=500, description="in a word or a line")] = ""


class NotDone(Body):
    error: Annotated[str, Field(max_length=500, description="what went wrong, for people")] = ""


class More(Body):
    seconds: Annotated[Whole, Field(ge=1, le=3600, description="from now on")] = 60


# --- what is wrong, in our words ------------------------------------------------------------------------------------

SENTENCES: dict[str, tuple[str, Callable[[], str]]] = {
    "missing": ("missing", lambda: _("This is needed.")),
    "extra_forbidden": ("unknown-field", lambda: _("There is no such field. Look for a typing error.")),
    "union_tag_not_found": ("missing", lambda: _("Say which kind of rule it is.")),
}
# The same for what has its code from CODES; by the values of the limit that was passed.
WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "greater_than_equal": lambda limit: _("This must be %(ge)s or more.") % limit,
    "less_than_equal": lambda limit: _("This must be %(le)s or less.") % limit,
    "less_than": lambda limit: _("This must be less than %(lt)s.") % limit,
    "string_too_long": lambda limit: _("This is too long: %(max_length)s characters at most.") % limit,
    "string_pattern_mismatch": lambda limit: FORMS.get(limit["pattern"], lambda: _("This has another form."))(),
    "too_short": lambda limit: _("Name at least %(min_length)s.") % limit,
    "too_long": lambda limit: _("Name %(max_length)s at most.") % limit,
    "literal_error": lambda limit: _one_of(limit["expected"]),
    "union_tag_invalid": lambda limit: _one_of(limit["expected_tags"]),
    **dict.fromkeys(("uuid_parsing", "uuid_type"), lambda _limit: _("Write a UUID, as assistants have one.")),
    "int_type": lambda _limit: _("Write a whole number."),
    "string_type": lambda _limit: _("Write a text, in quotes."),
    "list_type": lambda _limit: _("Write a list."),
    **dict.fromkeys(("model_attributes_type", "model_type", "dict_type"), lambda _limit: _("Write a JSON object.")),
}
FORMS: dict[str, Callable[[], str]] = {
    TIME: unreadable,
    CLOCK: lambda: _("Write hours and minutes, like 09:30."),
    DATE: lambda: _("Write a day, like 2026-04-06."),
}
CODES = {
    "greater_than_equal": "out-of-range",
    "less_than_equal": "out-of-range",
    "less_than": "out-of-range",
    "string_too_long": "too-long",
}


def flaws_of(errors: list[dict[str, Any]]) -> list[Flaw]:
    """What ninja and pydantic found, as ours."""
    return [_flaw(error) for error in errors]


def _flaw(error: dict[str, Any]) -> Flaw:
    kind, field = str(error["type"]), _field(error["loc"])
    if kind == "extra_forbidden" and field in READ_ONLY:
        return Flaw(field, "read-only", _("This cannot be changed."))
    if kind in SENTENCES:
        code, sentence = SENTENCES[kind]
        return Flaw(field, code, sentence())
    code = CODES.get(kind, "wrong-type" if kind.endswith("_type") else kind if "-" in kind else "bad-value")
    words = WORDS.get(kind)
    return Flaw(field, code, words(error.get("ctx", {})) if words else str(error["msg"]))


def _one_of(names: str) -> str:
    """``names`` as pydantic writes them: 'a', 'b' or 'c'."""
    return _("Write one of these: %(names)s.") % {"names": names.replace(" or ", ", ")}


def _field(place: tuple[Any, ...]) -> str:
    """``rule.at`` of ("body", "wish", "rule", "daily", "at"); ``page`` of ("query", "page")."""
    names = [str(name) for name in place[2 if place[0] == "body" else 1 :]]
    if names[:1] == ["rule"] and len(names) > 2:
        del names[1]  # the kind, which pydantic tells along
    return ".".join(names)
