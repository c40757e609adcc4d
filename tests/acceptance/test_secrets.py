"""No output of any process holds a secret; every story's end looks at its own processes, this one provokes."""

import pytest

from tests.acceptance.processes import FIRST, SECRETS, Process, Stage, told_secrets

pytestmark = pytest.mark.acceptance


def test_a_bot_in_trouble_tells_no_secret_even_when_it_tells_everything(stage: Stage) -> None:
    stage.sandbox.model("fail", error="auth")
    stage.sandbox.model("echo", text=" ".join(SECRETS.values()))
    bot = stage.bot(LOG_LEVEL="DEBUG")
    stage.sandbox.fault("getUpdates", "cut")
    stage.sandbox.fault("sendMessage", "502_html", chat_id=FIRST)
    stage.ask(FIRST, f"echo {SECRETS['OPENAI_API_KEY']}")
    stage.ask(FIRST + 1, "fail")
    chat, sender = {"id": FIRST, "type": "private"}, {"id": FIRST}
    stage.sandbox.post("/update", message={"chat": chat, "from": sender, "date": SECRETS["BOT_TOKEN"]})
    stage.quiet()
    stage.sandbox.post("/bot", token_valid=False)
    stage.sandbox.say(FIRST, "This one ends the poll that waits.")
    assert bot.wait() == 1
    assert len(bot.output) > 1000
    assert told_secrets([bot]) == []


def test_the_search_for_secrets_finds_one(stage: Stage) -> None:
    loud = Process("loud", ["-c", f"print('https://host/bot{SECRETS['BOT_TOKEN']}/getMe')"], {}, stage.folder)
    loud.wait()
    assert told_secrets([loud]) == [("loud", "BOT_TOKEN")]
