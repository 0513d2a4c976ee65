"""Texts that staff write for the site's own pages: imprint, privacy notice, accessibility statement."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.sections.site_page import SitePage
from campaign.platform import Model
from campaign.platform.database.enum_column import one_of


class SiteText(Model):
    """A page's text in one language, in Markdown. The page shows it instead of the theme's text."""

    __tablename__ = "site_text"
    __table_args__ = (one_of("page", SitePage),)

    page: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[str]
    changed_at: Mapped[datetime]
