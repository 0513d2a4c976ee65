"""Roles and permissions of staff, and the scope of a member of staff, which every query for staff requires."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from campaign.domain.errors import InputError


class Role(StrEnum):
    """The roles in ascending order: each has the permissions of the roles before it, and more."""

    VIEWER = "viewer"
    EDITOR = "editor"
    COORDINATOR = "coordinator"
    ADMIN = "admin"


class Permission(StrEnum):
    """The permissions that pages and acts require."""

    # The counts of all sections, which are public anyway, and the mail and sources of the own section.
    SEE_COUNTS = "see-counts"
    # The own section's texts, bulk entries, moderation and exports.
    EDIT = "edit"
    # The funnels and appeals of all sections, and publishing.
    COORDINATE = "coordinate"
    # Sections, staff, the audit log.
    ADMINISTER = "administer"


_LOWEST_ROLE: dict[Permission, Role] = {
    Permission.SEE_COUNTS: Role.VIEWER,
    Permission.EDIT: Role.EDITOR,
    Permission.COORDINATE: Role.COORDINATOR,
    Permission.ADMINISTER: Role.ADMIN,
}
_ORDER = tuple(Role)
# Roles that see names and addresses, publish or change accounts. A password alone is too easily obtained by phishing.
TWO_FACTOR_ROLES = frozenset(
    role for role in _ORDER if _ORDER.index(role) >= _ORDER.index(_LOWEST_ROLE[Permission.EDIT])
)


def may(role: Role, permission: Permission) -> bool:
    """Return whether the role has the permission."""
    return _ORDER.index(role) >= _ORDER.index(_LOWEST_ROLE[permission])


def checked_role(text: str) -> Role:
    """Return the role of that name. Raises InputError."""
    try:
        return Role(text)
    except ValueError as error:
        raise InputError("role", "unknown", f"no such role: {text}; one of {', '.join(Role)}") from error


@dataclass(frozen=True, slots=True)
class Scope:
    """A staff account with its role and section. Queries for staff return only data that this scope permits.

    Personal data is limited to `section` for every role.
    """

    staff_id: int
    role: Role
    section: str

    def may(self, permission: Permission) -> bool:
        """Return whether this person has the permission."""
        return may(self.role, permission)

    def may_edit_for(self, section: str | None) -> bool:
        """Return whether this person may edit the appeals of that section and its mails to supporters.

        None stands for appeals that were made by a command, and for mails to the supporters of all sections.
        """
        return self.may(Permission.COORDINATE) or (self.may(Permission.EDIT) and section == self.section)
