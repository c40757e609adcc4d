"""Deliveries found by the beginning of their keys, however the database sorts."""

import pytest
from django.db import connection

from delivery import services
from delivery.models import Delivery

KEYS = ("post:1:a", "post:1:b:0", "post:10:a", "post:1", "post;1:a", "POST:1:a", "pos%:1:a")


def with_keys() -> None:
    Delivery.objects.bulk_create([Delivery(key=key, lane="out:1:1", source="post") for key in KEYS])


def test_rows_are_found_by_the_name_in_their_keys(db: None) -> None:
    with_keys()
    assert sorted(services.named("post:1").values_list("key", flat=True)) == ["post:1:a", "post:1:b:0"]
    assert list(services.named("pos%").values_list("key", flat=True)) == ["pos%:1:a"]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite compares bytes, whatever the language")
def test_rows_are_found_where_the_database_sorts_by_a_language(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute('ALTER TABLE delivery_delivery ALTER COLUMN key TYPE varchar(120) COLLATE "ru-x-icu"')
    with_keys()
    assert sorted(services.named("post:1").values_list("key", flat=True)) == ["post:1:a", "post:1:b:0"]
