"""Fixtures of the tests of messages."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest
from flask import Flask

from campaign.factory import create_app
from campaign.mail.extension import mail, mail_config
from campaign.mail.smtp.client import SmtpConnection
from tests.conftest import settings_for


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Yield an application whose database is not used."""
    folder = tmp_path_factory.mktemp("site")
    app = create_app(settings_for(f"sqlite:///{folder}/none.db", folder))
    with app.app_context():
        yield app


def connection_to(url: str, trusted: ssl.SSLContext | None = None) -> SmtpConnection:
    """Return a connection to that server, of an application that has nothing but Flask-Mail."""
    app = Flask("mail")
    app.config.update(mail_config(url))
    mail.init_app(app)
    return SmtpConnection(app, trusted)
