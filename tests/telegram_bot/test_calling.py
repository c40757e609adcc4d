"""Raw calls of the bot: what goes over the wire, and what comes of each kind of answer."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from pytest_django import Settings
from telegram import InputFile, User
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from core.http import never_left
from telegram_bot.calling import Bot, bot
from tests.acceptance.processes import free_port

ME = {"id": 1000, "is_bot": True, "first_name": "S", "username": "s_bot"}
ENTITIES = [{"type": "bold", "offset": 0, "length": 2}]


async def form_of(request: web.Request) -> dict[str, Any]:
    """The fields of a form; of a file its bytes."""
    form = await request.post()
    return {name: value.file.read() if isinstance(value, web.FileField) else value for name, value in form.items()}


class Wire:
    """A Bot API that remembers what it was sent, and gives ``answer``."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, Any]] = []
        self.status = 200
        self.answer: Any = {"ok": True, "result": {"message_id": 5}}
        self.cut = False

    async def serve(self, request: web.Request) -> web.Response:
        kind = request.content_type
        body = await request.json() if kind == "application/json" else await form_of(request)
        method = request.path.rpartition("/")[2]
        if method == "getMe":
            return web.json_response({"ok": True, "result": ME})
        self.seen.append((method, kind, body))
        if self.cut:
            assert request.transport is not None
            request.transport.close()
        if isinstance(self.answer, bytes):
            return web.Response(status=self.status, body=self.answer)
        return web.json_response(self.answer, status=self.status)


@pytest_asyncio.fixture
async def wire(settings: Settings) -> AsyncIterator[Wire]:
    found = Wire()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    settings.BOT_TOKEN = "1000:sandbox-token"
    settings.TELEGRAM_API_URL = site.name
    yield found
    await runner.cleanup()


@pytest_asyncio.fixture
async def caller(wire: Wire) -> AsyncIterator[Bot]:
    made = bot()
    await made.initialize()
    yield made
    await made.shutdown()


async def test_parameters_are_one_body_of_json(wire: Wire, caller: Bot) -> None:
    params = {"chat_id": 7, "text": "жё", "entities": ENTITIES, "message_thread_id": None}
    assert await caller.do_api_request("sendMessage", api_kwargs=params) == {"message_id": 5}

    sent = {"chat_id": 7, "text": "жё", "entities": ENTITIES}
    assert wire.seen == [("sendMessage", "application/json", sent)]
    assert params["message_thread_id"] is None  # what the caller holds is left as it was


async def test_file_goes_the_librarys_way(wire: Wire, caller: Bot) -> None:
    await caller.do_api_request("sendPhoto", api_kwargs={"chat_id": 7, "photo": InputFile(b"a picture", "a.png")})

    ((method, kind, form),) = wire.seen
    assert (method, kind, form["chat_id"]) == ("sendPhoto", "multipart/form-data", "7")
    assert form["photo"] == b"a picture"


async def test_answer_is_read_as_what_is_asked_for(wire: Wire, caller: Bot) -> None:
    wire.answer = {"ok": True, "result": ME}
    assert await caller.do_api_request("getSomebody", return_type=User) == User(1000, "S", True)


async def test_updates_are_asked_for_without_a_turn(wire: Wire, caller: Bot) -> None:
    wire.answer = {"ok": True, "result": []}
    asked = {"offset": 3, "allowed_updates": ["message"]}
    assert await caller.do_api_request("getUpdates", api_kwargs=asked, read_timeout=30) == []
    assert wire.seen == [("getUpdates", "application/json", asked)]


async def test_time_that_is_wished_for_is_kept(wire: Wire, caller: Bot) -> None:
    asked = {"chat_id": 7, "entities": ENTITIES}
    await caller.do_api_request("sendMessage", api_kwargs=asked, read_timeout=5)
    await caller.do_api_request("sendMessage", api_kwargs=asked, read_timeout=5, write_timeout=5)

    # The library, which knows all kinds of times, packs lists into texts.
    assert [type(body["entities"]) for _method, _kind, body in wire.seen] == [list, str]


REFUSALS: list[tuple[int, Any, type[TelegramError]]] = [
    (400, {"description": "Bad Request: chat not found"}, BadRequest),
    (400, {"description": "moved", "parameters": {"migrate_to_chat_id": -100}}, ChatMigrated),
    (403, {"description": "Forbidden: bot was blocked by the user"}, Forbidden),
    (404, {"description": "Not Found"}, EndPointNotFound),
    (409, {"description": "Conflict: terminated by other getUpdates request"}, Conflict),
    (429, {"description": "Too Many Requests", "parameters": {"retry_after": 3}}, RetryAfter),
    (502, b"<html>Bad Gateway</html>", NetworkError),
    (200, b"no json", TelegramError),
]


@pytest.mark.parametrize(("status", "answer", "error"), REFUSALS)
async def test_refusal_is_the_librarys_error(
    wire: Wire, caller: Bot, status: int, answer: Any, error: type[TelegramError]
) -> None:
    wire.status, wire.answer = status, answer if isinstance(answer, bytes) else {"ok": False, **answer}
    with pytest.raises(TelegramError) as short:
        await caller.do_api_request("sendMessage", api_kwargs={"chat_id": 7, "text": "a"})
    with pytest.raises(TelegramError) as whole:
        await caller.do_api_request("sendMessage", api_kwargs={"chat_id": 7, "text": "a"}, return_type=User)

    assert type(short.value) is type(whole.value) is error
    if error is not EndPointNotFound:
        assert str(short.value) == str(whole.value)


async def test_unknown_token_is_told_from_an_unknown_method(wire: Wire) -> None:
    wire.status, wire.answer = 401, {"ok": False, "description": "Unauthorized"}
    early = bot()
    await early._request[0].initialize()
    with pytest.raises(InvalidToken) as refused:
        await early.do_api_request("getUpdates")
    await early._request[0].shutdown()
    assert not isinstance(refused.value, EndPointNotFound)
    assert refused.value.__cause__ is None


async def test_cut_line_may_have_carried_the_call(wire: Wire, caller: Bot) -> None:
    wire.cut = True
    with pytest.raises(NetworkError) as broken:
        await caller.do_api_request("sendMessage", api_kwargs={"chat_id": 7, "text": "a"})
    assert not never_left(broken.value.__cause__)


async def test_server_that_is_not_there_was_sent_nothing(settings: Settings) -> None:
    settings.BOT_TOKEN = "1000:sandbox-token"
    settings.TELEGRAM_API_URL = f"http://127.0.0.1:{free_port()}"
    alone = bot()
    await alone._request[1].initialize()
    with pytest.raises(NetworkError) as broken:
        await alone.do_api_request("sendMessage", api_kwargs={"chat_id": 7, "text": "a"})
    await alone._request[1].shutdown()
    assert never_left(broken.value.__cause__)
