"""Recordings: the forms they come in, and what is said in them.

A recording says what a `[[text ...]]` among its bytes says, else always the same sentence.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import BodyPartReader, web

from . import faults, openai, script
from .state import Call, Models
from .wire import Json, RefusedError, tokens

SENTENCE = "Это расшифровка голосового сообщения из песочницы."
BYTES_A_SECOND = 4000
Answer = Callable[[web.Request, Call], Awaitable[Any]]


def spoken(content: bytes) -> str:
    """The words of a recording; a marker with nothing after it makes a silent one."""
    _, behaviour = script.split(content.decode("utf-8", "ignore"))
    return str(behaviour.get("text", SENTENCE))


def seconds(content: bytes) -> int:
    """How long a recording lasts."""
    return max(1, len(content) // BYTES_A_SECOND)


async def read_form(request: web.Request, provider: str, limit: int) -> Json:
    """A multipart form: text fields as strings, the file as (name, type, bytes)."""
    if not request.content_type.startswith("multipart/"):
        raise RefusedError(faults.error(provider, "bad_request"))
    form: Json = {}
    size = 0
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise RefusedError(faults.error(provider, "bad_request"))
        content = await part.read()
        size += len(content)
        if size > limit:
            raise RefusedError(faults.error(provider, "too_large"))
        if part.filename:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            form[str(part.name)] = (part.filename, kind, bytes(content))
        else:
            form[str(part.name)] = content.decode()
    return form


FIELDS = {"file", "model", "language", "prompt", "response_format", "temperature"}
ENDINGS = {"flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"}


def transcriptions(models: Models) -> Answer:
    """OpenAI's `/audio/transcriptions`: whisper counts seconds, the others tokens."""

    async def answer(request: web.Request, call: Call) -> Json:
        form = await read_form(request, openai.NAME, 25 * 2**20)
        name, kind, content = _file(form)
        model = str(form.get("model"))
        call.model = _model(models, model)
        call.body = {**form, "file": {"name": name, "type": kind, "bytes": len(content)}}
        text = spoken(content)
        if model.startswith("whisper"):
            return {"text": text, "usage": {"type": "duration", "seconds": seconds(content)}}
        heard, said = seconds(content) * 10, tokens(text)
        details = {"text_tokens": 0, "audio_tokens": heard}
        counts = {"input_tokens": heard, "output_tokens": said, "total_tokens": heard + said}
        return {"text": text, "usage": {"type": "tokens", "input_token_details": details, **counts}}

    return answer


def _file(form: Json) -> tuple[str, str, bytes]:
    for field in form.keys() - FIELDS:
        raise openai.refuse(f"Unknown parameter: '{field}'.", param=field, code="unknown_parameter")
    if not isinstance(form.get("file"), tuple):
        raise openai.refuse("Missing required parameter: 'file'.", param="file", code="missing_required_parameter")
    name, kind, content = form["file"]
    if name.rpartition(".")[2].lower() not in ENDINGS:
        raise openai.refuse(f"Invalid file format. Supported formats: {sorted(ENDINGS)}", param="file")
    if not content:
        raise openai.refuse("Audio file is too short. Minimum audio length is 0.1 seconds.", param="file")
    return name, kind, content


def _model(models: Models, name: str) -> str:
    listed = models.catalogues[openai.NAME].find(name)
    if listed is None or not {"whisper", "transcribe"} & set(listed.id.split("-")):
        raise RefusedError(faults.error(openai.NAME, "model"))
    return listed.id
