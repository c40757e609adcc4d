"""Models that operators type, and the switches of servers that they edit."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import AuditEntry
from llm import services, sync
from llm.models import Availability, Model, ProviderState
from llm.types import ModelInfo

pytestmark = pytest.mark.django_db
ADD = "admin:llm_model_add"
NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture(autouse=True)
def _local_server(settings: Settings) -> None:
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "", "http://127.0.0.1:9/v1"


def typed(site: Client, **more: Any) -> Any:
    form = {"where": "openai", "name": "llama-5", "capabilities": ["text", "image"], "context_window": "32000"}
    return site.post(reverse(ADD), form | more)


def switched(site: Client, value: Any) -> str:
    state, _created = ProviderState.objects.get_or_create(name="openai")
    url = reverse("admin:llm_providerstate_change", args=[state.pk])
    return site.post(url, {"switches": value if isinstance(value, str) else json.dumps(value)}).content.decode()


def test_typed_model_is_offered_with_what_it_can_do(site: Client) -> None:
    assert typed(site).status_code == 302
    row = Model.objects.get()
    assert (row.ref, row.capabilities, row.context_window) == ("openai:llama-5", ["image", "text"], 32000)
    assert services.offered_models() == [row]
    assert AuditEntry.objects.get().action == "model.added"


def test_model_is_typed_once_and_for_a_configured_provider(site: Client) -> None:
    typed(site)
    assert "This model is there already." in typed(site).content.decode()
    assert typed(site, name="x", where="mistral").status_code == 200
    assert Model.objects.count() == 1


def test_refresh_leaves_a_typed_model_alone(site: Client, now: datetime) -> None:
    typed(site)
    for _again in range(3):
        refresh(now, ModelInfo("another"))
    assert Model.objects.get(name="llama-5").state == Availability.AVAILABLE


# --- what a list says wrongly ---------------------------------------------------------------------------------------

LISTED = ModelInfo("listed", capabilities=frozenset({"text", "image"}), context_window=4000, max_output=500)


def refresh(now: datetime, *listed: ModelInfo) -> None:
    run = sync.claim("test", None, now)
    assert run is not None
    sync.apply({"openai": list(listed)}, run, now)


def described(site: Client, able: list[str], window: str = "4000", **more: str) -> Model:
    """The row, after its form was sent with what it can do and its window."""
    row = Model.objects.get()
    url = reverse("admin:llm_model_change", args=[row.pk])
    assert site.post(url, {"capabilities": able, "context_window": window, **more}).status_code == 302
    return Model.objects.get()


def test_correction_of_a_listed_model_outlives_refreshes_and_stands_on_record(site: Client, now: datetime) -> None:
    refresh(now, LISTED)

    described(site, ["text", "tools"], "32000")
    refresh(now, LISTED)

    row = Model.objects.get()
    assert (row.capabilities, row.context_window, row.max_output, row.by_hand) == (["text", "tools"], 32000, 500, True)
    [entry] = AuditEntry.objects.filter(action="model.described")
    assert entry.details == {"capabilities": ["text", "tools"], "context_window": 32000, "by_hand": True}


def test_correction_outlives_the_table_of_known_models_too(site: Client, now: datetime, settings: Settings) -> None:
    settings.OPENAI_BASE_URL = "https://api.openai.com/v1"
    refresh(now, ModelInfo("gpt-4o-mini"))
    assert "image" in Model.objects.get().capabilities

    described(site, ["text"], "")
    refresh(now, ModelInfo("gpt-4o-mini"))

    row = Model.objects.get()
    assert (row.capabilities, row.context_window) == (["text"], None)


def test_model_that_is_given_back_follows_its_list_again(site: Client, now: datetime) -> None:
    refresh(now, LISTED)
    described(site, ["text"], by_hand="on")

    assert described(site, ["text"]).by_hand is False
    refresh(now, LISTED)

    assert Model.objects.get().capabilities == ["image", "text"]


def test_typed_model_is_corrected_too(site: Client) -> None:
    typed(site)
    assert described(site, ["text"], "8000").capabilities == ["text"]


def test_only_a_typed_model_can_be_deleted(site: Client, now: datetime) -> None:
    typed(site)
    mine = Model.objects.get()
    listed = Model.objects.create(provider_id="openai", name="listed", last_seen=now)
    for row, status in ((mine, 200), (listed, 403)):
        assert site.get(reverse("admin:llm_model_delete", args=[row.pk])).status_code == status


@pytest.mark.parametrize(
    ("language", "price"), [("en", "0.15 / 1,250.5"), ("ru", f"0,15 / 1{NBSP}250,5")], ids=["en", "ru"]
)
def test_figures_of_the_list_are_written_as_the_reader_writes_them(site: Client, language: str, price: str) -> None:
    state = ProviderState.objects.create(name="openai")
    prices = {"price_input": Decimal("0.150000"), "price_output": Decimal("1250.500000")}
    Model.objects.create(provider=state, name="m", context_window=1_048_576, **prices)

    page = site.get(reverse("admin:llm_model_changelist"), headers={"accept-language": language}).content.decode()

    assert price in page.replace("&nbsp;", NBSP)
    assert f"1{NBSP}048{NBSP}576" in page.replace("&nbsp;", NBSP)


def test_stranger_to_the_admin_adds_nothing(helper: Client) -> None:
    assert typed(helper).status_code == 403


def test_switches_are_edited_and_audited(site: Client) -> None:
    value = {"*": {"max_tokens_field": "max_completion_tokens", "tools": False}, "m": {"drop": ["temperature"]}}
    switched(site, value)
    assert ProviderState.objects.get().switches == value
    entry = AuditEntry.objects.get()
    assert entry.action == "provider.switches_set"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{", "Enter a valid JSON"),
        ([1], "Write an object"),
        ({"m": 1}, "The switches of m must be an object"),
        ({"*": {"max_token_field": "x"}}, "There is no switch max_token_field"),
        ({"*": {"max_tokens_field": "x"}}, "must be one of: max_tokens, max_completion_tokens"),
        ({"*": {"tools": "no"}}, "tools must be true or false"),
        ({"*": {"drop": "temperature"}}, "drop must be a list of names"),
        ({"*": {"extra_headers": {"X": 1}}}, "extra_headers must be an object of texts"),
    ],
)
def test_wrong_switch_is_named(site: Client, value: Any, said: str) -> None:
    assert said in switched(site, value)
    assert ProviderState.objects.get().switches == {}
