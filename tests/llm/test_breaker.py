from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from llm import signals
from llm.breaker import FAILURES, claim_trial, record_failure, record_success
from llm.errors import Kind, ProviderError
from llm.models import ProviderState

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard() -> Iterator[list[tuple[Any, ...]]]:
    """What the breaker told the others."""
    told: list[tuple[Any, ...]] = []

    def paused(name: str, kind: str, until: datetime, **_: Any) -> None:
        told.append(("paused", name, kind, until))

    def recovered(name: str, **_: Any) -> None:
        told.append(("recovered", name))

    signals.provider_paused.connect(paused)
    signals.provider_recovered.connect(recovered)
    yield told
    signals.provider_paused.disconnect(paused)
    signals.provider_recovered.disconnect(recovered)


def fail(kind: Kind, now: datetime, times: int = 1) -> ProviderState:
    for _ in range(times):
        record_failure("openai", ProviderError(kind, "it said so"), now)
    return ProviderState.objects.get(name="openai")


@pytest.mark.parametrize(("kind", "minutes"), [("auth", 10), ("billing", 30), ("forbidden_region", 60)])
def test_error_for_everybody_pauses_at_once(kind: Kind, minutes: int, now: datetime, heard: list[Any]) -> None:
    until = now + timedelta(minutes=minutes)
    assert fail(kind, now).paused_until == until
    assert heard == [("paused", "openai", kind, until)]


def test_fewer_failures_than_five_pause_nothing(now: datetime, heard: list[Any]) -> None:
    assert fail("server", now, FAILURES - 1).paused_until is None
    assert heard == []


@pytest.mark.parametrize(("failures", "seconds"), [(5, 30), (6, 60), (7, 120), (10, 600), (40, 600)])
def test_pause_doubles_up_to_ten_minutes(failures: int, seconds: int, now: datetime) -> None:
    assert fail("overloaded", now, failures).paused_until == now + timedelta(seconds=seconds)


def test_longer_pause_is_told_once(now: datetime, heard: list[Any]) -> None:
    fail("server", now, FAILURES + 3)
    assert len(heard) == 1


def test_error_of_the_request_is_not_noted(now: datetime) -> None:
    record_failure("openai", ProviderError("blocked"), now)
    assert not ProviderState.objects.exists()


def test_last_error_is_on_record(now: datetime) -> None:
    state = fail("server", now)
    assert (state.last_error_kind, state.last_error, state.last_error_at) == ("server", "it said so", now)


def test_success_closes_the_breaker_and_tells(now: datetime, heard: list[Any]) -> None:
    fail("server", now, FAILURES)
    record_success("openai", now + timedelta(minutes=1))
    state = ProviderState.objects.get(name="openai")
    assert (state.paused_until, state.failures) == (None, 0)
    assert heard[-1] == ("recovered", "openai")


def test_success_without_a_pause_tells_nobody(now: datetime, heard: list[Any]) -> None:
    fail("server", now)
    record_success("openai", now + timedelta(minutes=1))
    assert ProviderState.objects.get(name="openai").failures == 0
    assert heard == []


def test_success_of_an_unknown_provider_makes_no_row(now: datetime) -> None:
    record_success("openai", now)
    assert not ProviderState.objects.exists()


def test_success_from_before_the_failure_clears_nothing(now: datetime) -> None:
    fail("auth", now)
    record_success("openai", now - timedelta(seconds=1))
    assert ProviderState.objects.get(name="openai").paused_until is not None


def test_trial_is_claimed_by_one(now: datetime) -> None:
    state = fail("auth", now)
    assert state.paused_until is not None
    later = state.paused_until + timedelta(seconds=1)
    assert claim_trial("openai", state.paused_until, later)
    assert not claim_trial("openai", state.paused_until, later)


def test_trial_that_never_ends_lets_another_try(now: datetime) -> None:
    state = fail("auth", now)
    assert state.paused_until is not None
    assert claim_trial("openai", state.paused_until, now)
    state.refresh_from_db()
    assert state.paused_until is not None
    assert claim_trial("openai", state.paused_until, state.paused_until)


def test_recovered_provider_needs_no_trial(now: datetime) -> None:
    state = fail("auth", now)
    assert state.paused_until is not None
    record_success("openai", now + timedelta(seconds=1))
    assert claim_trial("openai", state.paused_until, now)


@pytest.mark.django_db(transaction=True)
def test_failures_of_two_threads_are_both_counted(now: datetime, at_once: Callable[..., list[Any]]) -> None:
    fail("server", now)
    at_once(*(lambda: fail("server", now) for _ in range(2)))
    assert ProviderState.objects.get(name="openai").failures == 3
