"""Receiving by webhook: the web process stores, the bot's process answers."""

from collections.abc import Iterator

import httpx
import pytest

from tests.acceptance.conftest import NewStage
from tests.acceptance.processes import FIRST, PATIENCE, SECRETS, Json, Stage, until

pytestmark = pytest.mark.acceptance

HEADER = "X-Telegram-Bot-Api-Secret-Token"


@pytest.fixture(scope="module")
def door(new_stage: NewStage) -> Iterator[tuple[Stage, httpx.Client, str]]:
    """A stage that receives by webhook, a client to its web side, and the address of the view."""
    stage = new_stage()
    _web, address = stage.web()
    url = f"{address}/telegram/webhook"
    stage.bot(WEBHOOK_URL=url).says("receiving by webhook")
    stage.ask(FIRST, "Hello")  # each test may be the first of its process, and all want the chat to be there
    with httpx.Client(headers={HEADER: SECRETS["WEBHOOK_SECRET"]}, timeout=PATIENCE) as client:
        yield stage, client, url


Door = tuple[Stage, httpx.Client, str]


def message(number: int, text: str) -> Json:
    person = {"id": FIRST, "first_name": "Person"}
    chat, sender = {**person, "type": "private"}, {**person, "is_bot": False}
    said = {"message_id": number, "date": 1_700_000_000, "chat": chat, "from": sender, "text": text}
    return {"update_id": number, "message": said}


def test_message_that_telegram_posts_is_answered(door: Door) -> None:
    stage, _client, _url = door
    assert "By post" in stage.ask(FIRST, "By post")
    assert stage.sandbox.calls("getUpdates") == []


def test_update_that_telegram_posts_twice_is_answered_once(door: Door) -> None:
    stage, client, url = door
    before = len(stage.sandbox.heard(FIRST))
    for _time in range(2):
        assert client.post(url, json=message(900_000_001, "Twice")).status_code == 200
    until(lambda: len(stage.sandbox.heard(FIRST)) > before, what="an answer")
    stage.quiet()
    assert len(stage.sandbox.heard(FIRST)) == before + 1


@pytest.mark.parametrize("secret", ["wrong", ""])
def test_post_without_the_secret_is_refused(door: Door, secret: str) -> None:
    stage, client, url = door
    assert client.post(url, json=message(900_000_002, "Let me in"), headers={HEADER: secret}).status_code == 403
    assert stage.database.rows("SELECT 1 FROM telegram_bot_update WHERE update_id = 900000002") == []


@pytest.mark.parametrize("body", ["{", "[]", "7", "{}", '{"update_id": "seven"}', "\udcff"])
def test_body_that_is_no_update_is_a_bad_request(door: Door, body: str) -> None:
    _stage, client, url = door
    assert client.post(url, content=body.encode("utf-8", "surrogateescape")).status_code == 400


def test_only_posts_are_taken(door: Door) -> None:
    _stage, client, url = door
    assert client.get(url).status_code == 405


def test_bot_that_goes_back_to_polling_receives_again(door: Door) -> None:
    stage, _client, _url = door
    _sandbox, web, bot = stage.processes
    assert bot.terminate() == 0
    web.terminate()
    stage.bot()
    assert "By poll" in stage.ask(FIRST + 1, "By poll")


def test_address_that_telegram_refuses_ends_the_bot_with_a_sentence(stage: Stage) -> None:
    stage.sandbox.fault("setWebhook", "400", description="Bad Request: bad webhook: HTTPS url must be provided")
    bot = stage.manage("runbot", WEBHOOK_URL="http://127.0.0.1:9/telegram/webhook")
    assert bot.wait() == 1
    assert bot.output.splitlines()[-1].startswith("CommandError: Telegram refuses WEBHOOK_URL (Bad webhook")


def test_bot_that_cannot_register_its_address_at_once_tries_again(stage: Stage) -> None:
    web, address = stage.web()
    stage.sandbox.fault("setWebhook", "502_html")
    bot = stage.bot(WEBHOOK_URL=f"{address}/telegram/webhook")
    bot.says("receiving by webhook")
    assert "By post" in stage.ask(FIRST, "By post")
    assert web.is_running
