"""Small files that keep a reader busy: loops without calls, copies, failing streams, repeated members."""

from __future__ import annotations

import hashlib
import io
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from functools import partial

import pytest
from pdfminer.arcfour import Arcfour

from campaign.config import ROOT
from campaign.document import DocumentError, parse_document
from campaign.document.formats import subprocess_reader as apart
from campaign.document.formats.subprocess_main import MAX_DEPTH, MAX_SECONDS, run_counted
from campaign.document.formats.unpack import Unpacker, UnpackLimitError
from tests.abuse.upload_files import cpu_seconds_until_refused, operators, pdf, stream
from tests.attack import Figure
from tests.document.support import builders, files
from tests.document.support.forms import NEW

pytestmark = pytest.mark.slow
_TEXT = "BT /F0 12 Tf 72 700 Td (URGENT ACTION) Tj ET"
_HEADER = '<w:hdr xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">{}</w:hdr>'
_MAIL = b"MIME-Version: 1.0\nContent-Type: multipart/mixed; "
_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")


def page_with_composed_font(entries: str, encoding: str = "/Identity-H", *more: str) -> bytes:
    """Return a page in a font of composed characters with these entries; further objects are numbered from 7."""
    system = "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
    made = pdf(stream(_TEXT), f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X {system} {entries} >>", *more)
    simple = made[made.index(b"<< /Type /Font /Subtype /Type1") :]
    composed = f"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding {encoding} /DescendantFonts [6 0 R] >>"
    return made.replace(simple[: simple.index(b">>") + 2], composed.encode())


def font_with_many_characters() -> bytes:
    """Return a TrueType font whose table names two thousand million characters, as hexadecimal."""
    groups = 500
    table = struct.pack(">HHHHI", 0, 1, 3, 10, 12) + struct.pack(">HHIII", 12, 0, 0, 0, groups)
    table += struct.pack(">III", 0, 2_000_000_000, 1) * groups
    font = struct.pack(">IHHHH", 0x00010000, 1, 0, 0, 0) + b"cmap" + struct.pack(">III", 0, 28, len(table)) + table
    described = "/FontDescriptor << /FontName /X /FontFile2 7 0 R >>"
    return page_with_composed_font(described, "/Identity-H", stream(font.hex(), "/Filter /ASCIIHexDecode"))


def table_of_many_objects() -> bytes:
    """Return a table of two thousand million objects, which readers search if no page is named."""
    head = "<< /Type /XRef /Size 9 /W [1 2 1] /Index [100 2000000000] /Root 1 0 R /Length 0 >>"
    out = b"%PDF-1.5\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"
    table = f"9 0 obj\n{head}\nstream\n\nendstream\nendobj\n".encode()
    return out + table + f"startxref\n{len(out)}\n%%EOF".encode()


def table_with_wide_entry() -> bytes:
    """Return a table of objects with one entry of nine megabytes, which is looked up two thousand times."""
    objects = ("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [" + "77 0 R " * 2000 + "] /Count 1 >>")
    out = b"%PDF-1.5\n"
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    packed = zlib.compress(bytes(20_000_000), 9)
    at = len(out)
    head = f"/Type /XRef /Size 9 /Filter /FlateDecode /W [1 9000000 9000000] /Index [77 1] /Length {len(packed)}"
    out += f"9 0 obj\n<< {head} >>\nstream\n".encode() + packed + b"\nendstream\nendobj\n"
    start = len(out)
    out += b"xref\n0 3\n0000000000 65535 f \n" + b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    return out + f"trailer << /Size 3 /Root 1 0 R /XRefStm {at} >>\nstartxref\n{start}\n%%EOF".encode()


def streams_of_many_columns() -> bytes:
    """Return empty streams of ten million columns."""
    head = "/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 10000000 >>"
    objects = [stream("CONTENT", head)] * 250
    contents = " ".join(f"{number} 0 R" for number in range(6, 256))
    made = pdf(stream(_TEXT), *objects).replace(b"/Contents 4 0 R", f"/Contents [{contents}]".encode())
    return made.replace(b"CONTENT", zlib.compress(b"")[:7])


def stream_with_wrong_checksum() -> bytes:
    """Return a stream with a wrong checksum, for which the reader's recovery copied everything at each byte."""
    packed = zlib.compress(b"q " * 3_500_000, 9)[:-4] + b"none"
    head = f"<< /Filter /FlateDecode /Length {len(packed)} >>\nstream\n".encode()
    return pdf("CONTENT").replace(b"CONTENT", head + packed + b"\nendstream")


def encrypted_page() -> bytes:
    """Return an encrypted page of 1.5 megabytes without a password; decrypting a byte copied all bytes before it."""
    owner = b"o" * 32
    key = hashlib.md5(_PADDING + owner + struct.pack("<i", -4)).digest()[:5]  # noqa: S324  as the format wants it
    user = Arcfour(key).encrypt(_PADDING)
    handler = f"<< /Filter /Standard /V 1 /R 2 /P -4 /O <{owner.hex()}> /U <{user.hex()}> >>"
    return pdf(stream(" " * 1_500_000), handler).replace(b"/Root 1 0 R", b"/Root 1 0 R /Encrypt 6 0 R")


def nested_streams(mark: bytes) -> bytes:
    """Return forty streams, each inside the one before; the innermost has a wrong checksum.

    `mark` begins each stream: with a line end, or in a way that the first scan of the file does not recognise.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(bytes(7 * 2**20)) + packer.flush() + b"none"
    behind = b""
    for number in range(45, 5, -1):
        head = f"{number} 0 obj<</Filter/FlateDecode/Length 9999>>".encode() + mark + b"\x78\xda"
        quoted = b"\x00" + struct.pack("<HH", len(behind), 0xFFFF ^ len(behind)) if behind else b""
        body, behind = head + quoted + body, head
    contents = " ".join(f"{number} 0 R" for number in range(6, 46))
    made = pdf(stream(_TEXT)).replace(b"/Contents 4 0 R", f"/Contents [{contents}]".encode())
    out = made[: made.index(b"xref\n")] + body + b" " * 9999 + b"\nendstream\nendobj\n"
    places = [out.index(f"{number} 0 obj".encode()) for number in range(1, 46)]
    table = b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    start = f"trailer << /Size 46 /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF".encode()
    return out + b"xref\n0 46\n0000000000 65535 f \n" + table + start


def word_file(body: str, **more: str) -> bytes:
    """Return a Word file of that body, and with further members whose names begin with `word/`."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(builders.docx(NEW))) as source, zipfile.ZipFile(out, "w", 8) as archive:
        for name in source.namelist():
            held = source.read(name).decode()
            if body and name == "word/document.xml":
                held = held[: held.index("<w:body>")] + f"<w:body>{body}" + held[held.index("</w:body>") :]
            archive.writestr(name, held)
        for name, text in more.items():
            archive.writestr(f"word/{name}.xml", text)
    return out.getvalue()


def nested_fields() -> bytes:
    """Return nested fields; the end of each makes the reader scan seven million spaces."""
    mark = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
    text = f"<w:r><w:instrText>{' ' * 7_000_000}</w:instrText></w:r>"
    return word_file(f"<w:p>{mark.format('begin') * 3000}{text}{mark.format('end') * 3000}</w:p>")


def nested_forms(depth: int) -> bytes:
    """Return forms nested as deep as calls can be; each draws the next one three times, even after an error."""
    forms = []
    for number in range(depth):
        resources = f"/Resources << /XObject << /X{number + 1} {number + 7} 0 R >> >>"
        head = f"/Type /XObject /Subtype /Form /BBox [0 0 9 9] {resources}"
        forms.append(stream(f"/X{number + 1} Do " * 3, head))
    return pdf(stream("/X0 Do"), *forms, forms="/X0 6 0 R")


KINDS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "widths of a font": ("case.pdf", lambda: page_with_composed_font(f"/W [{'0 3000000 1 ' * 600}]")),
    "widths downwards": (
        "case.pdf",
        lambda: page_with_composed_font(f"/W2 [{'0 3000000 1 1 1 ' * 100}]", "/Identity-V"),
    ),
    "characters of a font": ("case.pdf", font_with_many_characters),
    "numbers of objects": ("case.pdf", table_of_many_objects),
    "wide numbers of objects": ("case.pdf", table_with_wide_entry),
    "columns of empty streams": ("case.pdf", streams_of_many_columns),
    "a picture without end": ("case.pdf", lambda: operators("BI /W 1 ID " + "E" * 10_000_000, 1)),
    "arguments without end": ("case.pdf", lambda: operators("1 " * 300_000 + "w " * 3_000_000, 1)),
    "a wrong checksum": ("case.pdf", stream_with_wrong_checksum),
    "a cipher": ("case.pdf", encrypted_page),
    "forms in forms": ("case.pdf", lambda: nested_forms(400)),
    "fields in fields": ("case.docx", nested_fields),
    "headers": ("case.docx", lambda: word_file("", header1=_HEADER.format("<w:p/>" * 1_300_000))),
    "paragraphs in paragraphs": ("case.docx", lambda: word_file("<w:p>" * 700_000 + "</w:p>" * 700_000)),
    "tags in tags": ("case.html", lambda: b"<html>" + b"<b><i><p>" * 220_000),
    "groups in groups": ("case.rtf", lambda: rb"{\rtf1 " + b"{" * 2_000_000 + b"}"),
    "headers in headers": ("case.rtf", lambda: rb"{\rtf1 " + rb"{\header" * 220_000 + b"}"),
    "paragraphs without end": ("case.odt", lambda: files.odt("", body="<text:p>a</text:p>" * 300_000)),
    "parts of a mail": ("case.mail", lambda: _MAIL + b"boundary=x\n\n" + b"--x\n\na\n" * 240_000),
    "names of attachments": ("case.mail", lambda: _MAIL + b"filename*0=b;" * 140_000 + b"\n\nx"),
    "one long text": ("case.docx", lambda: word_file(f"<w:p><w:r><w:t>{'a b &amp; ' * 800_000}</w:t></w:r></w:p>")),
}


# One kind of each format in the gate, because each takes seconds.
_IN_GATE = {
    *("characters of a font", "fields in fields", "tags in tags", "groups in groups"),
    *("paragraphs without end", "parts of a mail"),
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if kind in _IN_GATE else [pytest.mark.nightly]) for kind in KINDS]
)
def test_a_small_hostile_file_is_refused_for_its_steps(kind: str, figure: Figure) -> None:
    name, make = KINDS[kind]
    data = make()
    assert len(data) < 2 * 2**20
    spent = cpu_seconds_until_refused(name, data)
    figure("5 input: small files that are ended by their steps: seconds", spent, f"< {MAX_SECONDS}")


@pytest.mark.parametrize("mark", [b"stream\n", b"stream\r", b"stream %\n"])
def test_unpacked_bytes_of_a_failing_stream_are_counted(mark: bytes) -> None:
    with pytest.raises(DocumentError, match="unpacks to more than 24 MB") as error:
        parse_document(nested_streams(mark), "case.pdf")
    assert error.value.code == "too-large"


def test_a_stream_with_a_wrong_checksum_is_read() -> None:
    text = "q " * 1000 + _TEXT
    packed = zlib.compress(text.encode())
    for end in (b"none", b"", b"n"):
        head = f"<< /Filter /FlateDecode /Length {len(packed) - 4 + len(end)} >>\nstream\n".encode()
        data = pdf("CONTENT").replace(b"CONTENT", head + packed[:-4] + end + b"\nendstream")
        with pytest.raises(DocumentError) as error:
            parse_document(data, "case.pdf")
        assert error.value.code == "no-urgent-action", "the text was read, but is no Urgent Action"


def test_failing_streams_are_counted_and_intact_ones_read_completely() -> None:
    held = bytes(range(256)) * 400
    packed = zlib.compress(held)
    assert Unpacker(len(held) + len(packed)).unpack(packed) == held
    assert Unpacker(2 * len(held)).unpack_damaged(packed[:-4] + b"none") == held
    for task in (Unpacker(len(held)).unpack, Unpacker(len(held)).unpack_damaged):
        with pytest.raises(UnpackLimitError):
            task(packed)
    for broken in (b"", packed[:-1], b"none" + packed):
        with pytest.raises(zlib.error):
            Unpacker(2 * len(held)).unpack(broken)
    unpacker = Unpacker(2**16)
    for _ in range(16):
        unpacker.measure(memoryview(b"none"))
    with pytest.raises(UnpackLimitError):
        unpacker.measure(memoryview(b"none"))


def test_members_of_one_name_are_refused() -> None:
    out = io.BytesIO(word_file("", header1=_HEADER.format(" " * 7_000_000)))
    with zipfile.ZipFile(out, "a") as archive:
        archive.filelist += [archive.getinfo("word/header1.xml")] * 60
        archive.writestr("word/more.xml", "<a/>")  # so that the archive's directory is written again
    with pytest.raises(DocumentError, match="two members of one name"):
        parse_document(out.getvalue(), "case.docx")


def test_much_xml_is_refused_before_it_is_parsed() -> None:
    for name in ("header1", "document2"):
        with pytest.raises(DocumentError, match="unpacks to more than 8 MB"):
            parse_document(word_file("", **{name: _HEADER.format("<a/>" * 2_200_000)}), "case.docx")


def test_messages_of_a_reader_do_not_fill_the_memory() -> None:
    """Store no message about a malformed number: many of them used hundreds of megabytes."""
    large = "<< " + " ".join(f"/K{number} {number}" for number in range(20_000)) + " >>"
    data = page_with_composed_font(f"/W [{'7 0 R ' * 300}]", "/Identity-H", large)
    result = subprocess.run(
        apart.reader_command("pdf", "case.pdf"),
        input=data,
        capture_output=True,
        env=apart.reader_environment(),
        cwd=ROOT,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, b"")
    result = subprocess.run(
        apart.reader_command("docx", "case.docx"),
        input=word_file(f"<w:p><w:r><w:t>{'a' * 500_000}</w:t></w:r></w:p>"),
        capture_output=True,
        env=apart.reader_environment(),
        cwd=ROOT,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (apart.OVER_LIMIT, b"", b"")


def test_counting_continues_where_calls_are_too_deep() -> None:
    """Continue to count where calls are too deep: Python removes the counter, and some readers ignore the error."""

    class UncaughtError(BaseException):
        """An error that readers do not catch."""

    def end() -> None:
        raise UncaughtError

    def call_deeply(calls: int) -> None:
        try:
            call_deeply(calls + 1)
        except RecursionError:
            return

    usual = sys.getrecursionlimit()
    with pytest.raises(UncaughtError):
        run_counted(partial(call_deeply, 0), end)
    assert (sys.getrecursionlimit(), sys.gettrace()) == (usual, None)

    def call_at_depth(calls: int) -> int:
        return call_at_depth(calls + 1) if calls < MAX_DEPTH // 2 else calls

    assert run_counted(partial(call_at_depth, 0), end) == MAX_DEPTH // 2
