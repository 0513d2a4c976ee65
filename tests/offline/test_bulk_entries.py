"""Bulk entries of actions outside the site: counted with evidence "bulk", undone, and only in the own section."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from campaign.document import parse_text
from campaign.domain.counting.channel import ENTERABLE_CHANNELS, Channel
from campaign.domain.errors import InputError
from campaign.domain.offline.bulk_entry import UnusualQuantityError, read_quantity, refuse_unusual
from campaign.domain.staff.roles import Role
from campaign.models import Action, AuditEntry, BulkEntry
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import counts
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish, stop
from campaign.services.counting.rollup import roll_up
from campaign.services.counting.verify import verify_counts
from tests.conftest import DAY, DOCUMENT, Clock, context
from tests.staff.staff_clients import csrf, log_in_later, staff_client

# Only in the whole gate; the quick part has enough tests of the staff pages.
pytestmark = pytest.mark.slow

TYPED = {"quantity": "120", "channel": "letter", "day": "2026-03-01", "place": "Lyon", "note": "market stall"}


@pytest.fixture
def editor(app: Flask) -> FlaskClient:
    """Return the browser of a French editor, who may make entries."""
    return staff_client(app, Role.EDITOR)


def entries_page(appeal: AppealView) -> str:
    return f"/staff/appeals/{appeal.slug}/bulk-entries"


def send_entry(browser: FlaskClient, appeal: AppealView, **changes: str) -> TestResponse:
    token = csrf(browser.get(entries_page(appeal)))
    return browser.post(entries_page(appeal), data={**TYPED, **changes, "csrf_token": token})


def bulk_total(appeal: AppealView) -> int:
    current_counts = counts(appeal.id).by_evidence["bulk"]
    db.session.rollback()
    return current_counts


def newest_entry() -> BulkEntry:
    entry = db.session.scalars(select(BulkEntry).order_by(BulkEntry.id.desc())).first()
    assert entry is not None
    db.session.expunge(entry)  # so that reading its values later begins no transaction
    db.session.rollback()
    return entry


def test_an_entry_counts_as_bulk_for_the_own_section(editor: FlaskClient, appeal: AppealView) -> None:
    assert send_entry(editor, appeal).status_code == 303
    current_counts = counts(appeal.id)
    assert (current_counts.by_evidence, current_counts.signatures) == ({"verified": 0, "reported": 0, "bulk": 120}, 0)
    assert current_counts.by_section["fr"].by_channel == {"letter": 120}
    assert newest_entry().happened_on == date(2026, 3, 1)
    assert verify_counts() == []
    page = editor.get(entries_page(appeal)).text
    assert "Lyon" in page
    assert "market stall" in page
    assert "120" in editor.get(f"/staff/appeals/{appeal.slug}").text


def test_an_undone_entry_is_not_counted_but_still_listed(editor: FlaskClient, appeal: AppealView) -> None:
    send_entry(editor, appeal)
    undo = f"{entries_page(appeal)}/{newest_entry().id}/undo"
    token = csrf(editor.get(entries_page(appeal)))
    assert editor.post(undo, data={"csrf_token": token}).status_code == 303
    assert bulk_total(appeal) == 0
    assert db.session.execute(select(func.count()).select_from(Action)).scalar_one() == 0
    db.session.rollback()
    assert verify_counts() == []
    page = editor.get(entries_page(appeal)).text
    assert "undone by editor.fr@staff.example" in page
    assert "Lyon" in page
    assert editor.post(undo, data={"csrf_token": token}).status_code == 303
    assert "undone before" in editor.get(entries_page(appeal)).text
    assert bulk_total(appeal) == 0


def test_a_late_undo_keeps_the_history_exact(editor: FlaskClient, appeal: AppealView, clock: Clock) -> None:
    send_entry(editor, appeal)
    clock.now += 10 * DAY
    roll_up(context=context(clock.now))
    log_in_later(editor.application, "editor.fr@staff.example", editor)
    token = csrf(editor.get(entries_page(appeal)))
    editor.post(f"{entries_page(appeal)}/{newest_entry().id}/undo", data={"csrf_token": token})
    assert bulk_total(appeal) == 0
    assert verify_counts() == []


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("quantity", "", "How many"),
        ("quantity", "0", "At least one"),
        ("quantity", "-5", "At least one"),
        ("quantity", "1.5", "whole number"),
        ("quantity", "many", "whole number"),
        ("quantity", "1000001", "More than a million"),
        ("quantity", "9" * 400, "More than a million"),
        ("channel", "pigeon", "choose what was done"),
        ("day", "", "On which day"),
        ("day", "2026-02-30", "no day of the calendar"),
        ("day", "yesterday", "no day of the calendar"),
        ("day", "2026-03-02", "yet to come"),
        ("day", "2026-02-28", "was not open yet"),
        ("place", "x" * 201, "too long"),
        ("note", "x" * 1001, "too long"),
    ],
)
def test_an_invalid_value_is_refused_beside_its_field(
    editor: FlaskClient, appeal: AppealView, field: str, typed: str, said: str
) -> None:
    answer = send_entry(editor, appeal, **{field: typed})
    assert answer.status_code == 422
    assert said in answer.text
    assert 'aria-invalid="true"' in answer.text
    kept = TYPED | {field: typed}
    assert f'value="{kept["place"]}"' in answer.text
    assert f'value="{kept["quantity"]}"' in answer.text
    assert bulk_total(appeal) == 0


def test_all_errors_are_shown_at_once(editor: FlaskClient, appeal: AppealView) -> None:
    answer = send_entry(editor, appeal, quantity="0", day="2099-01-01", channel="x")
    assert answer.text.count('class="wrong"') == 3


def test_more_than_ten_times_the_usual_needs_a_confirmation(editor: FlaskClient, appeal: AppealView) -> None:
    for quantity in ("20", "30", "25"):
        assert send_entry(editor, appeal, quantity=quantity).status_code == 303
    assert send_entry(editor, appeal, quantity="250").status_code == 303
    answer = send_entry(editor, appeal, quantity="5000")
    assert answer.status_code == 422
    assert "more than ten times what your section usually enters" in answer.text
    assert bulk_total(appeal) == 325
    assert send_entry(editor, appeal, quantity="5000", sure="y").status_code == 303
    assert bulk_total(appeal) == 325, "the entry waits for a second person"


def test_quantities_may_have_thousands_separators() -> None:
    assert [read_quantity(text) for text in ("1 200", "1\u202f200", "1’200", "١٢٠")] == [1200, 1200, 1200, 120]
    with pytest.raises(InputError, match="no whole number"):
        read_quantity("1.200")


def test_a_section_without_history_must_confirm_a_thousand_and_more() -> None:
    refuse_unusual(1000, [])
    with pytest.raises(UnusualQuantityError):
        refuse_unusual(1001, [3, 4])


def test_an_entry_of_another_section_is_a_404(app: Flask, editor: FlaskClient, appeal: AppealView) -> None:
    other = staff_client(app, Role.ADMIN, "be-nl")
    send_entry(other, appeal, place="Gent")
    entry = newest_entry()
    page = editor.get(entries_page(appeal)).text
    assert "Gent" not in page
    assert (
        editor.post(
            f"{entries_page(appeal)}/{entry.id}/undo", data={"csrf_token": csrf(editor.get(entries_page(appeal)))}
        ).status_code
        == 404
    )
    assert bulk_total(appeal) == 120


def test_an_entry_is_undone_only_under_its_appeal(editor: FlaskClient, appeal: AppealView) -> None:
    import_draft(parse_text(DOCUMENT), ImportOptions(slug="another"), context=context())
    publish("another", context=context())
    send_entry(editor, appeal)
    undo = {"csrf_token": csrf(editor.get(entries_page(appeal)))}
    assert editor.post(f"/staff/appeals/another/bulk-entries/{newest_entry().id}/undo", data=undo).status_code == 404
    assert bulk_total(appeal) == 120


def test_a_stopped_appeal_accepts_actions_done_before_its_end(
    editor: FlaskClient, appeal: AppealView, clock: Clock
) -> None:
    stop(appeal.slug, context=context())
    assert send_entry(editor, appeal).status_code == 303


def test_a_form_from_another_site_is_refused(editor: FlaskClient, appeal: AppealView) -> None:
    assert editor.post(entries_page(appeal), data=TYPED).status_code == 400
    assert editor.post(f"{entries_page(appeal)}/1/undo").status_code == 400
    assert bulk_total(appeal) == 0


def test_entry_and_undo_are_logged_without_the_note(editor: FlaskClient, appeal: AppealView) -> None:
    send_entry(editor, appeal, note="call jeanne@mail.example")
    editor.post(
        f"{entries_page(appeal)}/{newest_entry().id}/undo", data={"csrf_token": csrf(editor.get(entries_page(appeal)))}
    )
    said = db.session.scalars(
        select(AuditEntry).where(AuditEntry.act.startswith("entry.")).order_by(AuditEntry.id)
    ).all()
    assert [(one.act, one.section_code) for one in said] == [("entry.add", "fr"), ("entry.undo", "fr")]
    assert said[0].after == said[1].before
    assert said[0].after is not None
    assert said[0].after["quantity"] == 120
    assert "jeanne" not in str(said[0].after)
    db.session.rollback()


def test_every_channel_can_be_entered(editor: FlaskClient, appeal: AppealView) -> None:
    for channel in ENTERABLE_CHANNELS:
        assert send_entry(editor, appeal, channel=channel.value, quantity="1").status_code == 303
    refused = send_entry(editor, appeal, channel="signature", quantity="1")
    assert refused.status_code == 422, "signatures are counted only by confirmation"
    assert counts(appeal.id).by_channel == {channel.value: 1 for channel in Channel if channel != "signature"}
    assert counts(appeal.id).signatures == 0
    assert verify_counts() == []
