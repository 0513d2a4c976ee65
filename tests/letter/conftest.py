"""An appeal in two languages with every channel, and a supporter who has confirmed."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from campaign.document import parse_text
from campaign.models import Appeal
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView, find_appeal
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from tests.conftest import Postbox, context, form
from tests.letter.pages import FRENCH


@pytest.fixture
def bilingual_appeal(appeal: AppealView) -> AppealView:
    """Return the appeal in English and in French, with every channel and an embassy in France."""
    import_draft(parse_text(FRENCH), ImportOptions(slug="ana-ruiz-vega"), context=context())
    with transaction() as session:
        session.execute(update(Appeal).values(languages=["es", "fr"]))
    found = find_appeal("ana-ruiz-vega")
    assert found is not None
    assert set(found.texts) == {"en", "fr"}
    db.session.rollback()
    return found


@pytest.fixture
def act_page(client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox) -> str:
    """Return the act page of a supporter who has confirmed."""
    client.post("/en/appeals/ana-ruiz-vega/sign", data=form())
    deliver()
    return str(client.post(postbox.link()).location)
