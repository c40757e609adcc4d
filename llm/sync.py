"""Keeping the catalogue as the providers' lists are: three-way, cautious, and once per slot.

A list that failed or is empty changes nothing of its provider. A model that is absent is offered still, for a list may
be wrong once; absent twice in a row (or past its announced end) it is retired. What an operator set is never touched.
"""

import asyncio
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from llm import known, signals
from llm.breaker import record_success
from llm.errors import ProviderError
from llm.models import Availability, Model, ProviderState, SyncRun
from llm.providers import configured
from llm.providers.provider import Provider
from llm.services import replacement_of
from llm.types import ModelInfo

log = structlog.get_logger(__name__)

LIST_TIMEOUT = 60.0  # seconds for one provider's whole list
MISSES = 2
LARGEST = 2**31 - 1  # what a column of whole numbers holds
LONGEST_NAME = 150
BY_HAND = ("capabilities", "context_window")  # what operators may correct
ABANDONED = timedelta(minutes=15)  # a run that is "running" for longer died
Listed = list[ModelInfo] | ProviderError
Fetched = Mapping[str, Listed]


def fetched(providers: Mapping[str, Provider]) -> Iterator[tuple[str, Listed]]:
    """The lists of all providers, asked at the same time, each as soon as it is there; an error stands in for a list
    that failed. They are asked in a thread with an event loop, so the caller may write in between."""
    came: SimpleQueue[tuple[str, Listed] | None] = SimpleQueue()

    async def one(name: str, provider: Provider) -> None:
        came.put((name, await _fetch(provider)))

    async def everyone() -> None:
        await asyncio.gather(*(one(name, provider) for name, provider in providers.items()))

    def ask() -> None:
        try:
            asyncio.run(everyone())
        finally:
            came.put(None)

    thread = threading.Thread(target=ask, name="lists of models", daemon=True)
    thread.start()
    while (listed := came.get()) is not None:
        yield listed
    thread.join()


async def _fetch(provider: Provider) -> Listed:
    try:
        async with asyncio.timeout(LIST_TIMEOUT):
            return await provider.list_models()
    except ProviderError as error:
        return error
    except TimeoutError:
        return ProviderError("timeout", "The list of models took too long.")
    except Exception:
        # One provider's odd list must not keep the others' from being read.
        log.exception("llm_list_failed", provider=provider.name)
        return ProviderError("server", "The list of models cannot be read.")
    finally:
        await provider.close()


def run(trigger: str, slot: str | None = None, *, only: str = "", now: datetime | None = None) -> SyncRun | None:
    """Fetch and apply, from sync code (it starts an event loop). None when the slot has had its run.

    ``only``: one provider's name. Raises ValueError when that provider is not configured.
    """
    providers = configured()
    if only and only not in providers:
        raise ValueError(f"The provider {only} is not configured.")
    if only:
        providers = {only: providers[only]}
    now = now or timezone.now()
    if (claimed := claim(trigger, slot, now)) is None:
        return None
    try:
        return _apply(fetched(providers), claimed, now)
    except BaseException:
        SyncRun.objects.filter(pk=claimed.pk).update(state=SyncRun.State.FAILED, finished_at=timezone.now())
        raise


def claim(trigger: str, slot: str | None, now: datetime) -> SyncRun | None:
    """The row of a new run, or None when another process has the slot; the run of a dead process is taken over."""
    try:
        with transaction.atomic():
            return SyncRun.objects.create(slot=slot, trigger=trigger, started_at=now)
    except IntegrityError:
        pass
    dead = SyncRun.objects.filter(slot=slot, state=SyncRun.State.RUNNING, started_at__lt=now - ABANDONED)
    return SyncRun.objects.get(slot=slot) if dead.update(started_at=now, trigger=trigger) else None


def apply(results: Fetched, synced: SyncRun, now: datetime) -> SyncRun:
    """Write what the lists say: one short transaction per provider, and the run with what each brought."""
    return _apply(results.items(), synced, now)


def _apply(results: Iterable[tuple[str, Listed]], synced: SyncRun, now: datetime) -> SyncRun:
    """The same as the lists come; the run's row shows how far it is."""
    outcome: dict[str, Any] = {}
    for name, listed in results:
        outcome[name] = apply_provider(name, listed, now)
        SyncRun.objects.filter(pk=synced.pk).update(results=outcome)
    news = [result for result in outcome.values() if "error" not in result]
    with transaction.atomic():
        synced.results = outcome
        synced.state = SyncRun.State.DONE if news or not outcome else SyncRun.State.FAILED
        synced.finished_at = timezone.now()
        synced.save()
        first = bool(news) and all(result["first"] for result in news)
        signals.models_synced.send(SyncRun, run=synced, first=first)
    return synced


def apply_provider(provider: str, listed: Listed, now: datetime) -> dict[str, Any]:
    """One provider's part: what was seen, new, changed, gone, returned; or the error, and nothing changed."""
    if isinstance(listed, ProviderError):
        return {"error": f"{listed.kind}: {listed.message}"}
    if not listed:
        return {"error": "empty: The list of models is empty."}
    with transaction.atomic():
        return _Diff(provider, now).apply({info.name: info for info in listed if len(info.name) <= LONGEST_NAME})


class _Diff:
    """The rows of one provider against its list. Lives within one transaction."""

    def __init__(self, provider: str, now: datetime) -> None:
        self.provider, self.now = provider, now
        ProviderState.objects.get_or_create(name=provider)
        self.state = ProviderState.objects.select_for_update().get(name=provider)
        self.rows = {row.name: row for row in Model.objects.select_for_update().filter(provider=self.state)}
        self.gone: list[Model] = []
        self.result: dict[str, Any] = {
            "seen": 0, "new": [], "changed": [], "gone": [], "returned": [], "missing": [], "changes": {},
            "first": not self.rows,
        }  # fmt: skip

    def apply(self, listed: dict[str, ModelInfo]) -> dict[str, Any]:
        self.result["seen"] = len(listed)
        for name, info in listed.items():
            row = self.rows.get(name)
            self._add(info) if row is None else self._update(row, info)
        for name in self.rows.keys() - listed.keys():
            self._miss(self.rows[name])
        self._link()
        for row in self.gone:
            signals.model_retired.send(Model, model=row, replacement=replacement_of(row))
        if self.state.last_error_kind == "auth" and self.state.paused_until is not None:
            record_success(self.provider, self.now)  # the key is accepted again
        for key in ("new", "changed", "gone", "returned", "missing"):
            self.result[key].sort()
        return self.result

    def _add(self, info: ModelInfo) -> None:
        values = described(info)
        row = Model(provider=self.state, name=info.name, first_seen=self.now, last_seen=self.now, **values)
        if self._ended(row):
            row.state = Availability.RETIRED  # listed with its end behind it: known, never offered
        else:
            self.result["new"].append(info.name)
        known.complete(row, info, self.now.date())
        row.save()
        self.rows[info.name] = row

    def _update(self, row: Model, info: ModelInfo) -> None:
        changes = {}
        for name, value in described(info).items():
            old = getattr(row, name)
            if value != old and _says(name, value) and not (row.by_hand and name in BY_HAND):
                setattr(row, name, value)
                changes[name] = [_plain(old), _plain(value)]
        known.complete(row, info, self.now.date())
        row.last_seen, row.misses = self.now, 0
        if self._ended(row):
            self._retire(row)
        elif row.state != Availability.AVAILABLE:
            if row.state == Availability.RETIRED:
                self.result["returned"].append(row.name)
            row.state = Availability.AVAILABLE
        if changes:
            self.result["changed"].append(row.name)
            self.result["changes"][row.name] = changes
        row.save()

    def _ended(self, row: Model) -> bool:
        return row.retires_at is not None and row.retires_at <= self.now

    def _miss(self, row: Model) -> None:
        if row.state == Availability.RETIRED or row.last_seen is None:
            return  # typed by an operator, it was in no list before either
        row.misses += 1
        if row.misses >= MISSES or self._ended(row):
            self._retire(row)
        else:
            row.state = Availability.MISSING
            self.result["missing"].append(row.name)
        row.save()

    def _retire(self, row: Model) -> None:
        if row.state != Availability.RETIRED:
            row.state = Availability.RETIRED
            self.gone.append(row)
            self.result["gone"].append(row.name)

    def _link(self) -> None:
        """Connect announced replacements with their rows, where no operator chose one."""
        by_name = {alias: row for row in self.rows.values() for alias in row.aliases} | self.rows
        for row in self.rows.values():
            other = by_name.get(row.replacement_name) if row.replacement_name else None
            if other is not None and other is not row and row.replaced_by_id is None:
                row.replaced_by = other
                row.save(update_fields=["replaced_by", "updated_at"])


def _says(name: str, value: Any) -> bool:
    """Whether a list says something with ``value``: silence takes nothing away, but an end may be called off."""
    if name == "capabilities":
        return bool(value != ["text"])
    return name in ("retires_at", "replacement_name") or value not in ("", None, [])


def described(info: ModelInfo) -> dict[str, Any]:
    """What a list says of a model, as the fields of its row."""
    return {
        "label": info.label[:LONGEST_NAME],
        "capabilities": sorted(info.capabilities),
        "context_window": _fitting(info.context_window),
        "max_output": _fitting(info.max_output),
        "retires_at": moment(info.retires_at),
        "aliases": sorted(info.aliases),
        "replacement_name": info.replacement[:LONGEST_NAME],
    }


def _fitting(size: int | None) -> int | None:
    return None if size is None else min(size, LARGEST)


def moment(text: str) -> datetime | None:
    """ISO 8601 as an aware time (UTC where it does not say); None for nothing and for what is no date."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
