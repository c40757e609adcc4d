"""Planned Avito reports with real processes: on time, and once, whatever dies in the middle.

The sandbox's Avito holds an answer back, and meanwhile the process that waits for it is killed.
"""

import pytest

from tests.acceptance.processes import Stage, until
from tests.acceptance.reporting import (
    all_done,
    asked,
    avito_is,
    avito_is_well,
    bot,
    charts,
    moment,
    on_record,
    plan,
    reports,
)

pytestmark = pytest.mark.acceptance


def test_a_planned_report_comes_on_time_with_its_chart(stage: Stage) -> None:
    bot(stage)
    plan(stage)
    until(lambda: all_done(stage), 150, what="a report")

    [(planned, created)] = stage.database.rows("SELECT planned_at, created_at FROM reports_report")
    assert 0 <= (moment(created) - moment(planned)).total_seconds() < 5
    assert (len(reports(stage)), charts(stage)) == (1, 1)


def test_kill_while_avito_answers_loses_nothing_and_doubles_nothing(stage: Stage) -> None:
    avito_is(stage, "balance", "hold")
    first = bot(stage)
    plan(stage)
    until(lambda: asked(stage, "balance") and on_record(stage, "stats_v2"), what="a question on its way")
    first.kill()
    avito_is_well(stage)
    bot(stage)
    until(lambda: all_done(stage), 150, what="the report after all")

    assert (len(reports(stage)), charts(stage)) == (1, 1)
    assert len(asked(stage, "stats_v2")) == 1  # a second one would have to wait for a minute


def test_kill_between_the_plan_and_the_work_loses_nothing(stage: Stage) -> None:
    plan(stage, lead=0)
    bot(stage).kill()
    bot(stage)
    until(lambda: all_done(stage), 150, what="the report")

    assert len(reports(stage)) == 1
