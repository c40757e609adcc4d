"""What to remind of, whom and where; and what became of each planned time."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.sealed import SealedJSON, Unreadable
from delivery.schedule import Cron, Once, Rule, from_json


class Status(models.TextChoices):
    """``pending``: saved, not yet in force. ``active``: will fire, or has fired and waits for its acknowledgement."""

    PENDING = "pending", _("not confirmed")
    ACTIVE = "active", _("active")
    PAUSED = "paused", _("paused")
    COMPLETED = "completed", _("completed")
    CANCELLED = "cancelled", _("cancelled")


FINAL = (Status.COMPLETED, Status.CANCELLED)
OPEN = (Status.PENDING, Status.ACTIVE, Status.PAUSED)


class Type(models.TextChoices):
    ONE_TIME = "one_time", _("once")
    RECURRING = "recurring", _("again and again")


class Action(models.TextChoices):
    """What happens at its time."""

    TEXT = "text", _("a message to the person")
    TASK = "task", _("a task for an assistant here")
    EVENT = "event", _("an event for another program")


class Reminders(models.QuerySet["Reminder"]):
    def with_status(self, statuses: Iterable[str], now: datetime) -> "Reminders":
        """Those whose `Reminder.status_at` is one of ``statuses``."""
        ahead = Q(status=Status.ACTIVE, schedule__start_at__gt=now)
        wanted = set(statuses)
        found = Q(status__in=wanted - {Status.ACTIVE})
        if Status.ACTIVE in wanted:
            found |= Q(status=Status.ACTIVE) & ~Q(schedule__start_at__gt=now)
        if Status.PENDING in wanted:
            found |= ahead
        return self.filter(found)

    def in_order(self) -> "Reminders":
        """The next one first; those without a next time last."""
        return self.order_by(F("schedule__next_at").asc(nulls_last=True), "id")

    def readable(self) -> "list[Reminder]":
        """The rows. Where the key of one payload is gone, all come without theirs: each is opened when it is asked
        for, and says then that it is ``Unreadable``."""
        try:
            return list(self)
        except Unreadable:
            return list(self.defer("payload"))


class Reminder(models.Model):
    """What to remind of, whom and where. When, and how often, stands in its ``schedule``.

    ``payload`` is an object that only the reminder's action reads: with nothing but ``text`` it is said to the person.
    ``assistant_id`` names a ``conversations.Assistant`` by its ``uid``, or one outside that reads events.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    schedule = models.OneToOneField("delivery.Schedule", models.CASCADE, related_name="+", verbose_name=_("schedule"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="reminders", verbose_name=_("person")
    )
    chat = models.ForeignKey("accounts.Chat", models.CASCADE, related_name="+", verbose_name=_("chat"))
    thread_id = models.BigIntegerField(_("topic"), default=0)
    type = models.CharField(_("type"), max_length=9, choices=Type)
    action = models.CharField(_("action"), max_length=5, choices=Action, default=Action.TEXT)
    title = models.CharField(_("title"), max_length=200, blank=True)
    payload = SealedJSON(_("payload"))
    # Follows the person's own zone when they change it.
    zone_of_owner = models.BooleanField(_("in the person's zone"), default=False)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.ACTIVE)
    status_reason = models.CharField(_("because"), max_length=200, blank=True)
    needs_attention = models.BooleanField(_("needs attention"), default=False)
    # Said again so often until somebody presses Done.
    nag_minutes = models.PositiveSmallIntegerField(_("again every … min until done"), null=True, blank=True)
    # In a row; see services.firing.
    failures = models.PositiveSmallIntegerField(_("failures in a row"), default=0)
    assistant_id = models.UUIDField(_("assistant"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("made by")
    )
    created_by_assistant = models.UUIDField(_("made by assistant"), null=True, blank=True)
    created_by_key = models.ForeignKey(
        "accounts.ApiKey", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("made with key")
    )
    # It was made with a key, which may be gone since.
    by_key = models.BooleanField(default=False)
    # Where a person asked an assistant for it.
    source_message_id = models.BigIntegerField(_("asked in message"), null=True, blank=True)
    idempotency_key = models.CharField(max_length=200, blank=True)
    # Of the request that made it, by which the same key with another wish is recognized.
    idempotency_digest = models.CharField(max_length=64, blank=True)
    # CONTENT_LOG keeps no words of what is over: nothing can be said any more.
    erased = models.BooleanField(_("erased"), default=False)
    version = models.PositiveIntegerField(_("version"), default=1)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now)

    objects: ClassVar[Any] = Reminders.as_manager()

    # An earlier request with the same idempotency key made it.
    replayed = False

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        constraints = [
            models.UniqueConstraint(
                fields=["created_by_key", "idempotency_key"],
                name="reminder_idempotency",
                condition=~Q(idempotency_key=""),
            )
        ]
        indexes = [
            models.Index(fields=["user", "status"], name="reminder_user_status"),
            models.Index(fields=["created_by_key", "status"], name="reminder_key_status"),
            models.Index(fields=["status"], name="reminder_status"),
            models.Index(fields=["assistant_id"], name="reminder_assistant", condition=Q(assistant_id__isnull=False)),
            models.Index(fields=["updated_at"], name="reminder_attention", condition=Q(needs_attention=True)),
            models.Index(fields=["chat"], name="reminder_open_chat", condition=Q(status__in=["pending", "active"])),
        ]

    def __str__(self) -> str:
        # Not what it is about: a row's name is read by many (links, the audit).
        return str(self.pk)

    # What concerns time, flat.

    @property
    def rule(self) -> Rule:
        return from_json(self.schedule.rule)

    @property
    def trigger_at(self) -> datetime | None:
        return self.rule.at if isinstance(self.rule, Once) else None

    @property
    def cron_expression(self) -> str | None:
        return self.rule.expression if isinstance(self.rule, Cron) else None

    @property
    def next_run_at(self) -> datetime | None:
        return self.schedule.next_at if self.status in (Status.PENDING, Status.ACTIVE) else None

    def status_at(self, now: datetime) -> Status:
        """Pending also while it only begins later."""
        begins_later = self.schedule.start_at is not None and self.schedule.start_at > now
        return Status.PENDING if self.status == Status.ACTIVE and begins_later else Status(self.status)

    @property
    def text(self) -> str:
        """What is said to people: the payload's text, else the title, which may stand in the payload."""
        payload = self.payload if isinstance(self.payload, dict) else {}
        found = (payload.get("text"), self.title, payload.get("title"))
        return next((said for said in found if isinstance(said, str) and said.strip()), "")


class Occurrences(models.Manager["Occurrence"]):
    """Without the notes, which only the next run reads."""

    def get_queryset(self) -> "models.QuerySet[Occurrence]":
        return super().get_queryset().defer("note")


class Occurrence(models.Model):
    """One planned time of a reminder and what became of it. Its ``id`` is the event's."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        CLAIMED = "claimed", _("being worked on")
        ACKED = "acked", _("done")
        RETRY_WAIT = "retry_wait", _("waits for another attempt")
        DEAD = "dead", _("given up")
        MISSED = "missed", _("missed")
        SKIPPED = "skipped", _("left out")
        WITHDRAWN = "withdrawn", _("withdrawn")

    OPEN = (State.QUEUED, State.CLAIMED, State.RETRY_WAIT)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Its index is that of the constraint below.
    reminder = models.ForeignKey(
        Reminder, models.CASCADE, related_name="occurrences", db_index=False, verbose_name=_("reminder")
    )
    planned_at = models.DateTimeField(_("planned for"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    # How often it was handed over to somebody who must acknowledge it.
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    fired_at = models.DateTimeField(_("fired"), null=True, blank=True)
    # Seconds between the plan and the firing.
    lateness = models.FloatField(_("late by, s"), default=0.0)
    # MISSED stands for so many planned times, the last of them at ``planned_at``.
    missed_count = models.PositiveIntegerField(_("times missed"), default=0)
    # Whether a consumer (the Redis list, a webhook) must acknowledge it; else it is done once it is said.
    awaits_ack = models.BooleanField(_("must be acknowledged"), default=False)
    # Until when the consumer has it; then it goes out again.
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    # Who has it: "redis:<consumer>", "key:<prefix>", "webhook".
    claimed_by = models.CharField(_("taken by"), max_length=80, blank=True)
    acked_at = models.DateTimeField(_("acknowledged"), null=True, blank=True)
    # In a word or a line: done, sent, snoozed, cancelled, or what the consumer said.
    result = models.CharField(_("result"), max_length=500, blank=True)
    # What an assistant that did it leaves to its next run.
    note = SealedJSON(_("note for the next run"), null=True)
    error = models.CharField(_("error"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects = Occurrences()

    class Meta:
        verbose_name = _("occurrence")
        verbose_name_plural = _("occurrences")
        ordering = ["-planned_at", "-created_at"]
        constraints = [models.UniqueConstraint(fields=["reminder", "planned_at"], name="one_occurrence_a_time")]
        indexes = [
            models.Index(
                fields=["lease_until"], name="occurrence_leased", condition=Q(state="claimed", awaits_ack=True)
            ),
            models.Index(fields=["state", "-planned_at"], name="occurrence_state"),
            models.Index(fields=["-planned_at", "-created_at"], name="occurrence_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.reminder_id} {timezone.localtime(self.planned_at):%Y-%m-%d %H:%M}"
