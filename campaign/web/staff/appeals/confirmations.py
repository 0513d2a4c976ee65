"""Values of the forms that confirm targets and doubts, on the appeal's page and on the comparison."""

from __future__ import annotations

from typing import Any

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.appeals.doubt import fingerprint
from campaign.queries.appeals.editor import AppealForEditing
from campaign.web.staff.appeals.document_doubts import DoubtText, doubt_texts


def confirmation_values(edited_appeal: AppealForEditing) -> dict[str, Any]:
    """Return the values for the forms: all doubts of a draft, those about each target, and those about none.

    `target_seen` has the fingerprints of the targets as the page shows them.
    """
    is_draft = edited_appeal.appeal.state == AppealState.DRAFT
    doubts = [doubt for document in edited_appeal.documents.values() for doubt in doubt_texts(document)]
    return {
        "all_doubts": doubts if is_draft else [],
        "target_doubts": {
            position: [doubt for doubt in doubts if is_draft and position in doubt.positions]
            for position in edited_appeal.targets
        },
        "other_doubts": [doubt for doubt in doubts if is_draft and not _has_target(edited_appeal, doubt)],
        "target_seen": {position: fingerprint(values) for position, values in edited_appeal.targets.items()},
    }


def _has_target(edited_appeal: AppealForEditing, doubt: DoubtText) -> bool:
    return any(position in edited_appeal.targets for position in doubt.positions)
