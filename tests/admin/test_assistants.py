"""Operators write assistants: chains and tools are checked, versions are kept and come back."""

import re
from typing import Any

import pytest
from django.db import models
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEntry, Chat, User
from conversations import services
from conversations.models import Assistant, AssistantVersion, Binding, Request
from llm.models import Model, ProviderState
from tests.admin.conftest import url

Rows = dict[type[models.Model], models.Model]

INLINE = {"versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0"}
FORM = {"name": "Translator", "role": "member", "enabled": "on", **INLINE}


@pytest.fixture(autouse=True)
def _catalogue(db: None, settings: Settings) -> None:
    settings.OPENAI_API_KEY = "sandbox"
    provider = ProviderState.objects.create(name="openai")
    Model.objects.create(provider=provider, name="good")
    Model.objects.create(provider=provider, name="old", state="retired")
    Model.objects.create(provider=provider, name="hidden", enabled=False)


def errors(page: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = page.context["adminform"].form.errors.get_json_data()
    return {name: [error["message"] for error in listed] for name, listed in found.items()}  # type: ignore[index]


def change(site: Client, assistant: Assistant, **fields: Any) -> Any:
    values = {"name": assistant.name, "role": "member", "enabled": "on", "prompt": assistant.prompt, **INLINE, **fields}
    return site.post(url(Assistant, "change", assistant.pk), values)


def test_chain_is_kept_in_its_order(site: Client) -> None:
    Model.objects.create(provider_id="openai", name="better")

    site.post(url(Assistant, "add"), FORM | {"fallbacks": "openai:good\r\n\r\n openai:better "})

    assert Assistant.objects.get().fallbacks == ["openai:good", "openai:better"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("openai:nobody", "openai:nobody is not in the list of models"),
        ("good wine", "good wine is not in the list of models"),
        ("openai:old", "openai:old was retired"),
        ("openai:hidden", "openai:hidden is not offered"),
        ("openai:good\nopenai:good", "openai:good stands there twice"),
    ],
)
def test_chain_that_cannot_work_is_refused_in_words(site: Client, line: str, sentence: str) -> None:
    page = site.post(url(Assistant, "add"), FORM | {"fallbacks": line})

    assert sentence in errors(page)["fallbacks"][0]
    assert not Assistant.objects.exists()


def test_chain_does_not_hold_the_model_itself(site: Client) -> None:
    good = Model.objects.get(name="good")

    page = site.post(url(Assistant, "add"), FORM | {"model": good.pk, "fallbacks": "openai:good"})

    assert errors(page) == {"fallbacks": ["openai:good is the model itself."]}


def test_unknown_tool_is_refused_in_words(site: Client) -> None:
    page = site.post(url(Assistant, "add"), FORM | {"tools": ["shell"]})

    assert "shell" in errors(page)["tools"][0]


def test_operator_is_told_that_the_model_cannot_call_tools(site: Client) -> None:
    good = Model.objects.get(name="good")

    page = site.post(url(Assistant, "add"), FORM | {"model": good.pk, "tools": ["current_time"]}, follow=True)

    assert "cannot call tools" in page.content.decode()


def test_every_change_of_what_the_model_is_told_is_a_version(site: Client, operator: User) -> None:
    site.post(url(Assistant, "add"), FORM | {"prompt": "One."})
    assistant = Assistant.objects.get()
    change(site, assistant, prompt="Two.")
    change(site, assistant, prompt="Two.", description="only the description")

    assistant.refresh_from_db()
    assert (assistant.version, assistant.prompt) == (2, "Two.")
    kept = AssistantVersion.objects.order_by("number")
    assert [(row.number, row.prompt, row.changed_by) for row in kept] == [(1, "One.", operator), (2, "Two.", operator)]


def test_two_who_save_the_same_at_once_make_one_version(site: Client) -> None:
    site.post(url(Assistant, "add"), FORM | {"prompt": "One."})
    first, second = Assistant.objects.get(), Assistant.objects.get()
    first.prompt = second.prompt = "Two."

    assert services.save_assistant(first, None, timezone.now())
    assert not services.save_assistant(second, None, timezone.now())

    assert Assistant.objects.get().version == 2
    assert AssistantVersion.objects.count() == 2


def test_what_was_written_before_versions_were_kept_can_come_back(site: Client) -> None:
    assistant = Assistant.objects.create(name="Old", prompt="Before.")

    change(site, assistant, prompt="After.")

    kept = AssistantVersion.objects.order_by("number").values_list("number", "prompt")
    assert list(kept) == [(1, "Before."), (2, "After.")]


def test_version_comes_back_as_a_new_one(site: Client) -> None:
    good = Model.objects.get(name="good")
    site.post(url(Assistant, "add"), FORM | {"prompt": "One.", "model": good.pk, "tools": ["current_time"]})
    assistant = Assistant.objects.get()
    change(site, assistant, prompt="Two.", temperature="1")
    first = AssistantVersion.objects.get(number=1)

    site.post(url(AssistantVersion, "changelist"), {"action": "restore_selected", "_selected_action": [first.pk]})

    assistant.refresh_from_db()
    assert (assistant.prompt, assistant.model, assistant.temperature) == ("One.", good, None)
    assert (assistant.tools, assistant.version) == (["current_time"], 3)
    assert AuditEntry.objects.filter(action="assistant.restored").get().details == {"version": 1}


def test_binding_is_written_and_stands_on_record(site: Client) -> None:
    chat = Chat.objects.create(bot_id=1, telegram_id=-5, kind="group", title="Team")
    assistant = Assistant.objects.create(name="Terse")

    site.post(url(Binding, "add"), {"chat": chat.pk, "thread_id": "7", "assistant": assistant.pk})

    assert Binding.objects.get().thread_id == 7
    assert AuditEntry.objects.get().action == "assistant.bound"


def test_second_binding_of_a_place_is_refused(site: Client, rows: Rows) -> None:
    binding = rows[Binding]
    assert isinstance(binding, Binding)

    page = site.post(url(Binding, "add"), {"chat": binding.chat_id, "assistant": binding.assistant_id})

    assert re.search("one_assistant_a_place|already", page.content.decode())
    assert Binding.objects.count() == 1


def test_request_shows_what_happened_on_its_way(site: Client, rows: Rows) -> None:
    request = rows[Request]
    assert isinstance(request, Request)
    request.steps = [{"kind": "tool", "name": "current_time", "outcome": "ok", "ms": 3}]
    request.chosen_ref = "openai:the-chosen-one"
    request.save()

    page = site.get(url(Request, "change", request.pk)).content.decode()

    assert "current_time" in page
    assert "openai:the-chosen-one" in page


def test_page_shows_the_id_that_programs_call_an_assistant_by(site: Client) -> None:
    assistant = Assistant.objects.create(name="Clerk")

    page = site.get(url(Assistant, "change", assistant.pk)).content.decode()

    assert f'<code style="user-select:all">{assistant.uid}</code>' in page
    assert "id for programs" not in site.get(url(Assistant, "add")).content.decode().lower()
