"""Lists to hand over, for the staff of their section."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from campaign.domain.errors import NotFoundError
from campaign.domain.handover.handover import HandoverState
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.sealed_place import at_handover
from campaign.domain.staff.roles import Permission, Scope
from campaign.models import Handover, HandoverPart
from campaign.platform import db

# The number of newest lists that staff see.
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class HandoverView:
    """One list. `done` of `steps` are finished while it is made (0 of 0: not begun); `files` are the names of files."""

    id: int
    state: str
    created_at: datetime
    language: str
    reason: str
    steps: int
    done: int
    signatures: int | None
    names: int | None
    sha256: str | None
    files: tuple[str, ...]

    @property
    def is_under_way(self) -> bool:
        """Return whether it is unfinished, so that the page should be reloaded."""
        return self.state in {HandoverState.QUEUED, HandoverState.RUNNING}


def handovers(scope: Scope, appeal_id: int) -> tuple[HandoverView, ...]:
    """Return the last lists of that appeal in the own section, newest first. Raises NotFoundError (wrong role)."""
    if not scope.may(Permission.EDIT):
        raise NotFoundError("not for this role")
    query = select(Handover).where(Handover.appeal_id == appeal_id, Handover.section_code == scope.section)
    return tuple(_view(row) for row in db.session.scalars(query.order_by(Handover.id.desc()).limit(_SHOWN)))


def find_handover(scope: Scope, appeal_id: int, handover_id: int) -> HandoverView:
    """Return one list of the own section. Raises NotFoundError."""
    handover = next((view for view in handovers(scope, appeal_id) if view.id == handover_id), None)
    if handover is None:
        raise NotFoundError("no such list")
    return handover


def file_of(handover_id: int, name: str, vault: Vault) -> Iterator[bytes]:
    """Yield the parts of a file. The caller must have found its list in the own scope with `find_handover`."""
    parts = select(HandoverPart.id).where(HandoverPart.handover_id == handover_id, HandoverPart.name == name)
    for part_id in list(db.session.scalars(parts.order_by(HandoverPart.id))):
        content = select(HandoverPart.content_sealed).where(HandoverPart.id == part_id)
        yield vault.open_file(db.session.scalars(content).one(), at_handover(handover_id, name))


def _view(row: Handover) -> HandoverView:
    files: tuple[str, ...] = ()
    if row.state == HandoverState.DONE:
        names = select(HandoverPart.name).where(HandoverPart.handover_id == row.id).distinct()
        files = tuple(sorted(db.session.scalars(names)))
    return HandoverView(
        row.id,
        row.state,
        row.created_at,
        row.language,
        row.reason,
        row.steps,
        row.done,
        row.signatures,
        row.names,
        row.sha256,
        files,
    )
