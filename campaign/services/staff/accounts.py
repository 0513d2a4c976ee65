"""Staff accounts: invitation, joining, change of role or section, deactivation. The audit log has each act."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Any

from babel.dates import format_timedelta
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from campaign.domain.errors import NotFoundError, StateError
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.signing.address import Address, parse_address
from campaign.domain.signing.token import Link, Purpose
from campaign.domain.staff.actor import staff_actor
from campaign.domain.staff.lifetimes import INVITATION_LIFETIME
from campaign.domain.staff.roles import Permission, Role
from campaign.mail.messages.role_names import role_name
from campaign.mail.messages.section_names import section_title
from campaign.mail.messages.staff_texts import password_changed
from campaign.models import Section, Staff, StaffSession
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.services.outbox.enqueue import enqueue_to_address
from campaign.services.outbox.notice import Notice
from campaign.services.staff.audit import AuditRecord, append
from campaign.services.staff.edit_conflict import refuse_overwriting


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation of a new member of staff: address, section, role, and language of the mail."""

    email: str
    section: str
    role: Role
    locale: str


def invite(invitation: Invitation, *, context: Context) -> str:
    """Create the account, or renew an invitation that was not accepted; enqueue the mail and return its link.

    Only the newest link is valid, once, for INVITATION_LIFETIME. Raises InputError (no valid address), NotFoundError
    (no such section, or not for this role), StateError (the account is in use).
    """
    context.actor.require(Permission.ADMINISTER)
    now = context.now
    to = parse_address(invitation.email)
    email = str(to).lower()
    with transaction() as session:
        section = session.get(Section, invitation.section)
        if section is None:
            raise NotFoundError(f"no such section: {invitation.section}")
        staff = session.scalars(
            select(Staff).where(Staff.email == email).with_for_update(**NO_KEY_UPDATE)
        ).one_or_none()
        if staff is not None and staff.password is not None:
            raise StateError("this address has an account already")
        values = {"role": invitation.role.value, "section_code": section.code, "locale": invitation.locale}
        if staff is None:
            staff = Staff(
                email=email, created_at=now, fs_uniquifier=secrets.token_hex(32), wants_digest=False, **values
            )
            session.add(staff)
        staff.role, staff.section_code, staff.locale = values["role"], values["section_code"], values["locale"]
        # A new `fs_uniquifier` is a new stamp, which invalidates the links of earlier invitations.
        staff.active, staff.invited_at, staff.fs_uniquifier = True, now, secrets.token_hex(32)
        session.flush()
        url = _enqueue_invitation(session, staff, section, to, context)
        record = AuditRecord("staff.invite", subject_of(staff), staff.section_code, after=_editable_values(staff))
        append(session, record, context=context)
    return url


def _enqueue_invitation(session: Session, staff: Staff, section: Section, to: Address, context: Context) -> str:
    """Enqueue the mail with the link that accepts the invitation; return the link."""
    token = context.keys.tokens.make(Purpose.INVITATION, staff.id, context.now, staff.link_key, staff.stamp)
    url, locale = f"{context.settings.base_url}/staff/invitation/{token}", staff.locale
    values = {
        "url": url,
        "section": section_title(section.code, section.name, locale),
        "role": role_name(Role(staff.role), locale),
        "valid": format_timedelta(INVITATION_LIFETIME, granularity="day", threshold=99, locale=locale),
    }
    enqueue_to_address(session.connection(), MailKind.STAFF_INVITATION, to, values, locale=locale, context=context)
    return url


def accept(link: Link, password_hash: str, *, context: Context) -> None:
    """Set the first password with the link of an invitation.

    Raises StateError (the link was used, replaced, or is of no account).
    """
    with transaction() as session:
        staff = _use_link(session, link, password_hash)
        if staff is None or staff.joined_at is not None:
            raise StateError("the invitation has been used")
        staff.joined_at = context.now
        record = AuditRecord("staff.join", subject_of(staff), staff.section_code)
        append(session, record, context=acting_as(staff, context))


def reset_password(link: Link, password_hash: str, *, context: Context) -> None:
    """Set a new password with a mailed link, enqueue a mail about it, and end all sessions of the account.

    Raises StateError (the link was used, replaced, or is of no account).
    """
    with transaction() as session:
        staff = _use_link(session, link, password_hash)
        if staff is None or staff.joined_at is None:
            raise StateError("the link has been used")
        notice = password_notice(staff, context.settings.theme.name)
        notice.write(session.connection(), context=context)
        record = AuditRecord("staff.reset-password", subject_of(staff), staff.section_code)
        append(session, record, context=acting_as(staff, context))


def change_account(
    staff_id: int,
    *,
    role: Role,
    section: str,
    active: bool,
    context: Context,
    expected: dict[str, Any] | None = None,
) -> bool:
    """Set an account's role and section, activate or deactivate it, and end all its sessions.

    Return False if nothing changes. `expected` are the values with which the form was opened, so that a colleague's
    later change is not overwritten. Raises NotFoundError, ConflictError (the stored values are not `expected`),
    StateError (no administrator would remain, or the account is the actor's own).
    """
    context.actor.require(Permission.ADMINISTER)
    with transaction() as session:
        staff = _find_locked(session, staff_id)
        before = _editable_values(staff)
        if session.get(Section, section) is None:
            raise NotFoundError(f"no such section: {section}")
        if expected is not None and before != {"role": role.value, "section": section, "active": active}:
            refuse_overwriting(expected, before)
        staff.role, staff.section_code, staff.active = role.value, section, active
        after = _editable_values(staff)
        if before == after:
            return False
        if context.actor.staff_id == staff.id:
            raise StateError("an administrator cannot change their own account")
        session.flush()
        _require_admin(session, before)
        end_sessions(session, staff)
        record = AuditRecord("staff.change", subject_of(staff), section, before, after)
        append(session, record, context=context)
    return True


def set_preferences(staff_id: int, *, locale: str, wants_digest: bool, context: Context) -> None:
    """Set the language of an account's pages and mails, and whether it gets the weekly digest.

    Raises NotFoundError (no such account; or another person's, and the actor is no administrator).
    """
    if context.actor.staff_id != staff_id:
        context.actor.require(Permission.ADMINISTER)
    with transaction() as session:
        staff = _find_locked(session, staff_id)
        staff.locale, staff.wants_digest = locale, wants_digest


def end_digest(link: Link, *, context: Context) -> None:
    """Unsubscribe from the weekly digest with its link. Repeating changes nothing. Raises NotFoundError."""
    with transaction() as session:
        staff = _find_locked(session, link.row_id)
        if not link.opens(staff.link_key):
            raise NotFoundError("the link is another account's")
        staff.wants_digest = False


def reset_second_factor(staff_id: int, *, context: Context) -> None:
    """Remove an account's second factors and end its sessions; the next log-in sets up a new factor.

    This is for staff who have lost both phone and recovery codes. Raises NotFoundError.
    """
    context.actor.require(Permission.ADMINISTER)
    with transaction() as session:
        staff = _find_locked(session, staff_id)
        staff.tf_primary_method = staff.tf_totp_secret = staff.tf_last_counter = staff.mf_recovery_codes = None
        staff.webauthn.clear()
        end_sessions(session, staff)
        record = AuditRecord("staff.reset-second-factor", subject_of(staff), staff.section_code)
        append(session, record, context=context)


def password_notice(staff: Staff, site: str) -> Notice:
    """Return the mail which says that the account's password was changed."""
    text = password_changed(staff.locale, site)
    return Notice(MailKind.STAFF_SECURITY, parse_address(staff.email), text.subject, text.text, "", staff.locale)


def acting_as(staff: Staff, context: Context) -> Context:
    """Return the context with that member of staff as actor. The caller has verified the person's link or log-in."""
    return replace(context, actor=staff_actor(staff.scope))


def end_sessions(session: Session, staff: Staff) -> None:
    """End all sessions of the account, so that its cookies become invalid."""
    staff.fs_uniquifier = secrets.token_hex(32)
    session.execute(delete(StaffSession).where(StaffSession.staff_id == staff.id))


def subject_of(staff: Staff) -> str:
    """Return the account's name in the audit log: its number, because the address is personal data."""
    return f"staff:{staff.id}"


def _use_link(session: Session, link: Link, password_hash: str) -> Staff | None:
    """Set the account's password with its link and end its sessions; return the account.

    Return None if the link was used or replaced, or belongs to no active account. The conditional update makes the link
    single-use: of several requests with it at once, the database lets only one succeed.
    """
    staff = session.get(Staff, link.row_id, populate_existing=True)
    if staff is None or not link.opens(staff.link_key) or not link.shows(staff.link_key, staff.stamp):
        return None
    unused = update(Staff).where(Staff.id == staff.id, Staff.active, Staff.fs_uniquifier == staff.fs_uniquifier)
    used = unused.values(password=password_hash, fs_uniquifier=secrets.token_hex(32)).returning(Staff.id)
    if session.execute(used.execution_options(synchronize_session=False)).first() is None:
        return None
    session.refresh(staff)
    session.execute(delete(StaffSession).where(StaffSession.staff_id == staff.id))
    return staff


def _find_locked(session: Session, staff_id: int) -> Staff:
    """Return the account, locked until the transaction ends. Raises NotFoundError."""
    staff = session.get(Staff, staff_id, with_for_update=NO_KEY_UPDATE, populate_existing=True)
    if staff is None:
        raise NotFoundError("no such account")
    return staff


def _require_admin(session: Session, before: dict[str, Any]) -> None:
    """Raise StateError if the changed account was the last administrator; `before` are its values before the change."""
    if before["role"] != Role.ADMIN or not before["active"]:
        return
    others = select(Staff.id).where(Staff.role == Role.ADMIN.value, Staff.active, Staff.password.is_not(None)).limit(1)
    if session.scalars(others).first() is None:
        raise StateError("the last administrator cannot be changed")


def _editable_values(staff: Staff) -> dict[str, Any]:
    return {"role": staff.role, "section": staff.section_code, "active": staff.active}
