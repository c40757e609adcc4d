"""“Report now”, as its owner sees it: the progress, the report, the chart; and who may not."""

from datetime import timedelta
from decimal import Decimal

import pytest

from delivery.models import Delivery
from reports.figures.periods import today_at_avito
from reports.models import Report, ReportTask
from reports.words.numbers import number
from sandbox.avito import SEVER, figures_of
from tests.house import ANNA, OLGA, TEAM, House
from tests.reports import asked

pytestmark = pytest.mark.asyncio


async def test_it_brings_the_figures_of_yesterday_and_a_chart(house: House) -> None:
    profile = await house.db(asked.given, house)
    report = await asked.report_now(house, profile)

    yesterday = today_at_avito(report.created_at) - timedelta(days=1)
    assert (report.state, report.first, report.last) == (Report.State.DONE, yesterday, yesterday)
    text = next(text for text in house.heard(ANNA) if text.startswith("📊"))
    assert "Север" in text
    assert number(Decimal(figures_of(SEVER, yesterday)["views"])) in text
    assert len(asked.pictures(house)) == 1


async def test_a_quick_report_takes_the_place_of_the_progress(house: House) -> None:
    profile = await house.db(asked.given, house)
    await asked.report_now(house, profile)

    assert [text for text in house.heard(ANNA) if text.startswith("⏳")] == []
    assert len(house.calls("editMessageText", ANNA)) >= 1


async def test_without_charts_there_is_no_picture(house: House) -> None:
    profile = await house.db(asked.given, house)
    await house.db(ReportTask.objects.filter(profile=profile.pk).update, chart=False)
    await asked.report_now(house, profile)

    assert asked.pictures(house) == []


async def test_while_one_is_at_work_a_second_press_is_told_so(house: House) -> None:
    profile = await house.db(asked.given, house)
    asked.avito(house).trouble("balance", "hold")
    await house.db(asked.card, profile)
    await asked.press(house, "Do it")
    await asked.avito(house).until(lambda: asked.avito(house).count("balance") == 1)

    assert "is being made already" in await asked.press(house, "Do it")
    asked.avito(house).calm()
    asked.avito(house).release()
    await asked.ended(house)
    assert await house.db(Report.objects.count) == 1


async def test_cancel_ends_it_and_nothing_comes(house: House) -> None:
    profile = await house.db(asked.given, house)
    asked.avito(house).trouble("balance", "hold")
    await house.db(asked.card, profile)
    await asked.press(house, "Do it")
    await asked.avito(house).until(lambda: asked.avito(house).count("balance") == 1)
    await asked.press(house, "✖️ Cancel")
    asked.avito(house).calm()
    asked.avito(house).release()
    report = await asked.ended(house)

    assert report.state == Report.State.CANCELLED
    assert house.heard(ANNA)[-1].startswith("✖️ Cancelled")
    assert not any(text.startswith("📊") for text in house.heard(ANNA))


async def test_what_must_wait_is_shown_with_its_seconds(house: House) -> None:
    profile = await house.db(asked.given, house)
    asked.avito(house).behave(rate_headers="none")
    asked.avito(house).trouble("stats_v2", 429)
    await house.db(asked.card, profile)
    await asked.press(house, "Do it")
    await house.until(lambda: any("Waiting for Avito" in text for text in house.heard(ANNA)))

    shown = next(text for text in house.heard(ANNA) if "Waiting for Avito" in text)
    assert any(letter.isdigit() for letter in shown)
    assert "✖️ Cancel" in house.buttons(ANNA)


async def test_revoked_keys_are_told_with_what_to_do(house: House) -> None:
    profile = await house.db(asked.given, house)
    asked.avito(house).revoke(asked.avito(house).keys_of(SEVER).client_id)
    report = await asked.report_now(house, profile)

    assert report.state == Report.State.FAILED
    text = next(text for text in house.heard(ANNA) if "no report this time" in text)
    assert "key" in text


async def test_a_stranger_who_presses_the_owners_button_is_refused(house: House) -> None:
    """Not even an admin orders a report of somebody else's profile."""
    profile = await house.db(asked.given, house)
    await house.db(asked.card, profile, "report_now", OLGA)

    assert "not here any more" in await asked.press(house, "Do it", OLGA)
    assert await house.db(Report.objects.count) == 0


async def test_in_a_group_that_does_not_see_the_profile_nothing_is_shown(house: House) -> None:
    profile = await house.db(asked.given, house)
    await house.db(asked.team)
    await house.db(asked.card, profile, "report_now", TEAM)

    assert "not shown in this group" in await asked.press(house, "Do it", ANNA, TEAM)
    assert await house.db(Report.objects.count) == 0


async def test_in_a_group_that_sees_the_profile_the_report_comes_there(house: House) -> None:
    profile = await house.db(asked.given, house)
    await house.db(asked.team, profile)
    await house.db(asked.card, profile, "report_now", TEAM)
    await asked.press(house, "Do it", ANNA, TEAM)
    await asked.ended(house)

    assert any(text.startswith("📊") and "Север" in text for text in house.heard(TEAM))


async def test_no_secret_stands_in_what_is_said_or_kept_for_sending(house: House) -> None:
    profile = await house.db(asked.given, house)
    keys = asked.avito(house).keys_of(SEVER)
    await asked.report_now(house, profile)

    rows = await house.db(lambda: str(list(Delivery.objects.values())))
    for secret in (keys.client_secret, keys.client_id, *asked.avito(house).tokens):
        assert secret not in rows
        assert secret not in "\n".join(house.heard(ANNA))
