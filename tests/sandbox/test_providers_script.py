"""What a prompt or a rule makes the model servers do, the same for all four."""

import json
from typing import Any

import pytest

from sandbox.providers import answers, script
from sandbox.providers.state import PROVIDERS, Models
from sandbox.providers.stream import Writer
from tests.sandbox.providers_server import KEY, MODEL, Server, events, everywhere, serve_models, text_of


async def said(server: Server, provider: str, text: str, **fields: Any) -> str:
    """The text of a streamed answer."""
    response = await server.ask(provider, text, stream=True, **fields)
    return text_of(provider, events(await response.text()))


def test_directives_are_taken_out_of_the_text() -> None:
    assert script.split("a [[slow 4]] b [[keepalive]]") == ("a  b", {"slow": "4", "keepalive": ""})


def test_unknown_double_brackets_are_ordinary_text() -> None:
    assert script.split("see [[wiki page]]") == ("see [[wiki page]]", {})


def test_tool_arguments_may_hold_the_closing_brackets() -> None:
    wanted = {"name": "f", "arguments": {"a": [[1]]}}
    assert script.split('[[tool f {"a": [[1]]}]] x') == ("x", {"tool": [wanted]})


def test_directive_left_open_takes_the_rest() -> None:
    assert script.split("x [[text hello") == ("x", {"text": "hello"})


@everywhere
async def test_exact_words_can_be_asked_for(server: Server, provider: str) -> None:
    assert await said(server, provider, "[[text **Привет** 👋]]") == "**Привет** 👋"


@everywhere
async def test_whole_and_streamed_answers_are_the_same(server: Server, provider: str) -> None:
    body = json.loads(await (await server.ask(provider, "[[markdown]]")).text())
    assert text_of(provider, [body]) == await said(server, provider, "[[markdown]]") == answers.MARKDOWN


async def test_history_is_the_exact_list_of_user_messages(server: Server) -> None:
    turns = [("user", "раз"), ("assistant", "ok"), ("user", 'два "три"'), ("user", "[[history]]")]
    messages = [{"role": role, "content": text} for role, text in turns]
    answer = await said(server, "mistral", "", messages=messages)
    assert json.loads(answer) == ["раз", 'два "три"', "[[history]]"]


async def test_system_prompt_is_told_word_for_word(server: Server) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "[[system]]"}]
    assert await said(server, "openai", "", messages=messages) == "Be brief."


async def test_words_are_as_many_as_asked_and_numbered(server: Server) -> None:
    answer = await said(server, "openai", "[[words 500]]")
    assert answer == answers.numbered_words(500, "en")
    assert len(answer.replace("Sentence", "").split()) == 500 + answer.count("Sentence")
    assert answer.count("Sentence") == 63


async def test_code_is_longer_than_a_message_and_has_closed_fences(server: Server) -> None:
    answer = await said(server, "openai", "Напиши код [[code]]")
    assert len(answer) > 4096
    assert answer.count("```") % 2 == 0
    assert answer.count("```python") == 7


async def test_emoji_are_as_many_as_asked(server: Server) -> None:
    assert len((await said(server, "openai", "[[emoji 25]]")).split()) == 25


async def test_answer_at_once_takes_two_pieces_of_text(server: Server) -> None:
    parsed = events(await (await server.ask("openai", "Hello", stream=True)).text())
    assert len([event for event in parsed if event["choices"][0]["delta"].get("content")]) == 2


@pytest.fixture
def rested(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the servers wanted to wait: a busy machine makes every wait longer."""
    asked: list[float] = []
    pause = Writer.pause

    async def noted(writer: Writer, seconds: float) -> None:
        asked.append(seconds)
        await pause(writer, seconds)

    monkeypatch.setattr(Writer, "pause", noted)
    return asked


async def test_slow_answer_comes_in_many_pieces_over_its_time(server: Server, rested: list[float]) -> None:
    parsed = events(await (await server.ask("openai", "Hello [[slow 0.4]]", stream=True)).text())
    call = await server.finished()
    assert len(parsed) >= 8
    assert call.duration is not None
    assert 0.35 < sum(rested) < 0.5
    assert call.duration > 0.35
    assert call.first_byte is not None
    assert call.duration - call.first_byte > 0.2


async def test_delay_holds_the_first_byte_back(server: Server) -> None:
    await server.ask("gemini", "Hello [[delay 0.2]]", stream=True)
    assert (server.models.calls[-1].first_byte or 0) >= 0.2


async def test_pace_is_tokens_a_second(rested: list[float]) -> None:
    async with serve_models(pace=100) as server:
        await (await server.ask("openai", f"[[text {'x' * 160}]]", stream=True)).text()
        duration = (await server.finished()).duration
    assert duration is not None
    assert sum(rested) < 0.5  # of its own will; less where the machine made it late
    assert duration > 0.35


def test_usual_pace_lets_a_greeting_take_about_two_seconds() -> None:
    text = answers.WORDS["ru"]["hello"]
    assert 1 < len(text) / 4 / Models().pace < 3


@everywhere
async def test_rule_answers_what_it_matches(server: Server, provider: str) -> None:
    server.models.rule(provider=provider, contains="погода", text="Снег")
    assert await said(server, provider, "Какая погода?") == "Снег"
    assert await said(server, provider, "Как дела?") != "Снег"


async def test_rule_for_a_model_leaves_the_others_alone(server: Server) -> None:
    server.models.rule(model="gpt-4.1-mini", text="me")
    assert await said(server, "openai", "x", model="gpt-4.1-mini") == "me"
    assert await said(server, "openai", "x") != "me"


async def test_rule_serves_its_times_after_letting_some_through(server: Server) -> None:
    server.models.rule(error="429", retry_after=2, after=1, times=2)
    statuses = [(await server.ask("openai", "x")).status for _ in range(4)]
    assert statuses == [200, 429, 429, 200]


async def test_first_matching_rule_decides(server: Server) -> None:
    server.models.rule(text="first", times=1)
    server.models.rule(text="second")
    assert [await said(server, "openai", "x") for _ in range(2)] == ["first", "second"]


async def test_rule_that_only_sets_the_pace_lies_under_the_others(server: Server) -> None:
    server.models.pace = 1
    server.models.rule(pace=0)
    server.models.rule(text="quick")
    assert await said(server, "openai", "x") == "quick"


async def test_rule_wins_over_the_prompt(server: Server) -> None:
    server.models.rule(text="rule")
    assert await said(server, "openai", "[[text prompt]]") == "rule"


async def test_rule_may_call_a_tool(server: Server) -> None:
    server.models.rule(tool={"name": "f", "arguments": {"a": 1}})
    tools = [{"type": "function", "function": {"name": "f"}}]
    answer = await (await server.ask("openai", "x", tools=tools)).json()
    function = answer["choices"][0]["message"]["tool_calls"][0]["function"]
    assert function == {"name": "f", "arguments": '{"a": 1}'}


@pytest.mark.parametrize(
    "wrong", [{"txt": "x"}, {"provider": "openia"}, {"error": "oops"}, {"endpoint": "chats", "error": "500"}]
)
def test_rule_with_unknown_words_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="unknown"):
        Models().rule(**wrong)


async def test_list_of_models_fails_when_told_to(server: Server) -> None:
    server.models.catalogues["mistral"].fail("503")
    url = f"{server.url}/llm/mistral/v1/models"
    assert (await server.http.get(url, headers={"Authorization": f"Bearer {KEY}"})).status == 503
    assert (await server.ask("mistral", "x")).status == 200


async def test_rule_for_the_list_of_models_leaves_the_chat_alone(server: Server) -> None:
    server.models.rule(endpoint="models", error="500", times=1)
    url, headers = f"{server.url}/llm/openai/v1/models", {"Authorization": f"Bearer {KEY}"}
    assert (await server.ask("openai", "x")).status == 200
    assert [(await server.http.get(url, headers=headers)).status for _ in range(2)] == [500, 200]


@everywhere
async def test_removed_model_is_neither_listed_nor_served(server: Server, provider: str) -> None:
    catalogue = server.models.catalogues[provider]
    before = len(catalogue.listing())
    catalogue.remove(MODEL[provider])
    assert len(catalogue.listing()) == before - 1
    assert (await server.ask(provider, "x")).status in (400, 404)


async def test_added_model_is_listed_with_its_fields_and_served(server: Server) -> None:
    server.models.catalogues["openai"].add("qwen/qwen3", context_length=131072)
    url = f"{server.url}/llm/openai/v1/models/qwen/qwen3"
    listed = await (await server.http.get(url, headers={"Authorization": f"Bearer {KEY}"})).json()
    assert listed["context_length"] == 131072
    assert (await server.ask("openai", "x", model="qwen/qwen3")).status == 200


@everywhere
async def test_call_is_recorded_without_its_key(server: Server, provider: str) -> None:
    await server.ask(provider, "secret question")
    call = await server.finished()
    assert (call.provider, call.endpoint, call.status, call.outcome) == (provider, "chat", 200, "answered")
    assert call.model == MODEL[provider]
    assert "secret question" in json.dumps(call.body)
    assert KEY not in json.dumps(call.as_dict())
    assert "****6789" in json.dumps(call.as_dict())


async def test_key_in_the_query_is_masked_too(server: Server) -> None:
    await server.http.get(f"{server.url}/llm/gemini/v1beta/models?key={KEY}")
    assert server.models.calls[-1].path == "/llm/gemini/v1beta/models?key=****6789"


async def test_refused_call_is_recorded_as_refused(server: Server) -> None:
    await server.ask("mistral", "x", nonsense=1)
    assert (server.models.calls[-1].status, server.models.calls[-1].outcome) == (422, "refused")


async def test_only_the_last_calls_are_kept_but_all_are_counted() -> None:
    async with serve_models(keep=2) as server:
        for _ in range(3):
            await server.ask("openai", "x")
        assert [call.n for call in server.models.calls] == [2, 3]
        assert server.models.total == 3


async def control(server: Server, verb: str, path: str, body: Any = None) -> Any:
    """The JSON that the control API answers, whatever the status."""
    response = await server.http.request(verb, f"{server.url}/_sandbox/llm/{path}", json=body)
    return await response.json()


async def test_rules_are_added_listed_and_cleared_over_http(server: Server) -> None:
    await control(server, "POST", "rules", {"rules": [{"contains": "x", "text": "y", "times": 1}]})
    assert await said(server, "openai", "x") == "y"
    listed = (await control(server, "GET", "rules"))["rules"]
    assert [(rule["contains"], rule["text"], rule["matched"]) for rule in listed] == [("x", "y", 1)]
    assert await control(server, "DELETE", "rules") == {"rules": []}
    assert server.models.rules == []


async def test_one_rule_may_be_posted_bare(server: Server) -> None:
    await control(server, "POST", "rules", {"text": "bare"})
    assert await said(server, "gemini", "x") == "bare"


async def test_mistake_in_a_rule_is_explained(server: Server) -> None:
    response = await server.http.post(f"{server.url}/_sandbox/llm/rules", json={"rules": [{"tex": "y"}]})
    assert (response.status, await response.json()) == (400, {"error": "unknown in a rule: tex"})


async def test_calls_are_listed_filtered_and_cleared_over_http(server: Server) -> None:
    for provider in PROVIDERS:
        await server.ask(provider, "x")
    assert [call["n"] for call in await control(server, "GET", "calls")] == [1, 2, 3, 4]
    assert [call["n"] for call in await control(server, "GET", "calls?provider=mistral")] == [3]
    assert [call["n"] for call in await control(server, "GET", "calls?since=2")] == [3, 4]
    await control(server, "DELETE", "calls")
    assert await control(server, "GET", "calls") == []


async def test_catalogue_is_changed_over_http(server: Server) -> None:
    wanted = {
        "clear": True,
        "add": ["one", {"id": "two", "max_context_length": 5}, "three"],
        "remove": [],
        "retire": [{"id": "one", "replacement": "two"}],
        "failure": "500",
    }
    changed = await control(server, "PUT", "catalogue/mistral", wanted)
    assert [model["id"] for model in changed["models"]] == ["one", "two", "three"]
    assert changed["models"][0]["deprecation_replacement_model"] == "two"
    assert changed["models"][1]["max_context_length"] == 5
    assert changed["failure"] == "500"
    assert await control(server, "GET", "catalogue/mistral") == changed
    again = await control(server, "PUT", "catalogue/mistral", {"reset": True})
    assert again["failure"] is None
    assert len(again["models"]) > 10


@pytest.mark.parametrize(
    ("path", "body"), [("catalogue/nobody", {}), ("catalogue/openai", {"ad": []}), ("catalogue/openai", [])]
)
async def test_mistake_in_a_catalogue_is_explained(server: Server, path: str, body: Any) -> None:
    assert (await control(server, "PUT", path, body)).keys() == {"error"}


async def test_answer_in_russian_is_asked_for_by_the_question() -> None:
    assert answers.language("", "Привет", "Hello") == "ru"
    assert answers.language("42", "Hello", "Привет") == "en"
