"""The inbox and the meaning of buttons."""

import secrets
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.sealed import SealedJSON


class Update(models.Model):
    """One raw update. It is stored before Telegram may forget it; a worker claims it, acts and records."""

    class State(models.TextChoices):
        NEW = "new", _("new")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        DEAD = "dead", _("dead")

    bot_id = models.BigIntegerField(_("bot"))
    update_id = models.BigIntegerField(_("update"))
    lane = models.CharField(_("lane"), max_length=80)
    kind = models.CharField(_("kind"), max_length=40, blank=True)
    chat_id = models.BigIntegerField(_("chat"), null=True, blank=True)
    raw: "models.JSONField[dict[str, Any]]" = models.JSONField(_("raw update"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.NEW)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    worker = models.CharField(_("worker"), max_length=60, blank=True)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)
    trace_id = models.CharField(_("trace"), max_length=16, blank=True, db_index=True)
    received_at = models.DateTimeField(_("received"), default=timezone.now, db_index=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("update")
        verbose_name_plural = _("inbox")
        constraints = [models.UniqueConstraint(fields=["bot_id", "update_id"], name="update_of_bot")]
        indexes = [
            models.Index(
                fields=["lane", "update_id"], name="update_open_lane", condition=Q(state__in=["new", "running"])
            ),
            models.Index(fields=["lease_until"], name="update_leased", condition=Q(state="running")),
        ]

    def __str__(self) -> str:
        return f"{self.update_id} {self.kind}"


def button_key() -> str:
    """A new key for callback data: 16 characters, far under Telegram's 64 bytes."""
    return secrets.token_urlsafe(12)


class Button(models.Model):
    """What a press means. The callback data are ``b:<key>``; who may press and until when stands here."""

    key = models.CharField(max_length=20, primary_key=True, default=button_key)
    action = models.CharField(_("action"), max_length=40)
    data: "models.JSONField[dict[str, Any]]" = models.JSONField(_("data"), default=dict)
    # Null: whoever the action itself lets (an approval asks for the admin role).
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    chat_id = models.BigIntegerField(_("chat"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"), db_index=True)

    class Meta:
        verbose_name = _("button")
        verbose_name_plural = _("buttons")

    def __str__(self) -> str:
        return f"{self.action} {self.key}"


class Expectation(models.Model):
    """What a person's next words in a place mean: an answer to what was asked, and no question of their own.

    In a group only a reply to the message of the delivery ``asked`` is meant.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("person"))
    chat = models.ForeignKey("accounts.Chat", models.CASCADE, related_name="+", verbose_name=_("chat"))
    thread_id = models.BigIntegerField(_("topic"), default=0)
    action = models.CharField(_("action"), max_length=40)
    # May hold what the person said before.
    data = SealedJSON(_("data"))
    asked = models.CharField(_("asked with"), max_length=120)
    expires_at = models.DateTimeField(_("expires"), db_index=True)

    class Meta:
        verbose_name = _("expectation")
        verbose_name_plural = _("expectations")
        constraints = [models.UniqueConstraint(fields=["user", "chat", "thread_id"], name="one_expectation_a_place")]

    def __str__(self) -> str:
        return f"{self.action} {self.pk}"


class AdminSession(models.Model):
    """Until when an admin need not give the password again, and how often it was wrong."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("admin"))
    until = models.DateTimeField(_("until"), null=True, blank=True)
    failures = models.PositiveSmallIntegerField(_("wrong passwords"), default=0)
    failed_at = models.DateTimeField(_("last wrong one"), null=True, blank=True)
    # What was asked for before the password: {"words": […], "chat_id": …, "thread": …}.
    waiting: "models.JSONField[dict[str, Any]]" = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("admin's session")
        verbose_name_plural = _("admins' sessions")

    def __str__(self) -> str:
        return str(self.user)


class Broadcast(models.Model):
    """An announcement to everybody who is in. ``reached`` is the last person it was enqueued for, so it can go on."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        SENDING = "sending", _("sending")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("cancelled")

    text = models.TextField(_("text"))
    # Of the text, as Telegram gave them: it looks as it was written.
    entities: "models.JSONField[list[dict[str, Any]]]" = models.JSONField(default=list, blank=True)
    # Where it was written; its report goes there.
    chat_id = models.BigIntegerField(_("chat"), default=0)
    thread_id = models.BigIntegerField(_("topic"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("author")
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    reached = models.BigIntegerField(default=0)
    enqueued = models.PositiveIntegerField(_("people"), default=0)
    reported_at = models.DateTimeField(_("reported"), null=True, blank=True)

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")

    def __str__(self) -> str:
        # Not what it says: a row's name is read by many (links, the audit).
        return f"{timezone.localtime(self.created_at):%Y-%m-%d %H:%M}"
