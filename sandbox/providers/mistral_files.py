"""Mistral's other endpoints: text recognition, files and transcription."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from . import faults, mistral, speech
from .serving import parse, plain, read_body
from .state import Call, Models
from .wire import Json, RefusedError, Reply, tokens, words

OCR_FIELDS = words(
    "model document pages id include_image_base64 image_limit image_min_size bbox_annotation_format "
    "document_annotation_format document_annotation_prompt table_format include_blocks "
    "extract_header extract_footer confidence_scores_granularity"
)
Answer = Callable[[web.Request, Call], Awaitable[Any]]


def add_routes(app: web.Application, base: str, models: Models) -> None:
    """Serve the endpoints under `base`, which ends in `/v1`."""
    files = _Files(models)
    routes: list[tuple[str, str, str, Answer]] = [
        ("POST", "ocr", "ocr", files.recognise),
        ("POST", "files", "files", files.upload),
        ("GET", "files", "files", files.listing),
        ("GET", "files/{file}", "files", files.one),
        ("DELETE", "files/{file}", "files", files.delete),
        ("POST", "audio/transcriptions", "transcriptions", files.transcribe),
    ]
    for verb, path, endpoint, answer in routes:
        app.router.add_route(verb, f"{base}/{path}", plain(models, mistral, endpoint, answer))


def _missing(field: str) -> RefusedError:
    return mistral.invalid([field], "missing", "Field required")


class _Files:
    """The endpoints that work on files, and the files. Bytes are measured and forgotten."""

    def __init__(self, models: Models) -> None:
        self.models = models

    async def upload(self, request: web.Request, call: Call) -> Json:
        form = await speech.read_form(request, mistral.NAME, 512 * 2**20)
        if "file" not in form:
            raise _missing("file")
        name, kind, content = form["file"]
        purpose = form.get("purpose", "fine-tune")
        call.body = {"purpose": purpose, "file": {"name": name, "type": kind, "bytes": len(content)}}
        entry = {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox/{call.n}/{name}")),
            "object": "file",
            "bytes": len(content),
            "created_at": int(call.time),
            "filename": name,
            "purpose": purpose,
            "sample_type": f"{purpose}_input" if purpose in ("ocr", "audio") else "instruct",
            "num_lines": None,
            "mimetype": kind,
            "source": "upload",
            "signature": f"{call.n:016x}",
        }
        self.models.files[entry["id"]] = entry
        return entry

    async def listing(self, request: web.Request, call: Call) -> Json:
        entries = [entry for entry in self.models.files.values() if entry.get("object") == "file"]
        return {"object": "list", "data": entries, "total": len(entries)}

    async def one(self, request: web.Request, call: Call) -> Json:
        return self._find(request.match_info["file"]) | {"deleted": False}

    async def delete(self, request: web.Request, call: Call) -> Json:
        entry = self._find(request.match_info["file"])
        del self.models.files[entry["id"]]
        return {"id": entry["id"], "object": "file", "deleted": True}

    def _find(self, id_: str) -> Json:
        entry = self.models.files.get(id_)
        if entry is None:
            raise RefusedError(Reply(404, {"detail": "The requested file does not exist."}))
        return entry

    async def recognise(self, request: web.Request, call: Call) -> Json:
        raw = await read_body(request, mistral.NAME, 50 * 2**20)
        call.body = parse(raw, mistral.NAME)
        mistral.check_fields(call.body, OCR_FIELDS)
        call.model = self._model(call.body.get("model"), "ocr")
        name, size = self._document(call.body.get("document"))
        page = {
            "index": 0,
            "markdown": f"# {name}\n\nРаспознанный текст, байтов в документе: {size}.",
            "images": [],
            "dimensions": {"dpi": 200, "height": 2200, "width": 1700},
        }
        return {
            "pages": [page],
            "model": call.model,
            "document_annotation": None,
            "usage_info": {"pages_processed": 1, "doc_size_bytes": size},
        }

    def _model(self, name: object, ability: str) -> str:
        """The model's own id, if it can do what is asked."""
        listed = self.models.catalogues[mistral.NAME].find(str(name))
        if listed is None or not listed.wire["capabilities"][ability]:
            raise RefusedError(faults.error(mistral.NAME, "model"))
        return listed.id

    def _document(self, document: Any) -> tuple[str, int]:
        """A document's name and size in bytes, by its data URL or its uploaded file."""
        if not isinstance(document, dict):
            raise _missing("document")
        kind = document.get("type")
        if kind == "file":
            entry = self._find(str(document.get("file_id")))
            return entry["filename"], entry["bytes"]
        if kind not in ("document_url", "image_url") or not document.get(kind):
            raise _missing("document_url")
        url = document[kind]["url"] if isinstance(document[kind], dict) else document[kind]
        if not url.startswith("data:"):
            raise RefusedError(Reply(400, faults.mistral("The document could not be fetched.", "invalid_file")))
        encoded = url.partition(",")[2]
        return document.get("document_name") or "document", len(encoded) * 3 // 4 - encoded.count("=")

    async def transcribe(self, request: web.Request, call: Call) -> Json:
        form = await speech.read_form(request, mistral.NAME, 100 * 2**20)
        if "file" not in form:
            raise _missing("file")
        name, kind, content = form["file"]
        call.model = self._model(form.get("model"), "audio_transcription")
        call.body = {"model": form["model"], "file": {"name": name, "type": kind, "bytes": len(content)}}
        text, seconds = speech.spoken(content), speech.seconds(content)
        usage = {
            "prompt_audio_seconds": seconds,
            "prompt_tokens": 4,
            "completion_tokens": tokens(text),
            "total_tokens": 4 + tokens(text) + seconds * 12,
        }
        language = form.get("language") or "ru"
        return {"model": call.model, "text": text, "language": language, "segments": [], "usage": usage}
