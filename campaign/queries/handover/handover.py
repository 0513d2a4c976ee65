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


@dataclass(frozen=True, slots=True)
class HandoverView:
    """One list. `done` of `steps` is the progress while it is made (0 of 0: not begun); `files` are names."""

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
        """Return whether it is still being made, so that the page should be reloaded."""
        return self.state in {HandoverState.QUEUED, HandoverState.RUNNING}


def handovers(scope: Scope, appeal_id: int) -> tuple[HandoverView, ...]:
    """Return the own section's lists of that appeal, the newest first."""
    if not scope.may(Permission.EDIT):
        raise NotFoundError("not for this role")
    chosen = select(Handover).where(Handover.appeal_id == appeal_id, Handover.section_code == scope.section)
    return tuple(_view(row) for row in db.session.scalars(chosen.order_by(Handover.id.desc()).limit(20)))


def find_handover(scope: Scope, appeal_id: int, handover_id: int) -> HandoverView:
    """Return one list of the own section. Raise NotFoundError."""
    found = next((one for one in handovers(scope, appeal_id) if one.id == handover_id), None)
    if found is None:
        raise NotFoundError("no such list")
    return found


def file_of(handover_id: int, name: str, vault: Vault) -> Iterator[bytes]:
    """Yield a file in pieces. The caller must have found its list in the own scope."""
    chosen = select(HandoverPart.id).where(HandoverPart.handover_id == handover_id, HandoverPart.name == name)
    for part_id in list(db.session.scalars(chosen.order_by(HandoverPart.id))):
        part = select(HandoverPart.content_sealed).where(HandoverPart.id == part_id)
        yield vault.open_file(db.session.scalars(part).one(), at_handover(handover_id, name))


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
