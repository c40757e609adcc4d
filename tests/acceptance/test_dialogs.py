"""A dialog is summarised though the process dies over it, branched, listed, exported, deleted to its last word."""

from typing import Any

import httpx
import pytest

from tests.acceptance.processes import CHRIS, PATIENCE, Database, Json, Stage, until

pytestmark = pytest.mark.acceptance

NOTES = "Notes: Chris likes rooibos; they meet on Friday."
# Three turns of this nearly fill the window.
LONG = "and so on, by the way, " * 15
SMALL = {"MAX_CONTEXT_TOKENS": "1000", "CONTEXT_WARN_TOKENS": "1000"}
# One word of each turn, said nowhere else.
WORDS = ("rooibos", "darjeeling", "assam", "oolong", "matcha")


def answer(stage: Stage, number: int) -> str:
    """How the answer to that turn begins."""
    word = WORDS[number - 1]
    said = stage.ask(CHRIS, f"Question {number} {word} {LONG} [[text Answer {number} {word} {LONG}]]")
    return " ".join(said.split()[:3])


def calls(stage: Stage) -> list[list[Json]]:
    """What each model was told, oldest first."""
    return [call["body"]["messages"] for call in stage.sandbox.get("/llm/calls", endpoint="chat")]


def for_summaries(stage: Stage) -> list[str]:
    return [told[-1]["content"] for told in calls(stage) if "The dialog:" in told[-1]["content"]]


def summaries(stage: Stage) -> list[tuple[Any, ...]]:
    sql = "SELECT state, attempts, update_key FROM conversations_request WHERE kind = 'summary' ORDER BY id"
    return stage.database.rows(sql)


def notes_of(stage: Stage) -> str:
    (row,) = stage.database.rows("SELECT summary FROM conversations_conversation WHERE closed_at IS NULL")
    return str(row[0])


@pytest.fixture
def summarised(stage: Stage) -> Stage:
    """Five turns; the summary behind the third died with its process, and the next process made it."""
    stage.sandbox.model("The dialog:", text=NOTES, delay=30, times=1)
    stage.sandbox.model("The dialog:", text=NOTES)
    bot = stage.bot(**SMALL)
    for number in (1, 2, 3):
        assert answer(stage, number) == f"Answer {number} {WORDS[number - 1]}"
    until(lambda: for_summaries(stage), what="a model at work on the summary")
    bot.kill()
    [(state, attempts, key)] = summaries(stage)
    assert (state, attempts, notes_of(stage)) == ("running", 1, "")

    stage.bot(**SMALL)
    assert answer(stage, 4) == "Answer 4 oolong"
    until(lambda: notes_of(stage) == NOTES, what="the summary")
    stage.quiet()  # it is told as well, and that is no answer
    assert answer(stage, 5) == "Answer 5 matcha"
    stage.quiet()
    assert summaries(stage)[0] == ("done", 2, key)
    return stage


def test_summary_that_died_with_its_process_is_made_once_by_the_next(summarised: Stage) -> None:
    first, second, *later = for_summaries(summarised)
    assert "Person: Question 1 rooibos" in first
    assert "Person: Question 1 rooibos" in second
    notices = [text for text in summarised.sandbox.heard(CHRIS) if text.startswith("📝")]
    assert len(notices) == len(summaries(summarised)) == 1 + len(later)

    assert summarised.ask(CHRIS, "Question 6 [[text Answer 6]]") == "Answer 6"
    told = next(told for told in reversed(calls(summarised)) if told[-1]["content"].startswith("Question 6"))
    system, *said = [message["content"] for message in told]
    assert NOTES in system
    assert not any("rooibos" in text for text in said)
    assert said[-1].startswith("Question 6")
    summarised.quiet()
    assert not any("Question 1 rooibos" in text for text in for_summaries(summarised)[2:])


# --- what was said before -------------------------------------------------------------------------------------------


def labels(message: Json) -> dict[str, str]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return {key["text"]: key["callback_data"] for row in rows for key in row}


def press(stage: Stage, label: str) -> None:
    """Press the button that begins so under the newest menu, and wait for what it leads to."""
    menu = [message for message in stage.sandbox.messages(CHRIS) if labels(message)][-1]
    data = next(data for text, data in labels(menu).items() if text.startswith(label))
    done = "SELECT count(*) FROM telegram_bot_update WHERE kind = 'callback_query' AND state = 'done'"
    [(before,)] = stage.database.rows(done)
    stage.sandbox.post("/press", user_id=CHRIS, chat_id=CHRIS, message_id=menu["message_id"], data=data)
    until(lambda: stage.database.rows(done) == [(before + 1,)], what=f"{label} to be done")
    stage.quiet()


def message_of(stage: Stage, beginning: str) -> int:
    texts = {message.get("text", ""): message["message_id"] for message in stage.sandbox.messages(CHRIS)}
    return int(next(number for text, number in texts.items() if text.startswith(beginning)))


def everywhere(database: Database, word: str) -> list[str]:
    """Every table in which ``word`` stands, in whatever column."""
    tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
    if database.url.startswith("postgres"):
        tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    names = [str(name) for (name,) in database.rows(tables)]
    return [name for name in names if word in str(database.rows(f'SELECT * FROM "{name}"'))]


def test_person_branches_lists_exports_and_deletes_to_the_last_word(summarised: Stage) -> None:
    stage = summarised
    said = {"user_id": CHRIS, "chat_id": CHRIS, "text": "From there [[text Another way.]]"}
    stage.sandbox.post("/message", **said, reply_to_message_id=message_of(stage, "Answer 1 "))
    stage.quiet()
    assert stage.sandbox.heard(CHRIS)[-2].startswith("🌿 Going on from that answer")
    assert stage.sandbox.heard(CHRIS)[-1] == "Another way."
    told = [message["content"][:10] for message in calls(stage)[-1]]
    # The notes hold more than was said by then: they stay behind.
    assert told == ["Question 1", "Answer 1 r", "From there"]

    assert stage.ask(CHRIS, "/dialogs").startswith("Dialogs here")
    menu = stage.sandbox.messages(CHRIS)[-1]
    assert [label[:12] for label in labels(menu)] == ["● Question 1", "Question 1 r"]

    press(stage, "Question 1")
    press(stage, "📄 Markdown")
    document = stage.sandbox.messages(CHRIS)[-1]["document"]
    assert document["file_name"].endswith("-Question-1-rooibos-and-so-on-by-the-way.md")
    file = f"{stage.sandbox.url}/_sandbox/file/{document['file_unique_id']}"
    exported = httpx.get(file, timeout=PATIENCE).text
    assert NOTES in exported
    assert all(f"Question {n} {word}" in exported for n, word in enumerate(WORDS, start=1))

    assert everywhere(stage.database, "matcha")
    press(stage, "🗑 Delete")
    press(stage, "🗑 Yes, delete")
    for words in (*WORDS[1:], NOTES):
        assert everywhere(stage.database, words) == []
    # The first turn is the branch's too, and stays there.
    assert "conversations_message" in everywhere(stage.database, WORDS[0])
    assert stage.ask(CHRIS, "Still there? [[text Yes.]]") == "Yes."
