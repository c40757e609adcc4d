"""The model lists a provider offers, and what a test may do to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from . import seeds
from .wire import Json

PAST = "2026-01-31T12:00:00Z"


@dataclass(slots=True)
class Listed:
    """One model: its entry on the wire, and how its server behaves.

    `window` is the context in tokens (None: unlimited); `quirks` are words of `openai.QUIRKS`.
    """

    id: str
    wire: Json
    window: int | None = None
    chat: bool = True
    retired: bool = False
    quirks: frozenset[str] = frozenset()

    @property
    def aliases(self) -> list[str]:
        return self.wire.get("aliases") or []


DESCRIBE: dict[str, Callable[[str], Json]] = {
    "openai": seeds.openai_entry,
    "deepseek": seeds.deepseek_entry,
    "mistral": seeds.mistral_entry,
    "gemini": seeds.gemini_entry,
}


@dataclass
class Catalogue:
    """The models of one provider, in the order they are listed.

    `failure` is a kind of error (see `faults`) that the list answers with instead, or None.
    `page_size` is how many models Gemini puts on a page at most, whatever was asked.
    """

    provider: str
    models: dict[str, Listed] = field(default_factory=dict)
    failure: str | None = None
    page_size: int = 8

    def add(
        self,
        model_id: str,
        /,
        *,
        window: int | None = None,
        chat: bool = True,
        quirks: Iterable[str] = (),
        **wire: Any,
    ) -> Listed:
        """List a model, or replace it. `wire` sets fields of its entry (`seeds.ABSENT` leaves one out)."""
        entry = DESCRIBE[self.provider](model_id) | wire
        entry = {name: value for name, value in entry.items() if value is not seeds.ABSENT}
        self.models[model_id] = Listed(model_id, entry, window, chat, quirks=frozenset(quirks))
        return self.models[model_id]

    def remove(self, model_id: str) -> None:
        """Take a model off the list; whoever asks for it gets "not found"."""
        del self.models[model_id]

    def retire(self, model_id: str, /, replacement: str | None = None, when: str = PAST) -> None:
        """Switch a model off. Mistral keeps listing it with a date and a replacement, the others do not."""
        if self.provider == "mistral":
            listed = self.models[model_id]
            listed.retired = True
            listed.wire |= {"deprecation": when, "deprecation_replacement_model": replacement}
        else:
            self.remove(model_id)

    def clear(self) -> None:
        """An empty list."""
        self.models.clear()

    def fail(self, kind: str = "server") -> None:
        """The list answers with an error from now on; the models still work."""
        self.failure = kind

    def find(self, name: str) -> Listed | None:
        """The model of that id or alias, unless it is retired."""
        listed = self.models.get(name)
        if listed is None:
            listed = next((model for model in self.models.values() if name in model.aliases), None)
        return None if listed is None or listed.retired else listed

    def listing(self) -> list[Json]:
        """The entries as the wire has them."""
        return [listed.wire for listed in self.models.values()]


def seeded() -> dict[str, Catalogue]:
    """A believable list for every provider."""
    catalogues = {provider: Catalogue(provider) for provider in DESCRIBE}
    for provider, model_id, options in seeds.SEEDS:
        catalogues[provider].add(model_id, **options)
    for provider, model_id, replacement, when in seeds.RETIRED:
        catalogues[provider].retire(model_id, replacement, when)
    return catalogues
