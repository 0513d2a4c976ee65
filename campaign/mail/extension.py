"""Flask-Mail as the application uses it: `mail.connect()` opens a connection to where TOCSIN_MAIL_URL says."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import current_app
from flask_mail import Mail

from campaign.mail.smtp.client import SmtpConnection
from campaign.mail.smtp.connection import MailConnection
from campaign.mail.smtp.maildir import MaildirConnection

_MAILDIR_PREFIX = "maildir:"
_DEFAULT_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


class MailExtension(Mail):
    """Flask-Mail's extension, with connections that report the outcome of each message."""

    def connect(self) -> MailConnection:
        """Return a connection for a `with` block. Each sending thread needs its own."""
        # The application itself, because `current_app` is not bound in a sending thread.
        app = current_app.app_context().app
        folder: str | None = app.config.get("MAIL_MAILDIR")
        return SmtpConnection(app) if folder is None else MaildirConnection(app, Path(folder))


def mail_config(url: str) -> dict[str, Any]:
    """Return Flask-Mail's configuration for the checked value of TOCSIN_MAIL_URL.

    `MAIL_MAILDIR`, a key that Flask-Mail does not have, is the folder to deliver into; None where a server is used.
    """
    if url.startswith(_MAILDIR_PREFIX):
        return {"MAIL_MAILDIR": url.removeprefix(_MAILDIR_PREFIX)}
    parts = urlsplit(url)
    return {
        "MAIL_MAILDIR": None,
        "MAIL_SERVER": parts.hostname or "",
        "MAIL_PORT": parts.port or _DEFAULT_PORTS[parts.scheme],
        "MAIL_USERNAME": unquote(parts.username) if parts.username else None,
        "MAIL_PASSWORD": unquote(parts.password or ""),
        "MAIL_USE_SSL": parts.scheme == "smtps",
        "MAIL_USE_TLS": parts.scheme == "smtp+starttls",
    }


mail = MailExtension()
