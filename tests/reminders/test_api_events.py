"""Events over REST: acknowledged, refused, prolonged, found among the dead and sent again."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import AuditEntry, User
from delivery.models import Delivery
from reminders import services
from reminders.models import Occurrence, Reminder
from tests.reminders.making import fire
from tests.reminders.rest import Service, flaws, problem

pytestmark = pytest.mark.django_db

State = Occurrence.State
TASK = {"check": "stock"}
ASSISTANT = "11111111-2222-3333-4444-555555555555"
VERBS = ["ack", "nack", "extend"]


@pytest.fixture(autouse=True)
def redis_is_set(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:6379/0"


@pytest.fixture
def event(service: Service, member: User) -> Occurrence:
    """An event that a program outside must acknowledge; its time is now."""
    return fired(service)


def fired(service: Service, **changed: Any) -> Occurrence:
    made = service.created(payload=TASK, assistant_id=ASSISTANT, **changed)
    occurrence = fire(Reminder.objects.select_related("schedule").get(pk=made["id"]))
    service.now = max(service.now, occurrence.planned_at)
    assert occurrence.awaits_ack
    return occurrence


def tell(service: Service, event: Occurrence, verb: str, body: Any = None) -> Any:
    return service.post(f"events/{event.pk}/{verb}", body)


def taken_by(service: Service, event: Occurrence, who: str) -> None:
    assert services.take(event, who=who, now=service.now)


def kill(service: Service, event: Occurrence) -> None:
    Occurrence.objects.filter(pk=event.pk).update(state=State.CLAIMED, attempts=services.ATTEMPTS)
    event.refresh_from_db()
    services.nack(event, who="redis:a", error="no stock", now=service.now)
    event.refresh_from_db()
    assert event.state == State.DEAD


def reminder(service: Service, event: Occurrence) -> Any:
    return service.get(str(event.reminder_id)).json()


# --- acknowledged ---------------------------------------------------------------------------------------------------


def test_ack_records_the_result_and_completes_what_fires_once(service: Service, event: Occurrence) -> None:
    taken_by(service, event, "redis:a")
    answer = tell(service, event, "ack", {"result": "7 pieces left"})
    shown = answer.json()
    assert answer.status_code == 200
    assert (shown["event_id"], shown["state"], shown["result"]) == (str(event.pk), "acked", "7 pieces left")
    assert shown["acked_at"] == "2026-11-20T10:00:00Z"
    assert reminder(service, event)["status"] == "completed"


def test_series_goes_on_after_an_ack(service: Service, member: User) -> None:
    event = fired(service, cron_expression="0 10 * * *", timezone="UTC")
    assert tell(service, event, "ack").json()["state"] == "acked"
    assert reminder(service, event)["status"] == "active"


@pytest.mark.parametrize("body", [None, {}, {"result": ""}])
def test_ack_needs_no_words(service: Service, event: Occurrence, body: Any) -> None:
    assert tell(service, event, "ack", body).json()["result"] == "done"


def test_ack_twice_is_fine_and_the_first_stands(service: Service, event: Occurrence) -> None:
    tell(service, event, "ack", {"result": "first"})
    service.now += timedelta(minutes=1)
    answer = tell(service, event, "ack", {"result": "second"})
    assert (answer.status_code, answer.json()["result"]) == (200, "first")
    assert answer.json()["acked_at"] == "2026-11-20T10:00:00Z"


def test_ack_after_the_lease_counts_and_the_next_attempt_is_dropped(service: Service, event: Occurrence) -> None:
    taken_by(service, event, "redis:a")
    service.now += timedelta(seconds=61)
    assert services.release_expired(service.now) == 1
    assert Delivery.objects.filter(state="queued", backend="event").exists()
    assert tell(service, event, "ack").json()["state"] == "acked"
    assert not Delivery.objects.filter(state="queued", backend="event").exists()


def test_ack_of_what_was_given_up_counts(service: Service, event: Occurrence) -> None:
    kill(service, event)
    assert tell(service, event, "ack").json()["state"] == "acked"
    assert reminder(service, event)["needs_attention"] is False


def test_ack_of_a_cancelled_reminder_is_recorded_as_such(service: Service, event: Occurrence) -> None:
    taken_by(service, event, "redis:a")
    service.delete(str(event.reminder_id))
    shown = tell(service, event, "ack", {"result": "too late"}).json()
    assert (shown["state"], shown["result"]) == ("acked", "cancelled")


def test_ack_of_what_was_withdrawn_changes_nothing(service: Service, event: Occurrence) -> None:
    service.delete(str(event.reminder_id))
    answer = tell(service, event, "ack")
    assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")


# --- whose it is ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS)
def test_event_of_another_key_is_left_to_it(service: Service, event: Occurrence, verb: str) -> None:
    taken_by(service, event, f"key:{service.key.prefix}")
    service.another()
    answer = tell(service, event, verb)
    assert answer.status_code == 403
    assert problem(answer)["detail"] == "Another key has taken this event."
    event.refresh_from_db()
    assert event.state == State.CLAIMED


@pytest.mark.parametrize("verb", VERBS)
def test_event_taken_from_the_list_may_be_answered_over_rest(service: Service, event: Occurrence, verb: str) -> None:
    taken_by(service, event, "redis:a")
    assert tell(service, event, verb).status_code == 200


def test_ack_by_another_key_after_an_ack_is_refused(service: Service, event: Occurrence) -> None:
    tell(service, event, "ack")
    service.another()
    assert tell(service, event, "ack").status_code == 403


@pytest.mark.parametrize("verb", [*VERBS, "replay"])
def test_unknown_event_is_not_found(service: Service, verb: str) -> None:
    answer = service.post(f"events/{ASSISTANT}/{verb}")
    assert answer.status_code == 404
    assert problem(answer)["detail"] == "There is no such event."


@pytest.mark.parametrize(
    ("verb", "body", "wrong"),
    [
        ("ack", {"reslt": "x"}, ("reslt", "unknown-field")),
        ("ack", {"result": 5}, ("result", "wrong-type")),
        ("ack", {"result": "x" * 501}, ("result", "too-long")),
        ("ack", [], ("", "wrong-type")),
        ("nack", {"error": None}, ("error", "wrong-type")),
        ("extend", {"seconds": 0}, ("seconds", "out-of-range")),
        ("extend", {"seconds": 3601}, ("seconds", "out-of-range")),
        ("extend", {"seconds": "60"}, ("seconds", "wrong-type")),
        ("extend", {"minutes": 5}, ("minutes", "unknown-field")),
    ],
)
def test_bad_body_is_refused(service: Service, event: Occurrence, verb: str, body: Any, wrong: tuple[str, str]) -> None:
    assert flaws(tell(service, event, verb, body)) == [wrong]
    event.refresh_from_db()
    assert event.state == State.QUEUED


# --- refused, prolonged ---------------------------------------------------------------------------------------------


def test_nack_lets_it_come_again(service: Service, event: Occurrence) -> None:
    taken_by(service, event, "redis:a")
    shown = tell(service, event, "nack", {"error": "no stock"}).json()
    assert (shown["state"], shown["error"], shown["lease_until"]) == ("retry_wait", "no stock", None)
    again = Delivery.objects.filter(backend="event", state="queued").latest("id")
    assert again.content["occurrence"] == str(event.pk)
    assert again.not_before is not None
    assert 9 <= (again.not_before - service.now).total_seconds() <= 11


def test_nack_of_what_is_done_changes_nothing(service: Service, event: Occurrence) -> None:
    tell(service, event, "ack")
    answer = tell(service, event, "nack", {"error": "x"})
    assert (answer.status_code, answer.json()["state"], answer.json()["error"]) == (200, "acked", "")


def test_lease_is_prolonged_from_now(service: Service, event: Occurrence) -> None:
    taken_by(service, event, "redis:a")
    assert tell(service, event, "extend", {"seconds": 600}).json()["lease_until"] == "2026-11-20T10:10:00Z"
    service.now += timedelta(minutes=2)
    assert tell(service, event, "extend").json()["lease_until"] == "2026-11-20T10:03:00Z"
    assert services.release_expired(service.now) == 0


def test_what_is_done_has_no_lease(service: Service, event: Occurrence) -> None:
    tell(service, event, "ack")
    answer = tell(service, event, "extend")
    assert (answer.status_code, answer.json()["state"], answer.json()["lease_until"]) == (200, "acked", None)


# --- given up -------------------------------------------------------------------------------------------------------


def test_dead_letters_are_listed(service: Service, event: Occurrence) -> None:
    fired(service)
    kill(service, event)
    body = service.get("events?state=dead").json()
    assert [item["event_id"] for item in body["items"]] == [str(event.pk)]
    assert (body["items"][0]["error"], body["items"][0]["attempts"], body["total"]) == ("no stock", 5, 1)
    assert service.get("events?state=dead&state=queued").json()["total"] == 2
    assert service.get("events").json()["total"] == 2
    assert reminder(service, event)["needs_attention"] is True


def test_events_say_nothing_of_what_they_are_about(service: Service, event: Occurrence) -> None:
    assert "stock" not in service.get("events").content.decode()


@pytest.mark.parametrize("state", ["gone", "", "DEAD", "dead,queued"])
def test_unknown_state_is_refused(service: Service, state: str) -> None:
    assert [code for _field, code in flaws(service.get(f"events?state={state}"))] == ["bad-value"]


def test_dead_event_can_go_out_again(service: Service, event: Occurrence) -> None:
    kill(service, event)
    answer = tell(service, event, "replay")
    assert (answer.status_code, answer.json()["state"], answer.json()["error"]) == (200, "queued", "")
    sixth = Delivery.objects.filter(backend="event").latest("id")
    assert (sixth.state, sixth.content["attempt"], sixth.not_before) == ("queued", 6, None)
    assert AuditEntry.objects.get(action="reminder.replayed").details["event"] == str(event.pk)


def test_replay_twice_sends_once(service: Service, event: Occurrence) -> None:
    kill(service, event)
    tell(service, event, "replay")
    assert tell(service, event, "replay").status_code == 200
    assert AuditEntry.objects.filter(action="reminder.replayed").count() == 1


def test_what_is_done_cannot_go_out_again(service: Service, event: Occurrence) -> None:
    tell(service, event, "ack")
    assert flaws(tell(service, event, "replay")) == [("state", "invalid-transition")]


def test_dead_event_of_a_cancelled_reminder_stays_dead(service: Service, event: Occurrence) -> None:
    kill(service, event)
    service.delete(str(event.reminder_id))
    assert flaws(tell(service, event, "replay")) == [("state", "invalid-transition")]


def test_message_of_a_paused_reminder_does_not_go_out_again(service: Service, event: Occurrence) -> None:
    Occurrence.objects.update(state="dead", awaits_ack=False)
    service.patch(str(event.reminder_id), {"status": "paused"})
    answer = tell(service, event, "replay")
    assert flaws(answer) == [("state", "invalid-transition")]
    assert "Resume it first" in answer.json()["detail"]


def test_poison_event_pauses_its_reminder_with_a_reason(service: Service, member: User) -> None:
    event = fired(service, cron_expression="0 * * * *", timezone="UTC")
    for _ in range(4):
        kill(service, event)
        event = fire(event.reminder)
    kill(service, event)
    shown = reminder(service, event)
    assert (shown["status"], shown["needs_attention"]) == ("paused", True)
    assert shown["status_reason"] == "Failed 5 times in a row. The last time: no stock"
