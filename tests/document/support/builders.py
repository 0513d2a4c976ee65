"""Word and PDF files made by the tests, so that no binary file is in the repository."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from xml.sax.saxutils import escape

_NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_RELS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Target="word/document.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>'
)
EMPHASIS = re.compile(r"(\*\*\*|\*\*|\*)")


def docx(
    markdown: str,
    *,
    header: str | None = None,
    footer: str | None = None,
    addresses: str = "paragraphs",
    extra: dict[str, bytes] | None = None,
) -> bytes:
    """Return a minimal Word file: each line is a paragraph, and stars become bold and italic.

    `addresses` is the form of blocks of short lines: `paragraphs`, line `breaks`, a `table` for each block, or a table
    with a line in each of its `cells`.
    """
    blocks = re.split(r"\n[ \t]*\n", markdown.strip("\n"))
    body = _paragraph("").join(_block(block.split("\n"), addresses) for block in blocks)
    document = f'<?xml version="1.0"?><w:document {_NAMESPACE}><w:body>{body}</w:body></w:document>'
    parts = {
        "[Content_Types].xml": _TYPES.encode(),
        "_rels/.rels": _RELS.encode(),
        "word/document.xml": document.encode(),
    }
    for name, tag, text in (("header1", "hdr", header), ("footer1", "ftr", footer)):
        if text:
            parts[f"word/{name}.xml"] = (
                f'<?xml version="1.0"?><w:{tag} {_NAMESPACE}>{_paragraph(text)}</w:{tag}>'.encode()
            )
    parts.update(extra or {})
    return zip_archive(parts)


def _block(lines: list[str], addresses: str) -> str:
    is_address = len(lines) >= 3 and all(len(line) < 90 for line in lines)
    if not is_address or addresses == "paragraphs":
        return "".join(_paragraph(line) for line in lines)
    if addresses == "breaks":
        runs = "<w:r><w:br/></w:r>".join(_runs(line) for line in lines)
        return f"<w:p>{runs}</w:p>"
    rows = lines if addresses == "cells" else ["\n".join(lines)]
    cells = (f"<w:tc>{''.join(_paragraph(line) for line in row.split(chr(10)))}</w:tc>" for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{cell}</w:tr>' for cell in cells)}</w:tbl>"


def zip_archive(parts: dict[str, bytes]) -> bytes:
    """Return a zip archive of these members."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def _paragraph(line: str) -> str:
    return f"<w:p>{_runs(line)}</w:p>"


def _runs(line: str) -> str:
    runs: list[str] = []
    bold = italic = False
    for piece in EMPHASIS.split(re.sub(r"^#+ ", "", line.rstrip())):
        if EMPHASIS.fullmatch(piece):
            bold ^= len(piece) >= 2
            italic ^= len(piece) != 2
            continue
        if piece:
            marks = ("<w:b/>" if bold else "") + ("<w:i/>" if italic else "")
            text = f'<w:t xml:space="preserve">{escape(piece)}</w:t>'
            runs.append(f"<w:r><w:rPr>{marks}</w:rPr>{text}</w:r>")
    return "".join(runs)


def pdf(markdown: str, *, width: int = 90) -> bytes:
    """Return a minimal PDF in Helvetica with pages of 55 lines, wrapped to `width` characters."""
    rows = [row for line in markdown.splitlines() for row in _wrapped_rows(line, width)]
    pages = [rows[start : start + 55] for start in range(0, len(rows), 55)] or [[]]
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    objects += [
        f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>"
        for name in ("Helvetica", "Helvetica-Bold", "Helvetica-Oblique", "Helvetica-BoldOblique")
    ]
    kids = []
    for page in pages:
        content = _content(page)
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
        fonts = "/F0 3 0 R /F1 4 0 R /F2 5 0 R /F3 6 0 R"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {len(objects)} 0 R"
            f" /Resources << /Font << {fonts} >> >> >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    return assemble_pdf(objects)


def assemble_pdf(objects: list[str]) -> bytes:
    """Return the PDF file of these objects, the first of which is the catalogue."""
    out = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("cp1252")
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    return out + f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF".encode()


def _wrapped_rows(line: str, width: int) -> list[list[tuple[str, int]]]:
    """Return the rows of a line that is wrapped at spaces, each as texts with the numbers of their fonts."""
    bold = italic = False
    rows: list[list[tuple[str, int]]] = [[]]
    used = 0
    for piece in EMPHASIS.split(re.sub(r"^#+ ", "", line.rstrip())):
        if EMPHASIS.fullmatch(piece):
            bold ^= len(piece) >= 2
            italic ^= len(piece) != 2
            continue
        for word in re.findall(r"\s*\S+\s*", piece):
            if used + len(word) > width and used:
                rows.append([])
                used = 0
            rows[-1].append((word, bold + 2 * italic))
            used += len(word)
    return rows


def _content(rows: list[list[tuple[str, int]]]) -> str:
    out = ["BT"]
    for number, row in enumerate(rows):
        out.append(f"1 0 0 1 50 {800 - 13 * number} Tm")
        for text, font in row:
            safe = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
            out.append(f"/F{font} 10 Tf ({safe}) Tj")
    return "\n".join([*out, "ET"])
