"""A workbook (XLSX, ECMA-376) that is streamed, so that the memory in use does not grow with the number of rows.

xlsxwriter stores a long table in memory or in a file on the disk, but names and addresses must not be written to the
disk. All cells are text (`inlineStr`), which no spreadsheet program reads as a formula.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import escape

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}">'
    '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_LINKS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}
# The first row stays visible while the sheet is scrolled.
_BEGIN = (
    f'<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" state="frozen"/></sheetView></sheetViews><sheetData>'
)
_END = "</sheetData></worksheet>"
# The characters that XML 1.0 cannot represent.
_NO_XML = {code: None for code in (*range(0x20), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF) if chr(code) not in "\t\n"}
_ROWS_PER_CHUNK = 500


class _Pipe(io.BytesIO):
    """A write-only buffer without seeking, whose content is taken out repeatedly."""

    def seekable(self) -> bool:
        """Return False: then `zipfile` writes the sizes after each member instead of seeking back."""
        return False

    def tell(self) -> int:
        """Raise UnsupportedOperation, because the buffer cannot seek."""
        raise io.UnsupportedOperation("tell")

    def drain(self) -> bytes:
        """Return the bytes written since the last call, and empty the buffer."""
        content = self.getvalue()
        self.seek(0)
        self.truncate(0)
        return content


def stream_workbook(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Yield the bytes of a workbook with one sheet: the head, then the rows while they are read."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _PARTS.items():
            archive.writestr(name, _HEAD + content)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write((_HEAD + _BEGIN + _row(head)).encode())
            for number, row in enumerate(rows, 1):
                sheet.write(_row(row).encode())
                if number % _ROWS_PER_CHUNK == 0:
                    yield pipe.drain()
            sheet.write(_END.encode())
    yield pipe.drain()


def _row(cells: Sequence[str]) -> str:
    return "<row>" + "".join(map(_cell, cells)) + "</row>"


def _cell(text: str) -> str:
    escaped = escape(text.translate(_NO_XML))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escaped}</t></is></c>'
