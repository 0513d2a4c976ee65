"""Flask-Security's second factors, each taken once; what takes them is `services/staff/one_time.py`."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import InvalidToken
from flask import session
from flask_login import current_user
from flask_security.recovery_codes import MfRecoveryCodesUtil
from flask_security.totp import Totp
from flask_security.utils import get_message
from flask_security.webauthn import WebAuthnSigninResponseForm
from passlib.exc import TokenError

from campaign.platform import db
from campaign.services.staff.one_time import use_challenge, use_code, use_recovery_code
from campaign.web.staff.staff.access import visitor_context


class OnceTotp(Totp):
    """Codes of an authenticator, each taken once (RFC 6238, 5.2)."""

    def verify_totp(self, token: str, totp_secret: str, user: Any, window: int = 0) -> bool:
        """Return whether the code is right, and use it up; False if it was used before."""
        try:
            match = self._totp.verify(token, totp_secret, window=window, last_counter=user.tf_last_counter)
        except TokenError:
            return False
        is_first = session.get("tf_state") == "validating_profile" and not current_user.is_authenticated
        return use_code(db.session(), user.id, match.counter, is_first=is_first)


class OnceCodes(MfRecoveryCodesUtil):
    """Recovery codes, each taken by being looked at."""

    def check_recovery_code(self, user: Any, code: str) -> bool:
        """Return whether it is one of them, and take it."""
        return use_recovery_code(
            db.session(), user.id, lambda sealed: self._place(sealed, code), context=visitor_context()
        )

    def delete_recovery_code(self, _user: Any, _code: str) -> bool:
        """Return True: `check_recovery_code` took it."""
        return True

    def _place(self, sealed: list[str], code: str) -> int | None:
        for number, sealed_code in enumerate(sealed):
            try:
                # Of what Flask-Security has sealed with our key, which it always has.
                if self.cryptor is not None and self.cryptor.decrypt(sealed_code.encode()).decode() == code:
                    return number
            except InvalidToken:
                continue
        return None


class OncePasskeyForm(WebAuthnSigninResponseForm):
    """A passkey's answer: of the account whose password was typed, and taken once."""

    def validate(self, **kwargs: Any) -> bool:
        """Return whether the answer lets in."""
        proved: bool = super().validate(**kwargs)
        if not proved or self.user is None:
            return False
        # A passkey proves the second factor of its own account only, not of whichever password was typed before.
        is_theirs = self.is_verify or session.get("tf_user_id") == self.user.fs_uniquifier
        if is_theirs and use_challenge(db.session(), self.challenge, context=visitor_context()):
            return True
        self.credential.errors = [get_message("WEBAUTHN_NO_VERIFY", cause="")[0]]
        return False
