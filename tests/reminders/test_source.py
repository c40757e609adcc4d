"""What was fired leaves: what the person sees, and what stands in no row."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from pytest_django import Settings

from accounts.models import AuditEntry, Chat, User
from delivery import services as delivery_services
from delivery import tick
from delivery.models import Delivery, Schedule
from llm.tasks import Done, Task, TaskFailed
from reminders import services
from reminders.models import Occurrence, Reminder, Status
from tests.house import ANNA, BOT, TEAM, House, open_house
from tests.reminders.making import HOUR, MINUTE, daily, key, once

pytestmark = pytest.mark.django_db(transaction=True)
State = Occurrence.State


@pytest.fixture
async def house(db: None, settings: Settings) -> AsyncIterator[House]:
    async with open_house(settings) as opened:
        yield opened


def anna() -> User:
    return User.objects.get(telegram_id=ANNA)


def each_hour() -> str:
    """Half an hour from now: no run is added by a test that goes over the border of an hour."""
    return f"{(timezone.now().minute + 30) % 60} * * * *"


def due_now(payload: dict[str, Any], **more: Any) -> Reminder:
    now = timezone.now()
    return once(anna(), now, now, payload=payload, **more)


async def fired(house: House, payload: dict[str, Any], late: timedelta = timedelta(), **more: Any) -> Reminder:
    """A reminder of Anna's that the tick has found and the outbox has sent."""
    row: Reminder = await house.db(due_now, payload, **more)
    await house.db(tick._fire_batch, timezone.now() + late, 100)
    await house.quiet()
    found: Reminder = await house.db(Reminder.objects.select_related("schedule").get, pk=row.pk)
    return found


async def test_the_person_gets_the_text_with_four_buttons(house: House) -> None:
    row = await fired(house, {"text": "Drink *tea*_"})

    assert house.heard(ANNA) == ["⏰ Drink *tea*_"]
    occurrence = await house.db(Occurrence.objects.get)
    assert house.buttons(ANNA) == {
        "✅ Done": f"r:done:{occurrence.pk}",
        "10 min": f"r:s10:{occurrence.pk}",
        "1 h": f"r:s60:{occurrence.pk}",
        "tomorrow": f"r:tom:{occurrence.pk}",
    }
    assert (row.status, occurrence.state) == (Status.COMPLETED, State.ACKED)


@pytest.mark.parametrize(
    "text",
    [
        "Buy:\n- milk\n- bread",
        "Send $5 to Ann and $10 to Bob",
        "https://example.com/a_b?x=1&amp;y=2 &lt;b&gt;",
        "One\n---\ntwo\n\n\n\nthree",
        "# No heading\n> no quote",
        "🫖 `tea` [x](y) ||secret||",
    ],
)
async def test_it_is_said_word_for_word(house: House, text: str) -> None:
    await fired(house, {"text": text})
    (message,) = house.messages(ANNA)
    assert message["text"] == f"⏰ {text}"
    assert {entity["type"] for entity in message.get("entities", [])} <= {"url"}  # Telegram finds those by itself


async def test_the_words_stand_in_no_delivery(house: House) -> None:
    await fired(house, {"text": "Secret"})
    rows = await house.db(lambda: list(Delivery.objects.values_list("content", "error", "result")))
    assert "Secret" not in str(rows)
    assert house.heard(ANNA) == ["⏰ Secret"]


async def test_words_that_cannot_be_read_any_more_are_given_up_and_need_attention(
    house: House, settings: Settings
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]
    row: Reminder = await house.db(due_now, {"text": "Secret"})
    settings.FIELD_ENCRYPTION_KEYS = []
    await house.db(tick._fire_batch, timezone.now(), 100)
    await house.quiet()

    found = await house.db(Reminder.objects.defer("payload").get, pk=row.pk)
    assert (found.status, found.needs_attention) == (Status.ACTIVE, True)
    assert await house.db(lambda: Occurrence.objects.get().state) == State.DEAD
    assert house.heard(ANNA) == []


async def test_a_late_one_says_for_when_it_was_planned(house: House) -> None:
    await fired(house, {"text": "Tea"}, late=10 * MINUTE)
    (said,) = house.heard(ANNA)
    assert said.startswith("⏰ Tea\n\nLate: this was planned for ")


async def test_a_long_text_comes_in_parts_and_in_order(house: House) -> None:
    words = " ".join(f"word{number}" for number in range(1200))
    row = await fired(house, {"text": words})
    said = house.heard(ANNA)
    assert len(said) == 3
    assert " ".join(said) == f"⏰ {words}"
    assert "reply_markup" not in house.messages(ANNA)[0]
    assert house.buttons(ANNA)
    assert row.status == Status.COMPLETED


async def test_in_a_group_the_person_is_called_by_name(house: House) -> None:
    chat = await house.db(
        Chat.objects.create, bot_id=BOT, telegram_id=TEAM, kind="supergroup", title="Team", status="active"
    )
    await fired(house, {"text": "Stand-up"}, chat=chat)
    (message,) = house.messages(TEAM)
    assert message["text"] == "⏰ Анна, Stand-up"
    (entity,) = message["entities"]
    assert (entity["type"], entity["user"]["id"]) == ("text_mention", ANNA)


async def test_a_name_full_of_marks_is_called_as_it_is(house: House) -> None:
    await house.db(User.objects.filter(telegram_id=ANNA).update, first_name="*🫖_[Анна](x)")
    chat = await house.db(
        Chat.objects.create, bot_id=BOT, telegram_id=TEAM, kind="supergroup", title="Team", status="active"
    )
    await fired(house, {"text": "Tea"}, late=10 * MINUTE, chat=chat)
    (message,) = house.messages(TEAM)
    assert message["text"].startswith("⏰ *🫖_[Анна](x), Tea\n\nLate: this was planned for ")
    assert [entity["type"] for entity in message["entities"]] == ["text_mention", "italic"]
    calling, late = message["entities"]
    assert (calling["offset"], calling["length"]) == (2, 13)
    assert message["text"].encode("utf-16-le")[late["offset"] * 2 :].decode("utf-16-le").startswith("Late: ")


async def test_what_was_missed_is_told_in_one_message(house: House) -> None:
    def plan() -> None:
        now = timezone.now()
        for text in ("Tea", "Coffee"):
            once(anna(), now + HOUR, now, payload={"text": text})
        daily(anna(), now, each_hour(), payload={"text": "Water"})

    await house.db(plan)
    await house.db(tick._fire_batch, timezone.now() + timedelta(days=2), 100)
    await house.quiet()
    told = house.heard(ANNA)[0]
    assert told.startswith("⏰ I was away, and these reminders did not come:")
    assert all(text in told for text in ("Tea: ", "Coffee: ", "Water: 47 times", "/reminders"))


async def test_what_was_missed_is_named_word_for_word_and_has_a_name_without_words(
    house: House, settings: Settings
) -> None:
    settings.ASSISTANT_TASKS = "somewhere"

    def plan() -> None:
        now = timezone.now()
        once(anna(), now + HOUR, now, payload={"text": "$5 for *A* and $10 for B"})
        once(anna(), now + HOUR, now, payload={"job": 7})

    await house.db(plan)
    await house.db(tick._fire_batch, timezone.now() + timedelta(days=2), 100)
    await house.quiet()
    lines = house.heard(ANNA)[0].split("\n")
    assert any(line.startswith("• $5 for *A* and $10 for B: ") for line in lines)
    assert any(line.startswith("• without words: ") for line in lines)


@pytest.mark.parametrize("verb", [services.pause, services.cancel])
async def test_what_was_taken_back_before_it_left_is_not_said(house: House, verb: Any) -> None:
    def fire_and_take_back() -> None:
        row = due_now({"text": "Tea"})
        tick._fire_batch(timezone.now(), 100)
        verb(row, by=None, via="chat", now=timezone.now())

    house.engine._open.discard("out")  # nothing leaves for this moment
    await house.db(fire_and_take_back)
    house.engine._open.add("out")
    await house.engine.sweep()
    await house.quiet()
    assert house.heard(ANNA) == []
    assert await house.db(lambda: Occurrence.objects.get().state) == State.WITHDRAWN


async def test_a_program_that_was_quicker_takes_nobodys_message_away(house: House, settings: Settings) -> None:
    def fire_and_acknowledge() -> None:
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        due_now({"text": "Tea"}, created_by_key=key(timezone.now())[0])
        tick._fire_batch(timezone.now(), 100)
        services.acknowledge(Occurrence.objects.get(), who="redis:a", now=timezone.now())

    house.engine._open -= {"out", "event"}  # nothing leaves for this moment
    await house.db(fire_and_acknowledge)
    house.engine._open.add("out")
    await house.engine.sweep()
    await house.until(lambda: house.heard(ANNA) == ["⏰ Tea"])


async def test_one_that_may_have_arrived_is_sent_again_and_marked(house: House) -> None:
    house.fault("sendMessage", "cut_after")
    await fired(house, {"text": "Tea"})
    await house.until(lambda: len(house.heard(ANNA)) == 2)
    assert house.heard(ANNA)[1].startswith("↻ possibly a repetition\n⏰ Tea")


async def test_it_nags_until_it_is_done(house: House) -> None:
    row = await fired(house, {"text": "Pills"}, nag_minutes=5)
    await house.db(tick._fire_batch, timezone.now() + 6 * MINUTE, 100)
    await house.quiet()
    assert house.heard(ANNA) == ["⏰ Pills", "⏰ Pills\n\nOnce more, until you press Done."]
    assert row.status == Status.ACTIVE


async def test_the_tick_of_the_running_bot_fires_by_itself(house: House) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(tick.run(stop))
    await house.db(lambda: once(anna(), timezone.now() + timedelta(seconds=1), timezone.now()))
    await house.until(lambda: house.heard(ANNA) == ["⏰ Tea"])
    stop.set()
    await running


# --- tasks ----------------------------------------------------------------------------------------------------------

performed: list[Task] = []
trouble: list[TaskFailed] = []
# What looks around while a task is done.
at_work: list[Callable[[], Awaitable[None]]] = []


async def perform(task: Task) -> Done:
    performed.append(task)
    for look in at_work:
        await look()
    if trouble:
        raise trouble.pop()
    return Done("", f"run {len(performed)}", "looked")


@pytest.fixture
def _tasks(settings: Settings) -> None:
    settings.ASSISTANT_TASKS = "tests.reminders.test_source.perform"
    performed.clear()
    trouble.clear()
    at_work.clear()


@pytest.mark.usefixtures("_tasks")
async def test_an_assistant_does_a_task_and_hears_what_came_of_the_one_before(house: House) -> None:
    row = await house.db(hourly, {"task": "Look"})
    for hours in (1, 2):
        await house.db(tick._fire_batch, timezone.now() + hours * HOUR, 100)
        await house.quiet()
    await house.until(lambda: len(performed) == 2)
    await house.quiet()

    assert [task.previous for task in performed] == ["", "run 1"]
    assert (performed[0].payload, performed[0].reminder_id) == ({"task": "Look"}, row.pk)
    results = await house.db(lambda: sorted(Occurrence.objects.values_list("state", "result", "note")))
    assert results == [("acked", "looked", "run 1"), ("acked", "looked", "run 2")]


@pytest.mark.usefixtures("_tasks")
async def test_what_a_run_notes_is_sealed_and_stands_nowhere_else(house: House) -> None:
    await fired(house, {"task": "Look"})

    def raw() -> str:
        rows = Occurrence.objects.annotate(token=Cast("note", TextField()))
        return str(list(rows.values_list("token", "result", "error")))

    column = await house.db(raw)
    assert "looked" in column
    assert "run 1" not in column
    assert "run 1" not in str(await house.db(lambda: list(Delivery.objects.values_list("content", "result"))))


@pytest.mark.usefixtures("_tasks")
async def test_note_outlives_a_run_that_failed(house: House) -> None:
    await house.db(hourly, {"task": "Look"})
    for hours in (1, 2, 3):
        if hours == 2:
            trouble.append(TaskFailed("budget", "No budget is left.", permanent=True))
        await house.db(tick._fire_batch, timezone.now() + hours * HOUR, 100)
        await house.quiet()
        assert len(performed) == hours

    assert [task.previous for task in performed] == ["", "run 1", "run 1"]


@pytest.mark.usefixtures("_tasks")
async def test_a_task_of_which_a_program_must_hear_waits_for_that_program(house: House, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    house.engine._open.discard("event")
    made = (await house.db(key, timezone.now()))[0]
    row = await house.db(due_now, {"task": "Look"}, created_by_key=made)
    await house.db(tick._fire_batch, timezone.now(), 100)
    await house.until(lambda: len(performed) == 1)
    async with asyncio.timeout(60):
        while (occurrence := await house.db(Occurrence.objects.get)).result != "looked":
            await asyncio.sleep(0.01)
    assert (occurrence.state, occurrence.claimed_by) == (State.QUEUED, "")

    await house.db(services.acknowledge, occurrence, who="redis:a", result="heard", now=timezone.now())
    assert await house.db(lambda: Reminder.objects.get(pk=row.pk).status) == Status.COMPLETED
    occurrence = await house.db(Occurrence.objects.defer(None).get)
    assert (occurrence.result, occurrence.note) == ("heard", "run 1")


@pytest.mark.usefixtures("_tasks")
async def test_a_task_that_failed_here_leaves_its_event_to_the_program(house: House, settings: Settings) -> None:
    """And does not stand in the way of the next run as one that is being worked on."""
    trouble.append(TaskFailed("budget", "No budget is left.", permanent=True))
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    house.engine._open.discard("event")
    made = (await house.db(key, timezone.now()))[0]
    await house.db(due_now, {"task": "Look"}, created_by_key=made)
    await house.db(tick._fire_batch, timezone.now(), 100)
    await house.until(lambda: len(performed) == 1)
    await house.until(lambda: len(house.heard(ANNA)) == 1)
    occurrence = await house.db(Occurrence.objects.get)
    assert (occurrence.state, occurrence.claimed_by, occurrence.lease_until) == (State.QUEUED, "", None)
    assert "No budget is left." in house.heard(ANNA)[0]


@pytest.mark.usefixtures("_tasks")
async def test_a_task_that_cannot_be_done_is_given_up_with_the_reason(house: House) -> None:
    trouble.append(TaskFailed("budget", "No budget is left.", permanent=True))
    row = await fired(house, {"task": "Look"})
    occurrence = await house.db(Occurrence.objects.get)
    assert (occurrence.state, occurrence.error) == (State.DEAD, "budget: No budget is left.")
    assert (row.status, row.needs_attention) == (Status.ACTIVE, True)


async def fails(house: House, hours: int = 0, *, text: str = "No budget is left.") -> None:
    """One run more of the series, in so many hours, which is given up."""
    trouble.append(TaskFailed("budget", text, permanent=True))
    await house.db(tick._fire_batch, timezone.now() + hours * HOUR, 100)
    await house.until(lambda: not trouble)
    await house.quiet()


def hourly(payload: dict[str, Any], **more: Any) -> Reminder:
    return daily(anna(), timezone.now(), each_hour(), payload=payload, **more)


@pytest.mark.usefixtures("_tasks")
async def test_person_is_told_once_why_a_task_was_given_up_and_what_comes_of_it(house: House) -> None:
    await house.db(hourly, {"task": "Look at *tea*", "title": "*Tea*_"})

    await fails(house, 1)

    (said,) = house.heard(ANNA)
    assert said.startswith("😕 “*Tea*_” did not work out this time (")
    assert "). No budget is left. I try again on " in said
    rows = await house.db(lambda: str(list(Delivery.objects.values_list("content", "error", "result"))))
    assert "Tea" not in rows


@pytest.mark.usefixtures("_tasks")
async def test_who_asked_for_a_task_once_is_told_to_ask_once_more(house: House) -> None:
    trouble.append(TaskFailed("budget", "No budget is left.", permanent=True))
    await fired(house, {"task": "Look"})

    (said,) = house.heard(ANNA)
    assert said.startswith("😕 “Planned task” did not work out")
    assert said.endswith("No budget is left. If you still want it, just ask for it once more.")


@pytest.mark.usefixtures("_tasks")
async def test_series_that_goes_on_failing_is_no_burst_of_messages_and_its_pause_is_told(house: House) -> None:
    await house.db(hourly, {"task": "Look"})

    for hours in range(1, 7):
        trouble.clear()
        trouble.append(TaskFailed("server", "The model is away.", permanent=True))
        await house.db(tick._fire_batch, timezone.now() + hours * HOUR, 100)
        await house.quiet()

    assert len(performed) == 5
    first, second = house.heard(ANNA)
    assert "I try again on " in first
    assert second.endswith("The model is away. I have paused it now; to let it go on, open /reminders.")


@pytest.mark.usefixtures("_tasks")
async def test_failure_an_hour_later_is_told_again(house: House) -> None:
    await house.db(hourly, {"task": "Look"})
    await fails(house, 1)
    await house.db(lambda: Delivery.objects.update(created_at=timezone.now() - 61 * MINUTE))

    await fails(house, 2)

    assert len(house.heard(ANNA)) == 2


@pytest.mark.usefixtures("_tasks")
async def test_failure_is_told_where_the_task_would_have_spoken_in_its_persons_language(house: House) -> None:
    await house.db(lambda: User.objects.filter(telegram_id=ANNA).update(language="ru"))
    await house.db(hourly, {"task": "Look"}, chat=await house.db(team))

    await fails(house, 1)

    assert house.heard(ANNA) == []
    (said,) = house.heard(TEAM)
    with translation.override("ru"):
        assert f"“{_('Planned task')}”" in said or f"«{_('Planned task')}»" in said
    assert "No budget is left." in said


@pytest.mark.usefixtures("_tasks")
async def test_group_that_was_closed_meanwhile_hears_of_no_failure(house: House) -> None:
    chat = await house.db(team)

    async def close() -> None:
        await house.db(Chat.objects.filter(pk=chat.pk).update, status="blocked")

    at_work.append(close)
    trouble.append(TaskFailed("budget", "No budget is left.", permanent=True))

    await fired(house, {"task": "Look"}, chat=chat)

    assert len(performed) == 1
    assert house.heard(TEAM) == []


def team() -> Chat:
    return Chat.objects.create(bot_id=BOT, telegram_id=TEAM, kind="supergroup", title="Team", status="active")


@pytest.mark.usefixtures("_tasks")
async def test_error_of_ours_is_told_without_what_it_says(house: House) -> None:
    at_work.append(_break)

    await fired(house, {"task": "Look"})

    (said,) = house.heard(ANNA)
    assert "secret" not in said
    assert "Something went wrong on my side; the admins know." in said


async def _break() -> None:
    raise RuntimeError("secret")


@pytest.mark.usefixtures("_tasks")
async def test_task_whose_process_died_is_told_as_interrupted(house: House) -> None:
    def die() -> None:
        due_now({"task": "Look"})
        tick._fire_batch(timezone.now(), 100)
        row = Delivery.objects.get()
        Delivery.objects.update(state="sending", worker="gone")
        delivery_services.return_abandoned([row.pk], timezone.now())

    house.engine._open.discard("task")  # another process had it
    await house.db(die)
    await house.quiet()

    assert performed == []
    (said,) = house.heard(ANNA)
    assert "I was interrupted while I did it, so please look how far it came." in said


@pytest.mark.usefixtures("_tasks")
async def test_nobody_hears_of_a_task_that_was_cancelled_while_it_failed(house: House) -> None:
    row = await house.db(due_now, {"task": "Look"})

    async def cancel() -> None:
        await house.db(services.cancel, row, by=None, via="chat", now=timezone.now())

    at_work.append(cancel)
    trouble.append(TaskFailed("budget", "No budget is left.", permanent=True))

    await house.db(tick._fire_batch, timezone.now(), 100)
    await house.until(lambda: not trouble)
    await house.quiet()

    assert house.heard(ANNA) == []


@pytest.mark.usefixtures("_tasks")
async def test_a_task_that_failed_for_a_moment_is_tried_again(house: House) -> None:
    trouble.append(TaskFailed("server", "The provider is away."))
    await fired(house, {"task": "Look"})
    await house.until(lambda: len(performed) == 2)
    await house.quiet()
    assert await house.db(lambda: Occurrence.objects.get().state) == State.ACKED


async def test_a_source_that_breaks_pauses_its_reminder_with_the_reason(house: House) -> None:
    row = await house.db(due_now, {"text": "Tea"})
    await house.db(lambda: Schedule.objects.filter(object_id=str(row.pk)).update(rule={"kind": "nonsense"}))
    await house.db(tick.tick)
    found = await house.db(Reminder.objects.get, pk=row.pk)
    assert (found.status, found.needs_attention) == (Status.PAUSED, True)
    assert found.status_reason.startswith("It could not be fired")
    entry = await house.db(AuditEntry.objects.get, action="reminder.paused")
    assert (entry.target, entry.via) == (f"reminder:{row.pk}", "bot")


@pytest.mark.usefixtures("_tasks")
async def test_a_task_may_take_longer_than_a_message(house: House) -> None:
    leases: list[timedelta] = []

    def look() -> None:
        row = Delivery.objects.get(state="sending")
        assert row.lease_until is not None
        leases.append(row.lease_until - timezone.now())

    at_work.append(lambda: house.db(look))
    await fired(house, {"task": "Look"})
    assert timedelta(minutes=15) < leases[0] < timedelta(minutes=17)
