"""Asking a model: retries, deadlines, the breaker, and what servers teach. The one door to the providers.

    client = Client()
    async with contextlib.aclosing(client.stream(target, request)) as events:
        async for event in events: ...

Closing the iterator (or cancelling the task) closes the connection at once, so the provider stops writing.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any, Literal, TypeVar, cast

import structlog
from django.conf import settings
from django.utils import timezone

from core import metrics
from core.db import in_db
from llm import breaker, services, tokens
from llm.deadline import paced
from llm.errors import TRANSIENT, Kind, ProviderError
from llm.providers import configured, failures
from llm.providers.base import PROGRESS, collect
from llm.providers.provider import Provider
from llm.services import Target
from llm.types import Answer, ChatRequest, End, Event, FileRef, Part, Recognised, Transcript
from llm.uploads import Uploads

log = structlog.get_logger(__name__)

RETRIES = 2
BACKOFF = 0.5
PATIENCE = 20.0  # seconds: a provider that asks to wait longer is not waited for
T = TypeVar("T")
COUNTING = 10.0  # seconds that a count may take before it is estimated
LESSONS = 3  # peculiarities that one call may run into


class Client:
    """Asks providers; makes their connections lazily and owns them. One per event loop.

    ``backoff``: seconds before the first retry; doubles each time, jittered by half.
    """

    def __init__(self, providers: Mapping[str, Provider] | None = None, *, backoff: float = BACKOFF) -> None:
        self.backoff = backoff
        self._providers = None if providers is None else dict(providers)
        self._learned: dict[str, dict[str, Any]] = {}
        self._failing: set[str] = set()
        self.uploads = Uploads()

    def provider(self, name: str) -> Provider:
        """The provider of that name. Raises ``ProviderError`` of kind auth when it is not configured."""
        if self._providers is None:
            self._providers = configured()
        if name not in self._providers:
            raise ProviderError("auth", f"The provider {name} is not configured.")
        return self._providers[name]

    async def close(self) -> None:
        """Close all connections. The client can be used again."""
        for provider in (self._providers or {}).values():
            await provider.close()

    async def chat(self, target: Target, request: ChatRequest) -> Answer:
        """The whole answer, with the retries and deadlines of `stream`."""
        return collect([event async for event in self.stream(target, request)])

    async def stream(self, target: Target, request: ChatRequest) -> AsyncGenerator[Event, None]:
        """The answer as it comes. Raises ``ProviderError``; after the first event nothing is tried again.

        ``request.model`` is replaced by the target's. The last event is `End`.
        """
        provider, prepared = self.provider(target.provider), self._prepared(target, request)
        call = _Call(self, target, provider, await self.fitted(target, prepared))
        call.unfitted = prepared
        await call.admit()
        while True:
            try:
                async with aclosing(provider.stream(call.request)) as answer, aclosing(call.paced(answer)) as events:
                    async for event in events:
                        if not call.shown or isinstance(event, End):
                            await call.well(event)
                        yield event
            except TimeoutError:
                await call.again(ProviderError("timeout", f"{target.provider} is silent for too long."))
            except ProviderError as error:
                await call.again(error)
            else:
                return

    async def transcribe(
        self, target: Target, audio: bytes, mime: str, *, name: str = "", language: str = ""
    ) -> Transcript:
        """The words of a recording, asked of `services.transcriber`'s model. Raises ``ProviderError``.

        ``language``: ISO 639-1, what is probably spoken; empty when nobody knows.
        """
        part = Part("audio", data=audio, mime=mime, name=name)
        return await self._once(target, lambda provider: provider.transcribe(target.name, part, language))

    async def ocr(self, target: Target, document: bytes, mime: str) -> Recognised:
        """The text of a scan, asked of `services.recogniser`'s model. Raises ``ProviderError``."""
        kind: Literal["image", "document"] = "image" if mime.startswith("image/") else "document"
        part = Part(kind, data=document, mime=mime)
        return await self._once(target, lambda provider: provider.ocr(target.name, part))

    async def count_tokens(self, target: Target, request: ChatRequest) -> tuple[int, bool]:
        """How long a request is, and whether the provider counted it; else it is our estimate. Never raises."""
        if target.paused_until is None:
            with suppress(ProviderError, TimeoutError):
                async with asyncio.timeout(COUNTING):
                    counted = await self.provider(target.provider).count_tokens(self._prepared(target, request))
                    if counted is not None:
                        return counted, True
        return tokens.estimate_request(request), False

    async def fitted(self, target: Target, request: ChatRequest) -> ChatRequest:
        """``request`` with files that are too large for it left with the provider. Raises ``ProviderError``."""

        def upload(part: Part) -> Awaitable[FileRef]:
            return self._once(target, lambda provider: provider.upload(part))

        return await self.uploads.fitted(target.provider, self.provider(target.provider).uploads, request, upload)

    async def _once(self, target: Target, work: Callable[[Provider], Awaitable[T]]) -> T:
        """What ``work`` brings, with the retries and the breaker of `stream`; each attempt has one deadline."""
        provider = self.provider(target.provider)
        call = _Call(self, target, provider, ChatRequest(target.name, ()), lessons=LESSONS)
        await call.admit()
        while True:
            try:
                async with asyncio.timeout_at(call.limit()):
                    brought = await work(provider)
            except TimeoutError:
                await call.again(ProviderError("timeout", f"{target.provider} is silent for too long."))
            except ProviderError as error:
                await call.again(error)
            else:
                await self.note(target, None)
                return brought

    def _prepared(self, target: Target, request: ChatRequest) -> ChatRequest:
        paints = {"image_out": True} if target.model and "image_out" in target.model.capabilities else {}
        options = {**paints, **target.switches, **self._learned.get(target.ref, {}), **request.options}
        return replace(request, model=target.name, options=options)

    def learned(self, target: Target, options: Mapping[str, Any]) -> None:
        """Remember in this process what a server wants; the row has it for the others."""
        self._learned.setdefault(target.ref, {}).update(options)

    def failing(self, target: Target) -> bool:
        """Whether there may be failures to clear, as far as is known without asking the database."""
        return bool(target.failures or target.paused_until) or target.provider in self._failing

    async def note(self, target: Target, error: ProviderError | None) -> None:
        """Tell the breaker how a call went."""
        now = timezone.now()
        if error is not None and breaker.counts(error):
            self._failing.add(target.provider)
            await in_db(services.record_failure, target.provider, error, now)
        elif self.failing(target):
            await in_db(services.record_success, target.provider, now)
            self._failing.discard(target.provider)


class _Call:
    """One question with its attempts."""

    def __init__(
        self, client: Client, target: Target, provider: Provider, request: ChatRequest, *, lessons: int = 0
    ) -> None:
        self.client, self.target, self.provider, self.request = client, target, provider, request
        self.loop = asyncio.get_running_loop()
        self.over_at = self.loop.time() + settings.LLM_TURN_TIMEOUT_SEC
        self.patience = {False: settings.LLM_FIRST_TOKEN_TIMEOUT_SEC, True: settings.LLM_READ_TIMEOUT_SEC}
        self.retries, self.lessons = 0, lessons
        self.unfitted: ChatRequest | None = None
        self.trial = self.shown = self.begun = False
        self.lasting: dict[str, Any] = {}

    async def admit(self) -> None:
        """Raise the recorded error while the breaker is open; after a pause let one call try."""
        paused_until, now = self.target.paused_until, timezone.now()
        if paused_until is None:
            return
        wait = (paused_until - now).total_seconds()
        if wait <= 0:
            self.trial = await in_db(services.claim_trial, self.target.provider, paused_until, now)
            wait = breaker.TRIAL.total_seconds()
        if not self.trial:
            kind = cast(Kind, self.target.pause_kind or "overloaded")
            raise ProviderError(kind, f"{self.target.provider} is paused.", retry_after=wait)

    async def paced(self, answer: AsyncIterator[Event]) -> AsyncGenerator[Event, None]:
        """The events of one attempt that are to be shown, under the deadlines. Raises TimeoutError."""
        self.begun = False
        async with aclosing(paced(answer, self.limit)) as events:
            async for event in events:
                self.begun = True
                if event is not PROGRESS:
                    yield event

    def limit(self) -> float:
        """When the next event must have come: the first word has a deadline of its own, the whole turn another.

        Comments and blank lines of a stream are no events, so a server cannot hold a turn open with them.
        """
        return min(self.loop.time() + self.patience[self.begun], self.over_at)

    async def well(self, event: Event) -> None:
        """The first event and the end: remember the lesson that helped, clear the failures."""
        first, self.shown = not self.shown, True
        if first and self.lasting:
            self.client.learned(self.target, self.lasting)
            await in_db(services.remember_switches, self.target.provider, self.target.name, self.lasting)
        # A trial is won with the first word, for the others wait for it; else only a whole answer counts.
        if isinstance(event, End) or (first and self.trial):
            self.trial = False
            await self.client.note(self.target, None)

    async def again(self, error: ProviderError) -> None:
        """Make the next attempt ready, or raise ``error``."""
        if not self.shown and (self._learn(error) or await self._upload_anew(error)):
            return
        if self.shown or (wait := self._wait(error)) is None:
            self._log("llm_failed", kind=error.kind, status=error.status, param=error.param)
            metrics.PROVIDER_ERRORS.labels(self.target.provider, error.kind).inc()
            await self.client.note(self.target, error)
            if error.kind == "context_too_long" and (window := failures.window(error.message)) is not None:
                await in_db(services.remember_window, self.target.provider, self.target.name, window)
            if error.kind in ("quota_daily", "model_not_found"):
                await in_db(services.tell_refusal, self.target.provider, self.target.name, error.kind)
            raise error
        self.retries += 1
        metrics.PROVIDER_RETRIES.labels(self.target.provider, error.kind).inc()
        self._log("llm_retry", kind=error.kind, retry=self.retries, wait=round(wait, 2))
        await asyncio.sleep(wait)

    def _learn(self, error: ProviderError) -> bool:
        """Whether the request was changed so that it may be accepted now."""
        if self.lessons == LESSONS or (lesson := self.provider.learn(self.request, error)) is None:
            return False
        options = {**self.request.options, **lesson.options}
        if options == self.request.options:
            return False
        self.lessons += 1
        if lesson.lasting:
            self.lasting |= lesson.options
        self.request = replace(self.request, options=options)
        self._log("llm_lesson", options=lesson.options)
        return True

    async def _upload_anew(self, error: ProviderError) -> bool:
        """Once, when the provider has lost a file that was left with it."""
        if error.param != "file" or self.unfitted is None:
            return False
        unfitted, self.unfitted = self.unfitted, None
        self.client.uploads.forget(self.target.provider)
        self.request = await self.client.fitted(self.target, replace(unfitted, options=self.request.options))
        return True

    def _log(self, event: str, **facts: Any) -> None:
        log.info(event, provider=self.target.provider, model=self.target.name, **facts)

    def _wait(self, error: ProviderError) -> float | None:
        """Seconds until the next attempt, or None: no further one."""
        # A daily quota is sometimes named by mistake: believed after one more try, if the provider offers one.
        allowed = {"quota_daily": 1 if error.retry_after else 0}.get(error.kind, RETRIES)
        if self.retries >= allowed or not (error.kind in TRANSIENT or error.kind == "quota_daily"):
            return None
        wait = self.client.backoff * 2**self.retries * random.uniform(0.5, 1.5)  # noqa: S311
        if error.retry_after is not None:
            if error.retry_after > PATIENCE:
                return None
            wait += error.retry_after
        return wait if self.loop.time() + wait < self.over_at else None
