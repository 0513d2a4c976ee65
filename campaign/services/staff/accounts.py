"""Staff accounts: inviting, joining, changing role or section, ending. Each act is in the audit log."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Any

from babel.dates import format_timedelta
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from campaign.domain.errors import NotFoundError, StateError
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.signing.address import parse_address
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
from campaign.services.outbox.enqueue import owe_staff
from campaign.services.outbox.notice import Notice
from campaign.services.staff.audit import AuditRecord, append
from campaign.services.staff.edit_conflict import refuse_overwriting


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation: whom to invite as what."""

    email: str
    section: str
    role: Role
    locale: str


def invite(invitation: Invitation, *, context: Context) -> str:
    """Makes the account, or renews an invitation that was not accepted; mails and returns the link.

    Only the newest link works, once, for a week. Raises InputError (no address), NotFoundError (no such
    section, or not for this role), StateError (the account is in use).
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
        # The links of earlier invitations end with the stamp.
        staff.active, staff.invited_at, staff.fs_uniquifier = True, now, secrets.token_hex(32)
        session.flush()
        token = context.keys.tokens.make(Purpose.INVITATION, staff.id, now, staff.link_key, staff.stamp)
        url = f"{context.settings.base_url}/staff/invitation/{token}"
        values_of_mail = {
            "url": url,
            "section": section_title(section.code, section.name, invitation.locale),
            "role": role_name(invitation.role, invitation.locale),
            "valid": format_timedelta(INVITATION_LIFETIME, granularity="day", threshold=99, locale=invitation.locale),
        }
        owe_staff(
            session.connection(),
            MailKind.STAFF_INVITATION,
            to,
            values_of_mail,
            locale=invitation.locale,
            context=context,
        )
        act = AuditRecord("staff.invite", subject_of(staff), staff.section_code, after=_seen(staff))
        append(session, act, context=context)
    return url


def accept(link: Link, password_hash: str, *, context: Context) -> None:
    """Set the first password. Raises NotFoundError, StateError where the invitation is used up."""
    with transaction() as session:
        staff = _taken(session, link, password_hash)
        if staff is None or staff.joined_at is not None:
            raise StateError("the invitation has been used")
        staff.joined_at = context.now
        act = AuditRecord("staff.join", subject_of(staff), staff.section_code)
        append(session, act, context=acting_as(staff, context))


def reset_password(link: Link, password_hash: str, *, context: Context) -> None:
    """Set a new password by a mailed link, and owe a mail that says so; every log-in of that person ends.

    Raises NotFoundError, StateError where the link is used up.
    """
    with transaction() as session:
        staff = _taken(session, link, password_hash)
        if staff is None or staff.joined_at is None:
            raise StateError("the link has been used")
        notice = password_notice(staff, context.settings.theme.name)
        notice.write(session.connection(), context=context)
        act = AuditRecord("staff.reset-password", subject_of(staff), staff.section_code)
        append(session, act, context=acting_as(staff, context))


def change(
    staff_id: int,
    *,
    role: Role,
    section: str,
    active: bool,
    context: Context,
    seen: dict[str, Any] | None = None,
) -> bool:
    """Gives another role or section, or ends the account; every log-in of that person ends at once.

    `seen` is what there was when the writer began: what somebody else has changed since is not overwritten. False where
    nothing was to change. Raises NotFoundError, ConflictError, and StateError (nobody would be left to administer;
    oneself).
    """
    context.actor.require(Permission.ADMINISTER)
    with transaction() as session:
        staff = _locked(session, staff_id)
        before = _seen(staff)
        if session.get(Section, section) is None:
            raise NotFoundError(f"no such section: {section}")
        if seen is not None and before != {"role": role.value, "section": section, "active": active}:
            refuse_overwriting(seen, before)
        staff.role, staff.section_code, staff.active = role.value, section, active
        after = _seen(staff)
        if before == after:
            return False
        if context.actor.staff_id == staff.id:
            raise StateError("nobody changes their own role")
        session.flush()
        _keep_an_admin(session, before)
        end_sessions(session, staff)
        act = AuditRecord("staff.change", subject_of(staff), section, before, after)
        append(session, act, context=context)
    return True


def set_preferences(staff_id: int, *, locale: str, wants_digest: bool, context: Context) -> None:
    """The language of pages and mails, and whether a mail comes each week. Raises NotFoundError."""
    if context.actor.staff_id != staff_id:
        context.actor.require(Permission.ADMINISTER)
    with transaction() as session:
        staff = _locked(session, staff_id)
        staff.locale, staff.wants_digest = locale, wants_digest


def end_digest(link: Link, *, context: Context) -> None:
    """No more weekly mail; repeating it changes nothing. Raises NotFoundError."""
    with transaction() as session:
        staff = _locked(session, link.subject)
        if not link.opens(staff.link_key):
            raise NotFoundError("the link is another account's")
        staff.wants_digest = False


def reset_second_factor(staff_id: int, *, context: Context) -> None:
    """For who lost phone and recovery codes: the second factor is set up anew at the next log-in.

    Raises NotFoundError.
    """
    context.actor.require(Permission.ADMINISTER)
    with transaction() as session:
        staff = _locked(session, staff_id)
        staff.tf_primary_method = staff.tf_totp_secret = staff.tf_last_counter = staff.mf_recovery_codes = None
        staff.webauthn.clear()
        end_sessions(session, staff)
        act = AuditRecord("staff.reset-second-factor", subject_of(staff), staff.section_code)
        append(session, act, context=context)


def password_notice(staff: Staff, site: str) -> Notice:
    """Return the mail that says that the password is another one."""
    said = password_changed(staff.locale, site)
    return Notice(MailKind.STAFF_SECURITY, parse_address(staff.email), said.subject, said.text, "", staff.locale)


def acting_as(staff: Staff, context: Context) -> Context:
    """Return the context with that member of staff as its actor, who has proved it by a link or a log-in."""
    return replace(context, actor=staff_actor(staff.scope))


def end_sessions(session: Session, staff: Staff) -> None:
    """Every cookie of that person is worthless from now on."""
    staff.fs_uniquifier = secrets.token_hex(32)
    session.execute(delete(StaffSession).where(StaffSession.staff_id == staff.id))


def subject_of(staff: Staff) -> str:
    """How the audit log names somebody: the address is personal data, the number is not."""
    return f"staff:{staff.id}"


def _taken(session: Session, link: Link, password_hash: str) -> Staff | None:
    """The account with the password set and every log-in ended; None where the link has set one, or is another's.

    One conditional update takes the link: of several who use it at once, the database lets one go on.
    """
    staff = session.get(Staff, link.subject, populate_existing=True)
    if staff is None or not link.opens(staff.link_key) or not link.shows(staff.link_key, staff.stamp):
        return None
    wanted = update(Staff).where(Staff.id == staff.id, Staff.active, Staff.fs_uniquifier == staff.fs_uniquifier)
    taken = wanted.values(password=password_hash, fs_uniquifier=secrets.token_hex(32)).returning(Staff.id)
    if session.execute(taken.execution_options(synchronize_session=False)).first() is None:
        return None
    session.refresh(staff)
    session.execute(delete(StaffSession).where(StaffSession.staff_id == staff.id))
    return staff


def _locked(session: Session, staff_id: int) -> Staff:
    staff = session.get(Staff, staff_id, with_for_update=NO_KEY_UPDATE, populate_existing=True)
    if staff is None:
        raise NotFoundError("no such account")
    return staff


def _keep_an_admin(session: Session, before: dict[str, Any]) -> None:
    if before["role"] != Role.ADMIN or not before["active"]:
        return
    others = select(Staff.id).where(Staff.role == Role.ADMIN.value, Staff.active, Staff.password.is_not(None)).limit(1)
    if session.scalars(others).first() is None:
        raise StateError("somebody must stay who can administer")


def _seen(staff: Staff) -> dict[str, Any]:
    return {"role": staff.role, "section": staff.section_code, "active": staff.active}
