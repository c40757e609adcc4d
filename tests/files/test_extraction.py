"""Text of files: what is read, what is refused, and that no file takes more than its share of memory and time."""

import io
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from files import kinds
from files.extract import archive, reading
from files.extract.pdf import MOST_PAGES
from files.extract.reading import Found
from files.extraction import Extracted, extract
from tests.files import documents


def read(tmp_path: Path, content: bytes, mime: str) -> Found:
    """In this process, for the fine print."""
    path = tmp_path / "file"
    path.write_bytes(content)
    return reading.read(path, mime)


def extracted(tmp_path: Path, content: bytes, mime: str) -> Extracted:
    """As in life: in a process with limits. No file may take long, and none much memory."""
    path = tmp_path / "file"
    path.write_bytes(content)
    began = time.monotonic()
    found = extract(path, mime)
    assert time.monotonic() - began < 40
    return found


# --- what is read ---------------------------------------------------------------------------------------------------


def test_pages_of_a_pdf_are_read_under_their_numbers(tmp_path: Path) -> None:
    found = extracted(tmp_path, documents.pdf(["One", "", "Three"]), kinds.PDF)

    assert found == Extracted("[page 1]\nOne\n\n[page 3]\nThree", "", 3)


def test_paragraphs_and_tables_of_a_letter(tmp_path: Path) -> None:
    cell = "<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>"
    table = f"<w:tbl><w:tr>{cell.format('a')}{cell.format('b')}</w:tr></w:tbl>"
    found = extracted(tmp_path, documents.docx("Dear &amp; all", "Bye", raw=table), kinds.DOCX)

    assert (found.text, found.error) == ("Dear & all\nBye\na \tb", "")


def test_rows_of_a_spreadsheet_with_shared_strings_and_dates(tmp_path: Path) -> None:
    styles = (
        '<numFmts><numFmt numFmtId="164" formatCode="dd.mm.yyyy"/><numFmt numFmtId="165" '
        'formatCode="0 &quot;days&quot;"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
        '<xf numFmtId="164"/><xf numFmtId="165"/></cellXfs>'
    )
    rows = [
        ['<c r="A1" t="s"><v>0</v></c>', '<c r="C1" t="s"><v>1</v></c>'],
        ['<c s="1"><v>45000</v></c>', '<c r="B2" s="2"><v>45000.5</v></c>', '<c r="C2" s="3"><v>45000</v></c>'],
        ['<c t="b"><v>1</v></c>', '<c r="B3" t="inlineStr"><is><t>here</t></is></c>'],
    ]
    found = read(tmp_path, documents.xlsx(rows, styles), kinds.XLSX)

    assert found.text.splitlines() == [
        "[sheet Sales]",
        "Region\t\tNorth West",
        "2023-03-15\t2023-03-15 12:00:00\t45000",
        "TRUE\there",
    ]


def test_sheets_have_their_own_titles_whatever_their_parts_are_called(tmp_path: Path) -> None:
    sheet = '<worksheet><row><c t="inlineStr"><is><t>{}</t></is></c></row><row/><row><c r="B3"/></row></worksheet>'
    found = read(tmp_path, documents.workbook({"One": sheet.format("a"), "Two": sheet.format("b")}), kinds.XLSX)

    assert found.text == "[sheet One]\na\n\n[sheet Two]\nb"


def test_notes_stand_under_their_slide(tmp_path: Path) -> None:
    found = read(tmp_path, documents.pptx("A", "B", "C", notes={3: "Say it slowly"}), kinds.PPTX)

    assert found.text == "[slide 1]\nA\n\n[slide 2]\nB\n\n[slide 3]\nC\n[notes]\nSay it slowly"


def test_words_in_a_box_are_read_once(tmp_path: Path) -> None:
    box = "<Choice><w:t>boxed</w:t></Choice><Fallback><w:t>boxed</w:t></Fallback>"
    found = read(tmp_path, documents.docx("Text", raw=box), kinds.DOCX)

    assert found.text.split() == ["Text", "boxed"]


def test_slides_in_their_order(tmp_path: Path) -> None:
    found = read(tmp_path, documents.pptx(*[f"Slide {n}" for n in range(1, 12)]), kinds.PPTX)

    assert found.text.split("\n")[:2] == ["[slide 1]", "Slide 1"]
    assert [line for line in found.text.split("\n") if line.startswith("[")][-1] == "[slide 11]"


def test_words_of_a_page_without_its_scripts(tmp_path: Path) -> None:
    page = b"<html><head><title>News</title><style>p{}</style></head><body><script>x()</script><p>One &amp; two<p>Three"
    found = read(tmp_path, page, "text/html")

    assert [line.strip() for line in found.text.splitlines() if line.strip()] == ["News", "One & two", "Three"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1251", "koi8-r", "cp866"])
def test_russian_text_is_read_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    words = "Привет, мир! Это обычный текст на русском языке, каких много."

    assert extracted(tmp_path, words.encode(encoding), "text/plain") == Extracted(words)


def test_encoding_is_told_by_words_far_down_in_a_program(tmp_path: Path) -> None:
    words = "# Привет, мир! Это обычный текст на русском языке."
    found = read(tmp_path, b"x = 1\n" * 20_000 + words.encode("cp1251"), "text/plain")

    assert found.text.endswith(words)


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "mime", "kind"),
    [
        (documents.pdf(["Secret"], password="pass"), kinds.PDF, "encrypted"),
        (documents.pdf([""]), kinds.PDF, "no_text"),
        (documents.pdf(["Scanned with CamScanner", "CamScanner"]), kinds.PDF, "no_text"),
        (b"%PDF-1.4\nnothing else", kinds.PDF, "broken"),
        (documents.archive({"other.xml": "<a/>"}), kinds.DOCX, "broken"),
        (b"PK\x03\x04 no archive", kinds.XLSX, "broken"),
        (documents.archive({documents.DOCX: "<w:p><w:t>open"}), kinds.DOCX, "broken"),
        (b"sealed", kinds.ENCRYPTED_OFFICE, "encrypted"),
        (b"MZ", kinds.UNKNOWN, "unsupported"),
        (b"   \n", "text/plain", "no_text"),
    ],
)
def test_file_without_text_says_why(tmp_path: Path, content: bytes, mime: str, kind: str) -> None:
    found = extracted(tmp_path, content, mime)

    assert (found.text, found.error) == ("", kind)


def test_pdf_with_an_empty_password_is_read(tmp_path: Path) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(documents.pdf(["Open"]))))
    writer.encrypt("", owner_password="owner", algorithm="RC4-128")
    made = io.BytesIO()
    writer.write(made)

    assert extracted(tmp_path, made.getvalue(), kinds.PDF).text == "[page 1]\nOpen"


# --- hostile --------------------------------------------------------------------------------------------------------


# Made by the test that needs it: it takes longer than to collect all others.
BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "docx": (documents.bomb, kinds.DOCX),
    "xlsx": (lambda: documents.xlsx([], sheet="<worksheet>" + " " * 60_000_000), kinds.XLSX),
    "entries": (
        lambda: documents.archive({documents.PPTX: "", **{f"x{n}": b"" for n in range(20_001)}}),
        kinds.PPTX,
    ),
    "entities": (
        lambda: documents.archive(
            {documents.DOCX: '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]><a><t>&c;</t></a>'}
        ),
        kinds.DOCX,
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bomb_is_recognised(tmp_path: Path, bomb: str) -> None:
    make, mime = BOMBS[bomb]
    assert extracted(tmp_path, make(), mime) == Extracted(error="bomb")


def test_archive_of_many_parts_is_stopped_while_it_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is large by itself: their sum is what counts."""
    monkeypatch.setattr(archive, "MOST_BYTES", 5_000_000)
    slide = b"<a>" + b" " * 900_000 + b"</a>"
    slides = {f"ppt/slides/slide{n}.xml": slide for n in range(1, 8)}

    assert read(tmp_path, documents.archive({documents.PPTX: "", **slides}), kinds.PPTX) == Found(error="bomb")


def test_pdf_of_ten_thousand_pages_is_read_in_part(tmp_path: Path) -> None:
    found = extracted(tmp_path, documents.long_pdf(10_000), kinds.PDF)

    assert found.pages == 10_000
    assert found.error in ("too_many_pages", "timeout")
    assert found.text.startswith("[page 1]\npage")
    assert f"[page {MOST_PAGES + 1}]" not in found.text


def test_page_that_cannot_be_read_leaves_the_others(tmp_path: Path) -> None:
    whole = documents.pdf(["One", "Two", "Three"])
    torn = whole.replace(b"(Two) Tj", b"(Two) T\xff")

    assert torn != whole
    assert "[page 3]\nThree" in extracted(tmp_path, torn, kinds.PDF).text


def test_text_without_end_is_read_in_part(tmp_path: Path) -> None:
    found = extracted(tmp_path, b"word " * 3_000_000, "text/plain")

    assert (len(found.text), found.error) == (reading.MOST_CHARACTERS, "too_long")


def test_reader_without_end_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("word " * 100_000)

    assert reading.read(path, "text/plain", seconds=-1).error == "timeout"


def test_process_without_end_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(documents.pdf(["x"] * 300))

    assert extract(path, kinds.PDF, seconds=0.01) == Extracted(error="timeout")


def test_memory_of_the_reading_process_is_limited(tmp_path: Path) -> None:
    asks = (
        "import atexit, pathlib; from files.extract.__main__ import limit; limit();"
        "atexit.register(lambda: print(pathlib.Path('/proc/self/status').read_text())); b'x' * (1 << 30)"
    )
    ended = subprocess.run([sys.executable, "-c", asks], capture_output=True, check=False, text=True)

    assert "MemoryError" in ended.stderr
    # Its own: what the kernel says of ended children holds the memory of this process, from before they were others.
    [largest] = re.findall(r"^VmHWM:\s+(\d+) kB$", ended.stdout, re.MULTILINE)
    assert int(largest) < 900_000


def test_reading_process_knows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_TOKEN", "1:secret")
    (tmp_path / "sitecustomize.py").write_text("import os; print(os.environ)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    assert extracted(tmp_path, b"words", "text/plain").text == "words"


def test_crc_errors_of_an_archive_mean_broken(tmp_path: Path) -> None:
    content = bytearray(documents.docx("x" * 500))
    content[60] ^= 0xFF

    assert extracted(tmp_path, bytes(content), kinds.DOCX).error == "broken"
