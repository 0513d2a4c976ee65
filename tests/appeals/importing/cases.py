"""Documents of one case, and a look at all rows of the appeals that they become."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import select

from campaign.document import DraftAppeal, parse_text
from campaign.models import Appeal, AppealText, ImportedDocument, Target
from campaign.platform import db
from campaign.services.appeals.import_draft import ImportOptions, ImportReport, import_draft
from campaign.services.appeals.lifecycle import publish
from tests.conftest import DOCUMENT, FRENCH, context

FIRST = parse_text(DOCUMENT)
# The same reference without a word on its number, and in another language.
PLAIN_TEXT = DOCUMENT.replace("First UA:", "UA:")
PLAIN = parse_text(PLAIN_TEXT)
TRANSLATED = parse_text(FRENCH)
# An update as sections publish it: its headline says so, and no number does.
UPDATE_TEXT = (
    DOCUMENT.replace("First UA:", "Further information on UA:")
    .replace("AMR 23/9001/2026", "AMR 23/9044/2026")
    .replace("20 February 2026", "10 March 2026")
    .replace("TEACHER THREATENED FOR TEACHING", "TEACHER HAS LEFT HER VILLAGE")
    .replace("protect her at once", "bring her home in safety")
)
UPDATE = parse_text(UPDATE_TEXT)
LATER_UPDATE = replace(
    UPDATE, index="AMR 23/9077/2026", issued_on=date(2026, 4, 2), headline="TEACHER IS BACK IN HER VILLAGE"
)
SECOND = replace(UPDATE, warnings=(), headline="SECOND ISSUE")
THIRD = replace(SECOND, sequence=3, headline="THIRD ISSUE")


def other_words(draft: DraftAppeal) -> DraftAppeal:
    return replace(draft, headline="CORRECTED")


def in_french(draft: DraftAppeal) -> DraftAppeal:
    return replace(draft, language="fr")


def imported(draft: DraftAppeal, **options: Any) -> ImportReport:
    return import_draft(draft, ImportOptions(**options), context=context())


def opened(draft: DraftAppeal, **options: Any) -> str:
    """Import and publish the document; return the slug."""
    slug = imported(draft, **options).slug
    publish(slug, context=context())
    return slug


def stored_rows(slug: str) -> dict[str, list[dict[str, Any]]]:
    """Return every column of the appeal, its texts in all versions, its targets and documents."""
    found = db.session.scalars(select(Appeal).where(Appeal.slug == slug)).one()
    rows: dict[str, list[Any]] = {"appeal": [found]}
    for table in (AppealText, Target, ImportedDocument):
        statement = select(table).where(table.appeal_id == found.id).order_by(*table.__table__.primary_key)
        rows[table.__name__] = list(db.session.scalars(statement))
    values = {
        name: [{column.name: getattr(row, column.name) for column in row.__table__.columns} for row in found_rows]
        for name, found_rows in rows.items()
    }
    db.session.rollback()
    return values


def slugs() -> list[str]:
    """Return the slugs of all appeals in the order of their creation."""
    found = list(db.session.scalars(select(Appeal.slug).order_by(Appeal.id)))
    db.session.rollback()
    return found
