"""The operator's fixed jobs, as they run in the scheduler's threads.

``run`` is what the job store remembers, with the job's dotted path as its argument: a function that moves
does not make the store forget the job. This module does not import APScheduler.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import close_old_connections, connections
from django.utils import timezone
from django.utils.module_loading import import_string

from core.trace import new_trace, trace
from delivery.models import JobRequest

log = structlog.get_logger(__name__)

KEEP_HISTORY = timedelta(days=30)
OWN = ("delivery.jobs.forget_history", "delivery.jobs.forget_requests")
LONGEST_ERROR = 900  # characters; the history's column holds 1000 and PostgreSQL refuses more


class JobError(Exception):
    """A job ended in an error whose own text is too long for the history."""


def run(path: str) -> None:
    """Call the job at ``path``: fresh connections, a trace id, an error short enough to be recorded."""
    with trace(new_trace(), job=path):
        close_old_connections()
        try:
            import_string(path)()
        except Exception as error:
            log.exception("job_failed")
            if len(str(error)) > LONGEST_ERROR:
                raise JobError(f"{type(error).__name__}: {str(error)[:LONGEST_ERROR]}") from error
            raise
        finally:
            _close_connections()


def _close_connections() -> None:
    """The next job comes in an hour: none is kept for it, whatever CONN_MAX_AGE is."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def housekeeping() -> None:
    """Call what ``settings.HOUSEKEEPING`` lists and forget old history; failures are raised when all ran."""
    sweep((*settings.HOUSEKEEPING, *OWN), timezone.now())


def sweep(paths: Iterable[str], now: datetime) -> dict[str, int]:
    """Call each function of ``paths`` with ``now``; path -> rows removed.

    One that fails is logged and does not stop the others; at the end an ``ExceptionGroup`` has all failures.
    """
    counts: dict[str, int] = {}
    errors: list[Exception] = []
    for path in paths:
        try:
            counts[path] = import_string(path)(now)
        except Exception as error:
            log.exception("housekeeping_failed", function=path)
            error.add_note(path)
            errors.append(error)
    log.info("housekeeping", removed=counts, failed=len(errors))
    if errors:
        raise ExceptionGroup(", ".join(f"{error.__notes__[-1]}: {error}" for error in errors), errors)
    return counts


def was_taken(request: int) -> bool:
    """Whether somebody runs, or ran, what was asked for."""
    return not JobRequest.objects.filter(pk=request, started_at__isnull=True).exists()


def take(request: int, now: datetime) -> bool:
    """Take a request that no scheduler has taken; True when it is the caller's to do."""
    return bool(JobRequest.objects.filter(pk=request, started_at__isnull=True).update(started_at=now))


def forget_history(now: datetime) -> int:
    """Remove runs of jobs older than 30 days."""
    from django_apscheduler.models import DjangoJobExecution

    removed: int = DjangoJobExecution.objects.filter(run_time__lte=now - KEEP_HISTORY).delete()[0]
    return removed


def forget_requests(now: datetime) -> int:
    """Remove "run now" requests older than 30 days, whether or not somebody ever led the scheduler."""
    return JobRequest.objects.filter(requested_at__lte=now - KEEP_HISTORY).delete()[0]
