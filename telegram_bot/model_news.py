"""What the catalogue of models tells the admins: what is new, changed, gone, and which provider is down."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from delivery.models import JobRequest
from delivery.services import request_job
from llm.models import Model, ProviderState, SyncRun
from llm.signals import model_unknown, models_synced, provider_paused, provider_recovered, quota_reached
from telegram_bot import outgoing
from telegram_bot.access import escaped
from telegram_bot.admin_chat import command
from telegram_bot.conditions import Condition, tell
from telegram_bot.notices import admin_place, notify_admins
from telegram_bot.outgoing import Key

# More buttons than this make no keyboard one can use, more names no line one reads; the admin shows all models.
MOST_BUTTONS = 12
MOST_NAMES = 10
MARKS = {"new": "➕", "returned": "↩️", "changed": "✏️", "gone": "➖"}
# A model that stays unknown after a refresh asks for no further one before this.
REFRESH_PAUSE = timedelta(hours=1)


def connect() -> None:
    models_synced.connect(on_synced, dispatch_uid="telegram_bot.model_news")
    provider_paused.connect(on_paused, dispatch_uid="telegram_bot.model_news")
    provider_recovered.connect(on_recovered, dispatch_uid="telegram_bot.model_news")
    quota_reached.connect(on_quota, dispatch_uid="telegram_bot.model_news")
    model_unknown.connect(on_unknown, dispatch_uid="telegram_bot.model_news")


def on_synced(run: SyncRun, first: bool, **_kwargs: Any) -> None:
    """The first fill is silent, and so is a run that changed nothing."""
    place = admin_place()
    if first or place is None:
        return
    with translation.override(settings.LANGUAGE_CODE):
        text = summary(run)
        if text:
            outgoing.say(f"models:{run.pk}", place, text, _keyboard(run), source="models")


def summary(run: SyncRun) -> str:
    """The run's changes and errors as people read them; empty when there are none."""
    lines: list[str] = []
    for provider, result in sorted(run.results.items()):
        lines += [f"{mark} {provider}: {names}" for mark, names in changes_of(result)]
        if result.get("error"):
            lines.append(_("⚠️ %(provider)s did not answer as it should: %(error)s") % {
                "provider": provider, "error": escaped(str(result["error"]))
            })  # fmt: skip
    return _("**Models updated:**") + "\n" + "\n".join(lines) if lines else ""


def changes_of(result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Of one provider's part of a run, each kind of change: its mark, and the names."""
    for kind, mark in MARKS.items():
        known = [escaped(str(name)) for name in result.get(kind, [])]
        shown, more = ", ".join(known[:MOST_NAMES]), len(known) - MOST_NAMES
        if known:
            yield mark, _("%(names)s and %(count)d more") % {"names": shown, "count": more} if more > 0 else shown


def _keyboard(run: SyncRun) -> list[list[Key]]:
    rows = []
    for provider, result in sorted(run.results.items()):
        names = [*result.get("new", []), *result.get("returned", [])]
        for model in Model.objects.filter(provider_id=provider, name__in=names).order_by("name"):
            rows.append([toggle(model, beside=True)])
    return rows[:MOST_BUTTONS]


def toggle(model: Model, *, beside: bool = False) -> Key:
    """One button that says what it does: hide an offered model, offer a hidden one."""
    label, verb = (_("🙈 Hide %(model)s"), "disable") if model.enabled else (_("👁 Offer %(model)s"), "enable")
    return command.key(label % {"model": model.title}, verb, model.pk, beside=beside)


def on_paused(name: str, kind: str, until: datetime, **_kwargs: Any) -> None:
    now = timezone.now()
    with translation.override(settings.LANGUAGE_CODE):
        tell({_condition(name): _paused(name, kind, until, now)}, now)


def on_recovered(name: str, **_kwargs: Any) -> None:
    with translation.override(settings.LANGUAGE_CODE):
        tell({_condition(name): _answers(name)}, timezone.now())


def providers(now: datetime) -> dict[str, Condition]:
    """How all providers are: a pause that came too soon after the last is told later, if it still lasts."""
    return {
        _condition(state.name): _paused(state.name, state.last_error_kind, state.paused_until, now)
        if state.paused_until is not None
        else _answers(state.name)
        for state in ProviderState.objects.all()
    }


def _condition(name: str) -> str:
    return f"provider-{name}"


def _answers(name: str) -> Condition:
    return Condition(True, _("▶️ %(provider)s answers again.") % {"provider": name})


def _paused(name: str, kind: str, until: datetime, now: datetime) -> Condition:
    reasons = {
        "auth": _("the key was refused"),
        "billing": _("the account is out of money"),
        "forbidden_region": _("it refuses our region"),
        "rate_limited": _("too many questions at once, again and again"),
        "overloaded": _("it is overloaded"),
        "server": _("its server fails again and again"),
        "timeout": _("it is silent for too long, again and again"),
        "network": _("it cannot be reached"),
    }
    minutes = max(1, round((until - now).total_seconds() / 60))
    words = _("⏸ %(provider)s is paused for %(minutes)d min: %(reason)s.")
    return Condition(False, words % {"provider": name, "minutes": minutes, "reason": reasons.get(kind, kind)})


def on_quota(name: str, model: str, **_kwargs: Any) -> None:
    with translation.override(settings.LANGUAGE_CODE):
        notify_admins(
            f"quota-{name}",
            _("🪫 %(provider)s refuses %(model)s: the quota of the day is used up there.")
            % {"provider": name, "model": escaped(model)},
        )


def on_unknown(name: str, model: str, **_kwargs: Any) -> None:
    """The list is old: have it read again, if that was not asked for just now."""
    now = timezone.now()
    asked = JobRequest.objects.filter(job_id="sync_models", requested_at__gt=now - REFRESH_PAUSE).exists()
    if not asked:
        request_job("sync_models", "model_not_found", now)
    with translation.override(settings.LANGUAGE_CODE):
        text = (
            _("❔ %(provider)s knows no model %(model)s.")
            if asked
            else _("❔ %(provider)s knows no model %(model)s. The list of models is being read again.")
        )
        notify_admins(f"unknown-{name}", text % {"provider": name, "model": escaped(model)})
