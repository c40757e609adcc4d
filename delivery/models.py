"""The outbox: everything that must be said is a row here before it is sent."""

from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.sealed import SealedJSON


class Doubt(models.TextChoices):
    """What to do with a message that may have arrived (a crash or a time-out between the call and the record)."""

    AGAIN = "again", _("send again, marked")
    ASK = "ask", _("leave it to a person")


class Delivery(models.Model):
    """One message to one place. ``key`` names its cause, so nothing is enqueued twice.

    ``lane`` keeps a chat's messages in order; ``content`` is what the backend needs (for Telegram: see
    telegram_bot/backend.py). ``repeated`` says that an earlier attempt may have arrived.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("sending")
        SENT = "sent", _("sent")
        UNKNOWN = "unknown", _("unknown")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    OPEN = (State.QUEUED, State.SENDING)

    key = models.CharField(_("key"), max_length=120, unique=True)
    backend = models.CharField(_("backend"), max_length=20, default="telegram")
    bot_id = models.BigIntegerField(_("bot"), default=0)
    chat_id = models.BigIntegerField(_("chat"), null=True, blank=True)
    lane = models.CharField(_("lane"), max_length=80)
    source = models.CharField(_("source"), max_length=20)
    content: "models.JSONField[dict[str, Any]]" = models.JSONField(_("content"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    on_doubt = models.CharField(_("when in doubt"), max_length=5, choices=Doubt, default=Doubt.AGAIN)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    worker = models.CharField(_("worker"), max_length=60, blank=True)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    message_id = models.BigIntegerField(_("message"), null=True, blank=True)
    result: "models.JSONField[dict[str, Any]]" = models.JSONField(_("result"), default=dict, blank=True)
    repeated = models.BooleanField(_("may be repeated"), default=False)
    error_kind = models.CharField(_("error"), max_length=30, blank=True)
    error = models.CharField(_("error's text"), max_length=500, blank=True)
    trace_id = models.CharField(_("trace"), max_length=16, blank=True, db_index=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, db_index=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        indexes = [
            models.Index(
                fields=["lane", "id"], name="delivery_open_lane", condition=Q(state__in=["queued", "sending"])
            ),
            models.Index(fields=["not_before"], name="delivery_waiting", condition=Q(state="queued")),
            models.Index(fields=["lease_until"], name="delivery_leased", condition=Q(state="sending")),
            models.Index(
                fields=["bot_id", "chat_id", "message_id"],
                name="delivery_message",
                condition=Q(message_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} → {self.lane}"


class Schedule(models.Model):
    """What people plan, whatever it is: a rule of time (delivery/schedule.py) in a zone, and when it runs next.

    ``source`` is a key of settings.DELIVERY_SOURCES and says what firing means for the row ``object_id`` of its own.
    ``next_at`` is null when nothing is to come. The tick (delivery/tick.py) fires what is active and due.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("not confirmed")
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")
        COMPLETED = "completed", _("completed")
        CANCELLED = "cancelled", _("cancelled")

    class CatchUp(models.TextChoices):
        """Beyond the grace: nothing, or the latest missed run, once."""

        NONE = "none", _("leave it out")
        LAST = "last", _("make up for the last one")

    FINAL = (State.COMPLETED, State.CANCELLED)

    source = models.CharField(_("source"), max_length=20)
    object_id = models.CharField(_("its row"), max_length=36)
    rule: "models.JSONField[dict[str, Any]]" = models.JSONField(_("rule"))
    zone = models.CharField(_("time zone"), max_length=64)
    next_at = models.DateTimeField(_("next"), null=True, blank=True)
    last_at = models.DateTimeField(_("last"), null=True, blank=True)
    runs = models.PositiveIntegerField(_("runs"), default=0)
    start_at = models.DateTimeField(_("from"), null=True, blank=True)
    end_at = models.DateTimeField(_("until"), null=True, blank=True)
    max_runs = models.PositiveIntegerField(_("runs at most"), null=True, blank=True)
    # How late a run may be and still count as this run.
    grace_seconds = models.PositiveIntegerField(_("grace, s"), default=3600)
    catch_up = models.CharField(_("after that"), max_length=4, choices=CatchUp, default=CatchUp.NONE)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ACTIVE)
    # What a pause returns to.
    paused_from = models.CharField(max_length=10, choices=State, blank=True)
    # Counts with every change by a person, a key or an assistant; what was read before one is not written over it.
    version = models.PositiveIntegerField(_("version"), default=1)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now)

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        constraints = [models.UniqueConstraint(fields=["source", "object_id"], name="one_schedule_an_object")]
        indexes = [models.Index(fields=["next_at", "id"], name="schedule_due", condition=Q(state="active"))]

    def __str__(self) -> str:
        return f"{self.source} {self.object_id}"


class JobRequest(models.Model):
    """An operator's "run now" for one of the fixed jobs; the process that leads the scheduler picks it up."""

    job_id = models.CharField(_("job"), max_length=60)
    requested_by = models.CharField(_("asked by"), max_length=150, blank=True)
    requested_at = models.DateTimeField(_("asked"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)

    class Meta:
        verbose_name = _("job request")
        verbose_name_plural = _("job requests")
        indexes = [models.Index(fields=["id"], name="jobrequest_waiting", condition=Q(started_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.job_id} {timezone.localtime(self.requested_at):%Y-%m-%d %H:%M}"


class Heartbeat(models.Model):
    """What a process tells of itself every few seconds, so that others know that it lives and how it is."""

    name = models.CharField(_("process"), max_length=60, unique=True)
    at = models.DateTimeField(_("when"))
    details: "models.JSONField[dict[str, Any]]" = models.JSONField(_("details"), default=dict, blank=True)

    class Meta:
        verbose_name = _("sign of life")
        verbose_name_plural = _("signs of life")

    def __str__(self) -> str:
        return self.name


class Webhooks(models.Manager["Webhook"]):
    def in_use(self, now: datetime) -> "models.QuerySet[Webhook]":
        """Those that are switched on, of keys that still open something."""
        lasting = Q(key__expires_at=None) | Q(key__expires_at__gt=now)
        return self.filter(lasting, enabled=True, key__revoked_at=None)


class Webhook(models.Model):
    """Where a key's events go by HTTP: Standard Webhooks (https://www.standardwebhooks.com), signed with ``secret``."""

    key = models.OneToOneField("accounts.ApiKey", models.CASCADE, related_name="+", verbose_name=_("API key"))
    url = models.URLField(_("address"), max_length=500)
    secret = SealedJSON(_("secret"))
    enabled = models.BooleanField(_("in use"), default=True)
    # Not only of posts that were made with this key.
    all_posts = models.BooleanField(_("events of all posts"), default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects: ClassVar[Webhooks] = Webhooks()

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")

    def __str__(self) -> str:
        return str(self.key)
