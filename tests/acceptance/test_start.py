"""Starting: one bot for a database, a token that is good, and `--ping` that says what is wrong."""

import pytest

from tests.acceptance.conftest import NewStage
from tests.acceptance.processes import ADMINS, BOT, FIRST, Process, Stage, until

WRONG_TOKEN = f"{BOT}:AAEa_wrong_token-0123456789abcdefghij"

pytestmark = pytest.mark.acceptance


def said(process: Process) -> list[str]:
    """What a process printed, without empty lines."""
    return [line for line in process.output.splitlines() if line.strip()]


def test_second_bot_on_one_database_refuses_with_one_sentence(stage: Stage) -> None:
    stage.bot()
    second = stage.manage("runbot")
    assert second.wait() == 1
    assert said(second) == ["CommandError: Another runbot works with this database already. Stop it first."]


def test_second_receiver_is_reported_to_the_admins_and_the_bot_recovers(stage: Stage) -> None:
    stage.bot()
    until(lambda: stage.sandbox.pending() == 0)
    stage.ask(FIRST, "Hello")
    stage.sandbox.fault("getUpdates", "409", times=2)
    stage.ask(FIRST, "This one ends the poll that waits.")
    told = until(lambda: stage.sandbox.heard(ADMINS), what="a notice to the admins")
    assert told[0].startswith("⚠️ Somebody else receives this bot's messages")
    assert "Once more" in stage.ask(FIRST, "Once more")
    assert len(stage.sandbox.heard(ADMINS)) == 1


def test_bot_whose_token_is_revoked_ends_and_says_so(stage: Stage) -> None:
    bot = stage.bot()
    stage.ask(FIRST, "Hello")
    stage.sandbox.post("/bot", token_valid=False)
    stage.sandbox.say(FIRST, "This one ends the poll that waits.")
    assert bot.wait() == 1
    assert said(bot)[-1].startswith("CommandError: Telegram refuses BOT_TOKEN")
    assert "Traceback" not in bot.output


def test_bot_with_a_wrong_token_does_not_start(stage: Stage) -> None:
    bot = stage.manage("runbot", BOT_TOKEN=WRONG_TOKEN)
    assert bot.wait() == 1
    assert said(bot)[-1].startswith("CommandError: Telegram refuses BOT_TOKEN")
    assert "Traceback" not in bot.output
    assert WRONG_TOKEN not in bot.output


def test_bot_without_a_token_does_not_start(stage: Stage) -> None:
    bot = stage.manage("runbot", BOT_TOKEN="")
    assert bot.wait() == 1
    assert len(said(bot)) == 1
    assert said(bot)[0].startswith("CommandError: sekretar.W001: BOT_TOKEN is missing")


# name -> (what is told differently, exit code, what is said)
PINGS = {
    "well": ({}, 0, "ok   Telegram: @sekretar_bot, privacy mode on: in groups it hears /ask and replies"),
    "provider": ({}, 0, "ok   openai: key accepted"),
    "no-token": ({"BOT_TOKEN": ""}, 1, "FAIL sekretar.W001: BOT_TOKEN is missing"),
    "wrong-token": ({"BOT_TOKEN": WRONG_TOKEN}, 1, "refuses BOT_TOKEN. Ask @BotFather for a new one."),
    "wrong-key": ({"OPENAI_API_KEY": "bad-key"}, 1, "FAIL openai: auth. Check OPENAI_API_KEY."),
    "no-telegram": ({"TELEGRAM_API_URL": "http://127.0.0.1:9"}, 1, "FAIL Telegram at http://127.0.0.1:9"),
    "unmigrated": ({"DATABASE_URL": "sqlite:///{folder}/empty.sqlite3"}, 1, "Run: python manage.py migrate"),
    "no-database": ({"DATABASE_URL": "postgres://nobody@127.0.0.1:9/nothing"}, 1, "Check DATABASE_URL."),
}


@pytest.fixture(scope="module")
def pings(new_stage: NewStage) -> dict[str, Process]:
    """`runbot --ping` in each of the situations, all at once, with their exit codes awaited."""
    stage = new_stage()
    started = {}
    for name, (changed, _code, _words) in PINGS.items():
        told = {key: value.format(folder=stage.folder) for key, value in changed.items()}
        started[name] = stage.manage("runbot", "--ping", **told)
    for process in started.values():
        process.wait()
    return started


@pytest.mark.parametrize("name", PINGS)
def test_ping_says_whether_all_is_well_and_what_is_not(pings: dict[str, Process], name: str) -> None:
    _changed, code, words = PINGS[name]
    process = pings[name]
    assert process.wait() == code
    assert words in process.output
    assert "Traceback" not in process.output
    assert "Unclosed" not in process.output  # connections to providers
    assert WRONG_TOKEN not in process.output
