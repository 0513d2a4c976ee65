"""National sections. The code is the key everywhere, so that a count can be read without a join."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import Model


class Section(Model):
    """One national section; `international` takes every country that no other claims."""

    __tablename__ = "section"

    code: Mapped[str] = mapped_column(primary_key=True)
    # The order of the file that was loaded: of two sections in one country, the first takes whose language neither has.
    position: Mapped[int]
    name: Mapped[str]
    countries: Mapped[list[str]]
    languages: Mapped[list[str]]
    time_zone: Mapped[str]
    contact: Mapped[str]
    # Where answers to the mails of its signers go; without it, to the sender of all mail.
    reply_to: Mapped[str | None]
    # Where its tile stands on the map of sections: column and row.
    tile_column: Mapped[int | None]
    tile_row: Mapped[int | None]
