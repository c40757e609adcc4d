"""The control API: playing people, watching, breaking things; and the process itself."""

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.server import Sandbox, serve

from .telegram_clients import Api, Control

ANNA, BORIS, TEAM, NEWS = 101, 102, -1001000000002, -1001000000003
ROOT = Path(__file__).parents[2]


async def test_the_seeded_world_has_four_people_and_eight_chats(control: Control) -> None:
    state = await control.get("state")
    assert {user["username"]: user["id"] for user in state["users"]} == {
        "olga": 100,
        "anna": 101,
        "boris": 102,
        "chris": 103,
    }
    assert {chat["id"]: chat["bot_status"] for chat in state["chats"] if chat["type"] != "private"} == {
        -1001000000001: "administrator",
        -1001000000002: "member",
        -1001000000003: "administrator",
        -1001000000004: "administrator",
    }
    assert state["bot"]["username"] == "sekretar_bot"


async def test_numbers_of_messages_and_updates_can_begin_anywhere(session: aiohttp.ClientSession) -> None:
    async with serve(first=5000) as sandbox:
        control, api = Control(sandbox.url, session), Api(sandbox.url, session)
        sent = [await control("message", chat_id=chat, user_id=ANNA, text="Hello") for chat in (ANNA, TEAM, ANNA)]
        assert [one["message"]["message_id"] for one in sent] == [5000, 5000, 5001]
        updates = await api.ok("getUpdates")  # the group's message is not for the bot
        assert [update["update_id"] for update in updates] == [100_005_000, 100_005_001]


async def test_another_id_can_be_given_to_the_group_of_administrators() -> None:
    async with serve(admin_chat=-1007) as sandbox:
        assert sandbox.world.chat(-1007).title == "Администраторы"


async def test_a_message_of_a_person_becomes_an_update(control: Control, api: Api) -> None:
    sent = await control("message", chat_id=ANNA, user_id=ANNA, text="/start@sekretar_bot now")
    update = (await api.ok("getUpdates"))[0]
    assert sent["update_id"] == update["update_id"]
    assert update["message"] == sent["message"]
    assert update["message"]["entities"] == [{"type": "bot_command", "offset": 0, "length": 19}]


async def test_a_long_paste_is_cut_as_clients_do(control: Control, api: Api) -> None:
    await control("paste", chat_id=ANNA, user_id=ANNA, text="x" * 4095 + "😀" + "y" * 10)
    texts = [update["message"]["text"] for update in await api.ok("getUpdates")]
    assert texts == ["x" * 4095, "😀" + "y" * 10]


async def test_a_forwarded_message_names_its_origin(control: Control) -> None:
    sent = await control("message", chat_id=ANNA, user_id=ANNA, text="see", forward_from=BORIS)
    hidden = await control("message", chat_id=ANNA, user_id=ANNA, text="see", forward_from="Somebody")
    assert sent["message"]["forward_origin"]["sender_user"]["id"] == BORIS
    assert hidden["message"]["forward_origin"]["sender_user_name"] == "Somebody"


@pytest.mark.parametrize(("chat", "kind", "field"), [(NEWS, "channel", "chat"), (TEAM, "chat", "sender_chat")])
async def test_a_message_forwarded_from_a_chat_names_the_chat(
    control: Control, chat: int, kind: str, field: str
) -> None:
    sent = await control("message", chat_id=ANNA, user_id=ANNA, text="see", forward_from=chat)
    origin = sent["message"]["forward_origin"]
    assert (origin["type"], origin[field]["id"]) == (kind, chat)


@pytest.mark.parametrize(
    ("path", "body", "trouble"),
    [
        ("message", {"user_id": ANNA, "text": "x"}, "the field chat_id is missing"),
        ("message", {"chat_id": 9, "user_id": ANNA, "text": "x"}, "there is no chat 9"),
        ("message", {"chat_id": BORIS, "user_id": ANNA, "text": "x"}, "user 101 is not in chat 102"),
        ("message", {"chat_id": ANNA, "user_id": ANNA}, "a message needs a text or a file"),
        ("message", {"chat_id": NEWS, "user_id": ANNA, "text": "x"}, "user 101 is not in chat"),
        ("press", {"chat_id": ANNA, "user_id": ANNA, "message_id": 1, "data": "x"}, "no message 1"),
        ("stop_draft", {"chat_id": ANNA, "user_id": ANNA, "draft_id": 1}, "there is no draft 1"),
        ("migrate", {"chat_id": TEAM}, "only a group can be upgraded"),
        ("faults", {"rules": [{"kind": "fire"}]}, "unknown kind of fault fire"),
        ("limits", {"speed": 1}, "unknown limit speed"),
        ("bot", {"color": 1}, "unknown field color"),
        ("member", {"chat_id": TEAM, "user_id": ANNA, "status": "king"}, "there is no status king"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_a_reason(
    control: Control, path: str, body: dict[str, Any], trouble: str
) -> None:
    assert trouble in await control.refused(path, **body)


async def test_a_press_needs_a_button_with_that_data(api: Api, control: Control) -> None:
    markup = {"inline_keyboard": [[{"text": "x", "callback_data": "y"}]]}
    message = await api.ok("sendMessage", chat_id=ANNA, text="x", reply_markup=markup)
    where = {"chat_id": ANNA, "user_id": ANNA, "message_id": message["message_id"]}
    assert "has no button" in await control.refused("press", **where, data="z")
    assert (await control("press", **where, data="y"))["callback_query_id"]


class Stream:
    """A reader of server-sent events."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self) -> dict[str, Any]:
        fields: dict[str, str] = {}
        while "data" not in fields:
            block = await asyncio.wait_for(self.response.content.readuntil(b"\n\n"), 30)
            lines = [line for line in block.decode().splitlines() if line and line[0] != ":"]
            fields = dict(line.split(": ", 1) for line in lines)
        return {"id": int(fields["id"]), "event": fields["event"], "data": json.loads(fields["data"])}


async def test_everything_that_shows_in_a_chat_is_an_event(
    sandbox: Sandbox, api: Api, session: aiohttp.ClientSession
) -> None:
    async with session.get(f"{sandbox.url}/_sandbox/events") as response:
        stream = Stream(response)
        await response.content.readuntil(b"\n\n")
        await api.ok("sendChatAction", chat_id=ANNA, action="typing")
        await api.ok("sendMessageDraft", chat_id=ANNA, draft_id=3, text="Th")
        message = await api.ok("sendMessage", chat_id=ANNA, text="There")
        where = {"chat_id": ANNA, "message_id": message["message_id"]}
        await api.ok("editMessageText", **where, text="Here")
        await api.ok("deleteMessage", **where)
        seen = [await stream.next() for _ in range(6)]
    assert [event["event"] for event in seen] == [
        "action",
        "draft",
        "draft_end",
        "message",
        "edit",
        "delete",
    ]
    assert seen[1]["data"]["text"] == "Th"
    assert seen[4]["data"]["message"]["text"] == "Here"
    assert seen[5]["data"] == {"chat_id": ANNA, "message_ids": [message["message_id"]]}


async def test_missed_events_are_replayed(sandbox: Sandbox, api: Api, session: aiohttp.ClientSession) -> None:
    await api.ok("sendMessage", chat_id=ANNA, text="one")
    last = sandbox.world.feed.last_id
    await api.ok("sendMessage", chat_id=BORIS, text="two")
    await api.ok("sendMessage", chat_id=ANNA, text="three")
    url = f"{sandbox.url}/_sandbox/events?chat_id={ANNA}"
    async with session.get(url, headers={"Last-Event-ID": str(last)}) as response:
        event = await Stream(response).next()
    assert event["data"]["message"]["text"] == "three"


async def test_closed_tab_leaves_no_traceback(session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture) -> None:
    async with serve(limits=False) as sandbox:
        tab = await session.get(f"{sandbox.url}/_sandbox/events")
        await tab.content.readuntil(b"\n\n")
        tab.close()
        await Api(sandbox.url, session).ok("sendMessage", chat_id=ANNA, text="Is anybody there?")
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_calls_are_listed_with_times_and_outcomes(api: Api, control: Control) -> None:
    before = time.time()
    await api.ok("sendmessage", chat_id=ANNA, text="x")
    await api.error("sendMessage", chat_id=5, text="x")
    good, bad = await control.get("calls?method=sendMessage")
    assert (good["method"], good["ok"], good["error_code"], good["chat_id"]) == (
        "sendMessage",
        True,
        None,
        ANNA,
    )
    assert good["params"] == {"chat_id": ANNA, "text": "x"}
    assert before <= good["time"] <= bad["time"] <= time.time()
    assert (bad["ok"], bad["error_code"], bad["n"]) == (False, 400, good["n"] + 1)
    assert await control.get(f"calls?chat_id={BORIS}") == []
    assert await control.get(f"calls?since={time.time() + 1}") == []
    await control.delete("calls")
    assert await control.get("calls") == []


async def test_a_revoked_token_is_unauthorized(api: Api, control: Control) -> None:
    await control("bot", token_valid=False)
    assert (await api("getMe"))["error_code"] == 401


@pytest.mark.parametrize(("kind", "code"), [("400", 400), ("401", 401), ("403", 403), ("409", 409), ("500", 500)])
async def test_a_fault_answers_with_an_error_once(api: Api, control: Control, kind: str, code: int) -> None:
    await control("faults", rules=[{"method": "sendMessage", "kind": kind}])
    assert (await api("sendMessage", chat_id=ANNA, text="x"))["error_code"] == code
    assert (await api("sendMessage", chat_id=ANNA, text="x"))["ok"] is True


async def test_a_429_says_how_long_to_wait(api: Api, control: Control) -> None:
    await control("faults", rules=[{"method": "*", "chat_id": ANNA, "kind": "429", "retry_after": 7}])
    assert (await api("sendMessage", chat_id=BORIS, text="x"))["ok"] is True
    answer = await api("sendMessage", chat_id=ANNA, text="x")
    assert answer["description"] == "Too Many Requests: retry after 7"
    assert answer["parameters"] == {"retry_after": 7}


async def test_a_fault_can_wait_for_its_turn_and_last_until_cleared(api: Api, control: Control) -> None:
    await control("faults", rules=[{"method": "getMe", "kind": "500", "after": 1, "times": None}])
    answers = [(await api("getMe"))["ok"] for _ in range(3)]
    await control.delete("faults")
    assert answers == [True, False, False]
    assert (await api("getMe"))["ok"] is True


async def test_a_gateway_error_is_html(sandbox: Sandbox, control: Control, session: aiohttp.ClientSession) -> None:
    await control("faults", rules=[{"method": "getMe", "kind": "502_html"}])
    async with session.get(f"{sandbox.url}/bot1000:sandbox-token/getMe") as response:
        assert (response.status, response.content_type) == (502, "text/html")


@pytest.mark.parametrize(("kind", "done"), [("cut", 0), ("cut_after", 1)])
async def test_a_connection_is_cut_before_or_after_doing_it(
    sandbox: Sandbox, api: Api, control: Control, kind: str, done: int
) -> None:
    await control("faults", rules=[{"method": "sendMessage", "kind": kind}])
    with pytest.raises(aiohttp.ClientError):
        await api("sendMessage", chat_id=ANNA, text="x")
    assert len(sandbox.world.chat(ANNA).messages) == done
    call = sandbox.world.calls("sendMessage")[0]
    assert (call.ok, call.error_code, call.fault) == (False, 0, kind)


async def test_a_refused_call_is_cut_as_well(api: Api, control: Control) -> None:
    await control("faults", rules=[{"method": "sendMessage", "kind": "cut_after"}])
    with pytest.raises(aiohttp.ClientError):
        await api("sendMessage", chat_id=5, text="x")


async def test_a_hanging_call_ends_with_a_cut(api: Api, control: Control) -> None:
    await control("faults", rules=[{"method": "getMe", "kind": "hang", "seconds": 0.1}])
    with pytest.raises(aiohttp.ClientError):
        await api("getMe")


async def test_a_slow_call_takes_its_time(sandbox: Sandbox, api: Api, control: Control) -> None:
    await control("faults", rules=[{"method": "getMe", "kind": "slow", "seconds": 0.2}])
    assert (await api("getMe"))["ok"] is True
    assert sandbox.world.calls("getMe")[0].duration >= 0.2


async def test_a_held_call_is_counted_at_once_and_done_when_the_faults_are_cleared(
    sandbox: Sandbox, api: Api, control: Control
) -> None:
    await control("faults", rules=[{"method": "sendMessage", "kind": "hold"}])
    call = asyncio.create_task(api("sendMessage", chat_id=ANNA, text="x"))
    while (await control.get("faults"))[0]["applied"] == 0:
        await asyncio.sleep(0.01)
    assert (len(sandbox.world.chat(ANNA).messages), call.done()) == (0, False)
    await control.delete("faults")
    assert (await call)["ok"] is True
    assert len(sandbox.world.chat(ANNA).messages) == 1
    assert await control.get("faults") == []


async def test_a_hanging_call_and_a_poll_do_not_hold_up_the_end(session: aiohttp.ClientSession) -> None:
    async with serve() as sandbox:
        api = Api(sandbox.url, session)
        sandbox.world.faults.add([{"method": "getMe", "kind": "hang"}])
        hanging = asyncio.create_task(api("getMe"))
        poll = asyncio.create_task(api("getUpdates", timeout=30))
        await sandbox.world.updates.waiting()
        await sandbox.world.wait_for(lambda: sandbox.world.faults.rules[0].applied)
        began = time.monotonic()
    assert time.monotonic() - began < 15
    assert (await poll)["result"] == []
    with pytest.raises(aiohttp.ClientError):
        await hanging


async def limited(session: aiohttp.ClientSession, calls: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """Answers of a server with flood limits whose clock stands still."""
    async with serve(limits=True) as sandbox:
        sandbox.world.limits.clock = lambda: 1000.0
        api = Api(sandbox.url, session)
        return [await api(method, **params) for method, params in calls]


async def test_a_fourth_message_at_once_is_too_many_for_a_person(session: aiohttp.ClientSession) -> None:
    answers = await limited(session, [("sendMessage", {"chat_id": ANNA, "text": "x"})] * 4)
    assert [answer["ok"] for answer in answers] == [True, True, True, False]
    assert answers[3]["parameters"] == {"retry_after": 1}


async def test_edits_count_as_messages(session: aiohttp.ClientSession) -> None:
    edits = [("editMessageText", {"chat_id": ANNA, "message_id": 1, "text": f"{n}"}) for n in range(3)]
    answers = await limited(session, [("sendMessage", {"chat_id": ANNA, "text": "x"}), *edits])
    assert answers[3]["error_code"] == 429


@pytest.mark.parametrize("chat", [TEAM, NEWS], ids=["group", "channel"])
async def test_a_public_chat_takes_twenty_messages_a_minute(session: aiohttp.ClientSession, chat: int) -> None:
    async with serve(limits=True) as sandbox:
        now = [1000.0]
        sandbox.world.limits.clock = lambda: now[0]
        api = Api(sandbox.url, session)
        answers = []
        for _ in range(21):
            now[0] += 2
            answers.append(await api("sendMessage", chat_id=chat, text="x"))
    assert [answer["ok"] for answer in answers] == [True] * 20 + [False]
    assert 1 <= answers[20]["parameters"]["retry_after"] <= 20


async def test_each_message_of_several_counts_in_a_group(session: aiohttp.ClientSession) -> None:
    async with serve(limits=True) as sandbox:
        now = [1000.0]
        sandbox.world.limits.clock = lambda: now[0]
        api = Api(sandbox.url, session)
        source = [sandbox.world.say(ANNA, str(n)).message["message_id"] for n in range(19)]
        copies = {"chat_id": TEAM, "from_chat_id": ANNA, "message_ids": source}
        answers = [await api("copyMessages", **copies)]
        for _ in range(2):
            now[0] += 5
            answers.append(await api("sendMessage", chat_id=TEAM, text="x"))
    assert [answer["ok"] for answer in answers] == [True, True, False]


async def test_the_whole_bot_has_a_limit(session: aiohttp.ClientSession) -> None:
    async with serve(limits=True) as sandbox:
        sandbox.world.limits.clock = lambda: 1000.0
        api, control = Api(sandbox.url, session), Control(sandbox.url, session)
        for number in range(40):
            sandbox.world.add_user(500 + number, f"P{number}")
        await control("limits", bot_rate=10)
        answers = [await api("sendMessage", chat_id=500 + n, text="x") for n in range(11)]
    assert [answer["ok"] for answer in answers] == [True] * 10 + [False]


async def test_waiting_for_something_that_does_not_happen_times_out(sandbox: Sandbox) -> None:
    with pytest.raises(TimeoutError, match="nothing of that kind"):
        await sandbox.world.wait_for(lambda: sandbox.world.calls("sendMessage"), timeout=0.05)


async def test_waiting_returns_what_was_waited_for(sandbox: Sandbox, api: Api) -> None:
    waiting = asyncio.create_task(sandbox.world.wait_for(lambda: sandbox.world.calls("sendMessage")))
    await api.ok("sendMessage", chat_id=ANNA, text="x")
    assert (await waiting)[0]["params"]["text"] == "x"


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sandbox",
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_process_says_where_it_is_and_ends_when_asked(
    session: aiohttp.ClientSession, number: signal.Signals
) -> None:
    process = await start("--port", "0", "--bot-token", "77:abc")
    assert process.stdout is not None
    url = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))["url"]
    me = await Api(url, session, "77:abc")("getMe")
    process.send_signal(number)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert me["result"]["id"] == 77
    assert (process.returncode, out, err) == (0, b"", b"")


async def test_a_busy_port_is_one_sentence_and_exit_code_1(sandbox: Sandbox) -> None:
    port = sandbox.url.rsplit(":", 1)[1]
    process = await start("--port", port)
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert err.decode().startswith(f"The sandbox cannot listen on 127.0.0.1:{port}: ")
    assert err.count(b"\n") == 1
