"""The operator's nightly job."""

from datetime import datetime, timedelta

import structlog
from cronsim import CronSim, CronSimError
from django.conf import settings
from django.utils import timezone

from llm import sync
from llm.models import SyncRun

log = structlog.get_logger(__name__)


# Two schedulers that mean the same planned time are not further apart.
SAME_TIME = timedelta(minutes=2)


def sync_models(now: datetime | None = None) -> None:
    """Refresh the catalogue, once per planned time however many schedulers there are; and whenever it is asked for."""
    now = now or timezone.now()
    slot = slot_of(now)
    done = sync.run("nightly", slot, now=now)
    if done is None and SyncRun.objects.filter(slot=slot, started_at__lt=now - SAME_TIME).exists():
        # The planned time had its run long ago: an operator asks for one more.
        done = sync.run("asked", f"asked:{now:%Y-%m-%dT%H:%M}", now=now)
    if done is None:
        log.info("sync_models_skipped", reason="another process has this slot")
    else:
        log.info("sync_models", state=done.state, results=done.results)


def slot_of(now: datetime) -> str:
    """The name of the planned run that ``now`` belongs to: the last time that REFRESH_CRON named, in TIME_ZONE."""
    local = timezone.localtime(now)
    try:
        planned = next(CronSim(settings.REFRESH_CRON, local + timedelta(minutes=1), reverse=True))
    except (CronSimError, StopIteration):
        return f"nightly:{local:%Y-%m-%d}"
    return f"nightly:{planned:%Y-%m-%dT%H:%M%z}"
