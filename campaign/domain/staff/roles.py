"""Who of the staff may do what, and where: roles, permissions, and the scope that every staff query is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from campaign.domain.errors import InputError


class Role(StrEnum):
    """Each role may do what the ones before it may, within its section; see `may`."""

    VIEWER = "viewer"
    EDITOR = "editor"
    COORDINATOR = "coordinator"
    ADMIN = "admin"


class Permission(StrEnum):
    """What a page or an act asks for."""

    # Counts of all sections are public; how mail and sources do is shown of the own section only.
    SEE_COUNTS = "see-counts"
    # Texts, letters written elsewhere, moderation, export: of the own section.
    EDIT = "edit"
    # Every section's funnel, publishing, appeals.
    COORDINATE = "coordinate"
    # Sections, staff, the audit log.
    ADMINISTER = "administer"


_FROM: dict[Permission, Role] = {
    Permission.SEE_COUNTS: Role.VIEWER,
    Permission.EDIT: Role.EDITOR,
    Permission.COORDINATE: Role.COORDINATOR,
    Permission.ADMINISTER: Role.ADMIN,
}
_ORDER = tuple(Role)
# Roles that see names and addresses, publish or hand out roles: a password alone is phished too easily.
TWO_FACTOR_ROLES = frozenset(role for role in _ORDER if _ORDER.index(role) >= _ORDER.index(_FROM[Permission.EDIT]))

PASSWORD_LENGTH = 12
INVITATION_LIFETIME = timedelta(days=7)
RESET_LIFETIME = timedelta(hours=1)
# Whoever was away from the desk logs in again the next morning.
SESSION_LIFETIME = timedelta(hours=12)
# An export or a change to staff asks for the password again after so long.
FRESHNESS = timedelta(minutes=15)


def may(role: Role, permission: Permission) -> bool:
    """Whether somebody with that role may do it."""
    return _ORDER.index(role) >= _ORDER.index(_FROM[permission])


def checked_role(text: str) -> Role:
    """The role of that name. Raises InputError."""
    try:
        return Role(text)
    except ValueError as error:
        raise InputError("role", "unknown", f"no such role: {text}; one of {', '.join(Role)}") from error


@dataclass(frozen=True, slots=True)
class Scope:
    """Who asks: every query for staff takes it, and gives only what this person may see.

    Personal data is that of `section` alone, whatever the role.
    """

    staff_id: int
    role: Role
    section: str

    def may(self, permission: Permission) -> bool:
        """Whether this person may do it."""
        return may(self.role, permission)

    def may_edit_for(self, section: str | None) -> bool:
        """Return whether this person edits the appeals of that section, and mails to its supporters.

        None: appeals made on the server, and mails to the supporters of all sections.
        """
        return self.may(Permission.COORDINATE) or (self.may(Permission.EDIT) and section == self.section)
