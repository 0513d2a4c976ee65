"""Staff: accounts, their passkeys and log-ins. Flask-Security reads and writes them by the names it knows."""

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
    """A person with an account, a role and a section. Accounts are ended, not deleted: the audit log names them."""

    __tablename__ = "staff"
    __table_args__ = (one_of("role", Role), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    # In lower case, so that nobody has two accounts by writing the address in capitals.
    email: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    section_code: Mapped[str] = mapped_column(ForeignKey("section.code"))
    locale: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    # None until the invitation is accepted.
    password: Mapped[str | None]
    # Stands in every session; a new one ends them all (password or role changed, account ended).
    fs_uniquifier: Mapped[str] = mapped_column(unique=True)
    # Flask-Security's mixins say what the attributes hold, not that they are columns.
    fs_webauthn_user_handle: Mapped[str | None] = mapped_column(unique=True)  # type: ignore[assignment]
    tf_primary_method: Mapped[str | None]
    # The authenticator's secret and the recovery codes, as Flask-Security has encrypted them with a key of ours: that
    # alone would let them be copied to another account by somebody who can write SQL.
    tf_totp_sealed: Mapped[bytes | None]
    mf_recovery_sealed: Mapped[bytes | None]
    # The time step of the last code taken: a code seen over a shoulder is not taken twice (RFC 6238, 5.2).
    tf_last_counter: Mapped[int | None]
    # Mailed links are bound to it, and what is sealed: after a restore, the id may be another person's.
    link_key: Mapped[bytes] = mapped_column(LargeBinary(16), default=new_link_key)
    wants_digest: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    # The newest invitation is the one that works.
    invited_at: Mapped[datetime]
    joined_at: Mapped[datetime | None]
    logged_in_at: Mapped[datetime | None]

    webauthn: Mapped[list[Passkey]] = relationship(  # type: ignore[assignment]
        back_populates="user", cascade="all, delete-orphan", order_by="Passkey.id"
    )

    @property
    def tf_totp_secret(self) -> str | None:
        """The authenticator's secret as Flask-Security encrypted it. Raises CipherError where it is another's."""
        sealed = self.tf_totp_sealed
        return None if sealed is None else runtime().vault.open_totp(sealed, at_staff(self.link_key))

    @tf_totp_secret.setter
    def tf_totp_secret(self, secret: str | None) -> None:
        self.tf_totp_sealed = None if secret is None else runtime().vault.seal_totp(secret, at_staff(self.link_key))

    @property
    def mf_recovery_codes(self) -> list[str] | None:
        """The recovery codes as Flask-Security encrypted them; a copy. Raises CipherError where they are another's."""
        sealed = self.mf_recovery_sealed
        return None if sealed is None else runtime().vault.open_recovery(sealed, at_staff(self.link_key))

    @mf_recovery_codes.setter
    def mf_recovery_codes(self, codes: list[str] | None) -> None:
        place = at_staff(self.link_key)
        self.mf_recovery_sealed = None if codes is None else runtime().vault.seal_recovery(codes, place)

    @property
    def roles(self) -> list[Any]:  # type: ignore[override]  # the mixin has an attribute there
        """The one role, as Flask-Security asks for them."""
        return [SimpleNamespace(name=self.role, get_permissions=set)]

    @property
    def stamp(self) -> bytes:
        """The stamp that a link to set a password is bound to besides the key: it is new once a password is."""
        return self.fs_uniquifier.encode()

    @property
    def scope(self) -> Scope:
        """Who asks, for queries and services."""
        return Scope(self.id, Role(self.role), self.section_code)

    @property
    def needs_second_factor(self) -> bool:
        """Whether a password alone is not enough for this role."""
        return Role(self.role) in TWO_FACTOR_ROLES

    @property
    def has_second_factor(self) -> bool:
        """Whether an authenticator or a passkey is set up."""
        return self.tf_primary_method is not None or bool(self.webauthn)

    def check_tf_required(
        self, tf_setup_methods: list[tuple[str, str]], tf_fresh: bool
    ) -> tuple[bool, list[tuple[str, str]]]:
        """Whoever has set up a second factor, or must have one, is asked for it at every log-in."""
        return bool(tf_setup_methods) or self.needs_second_factor, tf_setup_methods

    def check_tf_required_setup(self) -> bool:
        """Whether it may be switched off."""
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
    """One log-in: its cookie is good only as long as this row is there."""

    __tablename__ = "staff_session"

    # Of the random value in the cookie: whoever reads the table cannot make one.
    token_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    staff_id: Mapped[int] = mapped_column(BigId, ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]


class ResetRequest(Model):
    """A request for a new password: a worker looks for the account, so that the answer's time does not tell."""

    __tablename__ = "reset_request"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    # Of the address typed: what strangers type is not kept.
    account_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime]


class LoginFailure(Model):
    """Failed attempts by what they are counted for, in windows of time; see services/staff/login.py."""

    __tablename__ = "login_failure"

    key_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    window_at: Mapped[datetime] = mapped_column(primary_key=True)
    failures: Mapped[int]
