"""The OpenAPI of posts and what we do agree: schemathesis sends what it allows and what it does not, and reads every
answer by it. The site is called in this process.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from accounts.models import Chat, User
from accounts.services import create_api_key
from config.api import api
from posts.models import Post
from tests.posts.making import HOUR, make_post, planned, publish, settle, targets
from tests.posts.rest import EDITOR, Service
from tests.rest.calling import one_connection

pytestmark = pytest.mark.django_db

SCHEMA = schemathesis.openapi.from_dict(api.get_openapi_schema())
SCHEMA.app = get_wsgi_application()
# Too long a body is refused, too.
REJECTION = SCHEMA.config.checks.negative_data_rejection
REJECTION.expected_statuses = [*REJECTION.expected_statuses, "413"]
OPERATIONS: dict[str, Any] = {
    operation.label: operation
    for operation in (result.ok() for result in SCHEMA.get_all_operations())  # type: ignore[union-attr]
    if "/api/posts/" in operation.label
}
# What a schema allows may still be in the past, or no post that Telegram takes: that is for tests of its own.
NOT_FOR_SCHEMAS = [positive_data_acceptance]


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
    operation = OPERATIONS[label]
    there = {name: known[name] for name in known if "{" + name + "}" in label}

    @given(st.data())
    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    def ask(data: st.DataObject) -> None:
        at_known = data.draw(st.booleans()) if there else False
        case = data.draw(operation.as_strategy(mode, path_parameters=there if at_known else None))
        case.call_and_validate(headers={"Authorization": f"Bearer {known['secret']}"}, excluded_checks=NOT_FOR_SCHEMAS)

    ask()


# Of what a schema says all, and that any text may have.
FREE = ("silent", "protected", "pin", "link_preview", "caption_above", "general_allowed")


def test_description_allows_making_posts(known: dict[str, str]) -> None:
    """Else all that schemathesis sends might be refused, and little would be tested."""
    before = Post.objects.count()
    operation = OPERATIONS["POST /api/posts/"]

    @given(operation.as_strategy(GenerationMode.POSITIVE))
    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    def ask(case: Any) -> None:
        generated = {name: case.body[name] for name in FREE if name in case.body}
        case.body = {**generated, "author": EDITOR, "text": "Tea"}
        case.query = {}  # no dry run
        case.call(headers={"Authorization": f"Bearer {known['secret']}"})

    ask()
    assert Post.objects.count() >= before + 5


def test_every_path_of_posts_is_asked() -> None:
    assert len(OPERATIONS) == 20
