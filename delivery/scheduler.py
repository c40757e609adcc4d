"""The scheduler of the operator's fixed jobs: APScheduler in a thread, its jobs and history in the database.

Only the process that holds the leader lock may call ``start`` (two schedulers over one store run everything
more than once), never on the thread of a running event loop. People's schedules are rows of their own and
never come here. Import this module only in that process: it loads APScheduler's threads and executors.

The store survives restarts, so a night missed while the bot was down is made up once, up to six hours later.
That is why ``register`` never replaces a job that is there: replacing computes the next run from now and
forgets the night.
"""

import time
from collections.abc import Mapping
from datetime import datetime

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.job import Job
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_RUNNING, STATE_STOPPED
from apscheduler.triggers.cron import CronTrigger
from django.conf import settings
from django.db import close_old_connections, connection
from django_apscheduler.jobstores import DjangoJobStore

from delivery.models import JobRequest

log = structlog.get_logger(__name__)

RUNNER = "delivery.jobs:run"
DEFAULTS = {"coalesce": True, "max_instances": 1, "misfire_grace_time": 6 * 3600}
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")  # as crontab counts: 0 is Sunday
DEAF_AFTER = 60.0  # seconds without an answer to a wake-up, then the thread counts as dead
ASK_EVERY = 15.0  # seconds between the watchdog's wake-ups

Jobs = Mapping[str, tuple[str, str, str]]


class Scheduler(BackgroundScheduler):  # type: ignore[misc]
    """Closes its connection, loses no run at its end, and answers the watchdog."""

    asked_at: float | None = None
    answered_at: float = 0.0

    def _main_loop(self) -> None:
        try:
            super()._main_loop()
        finally:
            connection.close()

    def _process_jobs(self) -> float | None:
        # A pass after shutdown() would move a due job on although the executor no longer takes it.
        if self.state == STATE_STOPPED:
            return None
        close_old_connections()
        wait: float | None = super()._process_jobs()
        self.asked_at, self.answered_at = None, time.monotonic()
        return wait


def start(jobs: Jobs | None = None) -> Scheduler:
    """Start the thread with ``jobs`` registered (``settings.JOBS``: id -> dotted path, crontab, zone).

    Raises ``ValueError`` for a crontab that cannot be read; nothing runs then.
    """
    wanted = {
        key: (path, cron_trigger(crontab, zone))
        for key, (path, crontab, zone) in (settings.JOBS if jobs is None else jobs).items()
    }
    scheduler = Scheduler(
        jobstores={"default": DjangoJobStore()},
        executors={"default": ThreadPoolExecutor(2)},
        job_defaults=DEFAULTS,
        timezone="UTC",
    )
    scheduler.start(paused=True)
    scheduler.add_listener(_close_connection, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR | EVENT_JOB_MISSED)
    register(scheduler, wanted)
    scheduler.resume()
    return scheduler


def stop(scheduler: Scheduler) -> None:
    """End the thread after the jobs that are running; what falls due meanwhile stays for the next start."""
    scheduler.shutdown(wait=True)


def register(scheduler: Scheduler, wanted: Mapping[str, tuple[str, CronTrigger]]) -> None:
    """Make the store hold exactly ``wanted``; what has not changed keeps its next run. Paused only."""
    have: dict[str, Job] = {job.id: job for job in scheduler.get_jobs()}
    for key, (path, trigger) in wanted.items():
        job = have.pop(key, None)
        if job is None:
            scheduler.add_job(RUNNER, trigger, args=(path,), id=key, name=key)
        else:
            _renew(job, path, trigger)
    for job in have.values():
        log.info("job_removed", job=job.id)
        job.remove()


def _renew(job: Job, path: str, trigger: CronTrigger) -> None:
    if job.func_ref != RUNNER or tuple(job.args) != (path,):
        job.modify(func=RUNNER, args=(path,))
    if job.misfire_grace_time != DEFAULTS["misfire_grace_time"]:
        job.modify(**DEFAULTS)
    if str(job.trigger) != str(trigger) or job.trigger.timezone != trigger.timezone:
        job.reschedule(trigger)


def run_requested(scheduler: Scheduler, now: datetime) -> int:
    """Start what operators asked to run now; how many were started. Their next planned time does not move.

    A request is taken once (the update counts). If handing it over fails, it waits for the next call.
    """
    started = 0
    for request in JobRequest.objects.filter(started_at__isnull=True).order_by("id")[:20]:
        mine = JobRequest.objects.filter(pk=request.pk, started_at__isnull=True)
        if mine.update(started_at=now):
            started += _make_due(scheduler, request, now)
    return started


def _make_due(scheduler: Scheduler, request: JobRequest, now: datetime) -> bool:
    # No transaction around both: the scheduler's thread takes its lock first and the database second.
    try:
        scheduler.modify_job(request.job_id, next_run_time=now)
    except JobLookupError:
        log.warning("requested_job_unknown", job=request.job_id, by=request.requested_by)
        return False
    except Exception:
        JobRequest.objects.filter(pk=request.pk).update(started_at=None)
        raise
    log.info("job_requested", job=request.job_id, by=request.requested_by)
    return True


def alive(scheduler: Scheduler) -> bool:
    """For the watchdog, called every few seconds: whether the thread lives and answers within a minute.

    It asks by waking the thread, which then looks into the store; a False means that the process should end.
    """
    thread = scheduler._thread
    if scheduler.state != STATE_RUNNING or thread is None or not thread.is_alive():
        return False
    now = time.monotonic()
    asked = scheduler.asked_at
    if asked is not None:
        return now - asked < DEAF_AFTER
    if now - scheduler.answered_at > ASK_EVERY:
        scheduler.asked_at = now
        scheduler.wakeup()
    return True


def _close_connection(_event: JobExecutionEvent) -> None:
    """Runs last in the pool's thread, after the history was written: an idle thread keeps no connection."""
    connection.close()


def cron_trigger(crontab: str, zone: str) -> CronTrigger:
    """Five fields as crontab means them (0 and 7 are Sunday; APScheduler alone would take 0 for Monday).

    Raises ``ValueError`` also for a day of the month together with a weekday: crontab reads it as "or",
    APScheduler as "and", and a job that runs at other times than its author thinks is worse than none.
    """
    fields = crontab.split()
    if len(fields) != 5:
        raise ValueError(f"{crontab!r} is not a crontab line of five fields")
    minute, hour, day, month, weekday = fields
    if day != "*" and weekday != "*":
        raise ValueError(f"{crontab!r}: give a day of the month or a weekday, not both")
    return CronTrigger(minute=minute, hour=hour, day=day, month=month, day_of_week=weekdays(weekday), timezone=zone)


def weekdays(field: str) -> str:
    """A crontab's weekday field in names: ``"1-5"`` -> ``"mon,tue,wed,thu,fri"``; ``"*"`` stays."""
    if field == "*":
        return field
    chosen: set[int] = set()
    for part in field.lower().split(","):
        chosen |= _days(part)
    return ",".join(DAYS[number] for number in sorted(chosen))


def _days(part: str) -> set[int]:
    span, _, step = part.partition("/")
    first, _, last = ("0", "-", "6") if span == "*" else span.partition("-")
    begin, end = _day(first), _day(last or first)
    if last and end < begin:
        end += 7
    return {number % 7 for number in range(begin, end + 1, int(step or 1))}


def _day(text: str) -> int:
    number = DAYS.index(text) if text in DAYS else int(text)
    if not 0 <= number <= 7:
        raise ValueError(f"{text!r} is not a day of the week")
    return number
