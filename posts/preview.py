"""What a post will look like, as HTML for the operator's pages: its words with their formatting, and nothing else.

The text is escaped piece by piece; tags come from the tables below alone, links only with a scheme from ``SCHEMES``.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from posts.content import Medium
from posts.models import Kind, MediaKind, Post, PostMedia
from posts.pages import MEDIA_ICON

Entity = dict[str, Any]
# https://core.telegram.org/bots/api#messageentity
TAGS = {
    "bold": ("<strong>", "</strong>"),
    "italic": ("<em>", "</em>"),
    "underline": ("<u>", "</u>"),
    "strikethrough": ("<s>", "</s>"),
    "spoiler": ('<span class="tg-spoiler" tabindex="0">', "</span>"),
    "code": ("<code>", "</code>"),
    "pre": ("<pre>", "</pre>"),
    "blockquote": ("<blockquote>", "</blockquote>"),
    "expandable_blockquote": ("<blockquote>", "</blockquote>"),
}
# They are coloured like links by Telegram, and lead to where only Telegram knows.
COLOURED = frozenset({"mention", "hashtag", "cashtag", "bot_command", "text_mention", "phone_number", "date_time"})
SCHEMES = frozenset({"http", "https", "tg", "mailto"})
# Addresses, hashtags and names that need no formatting to be links; and where they are none.
FOUND = re.compile(r"((?:https?://|tg://)[^\s<>]*[^\s<>.,:;!?)\]»”\"]|(?<![\w@#/.])[#@]\w{2,64})")
PLAIN = frozenset({"pre", "code", "text_link", "url", "email", *COLOURED})
BLOCKS = frozenset({"pre", "blockquote", "expandable_blockquote"})


def html_of(text: str, entities: Sequence[Entity]) -> SafeString:
    """``text`` with its formatting. Offsets count UTF-16 units; what reaches over another's end is opened anew."""
    raw = text.encode("utf-16-le", "surrogatepass")
    spans = _within(entities, len(raw) // 2)
    edges = sorted({0, len(raw) // 2, *(e["offset"] for e in spans), *(e["offset"] + e["length"] for e in spans)})
    begun: dict[int, list[Entity]] = defaultdict(list)
    for entity in spans:
        begun[entity["offset"]].append(entity)
    pieces: list[str] = []
    opened: list[Entity] = []
    for start, end in zip(edges, [*edges[1:], edges[-1]], strict=True):
        opened = _close(opened, start, raw, pieces)
        for entity in begun.pop(start, ()):
            pieces.append(_tags(entity, raw)[0])
            opened.append(entity)
        said = _after_block(_cut(raw, start, end), pieces)
        pieces.append(escape(said) if PLAIN.intersection(e["type"] for e in opened) else _with_links(said))
    return mark_safe("".join(pieces))  # noqa: S308  (escaped above)


def _with_links(said: str) -> str:
    """Escaped, with what Telegram finds by itself in the colour of links."""
    pieces = FOUND.split(said)
    return "".join(
        f'<span class="tg-link">{escape(piece)}</span>' if odd % 2 else escape(piece)
        for odd, piece in enumerate(pieces)
    )


def _after_block(said: str, pieces: Sequence[str]) -> str:
    """A block ends its line by itself."""
    ended = next((piece for piece in reversed(pieces) if piece), "")
    return said.removeprefix("\n") if ended in ("</pre>", "</blockquote>") else said


def _within(entities: Sequence[Entity], length: int) -> list[Entity]:
    """Those that lie in the text, the outer ones first."""
    fits = [e for e in entities if e["length"] > 0 and e["offset"] >= 0 and e["offset"] + e["length"] <= length]
    return sorted(fits, key=lambda e: (e["offset"], -e["length"], e["type"] not in BLOCKS))


def _close(opened: list[Entity], at: int, raw: bytes, pieces: list[str]) -> list[Entity]:
    """Close what ends here; what stands inside it and goes on is closed, and opened again."""
    over = [entity for entity in opened if entity["offset"] + entity["length"] <= at]
    if not over:
        return opened
    first = next(place for place, entity in enumerate(opened) if entity in over)
    pieces.extend(_tags(entity, raw)[1] for entity in reversed(opened[first:]))
    again = [entity for entity in opened[first:] if entity not in over]
    pieces.extend(_tags(entity, raw)[0] for entity in again)
    return opened[:first] + again


def _tags(entity: Entity, raw: bytes) -> tuple[str, str]:
    kind = str(entity["type"])
    if kind in TAGS:
        return TAGS[kind]
    said = _cut(raw, entity["offset"], entity["offset"] + entity["length"])
    if address := safe_address(_address(kind, entity, said)):
        return f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer nofollow">', "</a>"
    return ('<span class="tg-link">', "</span>") if kind in COLOURED or kind == "text_link" else ("", "")


def _address(kind: str, entity: Entity, said: str) -> str:
    if kind == "text_link":
        return str(entity.get("url", ""))
    if kind == "url":
        return said if "://" in said else f"https://{said}"
    return f"mailto:{quote(said, safe='@.+-_')}" if kind == "email" else ""


def safe_address(address: str) -> str:
    """``address`` if a click on it does no harm, else nothing."""
    try:
        return address if urlsplit(address.strip()).scheme.lower() in SCHEMES else ""
    except ValueError:
        return ""


def _cut(raw: bytes, start: int, end: int) -> str:
    return raw[2 * start : 2 * end].decode("utf-16-le", "replace")


# --- back to Markdown, to be written on -----------------------------------------------------------------------------

MARKS = {"bold": "**", "italic": "*", "strikethrough": "~~", "spoiler": "||", "code": "`"}


def markdown_of(text: str, entities: Sequence[Entity]) -> str:
    """The text as Markdown, as far as Markdown goes; whoever uses it looks whether it gives the same again."""
    raw = text.encode("utf-16-le", "surrogatepass")
    inserts: list[tuple[int, int, int, str]] = []
    for entity in _within(entities, len(raw) // 2):
        before, after = _marks(entity)
        end = entity["offset"] + entity["length"]
        inserts.append((entity["offset"], 1, -entity["length"], before))
        inserts.append((end, 0, entity["length"], after))
    pieces, last = [], 0
    for at, _closes, _length, said in sorted(inserts):
        pieces += [_cut(raw, last, at), said]
        last = at
    return "".join([*pieces, _cut(raw, last, len(raw) // 2)])


def _marks(entity: Entity) -> tuple[str, str]:
    kind = entity["type"]
    if kind == "text_link":
        return "[", f"]({entity.get('url', '')})"
    if kind == "pre":
        return f"```{entity.get('language', '')}\n", "\n```"
    mark = MARKS.get(kind, "")
    return mark, mark


# --- a whole post ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """One file as the page shows it. ``url``: where its content is; while it is empty, ``absent`` says why."""

    kind: str
    icon: str
    title: str
    size: int | None
    url: str
    html: SafeString
    spoiler: bool
    absent: str
    width: str = ""

    @property
    def is_seen(self) -> bool:
        return self.kind in (MediaKind.PHOTO, MediaKind.VIDEO, MediaKind.ANIMATION)


def look_of(post: Post, media: Sequence[PostMedia | Medium], urls: Sequence[str]) -> dict[str, Any]:
    """What the preview's template shows. ``post`` and ``media`` may be unsaved; ``urls``: where each file is."""
    files = [_shown(medium, url) for medium, url in zip(media, urls, strict=True)]
    return {
        "html": html_of(post.text, post.entities),
        "files": _in_a_grid(files),
        "captions": [file.html for file in files[1:] if file.html],
        "poll": _poll(post.poll) if post.poll else None,
        "buttons": [[(button["text"], safe_address(button["url"])) for button in row] for row in post.buttons],
        "flags": flags(post),
        "caption_above": post.caption_above and post.kind in (Kind.MEDIA, Kind.ALBUM),
        "nothing": not (post.text or files or post.poll),
    }


def _shown(medium: PostMedia | Medium, url: str) -> Shown:
    kind = MediaKind(medium.kind)
    html = html_of(medium.text, medium.entities)
    absent = _("uploaded") if medium.file else _("Only Telegram has it")
    return Shown(kind, MEDIA_ICON[kind], medium.name or str(kind.label), medium.size, url, html, medium.spoiler, absent)


def _in_a_grid(files: list[Shown]) -> list[Shown]:
    """Pictures of an album side by side: in rows of three, of two where they do not fill three."""
    if len(files) < 2 or not files[0].is_seen:
        return files
    odd = {1: 1, 2: 2, 0: 0}[len(files) % 3]
    widths = ["" if odd == 1 else "tg-half"] * odd + ["tg-third"] * (len(files) - odd)
    return [replace(file, width=width) for file, width in zip(files, widths, strict=True)]


def _poll(poll: dict[str, Any]) -> dict[str, Any]:
    quiz, correct = bool(poll.get("quiz")), set(poll.get("correct") or ())
    anonymous = poll.get("anonymous", True)
    return {
        "question": html_of(poll.get("question", ""), poll.get("question_entities") or []),
        "options": [
            (html_of(option["text"], option.get("entities") or []), quiz and number in correct)
            for number, option in enumerate(poll.get("options") or [])
        ],
        "many": bool(poll.get("multiple")),
        "about": _about(quiz, bool(anonymous)),
        "explanation": html_of(poll.get("explanation") or "", poll.get("explanation_entities") or []),
        "open_seconds": poll.get("open_seconds"),
    }


def _about(quiz: bool, anonymous: bool) -> str:
    if quiz:
        return _("Anonymous quiz") if anonymous else _("Quiz")
    return _("Anonymous poll") if anonymous else _("Poll")


def flags(post: Post) -> list[tuple[str, str]]:
    """(symbol, words) of how it appears."""
    chosen = [
        (post.silent, "notifications_off", _("without a sound")),
        (post.protected, "lock", _("protected from forwarding")),
        (post.pin, "keep", _("will be pinned")),
        (not post.link_preview and post.kind == Kind.TEXT, "link_off", _("no preview of links")),
        (post.general_allowed, "forum", _("general topic if the topic is gone")),
        (bool(post.delete_after_minutes), "auto_delete", _deleted_after(post.delete_after_minutes or 0)),
    ]
    return [(icon, words) for applies, icon, words in chosen if applies]


def _deleted_after(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if hours and not rest:
        return ngettext("deleted after %(n)d hour", "deleted after %(n)d hours", hours) % {"n": hours}
    return ngettext("deleted after %(n)d minute", "deleted after %(n)d minutes", minutes) % {"n": minutes}
