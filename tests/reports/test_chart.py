"""The picture of a report: what is drawn, of which days, and that it is a picture."""

import asyncio
import io
import os
import subprocess
import sys
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import translation
from PIL import Image

from reports import chart
from reports.figures.periods import Period, ending, month_of
from reports.figures.summary import Days, Summary, metrics_of, summarise
from reports.metrics import BY_NAME, USUAL, Unit

D = Decimal
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
YESTERDAY = date(2026, 11, 21)
DAY = timedelta(days=1)


def days_to(last: date, count: int, factor: str = "1") -> dict[date, dict[str, Decimal]]:
    found = {}
    for day in ending(last, count).dates():
        views = D(100 + day.toordinal() * 7919 % 131) * D(factor)
        found[day] = {"views": views, "contacts": views // 20, "allSpending": views * D("1.5")}
    return found


def summary(days: Days, period: Period | None = None, *, name: str = "Север", compared: bool = True) -> Summary:
    period = period or ending(YESTERDAY, 7)
    before = period.before() if compared else None
    return summarise(name, 1, period, before, days, {"wallet": D(5)}, metrics_of(USUAL), {}, NOW, False)


def image(png: bytes) -> Image.Image:
    found = Image.open(io.BytesIO(png))
    found.load()
    return found.convert("RGB")


def dots(picture: Image.Image, colour: str) -> int:
    """How many dots have exactly this colour."""
    wanted = tuple(int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return sum(count for count, found in picture.getcolors(picture.width * picture.height) or [] if found == wanted)


CASES: Mapping[str, Summary] = {
    "one day": summary(days_to(YESTERDAY, 28), ending(YESTERDAY, 1)),
    "one day alone": summary(days_to(YESTERDAY, 1), ending(YESTERDAY, 1)),
    "a week": summary(days_to(YESTERDAY, 14)),
    "a month": summary(days_to(YESTERDAY, 90), month_of(date(2026, 10, 1))),
    "all there is": summary(days_to(YESTERDAY, 270), ending(YESTERDAY, 270), compared=False),
    "all zero": summary(days_to(YESTERDAY, 14, "0")),
    "huge": summary(days_to(YESTERDAY, 14, "10000000000")),
    "tiny": summary(days_to(YESTERDAY, 14, "0.0001")),
    "negative": summary({day: {"spending": D(-5)} for day in ending(YESTERDAY, 7).dates()}),
    "nothing": summary({}),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_a_picture_is_a_png_as_wide_as_telegram_shows_it(case: str) -> None:
    found = image(chart.picture(CASES[case], tuple(BY_NAME)))
    assert found.width == 1200
    assert 400 <= found.height <= 1000


def test_up_to_three_figures_are_drawn_the_most_telling_first() -> None:
    drawn = chart.drawable(summary(days_to(YESTERDAY, 14)), USUAL)
    assert [metric.name for metric in drawn] == ["contacts", "views", "allSpending"]
    assert dots(image(chart.picture(summary(days_to(YESTERDAY, 14)), USUAL)), chart.COLOURS[2])


def test_only_chosen_figures_are_drawn() -> None:
    drawn = chart.drawable(summary(days_to(YESTERDAY, 14)), ["views", "wallet", "costPerView", "unheard-of"])
    assert [metric.name for metric in drawn] == ["views", "costPerView"]


def test_a_figure_without_days_is_not_drawn() -> None:
    assert chart.drawable(summary({}), USUAL) == ()
    assert [metric.name for metric in chart.drawable(summary({YESTERDAY: {"views": D(0)}}), USUAL)] == ["views"]


def test_fewer_figures_make_a_lower_picture() -> None:
    week = summary(days_to(YESTERDAY, 14))
    one, three = (image(chart.picture(week, names)).height for names in (["views"], USUAL))
    assert one < three


def test_of_one_day_the_last_two_weeks_are_drawn() -> None:
    assert chart.shown_period(CASES["one day"]) == ending(YESTERDAY, 14)
    assert chart.shown_period(CASES["a week"]) == ending(YESTERDAY, 7)


def test_the_period_before_is_pale_and_missing_when_it_is_not_known() -> None:
    [known] = chart._panels(CASES["a week"], ending(YESTERDAY, 7), ["views"])
    assert len(known.before) == len(known.now) == 7
    [alone] = chart._panels(summary(days_to(YESTERDAY, 7)), ending(YESTERDAY, 7), ["views"])
    assert alone.before == []


def test_a_shorter_month_before_leaves_the_last_day_without_a_match() -> None:
    october = CASES["a month"]
    [panel] = chart._panels(october, october.period, ["views"])
    assert (len(panel.now), len(panel.before)) == (31, 31)
    assert panel.before[30] is None
    assert panel.before[29] is not None


def test_an_absent_day_is_a_gap_and_not_zero() -> None:
    days = days_to(YESTERDAY, 14)
    del days[YESTERDAY - DAY * 2]
    [panel] = chart._panels(summary(days), ending(YESTERDAY, 7), ["views"])
    assert [value is None for value in panel.now] == [False] * 4 + [True] + [False] * 2
    full, gap = (image(chart.picture(one, ["views"])) for one in (summary(days_to(YESTERDAY, 14)), summary(days)))
    assert 0 < dots(gap, chart.COLOURS[0]) < dots(full, chart.COLOURS[0])


def test_a_day_between_two_gaps_is_still_seen_in_a_long_period() -> None:
    alone = {YESTERDAY - DAY * 40: {"views": D(5)}}
    found = image(chart.picture(summary(alone, ending(YESTERDAY, 90), compared=False), ["views"]))
    assert dots(found, chart.COLOURS[0])


def test_good_news_is_green_and_bad_news_red() -> None:
    better = {YESTERDAY: {"views": D(9)}, YESTERDAY - DAY: {"views": D(3)}}
    worse = {YESTERDAY: {"views": D(3)}, YESTERDAY - DAY: {"views": D(9)}}
    for days, seen, unseen in ((better, chart.GOOD, chart.BAD), (worse, chart.BAD, chart.GOOD)):
        found = image(chart.picture(summary(days, ending(YESTERDAY, 1)), ["views"]))
        assert dots(found, seen)
        assert not dots(found, unseen)


@pytest.mark.parametrize("name", ["$x_1^2$ и $", "👨‍👩‍👧 Семья", "<b>&amp;", "ш" * 64, "店铺", "", "\\frac{"])
def test_any_name_can_be_drawn(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a letter that the font does not have is a warning
        assert image(chart.picture(summary(days_to(YESTERDAY, 14), name=name), ["views"]))


@pytest.mark.parametrize(
    ("period", "labels"),
    [
        (ending(YESTERDAY, 7), ["15 ноя", "16 ноя", "17 ноя", "18 ноя", "19 ноя", "20 ноя", "21 ноя"]),
        (ending(YESTERDAY, 14), ["9 ноя", "11 ноя", "13 ноя", "15 ноя", "17 ноя", "19 ноя", "21 ноя"]),
        (month_of(date(2026, 5, 1)), ["1 мая", "6 мая", "11 мая", "16 мая", "21 мая", "26 мая", "31 мая"]),
        (ending(YESTERDAY, 270), ["мар", "апр", "май", "июн", "июл", "авг", "сен", "окт", "ноя"]),
    ],
    ids=["week", "two-weeks", "month", "all"],
)
def test_days_are_labelled_so_that_labels_have_room(period: Period, labels: list[str]) -> None:
    with translation.override("ru"):
        found = [chart._day(period.first + DAY * mark, period) for mark in chart._marks(period)]
    assert [label.replace("\N{NO-BREAK SPACE}", " ") for label in found] == labels


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        ("0", Unit.COUNT, "0"),
        ("1200", Unit.COUNT, "1,200"),
        ("20000", Unit.MONEY, "20 k"),
        ("2500000", Unit.MONEY, "2.5 m"),
        ("20000000000", Unit.MONEY, "20 bn"),
        ("0.5", Unit.MONEY, "0.5"),
        ("0.25", Unit.PERCENT, "0.25 %"),
        ("-500", Unit.MONEY, "-500"),
    ],
)
def test_scales_are_short(value: str, unit: Unit, said: str) -> None:
    with translation.override("en"):
        assert chart.short(D(value), unit).replace("\N{NO-BREAK SPACE}", " ") == said


def test_pictures_of_many_threads_are_those_of_one() -> None:
    cases = [CASES[name] for name in sorted(CASES)[:4]] * 2
    alone = [chart.picture(case, USUAL) for case in cases]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda case: chart.picture(case, USUAL), cases))
    assert together == alone


async def test_a_thread_draws_in_the_language_of_who_waits() -> None:
    week = CASES["a month"]
    with translation.override("ru"):
        russian = await chart.drawn(week, USUAL)
    with translation.override("en"):
        english, again = await asyncio.gather(chart.drawn(week, USUAL), chart.drawn(week, USUAL))
    assert english == again != russian


def test_the_library_is_loaded_by_the_first_picture_and_keeps_none() -> None:
    code = (
        "import sys, django; django.setup(); import reports.chart as chart; assert 'matplotlib' not in sys.modules;"
        "from tests.reports.test_chart import CASES; chart.picture(CASES['a week'], ['views']);"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    known = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "SEKRETAR_IGNORE_DOTENV": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, env=known, timeout=200)


# Below the labels of days: what a picture of 400 points' width loses to the time that Telegram lays over its corner.
BUBBLE = 80


def test_nothing_stands_where_telegram_lays_the_time() -> None:
    found = image(chart.picture(CASES["a month"], USUAL))
    corner = found.crop((found.width // 2, found.height - BUBBLE, found.width, found.height))
    assert corner.getcolors() == [(corner.width * corner.height, (255, 255, 255))]


def drawn_without_a_home(folder: Path, files: Path) -> str:
    """What a process says that may not write into its home, while it draws a picture."""
    code = (
        "import django; django.setup(); import logging; logging.basicConfig(level='WARNING', force=True);"
        "import reports.chart as chart; from tests.reports.test_chart import CASES;"
        "from django.test import override_settings;"
        f"override_settings(FILES_DIR={str(files)!r}).enable(); chart.picture(CASES['a week'], ['views'])"
    )
    known = {name: value for name, value in os.environ.items() if name != "MPLCONFIGDIR" and name[:4] != "XDG_"}
    known |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "SEKRETAR_IGNORE_DOTENV": "1", "HOME": str(folder)}
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, check=True, env=known, timeout=200, capture_output=True, text=True).stderr


def test_the_list_of_fonts_is_kept_with_our_files_and_never_in_a_home_folder(tmp_path: Path) -> None:
    home, files = tmp_path / "home", tmp_path / "files"
    home.mkdir()
    assert "MPLCONFIGDIR" not in drawn_without_a_home(home, files)
    assert list(home.iterdir()) == []
    assert list((files / chart.FONTS).glob("fontlist*.json"))


def test_a_picture_is_drawn_where_no_files_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("no folder")
    drawn_without_a_home(Path("/proc/none"), tmp_path / "files")
