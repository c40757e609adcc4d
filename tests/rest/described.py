"""A REST API and its description do agree: schemathesis sends what the description allows and what it does not, and
reads every answer by it. The site is called in this process.
"""

from collections.abc import Callable, Sequence
from typing import Any

import schemathesis
from django.core.wsgi import get_wsgi_application
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from config.api import api

SCHEMA = schemathesis.openapi.from_dict(api.get_openapi_schema())
SCHEMA.app = get_wsgi_application()
# Too long a body is refused, too.
REJECTION = SCHEMA.config.checks.negative_data_rejection
REJECTION.expected_statuses = [*REJECTION.expected_statuses, "413"]
# What a schema allows may still be in the past, nobody's, or no post that Telegram takes: for tests of their own.
NOT_FOR_SCHEMAS = [positive_data_acceptance]

# The second database gets fewer: what is sent, and most of what answers, is the same there.
patiently = settings(max_examples=25 if connection.vendor == "sqlite" else 10, suppress_health_check=list(HealthCheck))


def operations(path: str) -> dict[str, Any]:
    """Label -> operation, of those under ``path``."""
    found = (result.ok() for result in SCHEMA.get_all_operations())  # type: ignore[union-attr]
    return {operation.label: operation for operation in found if path in operation.label}


def agrees(operation: Any, mode: GenerationMode, known: dict[str, str]) -> None:
    """AssertionError where an answer is not as described. ``known``: the key's ``secret``, and ids of what is there."""
    there = {name: known[name] for name in known if "{" + name + "}" in operation.label}

    @given(st.data())
    @patiently
    def ask(data: st.DataObject) -> None:
        at_known = data.draw(st.booleans()) if there else False
        case = data.draw(operation.as_strategy(mode, path_parameters=there if at_known else None))
        case.call_and_validate(headers={"Authorization": f"Bearer {known['secret']}"}, excluded_checks=NOT_FOR_SCHEMAS)

    ask()


def allows_making(
    operation: Any, known: dict[str, str], free: Sequence[str], good: dict[str, Any], count: Callable[[], int]
) -> None:
    """AssertionError unless things are made with ``free`` fields as described and the rest ``good``: else all that
    schemathesis sends might be refused, and little would be tested."""
    before = count()

    @given(operation.as_strategy(GenerationMode.POSITIVE))
    @patiently
    def ask(case: Any) -> None:
        case.body = {name: case.body[name] for name in free if name in case.body} | good
        case.query = {}  # no dry run
        case.call(headers={"Authorization": f"Bearer {known['secret']}"})

    ask()
    assert count() >= before + 5
