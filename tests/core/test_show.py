"""Figures are written as the reader's language writes them."""

from decimal import Decimal

import pytest
from django.utils import translation

from core.show import money, number, seconds

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", ["$0.0123", "$1,234.50", "< $0.0001", "2.1"]),
        ("ru", ["$0,0123", f"$1{NBSP}234,50", "< $0,0001", "2,1"]),
    ],
)
def test_money_and_seconds_have_the_languages_own_signs(language: str, shown: list[str]) -> None:
    with translation.override(language):
        costs = [money(Decimal(cost)) for cost in ("0.0123", "1234.5", "0.00001")]
        assert [*costs, seconds(2100)] == shown


def test_large_numbers_are_grouped_and_unknown_ones_are_no_zero() -> None:
    assert (number(1_234_567), number(None), seconds(None)) == (f"1{NBSP}234{NBSP}567", "—", "—")


def test_figures_are_rounded_and_not_cut_off() -> None:
    with translation.override("en"):
        costs = [money(Decimal(cost)) for cost in ("0.00999", "19.999", "0.00315")]
        assert [*costs, seconds(1960)] == ["$0.0100", "$20.00", "$0.0032", "2.0"]
