"""The forms of Flask-Security, throttled against guessing."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_security import forms
from flask_security.recovery_codes import MfRecoveryForm
from flask_security.utils import uia_email_mapper

from campaign.platform.runtime import runtime
from campaign.services.staff.login import is_allowed, note_failure
from campaign.web.staff.staff.access import visitor_context
from campaign.web.staff.staff.device_cookie import attempt_for
from campaign.web.staff.staff.security_texts import TOO_MANY


def typed_address(identity: str) -> str | None:
    """Return the address as accounts keep it; None where it is none."""
    found: str | None = uia_email_mapper(identity)
    return found


class _Slowed:
    """A form that refuses attempts after too many failures, and counts failures."""

    def validate(self, **kwargs: Any) -> bool:
        """Return whether the person has proved who they are."""
        at = runtime()
        now, attempt = at.clock(), attempt_for(self.account())
        if not is_allowed(attempt, now=now, vault=at.vault):
            self.form_errors = [gettext(TOO_MANY)]
            return False
        proved: bool = super().validate(**kwargs)  # type: ignore[misc]
        if not proved and self.has_guessed():
            # Counting has a transaction of its own, after the form's.
            note_failure(attempt, context=visitor_context())
        return proved

    def account(self) -> str:
        """Return the address of the account, as typed or as known from the step before."""
        user = getattr(self, "user", None)
        return user.email if user is not None else ""

    def has_guessed(self) -> bool:
        """Return whether the form was filled in, and not left empty."""
        return True


class LoginForm(_Slowed, forms.LoginForm):
    """Address and password."""

    def account(self) -> str:
        """Return the typed address."""
        return self.email.data or ""

    def has_guessed(self) -> bool:
        """Return whether both address and password were typed."""
        return bool(self.email.data and self.password.data)


class VerifyForm(_Slowed, forms.VerifyForm):
    """The password again, before what must be fresh."""


class CodeForm(_Slowed, forms.TwoFactorVerifyCodeForm):
    """The six digits of the authenticator."""


class RecoveryForm(_Slowed, MfRecoveryForm):
    """A recovery code."""
