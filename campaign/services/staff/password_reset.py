"""Password resets by a mailed link: requests are stored without a look-up, and a worker answers them.

So the response takes the same time whether the address has an account or not.
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
    result = count_request(attempt, context=context)
    if result is LinkRequestResult.MAILED:
        with transaction() as session:
            session.add(ResetRequest(account_digest=_digest(attempt.account, context.vault), created_at=context.now))
    return result


def answer_reset_requests(*, context: Context) -> bool:
    """Answer the next requests: enqueue a link if the address has an account; return whether more may wait."""
    is_waiting = db.session.scalar(select(ResetRequest.id).limit(1)) is not None
    db.session.rollback()
    if not is_waiting:
        return False
    with transaction() as session:
        query = select(ResetRequest).order_by(ResetRequest.id).limit(_BATCH).with_for_update(skip_locked=True)
        rows = session.scalars(query).all()
        digests = {row.account_digest for row in rows}
        usable = session.scalars(select(Staff).where(Staff.active, Staff.password.is_not(None)))
        accounts = {digest: staff for staff in usable if (digest := _digest(staff.email, context.vault)) in digests}
        for row in rows:
            if (staff := accounts.get(row.account_digest)) is not None:
                notice, connection = _reset_notice(staff, row.created_at, context), session.connection()
                notice.write(connection, context=replace(context, now=row.created_at))
        session.execute(delete(ResetRequest).where(ResetRequest.id.in_([row.id for row in rows])))
        return len(rows) == _BATCH


def _reset_notice(staff: Staff, requested_at: datetime, context: Context) -> Notice:
    """Return the mail with the link, which is valid from the time of the request."""
    token = context.keys.tokens.make(Purpose.RESET, staff.id, requested_at, staff.link_key, staff.stamp)
    text = choose_password(staff.locale, context.settings.theme.name)
    url = f"{context.settings.base_url}/staff/reset/{token}"
    to = parse_address(staff.email)
    return Notice(MailKind.STAFF_SECURITY, to, text.subject, text.text, url, staff.locale)


def _digest(account: str, vault: Vault) -> bytes:
    return vault.login_digest(f"reset {account.strip().lower()}")
