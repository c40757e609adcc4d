"""Dialogs: who talks with which model, what was said, and what each answer cost."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Assistant(models.Model):
    """A named persona: what the model is told before the dialog."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    prompt = models.TextField(_("prompt"), blank=True)
    model = models.ForeignKey(
        "llm.Model", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("model")
    )
    temperature = models.FloatField(_("temperature"), null=True, blank=True)
    tools: "models.JSONField[list[str]]" = models.JSONField(_("tools"), default=list, blank=True)
    is_default = models.BooleanField(_("for every new dialog"), default=False)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("assistant")
        verbose_name_plural = _("assistants")
        constraints = [
            models.UniqueConstraint(fields=["is_default"], name="one_default_assistant", condition=Q(is_default=True))
        ]

    def __str__(self) -> str:
        return self.name


class Conversation(models.Model):
    """A dialog in one (chat, thread). At most one is open; ``/new`` closes it and the next message opens another."""

    chat = models.ForeignKey("accounts.Chat", models.CASCADE, related_name="conversations", verbose_name=_("chat"))
    thread_id = models.BigIntegerField(_("topic"), default=0)
    assistant = models.ForeignKey(
        Assistant, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("assistant")
    )
    # The person's choice for this dialog; null: the default at the time of each question.
    model = models.ForeignKey(
        "llm.Model", models.SET_NULL, null=True, blank=True, related_name="conversations", verbose_name=_("model")
    )
    title = models.CharField(_("title"), max_length=200, blank=True)
    summary = models.TextField(_("summary"), blank=True)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    # The gentle "this dialog grows long" is said once.
    warned_at = models.DateTimeField(_("told that it is long"), null=True, blank=True)

    # Opened a moment ago by this very question: there is no history to look up.
    is_new = False

    class Meta:
        verbose_name = _("dialog")
        verbose_name_plural = _("dialogs")
        constraints = [
            models.UniqueConstraint(
                fields=["chat", "thread_id"], name="one_open_dialog", condition=Q(closed_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return self.title or f"{self.chat} · {self.started_at:%Y-%m-%d %H:%M}"


class Request(models.Model):
    """One call for an answer. ``update_key`` (bot and update) makes a repeated update find its own request."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped")
        FAILED = "failed", _("failed")

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="requests", verbose_name=_("dialog"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="requests", verbose_name=_("person")
    )
    model = models.ForeignKey(
        "llm.Model", models.SET_NULL, null=True, blank=True, related_name="requests", verbose_name=_("model")
    )
    # As asked for, readable when the row of the model is gone or never was.
    model_ref = models.CharField(_("model asked"), max_length=180, blank=True)
    update_key = models.CharField(max_length=60, unique=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.RUNNING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=1)
    prompt = models.TextField(_("question"), blank=True)
    answer = models.TextField(_("answer"), blank=True)
    finish = models.CharField(_("ended by"), max_length=20, blank=True)
    error_kind = models.CharField(_("error"), max_length=30, blank=True)
    error = models.CharField(_("error's text"), max_length=500, blank=True)
    input_tokens = models.PositiveIntegerField(_("tokens in"), null=True, blank=True)
    cached_tokens = models.PositiveIntegerField(_("of them cached"), null=True, blank=True)
    output_tokens = models.PositiveIntegerField(_("tokens out"), null=True, blank=True)
    reasoning_tokens = models.PositiveIntegerField(_("of them reasoning"), null=True, blank=True)
    # False: counted by the provider. True: our estimate.
    estimated = models.BooleanField(_("tokens estimated"), default=False)
    # US dollars; null: the price is not known.
    cost = models.DecimalField(_("cost, $"), max_digits=14, decimal_places=8, null=True, blank=True)
    first_token_ms = models.PositiveIntegerField(_("to the first words, ms"), null=True, blank=True)
    total_ms = models.PositiveIntegerField(_("whole time, ms"), null=True, blank=True)
    question_message_id = models.BigIntegerField(_("question's message"), null=True, blank=True)
    # Whoever finishes the answer after a crash edits this message instead of leaving half a text.
    preview_message_id = models.BigIntegerField(_("preview's message"), null=True, blank=True)
    trace_id = models.CharField(_("trace"), max_length=16, blank=True, db_index=True)
    created_at = models.DateTimeField(_("asked"), default=timezone.now, db_index=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("request")
        verbose_name_plural = _("requests")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M} {self.model_ref}"


class Message(models.Model):
    """One turn's side. ``raw`` is the provider's own message, replayed only to the same model."""

    class Role(models.TextChoices):
        USER = "user", _("person")
        ASSISTANT = "assistant", _("model")

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="messages", verbose_name=_("dialog"))
    request = models.ForeignKey(
        Request, models.CASCADE, null=True, blank=True, related_name="messages", verbose_name=_("request")
    )
    role = models.CharField(_("side"), max_length=10, choices=Role)
    content = models.TextField(_("text"))
    raw: "models.JSONField[dict[str, Any] | None]" = models.JSONField(null=True, blank=True)
    raw_model = models.CharField(max_length=180, blank=True)
    tokens = models.PositiveIntegerField(_("tokens, estimated"), default=0)
    message_id = models.BigIntegerField(_("Telegram message"), null=True, blank=True)
    # An edited question is asked anew: the old turn stays on record but out of the history.
    superseded = models.BooleanField(_("asked anew"), default=False)
    created_at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [
            models.Index(fields=["conversation", "-id"], name="message_history", condition=Q(superseded=False)),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}: {self.content[:50]}"
