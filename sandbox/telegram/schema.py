"""Parameters of every method, checked against the published description of the Bot API.

`check(method, raw, strict=...)` turns what came over the wire (form fields, JSON values, uploads) into
typed parameters or raises ApiError. The tables are compiled once at import: a call costs microseconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .errors import bad, not_found

Converter = Callable[[Any], Any]
SPEC_FILE = Path(__file__).parent / "spec" / "api-10.3.json"

# What the server says when a required parameter is absent; others are named as they are.
MISSING = {
    "chat_id": "chat_id is empty",
    "from_chat_id": "chat_id is empty",
    "text": "message text is empty",
    "message_id": "message identifier is not specified",
    "message_ids": "message identifiers are not specified",
    "user_id": "invalid user_id specified",
    "file_id": "file_id is not specified",
    "callback_query_id": "query is too old and response timeout expired or query ID is invalid",
    "action": "wrong parameter action in request",
    "url": "bad webhook: url is empty",
}
MEDIA = {"photo", "document", "audio", "voice", "video", "animation", "sticker", "video_note"}


@dataclass(frozen=True, slots=True)
class Method:
    """One method: its proper name, its parameters and what each must look like."""

    name: str
    converters: dict[str, Converter]
    required: tuple[str, ...]
    types: dict[str, list[str]]


def to_string(value: Any) -> str:
    """Text; numbers of a JSON body become their digits, as in the real server."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise ValueError("a string is expected")


def to_integer(value: Any) -> int:
    """A whole number of up to 64 bits, or ValueError."""
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise ValueError("the number is too big")
    return number


def to_boolean(value: Any) -> bool:
    """`true`, `yes` and `1` in any case are true, everything else is false: the server is that lenient."""
    return value is True or str(value).lower() in {"true", "yes", "1"}


def to_chat(value: Any) -> int | str:
    """A numeric id or an `@username`."""
    text = str(value).strip()
    if text.lstrip("-").isascii() and text.lstrip("-").isdigit():
        return to_integer(text)
    return text


def to_file(value: Any) -> Any:
    """An upload stays an upload, anything else is a file_id, a URL or `attach://name`."""
    return value if hasattr(value, "content") else to_string(value)


def to_json(value: Any, container: type) -> Any:
    """A nested value: JSON text in forms, the value itself in JSON bodies."""
    found = json.loads(value) if isinstance(value, str) else value
    if found is None or isinstance(found, container):
        return found
    raise ValueError("an object is expected" if container is dict else "an array is expected")


PLAIN: dict[tuple[str, ...], Converter] = {
    ("String",): to_string,
    ("Integer",): to_integer,
    ("Boolean",): to_boolean,
    ("Float",): float,
    ("Integer", "String"): to_chat,
    ("InputFile",): to_file,
    ("InputFile", "String"): to_file,
}


def converter(types: list[str]) -> Converter:
    """The converter for a parameter with these types."""
    known = PLAIN.get(tuple(types))
    if known:
        return known
    return partial(to_json, container=list if types[0].startswith("Array of ") else dict)


def compile_method(name: str, description: dict[str, Any]) -> Method:
    """One row of the description as a table that is quick to use."""
    fields = description["fields"]
    return Method(
        name=name,
        converters={field["name"]: converter(field["types"]) for field in fields},
        required=tuple(field["name"] for field in fields if field["required"]),
        types={field["name"]: field["types"] for field in fields},
    )


SPEC: dict[str, Any] = json.loads(SPEC_FILE.read_text(encoding="utf-8"))
METHODS = {name.lower(): compile_method(name, row) for name, row in SPEC["methods"].items()}
UPDATE_KINDS = [field["name"] for field in SPEC["types"]["Update"]["fields"] if field["name"] != "update_id"]


def find(name: str) -> Method:
    """The method with this name in any case; ApiError 404 when there is none."""
    method = METHODS.get(name.lower())
    if method is None:
        raise not_found()
    return method


def check(method: Method, raw: Mapping[str, Any], *, strict: bool = False) -> dict[str, Any]:
    """Typed parameters of a call; ApiError 400 for missing or malformed (strict: also unknown) ones."""
    values: dict[str, Any] = {}
    for name, value in raw.items():
        convert = method.converters.get(name)
        if convert is not None:
            if value is not None and value != "":
                values[name] = converted(convert, name, value)
        elif strict and not hasattr(value, "content"):
            raise bad(f'unknown parameter "{name}" of {method.name}')
    for name in method.required:
        if values.get(name) is None:
            raise bad(missing(name))
    if strict:
        check_shapes(method, values)
    return values


def converted(convert: Converter, name: str, value: Any) -> Any:
    """One value, or ApiError in the words for this parameter."""
    try:
        return convert(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise bad(malformed(name, convert)) from error


def malformed(name: str, convert: Converter) -> str:
    """What the server says about a value that cannot be read."""
    if name == "reply_markup":
        return "can't parse reply keyboard markup JSON object"
    if name in {"entities", "caption_entities"}:
        return f"can't parse entities: the parameter {name} is not a JSON array"
    if isinstance(convert, partial):
        return f"can't parse {name} JSON object"
    return MISSING.get(name) or f"wrong parameter {name} in request"


def missing(name: str) -> str:
    """What the server says about a required parameter that is not there."""
    if name in MEDIA:
        return f"there is no {name} in the request"
    return MISSING.get(name) or f'parameter "{name}" is required'


def check_shapes(method: Method, values: dict[str, Any]) -> None:
    """Strict mode: nested objects have the published fields, all required ones, with the published types."""
    for name, value in values.items():
        types = method.types[name]
        if tuple(types) not in PLAIN:
            problem = mismatch(value, types, name)
            if problem:
                raise bad(f"can't parse {name}: {problem}")


def mismatch(value: Any, types: list[str], path: str) -> str | None:
    """Why `value` is none of `types`, or None when it is one; of several reasons that of the most similar type."""
    problems: dict[str, str] = {}
    for kind in types:
        problem = mismatch_one(value, kind, path)
        if problem is None:
            return None
        problems[kind] = problem
    return problems[max(types, key=lambda kind: similarity(value, kind))]


def similarity(value: Any, kind: str) -> int:
    """How many fields of an object a type knows."""
    fields = SPEC["types"].get(kind, {}).get("fields", [])
    return sum(field["name"] in value for field in fields) if isinstance(value, dict) else 0


def mismatch_one(value: Any, kind: str, path: str) -> str | None:
    """Why `value` is not a `kind`."""
    if kind.startswith("Array of "):
        if not isinstance(value, list):
            return f"{path} must be an array"
        inner = [kind.removeprefix("Array of ")]
        found = (mismatch(item, inner, f"{path}[{n}]") for n, item in enumerate(value))
        return next((problem for problem in found if problem), None)
    if kind in SCALARS:
        return None if SCALARS[kind](value) else f"{path} must be of type {kind}"
    row = SPEC["types"][kind]
    if "subtypes" in row:
        return mismatch(value, row["subtypes"], path)
    return mismatch_fields(value, kind, row["fields"], path)


def mismatch_fields(value: Any, kind: str, fields: list[dict[str, Any]], path: str) -> str | None:
    """Why an object lacks or exceeds the fields of its type."""
    if not isinstance(value, dict):
        return f"{path} must be an object of {kind}"
    known = {field["name"] for field in fields}
    unknown = sorted(set(value) - known)
    if unknown:
        return f'unknown field "{unknown[0]}" in {path} of {kind}'
    for field in fields:
        name = field["name"]
        if name in value:
            problem = mismatch(value[name], field["types"], f"{path}.{name}")
            if problem:
                return problem
        elif field["required"]:
            return f'field "{name}" is required in {path} of {kind}'
    return None


SCALARS: dict[str, Callable[[Any], bool]] = {
    "String": lambda value: isinstance(value, str),
    "Integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "Float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "Boolean": lambda value: isinstance(value, bool),
    "InputFile": lambda value: isinstance(value, str),
}
