"""Documents made by hand: as small as they can be, whole or hostile."""

import io
import zipfile
from collections.abc import Sequence

from pypdf import PdfReader, PdfWriter
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


def pages_of(content: bytes) -> int:
    return len(PdfReader(io.BytesIO(content)).pages)


def archive(parts: dict[str, str | bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return made.getvalue()


def docx(*paragraphs: str, raw: str = "") -> bytes:
    body = "".join(f"<w:p><w:r><w:t>{words}</w:t></w:r></w:p>" for words in paragraphs)
    return archive({DOCX: f'<w:document xmlns:w="w"><w:body>{body}{raw}</w:body></w:document>'})


def xlsx(rows: Sequence[Sequence[str]], styles: str = "", sheet: str = "") -> bytes:
    """``rows`` as cells in raw XML, or all of a sheet."""
    cells = "".join(f"<row>{''.join(row)}</row>" for row in rows)
    return archive(
        {
            XLSX: '<workbook><sheets><sheet name="Sales"/></sheets></workbook>',
            "xl/sharedStrings.xml": "<sst><si><t>Region</t></si><si><r><t>North</t></r><r><t> West</t></r></si></sst>",
            "xl/styles.xml": f"<styleSheet>{styles}</styleSheet>",
            "xl/worksheets/sheet1.xml": sheet or f"<worksheet><sheetData>{cells}</sheetData></worksheet>",
        }
    )


def pptx(*slides: str) -> bytes:
    parts: dict[str, str | bytes] = {PPTX: "<p:presentation xmlns:p='p'/>"}
    for number, words in enumerate(slides, 1):
        parts[f"ppt/slides/slide{number}.xml"] = (
            f'<p:sld xmlns:p="p" xmlns:a="a"><a:p><a:r><a:t>{words}</a:t></a:r></a:p></p:sld>'
        )
    return archive(parts)
