"""Which lane an update takes: one line a (chat, topic), and a way past it for control."""

from typing import Any

import pytest

from telegram_bot import lanes

CHAT = {"id": 7, "type": "private"}


def message(**more: Any) -> dict[str, Any]:
    return {"update_id": 1, "message": {"message_id": 1, "chat": CHAT, "text": "hi", **more}}


def test_messages_of_one_chat_share_a_lane() -> None:
    edited = {"update_id": 2, "edited_message": message()["message"]}

    assert lanes.lane_of(1, message()) == lanes.lane_of(1, edited) == "in:1:7:0"


def test_topics_of_one_chat_do_not_wait_for_one_another() -> None:
    in_topic = message(message_thread_id=5, is_topic_message=True)

    assert lanes.lane_of(1, in_topic) == "in:1:7:5"


def test_thread_of_a_plain_reply_is_no_topic() -> None:
    assert lanes.lane_of(1, message(message_thread_id=5)) == "in:1:7:0"


@pytest.mark.parametrize(
    "raw",
    [
        message(text="/stop"),
        message(text="/cancel@sekretar_bot now"),
        {"update_id": 1, "callback_query": {"id": "1", "message": {"chat": CHAT}, "data": "x"}},
        {"update_id": 1, "my_chat_member": {"chat": CHAT}},
        {"update_id": 1, "stopped_message_generation": {"chat": CHAT}},
    ],
)
def test_control_goes_past_the_line(raw: dict[str, Any]) -> None:
    assert lanes.lane_of(1, raw) == "in:1:7:control"


def test_text_that_only_begins_like_a_control_command_waits() -> None:
    assert lanes.lane_of(1, message(text="/stopwatch")) == "in:1:7:0"


@pytest.mark.parametrize(
    "raw", [{"update_id": 1}, {"update_id": 1, "message": "broken"}, {"update_id": 1, "new_kind": {}}]
)
def test_unreadable_update_has_a_lane_all_the_same(raw: dict[str, Any]) -> None:
    assert lanes.lane_of(1, raw).startswith("in:1:none:")


def test_migration_is_told_by_either_chat() -> None:
    assert lanes.migration_of(message(migrate_to_chat_id=-100)) == (7, -100)
    assert lanes.migration_of(message(migrate_from_chat_id=-5)) == (-5, 7)
    assert lanes.migration_of(message()) is None
