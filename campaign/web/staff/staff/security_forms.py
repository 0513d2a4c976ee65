"""The forms of Flask-Security, with a limit on failed attempts."""

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
    """Return the address as accounts store it; None if the text is not an address."""
    address: str | None = uia_email_mapper(identity)
    return address


class _LimitedForm:
    """A form that counts failed attempts, and refuses further ones after too many."""

    def validate(self, **kwargs: Any) -> bool:
        """Return whether the form is valid and the attempt is allowed."""
        app_runtime = runtime()
        now, attempt = app_runtime.clock(), attempt_for(self.account_email())
        if not is_allowed(attempt, now=now, vault=app_runtime.vault):
            self.form_errors = [gettext(TOO_MANY_ATTEMPTS)]
            return False
        is_valid: bool = super().validate(**kwargs)  # type: ignore[misc]
        if not is_valid and self.is_filled_in():
            # Counting has a transaction of its own, after the form's.
            count_failure(attempt, context=visitor_context())
        return is_valid

    def account_email(self) -> str:
        """Return the address of the account; an empty text if the account is unknown."""
        user = getattr(self, "user", None)
        return user.email if user is not None else ""

    def is_filled_in(self) -> bool:
        """Return whether the form counts as an attempt."""
        return True


class LoginForm(_LimitedForm, forms.LoginForm):
    """Address and password."""

    def account_email(self) -> str:
        """Return the typed address."""
        return self.email.data or ""

    def is_filled_in(self) -> bool:
        """Return whether both address and password were typed."""
        return bool(self.email.data and self.password.data)


class VerifyForm(_LimitedForm, forms.VerifyForm):
    """The password once more, for pages that need a fresh log-in."""


class CodeForm(_LimitedForm, forms.TwoFactorVerifyCodeForm):
    """The six digits of the authenticator."""


class RecoveryForm(_LimitedForm, MfRecoveryForm):
    """A recovery code."""
