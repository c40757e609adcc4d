"""Neither keys nor tokens are to be found anywhere but in the request and, sealed, in the database."""

import asyncio
import json
import logging
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import structlog
from django.db import connection

from core.db import in_db
from reports.avito.account import advance, money, own_account
from reports.avito.client import Avito, Keys
from reports.avito.errors import AvitoError
from reports.avito.messenger import chats
from reports.avito.ratings import rating
from reports.avito.statistics import daily
from reports.models import Answer, AvitoToken, CallGate
from sandbox.avito import REMONT, AvitoWorld
from tests.reports.avito.conftest import Clock, Make, keys_in
from tests.reports.avito.said import TOKEN, Said
from tests.reports.avito.test_client import DAY, V2, WALLET

SECRET = "aB+3 xY&7=zQ%41w"
CLIENT = "client-that-nobody-may-see"
KEYS = Keys(CLIENT, SECRET, 7)
WORDS = (SECRET, CLIENT, TOKEN)
HIDDEN = {form for word in WORDS for form in (word, quote(word), quote(word, safe=""), quote_plus(word))}
REPEATED = f"no account for {CLIENT} with {SECRET}, that is {quote_plus(SECRET)}"
ECHO = f"{REPEATED}, by Bearer {TOKEN}"


def leaks(text: str) -> set[str]:
    return {form for form in HIDDEN if form in text}


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All that anybody logs, as much as they would ever say."""
    before = structlog.get_config()
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, structlog.processors.JSONRenderer()],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    with caplog.at_level(logging.DEBUG):
        yield caplog
    structlog.configure(**before)


REFUSALS: list[tuple[str, Any, int]] = [
    ("/token", {"error": "invalid_client", "error_description": REPEATED}, 401),
    ("/token", {"error": "invalid_client", "error_description": REPEATED}, 200),
    ("/token", f"<html>{ECHO}</html>", 502),
    (WALLET, {"error": {"code": 403, "message": ECHO}}, 403),
    (WALLET, {"error": {"code": 400, "message": ECHO}}, 400),
    (WALLET, {"error": {"code": 1001, "message": ECHO}}, 200),
    (WALLET, {"errors": [ECHO]}, 500),
    (WALLET, ECHO, 200),
    (WALLET, {"error": {"code": 429, "message": ECHO}}, 429),
]


@pytest.mark.parametrize(("path", "body", "status"), REFUSALS, ids=[f"{path} {status}" for path, _, status in REFUSALS])
async def test_refusals_say_nothing_secret(
    said: Said, client: Make, logged: pytest.LogCaptureFixture, path: str, body: Any, status: int
) -> None:
    said.says(path, body, status)
    avito = client(KEYS)
    with pytest.raises(AvitoError) as caught:
        await money(avito)
    error = caught.value
    told = "".join(traceback.format_exception(error))
    assert not leaks(f"{error} {error!r} {error.message} {error.args} {vars(error)} {told}")
    assert not leaks(logged.text)
    assert "avito_refused" in logged.text or path == "/token"


async def test_frames_of_an_error_show_nothing_secret(said: Said, client: Make) -> None:
    """What an error report would take along of the values of each frame of ours."""
    said.says(WALLET, {"error": {"code": 400, "message": ECHO}}, 400)
    with pytest.raises(AvitoError) as caught:
        await money(client(KEYS))
    frames = [frame for frame, _line in traceback.walk_tb(caught.value.__traceback__)]
    ours = [frame for frame in frames if frame.f_globals["__name__"].startswith("reports.")]
    assert len(ours) >= 2
    for frame in ours:
        assert not leaks(" ".join(repr(value) for value in frame.f_locals.values())), frame.f_code.co_qualname


async def test_broken_line_says_nothing_secret(
    said: Said, client: Make, logged: pytest.LogCaptureFixture, settings: Any
) -> None:
    settings.AVITO_BASE_URL = "http://127.0.0.1:9"
    with pytest.raises(AvitoError) as caught:
        await own_account(client(KEYS))
    assert not leaks(logged.text + "".join(traceback.format_exception(caught.value)))


async def test_work_says_nothing_secret(
    world: AvitoWorld, client: Make, logged: pytest.LogCaptureFixture, clock: Clock
) -> None:
    keys = keys_in(world, REMONT, account_id=None)
    avito = client(keys)
    await own_account(avito)
    world.expire_tokens()
    for call in (money(avito), daily(avito, DAY, DAY), rating(avito), advance(avito), chats(avito, 0)):
        await asyncio.gather(call, return_exceptions=True)
    secrets = {keys.client_id, keys.client_secret, quote_plus(keys.client_secret), *world.tokens}
    assert "avito_answered" in logged.text
    assert len(world.tokens) == 2
    assert not {secret for secret in secrets if secret in logged.text}


async def test_client_shows_nothing_of_its_keys(said: Said, client: Make) -> None:
    said.says(WALLET, {})
    avito = client(KEYS)
    await money(avito)
    shown = [avito, avito._access, avito._wire, avito._access._token, KEYS]
    assert not leaks(" ".join(f"{one!r} {one}" for one in shown))


async def test_rows_hold_nothing_that_can_be_read(said: Said, client: Make) -> None:
    said.says(WALLET, {"real": 1}).says(V2, {"result": {"groupings": []}})
    await money(client(KEYS))
    await daily(client(KEYS), DAY, DAY)
    rows = await in_db(_everything)
    assert len(rows) >= 4
    assert not leaks(json.dumps(rows, default=str, ensure_ascii=False))


def _everything() -> list[Any]:
    rows: list[Any] = []
    for model in (Answer, AvitoToken, CallGate):
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')
            rows += cursor.fetchall()
    return rows


def test_repr_of_a_client_without_an_account_is_short() -> None:
    assert repr(Avito(Keys(CLIENT, SECRET))) == "<Avito ?>"
