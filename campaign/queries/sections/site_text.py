"""What staff have written on the site's own pages."""

from __future__ import annotations

from sqlalchemy import select

from campaign.models import SiteText
from campaign.platform import db


def site_texts() -> dict[tuple[str, str], str]:
    """Markdown by page and language."""
    rows = db.session.execute(select(SiteText.page, SiteText.language, SiteText.body))
    return {(page, language): body for page, language, body in rows}
