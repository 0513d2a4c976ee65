"""Flask-Security's second factors, each accepted only once; `services/staff/one_time.py` records their use."""

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
    """Codes of an authenticator, each accepted only once (RFC 6238, 5.2)."""

    def verify_totp(self, token: str, totp_secret: str, user: Any, window: int = 0) -> bool:
        """Return whether the code is right and was not used before, and mark it as used."""
        try:
            match = self._totp.verify(token, totp_secret, window=window, last_counter=user.tf_last_counter)
        except TokenError:
            return False
        is_first = session.get("tf_state") == "validating_profile" and not current_user.is_authenticated
        return use_code(db.session(), user.id, match.counter, is_first=is_first)


class OnceCodes(MfRecoveryCodesUtil):
    """Recovery codes, each of which is used up by the check."""

    def check_recovery_code(self, user: Any, code: str) -> bool:
        """Return whether the code is one of the user's codes, and delete it."""
        return use_recovery_code(
            db.session(), user.id, lambda sealed_codes: self._index_of(code, sealed_codes), context=visitor_context()
        )

    def delete_recovery_code(self, _user: Any, _code: str) -> bool:
        """Return True, because `check_recovery_code` has deleted the code."""
        return True

    def _index_of(self, code: str, sealed_codes: list[str]) -> int | None:
        """Return the index of the code among the sealed codes; None if it is not one of them."""
        for index, sealed_code in enumerate(sealed_codes):
            try:
                # `cryptor` is None only without a key, and `security.py` always sets one.
                if self.cryptor is not None and self.cryptor.decrypt(sealed_code.encode()).decode() == code:
                    return index
            except InvalidToken:
                continue
        return None


class OncePasskeyForm(WebAuthnSigninResponseForm):
    """The response of a passkey of the account whose password was typed, accepted only once."""

    def validate(self, **kwargs: Any) -> bool:
        """Return whether the response is valid and was not used before."""
        is_valid: bool = super().validate(**kwargs)
        if not is_valid or self.user is None:
            return False
        # A passkey is the second factor of its own account only. The password may have been that of another account.
        is_same_account = self.is_verify or session.get("tf_user_id") == self.user.fs_uniquifier
        if is_same_account and use_challenge(db.session(), self.challenge, context=visitor_context()):
            return True
        self.credential.errors = [get_message("WEBAUTHN_NO_VERIFY", cause="")[0]]
        return False
