"""A document whose two targets were read as one, with the field of each of its lines and two doubts."""

from __future__ import annotations

from datetime import date

from campaign.document.draft import (
    DraftAppeal,
    DraftLetter,
    DraftNote,
    DraftPerson,
    DraftTarget,
    DraftWarning,
    LineUse,
)
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from tests.conftest import context

SLUG = "merged"
LINES = (
    "UA 7/26 Colombia",
    "TEACHER THREATENED",
    "Minister of the Interior",
    "Pedro Alba Montes",
    "Calle Ejemplo 1",
    "Email: minister@interior.example",
    "Attorney General",
    "Lucía Rey Paz",
    "Carrera Muestra 9",
    "Email: fiscal@justice.example; Fax: +57 1 555 0100",
    "",
    "Dear Minister,",
    "I fear for the life",
    "of Ana Ruiz Vega.",
    "Please send copies to your section.",
    "Yours sincerely,",
    "The school stands in the hills.",
)
USES = (
    *((2, "headline"), (3, "targets.0.role"), (4, "targets.0.name"), (5, "targets.0.address")),
    *((6, "targets.0.emails"), (7, "targets.0.address"), (8, "targets.0.address"), (9, "targets.0.address")),
    *((10, "targets.0.emails"), (10, "targets.0.faxes"), (11, "blank"), (12, "letter"), (13, "letter")),
    *((14, "letter"), (15, "warning"), (16, "letter"), (17, "background")),
)
DRAFT = DraftAppeal(
    language="en",
    reference="UA 7/26",
    country="CO",
    headline="TEACHER THREATENED",
    targets=(
        DraftTarget(
            kind="primary",
            role="Minister of the Interior",
            name="Pedro Alba Montes",
            address=("Calle Ejemplo 1", "Attorney General", "Lucía Rey Paz", "Carrera Muestra 9"),
            country="CO",
            emails=("minister@interior.example", "fiscal@justice.example"),
            faxes=("+57 1 555 0100",),
        ),
    ),
    letter=DraftLetter("Dear Minister,", ("I fear for the life of Ana Ruiz Vega.",), "Yours sincerely,"),
    background="The school stands in the hills.",
    deadline=date(2026, 4, 12),
    people=(DraftPerson("Ana Ruiz Vega", "she"),),
    notes=(DraftNote("Please send copies to your section.", 15, "targets.0"),),
    warnings=(
        DraftWarning("contact-note", "two e-mail addresses of two people", 7, (7, 10)),
        DraftWarning("unplaced-line", "this line is in no field", 15),
    ),
    line_uses=tuple(LineUse(line, field) for line, field in USES),
)


def import_merged() -> str:
    """Import the document as a draft; return its slug."""
    slug = import_draft(DRAFT, ImportOptions(slug=SLUG), context=context(), lines=LINES).slug
    assert slug == SLUG
    return slug
