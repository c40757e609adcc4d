"""Avito accounts, what is to be reported of them when and where, and what they did each day."""

import uuid
from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Chat, User
from core.sealed import SealedJSON
from reports.metrics import USUAL, unpacked


class Access(models.TextChoices):
    """How Avito treats a profile's keys."""

    UNCHECKED = "unchecked", _("not checked")
    WORKS = "works", _("works")
    BAD_KEYS = "bad_keys", _("keys refused")
    OTHER_ACCOUNT = "other_account", _("keys of another account")


class AvitoProfile(models.Model):
    """An Avito account as one person entered its keys. ``credentials``: {"client_id": …, "client_secret": …}.

    ``client`` is a keyed digest of the client_id: profiles with the same keys share a token and limits by it.
    ``sections``: {reports.metrics.Section: {"kind": "" or an AvitoError's kind, "at": ISO time}}.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="avito_profiles", verbose_name=_("owner")
    )
    name = models.CharField(_("name"), max_length=64)
    credentials = SealedJSON(_("keys"))
    client = models.CharField(max_length=64, db_index=True)
    # What of the client_id people may see.
    client_mask = models.CharField(_("client_id"), max_length=20)
    account_id = models.BigIntegerField(_("Avito account"), null=True, blank=True, db_index=True)
    account_name = models.CharField(_("name at Avito"), max_length=255, blank=True)
    access = models.CharField(_("access"), max_length=13, choices=Access, default=Access.UNCHECKED)
    sections: "models.JSONField[dict[str, dict[str, str]]]" = models.JSONField(_("sections"), default=dict, blank=True)
    # Scheduled reports in a row that the keys were refused for.
    refusals = models.PositiveSmallIntegerField(_("refusals in a row"), default=0)
    version = models.PositiveIntegerField(_("version"), default=1)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now)

    class Meta:
        verbose_name = _("Avito profile")
        verbose_name_plural = _("Avito profiles")
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="one_profile_a_name")]

    def __str__(self) -> str:
        return self.name


class ProfileChat(models.Model):
    """A group or channel where a profile's figures may be seen by everybody who is there."""

    profile = models.ForeignKey(AvitoProfile, models.CASCADE, related_name="places", verbose_name=_("profile"))
    chat = models.ForeignKey("accounts.Chat", models.CASCADE, related_name="+", verbose_name=_("chat"))
    created_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("place of a profile")
        verbose_name_plural = _("places of profiles")
        constraints = [models.UniqueConstraint(fields=["profile", "chat"], name="one_place_a_profile")]

    def __str__(self) -> str:
        return f"{self.profile} → {self.chat}"


def usual_metrics() -> list[str]:
    return list(USUAL)


class ReportTask(models.Model):
    """What is reported of a profile, and where to. When stands in ``schedule`` (source "report", its object is the
    profile), which is paused while the report is off. The period follows the schedule (reports/figures/periods.py).
    """

    profile = models.OneToOneField(AvitoProfile, models.CASCADE, related_name="task", verbose_name=_("profile"))
    schedule = models.OneToOneField("delivery.Schedule", models.CASCADE, related_name="+", verbose_name=_("schedule"))
    # Null: the owner has not written to the bot yet.
    chat = models.ForeignKey(
        "accounts.Chat", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("chat")
    )
    thread_id = models.BigIntegerField(_("topic"), default=0)
    metrics: "models.JSONField[list[str]]" = models.JSONField(_("figures"), default=usual_metrics)
    chart = models.BooleanField(_("with a chart"), default=True)
    email = models.EmailField(_("e-mail"), blank=True)
    hook_url = models.URLField(_("webhook"), max_length=500, blank=True)
    hook_secret = SealedJSON(_("webhook's secret"), null=True, blank=True)
    # Alerts: a word when the wallet or the advance will not last, or contacts drop.
    alerts = models.BooleanField(_("alerts"), default=True)
    # Roubles; null: when it lasts three days at the usual spending.
    low_money = models.DecimalField(_("low below, ₽"), max_digits=12, decimal_places=2, null=True, blank=True)
    # Percent below the usual day; 0: never.
    contacts_drop = models.PositiveSmallIntegerField(_("contacts drop, %"), default=50)
    # Why the bot itself switched the report off: the kind of an AvitoError, "owner" (may not use the bot any more) or
    # "chat" (it cannot be reached). Empty: it did not.
    paused_because = models.CharField(_("switched off because"), max_length=20, blank=True)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now)

    class Meta:
        verbose_name = _("report task")
        verbose_name_plural = _("report tasks")

    def __str__(self) -> str:
        return str(self.profile)


class Told(models.Model):
    """What Avito told of a day by Moscow's calendar, as it counts days.

    ``figures``: {name: decimal as text}. ``read``: {section: ISO time} of when each section was read last, so that a
    section without figures differs from one that was never read.
    """

    date = models.DateField(_("day"))
    figures: "models.JSONField[dict[str, str]]" = models.JSONField(_("figures"), default=dict)
    read: "models.JSONField[dict[str, str]]" = models.JSONField(_("read"), default=dict)

    # Of those that follow, each with its own name for it.
    profile: "models.ForeignKey[AvitoProfile]"

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.profile} {self.date}"

    @property
    def values(self) -> dict[str, Decimal]:
        return unpacked(self.figures)


class Snapshot(Told):
    """A day's figures: those that add up, and those as on that day.

    ``partial``: views, contacts and favourites were put together of the listings still there (statistics v1).
    """

    profile = models.ForeignKey(AvitoProfile, models.CASCADE, related_name="days", verbose_name=_("profile"))
    partial = models.BooleanField(_("incomplete"), default=False)

    class Meta:
        verbose_name = _("day of figures")
        verbose_name_plural = _("days of figures")
        constraints = [models.UniqueConstraint(fields=["profile", "date"], name="one_snapshot_a_day")]


class Standing(Told):
    """What stood in the account when it was last looked at on a day (reports.metrics.Sum.NOW): money in roubles, the
    rating."""

    profile = models.ForeignKey(AvitoProfile, models.CASCADE, related_name="standings", verbose_name=_("profile"))

    class Meta:
        verbose_name = _("standing")
        verbose_name_plural = _("standings")
        constraints = [models.UniqueConstraint(fields=["profile", "date"], name="one_standing_a_day")]


class Report(models.Model):
    """One report: asked for, fallen due, or of a whole chat (/stats). A row first: a worker then fills it."""

    class Kind(models.TextChoices):
        SCHEDULED = "scheduled", _("planned")
        NOW = "now", _("asked for")
        HISTORY = "history", _("of a chosen period")
        STATS = "stats", _("of a chat")

    class State(models.TextChoices):
        QUEUED = "queued", _("at work")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=9, choices=Kind)
    task = models.ForeignKey(
        ReportTask, models.SET_NULL, null=True, blank=True, related_name="reports", verbose_name=_("task")
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("asked by")
    )
    chat = models.ForeignKey(
        "accounts.Chat", models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("chat")
    )
    thread_id = models.BigIntegerField(_("topic"), default=0)
    first = models.DateField(_("from"))
    last = models.DateField(_("to"))
    # The period it is compared with; null: with none.
    before_first = models.DateField(null=True, blank=True)
    before_last = models.DateField(null=True, blank=True)
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.QUEUED)
    # The key of the delivery whose message shows how far it is; empty: nobody is waiting for it.
    progress_key = models.CharField(max_length=120, blank=True)
    planned_at = models.DateTimeField(_("planned"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    # When work on it began: Avito's pauses are borne for a time from then, not from when a busy machine was asked.
    begun_at = models.DateTimeField(_("begun"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        indexes = [models.Index(fields=["created_at"], name="report_created")]

    def __str__(self) -> str:
        return str(self.pk)


class ReportPart(models.Model):
    """A profile's part of a report, and what became of it. ``gaps``: {section: kind of AvitoError} of what misses."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waits")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    report = models.ForeignKey(Report, models.CASCADE, related_name="parts", verbose_name=_("report"))
    profile = models.ForeignKey(AvitoProfile, models.CASCADE, related_name="+", verbose_name=_("profile"))
    position = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.WAITING)
    gaps: "models.JSONField[dict[str, str]]" = models.JSONField(_("missing"), default=dict, blank=True)
    # Of AvitoError, when all of it failed.
    error_kind = models.CharField(_("error"), max_length=20, blank=True)
    # How often Avito itself asked for a pause (429), or was down.
    pauses = models.PositiveSmallIntegerField(default=0)
    # Until when Avito had counted what it gave.
    as_of = models.DateTimeField(_("figures as of"), null=True, blank=True)
    ready_at = models.DateTimeField(_("goes on at"), null=True, blank=True)

    class Meta:
        verbose_name = _("part of a report")
        verbose_name_plural = _("parts of reports")
        constraints = [models.UniqueConstraint(fields=["report", "profile"], name="one_part_a_profile")]
        ordering: ClassVar[list[str]] = ["position"]

    def __str__(self) -> str:
        return f"{self.report_id} {self.profile}"


class Export(models.Model):
    """Messenger chats of a profile, made into Excel files in the background."""

    class State(models.TextChoices):
        QUEUED = "queued", _("at work")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    profile = models.ForeignKey(AvitoProfile, models.CASCADE, related_name="exports", verbose_name=_("profile"))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("asked by")
    )
    chat = models.ForeignKey("accounts.Chat", models.CASCADE, related_name="+", verbose_name=_("chat"))
    thread_id = models.BigIntegerField(_("topic"), default=0)
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.QUEUED)
    # How far it is: what a next worker goes on from.
    progress: "models.JSONField[dict[str, Any]]" = models.JSONField(_("progress"), default=dict, blank=True)
    progress_key = models.CharField(max_length=120, blank=True)
    error_kind = models.CharField(_("error"), max_length=20, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("export of chats")
        verbose_name_plural = _("exports of chats")
        constraints = [
            models.UniqueConstraint(fields=["profile"], name="one_export_a_profile", condition=Q(state="queued"))
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Alert(models.Model):
    """Something is wrong with a profile since ``since``; told once, and once more when it is over."""

    class Kind(models.TextChoices):
        KEYS = "keys", _("keys refused")
        RIGHTS = "rights", _("a section is closed")
        MONEY = "money", _("money runs out")
        CONTACTS = "contacts", _("contacts drop")

    profile = models.ForeignKey(AvitoProfile, models.CASCADE, related_name="alerts", verbose_name=_("profile"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    # Of rights the section, of money "wallet" or "advance".
    about = models.CharField(_("about"), max_length=20, blank=True)
    facts: "models.JSONField[dict[str, str]]" = models.JSONField(_("facts"), default=dict, blank=True)
    since = models.DateTimeField(_("since"), default=timezone.now)
    over_at = models.DateTimeField(_("over"), null=True, blank=True)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        constraints = [
            models.UniqueConstraint(
                fields=["profile", "kind", "about"], name="one_open_alert", condition=Q(over_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.profile} {self.kind}"


# --- what the client remembers between calls and processes ---------------------------------------------------------


class AvitoToken(models.Model):
    """The access token of one pair of keys, and who fetches a new one at this moment.

    ``keys`` is a keyed digest of both: whoever knows another's client_id alone gets nothing by it. ``client``: as
    `AvitoProfile.client`.
    """

    keys = models.CharField(max_length=64, unique=True)
    client = models.CharField(max_length=64, db_index=True)
    token = SealedJSON(null=True)
    # A new one is fetched from ``renew_at`` on; the old one works until ``expires_at``.
    renew_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    # Counts with each new token, so that a refused one is renewed once, however many saw the refusal.
    generation = models.PositiveIntegerField(default=0)
    fetching_until = models.DateTimeField(null=True)
    # The process that fetches (core.claims.WORKER): nobody waits for one that has ended.
    fetching_by = models.CharField(max_length=80, blank=True)

    class Meta:
        verbose_name = _("Avito token")
        verbose_name_plural = _("Avito tokens")

    def __str__(self) -> str:
        return self.client[:8]


class CallGate(models.Model):
    """When one account's method was called last, whoever called: Avito counts calls a minute for each.

    ``scope``: ``account:<id>``, or ``client:<digest>`` while the account is not known. ``calls``: seconds since 1970
    of the calls that still count. ``refusals``: how often in a row Avito itself said 429.
    """

    scope = models.CharField(max_length=80)
    method = models.CharField(max_length=30)
    calls: "models.JSONField[list[float]]" = models.JSONField(default=list)
    blocked_until = models.DateTimeField(null=True)
    refusals = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("gate of calls")
        verbose_name_plural = _("gates of calls")
        constraints = [models.UniqueConstraint(fields=["scope", "method"], name="one_gate_a_method")]

    def __str__(self) -> str:
        return f"{self.scope} {self.method}"


class Answer(models.Model):
    """What Avito answered a short while ago, for whoever asks the same; or that somebody is asking right now."""

    scope = models.CharField(max_length=80)
    method = models.CharField(max_length=30)
    # Of all that was asked.
    digest = models.CharField(max_length=64)
    # JSON as it came; empty: an answer without a content.
    body = models.TextField(null=True)
    fetched_at = models.DateTimeField(null=True, db_index=True)
    # As in AvitoToken.
    fetching_until = models.DateTimeField(null=True)
    fetching_by = models.CharField(max_length=80, blank=True)

    class Meta:
        verbose_name = _("answer of Avito")
        verbose_name_plural = _("answers of Avito")
        constraints = [models.UniqueConstraint(fields=["scope", "method", "digest"], name="one_answer_a_question")]

    def __str__(self) -> str:
        return f"{self.scope} {self.method}"


def visible_in(user: User, chat: Chat) -> "models.QuerySet[AvitoProfile]":
    """Profiles of which figures may be shown in ``chat`` to ``user``, who was let in: in a private chat the person's
    own, elsewhere those whose owner put them there. Nobody else's, whatever the role."""
    if chat.is_private:
        return AvitoProfile.objects.filter(owner=user).order_by("name", "id")
    return AvitoProfile.objects.filter(places__chat=chat).order_by("name", "id")


def own_profile(user: User, pk: int) -> AvitoProfile | None:
    """The person's own profile; only its owner reads its settings, changes it, exports or reports on it."""
    return AvitoProfile.objects.filter(owner=user, pk=pk).first()
