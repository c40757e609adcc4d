"""What a message of Avito's messenger says, in words for a cell.

The kinds and what is in them: Avito's API description (messenger.json, 2026) and its webhooks. Everything may be
missing; a kind nobody has seen yet shows its own name.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

Content = Mapping[str, Any]
Row = Mapping[str, Any]

KINDS: dict[str, Promise] = {
    "text": gettext_lazy("text"),
    "image": gettext_lazy("picture"),
    "voice": gettext_lazy("voice message"),
    "call": pgettext_lazy("message", "call"),
    "appCall": gettext_lazy("call in the app"),
    "deleted": gettext_lazy("deleted"),
    "system": gettext_lazy("from Avito"),
    "file": gettext_lazy("file"),
    "video": gettext_lazy("video"),
    "location": gettext_lazy("place"),
    "item": gettext_lazy("listing"),
    "link": gettext_lazy("link"),
}
CALLS: dict[str, Promise] = {
    "missed": gettext_lazy("missed call"),
    "answered": gettext_lazy("answered call"),
}
DIRECTIONS: dict[str, Promise] = {"in": gettext_lazy("incoming"), "out": gettext_lazy("outgoing")}


def kind(row: Row) -> str:
    """Of what kind a message is; of a call whether it was missed."""
    name = str(row.get("type") or "")
    if name in ("call", "appCall"):
        status = str(_part(row, "call").get("status") or "")
        return str(CALLS.get(status, KINDS[name]))
    return str(KINDS.get(name, name)) or _("unknown")


def direction(row: Row) -> str:
    return str(DIRECTIONS.get(str(row.get("direction")), ""))


def words(row: Row) -> str:
    """What can be read of a message, one thing a line; empty where there is nothing to read."""
    say = SAID.get(str(row.get("type")), _text)
    return "\n".join(str(line) for line in say(row) if line not in (None, ""))


def _content(row: Row) -> Content:
    found = row.get("content")
    return found if isinstance(found, Mapping) else {}


def _part(row: Row, name: str) -> Content:
    found = _content(row).get(name)
    return found if isinstance(found, Mapping) else {}


def _text(row: Row) -> list[Any]:
    return [_content(row).get("text")]


def _image(row: Row) -> list[Any]:
    """The address of the largest size: ``sizes`` is {"140x105": address, …}."""
    sizes = _part(row, "image").get("sizes")
    if not isinstance(sizes, Mapping) or not sizes:
        return []
    return [sizes[max(sizes, key=_area)]]


def _area(size: str) -> int:
    width, _x, height = str(size).partition("x")
    return int(width) * int(height) if width.isdecimal() and height.isdecimal() else 0


def _link(row: Row) -> list[Any]:
    part = _part(row, "link")
    said, address = part.get("text"), part.get("url")
    return [said, address if address != said else None]


def _item(row: Row) -> list[Any]:
    part = _part(row, "item")
    return [part.get("title"), part.get("price_string"), part.get("item_url") or part.get("url")]


def _location(row: Row) -> list[Any]:
    part = _part(row, "location")
    latitude, longitude = part.get("lat"), part.get("lon")
    where = f"{latitude}, {longitude}" if latitude is not None and longitude is not None else None
    return [part.get("title") or part.get("text"), where]


def _file(row: Row) -> list[Any]:
    part = _part(row, str(row.get("type")))
    return [part.get("name"), _content(row).get("text")]


def _nothing(_row: Row) -> list[Any]:
    return []


SAID: dict[str, Callable[[Row], list[Any]]] = {
    "image": _image,
    "link": _link,
    "item": _item,
    "location": _location,
    "file": _file,
    "video": _file,
    "deleted": _nothing,
    "voice": _nothing,
    "call": _nothing,
    "appCall": _nothing,
}
