"""delivery/tick.py and delivery/planning.py: what is due fires once, what is too late is told, people have the last
word."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection, connections, transaction
from pytest_django import Settings

from core import metrics
from delivery import planning, tick
from delivery.models import Delivery, Schedule
from delivery.schedule import Cron, Daily, Once, Rule, RuleError
from delivery.signals import schedule_broke
from tests.delivery import probe

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DAILY = Daily(at=time(9, 0))
State = Schedule.State


class Clock:
    """The database's clock, as the tick sees it."""

    now = NOON


@pytest.fixture
def clock(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    settings.DELIVERY_SOURCES = {"probe": "tests.delivery.probe"}
    clock = Clock()
    monkeypatch.setattr(tick, "database_now", lambda: clock.now)
    yield clock
    probe.heard.clear()
    probe.broken.clear()


def planned(name: str, rule: Rule, zone: str = "UTC", **limits: Any) -> Schedule:
    return planning.plan("probe", name, rule, zone, now=NOON, **limits)


def fired() -> list[str]:
    return list(Delivery.objects.order_by("id").values_list("key", flat=True))


# --- firing ---------------------------------------------------------------------------------------------------------


def test_burst_fires_all_that_is_due_however_many_batches_it_is(clock: Clock) -> None:
    for number in range(3):
        planned(str(number), Once(NOON))
    again = tick.burst(batch=1, seconds=60)

    assert len(fired()) == 3
    assert not again.more


def test_burst_leaves_the_rest_to_the_next_one_when_its_time_is_over(clock: Clock, settings: Settings) -> None:
    for number in range(3):
        planned(str(number), Once(NOON))

    assert tick.burst(batch=1, seconds=0).more
    assert len(fired()) == 1


def test_nothing_due_is_told_with_the_next_time(clock: Clock) -> None:
    planned("tea", Once(NOON + HOUR))
    assert tick.tick() == tick.Ticked(next_at=NOON + HOUR)
    assert fired() == []


def test_nothing_planned(clock: Clock) -> None:
    assert tick.tick() == tick.Ticked()


def test_once_fires_once_and_is_over(clock: Clock) -> None:
    row = planned("tea", Once(NOON + HOUR))
    clock.now = NOON + HOUR
    assert tick.tick().fired == 1
    assert tick.tick().fired == 0
    assert fired() == ["probe:tea:2026-11-21T13:00:00+00:00"]
    row.refresh_from_db()
    assert (row.state, row.next_at, row.last_at, row.runs) == (State.COMPLETED, None, NOON + HOUR, 1)
    assert probe.heard[0].is_last


def test_what_fired_and_what_was_missed_is_counted(clock: Clock) -> None:
    fired, missed = counted("fired"), counted("missed")
    planned("tea", DAILY)
    planned("coffee", Once(NOON + HOUR))
    clock.now = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    tick.tick()
    assert (counted("fired") - fired, counted("missed") - missed) == (1, 3)


def counted(what: str) -> float:
    return metrics.REGISTRY.get_sample_value(f"sekretar_{what}_total", {"source": "probe"}) or 0.0


def test_recurring_moves_on(clock: Clock) -> None:
    row = planned("tea", DAILY, "Europe/Moscow")
    clock.now = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
    assert tick.tick().fired == 1
    row.refresh_from_db()
    assert (row.state, row.next_at) == (State.ACTIVE, datetime(2026, 11, 23, 6, 0, tzinfo=UTC))
    assert not probe.heard[0].is_late


def test_last_of_so_many_runs_completes(clock: Clock) -> None:
    row = planned("tea", Cron("* * * * *"), max_runs=2)
    for minute in (1, 2, 3):
        clock.now = NOON + minute * MINUTE
        tick.tick()
    row.refresh_from_db()
    assert (row.state, row.runs, len(fired())) == (State.COMPLETED, 2, 2)


def test_end_completes(clock: Clock) -> None:
    row = planned("tea", Cron("0 * * * *"), end_at=NOON + 90 * MINUTE)
    clock.now = NOON + HOUR
    tick.tick()
    row.refresh_from_db()
    assert (row.state, len(fired())) == (State.COMPLETED, 1)


@pytest.mark.parametrize("state", [State.PENDING, State.PAUSED, State.COMPLETED, State.CANCELLED])
def test_only_active_fires(clock: Clock, state: Schedule.State) -> None:
    row = planned("tea", Once(NOON + HOUR))
    Schedule.objects.filter(pk=row.pk).update(state=state)
    clock.now = NOON + 2 * HOUR
    assert tick.tick().fired == 0


def test_batches_are_small_and_lose_nothing(clock: Clock) -> None:
    for number in range(7):
        planned(f"tea-{number}", Once(NOON + MINUTE))
    clock.now = NOON + MINUTE
    counts = []
    while (ticked := tick.tick(batch=3)).fired:
        counts.append((ticked.fired, ticked.more))
    assert counts == [(3, True), (3, True), (1, False)]
    assert len(set(fired())) == 7


# --- too late -------------------------------------------------------------------------------------------------------


def test_within_the_grace_it_fires_marked_late(clock: Clock) -> None:
    planned("tea", Once(NOON + MINUTE))
    clock.now = NOON + 11 * MINUTE
    tick.tick()
    assert (probe.heard[0].is_late, probe.heard[0].lateness, probe.heard[0].missed) == (True, 10 * MINUTE, 0)


def test_beyond_the_grace_it_is_missed_and_told(clock: Clock) -> None:
    row = planned("tea", Once(NOON + MINUTE))
    clock.now = NOON + 2 * HOUR
    ticked = tick.tick()
    assert (ticked.fired, ticked.missed, fired()) == (0, 1, [])
    (due,) = probe.heard
    assert (due.planned_at, due.missed, due.missed_from, due.missed_to) == (None, 1, NOON + MINUTE, NOON + MINUTE)
    row.refresh_from_db()
    assert (row.state, row.runs, row.last_at) == (State.COMPLETED, 0, None)


def test_catch_up_fires_the_latest_once_and_never_a_burst(clock: Clock) -> None:
    planned("tea", Cron("0 * * * *"), grace_seconds=60, catch_up="last")
    clock.now = NOON + 5 * HOUR + 30 * MINUTE
    ticked = tick.tick()
    assert (ticked.fired, ticked.missed) == (1, 4)
    assert fired() == ["probe:tea:2026-11-21T17:00:00+00:00"]
    assert tick.tick().fired == 0


def test_without_catch_up_all_are_missed_and_the_next_comes(clock: Clock) -> None:
    row = planned("tea", Cron("0 * * * *"), grace_seconds=60)
    clock.now = NOON + 5 * HOUR + 30 * MINUTE
    assert (tick.tick().missed, fired()) == (5, [])
    row.refresh_from_db()
    assert (row.state, row.next_at) == (State.ACTIVE, NOON + 6 * HOUR)


def test_a_run_after_the_end_is_none_that_was_missed(clock: Clock) -> None:
    planned("tea", Cron("0 * * * *"), end_at=NOON + 2 * HOUR, grace_seconds=60)
    clock.now = NOON + 6 * HOUR + 30 * MINUTE
    assert tick.tick().missed == 2


# --- when something breaks ------------------------------------------------------------------------------------------


def test_one_broken_schedule_holds_nobody_up(clock: Clock) -> None:
    told: list[Schedule] = []

    def hear(schedule: Schedule, error: Exception, **_more: Any) -> None:
        assert "broken" in str(error)
        told.append(schedule)

    schedule_broke.connect(hear)
    bad, good = planned("bad", DAILY), planned("good", DAILY)
    probe.broken.add("bad")
    clock.now = NOON + 22 * HOUR
    while tick.tick().more:
        pass
    schedule_broke.disconnect(hear)
    assert fired() == ["probe:good:2026-11-22T09:00:00+00:00"]
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, good.state, told) == (State.PAUSED, State.ACTIVE, [bad])


def test_a_rule_that_cannot_be_read_is_put_aside(clock: Clock) -> None:
    row = planned("tea", DAILY)
    Schedule.objects.filter(pk=row.pk).update(rule={"kind": "moon"})
    clock.now = NOON + 22 * HOUR
    tick.tick()
    row.refresh_from_db()
    assert row.state == State.PAUSED


def test_a_crash_before_the_commit_has_done_nothing(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    row = planned("tea", Once(NOON + MINUTE))
    clock.now = NOON + MINUTE
    with monkeypatch.context() as patched:
        patched.setattr(tick, "_move", lambda _rows: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            tick.tick()
    row.refresh_from_db()
    assert (row.state, fired()) == (State.ACTIVE, [])
    assert tick.tick().fired == 1


def test_many_may_tick_and_each_run_fires_once(clock: Clock) -> None:
    for number in range(40):
        planned(f"tea-{number}", Once(NOON + MINUTE))
    clock.now = NOON + MINUTE
    barrier, counts = Barrier(3), list[int]()

    def work() -> None:
        barrier.wait(60)
        done = 0
        while Schedule.objects.filter(state=State.ACTIVE).exists():
            done += tick.tick(batch=5).fired
        counts.append(done)
        connections.close_all()

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(counts) == 40
    assert len(fired()) == len(set(fired())) == 40


def test_the_poll_uses_the_index_of_what_is_due(clock: Clock) -> None:
    Schedule.objects.bulk_create(
        Schedule(source="probe", object_id=str(number), rule={}, zone="UTC", next_at=NOON + number * MINUTE)
        for number in range(2000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    plan = tick._due(NOON)[:500].explain() + tick._upcoming()[:1].explain()
    assert plan.count("schedule_due") == 2, plan


# --- what people do -------------------------------------------------------------------------------------------------


def test_paused_and_resumed(clock: Clock) -> None:
    row = planned("tea", DAILY)
    assert planning.pause(row, now=NOON)
    assert not planning.pause(row, now=NOON)
    later = NOON + 50 * HOUR
    clock.now = later
    assert tick.tick().fired == 0
    assert planning.resume(row, now=later)
    assert (row.state, row.next_at, row.version) == (State.ACTIVE, datetime(2026, 11, 24, 9, 0, tzinfo=UTC), 3)


def test_a_pause_returns_to_the_state_before(clock: Clock) -> None:
    row = planned("tea", DAILY, confirmed=False)
    planning.pause(row, now=NOON)
    planning.resume(row, now=NOON)
    assert row.state == State.PENDING
    assert planning.confirm(row, now=NOON)
    assert row.state == State.ACTIVE


def test_once_that_passed_during_a_pause_needs_a_new_time(clock: Clock) -> None:
    row = planned("tea", Once(NOON + MINUTE))
    planning.pause(row, now=NOON)
    with pytest.raises(RuleError, match="Choose a new one"):
        planning.resume(row, now=NOON + HOUR)
    row.refresh_from_db()
    assert row.state == State.PAUSED
    assert planning.reschedule(row, Once(NOON + 2 * HOUR), "UTC", now=NOON + HOUR)
    assert planning.resume(row, now=NOON + HOUR)
    assert (row.state, row.next_at) == (State.ACTIVE, NOON + 2 * HOUR)


def test_once_that_passed_during_a_pause_is_made_up_for_where_that_is_wished(clock: Clock) -> None:
    row = planned("tea", Once(NOON + MINUTE), catch_up="last")
    planning.pause(row, now=NOON)
    clock.now = NOON + 5 * HOUR
    planning.resume(row, now=clock.now)
    assert tick.tick().fired == 1
    assert probe.heard[0].is_late


def test_what_was_fired_but_has_not_left_is_withdrawn(clock: Clock) -> None:
    row, other = planned("tea", DAILY), planned("tea2", DAILY)
    clock.now = NOON + 22 * HOUR
    tick.tick()
    planning.pause(row, now=clock.now)
    states = dict(Delivery.objects.values_list("content__params__text", "state"))
    assert states == {None: Delivery.State.CANCELLED, "tea2": Delivery.State.QUEUED}
    planning.end(other, State.CANCELLED, now=clock.now)
    assert set(Delivery.objects.values_list("state", flat=True)) == {Delivery.State.CANCELLED}


def test_ended_for_good(clock: Clock) -> None:
    row = planned("tea", DAILY)
    assert planning.end(row, State.CANCELLED, now=NOON)
    assert not planning.end(row, State.COMPLETED, now=NOON)
    assert not planning.pause(row, now=NOON)
    assert not planning.reschedule(row, DAILY, "UTC", now=NOON)
    assert (row.state, row.next_at) == (State.CANCELLED, None)


def test_put_off_and_back_in_step(clock: Clock) -> None:
    row = planned("tea", DAILY)
    assert planning.snooze(row, NOON + 10 * MINUTE, now=NOON)
    clock.now = NOON + 10 * MINUTE
    assert tick.tick().fired == 1
    row.refresh_from_db()
    assert row.next_at == datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def test_run_that_was_put_off_counts_as_missed_beside_those_of_the_rule(clock: Clock) -> None:
    row = planned("tea", Cron("0 * * * *"))
    planning.snooze(row, NOON + 10 * MINUTE, now=NOON)
    clock.now = NOON + 65 * MINUTE
    ticked = tick.tick()
    assert (ticked.fired, ticked.missed, probe.heard[0].missed_from) == (1, 1, NOON + 10 * MINUTE)


@pytest.mark.parametrize(
    ("rule", "limits"),
    [
        (Once(NOON - HOUR), {}),
        (DAILY, {"end_at": NOON + HOUR}),
        (DAILY, {"max_runs": 0}),
    ],
)
def test_what_would_never_run_is_refused(clock: Clock, rule: Rule, limits: dict[str, Any]) -> None:
    with pytest.raises(RuleError) as caught:
        planned("tea", rule, **limits)
    assert caught.value.code == "never-fires"
    assert not Schedule.objects.exists()


def test_a_moment_ago_is_now(clock: Clock) -> None:
    planned("tea", Once(NOON - 30 * timedelta(seconds=1)))
    assert tick.tick().fired == 1


def test_not_before_its_start(clock: Clock) -> None:
    start = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
    assert planned("tea", DAILY, start_at=start).next_at == start


# --- a million rows -------------------------------------------------------------------------------------------------


def plan_of(query: Any) -> str:
    """How the database would do it, with statistics of what it holds."""
    sql, params = query.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE delivery_schedule")
        cursor.execute(("EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN ") + sql, params)
        return str(cursor.fetchall())


@pytest.mark.parametrize("query", [lambda: tick._upcoming()[:1], lambda: tick._locked(tick._due(NOON))[: tick.BATCH]])
def test_tick_looks_into_the_index_of_active_rows_only(query: Any) -> None:
    rows = [
        Schedule(
            source="probe", object_id=str(number), rule={}, zone="UTC", next_at=NOON + number * MINUTE, state=state
        )
        for number, state in enumerate([State.ACTIVE, State.PAUSED, State.COMPLETED, State.CANCELLED] * 1000, start=1)
    ]
    Schedule.objects.bulk_create(rows)
    with transaction.atomic():
        found = plan_of(query())

    assert "schedule_due" in found
    assert "Seq Scan" not in found
    assert "SCAN delivery_schedule'" not in found
    assert "Sort" not in found
    assert "TEMP B-TREE" not in found
