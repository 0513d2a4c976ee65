"""Staff accounts, for staff pages and commands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from campaign.domain.errors import NotFoundError
from campaign.domain.signing.token import Link
from campaign.domain.staff.roles import Permission, Scope
from campaign.models import Staff
from campaign.platform import db


@dataclass(frozen=True, slots=True)
class StaffView:
    """One account."""

    id: int
    email: str
    role: str
    section: str
    locale: str
    active: bool
    invited_at: datetime
    joined_at: datetime | None
    logged_in_at: datetime | None
    has_second_factor: bool


def list_staff(scope: Scope) -> tuple[StaffView, ...]:
    """Return all accounts if the scope is an administrator's, else those of the own section."""
    if scope.may(Permission.ADMINISTER):
        return list_all_staff()
    return _views(db.session.scalars(select(Staff).where(Staff.section_code == scope.section).order_by(Staff.email)))


def list_all_staff() -> tuple[StaffView, ...]:
    """Return all accounts, for commands on the server."""
    return _views(db.session.scalars(select(Staff).order_by(Staff.section_code, Staff.email)))


def find_colleague(scope: Scope, staff_id: int) -> StaffView:
    """Return an account that the scope may see. Raises NotFoundError."""
    account = next((account for account in list_staff(scope) if account.id == staff_id), None)
    if account is None:
        raise NotFoundError("no such account")
    return account


def find_staff_id(email: str) -> int:
    """Return the id of the account with that address. Raises NotFoundError."""
    staff_id = db.session.scalars(select(Staff.id).where(Staff.email == email.strip().lower())).one_or_none()
    if staff_id is None:
        raise NotFoundError("no such account")
    return staff_id


def find_invited(link: Link) -> StaffView | None:
    """Return the account of a valid invitation; None if it was used or replaced, or the account is not active."""
    staff = _account_of(link)
    return _view(staff) if staff is not None and staff.password is None else None


def find_resetting(link: Link) -> StaffView | None:
    """Return the account of a valid link for a new password; None if it was used, or the account is not active."""
    staff = _account_of(link)
    return _view(staff) if staff is not None and staff.password is not None else None


def _account_of(link: Link) -> Staff | None:
    """Return the active account of a link to set a password; None if the password has changed since."""
    staff = db.session.get(Staff, link.row_id)
    is_valid = staff is not None and link.opens(staff.link_key) and link.shows(staff.link_key, staff.stamp)
    return staff if staff is not None and staff.active and is_valid else None


def _views(rows: Iterable[Staff]) -> tuple[StaffView, ...]:
    return tuple(_view(row) for row in rows)


def _view(row: Staff) -> StaffView:
    return StaffView(
        id=row.id,
        email=row.email,
        role=row.role,
        section=row.section_code,
        locale=row.locale,
        active=row.active,
        invited_at=row.invited_at,
        joined_at=row.joined_at,
        logged_in_at=row.logged_in_at,
        has_second_factor=row.has_second_factor,
    )
