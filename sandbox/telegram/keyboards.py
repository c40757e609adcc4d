"""Keyboards under and below messages: what the server accepts."""

from __future__ import annotations

from typing import Any

from .errors import bad

MAX_BUTTONS = 100
MAX_DATA_BYTES = 64
MAX_COPY = 256
ACTIONS = (
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
    "disabled",
)


def inline_keyboard(markup: dict[str, Any]) -> dict[str, Any] | None:
    """The checked inline keyboard, None for another kind or without buttons; ApiError 400 if wrong."""
    rows = markup.get("inline_keyboard")
    if rows is None:
        return None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad("can't parse reply keyboard markup JSON object: inline_keyboard must be an array of arrays")
    kept = [[checked_button(button) for button in row] for row in rows if row]
    if sum(len(row) for row in kept) > MAX_BUTTONS:
        raise bad("REPLY_MARKUP_TOO_LONG")
    return {"inline_keyboard": kept} if kept else None


def checked_button(button: Any) -> dict[str, Any]:
    """A button with a text and one action."""
    if not isinstance(button, dict):
        raise bad("can't parse inline keyboard button: expected an Object")
    if not isinstance(button.get("text"), str) or not button["text"].strip():
        raise bad('can\'t parse inline keyboard button: field "text" must be a non-empty String')
    if not any(name in button for name in ACTIONS):
        raise bad("can't parse inline keyboard button: text buttons are unallowed in the inline keyboard")
    data = button.get("callback_data")
    if data is not None and not (isinstance(data, str) and 0 < len(data.encode()) <= MAX_DATA_BYTES):
        raise bad("BUTTON_DATA_INVALID")
    url = button.get("url")
    if url is not None and not valid_url(url):
        raise bad(f"inline keyboard button URL '{url}' is invalid: wrong HTTP URL")
    copied = button.get("copy_text")
    if copied is not None and not 0 < len(copy_of(copied)) <= MAX_COPY:
        raise bad("BUTTON_COPY_TEXT_INVALID")
    return button


def copy_of(button: Any) -> str:
    """The text of a CopyTextButton, "" for anything else."""
    text = button.get("text") if isinstance(button, dict) else None
    return text if isinstance(text, str) else ""


def valid_url(url: Any) -> bool:
    """http(s), tg and ton links with a host; a bare domain counts as http."""
    if not isinstance(url, str) or any(character.isspace() for character in url.strip()):
        return False
    scheme, separator, rest = url.strip().partition("://")
    if not separator:
        return "." in scheme or scheme == "localhost"
    return bool(rest) and (scheme in {"tg", "ton"} or "." in rest or rest.startswith("localhost"))


def reply_keyboard(markup: dict[str, Any]) -> dict[str, Any] | None:
    """The keyboard shown in place of the letters: None after ReplyKeyboardRemove; ApiError 400 if wrong."""
    if markup.get("remove_keyboard"):
        return None
    if markup.get("force_reply"):
        return markup
    rows = markup.get("keyboard")
    if rows is None:
        return None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad("can't parse reply keyboard markup JSON object: keyboard must be an array of arrays")
    for button in (button for row in rows for button in row):
        text = button if isinstance(button, str) else button.get("text")
        if not isinstance(text, str) or not text:
            raise bad('can\'t parse keyboard button: field "text" must be a non-empty String')
    return markup
