"""The catalogue of models, the runs that keep it fresh, and the state of each provider."""

from typing import Any

from django.db import models
from django.db.models import F, JSONField, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ProviderState(models.Model):
    """What all processes know of one provider: its breaker, its last error, its learned switches."""

    name = models.CharField(_("provider"), max_length=20, primary_key=True)
    # The breaker is open until this moment; null or past means closed. The first call after it is the probe.
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    last_error_kind = models.CharField(_("last error"), max_length=30, blank=True)
    last_error = models.CharField(_("last error's text"), max_length=500, blank=True)
    last_error_at = models.DateTimeField(_("last error at"), null=True, blank=True)
    # What a server taught us about itself, per model or "*" (for example {"*": {"max_tokens_field": "..."}}).
    switches: "JSONField[dict[str, Any]]" = JSONField(_("switches"), default=dict, blank=True)

    class Meta:
        verbose_name = _("provider")
        verbose_name_plural = _("providers")

    def __str__(self) -> str:
        return self.name


class Availability(models.TextChoices):
    AVAILABLE = "available", _("available")
    # Absent from the last list once: still offered, for a list can be wrong once.
    MISSING = "missing", _("missing")
    RETIRED = "retired", _("retired")


class ModelQuerySet(models.QuerySet["Model"]):
    def offered(self) -> "ModelQuerySet":
        """What a person may choose now."""
        return self.filter(enabled=True).exclude(state=Availability.RETIRED)


class Model(models.Model):
    """One chat model of one provider. Prices are US dollars per million tokens; null means unknown, never free."""

    provider = models.ForeignKey(
        ProviderState, models.CASCADE, related_name="models", db_column="provider", verbose_name=_("provider")
    )
    name = models.CharField(_("name"), max_length=150)
    label = models.CharField(_("label"), max_length=150, blank=True)
    # Of: text, image, document, audio, tools, reasoning.
    capabilities: "models.JSONField[list[str]]" = models.JSONField(_("can do"), default=list, blank=True)
    context_window = models.PositiveIntegerField(_("context window, tokens"), null=True, blank=True)
    max_output = models.PositiveIntegerField(_("longest answer, tokens"), null=True, blank=True)
    price_input = models.DecimalField(
        _("price of input, $ per million tokens"), max_digits=12, decimal_places=6, null=True, blank=True
    )
    price_cached = models.DecimalField(
        _("price of cached input, $ per million tokens"),
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
    )
    price_output = models.DecimalField(
        _("price of output, $ per million tokens"), max_digits=12, decimal_places=6, null=True, blank=True
    )
    price_date = models.DateField(_("price as of"), null=True, blank=True)
    price_source = models.CharField(_("price from"), max_length=200, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=Availability, default=Availability.AVAILABLE)
    misses = models.PositiveSmallIntegerField(_("lists without it in a row"), default=0)
    enabled = models.BooleanField(_("offered"), default=True)
    replaced_by = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="replaces", verbose_name=_("replacement")
    )
    # The replacement's name as the provider announced it, known before its row is.
    replacement_name = models.CharField(_("announced replacement"), max_length=150, blank=True)
    retires_at = models.DateTimeField(_("retires"), null=True, blank=True)
    aliases: "models.JSONField[list[str]]" = models.JSONField(_("aliases"), default=list, blank=True)
    first_seen = models.DateTimeField(_("first seen"), default=timezone.now)
    last_seen = models.DateTimeField(_("last seen"), null=True, blank=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = ModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("model")
        verbose_name_plural = _("models")
        ordering = ["provider", "name"]
        constraints = [models.UniqueConstraint(fields=["provider", "name"], name="model_of_provider")]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """What people read."""
        return self.label or self.name

    @property
    def ref(self) -> str:
        """``provider:name``, as in DEFAULT_MODEL and ``/model``."""
        return f"{self.provider_id}:{self.name}"


class SyncRun(models.Model):
    """One run of sync_models. ``slot`` is unique, so two schedulers make one nightly run between them."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    slot = models.CharField(max_length=60, unique=True, null=True, blank=True)
    trigger = models.CharField(_("started by"), max_length=20)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    # provider -> {"seen": n, "new": [...], "changed": [...], "gone": [...], "returned": [...], "error": "..."}
    results: "models.JSONField[dict[str, Any]]" = models.JSONField(_("results"), default=dict, blank=True)

    class Meta:
        verbose_name = _("refresh of models")
        verbose_name_plural = _("refreshes of models")
        ordering = ["-started_at"]
        indexes = [
            models.Index(F("started_at").desc(), name="syncrun_newest", condition=Q(state="done")),
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} {self.get_state_display()}"
