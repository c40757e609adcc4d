"""What happened, posted to the webhooks of keys: delivery/hooks.py and delivery/webhooks.py."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from django.utils import timezone
from pytest_django import Settings
from structlog.testing import capture_logs

from accounts.models import ApiKey, AuditEntry
from core.db import in_db
from delivery import hooks, services, webhooks
from delivery.models import Delivery, Webhook
from telegram_bot import notices
from tests.receiver import Receive, receiving

pytestmark = pytest.mark.django_db(transaction=True)
OTHER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.fixture(autouse=True)
def _neighbours(settings: Settings) -> None:
    """The receivers of these tests are on this machine."""
    settings.OUTWARD_ALLOW_PRIVATE = True
    settings.ADMIN_CHAT_ID, settings.BOT_TOKEN, settings.LANGUAGE_CODE = -5, "1000:token", "en"
    notices.forget()


@pytest_asyncio.fixture
async def receive() -> AsyncIterator[Receive]:
    async with receiving() as start:
        yield start


def hooked(url: str, number: int = 1) -> int:
    """The number of a key with a webhook."""
    key = ApiKey.objects.create(name="Site", prefix=f"skr_{number}", digest=f"d{number}", scopes=["posts:read"])
    webhooks.create_webhook(key, url, by=None, via="admin", now=timezone.now())
    return key.pk


def happens(*keys: int, event_id: str = "e1", **payload: Any) -> None:
    hooks.announce(keys, source="post", event="post.published", event_id=event_id, payload=payload)


async def again(key: int) -> bool:
    """The next attempt, when its time has come."""
    await in_db(Delivery.objects.filter(state="queued").update, not_before=None)
    return await hooks.drain(hooks.lane_of(key))


def only() -> Delivery:
    return Delivery.objects.get(backend="webhook")


def told() -> list[str]:
    return [row.content["params"]["text"] for row in Delivery.objects.filter(source="notice").order_by("id")]


async def test_receiver_gets_what_happened_and_can_tell_that_it_is_from_us(receive: Receive) -> None:
    receiver = await receive(204)
    key = await in_db(hooked, receiver.url)
    await in_db(happens, key, post_id="p1")
    assert await hooks.drain(hooks.lane_of(key))

    [head], [body] = receiver.heads, receiver.bodies
    secret = base64.b64decode((await in_db(Webhook.objects.get)).secret.removeprefix("whsec_"))
    content = f"{head['webhook-id']}.{head['webhook-timestamp']}.".encode() + body
    signature = base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
    assert (head["webhook-signature"], head["webhook-id"]) == (f"v1,{signature}", "e1")
    assert json.loads(body) == {
        "event": "post.published", "event_id": "e1", "attempt": 1, "payload": {"post_id": "p1"},
    }  # fmt: skip


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_any_good_answer_ends_it(receive: Receive, status: int) -> None:
    key = await in_db(hooked, (await receive(status)).url)
    await in_db(happens, key)
    await hooks.drain(hooks.lane_of(key))

    assert (await in_db(only)).state == "sent"
    assert not await again(key)


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
async def test_any_other_answer_is_tried_again_later(receive: Receive, status: int) -> None:
    receiver = await receive(status)
    key = await in_db(hooked, receiver.url)
    await in_db(happens, key)
    before = timezone.now()
    await hooks.drain(hooks.lane_of(key))
    after = timezone.now()

    row = await in_db(only)
    assert (row.state, row.error_kind, row.error) == ("queued", "http", f"HTTP {status}")
    assert row.not_before is not None
    assert before <= row.not_before - timedelta(seconds=10) <= after
    assert len(receiver.heads) == 1, "no redirect is followed"


async def test_next_attempt_has_the_same_id_and_its_own_number(receive: Receive) -> None:
    receiver = await receive(500, 200)
    key = await in_db(hooked, receiver.url)
    await in_db(happens, key)
    await hooks.drain(hooks.lane_of(key))
    await again(key)

    assert [head["webhook-id"] for head in receiver.heads] == ["e1", "e1"]
    assert [json.loads(body)["attempt"] for body in receiver.bodies] == [1, 2]
    assert (await in_db(only)).state == "sent"


async def test_receiver_that_always_refuses_is_given_up_after_five_attempts_and_the_admins_know(
    receive: Receive,
) -> None:
    receiver = await receive(500)
    key = await in_db(hooked, receiver.url)
    await in_db(happens, key)
    for _attempt in range(7):
        await again(key)

    assert ((await in_db(only)).state, len(receiver.heads)) == ("failed", 5)
    [text] = await in_db(told)
    assert text.startswith("⚠️ The webhook of Site (skr_1…) did not take an event: HTTP 500")
    assert receiver.url not in text


async def test_receiver_that_is_gone_is_switched_off_and_the_admins_know(receive: Receive) -> None:
    receiver = await receive(410)
    key = await in_db(hooked, receiver.url)
    await in_db(happens, key)
    await hooks.drain(hooks.lane_of(key))

    assert not (await in_db(Webhook.objects.get)).enabled
    entry = await in_db(AuditEntry.objects.get, action="webhook.disabled")
    assert entry.details == {"reason": "HTTP 410"}
    assert await in_db(told) == ["⚠️ The webhook of Site (skr_1…) says that it is gone, so it was switched off."]


async def test_webhook_that_was_switched_off_gets_no_more_and_nobody_minds(receive: Receive) -> None:
    receiver = await receive(200)
    key = await in_db(hooked, receiver.url)
    await in_db(happens, key)
    await in_db(Webhook.objects.update, enabled=False)
    assert not await hooks.drain(hooks.lane_of(key))

    assert ((await in_db(only)).state, receiver.heads, await in_db(told)) == ("cancelled", [], [])


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
async def test_what_waits_for_a_key_that_has_ended_is_not_told(receive: Receive, ended: str) -> None:
    receiver = await receive(500, 200)
    key = await in_db(hooked, receiver.url)
    await in_db(happens, key)
    await hooks.drain(hooks.lane_of(key))
    await in_db(ApiKey.objects.update, **{ended: timezone.now()})
    await again(key)

    assert ((await in_db(only)).state, len(receiver.heads), await in_db(told)) == ("cancelled", 1, [])


async def test_what_was_withdrawn_is_not_told(receive: Receive) -> None:
    receiver = await receive(200)
    key = await in_db(hooked, receiver.url)
    await in_db(happens, key)
    await in_db(Delivery.objects.update, content=services.ERASED)
    await hooks.drain(hooks.lane_of(key))

    assert ((await in_db(only)).state, receiver.heads) == ("cancelled", [])


async def test_secret_that_cannot_be_read_is_waited_for(receive: Receive, settings: Settings) -> None:
    receiver = await receive(200)
    settings.FIELD_ENCRYPTION_KEYS = [OTHER_KEY]
    key = await in_db(hooked, receiver.url)
    settings.FIELD_ENCRYPTION_KEYS = []
    await in_db(happens, key)
    await hooks.drain(hooks.lane_of(key))
    assert ((await in_db(only)).error, receiver.heads) == ("Its secret cannot be read.", [])

    settings.FIELD_ENCRYPTION_KEYS = [OTHER_KEY]
    await again(key)
    assert (await in_db(only)).state == "sent"


async def test_address_that_is_not_public_is_never_called(receive: Receive, settings: Settings) -> None:
    settings.OUTWARD_ALLOW_PRIVATE = False
    receiver = await receive(200)
    key = await in_db(hooked, receiver.url)
    await in_db(happens, key)
    await hooks.drain(hooks.lane_of(key))

    row = await in_db(only)
    assert (row.state, row.error_kind, receiver.heads) == ("failed", "private", [])


async def test_slow_receiver_holds_up_no_other(receive: Receive) -> None:
    slow, quick = await receive(None), await receive(200)
    waiting, done = await in_db(hooked, slow.url, 1), await in_db(hooked, quick.url, 2)
    await in_db(happens, waiting, done)
    task = asyncio.create_task(hooks.drain(hooks.lane_of(waiting)))
    await hooks.drain(hooks.lane_of(done))

    states = await in_db(lambda: dict(Delivery.objects.values_list("lane", "state")))
    assert states[hooks.lane_of(done)] == "sent"
    assert states[hooks.lane_of(waiting)] != "sent"
    slow.close()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_receiver_gets_few_calls_at_the_same_time(receive: Receive) -> None:
    receiver = await receive(200)
    key = await in_db(hooked, receiver.url)
    for number in range(hooks.MOST + 2):
        await in_db(happens, key, event_id=f"e{number}")

    assert [await hooks.drain(hooks.lane_of(key)) for _step in range(3)] == [True, True, False]
    assert (len(receiver.heads), receiver.busiest <= hooks.MOST) == (hooks.MOST + 2, True)


def test_same_event_is_announced_once(now: datetime) -> None:
    key = hooked("https://site.example/in")
    for _again in range(2):
        happens(key)

    assert only().key == f"hook:{key}:e1"


async def test_call_whose_process_died_goes_out_again_with_its_id(receive: Receive) -> None:
    receiver = await receive(200)
    key = await in_db(hooked, receiver.url)
    await in_db(happens, key)
    row = await in_db(only)
    await in_db(Delivery.objects.update, state="sending", worker="gone", attempts=1)
    await in_db(services.return_abandoned, [row.pk], timezone.now())
    await again(key)

    assert [head["webhook-id"] for head in receiver.heads] == ["e1"]


async def test_neither_payload_nor_secret_is_in_a_log(receive: Receive) -> None:
    key = await in_db(hooked, (await receive(500)).url)
    await in_db(happens, key, status_reason="bumblebee")
    with capture_logs() as logs:
        await hooks.drain(hooks.lane_of(key))

    assert logs
    assert not any(word in repr(logs) for word in ("bumblebee", "whsec_"))
