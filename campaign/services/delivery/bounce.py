"""The processing of bounces: each is stored with its mail, and an address that does not exist is suppressed.

A sign-up whose mail bounced stays unconfirmed and is never counted. The person may sign again with the right address.
"""

from __future__ import annotations

import mailbox
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from campaign.domain.delivery.bounce import BounceVerdict
from campaign.domain.errors import CipherError
from campaign.domain.outbox.mail_kind import HIDDEN_OUTCOME_KINDS
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

_SUPPRESSION_REASONS = {
    BounceVerdict.HARD: SuppressionReason.BOUNCED,
    BounceVerdict.COMPLAINT: SuppressionReason.COMPLAINED,
}
_STORED_VERDICTS = {
    BounceVerdict.HARD,
    BounceVerdict.COMPLAINT,
    BounceVerdict.REFUSED,
    BounceVerdict.SOFT,
    BounceVerdict.DELAYED,
}
# Outcomes that a person should check: their messages stay in the Maildir, flagged.
FLAGGED_OUTCOMES = ("forged", "unaddressed", BounceVerdict.UNKNOWN.value)


@dataclass(frozen=True, slots=True)
class ProcessedBounce:
    """The report in a message, and whether its address was suppressed because of it."""

    report: BounceReport
    is_suppressed: bool


def process_bounce(content: bytes, *, recipient: str | None = None, context: Context) -> ProcessedBounce:
    """Store the report in a message. A second call changes nothing. Raises UnaddressedBounceError, ForgedBounceError.

    Nothing is stored if another mail has the id today (after a restore or a failover), nor if the mail is older than a
    week, after which its Message-ID is deleted.
    """
    vault = context.vault
    report = read_report(content, context.return_paths, recipient)
    if report.verdict not in _STORED_VERDICTS:
        return ProcessedBounce(report, is_suppressed=False)
    with transaction() as session:
        mail = session.get(Mail, report.mail_id, with_for_update=True)
        if mail is None or not report.path.is_of(mail.message_id):
            return ProcessedBounce(report, is_suppressed=False)
        # A verdict on the mailbox replaces an earlier report; no other report does. For HIDDEN_OUTCOME_KINDS
        # nothing is stored, because it would reveal that the mail was sent.
        if mail.kind not in HIDDEN_OUTCOME_KINDS and (
            mail.bounced_at is None or report.verdict in _SUPPRESSION_REASONS
        ):
            mail.bounced_at = context.now
            mail.bounce_status = report.status or report.verdict.value
        reason = _SUPPRESSION_REASONS.get(report.verdict)
        person = readable_person(mail, vault)
        sign_up = None if person.sign_up_id is None else session.get(SignUp, person.sign_up_id)
        if sign_up is not None and reason is not None:
            sign_up.mailed_at = None  # so that no reminder is sent of a mail that did not arrive
        signature_id = person.signature_id if sign_up is None else sign_up.signature_id
        signature = None if signature_id is None else session.get(Signature, signature_id)
        address = _address(sign_up, vault) or _address(signature, vault)
        if reason is None or address is None:
            return ProcessedBounce(report, is_suppressed=False)
        suppress(session, address, reason, now=context.now, vault=vault)
    return ProcessedBounce(report, is_suppressed=True)


def _address(row: SignUp | Signature | None, vault: Vault) -> Address | None:
    """Return the row's address; None if it is erased or cannot be decrypted, so that no mail is sent to it anyway."""
    if row is None or row.email_sealed is None:
        return None
    try:
        return parse_address(vault.open_email(row.email_sealed, place_of(row)))
    except CipherError:
        return None


def process_maildir(folder: Path, *, context: Context) -> Counter[str]:
    """Process the messages in the Maildir; return their number by outcome.

    A message is deleted once its report is stored, so that an interruption loses nothing. Those that a person should
    check stay, flagged.
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
            continue  # another worker, or a person, has moved it
        outcome = _outcome(content, context)
        outcomes[outcome] += 1
        if outcome not in FLAGGED_OUTCOMES:
            box.discard(key)
            continue
        message.set_subdir("cur")
        message.add_flag("F")
        box[key] = message
    return outcomes


def _outcome(content: bytes, context: Context) -> str:
    """Process the message; return its verdict, `forged` or `unaddressed`."""
    try:
        return process_bounce(content, context=context).report.verdict.value
    except ForgedBounceError:
        return "forged"
    except UnaddressedBounceError:
        return "unaddressed"
