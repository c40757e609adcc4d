"""Gemini's other endpoints: the paged list of models, token counts, uploads and files."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from . import faults, gemini
from .serving import chat, parse, plain, read_body
from .state import Call, Models
from .wire import Json, RefusedError, count_tokens

ROOT = "/llm/gemini"
Answer = Callable[[web.Request, Call], Awaitable[Any]]


def add_routes(app: web.Application, version: str, models: Models) -> None:
    """Serve one version of the API, `v1` or `v1beta`."""
    base, files = f"{ROOT}/{version}", _Files(models, version)
    generate = chat(models, gemini)
    count = plain(models, gemini, "count_tokens", _count(models))

    async def post(request: web.Request) -> web.StreamResponse:
        method = request.match_info["target"].rpartition(":")[2]
        handlers = {"generateContent": generate, "streamGenerateContent": generate, "countTokens": count}
        if method not in handlers:
            raise web.HTTPNotFound
        return await handlers[method](request)

    app.router.add_get(f"{base}/models", plain(models, gemini, "models", _list(models)))
    app.router.add_get(f"{base}/models/{{model}}", plain(models, gemini, "models", _one(models)))
    app.router.add_post(f"{base}/models/{{target:.+}}", post)
    routes: list[tuple[str, str, Answer]] = [
        ("POST", f"{ROOT}/upload/{version}/files", files.upload),
        ("GET", f"{base}/files", files.listing),
        ("GET", f"{base}/files/{{file}}", files.one),
        ("DELETE", f"{base}/files/{{file}}", files.delete),
    ]
    for verb, path, answer in routes:
        app.router.add_route(verb, path, plain(models, gemini, "files", answer))


def _list(models: Models) -> Answer:
    """A page of the models: at most `Catalogue.page_size`, whatever was asked for, as a server may."""

    async def answer(request: web.Request, call: Call) -> Json:
        catalogue = models.catalogues[gemini.NAME]
        if catalogue.failure:
            raise RefusedError(faults.error(gemini.NAME, catalogue.failure))
        listing, start = catalogue.listing(), _offset(request.query.get("pageToken", ""))
        asked = int(request.query.get("pageSize") or 50)
        end = start + min(asked, catalogue.page_size)
        page: Json = {"models": listing[start:end]} if listing[start:end] else {}
        return page | ({"nextPageToken": _token(end)} if end < len(listing) else {})

    return answer


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"from {offset}".encode()).decode().rstrip("=")


def _offset(token: str) -> int:
    """Where a page begins. Raises `RefusedError` for a token that is not ours."""
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().removeprefix("from "))
    except ValueError as error:
        raise gemini.refuse("Page token is not valid.") from error


def _one(models: Models) -> Answer:
    async def answer(request: web.Request, call: Call) -> Json:
        listed = models.catalogues[gemini.NAME].find(request.match_info["model"])
        if listed is None:
            raise RefusedError(faults.error(gemini.NAME, "model"))
        return listed.wire

    return answer


def _count(models: Models) -> Answer:
    async def answer(request: web.Request, call: Call) -> Json:
        name = request.match_info["target"].rpartition(":")[0]
        gemini.find_model(models, name, "countTokens")
        raw = await read_body(request, gemini.NAME, models.max_body)
        call.body, call.model = parse(raw, gemini.NAME), name
        body = gemini.camel(call.body)
        body = body.get("generateContentRequest") or body
        gemini.check_contents(models, body)
        total = count_tokens(gemini.messages(body))
        return {"totalTokens": total, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": total}]}

    return answer


class _Files:
    """Uploads by the resumable protocol, and the files they become. Bytes are measured and forgotten."""

    def __init__(self, models: Models, version: str) -> None:
        self.models, self.version = models, version
        self.begun: dict[str, tuple[Json, bytearray]] = {}

    async def upload(self, request: web.Request, call: Call) -> web.Response:
        """Either the start of an upload, which answers with its URL, or a part of its bytes."""
        if upload := request.query.get("upload_id"):
            return await self._receive(upload, request)
        if "start" not in request.headers.get("X-Goog-Upload-Command", ""):
            raise gemini.refuse("Only resumable uploads are served here.")
        raw = await read_body(request, gemini.NAME, self.models.max_body)
        call.body = parse(raw, gemini.NAME) if raw else {}
        asked = gemini.camel(call.body).get("file", {})
        upload = f"up{call.n}"
        mime = request.headers.get("X-Goog-Upload-Header-Content-Type", "application/octet-stream")
        name = asked.get("name") or f"files/sandbox-{call.n}"
        self.begun[upload] = (
            {
                "name": name,
                "displayName": asked.get("displayName", ""),
                "mimeType": asked.get("mimeType") or mime,
            },
            bytearray(),
        )
        url = f"{request.url.origin()}{request.path}?upload_id={upload}&upload_protocol=resumable"
        return web.Response(headers={"X-Goog-Upload-URL": url, "X-Goog-Upload-Status": "active"})

    async def _receive(self, upload: str, request: web.Request) -> web.Response:
        if upload not in self.begun:
            raise gemini.refuse("The upload is not known.", "NOT_FOUND", 404)
        asked, received = self.begun[upload]
        if int(request.headers.get("X-Goog-Upload-Offset", 0)) != len(received):
            raise gemini.refuse(f"The next byte expected is {len(received)}.")
        received += await read_body(request, gemini.NAME, 2 * 2**30)
        if "finalize" not in request.headers.get("X-Goog-Upload-Command", ""):
            return web.Response(headers={"X-Goog-Upload-Status": "active"})
        del self.begun[upload]
        file = self._keep(asked, bytes(received), request)
        return web.json_response({"file": file}, headers={"X-Goog-Upload-Status": "final"})

    def _keep(self, asked: Json, content: bytes, request: web.Request) -> Json:
        """Remember a file. A video is being processed until it is asked for the first time."""
        now = datetime.now(UTC)
        digest = hashlib.sha256(content).hexdigest()
        file = asked | {
            "sizeBytes": str(len(content)),
            "createTime": _stamp(now),
            "updateTime": _stamp(now),
            "expirationTime": _stamp(now + timedelta(hours=48)),
            "sha256Hash": base64.b64encode(digest.encode()).decode(),
            "uri": f"{request.url.origin()}{ROOT}/{self.version}/{asked['name']}",
            "state": "PROCESSING" if asked["mimeType"].startswith("video/") else "ACTIVE",
            "source": "UPLOADED",
        }
        self.models.files[asked["name"]] = file
        return file

    async def listing(self, request: web.Request, call: Call) -> Json:
        files = [file for name, file in self.models.files.items() if name.startswith("files/")]
        return {"files": files} if files else {}

    async def one(self, request: web.Request, call: Call) -> Json:
        file = self._find(request)
        shown = dict(file)
        if file["state"] == "PROCESSING":
            file["state"] = "ACTIVE"
        return shown

    async def delete(self, request: web.Request, call: Call) -> Json:
        del self.models.files[self._find(request)["name"]]
        return {}

    def _find(self, request: web.Request) -> Json:
        name = request.match_info["file"]
        file = self.models.files.get(f"files/{name}")
        if file is None:
            message = f"You do not have permission to access the File {name} or it may not exist."
            raise gemini.refuse(message, "PERMISSION_DENIED", 403)
        return file


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
