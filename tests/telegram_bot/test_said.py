"""What counts as said by somebody, and what is Telegram's own notice."""

from typing import Any

import pytest
from telegram import Update

from telegram_bot.application import SAID

ANNA = {"id": 7, "is_bot": False, "first_name": "Anna"}
MESSAGE = {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}, "from": ANNA}
PICTURE = {"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}


def update(**said: Any) -> Update:
    return Update.de_json({"update_id": 1, "message": MESSAGE | said})


@pytest.mark.parametrize("said", [{"text": "Hello"}, {"photo": [PICTURE]}, {"photo": [PICTURE], "caption": "Look"}])
def test_words_and_files_are_said(said: dict[str, Any]) -> None:
    assert SAID.check_update(update(**said))


@pytest.mark.parametrize(
    "told",
    [{"new_chat_members": [ANNA]}, {"pinned_message": MESSAGE | {"text": "Hello"}}, {"new_chat_title": "Team"}],
)
def test_notices_of_telegram_are_not(told: dict[str, Any]) -> None:
    assert not SAID.check_update(update(**told))


def test_what_has_no_message_is_not() -> None:
    pressed = {"id": "1", "from": ANNA, "chat_instance": "1", "data": "b:1"}
    assert not SAID.check_update(Update.de_json({"update_id": 1, "callback_query": pressed}))
