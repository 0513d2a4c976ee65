"""The lifecycle from a document to an ended appeal: imported once, completed, corrected, closed at its deadline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from campaign import tasks
from campaign.document import parse_text
from campaign.domain.errors import InputError, NotFoundError, StateError
from campaign.models import AuditEntry
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView, find_appeal
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import close, close_expired, publish
from campaign.services.periodic.run_once import run_once
from campaign.services.staff.audit import verify
from tests.conftest import DOCUMENT, START, Clock, context

DRAFT = parse_text(DOCUMENT)


def test_the_same_document_twice_changes_nothing(app: Flask) -> None:
    first = import_draft(DRAFT, ImportOptions(), context=context())
    again = import_draft(DRAFT, ImportOptions(), context=context())
    assert (first.slug, first.is_new) == ("ua-7-26", True)
    assert (again.slug, again.is_new, again.changes) == ("ua-7-26", False, ())


def test_a_new_slug_makes_a_new_appeal_of_the_same_document(app: Flask) -> None:
    import_draft(DRAFT, ImportOptions(), context=context())
    assert import_draft(DRAFT, ImportOptions(slug="another"), context=context()).is_new
    assert not import_draft(DRAFT, ImportOptions(slug="another"), context=context()).is_new


def test_without_slug_and_reference_the_slug_is_made_of_people_and_country(app: Flask) -> None:
    assert (
        import_draft(replace(DRAFT, reference=None), ImportOptions(), context=context()).slug
        == "ana-ruiz-vega-colombia"
    )
    with pytest.raises(InputError):
        import_draft(replace(DRAFT, reference=None, people=(), country=None), ImportOptions(), context=context())


def test_a_correction_of_an_open_appeal_is_a_new_text_version(app: Flask, appeal: AppealView) -> None:
    corrected = parse_text(DOCUMENT.replace("protect her at once", "protect her today"))
    report = import_draft(corrected, ImportOptions(slug=appeal.slug, is_confirmed=True), context=context())
    assert [change.field for change in report.changes] == ["paragraphs (en)"]
    assert report.text_version == 2
    found = find_appeal(appeal.slug)
    assert found is not None
    assert "today" in found.texts["en"].paragraphs[-1]
    assert found.revision > appeal.revision


def test_a_date_given_by_hand_survives_the_same_document(app: Flask) -> None:
    import_draft(DRAFT, ImportOptions(deadline=date(2027, 1, 1)), context=context())
    import_draft(DRAFT, ImportOptions(), context=context())
    found = find_appeal("ua-7-26")
    assert found is not None
    assert found.deadline == date(2027, 1, 1)


def test_a_second_language_adds_missing_facts_and_keeps_the_others(app: Flask, appeal: AppealView) -> None:
    target = replace(DRAFT.targets[0], role="Ministre de l'Intérieur")
    french = replace(
        DRAFT, language="fr", headline="UNE INSTITUTRICE MENACÉE", deadline=date(2026, 5, 1), targets=(target,)
    )
    report = import_draft(french, ImportOptions(slug=appeal.slug), context=context())
    assert (report.is_new, report.is_new_language) == (False, True)
    found = find_appeal(appeal.slug)
    assert found is not None
    assert found.deadline == date(2026, 4, 12)
    assert [len(found.targets_in(code)) for code in ("en", "fr")] == [1, 1]
    assert found.targets_in("fr")[0].role == "Ministre de l'Intérieur"
    assert found.targets_in("fr")[0].position == found.targets_in("en")[0].position


def test_only_a_complete_draft_is_published(app: Flask) -> None:
    slug = import_draft(replace(DRAFT, deadline=None, targets=()), ImportOptions(), context=context()).slug
    with pytest.raises(StateError, match="nobody to write to; it has no deadline"):
        publish(slug, context=context())
    with pytest.raises(NotFoundError):
        publish("nobody", context=context())
    late = import_draft(DRAFT, ImportOptions(slug="late", deadline=date(2020, 1, 1)), context=context()).slug
    with pytest.raises(StateError, match="has passed"):
        publish(late, context=context())


def test_publishing_and_closing_report_whether_they_changed_the_state(app: Flask, appeal: AppealView) -> None:
    assert publish(appeal.slug, context=context()) is False
    assert close(appeal.slug, context=context()) is True
    assert close(appeal.slug, context=context()) is False
    with pytest.raises(StateError):
        publish(appeal.slug, context=context())


def test_it_closes_when_the_last_sections_day_has_ended(app: Flask, appeal: AppealView) -> None:
    end = datetime(2026, 4, 13, 12, tzinfo=UTC)  # the end of 12 April at UTC-12
    assert close_expired(context=context(end - timedelta(seconds=1))) == []
    assert close_expired(context=context(end)) == [appeal.slug]
    assert close_expired(context=context(end)) == []


def test_the_audit_log_has_one_entry_for_the_closing_by_deadline(
    app: Flask, appeal: AppealView, clock: Clock, sync_database_clock: Callable[[], None]
) -> None:
    clock.now = datetime(2026, 4, 13, 12, tzinfo=UTC)
    sync_database_clock()
    tasks.close_expired_appeals()
    clock.now += timedelta(hours=1)
    sync_database_clock()
    tasks.close_expired_appeals()
    (entry,) = db.session.scalars(select(AuditEntry).where(AuditEntry.act == "appeal.close"))
    assert (entry.subject, entry.staff_id, entry.section_code) == (f"appeal:{appeal.slug}", None, None)
    assert (entry.before, entry.after) == ({"state": "open"}, {"state": "closed"})
    assert entry.reason == "its deadline has passed everywhere"
    db.session.rollback()
    assert verify(vault=runtime().vault).broken_at is None


def test_a_manually_closed_appeal_is_not_closed_again_at_its_deadline(app: Flask, appeal: AppealView) -> None:
    close(appeal.slug, context=context())
    assert close_expired(context=context(datetime(2026, 4, 14, tzinfo=UTC))) == []
    (entry,) = db.session.scalars(select(AuditEntry).where(AuditEntry.act == "appeal.close"))
    assert entry.reason is None


def test_a_periodic_run_is_claimed_once(app: Flask) -> None:
    done: list[int] = []
    assert run_once("job", START, lambda: done.append(1), context=context())
    assert not run_once("job", START, lambda: done.append(1), context=context())
    assert run_once("job", START + timedelta(days=1), lambda: done.append(1), context=context())
    assert len(done) == 2
