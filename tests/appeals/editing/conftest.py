"""Fixtures of the editing tests: browsers of staff, and a draft."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign.domain.staff.roles import Role
from tests.appeals.editing.editor import DRAFT_PAGE, SLUG, upload
from tests.staff.staff_clients import staff_client


@pytest.fixture
def editor(app: Flask) -> FlaskClient:
    return staff_client(app, Role.EDITOR)


@pytest.fixture
def coordinator(app: Flask) -> FlaskClient:
    return staff_client(app, Role.COORDINATOR, "be-nl")


@pytest.fixture
def draft(editor: FlaskClient) -> str:
    """Return the slug of a draft that the editor has made from a document."""
    assert upload(editor).location == f"{DRAFT_PAGE}/comparison"
    return SLUG
