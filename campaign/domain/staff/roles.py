"""Roles and permissions of staff, and the scope, which every query for staff requires."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from campaign.domain.errors import InputError


class Role(StrEnum):
    """The roles. Each has the permissions of the ones before it, within its section; see `may`."""

    VIEWER = "viewer"
    EDITOR = "editor"
    COORDINATOR = "coordinator"
    ADMIN = "admin"


class Permission(StrEnum):
    """The permissions that pages and acts require."""

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


def may(role: Role, permission: Permission) -> bool:
    """Return whether the role has the permission."""
    return _ORDER.index(role) >= _ORDER.index(_FROM[permission])


def checked_role(text: str) -> Role:
    """Return the role of that name. Raise InputError."""
    try:
        return Role(text)
    except ValueError as error:
        raise InputError("role", "unknown", f"no such role: {text}; one of {', '.join(Role)}") from error


@dataclass(frozen=True, slots=True)
class Scope:
    """A staff account with its role and section. Every query for staff requires it, and returns only what it may see.

    Personal data is limited to `section`, whatever the role.
    """

    staff_id: int
    role: Role
    section: str

    def may(self, permission: Permission) -> bool:
        """Return whether this person has the permission."""
        return may(self.role, permission)

    def may_edit_for(self, section: str | None) -> bool:
        """Return whether this person edits the appeals of that section, and mails to its supporters.

        None: appeals made on the server, and mails to the supporters of all sections.
        """
        return self.may(Permission.COORDINATE) or (self.may(Permission.EDIT) and section == self.section)
