"""What tests/conftest.py does between tests and with their order."""

import pytest
from django.contrib.auth.models import Permission
from django.test import TransactionTestCase

from accounts.models import User
from tests.conftest import KEPT, _delete_what_was_written, _spread, _tables


@pytest.mark.django_db(transaction=True)
def test_what_a_test_wrote_is_gone_and_djangos_own_records_stay(admin: User, member: User) -> None:
    member.user_permissions.add(*Permission.objects.all()[:3])
    rights = Permission.objects.count()
    _delete_what_was_written(TransactionTestCase())

    assert rights
    assert (User.objects.count(), User.user_permissions.through.objects.count()) == (0, 0)
    assert Permission.objects.count() == rights


@pytest.mark.django_db(transaction=True)
def test_every_table_but_djangos_own_is_looked_at() -> None:
    tables, touched = _tables()

    assert len(tables) == touched.count("EXISTS") > 20
    assert not KEPT & {table.strip('"') for table in tables}


def test_spreading_loses_and_doubles_no_test(request: pytest.FixtureRequest) -> None:
    items = request.session.items
    spread = list(_spread(items))

    assert len(spread) == len(items)
    assert set(spread) == set(items)
