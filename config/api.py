"""The one REST API: what all its routes share, its OpenAPI, its docs page.

Only config/urls.py imports it: the bot's process carries neither ninja nor pydantic.
"""

import functools
import logging
from collections.abc import Callable, Iterator
from typing import Any

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.urls import URLPattern, path, re_path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import HttpError
from ninja.openapi.docs import DocsBase

from core.problem import CONTENT_TYPE, HttpProblem
from posts.api import router as posts
from posts.api.bodies import MOST_BODY as MOST_OF_POST
from posts.services.limits import upload_bytes
from reminders.api import router as reminders
from rest.bodies import MOST_BODY, StrictParser, most_of, too_much
from rest.flaws import StrictAPI, Unsound

logger = logging.getLogger("django.request")

View = Callable[..., HttpResponse]

DESCRIPTION = """\
Reminders and posts for other services. Every call needs an API key (`manage.py create_api_key`, or the admin site) in
`Authorization: Bearer …` or `X-API-Key`. Errors are `application/problem+json` (RFC 9457) with `errors[] {field, code}`
and a sentence. Paths work with and without a slash at their end. Unknown fields are refused, and unknown parameters
wherever 400 is among the answers.
"""
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key."},
}


# How long bodies may be under a path, bytes; the first that fits. Around a file stand some lines.
BODIES: tuple[tuple[str, Callable[[], int]], ...] = (
    ("posts/media", lambda: upload_bytes() + MOST_BODY),
    ("posts", lambda: MOST_OF_POST),
    ("", lambda: MOST_BODY),
)


class Docs(DocsBase):
    """Swagger UI from this site's own files: the page asks no other host for anything."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **_path: Any) -> HttpResponse:
        # Without null the page would have the description checked by a public server.
        shown = {
            "url": self.get_openapi_url(api, {}),
            "validatorUrl": None,
            "layout": "BaseLayout",
            "deepLinking": True,
        }
        return render(request, "api/docs.html", {"title": api.title, "settings": shown})


class Api(StrictAPI):
    def get_openapi_schema(self, **_where: Any) -> Any:
        return _description(self)

    @property
    def urls(self) -> tuple[list[Any], str, str]:
        """Each path with and without a slash at its end, and whatever else is asked for answered as a problem."""
        patterns, app, namespace = super().urls
        twins = [twin for pattern in patterns if isinstance(pattern, URLPattern) for twin in _both(pattern)]
        return [*twins, re_path("", csrf_exempt(_guarded(_nothing_here, lambda: MOST_BODY)))], app, namespace


@functools.cache
def _description(api: Api) -> dict[str, Any]:
    """The OpenAPI, with what ninja does not say: errors have a type of their own, and there are two ways to send a
    key."""
    found: dict[str, Any] = NinjaAPI.get_openapi_schema(api)
    found["components"]["securitySchemes"] = SECURITY
    for operation in (operation for methods in found["paths"].values() for operation in methods.values()):
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                answer["content"] = {CONTENT_TYPE: answer["content"]["application/json"]}
    return found


def _both(pattern: URLPattern) -> Iterator[URLPattern]:
    route = str(pattern.pattern)
    view = _guarded(pattern.callback, next(most for path, most in BODIES if route.startswith(path)))
    yield path(route, view, name=pattern.name)
    if route:
        yield path(route.removesuffix("/") if route.endswith("/") else f"{route}/", view)


def _guarded(view: View, most: Callable[[], int]) -> View:
    """``view``, of which nothing comes but its own answers and problems; of bodies it gets so many bytes at most."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            request.most_body = most()  # type: ignore[attr-defined]
            if _length(request) > most_of(request):
                raise too_much(most_of(request))
            answer = view(request, *args, **kwargs)
        except Http404 as error:
            answer = not_found(request, error)
        except HttpProblem as problem:
            answer = problem.answer()
        if isinstance(answer, HttpResponseNotAllowed):
            allowed = ", ".join(sorted(answer["Allow"].split(", ")))
            answer = HttpProblem(405, _("This path knows other methods."), headers={"Allow": allowed}).answer()
        answer["Cache-Control"] = "no-store"
        return answer

    return guarded


def _length(request: HttpRequest) -> int:
    """What is announced; what was not is measured when it is read."""
    said = request.META.get("CONTENT_LENGTH") or "0"
    return int(said) if said.isdecimal() else 0


def _nothing_here(_request: HttpRequest) -> HttpResponse:
    raise HttpProblem(404, _("There is no such path. The paths stand at /api/docs."))


api = Api(
    title="Sekretar",
    version="1",
    description=DESCRIPTION,
    docs=Docs(),
    parser=StrictParser(),
    urls_namespace="api",
)
api.add_router("/reminders", reminders)
api.add_router("/posts", posts)


@api.exception_handler(HttpProblem)
def problem(_request: HttpRequest, error: HttpProblem) -> HttpResponse:
    return error.answer()


@api.exception_handler(HttpError)
def refused_by_ninja(_request: HttpRequest, error: HttpError) -> HttpResponse:
    """Ninja wraps whatever the parser raises."""
    cause = error.__cause__
    return cause.answer() if isinstance(cause, HttpProblem) else HttpProblem(error.status_code, str(error)).answer()


@api.exception_handler(Unsound)
def not_sound(_request: HttpRequest, error: Unsound) -> HttpResponse:
    return HttpProblem(400, flaws=error.flaws).answer()


@api.exception_handler(RequestDataTooBig)
def too_big(request: HttpRequest, _error: RequestDataTooBig) -> HttpResponse:
    return too_much(most_of(request)).answer()


@api.exception_handler(SuspiciousOperation)
@api.exception_handler(MultiPartParserError)
@api.exception_handler(BadRequest)
def unreadable(_request: HttpRequest, _error: Exception) -> HttpResponse:
    """What Django itself refuses to read, such as thousands of parameters, or a form without its boundary."""
    return HttpProblem(400, _("This request cannot be read.")).answer()


@api.exception_handler(UnreadablePostError)
def broken_off(_request: HttpRequest, _error: UnreadablePostError) -> HttpResponse:
    return HttpProblem(400, _("The body broke off.")).answer()


@api.exception_handler(Http404)
def not_found(_request: HttpRequest, _error: Http404) -> HttpResponse:
    return HttpProblem(404, _("There is nothing here.")).answer()


@api.exception_handler(Exception)
def bug(request: HttpRequest, error: Exception) -> HttpResponse:
    """Logged and reported as Django does it; the caller learns only that it is our fault."""
    got_request_exception.send(sender=Api, request=request)
    logger.error("Internal Server Error: %s", request.path, exc_info=error)
    return HttpProblem(500, _("Something went wrong here. It is recorded; try again later.")).answer()
