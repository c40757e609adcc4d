"""A model calls tools: who may, what it is told, what stays on record, and what needs a person's Yes."""

import re
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Access, Role, User
from conversations import retention
from conversations.models import Assistant, Attachment, Conversation, Message, Request
from conversations.services import library
from files.models import StoredFile
from llm import toolbox
from llm.models import Model, ProviderState
from llm.toolbox import Arguments, Asked, Tool, ToolError
from telegram_bot.models import Button, Update
from tests.conversations.conftest import requests
from tests.conversations.test_budgets import limit, spendings
from tests.house import ADMINS, ANNA, BORIS, BOT, MODEL, OLGA, TEAM, House

OURS = ["current_time", "search_dialogs", "read_file"]
HERE = __name__
wiped: list[str] = []


def _wipe(asked: Asked, arguments: Arguments) -> str:
    if arguments["what"] == "nothing":
        raise ToolError("There is nothing to wipe.")
    wiped.append(f"{asked.user.first_name}: {arguments['what']}")
    return "Wiped."


def _broken(_asked: Asked, _arguments: Arguments) -> str:
    raise RuntimeError("a bug")


def _long(_asked: Asked, _arguments: Arguments) -> str:
    return "word " * 5000


def _resign(asked: Asked, _arguments: Arguments) -> str:
    """The person loses the right to use anything."""
    User.objects.filter(pk=asked.user.pk).update(status=Access.BLOCKED)
    return "Done."


def _slow(_asked: Asked, _arguments: Arguments) -> str:
    time.sleep(0.3)
    return "done"


WHAT = {"type": "object", "properties": {"what": {"type": "string", "maxLength": 10}}, "required": ["what"]}
NOTHING = {"type": "object", "properties": {}}
wipe = Tool("wipe", "Wipes.", WHAT, _wipe, destructive=True, question=lambda a: f"wipe {a['what']}")
broken = Tool("broken", "Breaks.", NOTHING, _broken)
long = Tool("long", "Says much.", NOTHING, _long)
resign = Tool("resign", "Resigns.", NOTHING, _resign)
slow = Tool("slow", "Takes its time.", NOTHING, _slow)
secret = Tool("secret", "For admins.", NOTHING, _long, roles=frozenset({Role.ADMIN}))


@pytest.fixture
async def armed(house: House, settings: Settings) -> House:
    """The house with an assistant that has every tool, and a model that can call them."""
    wiped.clear()
    more = {name: f"{HERE}.{name}" for name in ("wipe", "broken", "long", "slow", "secret", "resign")}
    settings.ASSISTANT_TOOLS = {**settings.ASSISTANT_TOOLS, **more}
    tools = [*OURS, *more]
    await house.db(lambda: Assistant.objects.create(name="Handy", tools=tools, is_default=True))
    await house.db(Model.objects.filter(name=MODEL).update, capabilities=["text", "tools"])
    return house


def told(house: House, call: int = -1) -> list[str]:
    """What the model heard from tools in a call."""
    return [m["content"] for m in house.models.calls[call].body["messages"] if m["role"] == "tool"]


async def steps(house: House, request: int = -1) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await house.db(requests))[request].steps
    return found


async def test_model_calls_a_tool_and_answers_with_what_it_learned(armed: House) -> None:
    await armed.db(User.objects.filter(telegram_id=ANNA).update, time_zone="Asia/Tokyo")

    answer = await armed.ask(ANNA, "What time is it? [[tool current_time {}]]")

    assert "The tools answered" in answer
    assert "Asia/Tokyo" in answer
    [request] = await armed.db(requests)
    [step] = request.steps
    assert (step["kind"], step["name"], step["outcome"], step["arguments"]) == ("tool", "current_time", "ok", "{}")
    assert step["ms"] >= 0
    assistant = await armed.db(Assistant.objects.get)
    assert (request.assistant_id, request.assistant_version) == (assistant.pk, 1)


async def test_only_the_final_text_goes_into_the_next_question(armed: House) -> None:
    await armed.ask(ANNA, "What time is it? [[tool current_time {}]]")
    await armed.ask(ANNA, "Thanks")

    messages = armed.models.calls[-1].body["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert not any(message.get("tool_calls") for message in messages)


async def test_usage_of_all_rounds_is_on_record(armed: House) -> None:
    await armed.ask(ANNA, "Say [[rounds 2]] [[tool current_time {}]]")

    [request] = await armed.db(requests)
    assert len(request.steps) == 2
    assert len(armed.models.calls) == 3
    assert request.input_tokens is not None
    alone = await _tokens_of_one(armed)
    assert request.input_tokens > 2 * alone
    assert not request.estimated


async def _tokens_of_one(house: House) -> int:
    await house.ask(ANNA, "/new")
    await house.ask(ANNA, "Say [[text so]]")
    last = (await house.db(requests))[-1]
    return last.input_tokens or 0


async def test_rounds_are_bounded_and_end_in_words(armed: House, settings: Settings) -> None:
    settings.MAX_TOOL_STEPS = 3

    answer = await armed.ask(ANNA, "[[rounds 99]] [[tool current_time {}]]")

    assert "The tools answered" in answer
    assert len(await steps(armed)) == 3
    assert [bool(call.body.get("tools")) for call in armed.models.calls] == [True, True, True, False]


async def test_model_without_the_ability_is_offered_no_tools(armed: House) -> None:
    await armed.db(Model.objects.filter(name=MODEL).update, capabilities=["text"])

    await armed.ask(ANNA, "[[tool current_time {}]]")

    assert not armed.models.calls[-1].body.get("tools")
    assert await steps(armed) == []


@pytest.mark.parametrize(
    ("call", "outcome", "sentence"),
    [
        ("search_dialogs {}", "arguments", "arguments.words is missing."),
        ('search_dialogs {"words": 7}', "arguments", "arguments.words must be of type string."),
        ('search_dialogs {"words": "a", "x": 1}', "arguments", "arguments.x is unknown"),
        ("search_dialogs {broken", "arguments", "not valid JSON"),
        ("rm {}", "unknown", "There is no tool 'rm'"),
        ("broken {}", "failed", "Go on without it"),
        ('read_file {"name": "x"}', "error", "There is no file 'x'"),
    ],
)
async def test_model_is_told_what_was_wrong_with_its_call(armed: House, call: str, outcome: str, sentence: str) -> None:
    await armed.ask(ANNA, f"[[tool {call}]]")

    assert sentence in told(armed)[0]
    assert [step["outcome"] for step in await steps(armed)] == [outcome]
    assert (await armed.db(requests))[0].state == "done"


async def test_broken_tool_is_told_to_the_admins(armed: House) -> None:
    await armed.ask(ANNA, "[[tool broken {}]]")

    assert re.fullmatch("⚠️ The tool broken broke: RuntimeError, trace [0-9a-f]{12}.", armed.heard(ADMINS)[-1])


async def test_tool_of_admins_is_neither_offered_to_a_member_nor_done(armed: House) -> None:
    await armed.ask(ANNA, "[[tool secret {}]]")
    await armed.ask(OLGA, "[[tool secret {}]]")

    assert [step["outcome"] for step in await steps(armed, 0)] == ["unknown"]
    assert [step["outcome"] for step in await steps(armed, 1)] == ["ok"]
    offered = [{tool["function"]["name"] for tool in call.body["tools"]} for call in armed.models.calls]
    assert ["secret" in names for names in offered] == [False, False, True, True]


async def test_right_that_was_lost_between_two_calls_counts(armed: House) -> None:
    await armed.ask(ANNA, "[[rounds 2]] [[tool resign {}]]")

    assert [step["outcome"] for step in await steps(armed)] == ["ok", "refused"]
    assert told(armed)[-1] == "This person may not use this tool."


async def test_long_arguments_are_on_record_in_part(armed: House) -> None:
    await armed.ask(ANNA, '[[tool search_dialogs {"words": "' + "x" * 2000 + '"}]]')

    [step] = await steps(armed)
    assert step["outcome"] == "arguments"
    assert step["arguments"].startswith('{"words": "xxx')
    assert len(step["arguments"]) < 600


async def test_calls_of_one_round_are_bounded(armed: House) -> None:
    await armed.ask(ANNA, "[[tool current_time {}]] " * 17)

    assert [step["outcome"] for step in await steps(armed)] == ["ok"] * 16 + ["too_many"]
    assert told(armed)[-1] == "At most 16 calls at once."


async def test_long_result_is_told_in_part(armed: House) -> None:
    await armed.ask(ANNA, "[[tool long {}]]")

    [result] = told(armed)
    assert len(result) < toolbox.MOST_RESULT + 100
    assert "17000 more characters are left out" in result


async def test_several_calls_of_one_round_are_all_answered(armed: House) -> None:
    await armed.ask(ANNA, '[[tool current_time {}]] [[tool read_file {"name": "x"}]]')

    assert len(told(armed)) == 2
    assert [step["name"] for step in await steps(armed)] == ["current_time", "read_file"]


async def test_tools_have_a_deadline_together_with_the_answer(armed: House, settings: Settings) -> None:
    settings.LLM_TURN_TIMEOUT_SEC = 0.5

    await armed.ask(ANNA, "[[rounds 99]] [[tool slow {}]]")

    [request] = await armed.db(requests)
    assert (request.state, request.error_kind) == ("failed", "timeout")


async def test_stop_works_between_calls(armed: House, settings: Settings) -> None:
    settings.MAX_TOOL_STEPS = 100  # more than a busy machine makes until it reads the next message
    armed.say(ANNA, "[[rounds 99]] [[tool slow {}]]")
    await armed.until(lambda: len(armed.models.calls) == 2)

    armed.say(ANNA, "/stop")
    await armed.quiet()

    [request] = await armed.db(requests)
    assert request.state == "stopped"
    assert len(request.steps) < 50


async def test_mistral_gets_its_calls_back_in_its_own_form(armed: House, settings: Settings) -> None:
    settings.MISTRAL_API_KEY, settings.MISTRAL_BASE_URL = "sandbox", f"{armed.sandbox.url}/llm/mistral"
    settings.FALLBACK_MODELS = ["mistral:mistral-small-2603"]
    await armed.db(_offer_mistral)
    armed.models.rule(provider="openai", error="404")

    answer = await armed.ask(ANNA, "[[tool current_time {}]]")

    assert "The tools answered" in answer
    assert [step["kind"] for step in await steps(armed)] == ["fallback", "tool"]


async def test_another_model_goes_on_with_what_the_tools_said(armed: House, settings: Settings) -> None:
    settings.MISTRAL_API_KEY, settings.MISTRAL_BASE_URL = "sandbox", f"{armed.sandbox.url}/llm/mistral"
    settings.FALLBACK_MODELS = ["mistral:mistral-small-2603"]
    await armed.db(_offer_mistral)
    armed.models.rule(provider="openai", error="404", after=1)

    answer = await armed.ask(ANNA, "[[tool current_time {}]]")

    assert "The tools answered" in answer
    assert [step["kind"] for step in await steps(armed)] == ["tool", "fallback"]


def _offer_mistral() -> None:
    state = ProviderState.objects.create(name="mistral")
    Model.objects.create(provider=state, name="mistral-small-2603", capabilities=["text", "tools"])


# --- what only a person may decide ----------------------------------------------------------------------------------

WIPE = 'Clean up [[tool wipe {"what": "notes"}]]'


async def test_destructive_tool_waits_for_a_yes_and_then_the_dialog_goes_on(armed: House) -> None:
    question = await armed.ask(ANNA, WIPE)

    assert question == "❓ May I do this?\n• wipe notes"
    assert wiped == []
    assert list(armed.buttons(ANNA)) == ["✅ Yes", "✖️ No"]

    armed.press(ANNA, "✅ Yes")
    await armed.quiet()

    assert wiped == ["Анна: notes"]
    assert [step["outcome"] for step in await steps(armed, 0)] == ["ok"]
    first, second = await armed.db(requests)
    assert (first.state, second.state) == ("done", "done")
    assert 'wipe {"what": "notes"}: Wiped.' in second.prompt
    asked = [message["content"] for message in armed.models.calls[-1].body["messages"]]
    assert asked[-3:-1] == [WIPE, question]
    assert "Wiped." in armed.heard(ANNA)[-1]


async def test_no_leaves_it_and_the_model_learns_of_it(armed: House) -> None:
    await armed.ask(ANNA, WIPE)
    armed.press(ANNA, "✖️ No")
    await armed.quiet()

    assert wiped == []
    assert len(armed.models.calls) == 1
    assert [step["outcome"] for step in await steps(armed)] == ["declined"]
    await armed.ask(ANNA, "And now?")
    assert "said No" in armed.models.calls[-1].body["messages"][-2]["content"]


async def test_second_press_does_nothing_more(armed: House) -> None:
    await armed.ask(ANNA, WIPE)
    data, message = armed.buttons(ANNA)["✅ Yes"], armed.messages(ANNA)[-1]["message_id"]
    for _time in (1, 2):
        armed.world.press(ANNA, message, data)
    await armed.quiet()

    assert wiped == ["Анна: notes"]
    assert len(await armed.db(requests)) == 2


async def test_yes_of_a_dead_process_is_done_once(armed: House) -> None:
    """The press is worked on again after the crash that followed its commit."""
    await armed.ask(ANNA, WIPE)
    armed.press(ANNA, "✅ Yes")
    await armed.quiet()

    await armed.db(Update.objects.filter(kind="callback_query", update_id__gt=0).update, state="new")
    armed.engine.wake(f"in:{BOT}:{ANNA}:control")
    await armed.quiet()

    assert wiped == ["Анна: notes"]
    assert len(await armed.db(requests)) == 2


async def test_question_that_was_changed_meanwhile_is_not_done(armed: House) -> None:
    message = armed.say(ANNA, WIPE)["message_id"]
    await armed.quiet()
    data, asked = armed.buttons(ANNA)["✅ Yes"], armed.messages(ANNA)[-1]["message_id"]
    armed.world.edit(ANNA, message, "Leave everything as it is")
    await armed.quiet()

    armed.world.press(ANNA, asked, data)
    await armed.quiet()

    assert wiped == []


async def test_question_too_old_is_not_done(armed: House) -> None:
    await armed.ask(ANNA, WIPE)
    await armed.db(Request.objects.update, finished_at=timezone.now() - timedelta(hours=25))

    armed.press(ANNA, "✅ Yes")
    await armed.quiet()

    assert wiped == []


async def test_right_that_was_taken_meanwhile_counts(armed: House, settings: Settings) -> None:
    await armed.ask(ANNA, WIPE)
    settings.ASSISTANT_TOOLS = {}
    armed.press(ANNA, "✅ Yes")
    await armed.quiet()

    assert wiped == []
    assert [step["outcome"] for step in await steps(armed, 0)] == ["refused"]


async def test_tool_that_was_taken_from_the_assistant_meanwhile_is_not_done(armed: House) -> None:
    await armed.ask(ANNA, WIPE)
    await armed.db(Assistant.objects.update, tools=OURS)

    armed.press(ANNA, "✅ Yes")
    await armed.quiet()

    assert wiped == []
    assert [step["outcome"] for step in await steps(armed, 0)] == ["refused"]
    assert "may not use this tool" in (await armed.db(requests))[1].prompt


async def test_calls_beside_one_that_needs_a_yes_are_on_record_too(armed: House) -> None:
    await armed.ask(ANNA, f"[[tool current_time {{}}]] [[tool rm {{}}]] {WIPE}")

    found = [(step["name"], step["outcome"]) for step in await steps(armed)]
    assert found == [("current_time", "skipped"), ("rm", "unknown"), ("wipe", "asked")]
    armed.press(ANNA, "✅ Yes")
    await armed.quiet()
    assert wiped == ["Анна: notes"]


async def test_what_was_wanted_goes_with_its_dialog(armed: House) -> None:
    def erase() -> bool:
        dialog = Conversation.objects.select_related("chat").get()
        return library.erase(dialog.chat, 0, dialog.pk, User.objects.get(telegram_id=ANNA), timezone.now())

    await armed.ask(ANNA, WIPE)
    assert await armed.db(Button.objects.filter(action="tool.yes").exists)

    assert await armed.db(erase)

    assert not await armed.db(Button.objects.filter(action__startswith="tool.").exists)


async def test_made_up_press_goes_nowhere(armed: House) -> None:
    await armed.ask(ANNA, WIPE)
    request = (await armed.db(requests))[0]

    message = armed.messages(ANNA)[-1]
    message["reply_markup"]["inline_keyboard"][0][0]["callback_data"] = f"go:{request.pk}"
    armed.press(ANNA, "✅ Yes")
    await armed.quiet()

    assert wiped == []
    assert len(armed.models.calls) == 1


async def test_in_a_group_only_who_asked_may_say_yes(team: House, armed: House) -> None:
    await armed.ask(ANNA, f"/ask {WIPE}", TEAM)

    armed.press(BORIS, "✅ Yes", TEAM)
    await armed.quiet()
    assert wiped == []

    armed.press(ANNA, "✅ Yes", TEAM)
    await armed.quiet()
    assert wiped == ["Анна: notes"]


# --- the first tools ------------------------------------------------------------------------------------------------


async def test_search_finds_only_ones_own_dialogs(armed: House) -> None:
    await armed.ask(OLGA, "The password of the safe is 1234")
    await armed.ask(ANNA, "Мой Сейф стоит в углу")
    await armed.ask(ANNA, "/new")

    await armed.ask(ANNA, '[[tool search_dialogs {"words": "safe"}]]')
    assert told(armed) == ["Nothing was found. Try one word, or only its beginning."]
    await armed.ask(ANNA, "/new")
    await armed.ask(ANNA, '[[tool search_dialogs {"words": "сейф"}]]')
    assert "Мой Сейф стоит в углу" in told(armed)[0]


async def test_search_finds_what_a_branch_copied_once(armed: House) -> None:
    for word in ("One rooibos", "Two"):
        await armed.ask(ANNA, f"{word} [[text Yes, {word}]]")
    first = next(m["message_id"] for m in armed.messages(ANNA) if m["text"] == "Yes, One rooibos")
    armed.say(ANNA, "Else [[text Well]]", reply_to=first)
    await armed.quiet()

    await armed.ask(ANNA, '[[tool search_dialogs {"words": "rooibos"}]]')

    assert told(armed)[0].count("Yes, One rooibos") == 2  # in the question and in the answer
    assert told(armed)[0].count("[20") == 2


async def test_search_finds_what_was_said_when_the_request_is_kept_no_more(armed: House, settings: Settings) -> None:
    settings.KEEP_REQUESTS_DAYS = 1
    await armed.ask(ANNA, "Мой сейф стоит в углу")
    await armed.ask(OLGA, "И мой сейф тоже")
    await armed.db(Request.objects.update, created_at=timezone.now() - timedelta(days=2))
    assert await armed.db(retention.forget_old_requests, timezone.now()) == 2

    await armed.ask(ANNA, '[[tool search_dialogs {"words": "Сейф"}]]')

    assert "Мой сейф стоит в углу" in told(armed)[0]
    assert "тоже" not in told(armed)[0]


async def test_search_in_a_group_finds_nothing_private(team: House, armed: House) -> None:
    await armed.ask(ANNA, "My diary: private things")
    await armed.ask(ANNA, "/ask public things", TEAM)

    await armed.ask(ANNA, '/ask [[tool search_dialogs {"words": "things"}]]', TEAM)

    assert "public things" in told(armed)[0]
    assert "diary" not in told(armed)[0]


async def test_file_is_read_by_its_owner_in_pages(armed: House) -> None:
    await armed.db(_store, ANNA, "plan.txt", "first " + "x" * 7000 + " last")

    await armed.ask(ANNA, '[[tool read_file {"name": "plan"}]]')
    assert told(armed)[0].startswith("plan.txt, characters 0 to 6000 of 7011:\nfirst")
    await armed.ask(ANNA, '[[tool read_file {"name": "plan.txt", "start": 6000}]]')
    assert told(armed)[0].endswith(" last")
    await armed.ask(OLGA, '[[tool read_file {"name": "plan.txt"}]]')
    assert told(armed)[0] == "There is no file 'plan.txt'. There are: none."


def _store(telegram_id: int, name: str, text: str) -> StoredFile:
    owner = User.objects.get(telegram_id=telegram_id)
    return StoredFile.objects.create(
        owner=owner, path=name, name=name, mime="text/plain", size=1, sha256=name, text=text
    )


async def test_name_of_a_file_is_found_in_large_and_small_letters(armed: House) -> None:
    await armed.db(_store, ANNA, "План отпусков.txt", "July")

    await armed.ask(ANNA, '[[tool read_file {"name": "план"}]]')

    assert "July" in told(armed)[0]


async def test_group_reads_the_files_of_its_open_dialogs_only(team: House, armed: House) -> None:
    await armed.db(_store, ANNA, "diary.txt", "Private")
    await armed.ask(BORIS, "/ask Here is the plan", TEAM)
    await armed.db(_attach_to_last, "plan.txt")

    await armed.ask(ANNA, '/ask [[tool read_file {"name": "plan"}]]', TEAM)
    assert "Shared" in told(armed)[0]
    await armed.ask(ANNA, '/ask [[tool read_file {"name": "diary"}]]', TEAM)
    assert told(armed)[0] == "There is no file 'diary'. There are: plan.txt."
    await armed.ask(ANNA, "/new", TEAM)
    await armed.ask(ANNA, '/ask [[tool read_file {"name": "plan"}]]', TEAM)
    assert told(armed)[0] == "There is no file 'plan'. There are: none."


def _attach_to_last(name: str) -> None:
    """As a branch keeps a file: the link is the message's alone."""
    message = Message.objects.filter(role="user").latest("id")
    Attachment.objects.create(message=message, file=_store(BORIS, name, "Shared"), kind="document")


# --- budgets --------------------------------------------------------------------------------------------------------


async def test_another_round_is_asked_only_while_the_budget_has_room(armed: House) -> None:
    first = 2000 + 200  # what is set aside for an answer, and its question
    await armed.db(limit, tokens=first)

    answer = await armed.ask(ANNA, "[[tool long {}]]")

    assert "budget" in answer
    assert len(armed.models.calls) == 1
    [spending] = await armed.db(spendings)
    assert spending.reserved_tokens == 0
    assert 0 < spending.tokens <= first


async def test_rounds_that_the_budget_has_room_for_are_set_aside_and_settled(armed: House) -> None:
    await armed.db(limit, tokens=50_000)

    assert "all I wanted to know" in await armed.ask(ANNA, "[[tool long {}]]")

    [request] = await armed.db(requests)
    [spending] = await armed.db(spendings)
    assert spending.tokens == (request.input_tokens or 0) + (request.output_tokens or 0) > 1500
    assert (spending.reserved_tokens, spending.reserved_cost) == (0, Decimal(0))
