"""The OpenAPI of posts and what we do agree."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings
from schemathesis import GenerationMode

from accounts.models import Chat, User
from accounts.services import create_api_key
from posts.models import Post
from tests.posts.making import HOUR, make_post, planned, publish, settle, targets
from tests.posts.rest import EDITOR, Service
from tests.rest.calling import one_connection
from tests.rest.described import agrees, allows_making, operations

pytestmark = pytest.mark.django_db

OPERATIONS = operations("/api/posts/")
# Of what a schema says all, and that any text may have.
FREE = ("silent", "protected", "pin", "link_preview", "caption_above", "general_allowed")


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    with one_connection():
        yield


@pytest.fixture
def known(editor: User, news: Chat, settings: Settings, tmp_path: Path) -> dict[str, str]:
    """A key, and ids of things that are there: a post that appeared."""
    settings.FILES_DIR = tmp_path
    now = timezone.now()
    _row, secret = create_api_key("tests", Service.SCOPES, by=None, expires_at=None, now=now)
    row = make_post(editor, news, now=now)
    publish(row, now)
    settle(targets(row)[0], now=now)
    planned(editor, news, at=now + HOUR, now=now)
    return {"secret": secret, "post_id": str(row.pk), "target_id": str(targets(row)[0].pk)}


@pytest.mark.parametrize("mode", GenerationMode, ids=str)
@pytest.mark.parametrize("label", OPERATIONS)
def test_answers_are_as_the_description_says(known: dict[str, str], label: str, mode: GenerationMode) -> None:
    agrees(OPERATIONS[label], mode, known)


def test_description_allows_making_posts(known: dict[str, str]) -> None:
    good = {"author": EDITOR, "text": "Tea"}
    allows_making(OPERATIONS["POST /api/posts/"], known, FREE, good, Post.objects.count)


def test_every_path_of_posts_is_asked() -> None:
    assert len(OPERATIONS) == 20
