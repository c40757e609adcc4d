"""The page of the REST API, from its OpenAPI: docs/reference/api.md."""

from collections.abc import Iterator, Sequence
from typing import Any

Node = dict[str, Any]

INTRODUCTION = """\
The same stands, to be tried out, at `/api/docs` of a running site, and for programs at `/api/openapi.json`. How to
begin: [reminders from another service](../howto/reminders-from-another-service.md),
[posts from another service](../howto/posts-from-another-service.md).

Refused is what is no sound JSON: names that come twice, NaN, NUL, halves of characters, nesting deeper than 32. A body
is 64 KiB at most, of posts 256 KiB, a payload 16 KiB. Times are RFC 3339; one without an offset is read in the
`timezone` that is sent along, and refused without one."""

CODES = {
    "400": "something sent is wrong; `errors` says what",
    "401": "no key, or one that is not valid",
    "403": "the key lacks the scope, or the event is another key's",
    "404": "there is no such thing, or its person is not let in",
    "405": "the path knows other methods (`Allow`)",
    "409": "it does not go as the post stands; `errors` says why and what to do",
    "412": "it is not the version of `If-Match` any more",
    "413": "the body is too large",
    "415": "the body is no `application/json` in UTF-8",
}


def page(described: Node) -> str:
    """The page of an OpenAPI document."""
    shapes = described["components"]["schemas"]
    parts = [
        INTRODUCTION,
        f"## Keys\n\n{described['info']['description'].strip()}",
        "## Errors\n\n" + _table(("status", "says"), [(f"`{code}`", text) for code, text in CODES.items()]),
        "## Paths",
        *(part for path in sorted(described["paths"]) for part in _path(path, described["paths"][path])),
        "## Shapes",
        *(f"### {name}\n\n{_shape(shapes[name])}" for name in sorted(shapes)),
    ]
    return "\n\n".join(part for part in parts if part)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    from scripts.reference import table

    return table(head, rows) if rows else ""


def _path(path: str, methods: Node) -> Iterator[str]:
    for method, operation in methods.items():
        yield f"### `{method.upper()} {path}`"
        yield operation["description"]
        yield _table(("parameter", "where", "is", "means"), [_parameter(one) for one in operation["parameters"]])
        yield _body(operation.get("requestBody"))
        yield "Answers: " + ", ".join(_answer(status, one) for status, one in operation["responses"].items()) + "."


def _parameter(one: Node) -> tuple[str, ...]:
    return f"`{one['name']}`", one["in"], kind(one["schema"]), one.get("description", "")


def _body(body: Node | None) -> str:
    if body is None:
        return ""
    needed = "" if body.get("required") else " (it may be left out)"
    [(form, sent)] = body["content"].items()
    if form == "application/json":
        return f"Body: {kind(sent['schema'])}{needed}."
    return f"Body: `{form}` with " + ", ".join(f"`{name}`" for name in sent["schema"]["properties"]) + "."


def _answer(status: Any, one: Node) -> str:
    content = next(iter(one.get("content", {}).values()), None)
    shown = kind(content["schema"]) if content and int(status) < 400 else ""
    return f"`{status}` {shown}".strip()


def _shape(shape: Node) -> str:
    needed = shape.get("required", [])
    rows = [
        (
            f"`{name}`" + ("" if name in needed else "?"),
            kind(one),
            _said(one),
        )
        for name, one in shape.get("properties", {}).items()
    ]
    words = str(shape.get("description", "")).strip()
    return "\n\n".join(part for part in (words, _table(("name", "is", "means"), rows)) if part)


def _said(one: Node) -> str:
    words = one.get("description") or next(
        (part["description"] for part in one.get("anyOf", []) if "description" in part), ""
    )
    default = one.get("default")
    return "; ".join(part for part in (words, f"`{default}` if left out" if default not in (None, "") else "") if part)


def kind(one: Node) -> str:
    """A schema in a few words."""
    if "$ref" in one:
        name = one["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if choices := one.get("anyOf") or one.get("oneOf") or one.get("allOf"):
        return " or ".join(dict.fromkeys(kind(choice) for choice in choices))
    if "enum" in one or "const" in one:
        return " or ".join(f"`{value}`" for value in one.get("enum", [one.get("const")]))
    if one.get("type") == "array":
        return f"list of {kind(one['items'])}"
    return _plain(one)


def _plain(one: Node) -> str:
    name = one.get("format") or one.get("type", "anything")
    low, high = one.get("minimum"), one.get("maximum", one.get("exclusiveMaximum"))
    if low is not None and high is not None and high < 10**12:
        return f"{name} {low}–{high}"
    longest = one.get("maxLength")
    return f"{name}, {longest} characters at most" if longest else str(name)
