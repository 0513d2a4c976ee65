"""National sections. Other tables refer to their code, so that counts are read without a join."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import Model


class Section(Model):
    """One national section. `international` has every country that no other section claims."""

    __tablename__ = "section"

    code: Mapped[str] = mapped_column(primary_key=True)
    # The order of the sections. Of two sections of one country, the first gets supporters whose language neither has.
    position: Mapped[int]
    name: Mapped[str]
    countries: Mapped[list[str]]
    languages: Mapped[list[str]]
    time_zone: Mapped[str]
    contact: Mapped[str]
    # The Reply-To address of mails to its signers; None: the sender of all mail.
    reply_to: Mapped[str | None]
    # The column and row of its tile on the map of sections.
    tile_column: Mapped[int | None]
    tile_row: Mapped[int | None]
