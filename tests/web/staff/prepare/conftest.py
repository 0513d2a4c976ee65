"""Who prepares, and a draft."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign.domain.staff import Role
from tests.web.staff.prepare.desk import AT, SLUG, upload
from tests.web.staff.room import staffed


@pytest.fixture
def editor(app: Flask) -> FlaskClient:
    return staffed(app, Role.EDITOR)


@pytest.fixture
def coordinator(app: Flask) -> FlaskClient:
    return staffed(app, Role.COORDINATOR, "be-nl")


@pytest.fixture
def draft(editor: FlaskClient) -> str:
    """A draft that an editor has made of a document."""
    assert upload(editor).location == f"{AT}/edit"
    return SLUG
