"""Keys for other services: shown once, opened by scope, ended by date or by hand."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import DjangoAssertNumQueries

from accounts import services
from accounts.models import ApiKey, AuditEntry, User
from accounts.services import KeyRefused
from config.logging import mask

pytestmark = pytest.mark.django_db


def create(now: datetime, **values: Any) -> tuple[ApiKey, str]:
    wanted: dict[str, Any] = {"by": None, "expires_at": None, **values}
    return services.create_api_key("crm", ["reminders:write", "reminders:read"], now=now, **wanted)


def refusal(secret: str, scope: str, now: datetime) -> str:
    with pytest.raises(KeyRefused) as caught:
        services.check_api_key(secret, scope, now)
    return caught.value.reason


def test_key_opens_its_scopes(now: datetime) -> None:
    key, secret = create(now)
    assert services.check_api_key(secret, "reminders:read", now) == key


def test_key_does_not_open_another_scope(now: datetime) -> None:
    _, secret = create(now)
    assert refusal(secret, "posts:write", now) == "scope"


def test_row_does_not_hold_the_secret(now: datetime) -> None:
    key, secret = create(now)
    kept = str(ApiKey.objects.filter(pk=key.pk).values().get()) + str(list(AuditEntry.objects.values()))
    assert key.prefix in kept
    assert secret not in kept
    assert secret[len(key.prefix) :] not in kept


def test_key_is_masked_in_logs(now: datetime) -> None:
    _, secret = create(now)
    assert secret[12:] not in mask(f"401 for {secret} from 10.0.0.1")


@pytest.mark.parametrize("change", [lambda s: s[:-1], lambda s: s + "x", lambda s: s[:12], lambda s: "", str.upper])
def test_changed_key_is_unknown(now: datetime, change: Any) -> None:
    _, secret = create(now)
    assert refusal(change(secret), "reminders:read", now) == "unknown"


@pytest.mark.parametrize("secret", ["ключ", "skr_\x00", "skr_abcd1234\n"])
def test_key_of_strange_letters_is_unknown(now: datetime, secret: str) -> None:
    assert refusal(secret, "reminders:read", now) == "unknown"


def test_digest_is_computed_for_an_unknown_key_too(now: datetime, settings: Any) -> None:
    """Else the time of the answer told which prefixes exist: a digest cannot be had without SECRET_KEY."""
    settings.SECRET_KEY = ""
    with pytest.raises(ImproperlyConfigured):
        services.check_api_key("skr_nobodys0_secret", "reminders:read", now)


def test_new_secret_key_ends_every_key(now: datetime, settings: Any) -> None:
    _, secret = create(now)
    settings.SECRET_KEY = "another secret key of the installation, long enough"
    assert refusal(secret, "reminders:read", now) == "unknown"


def test_key_ends_at_its_date(now: datetime) -> None:
    _, secret = create(now, expires_at=now + timedelta(days=1))
    services.check_api_key(secret, "reminders:read", now + timedelta(hours=23))
    assert refusal(secret, "reminders:read", now + timedelta(days=1)) == "expired"


def test_revoked_key_is_refused(now: datetime, admin: User) -> None:
    key, secret = create(now)
    assert services.revoke_api_key(key, by=admin, via="admin", now=now)
    assert refusal(secret, "reminders:read", now) == "revoked"


def test_revoking_twice_counts_once(now: datetime, admin: User) -> None:
    key, _ = create(now)
    results = [services.revoke_api_key(key, by=admin, via="admin", now=now) for _ in range(2)]
    assert results == [True, False]
    assert AuditEntry.objects.filter(action="api_key.revoked", actor=admin).count() == 1


def test_creation_is_audited(now: datetime, admin: User) -> None:
    key, _ = create(now, by=admin, via="admin")
    entry = AuditEntry.objects.get(action="api_key.created")
    assert (entry.actor, entry.via, entry.target) == (admin, "admin", f"apikey:{key.pk}")


def test_use_is_recorded(now: datetime) -> None:
    key, secret = create(now)
    services.check_api_key(secret, "reminders:read", now)
    assert ApiKey.objects.get(pk=key.pk).last_used_at == now


def test_busy_key_is_one_query_a_call(now: datetime, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    _, secret = create(now)
    services.check_api_key(secret, "reminders:read", now)
    with django_assert_num_queries(1):
        services.check_api_key(secret, "reminders:read", now + timedelta(seconds=59))


@pytest.mark.parametrize("scopes", [[], ["Reminders"], ["reminders:"], ["a b"], [""]])
def test_scope_of_wrong_form_is_refused(now: datetime, scopes: list[str]) -> None:
    with pytest.raises(ValueError, match="Scopes are words"):
        services.create_api_key("crm", scopes, by=None, expires_at=None, now=now)
