"""The breaker of each provider, in `ProviderState`: all processes see it, and nothing is asked while it is open.

closed  ``paused_until`` is null
open    ``paused_until`` lies ahead: calls are refused with the recorded error
trial   ``paused_until`` has passed: one call claims the trial and decides; the others are refused until it did
"""

from datetime import datetime, timedelta

from django.db import transaction

from llm import signals
from llm.errors import PAUSING, TRANSIENT, Kind, ProviderError
from llm.models import ProviderState

PAUSES: dict[Kind, timedelta] = {
    "auth": timedelta(minutes=10),
    "billing": timedelta(minutes=30),
    "forbidden_region": timedelta(hours=1),
}
FAILURES = 5  # transient ones in a row that open the breaker
FIRST_PAUSE = timedelta(seconds=30)  # doubles with each further failure
LONGEST_PAUSE = timedelta(minutes=10)
TRIAL = timedelta(seconds=30)  # how long the one trial call may be silent before another may try


def counts(error: ProviderError) -> bool:
    """Whether the error says something of the provider and not of the request."""
    return error.kind in PAUSING or error.kind in TRANSIENT


@transaction.atomic
def record_failure(provider: str, error: ProviderError, now: datetime) -> None:
    """Note a failed call, and open the breaker when it is time to. Errors of the request itself are not noted."""
    if not counts(error):
        return
    ProviderState.objects.get_or_create(name=provider)
    state = ProviderState.objects.select_for_update().get(name=provider)
    was_open = state.paused_until is not None
    state.last_error_kind, state.last_error, state.last_error_at = error.kind, error.message[:500], now
    if error.kind in TRANSIENT:
        state.failures += 1
    if (pause := _pause(error.kind, state.failures)) is not None:
        state.paused_until = now + pause
    state.save()
    if state.paused_until is not None and not was_open:
        signals.provider_paused.send(ProviderState, name=provider, kind=error.kind, until=state.paused_until)


def _pause(kind: Kind, failures: int) -> timedelta | None:
    if kind in PAUSES:
        return PAUSES[kind]
    if failures < FAILURES:
        return None
    doublings = min(failures - FAILURES, 10)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


@transaction.atomic
def record_success(provider: str, now: datetime) -> None:
    """The provider answers: forget the failures and close the breaker. Writes only when there is something to clear.

    ``now``: when the call that succeeded was answered; a pause that began later stands.
    """
    state = ProviderState.objects.select_for_update().filter(name=provider).first()
    if state is None or (state.paused_until is None and not state.failures):
        return
    if state.last_error_at is not None and state.last_error_at > now:
        return
    was_open = state.paused_until is not None
    state.paused_until, state.failures = None, 0
    state.save(update_fields=["paused_until", "failures"])
    if was_open:
        signals.provider_recovered.send(ProviderState, name=provider)


def claim_trial(provider: str, seen: datetime, now: datetime) -> bool:
    """Whether this call may try a provider whose pause ``seen`` is over: True for one, and when it has recovered."""
    states = ProviderState.objects.filter(name=provider)
    if states.filter(paused_until=seen).update(paused_until=now + TRIAL):
        return True
    return not states.filter(paused_until__isnull=False).exists()
