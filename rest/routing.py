"""How a route is declared: its scope, its answers, and what every route shares."""

import functools
import inspect
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Path, Query, Router
from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from accounts.models import ApiKey, User
from core.problem import Flaw, HttpProblem
from rest.access import Opens
from rest.answers import ProblemOut
from rest.conditions import Header
from rest.times import FORM

View = TypeVar("View", bound=Callable[..., Any])
MOST_PAGES = 1_000_000
UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


class Request(HttpRequest):
    auth: ApiKey


def route(
    router: Router,
    method: str,
    path: str,
    scope: str,
    answers: dict[int, type[BaseModel] | None],
    *problems: int,
    headers: Iterable[Header] = (),
) -> Callable[[View], View]:
    """Declare a route that keys with ``scope`` may call; besides ``answers`` it has the ``problems``.

    One that may answer 400 refuses query parameters that it does not have: one mistyped would else be left out
    without a word, and ``?dry_run=true`` where there is none would do what it should not.
    """
    wrong = dict.fromkeys(sorted({*problems, 401, 403, 405}), ProblemOut)
    extra: dict[str, Any] = {"security": [{"bearer": []}, {"key": []}]}
    if headers:
        extra["parameters"] = list(headers)

    def declare(view: View) -> View:
        words = inspect.cleandoc(view.__doc__ or "")

        @functools.wraps(view)
        def strict(request: Request, **values: Any) -> HttpResponse:
            if 400 in problems:
                _refuse_unknown(request, names)
            answer: HttpResponse = view(request, **values)
            return answer

        router.api_operation(
            [method],
            path,
            auth=Opens(scope),
            response={**answers, **wrong},
            operation_id=view.__name__,
            summary=words.partition("\n")[0],
            description=f"{words}\n\nNeeds the scope `{scope}`.",
            by_alias=True,
            openapi_extra=extra,
        )(strict)
        models = strict._ninja_operation.models  # type: ignore[attr-defined]
        names = {name for one in models if one.__ninja_param_source__ == "query" for name in one.__ninja_flatten_map__}
        return view

    return declare


def _refuse_unknown(request: HttpRequest, known: set[str]) -> None:
    flaws = [
        Flaw(name[:100], "unknown-field", _("There is no such parameter. Look for a typing error."))
        for name in request.GET
        if name not in known
    ]
    if flaws:
        raise HttpProblem(400, flaws=flaws)


# --- parameters -----------------------------------------------------------------------------------------------------


def _digits(value: object, most: int = 9) -> object:
    if isinstance(value, str) and not re.fullmatch(f"[0-9]{{1,{most}}}", value, re.ASCII):
        raise PydanticCustomError("bad-value", "{text}", {"text": _("Write a whole number.")})
    return value


def _telegram_id(value: object) -> object:
    """Ten digits and more are common; 18 are surely in a column of 64 bits."""
    return _digits(value, 18)


def _flag(value: object) -> object:
    if isinstance(value, str) and value not in ("true", "false", "1", "0"):
        raise PydanticCustomError("bad-value", "{text}", {"text": _("Write true or false.")})
    return value


def _signed(value: object) -> object:
    """Ids of groups and channels are negative."""
    if isinstance(value, str) and value.startswith("-"):
        _digits(value[1:], 18)
        return value
    return _digits(value, 18)


def _words(value: object) -> object:
    """PostgreSQL knows no NUL, not even as what is looked for."""
    if isinstance(value, str) and "\x00" in value:
        raise PydanticCustomError(
            "bad-value", "{text}", {"text": _("A text holds NUL or half a character. Leave it out.")}
        )
    return value


Number = Annotated[int, BeforeValidator(_digits)]
SignedNumber = Annotated[int, BeforeValidator(_signed)]
TelegramId = Annotated[int, BeforeValidator(_telegram_id)]
Search = Annotated[str, Field(max_length=100), BeforeValidator(_words)]
Flag = Annotated[bool, BeforeValidator(_flag)]
IdText = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
Id = Annotated[IdText, Path()]
# In an address a plus that was not escaped is a space.
Instant = Annotated[str, BeforeValidator(lambda text: str(text).replace(" ", "+")), Field(pattern=rf"^{FORM}$")]
Page = Annotated[Number, Query(1, ge=1, le=MOST_PAGES)]
Limit = Annotated[Number, Query(20, ge=1, le=100)]


def uuid_in(text: str) -> UUID:
    """The id in a path. Raises HttpProblem: what is no id is nobody's."""
    if not UUID_FORM.fullmatch(text):
        raise HttpProblem(404, _("There is no such thing here. Look at its id."))
    return UUID(text)


def number_in(text: str) -> int:
    """The same of an id that is a number."""
    if not re.fullmatch("[0-9]{1,18}", text, re.ASCII):
        raise HttpProblem(404, _("There is no such thing here. Look at its id."))
    return int(text)


def person(telegram_id: int) -> User:
    user = User.objects.by_telegram(telegram_id)
    if user is None or not user.may_use:
        raise nobody()
    return user


def nobody() -> HttpProblem:
    return HttpProblem(404, _("There is no such person here. They must be let in first."))
