"""The outbox: what is enqueued leaves once, in order, and whatever happens to it is on record."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from core.claims import WORKER
from core.db import in_db
from core.trace import trace
from delivery import outbox, services
from delivery.errors import WAITING, DeliveryError
from delivery.models import Delivery, Doubt
from delivery.services import Sent, backoff
from delivery.signals import delivery_ended_badly
from tests.delivery import paper

LANE = "out:1:7"


def row(key: str = "k", **facts: Any) -> Delivery:
    """A message that is not saved."""
    values = {"lane": LANE, "source": "t", "backend": "paper", "content": {"text": "hi"}, **facts}
    return Delivery(key=key, **values)


def sending(key: str = "k", **facts: Any) -> Delivery:
    """A message that this process is sending."""
    found = row(key, **{"state": "sending", "worker": WORKER, "attempts": 1, **facts})
    found.save()
    return found


def states() -> list[str]:
    return list(Delivery.objects.order_by("id").values_list("state", flat=True))


@pytest.fixture(autouse=True)
def _paper(settings: Settings) -> Iterator[None]:
    settings.DELIVERY_BACKENDS = {**settings.DELIVERY_BACKENDS, "paper": "tests.delivery.paper.send"}
    paper.forget()
    yield
    paper.forget()


@pytest.fixture
def ended() -> Iterator[list[tuple[str, str, str]]]:
    """Key, state and kind of what ended badly."""
    heard: list[tuple[str, str, str]] = []

    def listen(delivery: Delivery, **_more: Any) -> None:
        heard.append((delivery.key, delivery.state, delivery.error_kind))

    delivery_ended_badly.connect(listen)
    yield heard
    delivery_ended_badly.disconnect(listen)


# --- enqueueing -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_key_that_is_there_already_changes_nothing() -> None:
    services.enqueue([row("a", content={"text": "first"})])
    services.enqueue([row("a", content={"text": "second"}), row("b")])

    assert [(found.key, found.content) for found in Delivery.objects.order_by("id")] == [
        ("a", {"text": "first"}), ("b", {"text": "hi"}),
    ]  # fmt: skip


@pytest.mark.django_db
def test_message_carries_the_trace_of_its_cause() -> None:
    with trace("abc"):
        services.enqueue([row("a"), row("b", trace_id="of its own")])

    assert list(Delivery.objects.order_by("id").values_list("trace_id", flat=True)) == ["abc", "of its own"]


@pytest.mark.django_db
def test_enqueueing_nothing_is_nothing() -> None:
    services.enqueue([])

    assert not Delivery.objects.exists()


# --- what became of an attempt --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_sent_message_keeps_its_number_and_result(now: datetime) -> None:
    delivery = sending(error="an earlier fault", error_kind="network")
    services.record_sent([(delivery, Sent(42, {"chat_id": 8}), now)])

    delivery.refresh_from_db()
    assert (delivery.state, delivery.message_id, delivery.result) == ("sent", 42, {"chat_id": 8})
    assert (delivery.finished_at, delivery.error, delivery.error_kind) == (now, "", "")


@pytest.mark.django_db
def test_many_are_recorded_in_one_statement_and_only_while_this_worker_holds_them(now: datetime) -> None:
    for record in (
        services.record_all_sent,
        services.record_all_needless,
        lambda rows, at: services.put_back(rows, 30, at),
    ):
        Delivery.objects.all().delete()
        rows = [sending("a"), sending("b"), sending("c", worker="other"), row("d")]
        rows[3].save()

        assert record(rows, now) == 2
        assert states()[2:] == ["sending", "queued"]


@pytest.mark.django_db
def test_what_had_nobody_to_go_to_waits_and_counts_no_attempt(now: datetime, ended: list[Any]) -> None:
    delivery = sending(attempts=4)
    services.put_back([delivery], 30, now)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.not_before) == ("queued", 3, now + timedelta(seconds=30))
    assert ended == []


@pytest.mark.django_db
def test_what_was_refused_and_is_followed_by_another_is_told_to_nobody(now: datetime, ended: list[Any]) -> None:
    delivery = sending()
    services.record_refused(delivery, "http", "HTTP 500", now)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.error_kind, delivery.error) == ("failed", "http", "HTTP 500")
    assert (delivery.finished_at, ended) == (now, [])


@pytest.mark.django_db
def test_pause_that_was_asked_for_is_no_attempt(now: datetime, ended: list[Any]) -> None:
    delivery = sending(attempts=3)
    services.record_error(delivery, DeliveryError("flood", retry_after=17.5), now)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.repeated) == ("queued", 2, False)
    assert delivery.not_before == now + timedelta(seconds=17.5)
    assert ended == []


@pytest.mark.django_db
def test_passing_fault_is_tried_again_after_a_while(now: datetime, ended: list[Any]) -> None:
    delivery = sending(attempts=3)
    services.record_error(delivery, DeliveryError("network", "Bad Gateway"), now)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.repeated) == ("queued", 3, False)
    assert (delivery.error_kind, delivery.error) == ("network", "Bad Gateway")
    assert delivery.not_before is not None
    assert timedelta(seconds=3.2) <= delivery.not_before - now <= timedelta(seconds=4.8)
    assert ended == []


@pytest.mark.django_db
def test_doubtful_attempt_is_repeated_with_a_mark_that_stays(now: datetime) -> None:
    delivery = sending()
    services.record_error(delivery, DeliveryError("network", doubt=True), now)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.repeated) == ("queued", True)

    Delivery.objects.update(state="sending")
    services.record_error(delivery, DeliveryError("network"), now)
    delivery.refresh_from_db()
    assert delivery.repeated


@pytest.mark.django_db
def test_doubt_about_what_must_not_repeat_is_left_to_a_person(now: datetime, ended: list[Any]) -> None:
    services.record_error(sending(on_doubt=Doubt.ASK), DeliveryError("network", doubt=True), now)

    assert states() == ["unknown"]
    assert ended == [("k", "unknown", "network")]


@pytest.mark.django_db
def test_what_must_not_repeat_is_tried_again_when_there_is_no_doubt(now: datetime) -> None:
    services.record_error(sending(on_doubt=Doubt.ASK), DeliveryError("network"), now)

    assert states() == ["queued"]


@pytest.mark.django_db
def test_error_that_stays_ends_the_message_at_once(now: datetime, ended: list[Any]) -> None:
    delivery = sending()
    services.record_error(delivery, DeliveryError("forbidden", "x" * 600, permanent=True), now)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.finished_at, delivery.error) == ("failed", now, "x" * 500)
    assert ended == [("k", "failed", "forbidden")]


@pytest.mark.django_db
def test_tenth_attempt_is_the_last(now: datetime, ended: list[Any]) -> None:
    services.record_error(sending("a", attempts=9), DeliveryError("network"), now)
    services.record_error(sending("b", attempts=10), DeliveryError("network"), now)

    assert states() == ["queued", "failed"]
    assert ended == [("b", "failed", "network")]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "error", [DeliveryError("x", permanent=True), DeliveryError("x"), DeliveryError("x", retry_after=1)]
)
def test_worker_that_lost_its_message_can_no_longer_settle_it(
    error: DeliveryError, now: datetime, ended: list[Any]
) -> None:
    delivery = sending(worker="another:2:bb", on_doubt=Doubt.ASK)
    services.record_error(delivery, error, now)
    services.record_sent([(delivery, Sent(1), now)])

    assert states() == ["sending"]
    assert ended == []


@pytest.mark.django_db
def test_listener_that_fails_undoes_the_record(now: datetime) -> None:
    def fails(**_values: Any) -> None:
        raise LookupError

    delivery = sending()
    delivery_ended_badly.connect(fails)
    try:
        with pytest.raises(LookupError):
            services.record_error(delivery, DeliveryError("x", permanent=True), now)
    finally:
        delivery_ended_badly.disconnect(fails)

    assert states() == ["sending"]


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 1), (2, 2), (3, 4), (10, 512), (11, 600), (500, 600)])
def test_pauses_double_up_to_ten_minutes_and_no_two_are_alike(attempts: int, seconds: float) -> None:
    pauses = [backoff(attempts) for _time in range(50)]

    assert all(0.8 * seconds <= pause <= 1.2 * seconds for pause in pauses)
    assert len(set(pauses)) > 40


# --- a worker that died ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_start_settles_what_another_process_left_in_the_middle(ended: list[Any]) -> None:
    later = timezone.now() + timedelta(minutes=2)
    sending("again", worker="dead:1:aa", lease_until=later)
    sending("ask", worker="dead:1:aa", lease_until=later, on_doubt=Doubt.ASK)
    sending("mine", lease_until=later)

    assert outbox.recover(everything=True) == 2
    assert states() == ["queued", "unknown", "sending"]
    assert Delivery.objects.get(key="again").repeated
    unknown = Delivery.objects.get(key="ask")
    assert (unknown.error_kind, unknown.error) == ("crash", "The process died while sending.")
    assert unknown.finished_at is not None
    assert ended == [("ask", "unknown", "crash")]


@pytest.mark.django_db
def test_lease_that_is_over_returns_the_message() -> None:
    sending("over", lease_until=timezone.now() - timedelta(seconds=1))
    sending("not yet", lease_until=timezone.now() + timedelta(minutes=1))

    assert outbox.recover(everything=False) == 1
    assert states() == ["queued", "sending"]


@pytest.mark.django_db
def test_message_that_kills_its_process_again_and_again_has_failed(now: datetime, ended: list[Any]) -> None:
    fatal = sending("fatal", attempts=services.MAX_ATTEMPTS)
    services.return_abandoned([fatal.pk], now)

    assert states() == ["failed"]
    assert ended == [("fatal", "failed", "crash")]


@pytest.mark.django_db
def test_message_that_was_settled_meanwhile_is_left_alone(now: datetime, ended: list[Any]) -> None:
    delivery = sending(on_doubt=Doubt.ASK)
    services.record_sent([(delivery, Sent(1), now)])
    services.return_abandoned([delivery.pk], now)

    assert states() == ["sent"]
    assert ended == []


# --- people ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("state", Delivery.State.values)
def test_only_a_message_that_waits_can_be_taken_back(state: str, now: datetime) -> None:
    delivery = row(state=state)
    delivery.save()

    assert services.cancel(delivery, now=now) is (state == "queued")
    assert states() == ["cancelled" if state == "queued" else state]


@pytest.mark.django_db
@pytest.mark.parametrize("state", Delivery.State.values)
def test_only_a_message_that_ended_without_arriving_can_be_sent_again(state: str, now: datetime) -> None:
    delivery = row(state=state, attempts=10, finished_at=now)
    delivery.save()
    possible = state in ("failed", "unknown", "cancelled")

    assert services.retry(delivery, now=now) is possible
    delivery.refresh_from_db()
    assert delivery.state == ("queued" if possible else state)
    if possible:
        assert (delivery.attempts, delivery.not_before, delivery.finished_at) == (0, now, None)
        assert delivery.repeated is (state == "unknown")


@pytest.mark.django_db
def test_failed_message_that_may_have_arrived_before_keeps_its_mark(now: datetime) -> None:
    delivery = row(state="failed", repeated=True)
    delivery.save()
    services.retry(delivery, now=now)

    delivery.refresh_from_db()
    assert delivery.repeated


@pytest.mark.django_db
def test_two_operators_send_it_again_once(now: datetime) -> None:
    delivery = row(state="failed")
    delivery.save()

    assert [services.retry(delivery, now=now), services.retry(delivery, now=now)] == [True, False]


@pytest.mark.django_db
def test_old_messages_are_forgotten_but_never_one_that_waits(settings: Settings, now: datetime) -> None:
    settings.KEEP_DELIVERIES_DAYS = 90
    for state in Delivery.State.values:
        row(f"old {state}", state=state, created_at=now - timedelta(days=91)).save()
    row("young", state="sent", created_at=now - timedelta(days=89)).save()

    assert services.forget_old_deliveries(now) == 4
    assert set(Delivery.objects.values_list("key", flat=True)) == {"old queued", "old sending", "young"}


@pytest.mark.django_db
def test_request_for_a_job_is_a_row(now: datetime) -> None:
    request = services.request_job("sync_models", "M" * 200, now)

    assert (request.job_id, request.requested_by, request.requested_at) == ("sync_models", "M" * 150, now)
    assert request.started_at is None


# --- draining -------------------------------------------------------------------------------------------------------


async def enqueue(*rows: Delivery) -> None:
    await in_db(services.enqueue, rows)


@pytest.mark.django_db(transaction=True)
async def test_lane_is_drained_in_order_one_message_a_step() -> None:
    await enqueue(row("a"), row("b"), row("other", lane="out:1:8"))

    assert [await outbox.drain(LANE) for _step in range(3)] == [True, True, False]
    assert paper.written == ["a", "b"]


@pytest.mark.django_db(transaction=True)
async def test_message_in_trouble_holds_its_own_lane_only(ended: list[Any]) -> None:
    paper.troubles[:] = [DeliveryError("flood", retry_after=60)]
    await enqueue(row("a"), row("b"), row("other", lane="out:1:8"))

    assert await outbox.drain(LANE)
    assert not await outbox.drain(LANE)
    assert await outbox.drain("out:1:8")
    assert paper.written == ["other"]
    assert ended == []


@pytest.mark.django_db(transaction=True)
async def test_message_that_ended_badly_lets_the_next_go(ended: list[Any]) -> None:
    paper.troubles[:] = [DeliveryError("rejected", permanent=True)]
    await enqueue(row("a"), row("b"))
    while await outbox.drain(LANE):
        pass

    assert paper.written == ["b"]
    assert ended == [("a", "failed", "rejected")]


@pytest.mark.django_db(transaction=True)
async def test_bug_in_a_backend_is_on_record_and_not_repeated(ended: list[Any]) -> None:
    paper.troubles[:] = [ZeroDivisionError("oh")]
    await enqueue(row("a"))

    assert await outbox.drain(LANE)
    assert not await outbox.drain(LANE)
    assert ended == [("a", "failed", "bug")]


@pytest.mark.django_db(transaction=True)
async def test_message_that_was_withdrawn_on_its_way_is_not_tried_again(ended: list[Any]) -> None:
    await in_db(sending, "withdrawn", worker="dead:1:aa")
    await in_db(services.withdraw, Delivery.objects.all(), timezone.now())
    assert await in_db(outbox.recover, everything=True) == 1

    assert await outbox.drain(LANE)
    assert paper.written == []
    assert await in_db(states) == ["cancelled"]
    assert ended == []


@pytest.fixture
def _counted(settings: Settings) -> Iterator[None]:
    settings.DELIVERY_ROOM = ("tests.delivery.paper.room", "tests.delivery.paper.give_back")
    outbox._room.cache_clear()
    yield
    outbox._room.cache_clear()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_counted")
@pytest.mark.parametrize(
    ("content", "trouble", "back"),
    [
        ({"text": "hi"}, None, False),
        ({"text": "hi"}, DeliveryError("flood", retry_after=1.0), False),
        ({"text": "hi"}, DeliveryError("network", doubt=True), False),
        ({"text": "hi"}, RuntimeError("a bug"), False),
        ({"text": "hi"}, DeliveryError(WAITING, retry_after=1.0), True),
        (services.ERASED, None, True),
        (None, None, True),  # the lane is empty
    ],
)
async def test_turn_of_a_lane_comes_back_when_nothing_was_sent(
    content: dict[str, Any] | None, trouble: Exception | None, back: bool
) -> None:
    if content is not None:
        await in_db(row(content=content).save)
    if trouble is not None:
        paper.troubles.append(trouble)
    await outbox.drain(LANE)

    assert paper.turns == [f"took {LANE}", *([f"gave {LANE} back"] if back else [])]
