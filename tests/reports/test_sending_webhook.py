"""A report for somebody's program: signed, to public addresses only, again later when it is not taken."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from core.claims import WORKER
from core.db import in_db
from delivery import hooks, services
from delivery.errors import DeliveryError
from delivery.models import Delivery
from delivery.webhooks import new_secret
from reports.models import Report, ReportTask
from reports.sending import webhook
from reports.services import ordering
from tests.receiver import Receive, receiving
from tests.reports import making, working
from tests.reports.working import NOON, YESTERDAY

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]

SECRET = new_secret()


@pytest_asyncio.fixture
async def receive(settings: Settings) -> AsyncIterator[Receive]:
    settings.OUTWARD_ALLOW_PRIVATE = True
    async with receiving() as start:
        yield start


def given(url: str, kind: str = "") -> Delivery:
    """A finished report on its way to a program; ``kind``: of the error that it could not be made for."""
    profile = making.make_profile(making.owner())
    making.make_day(profile, YESTERDAY.last, views=640)
    task = ReportTask.objects.get(profile=profile)
    task.hook_url, task.hook_secret = url, SECRET
    task.save()
    report = working.ordered([making.fresh(profile)], NOON, kind=Report.Kind.SCHEDULED)
    part = report.parts.get()
    if kind:
        ordering.part_failed(part, kind)
    else:
        ordering.part_done(part, {}, NOON)
    working.settle(report)
    return fresh(working.deliveries(report)["hook"])


def fresh(row: Delivery, hours: int = 0) -> Delivery:
    row.created_at = timezone.now() - timedelta(hours=hours)
    return row


async def test_the_call_is_signed_and_holds_the_figures_as_text(receive: Receive) -> None:
    receiver = await receive(204)
    row = await in_db(given, receiver.url)
    await webhook.send(row)

    [body], [head] = receiver.bodies, receiver.heads
    event: dict[str, Any] = json.loads(body)
    assert (event["event"], event["event_id"]) == ("report.ready", row.content["report"])
    assert event["payload"]["profile"] == "Север"
    assert '"640"' in body.decode()
    signed = hooks.signed(event["event_id"], int(head["webhook-timestamp"]), body, SECRET)
    assert head["webhook-signature"] == signed["webhook-signature"]
    assert head["webhook-id"] == row.content["report"]


async def test_a_report_that_could_not_be_made_is_an_event_too(receive: Receive) -> None:
    receiver = await receive(204)
    await webhook.send(await in_db(given, receiver.url, "bad_credentials"))

    event = json.loads(receiver.bodies[0])
    assert (event["event"], event["payload"]["error"]) == ("report.failed", "bad_credentials")


@pytest.mark.parametrize("status", [500, 404, 302])
async def test_what_is_not_taken_goes_again_later(receive: Receive, status: int) -> None:
    receiver = await receive(status)
    row = await in_db(given, receiver.url)
    with pytest.raises(DeliveryError) as refused:
        await webhook.send(row)

    assert (refused.value.permanent, refused.value.retry_after) == (False, 10.0)
    assert len(receiver.heads) == 1


async def test_after_hours_it_is_given_up(receive: Receive) -> None:
    receiver = await receive(500)
    row = await in_db(given, receiver.url)
    with pytest.raises(DeliveryError) as refused:
        await webhook.send(fresh(row, 9))

    assert refused.value.permanent


async def test_a_private_address_is_never_called(settings: Settings) -> None:
    settings.OUTWARD_ALLOW_PRIVATE = False
    row = await in_db(given, "http://127.0.0.1:8080/hook")
    with pytest.raises(DeliveryError) as refused:
        await webhook.send(row)

    assert (refused.value.kind, refused.value.permanent) == ("private", True)


async def test_gone_switches_it_off_and_its_owner_is_told(receive: Receive) -> None:
    receiver = await receive(410)
    row = await in_db(given, receiver.url)
    with pytest.raises(DeliveryError) as refused:
        await webhook.send(row)
    await in_db(failed, row, refused.value)

    task = await in_db(ReportTask.objects.defer("hook_secret").get)
    assert task.hook_url == ""
    assert any("switched the webhook off" in text for text in await in_db(told))


async def test_a_secret_that_cannot_be_opened_is_said(receive: Receive) -> None:
    receiver = await receive(204)
    row = await in_db(given, receiver.url)
    await in_db(spoil)
    with pytest.raises(DeliveryError) as refused:
        await webhook.send(row)

    assert (refused.value.kind, refused.value.permanent) == ("no secret", True)
    assert receiver.heads == []


async def test_a_failure_is_told_once_until_one_arrives_again(receive: Receive) -> None:
    """Each of three planned reports fails; the chat has all of them, its owner one word about the program."""
    rows = [await in_db(given_again, number) for number in range(3)]
    for row in rows:
        await in_db(failed, row, DeliveryError("http", "HTTP 500", permanent=True))

    said = await in_db(told)
    assert len([text for text in said if "webhook" in text]) == 1
    assert len([text for text in said if text.startswith("📊")]) == 3


async def test_the_secret_and_the_address_stand_in_no_delivery_and_no_word(receive: Receive) -> None:
    receiver = await receive(500)
    row = await in_db(given, receiver.url)
    with pytest.raises(DeliveryError) as refused:
        await webhook.send(row)
    await in_db(failed, row, DeliveryError("http", str(refused.value), permanent=True))

    kept = await in_db(lambda: str(list(Delivery.objects.values())))
    assert SECRET not in kept
    assert receiver.url not in kept


def given_again(number: int) -> Delivery:
    """Another planned report of the same profile."""
    if number == 0:
        return given("https://example.com/hook")
    task = ReportTask.objects.select_related("profile__owner").get()
    moment = NOON + timedelta(days=number)
    report = working.ordered([task.profile], moment, kind=Report.Kind.SCHEDULED)
    ordering.part_done(report.parts.get(), {}, moment)
    working.settle(report, moment)
    return working.deliveries(report)["hook"]


def failed(row: Delivery, error: DeliveryError) -> None:
    """As the outbox records it."""
    Delivery.objects.filter(pk=row.pk).update(state=Delivery.State.SENDING, worker=WORKER)
    services.record_error(row, error, timezone.now())


def told() -> list[str]:
    rows = Delivery.objects.filter(backend="telegram").order_by("pk")
    return [row.content["params"].get("text", "") for row in rows]


def spoil() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE reports_reporttask SET hook_secret = 'gAAAA'")
