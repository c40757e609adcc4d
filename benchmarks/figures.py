"""Figures, their targets and the table. Pure functions."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Judge(StrEnum):
    """What of a figure is compared with the target."""

    VALUE = "value"  # the product's figure
    RATIO = "ratio"  # the product's divided by the other's
    MORE = "more"  # the product's minus the other's


@dataclass(frozen=True)
class Target:
    """At most or at least so much."""

    limit: float
    at_least: bool = False
    judge: Judge = Judge.VALUE
    # What we would like, said beside the limit and not judged.
    aim: float | None = None

    def met(self, measured: float) -> bool:
        return measured >= self.limit if self.at_least else measured <= self.limit

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        before = {Judge.VALUE: "", Judge.RATIO: "ratio ", Judge.MORE: "difference "}[self.judge]
        return f"{before}{sign} {short(self.limit)}" + (f" (aim {short(self.aim)})" if self.aim is not None else "")


@dataclass(frozen=True)
class Figure:
    """One line of the table: the product's figure and, where there is one, what it is compared with.

    Without a target it is for information. `trouble` says why there is no figure; with a target that is a failure.
    """

    what: str
    unit: str
    product: float | None
    other: float | None = None
    target: Target | None = None
    trouble: str = ""

    @property
    def ratio(self) -> float | None:
        return None if self.product is None or not self.other else self.product / self.other

    @property
    def judged(self) -> float | None:
        """The number that is compared with the target."""
        if self.target is None or self.product is None:
            return None
        if self.target.judge is Judge.VALUE:
            return self.product
        if self.other is None:
            return None
        return self.ratio if self.target.judge is Judge.RATIO else self.product - self.other

    @property
    def verdict(self) -> str:
        """PASS, FAIL, or nothing when nothing was promised."""
        if self.trouble:
            return "FAIL"
        if self.target is None:
            return ""
        return "PASS" if self.judged is not None and self.target.met(self.judged) else "FAIL"


def short(number: float | None) -> str:
    """A number in three digits or so; a dash for none."""
    if number is None:
        return "-"
    if number == 0 or abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}" if abs(number) < 10 else f"{number:.1f}"


HEADS = ("", "unit", "product", "other", "ratio", "target", "")
Cells = tuple[str, ...]


def cells(figure: Figure) -> Cells:
    """One line of the table."""
    numbers = (short(figure.product), short(figure.other), short(figure.ratio))
    target = figure.trouble or (str(figure.target) if figure.target else "")
    return (figure.what, figure.unit, *numbers, target, figure.verdict)


def table(sections: Sequence[tuple[str, Sequence[Figure]]]) -> str:
    """All figures below the names of their measurements, in columns."""
    rows = {name: [cells(figure) for figure in figures] for name, figures in sections}
    every = [HEADS, *(row for block in rows.values() for row in block)]
    widths = [max(len(row[column]) for row in every) for column in range(len(HEADS))]
    lines = [line(HEADS, widths)]
    for name, block in rows.items():
        lines += ["", name, *(line(row, widths) for row in block)]
    return "\n".join(lines)


def line(row: Cells, widths: Sequence[int]) -> str:
    """One row: numbers to the right, words to the left."""
    padded = [
        cell.rjust(width) if column in (2, 3, 4) else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return ("  " + "  ".join(padded)).rstrip()


def median(values: Sequence[float]) -> float:
    """The middle one. ValueError without any."""
    if not values:
        raise ValueError("nothing was measured")
    return statistics.median(values)


def middle_mean(values: Sequence[float]) -> float:
    """The mean of the middle half: what a moment of another process does to a figure stays out. ValueError without."""
    if not values:
        raise ValueError("nothing was measured")
    ordered, cut = sorted(values), len(values) // 4
    return statistics.fmean(ordered[cut : len(ordered) - cut])


def middle(runs: Sequence[object], of: Callable[..., float]) -> float:
    """The median over runs of one of their figures."""
    return median([of(run) for run in runs])
