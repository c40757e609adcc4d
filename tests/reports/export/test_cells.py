"""What stands in a cell opens in every Excel and runs nothing."""

import io
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from reports.export import cells, speech
from reports.export.spool import Row

MOSCOW = ZoneInfo("Europe/Moscow")


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def through_excel(values: Sequence[str]) -> list[object]:
    """Written as exports write, and read again."""
    file = io.BytesIO()
    options = {"constant_memory": True, "in_memory": False, "strings_to_urls": False, "strings_to_formulas": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet()
        for row, value in enumerate(values):
            sheet.write_string(row, 0, value)
    read = openpyxl.load_workbook(file).active
    assert read is not None
    return [read.cell(row + 1, 1) for row in range(len(values))]


@pytest.mark.parametrize(
    "said",
    ['=HYPERLINK("https://example.org","x")', "+7 999 000-00-01", "-1", "@SUM(A1:A9)", "https://example.org", "007"],
)
def test_what_looks_like_a_formula_an_address_or_a_number_stays_text(said: str) -> None:
    [cell] = through_excel([cells.text(said)])
    assert (cell.value, cell.data_type) == (said, "s")  # type: ignore[attr-defined]


def test_markup_in_words_does_not_break_the_file() -> None:
    said = ["<r>bold</r>", "<b>&amp;</b>", "]]>", "  spaces  "]
    read = [cell.value for cell in through_excel([cells.text(text) for text in said])]  # type: ignore[attr-defined]
    assert read == ["<r>bold</r> ", "<b>&amp;</b>", "]]>", "  spaces  "]


def test_what_excel_would_take_for_a_code_of_a_letter_is_written_as_words() -> None:
    [cell] = through_excel([cells.text("_x0041_")])
    assert cell.value == "_x005F_x0041_"  # type: ignore[attr-defined]  # so Excel shows _x0041_ and no A


def test_control_characters_go_and_lines_stay() -> None:
    assert cells.text("a\x07b\x00c\td\r\ne\rf\x7f\ufffe") == "abc\td\ne\nf"


@pytest.mark.parametrize("letter", ["я", "😀"], ids=["letter", "pair"])
def test_a_text_that_is_too_long_is_cut_with_a_mark_and_no_pair_is_broken(letter: str) -> None:
    cut = cells.text(letter * 40_000)
    assert cells.MOST_UNITS - 2 < units(cut) <= cells.MOST_UNITS
    assert cut.endswith("… [cut: a cell of Excel takes no more]")
    assert set(cut.partition(" … ")[0]) == {letter}
    [cell] = through_excel([cut])
    assert cell.value == cut  # type: ignore[attr-defined]


def test_a_text_that_just_fits_is_not_cut() -> None:
    assert cells.text("x" * cells.MOST_UNITS) == "x" * cells.MOST_UNITS


def test_halves_of_a_pair_become_one_character_and_a_lonely_half_a_mark() -> None:
    assert cells.text("\ud83d\ude00") == "😀"
    assert cells.text("a\ud83db") == "a\ufffdb"


@given(st.text(st.characters(), max_size=60))
def test_any_text_can_be_written_and_read_again(said: str) -> None:
    kept = cells.text(said)
    [cell] = through_excel([kept])
    assert (cell.value or "") == kept  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (1_772_400_000, datetime(2026, 3, 2, 0, 20)),
        (0, None),
        (-5, None),
        (None, None),
        ("1772400000", None),
        (10**15, None),
    ],
    ids=["a-time", "zero", "before", "nothing", "text", "too-far"],
)
def test_times_are_local_and_without_a_zone(seconds: object, shown: datetime | None) -> None:
    assert cells.moment(seconds, MOSCOW) == shown


# --- what messages say ----------------------------------------------------------------------------------------------


def message(kind: str | None, **content: object) -> Row:
    return {"id": "m", "type": kind, "content": content}


@pytest.mark.parametrize(
    ("row", "kind", "words"),
    [
        (message("text", text="Ещё продаёте?"), "text", "Ещё продаёте?"),
        (message("text", text=None), "text", ""),
        (message("image", image={"sizes": {"32x32": "s", "1280x960": "l", "640x480": "m"}}), "picture", "l"),
        (message("image", image=None), "picture", ""),
        (message("image", image={"sizes": {"?": "odd"}}), "picture", "odd"),
        (message("voice", voice={"voice_id": "v"}), "voice message", ""),
        (message("call", call={"status": "missed"}), "missed call", ""),
        (message("call", call=None), "call", ""),
        (message("appCall"), "call in the app", ""),
        (message("deleted"), "deleted", ""),
        (message("system", text="An offer", flow_id="x"), "from Avito", "An offer"),
        (message("file", file={"name": "plan.pdf"}), "file", "plan.pdf"),
        (message("video"), "video", ""),
        (message("location", location={"title": "Лесная", "lat": 55.7, "lon": 37.5}), "place", "Лесная\n55.7, 37.5"),
        (message("item", item={"title": "Шкаф", "price_string": "1 ₽", "item_url": "u"}), "listing", "Шкаф\n1 ₽\nu"),
        (message("link", link={"text": "see", "url": "https://a.b"}), "link", "see\nhttps://a.b"),
        (message("link", link={"text": "a.b", "url": "a.b"}), "link", "a.b"),
        (message("hologram", text="?"), "hologram", "?"),
        (message(None), "unknown", ""),
        ({"id": "m", "type": "text", "content": "no object"}, "text", ""),
    ],
)
def test_every_kind_of_message_has_words(row: Row, kind: str, words: str) -> None:
    assert (speech.kind(row), speech.words(row)) == (kind, words)


def test_direction_is_told_in_words() -> None:
    assert [speech.direction({"direction": way}) for way in ("in", "out", "sideways")] == ["incoming", "outgoing", ""]
