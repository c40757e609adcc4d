"""The limiter: a window that slides, shared by all who call."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import hypothesis
import pytest
from hypothesis import strategies

from reports.avito import gate
from reports.avito.gate import LIMITS, answered, block, give_back, take
from reports.models import CallGate

NORTH, SOUTH = "account:90000001", "account:90000002"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("method", ["stats_v2", "spendings", "cpa"])
@pytest.mark.django_db
def test_one_call_a_minute(method: str) -> None:
    assert take(NORTH, method, NOW) == 0.0
    assert take(NORTH, method, after(1)) == 59.0
    assert take(NORTH, method, after(59.5)) == 0.5
    assert take(NORTH, method, after(60)) == 0.0
    assert take(NORTH, method, after(60)) == 60.0


@pytest.mark.django_db
def test_who_is_told_to_wait_takes_nothing() -> None:
    take(NORTH, "cpa", NOW)
    for second in range(1, 60):
        assert take(NORTH, "cpa", after(second)) == 60 - second
    assert take(NORTH, "cpa", after(60)) == 0.0


@pytest.mark.django_db
def test_twenty_five_pages_a_minute_at_whatever_pace() -> None:
    assert [take(NORTH, "items", after(n)) for n in range(25)] == [0.0] * 25
    assert take(NORTH, "items", after(25)) == 35.0
    assert take(NORTH, "items", after(60)) == 0.0
    assert take(NORTH, "items", after(60.5)) == 0.5


@pytest.mark.django_db
def test_accounts_and_methods_have_limits_of_their_own() -> None:
    calls = [(NORTH, "stats_v2"), (SOUTH, "stats_v2"), (NORTH, "cpa"), (NORTH, "spendings"), ("client:a", "cpa")]
    assert [take(scope, method, NOW) for scope, method in calls] == [0.0] * 5


@pytest.mark.django_db
def test_method_without_a_limit_is_let_through_and_not_written_down() -> None:
    assert [take(NORTH, "messages", NOW) for _ in range(100)] == [0.0] * 100
    answered(NORTH, "messages", NOW, NOW)
    give_back(NORTH, "messages", NOW)
    assert not CallGate.objects.exists()


@pytest.mark.django_db
def test_minute_counts_from_the_answer_on() -> None:
    """The call may have arrived as late as its answer came."""
    take(NORTH, "stats_v2", NOW)
    answered(NORTH, "stats_v2", NOW, after(8))
    assert take(NORTH, "stats_v2", after(60)) == 8.0
    assert take(NORTH, "stats_v2", after(68)) == 0.0


@pytest.mark.django_db
def test_answer_moves_one_call_of_those_at_the_same_moment() -> None:
    for _ in range(25):
        take(NORTH, "items", NOW)
    answered(NORTH, "items", NOW, after(30))
    assert [take(NORTH, "items", after(60)) for _ in range(25)] == [0.0] * 24 + [30.0]


@pytest.mark.django_db
def test_call_given_back_may_be_made_again_at_once() -> None:
    take(NORTH, "cpa", NOW)
    give_back(NORTH, "cpa", NOW)
    assert take(NORTH, "cpa", after(1)) == 0.0


@pytest.mark.django_db
def test_only_the_own_call_is_given_back() -> None:
    for second in (0, 1, 1):
        take(NORTH, "get_calls", after(second))
    give_back(NORTH, "get_calls", after(1))
    give_back(NORTH, "get_calls", after(7))
    assert CallGate.objects.get().calls == [NOW.timestamp(), after(1).timestamp()]


@pytest.mark.parametrize("method", ["stats_v2", "items", "messages"])
@pytest.mark.django_db
def test_pause_that_avito_named_is_kept(method: str) -> None:
    take(NORTH, method, NOW)
    assert block(NORTH, method, NOW, NOW, 17.0) == 17.0
    assert take(NORTH, method, after(7)) == 10.0
    assert take(NORTH, method, after(17)) == 0.0


@pytest.mark.django_db
def test_pause_of_nothing_is_still_a_pause() -> None:
    assert block(NORTH, "messages", NOW, NOW, 0.0) == 1.0


@pytest.mark.parametrize("method", ["stats_v2", "spendings", "cpa"])
@pytest.mark.django_db
def test_pause_that_was_not_named_is_a_minute_and_some_for_slow_methods(method: str) -> None:
    assert [block(NORTH, method, NOW, after(n * 66)) for n in range(3)] == [65.0, 65.0, 65.0]


@pytest.mark.parametrize("method", ["messages", "items", "token"])
@pytest.mark.django_db
def test_pauses_grow_while_refusals_go_on(method: str) -> None:
    moment, pauses = NOW, []
    for _ in range(7):
        pauses.append(block(NORTH, method, moment, moment))
        moment += timedelta(seconds=pauses[-1] + 1)
    assert pauses == [5.0, 10.0, 20.0, 30.0, 45.0, 45.0, 45.0]
    assert block(NORTH, method, NOW, moment + timedelta(minutes=3)) == 5.0


@pytest.mark.django_db
def test_shorter_pause_does_not_end_a_longer_one() -> None:
    block(NORTH, "messages", NOW, NOW, 40.0)
    block(NORTH, "messages", NOW, after(1), 5.0)
    assert take(NORTH, "messages", after(10)) == 30.0


@pytest.mark.parametrize(("left", "wait"), [(0, 60.0), (1, 0.0), (None, 0.0)])
@pytest.mark.django_db
def test_last_call_of_a_minute_is_heeded(left: int | None, wait: float) -> None:
    """Somebody else may use the same keys."""
    take(NORTH, "items", NOW)
    answered(NORTH, "items", NOW, NOW, left=left)
    assert take(NORTH, "items", NOW) == wait


@pytest.mark.django_db
def test_limits_outlive_the_process() -> None:
    """Nothing but rows remembers: what another process reads is what this one wrote."""
    take(NORTH, "stats_v2", NOW)
    [row] = CallGate.objects.values("scope", "method", "calls", "blocked_until")
    assert row == {"scope": NORTH, "method": "stats_v2", "calls": [NOW.timestamp()], "blocked_until": None}


@pytest.mark.django_db
def test_calls_that_count_no_more_are_forgotten() -> None:
    for minute in range(50):
        take(NORTH, "get_calls", after(61.0 * minute))
    assert len(CallGate.objects.get().calls) == 1


@pytest.mark.django_db(transaction=True)
def test_of_those_who_ask_together_so_many_pass_as_may(at_once: Callable[..., list[float]]) -> None:
    waits = at_once(*[partial(take, NORTH, "stats_v2", after(n / 100)) for n in range(6)])
    assert sorted(wait > 0 for wait in waits) == [False] + [True] * 5


@pytest.mark.django_db(transaction=True)
def test_those_who_ask_together_lose_no_call(at_once: Callable[..., list[float]]) -> None:
    waits = at_once(*[partial(take, NORTH, "get_calls", after(n / 100)) for n in range(8)])
    assert sorted(wait > 0 for wait in waits) == [False] * 5 + [True] * 3
    assert len(CallGate.objects.get().calls) == 5


@pytest.mark.parametrize("method", sorted(LIMITS))
@hypothesis.given(gaps=strategies.lists(strategies.floats(0, 30), min_size=1, max_size=60))
@hypothesis.settings(max_examples=20)
def test_no_minute_ever_holds_more_than_its_limit(method: str, gaps: list[float]) -> None:
    most, seconds = LIMITS[method]
    calls: list[float] = []
    moment = NOW
    for gap in gaps:
        moment += timedelta(seconds=gap)
        wait = gate._until_free(method, calls, moment)
        moment += timedelta(seconds=wait)
        calls.append(moment.timestamp())
        within = [call for call in calls if call > moment.timestamp() - seconds]
        assert len(within) <= most
        assert wait <= seconds
