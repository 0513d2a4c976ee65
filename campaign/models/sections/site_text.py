"""What staff write on the site's own pages: imprint, privacy notice, accessibility statement."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.sections.site_page import SitePage
from campaign.platform import Model
from campaign.platform.database.enum_column import one_of


class SiteText(Model):
    """One page's text in one language, in Markdown; it takes the place of the theme's."""

    __tablename__ = "site_text"
    __table_args__ = (one_of("page", SitePage),)

    page: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[str]
    changed_at: Mapped[datetime]
