"""rest/answers.py: pages of lists."""

import json
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from rest.answers import paged

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _five(db: None) -> None:
    User.objects.bulk_create(User(username=f"user{number}") for number in range(5))


def page(number: int, limit: int) -> dict[str, Any]:
    rows = User.objects.filter(username__startswith="user").order_by("username")
    answer = paged(rows, number, limit, lambda found: [user.username for user in found])
    body: dict[str, Any] = json.loads(answer.content)
    return body


@pytest.mark.parametrize(
    ("number", "limit", "names"),
    [(1, 2, ["user0", "user1"]), (3, 2, ["user4"]), (1, 5, None), (1, 9, None), (4, 2, []), (1_000_000, 100, [])],
)
def test_page_shows_its_part_of_the_whole(number: int, limit: int, names: list[str] | None) -> None:
    body = page(number, limit)
    assert body["items"] == (names if names is not None else [f"user{one}" for one in range(5)])
    assert (body["total"], body["pages"]) == (5, -(-5 // limit))


def test_nothing_is_a_page_too() -> None:
    User.objects.all().delete()
    assert page(1, 20) == {"items": [], "page": 1, "limit": 20, "total": 0, "pages": 0}


def test_page_that_shows_the_end_is_not_counted(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        page(3, 2)
    with django_assert_num_queries(2):
        page(1, 2)
