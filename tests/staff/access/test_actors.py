"""The services refuse actions of staff to every actor without the role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from campaign.document import parse_text
from campaign.domain.announcements.announcement import AnnouncementKind
from campaign.domain.counting.channel import Channel
from campaign.domain.errors import InputError, NotFoundError
from campaign.domain.moderation.invalidation import Criteria
from campaign.domain.offline.paper_sheet import TypedRow, read_rows
from campaign.domain.privacy.disclosure import DisclosureKind
from campaign.domain.sections.site_page import SitePage
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import OPERATOR, SUPPORTER, SYSTEM, Actor, staff_actor
from campaign.domain.staff.roles import Permission, Role, Scope
from campaign.models import AuditEntry
from campaign.platform import db
from campaign.platform.context import Context
from campaign.queries.appeals.appeal import AppealView
from campaign.services.announcements import announce
from campaign.services.appeals import lifecycle
from campaign.services.appeals.confirm_target import confirm_doubts, confirm_target
from campaign.services.appeals.edit_facts import set_facts
from campaign.services.appeals.edit_targets import remove_target, write_target
from campaign.services.appeals.edit_text import write_text
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.line_moves.move_lines import move_lines
from campaign.services.appeals.related_appeals import follow
from campaign.services.delivery import failed_mail
from campaign.services.handover.handover import queue_handover
from campaign.services.moderation import invalidate
from campaign.services.moderation.resend import resend
from campaign.services.offline import bulk_entry
from campaign.services.offline.bulk_entry import BulkQuantity
from campaign.services.offline.paper_sheet import SheetEntry, enter_sheet
from campaign.services.privacy.disclosure import disclose
from campaign.services.privacy.on_behalf import send_links_for
from campaign.services.sections.edit_section import add_section, set_section
from campaign.services.sections.load_sections import load_sections
from campaign.services.sections.site_text import write_site_text
from campaign.services.staff import accounts
from tests.conftest import DOCUMENT, START, context

SLUG, REASON = "ana-ruiz-vega", "For the meeting"
TEXT = {"en": announce.AnnouncementWording("News", "She is free.")}
TEXT_FIELDS: dict[str, Any] = dict.fromkeys(("summary", "salutation", "closing", "background"), "")
TEXT_FIELDS |= {"headline": "H", "people": [], "paragraphs": [], "talking_points": []}
ALL_MAIL = failed_mail.FailedMailFilter()
QUANTITY = BulkQuantity(Channel.LETTER, 3, START.date(), "Market", "")
SHEET = SheetEntry(read_rows([TypedRow(1, "Jeanne", "", "FR", "y")], "FR", ("en",)), START.date(), "", "", "en")
VIEWER = staff_actor(Scope(1, Role.VIEWER, "fr"))

# The actions of staff, by name.
ACTIONS: dict[str, Callable[[AppealView, Context], object]] = {
    "import": lambda _, by: import_draft(parse_text(DOCUMENT), ImportOptions(slug="new"), context=by),
    "ask": lambda _, by: lifecycle.request_review(SLUG, context=by),
    "send back": lambda _, by: lifecycle.return_for_changes(SLUG, "", context=by),
    "publish": lambda _, by: lifecycle.publish(SLUG, context=by),
    "close": lambda _, by: lifecycle.close(SLUG, context=by),
    "stop": lambda _, by: lifecycle.stop(SLUG, context=by),
    "outcome": lambda _, by: lifecycle.set_outcome(SLUG, "en", "Free.", context=by),
    "safety": lambda _, by: lifecycle.set_safety(SLUG, risk_countries=(), initials_only=True, context=by),
    "continue": lambda _, by: lifecycle.set_continuation(SLUG, None, context=by),
    "follow": lambda _, by: follow(SLUG, None, context=by),
    "facts": lambda _, by: set_facts(SLUG, {}, {}, context=by),
    "text": lambda _, by: write_text(SLUG, "en", TEXT_FIELDS, None, context=by),
    "target": lambda _, by: write_target(SLUG, 0, {}, None, context=by),
    "confirm target": lambda _, by: confirm_target(SLUG, 1, (), "", context=by),
    "confirm doubts": lambda _, by: confirm_doubts(SLUG, (), context=by),
    "move lines": lambda _, by: move_lines(SLUG, "en", (1,), "note", {}, context=by),
    "remove target": lambda _, by: remove_target(SLUG, 1, context=by),
    "add section": lambda _, by: add_section("xx", {}, context=by),
    "set section": lambda _, by: set_section("fr", {}, {}, context=by),
    "load sections": lambda _, by: load_sections(context=by),
    "site text": lambda _, by: write_site_text(SitePage.IMPRINT, "en", "x", context=by),
    "announce": lambda one, by: announce.create_draft(
        one.id, AnnouncementKind.UPDATE, announce.Audience(), TEXT, context=by
    ),
    "invite": lambda _, by: accounts.invite(accounts.Invitation("a@staff.example", "fr", Role.ADMIN, "en"), context=by),
    "role": lambda _, by: accounts.change_account(1, role=Role.ADMIN, section="fr", active=True, context=by),
    "second factor": lambda _, by: accounts.reset_second_factor(1, context=by),
    "preferences": lambda _, by: accounts.set_preferences(2, locale="en", wants_digest=True, context=by),
    "enter": lambda _, by: bulk_entry.enter(SLUG, QUANTITY, is_sure=True, context=by),
    "ask to confirm": lambda _, by: bulk_entry.request_confirmation(1, context=by),
    "confirm entry": lambda _, by: bulk_entry.confirm_bulk_entry(SLUG, 1, context=by),
    "undo entry": lambda _, by: bulk_entry.undo(SLUG, 1, context=by),
    "sheet": lambda _, by: enter_sheet(SLUG, SHEET, is_sure=True, is_again=True, context=by),
    "count": lambda _, by: invalidate.add_invalidation(Criteria(pattern="x"), None, context=by),
    "invalidate": lambda _, by: invalidate.begin(1, REASON, context=by),
    "put back": lambda _, by: invalidate.undo(1, REASON, context=by),
    "resend": lambda _, by: resend(1, 1, expected=0, context=by),
    "retry": lambda _, by: failed_mail.retry(ALL_MAIL, context=by),
    "drop": lambda _, by: failed_mail.drop(ALL_MAIL, context=by),
    "hand over": lambda one, by: queue_handover(one, language="en", target=1, reason=REASON, context=by),
    "disclose": lambda _, by: disclose(DisclosureKind.SEARCH, "section:fr", shown=1, reason=REASON, context=by),
    "links": lambda _, by: send_links_for(parse_address("a@mail.example"), reason=REASON, context=by),
}


@pytest.mark.parametrize("actor", [SUPPORTER, VIEWER], ids=["supporter", "viewer"])
@pytest.mark.parametrize("action", ACTIONS)
def test_an_actor_without_the_role_is_refused(app: Flask, appeal: AppealView, action: str, actor: Actor) -> None:
    entries = select(func.count()).select_from(AuditEntry)
    before = db.session.execute(entries).scalar_one()
    db.session.rollback()
    with pytest.raises((NotFoundError, InputError)) as error:
        ACTIONS[action](appeal, context(actor=actor))
    assert getattr(error.value, "code", "not-yours") == "not-yours"
    db.session.rollback()
    assert db.session.execute(entries).scalar_one() == before, "no action was logged"


@pytest.mark.parametrize("permission", Permission)
def test_the_system_has_all_permissions_and_a_supporter_none(permission: Permission) -> None:
    assert [actor.may(permission) for actor in (OPERATOR, SYSTEM, SUPPORTER)] == [True, True, False]
    with pytest.raises(NotFoundError):
        SUPPORTER.require(permission)


def test_only_a_member_of_staff_has_a_section() -> None:
    assert VIEWER.staff_scope == VIEWER.scope
    for actor in (OPERATOR, SYSTEM, SUPPORTER):
        with pytest.raises(NotFoundError):
            _ = actor.staff_scope
