"""The processing of bounces: each is stored with its mail, and an address that does not exist is suppressed.

A sign-up whose mail bounced stays unconfirmed. It never counts, and the person may sign again with the right address.
"""

from __future__ import annotations

import mailbox
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from campaign.domain.delivery.bounce import BounceVerdict
from campaign.domain.errors import CipherError
from campaign.domain.outbox.mail_kind import ALIKE
from campaign.domain.outbox.mail_state import SuppressionReason
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import Address, parse_address
from campaign.mail.bounce import BounceReport, ForgedBounceError, UnaddressedBounceError, read_report
from campaign.models import Mail, Signature, SignUp
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.services.outbox.mailed_person import readable_person
from campaign.services.outbox.suppression import suppress

_SUPPRESSING = {
    BounceVerdict.HARD: SuppressionReason.BOUNCED,
    BounceVerdict.COMPLAINT: SuppressionReason.COMPLAINED,
}
_NOTED = {BounceVerdict.HARD, BounceVerdict.COMPLAINT, BounceVerdict.REFUSED, BounceVerdict.SOFT, BounceVerdict.DELAYED}
# Outcomes that a person should look at: these messages stay in the Maildir, flagged.
KEPT = ("forged", "unaddressed", BounceVerdict.UNKNOWN.value)


@dataclass(frozen=True, slots=True)
class BounceReceipt:
    """The report in one message, and whether it made its address be suppressed."""

    report: BounceReport
    is_suppressed: bool


def take(content: bytes, *, recipient: str | None = None, context: Context) -> BounceReceipt:
    """Store a message that came back; repeating it changes nothing. Raises UnaddressedBounceError, ForgedBounceError.

    Nothing is stored where the mail's id belongs to another mail by now (after a restore or a failover), nor after a
    week, when the Message-ID is deleted.
    """
    vault = context.vault
    report = read_report(content, context.return_paths, recipient)
    if report.verdict not in _NOTED:
        return BounceReceipt(report, is_suppressed=False)
    with transaction() as session:
        mail = session.get(Mail, report.mail_id, with_for_update=True)
        if mail is None or not report.path.is_of(mail.message_id):
            return BounceReceipt(report, is_suppressed=False)
        # A verdict about the mailbox stays, even where a report about a delay comes afterwards.
        # For the kinds in ALIKE nothing is stored: it would tell that the mail left.
        if mail.kind not in ALIKE and (mail.bounced_at is None or report.verdict in _SUPPRESSING):
            mail.bounced_at = context.now
            mail.bounce_status = report.status or report.verdict.value
        reason = _SUPPRESSING.get(report.verdict)
        subject = readable_person(mail, vault)
        sign_up = None if subject.sign_up_id is None else session.get(SignUp, subject.sign_up_id)
        if sign_up is not None and reason is not None:
            sign_up.mailed_at = None  # no reminder of a mail that did not arrive
        signature_id = subject.signature_id if sign_up is None else sign_up.signature_id
        signature = None if signature_id is None else session.get(Signature, signature_id)
        address = _address(sign_up, vault) or _address(signature, vault)
        if reason is None or address is None:
            return BounceReceipt(report, is_suppressed=False)
        suppress(session, address, reason, now=context.now, vault=vault)
    return BounceReceipt(report, is_suppressed=True)


def _address(row: SignUp | Signature | None, vault: Vault) -> Address | None:
    """Return the row's address; None where it is erased, or its key is gone, so that no mail can be sent anyway."""
    if row is None or row.email_sealed is None:
        return None
    try:
        return parse_address(vault.open_email(row.email_sealed, place_of(row)))
    except CipherError:
        return None


def take_maildir(folder: Path, *, context: Context) -> Counter[str]:
    """Process the messages in the Maildir; return how many had which outcome.

    Messages that were understood are deleted; those that a person should see stay, flagged. An interruption loses
    nothing: a message is deleted only after its report is stored.
    """
    outcomes: Counter[str] = Counter()
    if not folder.is_dir():
        return outcomes
    box = mailbox.Maildir(folder, create=False)
    for key in list(box.keys()):
        try:
            message = box[key]
            if "F" in message.get_flags():
                continue
            content = box.get_bytes(key)
        except (KeyError, OSError):
            continue  # another worker, or a person, was faster
        outcome = _outcome(content, context)
        outcomes[outcome] += 1
        if outcome not in KEPT:
            box.discard(key)
            continue
        message.set_subdir("cur")
        message.add_flag("F")
        box[key] = message
    return outcomes


def _outcome(content: bytes, context: Context) -> str:
    try:
        return take(content, context=context).report.verdict.value
    except ForgedBounceError:
        return "forged"
    except UnaddressedBounceError:
        return "unaddressed"
