"""Readers without a text in their language read the appeal's first text, even if translations are added."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign.document import parse_text
from campaign.domain.announcements.announcement import choose_language
from campaign.platform import db
from campaign.queries.appeals.appeal import find_appeal
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish, set_outcome, stop
from tests.conftest import DOCUMENT, FRENCH, clear_caches, context

SLUG = "ana-ruiz-vega"
FRENCH_HEADLINE, ENGLISH_HEADLINE = "INSTITUTRICE MENACÉE", "TEACHER THREATENED"


@pytest.fixture
def french_appeal(app: Flask) -> str:
    """Return an open appeal whose first text is French."""
    import_draft(parse_text(FRENCH), ImportOptions(slug=SLUG), context=context())
    publish(SLUG, context=context())
    return SLUG


def translate(app: Flask) -> None:
    import_draft(parse_text(DOCUMENT), ImportOptions(slug=SLUG), context=context())
    clear_caches(app)


@pytest.mark.parametrize("path", [f"/de/appeals/{SLUG}", f"/ar/appeals/{SLUG}/act", f"/embed/{SLUG}", "/es/"])
def test_an_english_translation_changes_nothing_for_other_languages(
    client: FlaskClient, app: Flask, french_appeal: str, path: str
) -> None:
    before = client.get(path).text
    assert FRENCH_HEADLINE in before
    translate(app)
    after = client.get(path).text
    assert FRENCH_HEADLINE in after
    assert ENGLISH_HEADLINE not in after
    assert ENGLISH_HEADLINE in client.get(f"/en/appeals/{SLUG}").text, "readers of English get the translation"


def test_search_engines_get_the_first_language_as_the_default(
    client: FlaskClient, app: Flask, french_appeal: str
) -> None:
    translate(app)
    page = client.get(f"/ru/appeals/{SLUG}").text
    assert f'hreflang="x-default" href="http://127.0.0.1:8000/fr/appeals/{SLUG}"' in page
    assert f'<link rel="canonical" href="http://127.0.0.1:8000/fr/appeals/{SLUG}">' in page


def test_a_signer_without_a_text_in_their_language_signs_the_first(app: Flask, french_appeal: str) -> None:
    translate(app)
    found = find_appeal(SLUG)
    assert found is not None
    assert found.first_language == "fr"
    assert found.text_in("ru").language == "fr"
    assert [target.language for target in found.targets_in("ru")] == ["fr"]
    db.session.rollback()


def test_an_outcome_without_the_readers_language_is_in_the_first(app: Flask, french_appeal: str) -> None:
    stop(SLUG, context=context())
    set_outcome(SLUG, "en", "She is free.", context=context())
    set_outcome(SLUG, "fr", "Elle est libre.", context=context())
    found = find_appeal(SLUG)
    assert found is not None
    assert found.outcome_in("de") == ("fr", "Elle est libre.")
    assert found.outcome_in("en") == ("en", "She is free.")
    db.session.rollback()


@pytest.mark.parametrize(
    ("locale", "written", "read"),
    [("de", ("de", "en", "fr"), "de"), ("ru", ("de", "en", "fr"), "fr"), ("ru", ("en", "es"), "en"), ("ru", (), "ru")],
)
def test_announcements_use_the_first_language_too(locale: str, written: tuple[str, ...], read: str) -> None:
    assert choose_language(locale, written, "fr") == read
