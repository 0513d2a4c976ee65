"""The members of a Word file: each unpacked once, within bounds, whatever the archive says of it."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from io import BytesIO
from xml.parsers import expat

from campaign.document.errors import DocumentError

_UNPACKED = 24 * 1024 * 1024  # bytes
# Of all members that are XML; a case of five pages has less than one million. What parses them counts few steps.
_XML = 8 * 1024 * 1024
_MEMBERS = 2000
_PIECE = 64 * 1024  # bytes


def unpacked(data: bytes, name: str) -> dict[str, bytes]:
    """Return what the members hold, by their names.

    Raises DocumentError where it is no Word document, encrypted, declares entities or unpacks to more than it may, and
    what `zipfile` raises where it is damaged.
    """
    with zipfile.ZipFile(BytesIO(data)) as archive:
        _check(archive, name)
        return _members(archive, name)


def stored(members: dict[str, bytes]) -> BytesIO:
    """Return the members as an archive that packs nothing: whoever reads a member often unpacks nothing again."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out


def _check(archive: zipfile.ZipFile, name: str) -> None:
    """Refuse what is another kind of archive or a decompression bomb, before anything is unpacked."""
    members = archive.infolist()
    names = {member.filename for member in members}
    if "word/document.xml" not in names:
        raise DocumentError("not-supported", f"{name} is an archive but no Word document")
    # A member that stands in the directory often would be unpacked as often.
    if len(names) < len(members):
        raise DocumentError("unreadable", f"{name} holds two members of one name, which no Word document does")
    if len(members) > _MEMBERS or sum(member.file_size for member in members) > _UNPACKED:
        raise _too_much(name, _UNPACKED)
    if any(member.flag_bits & 1 for member in members):
        raise DocumentError("encrypted", f"{name} is encrypted")


def _members(archive: zipfile.ZipFile, name: str) -> dict[str, bytes]:
    """Read each member, whatever its name: a document says itself which of its members are read."""
    found: dict[str, bytes] = {}
    left, left_of_xml = _UNPACKED, _XML
    for member in archive.infolist():
        found[member.filename] = held = _member(archive, member, left)
        left -= len(held) + member.compress_size  # members may overlap, and hold much that unpacks to nothing
        is_declared, is_xml = _root(held)
        if is_declared:
            raise DocumentError("unreadable", f"{name} holds XML declarations that no Word document has")
        left_of_xml -= len(held) if is_xml else 0
        if left < 0 or left_of_xml < 0:
            raise _too_much(name, _UNPACKED if left < 0 else _XML)
    return found


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """Return what the member holds; where that is more, so much and a little more. It may deny its size."""
    pieces: list[bytes] = []
    with archive.open(member) as file:
        while most >= 0 and (piece := file.read(_PIECE)):
            pieces.append(piece)
            most -= len(piece)
    return b"".join(pieces)


def _too_much(name: str, most: int) -> DocumentError:
    return DocumentError("too-large", f"{name} unpacks to more than {most // 2**20} MB")


class _BegunError(Exception):
    """The root element has begun: no declaration can follow."""


def _root(data: bytes) -> tuple[bool, bool]:
    """Return whether there is a document type, and so perhaps entities, and whether a root element begins.

    Asked of the parser, which knows every encoding. What is damaged is said by whoever reads it.
    """
    found: list[str] = []

    def begin(*_: object) -> None:
        raise _BegunError

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = lambda name, *_: found.append(name)
    parser.StartElementHandler = begin
    try:
        with suppress(expat.ExpatError):
            parser.Parse(data, True)
    except _BegunError:
        return bool(found), True
    return bool(found), False
