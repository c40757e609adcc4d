"""Files that are left with a provider: Gemini's resumable uploads, and Mistral's files and text recognition."""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.utils import timezone

from llm.errors import ProviderError
from llm.providers.base import HTTPProvider, Json, mapping
from llm.providers.history import data_url
from llm.types import FileRef, Part, Recognised

NAME = re.compile(r"files/[\w-]+")
# Where a page shows a picture, its text says so and no more.
PICTURE = re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)")
MISTRAL_ID = re.compile(r"[\w-]+")
PROCESSING = 0.5  # seconds before the first look at a file that is being processed; doubles
LONGEST_LOOK = 5.0
KEPT = 48  # hours: how long Mistral is asked to keep a file (Gemini keeps it so long by itself)
# Above this a scan is uploaded instead of being put into the request.
INLINE = 14 * 2**20


def ended(text: Any) -> datetime | None:
    """A provider's time; None for what is none. Fractions are cut to what Python knows."""
    try:
        parsed = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


# Gemini


async def upload_to_gemini(provider: HTTPProvider, part: Part) -> FileRef:
    """Upload by the resumable protocol in one piece, and wait until the file may be used. Raises ``ProviderError``."""
    root, _, version = provider.base_url.rpartition("/")
    headers = {
        "X-Goog-Upload-Protocol": "resumable",
        "X-Goog-Upload-Command": "start",
        "X-Goog-Upload-Header-Content-Length": str(len(part.data)),
        "X-Goog-Upload-Header-Content-Type": part.mime,
    }
    # The name is for people who look at the account: what a file was called stays here.
    named = {"json": {"file": {"displayName": part.kind}}, "headers": headers}
    async with provider.send("POST", f"{root}/upload/{version}/files", **named) as begun:
        url = _upload_url(provider, begun.headers)
        await begun.aread()
    headers = {"X-Goog-Upload-Command": "upload, finalize", "X-Goog-Upload-Offset": "0"}
    async with provider.send("POST", url, content=part.data, headers=headers) as sent:
        if sent.headers.get("x-goog-upload-status") != "final":
            raise ProviderError("server", "The upload did not end as it should.")
        file = mapping((await provider.read_json(sent)).get("file"))
    return await _ready(provider, file)


def _upload_url(provider: HTTPProvider, headers: Mapping[str, str]) -> str:
    """Where the bytes go: to the configured host and no other, for the key and the file go there."""
    url = headers.get("x-goog-upload-url", "")
    ours, theirs = urlsplit(provider.base_url), urlsplit(url)
    if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
        raise ProviderError("server", "The address for the upload is not the provider's.")
    return url


async def _ready(provider: HTTPProvider, file: Json) -> FileRef:
    """The file once it is ACTIVE. The caller's deadline ends the waiting."""
    name, wait = str(file.get("name")), PROCESSING
    if not NAME.fullmatch(name):
        raise ProviderError("server", "The uploaded file has no name.")
    while file.get("state") == "PROCESSING":
        await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_LOOK)
        file = await provider.get_json(f"/{name}")
    if file.get("state", "ACTIVE") != "ACTIVE" or not file.get("uri"):
        raise ProviderError("bad_request", "The provider could not process the file.", param="document")
    return FileRef(provider.name, str(file["uri"]), ended(file.get("expirationTime")), name)


# Mistral


async def upload_to_mistral(provider: HTTPProvider, part: Part) -> FileRef:
    """Leave a document there for two days. Raises ``ProviderError``."""
    name = "document.pdf" if part.mime == "application/pdf" else "document"
    fields, files = {"purpose": "ocr", "expiry": str(KEPT)}, {"file": (name, part.data, part.mime)}
    async with provider.send("POST", f"{provider.base_url}/files", data=fields, files=files) as response:
        id_ = str((await provider.read_json(response)).get("id"))
    if not MISTRAL_ID.fullmatch(id_):
        raise ProviderError("server", "The uploaded file has no id.")
    return FileRef(provider.name, id_, timezone.now() + timedelta(hours=KEPT), f"files/{id_}")


async def recognised(provider: HTTPProvider, model: str, document: Part) -> Recognised:
    """The text of a scan, each page under its number; a large one is uploaded for it and deleted after. Raises as
    above."""
    ref = document.ref
    if ref is None and len(document.data) > INLINE:
        ref = await upload_to_mistral(provider, document)
    try:
        body = await provider.ask_json("POST", "/ocr", {"model": model, "document": _scan(document, ref)})
    finally:
        if ref is not None and document.ref is None:
            await forget(provider, ref)
    pages = [PICTURE.sub("", str(mapping(page).get("markdown") or "")).strip() for page in body.get("pages") or ()]
    if document.kind == "document":
        pages = [f"[page {number}]\n{words}" if words else "" for number, words in enumerate(pages, 1)]
    return Recognised("\n\n".join(filter(None, pages)), len(pages), str(body.get("model") or model))


def _scan(document: Part, ref: FileRef | None) -> Json:
    if ref is not None:
        return {"type": "file", "file_id": ref.uri}
    kind = "image_url" if document.kind == "image" else "document_url"
    return {"type": kind, kind: data_url(document)}


# Both


async def forget(provider: HTTPProvider, ref: FileRef) -> None:
    """Delete a file; one that is gone, or cannot be deleted now, ends by itself."""
    if not NAME.fullmatch(ref.name):
        return
    try:
        async with provider.open("DELETE", f"/{ref.name}") as response:
            await response.aread()
    except (ProviderError, httpx.HTTPError):
        return
