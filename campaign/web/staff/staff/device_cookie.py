"""The cookie of a browser that has logged in before: it proves nothing but that its failures count on their own."""

from __future__ import annotations

import secrets

from flask import after_this_request, current_app, request
from flask.wrappers import Response
from itsdangerous import BadSignature, URLSafeSerializer

from campaign.config import Settings
from campaign.platform.network import network_of
from campaign.platform.runtime import runtime
from campaign.services.staff.login import LoginAttempt

_YEAR = 365 * 24 * 3600
_MAX_ACCOUNTS = 10


def attempt_for(email: str) -> LoginAttempt:
    """Return the current attempt to log in as that person."""
    return LoginAttempt(email, network_of(request.remote_addr), _known_accounts().get(_account_digest(email)))


def remember_device(email: str) -> None:
    """Set the cookie that marks this browser as one that has logged in to the account."""
    before, name = _known_accounts(), _account_digest(email)
    known = {**before, name: before.get(name) or secrets.token_hex(8)}
    value = _serializer().dumps(dict(list(known.items())[-_MAX_ACCOUNTS:]))
    settings = runtime().settings

    @after_this_request
    def _set(response: Response) -> Response:
        response.set_cookie(
            _cookie_name(settings),
            value,
            max_age=_YEAR,
            path="/" if settings.is_https else "/staff",
            secure=settings.is_https,
            httponly=True,
            samesite="Strict",
        )
        return response


def _known_accounts() -> dict[str, str]:
    """Return the accounts this browser has been in, each with its own random name for it."""
    try:
        content = _serializer().loads(request.cookies.get(_cookie_name(runtime().settings), ""))
    except BadSignature:
        return {}
    return {str(account): str(name) for account, name in content.items()} if isinstance(content, dict) else {}


def _account_digest(email: str) -> str:
    """Return the account, without writing its address into the browser."""
    return runtime().vault.login_digest(f"device of {email.strip().lower()}")[:8].hex()


def _cookie_name(settings: Settings) -> str:
    return "__Host-tocsin-device" if settings.is_https else "tocsin-device"


def _serializer() -> URLSafeSerializer:
    config = current_app.config
    return URLSafeSerializer([*reversed(config["SECRET_KEY_FALLBACKS"]), config["SECRET_KEY"]], salt="tocsin device")
