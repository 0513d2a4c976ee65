"""The cookie of a browser that has logged in before: its failed log-ins are counted apart from those of others.

It grants no access.
"""

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
    """Return the current attempt to log in with the address."""
    return LoginAttempt(email, network_of(request.remote_addr), _device_ids().get(_account_digest(email)))


def remember_device(email: str) -> None:
    """Set the cookie that marks this browser as one that has logged in to the account."""
    device_ids, account = _device_ids(), _account_digest(email)
    device_ids[account] = device_ids.get(account) or secrets.token_hex(8)
    value = _serializer().dumps(dict(list(device_ids.items())[-_MAX_ACCOUNTS:]))
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


def _device_ids() -> dict[str, str]:
    """Return the random id of this browser for each account that has logged in here, by the account's digest."""
    try:
        content = _serializer().loads(request.cookies.get(_cookie_name(runtime().settings), ""))
    except BadSignature:
        return {}
    if not isinstance(content, dict):
        return {}
    return {str(account): str(device_id) for account, device_id in content.items()}


def _account_digest(email: str) -> str:
    """Return the account's name in the cookie: a keyed digest, because the cookie must not contain the address."""
    return runtime().vault.login_digest(f"device of {email.strip().lower()}")[:8].hex()


def _cookie_name(settings: Settings) -> str:
    return "__Host-tocsin-device" if settings.is_https else "tocsin-device"


def _serializer() -> URLSafeSerializer:
    config = current_app.config
    return URLSafeSerializer([*reversed(config["SECRET_KEY_FALLBACKS"]), config["SECRET_KEY"]], salt="tocsin device")
