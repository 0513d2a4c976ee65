"""The forms of Flask-Security, throttled against guessing."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_security import forms
from flask_security.recovery_codes import MfRecoveryForm
from flask_security.utils import uia_email_mapper

from campaign.platform.runtime import runtime
from campaign.services.staff.login import count_failure, is_allowed
from campaign.web.staff.staff.access import visitor_context
from campaign.web.staff.staff.device_cookie import attempt_for
from campaign.web.staff.staff.security_texts import TOO_MANY_ATTEMPTS


def typed_address(identity: str) -> str | None:
    """Return the address as accounts keep it; None where it is none."""
    address: str | None = uia_email_mapper(identity)
    return address


class _ThrottledForm:
    """A form that refuses attempts after too many failures, and counts failures."""

    def validate(self, **kwargs: Any) -> bool:
        """Return whether the person has proved who they are."""
        app_runtime = runtime()
        now, attempt = app_runtime.clock(), attempt_for(self.account())
        if not is_allowed(attempt, now=now, vault=app_runtime.vault):
            self.form_errors = [gettext(TOO_MANY_ATTEMPTS)]
            return False
        proved: bool = super().validate(**kwargs)  # type: ignore[misc]
        if not proved and self.has_guessed():
            # Counting has a transaction of its own, after the form's.
            count_failure(attempt, context=visitor_context())
        return proved

    def account(self) -> str:
        """Return the address of the account, as typed or as known from the step before."""
        user = getattr(self, "user", None)
        return user.email if user is not None else ""

    def has_guessed(self) -> bool:
        """Return whether the form was filled in, and not left empty."""
        return True


class LoginForm(_ThrottledForm, forms.LoginForm):
    """Address and password."""

    def account(self) -> str:
        """Return the typed address."""
        return self.email.data or ""

    def has_guessed(self) -> bool:
        """Return whether both address and password were typed."""
        return bool(self.email.data and self.password.data)


class VerifyForm(_ThrottledForm, forms.VerifyForm):
    """The password again, before what must be fresh."""


class CodeForm(_ThrottledForm, forms.TwoFactorVerifyCodeForm):
    """The six digits of the authenticator."""


class RecoveryForm(_ThrottledForm, MfRecoveryForm):
    """A recovery code."""
