"""kill -9 in the middle of an announcement, again and again: nobody gets it twice, nobody is left out unseen."""

import pytest

from tests.acceptance.processes import CROWD, FIRST, OLGA, SECRETS, Json, Stage, until

pytestmark = pytest.mark.acceptance

NEWS = "The office moves on Friday"
# Ten people a second: time enough to kill in the middle.
PACE = {"TELEGRAM_RATE_BOT": "25"}
KILLS = (6, 24, 41)
STUCK = FIRST + 17


def news(stage: Stage, chat_id: int) -> int:
    return sum(text.endswith(NEWS) for text in stage.sandbox.heard(chat_id))


def reached(stage: Stage) -> int:
    """Announcements that Telegram has taken, by the bot's own record."""
    sent = "SELECT count(*) FROM delivery_delivery WHERE source = 'announcement' AND state = 'sent'"
    return int(stage.database.rows(sent)[0][0])


def press(stage: Stage, message: Json, row: int = 0) -> None:
    """OLGA presses the first button of a row."""
    data = message["reply_markup"]["inline_keyboard"][row][0]["callback_data"]
    stage.sandbox.post("/press", user_id=OLGA, chat_id=OLGA, message_id=message["message_id"], data=data)


def announce(stage: Stage) -> None:
    """Write it, see it, send it, give the password."""
    stage.sandbox.say(OLGA, f"/admin broadcast {NEWS}")
    until(lambda: len(stage.sandbox.messages(OLGA)) == 2, what="the preview and the question")
    assert stage.sandbox.heard(OLGA)[0] == NEWS
    press(stage, stage.sandbox.messages(OLGA)[1])
    until(lambda: "🔐" in stage.sandbox.heard(OLGA)[1], what="the question for the password")
    stage.sandbox.say(OLGA, SECRETS["ADMIN_PASSWORD"])


def test_announcement_survives_kills_and_reaches_everybody_once(stage: Stage) -> None:
    bot = stage.bot(**PACE)
    stage.sandbox.post("/burst", chats=len(CROWD), per_chat=1, first_id=FIRST, text="/ping")
    stage.quiet()
    stage.sandbox.fault("sendMessage", "hang", chat_id=STUCK)
    announce(stage)
    for count in KILLS:
        until(lambda count=count: reached(stage) >= count, what=f"{count} announcements")  # type: ignore[misc]
        bot.kill()
        bot = stage.bot(**PACE)
    until(lambda: stage.database.count("telegram_bot_broadcast", "done"), what="the end")
    stage.quiet()

    got = {person: news(stage, person) for person in CROWD}
    doubtful = "SELECT chat_id FROM delivery_delivery WHERE source = 'announcement' AND state = 'unknown'"
    in_doubt = {chat_id for (chat_id,) in stage.database.rows(doubtful)}
    assert set(got.values()) <= {0, 1}
    assert STUCK in {person for person, times in got.items() if not times} <= in_doubt
    assert SECRETS["ADMIN_PASSWORD"] not in str(stage.sandbox.get("/state", chat_id=OLGA)["chats"])
    assert SECRETS["ADMIN_PASSWORD"] not in str(stage.database.rows("SELECT raw FROM telegram_bot_update"))

    report = stage.sandbox.messages(OLGA)[-1]
    assert f"{len(in_doubt)}" in report["text"]
    press(stage, report)
    stage.quiet()
    assert all(news(stage, person) for person in CROWD), "one tap, and nobody is left out"
