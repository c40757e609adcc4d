"""Documents made by hand: as small as they can be, whole or hostile."""

import io
import zipfile
from collections.abc import Sequence

from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

DOCX, XLSX, PPTX = "word/document.xml", "xl/workbook.xml", "ppt/presentation.xml"


def pdf(pages: Sequence[str], password: str = "") -> bytes:
    """A PDF with a line of text on each page."""
    writer = PdfWriter()
    font = writer._add_object(
        DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
    )
    resources = DictionaryObject({NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})})
    for words in pages:
        page = writer.add_blank_page(300, 300)
        page[NameObject("/Resources")] = resources
        content = DecodedStreamObject()
        content.set_data(f"BT /F1 12 Tf 10 200 Td ({words}) Tj ET".encode() if words else b"")
        page[NameObject("/Contents")] = writer._add_object(content)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def long_pdf(pages: int) -> bytes:
    """A PDF whose many pages all show the same, written down without a library: that takes seconds."""
    kids = " ".join(f"{number} 0 R" for number in range(5, 5 + pages))
    shown = "BT /F1 12 Tf 10 200 Td (page) Tj ET"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {pages}/Kids[{kids}]/Resources<</Font<</F1 3 0 R>>>>/MediaBox[0 0 300 300]>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        f"<</Length {len(shown)}>>stream\n{shown}\nendstream",
        *["<</Type/Page/Parent 2 0 R/Contents 4 0 R>>"] * pages,
    ]
    made, places = "%PDF-1.4\n", []
    for number, written in enumerate(objects, 1):
        places.append(len(made))
        made += f"{number} 0 obj{written}endobj\n"
    listed = "".join(f"{place:010} 00000 n \n" for place in places)
    table = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{listed}"
    return f"{made}{table}trailer<</Root 1 0 R/Size {len(objects) + 1}>>\nstartxref\n{len(made)}\n%%EOF".encode()


def archive(parts: dict[str, str | bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return made.getvalue()


def bomb() -> bytes:
    """A few kilobytes that unpack to sixty megabytes; to make them takes a second, so no test has them ready."""
    return archive({DOCX: b"<a>" + bytes([32]) * 60_000_000})


def docx(*paragraphs: str, raw: str = "") -> bytes:
    body = "".join(f"<w:p><w:r><w:t>{words}</w:t></w:r></w:p>" for words in paragraphs)
    return archive({DOCX: f'<w:document xmlns:w="w"><w:body>{body}{raw}</w:body></w:document>'})


def relations(**targets: str) -> str:
    """What a part refers to: ``id=<kind> <target>``."""
    rows = ""
    for key, said in targets.items():
        kind, target = said.split()
        rows += f'<Relationship Id="{key}" Type="http://x/{kind}" Target="{target}"/>'
    return f"<Relationships>{rows}</Relationships>"


def xlsx(rows: Sequence[Sequence[str]], styles: str = "", sheet: str = "") -> bytes:
    """``rows`` as cells in raw XML, or all of a sheet."""
    cells = "".join(f"<row>{''.join(row)}</row>" for row in rows)
    return workbook(
        {"Sales": sheet or f"<worksheet><sheetData>{cells}</sheetData></worksheet>"},
        {"xl/styles.xml": f"<styleSheet>{styles}</styleSheet>"},
    )


def workbook(sheets: dict[str, str], parts: dict[str, str | bytes] | None = None) -> bytes:
    """Sheets in this order, whose parts are numbered in the opposite one."""
    titles = "".join(f'<sheet name="{title}" sheetId="9" r:id="r{n}"/>' for n, title in enumerate(sheets))
    names = {f"r{n}": f"sheet{len(sheets) - n}.xml" for n in range(len(sheets))}
    return archive(
        {
            XLSX: f'<workbook xmlns:r="r"><sheets>{titles}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": relations(
                **{key: f"worksheet worksheets/{name}" for key, name in names.items()}
            ),
            "xl/sharedStrings.xml": "<sst><si><t>Region</t></si><si><r><t>North</t></r><r><t> West</t></r></si></sst>",
            **{f"xl/worksheets/{names[f'r{n}']}": content for n, content in enumerate(sheets.values())},
            **(parts or {}),
        }
    )


def pptx(*slides: str, notes: dict[int, str] | None = None) -> bytes:
    """``notes`` by the number of their slide; their parts are numbered by themselves."""
    parts: dict[str, str | bytes] = {PPTX: "<p:presentation xmlns:p='p'/>"}
    for number, words in enumerate(slides, 1):
        parts[f"ppt/slides/slide{number}.xml"] = _slide(words)
    for number, (slide, words) in enumerate((notes or {}).items(), 1):
        parts[f"ppt/notesSlides/notesSlide{number}.xml"] = _slide(words)
        parts[f"ppt/slides/_rels/slide{slide}.xml.rels"] = relations(
            r1="slideLayout ../slideLayouts/x.xml", r2=f"notesSlide ../notesSlides/notesSlide{number}.xml"
        )
    return archive(parts)


def _slide(words: str) -> str:
    return f'<p:sld xmlns:p="p" xmlns:a="a"><a:p><a:r><a:t>{words}</a:t></a:r></a:p></p:sld>'
