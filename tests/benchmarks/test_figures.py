"""Figures, their targets and the table."""

import pytest

from benchmarks.__main__ import verdict
from benchmarks.figures import Figure, Judge, Target, median, middle_mean, short, table

AT_MOST_TEN = Target(10)


@pytest.mark.parametrize(("product", "expected"), [(9.9, "PASS"), (10.0, "PASS"), (10.1, "FAIL")])
def test_a_figure_may_reach_its_limit_and_not_pass_it(product: float, expected: str) -> None:
    assert Figure("memory", "MB", product, target=AT_MOST_TEN).verdict == expected


@pytest.mark.parametrize(("product", "expected"), [(99.0, "FAIL"), (100.0, "PASS"), (300.0, "PASS")])
def test_a_ratio_is_to_the_other_bot(product: float, expected: str) -> None:
    assert Figure("answers", "1/s", product, 100.0, Target(1.0, True, Judge.RATIO, aim=2.0)).verdict == expected


@pytest.mark.parametrize(("product", "expected"), [(13.9, "PASS"), (14.1, "FAIL"), (9.0, "PASS")])
def test_a_difference_is_from_the_other_bot(product: float, expected: str) -> None:
    assert Figure("answer after", "ms", product, 10.0, Target(4, judge=Judge.MORE)).verdict == expected


def test_a_figure_without_a_target_is_for_information() -> None:
    assert Figure("sandbox busy", "%", 50.0).verdict == ""


def test_a_measurement_that_broke_is_a_failure() -> None:
    assert Figure("crowd", "", None, trouble="broke: no answer").verdict == "FAIL"


def test_a_ratio_to_nothing_is_a_failure() -> None:
    assert Figure("answers", "1/s", 5.0, None, Target(1.0, True, Judge.RATIO)).verdict == "FAIL"


def test_the_exit_code_is_one_when_a_target_is_missed(capsys: pytest.CaptureFixture[str]) -> None:
    code = verdict([Figure("memory", "MB", 11.0, target=AT_MOST_TEN), Figure("start", "s", 1.0, target=AT_MOST_TEN)])
    assert (code, capsys.readouterr().out) == (1, "\nMissed: memory.\n")


def test_the_exit_code_is_zero_when_all_are_met() -> None:
    assert verdict([Figure("start", "s", 1.0, target=AT_MOST_TEN), Figure("busy", "%", 50.0)]) == 0


def test_the_table_has_figures_ratio_target_and_verdict_below_their_measurement() -> None:
    lines = table([("One at a time", [Figure("answer after", "ms", 12.0, 10.0, Target(4, judge=Judge.MORE))])])
    assert lines.splitlines()[2:] == [
        "One at a time",
        "  answer after  ms       12.0   10.0    1.2  difference <= 4  PASS",
    ]


def test_a_target_says_what_is_judged_and_what_we_would_like() -> None:
    assert str(Target(1.0, True, Judge.RATIO, aim=2.0)) == "ratio >= 1 (aim 2)"


@pytest.mark.parametrize(
    ("number", "text"), [(None, "-"), (0.0, "0"), (0.1234, "0.123"), (12.34, "12.3"), (2345, "2,345")]
)
def test_numbers_are_short(number: float | None, text: str) -> None:
    assert short(number) == text


def test_the_middle_mean_leaves_the_outer_quarters_out() -> None:
    assert middle_mean([1000.0, 3.0, 1.0, 0.0]) == 2.0


def test_the_middle_mean_of_one_figure_is_that_figure() -> None:
    assert middle_mean([7.0]) == 7.0


def test_no_runs_are_an_error_and_not_a_zero() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        median([])
