"""The purge of personal data after its retention period, which leaves every count unchanged.

Each batch is a transaction of its own, and the rows themselves tell what remains to be done: a worker may be stopped
after any batch, and the next run continues. `go_on` is called before each batch; where it returns false, the run ends.
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
GoOn = Callable[[], bool]
_ENDED_MAIL = [MailState.SENT, MailState.UNKNOWN, MailState.DEAD, MailState.SUPPRESSED]
_NOT_BEGUN = [InvalidationState.COUNTING, InvalidationState.READY]
_IS_COUNTED = exists().where(Action.signature_id == Signature.id, Action.channel == Channel.SIGNATURE)


def purge_expired(*, go_on: GoOn, batch: int = BATCH, context: Context) -> Counter[str]:
    """Delete or anonymise all data whose retention period is over; return how many rows of each kind."""
    now = context.now
    done: Counter[str] = Counter()
    withdrawn = Signature.state == SignatureState.WITHDRAWN, Signature.ended_at < now - retention.WITHDRAWN
    done["unconfirmed"] = _delete_sign_ups(now - retention.UNCONFIRMED, go_on, batch)
    eraser = _KeyEraser(now.date(), context.vault)
    done["withdrawn"] = _delete_signatures(withdrawn, Signature.ended_at, go_on, batch, eraser)
    for appeal_id, with_updates in _ended_appeals(now, timedelta(days=context.settings.retention_days)):
        done["anonymised"] += _anonymise(appeal_id, with_updates, go_on, batch, eraser)
    done["networks"] = _forget_networks(now - retention.NETWORKS, go_on, batch)
    done["networks"] += _forget_report_networks(now - retention.NETWORKS, go_on, batch)
    done["mails"] = _prune_mails(now - retention.MAILS, go_on, batch, eraser)
    done["message ids"] = _forget_message_ids(now - retention.BOUNCES, go_on, batch)
    done["answers"] = forget_answers(since=now - retention.BOUNCES, go_on=go_on, batch=batch, context=context)
    done["times"] = _truncate_times(now - retention.MINUTES, go_on, batch)
    if go_on():
        done["keys"] = _forget_keys(now, eraser)
        done["records"] = _prune_sealed(now, eraser) + _prune_records(now)
    return done


@dataclass(frozen=True, slots=True)
class _KeyEraser:
    """The erasure of the keys of rows that are deleted or emptied."""

    on: date
    vault: Vault

    def erase(self, session: Session, sealed: Iterable[bytes | None]) -> None:
        """Erase the keys of the rows that these values were in."""
        erase_keys(session, sealed, self.vault, on=self.on)

    def forget_forms(self, session: Session, signature_ids: list[int]) -> None:
        """Delete the confirmed forms of these signatures, with their keys, where they still exist."""
        old = delete(SignUp).where(SignUp.signature_id.in_(signature_ids)).returning(SignUp.origin_sealed)
        erase_keys(session, session.scalars(old, execution_options=_NO_SYNC).all(), self.vault, on=self.on)


def _delete_sign_ups(before: datetime, go_on: GoOn, batch: int) -> int:
    """Delete the forms sent before that time, confirmed or not, with their mails; return how many."""
    number = 0
    while go_on():
        with transaction() as session:
            old = select(SignUp.id).where(SignUp.signed_at < before).order_by(SignUp.signed_at).limit(batch)
            ids = session.scalars(old.with_for_update(**NO_KEY_UPDATE)).all()
            if ids:
                session.execute(delete(SignUp).where(SignUp.id.in_(ids)), execution_options=_NO_SYNC)
        number += len(ids)
        if len(ids) < batch:
            break
    return number


def _delete_signatures(conditions: tuple[Any, ...], order: Any, go_on: GoOn, batch: int, eraser: _KeyEraser) -> int:
    """Delete signatures with their consents and mails; return how many.

    Actions that were reported with them stay counted, without a signature.
    """
    number = 0
    while go_on():
        with transaction() as session:
            chosen = select(Signature.id, Signature.email_sealed).where(*conditions).order_by(order).limit(batch)
            rows = session.execute(chosen.with_for_update(**NO_KEY_UPDATE)).all()
            ids = [row.id for row in rows]
            eraser.erase(session, (row.email_sealed for row in rows))
            if ids:
                truncate_times(session, ids)
                session.execute(delete(Signature).where(Signature.id.in_(ids)), execution_options=_NO_SYNC)
        number += len(ids)
        if len(ids) < batch:
            break
    return number


def _ended_appeals(now: datetime, period: timedelta) -> list[tuple[int, bool]]:
    """Return the ids of appeals that ended so long ago, with whether signers who want updates are to be purged too."""
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
        (appeal_id, retention.closing(ended_at, period, told_at).updates_at <= now)
        for appeal_id, ended_at, told_at in rows
        if ended_at is not None
    ]


def _anonymise(appeal_id: int, with_updates: bool, go_on: GoOn, batch: int, eraser: _KeyEraser) -> int:
    """Empty name, address and every digest of the appeal's signatures; return how many. Actions and counts stay.

    Signers who want updates are left out unless `with_updates` is true.
    """
    number, last = 0, b""
    while go_on():
        with transaction() as session:
            chosen = (
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
                chosen = chosen.where(~and_(Signature.wants_updates, Signature.state == SignatureState.CONFIRMED))
            rows = session.execute(chosen).all()
            eraser.erase(session, (row.email_sealed for row in rows))
            if rows:
                eraser.forget_forms(session, [row.id for row in rows])
            _empty(session, rows)
        number += len(rows)
        if len(rows) < batch:
            break
        last = rows[-1].address_digest
    return number


def _empty(session: Session, rows: Any) -> None:
    """Empty the counted or invalidated signatures; delete the others, which have no further use."""
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


def _forget_networks(before: datetime, go_on: GoOn, batch: int) -> int:
    number = 0
    while go_on():
        with transaction() as session:
            old = (
                select(Signature.id)
                .where(text("signature.domain_digest IS NOT NULL"), Signature.signed_at < before)
                .order_by(Signature.signed_at)
                .limit(batch)
                .with_for_update(**NO_KEY_UPDATE)
            )
            ids = session.scalars(old).all()
            if ids:
                forget = update(Signature).where(Signature.id.in_(ids)).values(network_digest=None, domain_digest=None)
                session.execute(forget, execution_options=_NO_SYNC)
        number += len(ids)
        if len(ids) < batch:
            break
    return number


def _forget_report_networks(before: datetime, go_on: GoOn, batch: int) -> int:
    """Empty the networks of actions reported without a signature, counted or invalidated; return how many."""
    number = 0
    for model in (Action, InvalidatedAction):
        while go_on():
            with transaction() as session:
                old = select(model.id).where(model.network_digest.is_not(None), model.counted_at < before)
                ids = session.scalars(
                    old.order_by(model.counted_at).limit(batch).with_for_update(**NO_KEY_UPDATE)
                ).all()
                if ids:
                    forget = update(model).where(model.id.in_(ids))
                    forget = forget.values(network_digest=None, wide_network_digest=None)
                    session.execute(forget, execution_options=_NO_SYNC)
            number += len(ids)
            if len(ids) < batch:
                break
    return number


def _forget_message_ids(before: datetime, go_on: GoOn, batch: int) -> int:
    """Empty the Message-ID, and the sealed reference to a form, of ended mails too old to bounce; return how many."""
    number = 0
    while go_on():
        with transaction() as session:
            has_ended = Mail.created_at < before, Mail.state.in_(_ENDED_MAIL), text("mail.message_id IS NOT NULL")
            old = (
                select(Mail.id)
                .where(*has_ended)
                .order_by(Mail.created_at)
                .limit(batch)
                .with_for_update(**NO_KEY_UPDATE)
            )
            ids = session.scalars(old).all()
            if ids:
                forget = update(Mail).where(Mail.id.in_(ids)).values(message_id=None, context_sealed=None)
                session.execute(forget, execution_options=_NO_SYNC)
        number += len(ids)
        if len(ids) < batch:
            break
    return number


def _truncate_times(before: datetime, go_on: GoOn, batch: int) -> int:
    """Truncate to the hour the times of forms that have waited for hours; return how many."""
    number = 0
    while go_on():
        with transaction() as session:
            finer_than_hour = SignUp.signed_at < before, SignUp.signed_at != TruncatedToHour(SignUp.signed_at)
            chosen = select(SignUp.id).where(*finer_than_hour).order_by(SignUp.signed_at).limit(batch)
            ids = session.scalars(chosen.with_for_update(**NO_KEY_UPDATE)).all()
            if ids:
                hours = {
                    name: TruncatedToHour(getattr(SignUp, name)) for name in ("signed_at", "mailed_at", "reminded_at")
                }
                session.execute(update(SignUp).where(SignUp.id.in_(ids)).values(**hours), execution_options=_NO_SYNC)
        number += len(ids)
        if len(ids) < batch:
            break
    return number


def _forget_keys(now: datetime, eraser: _KeyEraser) -> int:
    """Delete the keys of months, and erase those of forms that cannot wait any longer; return how many."""
    first_month = month_of(now - retention.NETWORKS - timedelta(days=1))
    with transaction() as session:
        number = session.connection().execute(delete(MonthKey).where(MonthKey.id < first_month)).rowcount
    return number + expire_keys(eraser.vault, on=eraser.on)


def _prune_mails(before: datetime, go_on: GoOn, batch: int, eraser: _KeyEraser) -> int:
    """Delete ended mails, from the oldest on; return how many. Ids grow with time, so the first young mail ends it."""
    number = last = 0
    while go_on():
        with transaction() as session:
            oldest = select(Mail.id, Mail.state, Mail.created_at, Mail.recipient_sealed).where(Mail.id > last)
            rows = session.execute(oldest.order_by(Mail.id).limit(batch).with_for_update(**NO_KEY_UPDATE)).all()
            ended = [row for row in rows if row.created_at < before and row.state in _ENDED_MAIL]
            if ended:
                eraser.erase(session, (row.recipient_sealed for row in ended))
                chosen = Mail.id.in_([row.id for row in ended])
                session.execute(delete(Mail).where(chosen), execution_options=_NO_SYNC)
        number += len(ended)
        if len(rows) < batch or rows[-1].created_at >= before:
            break
        last = rows[-1].id
    return number


def _prune_sealed(now: datetime, eraser: _KeyEraser) -> int:
    """Delete old rows of small tables, with their keys; return how many."""
    number = 0
    with transaction() as session:
        old = select(Handover.id).where(Handover.created_at < now - retention.HANDOVERS).order_by(Handover.id)
        lists = session.scalars(old.with_for_update()).all()
        if lists:
            delete_parts(session, lists, vault=eraser.vault, on=eraser.on)
            session.execute(delete(Handover).where(Handover.id.in_(lists)), execution_options=_NO_SYNC)
        old_requests = delete(LinkRequest).where(LinkRequest.created_at < now - retention.LINK_REQUESTS)
        requests = session.scalars(old_requests.returning(LinkRequest.email_sealed), execution_options=_NO_SYNC).all()
        eraser.erase(session, requests)
        number += len(lists) + len(requests)
    with transaction() as session:
        ended = Invalidation.ended_at < now - retention.CRITERIA, Invalidation.criteria_sealed.is_not(None)
        # Invalidations that were prepared, and neither begun nor dropped.
        abandoned = Invalidation.created_at < now - retention.CRITERIA, Invalidation.state.in_(_NOT_BEGUN)
        dropped = {"state": InvalidationState.DROPPED.value, "ended_at": now}
        return number + sum(_forget_criteria(session, *rows, eraser) for rows in ((ended, {}), (abandoned, dropped)))


def _forget_criteria(session: Session, chosen: tuple[Any, ...], values: dict[str, Any], eraser: _KeyEraser) -> int:
    old = select(Invalidation.id, Invalidation.criteria_sealed).where(*chosen).order_by(Invalidation.id)
    rows = session.execute(old.with_for_update(**NO_KEY_UPDATE)).all()
    if rows:
        eraser.erase(session, (row.criteria_sealed for row in rows))
        forget = update(Invalidation).where(Invalidation.id.in_([row.id for row in rows]))
        session.execute(forget.values(criteria_sealed=None, sample=[], **values), execution_options=_NO_SYNC)
    return len(rows)


def _prune_records(now: datetime) -> int:
    """Delete old operational records from small tables, each in one statement; return how many."""
    ended_long_ago = select(Appeal.id).where(Appeal.ended_at < now - retention.TOMBSTONES)
    refused = Suppression.reason.in_([SuppressionReason.REFUSED, SuppressionReason.BOUNCED])
    number = 0
    with transaction() as session:
        for old in (
            delete(SpentSolution).where(SpentSolution.expires_at < now),
            delete(ResetRequest).where(ResetRequest.created_at < now - retention.LINK_REQUESTS),
            delete(MailboxLimit).where(MailboxLimit.month < (now - retention.LIMITS).date().replace(day=1)),
            # Rows of a day ahead, too: a web process with a wrong clock wrote them.
            delete(LoginFailure).where(~LoginFailure.window_at.between(now - retention.LOGINS, now + retention.LOGINS)),
            delete(StaffSession).where(
                ~StaffSession.created_at.between(now - retention.LOGINS, now + retention.LOGINS)
            ),
            delete(DisclosureDay).where(DisclosureDay.day < (now - retention.RUNS).date()),
            delete(AbuseAlert).where(AbuseAlert.raised_at < now - retention.RUNS),
            delete(MailDomain).where(MailDomain.month < (now - retention.DOMAINS).date().replace(day=1)),
            delete(PeriodicRun).where(PeriodicRun.due_at < now - retention.RUNS),
            delete(DomainRate).where(DomainRate.next_at < now - retention.LINK_REQUESTS),
            delete(Suppression).where(refused, Suppression.created_at < now - retention.REFUSED),
            delete(Tombstone).where(Tombstone.appeal_id.in_(ended_long_ago)),
        ):
            number += session.connection().execute(old).rowcount
    return number


# The session has loaded none of the rows, so it need not be synchronised.
_NO_SYNC = {"synchronize_session": False}
