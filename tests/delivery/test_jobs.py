"""The operator's fixed jobs: what a restart makes up, what it forgets, and who runs "run now"."""

import queue
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.triggers.cron import CronTrigger
from django.db import connection
from django.utils import timezone
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from delivery import jobs, scheduler
from delivery.models import JobRequest
from delivery.scheduler import Scheduler, alive, cron_trigger, run_requested, start, stop, weekdays

HERE = "tests.delivery.test_jobs"
# Half a day from now: none may fall due while a test runs, at whatever hour that is.
FAR = timezone.now().replace(minute=40) + timedelta(hours=12)
NIGHT = (f"{HERE}.night", f"40 {FAR.hour} * * *", "UTC")
CONTROL = (f"{HERE}.control", "50 4 1 1 *", "UTC")
TABLE = {"night": NIGHT, "control": CONTROL}
SECONDS = 60  # how long a test waits for a thread before it fails

ran: "queue.Queue[tuple[str, str]]" = queue.Queue()
gate = threading.Event()


def night() -> None:
    ran.put(("night", threading.current_thread().name))


def control() -> None:
    ran.put(("control", threading.current_thread().name))


def broken() -> None:
    raise RuntimeError("x" * 5000)


def slow() -> None:
    ran.put(("slow", "began"))
    gate.wait(SECONDS)


def removes_three(now: datetime) -> int:
    return 3


def fails(now: datetime) -> int:
    raise RuntimeError(f"no files at {now:%H:%M}")


def names() -> list[str]:
    return [ran.get_nowait()[0] for _ in range(ran.qsize())]


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    names()
    gate.clear()


@pytest.fixture
def running() -> Iterator[list[Scheduler]]:
    """Schedulers a test has started; those still running are stopped."""
    started: list[Scheduler] = []
    yield started
    gate.set()
    for one in started:
        if one.running:
            stop(one)


def missed(minutes: int, table: scheduler.Jobs = TABLE) -> datetime:
    """Register ``table`` and leave "night" due ``minutes`` ago, as a process that died before it would."""
    past = timezone.now() - timedelta(minutes=minutes)
    first = start(table)
    first.pause()
    first.modify_job("night", next_run_time=past)
    stop(first)
    return past


def run_control(one: Scheduler) -> list[str]:
    """Ask for "control" and stop; what ran until then. The pass that started it started all that was due."""
    JobRequest.objects.create(job_id="control")
    assert run_requested(one, timezone.now()) == 1
    seen = []
    while "control" not in seen:
        seen.append(ran.get(timeout=SECONDS)[0])
    stop(one)
    return sorted([*seen, *names()])


@pytest.mark.django_db(transaction=True)
def test_restart_with_nothing_missed_runs_nothing(running: list[Scheduler]) -> None:
    stop(start(TABLE))

    running.append(start(TABLE))

    assert run_control(running[0]) == ["control"]


@pytest.mark.django_db(transaction=True)
def test_night_missed_twenty_minutes_ago_is_made_up_once(running: list[Scheduler]) -> None:
    missed(20)

    running.append(start(TABLE))

    assert run_control(running[0]) == ["control", "night"]
    assert DjangoJobExecution.objects.filter(job_id="night", status="Executed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_several_missed_nights_are_made_up_with_one_run(running: list[Scheduler]) -> None:
    # The next of them is three to four minutes away.
    often = TABLE | {"night": (NIGHT[0], f"{(timezone.now().minute - 1) % 5}-59/5 * * * *", "UTC")}
    missed(60, often)

    running.append(start(often))

    assert run_control(running[0]).count("night") == 1


@pytest.mark.django_db(transaction=True)
def test_night_missed_a_day_ago_is_recorded_as_missed_and_not_run(running: list[Scheduler]) -> None:
    past = timezone.now() - timedelta(hours=7)
    yearly = TABLE | {"night": (NIGHT[0], f"{past.minute} {past.hour} {past.day} {past.month} *", "UTC")}
    missed(7 * 60, yearly)

    running.append(start(yearly))

    assert run_control(running[0]) == ["control"]
    assert DjangoJobExecution.objects.get(job_id="night").status == "Missed!"


@pytest.mark.django_db(transaction=True)
def test_run_that_falls_due_during_the_shutdown_is_not_lost() -> None:
    past = missed(1)

    assert DjangoJob.objects.get(id="night").next_run_time == past
    assert names() == []


@pytest.mark.django_db(transaction=True)
def test_job_gone_from_the_table_leaves_the_store() -> None:
    stop(start(TABLE))

    stop(start({"control": CONTROL}))

    assert list(DjangoJob.objects.values_list("id", flat=True)) == ["control"]


@pytest.mark.django_db(transaction=True)
def test_changed_hour_is_taken() -> None:
    stop(start(TABLE))

    stop(start(TABLE | {"night": (NIGHT[0], "10 5 * * *", "UTC")}))

    planned = DjangoJob.objects.get(id="night").next_run_time
    assert planned is not None
    assert f"{planned.astimezone(UTC):%H:%M}" == "05:10"


@pytest.mark.django_db(transaction=True)
def test_changed_zone_is_taken() -> None:
    stop(start(TABLE))

    stop(start(TABLE | {"night": (NIGHT[0], NIGHT[1], "Asia/Tokyo")}))

    planned = DjangoJob.objects.get(id="night").next_run_time
    assert planned is not None
    assert f"{planned.astimezone(UTC):%H:%M}" == f"{(FAR.hour - 9) % 24:02}:40"


@pytest.mark.django_db(transaction=True)
def test_function_that_moved_is_found_again_and_the_missed_night_is_kept(running: list[Scheduler]) -> None:
    missed(20, TABLE | {"night": (f"{HERE}.gone_since", NIGHT[1], NIGHT[2])})

    running.append(start(TABLE))

    assert run_control(running[0]) == ["control", "night"]


@pytest.mark.django_db(transaction=True)
def test_run_now_runs_in_the_schedulers_pool_and_keeps_the_planned_night(
    running: list[Scheduler],
) -> None:
    running.append(start(TABLE))
    planned = DjangoJob.objects.get(id="night").next_run_time
    JobRequest.objects.create(job_id="night", requested_by="Olga")

    assert run_requested(running[0], timezone.now()) == 1
    name, thread = ran.get(timeout=SECONDS)
    stop(running[0])

    assert (name, thread != threading.current_thread().name) == ("night", True)
    assert DjangoJob.objects.get(id="night").next_run_time == planned
    assert JobRequest.objects.get().started_at is not None


@pytest.mark.django_db(transaction=True)
def test_request_is_taken_once(running: list[Scheduler]) -> None:
    running.append(start(TABLE))
    JobRequest.objects.create(job_id="control")
    now = timezone.now()

    assert [run_requested(running[0], now), run_requested(running[0], now)] == [1, 0]


@pytest.mark.django_db(transaction=True)
def test_request_for_an_unknown_job_is_settled_without_a_run(running: list[Scheduler]) -> None:
    running.append(start(TABLE))
    JobRequest.objects.create(job_id="no_such_job")

    assert run_requested(running[0], timezone.now()) == 0
    assert not JobRequest.objects.filter(started_at__isnull=True).exists()


@pytest.mark.django_db(transaction=True)
def test_run_asked_for_while_the_job_runs_is_recorded_as_refused(running: list[Scheduler]) -> None:
    running.append(start({"slow": (f"{HERE}.slow", NIGHT[1], "UTC"), "control": CONTROL}))
    JobRequest.objects.create(job_id="slow")
    run_requested(running[0], timezone.now())
    ran.get(timeout=SECONDS)
    JobRequest.objects.create(job_id="slow")
    run_requested(running[0], timezone.now())

    JobRequest.objects.create(job_id="control")
    run_requested(running[0], timezone.now())
    assert ran.get(timeout=SECONDS)[0] == "control"
    gate.set()
    stop(running[0])

    statuses = DjangoJobExecution.objects.filter(job_id="slow").values_list("status", flat=True)
    assert sorted(statuses) == ["Executed", "Max instances!"]


@pytest.mark.django_db(transaction=True)
def test_failed_run_stands_in_the_history_with_its_error_cut(running: list[Scheduler]) -> None:
    missed(5, TABLE | {"night": (f"{HERE}.broken", NIGHT[1], NIGHT[2])})

    running.append(start(TABLE | {"night": (f"{HERE}.broken", NIGHT[1], NIGHT[2])}))
    run_control(running[0])

    row = DjangoJobExecution.objects.get(job_id="night")
    assert row.status == "Error!"
    assert row.exception is not None
    assert row.exception.startswith("RuntimeError: xxx")


@pytest.mark.django_db(transaction=True)
def test_running_scheduler_is_alive_and_a_stopped_one_is_not(running: list[Scheduler]) -> None:
    running.append(start(TABLE))
    before = alive(running[0])
    stop(running[0])

    assert (before, alive(running[0])) == (True, False)


@pytest.mark.django_db(transaction=True)
def test_watchdogs_question_is_answered_by_the_thread(running: list[Scheduler]) -> None:
    running.append(start(TABLE))
    running[0].answered_at = 0.0
    assert alive(running[0])

    run_control(running[0])

    assert running[0].asked_at is None
    assert running[0].answered_at > 0


@pytest.mark.django_db(transaction=True)
def test_thread_that_has_not_answered_for_a_minute_counts_as_dead(running: list[Scheduler]) -> None:
    running.append(start(TABLE))
    with running[0]._jobstores_lock:  # the thread cannot finish its pass, as with a database that hangs
        time.sleep(0.05)  # unless it is just about to say that it did
        running[0].asked_at = time.monotonic() - 61
        answer = alive(running[0])

    assert answer is False


@pytest.mark.django_db(transaction=True)
def test_crontab_that_cannot_be_read_starts_nothing() -> None:
    with pytest.raises(ValueError, match="five fields"):
        start({"night": (NIGHT[0], "@daily", "UTC")})

    assert not DjangoJob.objects.exists()


@pytest.mark.parametrize(
    ("field", "names_"),
    [
        ("*", "*"),
        ("0", "sun"),
        ("7", "sun"),
        ("1-5", "mon,tue,wed,thu,fri"),
        ("5-7", "sun,fri,sat"),
        ("fri-mon", "sun,mon,fri,sat"),
        ("*/2", "sun,tue,thu,sat"),
        ("Mon,WED", "mon,wed"),
        ("1-5/2", "mon,wed,fri"),
    ],
)
def test_weekdays_are_counted_as_crontab_counts(field: str, names_: str) -> None:
    assert weekdays(field) == names_


def test_zero_in_a_crontab_is_sunday() -> None:
    friday = datetime(2026, 11, 20, 12, tzinfo=UTC)

    assert next_time(cron_trigger("0 9 * * 0", "UTC"), friday) == datetime(2026, 11, 22, 9, tzinfo=UTC)


def next_time(trigger: CronTrigger, after: datetime) -> datetime:
    planned: datetime = trigger.get_next_fire_time(None, after)
    return planned


@pytest.mark.parametrize("crontab", ["0 0 1 * 1", "61 * * * *", "0 0 * * 8", "0 0 * * x", "0 0 * *"])
def test_bad_crontab_is_refused(crontab: str) -> None:
    with pytest.raises(ValueError):
        cron_trigger(crontab, "UTC")


def test_housekeeping_counts_what_each_function_removed(now: datetime) -> None:
    assert jobs.sweep([f"{HERE}.removes_three"], now) == {f"{HERE}.removes_three": 3}


def test_failing_housekeeper_does_not_stop_the_others_and_is_reported(now: datetime) -> None:
    called = []

    def remember(_now: datetime) -> int:
        called.append("ran")
        return 0

    globals()["remember"] = remember
    with pytest.raises(ExceptionGroup, match=rf"{HERE}.fails: no files at 09:00"):
        jobs.sweep([f"{HERE}.fails", f"{HERE}.remember"], now)

    assert called == ["ran"]


@pytest.mark.django_db
def test_history_is_forgotten_after_thirty_days(now: datetime) -> None:
    job = DjangoJob.objects.create(id="night", job_state=b"")
    for days in (29, 31):
        DjangoJobExecution.objects.create(job=job, status="Executed", run_time=now - timedelta(days=days))

    assert jobs.forget_history(now) == 1
    assert DjangoJobExecution.objects.get().run_time == now - timedelta(days=29)


@pytest.mark.django_db
def test_requests_are_forgotten_after_thirty_days(now: datetime) -> None:
    for days in (29, 31):
        JobRequest.objects.create(job_id="night", requested_at=now - timedelta(days=days))

    assert jobs.forget_requests(now) == 1


def ask_the_database() -> None:
    JobRequest.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_job_leaves_no_connection_open_in_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)
    left: list[object] = []

    def work() -> None:
        jobs.run(f"{HERE}.ask_the_database")
        left.append(connection.connection)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert left == [None]
