"""parse_mode=HTML: the tags Telegram knows, nested as one likes."""

from __future__ import annotations

import re
from typing import Any

from .marks import Output, ParseError, byte_offset
from .text import Entity

NAMES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
    "tg-emoji": "custom_emoji",
}
TOKEN = re.compile(
    r"<(?P<end>/?)(?P<tag>[A-Za-z][A-Za-z0-9-]*)(?P<rest>(?:\"[^\"]*\"|'[^']*'|[^<>\"'])*)>"
    r"|&(?:(?P<name>lt|gt|amp|quot)|#(?P<number>\d{1,7}|x[0-9A-Fa-f]{1,6}));"
    r"|(?P<wrong><)"
)
ATTRIBUTE = re.compile(r"([a-z-]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?", re.IGNORECASE)


def parse(text: str) -> tuple[str, list[Entity]]:
    """Text and entities of HTML; ParseError for unknown or crossed tags."""
    output, position = Output(), 0
    for match in TOKEN.finditer(text):
        output.write(text[position : match.start()])
        position = match.end()
        if match["wrong"]:
            raise ParseError(f'Unsupported start tag "" at byte offset {byte_offset(text, match.start())}')
        if match["tag"]:
            tag(output, text, match)
        else:
            output.write(character(match))
    output.write(text[position:])
    if output.opened:
        name = output.opened[-1].mark
        raise ParseError(f'Can\'t find end tag corresponding to start tag "{name}"')
    entities = Output(entities=joined(output.entities)).result()[1]
    return "".join(output.parts), entities


def character(match: re.Match[str]) -> str:
    """The character of `&lt;` or `&#60;`."""
    if match["name"]:
        return NAMES[match["name"]]
    number = match["number"]
    code = int(number[1:], 16) if number.startswith("x") else int(number)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else match.group()


def tag(output: Output, text: str, match: re.Match[str]) -> None:
    """Open or close one tag."""
    name, at = match["tag"].lower(), byte_offset(text, match.start())
    if match["end"]:
        close(output, name, at)
    else:
        output.open(name, at, entity_of(name, attributes(match["rest"]), at))


def close(output: Output, name: str, at: int) -> None:
    """An end tag must fit the innermost open one."""
    if not output.opened:
        raise ParseError(f"Unexpected end tag at byte offset {at}")
    expected = output.opened[-1].mark
    if name != expected:
        raise ParseError(f'Unmatched end tag at byte offset {at}, expected "</{expected}>", found "</{name}>"')
    output.close()


def attributes(rest: str) -> dict[str, str]:
    """Names and values; entities in values are resolved."""
    found = {}
    for name, double, single, bare in ATTRIBUTE.findall(rest):
        value = double or single or bare
        for word, sign in (("lt", "<"), ("gt", ">"), ("quot", '"'), ("amp", "&")):
            value = value.replace(f"&{word};", sign)
        found[name.lower()] = value
    return found


def entity_of(name: str, given: dict[str, str], at: int) -> dict[str, Any] | None:
    """The entity of a start tag; None for a link without an address."""
    kind = TAGS.get(name)
    if kind is None:
        raise ParseError(f'Unsupported start tag "{name}" at byte offset {at}')
    if name == "span" and given.get("class") != "tg-spoiler":
        raise ParseError(f'Tag "span" must have class "tg-spoiler" at byte offset {at}')
    if name == "a":
        return link(given.get("href", ""))
    if name == "tg-emoji":
        return {"type": kind, "custom_emoji_id": given.get("emoji-id", "")}
    if name == "blockquote" and "expandable" in given:
        return {"type": "expandable_blockquote"}
    language = given.get("class", "")
    if name == "code" and language.startswith("language-"):
        return {"type": "code", "language": language.removeprefix("language-")}
    return {"type": kind}


def link(address: str) -> dict[str, Any] | None:
    """A link, or the mention of a person by number."""
    if not address:
        return None
    person = re.fullmatch(r"tg://user\?id=(\d+)", address)
    if person:
        return {"type": "text_mention", "user": {"id": int(person[1]), "is_bot": False, "first_name": ""}}
    return {"type": "text_link", "url": address}


def joined(entities: list[Entity]) -> list[Entity]:
    """`<pre><code class="language-x">` is one block with a language; a lone language is dropped."""
    blocks = {(e["offset"], e["length"]): e for e in entities if e["type"] == "pre"}
    kept = []
    for entity in entities:
        block = blocks.get((entity["offset"], entity["length"]))
        if entity["type"] == "code" and block is not None:
            if "language" in entity:
                block["language"] = entity["language"]
            continue
        if entity["type"] == "code":
            entity.pop("language", None)
        kept.append(entity)
    return kept
