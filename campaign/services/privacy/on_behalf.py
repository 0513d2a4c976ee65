"""Staff actions on behalf of a person who writes a letter: correct a name or address, mail the links again, erase.

Each is first stored in the audit log with its reason, without a name or an address. It concerns signatures of the own
section only. services/privacy/disclosure.py returns the stored data for printing.
"""

from __future__ import annotations

from typing import Any

from campaign.domain.privacy.disclosure import DisclosureKind, read_reason
from campaign.domain.signing.address import Address
from campaign.domain.staff.roles import Permission
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.moderation.moderation import own_marks_of_same_address, own_signatures_of_same_address
from campaign.services.privacy.disclosure import disclose
from campaign.services.signing.change_address import request_change
from campaign.services.signing.correct_signer import correct_name
from campaign.services.signing.erase import erase
from campaign.services.signing.new_link import request_new_links
from campaign.services.staff.audit import AuditRecord, append


def correct_name_for(signature_id: int, name: str, *, reason: str, context: Context) -> None:
    """Correct the name of one signature. Raises NotFoundError, InputError (`reason`)."""
    own_signatures_of_same_address(context.actor.staff_scope, context.vault, signature_id)
    _audit("signature.correct-name", f"signature:{signature_id}", reason=reason, context=context)
    correct_name(signature_id, name, context=context)


def change_address_for(signature_id: int, new: Address, *, reason: str, context: Context) -> None:
    """Mail the new address a link that, once confirmed, changes the address of the own section's signatures.

    The old address gets a notice. This counts as a disclosure of names and addresses: the owner of the new mailbox can
    read the signatures, and an error reveals whether an address is the current one. Raises NotFoundError, InputError
    (`reason`; `email` as `request_change`), BudgetError.
    """
    marks = own_marks_of_same_address(context.actor.staff_scope, context.vault, signature_id)
    disclose(DisclosureKind.READDRESS, f"signature:{signature_id}", shown=len(marks), reason=reason, context=context)
    request_change(signature_id, new, row_marks=b"".join(marks), context=context)


def erase_for(signature_id: int, *, reason: str, context: Context) -> int:
    """Erase the own section's data of the signature's address, also unconfirmed; return the number of signatures.

    Raises NotFoundError, InputError (`reason`).
    """
    signatures = own_signatures_of_same_address(context.actor.staff_scope, context.vault, signature_id)
    _audit(
        "signature.erase", f"signature:{signature_id}", {"signatures": len(signatures)}, reason=reason, context=context
    )
    for signature in signatures:
        erase(signature, section=context.actor.staff_scope.section, context=context)
    return len(signatures)


def send_links_for(address: Address, *, reason: str, context: Context) -> None:
    """Request a mail to the address with the links to its unconfirmed forms and to its data.

    The caller does not learn whether there are any. Raises InputError (`reason`).
    """
    _audit("signature.send-links", f"section:{context.actor.staff_scope.section}", reason=reason, context=context)
    request_new_links(address, context=context)


def _audit(action: str, subject: str, after: dict[str, Any] | None = None, *, reason: str, context: Context) -> None:
    """Store the action in the audit log. Raises InputError (`reason`), NotFoundError."""
    reason, scope = read_reason(reason), context.actor.staff_scope
    context.actor.require(Permission.EDIT)
    with transaction() as session:
        entry = AuditRecord(action, subject, scope.section, after=after, reason=reason)
        append(session, entry, context=context)
