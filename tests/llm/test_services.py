from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from llm import services
from llm.models import Availability, Model, ProviderState
from llm.types import Usage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(settings: Any) -> None:
    settings.GEMINI_API_KEY = settings.MISTRAL_API_KEY = "invented-key"


def make(name: str, provider: str = "gemini", **fields: Any) -> Model:
    state, _ = ProviderState.objects.get_or_create(name=provider)
    return Model.objects.create(provider=state, name=name, **fields)


def default() -> str:
    target = services.default_target()
    assert target is not None
    return target.ref


def test_cost_tells_cached_input_apart() -> None:
    model = Model(price_input=Decimal(3), price_cached=Decimal("0.3"), price_output=Decimal(15))
    assert services.cost_of(model, Usage(1000, 400, 100, 50)) == Decimal("0.00342000")


def test_cached_input_without_a_price_costs_as_other_input() -> None:
    model = Model(price_input=Decimal(3), price_output=Decimal(15))
    assert services.cost_of(model, Usage(1000, 400, 0)) == Decimal("0.00300000")


@pytest.mark.parametrize(
    ("model", "usage"),
    [
        (None, Usage(1, 0, 1)),
        (Model(price_output=Decimal(1)), Usage(1, 0, 1)),
        (Model(price_input=Decimal(1)), Usage(1, 0, 1)),
        (Model(price_input=Decimal(1), price_output=Decimal(1)), Usage(1, 0, None)),
        (Model(price_input=Decimal(1), price_output=Decimal(1)), Usage()),
    ],
)
def test_unknown_price_or_count_is_an_unknown_cost(model: Model | None, usage: Usage) -> None:
    assert services.cost_of(model, usage) is None


def test_target_of_a_row_asks_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make("gemini-3.8-flash", label="Gemini 3.8 Flash")
    model = Model.objects.select_related("provider").get()
    with django_assert_num_queries(0):
        target = services.target_of(model)
    assert (target.ref, target.label) == ("gemini:gemini-3.8-flash", "Gemini 3.8 Flash")


def test_target_knows_the_breaker_and_the_switches(now: datetime) -> None:
    model = make("m")
    model.provider.paused_until, model.provider.last_error_kind, model.provider.failures = now, "auth", 2
    model.provider.switches = {"*": {"a": 1, "b": 1}, "m": {"b": 2}, "other": {"c": 3}}
    target = services.target_of(model)
    assert (target.paused_until, target.pause_kind, target.failures) == (now, "auth", 2)
    assert target.switches == {"a": 1, "b": 2}


@pytest.mark.parametrize("switches", [[], {"*": 7}, {"m": None}, {}])
def test_nonsense_in_the_switches_is_ignored(switches: Any) -> None:
    model = make("m")
    model.provider.switches = switches
    assert services.target_of(model).switches == {}


def test_default_model_needs_no_row(settings: Any) -> None:
    settings.DEFAULT_MODEL = "mistral:mistral-small-latest"
    target = services.default_target()
    assert target is not None
    assert (target.provider, target.name, target.model) == ("mistral", "mistral-small-latest", None)


def test_default_model_without_a_row_still_minds_the_breaker(settings: Any, now: datetime) -> None:
    settings.DEFAULT_MODEL = "mistral:new"
    ProviderState.objects.create(name="mistral", paused_until=now, switches={"*": {"x": 1}})
    target = services.default_target()
    assert target is not None
    assert (target.paused_until, target.switches) == (now, {"x": 1})


def test_default_model_may_be_an_alias(settings: Any) -> None:
    settings.DEFAULT_MODEL = "mistral:mistral-small-latest"
    make("mistral-small-2603", "mistral", aliases=["mistral-small-latest"])
    assert default() == "mistral:mistral-small-2603"


def test_name_with_a_colon_is_whole(settings: Any) -> None:
    settings.DEFAULT_MODEL = "mistral:ft:ministral:1"
    assert default() == "mistral:ft:ministral:1"


def test_bare_name_belongs_to_the_only_provider(settings: Any) -> None:
    settings.GEMINI_API_KEY = ""
    settings.DEFAULT_MODEL = "llama3:8b"
    assert default() == "mistral:llama3:8b"


def test_retired_default_model_is_replaced(settings: Any) -> None:
    settings.DEFAULT_MODEL = "gemini:old"
    make("old", state=Availability.RETIRED, replaced_by=make("new"))
    make("a-first")
    assert default() == "gemini:new"


def test_retired_default_model_without_replacement_gives_way(settings: Any) -> None:
    settings.DEFAULT_MODEL = "gemini:old"
    make("old", state=Availability.RETIRED)
    make("other")
    assert default() == "gemini:other"


def test_default_of_an_unconfigured_provider_gives_way(settings: Any) -> None:
    settings.DEFAULT_MODEL = "deepseek:deepseek-flash"
    make("m")
    assert default() == "gemini:m"


def test_without_a_default_the_first_offered_model_is_asked() -> None:
    make("m", "mistral")
    make("b")
    make("a", enabled=False)
    make("deepseek-flash", "deepseek")
    assert default() == "gemini:b"


def test_nothing_to_offer_is_no_target() -> None:
    assert services.default_target() is None


@pytest.mark.parametrize(
    "text",
    [
        "mistral:mistral-small-2603",
        "MISTRAL-SMALL-2603",
        "mistral-small-latest",
        "mistral small 4",
        " Mistral:mistral-small-latest ",
    ],
)
def test_model_is_found_by_every_name(text: str) -> None:
    model = make("mistral-small-2603", "mistral", label="Mistral Small 4", aliases=["mistral-small-latest"])
    make("other", "mistral", label="Other")
    assert services.find_model(text) == model


def test_offered_model_is_found_before_a_retired_one() -> None:
    make("twin", state=Availability.RETIRED)
    offered = make("other", "mistral", label="Twin")
    assert services.find_model("twin") == offered


@pytest.mark.parametrize("text", ["", "  ", "nothing", "gemini:nothing"])
def test_unknown_model_is_not_found(text: str) -> None:
    make("m")
    assert services.find_model(text) is None


def test_replacement_of_a_replacement_is_found() -> None:
    new = make("new")
    middle = make("middle", state=Availability.RETIRED, replaced_by=new)
    assert services.replacement_of(make("old", replaced_by=middle)) == new


def test_circle_of_replacements_ends() -> None:
    one = make("one", state=Availability.RETIRED)
    other = make("other", state=Availability.RETIRED, replaced_by=one)
    services.set_replacement(one, other)
    assert services.replacement_of(one) is None


def test_change_is_told_once() -> None:
    model = make("m")
    assert services.set_enabled(model, False)
    assert not services.set_enabled(model, False)
    assert not model.enabled


def test_model_cannot_replace_itself() -> None:
    model = make("m")
    with pytest.raises(ValueError, match="itself"):
        services.set_replacement(model, model)


def test_price_of_an_operator_is_marked(now: datetime) -> None:
    model = make("m")
    assert services.set_price(model, price_input=Decimal(1), price_output=Decimal(2), on=now.date())
    assert (model.price_source, model.price_date, model.price_cached) == ("operator", now.date(), None)


def test_negative_price_is_refused(now: datetime) -> None:
    with pytest.raises(ValueError, match="negative"):
        services.set_price(make("m"), price_input=Decimal(-1), price_output=Decimal(2), on=now.date())


def test_switches_of_models_stand_side_by_side() -> None:
    services.remember_switches("openai", "a", {"x": 1})
    services.remember_switches("openai", "a", {"y": 2})
    services.remember_switches("openai", "b", {"x": 3})
    assert ProviderState.objects.get().switches == {"a": {"x": 1, "y": 2}, "b": {"x": 3}}


def test_paused_provider_is_offered_still(now: datetime) -> None:
    model = make("m")
    ProviderState.objects.update(paused_until=now + timedelta(hours=1))
    assert services.offered_models() == [model]
