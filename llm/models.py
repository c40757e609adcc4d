"""The catalogue of models, the runs that keep it fresh, and the state of each provider."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, JSONField, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Role
from llm import error_words

# The capabilities of models that do one thing and do not converse.
SPECIALISTS = (["transcription"], ["ocr"])


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

    @property
    def trouble(self) -> str:
        """The last error in words."""
        return error_words.say(self.last_error_kind)


class Availability(models.TextChoices):
    AVAILABLE = "available", _("available")
    # Absent from the last list once: still offered, for a list can be wrong once.
    MISSING = "missing", _("missing")
    RETIRED = "retired", _("retired")


class ModelQuerySet(models.QuerySet["Model"]):
    def usable(self) -> "ModelQuerySet":
        """What may be asked now, for whatever it can do."""
        return self.filter(enabled=True).exclude(state=Availability.RETIRED)

    def conversing(self) -> "ModelQuerySet":
        found = self
        for capabilities in SPECIALISTS:
            found = found.exclude(capabilities=capabilities)
        return found

    def offered(self) -> "ModelQuerySet":
        """What a person may choose now: models that converse."""
        return self.usable().conversing()


class Model(models.Model):
    """One model of one provider, for chats or (without ``text``) for recordings or scans alone.

    Prices are US dollars per million tokens; null means unknown, never free.
    """

    provider = models.ForeignKey(
        ProviderState, models.CASCADE, related_name="models", db_column="provider", verbose_name=_("provider")
    )
    name = models.CharField(_("name"), max_length=150)
    label = models.CharField(_("label"), max_length=150, blank=True)
    # Of: text, image, document, audio, tools, reasoning, image_out, transcription, ocr. Empty: unknown.
    capabilities: "models.JSONField[list[str]]" = models.JSONField(_("can do"), default=list, blank=True)
    context_window = models.PositiveIntegerField(_("context window, tokens"), null=True, blank=True)
    # What it can do and its window were written by a person: no refresh changes them.
    by_hand = models.BooleanField(_("kept as written here"), default=False)
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
    def converses(self) -> bool:
        """False for one that only transcribes or reads scans: it is never offered in a chat."""
        return "text" in self.capabilities or not self.capabilities

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
        return f"{timezone.localtime(self.started_at):%Y-%m-%d %H:%M} {self.get_state_display()}"


class Budget(models.Model):
    """What a person, everybody of a role, a chat or the whole bot may spend in a day or a month.

    At least one of the limits is set; both hold. A role's budget is for each person of that role.
    """

    class Scope(models.TextChoices):
        BOT = "bot", _("the whole bot")
        ROLE = "role", _("each person of a role")
        PERSON = "person", _("a person")
        CHAT = "chat", _("a chat")

    class Period(models.TextChoices):
        DAY = "day", _("a day")
        MONTH = "month", _("a month")

    scope = models.CharField(_("for"), max_length=10, choices=Scope)
    role = models.CharField(_("role"), max_length=10, choices=Role, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="budgets",
        verbose_name=_("person"),
    )
    chat = models.ForeignKey(
        "accounts.Chat", models.CASCADE, null=True, blank=True, related_name="budgets", verbose_name=_("chat")
    )
    period = models.CharField(_("in"), max_length=10, choices=Period, default=Period.MONTH)
    tokens = models.PositiveBigIntegerField(_("tokens at most"), null=True, blank=True)
    # US dollars.
    money = models.DecimalField(_("money at most, $"), max_digits=12, decimal_places=4, null=True, blank=True)
    enabled = models.BooleanField(_("holds"), default=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        constraints = [
            models.UniqueConstraint(
                F("scope"), F("role"), Coalesce("user", 0), Coalesce("chat", 0), F("period"), name="one_budget"
            ),
            models.CheckConstraint(
                condition=Q(tokens__isnull=False) | Q(money__isnull=False), name="budget_limits_something"
            ),
        ]

    def __str__(self) -> str:
        each = _("each %(role)s") % {"role": self.get_role_display()} if self.role else self.get_scope_display()
        return f"{self.user or self.chat or each} · {self.get_period_display()}"


class Spending(models.Model):
    """What one budget's period has cost: settled, and reserved for answers that are being written.

    ``user`` tells the people of a role's budget apart. ``extra_*``: what an admin granted for this period alone.
    """

    budget = models.ForeignKey(Budget, models.CASCADE, related_name="spendings", verbose_name=_("budget"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("person")
    )
    # The first day of the period, in TIME_ZONE.
    starts_on = models.DateField(_("from"))
    tokens = models.PositiveBigIntegerField(_("tokens"), default=0)
    cost = models.DecimalField(_("cost, $"), max_digits=14, decimal_places=8, default=0)
    reserved_tokens = models.PositiveBigIntegerField(_("tokens reserved"), default=0)
    reserved_cost = models.DecimalField(_("cost reserved, $"), max_digits=14, decimal_places=8, default=0)
    # Answers whose price nobody knows: their cost is missing above, and that is said.
    unpriced = models.PositiveIntegerField(_("answers of unknown price"), default=0)
    # Answers whose tokens are our estimate.
    estimated = models.PositiveIntegerField(_("answers estimated"), default=0)
    extra_tokens = models.PositiveBigIntegerField(_("tokens granted besides"), default=0)
    extra_money = models.DecimalField(_("money granted besides, $"), max_digits=12, decimal_places=4, default=0)
    warned_at = models.DateTimeField(_("warned"), null=True, blank=True)

    class Meta:
        verbose_name = _("spending")
        verbose_name_plural = _("spendings")
        constraints = [
            models.UniqueConstraint(F("budget"), Coalesce("user", 0), F("starts_on"), name="one_spending_a_period")
        ]

    def __str__(self) -> str:
        return f"{self.budget} {self.starts_on}"

    @property
    def tokens_limit(self) -> int | None:
        """What this period may cost in tokens, with what was granted besides; None: tokens are not limited."""
        return None if self.budget.tokens is None else self.budget.tokens + self.extra_tokens

    @property
    def money_limit(self) -> Decimal | None:
        return None if self.budget.money is None else self.budget.money + self.extra_money

    @property
    def tokens_left(self) -> int | None:
        """What is neither used nor reserved; never below zero, although an answer may be longer than was foreseen."""
        limit = self.tokens_limit
        return None if limit is None else max(0, limit - self.tokens - self.reserved_tokens)

    @property
    def money_left(self) -> Decimal | None:
        limit = self.money_limit
        return None if limit is None else max(Decimal(0), limit - self.cost - self.reserved_cost)

    @property
    def share(self) -> float:
        """How much of the period is used, 1 at the limit: of tokens or of money, whichever is nearer its end."""
        pairs = ((self.tokens, self.tokens_limit), (self.cost, self.money_limit))
        return max((float(used) / float(limit) if limit else 1.0) for used, limit in pairs if limit is not None)


class Reservation(models.Model):
    """What one answer set aside before its call. ``key`` is the request's, so a repeated update finds its own."""

    key = models.CharField(max_length=60, unique=True)
    spendings: "models.ManyToManyField[Spending, Any]" = models.ManyToManyField(Spending, related_name="reservations")
    tokens = models.PositiveBigIntegerField(_("tokens"))
    # Null: the price is not known.
    cost = models.DecimalField(_("cost, $"), max_digits=14, decimal_places=8, null=True, blank=True)
    created_at = models.DateTimeField(_("reserved"), default=timezone.now)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        indexes = [
            models.Index(fields=["created_at"], name="reservation_open", condition=Q(settled_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.key
