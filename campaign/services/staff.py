"""Staff accounts: inviting, joining, changing role or section, ending. Each act is in the audit log."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel.dates import format_timedelta
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from campaign.config import Settings
from campaign.domain.address import parse_address
from campaign.domain.cipher import Vault
from campaign.domain.errors import NotFoundError, StateError
from campaign.domain.outbox import MailKind
from campaign.domain.staff import INVITATION_LIFETIME, Role
from campaign.domain.token import Purpose, Tokens
from campaign.extensions.locks import KEYS_STAY
from campaign.mail.roles import role_name
from campaign.mail.sections import section_title
from campaign.models import Section, Staff, StaffSession
from campaign.services.audit import Act, append
from campaign.services.desk import refuse_overwriting
from campaign.services.outbox import owe_staff
from campaign.services.transaction import transaction


@dataclass(frozen=True, slots=True)
class Office:
    """What the services for staff need of the application."""

    settings: Settings
    vault: Vault
    tokens: Tokens
    mail_domain: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whom to invite as what. `by` is the staff id of who invites; None: a command on the server."""

    email: str
    section: str
    role: Role
    locale: str
    by: int | None


def invite(invitation: Invitation, *, now: datetime, office: Office) -> str:
    """Makes the account, or renews an invitation that was not accepted; mails and returns the link.

    Only the newest link works, once, for a week. Raises InputError (no address), NotFoundError (no such section),
    StateError (the account is in use).
    """
    to = parse_address(invitation.email)
    email = str(to).lower()
    with transaction() as session:
        section = session.get(Section, invitation.section)
        if section is None:
            raise NotFoundError(f"no such section: {invitation.section}")
        staff = session.scalars(select(Staff).where(Staff.email == email).with_for_update(**KEYS_STAY)).one_or_none()
        if staff is not None and staff.password is not None:
            raise StateError("this address has an account already")
        values = {"role": invitation.role.value, "section_code": section.code, "locale": invitation.locale}
        if staff is None:
            staff = Staff(
                email=email, created_at=now, fs_uniquifier=secrets.token_hex(32), wants_digest=False, **values
            )
            session.add(staff)
        staff.role, staff.section_code, staff.locale = values["role"], values["section_code"], values["locale"]
        staff.active, staff.invited_at = True, now
        session.flush()
        token = office.tokens.make(Purpose.INVITATION, staff.id, now, b"")
        url = f"{office.settings.base_url}/staff/invitation/{token}"
        context = {
            "url": url,
            "section": section_title(section.code, section.name, invitation.locale),
            "role": role_name(invitation.role, invitation.locale),
            "valid": format_timedelta(INVITATION_LIFETIME, granularity="day", threshold=99, locale=invitation.locale),
        }
        owe_staff(
            session.connection(),
            MailKind.STAFF_INVITATION,
            to,
            context,
            locale=invitation.locale,
            now=now,
            vault=office.vault,
            domain=office.mail_domain,
        )
        act = Act("staff.invite", subject_of(staff), invitation.by, staff.section_code, after=_seen(staff))
        append(session, act, now=now, vault=office.vault)
    return url


def accept(staff_id: int, password_hash: str, *, now: datetime, vault: Vault) -> None:
    """Sets the first password. Raises NotFoundError, StateError where the invitation is used up."""
    with transaction() as session:
        staff = _locked(session, staff_id)
        if staff.password is not None or not staff.active:
            raise StateError("the invitation has been used")
        staff.password, staff.joined_at = password_hash, now
        end_sessions(session, staff)
        append(session, Act("staff.join", subject_of(staff), staff.id, staff.section_code), now=now, vault=vault)


def change(
    staff_id: int,
    *,
    role: Role,
    section: str,
    active: bool,
    by: int | None,
    now: datetime,
    vault: Vault,
    seen: dict[str, Any] | None = None,
) -> bool:
    """Gives another role or section, or ends the account; every log-in of that person ends at once.

    `seen` is what there was when the writer began: what somebody else has changed since is not overwritten. False where
    nothing was to change. Raises NotFoundError, ConflictError, and StateError (nobody would be left to administer;
    oneself).
    """
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
        if by == staff.id:
            raise StateError("nobody changes their own role")
        session.flush()
        _keep_an_admin(session, before)
        end_sessions(session, staff)
        append(session, Act("staff.change", subject_of(staff), by, section, before, after), now=now, vault=vault)
    return True


def set_preferences(staff_id: int, *, locale: str, wants_digest: bool) -> None:
    """The language of pages and mails, and whether a mail comes each week. Raises NotFoundError."""
    with transaction() as session:
        staff = _locked(session, staff_id)
        staff.locale, staff.wants_digest = locale, wants_digest


def end_digest(staff_id: int) -> None:
    """No more weekly mail; repeating it changes nothing. Raises NotFoundError."""
    with transaction() as session:
        _locked(session, staff_id).wants_digest = False


def reset_second_factor(staff_id: int, *, by: int | None, now: datetime, vault: Vault) -> None:
    """For who lost phone and recovery codes: the second factor is set up anew at the next log-in.

    Raises NotFoundError.
    """
    with transaction() as session:
        staff = _locked(session, staff_id)
        staff.tf_primary_method = staff.tf_totp_secret = staff.tf_last_counter = staff.mf_recovery_codes = None
        staff.webauthn.clear()
        end_sessions(session, staff)
        append(
            session, Act("staff.reset-second-factor", subject_of(staff), by, staff.section_code), now=now, vault=vault
        )


def end_sessions(session: Session, staff: Staff) -> None:
    """Every cookie of that person is worthless from now on."""
    staff.fs_uniquifier = secrets.token_hex(32)
    session.execute(delete(StaffSession).where(StaffSession.staff_id == staff.id))


def subject_of(staff: Staff) -> str:
    """How the audit log names somebody: the address is personal data, the number is not."""
    return f"staff:{staff.id}"


def _locked(session: Session, staff_id: int) -> Staff:
    staff = session.get(Staff, staff_id, with_for_update=KEYS_STAY, populate_existing=True)
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
