"""What is sent to us: read strictly, with every unknown name refused."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.parser import Parser
from pydantic import BaseModel, ConfigDict, Field

from core.problem import Flaw, HttpProblem
from core.strict_json import DEEPEST, BadJSON, read
from rest.times import FORM

MOST_BODY = 64 * 1024  # bytes
MB = 1024 * 1024
MOST_WORDS = 10_000  # characters of a single value that is no payload
TIME = rf"^{FORM}$"
DATE = r"^\d{4}-\d{2}-\d{2}$"
CLOCK = "^([01][0-9]|2[0-3]):[0-5][0-9]$"

Whole = Annotated[int, Field(strict=True)]
Time = Annotated[str, Field(pattern=TIME, description="RFC 3339", examples=["2026-04-06T12:00:00Z"])]


class Body(BaseModel):
    """``READ_ONLY``: what an answer shows and nobody may set. ``TAGGED``: names whose value says its kind.
    ``WORDS``: sentences of its own, by pydantic's kind of error."""

    model_config = ConfigDict(extra="forbid")

    READ_ONLY: ClassVar[frozenset[str]] = frozenset()
    TAGGED: ClassVar[frozenset[str]] = frozenset()
    WORDS: ClassVar[Mapping[str, Callable[[], str]]] = {}


def without_defaults(shape: dict[str, Any]) -> None:
    """Nothing is assumed of what is not named."""
    for field in shape["properties"].values():
        field.pop("default", None)


class StrictParser(Parser):
    def parse_body(self, request: HttpRequest) -> Any:
        """Raises HttpProblem: 415 for another type, 413 for too much, 400 for what is no JSON."""
        if request.content_type != "application/json" or (request.encoding or "utf-8").lower() != "utf-8":
            raise HttpProblem(415, _("Send application/json in UTF-8."), headers={"Accept": "application/json"})
        if len(request.body) > most_of(request):
            raise too_much(most_of(request))
        try:
            return read(request.body, DEEPEST + 1)  # the body itself around a payload
        except BadJSON as error:
            raise HttpProblem(400, flaws=[Flaw("", error.code, str(error))]) from error


def most_of(request: HttpRequest) -> int:
    """How long its body may be, bytes; config/api.py says where it is more than usual."""
    most: int = getattr(request, "most_body", MOST_BODY)
    return most


def too_much(most: int) -> HttpProblem:
    size = f"{most // MB} MiB" if most >= MB else f"{most // 1024} KiB"
    return HttpProblem(413, _("The body is too large: %(most)s at most.") % {"most": size})
