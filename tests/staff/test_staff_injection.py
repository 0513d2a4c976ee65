"""Script injection on the staff pages: texts of supporters, documents, mail servers and colleagues.

Every text field of every form that an editor finds is filled in and sent, and each page is opened in Chromium with the
content security policy switched off; then the exported files are read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from campaign.domain.announcements.announcement import AnnouncementKind
from campaign.domain.handover.spreadsheet import unescape_cell
from campaign.domain.moderation.invalidation import Criteria
from campaign.domain.sections.site_page import SitePage
from campaign.domain.staff.actor import staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.domain.typed_text import clean
from campaign.models import Appeal, Mail, QueuePause, Signature
from campaign.platform.database.transaction import transaction
from campaign.services.announcements.announce import AnnouncementWording, Audience, create_draft
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish, stop
from campaign.services.moderation import invalidate
from campaign.services.sections.site_text import write_site_text
from tests.abuse.injection import Tab, hostile_draft, is_harmless, store_signer, tab  # noqa: F401  fixtures among them
from tests.abuse.payloads import payloads
from tests.attack import IS_ATTACK, Figure
from tests.browser.conftest import browser  # noqa: F401  a fixture
from tests.conftest import START, clear_caches, confirm_at, context
from tests.handover.test_export import FORMULAS, exported_rows
from tests.staff.page_forms import Forms, sent_forms
from tests.staff.staff_clients import join_staff, log_in, log_in_later

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
TRIED_PAYLOADS = slice(None) if IS_ATTACK else slice(52, None, 100)
EDITOR, ADMIN = "ana@staff.example", "root@staff.example"
# Pages of an appeal; {n} is an announcement, {i} an invalidation.
PAGES = """appeals/{slug} appeals/{slug}/bulk-entries appeals/{slug}/funnel appeals/{slug}/signatures
appeals/{slug}/handovers appeals/{slug}/edit appeals/{slug}/texts appeals/{slug}/texts/en appeals/{slug}/texts/en/mail
appeals/{slug}/texts/en/mail.html appeals/{slug}/targets/1 appeals/{slug}/facts appeals/{slug}/sheet
appeals/{slug}/announcements appeals/{slug}/announcements/new appeals/{slug}/announcements/{n}
appeals/{slug}/announcements/{n}/en.html appeals/{slug}/announcements/{n}/edit moderation
moderation/invalidations/{i}""".split()
# Administrators' pages; and the list of all appeals, opened last.
ADMINS = ["audit", "outbox"]
LISTS = ["", "appeals", "moderation"]


@dataclass
class HostileCase:
    """A hostile appeal, with the announcement and the invalidation that staff made for it."""

    slug: str
    announcement: int
    invalidation: int


def make_case(payload: str, number: int, editor: int) -> HostileCase:
    """Make an appeal with the payload in every text of documents, supporters, mail servers and colleagues."""
    slug = f"case-{number}"
    options = ImportOptions(slug=slug, deadline=date(2099, 1, 1))
    import_draft(hostile_draft(payload), options, context=context(), lines=(payload, payload))
    publish(slug, context=context())
    with transaction() as session:
        session.execute(update(Appeal).where(Appeal.slug == slug).values(section_code="fr"))
        appeal_id = session.scalars(select(Appeal.id).where(Appeal.slug == slug)).one()
    signature_id = confirm_at(store_signer(appeal_id, payload), START)
    scope = Scope(editor, Role.EDITOR, "fr")
    text = payload.replace("\x00", "")
    writing = context(START, staff_actor(scope))
    # Names with control characters are refused.
    words = AnnouncementWording(clean(text, lines=False)[:100] or "x", clean(text) or "x")
    update_id = create_draft(appeal_id, AnnouncementKind.UPDATE, Audience("fr"), {"en": words}, context=writing)
    act = invalidate.add_invalidation(Criteria(pattern="signer"), appeal_id, context=context(START, staff_actor(scope)))
    invalidate.advance(context=context(), only=act)
    with transaction() as session:
        session.execute(update(Signature).where(Signature.id == signature_id).values(shares_name=True))
        mails = update(Mail).where(Mail.signature_id == signature_id)
        session.execute(mails.values(state="dead", phase="rcpt", code=550, detail=text))
    for page in SitePage:
        write_site_text(page, "en", text, context=context())
    return HostileCase(slug, update_id, act)


@dataclass
class PageInspector:
    """A browser that opens pages for any client, and notes scripts that could run."""

    tab: Tab
    bad: dict[str, list[str]] = field(default_factory=dict)

    def open_page(self, by: FlaskClient, path: str, payload: str) -> None:
        """Open one page."""
        self.tab.client = by
        found = self.tab.find_scripts(path)
        if found:
            self.bad[f"{path}: {payload}"] = found

    def open_answers(self, desk: FlaskClient, path: str, payload: str) -> None:
        """Open the answers to its forms, filled with the payload."""
        for count, (kind, content) in enumerate(sent_forms(desk, path, payload)):
            if kind == "text/html":
                self.tab.bodies[f"/typed/{count}"] = ("text/html; charset=utf-8", content)
                self.open_page(desk, f"/typed/{count}", payload)
        self.tab.bodies.clear()


def check_exports(desk: FlaskClient, slug: str, payload: str) -> int:
    """Check that no cell begins a formula, the name is unchanged and no PDF has actions; return the number of cells."""
    read = exported_rows(desk, _AppealSlug(slug), reason=f"For {payload}"[:500])  # type: ignore[arg-type]
    cells = [cell for row in read for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(FORMULAS)], payload
    assert payload[:200] in map(unescape_cell, cells), payload
    for path in ("texts/en/letter.pdf", "sheet/print.pdf"):
        assert is_harmless(desk.get(f"/staff/appeals/{slug}/{path}"), payload)
    return len(cells)


# Escaping does not depend on the database.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_payload_runs_on_any_staff_page(
    app: Flask,
    tab: Tab,  # noqa: F811  the fixture
    client: FlaskClient,
    figure: Figure,
) -> None:
    editor = join_staff(app, EDITOR, Role.EDITOR)
    join_staff(app, ADMIN, Role.ADMIN)
    admin, eyes = log_in(app, ADMIN), PageInspector(tab)
    tried, cells = payloads()[TRIED_PAYLOADS], 0
    for number, payload in enumerate(tried):
        case = make_case(payload, number, editor)
        clear_caches(app)
        desk = log_in_later(app, EDITOR)  # some pages ask for the password again after a while
        paths = [f"/staff/{page.format(slug=case.slug, n=case.announcement, i=case.invalidation)}" for page in PAGES]
        for path in paths:
            eyes.open_page(desk, path, payload)
        cells += check_exports(desk, case.slug, payload)
        for path in paths:
            eyes.open_answers(desk, path, payload)
        stop(case.slug, context=context(), outcome={"en": payload.replace("\x00", "")})
        clear_caches(app)
        for path in ("privacy", "imprint", "accessibility", f"appeals/{case.slug}"):
            eyes.open_page(client, f"/en/{path}", payload)
        for path in ADMINS:
            eyes.open_page(admin, f"/staff/{path}", payload)
    with transaction() as session:
        session.add(QueuePause(is_open=True, began_at=START, probe_at=START, phase="auth", code=535, detail=tried[0]))
    for path in (*LISTS, "outbox"):
        eyes.open_page(admin, f"/staff/{path}", "all")
    figure("5 input: staff room: payloads / pages looked at / run", f"{len(tried)}/{tab.seen}/{len(eyes.bad)}", "0 run")
    figure("5 input: CSV: cells read, none of which begins a formula", cells, "all")
    assert eyes.bad == {}


@dataclass
class _AppealSlug:
    """The part of an appeal that `rows` reads."""

    slug: str


def test_forms_are_found_with_their_fields() -> None:
    page = "<form method=post action=x><input name=a><input type=hidden name=t value=1><textarea name=b></textarea>"
    (form,) = Forms(page + "<select name=c><option value=1><option value=2 selected></select></form>").forms
    assert (form.typed, form.values) == (["a", "b"], {"t": "1", "c": "2"})
