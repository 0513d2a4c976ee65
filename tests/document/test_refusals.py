"""Refusals of files that are no readable Urgent Action: status 2, and one line with the file and the reason."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from pypdf import PdfReader, PdfWriter

from campaign.factory import create_app
from tests.conftest import settings_for
from tests.document.support import builders, files
from tests.document.support.forms import NEW, OLD, refusal, typeset


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Return an application without a database, which a refused file never reaches."""
    folder = tmp_path_factory.mktemp("refusals")
    return create_app(settings_for(f"sqlite:///{folder}/none.db", folder))


def encrypted() -> bytes:
    writer = PdfWriter(clone_from=PdfReader(BytesIO(typeset(NEW))))
    writer.encrypt("secret", algorithm="AES-128")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def scanned(text: str = "") -> bytes:
    """Return a page that is one grey picture, with a text at its foot."""
    pixels = zlib.compress(b"\x80" * 10_000)
    head = f"/Subtype /Image /Width 100 /Height 100 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length {len(pixels)}"
    drawn = f"q 595 0 0 842 0 0 cm /I Do Q BT /F 8 Tf 50 20 Td ({text}) Tj ET".encode()
    return (
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
        b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
        b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R"
        b" /Resources << /XObject << /I 4 0 R >> /Font << /F << /Type /Font"
        b" /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>\nendobj\n"
        b"4 0 obj\n<< /Type /XObject /Filter /FlateDecode " + head.encode() + b" >>\nstream\n" + pixels
        + b"\nendstream\nendobj\n5 0 obj\n<< /Length " + b"%d" % len(drawn) + b" >>\nstream\n" + drawn
        + b"\nendstream\nendobj\n"
        b"trailer << /Root 1 0 R /Size 6 >>\nstartxref\n0\n%%EOF"
    )  # fmt: skip


def bomb() -> bytes:
    """Return a Word file of a megabyte that unpacks to a quarter of a gigabyte."""
    return builders.docx(NEW, extra={"word/media/image1.bin": bytes(2**28)})


def pdf_bomb() -> bytes:
    packed = zlib.compress(b" " * (1 << 26), 9)
    head = f"<< /Filter /FlateDecode /Length {len(packed)} >>\nstream\n".encode()
    return typeset(NEW).replace(b"startxref", b"99 0 obj\n" + head + packed + b"\nendstream\nendobj\nstartxref", 1)


LUNCH_INVITATION = b"Dear all,\n\nLunch is at noon."
TWO_CASES = NEW + "\n\n" + NEW.replace("9/24", "31/24").replace("WEAVER", "POTTER").replace("18 June", "3 July")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the first bytes of Microsoft's old files
XML_BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'
FILES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": ("case.md", lambda: b"", "empty"),
    "blank": ("case.txt", lambda: b" \r\n\t\n\xef\xbb\xbf \n", "empty"),
    "only a mark": ("case.txt", lambda: b"\xef\xbb\xbf", "empty"),
    "invisible characters": ("case.txt", "\u200b\u2060\n\u00ad".encode, "empty"),
    "a letter about lunch": ("case.md", lambda: LUNCH_INVITATION, "no-urgent-action"),
    "a lunch in Word": ("case.docx", lambda: builders.docx(LUNCH_INVITATION.decode()), "no-urgent-action"),
    "a lunch in PDF": ("case.pdf", lambda: typeset(LUNCH_INVITATION.decode()), "no-urgent-action"),
    "two cases": ("case.md", TWO_CASES.encode, "several-urgent-actions"),
    "two cases in Word": ("case.docx", lambda: builders.docx(TWO_CASES), "several-urgent-actions"),
    "two cases in PDF": ("case.pdf", lambda: typeset(TWO_CASES), "several-urgent-actions"),
    "over 2 MB": ("case.md", lambda: NEW.encode() + b"\n" * (2 * 2**20), "too-large"),
    "more lines than any case has": ("case.md", lambda: NEW.encode() + b"a\n" * 10_000, "too-large"),
    "more text than any case has": ("case.md", lambda: NEW.encode() + b"a " * 200_000, "too-large"),
    "an encrypted PDF": ("case.pdf", encrypted, "encrypted"),
    "a scanned PDF": ("case.pdf", scanned, "no-text"),
    "a scanned PDF with its program's name": ("case.pdf", lambda: scanned("Scanned by Example"), "no-text"),
    "a Word bomb": ("case.docx", bomb, "too-large"),
    "a PDF bomb": ("case.pdf", pdf_bomb, "too-large"),
    "more pages than any case has": ("case.pdf", lambda: builders.pdf(NEW + "\n" * 55 * 40 + "Zebra."), "too-large"),
    "half a Word file": ("case.docx", lambda: builders.docx(NEW)[:-400], "unreadable"),
    "a tenth of a Word file": ("case.docx", lambda: builders.docx(NEW)[:300], "unreadable"),
    "half a PDF": ("case.pdf", lambda: typeset(NEW)[: len(typeset(NEW)) // 2], "unreadable"),
    "a PDF without its end": ("case.pdf", lambda: builders.pdf(NEW)[:-60], "unreadable"),
    "the first line of a PDF": ("case.pdf", lambda: b"%PDF-1.4\n%%EOF", "unreadable"),
    "UTF-8 cut inside a character": ("case.md", lambda: NEW.encode().partition("á".encode()[1:])[0], "unreadable"),
    "UTF-8 with another encoding in it": ("case.md", lambda: NEW.encode() + b"\xe9t\xe9", "unreadable"),
    "UTF-16 of an odd length": ("case.md", lambda: NEW.encode("utf-16")[:-1], "unreadable"),
    "a picture": ("case.png", lambda: b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 9, "not-supported"),
    "an archive": ("case.zip", lambda: builders.zip_archive({"a.txt": b"x"}), "not-supported"),
    "a sheet": ("case.docx", lambda: builders.zip_archive({"xl/workbook.xml": b"<x/>"}), "not-supported"),
    "old Word": ("case.doc", lambda: OLE + bytes(600), "not-supported"),
    "encrypted Word": (
        "case.docx",
        lambda: OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(60),
        "encrypted",
    ),
    "half an RTF file": ("case.rtf", lambda: files.rtf(NEW)[:-400], "unreadable"),
    "a lunch in RTF": ("case.rtf", lambda: files.rtf(LUNCH_INVITATION.decode()), "no-urgent-action"),
    "a lunch on a web page": ("case.html", lambda: files.html(LUNCH_INVITATION.decode()), "no-urgent-action"),
    "a lunch in OpenDocument": ("case.odt", lambda: files.odt(LUNCH_INVITATION.decode()), "no-urgent-action"),
    "a lunch in a mail": ("case.eml", lambda: files.mail(LUNCH_INVITATION.decode()), "no-urgent-action"),
    "two cases in a mail": ("case.eml", lambda: files.mail(TWO_CASES), "several-urgent-actions"),
    "an XML file": ("case.xml", lambda: b'<?xml version="1.0"?>\n<case>Urgent Action</case>', "not-supported"),
    "an Outlook message": ("case.msg", lambda: OLE + bytes(600) + "__substg1.0_".encode("utf-16-le"), "not-supported"),
    "scanned Word": (
        "case.docx",
        lambda: builders.docx("", header="Section", extra={"word/media/image1.png": b"x"}),
        "no-text",
    ),
    "Word without text": ("case.docx", lambda: builders.docx(""), "empty"),
    "scanned OpenDocument": ("case.odt", lambda: files.odt("", body="<draw:image/>"), "no-text"),
    "scanned RTF": ("case.rtf", lambda: rb"{\rtf1\ansi {\pict\pngblip 89504e470d0a}\par}", "no-text"),
    "a scanned web page": ("case.html", lambda: b"<html><body><img src='page.png'></body></html>", "no-text"),
    "a scan in a mail": ("case.eml", lambda: files.mail("See below", attachments={"scan.pdf": scanned()}), "no-text"),
    "an encrypted mail": (
        "case.eml",
        lambda: b"MIME-Version: 1.0\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMIAGCSqG",
        "encrypted",
    ),
    "encrypted OpenDocument": (
        "case.odt",
        lambda: files.odt(NEW, manifest="<manifest:encryption-data/>"),
        "encrypted",
    ),
    "an OpenDocument sheet": ("case.ods", lambda: files.odt(NEW, mime="spreadsheet"), "not-supported"),
    "an OpenDocument bomb": ("case.odt", lambda: files.odt(NEW, extra={"Pictures/1.bin": bytes(2**28)}), "too-large"),
    "an XML bomb in OpenDocument": (
        "case.odt",
        lambda: files.odt(NEW, extra={"styles.xml": XML_BOMB.encode()}),
        "unreadable",
    ),
    "an XML bomb": (
        "case.docx",
        lambda: builders.docx(NEW, extra={"word/styles.xml": XML_BOMB.encode()}),
        "unreadable",
    ),
    "an XML bomb in another encoding": (
        "case.docx",
        lambda: builders.docx(NEW, extra={"word/styles.xml": XML_BOMB.encode("utf-16")}),
        "unreadable",
    ),
    "an XML bomb under another name": (
        "case.docx",
        lambda: builders.docx(NEW, extra={"word/styles.bin": XML_BOMB.encode()}),
        "unreadable",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_a_file_is_refused_with_status_2_and_one_line(case: str, cli: Flask, tmp_path: Path) -> None:
    name, make_file, code = FILES[case]
    path = tmp_path / name
    path.write_bytes(make_file())
    assert refusal(path.read_bytes(), name) == code
    for arguments in (("parse",), ("import", "--json")):
        assert_refused(cli, path, *arguments)


@pytest.mark.parametrize("arguments", [("parse", "--json"), ("import",), ("import", "--slug", "a", "--publish")])
def test_every_command_refuses_a_file_alike(arguments: tuple[str, ...], cli: Flask, tmp_path: Path) -> None:
    path = tmp_path / "two.md"
    path.write_text(TWO_CASES)
    assert_refused(cli, path, *arguments)


def assert_refused(cli: Flask, path: Path, command: str, *options: str) -> None:
    result = cli.test_cli_runner().invoke(args=["appeal", command, str(path), *options])
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert str(path) in line
    assert len(line) > len(f"tocsin: {path}: ") + 15


def test_a_file_that_cannot_be_opened_is_refused_alike(cli: Flask, tmp_path: Path) -> None:
    (tmp_path / "a\nb.md").write_bytes(b"")
    for path in (tmp_path / "missing.md", tmp_path, tmp_path / "a\nb.md"):
        result = cli.test_cli_runner().invoke(args=["appeal", "parse", str(path)])
        assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)


@pytest.mark.slow
def test_a_file_of_2_mb_is_read() -> None:
    size = 2 * 2**20
    data = NEW.encode()
    assert refusal(data + b"\n" * (size - len(data))) == ""
    assert refusal(data + b"\n" * (size - len(data) + 1)) == "too-large"


def test_the_name_of_the_file_does_not_decide_its_format() -> None:
    assert (
        refusal(typeset(OLD), "case.docx") == refusal(builders.docx(OLD), "case.md") == refusal(OLD.encode(), "x") == ""
    )
