"""Tokens: one fetch at a time, a renewal in time, nobody gets in by another's client_id."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from reports.avito import tokens
from reports.avito.errors import AvitoError, Kind
from reports.avito.keys import Keys, digest_of, keys_of, mask_of
from reports.avito.tokens import Token, Turn, forget, keep, lifetime, look, release
from reports.models import AvitoProfile, AvitoToken

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
KEYS = Keys("client", "secret", 7)
LOST = "3vQnX3aWf0m6VhJm0qB5S1xQ2d1o9l2yq1c0hYwPp3E="  # a key of FIELD_ENCRYPTION_KEYS that is taken out later


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def taken(state: Token | Turn | None) -> Turn:
    assert isinstance(state, Turn)
    return state


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (86400, 86400),
        ("86400", 86400),
        (None, 3600),
        ("", 3600),
        ("soon", 3600),
        (0, 3600),
        (-5, 3600),
        (True, 3600),
        ([86400], 3600),
        (10**12, 30 * 86400),
    ],
)
def test_life_of_a_token(told: Any, seconds: int) -> None:
    assert lifetime(told) == timedelta(seconds=seconds)


@pytest.mark.django_db
def test_first_who_looks_fetches_and_the_next_waits() -> None:
    assert isinstance(look(KEYS, NOW), Turn)
    assert look(KEYS, after(1)) is None


@pytest.mark.django_db
def test_token_serves_all_until_five_minutes_before_its_end() -> None:
    keep(KEYS, "tK-1", 86400, NOW)
    until = 86400 - 300
    assert look(KEYS, after(until - 1)) == Token("tK-1", 1, after(until))
    assert isinstance(look(KEYS, after(until)), Turn)


@pytest.mark.django_db
def test_old_token_serves_while_the_new_one_is_fetched() -> None:
    keep(KEYS, "tK-1", 86400, NOW)
    moment = after(86400 - 10)
    assert isinstance(look(KEYS, moment), Turn)
    assert look(KEYS, moment) == Token("tK-1", 1, after(86400 - 300))
    assert look(KEYS, after(86400)) is None


@pytest.mark.django_db
def test_token_of_a_minute_serves_for_half_of_it() -> None:
    keep(KEYS, "tK-1", 60, NOW)
    assert isinstance(look(KEYS, after(29)), Token)
    assert isinstance(look(KEYS, after(30)), Turn)


@pytest.mark.django_db
def test_refused_token_is_not_given_again() -> None:
    keep(KEYS, "tK-1", 86400, NOW)
    assert isinstance(look(KEYS, NOW, refused=1), Turn)
    assert look(KEYS, NOW, refused=1) is None


@pytest.mark.django_db
def test_who_saw_an_old_refusal_gets_the_newer_token() -> None:
    keep(KEYS, "tK-1", 86400, NOW)
    keep(KEYS, "tK-2", 86400, NOW)
    assert look(KEYS, NOW, refused=1) == Token("tK-2", 2, after(86400 - 300))


@pytest.mark.django_db
def test_who_dies_while_fetching_is_waited_for_no_longer_than_the_lease() -> None:
    look(KEYS, NOW)
    lease = tokens.LEASE.total_seconds()
    assert look(KEYS, after(lease - 1)) is None
    assert isinstance(look(KEYS, after(lease)), Turn)


@pytest.mark.django_db
def test_who_fetched_in_a_process_that_has_ended_is_not_waited_for(ended_process: str) -> None:
    look(KEYS, NOW)
    AvitoToken.objects.update(fetching_by=ended_process)
    assert isinstance(look(KEYS, after(1)), Turn)
    assert look(KEYS, after(2)) is None


@pytest.mark.django_db
def test_fetch_that_failed_lets_the_next_try() -> None:
    turn = taken(look(KEYS, NOW))
    release(KEYS, turn)
    assert isinstance(look(KEYS, after(1)), Turn)


@pytest.mark.django_db
def test_late_failure_does_not_end_anothers_turn() -> None:
    first = taken(look(KEYS, NOW))
    later = after(tokens.LEASE.total_seconds())
    look(KEYS, later)
    release(KEYS, first)
    assert look(KEYS, later) is None


@pytest.mark.django_db
def test_same_client_with_another_secret_shares_nothing() -> None:
    """Else whoever knows a client_id could read with another's token."""
    keep(KEYS, "tK-1", 86400, NOW)
    assert isinstance(look(Keys("client", "guessed", 7), NOW), Turn)


@pytest.mark.django_db
def test_forgetting_a_client_forgets_all_its_pairs() -> None:
    keep(KEYS, "tK-1", 86400, NOW)
    keep(Keys("client", "another", 7), "tK-2", 86400, NOW)
    keep(Keys("neighbour", "secret", 7), "tK-3", 86400, NOW)
    forget(KEYS.client)
    assert AvitoToken.objects.get().client == digest_of("neighbour")


@pytest.mark.django_db
def test_token_is_sealed_in_the_database() -> None:
    keep(KEYS, "tK-very-plain", 86400, NOW)
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{AvitoToken._meta.db_table}"')
        [row] = cursor.fetchall()
    assert not any(word in str(row) for word in ("tK-very-plain", "client", "secret"))


@pytest.mark.django_db
def test_token_whose_key_is_gone_is_fetched_anew(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [LOST]
    keep(KEYS, "tK-1", 86400, NOW)
    settings.FIELD_ENCRYPTION_KEYS = []
    assert isinstance(look(KEYS, NOW), Turn)
    keep(KEYS, "tK-2", 86400, NOW)
    assert look(KEYS, NOW) == Token("tK-2", 2, after(86400 - 300))


@pytest.mark.django_db(transaction=True)
def test_of_those_who_look_together_one_fetches(at_once: Callable[..., list[object]]) -> None:
    found = at_once(*[partial(look, KEYS, NOW) for _ in range(6)])
    assert [state is None for state in found].count(False) == 1


@pytest.mark.django_db(transaction=True)
def test_of_those_who_were_refused_together_one_renews(at_once: Callable[..., list[object]]) -> None:
    keep(KEYS, "tK-1", 86400, NOW)
    found = at_once(*[partial(look, KEYS, NOW, 1) for _ in range(6)])
    assert [state is None for state in found].count(False) == 1


# --- keys


def test_digest_is_keyed(settings: Settings) -> None:
    first = digest_of("client")
    assert (len(first), first == digest_of("client"), first == digest_of("Client")) == (64, True, False)
    settings.SECRET_KEY = "another" * 10
    assert digest_of("client") != first


@pytest.mark.parametrize(
    ("client_id", "shown"),
    [("hT4pWq9_zLr2cXv7bN1k", "hT4p…1k"), ("twelve-chars", "twel…rs"), ("short", "…"), ("", "…")],
)
def test_mask_shows_no_more_than_a_hint(client_id: str, shown: str) -> None:
    assert mask_of(client_id) == shown


@pytest.mark.parametrize(
    "stored", [None, {}, [], {"client_id": "a"}, {"client_id": "a", "client_secret": ""}, {"client_secret": "b"}]
)
def test_keys_that_are_not_whole_are_bad(stored: Any) -> None:
    with pytest.raises(AvitoError) as caught:
        keys_of(AvitoProfile(credentials=stored))
    assert caught.value.kind is Kind.BAD_CREDENTIALS


def test_keys_are_those_of_the_profile() -> None:
    profile = AvitoProfile(credentials={"client_id": "a", "client_secret": "b"}, account_id=7)
    assert keys_of(profile) == Keys("a", "b", 7)


@pytest.mark.django_db
def test_keys_that_cannot_be_opened_are_bad(member: User, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [LOST]
    AvitoProfile.objects.create(owner=member, name="N", credentials={"client_id": "a", "client_secret": "b"})
    settings.FIELD_ENCRYPTION_KEYS = []
    with pytest.raises(AvitoError) as caught:
        keys_of(AvitoProfile.objects.defer("credentials").get())
    assert caught.value.kind is Kind.BAD_CREDENTIALS


def test_keys_show_nothing_of_themselves() -> None:
    assert repr(KEYS) == "Keys(account_id=7)"
