"""Moving lines of a document to another field: the words leave one value and stand in the other."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from campaign.document.draft import LineUse
from campaign.domain.errors import ConflictError, InputError, NotFoundError, StateError
from campaign.domain.staff.actor import staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import AuditEntry
from campaign.platform import db
from campaign.queries.appeals.editor import AppealForEditing, find_for_editing
from campaign.services.appeals.confirm_target import confirm_target
from campaign.services.appeals.edit_targets import write_target
from campaign.services.appeals.edit_text import write_text
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.appeals.line_moves.cut_words import DocumentLine, cut, cut_from_list, insert_in_order
from campaign.services.appeals.line_moves.move_lines import move_lines, part_fingerprints
from tests.appeals.editing.merged_targets import DRAFT, LINES, SLUG, import_merged
from tests.conftest import START, context
from tests.staff.staff_clients import join_staff


@pytest.fixture
def draft(app: Flask) -> str:
    return import_merged()


def stored() -> AppealForEditing:
    db.session.rollback()
    found = find_for_editing(SLUG)
    assert found is not None
    return found


def seen() -> dict[str, str]:
    found = stored()
    return part_fingerprints(found.words["en"], found.targets)


def move(numbers: list[int], to: str, expected: dict[str, str] | None = None) -> int | None:
    return move_lines(SLUG, "en", numbers, to, seen() if expected is None else expected, context=context())


def words(position: int) -> dict[str, Any]:
    found: dict[str, Any] = stored().targets[position]["words"]["en"]
    return found


def test_a_merged_target_is_parted_in_one_act(draft: str) -> None:
    assert move([7, 8, 9, 10], "targets.0") == 2
    found = stored()
    assert words(1) == {
        "role": "Minister of the Interior",
        "name": "Pedro Alba Montes",
        "address": ["Calle Ejemplo 1"],
        "salutation": None,
    }
    assert (found.targets[1]["emails"], found.targets[1]["faxes"]) == (["minister@interior.example"], [])
    assert words(2) == {
        "role": "Attorney General",
        "name": None,
        "address": ["Lucía Rey Paz", "Carrera Muestra 9"],
        "salutation": None,
    }
    assert (found.targets[2]["emails"], found.targets[2]["faxes"]) == (["fiscal@justice.example"], ["+57 1 555 0100"])
    assert (found.targets[2]["kind"], found.targets[2]["country"]) == ("primary", "CO")
    assert found.documents["en"].uses[7] == ("targets.2.role",)
    assert found.documents["en"].uses[10] == ("targets.2.emails", "targets.2.faxes")


def test_a_line_goes_to_a_named_field(draft: str) -> None:
    move([7, 8, 9, 10], "targets.0")
    move([8], "targets.2.name")
    assert words(2)["name"] == "Lucía Rey Paz"
    assert words(2)["address"] == ["Carrera Muestra 9"]
    assert stored().documents["en"].uses[8] == ("targets.2.name",)


def test_lines_keep_the_order_of_the_document(draft: str) -> None:
    move([7, 9], "note")
    assert words(1)["address"] == ["Calle Ejemplo 1", "Lucía Rey Paz"]
    move([9], "targets.1.address")
    move([7], "targets.1.address")
    assert words(1)["address"] == ["Calle Ejemplo 1", "Attorney General", "Lucía Rey Paz", "Carrera Muestra 9"]


def test_moving_there_and_back_changes_nothing(draft: str) -> None:
    before = stored()
    move([7, 8, 9, 10], "targets.0")
    move([7, 8, 9], "targets.1.address")
    move([10], "targets.1")
    found = stored()
    assert found.targets == before.targets
    assert found.documents["en"].uses[9] == before.documents["en"].uses[9]


@pytest.mark.parametrize(
    ("to", "name", "value"),
    [
        ("headline", "headline", "TEACHER THREATENED Please send copies to your section."),
        ("summary", "summary", "Please send copies to your section."),
        ("paragraphs", "paragraphs", ["I fear for the life of Ana Ruiz Vega.", "Please send copies to your section."]),
        ("closing", "closing", "Please send copies to your section. Yours sincerely,"),
        ("talking_points", "talking_points", ["Please send copies to your section."]),
        ("background", "background", "Please send copies to your section.\n\nThe school stands in the hills."),
        (
            "people",
            "people",
            [
                {"name": "Ana Ruiz Vega", "pronoun": "she"},
                {"name": "Please send copies to your section.", "pronoun": None},
            ],
        ),
    ],
)
def test_an_unplaced_line_goes_to_a_field_of_the_text(draft: str, to: str, name: str, value: object) -> None:
    move([15], to)
    assert stored().words["en"][name] == value
    assert stored().documents["en"].uses[15] == (to,)


def test_wrapped_lines_leave_the_letter_and_come_back_as_one_paragraph(draft: str) -> None:
    move([13, 14], "background")
    text = stored().words["en"]
    assert text["paragraphs"] == []
    assert text["background"] == "I fear for the life of Ana Ruiz Vega.\n\nThe school stands in the hills."
    move([13, 14], "paragraphs")
    text = stored().words["en"]
    assert text["paragraphs"] == ["I fear for the life of Ana Ruiz Vega."]
    assert text["background"] == "The school stands in the hills."


def test_numbers_and_addresses_are_read_out_of_the_line(draft: str) -> None:
    move([10], "targets.1.phones")
    target = stored().targets[1]
    assert (target["emails"], target["faxes"], target["phones"]) == (
        ["minister@interior.example"],
        [],
        ["+57 1 555 0100"],
    )
    with pytest.raises(InputError) as refusal:
        move([5], "targets.1.emails")
    assert (refusal.value.field, refusal.value.code) == ("to", "no-contact")


def test_a_target_without_anything_left_is_removed(draft: str) -> None:
    move([7, 8, 9, 10], "targets.0")
    move([7, 8, 9, 10], "note")
    assert list(stored().targets) == [1]


def test_a_move_takes_confirmations_back_and_makes_an_author(app: Flask, draft: str) -> None:
    before = stored()
    confirm_target(
        draft, 1, [doubt.key for doubt in before.documents["en"].doubts], _seen_target(before), context=context()
    )
    assert list(stored().confirmations) == [1]
    author = join_staff(app, "author@staff.example", Role.COORDINATOR)
    coordinator = context(START, staff_actor(Scope(author, Role.COORDINATOR, "fr")))
    move_lines(SLUG, "en", [7], "note", seen(), context=coordinator)
    found = stored()
    assert (found.confirmations, found.written_by) == ({}, (author,))
    assert [doubt.confirmation is None for doubt in found.documents["en"].doubts] == [True, False]
    assert found.appeal.revision == before.appeal.revision + 1


def _seen_target(found: AppealForEditing) -> str:
    return part_fingerprints({}, found.targets)["targets.1"]


def test_a_move_is_in_the_audit_log(draft: str) -> None:
    move([7], "note")
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.act == "appeal.move-lines")).one()
    assert entry.before is not None
    assert entry.after is not None
    assert set(entry.before) == {"target 1 words"}
    assert entry.after["lines"] == ["7: Attorney General"]
    assert "Attorney General" not in str(entry.after["target 1 words"])


def test_a_parallel_edit_of_the_same_value_is_not_overwritten(draft: str) -> None:
    opened = seen()
    values = stored().targets[1]
    write_target(draft, 1, {**values, "phones": ["+57 1 555 0199"]}, values, context=context())
    for to in ("targets.0", "note", "targets.1.role"):
        with pytest.raises(ConflictError):
            move([7], to, opened)
    assert stored().targets[1]["phones"] == ["+57 1 555 0199"]
    assert len(stored().targets) == 1


def test_a_parallel_edit_of_another_value_does_not_disturb(draft: str) -> None:
    opened = seen()
    text = stored().words["en"]
    write_text(draft, "en", {**text, "closing": "Respectfully,"}, text, context=context())
    move([7], "note", opened)
    assert words(1)["address"] == ["Calle Ejemplo 1", "Lucía Rey Paz", "Carrera Muestra 9"]
    with pytest.raises(ConflictError):
        move([15], "headline", opened)
    assert stored().words["en"]["closing"] == "Respectfully,"


@pytest.mark.parametrize(
    ("numbers", "to", "field", "code"),
    [
        ([], "note", "lines", "missing"),
        ([11], "note", "lines", "missing"),
        ([99], "note", "lines", "missing"),
        ([7], "", "to", "missing"),
        ([7], "targets.5.role", "to", "unknown"),
        ([7], "targets.1.kind", "to", "unknown"),
        ([7], "deadline", "to", "unknown"),
    ],
)
def test_an_impossible_move_is_refused(draft: str, numbers: list[int], to: str, field: str, code: str) -> None:
    with pytest.raises(InputError) as refusal:
        move(numbers, to)
    assert (refusal.value.field, refusal.value.code) == (field, code)


def test_others_cannot_move_and_nobody_in_an_open_appeal(draft: str) -> None:
    expected = seen()
    for scope in (Scope(7, Role.EDITOR, "be-nl"), Scope(7, Role.VIEWER, "fr")):
        with pytest.raises(NotFoundError):
            move_lines(SLUG, "en", [7], "note", expected, context=context(START, staff_actor(scope)))
    with pytest.raises(NotFoundError):
        move_lines(SLUG, "de", [7], "note", expected, context=context())
    publish(draft, context=context())
    with pytest.raises(StateError):
        move([7], "note", expected)


def line(text: str, number: int = 1) -> DocumentLine:
    return DocumentLine.read(number, text)


@pytest.mark.parametrize(
    ("value", "text", "left", "piece"),
    [
        ("Minister of Justice", "Minister of Justice", "", "Minister of Justice"),
        ("Minister", "**Minister**, Street 1, Town", "", "Minister"),
        ("One two three. Four five. Six.", "- Four five.", "One two three. Six.", "Four five"),
        ("I am **sure** of it. The end", "I am *sure* of it.", "The end", "I am **sure** of it"),
        ("Ministers", "Minister", "Ministers", ""),
        ("Ministère de la Justice", "MINISTERE DE LA JUSTICE", "", "Ministère de la Justice"),
        ("وزير العدل", "وزير العدل", "", "وزير العدل"),
        ("anything", "***", "anything", ""),
        ("- One\n- Two\n- Three", "- Two", "- One\n- Three", "Two"),
    ],
)
def test_words_are_cut_out_of_a_value(value: str, text: str, left: str, piece: str) -> None:
    assert cut(value, line(text)) == (left, piece)


def test_an_item_of_several_lines_stays_for_the_other_line() -> None:
    items = ["Palace", "Astana", "Kazakhstan"]
    moved, other = line("Palace, Astana, Kazakhstan"), line("Embassy, Kazakhstan", 2)
    assert cut_from_list(items, moved, [other]) == (["Kazakhstan"], ["Palace", "Astana"])
    assert cut_from_list(items, line("Astana"), [other]) == (["Palace", "Kazakhstan"], ["Astana"])


def test_items_are_inserted_in_the_order_of_the_lines() -> None:
    sources = [line("First", 1), line("Third", 3)]
    assert insert_in_order(["First", "Third"], ["Second"], 2, sources) == ["First", "Second", "Third"]
    assert insert_in_order(["First", "Third"], ["Fourth"], 4, sources) == ["First", "Third", "Fourth"]
    assert insert_in_order(["First", "Third"], ["Third"], 2, sources) == ["First", "Third"]


def test_a_very_long_document_is_compared_and_moved_in_time(app: Flask) -> None:
    paragraphs = [f"Paragraph {number} of the background says what happened then." for number in range(9_000)]
    lines = (*LINES, *paragraphs)
    uses = (*DRAFT.line_uses, *(LineUse(len(LINES) + 1 + number, "background") for number in range(9_000)))
    long_draft = replace(DRAFT, background="\n\n".join([DRAFT.background or "", *paragraphs[:600]]), line_uses=uses)
    import_draft(long_draft, ImportOptions(slug=SLUG), context=context(), lines=lines)
    began_at = time.perf_counter()
    move(list(range(20, 60)), "summary")
    move([20], "background")
    assert time.perf_counter() - began_at < 5
    background = stored().words["en"]["background"]
    assert background.startswith(f"{DRAFT.background}\n\n{paragraphs[0]}\n\n{paragraphs[1]}\n\n{paragraphs[2]}")
    assert paragraphs[3] not in background
