"""Loading of the national sections from a TOML file: the shipped list, or an operator's own."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import select

from campaign.config import ROOT
from campaign.domain.errors import InputError
from campaign.domain.sections.section import CODE_PATTERN, INTERNATIONAL
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.roles import Permission
from campaign.models import Section
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.services.staff.audit import AuditRecord, append

SHIPPED = ROOT / "campaign" / "data" / "sections.toml"
_FIELDS = {"code", "name", "countries", "languages", "time_zone", "contact", "reply_to", "tile"}
_OPTIONAL = {"tile", "reply_to"}


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The numbers of sections that were added, changed and unchanged."""

    added: int
    changed: int
    unchanged: int


def load_sections(path: Path = SHIPPED, *, context: Context) -> LoadReport:
    """Add and update sections, and add the changes to the audit log.

    Sections that are missing from the file stay, because signatures refer to them. Raises NotFoundError (not for this
    role), InputError (its message names the entry and the fault). If it raises, nothing is changed.
    """
    context.actor.require(Permission.ADMINISTER)
    entries = read_sections(path)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    with transaction() as session:
        existing = {section.code: section for section in session.scalars(select(Section))}
        for position, entry in enumerate(entries):
            values = {**entry, "position": position}
            section = existing.get(entry["code"])
            if section is None:
                session.add(Section(**values))
                after[entry["code"]] = values
                continue
            old_values = {name: getattr(section, name) for name in values}
            changed = [name for name in values if old_values[name] != values[name]]
            for name in changed:
                setattr(section, name, values[name])
            if changed:
                before[section.code] = {name: old_values[name] for name in changed}
                after[section.code] = {name: values[name] for name in changed}
        if after:
            # A section's contact is on public pages.
            record = AuditRecord("sections.load", "sections", before=before, after=after, is_public=True)
            append(session, record, context=context)
    return LoadReport(len(after) - len(before), len(before), len(entries) - len(after))


def read_sections(path: Path) -> list[dict[str, Any]]:
    """Return the checked entries of the file, as values by column. Raises InputError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("file", "unreadable", f"{path}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError("file", "not-toml", f"{path}: is no TOML: {error}") from error
    entries = content.get("section")
    if not isinstance(entries, list) or not entries:
        raise InputError("file", "no-sections", f"{path}: has no [[section]]")
    checked = [_checked(entry, f"{path}: section {number}") for number, entry in enumerate(entries, start=1)]
    codes = [entry["code"] for entry in checked]
    for code in codes:
        if codes.count(code) > 1:
            raise InputError("code", "twice", f"{path}: the section {code} occurs twice")
    if INTERNATIONAL not in codes:
        raise InputError("code", "no-rest", f"{path}: the section {INTERNATIONAL}, which takes the rest, is missing")
    return checked


def _checked(entry: Any, where: str) -> dict[str, Any]:
    """Return the entry's values by column; `where` names it in messages. Raises InputError."""
    if not isinstance(entry, dict):
        raise InputError("section", "no-table", f"{where}: is not a table")
    where = f"{where} ({entry.get('code', 'no code')})"
    for name in sorted(entry.keys() - _FIELDS):
        raise InputError(name, "unknown", f"{where}: there is no field {name}")
    for name in sorted(_FIELDS - _OPTIONAL - entry.keys()):
        raise InputError(name, "missing", f"{where}: {name} is missing")
    for name in ("code", "name", "time_zone", "contact"):
        if not isinstance(entry[name], str) or not entry[name]:
            raise InputError(name, "no-text", f"{where}: {name} must be text")
    for name, form in (("countries", "[A-Z]{2}"), ("languages", "[a-z]{2,3}")):
        values = entry[name]
        if not isinstance(values, list) or not all(isinstance(v, str) and re.fullmatch(form, v) for v in values):
            raise InputError(name, "no-codes", f"{where}: {name} must be a list of codes")
    if not CODE_PATTERN.fullmatch(entry["code"]):
        raise InputError("code", "no-code", f"{where}: the code must be like fr, ca-fr or international")
    if entry["time_zone"] not in available_timezones():
        raise InputError("time_zone", "unknown", f"{where}: there is no time zone {entry['time_zone']}")
    column, row = _tile(entry.get("tile"), where)
    values = {name: entry[name] for name in _FIELDS - _OPTIONAL}
    return {**values, **_reply_to(entry, where), "tile_column": column, "tile_row": row}


def _reply_to(entry: dict[str, Any], where: str) -> dict[str, str]:
    """Return the column for the address of replies, or no column if the entry has none. Raises InputError.

    Without the column, an address that staff have entered stays.
    """
    if "reply_to" not in entry:
        return {}
    try:
        return {"reply_to": str(parse_address(entry["reply_to"]))}
    except (InputError, AttributeError, TypeError) as error:
        raise InputError("reply_to", "not-an-address", f"{where}: reply_to must be an e-mail address") from error


def _tile(tile: Any, where: str) -> tuple[int | None, int | None]:
    """Return the tile's column and row; None for both if the entry has no tile. Raises InputError."""
    if tile is None:
        return None, None
    if isinstance(tile, list) and len(tile) == 2 and all(isinstance(part, int) and part >= 0 for part in tile):
        return tile[0], tile[1]
    raise InputError("tile", "no-tile", f"{where}: tile must be [column, row]")
