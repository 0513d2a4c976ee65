"""Pages of ended appeals: closed, stopped or with an outcome, each says what to do next."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign.document import parse_text
from campaign.domain.errors import InputError, StateError
from campaign.queries.appeals.appeal import AppealView
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import close, publish, set_outcome, stop
from tests.conftest import DOCUMENT, START, clear_caches, context, form

PAGE = "/fr/appeals/ana-ruiz-vega"


@pytest.fixture
def second_appeal(app: Flask) -> str:
    """Return a second open appeal, whose deadline comes a year later."""
    document = DOCUMENT.replace("TEACHER THREATENED FOR TEACHING", "NURSE TAKEN AWAY").replace(
        "12 April 2026", "12 April 2027"
    )
    slug = import_draft(parse_text(document), ImportOptions(slug="another"), context=context()).slug
    publish(slug, context=context())
    return slug


@pytest.mark.usefixtures("appeal", "second_appeal")
def test_a_closed_appeal_links_to_other_appeals_first(client: FlaskClient, clock: Any) -> None:
    assert "NURSE TAKEN AWAY" not in client.get(PAGE).text
    clock.now = START + timedelta(days=60)
    page = client.get(PAGE).text
    assert "Cet appel est terminé." in page
    assert 'href="/fr/appeals/another"' in page
    assert page.index('href="#others"') < page.index("NURSE TAKEN AWAY"), "the link is beside the notice of the end"
    assert page.index("NURSE TAKEN AWAY") < page.index('id="next"') < page.index('id="case"')
    assert 'action="/fr/appeals/ana-ruiz-vega/sign"' not in page
    assert 'href="/fr/sections"' in page
    assert "Ce qu’il en est advenu" not in page


@pytest.mark.usefixtures("appeal", "second_appeal")
def test_a_stopped_appeal_shows_the_outcome_and_asks_not_to_write(client: FlaskClient, app: Flask) -> None:
    stop("ana-ruiz-vega", context=context())
    set_outcome("ana-ruiz-vega", "en", "She is **free**. <script>x</script>", context=context())
    clear_caches(app)
    page = client.get(PAGE).text
    assert "Cet appel a été arrêté." in page
    assert '<div class="lead" lang="en" dir="ltr"><p>She is <strong>free</strong>. &lt;script&gt;' in page
    assert page.index("Cet appel a été arrêté.") < page.index("<h1"), "before the headline"
    assert page.index("NURSE TAKEN AWAY") < page.index('id="next"') < page.index('id="case"')
    assert "I fear for the life" not in page, "a letter that could do harm is not shown"
    for path in (PAGE + "/act", PAGE + "/words"):
        act = client.get(path, follow_redirects=True).text
        assert "N’écrivez plus au sujet de ce cas" in act
        assert "mailto:minister" not in act
        assert "I fear for the life" not in act
    set_outcome("ana-ruiz-vega", "fr", "Elle est libre.", context=context())
    clear_caches(app)
    assert '<div class="lead" lang="fr" dir="ltr"><p>Elle est libre.' in client.get(PAGE).text
    sent = client.post(PAGE + "/sign", data=form())
    assert (sent.status_code, "NURSE TAKEN AWAY" in sent.text) == (422, True)


def test_an_outcome_is_shown_only_after_the_end_and_can_be_removed(appeal: AppealView) -> None:
    with pytest.raises(StateError):
        set_outcome(appeal.slug, "fr", "Trop tôt.", context=context())
    close(appeal.slug, context=context())
    with pytest.raises(StateError):
        stop(appeal.slug, context=context())
    with pytest.raises(InputError):
        set_outcome(appeal.slug, "fr", "x" * 20_001, context=context())
    set_outcome(appeal.slug, "fr", "Libre.", context=context())
    set_outcome(appeal.slug, "fr", " ", context=context())


def test_a_section_whose_day_has_ended_refuses_while_others_accept(
    client: FlaskClient, appeal: AppealView, clock: Any
) -> None:
    # Noon of the day after in Paris is still the last day on Baker Island.
    clock.now = START.replace(month=4, day=13, hour=10)
    assert 'action="/fr/appeals/ana-ruiz-vega/sign"' in client.get(PAGE).text
    sent = client.post(PAGE + "/sign", data=form())
    assert sent.status_code == 422
    assert "Le délai est passé dans votre pays." in sent.text
    assert client.post(PAGE + "/sign", data=form(country="UM")).status_code == 303
