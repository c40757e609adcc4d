"""A post as the calls of the Bot API that show it, the same for publishing, for the preview and for every edit.

Entities always, never a parse mode: what was drawn in the preview cannot fail to parse later. Nothing here asks the
network, and of the database only the post's files, when they are not given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from posts.content import Buttons, Entities, Medium, Poll
from posts.models import Kind, MediaKind, Post, PostMedia, PostTarget
from telegram_bot.markdown import whole

One = PostMedia | Medium
Media = Sequence[One]
Params = dict[str, Any]

METHODS = {
    MediaKind.PHOTO: "sendPhoto",
    MediaKind.VIDEO: "sendVideo",
    MediaKind.ANIMATION: "sendAnimation",
    MediaKind.DOCUMENT: "sendDocument",
    MediaKind.AUDIO: "sendAudio",
}
# Kinds that can be behind a veil, and under a caption.
SEEN = (MediaKind.PHOTO, MediaKind.VIDEO, MediaKind.ANIMATION)
SIZED = (MediaKind.VIDEO, MediaKind.ANIMATION)
PLAYED = (MediaKind.VIDEO, MediaKind.ANIMATION, MediaKind.AUDIO)


@dataclass(frozen=True)
class Call:
    """One call: ``uploads`` name the files in it (telegram_bot/uploads.py)."""

    method: str
    params: Params
    uploads: list[dict[str, Any]] = field(default_factory=list)

    @property
    def content(self) -> dict[str, Any]:
        """As a delivery to telegram_bot.backend has it. Exact: a post goes out as it was seen, or not at all."""
        return {"method": self.method, "params": self.params, "uploads": self.uploads, "exact": True}


def render(markdown: str) -> tuple[str, Entities]:
    """Markdown as Telegram shows it: text and entities."""
    part = whole(markdown)
    return part.text, part.entities


def kind_of(media: Sequence[Any], poll: Poll | None) -> Kind:
    """What Telegram makes of it. One file is no album."""
    if poll:
        return Kind.POLL
    return (Kind.TEXT, Kind.MEDIA)[len(media)] if len(media) < 2 else Kind.ALBUM


def call_for(post: Post, chat_id: int, thread: int = 0, *, media: Media | None = None) -> Call:
    """The call that shows ``post`` in a chat. ``media``: its files when they are no rows yet."""
    files = _files_of(post) if media is None else media
    place: Params = {"chat_id": chat_id} | ({"message_thread_id": thread} if thread else {})
    params = place | _manner(post)
    match kind_of(files, post.poll):
        case Kind.POLL:
            return Call("sendPoll", params | _poll(post.poll or {}) | keyboard(post.buttons))
        case Kind.TEXT:
            return Call("sendMessage", params | _text(post) | keyboard(post.buttons))
        case Kind.MEDIA:
            return _single(post, files[0], params)
    return _album(post, files, params)


def edit_calls(post: Post, target: PostTarget) -> list[Call]:
    """The calls that make what is to be seen at ``target`` what ``post`` is now, one a message.

    A file is always named along with its caption: then it does not matter which edits arrived before. Of a poll only
    the buttons can be changed.
    """
    files = _files_of(post)
    place: Params = {"chat_id": target.chat.telegram_id}
    numbers = [place | {"message_id": number} for number in target.message_ids]
    markup = keyboard(post.buttons)
    match kind_of(files, post.poll):
        case Kind.POLL:
            return [Call("editMessageReplyMarkup", params | markup) for params in numbers[:1]]
        case Kind.TEXT:
            return [Call("editMessageText", params | _text(post) | markup) for params in numbers[:1]]
        case Kind.MEDIA:
            return [_exchange(post, files[0], 0, params | markup) for params in numbers[:1]]
    pairs = zip(files, numbers, strict=False)
    return [_exchange(post, medium, position, params) for position, (medium, params) in enumerate(pairs)]


def _files_of(post: Post) -> Sequence[PostMedia]:
    return list(post.media.select_related("file").order_by("position"))


def _manner(post: Post) -> Params:
    """How it arrives."""
    params: Params = {}
    if post.silent:
        params["disable_notification"] = True
    if post.protected:
        params["protect_content"] = True
    return params


def _text(post: Post) -> Params:
    preview = {"is_disabled": not post.link_preview}
    params: Params = {"text": post.text, "link_preview_options": preview}
    return params | ({"entities": post.entities} if post.entities else {})


def keyboard(buttons: Buttons) -> Params:
    """What has to stand in each call that sends or edits: an edit without it takes the buttons away."""
    rows = [[{"text": button["text"], "url": button["url"]} for button in row] for row in buttons if row]
    return {"reply_markup": {"inline_keyboard": rows}} if rows else {}


# --- files ----------------------------------------------------------------------------------------------------------


def _single(post: Post, medium: One, params: Params) -> Call:
    kind = MediaKind(medium.kind)
    upload = _upload(medium, kind, kind)
    params = params | _traits(medium) | _caption(post, medium, 0) | keyboard(post.buttons)
    return Call(METHODS[kind], params, [upload])


def _album(post: Post, files: Media, params: Params) -> Call:
    uploads = [_upload(medium, f"file{position}", medium.kind) for position, medium in enumerate(files)]
    media = [_item(post, medium, position, f"attach://file{position}") for position, medium in enumerate(files)]
    return Call("sendMediaGroup", params | {"media": media}, uploads)


def _exchange(post: Post, medium: One, position: int, params: Params) -> Call:
    upload = _upload(medium, f"file{position}", medium.kind)
    media = _item(post, medium, position, f"attach://file{position}")
    return Call("editMessageMedia", params | {"media": media}, [upload])


def _item(post: Post, medium: One, position: int, source: str) -> Params:
    """An InputMedia (https://core.telegram.org/bots/api#inputmedia)."""
    return {"type": str(medium.kind), "media": source} | _traits(medium) | _caption(post, medium, position)


def _upload(medium: One, field: str, kind: str) -> dict[str, Any]:
    """``id``: under which Telegram has the file already; ``bot``: the one to which it gave that id."""
    file = medium.file.pk if medium.file is not None else None
    return {
        "field": str(field), "kind": str(kind), "file": file, "id": medium.telegram_file_id, "bot": medium.bot_id,
    }  # fmt: skip


def _traits(medium: One) -> Params:
    params: Params = {}
    if medium.spoiler and medium.kind in SEEN:
        params["has_spoiler"] = True
    if medium.kind in SIZED and medium.width and medium.height:
        params |= {"width": medium.width, "height": medium.height}
    if medium.kind in PLAYED and medium.duration:
        params["duration"] = medium.duration
    if medium.kind == MediaKind.VIDEO:
        params["supports_streaming"] = True
    if medium.kind == MediaKind.DOCUMENT:
        # Else Telegram makes a video or an animation of what was meant as a file.
        params["disable_content_type_detection"] = True
    return params


def _caption(post: Post, medium: One, position: int) -> Params:
    """The post's words stand under its first file; the others have their own."""
    text, entities = (medium.text, medium.entities) if position else (post.text, post.entities)
    params: Params = {"caption": text} if text else {}
    if entities:
        params["caption_entities"] = entities
    if post.caption_above and medium.kind in SEEN:
        params["show_caption_above_media"] = True
    return params


# --- polls ----------------------------------------------------------------------------------------------------------


def _poll(poll: Poll) -> Params:
    params: Params = {
        "question": poll["question"],
        "options": [_option(option) for option in poll["options"]],
        "is_anonymous": poll.get("anonymous", True),
    }
    if poll.get("question_entities"):
        params["question_entities"] = poll["question_entities"]
    if poll.get("multiple"):
        params["allows_multiple_answers"] = True
    if poll.get("open_seconds"):
        params["open_period"] = poll["open_seconds"]
    return params | (_quiz(poll) if poll.get("quiz") else {})


def _option(option: Params) -> Params:
    entities = option.get("entities")
    return {"text": option["text"]} | ({"text_entities": entities} if entities else {})


def _quiz(poll: Poll) -> Params:
    params: Params = {"type": "quiz", "correct_option_ids": sorted(set(poll.get("correct", ())))}
    if poll.get("explanation"):
        params["explanation"] = poll["explanation"]
        if poll.get("explanation_entities"):
            params["explanation_entities"] = poll["explanation_entities"]
    return params
