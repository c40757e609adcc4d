"""What every API answers: shapes, pages, problems. The classes describe it in the OpenAPI, the functions make it."""

import json
from collections.abc import Callable
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpResponse
from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


def note(words: str) -> Any:
    return Field(description=words)


class PageOut(Shape):
    page: int
    limit: int
    total: int
    pages: int


class FlawOut(Shape):
    field: Annotated[str, note("empty: the whole body")]
    code: Annotated[str, note("for programs; it stays as it is")]
    detail: Annotated[str, note("for people, in the language of Accept-Language")]


class ProblemOut(Shape):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FlawOut]


def answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    content = json.dumps(data, ensure_ascii=False)
    return HttpResponse(content, status=status, content_type="application/json", headers=headers)


def paged(rows: "QuerySet[Any]", page: int, limit: int, show: Callable[[list[Any]], list[Any]]) -> HttpResponse:
    """One page of ``rows``; past the end it is empty. What ends on it need not be counted."""
    first = (page - 1) * limit
    found = list(rows[first : first + limit])
    total = first + len(found) if 0 < len(found) < limit or (page == 1 and not found) else rows.order_by().count()
    return answer({"items": show(found), "page": page, "limit": limit, "total": total, "pages": -(-total // limit)})
