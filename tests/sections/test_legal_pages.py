"""The legal pages: facts about Tocsin, filled from the theme, completed by staff."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign.config import LOCALES
from campaign.domain.errors import InputError
from campaign.domain.privacy import retention
from campaign.domain.sections.site_page import SitePage
from campaign.factory import create_app
from campaign.models import AuditEntry
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.services.sections.site_text import write_site_text
from tests.conftest import clear_caches, context, settings_for
from tests.platform.commands import run_command

THEME = """
[facts]
legal_name = "Amis des libertés"
address = "1 rue de l’Exemple\\n75001 Paris"
email = "contact@example.org"
authority = "CNIL"
[text.en]
imprint = "Printed by **friends**."
"""


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("page", [page.value for page in SitePage])
def test_each_page_exists_in_every_language(client: FlaskClient, page: str, locale: str) -> None:
    answer = client.get(f"/{locale}/{page}")
    assert answer.status_code == 200
    assert f'href="/{locale}/{page}"' in client.get(f"/{locale}/").text, "the footer leads there"


def test_the_privacy_notice_says_what_article_13_asks_for(client: FlaskClient) -> None:
    page = client.get("/fr/privacy").text
    for part in (
        "6, paragraphe 1, point a",
        "9, paragraphe 2, point a",
        "180 jours",
        "autorité de contrôle",
        "retirer",
    ):
        assert part in page, part
    assert 'href="/fr/new-link"' in page
    assert 'href="/fr/privacy"' in page


def test_the_notice_says_what_the_hourly_job_does(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "UNCONFIRMED", timedelta(days=41))
    monkeypatch.setattr(retention, "NETWORKS", timedelta(days=43))
    page = client.get("/fr/privacy").text
    assert "41 jours" in page
    assert "43 jours" in page


def test_text_of_staff_replaces_the_text_of_the_theme(app: Flask, client: FlaskClient) -> None:
    assert "<script>" not in client.get("/fr/imprint").text
    vault = runtime().vault
    write_site_text(SitePage.IMPRINT, "fr", "Tenu par *nous*. <script>alert(1)</script>", context=context(vault=vault))
    clear_caches(app)
    page = client.get("/fr/imprint").text
    assert '<div class="text" lang="fr" dir="ltr"><p>Tenu par <em>nous</em>.' in page
    assert "<script>" not in page
    assert '<div class="text" lang="fr" dir="ltr"><p>Tenu par' in client.get("/de/imprint").text, (
        "the text is marked as French"
    )
    write_site_text(SitePage.IMPRINT, "fr", "", context=context(vault=vault))
    clear_caches(app)
    assert "Tenu par" not in client.get("/fr/imprint").text
    with pytest.raises(InputError):
        write_site_text(SitePage.IMPRINT, "fr", "x" * 50_001, context=context(vault=vault))


def test_the_command_writes_and_lists(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "text.md"
    file.write_text("Voilà.", encoding="utf-8")
    assert run_command(app, "text", "set", "privacy", "fr", str(file)).exit_code == 0
    assert "privacy          fr         6 characters" in run_command(app, "text", "list").output
    assert run_command(app, "text", "set", "privacy", "fr", str(file)).exit_code == 0, (
        "setting the same text again succeeds"
    )
    told = db.session.execute(select(AuditEntry.act, AuditEntry.subject, AuditEntry.before, AuditEntry.after)).all()
    assert told == [("text.set", "page:privacy:fr", {"body": None}, {"body": "Voilà."})]
    file.write_bytes(b"\xff\xfe")
    result = run_command(app, "text", "set", "privacy", "fr", str(file))
    assert (result.exit_code, "UTF-8" in result.stderr) == (1, True)
    assert run_command(app, "text", "set", "footer", "fr", str(file)).exit_code == 2


def test_the_facts_of_the_theme_fill_the_pages(database_url: str, tmp_path: Path, app: Flask) -> None:
    (tmp_path / "theme.toml").write_text(THEME, encoding="utf-8")
    themed = create_app(settings_for(database_url, tmp_path, TOCSIN_THEME="theme.toml"))
    client = themed.test_client()
    page = client.get("/en/imprint").text
    for part in ("Amis des libertés", "75001 Paris", "mailto:contact@example.org", "<strong>friends</strong>"):
        assert part in page, part
    assert "CNIL" in client.get("/en/privacy").text
    assert 'lang="en" dir="ltr"><p>Printed by' in client.get("/ar/imprint").text
    with themed.app_context():
        db.engine.dispose()
