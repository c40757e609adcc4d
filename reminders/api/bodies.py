"""What is sent to us of reminders: read strictly, and everything that is wrong told at once."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from django.utils.translation import gettext as _
from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from core.strict_json import BadJSON, read
from rest.bodies import CLOCK, DATE, MOST_WORDS, Body, Time, Whole, without_defaults

# What an answer shows and nobody may set.
READ_ONLY = {"id", "user_id", "type", "created_at", "updated_at", "created_by_assistant_id", "next_run_at", "version"}
READ_ONLY |= {"last_triggered_at", "run_count", "status_reason", "needs_attention", "next_runs", "last_occurrence"}


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
Clock = Annotated[str, Field(pattern=CLOCK, description="hours and minutes", examples=["09:30"])]
CatchUp = Annotated[
    Literal["none", "last"],
    Field(description="of runs missed beyond the grace: none, or the last one once"),
]


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


class Plan(Body):
    READ_ONLY: ClassVar = frozenset(READ_ONLY)
    TAGGED: ClassVar = frozenset({"rule"})
    WORDS: ClassVar = {
        "union_tag_not_found": lambda: _("Say which kind of rule it is."),
        **dict.fromkeys(("uuid_parsing", "uuid_type"), lambda: _("Write a UUID, as assistants have one.")),
    }


class Wish(Plan):
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


class Change(Plan):
    """What is to be different; what is not named stays. Names that may be null are taken away by it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=without_defaults)

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
