"""The verbs of the catalogue: find a model, price an answer, change what operators may change. Sync, short."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from llm import known, signals, switches
from llm.breaker import claim_trial, record_failure, record_success
from llm.models import Availability, Model, ProviderState
from llm.providers import configured
from llm.types import ModelInfo, Usage

__all__ = [
    "Target", "add_model", "can_take", "claim_trial", "cost_of", "default_target", "describe", "find_model",
    "offered_models", "recogniser", "record_failure", "record_success", "remember_switches", "remember_window",
    "replacement_of", "set_enabled", "set_price", "set_replacement", "set_switches", "target_of", "tell_refusal",
    "transcriber",
]  # fmt: skip

OPERATOR = "operator"  # price_source of a price that a person set; no refresh touches it
MILLION = Decimal(1_000_000)
CENTS = Decimal("0.00000001")


class Person(Protocol):
    """Whoever changes something: kept for the caller's audit, nothing of it is read here."""

    pk: Any


@dataclass(frozen=True, slots=True)
class Target:
    """Which model of which provider to ask, and what is known of that provider, read once per question."""

    provider: str
    name: str
    model: Model | None
    label: str
    paused_until: datetime | None = None
    switches: dict[str, Any] = field(default_factory=dict)
    # Of the breaker: the error that opened it, and how many failures there are to clear.
    pause_kind: str = ""
    failures: int = 0

    @property
    def ref(self) -> str:
        """``provider:name``: what `Turn.raw_model` holds."""
        return f"{self.provider}:{self.name}"


def _target(provider: str, name: str, model: Model | None, state: ProviderState | None) -> Target:
    if state is None:
        return Target(provider, name, model, model.title if model else name)
    return Target(
        provider,
        name,
        model,
        model.title if model else name,
        state.paused_until,
        _switches(state, "*") | _switches(state, name),
        state.last_error_kind,
        state.failures,
    )


def _switches(state: ProviderState, name: str) -> dict[str, Any]:
    """The switches for one model; people edit them, so anything may stand there."""
    known = state.switches.get(name) if isinstance(state.switches, dict) else None
    return known if isinstance(known, dict) else {}


def target_of(model: Model) -> Target:
    """The target of a row. Asks nothing when ``model.provider`` was select_related."""
    return _target(model.provider_id, model.name, model, model.provider)


def default_target() -> Target | None:
    """What is asked when nobody chose: DEFAULT_MODEL, else the first offered model of a configured provider.

    DEFAULT_MODEL works before the first refresh and for a name that no list holds; when its row is retired, the
    replacement stands in. None: there is no provider, or nothing to offer.
    """
    if (chosen := split_ref(settings.DEFAULT_MODEL)) is not None:
        provider, name = chosen
        row = Model.objects.select_related("provider").filter(provider_id=provider, name=name).first()
        row = row or find_model(settings.DEFAULT_MODEL)
        if row is None:
            return _target(provider, name, None, ProviderState.objects.filter(name=provider).first())
        if (usable := _usable(row)) is not None:
            return target_of(usable)
    offered = offered_models()
    return target_of(offered[0]) if offered else None


def _usable(row: Model) -> Model | None:
    if row.enabled and row.state != Availability.RETIRED:
        return row
    return replacement_of(row)


def split_ref(text: str) -> tuple[str, str] | None:
    """``provider:name`` in two, for a configured provider; a bare name belongs to the only provider there is."""
    providers = configured()
    provider, colon, name = text.strip().partition(":")
    if colon and name and provider in providers:
        return provider, name
    if text.strip() and len(providers) == 1 and provider not in settings.LLM_PROVIDERS:
        return next(iter(providers)), text.strip()
    return None


def offered_models() -> list[Model]:
    """What a person may choose now: offered rows of configured providers, in the order of the table, by name."""
    order = {name: place for place, name in enumerate(configured())}
    rows = Model.objects.offered().filter(provider__in=order).select_related("provider")
    return sorted(rows, key=lambda row: (order[row.provider_id], row.name))


def can_take(model: Model | None, kinds: Iterable[str]) -> bool:
    """Whether a model takes all these kinds of parts as they are; of an unknown one only ``text`` is believed."""
    return set(kinds) <= {"text", *(model.capabilities if model else ())}


def transcriber(now: datetime | None = None) -> Target | None:
    """Which model to ask for the words of a recording; None when no configured provider has one.

    One made for nothing else comes before chat models that hear, a provider that answers before one that is paused,
    and then the cheapest of known price. What operators hide is not asked here either.
    """
    return _specialist("transcription", now or timezone.now())


def recogniser(now: datetime | None = None) -> Target | None:
    """Which model to ask for the text of a scanned document, chosen as a `transcriber` is; None when there is none."""
    return _specialist("ocr", now or timezone.now())


def _specialist(ability: str, now: datetime) -> Target | None:
    order = {name: place for place, name in enumerate(configured())}

    def rank(row: Model) -> tuple[bool, bool, Decimal, int, str]:
        paused = row.provider.paused_until is not None and row.provider.paused_until > now
        price = Decimal("Infinity") if row.price_input is None else row.price_input
        return paused, row.converses, price, order[row.provider_id], row.name

    rows = Model.objects.usable().filter(provider__in=order).select_related("provider")
    able = [row for row in rows if ability in row.capabilities]
    return target_of(min(able, key=rank)) if able else None


def find_model(text: str) -> Model | None:
    """The model that ``text`` means: ``provider:name``, a name, an alias or a label, in any case of letters.

    Of several the offered one wins, then the better match. A retired one is found too: the caller says so.
    """
    wanted = text.strip().casefold()
    if not wanted:
        return None
    rows = Model.objects.conversing().values_list("pk", "provider_id", "name", "label", "aliases", "enabled", "state")
    found = [
        (not (enabled and state != Availability.RETIRED), rank, pk)
        for pk, provider, name, label, aliases, enabled, state in rows
        if (rank := _rank(wanted, provider, name, label, aliases)) is not None
    ]
    return Model.objects.select_related("provider").get(pk=min(found)[2]) if found else None


def _rank(wanted: str, provider: str, name: str, label: str, aliases: Iterable[str]) -> int | None:
    """How well a row matches: 0 best, None not at all."""
    for rank, names in enumerate(
        ([f"{provider}:{name}"], [name], aliases, [f"{provider}:{a}" for a in aliases], [label])
    ):
        if wanted in (known.casefold() for known in names):
            return rank
    return None


def replacement_of(model: Model) -> Model | None:
    """The offered model that replaces ``model``, through several retired ones if need be; None when there is none."""
    seen = {model.pk}
    row = model
    while row.replaced_by_id is not None and row.replaced_by_id not in seen:
        seen.add(row.replaced_by_id)
        row = Model.objects.select_related("provider").get(pk=row.replaced_by_id)
        if row.enabled and row.state != Availability.RETIRED:
            return row
    return None


def cost_of(model: Model | None, usage: Usage) -> Decimal | None:
    """What an answer cost in US dollars, to eight places; None when a price or a count is unknown.

    Cached input without a price of its own costs as much as other input.
    """
    if model is None or model.price_input is None or model.price_output is None:
        return None
    if usage.input is None or usage.output is None:
        return None
    cached = min(usage.cached or 0, usage.input)
    price_cached = model.price_input if model.price_cached is None else model.price_cached
    total = (usage.input - cached) * model.price_input + cached * price_cached + usage.output * model.price_output
    return (total / MILLION).quantize(CENTS)


@transaction.atomic
def remember_switches(provider: str, name: str, options: dict[str, Any]) -> None:
    """Keep what a server taught about itself when it was asked for model ``name``."""
    ProviderState.objects.get_or_create(name=provider)
    state = ProviderState.objects.select_for_update().get(name=provider)
    state.switches = {**state.switches, name: _switches(state, name) | options}
    state.save(update_fields=["switches"])


def tell_refusal(provider: str, name: str, kind: str) -> None:
    """Tell whoever listens of a refusal that the operator, and no breaker, can do something about."""
    told = {"quota_daily": signals.quota_reached, "model_not_found": signals.model_unknown}.get(kind)
    if told is not None:
        told.send(ProviderState, name=provider, model=name)


def remember_window(provider: str, name: str, window: int) -> None:
    """Keep the window (tokens) that a server named when a dialog was too long for it, unless a narrower one is known.

    A list that says more has the word again at the next refresh.
    """
    rows = Model.objects.filter(provider_id=provider, name=name).exclude(context_window__lte=window)
    rows.update(context_window=window, updated_at=timezone.now())


@transaction.atomic
def add_model(
    provider: str,
    name: str,
    *,
    capabilities: Iterable[str] = (),
    context_window: int | None = None,
    by: Person | None = None,
) -> Model:
    """A model that no list holds, as operators type it; it has no ``last_seen``, and no refresh takes it away.

    Raises ValueError for a provider that is not configured and for a model that is there already.
    """
    if provider not in configured():
        raise ValueError("this provider is not configured")
    state, _created = ProviderState.objects.get_or_create(name=provider)
    if Model.objects.filter(provider=state, name=name).exists():
        raise ValueError("this model is there already")
    able = sorted(set(capabilities)) or ["text"]
    row = Model(provider=state, name=name, capabilities=able, context_window=context_window)
    known.complete(row, ModelInfo(name), timezone.localdate())
    row.save()
    return row


def describe(
    model: Model, *, capabilities: Iterable[str], context_window: int | None, by_hand: bool, by: Person | None = None
) -> bool:
    """Say what a model can do and how long its window is (tokens; None: unknown). True when this call changed it.

    ``by_hand``: no refresh changes it, whatever the lists say; else they have the word again at the next one.
    """
    able = sorted(set(capabilities))
    return _change(model, capabilities=able, context_window=context_window, by_hand=by_hand)


@transaction.atomic
def set_switches(state: ProviderState, value: Any, by: Person | None = None) -> bool:
    """What is known of a provider's server, as operators write it. True when this call changed it.

    Raises ValueError with a sentence for people when something in it is no switch.
    """
    if problem := switches.problem(value):
        raise ValueError(problem)
    row = ProviderState.objects.select_for_update().get(pk=state.pk)
    changed = bool(row.switches != value)
    if changed:
        row.switches = value
        row.save(update_fields=["switches"])
    state.refresh_from_db()
    return changed


def set_enabled(model: Model, enabled: bool, by: Person | None = None) -> bool:
    """Offer a model or not. True when this call changed it."""
    return _change(model, enabled=enabled)


def set_replacement(model: Model, other: Model | None, by: Person | None = None) -> bool:
    """Say what replaces ``model`` when it is retired; a refresh keeps it. Raises ValueError for itself."""
    if other is not None and other.pk == model.pk:
        raise ValueError("a model cannot replace itself")
    return _change(model, replaced_by_id=other.pk if other else None)


def set_price(
    model: Model,
    *,
    price_input: Decimal | None,
    price_output: Decimal | None,
    price_cached: Decimal | None = None,
    on: date,
    by: Person | None = None,
) -> bool:
    """Set prices in US dollars per million tokens; no refresh overwrites them. True when this call changed them."""
    if any(price is not None and price < 0 for price in (price_input, price_output, price_cached)):
        raise ValueError("a price cannot be negative")
    return _change(
        model,
        price_input=price_input,
        price_output=price_output,
        price_cached=price_cached,
        price_date=on,
        price_source=OPERATOR,
    )


@transaction.atomic
def _change(model: Model, **values: Any) -> bool:
    """Write ``values`` unless they stand already; the given instance follows."""
    row = Model.objects.select_for_update().get(pk=model.pk)
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    if changed:
        row.save(update_fields=[*changed, "updated_at"])
    model.refresh_from_db()
    return bool(changed)
