"""The record of processing (GDPR art. 30): the kinds of personal data stored, their purposes, periods and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select

from campaign.domain.counting.channel import Channel
from campaign.domain.outbox.mail_state import SuppressionReason
from campaign.domain.privacy import retention
from campaign.domain.signing.signature import SignatureState
from campaign.models import (
    Action,
    Appeal,
    AuditEntry,
    BulkEntry,
    Consent,
    DisclosureDay,
    ErasureJournalEntry,
    Handover,
    Invalidation,
    LinkRequest,
    LoginFailure,
    Mail,
    MailboxLimit,
    MailDomain,
    ResetRequest,
    SheetRow,
    Signature,
    SignUp,
    Staff,
    StaffSession,
    Suppression,
    Tombstone,
)
from campaign.platform import db


@dataclass(frozen=True, slots=True)
class DataCategory:
    """One kind of personal data with its purpose (`why`), legal basis and period, and the numbers of rows."""

    what: str
    why: str
    basis: str
    until: str
    rows: int
    oldest_at: datetime | None
    overdue: int


_CONSENT = "explicit consent (art. 6(1)(a), 9(2)(a))"
_SAFETY = "legitimate interest (art. 6(1)(f)): nobody is counted twice, mailed in vain or flooded"
_WORK = "legitimate interest (art. 6(1)(f)): only staff get in, and answer for what they do"
# Workers delete each hour. Rows overdue by more than a day show that the deletion does not work.
_GRACE = timedelta(days=1)


def data_categories(*, now: datetime, days: int) -> list[DataCategory]:
    """Return every kind of personal data in the database; `days` is TOCSIN_RETENTION_DAYS."""
    is_stored = Signature.address_digest.is_not(None)
    state, signed, ended = Signature.state, Signature.signed_at, Signature.ended_at
    ended_appeals = select(Appeal.id).where(Appeal.ended_at <= now - timedelta(days=days))
    long_ended_appeals = select(Appeal.id).where(
        Appeal.ended_at <= now - max(timedelta(days=days), retention.UPDATES_AT_MOST)
    )
    is_withdrawn = is_stored, state == SignatureState.WITHDRAWN
    without_updates = (
        is_stored,
        state.in_([SignatureState.CONFIRMED, SignatureState.INVALIDATED]),
        ~Signature.wants_updates,
    )
    with_updates = is_stored, state.in_([SignatureState.CONFIRMED, SignatureState.INVALIDATED]), Signature.wants_updates
    expired_appeals = select(Appeal.id).where(Appeal.ended_at < now - retention.TOMBSTONES - _GRACE)
    refused = Suppression.reason.in_([SuppressionReason.REFUSED, SuppressionReason.BOUNCED])
    has_recipient = or_(
        Mail.signature_id.is_not(None), Mail.sign_up_id.is_not(None), Mail.recipient_sealed.is_not(None)
    )
    return [
        _category("sign-ups not confirmed: name, address, country", "to ask for the confirmation", _CONSENT,
                 _days(retention.UNCONFIRMED, "after signing"), SignUp.signed_at, (),
                 SignUp.signed_at < now - retention.UNCONFIRMED),
        _category("mailboxes that were written to or confirmed: keyed digests, sealed times", "not to write too often",
                 _SAFETY, "two months", MailboxLimit.month, (),
                 MailboxLimit.month < (now - 3 * retention.LIMITS).date()),
        _category("signatures confirmed: name, address, country", "to count each person once and hand the letter over",
                 _CONSENT, f"{days} days after the appeal has ended", signed, without_updates,
                 Signature.appeal_id.in_(ended_appeals)),
        _category("signatures of those who want updates: name, address, country", "to tell how the case goes on",
                 _CONSENT, "a month after the outcome was told, at most "
                 + _days(max(timedelta(days=days), retention.UPDATES_AT_MOST), "after the appeal has ended"),
                 signed, with_updates, Signature.appeal_id.in_(long_ended_appeals)),
        _category("signatures taken back: name, address, country", "to show them to whom they belong", _CONSENT,
                 _days(retention.WITHDRAWN, "after taking back"), ended, is_withdrawn,
                 ended < now - retention.WITHDRAWN),
        _category("consent records: what was agreed to and which text was shown", "to prove the consent (art. 7(1))",
                 "legal obligation (art. 6(1)(c))", "as long as the signature", Consent.given_at,
                 (Consent.signature_id.in_(select(Signature.id).where(is_stored)),), None),
        _category("lists made to be handed over: names of those who agreed", "to be fetched", _CONSENT,
                 _days(retention.HANDOVERS, "after asking"), Handover.created_at, (),
                 Handover.created_at < now - retention.HANDOVERS - timedelta(days=1)),
        _category("networks that signatures came from: keyed digests", "to tell floods", _SAFETY,
                 _days(retention.NETWORKS, "after signing"), signed, (Signature.network_digest.is_not(None),),
                 signed < now - retention.NETWORKS),
        _category("networks of letters reported without a signature: keyed digests", "to tell floods", _SAFETY,
                 _days(retention.NETWORKS, "after reporting"), Action.counted_at, (Action.network_digest.is_not(None),),
                 Action.counted_at < now - retention.NETWORKS),
        _category("mail domains from which somebody confirmed: keyed digests", "to notice a flood from new domains",
                 _SAFETY, _days(retention.DOMAINS, "after the month of the last one"), MailDomain.month, (),
                 MailDomain.month < (now - retention.DOMAINS - _GRACE).date().replace(day=1)),
        _category("mails owed and sent: keyed digests of the domain", "to deliver once, and not too often",
                 _SAFETY, _days(retention.MAILS, "after writing"), Mail.created_at, (has_recipient,),
                 Mail.created_at < now - retention.MAILS - timedelta(days=4)),
        _category("requests for new links: address", "to answer them", _CONSENT,
                 _days(retention.LINK_REQUESTS, "after asking"), LinkRequest.created_at, (),
                 LinkRequest.created_at < now - 2 * retention.LINK_REQUESTS),
        _category("rows of paper sheets that wait to be signed up: name, address, country",
                 "to ask for the confirmation", _CONSENT, "minutes, " + _days(retention.SHEET_ROWS, "at most"),
                 BulkEntry.entered_at, (SheetRow.bulk_entry_id == BulkEntry.id,),
                 BulkEntry.entered_at < now - retention.SHEET_ROWS),
        _category("erased or changed addresses: keyed digests", "to count nobody twice", _SAFETY,
                 _days(retention.TOMBSTONES, "after the appeal has ended"), Tombstone.erased_at, (),
                 Tombstone.appeal_id.in_(expired_appeals)),
        _category("who left, not yet written to the erasure journal: keyed digests",
                 "to let them go again when a backup is restored", _SAFETY, "seconds; in the folder "
                 + _days(retention.TOMBSTONES, "after leaving"), ErasureJournalEntry.happened_at, (),
                 ErasureJournalEntry.happened_at < now - timedelta(hours=1)),
        _category("addresses that get no mail: keyed digests", "to write to nobody who refuses it", _SAFETY,
                 _days(retention.REFUSED, "after the refusal; complaints stay"), Suppression.created_at, (),
                 refused & (Suppression.created_at < now - retention.REFUSED - _GRACE)),
        _category("reports of letters sent, phone calls and the like", "to count them", _CONSENT,
                 "as long as the signature; then the count stays, of nobody", Action.counted_at,
                 (Action.signature_id.in_(select(Signature.id).where(is_stored)), Action.channel != Channel.SIGNATURE),
                 None),
        *_by_staff(now),
    ]  # fmt: skip


def _by_staff(now: datetime) -> list[DataCategory]:
    """Return the kinds of personal data of staff: accounts, log-ins, and the audit log."""
    return [
        _category("what staff chose signatures to take out by: a mail domain, part of an address", "to moderate",
                 _SAFETY, _days(retention.CRITERIA, "after the end, or after asking where nothing came of it"),
                 Invalidation.created_at, (Invalidation.criteria_sealed.is_not(None),),
                 func.coalesce(Invalidation.ended_at, Invalidation.created_at) < now - retention.CRITERIA - _GRACE),
        _category("accounts of staff: address, role, section, keys to log in", "to let them in, and nobody else", _WORK,
                 "as your employment rules say", Staff.created_at, (), None),
        _category("staff who ask for a new password: keyed digest of the address", "to answer them", _WORK,
                 _days(retention.LINK_REQUESTS, "after asking"), ResetRequest.created_at, (),
                 ResetRequest.created_at < now - 2 * retention.LINK_REQUESTS),
        _category("how many names and addresses each person of the staff opened on a day", "to stop copying", _WORK,
                 _days(retention.RUNS, "after the day"), DisclosureDay.day, (),
                 DisclosureDay.day < (now - retention.RUNS - _GRACE).date()),
        _category("log-ins of staff: keyed digest of the cookie", "to know who is there", _WORK,
                 _days(retention.LOGINS, "at most"), StaffSession.created_at, (),
                 StaffSession.created_at < now - retention.LOGINS - _GRACE),
        _category("failed log-ins: keyed digests of account and network", "to slow down who guesses", _WORK,
                 _days(retention.LOGINS, "at most"), LoginFailure.window_at, (),
                 LoginFailure.window_at < now - retention.LOGINS - _GRACE),
        _category("audit log: who of the staff did what, when and why", "to answer for it", _WORK,
                 "as your employment rules say", AuditEntry.at, (AuditEntry.staff_id.is_not(None),), None),
    ]  # fmt: skip


def _category(
    what: str, why: str, basis: str, until: str, moment: Any, conditions: tuple[Any, ...], overdue: Any
) -> DataCategory:
    """Return the category with the rows of these conditions; `overdue` is the condition of the overdue ones."""
    rows, oldest_at = db.session.execute(select(func.count(), func.min(moment)).where(*conditions)).one()
    overdue_rows = 0
    if overdue is not None and rows:
        overdue_rows = db.session.execute(select(func.count(moment)).where(*conditions, overdue)).scalar_one()
    return DataCategory(what, why, basis, until, int(rows), oldest_at, int(overdue_rows))


def _days(span: timedelta, after: str) -> str:
    return f"{span.days} day{'' if span.days == 1 else 's'} {after}"
