"""Password resets by a mailed link: requests are stored unchecked, and a worker answers them.

The response therefore takes the same time, whether the address has an account or not.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, select

from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.token import Purpose
from campaign.mail.messages.staff_texts import choose_password
from campaign.models import ResetRequest, Staff
from campaign.platform import db
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.services.outbox.notice import Notice
from campaign.services.staff.login import LinkRequestResult, LoginAttempt, count_request

_BATCH = 100


def request_reset(attempt: LoginAttempt, *, context: Context) -> LinkRequestResult:
    """Count and store the request, whether the address has an account or not; return the result to show."""
    answer = count_request(attempt, context=context)
    if answer is LinkRequestResult.MAILED:
        with transaction() as session:
            session.add(ResetRequest(account_digest=_digest(attempt.account, context.vault), created_at=context.now))
    return answer


def answer_reset_requests(*, context: Context) -> bool:
    """Enqueue the link for the next hundred requests whose address has an account; return whether more may wait."""
    is_waiting = db.session.scalar(select(ResetRequest.id).limit(1)) is not None
    db.session.rollback()
    if not is_waiting:
        return False
    with transaction() as session:
        chosen = select(ResetRequest).order_by(ResetRequest.id).limit(_BATCH).with_for_update(skip_locked=True)
        rows = session.scalars(chosen).all()
        digests = {row.account_digest for row in rows}
        joined = session.scalars(select(Staff).where(Staff.active, Staff.password.is_not(None)))
        accounts = {digest: staff for staff in joined if (digest := _digest(staff.email, context.vault)) in digests}
        for row in rows:
            if (staff := accounts.get(row.account_digest)) is not None:
                notice, connection = _notice(staff, row.created_at, context), session.connection()
                notice.write(connection, context=replace(context, now=row.created_at))
        session.execute(delete(ResetRequest).where(ResetRequest.id.in_([row.id for row in rows])))
        return len(rows) == _BATCH


def _notice(staff: Staff, asked_at: datetime, context: Context) -> Notice:
    token = context.keys.tokens.make(Purpose.RESET, staff.id, asked_at, staff.link_key, staff.stamp)
    text = choose_password(staff.locale, context.settings.theme.name)
    url = f"{context.settings.base_url}/staff/reset/{token}"
    to = parse_address(staff.email)
    return Notice(MailKind.STAFF_SECURITY, to, text.subject, text.text, url, staff.locale)


def _digest(account: str, vault: Vault) -> bytes:
    return vault.login_digest(f"reset {account.strip().lower()}")
