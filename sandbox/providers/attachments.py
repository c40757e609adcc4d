"""What is attached to messages: which model takes which kind, and whether the bytes are what they claim to be."""

from __future__ import annotations

import binascii
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .catalogue import Listed
from .wire import Json

KINDS = {"image_url": "image", "document_url": "document", "file": "document", "input_audio": "audio"}
IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF")
OFFICIAL = ("image", "document")  # what OpenAI's own chat models take, whose list does not say it
FLAGS = {"vision": ("image", "document"), "audio": ("audio",)}  # of Mistral's list
MODALITIES = {"image": "image", "file": "document", "audio": "audio"}


def abilities(provider: str, listed: Listed) -> Collection[str]:
    """The kinds of attachments that a model takes."""
    wire = listed.wire
    if provider == "mistral":
        flags = wire.get("capabilities") or {}
        return {kind for flag, kinds in FLAGS.items() if flags.get(flag) for kind in kinds}
    if provider == "gemini":
        return ("image",) if listed.id.startswith("gemma") else ("image", "document", "audio")
    said = (wire.get("architecture") or wire).get("input_modalities")
    if said is not None:
        return {MODALITIES[name] for name in said if name in MODALITIES}
    return (*OFFICIAL, "audio") if "audio" in listed.id else OFFICIAL


def parts_of(messages: list[Json]) -> Iterator[Json]:
    """Every attached part of messages in the OpenAI form."""
    for message in messages:
        content = message.get("content")
        yield from (part for part in content if part["type"] in KINDS) if isinstance(content, list) else ()


def problem(part: Json, able: Collection[str], files: Mapping[str, Any]) -> str:
    """Why a part (OpenAI's form or Mistral's) cannot be taken; nothing when it can."""
    name = part["type"]
    kind, held = KINDS[name], part.get(name)
    if kind not in able:
        return f"{kind.capitalize()} input ({name}) is not enabled for this model."
    if name == "file" and "file_id" in part:
        return "" if part["file_id"] in files else "The requested file does not exist."
    if isinstance(held, dict):
        held = held.get("url") or held.get("file_data") or held.get("data")
    if not isinstance(held, str):
        return f"The part {name} holds nothing."
    if kind == "audio" and not held.startswith("data:"):
        held = f"data:audio;base64,{held}"
    head, _, data = held.partition(",")
    if not head.startswith("data:") or not head.endswith(";base64"):
        return f"The {kind} could not be fetched."
    return flaw(kind, head[5:-7], data)


def flaw(kind: str, mime: str, data: str) -> str:
    """What is wrong with the bytes of an attachment; nothing when they are what they should be."""
    try:
        content = decoded(data)
    except ValueError:
        return f"The {kind} is no valid base64."
    if not content:
        return f"The {kind} is empty."
    if kind == "image" and not content.startswith(IMAGES):
        return "You uploaded an unsupported image. Please make sure your image is a png, jpeg, gif or webp."
    if kind == "document" and mime == "application/pdf" and not content.startswith(b"%PDF"):
        return "The document has no pages."
    return ""


def decoded(data: str) -> bytes:
    """Base64 in either alphabet, padded or not. Raises ValueError for what is none."""
    return binascii.a2b_base64(data.replace("-", "+").replace("_", "/") + "=" * (-len(data) % 4), strict_mode=True)
