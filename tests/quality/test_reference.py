"""scripts/reference.py: the generated pages are what their sources say now."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.utils import translation

from scripts import reference, reference_api

EXAMPLE = """\
# What this file is.

# --- Required ----------

# Signs sessions:
# keep it secret.
SECRET_KEY=
#DEBUG=0

# --- Logs ----------

LOG_LEVEL=INFO
"""


@pytest.mark.parametrize(("name", "generate"), reference.GENERATORS.items())
def test_generated_page_is_up_to_date(name: str, generate: Callable[[], str]) -> None:
    written = (reference.PAGES / name).read_text(encoding="utf-8")
    assert written == generate(), "the page is stale: make schema"


@pytest.mark.parametrize("language", ["ru", "en"])
def test_page_of_tables_does_not_depend_on_the_language(language: str) -> None:
    with translation.override(language):
        assert "primary key" in reference.schema()
        assert not re.search("[а-яё]", reference.schema(), re.IGNORECASE)


@pytest.mark.parametrize("model", reference.own_models(), ids=lambda model: model.__name__)
def test_every_column_stands_in_its_models_section(model: type[models.Model]) -> None:
    section = reference.describe(model)
    assert all(f"| `{field.column}` |" in section for field in model._meta.local_fields)


def test_tables_of_other_packages_are_left_out() -> None:
    ours = reference.own_models()
    assert apps.get_model("accounts", "User") in ours
    assert apps.get_model("sessions", "Session") not in ours


def test_reference_to_another_table_is_drawn() -> None:
    assert 'Chat ||--o{ Conversation : "chat"' in reference.diagram(reference.own_models())


def test_partial_index_says_for_which_rows() -> None:
    section = reference.describe(apps.get_model("telegram_bot", "Update"))
    assert "`update_leased`: index on lease_until where `state = running`" in section


def test_settings_are_read_with_defaults_and_explanations() -> None:
    page = reference.settings_page(EXAMPLE)
    row = "| `SECRET_KEY`<br>`DEBUG` | –<br>`0` | Signs sessions: keep it secret. |"
    assert "## Required" in page
    assert row in page


def test_setting_without_an_explanation_is_listed_too() -> None:
    assert "| `LOG_LEVEL` | `INFO` |  |" in reference.settings_page(EXAMPLE)


def test_introduction_of_the_file_opens_the_page() -> None:
    assert "\n\nWhat this file is.\n\n## Required" in reference.settings_page(EXAMPLE)


def test_bar_in_a_text_stays_in_its_cell() -> None:
    assert reference.table(("a",), [("x|y",)]).endswith("| x\\|y |")


# --- the REST API ---


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "string"),
        ({"type": "string", "format": "uuid"}, "uuid"),
        ({"type": "string", "maxLength": 200}, "string, 200 characters at most"),
        ({"type": "integer", "minimum": 1, "maximum": 100}, "integer 1–100"),
        ({"type": "integer", "minimum": 1, "exclusiveMaximum": 2**63}, "integer"),
        ({"enum": ["a", "b"]}, "`a` or `b`"),
        ({"const": "a"}, "`a`"),
        ({"$ref": "#/components/schemas/RunOut"}, "[RunOut](#runout)"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"type": "array", "items": {"type": "integer"}}, "list of integer"),
    ],
)
def test_schema_is_said_in_a_few_words(schema: dict[str, Any], words: str) -> None:
    assert reference_api.kind(schema) == words


def test_page_of_the_api_has_each_path_with_its_scope() -> None:
    page = reference.api()
    assert "### `POST /api/reminders/`" in page
    assert page.count("Needs the scope `") == page.count("\n### `")


@pytest.mark.parametrize("language", ["ru", "en"])
def test_page_of_the_api_does_not_depend_on_the_language(language: str) -> None:
    with translation.override(language):
        assert not re.search("[а-яё]", reference.api(), re.IGNORECASE)


def test_links_to_shapes_lead_to_shapes() -> None:
    page = reference.api()
    named = set(re.findall(r"\]\(#(\w+)\)", page))
    assert named
    assert named <= {name.lower() for name in re.findall(r"^### (\w+)$", page, re.MULTILINE)}
