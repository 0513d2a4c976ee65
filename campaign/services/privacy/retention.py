"""The purge of personal data after its retention period, which changes no count of signatures or actions.

Each batch is its own transaction, and the rows themselves show what remains to be done. A worker may be stopped after
any batch; the next run continues. `may_continue` is called before each batch; where it returns false, the run ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, exists, func, select, text, update
from sqlalchemy.orm import Session

from campaign.domain.announcements.announcement import AnnouncementKind, AnnouncementState
from campaign.domain.counting.channel import Channel
from campaign.domain.moderation.invalidation import InvalidationState
from campaign.domain.outbox.mail_state import MailState, SuppressionReason
from campaign.domain.privacy import retention
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.signature import SignatureState
from campaign.models import (
    AbuseAlert,
    Action,
    Announcement,
    Appeal,
    Consent,
    DisclosureDay,
    DomainRate,
    Handover,
    InvalidatedAction,
    Invalidation,
    LinkRequest,
    LoginFailure,
    Mail,
    MailboxLimit,
    MailDomain,
    MonthKey,
    PeriodicRun,
    ResetRequest,
    Signature,
    SignUp,
    SpentSolution,
    StaffSession,
    Suppression,
    Tombstone,
)
from campaign.platform.context import Context
from campaign.platform.database.clock import TruncatedToHour
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.services.handover.handover import delete_parts
from campaign.services.keys.month_key import month_of
from campaign.services.keys.row_key import erase_keys, expire_keys
from campaign.services.outbox.forget_answers import forget_answers
from campaign.services.signing.signature import ERASED_COLUMNS, ERASED_CONSENT_COLUMNS, truncate_times

BATCH = 500
MayContinue = Callable[[], bool]
_ENDED_MAIL_STATES = [MailState.SENT, MailState.UNKNOWN, MailState.DEAD, MailState.SUPPRESSED]
_UNSTARTED_STATES = [InvalidationState.COUNTING, InvalidationState.READY]
_IS_COUNTED = exists().where(Action.signature_id == Signature.id, Action.channel == Channel.SIGNATURE)


def purge_expired(*, may_continue: MayContinue, batch: int = BATCH, context: Context) -> Counter[str]:
    """Delete or anonymise all data whose retention period has ended; return the number of rows of each kind."""
    now = context.now
    counts: Counter[str] = Counter()
    withdrawn = Signature.state == SignatureState.WITHDRAWN, Signature.ended_at < now - retention.WITHDRAWN
    counts["unconfirmed"] = _delete_sign_ups(now - retention.UNCONFIRMED, may_continue, batch)
    eraser = _KeyEraser(now.date(), context.vault)
    counts["withdrawn"] = _delete_signatures(withdrawn, Signature.ended_at, may_continue, batch, eraser)
    for appeal_id, with_updates in _ended_appeals(now, timedelta(days=context.settings.retention_days)):
        counts["anonymised"] += _anonymise(appeal_id, with_updates, may_continue, batch, eraser)
    counts["networks"] = _clear_networks(now - retention.NETWORKS, may_continue, batch)
    counts["networks"] += _clear_report_networks(now - retention.NETWORKS, may_continue, batch)
    counts["mails"] = _delete_mails(now - retention.MAILS, may_continue, batch, eraser)
    counts["message ids"] = _clear_message_ids(now - retention.MESSAGE_IDS, may_continue, batch)
    counts["answers"] = forget_answers(
        since=now - retention.MESSAGE_IDS, may_continue=may_continue, batch=batch, context=context
    )
    counts["times"] = _truncate_times(now - retention.EXACT_TIMES, may_continue, batch)
    if may_continue():
        counts["keys"] = _delete_keys(now, eraser)
        counts["records"] = _delete_sealed_rows(now, eraser) + _delete_records(now)
    return counts


@dataclass(frozen=True, slots=True)
class _KeyEraser:
    """A helper that erases the keys of deleted or emptied rows."""

    on: date
    vault: Vault

    def erase(self, session: Session, sealed: Iterable[bytes | None]) -> None:
        """Erase the keys of the rows to which these sealed values belong."""
        erase_keys(session, sealed, self.vault, on=self.on)

    def delete_forms(self, session: Session, signature_ids: list[int]) -> None:
        """Delete the confirmed forms of these signatures, with their keys, where they still exist."""
        old_rows = delete(SignUp).where(SignUp.signature_id.in_(signature_ids)).returning(SignUp.origin_sealed)
        erase_keys(session, session.scalars(old_rows, execution_options=_NO_SYNC).all(), self.vault, on=self.on)


def _delete_sign_ups(cutoff: datetime, may_continue: MayContinue, batch: int) -> int:
    """Delete the forms sent before that time, confirmed or not, with their mails; return how many."""
    count = 0
    while may_continue():
        with transaction() as session:
            old_rows = select(SignUp.id).where(SignUp.signed_at < cutoff).order_by(SignUp.signed_at).limit(batch)
            ids = session.scalars(old_rows.with_for_update(**NO_KEY_UPDATE)).all()
            if ids:
                session.execute(delete(SignUp).where(SignUp.id.in_(ids)), execution_options=_NO_SYNC)
        count += len(ids)
        if len(ids) < batch:
            break
    return count


def _delete_signatures(
    conditions: tuple[Any, ...], order: Any, may_continue: MayContinue, batch: int, eraser: _KeyEraser
) -> int:
    """Delete signatures with their consents and mails; return how many.

    Actions that were reported with them stay counted, without a signature.
    """
    count = 0
    while may_continue():
        with transaction() as session:
            statement = select(Signature.id, Signature.email_sealed).where(*conditions).order_by(order).limit(batch)
            rows = session.execute(statement.with_for_update(**NO_KEY_UPDATE)).all()
            ids = [row.id for row in rows]
            eraser.erase(session, (row.email_sealed for row in rows))
            if ids:
                truncate_times(session, ids)
                session.execute(delete(Signature).where(Signature.id.in_(ids)), execution_options=_NO_SYNC)
        count += len(ids)
        if len(ids) < batch:
            break
    return count


def _ended_appeals(now: datetime, period: timedelta) -> list[tuple[int, bool]]:
    """Return the ids of appeals that ended so long ago, and whether to purge signers who want updates too."""
    outcomes = (
        select(Announcement.appeal_id, func.max(Announcement.ended_at).label("told_at"))
        .where(Announcement.kind == AnnouncementKind.OUTCOME, Announcement.state == AnnouncementState.SENT)
        .where(Announcement.section_code.is_(None))
        .group_by(Announcement.appeal_id)
        .subquery()
    )
    with transaction() as session:
        rows = session.execute(
            select(Appeal.id, Appeal.ended_at, outcomes.c.told_at)
            .outerjoin(outcomes, outcomes.c.appeal_id == Appeal.id)
            .where(Appeal.ended_at <= now - period)
            .order_by(Appeal.id)
        ).all()
    return [
        (appeal_id, retention.address_retention(ended_at, period, told_at).updates_at <= now)
        for appeal_id, ended_at, told_at in rows
        if ended_at is not None
    ]


def _anonymise(appeal_id: int, with_updates: bool, may_continue: MayContinue, batch: int, eraser: _KeyEraser) -> int:
    """Empty name, address and every digest of the appeal's signatures; return how many. Actions and counts stay.

    Signers who want updates are left out unless `with_updates` is true.
    """
    count, last = 0, b""
    while may_continue():
        with transaction() as session:
            statement = (
                select(
                    *(Signature.id, Signature.address_digest, Signature.email_sealed, Signature.state),
                    _IS_COUNTED.label("is_counted"),
                )
                .where(Signature.appeal_id == appeal_id, Signature.address_digest > last)
                .order_by(Signature.address_digest)
                .limit(batch)
                .with_for_update(**NO_KEY_UPDATE)
            )
            if not with_updates:
                statement = statement.where(~and_(Signature.wants_updates, Signature.state == SignatureState.CONFIRMED))
            rows = session.execute(statement).all()
            eraser.erase(session, (row.email_sealed for row in rows))
            if rows:
                eraser.delete_forms(session, [row.id for row in rows])
            _empty(session, rows)
        count += len(rows)
        if len(rows) < batch:
            break
        last = rows[-1].address_digest
    return count


def _empty(session: Session, rows: Any) -> None:
    """Empty the counted or invalidated signatures, and delete the others."""
    to_empty = [row.id for row in rows if row.is_counted or row.state == SignatureState.INVALIDATED]
    to_delete = sorted({row.id for row in rows} - set(to_empty))
    if rows:
        truncate_times(session, [*to_empty, *to_delete])
    if to_delete:
        session.execute(delete(Signature).where(Signature.id.in_(to_delete)), execution_options=_NO_SYNC)
    if to_empty:
        session.execute(delete(Mail).where(Mail.signature_id.in_(to_empty)), execution_options=_NO_SYNC)
        emptied = update(Signature).where(Signature.id.in_(to_empty)).values(**ERASED_COLUMNS)
        session.execute(emptied, execution_options=_NO_SYNC)
        consents = update(Consent).where(Consent.signature_id.in_(to_empty)).values(**ERASED_CONSENT_COLUMNS)
        session.execute(consents, execution_options=_NO_SYNC)


def _clear_networks(cutoff: datetime, may_continue: MayContinue, batch: int) -> int:
    """Empty the networks and domains of old signatures; return how many."""
    count = 0
    while may_continue():
        with transaction() as session:
            old_rows = (
                select(Signature.id)
                .where(text("signature.domain_digest IS NOT NULL"), Signature.signed_at < cutoff)
                .order_by(Signature.signed_at)
                .limit(batch)
                .with_for_update(**NO_KEY_UPDATE)
            )
            ids = session.scalars(old_rows).all()
            if ids:
                clearing = (
                    update(Signature).where(Signature.id.in_(ids)).values(network_digest=None, domain_digest=None)
                )
                session.execute(clearing, execution_options=_NO_SYNC)
        count += len(ids)
        if len(ids) < batch:
            break
    return count


def _clear_report_networks(cutoff: datetime, may_continue: MayContinue, batch: int) -> int:
    """Empty the networks of actions reported without a signature, counted or invalidated; return how many."""
    count = 0
    for model in (Action, InvalidatedAction):
        while may_continue():
            with transaction() as session:
                old_rows = select(model.id).where(model.network_digest.is_not(None), model.counted_at < cutoff)
                ids = session.scalars(
                    old_rows.order_by(model.counted_at).limit(batch).with_for_update(**NO_KEY_UPDATE)
                ).all()
                if ids:
                    clearing = update(model).where(model.id.in_(ids))
                    clearing = clearing.values(network_digest=None, wide_network_digest=None)
                    session.execute(clearing, execution_options=_NO_SYNC)
            count += len(ids)
            if len(ids) < batch:
                break
    return count


def _clear_message_ids(cutoff: datetime, may_continue: MayContinue, batch: int) -> int:
    """Empty the Message-ID, and the sealed reference to a form, of ended mails too old to bounce; return how many."""
    count = 0
    while may_continue():
        with transaction() as session:
            has_ended = (
                Mail.created_at < cutoff,
                Mail.state.in_(_ENDED_MAIL_STATES),
                text("mail.message_id IS NOT NULL"),
            )
            old_rows = (
                select(Mail.id)
                .where(*has_ended)
                .order_by(Mail.created_at)
                .limit(batch)
                .with_for_update(**NO_KEY_UPDATE)
            )
            ids = session.scalars(old_rows).all()
            if ids:
                clearing = update(Mail).where(Mail.id.in_(ids)).values(message_id=None, context_sealed=None)
                session.execute(clearing, execution_options=_NO_SYNC)
        count += len(ids)
        if len(ids) < batch:
            break
    return count


def _truncate_times(cutoff: datetime, may_continue: MayContinue, batch: int) -> int:
    """Truncate to the hour the times of forms that have waited for hours; return how many."""
    count = 0
    while may_continue():
        with transaction() as session:
            finer_than_hour = SignUp.signed_at < cutoff, SignUp.signed_at != TruncatedToHour(SignUp.signed_at)
            statement = select(SignUp.id).where(*finer_than_hour).order_by(SignUp.signed_at).limit(batch)
            ids = session.scalars(statement.with_for_update(**NO_KEY_UPDATE)).all()
            if ids:
                hours = {
                    name: TruncatedToHour(getattr(SignUp, name)) for name in ("signed_at", "mailed_at", "reminded_at")
                }
                session.execute(update(SignUp).where(SignUp.id.in_(ids)).values(**hours), execution_options=_NO_SYNC)
        count += len(ids)
        if len(ids) < batch:
            break
    return count


def _delete_keys(now: datetime, eraser: _KeyEraser) -> int:
    """Delete the keys of months, and erase those of forms that cannot wait any longer; return how many."""
    first_month = month_of(now - retention.NETWORKS - timedelta(days=1))
    with transaction() as session:
        count = session.connection().execute(delete(MonthKey).where(MonthKey.id < first_month)).rowcount
    return count + expire_keys(eraser.vault, on=eraser.on)


def _delete_mails(cutoff: datetime, may_continue: MayContinue, batch: int, eraser: _KeyEraser) -> int:
    """Delete ended mails, the oldest first; return how many. Ids grow with time: no old mail follows a recent one."""
    count = last = 0
    while may_continue():
        with transaction() as session:
            oldest = select(Mail.id, Mail.state, Mail.created_at, Mail.recipient_sealed).where(Mail.id > last)
            rows = session.execute(oldest.order_by(Mail.id).limit(batch).with_for_update(**NO_KEY_UPDATE)).all()
            ended = [row for row in rows if row.created_at < cutoff and row.state in _ENDED_MAIL_STATES]
            if ended:
                eraser.erase(session, (row.recipient_sealed for row in ended))
                statement = Mail.id.in_([row.id for row in ended])
                session.execute(delete(Mail).where(statement), execution_options=_NO_SYNC)
        count += len(ended)
        if len(rows) < batch or rows[-1].created_at >= cutoff:
            break
        last = rows[-1].id
    return count


def _delete_sealed_rows(now: datetime, eraser: _KeyEraser) -> int:
    """Delete old rows of small tables, with their keys; return how many."""
    count = 0
    with transaction() as session:
        old_rows = select(Handover.id).where(Handover.created_at < now - retention.HANDOVERS).order_by(Handover.id)
        lists = session.scalars(old_rows.with_for_update()).all()
        if lists:
            delete_parts(session, lists, vault=eraser.vault, on=eraser.on)
            session.execute(delete(Handover).where(Handover.id.in_(lists)), execution_options=_NO_SYNC)
        old_requests = delete(LinkRequest).where(LinkRequest.created_at < now - retention.LINK_REQUESTS)
        requests = session.scalars(old_requests.returning(LinkRequest.email_sealed), execution_options=_NO_SYNC).all()
        eraser.erase(session, requests)
        count += len(lists) + len(requests)
    with transaction() as session:
        ended = Invalidation.ended_at < now - retention.CRITERIA, Invalidation.criteria_sealed.is_not(None)
        # Invalidations that were prepared, but neither begun nor dropped.
        abandoned = Invalidation.created_at < now - retention.CRITERIA, Invalidation.state.in_(_UNSTARTED_STATES)
        dropped = {"state": InvalidationState.DROPPED.value, "ended_at": now}
        return count + sum(_clear_criteria(session, *rows, eraser) for rows in ((ended, {}), (abandoned, dropped)))


def _clear_criteria(session: Session, statement: tuple[Any, ...], values: dict[str, Any], eraser: _KeyEraser) -> int:
    """Empty the criteria and samples of the chosen invalidations; return how many."""
    old_rows = select(Invalidation.id, Invalidation.criteria_sealed).where(*statement).order_by(Invalidation.id)
    rows = session.execute(old_rows.with_for_update(**NO_KEY_UPDATE)).all()
    if rows:
        eraser.erase(session, (row.criteria_sealed for row in rows))
        clearing = update(Invalidation).where(Invalidation.id.in_([row.id for row in rows]))
        session.execute(clearing.values(criteria_sealed=None, sample=[], **values), execution_options=_NO_SYNC)
    return len(rows)


def _delete_records(now: datetime) -> int:
    """Delete old operational records from small tables, each in one statement; return how many."""
    ended_long_ago = select(Appeal.id).where(Appeal.ended_at < now - retention.TOMBSTONES)
    is_refusal = Suppression.reason.in_([SuppressionReason.REFUSED, SuppressionReason.BOUNCED])
    count = 0
    with transaction() as session:
        for statement in (
            delete(SpentSolution).where(SpentSolution.expires_at < now),
            delete(ResetRequest).where(ResetRequest.created_at < now - retention.LINK_REQUESTS),
            delete(MailboxLimit).where(MailboxLimit.month < (now - retention.LIMITS).date().replace(day=1)),
            # Rows dated more than a day ahead too: a web process with a wrong clock wrote them.
            delete(LoginFailure).where(~LoginFailure.window_at.between(now - retention.LOGINS, now + retention.LOGINS)),
            delete(StaffSession).where(
                ~StaffSession.created_at.between(now - retention.LOGINS, now + retention.LOGINS)
            ),
            delete(DisclosureDay).where(DisclosureDay.day < (now - retention.RUNS).date()),
            delete(AbuseAlert).where(AbuseAlert.raised_at < now - retention.RUNS),
            delete(MailDomain).where(MailDomain.month < (now - retention.DOMAINS).date().replace(day=1)),
            delete(PeriodicRun).where(PeriodicRun.due_at < now - retention.RUNS),
            delete(DomainRate).where(DomainRate.next_at < now - retention.LINK_REQUESTS),
            delete(Suppression).where(is_refusal, Suppression.created_at < now - retention.REFUSED),
            delete(Tombstone).where(Tombstone.appeal_id.in_(ended_long_ago)),
        ):
            count += session.connection().execute(statement).rowcount
    return count


# The session has loaded none of the rows, so it need not be synchronised.
_NO_SYNC = {"synchronize_session": False}
