"""The catalogue against the lists: cautious, three-way, once per slot."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from llm import known, services, signals, sync
from llm.errors import ProviderError
from llm.jobs import slot_of
from llm.models import Availability, Model, ProviderState, SyncRun
from llm.types import ModelInfo

pytestmark = pytest.mark.django_db
FLASH = ModelInfo("gemini-3.8-flash", label="Gemini 3.8 Flash", context_window=1000)
PRO = ModelInfo("gemini-pro-latest")


@pytest.fixture
def retired() -> Iterator[list[tuple[str, str | None]]]:
    """Which models were told to be retired, and what replaces them."""
    told: list[tuple[str, str | None]] = []

    def on_retired(model: Model, replacement: Model | None, **_: Any) -> None:
        told.append((model.name, replacement.name if replacement else None))

    signals.model_retired.connect(on_retired)
    yield told
    signals.model_retired.disconnect(on_retired)


@pytest.fixture
def synced() -> Iterator[list[bool]]:
    """Of each run that was told, whether it was a first fill."""
    told: list[bool] = []

    def on_synced(first: bool, **_: Any) -> None:
        told.append(first)

    signals.models_synced.connect(on_synced)
    yield told
    signals.models_synced.disconnect(on_synced)


def write(results: sync.Fetched, now: datetime, slot: str | None = None) -> SyncRun:
    """A run that found ``results``."""
    claimed = sync.claim("test", slot, now)
    assert claimed is not None
    return sync.apply(results, claimed, now)


def apply(now: datetime, *listed: ModelInfo, provider: str = "gemini") -> dict[str, Any]:
    run = write({provider: list(listed)}, now)
    result: dict[str, Any] = run.results[provider]
    return result


def row(name: str = "gemini-3.8-flash") -> Model:
    return Model.objects.get(name=name)


def test_first_fill_offers_everything_in_silence(now: datetime, synced: list[bool]) -> None:
    result = apply(now, FLASH, PRO)
    assert (result["seen"], result["new"], result["first"]) == (2, ["gemini-3.8-flash", "gemini-pro-latest"], True)
    assert Model.objects.offered().count() == 2
    assert synced == [True]


def test_new_model_is_offered_and_told(now: datetime, synced: list[bool]) -> None:
    apply(now, FLASH)
    assert apply(now, FLASH, PRO)["new"] == ["gemini-pro-latest"]
    assert row("gemini-pro-latest").enabled
    assert synced == [True, False]


def test_first_list_of_a_second_provider_is_silent(now: datetime, synced: list[bool]) -> None:
    apply(now, FLASH)
    apply(now, ModelInfo("deepseek-flash"), provider="deepseek")
    assert synced == [True, True]


def test_same_list_changes_nothing(now: datetime) -> None:
    apply(now, FLASH)
    result = apply(now + timedelta(days=1), FLASH)
    assert not any(result[key] for key in ("new", "changed", "gone", "returned", "missing"))
    assert row().last_seen == now + timedelta(days=1)


def test_changed_description_is_told(now: datetime) -> None:
    apply(now, FLASH)
    result = apply(now, ModelInfo("gemini-3.8-flash", label="Flash", context_window=2000))
    assert result["changed"] == ["gemini-3.8-flash"]
    assert result["changes"]["gemini-3.8-flash"] == {
        "label": ["Gemini 3.8 Flash", "Flash"],
        "context_window": [1000, 2000],
    }


def test_end_that_is_called_off_is_forgotten(now: datetime, retired: list[Any]) -> None:
    apply(now, ModelInfo("old", retires_at=(now + timedelta(days=1)).isoformat()))
    assert apply(now, ModelInfo("old"))["changes"]["old"]["retires_at"][1] is None
    apply(now + timedelta(days=2), ModelInfo("old"))
    assert row("old").state == Availability.AVAILABLE
    assert retired == []


def test_capabilities_set_by_hand_stay_where_the_list_is_silent(now: datetime) -> None:
    apply(now, ModelInfo("local"))
    Model.objects.update(capabilities=["image", "text"])
    assert apply(now, ModelInfo("local"))["changed"] == []
    assert row("local").capabilities == ["image", "text"]


def test_list_that_says_nothing_is_completed_from_the_table(now: datetime, settings: Any) -> None:
    settings.OPENAI_BASE_URL = "https://api.openai.com/v1"
    apply(now, ModelInfo("gpt-4o-mini"), provider="openai")
    model = row("gpt-4o-mini")
    assert (model.context_window, model.max_output) == (128_000, 16_384)
    assert {"image", "tools"} <= set(model.capabilities)
    assert apply(now, ModelInfo("gpt-4o-mini"), provider="openai")["changed"] == []


def test_absurd_list_does_not_break_the_catalogue(now: datetime) -> None:
    apply(now, ModelInfo("m", context_window=10**12, price_input="NaN", price_output="Infinity"), ModelInfo("x" * 400))
    assert (row("m").context_window, row("m").price_input) == (2**31 - 1, None)
    assert Model.objects.count() == 1


def test_list_that_says_less_takes_nothing_away(now: datetime) -> None:
    apply(now, FLASH)
    apply(now, ModelInfo("gemini-3.8-flash"))
    assert (row().label, row().context_window) == ("Gemini 3.8 Flash", 1000)


def test_model_absent_once_is_offered_still(now: datetime, retired: list[Any]) -> None:
    apply(now, FLASH, PRO)
    assert apply(now, FLASH)["missing"] == ["gemini-pro-latest"]
    assert row("gemini-pro-latest").state == Availability.MISSING
    assert Model.objects.offered().count() == 2
    assert retired == []


def test_model_absent_twice_is_retired_and_told_once(now: datetime, retired: list[Any]) -> None:
    apply(now, FLASH, PRO)
    apply(now, FLASH)
    assert apply(now, FLASH)["gone"] == ["gemini-pro-latest"]
    assert apply(now, FLASH)["gone"] == []
    assert row("gemini-pro-latest").state == Availability.RETIRED
    assert retired == [("gemini-pro-latest", None)]


def test_replacement_set_by_an_operator_is_told(now: datetime, retired: list[Any]) -> None:
    apply(now, FLASH, PRO)
    services.set_replacement(row("gemini-pro-latest"), row())
    apply(now, FLASH)
    apply(now, FLASH)
    assert retired == [("gemini-pro-latest", "gemini-3.8-flash")]


def test_model_that_comes_back_between_two_lists_was_never_gone(now: datetime) -> None:
    apply(now, FLASH, PRO)
    apply(now, FLASH)
    assert apply(now, FLASH, PRO)["returned"] == []
    assert apply(now, FLASH)["gone"] == []


def test_retired_model_that_returns_is_available(now: datetime) -> None:
    apply(now, FLASH, PRO)
    apply(now, FLASH)
    apply(now, FLASH)
    assert apply(now, FLASH, PRO)["returned"] == ["gemini-pro-latest"]
    assert row("gemini-pro-latest").state == Availability.AVAILABLE
    assert row("gemini-pro-latest").misses == 0


@pytest.mark.parametrize("listed", [ProviderError("server", "down"), []])
def test_failed_or_empty_list_changes_nothing(now: datetime, listed: Any) -> None:
    apply(now, FLASH)
    run = write({"gemini": listed, "deepseek": [ModelInfo("deepseek-flash")]}, now)
    assert run.results["gemini"].keys() == {"error"}
    assert row().state == Availability.AVAILABLE
    assert row("deepseek-flash").enabled
    assert run.state == SyncRun.State.DONE


def test_run_without_any_list_has_failed(now: datetime) -> None:
    run = write({"gemini": ProviderError("auth", "no")}, now)
    assert run.state == SyncRun.State.FAILED


def test_announced_end_and_replacement_are_kept(now: datetime) -> None:
    end = (now + timedelta(days=30)).isoformat()
    apply(now, ModelInfo("old", retires_at=end, replacement="new"), ModelInfo("new"), provider="mistral")
    assert row("old").retires_at == now + timedelta(days=30)
    assert row("old").replaced_by == row("new")
    assert row("old").state == Availability.AVAILABLE


def test_model_past_its_announced_end_is_retired_at_once(now: datetime, retired: list[Any]) -> None:
    end = (now + timedelta(days=30)).isoformat()
    old, new = ModelInfo("old", retires_at=end, replacement="new-latest"), ModelInfo("new", aliases=("new-latest",))
    apply(now, old, new, provider="mistral")
    assert apply(now + timedelta(days=31), old, new, provider="mistral")["gone"] == ["old"]
    assert retired == [("old", "new")]


def test_model_listed_after_its_end_is_known_but_never_offered(now: datetime, retired: list[Any]) -> None:
    result = apply(now, ModelInfo("old", retires_at="2026-07-31T12:00:00Z"), FLASH, provider="mistral")
    assert result["new"] == ["gemini-3.8-flash"]
    assert row("old").state == Availability.RETIRED
    assert retired == []


def test_operators_replacement_outlives_the_announced_one(now: datetime) -> None:
    apply(now, ModelInfo("old"), ModelInfo("new"), ModelInfo("mine"), provider="mistral")
    services.set_replacement(row("old"), row("mine"))
    apply(now, ModelInfo("old", replacement="new"), ModelInfo("new"), ModelInfo("mine"), provider="mistral")
    assert row("old").replaced_by == row("mine")


def test_hidden_model_stays_hidden(now: datetime) -> None:
    apply(now, FLASH)
    services.set_enabled(row(), False)
    apply(now, FLASH)
    assert not row().enabled


def test_list_clears_a_pause_for_a_wrong_key(now: datetime) -> None:
    services.record_failure("gemini", ProviderError("auth"), now)
    apply(now + timedelta(minutes=1), FLASH)
    assert ProviderState.objects.get().paused_until is None


def test_list_leaves_a_pause_for_lack_of_money(now: datetime) -> None:
    services.record_failure("gemini", ProviderError("billing"), now)
    apply(now + timedelta(minutes=1), FLASH)
    assert ProviderState.objects.get().paused_until is not None


# Prices


def test_price_comes_from_the_table_with_date_and_source(now: datetime) -> None:
    apply(now, FLASH)
    model = row()
    assert (model.price_input, model.price_cached, model.price_output) == (
        Decimal("0.75"),
        Decimal("0.075"),
        Decimal("3.75"),
    )
    assert (model.price_date, model.price_source) == (date(2026, 11, 21), "litellm 1.109.1")


def test_unknown_price_stays_unknown(now: datetime) -> None:
    apply(now, ModelInfo("gemini-unheard-of"))
    assert (row("gemini-unheard-of").price_input, row("gemini-unheard-of").price_source) == (None, "")


def test_price_is_found_by_an_alias(now: datetime) -> None:
    apply(now, ModelInfo("mistral-small-9999", aliases=("mistral-small-2603",)), provider="mistral")
    assert row("mistral-small-9999").price_input == Decimal("0.15")


def test_operators_price_is_never_overwritten(now: datetime) -> None:
    apply(now, FLASH)
    services.set_price(row(), price_input=Decimal(9), price_output=Decimal(9), on=now.date())
    apply(now, FLASH)
    assert (row().price_input, row().price_source) == (Decimal(9), "operator")


@pytest.mark.parametrize("source", ["a colleague", ""])
def test_price_of_unknown_origin_is_never_overwritten(now: datetime, source: str) -> None:
    apply(now, FLASH)
    Model.objects.update(price_input=Decimal(8), price_source=source)
    apply(now, FLASH)
    assert row().price_input == Decimal(8)


def test_price_in_the_list_wins_over_the_table(now: datetime) -> None:
    info = ModelInfo("gemini-3.8-flash", price_input="1.5", price_output="6")
    apply(now, info)
    assert (row().price_input, row().price_source) == (Decimal("1.5"), known.LISTED)
    apply(now, ModelInfo("gemini-3.8-flash", price_input="2", price_output="6"))
    assert row().price_input == Decimal(2)


@pytest.mark.parametrize(
    ("url", "seller"),
    [("https://api.openai.com/v1", "openai"), ("https://api.groq.com/openai/v1", "groq"), ("http://127.0.0.1/v1", "")],
)
def test_seller_is_told_by_the_address(settings: Any, url: str, seller: str) -> None:
    settings.OPENAI_BASE_URL = url
    assert known.seller_of("openai") == seller


def test_table_tells_its_origin_and_licence() -> None:
    text = known.TABLE.read_text(encoding="utf-8")
    assert "MIT License" in text
    assert "litellm 1.109.1" in text


# Runs


def test_slot_is_taken_once(now: datetime) -> None:
    assert sync.claim("nightly", "nightly:1", now) is not None
    assert sync.claim("nightly", "nightly:1", now) is None


def test_runs_without_a_slot_are_many(now: datetime) -> None:
    assert sync.claim("command", None, now) != sync.claim("command", None, now)


def test_slot_of_a_dead_process_is_taken_over(now: datetime) -> None:
    dead = sync.claim("nightly", "nightly:1", now)
    assert sync.claim("nightly", "nightly:1", now + timedelta(hours=1)) == dead


def test_slot_that_is_done_stays_done(now: datetime) -> None:
    write({}, now, "nightly:1")
    assert sync.claim("nightly", "nightly:1", now + timedelta(hours=1)) is None


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_take_a_slot_once(now: datetime, at_once: Callable[..., list[Any]]) -> None:
    claimed = at_once(*(lambda: sync.claim("nightly", "nightly:1", now) for _ in range(2)))
    assert sum(run is not None for run in claimed) == 1


def test_slot_is_the_planned_time(settings: Any, now: datetime) -> None:
    settings.REFRESH_CRON = "0 */6 * * *"
    assert slot_of(now) == slot_of(now + timedelta(hours=2)) == "nightly:2026-11-20T06:00+0000"
    assert slot_of(now + timedelta(hours=3)) == "nightly:2026-11-20T12:00+0000"


def test_slot_of_an_unreadable_schedule_is_the_day(settings: Any, now: datetime) -> None:
    settings.REFRESH_CRON = "whenever"
    assert slot_of(now) == "nightly:2026-11-20"


def test_nothing_configured_is_said(now: datetime) -> None:
    with pytest.raises(CommandError, match="No provider is configured"):
        call_command("sync_models")


def test_unconfigured_provider_is_refused() -> None:
    with pytest.raises(CommandError, match="gemini is not configured"):
        call_command("sync_models", provider="gemini")


def test_name_of_a_row_tells_the_time_of_where_people_are() -> None:
    with timezone.override("Europe/Moscow"):
        assert str(SyncRun(started_at=datetime(2026, 11, 21, 22, 30, tzinfo=UTC))).startswith("2026-11-22 01:30")
