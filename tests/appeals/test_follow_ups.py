"""A follow-up is linked to the appeal that it follows, in whatever order they are imported."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from campaign.document import parse_text
from campaign.domain.errors import InputError
from campaign.models import Appeal
from campaign.platform import db
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from tests.conftest import DOCUMENT, context

FIRST = parse_text(DOCUMENT)
SECOND = replace(FIRST, sequence=2, index="AMR 23/9044/2026")
THIRD = replace(FIRST, sequence=3, index="AMR 23/9077/2026")


def followed_slugs() -> dict[str, str | None]:
    """Return for each slug the slug of the appeal that it follows."""
    appeals = {appeal.id: appeal for appeal in db.session.scalars(select(Appeal))}
    found = {
        appeal.slug: appeals[appeal.follows_id].slug if appeal.follows_id is not None else None
        for appeal in appeals.values()
    }
    db.session.rollback()
    return found


def test_a_higher_sequence_becomes_a_follow_up(app: Flask) -> None:
    import_draft(FIRST, ImportOptions(), context=context())
    report = import_draft(SECOND, ImportOptions(), context=context())
    assert (report.slug, report.is_new, report.follows) == ("ua-7-26-2", True, "ua-7-26")
    assert import_draft(THIRD, ImportOptions(), context=context()).follows == "ua-7-26-2"
    assert import_draft(SECOND, ImportOptions(), context=context()).changes == ()
    assert followed_slugs() == {"ua-7-26": None, "ua-7-26-2": "ua-7-26", "ua-7-26-3": "ua-7-26-2"}


def test_a_corrected_document_of_the_same_sequence_is_the_same_appeal(app: Flask) -> None:
    import_draft(SECOND, ImportOptions(), context=context())
    report = import_draft(replace(SECOND, headline="CORRECTED"), ImportOptions(), context=context())
    assert (report.slug, report.is_new, [change.field for change in report.changes]) == (
        "ua-7-26-2", False, ["headline (en)"]
    )  # fmt: skip


def test_the_first_appeal_may_be_imported_after_its_follow_up(app: Flask) -> None:
    assert import_draft(THIRD, ImportOptions(), context=context()).follows is None
    import_draft(FIRST, ImportOptions(), context=context())
    assert followed_slugs() == {"ua-7-26-3": "ua-7-26", "ua-7-26": None}


def test_slugs_given_by_hand_are_linked_by_their_reference(app: Flask) -> None:
    import_draft(FIRST, ImportOptions(slug="ana"), context=context())
    assert import_draft(SECOND, ImportOptions(slug="ana-again"), context=context()).follows == "ana"


def test_without_a_reference_the_link_to_the_previous_document_is_used(app: Flask) -> None:
    import_draft(FIRST, ImportOptions(slug="ana"), context=context())
    link = "https://www.example.org/en/documents/amr23/9001/2026/en/"
    later = replace(SECOND, reference=None, sequence=1, previous=link)
    assert import_draft(later, ImportOptions(slug="later"), context=context()).follows == "ana"


def test_no_appeal_follows_another_case(app: Flask) -> None:
    import_draft(replace(FIRST, reference="UA 8/26"), ImportOptions(), context=context())
    assert import_draft(SECOND, ImportOptions(), context=context()).follows is None
    assert set(followed_slugs().values()) == {None}


def test_a_slug_of_another_case_is_refused(app: Flask) -> None:
    import_draft(replace(FIRST, reference="UA 8/26"), ImportOptions(slug="ua-7-26"), context=context())
    with pytest.raises(InputError, match="--slug"):
        import_draft(FIRST, ImportOptions(), context=context())
