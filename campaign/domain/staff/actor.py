"""The actor of a change: a member of staff, a supporter, a command on the server, or the system itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from campaign.domain.staff.roles import Scope


class ActorKind(StrEnum):
    """The kinds of actors, as the audit log names them."""

    STAFF = "staff"
    SUPPORTER = "supporter"
    OPERATOR = "operator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """One actor. `scope` is what a member of staff may see and do, and None for all others."""

    kind: ActorKind
    scope: Scope | None = None

    @property
    def staff_id(self) -> int | None:
        """The account of a member of staff; None for all others."""
        return None if self.scope is None else self.scope.staff_id


# A supporter proves a mailbox by a mailed link, and has no account.
SUPPORTER = Actor(ActorKind.SUPPORTER)
# A command on the server: it may do everything.
OPERATOR = Actor(ActorKind.OPERATOR)
# Periodic jobs and workers.
SYSTEM = Actor(ActorKind.SYSTEM)


def staff_actor(scope: Scope) -> Actor:
    """Return the actor for a member of staff."""
    return Actor(ActorKind.STAFF, scope)
