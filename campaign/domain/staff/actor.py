"""The actor of a change: a member of staff, a supporter, a command on the server, or the system itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from campaign.domain.errors import NotFoundError
from campaign.domain.staff.roles import Permission, Scope


class ActorKind(StrEnum):
    """The kinds of actors, as the audit log names them."""

    STAFF = "staff"
    SUPPORTER = "supporter"
    OPERATOR = "operator"
    SYSTEM = "system"


_SERVER = frozenset({ActorKind.OPERATOR, ActorKind.SYSTEM})


@dataclass(frozen=True, slots=True)
class Actor:
    """One actor. `scope` limits a member of staff to a role and a section; it is None for all others."""

    kind: ActorKind
    scope: Scope | None = None

    @property
    def staff_id(self) -> int | None:
        """Return the account id of a member of staff; None for all others."""
        return None if self.scope is None else self.scope.staff_id

    @property
    def section(self) -> str | None:
        """Return the section of a member of staff; None for all others."""
        return None if self.scope is None else self.scope.section

    @property
    def staff_scope(self) -> Scope:
        """Return the scope of a member of staff. Raises NotFoundError for all others."""
        if self.scope is None:
            raise NotFoundError("only a member of staff has a section")
        return self.scope

    def may(self, permission: Permission) -> bool:
        """Return whether the actor has the permission.

        A member of staff has it by role; commands and the system have all permissions, supporters none.
        """
        return self.kind in _SERVER if self.scope is None else self.scope.may(permission)

    def require(self, permission: Permission) -> None:
        """Raise NotFoundError if the actor does not have the permission."""
        if not self.may(permission):
            raise NotFoundError("not for this role")

    def may_edit_for(self, section: str | None) -> bool:
        """Return whether the actor may edit that section's appeals and its mails to supporters.

        None stands for all sections (see `Scope.may_edit_for`).
        """
        return self.kind in _SERVER if self.scope is None else self.scope.may_edit_for(section)


# A supporter has no account, and is recognised by a mailed link.
SUPPORTER = Actor(ActorKind.SUPPORTER)
# A command on the server, which has all permissions.
OPERATOR = Actor(ActorKind.OPERATOR)
# A periodic job or a worker, which has all permissions.
SYSTEM = Actor(ActorKind.SYSTEM)


def staff_actor(scope: Scope) -> Actor:
    """Return the actor for a member of staff."""
    return Actor(ActorKind.STAFF, scope)
