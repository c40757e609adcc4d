"""The control API of the model servers: JSON in, JSON out, mistakes answered with 400 {"error": "..."}."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from .catalogue import Catalogue, seeded
from .state import PROVIDERS, Call, Models, Rule
from .wire import Json, dumps

BASE = "/_sandbox/llm"
Answer = Callable[[Models, web.Request], Awaitable[Any]]


def add_routes(app: web.Application, models: Models) -> None:
    """Serve rules, calls, catalogues and gates under `/_sandbox/llm/`."""
    for method, path, answer in ROUTES:
        app.router.add_route(method, f"{BASE}/{path}", _handler(models, answer))


def _handler(models: Models, answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response(await answer(models, request), dumps=dumps)
        except (ValueError, KeyError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400, dumps=dumps)

    return handle


async def add_rules(models: Models, request: web.Request) -> Json:
    """Add the rules of {"rules": [...]}, or the one rule that the body is."""
    body = await _body(request)
    added = [models.rule(**rule) for rule in body.get("rules", [body])]
    return {"rules": [as_dict(rule) for rule in added]}


async def list_rules(models: Models, request: web.Request) -> Json:
    """Every rule, and how often it matched."""
    return {"rules": [as_dict(rule) for rule in models.rules]}


async def clear_rules(models: Models, request: web.Request) -> Json:
    """Forget the rules."""
    models.clear_rules()
    return {"rules": []}


async def list_calls(models: Models, request: web.Request) -> list[Json]:
    """The calls, oldest first; the query may ask for a provider, an endpoint, a model, numbers above `since`."""
    return [call.as_dict() for call in models.calls if _wanted(call, request.query)]


async def clear_calls(models: Models, request: web.Request) -> list[Json]:
    """Forget the calls."""
    models.clear_calls()
    return []


async def release(models: Models, request: web.Request) -> Json:
    """Let go what is held under {"name": ...}."""
    name = (await _body(request)).get("name", "hold")
    models.release(name)
    return {"released": name}


async def show_catalogues(models: Models, request: web.Request) -> Json:
    """The catalogue of each provider."""
    return {name: catalogue_dict(catalogue) for name, catalogue in models.catalogues.items()}


async def show_catalogue(models: Models, request: web.Request) -> Json:
    """The catalogue of one provider."""
    return catalogue_dict(_catalogue(models, request))


async def change_catalogue(models: Models, request: web.Request) -> Json:
    """Change it; see `change`."""
    return change(models, _catalogue(models, request), await _body(request))


ROUTES: list[tuple[str, str, Answer]] = [
    ("POST", "rules", add_rules),
    ("GET", "rules", list_rules),
    ("DELETE", "rules", clear_rules),
    ("GET", "calls", list_calls),
    ("DELETE", "calls", clear_calls),
    ("POST", "release", release),
    ("GET", "catalogue", show_catalogues),
    ("GET", "catalogue/{provider}", show_catalogue),
    ("PUT", "catalogue/{provider}", change_catalogue),
]


async def _body(request: web.Request) -> Json:
    raw = await request.read()
    body = json.loads(raw) if raw else {}
    if not isinstance(body, dict):
        raise TypeError("an object is expected")
    return body


def _wanted(call: Call, query: Mapping[str, str]) -> bool:
    same = all(getattr(call, name) == query[name] for name in ("provider", "endpoint", "model") if name in query)
    return same and call.n > int(query.get("since", 0))


def as_dict(rule: Rule) -> Json:
    """A rule flat, as it is posted, and how often it matched."""
    matchers = {"provider": rule.provider, "model": rule.model, "contains": rule.contains}
    limits = {"endpoint": rule.endpoint, "times": rule.times, "after": rule.after, "matched": rule.matched}
    return matchers | limits | rule.behaviour


def catalogue_dict(catalogue: Catalogue) -> Json:
    """A catalogue as the control API shows it."""
    return {
        "provider": catalogue.provider,
        "failure": catalogue.failure,
        "page_size": catalogue.page_size,
        "models": catalogue.listing(),
    }


def _catalogue(models: Models, request: web.Request) -> Catalogue:
    name = request.match_info["provider"]
    if name not in PROVIDERS:
        raise ValueError(f"unknown provider: {name}")
    return models.catalogues[name]


def change(models: Models, catalogue: Catalogue, wanted: Json) -> Json:
    """Change a catalogue by any of these, in this order; the new catalogue comes back.

    reset: true; clear: true; remove: [id]; add: [id or {"id", "window", "chat", "quirks", entry fields}];
    retire: [id or {"id", "replacement", "when"}]; failure: kind or null; page_size: models.
    """
    unknown = wanted.keys() - {"reset", "clear", "remove", "add", "retire", "failure", "page_size"}
    if unknown:
        raise ValueError(f"unknown in a catalogue: {', '.join(sorted(unknown))}")
    if wanted.get("reset"):
        catalogue = models.catalogues[catalogue.provider] = seeded()[catalogue.provider]
    if wanted.get("clear"):
        catalogue.clear()
    for model_id in wanted.get("remove", []):
        catalogue.remove(model_id)
    for item in wanted.get("add", []):
        model_id, options = _named(item)
        catalogue.add(model_id, **options)
    for item in wanted.get("retire", []):
        model_id, options = _named(item)
        catalogue.retire(model_id, **options)
    catalogue.failure = wanted.get("failure", catalogue.failure)
    catalogue.page_size = wanted.get("page_size", catalogue.page_size)
    return catalogue_dict(catalogue)


def _named(item: Any) -> tuple[str, Json]:
    """A model's id, and what else was said of it."""
    options = dict(item) if isinstance(item, dict) else {"id": item}
    return options.pop("id"), options
