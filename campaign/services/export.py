"""Taking signatures out: nothing leaves before it is in the audit log who takes what, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from campaign.domain.cipher import Vault
from campaign.domain.errors import InputError
from campaign.domain.staff import Scope
from campaign.services.audit import Act, append
from campaign.services.transaction import transaction

REASON_LENGTH = 500
_SHORTEST = 5


def note_export(scope: Scope, slug: str, what: dict[str, Any], reason: str, *, now: datetime, vault: Vault) -> None:
    """Writes down that the own section's signatures under that appeal are taken out.

    Raises InputError (`reason`: `missing`, `too-long`).
    """
    reason = " ".join(reason.split())
    if len(reason) < _SHORTEST:
        raise InputError("reason", "missing", "no reason was given")
    if len(reason) > REASON_LENGTH:
        raise InputError("reason", "too-long", f"the reason is longer than {REASON_LENGTH} characters")
    with transaction() as session:
        act = Act("signatures.export", f"appeal:{slug}", scope.staff_id, scope.section, after=what, reason=reason)
        append(session, act, now=now, vault=vault)
