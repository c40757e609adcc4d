"""How a route is declared: its scope, its answers, and what every route shares."""

import functools
import inspect
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Path, Query, Router
from pydantic import BaseModel, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from accounts.models import Access, ApiKey, Chat, User
from core.prepared import Prepared
from core.problem import Flaw, HttpProblem
from reminders.api.access import Opens
from reminders.api.shapes import ProblemOut, answer
from reminders.models import Reminder, Reminders
from telegram_bot.outgoing import bot_id

router = Router(tags=["reminders"])

View = TypeVar("View", bound=Callable[..., Any])
MOST_PAGES = 1_000_000
MOST_ID = 2**63 - 1
UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


class Request(HttpRequest):
    auth: ApiKey


def route(
    method: str,
    path: str,
    scope: str,
    answers: dict[int, type[BaseModel] | None],
    *problems: int,
    headers: Iterable[str] = (),
) -> Callable[[View], View]:
    """Declare a route that keys with ``scope`` may call; besides ``answers`` it has the ``problems``.

    One that may answer 400 refuses query parameters that it does not have: one mistyped would else be left out
    without a word, and ``?dry_run=true`` where there is none would do what it should not.
    """
    wrong = dict.fromkeys(sorted({*problems, 401, 403, 405}), ProblemOut)
    extra: dict[str, Any] = {"security": [{"bearer": []}, {"key": []}]}
    if headers:
        extra["parameters"] = [HEADERS[name] for name in headers]

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


HEADERS = {
    "Idempotency-Key": {
        "in": "header",
        "name": "Idempotency-Key",
        "description": "The same key with the same body makes one reminder, however often it is sent.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]([ -~]*[!-~])?$"},
        "required": False,
    },
    "If-Match": {
        "in": "header",
        "name": "If-Match",
        "description": "The ETag of what was read; another version is left alone and answered with 412.",
        "schema": {"type": "string", "examples": ['"3"']},
        "required": False,
    },
}


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


Number = Annotated[int, BeforeValidator(_digits)]
TelegramId = Annotated[int, BeforeValidator(_telegram_id)]
Flag = Annotated[bool, BeforeValidator(_flag)]
IdText = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
Id = Annotated[IdText, Path()]
Page = Annotated[Number, Query(1, ge=1, le=MOST_PAGES)]
Limit = Annotated[Number, Query(20, ge=1, le=100)]


def uuid_in(text: str) -> UUID:
    """The id in a path. Raises HttpProblem: what is no id is nobody's."""
    if not UUID_FORM.fullmatch(text):
        raise HttpProblem(404, _("There is no such thing here. Look at its id."))
    return UUID(text)


# --- what there is --------------------------------------------------------------------------------------------------


def visible() -> Reminders:
    """Of people who are in; others do not exist for the API."""
    rows: Reminders = Reminder.objects.filter(user__is_active=True, user__status=Access.ACTIVE)
    return rows.select_related("schedule", "user", "created_by_key")


def find(reminder_id: str) -> Reminder:
    found = visible().filter(pk=uuid_in(reminder_id)).readable()
    if not found:
        raise HttpProblem(404, _("There is no such reminder."))
    return found[0]


def person(telegram_id: int) -> User:
    user = User.objects.by_telegram(telegram_id)
    if user is None or not user.may_use:
        raise nobody()
    return user


def nobody() -> HttpProblem:
    return HttpProblem(404, _("There is no such person here. They must be let in first."))


def person_and_chat(telegram_id: int) -> tuple[User, Chat | None]:
    """The person, and the private chat with them if there is one."""
    if telegram_id <= MOST_ID and (found := _private_chat(bot_id(), telegram_id)):
        chat = found[0]
        if chat.person is not None and chat.person.telegram_id == telegram_id and chat.person.may_use:
            return chat.person, chat
    return person(telegram_id), None


# Asked for each reminder that is made, and compiling it costs more than answering it.
_private_chat = Prepared(
    2,
    lambda bot, telegram_id: Chat.objects.filter(
        bot_id=bot, telegram_id=telegram_id, person__isnull=False
    ).select_related("person"),
)


# --- pages ----------------------------------------------------------------------------------------------------------


def paged(rows: "QuerySet[Any]", page: int, limit: int, show: Callable[[list[Any]], list[Any]]) -> HttpResponse:
    """One page of ``rows``; past the end it is empty."""
    total = rows.order_by().count()
    first = (page - 1) * limit
    found = list(rows[first : first + limit]) if first < total else []
    return answer({"items": show(found), "page": page, "limit": limit, "total": total, "pages": -(-total // limit)})
