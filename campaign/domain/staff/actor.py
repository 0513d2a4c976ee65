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
    """One actor. `scope` is what a member of staff may see and do, and None for all others."""

    kind: ActorKind
    scope: Scope | None = None

    @property
    def staff_id(self) -> int | None:
        """The account of a member of staff; None for all others."""
        return None if self.scope is None else self.scope.staff_id

    @property
    def section(self) -> str | None:
        """The section of a member of staff; None for all others."""
        return None if self.scope is None else self.scope.section

    @property
    def member(self) -> Scope:
        """The scope of a member of staff. Raises NotFoundError for all others."""
        if self.scope is None:
            raise NotFoundError("only a member of staff has a section")
        return self.scope

    def may(self, permission: Permission) -> bool:
        """Return whether the role of a member of staff allows it; the server may everything, a supporter nothing."""
        return self.kind in _SERVER if self.scope is None else self.scope.may(permission)

    def require(self, permission: Permission) -> None:
        """Raise NotFoundError where the actor may not do it."""
        if not self.may(permission):
            raise NotFoundError("not for this role")

    def may_edit_for(self, section: str | None) -> bool:
        """Return whether the actor edits that section's appeals and mails to its supporters (`Scope.may_edit_for`)."""
        return self.kind in _SERVER if self.scope is None else self.scope.may_edit_for(section)


# A supporter proves a mailbox by a mailed link, and has no account.
SUPPORTER = Actor(ActorKind.SUPPORTER)
# A command on the server: it may do everything.
OPERATOR = Actor(ActorKind.OPERATOR)
# Periodic jobs and workers.
SYSTEM = Actor(ActorKind.SYSTEM)


def staff_actor(scope: Scope) -> Actor:
    """Return the actor for a member of staff."""
    return Actor(ActorKind.STAFF, scope)
