"""The members of a Word or OpenDocument file, each unpacked once within limits, whatever sizes the archive declares."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from io import BytesIO
from xml.parsers import expat

from campaign.document.errors import DocumentError

_MAX_UNPACKED = 24 * 1024 * 1024  # bytes
# Bytes of all XML members; a case of five pages has less than one million. Parsing is one call, so it counts few steps.
_MAX_XML = 8 * 1024 * 1024
_MAX_MEMBERS = 2000
# Old OpenDocument programs name a document type here. This member is never parsed.
_MEMBERS_WITH_DOCTYPE = {"META-INF/manifest.xml"}
_READ_SIZE = 64 * 1024  # bytes


def unpack_members(data: bytes, name: str, main_member: str = "word/document.xml") -> dict[str, bytes]:
    """Return the content of the members by name.

    Raises DocumentError if it has no main member, encrypted, declares entities or unpacks to more than the limit, and
    the exceptions of `zipfile` if it is damaged.
    """
    with zipfile.ZipFile(BytesIO(data)) as archive:
        _check_archive(archive, name, main_member)
        return _read_members(archive, name)


def repack_members(members: dict[str, bytes]) -> BytesIO:
    """Return the members as an uncompressed archive, so that reading a member repeatedly does not unpack it again."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out


def _check_archive(archive: zipfile.ZipFile, name: str, main_member: str) -> None:
    """Refuse other kinds of archive and decompression bombs before anything is unpacked. Raises DocumentError."""
    members = archive.infolist()
    names = {member.filename for member in members}
    if main_member not in names:
        raise DocumentError("not-supported", f"{name} is an archive but no Word or OpenDocument text")
    # A member that is listed several times would be unpacked several times.
    if len(names) < len(members):
        raise DocumentError("unreadable", f"{name} holds two members of one name, which no document does")
    if len(members) > _MAX_MEMBERS or sum(member.file_size for member in members) > _MAX_UNPACKED:
        raise _too_large(name, _MAX_UNPACKED)
    if any(member.flag_bits & 1 for member in members):
        raise DocumentError("encrypted", f"{name} is encrypted")


def _read_members(archive: zipfile.ZipFile, name: str) -> dict[str, bytes]:
    """Return the content of every member, since the document itself decides which members are read."""
    contents: dict[str, bytes] = {}
    remaining, remaining_xml = _MAX_UNPACKED, _MAX_XML
    for member in archive.infolist():
        contents[member.filename] = content = _read_member(archive, member, remaining)
        remaining -= len(content) + member.compress_size  # members may overlap, or be large and unpack to nothing
        has_doctype, is_xml = _inspect_root(content)
        if has_doctype and member.filename not in _MEMBERS_WITH_DOCTYPE:
            raise DocumentError("unreadable", f"{name} holds XML declarations that no document has")
        remaining_xml -= len(content) if is_xml else 0
        if remaining < 0 or remaining_xml < 0:
            raise _too_large(name, _MAX_UNPACKED if remaining < 0 else _MAX_XML)
    return contents


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, max_bytes: int) -> bytes:
    """Return the content of a member, or little more than `max_bytes` bytes of it. Its declared size may be false."""
    chunks: list[bytes] = []
    with archive.open(member) as file:
        while max_bytes >= 0 and (chunk := file.read(_READ_SIZE)):
            chunks.append(chunk)
            max_bytes -= len(chunk)
    return b"".join(chunks)


def _too_large(name: str, max_bytes: int) -> DocumentError:
    return DocumentError("too-large", f"{name} unpacks to more than {max_bytes // 2**20} MB")


class _RootBegunError(Exception):
    """The root element has begun: no declaration can follow."""


def _inspect_root(data: bytes) -> tuple[bool, bool]:
    """Return whether there is a document type, and so perhaps entities, and whether a root element begins.

    The XML parser decides this, since it knows every encoding. Its errors are ignored here: the reader of the member
    reports them.
    """
    doctypes: list[str] = []

    def on_root(*_: object) -> None:
        raise _RootBegunError

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = lambda name, *_: doctypes.append(name)
    parser.StartElementHandler = on_root
    try:
        with suppress(expat.ExpatError):
            parser.Parse(data, True)
    except _RootBegunError:
        return bool(doctypes), True
    return bool(doctypes), False
