"""Every URL of the fake model servers: `add_routes(app, models)`."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from . import control, deepseek, faults, gemini_files, mistral, mistral_files, openai, speech
from .serving import Handler, chat, plain
from .state import Call, Models
from .wire import RefusedError, Wire


def add_routes(app: web.Application, models: Models) -> None:
    """Serve all providers under `/llm/<provider>/` and their control under `/_sandbox/llm/`."""
    _add_openai(app, models)
    _add_deepseek(app, models)
    _add_mistral(app, models)
    _add_gemini(app, models)
    control.add_routes(app, models)

    async def close(_: web.Application) -> None:
        models.closing = True

    app.on_shutdown.append(close)


def _list(models: Models, wire: Wire) -> Handler:
    """The handler of a list of models, and of one of them when the path names it."""

    async def answer(request: web.Request, call: Call) -> Any:
        listing = openai.list_models(models, wire.NAME)
        if "model" not in request.match_info:
            return listing
        for entry in listing["data"]:
            if entry["id"] == request.match_info["model"]:
                return entry
        raise RefusedError(faults.error(wire.NAME, "model"))

    return plain(models, wire, "models", answer)


def _add_openai(app: web.Application, models: Models) -> None:
    base = "/llm/openai/v1"
    app.router.add_get(f"{base}/models", _list(models, openai))
    app.router.add_get(f"{base}/models/{{model:.+}}", _list(models, openai))
    app.router.add_post(f"{base}/chat/completions", chat(models, openai))
    app.router.add_post(
        f"{base}/audio/transcriptions", plain(models, openai, "transcriptions", speech.transcriptions(models))
    )


def _add_deepseek(app: web.Application, models: Models) -> None:
    async def balance(request: web.Request, call: Call) -> Any:
        return deepseek.balance()

    for base in ("/llm/deepseek", "/llm/deepseek/v1"):
        app.router.add_get(f"{base}/models", _list(models, deepseek))
        app.router.add_post(f"{base}/chat/completions", chat(models, deepseek))
        app.router.add_get(f"{base}/user/balance", plain(models, deepseek, "balance", balance))


def _add_mistral(app: web.Application, models: Models) -> None:
    base = "/llm/mistral/v1"
    app.router.add_get(f"{base}/models", _list(models, mistral))
    app.router.add_get(f"{base}/models/{{model:.+}}", _list(models, mistral))
    app.router.add_post(f"{base}/chat/completions", chat(models, mistral))
    mistral_files.add_routes(app, base, models)


def _add_gemini(app: web.Application, models: Models) -> None:
    for version in ("v1beta", "v1"):
        gemini_files.add_routes(app, version, models)
