"""Undelivered mails, to be tried again or dropped in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select, update

from campaign.domain.errors import InputError
from campaign.domain.outbox.mail_state import MailState
from campaign.domain.staff.roles import Permission
from campaign.models import Mail
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.services.keys.row_key import erase_keys
from campaign.services.staff.audit import AuditRecord, append

_BATCH = 1000
_ERASED_COLUMNS = dict.fromkeys(("recipient_sealed", "context_sealed"))
UNDELIVERED = (MailState.DEAD.value, MailState.UNKNOWN.value)


@dataclass(frozen=True, slots=True)
class FailedMailFilter:
    """A filter of undelivered mails by all of its values that are given. `words` is a part of the server's text."""

    state: str | None = None
    kind: str | None = None
    phase: str | None = None
    code: int | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class FailureReason:
    """The undelivered mails of one kind with exactly this reason, as `failed_mail_groups` (queries) lists them."""

    state: str
    kind: str
    phase: str | None
    code: int | None
    detail: str | None


def retry(chosen: FailedMailFilter | Sequence[FailureReason], *, context: Context) -> int:
    """Make the chosen mails due again, as the same messages; return how many. Raises InputError, NotFoundError.

    Each is checked again before it is sent, so an address that was suppressed since then gets no mail.
    """
    values = {"state": MailState.RETRY.value, "due_at": context.now, "lease_until": None, "ambiguous": 0}
    return _change(chosen, values, "mail.retry", context)


def drop(chosen: FailedMailFilter | Sequence[FailureReason], *, context: Context) -> int:
    """Drop the chosen mails for good, and erase their stored recipients; return how many.

    Raises InputError, NotFoundError.
    """
    values = {"state": MailState.SUPPRESSED.value, "detail": "dropped by an operator", **_ERASED_COLUMNS}
    return _change(chosen, values, "mail.drop", context)


def _change(
    chosen: FailedMailFilter | Sequence[FailureReason], values: dict[str, Any], action: str, context: Context
) -> int:
    """Change the chosen mails and return how many, in batches.

    Each batch is one transaction with its own entry in the audit log, so that no change is without one.
    """
    context.actor.require(Permission.COORDINATE)
    conditions = (
        _filter_condition(chosen)
        if isinstance(chosen, FailedMailFilter)
        else or_(false(), *map(_reason_condition, chosen))
    )
    chosen_values = [asdict(part) for part in ([chosen] if isinstance(chosen, FailedMailFilter) else chosen)]
    changed_count = 0
    while True:
        with transaction() as session:
            undelivered = select(Mail.id, Mail.recipient_sealed).where(Mail.state.in_(UNDELIVERED), conditions)
            rows = session.execute(undelivered.order_by(Mail.id).limit(_BATCH).with_for_update(skip_locked=True)).all()
            ids = [row.id for row in rows]
            if ids:
                if values.keys() >= _ERASED_COLUMNS.keys():
                    erase_keys(session, (row.recipient_sealed for row in rows), context.vault, on=context.now.date())
                session.execute(update(Mail).where(Mail.id.in_(ids)).values(**values, fence=Mail.fence + 1))
                changed_count += len(ids)  # the rows are locked, so all of them were changed
                entry = AuditRecord(action, "mail", after={"number": len(ids), "chosen": chosen_values})
                append(session, entry, context=context)
        if len(ids) < _BATCH:
            return changed_count


def _filter_condition(chosen: FailedMailFilter) -> ColumnElement[bool]:
    """Return the SQL condition for the filter. Raises InputError."""
    if chosen.state is not None and chosen.state not in UNDELIVERED:
        raise InputError("state", "unknown", f"{chosen.state} is none of " + ", ".join(UNDELIVERED))
    conditions: list[ColumnElement[bool]] = [Mail.state.in_((chosen.state,) if chosen.state else UNDELIVERED)]
    for column, value in ((Mail.kind, chosen.kind), (Mail.phase, chosen.phase), (Mail.code, chosen.code)):
        if value is not None:
            conditions.append(column == value)
    if chosen.words is not None:
        conditions.append(Mail.detail.icontains(chosen.words, autoescape=True))
    return and_(*conditions)


def _reason_condition(reason: FailureReason) -> ColumnElement[bool]:
    return and_(*(getattr(Mail, name).is_not_distinct_from(value) for name, value in asdict(reason).items()))
