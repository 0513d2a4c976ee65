"""Texts that staff have written for the site's own pages."""

from __future__ import annotations

from sqlalchemy import select

from campaign.models import SiteText
from campaign.platform import db


def site_texts() -> dict[tuple[str, str], str]:
    """Return the texts (Markdown) by page and language."""
    rows = db.session.execute(select(SiteText.page, SiteText.language, SiteText.body))
    return {(page, language): body for page, language, body in rows}
