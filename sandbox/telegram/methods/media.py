"""Sending files: one by one, as albums, by upload, by file_id or by a URL of this machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp

from ..chats import Message
from ..errors import bad
from ..files import MAX_PHOTO, StoredFile, Upload, image_size, media_object
from ..webhook import is_loopback
from .common import Params, bot_message, caption_fields, writable

if TYPE_CHECKING:
    from ..world import World

# kind: (permission a member needs, what the server calls it when that is missing)
PERMITTED = {
    "photo": ("can_send_photos", "photos"),
    "document": ("can_send_documents", "documents"),
    "audio": ("can_send_audios", "audios"),
    "voice": ("can_send_voice_notes", "voice notes"),
    "video": ("can_send_videos", "videos"),
    "animation": ("can_send_other_messages", "animations"),
    "video_note": ("can_send_video_notes", "video notes"),
}
EXTRAS = ("duration", "width", "height", "length", "performer", "title")
ALBUM_KINDS = {"photo", "video", "document", "audio"}
# Photos and videos may be mixed in an album; documents and audios stay among themselves.
ALONE = ("document", "audio")
MAX_PHOTO_SIDES = 10_000
BY_URL = "failed to get HTTP URL content"


async def load(url: str) -> Upload:
    """A file behind a URL of this machine; ApiError for any other place and for trouble on the way."""
    if not is_loopback(url):
        raise bad(BY_URL)
    timeout = aiohttp.ClientTimeout(total=10)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            if response.status != 200:
                raise bad(BY_URL)
            name = urlsplit(url).path.rsplit("/", 1)[-1] or "file"
            return Upload(name, response.content_type, await response.read())
    except (aiohttp.ClientError, TimeoutError) as error:
        raise bad(BY_URL) from error


async def resolve(world: World, kind: str, value: Any, files: Mapping[str, Upload]) -> StoredFile:
    """The stored file for what a client gave: an upload, `attach://name`, a URL or a file_id."""
    if isinstance(value, str) and value.startswith("attach://"):
        value = files.get(value.removeprefix("attach://"))
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        value = await load(value)
    if isinstance(value, Upload):
        return world.files.store(kind, checked(kind, value))
    stored = world.files.by_id.get(value) if isinstance(value, str) else None
    if stored is None:
        raise bad("wrong file identifier/HTTP URL specified")
    if stored.kind != kind:
        raise bad(f"can't use file of type {titled(stored.kind)} as {titled(kind)}")
    return stored


def titled(kind: str) -> str:
    """A kind in the words of methods and errors: `VideoNote`."""
    return kind.title().replace("_", "")


def checked(kind: str, upload: Upload) -> Upload:
    """The upload, if it can be a file of this kind."""
    size = len(upload.content)
    if not size:
        raise bad("file must be non-empty")
    if kind != "photo":
        return upload
    if size > MAX_PHOTO:
        raise bad(f"file of size {size} bytes is too big for a photo; the maximum size is {MAX_PHOTO} bytes")
    sides = image_size(upload.content)
    if sides is None:
        raise bad("IMAGE_PROCESS_FAILED")
    if sum(sides) > MAX_PHOTO_SIDES or max(sides) > 20 * max(1, min(sides)):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    return upload


async def media_fields(
    world: World, kind: str, value: Any, given: Mapping[str, Any], files: Mapping[str, Upload]
) -> dict[str, Any]:
    """The file and its caption as fields of a message; `given` holds caption, duration and the like."""
    stored = await resolve(world, kind, value, files)
    stored.extra |= {name: given[name] for name in EXTRAS if name in given}
    fields = {kind: media_object(stored), **caption_fields(given)}
    if kind == "animation":
        fields["document"] = {**fields[kind]}
    if given.get("has_spoiler"):
        fields["has_media_spoiler"] = True
    return fields


def sender(kind: str) -> Callable[[World, Params], Awaitable[Message]]:
    """The method that sends one file of this kind."""
    permission, what = PERMITTED[kind]

    async def send(world: World, params: Params) -> Message:
        chat = writable(world, params, permission, what)
        fields = await media_fields(world, kind, params[kind], params, params.files)
        return bot_message(world, chat, params, fields)

    return send


def album_kinds(media: list[Any]) -> list[str]:
    """The kinds of an album's items; ApiError when they cannot stand together."""
    if not all(isinstance(item, dict) and item.get("media") for item in media):
        raise bad('can\'t parse InputMedia: field "media" is required')
    kinds = [str(item.get("type")) for item in media]
    wrong = next((kind for kind in kinds if kind not in ALBUM_KINDS), None)
    if wrong is not None:
        raise bad(f"can't parse InputMedia: media of type {wrong} can't be in an album")
    for kind in ALONE:
        if kind in kinds and set(kinds) != {kind}:
            raise bad(f"{kind} can't be mixed with other media types")
    return kinds


async def send_media_group(world: World, params: Params) -> list[Message]:
    """2 to 10 files as one album: messages that share a media_group_id."""
    chat = writable(world, params)
    media = params["media"]
    if not 2 <= len(media) <= 10:
        raise bad("there must be 2 to 10 media in an album")
    kinds = album_kinds(media)
    for kind in kinds:
        writable(world, params, *PERMITTED[kind])
    contents = [
        await media_fields(world, kind, item["media"], item, params.files)
        for kind, item in zip(kinds, media, strict=True)
    ]
    group = {"media_group_id": world.number()}
    return [bot_message(world, chat, params, {**group, **content}) for content in contents]


def get_file(world: World, params: Params) -> dict[str, Any]:
    """A path to load the file from for an hour; ApiError over 20 MB."""
    stored = world.files.link(params["file_id"])
    return {
        "file_id": stored.file_id,
        "file_unique_id": stored.unique_id,
        "file_size": stored.size,
        "file_path": stored.path,
    }


MEDIA = {
    **{f"send{titled(kind)}": sender(kind) for kind in PERMITTED},
    "sendMediaGroup": send_media_group,
    "getFile": get_file,
}
