"""What a person sent, as the content of a post: words with their formatting, files, a poll, buttons with links."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import groupby
from typing import Any

from core.sealed import seal, unseal
from files.models import StoredFile
from posts.content import Entities, Medium, Poll, Problem
from posts.models import MediaKind
from posts.services import checking
from posts.services import media as files
from telegram_bot import paste
from telegram_bot.markdown import pieces_of, units

Raw = dict[str, Any]

# What may stand together in an album, by what it is counted as.
TOGETHER = {MediaKind.PHOTO: "seen", MediaKind.VIDEO: "seen", MediaKind.DOCUMENT: "document", MediaKind.AUDIO: "audio"}
# In a message, what no post can be made of.
OTHERS = (
    "voice", "video_note", "sticker", "location", "venue", "contact", "dice", "story", "game", "invoice", "checklist",
    "paid_media", "giveaway", "live_photo", "rich_message",
)  # fmt: skip
COMMAND = re.compile(r"/\w+(@\w+)?\s*")


@dataclass
class Content:
    """Of a post. ``of``: the message that it came in."""

    text: str = ""
    entities: Entities = field(default_factory=list)
    media: list[Medium] = field(default_factory=list)
    poll: Poll | None = None
    buttons: list[list[dict[str, str]]] = field(default_factory=list)
    of: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.text.strip() or self.media or self.poll)

    def changes(self) -> dict[str, Any]:
        """As `services.create_draft` and `services.change_post` take them."""
        values = {"text": self.text, "entities": self.entities, "media": self.media, "poll": self.poll}
        return values | ({"buttons": self.buttons} if self.buttons else {})

    def problems(self, options: dict[str, Any] | None = None) -> list[Problem]:
        return list(
            checking.check_content(self.text, self.entities, self.media, self.poll, self.buttons, options or {})
        )

    def sealed(self) -> str:
        """As a button keeps it: what is no post yet is nobody's to read."""
        media = [_as_json(medium) for medium in self.media]
        return seal({
            "text": self.text, "entities": self.entities, "media": media, "poll": self.poll, "buttons": self.buttons,
            "of": self.of,
        })  # fmt: skip


def _as_json(medium: Medium) -> Raw:
    values = {one.name: getattr(medium, one.name) for one in fields(medium)}
    return values | {"file": medium.file.pk if medium.file is not None else None}


def unsealed(token: str) -> Content:
    """What a button kept. A file that is gone meanwhile is still known to Telegram, or the check says so."""
    values = unseal(token)
    numbers = [medium["file"] for medium in values["media"] if medium["file"]]
    files = StoredFile.objects.in_bulk(numbers)
    media = [Medium(**{**medium, "file": files.get(medium["file"])}) for medium in values["media"]]
    return Content(**{**values, "media": media})


# --- read from messages ---------------------------------------------------------------------------------------------


def read(messages: Sequence[Raw], bot_id: int, *, command: bool = False) -> Content:
    """``messages``, of an album several. ``command``: its word is no part of the post."""
    first = messages[0]
    media = [medium for message in messages if (medium := files.in_message(message, bot_id)) is not None]
    text, entities = words_of(first) if media else words_of_all(messages)
    worded = [number for number, medium in enumerate(media) if medium.text]
    if len(worded) == 1:
        # The only caption of an album stands under all of it, wherever it was written.
        text, entities = media[worded[0]].text, media[worded[0]].entities
    if worded and (len(worded) == 1 or worded[0] == 0):
        media[worded[0]] = replace(media[worded[0]], text="", entities=[])
    if command and (found := COMMAND.match(text)):
        text, entities = without(text, entities, len(found[0]))
    # Whoever edits one message of a long text edits a part of it only.
    of = first.get("message_id", 0) if media or len(messages) == 1 else 0
    return Content(text, entities, media, poll_of(first), buttons_of(first), of)


def words_of(message: Raw) -> tuple[str, Entities]:
    """A message's text or caption, and its formatting."""
    name = "text" if "text" in message else "caption"
    marks = message.get("entities" if name == "text" else "caption_entities") or []
    return str(message.get(name) or ""), [dict(mark) for mark in marks]


def words_of_all(messages: Sequence[Raw]) -> tuple[str, Entities]:
    """The words of a long text that an app cut into several messages, with all their formatting."""
    whole, entities, before = "", list[dict[str, Any]](), ""
    for message in messages:
        text, marks = words_of(message)
        whole += paste.glue(before) if whole else ""
        entities += [{**mark, "offset": mark["offset"] + units(whole)} for mark in marks]
        whole, before = whole + text, text
    return whole, entities


def without(text: str, entities: Entities, length: int) -> tuple[str, Entities]:
    """``text`` without its first ``length`` characters, which are all of one unit; the formatting moves along."""
    kept = []
    for mark in entities:
        end = mark["offset"] + mark["length"] - length
        start = max(0, mark["offset"] - length)
        if end > start:
            kept.append({**mark, "offset": start, "length": end - start})
    return text[length:], kept


def buttons_of(message: Raw) -> list[list[dict[str, str]]]:
    """Those with links, of a forwarded message; no other kind can be under a post."""
    rows = (message.get("reply_markup") or {}).get("inline_keyboard") or []
    linked = [[{"text": key["text"], "url": key["url"]} for key in row if key.get("url")] for row in rows]
    return [row for row in linked if row]


def poll_of(message: Raw) -> Poll | None:
    """A poll that somebody made with their app, or forwarded; its votes stay where they are."""
    poll = message.get("poll")
    if not isinstance(poll, dict):
        return None
    options = [
        {"text": option["text"], "entities": option.get("text_entities") or []} for option in poll.get("options", [])
    ]
    right = poll.get("correct_option_ids") or ([poll["correct_option_id"]] if "correct_option_id" in poll else [])
    return {
        "question": poll.get("question", ""),
        "question_entities": poll.get("question_entities") or [],
        "options": options,
        "quiz": poll.get("type") == "quiz",
        "correct": list(right),
        "explanation": poll.get("explanation") or "",
        "explanation_entities": poll.get("explanation_entities") or [],
        "anonymous": bool(poll.get("is_anonymous", True)),
        "multiple": bool(poll.get("allows_multiple_answers")),
        "open_seconds": poll.get("open_period"),
    }


def strange(messages: Sequence[Raw]) -> str:
    """What is in the messages that cannot be posted; empty when all can."""
    return next((kind for message in messages for kind in OTHERS if kind in message), "")


# --- in several posts ----------------------------------------------------------------------------------------------


def parts(content: Content) -> list[Content]:
    """``content`` in pieces that Telegram takes, each a post of its own; one or none, where that does not help.

    Files are sorted by what may stand in one album, ten at most; words too long for a caption become a post after
    them, and words too long for a message several.
    """
    if content.poll:
        return []
    albums = [_album(media, content.of) for media in _groups(content.media)]
    words = [Content(part.text, part.entities, of=content.of) for part in pieces_of(content.text, content.entities)]
    if albums and len(words) == 1:
        under = replace(albums[0], text=content.text, entities=content.entities)
        found = [under, *albums[1:]] if not under.problems() else [*albums, *words]
    else:
        found = [*albums, *words]
    if found and content.buttons:
        last = found[-1]
        last.buttons = content.buttons if len(last.media) < 2 else []
    return found if len(found) > 1 and not any(part.problems() for part in found) else []


def _album(media: list[Medium], of: int) -> Content:
    """Its first file's own caption is the album's."""
    return Content(media[0].text, media[0].entities, media, of=of)


def _groups(media: Sequence[Medium]) -> Iterator[list[Medium]]:
    """What may stand together, in order."""
    for kind, group in groupby(sorted(media, key=_order), key=_order):
        together = list(group)
        yield from files.split(together) if kind < ALONE else ([medium] for medium in together)


ALONE = len(set(TOGETHER.values()))


def _order(medium: Medium) -> int:
    """What may stand together has the same number; an animation stands alone."""
    together = TOGETHER.get(MediaKind(medium.kind))
    return list(dict.fromkeys(TOGETHER.values())).index(together) if together else ALONE
