"""What was not delivered: trying it again, or letting it go, in bulk."""

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
_FORGOTTEN = dict.fromkeys(("recipient_sealed", "context_sealed"))
UNDELIVERED = (MailState.DEAD.value, MailState.UNKNOWN.value)


@dataclass(frozen=True, slots=True)
class FailedMailFilter:
    """Which undelivered mails: all that agree with each value given. `words` is a part of what the server said."""

    state: str | None = None
    kind: str | None = None
    phase: str | None = None
    code: int | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class FailureReason:
    """All undelivered mails of one kind that ended for exactly this reason, as `queries.mail.dead_letters` lists it."""

    state: str
    kind: str
    phase: str | None
    code: int | None
    detail: str | None


def retry(chosen: FailedMailFilter | Sequence[FailureReason], *, context: Context) -> int:
    """Makes them due again, as the same messages; returns how many. Raises InputError, NotFoundError.

    Each is checked again before it is sent, so an address suppressed meanwhile gets nothing.
    """
    again = {"state": MailState.RETRY.value, "due_at": context.now, "lease_until": None, "ambiguous": 0}
    return _change(chosen, again, "mail.retry", context)


def drop(chosen: FailedMailFilter | Sequence[FailureReason], *, context: Context) -> int:
    """Gives them up for good, and forgets to whom those to staff were; returns how many. Raises InputError."""
    gone = {"state": MailState.SUPPRESSED.value, "detail": "dropped by an operator", **_FORGOTTEN}
    return _change(chosen, gone, "mail.drop", context)


def _change(
    chosen: FailedMailFilter | Sequence[FailureReason], values: dict[str, Any], act: str, context: Context
) -> int:
    """A batch a transaction, each with its own entry in the audit log: a break leaves no change without one."""
    context.actor.require(Permission.COORDINATE)
    conditions = _of(chosen) if isinstance(chosen, FailedMailFilter) else or_(false(), *map(_exactly, chosen))
    which = [asdict(one) for one in ([chosen] if isinstance(chosen, FailedMailFilter) else chosen)]
    changed = 0
    while True:
        with transaction() as session:
            found = select(Mail.id, Mail.recipient_sealed).where(Mail.state.in_(UNDELIVERED), conditions)
            rows = session.execute(found.order_by(Mail.id).limit(_BATCH).with_for_update(skip_locked=True)).all()
            ids = [row.id for row in rows]
            if ids:
                if values.keys() >= _FORGOTTEN.keys():
                    erase_keys(session, (row.recipient_sealed for row in rows), context.vault, on=context.now.date())
                session.execute(update(Mail).where(Mail.id.in_(ids)).values(**values, fence=Mail.fence + 1))
                changed += len(ids)  # they are locked
                entry = AuditRecord(act, "mail", after={"number": len(ids), "chosen": which})
                append(session, entry, context=context)
        if len(ids) < _BATCH:
            return changed


def _of(chosen: FailedMailFilter) -> ColumnElement[bool]:
    if chosen.state is not None and chosen.state not in UNDELIVERED:
        raise InputError("state", "unknown", f"{chosen.state} is none of " + ", ".join(UNDELIVERED))
    conditions: list[ColumnElement[bool]] = [Mail.state.in_((chosen.state,) if chosen.state else UNDELIVERED)]
    for column, value in ((Mail.kind, chosen.kind), (Mail.phase, chosen.phase), (Mail.code, chosen.code)):
        if value is not None:
            conditions.append(column == value)
    if chosen.words is not None:
        conditions.append(Mail.detail.icontains(chosen.words, autoescape=True))
    return and_(*conditions)


def _exactly(reason: FailureReason) -> ColumnElement[bool]:
    return and_(*(getattr(Mail, name).is_not_distinct_from(value) for name, value in asdict(reason).items()))
