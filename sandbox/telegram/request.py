"""Reading a method call: query string, form, JSON body or multipart with files."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web

from .errors import ApiError, bad
from .files import MAX_UPLOAD, Upload


async def read(request: web.Request) -> tuple[dict[str, Any], dict[str, Upload]]:
    """Raw parameters and files by field name; a later value wins over an earlier one."""
    values: dict[str, Any] = dict(request.query) if request.query_string else {}
    files: dict[str, Upload] = {}
    if not request.body_exists:
        return values, files
    kind = request.content_type
    if kind == "multipart/form-data":
        await read_multipart(request, values, files)
    elif kind == "application/json":
        values |= read_json(await body(request))
    else:
        values |= dict(parse_qsl((await body(request)).decode("utf-8", "replace"), keep_blank_values=True))
    return values, files


async def body(request: web.Request) -> bytes:
    """The body, or ApiError 413."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise ApiError(413, "Request Entity Too Large") from error


def read_json(content: bytes) -> dict[str, Any]:
    """A JSON object."""
    try:
        found = json.loads(content or b"{}")
    except ValueError as error:
        raise bad("can't parse JSON object") from error
    if not isinstance(found, dict):
        raise bad("the request must be a JSON object")
    return found


async def read_multipart(request: web.Request, values: dict[str, Any], files: dict[str, Upload]) -> None:
    """Fields and files; a file is also a value under its own field name."""
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or not part.name:
            continue
        content = bytes(await part.read(decode=True))
        if part.filename is None:
            values[part.name] = content.decode("utf-8", "replace")
            continue
        if len(content) > MAX_UPLOAD:
            raise ApiError(413, "Request Entity Too Large")
        upload = Upload(part.filename, part.headers.get("Content-Type", ""), content)
        values[part.name] = files[part.name] = upload
