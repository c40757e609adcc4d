"""The inbox's verbs: what is stored, taken, given back, buried and forgotten."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.claims import WORKER
from core.db import in_db
from core.locks import ProcessLock
from telegram_bot import inbox, services
from telegram_bot.incoming import Incoming
from telegram_bot.models import Button, Update
from tests.house import every_statement

pytestmark = pytest.mark.django_db

LANE = "in:1:7:0"


def raw(update_id: int, **more: Any) -> dict[str, Any]:
    return {"update_id": update_id, "message": {"chat": {"id": 7, "type": "private"}, "text": "hi", **more}}


def row(update_id: int = 1, **facts: Any) -> Update:
    values = {"bot_id": 1, "lane": LANE, "kind": "message", "chat_id": 7, "raw": raw(update_id), **facts}
    return Update.objects.create(update_id=update_id, **values)


def held(update_id: int = 1, **facts: Any) -> Update:
    """An update that this process works on."""
    return row(update_id, **{"state": "running", "worker": WORKER, "attempts": 1, **facts})


def take_one() -> tuple[Update, Incoming | Exception | None]:
    """What the worker takes of the lane now."""
    [taken] = inbox.take([LANE])
    assert taken is not None
    return taken


def states() -> list[str]:
    return list(Update.objects.order_by("update_id").values_list("state", flat=True))


# --- storing --------------------------------------------------------------------------------------------------------


def test_stored_update_has_its_lane_kind_chat_and_a_trace(now: datetime) -> None:
    services.store(1, [raw(5)], now)

    update = Update.objects.get()
    assert (update.bot_id, update.update_id, update.lane, update.kind, update.chat_id) == (1, 5, LANE, "message", 7)
    assert (update.state, update.received_at, update.raw) == ("new", now, raw(5))
    assert len(update.trace_id) == 12


def test_update_that_comes_again_changes_nothing(now: datetime) -> None:
    services.store(1, [raw(5)], now)
    Update.objects.update(state="done")
    services.store(1, [raw(5, text="again"), raw(6)], now)

    assert states() == ["done", "new"]
    assert Update.objects.get(update_id=5).raw == raw(5)


def test_two_bots_may_have_the_same_number(now: datetime) -> None:
    services.store(1, [raw(5)], now)
    services.store(2, [raw(5)], now)

    assert Update.objects.count() == 2


def test_batch_is_stored_in_one_query(now: datetime) -> None:
    with CaptureQueriesContext(connection) as queries:
        services.store(1, [raw(number) for number in range(100)], now)

    assert [query["sql"].split()[0] for query in queries if "SAVEPOINT" not in query["sql"]] == ["INSERT"]
    assert Update.objects.count() == 100


@pytest.mark.parametrize(
    "unfit",
    [
        {"message": {"chat": {"id": 10**40}, "text": "far away"}},
        {"message": {"chat": {"id": 7}, "text": "NUL \x00"}},
        {"message": {"chat": {"id": 7}, "text": "half a pair \ud83d"}},
        {"kind\x00": {}},
    ],
)
def test_update_that_may_not_fit_never_stops_the_others(unfit: dict[str, Any], now: datetime) -> None:
    services.store(1, [raw(1), {"update_id": 2, **unfit}, raw(3)], now)

    found = states()
    assert found[0] == found[2] == "new"
    assert found[1] in ("new", "dead")  # SQLite takes some of what PostgreSQL refuses


# --- settling -------------------------------------------------------------------------------------------------------


def test_finished_update_is_done(now: datetime) -> None:
    update = held(error="an earlier fault")
    services.finish([update.pk], now)

    update.refresh_from_db()
    assert (update.state, update.finished_at, update.error) == ("done", now, "")


def test_buried_update_is_dead_with_its_error(now: datetime) -> None:
    update = held()
    services.bury([update.pk], "x" * 9000, now)

    update.refresh_from_db()
    assert (update.state, update.finished_at, update.error) == ("dead", now, "x" * 4000)


def test_worker_that_lost_its_update_can_no_longer_settle_it(now: datetime) -> None:
    update = held(worker="another:2:bb")
    services.finish([update.pk], now)
    services.bury([update.pk], "late", now)
    services.put_back([update.pk], "late", now)

    assert states() == ["running"]


def test_put_back_update_waits_until_its_time() -> None:
    update = held()
    services.put_back([update.pk], "the database went away", timezone.now() + timedelta(minutes=1))

    assert inbox.take([LANE]) == [None]
    Update.objects.update(not_before=timezone.now() - timedelta(seconds=1))
    taken, _incoming = take_one()
    assert taken == update


# --- the end of a process -------------------------------------------------------------------------------------------


def test_start_takes_back_what_another_process_held() -> None:
    held(1, worker="dead:1:aa", lease_until=timezone.now() + timedelta(minutes=10))
    held(2)

    assert inbox.recover(everything=True) == 1
    assert states() == ["new", "running"]


def test_lease_that_is_over_returns_the_update() -> None:
    held(1, lease_until=timezone.now() - timedelta(seconds=1))
    held(2, lease_until=timezone.now() + timedelta(minutes=10))

    assert inbox.recover(everything=False) == 1
    assert states() == ["new", "running"]


def test_update_that_killed_five_workers_is_buried() -> None:
    held(1, worker="dead:1:aa", attempts=5)
    held(2, worker="dead:1:aa", attempts=4)
    inbox.recover(everything=True)

    assert states() == ["dead", "new"]
    dead = Update.objects.get(update_id=1)
    assert dead.error == "The process died 5 times while working on it."
    assert dead.finished_at is not None


def test_recovered_update_counts_its_attempts_on() -> None:
    held(1, worker="dead:1:aa", attempts=2)
    inbox.recover(everything=True)
    update, _incoming = take_one()

    assert update is not None
    assert (update.state, update.attempts, update.worker) == ("running", 3, WORKER)


# --- operators and housekeeping -------------------------------------------------------------------------------------


def test_dead_update_is_tried_again_from_the_start(now: datetime) -> None:
    update = row(state="dead", attempts=5, finished_at=now, error="ValueError")
    assert services.retry_update(update, now=now)

    update.refresh_from_db()
    assert (update.state, update.attempts, update.finished_at) == ("new", 0, None)
    assert not services.retry_update(update, now=now)


def test_only_a_waiting_update_can_be_given_up(now: datetime) -> None:
    waiting, running = row(1), held(2)

    assert services.bury_update(waiting, "Given up by Maria.", now=now)
    assert not services.bury_update(running, "Given up by Maria.", now=now)
    assert states() == ["dead", "running"]


def test_old_updates_are_forgotten_but_never_one_that_waits(now: datetime) -> None:
    for number, state in enumerate(("new", "running", "done", "dead")):
        row(number, state=state, received_at=now - timedelta(days=15))
    row(9, state="done", received_at=now - timedelta(days=13))

    assert services.forget_old_updates(now) == 2
    assert states() == ["new", "running", "done"]


def test_buttons_past_their_time_are_forgotten(now: datetime) -> None:
    Button.objects.create(action="a", expires_at=now - timedelta(seconds=1))
    kept = Button.objects.create(action="a", expires_at=now + timedelta(seconds=1))

    assert services.forget_old_buttons(now) == 1
    assert Button.objects.get() == kept


# --- by hand --------------------------------------------------------------------------------------------------------


def test_operator_gives_back_what_a_dead_process_held(capsys: pytest.CaptureFixture[str]) -> None:
    held(1, worker="dead:1:aa")
    call_command("recover")

    assert capsys.readouterr().out.startswith("in: 1 given back\nout: 0 given back\nannounce: 0 given back\n")
    assert states() == ["new"]


def test_nothing_is_given_back_by_hand_while_a_bot_works() -> None:
    held(1, worker="alive:1:aa")
    lock = ProcessLock("runbot")
    assert lock.acquire()
    try:
        with pytest.raises(CommandError, match="A runbot works"):
            call_command("recover")
    finally:
        lock.release()

    assert states() == ["running"]


# --- a database that hiccups while an update is taken ---------------------------------------------------------------


def fails(*tables: str, from_sql: str = "SELECT") -> Any:
    """An execute wrapper: the database goes away when it is asked about these tables."""

    def down(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(from_sql) and any(table in sql for table in tables):
            raise OperationalError("the database went away")
        return execute(sql, params, many, context)

    return connection.execute_wrapper(down)


def test_update_whose_sender_cannot_be_read_costs_those_taken_along_nothing() -> None:
    person = {"id": 7, "first_name": "Анна"}
    row(1, raw=raw(1, **{"from": person}))
    row(2, lane="in:1:8:0", raw={"update_id": 2, "poll": {}}, chat_id=None)
    with fails("accounts_chat"):
        first, second = inbox.take([LANE, "in:1:8:0"])

    assert first is not None
    assert isinstance(first[1], OperationalError)
    assert second is not None
    assert second[1] is None
    assert states() == ["running", "done"]


@pytest.mark.django_db(transaction=True)
async def test_update_is_put_back_when_its_sender_cannot_be_read_though_that_fails_at_first() -> None:
    await in_db(row, raw=raw(1, **{"from": {"id": 7, "first_name": "Анна"}}))
    away = ["accounts_chat", '"not_before" = ']

    def down(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if away and away[0] in sql:
            raise OperationalError(f"away at {away.pop(0)}")
        return execute(sql, params, many, context)

    with every_statement(down):
        assert await inbox.drain(LANE)

    update = await in_db(Update.objects.get)
    assert (update.state, update.error, away) == ("new", "away at accounts_chat", [])
    assert update.not_before is not None
    assert update.not_before <= timezone.now() + timedelta(seconds=2)
