"""A team's group: answered when addressed, tidy, deaf to other bots, and moved into a supergroup amid an answer."""

import base64
import json
from typing import Any

import pytest

from tests.acceptance.processes import ADMINS, BOT, CHRIS, OLGA, Json, Stage, is_preview, until

pytestmark = pytest.mark.acceptance

ROBO = 777
TOPIC = 7
# A budget that holds from the start, so that the bot looks for others at every answer.
WHOLE_BOT = (
    "INSERT INTO llm_budget (scope, role, period, tokens, enabled, updated_at)"
    " VALUES ('bot', '', 'month', 1000000, true, CURRENT_TIMESTAMP)"
)
OF_GROUP = (
    "INSERT INTO llm_budget (scope, role, chat_id, period, tokens, enabled, updated_at)"
    " VALUES ('chat', '', %s, 'month', 100000, true, CURRENT_TIMESTAMP)"
)


def group(stage: Stage, kind: str, **more: Any) -> int:
    """A group of Chris, Olga and another bot, approved by Olga, that the bot was added to."""
    stage.sandbox.post("/user", id=OLGA, first_name="Olga", language_code="en")
    stage.sandbox.post("/user", id=ROBO, first_name="Robo", username="robo_bot", is_bot=True)
    members = {str(CHRIS): "creator", str(OLGA): "member", str(ROBO): "member", str(BOT): "left"}
    made = stage.sandbox.post("/chat", type=kind, title="Tea", members=members, **more)["chat"]["id"]
    stage.sandbox.post("/member", chat_id=made, user_id=BOT, status="administrator", by=CHRIS)
    stage.quiet()
    press(stage, "✅", ADMINS)
    return int(made)


def labels(message: Json) -> dict[str, str]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return {key["text"]: key["callback_data"] for row in rows for key in row}


def press(stage: Stage, label: str, chat_id: int) -> None:
    """Olga presses the button that begins so under the newest message that has it."""
    found = [
        (message["message_id"], data)
        for message in stage.sandbox.messages(chat_id)
        for text, data in labels(message).items()
        if text.startswith(label)
    ]
    message_id, data = found[-1]
    stage.sandbox.post("/press", user_id=OLGA, chat_id=chat_id, message_id=message_id, data=data)
    stage.quiet()


def say(stage: Stage, chat_id: int, text: str, user_id: int = CHRIS, **more: Any) -> None:
    stage.sandbox.post("/message", user_id=user_id, chat_id=chat_id, text=text, **more)
    stage.quiet()


def ever_said(stage: Stage, chat_id: int) -> list[str]:
    """What the bot said in a chat, and what of it was taken away again."""
    return [call["params"]["text"] for call in stage.sandbox.calls("sendMessage", chat_id) if call["ok"]]


def asked(stage: Stage) -> int:
    return len(stage.sandbox.get("/llm/calls", endpoint="chat"))


def test_group_with_a_topic_is_answered_when_it_asks_and_kept_tidy(stage: Stage) -> None:
    assert stage.manage("sync_models").wait() == 0
    stage.bot(NOTICE_SECONDS="2", DEFAULT_MODEL="gemini:gemini-3.8-flash")
    team = group(stage, "supergroup", is_forum=True, topics=[{"message_thread_id": TOPIC, "name": "Green"}])
    greeted = len(stage.sandbox.messages(team))

    say(stage, team, "We talk among ourselves", message_thread_id=TOPIC)
    say(stage, team, "@sekretar_bot what do you say?", ROBO, message_thread_id=TOPIC)
    say(stage, team, "/ask@sekretar_bot what do you say?", ROBO)
    assert (len(stage.sandbox.messages(team)), asked(stage)) == (greeted, 0)

    say(stage, team, "@sekretar_bot One [[text Yes]]", message_thread_id=TOPIC)
    photo = {"name": "leaf.jpg", "base64": base64.b64encode(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00leaf").decode()}
    caption = "@sekretar_bot What leaf is it? [[text Green]]"
    stage.sandbox.post("/message", user_id=CHRIS, chat_id=team, photo=photo, caption=caption, message_thread_id=TOPIC)
    stage.quiet()
    say(stage, team, "@sekretar_bot [[history]]")
    answers = stage.sandbox.messages(team)[greeted:]
    assert [(said["text"], said.get("message_thread_id")) for said in answers[:2]] == [("Yes", TOPIC), ("Green", TOPIC)]
    assert json.loads(answers[2]["text"]) == ["[[history]]"]  # outside the topic nothing of it is known
    assert "message_thread_id" not in answers[2]
    assert asked(stage) == 3

    new = {"user_id": CHRIS, "chat_id": team, "text": "/new@sekretar_bot", "message_thread_id": TOPIC}
    stage.sandbox.post("/message", **new)
    until(lambda: any(text.startswith("✨ A new dialog.") for text in ever_said(stage, team)), what="the notice")
    stage.quiet()  # what takes it away is a row, and due in two seconds
    assert stage.sandbox.heard(team)[greeted:] == [said["text"] for said in answers]


def rows_of(stage: Stage, chat: int) -> dict[str, list[tuple[Any, ...]]]:
    """What belongs to the chat with that key, by table."""
    tables = {
        "dialogs": "SELECT id, closed_at FROM conversations_conversation WHERE chat_id = %s",
        "bindings": "SELECT id, assistant_id FROM conversations_binding WHERE chat_id = %s",
        "budgets": "SELECT id, scope, tokens FROM llm_budget WHERE chat_id = %s",
    }
    return {name: stage.database.rows(sql, chat) for name, sql in tables.items()}


def spending(stage: Stage, budget: int) -> tuple[int, int]:
    sql = "SELECT tokens, reserved_tokens FROM llm_spending WHERE budget_id = %s"
    [(used, reserved)] = stage.database.rows(sql, budget)
    return int(used), int(reserved)


def test_group_becomes_a_supergroup_amid_an_answer_and_takes_all_along(stage: Stage) -> None:
    stage.database.rows(WHOLE_BOT)
    stage.bot()
    old = group(stage, "group")
    say(stage, old, "/group@sekretar_bot", OLGA)
    press(stage, "Let the group pay", old)
    [(chat,)] = stage.database.rows("SELECT id FROM accounts_chat WHERE telegram_id = %s", old)
    stage.database.rows(OF_GROUP, chat)
    name = stage.database.rows("SELECT name FROM conversations_assistant WHERE emoji = %s ORDER BY name", "🧭")[0][0]
    say(stage, old, f"/assistant@sekretar_bot bind {name}", OLGA)
    say(stage, old, "/ask@sekretar_bot One [[text First]]")
    before = rows_of(stage, chat)
    assert [len(rows) for rows in before.values()] == [1, 1, 1]
    budget = before["budgets"][0][0]
    used, _reserved = spending(stage, budget)
    assert used > 0

    stage.sandbox.model("Two", words=60, slow=3, hold="hold")
    stage.sandbox.post("/message", user_id=CHRIS, chat_id=old, text="/ask@sekretar_bot Two")
    until(lambda: is_preview(stage.sandbox.messages(old)[-1]), what="half an answer")
    assert spending(stage, budget)[1] > 0
    new = stage.sandbox.post("/migrate", chat_id=old)["chat_id"]
    stage.sandbox.until_held()
    stage.sandbox.release()
    stage.quiet()

    [(answer,)] = stage.database.rows("SELECT answer FROM conversations_request WHERE prompt = 'Two'")
    assert stage.sandbox.heard(new) == [answer]
    assert not is_preview(stage.sandbox.messages(new)[-1])
    moved = "SELECT id, telegram_id, kind, status, payer FROM accounts_chat WHERE migrated_from = %s"
    assert stage.database.rows(moved, old) == [(chat, new, "supergroup", "active", "chat")]
    assert rows_of(stage, chat) == before
    after, reserved = spending(stage, budget)
    assert (after > used, reserved) == (True, 0)

    say(stage, new, "/ask@sekretar_bot Three [[history]]")
    assert json.loads(stage.sandbox.heard(new)[-1]) == ["One [[text First]]", "Two", "Three [[history]]"]
    assert rows_of(stage, chat) == before
    assert spending(stage, budget)[0] > after
    assert stage.database.count("delivery_delivery", "failed", "unknown") == 0
