"""A planned task: an assistant does it without being asked, says what there is to tell, and keeps a note."""

import uuid
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Access, Chat, Role, User
from conversations import retention, services, tasks
from conversations.models import Assistant, Message, Request
from conversations.services.planned import report_of
from conversations.services.turns import Turn, request_key
from delivery.models import Delivery
from files.models import StoredFile
from llm import toolbox
from llm.models import Model
from llm.tasks import Task, TaskFailed
from llm.toolbox import Arguments, Asked, Tool
from llm.types import ChatRequest, End, Event, Image, Text, ToolCall
from tests.conversations.conftest import ScriptedProvider, offer, requests
from tests.conversations.test_budgets import limit, spendings
from tests.conversations.test_files import PNG
from tests.house import ANNA, MODEL, TEAM, House

HERE = __name__
PLANNED = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
calls: list[tuple[str, Asked]] = []


def _noted(name: str) -> Any:
    def function(asked: Asked, _arguments: Arguments) -> str:
        calls.append((name, asked))
        return f"{name} was called."

    return function


NO_ARGUMENTS = {"type": "object", "properties": {}}
look = Tool("look", "Looks.", NO_ARGUMENTS, _noted("look"))
wipe = Tool("wipe", "Wipes.", NO_ARGUMENTS, _noted("wipe"), destructive=True)
finish = Tool(
    "finish",
    "Ends.",
    NO_ARGUMENTS,
    _noted("finish"),
    destructive=True,
    alone=Tool("finish", "Ends.", NO_ARGUMENTS, _noted("finish alone")),
)


@pytest.fixture
async def clerk(house: House, settings: Settings) -> House:
    """The house with an assistant that may do tasks, and a model that can call tools."""
    calls.clear()
    settings.ASSISTANT_TOOLS = {
        **settings.ASSISTANT_TOOLS,
        **{name: f"{HERE}.{name}" for name in ("look", "wipe", "finish")},
    }
    settings.TASK_TOOLS = ["current_time"]
    tools = ["look", "wipe", "finish"]
    await house.db(lambda: Assistant.objects.create(name="Clerk", prompt="You are a clerk.", tools=tools))
    await house.db(Model.objects.filter(name=MODEL).update, capabilities=["text", "tools"])
    return house


async def task_of(house: House, what: str, chat_id: int = ANNA, **more: Any) -> Task:
    """A run of a task that Анна planned."""

    def make() -> Task:
        assistant, series = Assistant.objects.filter(name="Clerk").first(), uuid.uuid4()
        return Task(
            key=f"reminder:{series}:{PLANNED.isoformat()}",
            user=User.objects.get(telegram_id=ANNA),
            chat=Chat.objects.get(telegram_id=chat_id),
            thread=0,
            assistant=assistant.uid if assistant else None,
            payload={"task": what},
            planned_at=PLANNED,
            reminder_id=series,
        )

    return replace(await house.db(make), **more)


async def asked(house: House) -> dict[str, str]:
    """What the model was told last: its system text and the last words of a person."""
    messages = house.models.calls[-1].body["messages"]
    last = next(message for message in reversed(messages) if message["role"] == "user")
    return {"system": messages[0]["content"], "task": last["content"]}


async def test_answer_is_said_and_marked_as_a_planned_one(clerk: House) -> None:
    task = await task_of(
        clerk, "[[text Good morning!]]", payload={"task": "[[text Good morning!]]", "title": "Morning"}
    )

    done = await tasks.perform(task)
    await clerk.quiet()

    assert done.said == "Good morning!"
    assert clerk.heard(ANNA) == ["⏰ Morning\n\nGood morning!"]


async def test_model_is_told_the_task_its_details_the_time_and_the_note_of_the_run_before(clerk: House) -> None:
    await clerk.db(User.objects.filter(telegram_id=ANNA).update, time_zone="Asia/Tokyo")
    payload = {"task": "Watch the price", "threshold": 100}

    await tasks.perform(await task_of(clerk, "", payload=payload, previous="It was 105."))

    told = await asked(clerk)
    assert told["system"].startswith("You are a clerk.\n\n")
    assert "exactly NOTHING" in told["system"]
    assert "in English" in told["system"]
    assert told["task"].splitlines()[:2] == ["Task: Watch the price", 'Details: {"threshold": 100}']
    assert "Planned for Friday, 2026-11-20 18:00" in told["task"]
    assert "(Asia/Tokyo)" in told["task"]
    assert told["task"].endswith("Note of the run before: It was 105.")


async def test_nothing_to_tell_is_not_said_and_stays_out_of_the_dialog(clerk: House) -> None:
    done = await tasks.perform(await task_of(clerk, "[[text **NOTHING**.\nRESULT: 104 roubles]]"))
    await clerk.quiet()

    assert (done.said, done.note) == ("", "104 roubles")
    assert clerk.heard(ANNA) == []
    assert not await clerk.db(Message.objects.exists)


@pytest.mark.parametrize(
    ("text", "said", "note"),
    [
        ("It rose.\nRESULT: 105", "It rose.", "105"),
        ("It rose.\n\n**RESULT:** 105", "It rose.", "105"),
        ("RESULT: 105", "", "105"),
        ("NOTHING", "", "before"),
        ("“Nothing.”", "", "before"),
        ("Nothing new under the sun", "Nothing new under the sun", "Nothing new under the sun"),
        ("The RESULT: fine", "The RESULT: fine", "The RESULT: fine"),
        ("A\nRESULT: one\ntwo", "A", "one two"),
        ("x" * 900, "x" * 900, "x" * 500),
    ],
)
def test_what_is_said_and_what_is_noted_are_told_apart(text: str, said: str, note: str) -> None:
    report = report_of(text, "before")

    assert (report.said, report.note) == (said, note)


async def test_run_that_is_done_again_says_nothing_twice_and_asks_nobody(clerk: House) -> None:
    task = await task_of(clerk, "[[text Hello\nRESULT: one]]")

    first = await tasks.perform(task)
    second = await tasks.perform(task)
    await clerk.quiet()

    assert first == second
    assert len(clerk.models.calls) == 1
    assert len(clerk.heard(ANNA)) == 1


async def test_run_whose_process_died_is_done_by_the_next(clerk: House) -> None:
    task = await task_of(clerk, "[[text Hello]]")
    await clerk.db(services.begin_task, task, "", timezone.now())

    await tasks.perform(task)
    await clerk.quiet()

    [request] = await clerk.db(requests)
    assert (request.state, request.attempts) == ("done", 2)
    assert clerk.heard(ANNA) == ["⏰ Planned task\n\nHello"]


async def test_request_stands_on_record_without_the_task(clerk: House) -> None:
    await tasks.perform(await task_of(clerk, "[[text Hello]] the secret plan"))

    [request] = await clerk.db(requests)
    assistant = await clerk.db(Assistant.objects.get)
    assert request.user is not None
    assert (request.kind, request.state, request.user.telegram_id) == ("task", "done", ANNA)
    assert (request.assistant_id, request.assistant_version) == (assistant.pk, 1)
    assert request.input_tokens is not None
    assert request.output_tokens is not None
    assert request.prompt == "Planned task"
    deliveries = await clerk.db(lambda: [str(row.content) for row in Delivery.objects.all()])
    assert not any("secret plan" in content for content in deliveries)
    assert not await clerk.db(Message.objects.filter(content__contains="secret plan").exists)


async def test_person_can_go_on_from_the_answer(clerk: House) -> None:
    await tasks.perform(await task_of(clerk, "[[text The price is 105.]]"))
    await clerk.quiet()

    await clerk.ask(ANNA, "And yesterday?")

    said = [message["content"] for message in clerk.models.calls[-1].body["messages"] if message["role"] != "system"]
    assert said == ["Planned task", "The price is 105.", "And yesterday?"]


async def test_reply_to_an_older_answer_of_a_task_goes_on_from_there(clerk: House) -> None:
    await tasks.perform(await task_of(clerk, "[[text The price is 105.]]"))
    await clerk.quiet()
    message = clerk.messages(ANNA)[-1]
    await clerk.ask(ANNA, "Something else")

    clerk.say(ANNA, "Why so much?", reply_to=message["message_id"])
    await clerk.quiet()

    said = [message["content"] for message in clerk.models.calls[-1].body["messages"] if message["role"] != "system"]
    assert said == ["Planned task", "The price is 105.", "Why so much?"]


async def test_edit_of_a_question_asked_before_a_task_still_finds_it(clerk: House) -> None:
    question = clerk.say(ANNA, "How are you?")
    await clerk.quiet()
    await tasks.perform(await task_of(clerk, "[[text Hello]]"))

    clerk.world.edit(ANNA, question["message_id"], "How are they?")
    await clerk.quiet()

    assert "How are they?" in clerk.models.calls[-1].body["messages"][-1]["content"]


async def test_task_in_a_group_speaks_there(clerk: House) -> None:
    await clerk.db(
        lambda: Chat.objects.create(
            bot_id=1000, telegram_id=TEAM, kind="supergroup", title="Команда", status=Access.ACTIVE
        )
    )

    await tasks.perform(await task_of(clerk, "[[text Good morning, team!]]", TEAM))
    await clerk.quiet()

    assert clerk.heard(TEAM) == ["⏰ Planned task\n\nGood morning, team!"]


async def test_words_are_in_the_persons_language(clerk: House) -> None:
    await clerk.db(User.objects.filter(telegram_id=ANNA).update, language="ru")

    await tasks.perform(await task_of(clerk, "[[text Привет]]"))

    assert "in Russian" in (await asked(clerk))["system"]


# --- tools ----------------------------------------------------------------------------------------------------------


async def test_tools_are_called_on_behalf_of_the_person_and_for_the_series(clerk: House) -> None:
    task = await task_of(clerk, "[[tool look {}]]")

    done = await tasks.perform(task)

    [(name, by)] = calls
    assert (name, by.user.telegram_id, by.series) == ("look", ANNA, task.reminder_id)
    assert by.assistant == task.assistant
    assert "look was called." in done.said
    [request] = await clerk.db(requests)
    assert [step["outcome"] for step in request.steps] == ["ok"]


async def test_task_has_what_every_task_needs_beside_its_assistants_tools(clerk: House) -> None:
    await tasks.perform(await task_of(clerk, "Hello"))

    names = {tool["function"]["name"] for tool in clerk.models.calls[-1].body["tools"]}
    assert names == {"look", "finish", "current_time"}


async def test_what_needs_a_yes_is_not_there_without_a_person(clerk: House) -> None:
    await tasks.perform(await task_of(clerk, "[[tool wipe {}]]"))

    [request] = await clerk.db(requests)
    assert calls == []
    assert [step["outcome"] for step in request.steps] == ["unknown"]


async def test_tool_may_do_something_else_where_nobody_can_be_asked(clerk: House) -> None:
    await tasks.perform(await task_of(clerk, "[[tool finish {}]]"))

    assert [name for name, _asked in calls] == ["finish alone"]


class Talkative(ScriptedProvider):
    """Announces what it is going to do, calls a tool, and answers."""

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Event, None]:
        if any(turn.role == "tool" for turn in request.turns):
            yield Text("It is 105.")
        else:
            yield Text("Let me look.")
            yield ToolCall("c1", "look", "{}")
        yield End("stop")


async def test_words_on_the_way_to_a_tool_are_not_said(clerk: House, settings: Settings) -> None:
    settings.LLM_PROVIDERS = {**settings.LLM_PROVIDERS, "scripted": f"{HERE}.Talkative"}
    settings.DEFAULT_MODEL = "scripted:talker"
    await clerk.db(offer, "scripted", "talker", capabilities=["text", "tools"])
    services.forget_default()

    done = await tasks.perform(await task_of(clerk, "Look"))

    assert done.said == "It is 105."
    assert [name for name, _asked in calls] == ["look"]


class Painter(ScriptedProvider):
    """Makes a picture, and breaks off when it is to."""

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Event, None]:
        yield Image(PNG, "image/png")
        yield Text("A cup of tea.")
        yield End("blocked" if "break off" in str(request.turns) else "stop")


@pytest.fixture
async def studio(clerk: House, settings: Settings) -> House:
    settings.LLM_PROVIDERS = {**settings.LLM_PROVIDERS, "scripted": f"{HERE}.Painter"}
    settings.DEFAULT_MODEL = "scripted:painter"
    await clerk.db(offer, "scripted", "painter", capabilities=["text", "tools"])
    services.forget_default()
    return clerk


async def test_picture_that_a_task_makes_is_shown_and_kept_with_its_answer(studio: House) -> None:
    await tasks.perform(await task_of(studio, "Paint"))
    await studio.quiet()

    assert len(studio.calls("sendPhoto", ANNA)) == 1
    assert await studio.db(StoredFile.objects.filter(attachments__message__role="assistant").count) == 1


async def test_picture_of_a_run_that_failed_is_not_kept(studio: House) -> None:
    error = await failure(await task_of(studio, "Paint and break off"))
    await studio.quiet()

    assert error.kind == "blocked"
    assert studio.calls("sendPhoto", ANNA) == []
    [stored] = await studio.db(lambda: list(StoredFile.objects.all()))
    assert stored.expires_at is not None
    assert stored.expires_at <= timezone.now()


def test_tool_that_waits_for_a_yes_cannot_be_async() -> None:
    async def outside(_asked: Asked, _arguments: Arguments) -> str:
        return ""

    with pytest.raises(ValueError, match="one transaction"):
        Tool("far", "", NO_ARGUMENTS, outside, destructive=True)


def test_what_stands_in_a_tools_place_has_its_name_and_needs_no_yes() -> None:
    for alone in (look, Tool("finish", "", NO_ARGUMENTS, _noted(""), destructive=True)):
        with pytest.raises(ValueError, match="nobody's Yes"):
            Tool("finish", "", NO_ARGUMENTS, _noted(""), destructive=True, alone=alone)


async def test_dialog_without_an_assistant_has_the_tools_of_the_house(clerk: House, settings: Settings) -> None:
    settings.DIALOG_TOOLS = ["look"]

    await clerk.ask(ANNA, "[[tool look {}]]")

    [(name, by)] = calls
    assert (name, by.series, by.assistant) == ("look", None, None)
    [request] = await clerk.db(requests)
    assert by.message_id == request.question_message_id


# --- what may go wrong ----------------------------------------------------------------------------------------------


async def failure(task: Task) -> TaskFailed:
    with pytest.raises(TaskFailed) as caught:
        await tasks.perform(task)
    return caught.value


@pytest.mark.parametrize(
    ("directive", "kind", "permanent"),
    [
        ("error 500", "server", False),
        ("error 429 0", "rate_limited", False),
        ("blocked", "blocked", True),
        ("empty answer", "empty", False),
        ("cut", "network", False),
    ],
)
async def test_failure_says_whether_another_attempt_may_help(
    clerk: House, directive: str, kind: str, permanent: bool
) -> None:
    error = await failure(await task_of(clerk, f"[[{directive}]]"))
    await clerk.quiet()

    assert (error.kind, error.permanent) == (kind, permanent)
    assert clerk.heard(ANNA) == []
    [request] = await clerk.db(requests)
    assert (request.state, request.error_kind) == ("failed", kind)


async def test_failed_run_may_be_tried_again(clerk: House) -> None:
    task = await task_of(clerk, "Hello")
    clerk.models.rule(text="Hello again", after=0)
    await clerk.db(
        lambda: Request.objects.create(
            conversation=services.open_conversation(task.chat, 0, timezone.now()), kind="task",
            update_key=request_key(task.key), state="failed", error_kind="server", user=task.user,
        )
    )  # fmt: skip

    done = await tasks.perform(task)

    assert done.said == "Hello again"
    [request] = await clerk.db(requests)
    assert (request.state, request.error_kind, request.attempts) == ("done", "", 2)


async def test_another_model_steps_in(clerk: House, settings: Settings) -> None:
    settings.MISTRAL_API_KEY, settings.MISTRAL_BASE_URL = "sandbox", f"{clerk.sandbox.url}/llm/mistral"
    settings.FALLBACK_MODELS = ["mistral:mistral-small-2603"]
    await clerk.db(offer, "mistral", "mistral-small-2603")
    clerk.models.rule(provider="openai", error="404")

    done = await tasks.perform(await task_of(clerk, "[[text Hello]]"))

    assert done.said == "Hello"
    [request] = await clerk.db(requests)
    assert request.model_ref == "mistral:mistral-small-2603"


async def test_budget_without_room_ends_it_in_a_sentence(clerk: House) -> None:
    await clerk.db(limit, tokens=1)

    error = await failure(await task_of(clerk, "Hello"))

    assert (error.kind, error.permanent) == ("budget", True)
    assert "budget" in str(error)
    assert not clerk.models.calls


async def test_task_is_paid_by_its_person(clerk: House) -> None:
    await clerk.db(limit, tokens=50_000)

    await tasks.perform(await task_of(clerk, "[[tool look {}]]"))

    [request] = await clerk.db(requests)
    [spending] = await clerk.db(spendings)
    assert spending.tokens == (request.input_tokens or 0) + (request.output_tokens or 0) > 0
    assert spending.reserved_tokens == 0


async def test_tasks_do_not_count_as_questions_in_a_minute(clerk: House, settings: Settings) -> None:
    settings.REQUESTS_PER_MINUTE = 1
    await tasks.perform(await task_of(clerk, "[[text one]]"))
    await tasks.perform(await task_of(clerk, "[[text two]]"))

    assert "[[" not in await clerk.ask(ANNA, "[[text three]]")
    assert clerk.heard(ANNA)[-1] == "three"


async def test_assistant_that_is_gone_or_withheld_does_nothing(clerk: House) -> None:
    gone = await failure(await task_of(clerk, "Hello", assistant=uuid.uuid4()))
    await clerk.db(Assistant.objects.update, role=Role.ADMIN)
    withheld = await failure(await task_of(clerk, "Hello"))

    assert [(error.kind, error.permanent) for error in (gone, withheld)] == [("no_assistant", True)] * 2
    assert await clerk.db(requests) == []


async def test_person_who_was_shut_out_is_served_no_more(clerk: House) -> None:
    await clerk.db(User.objects.filter(telegram_id=ANNA).update, status=Access.BLOCKED)

    error = await failure(await task_of(clerk, "Hello"))

    assert (error.kind, error.permanent) == ("no_access", True)


async def test_without_any_model_the_task_fails_for_good(clerk: House, settings: Settings) -> None:
    settings.DEFAULT_MODEL = ""
    settings.OPENAI_API_KEY = ""
    await clerk.db(Model.objects.all().delete)
    services.forget_default()

    assert (await failure(await task_of(clerk, "Hello"))).kind == "no_model"


async def test_what_was_forgotten_meanwhile_is_not_said(clerk: House) -> None:
    task = await task_of(clerk, "[[hold]] [[text Hello]]")
    begun = await clerk.db(services.begin_task, task, "", timezone.now())
    assert isinstance(begun, Turn)
    await clerk.db(Request.objects.update, state="stopped")

    outcome = services.Outcome(text="Hello")
    done = await clerk.db(services.save_task, begun, outcome, timezone.now())
    await clerk.quiet()

    assert done.said == ""
    assert clerk.heard(ANNA) == []


async def test_contents_that_do_not_stay_are_not_kept(clerk: House, settings: Settings) -> None:
    settings.CONTENT_LOG = "metadata"

    done = await tasks.perform(await task_of(clerk, "[[text Hello]]"))

    [request] = await clerk.db(requests)
    assert done.said == "Hello"
    assert (request.prompt, request.answer) == ("", "")
    assert retention.NOTHING == {"prompt": "", "answer": "", "error": ""}


def test_assistants_in_use_are_known_by_their_id(db: None) -> None:
    used = Assistant.objects.create(name="Used")
    hidden = Assistant.objects.create(name="Hidden", enabled=False)

    assert services.knows(used.uid)
    assert not services.knows(hidden.uid)
    assert not services.knows(uuid.uuid4())


def test_migration_gives_each_assistant_an_id_of_its_own(db: None) -> None:
    before = [Assistant.objects.create(name=name).uid for name in ("one", "two")]

    import_module("conversations.migrations.0008_tasks").give(apps, None)

    after = [row.uid for row in Assistant.objects.order_by("pk")]
    assert len({*before, *after}) == 4


def test_house_has_the_tools_that_its_tables_name(settings: Settings) -> None:
    for name in [*settings.TASK_TOOLS, *settings.DIALOG_TOOLS]:
        assert toolbox.find(name) is not None
