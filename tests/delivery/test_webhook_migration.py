"""Webhooks that an earlier release kept with the reminders are still there, with their secrets."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import ApiKey
from delivery.models import Webhook

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = [("reminders", "0001_reminders"), ("delivery", "0003_schedule")]


@pytest.fixture
def before() -> Iterator[Any]:
    """The models of the earlier release; afterwards the database is of this one again."""
    executor = MigrationExecutor(connection)
    executor.migrate(BEFORE)
    yield executor.loader.project_state(BEFORE).apps
    upgrade()


def upgrade() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_webhooks_move_with_number_address_and_secret(before: Any) -> None:
    key = ApiKey.objects.create(name="CRM", prefix="skr_1", digest="d", scopes=["reminders:read"])
    old = before.get_model("reminders", "Webhook")
    old.objects.create(id=7, key_id=key.pk, url="https://crm.example/in", secret="whsec_x", enabled=False)
    upgrade()

    row = Webhook.objects.get()
    assert (row.pk, row.key_id, row.url) == (7, key.pk, "https://crm.example/in")
    assert (row.secret, row.enabled, row.all_posts) == ("whsec_x", False, False)
    assert "reminders_webhook" not in connection.introspection.table_names()


def test_next_webhook_gets_a_number_of_its_own(before: Any) -> None:
    keys = [ApiKey.objects.create(name="CRM", prefix=f"skr_{n}", digest=f"d{n}", scopes=[]) for n in range(2)]
    old = before.get_model("reminders", "Webhook")
    old.objects.create(id=7, key_id=keys[0].pk, url="https://crm.example/in", secret="whsec_x")
    upgrade()

    assert Webhook.objects.create(key=keys[1], url="https://b.example/in", secret="whsec_y").pk > 7


def test_installation_without_webhooks_moves_too(before: Any) -> None:
    upgrade()

    assert not Webhook.objects.exists()


def test_webhooks_survive_a_step_back_to_the_earlier_release(before: Any) -> None:
    upgrade()
    key = ApiKey.objects.create(name="CRM", prefix="skr_1", digest="d", scopes=[])
    Webhook.objects.create(id=7, key=key, url="https://crm.example/in", secret="whsec_x")
    executor = MigrationExecutor(connection)
    executor.migrate([("reminders", "0001_reminders")])
    old = executor.loader.project_state([("reminders", "0001_reminders")]).apps.get_model("reminders", "Webhook")
    assert old.objects.get().url == "https://crm.example/in"
    upgrade()

    row = Webhook.objects.get()
    assert (row.pk, row.key_id, row.secret) == (7, key.pk, "whsec_x")
