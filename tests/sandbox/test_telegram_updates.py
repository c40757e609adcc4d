"""The queue of updates: what a poller and a webhook may rely on."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from sandbox.server import Sandbox

from .telegram_clients import Api, Control

ANNA, BORIS, TEAM = 101, 102, -1001000000002


def texts(updates: list[dict[str, Any]]) -> list[str]:
    return [update["message"]["text"] for update in updates]


async def test_updates_come_again_until_they_are_confirmed(sandbox: Sandbox, api: Api) -> None:
    sandbox.world.say(ANNA, "one")
    first = await api.ok("getUpdates")
    again = await api.ok("getUpdates")
    assert first == again
    assert await api.ok("getUpdates", offset=first[0]["update_id"] + 1) == []


async def test_an_offset_confirms_only_what_is_before_it(sandbox: Sandbox, api: Api) -> None:
    for text in ("one", "two", "three"):
        sandbox.world.say(ANNA, text)
    found = await api.ok("getUpdates")
    assert texts(await api.ok("getUpdates", offset=found[1]["update_id"])) == ["two", "three"]


async def test_a_negative_offset_keeps_the_last_updates_and_forgets_the_others(sandbox: Sandbox, api: Api) -> None:
    for text in ("one", "two", "three"):
        sandbox.world.say(ANNA, text)
    assert texts(await api.ok("getUpdates", offset=-1)) == ["three"]
    assert texts(await api.ok("getUpdates", offset=0)) == ["three"]


async def test_limit_bounds_one_answer(sandbox: Sandbox, api: Api) -> None:
    for text in ("one", "two", "three"):
        sandbox.world.say(ANNA, text)
    assert texts(await api.ok("getUpdates", limit=2)) == ["one", "two"]


async def test_the_same_offset_within_half_a_second_gives_one_update(sandbox: Sandbox, api: Api) -> None:
    moment = sandbox.world.clock()
    sandbox.world.clock = lambda: moment
    for text in ("one", "two", "three"):
        sandbox.world.say(ANNA, text)
    assert len(await api.ok("getUpdates", offset=0)) == 3
    assert texts(await api.ok("getUpdates", offset=0)) == ["one"]


async def test_the_same_offset_later_gives_all_updates(sandbox: Sandbox, api: Api) -> None:
    for text in ("one", "two"):
        sandbox.world.say(ANNA, text)
    await api.ok("getUpdates", offset=0)
    real = sandbox.world.clock
    sandbox.world.clock = lambda: real() + 1
    assert texts(await api.ok("getUpdates", offset=0)) == ["one", "two"]


async def test_a_long_poll_answers_as_soon_as_something_comes(sandbox: Sandbox, api: Api) -> None:
    poll = asyncio.create_task(api.ok("getUpdates", timeout=30))
    await sandbox.world.updates.waiting()
    sandbox.world.say(ANNA, "hello")
    assert texts(await asyncio.wait_for(poll, 30)) == ["hello"]


async def test_a_long_poll_ends_empty_when_its_time_is_over(api: Api) -> None:
    assert await api.ok("getUpdates", timeout=1) == []


async def test_the_older_of_two_waiting_polls_fails(sandbox: Sandbox, api: Api) -> None:
    older = asyncio.create_task(api("getUpdates", timeout=30))
    await sandbox.world.updates.waiting()
    newer = asyncio.create_task(api("getUpdates", timeout=30))
    refused = await asyncio.wait_for(older, 30)
    sandbox.world.say(ANNA, "hello")
    assert refused["error_code"] == 409
    assert refused["description"].startswith("Conflict: terminated by other getUpdates request; make sure")
    assert texts((await newer)["result"]) == ["hello"]


async def test_allowed_updates_are_remembered(sandbox: Sandbox, api: Api) -> None:
    await api.ok("getUpdates", allowed_updates=["callback_query"])
    assert sandbox.world.say(ANNA, "unheard").update_id is None
    await api.ok("getUpdates")
    assert sandbox.world.say(ANNA, "still unheard").update_id is None


async def test_allowed_updates_matter_when_an_update_is_created(sandbox: Sandbox, api: Api) -> None:
    sandbox.world.say(ANNA, "before")
    assert texts(await api.ok("getUpdates", allowed_updates=["callback_query"])) == ["before"]


async def test_an_empty_list_of_allowed_updates_is_the_default(sandbox: Sandbox, api: Api) -> None:
    await api.ok("getUpdates", allowed_updates=["callback_query"])
    await api.ok("getUpdates", allowed_updates=[])
    assert sandbox.world.say(ANNA, "heard").update_id is not None


async def test_reactions_come_only_when_they_are_named(sandbox: Sandbox, api: Api) -> None:
    message = await api.ok("sendMessage", chat_id=ANNA, text="hi")
    assert sandbox.world.react(ANNA, message["message_id"], "👍") is None
    await api.ok("getUpdates", allowed_updates=["message_reaction"])
    assert sandbox.world.react(ANNA, message["message_id"], "🔥") is not None


async def test_updates_are_forgotten_after_a_day(sandbox: Sandbox, api: Api) -> None:
    sandbox.world.say(ANNA, "old")
    real = sandbox.world.clock
    sandbox.world.clock = lambda: real() + 24 * 3600 + 1
    assert await api.ok("getUpdates") == []


async def test_an_unparsable_update_and_an_unknown_kind_come_through(control: Control, api: Api) -> None:
    await control("update", message={"message_id": "not a number"})
    await control("update", brand_new_kind={"x": 1})
    poison, unknown = await api.ok("getUpdates")
    assert poison["message"] == {"message_id": "not a number"}
    assert unknown["brand_new_kind"] == {"x": 1}


class Receiver:
    """A webhook receiver that refuses the first `failures` deliveries."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.got: list[tuple[str | None, dict[str, Any]]] = []
        self.full = asyncio.Event()
        self.wanted = 1

    async def take(self, request: web.Request) -> web.Response:
        if self.failures:
            self.failures -= 1
            return web.Response(status=500)
        self.got.append((request.headers.get("X-Telegram-Bot-Api-Secret-Token"), await request.json()))
        if len(self.got) >= self.wanted:
            self.full.set()
        return web.Response()

    async def serve(self) -> tuple[web.AppRunner, str]:
        app = web.Application()
        app.router.add_post("/hook", self.take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/hook"


async def test_a_webhook_gets_updates_in_order_with_the_secret(sandbox: Sandbox, api: Api) -> None:
    receiver = Receiver()
    receiver.wanted = 3
    runner, url = await receiver.serve()
    sandbox.world.say(ANNA, "one")
    await api.ok("setWebhook", url=url, secret_token="s3cret")
    sandbox.world.say(ANNA, "two")
    sandbox.world.say(ANNA, "three")
    await asyncio.wait_for(receiver.full.wait(), 30)
    await runner.cleanup()
    assert texts([update for _, update in receiver.got]) == ["one", "two", "three"]
    assert {secret for secret, _ in receiver.got} == {"s3cret"}


async def test_a_webhook_is_tried_again_until_it_takes_the_update(sandbox: Sandbox, api: Api) -> None:
    sandbox.world.webhook.first_pause = 0.01
    receiver = Receiver(failures=2)
    runner, url = await receiver.serve()
    await api.ok("setWebhook", url=url)
    sandbox.world.say(ANNA, "patience")
    await asyncio.wait_for(receiver.full.wait(), 30)
    info = await api.ok("getWebhookInfo")
    await runner.cleanup()
    assert texts([update for _, update in receiver.got]) == ["patience"]
    assert info["last_error_message"] == "Wrong response from the webhook: 500 Internal Server Error"


async def test_polling_is_refused_while_a_webhook_is_set(api: Api) -> None:
    await api.ok("setWebhook", url="http://127.0.0.1:9/hook")
    assert (await api("getUpdates"))["error_code"] == 409
    await api.ok("deleteWebhook")
    assert await api.ok("getUpdates") == []


async def test_deleting_the_webhook_keeps_pending_updates(sandbox: Sandbox, api: Api) -> None:
    await api.ok("setWebhook", url="http://127.0.0.1:9/hook")
    sandbox.world.say(ANNA, "kept")
    await api.ok("deleteWebhook")
    assert texts(await api.ok("getUpdates")) == ["kept"]


async def test_a_confirmed_update_can_be_waited_for(sandbox: Sandbox, api: Api) -> None:
    update_id = sandbox.world.say(ANNA, "one").update_id
    assert update_id is not None
    poll = asyncio.create_task(api.ok("getUpdates", offset=update_id + 1, timeout=30))
    await sandbox.world.wait_for(lambda: not sandbox.world.updates.pending)
    sandbox.world.say(ANNA, "two")
    assert texts(await poll) == ["two"]


async def test_dropping_pending_updates_drops_them(sandbox: Sandbox, api: Api) -> None:
    sandbox.world.say(ANNA, "dropped")
    await api.ok("deleteWebhook", drop_pending_updates=True)
    assert await api.ok("getUpdates") == []


@pytest.mark.parametrize("secret", ["with space", "ключ", "x" * 257])
async def test_a_secret_token_of_other_characters_is_refused(api: Api, secret: str) -> None:
    assert "secret token" in await api.error("setWebhook", url="http://127.0.0.1:9/", secret_token=secret)


async def test_a_webhook_on_another_machine_is_refused(api: Api) -> None:
    assert "bad webhook" in await api.error("setWebhook", url="https://example.org/hook")


async def test_setting_a_webhook_ends_a_waiting_poll(sandbox: Sandbox, api: Api) -> None:
    poll = asyncio.create_task(api("getUpdates", timeout=30))
    await sandbox.world.updates.waiting()
    await api.ok("setWebhook", url="http://127.0.0.1:9/hook")
    answer = await asyncio.wait_for(poll, 30)
    assert answer["description"] == "Conflict: terminated by setWebhook request"
