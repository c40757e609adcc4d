"""Whether a post may be so: the same answer for chat, admin, REST, and for the check shortly before its time.

Everything that is wrong is said at once, each problem with what to do about it. Nothing here asks the network.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from posts.content import OPTIONS, Buttons, Entities, Place, Poll, Problem
from posts.models import Kind, MediaKind, Post, PostTarget
from posts.services import composing, limits, media, rights, warning
from telegram_bot import outgoing
from telegram_bot.markdown import plain, units

# https://core.telegram.org/bots/api#messageentity
FORMATS = frozenset({
    "mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bold", "italic", "underline",
    "strikethrough", "spoiler", "blockquote", "expandable_blockquote", "code", "pre", "text_link", "text_mention",
    "custom_emoji", "date_time",
})  # fmt: skip
# Telegram finds these itself.
FOUND = frozenset({"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"})
SCHEMES = ("http", "https", "tg")
# In a text there are more (https://core.telegram.org/bots/api#formatting-options, and what apps make links of).
LINKED = (*SCHEMES, "ftp", "mailto", "tel", "ton", "tonsite")
# Kinds that may stand in one album with others; the rest stay among themselves.
TOGETHER = frozenset({MediaKind.PHOTO, MediaKind.VIDEO})
# What a reader does not see: spaces, marks of direction, joiners, and two letters that are drawn empty.
UNSEEN, EMPTY_LETTERS = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"}), "\u2800\u3164\ufe0f"
HOST = re.compile(r"[^\s.]+(\.[^\s.]+)+\.?")

Media = Sequence[Any]

warnings_of = warning.warnings_of


def check_post(post: Post, now: datetime) -> list[Problem]:
    """What stands against publishing it as it is: its content, its files, each target where it has not appeared yet."""
    files = list(post.media.select_related("file").order_by("position"))
    options = {name: getattr(post, name) for name in OPTIONS}
    targets = list(post.targets.select_related("chat"))
    ahead = [Place(row.chat, row.thread_id) for row in targets if row.state not in PostTarget.APPEARED]
    needs = rights.needs_of(files, post.poll, options)
    return [
        *check_content(post.text, post.entities, files, post.poll, post.buttons, options),
        *(check_places(ahead, needs) if ahead or not targets else ()),
    ]


def check_places(places: Sequence[Place], needs: rights.Needs) -> list[Problem]:
    """What stands against these targets; ``needs`` is what the post asks of them."""
    return list(rights.wrong_with_all(places, needs))


def check_content(
    text: str, entities: Entities, files: Media, poll: Poll | None, buttons: Buttons, options: Mapping[str, Any]
) -> list[Problem]:
    """What Telegram would not take of it, wherever it is to appear. ``files``: Medium or PostMedia."""
    kind = composing.kind_of(files, poll)
    return [
        *_wrong_with_words(text, entities, kind),
        *_wrong_with_album(files),
        *_wrong_with_captions(text, files),
        *media.wrong_with_all(files, outgoing.bot_id()),
        *(_wrong_with_poll(poll, text, files) if poll else ()),
        *_wrong_with_buttons(buttons, kind),
        *_wrong_with_options(options),
    ]


def check_characters(content: Mapping[str, Any]) -> list[Problem]:
    """What no database keeps, and Telegram does not take. ``content``: by names of a post."""
    said = _("A text holds NUL or half a character. Leave it out.")
    parts: dict[str, Sequence[Any]] = {"text": (content["text"], content["markdown"], content["entities"])}
    parts |= {name: (content[name],) for name in ("poll", "buttons")}
    for number, medium in enumerate(content["media"]):
        parts[f"media.{number}"] = (medium.name, medium.text, medium.entities)
    return [Problem(field, "bad-text", said) for field, values in parts.items() if not all(map(_is_sound, values))]


def _is_sound(value: Any) -> bool:
    if isinstance(value, str):
        return plain(value) == value
    inside = [*value, *value.values()] if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return all(map(_is_sound, inside))


def check_edit(before: tuple[Media, Poll | None], after: tuple[Media, Poll | None]) -> list[Problem]:
    """What Telegram cannot make of a message that is there. Each: the files and the poll."""
    (old_files, old_poll), (new_files, new_poll) = before, after
    old, new = composing.kind_of(*before), composing.kind_of(*after)
    if Kind.POLL in (old, new):
        if old != new or old_poll != new_poll:
            text = _("A poll that has appeared can only be stopped. Stop it, and publish a new one.")
            return [Problem("poll", "poll-stays", text)]
        return []
    if Kind.TEXT in (old, new) and old != new:
        text = _("A text cannot become a file, nor a file a text, once it has appeared. Delete it and publish it anew.")
        return [Problem("media", "text-or-file", text)]
    if len(old_files) != len(new_files):
        text = _("As many files as there are must stay, %(count)d. Delete the post and publish it anew.")
        return [Problem("media", "number-of-files", text % {"count": len(old_files)})]
    return list(_wrong_exchanges(old_files, new_files)) if new == Kind.ALBUM else []


def _wrong_exchanges(old: Media, new: Media) -> Iterator[Problem]:
    for number, (was, becomes) in enumerate(zip(old, new, strict=True), start=1):
        if was.kind != becomes.kind and not {was.kind, becomes.kind} <= TOGETHER:
            text = _("File %(number)d of the album cannot become one of another kind. Publish a new post.")
            yield Problem(f"media.{number - 1}", "kind-in-album", text % {"number": number})


# --- words ----------------------------------------------------------------------------------------------------------


def _wrong_with_words(text: str, entities: Entities, kind: Kind) -> Iterator[Problem]:
    if kind == Kind.TEXT and _is_blank(text):
        yield Problem("text", "empty", _("There is nothing in it yet. Write a text, or add a file or a poll."))
        return
    most = limits.TEXT if kind == Kind.TEXT else limits.CAPTION
    yield from _wrong_with_length("text", text, most)
    yield from _wrong_with_entities("entities", text, entities)


def _is_blank(text: str) -> bool:
    return all(unicodedata.category(letter) in UNSEEN or letter in EMPTY_LETTERS for letter in text)


def _wrong_with_captions(text: str, files: Media) -> Iterator[Problem]:
    for index, medium in enumerate(files):
        if index:
            yield from _wrong_with_length(f"media.{index}", medium.text, limits.CAPTION)
            yield from _wrong_with_entities(f"media.{index}", medium.text, medium.entities)
        elif medium.text.strip() and medium.text != text:
            said = _("What stands under the first file is the text of the post. Put its words there.")
            yield Problem("media.0", "words-of-first", said)


def _wrong_with_length(field: str, text: str, most: int) -> Iterator[Problem]:
    if (length := units(text)) <= most:
        return
    names = {"length": length, "most": most, "over": length - most}
    if most == limits.CAPTION:
        said = _(
            "The text under a file may have %(most)d characters; this one has %(length)d, %(over)d too many."
            " Shorten it, or publish the text as a post of its own."
        )
        yield Problem(field, "caption-too-long", said % names)
    else:
        said = _("A post may have %(most)d characters; this one has %(length)d, %(over)d too many. Shorten it.")
        yield Problem(field, "text-too-long", said % names)


def _wrong_with_entities(field: str, text: str, entities: Entities) -> Iterator[Problem]:
    inside = _halves(text)
    if not all(_fits(entity, units(text), inside) for entity in entities):
        said = _(
            "The formatting does not fit the text. Types are Telegram's, offsets and lengths count UTF-16 units: mend"
            " them, or send the text as Markdown."
        )
        yield Problem(field, "bad-entities", said)
    elif (link := next((one["url"] for one in entities if not _leads_somewhere(one)), None)) is not None:
        said = _("The link “%(url)s” leads nowhere. Give its whole address, as in https://example.org.")
        yield Problem(field, "bad-link", said % {"url": link[:100]})
    elif sum(entity["type"] not in FOUND for entity in entities) > limits.ENTITIES:
        said = _("It has more than %(most)d formatted places, and Telegram drops the rest. Format less of it.")
        yield Problem(field, "too-many-entities", said % {"most": limits.ENTITIES})


def _halves(text: str) -> set[int]:
    """Positions within a character of two units."""
    positions, at = set(), 0
    for letter in text if not text.isascii() else "":
        if ord(letter) > 0xFFFF:
            positions.add(at + 1)
            at += 1
        at += 1
    return positions


def _fits(entity: Any, length: int, inside: set[int]) -> bool:
    kind = entity.get("type") if isinstance(entity, dict) else None
    if not isinstance(kind, str) or kind not in FORMATS:
        return False
    start, size = entity.get("offset"), entity.get("length")
    if not _is_whole(start) or not _is_whole(size) or start < 0 or size < 1 or start + size > length:
        return False
    return _is_complete(entity) and start not in inside and start + size not in inside


def _is_complete(entity: Mapping[str, Any]) -> bool:
    """Whether it says what its type needs; else Telegram refuses the whole message."""
    match entity["type"]:
        case "text_link":
            return isinstance(entity.get("url"), str)
        case "text_mention":
            user = entity.get("user")
            return isinstance(user, dict) and _is_whole(user.get("id"))
        case "custom_emoji":
            return str(entity.get("custom_emoji_id", "")).isdecimal()
        case "date_time":
            return _is_whole(entity.get("unix_time"))
    return True


def _is_whole(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


def _leads_somewhere(entity: Mapping[str, Any]) -> bool:
    return entity["type"] != "text_link" or _is_address(entity["url"], LINKED)


# --- albums ---------------------------------------------------------------------------------------------------------


def _wrong_with_album(files: Media) -> Iterator[Problem]:
    kinds = {medium.kind for medium in files}
    if len(files) < limits.SMALLEST_ALBUM:
        return
    if len(files) > limits.LARGEST_ALBUM:
        text = _("An album holds %(most)d files at most; these are %(count)d. Split them into several posts.")
        names = {"most": limits.LARGEST_ALBUM, "count": len(files)}
        yield Problem("media", "album-too-large", text % names)
    if MediaKind.ANIMATION in kinds:
        text = _("A GIF cannot stand in an album. Post it on its own, or take a video instead.")
        yield Problem("media", "gif-in-album", text)
    elif len(kinds) > 1 and not kinds <= TOGETHER:
        text = _("An album holds photos and videos, or only files, or only music. Make several posts of these.")
        yield Problem("media", "mixed-album", text)


# --- polls ----------------------------------------------------------------------------------------------------------


def _wrong_with_poll(poll: Poll, text: str, files: Media) -> Iterator[Problem]:
    if files or text.strip():
        said = _("A poll has no text or file beside it. Post those on their own.")
        yield Problem("poll", "poll-alone", said)
    question = poll.get("question") or ""
    if _is_blank(question) or units(question) > limits.QUESTION:
        said = _("The question needs 1 to %(most)d characters; it has %(length)d.")
        yield Problem("poll.question", "question-length", said % {"most": limits.QUESTION, "length": units(question)})
    yield from _wrong_with_emoji("poll.question", question, poll.get("question_entities") or [])
    yield from _wrong_with_answers(poll.get("options") or [])
    yield from _wrong_with_quiz(poll)
    seconds = poll.get("open_seconds")
    if seconds is not None and not limits.SHORTEST_OPEN <= seconds <= limits.LONGEST_OPEN:
        said = _("A poll may be open from %(least)d seconds to %(most)d days.")
        names = {"least": limits.SHORTEST_OPEN, "most": limits.LONGEST_OPEN // 86400}
        yield Problem("poll.open_seconds", "out-of-range", said % names)


def _wrong_with_answers(options: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    if not limits.FEWEST_OPTIONS <= len(options) <= limits.MOST_OPTIONS:
        said = _("A poll needs %(least)d to %(most)d answers; it has %(count)d.")
        names = {"least": limits.FEWEST_OPTIONS, "most": limits.MOST_OPTIONS, "count": len(options)}
        yield Problem("poll.options", "number-of-options", said % names)
    for index, option in enumerate(options):
        answer = option.get("text") or ""
        if _is_blank(answer) or units(answer) > limits.OPTION:
            said = _("Answer %(number)d needs 1 to %(most)d characters; it has %(length)d.")
            names = {"number": index + 1, "most": limits.OPTION, "length": units(answer)}
            yield Problem(f"poll.options.{index}", "option-length", said % names)
        yield from _wrong_with_emoji(f"poll.options.{index}", answer, option.get("entities") or [])


def _wrong_with_emoji(field: str, text: str, entities: Entities) -> Iterator[Problem]:
    yield from _wrong_with_entities(field, text, entities)
    if any(isinstance(entity, dict) and entity.get("type") not in ("custom_emoji", *FOUND) for entity in entities):
        said = _("In a question and its answers Telegram shows no formatting, only custom emoji. Leave it out.")
        yield Problem(field, "no-formatting", said)


def _wrong_with_quiz(poll: Poll) -> Iterator[Problem]:
    correct, count = list(poll.get("correct") or ()), len(poll.get("options") or ())
    explanation = poll.get("explanation") or ""
    if not poll.get("quiz"):
        if correct or explanation:
            said = _("Only a quiz has right answers and an explanation. Make it a quiz, or leave them out.")
            yield Problem("poll.quiz", "not-a-quiz", said)
        return
    if not correct or not all(_is_whole(number) and 0 <= number < count for number in correct):
        yield Problem("poll.correct", "no-right-answer", _("A quiz needs a right answer. Mark it."))
    elif len(set(correct)) > 1 and not poll.get("multiple"):
        said = _("With several right answers, several must be allowed to be chosen. Allow it, or mark one answer.")
        yield Problem("poll.multiple", "several-right-answers", said)
    if units(explanation) > limits.EXPLANATION or explanation.count("\n") > limits.EXPLANATION_LINE_FEEDS:
        said = _("The explanation may have %(most)d characters in 3 lines; it has %(length)d in %(lines)d.")
        names = {"most": limits.EXPLANATION, "length": units(explanation), "lines": explanation.count("\n") + 1}
        yield Problem("poll.explanation", "explanation-length", said % names)
    yield from _wrong_with_entities("poll.explanation", explanation, poll.get("explanation_entities") or [])


# --- buttons and options --------------------------------------------------------------------------------------------


def _wrong_with_buttons(buttons: Buttons, kind: Kind) -> Iterator[Problem]:
    count = sum(len(row) for row in buttons)
    if count and kind == Kind.ALBUM:
        text = _("Telegram shows no buttons under an album. Leave them out, put links into the text, or send one file.")
        yield Problem("buttons", "buttons-on-album", text)
    if count > limits.BUTTONS or any(len(row) > limits.BUTTONS_A_ROW for row in buttons):
        text = _("There may be %(most)d buttons, %(row)d in a row. Make fewer, or more rows.")
        yield Problem("buttons", "too-many-buttons", text % {"most": limits.BUTTONS, "row": limits.BUTTONS_A_ROW})
    for number, button in enumerate((button for row in buttons for button in row), start=1):
        yield from _wrong_with_button(button, number)


def _wrong_with_button(button: Mapping[str, Any], number: int) -> Iterator[Problem]:
    label, url = button.get("text") or "", button.get("url") or ""
    if _is_blank(label) or units(label) > limits.LABEL:
        text = _("Button %(number)d needs a text of 1 to %(most)d characters.")
        yield Problem("buttons", "button-text", text % {"number": number, "most": limits.LABEL})
    if not _is_address(url, SCHEMES):
        text = _(
            "Button %(number)d needs an address that begins with https://, http:// or tg://: “%(url)s” does not do."
        )
        yield Problem("buttons", "button-url", text % {"number": number, "url": str(url)[:100]})


def _is_address(url: Any, schemes: Sequence[str]) -> bool:
    """Whether a link leads somewhere: of http and https there must be a host."""
    if not isinstance(url, str) or not url.strip() or re.search(r"[\s\x00-\x1f]", url) or len(url) > limits.URL:
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _port = parts.port
    except ValueError:
        return False
    if parts.scheme not in schemes:
        return False
    return (
        bool(host and (":" in host or HOST.fullmatch(host)))
        if parts.scheme in ("http", "https")
        else bool(parts.netloc or parts.path)
    )


def _wrong_with_options(options: Mapping[str, Any]) -> Iterator[Problem]:
    after = options.get("delete_after_minutes")
    if after is not None and not 1 <= after <= limits.DELETE_AFTER_MINUTES:
        text = _("A bot may delete its posts within 48 hours only. Choose from 1 minute to 47 h 45 min.")
        yield Problem("delete_after_minutes", "out-of-range", text)
    hours = options.get("expire_hours")
    if hours is not None and not 1 <= hours <= limits.EXPIRE_HOURS:
        text = ngettext("Choose from 1 to %(most)d hour.", "Choose from 1 to %(most)d hours.", limits.EXPIRE_HOURS)
        yield Problem("expire_hours", "out-of-range", text % {"most": limits.EXPIRE_HOURS})
