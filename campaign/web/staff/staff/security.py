"""The set-up of Flask-Security: argon2id, TOTP and passkeys as second factor, recovery codes, freshness.

The log-in itself is Flask-Security's. The application adds the look, languages, mails, throttle and sessions.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

from flask import Flask, g, session
from flask_login import user_logged_out
from flask_security.core import Security
from flask_security.datastore import SQLAlchemyUserDatastore
from flask_security.signals import (
    password_changed,
    tf_disabled,
    tf_profile_changed,
    user_authenticated,
    wan_deleted,
    wan_registered,
)
from flask_wtf import CSRFProtect

from campaign.config import ROOT, Settings
from campaign.domain.privacy.cipher import Vault
from campaign.domain.staff.lifetimes import FRESHNESS, PASSWORD_LENGTH, SESSION_LIFETIME
from campaign.models import Passkey, Staff
from campaign.platform import db
from campaign.platform.runtime import RUNTIME_KEY, Runtime, runtime
from campaign.services.staff.accounts import acting_as, subject_of
from campaign.services.staff.audit import AuditRecord, append
from campaign.services.staff.login import begin_session, end_session
from campaign.web.staff.staff import security_forms
from campaign.web.staff.staff.access import LOGIN_SECRET, visitor_context
from campaign.web.staff.staff.device_cookie import remember_device
from campaign.web.staff.staff.passwords import Passwords
from campaign.web.staff.staff.second_factor import OnceCodes, OncePasskeyForm, OnceTotp
from campaign.web.staff.staff.security_mail import OutboxMail
from campaign.web.staff.staff.security_texts import MESSAGES

_PRESERVED_SESSION_KEYS = ("_user_id", "_fresh", "_id", "fs_cc", "fs_paa")
_TEMPLATES = {
    "LOGIN_USER": "login",
    "LOGOUT_USER": "logout",
    "VERIFY": "second_factor/verify",
    "CHANGE_PASSWORD": "change_password",
    "TWO_FACTOR_SETUP": "second_factor/two_factor_setup",
    "TWO_FACTOR_VERIFY_CODE": "second_factor/two_factor_code",
    "TWO_FACTOR_SELECT": "second_factor/two_factor_select",
    "MULTI_FACTOR_RECOVERY": "second_factor/recovery",
    "MULTI_FACTOR_RECOVERY_CODES": "second_factor/recovery_codes",
    "WAN_REGISTER": "second_factor/passkeys",
    "WAN_SIGNIN": "second_factor/passkey",
    "WAN_VERIFY": "second_factor/passkey_verify",
}


def init_app(app: Flask) -> None:
    """Bind Flask-Security to the staff application."""
    app_runtime: Runtime = app.extensions[RUNTIME_KEY]
    app.config.update(_configuration(app_runtime.settings, app_runtime.vault))
    app.config.update({f"SECURITY_MSG_{name}": message for name, message in MESSAGES.items()})
    app.config.update({f"SECURITY_{name}_TEMPLATE": f"staff/staff/{page}.html" for name, page in _TEMPLATES.items()})
    # Mail programs send this request by themselves; the token in the link is the authorisation (RFC 8058).
    CSRFProtect(app).exempt("campaign.web.staff.staff.own_account.end_weekly_digest")
    security = Security(
        app,
        SQLAlchemyUserDatastore(db, Staff, None, Passkey),  # type: ignore[arg-type]  # a role is a column here
        mail_util_cls=OutboxMail,
        password_util_cls=Passwords,
        totp_cls=OnceTotp,
        mf_recovery_codes_util_cls=OnceCodes,
        wan_signin_response_form=OncePasskeyForm,
        login_form=security_forms.LoginForm,
        verify_form=security_forms.VerifyForm,
        two_factor_verify_code_form=security_forms.CodeForm,
        mf_recovery_form=security_forms.RecoveryForm,
    )
    security.want_json(lambda _request: False)
    _connect_signals(app)


def _configuration(settings: Settings, vault: Vault) -> dict[str, Any]:
    """Return Flask's and Flask-Security's configuration."""
    name = settings.theme.name
    return {
        # The prefix makes browsers refuse a cookie set by another host or without TLS (RFC 6265bis, 4.1.3.2).
        "SESSION_COOKIE_NAME": "__Host-tocsin" if settings.is_https else "tocsin-staff",
        "SESSION_COOKIE_PATH": "/" if settings.is_https else "/staff",
        "SESSION_COOKIE_SECURE": settings.is_https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": SESSION_LIFETIME,
        "WTF_CSRF_TIME_LIMIT": None,
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SINGLE_HASH": ["argon2"],
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_DEPRECATED_PASSWORD_SCHEMES": [],
        "SECURITY_PASSWORD_LENGTH_MIN": PASSWORD_LENGTH,
        "SECURITY_JOIN_USER_ROLES": False,
        "SECURITY_USER_IDENTITY_ATTRIBUTES": [
            {"email": {"mapper": security_forms.typed_address, "case_insensitive": False}}
        ],
        "SECURITY_API_ENABLED_METHODS": ["session"],
        # The messages are the application's (`security_texts.MESSAGES`), and so are their translations.
        "SECURITY_I18N_DOMAIN": "messages",
        "SECURITY_I18N_DIRNAME": [str(ROOT / "campaign" / "translations")],
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_DATETIME_FACTORY": lambda: runtime().clock(),
        "SECURITY_FRESHNESS": FRESHNESS,
        "SECURITY_FRESHNESS_GRACE_PERIOD": timedelta(0),
        "SECURITY_CHANGEABLE": True,
        "SECURITY_EMAIL_PLAINTEXT": False,
        "SECURITY_EMAIL_HTML": False,
        "SECURITY_TWO_FACTOR": True,
        "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "SECURITY_TWO_FACTOR_RESCUE_EMAIL": False,
        "SECURITY_TWO_FACTOR_POST_SETUP_VIEW": "account.show",
        # Clocks differ: the code before and the code after the current one, of 30 seconds each, are accepted too.
        "SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY": 30,
        "SECURITY_TOTP_ISSUER": name,
        "SECURITY_TOTP_SECRETS": {"1": vault.derived_key("totp secrets").hex()},
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES": True,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_N": 8,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS": [base64.urlsafe_b64encode(vault.derived_key("recovery codes"))],
        "SECURITY_WEBAUTHN": True,
        "SECURITY_WAN_RP_NAME": name,
        "SECURITY_WAN_ALLOW_AS_FIRST_FACTOR": False,
        "SECURITY_WAN_ALLOW_AS_VERIFY": ["secondary"],
        "SECURITY_WAN_POST_REGISTER_VIEW": "security.wan_register",
        "SECURITY_POST_LOGIN_VIEW": "dashboard.show",
        "SECURITY_POST_LOGOUT_VIEW": "security.login",
        "SECURITY_POST_CHANGE_VIEW": "account.show",
    }


def _connect_signals(app: Flask) -> None:
    """Connect Flask-Security's signals to sessions and the audit log, within the same transaction."""
    user_authenticated.connect(_begin_session, app)
    user_logged_out.connect(_end_session, app)
    for signal, act in (
        (password_changed, "staff.change-password"),
        (tf_profile_changed, "staff.set-up-second-factor"),
        (tf_disabled, "staff.drop-second-factor"),
        (wan_registered, "staff.add-passkey"),
        (wan_deleted, "staff.remove-passkey"),
    ):
        signal.connect(_make_recorder(act), app, weak=False)


def _begin_session(_app: Flask, user: Staff, **_: Any) -> None:
    """Start a new session that the server can end, and drop the earlier content of the cookie."""
    context = acting_as(user, visitor_context())
    preserved = {name: session[name] for name in _PRESERVED_SESSION_KEYS if name in session}
    session.clear()
    g.pop("csrf_token", None)
    session.update(preserved)
    session[LOGIN_SECRET] = begin_session(db.session(), user.id, context=context)
    session.permanent = True
    user.logged_in_at = context.now
    remember_device(user.email)
    entry = AuditRecord("staff.log-in", subject_of(user), user.section_code)
    append(db.session(), entry, context=context)


def _end_session(_app: Flask, **_: Any) -> None:
    secret = session.pop(LOGIN_SECRET, None)
    if isinstance(secret, str):
        end_session(secret, context=visitor_context())


def _make_recorder(act: str) -> Any:
    """Return a signal receiver that appends the act to the audit log."""

    def record(_app: Flask, user: Staff, **_: Any) -> None:
        entry = AuditRecord(act, subject_of(user), user.section_code)
        append(db.session(), entry, context=acting_as(user, visitor_context()))

    return record
