"""Confirming targets and doubts: before publishing, by a person, and again after each change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from campaign.domain.appeals.doubt import fingerprint
from campaign.domain.errors import ConflictError, InputError, NotFoundError, StateError
from campaign.domain.staff.actor import staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import Appeal, AuditEntry, ImportedDocument, Staff, Target
from campaign.platform import db
from campaign.platform.context import Context
from campaign.queries.appeals.editor import AppealForEditing, find_for_editing
from campaign.queries.appeals.publish_blockers import publish_blockers
from campaign.services.appeals.confirm_target import confirm_doubts, confirm_target
from campaign.services.appeals.edit_targets import remove_target, write_target
from campaign.services.appeals.edit_text import write_text
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish, request_review
from tests.appeals.editing.merged_targets import DRAFT, LINES, SLUG, import_merged
from tests.conftest import START, context
from tests.staff.staff_clients import join_staff

EDITOR, REVIEWER = "editor@staff.example", "reviewer@staff.example"


def staff_id(email: str) -> int:
    return db.session.scalars(select(Staff.id).where(Staff.email == email)).one()


def staff_context(email: str) -> Context:
    scope = Scope(staff_id(email), Role.COORDINATOR, "fr")
    db.session.rollback()
    return context(START, staff_actor(scope))


@pytest.fixture
def draft(app: Flask) -> str:
    for email in (EDITOR, REVIEWER):
        join_staff(app, email, Role.COORDINATOR)
    return import_merged()


def stored() -> AppealForEditing:
    db.session.rollback()
    found = find_for_editing(SLUG)
    assert found is not None
    return found


def keys() -> list[str]:
    return [doubt.key for doubt in stored().documents["en"].doubts]


def seen(position: int = 1) -> str:
    return fingerprint(stored().targets[position])


def confirm(doubts: list[str] | None = None) -> None:
    ticked = keys() if doubts is None else doubts
    confirm_target(SLUG, 1, ticked, seen(), context=staff_context(EDITOR))


def blocker_codes() -> list[str]:
    return [blocker.code for blocker in publish_blockers(stored().appeal, now=START)]


def test_nobody_asks_for_publishing_before_targets_and_doubts_are_confirmed(draft: str) -> None:
    assert blocker_codes() == ["target-unconfirmed", "doubt-unconfirmed", "doubt-unconfirmed"]
    with pytest.raises(
        StateError, match=r"nobody has confirmed target 1 \(Minister of the Interior, Pedro Alba Montes\)"
    ):
        request_review(draft, context=staff_context(EDITOR))
    confirm()
    assert blocker_codes() == []
    request_review(draft, context=staff_context(EDITOR))
    revision = stored().appeal.revision
    assert publish(draft, context=staff_context(REVIEWER), revision=revision)


def test_publishing_is_refused_though_a_review_was_requested(draft: str) -> None:
    confirm()
    request_review(draft, context=staff_context(EDITOR))
    with db.session.begin_nested():
        db.session.query(Target).update({"confirmed_at": None})
    db.session.commit()
    with pytest.raises(StateError, match="nobody has confirmed target 1"):
        publish(draft, context=staff_context(REVIEWER), revision=stored().appeal.revision)
    assert stored().appeal.state == "draft"


def test_a_doubt_about_a_target_is_ticked_with_it(draft: str) -> None:
    about_target, about_none = keys()
    with pytest.raises(InputError) as refusal:
        confirm([])
    assert (refusal.value.field, refusal.value.code) == ("doubt", "not-ticked")
    assert stored().confirmations == {}
    confirm([about_target])
    assert blocker_codes() == ["doubt-unconfirmed"]
    confirm_doubts(draft, [about_none], context=staff_context(REVIEWER))
    confirmed = {doubt.key: doubt.confirmation for doubt in stored().documents["en"].doubts}
    assert [each and (each.staff_id, each.at) for each in confirmed.values()] == [
        (staff_id(EDITOR), START),
        (staff_id(REVIEWER), START),
    ]
    assert stored().confirmations[1].staff_id == staff_id(EDITOR)


def test_confirming_makes_no_author_and_keeps_the_revision(draft: str) -> None:
    revision = stored().appeal.revision
    confirm()
    found = stored()
    assert (found.written_by, found.appeal.revision) == ((), revision)


@pytest.mark.parametrize("change", [{"emails": ["new@interior.example"]}, {"kind": "copy"}, {"country": "PE"}])
def test_a_change_of_a_target_takes_its_confirmation_back(draft: str, change: dict[str, Any]) -> None:
    confirm()
    values = stored().targets[1]
    write_target(draft, 1, {**values, **change}, values, context=staff_context(EDITOR))
    # The doubt about the target is confirmed once more too; the one about no target stays confirmed.
    assert blocker_codes() == ["target-unconfirmed", "doubt-unconfirmed"]
    confirm()
    assert blocker_codes() == []


def test_saving_a_target_unchanged_keeps_its_confirmation(draft: str) -> None:
    confirm()
    values = stored().targets[1]
    write_target(draft, 1, values, values, context=staff_context(EDITOR))
    assert blocker_codes() == []


def test_a_new_language_gives_the_target_words_that_nobody_has_looked_at(draft: str) -> None:
    confirm()
    text = {**stored().words["en"], "headline": "ENSEIGNANTE MENACÉE"}
    write_text(draft, "fr", text, None, context=staff_context(EDITOR))
    assert "target-unconfirmed" in blocker_codes()


def test_another_document_is_looked_at_again(draft: str) -> None:
    confirm()
    import_draft(DRAFT, ImportOptions(slug=SLUG), context=context(), lines=LINES)
    assert blocker_codes() == []
    import_draft(DRAFT, ImportOptions(slug=SLUG), context=context(), lines=(*LINES, "A further line"))
    assert blocker_codes() == ["doubt-unconfirmed", "doubt-unconfirmed"]


def test_another_documents_change_of_a_target_takes_its_doubts_back(draft: str) -> None:
    french = replace(DRAFT, language="fr", warnings=(), notes=())
    import_draft(french, ImportOptions(slug=SLUG), context=context(), lines=LINES)
    confirm()
    (target,) = french.targets
    corrected = replace(french, targets=(replace(target, phones=("+57 1 555 0199",)),))
    import_draft(corrected, ImportOptions(slug=SLUG), context=context(), lines=LINES)
    assert blocker_codes() == ["target-unconfirmed", "doubt-unconfirmed"]


def test_the_lines_of_a_removed_target_are_in_no_field(draft: str) -> None:
    remove_target(draft, 1, context=staff_context(EDITOR))
    found = stored()
    assert {found.documents["en"].uses[number] for number in range(3, 10)} == {("note",)}
    assert found.documents["en"].uses[2] == ("headline",)
    assert [doubt.positions for doubt in found.documents["en"].doubts] == [(), ()]


def test_a_target_that_has_changed_meanwhile_is_not_confirmed(draft: str) -> None:
    opened = seen()
    values = stored().targets[1]
    write_target(draft, 1, {**values, "phones": ["+57 1 555 0199"]}, values, context=staff_context(REVIEWER))
    with pytest.raises(ConflictError):
        confirm_target(draft, 1, keys(), opened, context=staff_context(EDITOR))
    assert stored().confirmations == {}


def test_a_doubt_that_is_another_now_is_not_confirmed(draft: str) -> None:
    with pytest.raises(ConflictError):
        confirm_doubts(draft, ["0123456789abcdef"], context=staff_context(EDITOR))


def test_a_target_without_a_name_is_not_confirmed(draft: str) -> None:
    with db.session.begin_nested():
        target = db.session.scalars(select(Target)).one()
        target.words = {"en": {"role": None, "name": None, "address": ["Calle 1"], "salutation": None}}
    db.session.commit()
    with pytest.raises(InputError) as refusal:
        confirm()
    assert (refusal.value.field, refusal.value.code) == ("name", "missing")


def test_others_cannot_confirm(draft: str) -> None:
    opened = seen()
    for scope in (Scope(1, Role.EDITOR, "be-nl"), Scope(1, Role.VIEWER, "fr")):
        with pytest.raises(NotFoundError):
            confirm_target(draft, 1, keys(), opened, context=context(START, staff_actor(scope)))
        with pytest.raises(NotFoundError):
            confirm_doubts(draft, keys(), context=context(START, staff_actor(scope)))


def test_an_open_appeal_has_nothing_to_confirm(draft: str) -> None:
    publish(draft, context=context())
    with pytest.raises(StateError):
        confirm()


def test_a_command_counts_as_the_person_who_confirms(draft: str) -> None:
    publish(draft, context=context())
    found = stored()
    assert found.confirmations[1].staff_id is None
    assert found.confirmations[1].at == START
    assert all(doubt.confirmation for doubt in found.documents["en"].doubts)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.act == "appeal.confirm")).one()
    assert entry.after == {
        "target 1": "Minister of the Interior, Pedro Alba Montes",
        "doubts": [
            "line 7 (en): two e-mail addresses of two people (contact-note)",
            "line 15 (en): this line is in no field (unplaced-line)",
        ],
    }


def test_a_refused_command_confirms_nothing(draft: str) -> None:
    with db.session.begin_nested():
        db.session.query(Appeal).update({"deadline": None})
    db.session.commit()
    with pytest.raises(StateError, match="no deadline"):
        publish(draft, context=context())
    assert stored().confirmations == {}


def test_the_import_stores_the_lines_by_position(draft: str) -> None:
    row = db.session.scalars(select(ImportedDocument)).one()
    assert row.target_positions == [1]
    assert {"line": 10, "field": "targets.1.faxes"} in row.line_uses
    document = stored().documents["en"]
    assert document.uses[10] == ("targets.1.emails", "targets.1.faxes")
    assert [(note.text, note.position) for note in document.notes] == [("Please send copies to your section.", 1)]
    assert [(doubt.lines, doubt.positions) for doubt in document.doubts] == [((7, 10), (1,)), ((15,), ())]
