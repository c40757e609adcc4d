"""Events of reminders posted to the address of the key that made them."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from django.utils import timezone
from pytest_django import Settings
from structlog.testing import capture_logs

from accounts.models import ApiKey, AuditEntry, User
from core.db import in_db
from delivery.hooks import MOST, signed
from delivery.models import Delivery, Webhook
from delivery.webhooks import create_webhook
from reminders import events
from reminders.models import Occurrence, Reminder, Status
from reminders.services import pause
from tests.receiver import Receive, receiving
from tests.reminders.making import HOUR, fire, key, once

pytestmark = pytest.mark.django_db(transaction=True)
State = Occurrence.State
TEXT = {"text": "Tea"}


@pytest.fixture(autouse=True)
def _neighbours(settings: Settings) -> None:
    """The receivers of these tests are on this machine."""
    settings.OUTWARD_ALLOW_PRIVATE, settings.REDIS_URL = True, ""


@pytest_asyncio.fixture
async def receive() -> AsyncIterator[Receive]:
    async with receiving() as start:
        yield start


def hooked(url: str) -> ApiKey:
    """A key with a webhook."""
    made = key(timezone.now())[0]
    create_webhook(made, url, by=None, via="admin", now=timezone.now())
    return made


def due(person: User, by: ApiKey) -> Occurrence:
    now = timezone.now()
    return fire(once(person, now + HOUR, now, payload=TEXT, created_by_key=by), now + HOUR)


def lane(by: ApiKey) -> str:
    return f"event:webhook:{by.pk}"


async def state_of(occurrence: Occurrence) -> str:
    await in_db(occurrence.refresh_from_db)
    return occurrence.state


def test_signature_is_the_one_that_the_standard_publishes() -> None:
    """The vector of https://docs.svix.com/receiving/verifying-payloads/how-manual"""
    body, secret = b'{"event_type":"ping","data":{"success":true}}', "whsec_plJ3nmyCDGBKInavdOK15jsl"
    headers = signed("msg_loFOjxBNrRLzqYUf", 1731705121, body, secret)

    assert headers["webhook-signature"] == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("msg_loFOjxBNrRLzqYUf", "1731705121")


async def test_receiver_gets_the_event_and_can_tell_that_it_is_from_us(member: User, receive: Receive) -> None:
    receiver = await receive(204)
    by = await in_db(hooked, receiver.url)
    occurrence = await in_db(due, member, by)
    before = timezone.now()
    assert await events.drain(lane(by))
    after = timezone.now()

    [head], [body] = receiver.heads, receiver.bodies
    secret = base64.b64decode((await in_db(Webhook.objects.get)).secret.removeprefix("whsec_"))
    content = f"{head['webhook-id']}.{head['webhook-timestamp']}.".encode() + body
    signature = base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
    assert head["webhook-signature"] == f"v1,{signature}"
    assert before.timestamp() - 1 <= int(head["webhook-timestamp"]) <= after.timestamp() + 1
    said = json.loads(body)
    assert (said["event"], said["event_id"], said["attempt"]) == ("reminder_triggered", str(occurrence.pk), 1)
    assert said["payload"]["payload"] == TEXT


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_any_good_answer_acknowledges(member: User, receive: Receive, status: int) -> None:
    receiver = await receive(status)
    by = await in_db(hooked, receiver.url)
    occurrence = await in_db(due, member, by)
    await events.drain(lane(by))

    assert (await state_of(occurrence), occurrence.claimed_by) == (State.ACKED, "webhook")
    assert (await in_db(Delivery.objects.get, backend="event")).state == "sent"
    assert (await in_db(Reminder.objects.get)).status == Status.COMPLETED
    assert not await events.drain(lane(by))


async def test_good_answer_counts_whatever_comes_with_it(member: User, receive: Receive) -> None:
    receiver = await receive(200)
    receiver.body = b"x" * 2_000_000
    by = await in_db(hooked, receiver.url)
    occurrence = await in_db(due, member, by)
    await events.drain(lane(by))

    assert await state_of(occurrence) == State.ACKED


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
async def test_any_other_answer_is_tried_again_later(member: User, receive: Receive, status: int) -> None:
    receiver = await receive(status)
    by = await in_db(hooked, receiver.url)
    occurrence = await in_db(due, member, by)
    before = timezone.now()
    await events.drain(lane(by))
    after = timezone.now()

    assert (await state_of(occurrence), occurrence.error) == (State.RETRY_WAIT, f"HTTP {status}")
    first, second = await in_db(lambda: list(Delivery.objects.filter(backend="event").order_by("id")))
    assert (first.state, first.error, second.state) == ("failed", f"HTTP {status}", "queued")
    assert second.not_before is not None
    assert before + timedelta(seconds=9) <= second.not_before <= after + timedelta(seconds=11)
    assert len(receiver.heads) == 1, "no redirect is followed"


async def test_next_attempt_has_the_same_id_and_a_fresh_signature(member: User, receive: Receive) -> None:
    receiver = await receive(500, 200)
    by = await in_db(hooked, receiver.url)
    occurrence = await in_db(due, member, by)
    await events.drain(lane(by))
    await in_db(Delivery.objects.filter(backend="event").update, not_before=None)
    await events.drain(lane(by))

    assert await state_of(occurrence) == State.ACKED
    assert {head["webhook-id"] for head in receiver.heads} == {str(occurrence.pk)}
    assert [json.loads(body)["attempt"] for body in receiver.bodies] == [1, 2]
    assert len({head["webhook-signature"] for head in receiver.heads}) == 2


async def test_receiver_that_always_refuses_is_given_up_after_five_attempts(member: User, receive: Receive) -> None:
    receiver = await receive(500)
    by = await in_db(hooked, receiver.url)
    occurrence = await in_db(due, member, by)
    for _attempt in range(7):
        await in_db(Delivery.objects.filter(backend="event").update, not_before=None)
        await events.drain(lane(by))

    assert (await state_of(occurrence), len(receiver.heads)) == (State.DEAD, 5)
    assert (await in_db(Reminder.objects.get)).needs_attention


async def test_receiver_that_is_gone_is_switched_off_and_somebody_told(member: User, receive: Receive) -> None:
    receiver = await receive(410)
    by = await in_db(hooked, receiver.url)
    occurrence = await in_db(due, member, by)
    await events.drain(lane(by))

    assert not (await in_db(Webhook.objects.get)).enabled
    assert (await state_of(occurrence), occurrence.error) == (State.DEAD, "HTTP 410")
    assert (await in_db(Reminder.objects.get)).needs_attention
    entry = await in_db(AuditEntry.objects.get, action="webhook.disabled")
    assert entry.details == {"reason": "HTTP 410"}


async def test_event_of_a_webhook_that_was_switched_off_is_given_up(member: User, receive: Receive) -> None:
    receiver = await receive(200)
    by = await in_db(hooked, receiver.url)
    occurrence = await in_db(due, member, by)
    await in_db(Webhook.objects.update, enabled=False)
    await events.drain(lane(by))

    assert (await state_of(occurrence), receiver.heads) == (State.DEAD, [])


async def test_webhook_whose_secret_cannot_be_read_is_not_called_and_says_so(
    member: User, receive: Receive, settings: Settings
) -> None:
    receiver = await receive(200)
    settings.FIELD_ENCRYPTION_KEYS = ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]
    by = await in_db(hooked, receiver.url)
    settings.FIELD_ENCRYPTION_KEYS = []
    occurrence = await in_db(due, member, by)
    with capture_logs() as logs:
        await events.drain(lane(by))

    assert receiver.heads == []
    assert (await state_of(occurrence), occurrence.error) == (State.RETRY_WAIT, "there is no webhook that can be used")
    assert "Put its key back into FIELD_ENCRYPTION_KEYS" in logs[0]["error"]


async def test_address_that_is_not_public_is_not_called(member: User, receive: Receive, settings: Settings) -> None:
    settings.OUTWARD_ALLOW_PRIVATE = False
    receiver = await receive(200)
    by = await in_db(hooked, receiver.url)
    occurrence = await in_db(due, member, by)
    await events.drain(lane(by))

    assert await state_of(occurrence) == State.RETRY_WAIT
    assert (await in_db(Delivery.objects.get, backend="event", state="failed")).error_kind == "private"
    assert receiver.heads == []


async def test_slow_receiver_holds_up_no_other(member: User, receive: Receive) -> None:
    slow, quick = await receive(None), await receive(200)
    by_slow, by_quick = await in_db(hooked, slow.url), await in_db(hooked, quick.url)
    waiting, done = await in_db(due, member, by_slow), await in_db(due, member, by_quick)
    task = asyncio.create_task(events.drain(lane(by_slow)))
    await events.drain(lane(by_quick))

    assert (await state_of(waiting), await state_of(done)) == (State.QUEUED, State.ACKED)
    slow.close()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_receiver_gets_few_calls_at_the_same_time(member: User, receive: Receive) -> None:
    receiver = await receive(200)
    by = await in_db(hooked, receiver.url)
    for _n in range(MOST + 2):
        await in_db(due, member, by)

    assert [await events.drain(lane(by)) for _step in range(3)] == [True, True, False]
    assert (len(receiver.heads), receiver.busiest <= MOST) == (MOST + 2, True)


async def test_reminder_that_was_paused_before_the_call_is_not_told(member: User, receive: Receive) -> None:
    receiver = await receive(200)
    by = await in_db(hooked, receiver.url)
    await in_db(due, member, by)
    await in_db(pause, await in_db(Reminder.objects.get), by=None, via="chat", now=timezone.now())

    assert not await events.drain(lane(by))
    assert receiver.heads == []


async def test_neither_payload_nor_secret_is_in_a_log(member: User, receive: Receive) -> None:
    receiver = await receive(500)
    by = await in_db(hooked, receiver.url)
    await in_db(due, member, by)
    with capture_logs() as logs:
        await events.drain(lane(by))

    assert logs
    assert not any(secret in repr(logs) for secret in ("Tea", "whsec_"))
