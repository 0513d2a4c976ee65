"""Staff accounts, their passkeys and log-ins. Flask-Security requires the names of many attributes."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

from flask_security.core import UserMixin, WebAuthnMixin
from sqlalchemy import BigInteger, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaign.domain.privacy.sealed_place import at_staff
from campaign.domain.signing.token import new_link_key
from campaign.domain.staff.roles import TWO_FACTOR_ROLES, Role, Scope
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of
from campaign.platform.runtime import runtime


class Staff(Model, UserMixin):
    """A staff account with a role and a section. It is deactivated, never deleted: the audit log refers to it."""

    __tablename__ = "staff"
    __table_args__ = (one_of("role", Role), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    # In lower case, so that the same address in capitals cannot have a second account.
    email: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    section_code: Mapped[str] = mapped_column(ForeignKey("section.code"))
    locale: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    # None until the invitation is accepted.
    password: Mapped[str | None]
    # Part of every session. It changes with the password and the role, and when the account is deactivated; each change
    # ends all sessions.
    fs_uniquifier: Mapped[str] = mapped_column(unique=True)
    # Flask-Security's mixins declare the type of the values, not of columns.
    fs_webauthn_user_handle: Mapped[str | None] = mapped_column(unique=True)  # type: ignore[assignment]
    tf_primary_method: Mapped[str | None]
    # The authenticator's secret and the recovery codes as Flask-Security encrypted them, encrypted again and bound to
    # this account. Otherwise an attacker who can write SQL could copy them to another account.
    tf_totp_sealed: Mapped[bytes | None]
    mf_recovery_sealed: Mapped[bytes | None]
    # The time step of the last accepted code, so that no code is accepted twice (RFC 6238, 5.2).
    tf_last_counter: Mapped[int | None]
    # Mailed links and encrypted values are bound to it and not to the id, because after a restore the id may be another
    # person's.
    link_key: Mapped[bytes] = mapped_column(LargeBinary(16), default=new_link_key)
    wants_digest: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    # The time of the newest invitation, which is the only valid one.
    invited_at: Mapped[datetime]
    joined_at: Mapped[datetime | None]
    logged_in_at: Mapped[datetime | None]

    webauthn: Mapped[list[Passkey]] = relationship(  # type: ignore[assignment]
        back_populates="user", cascade="all, delete-orphan", order_by="Passkey.id"
    )

    @property
    def tf_totp_secret(self) -> str | None:
        """Return the authenticator's secret as Flask-Security encrypted it.

        Raises:
            CipherError: The value was copied from another account.
        """
        sealed = self.tf_totp_sealed
        return None if sealed is None else runtime().vault.open_totp(sealed, at_staff(self.link_key))

    @tf_totp_secret.setter
    def tf_totp_secret(self, secret: str | None) -> None:
        self.tf_totp_sealed = None if secret is None else runtime().vault.seal_totp(secret, at_staff(self.link_key))

    @property
    def mf_recovery_codes(self) -> list[str] | None:
        """Return a copy of the recovery codes as Flask-Security encrypted them.

        Raises:
            CipherError: The value was copied from another account.
        """
        sealed = self.mf_recovery_sealed
        return None if sealed is None else runtime().vault.open_recovery(sealed, at_staff(self.link_key))

    @mf_recovery_codes.setter
    def mf_recovery_codes(self, codes: list[str] | None) -> None:
        place = at_staff(self.link_key)
        self.mf_recovery_sealed = None if codes is None else runtime().vault.seal_recovery(codes, place)

    @property
    def roles(self) -> list[Any]:  # type: ignore[override]  # the mixin has an attribute there
        """Return a list with the only role, in the form that Flask-Security requires."""
        return [SimpleNamespace(name=self.role, get_permissions=set)]

    @property
    def stamp(self) -> bytes:
        """Return the stamp to which links that set a password are bound, besides the key. A new password changes it."""
        return self.fs_uniquifier.encode()

    @property
    def scope(self) -> Scope:
        """Return the account's id, role and section, which queries and services use to check permissions."""
        return Scope(self.id, Role(self.role), self.section_code)

    @property
    def needs_second_factor(self) -> bool:
        """Return whether this role requires a second factor."""
        return Role(self.role) in TWO_FACTOR_ROLES

    @property
    def has_second_factor(self) -> bool:
        """Return whether an authenticator or a passkey is set up."""
        return self.tf_primary_method is not None or bool(self.webauthn)

    def check_tf_required(
        self, tf_setup_methods: list[tuple[str, str]], tf_fresh: bool
    ) -> tuple[bool, list[tuple[str, str]]]:
        """Return whether this log-in requires a second factor, and the methods that are set up.

        It does if a factor is set up or the role requires one. Flask-Security calls this method, and prescribes its
        parameters.
        """
        return bool(tf_setup_methods) or self.needs_second_factor, tf_setup_methods

    def check_tf_required_setup(self) -> bool:
        """Return whether a second factor is required; Flask-Security then does not let the account remove it."""
        return self.needs_second_factor


class Passkey(Model, WebAuthnMixin):
    """A WebAuthn credential used as second factor."""

    __tablename__ = "passkey"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1024), unique=True)
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    transports: Mapped[list[str] | None]
    backup_state: Mapped[bool]
    device_type: Mapped[str]
    extensions: Mapped[str | None]
    usage: Mapped[str]
    lastuse_datetime: Mapped[datetime]

    user: Mapped[Staff] = relationship(back_populates="webauthn")


class StaffSession(Model):
    """A log-in. Its cookie is valid only while this row exists."""

    __tablename__ = "staff_session"

    # A digest of the random value in the cookie, so that the table cannot be used to forge a cookie.
    token_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    staff_id: Mapped[int] = mapped_column(BigId, ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]


class ResetRequest(Model):
    """A request for a new password. A worker looks up the account, so that the answer's time reveals nothing."""

    __tablename__ = "reset_request"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    # A digest of the address typed, because input of strangers is not stored.
    account_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime]


class LoginFailure(Model):
    """Number of failed log-ins of one account, device or network in one window of time (services/staff/login.py)."""

    __tablename__ = "login_failure"

    key_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    window_at: Mapped[datetime] = mapped_column(primary_key=True)
    failures: Mapped[int]
