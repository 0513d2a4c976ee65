"""With a million signatures, no query and no statement of a hot path scans a growing table."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Connection, event, select, text, update

from campaign.domain.abuse.challenge import SolvedChallenge
from campaign.domain.counting.channel import Channel
from campaign.domain.errors import NotFoundError
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.token import Link
from campaign.domain.staff.actor import OPERATOR, SUPPORTER, SYSTEM
from campaign.domain.staff.roles import Role, Scope
from campaign.factory import create_app
from campaign.mail.extension import mail
from campaign.models import Announcement, Mail, Signature
from campaign.platform import Model, db
from campaign.platform.runtime import runtime
from campaign.queries.announcements import announcement as announcement_queries
from campaign.queries.appeals import appeal as appeal_queries
from campaign.queries.appeals import appeal_list as appeal_list_queries
from campaign.queries.appeals import editor as editor_queries
from campaign.queries.appeals.publish_blockers import publish_blockers
from campaign.queries.counting import counts as counts_queries
from campaign.queries.counting import ended_appeals as ended_appeals_queries
from campaign.queries.counting import funnel as funnel_queries
from campaign.queries.counting import measures as measures_queries
from campaign.queries.counting import source as source_queries
from campaign.queries.counting import staff_counts as staff_counts_queries
from campaign.queries.delivery import mail_status as mail_status_queries
from campaign.queries.delivery import worker as worker_queries
from campaign.queries.handover import handover as handover_queries
from campaign.queries.handover import signatories as signatories_queries
from campaign.queries.moderation import confirmed_together as confirmed_together_queries
from campaign.queries.moderation import domain_history as domain_history_queries
from campaign.queries.moderation import erased as erased_queries
from campaign.queries.moderation import floods as floods_queries
from campaign.queries.moderation import moderation as moderation_queries
from campaign.queries.moderation import new_domains as new_domains_queries
from campaign.queries.moderation import reported as reported_queries
from campaign.queries.offline import bulk_entry as bulk_entry_queries
from campaign.queries.outbox import signer_mail as signer_mail_queries
from campaign.queries.privacy import month_key as month_key_queries
from campaign.queries.privacy import row_key as row_key_queries
from campaign.queries.privacy import subject_access as subject_access_queries
from campaign.queries.sections import section as section_queries
from campaign.queries.sections import site_text as site_text_queries
from campaign.queries.signing import person as person_queries
from campaign.queries.signing import sign_up as sign_up_queries
from campaign.queries.signing import signature as signature_queries
from campaign.queries.staff import accounts as accounts_queries
from campaign.queries.staff import audit as audit_queries
from campaign.services.counting.funnel_counts import count_view
from campaign.services.counting.rollup import roll_up
from campaign.services.delivery.claim import claim
from campaign.services.delivery.deliver import begin_sending
from campaign.services.delivery.dispatcher import deliver_due
from campaign.services.moderation.watch_domains import watch_domains
from campaign.services.outbox.target_mailboxes import TargetMailboxes
from campaign.services.sections.load_sections import load_sections
from campaign.services.signing.correct_signer import change_country
from campaign.services.signing.erase import erase
from campaign.services.signing.new_link import answer_link_requests, request_new_links
from campaign.services.signing.report_action import record_report, record_unsigned_report
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from campaign.services.signing.unsubscribe import unsubscribe
from campaign.services.signing.withdraw import withdraw
from tests.conftest import START, Postbox, confirm_at, context, make_database, settings_for
from tests.large import fill
from tests.nightly import size

pytestmark = [pytest.mark.slow, pytest.mark.sized]

SIGNATURES = size(100_000, nightly=1_000_000)
# Tables that grow with the signatures or with the days; a long campaign has many cells of the tally.
GROWING = {
    *("signature", "sign_up", "mailbox_limit", "consent", "mail", "action", "tombstone", "spent_solution"),
    *("funnel_count", "tally_hour"),
}
# Partial indexes, which a query for exactly their rows may read completely.
PARTIAL = {
    index.name
    for table in Model.metadata.sorted_tables
    for index in table.indexes
    if index.dialect_options["postgresql"]["where"] is not None
}
NOW = START + timedelta(days=5)
Statements = list[tuple[str, Any]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def large_app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Yield an application with a million signatures for fifty appeals; on PostgreSQL as an ordinary role."""
    folder = tmp_path_factory.mktemp("large")
    url, server = f"sqlite:///{folder}/tocsin.db", None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        url = make_database(server, "plans")
    app = create_app(settings_for(url, folder), clock=lambda: NOW)
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        load_sections(context=context())
        with foreign_keys_unchecked(server, "plans") if server else contextlib.nullcontext():
            fill(SIGNATURES, runtime().vault, start=START, span=timedelta(days=4))
        # The queried appeal has a follow-up.
        first = "(SELECT min(id) FROM appeal)"
        db.session.execute(text(f"UPDATE appeal SET follows_id = {first} + 3 WHERE id = {first} + 4"))  # noqa: S608
        db.session.commit()
        if server:
            role = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
            assert db.session.scalar(role) is False, "row-level security is part of each plan"
        yield app
        db.session.remove()
        db.engine.dispose()


@contextlib.contextmanager
def foreign_keys_unchecked(server: str, role: str) -> Iterator[None]:
    """Disable foreign key checks for new connections of the role: a million rows would need half a minute."""
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"ALTER ROLE {role} SET session_replication_role = replica")
        db.engine.dispose()
        yield
        admin.execute(f"ALTER ROLE {role} RESET session_replication_role")
        db.engine.dispose()


def statements_sent_by(work: Callable[[], object]) -> Statements:
    """Return the statements that the work sends to the database."""
    statements: Statements = []

    def record(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, is_many: bool) -> None:
        statements.append((statement, parameters[0] if is_many and isinstance(parameters, list) else parameters))

    event.listen(db.engine, "before_cursor_execute", record)
    try:
        work()
    finally:
        event.remove(db.engine, "before_cursor_execute", record)
        db.session.rollback()
    return [pair for pair in statements if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", pair[0])]


def scans(statements: Statements) -> list[str]:
    """Return each full scan of a growing table that the database plans for one of the statements."""
    with db.engine.connect() as connection:
        return [f"{table}: {sql}" for sql, values in statements for table in _planned_scans(connection, sql, values)]


def _planned_scans(connection: Connection, sql: str, values: Any) -> list[str]:
    if connection.dialect.name == "sqlite":
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
        steps = [re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", row[3]) for row in plan]
        return [step[1] for step in steps if step and step[1] in GROWING and step[2] not in PARTIAL]
    (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {sql}", values).scalar_one()
    connection.rollback()
    return list(_fully_read_tables(plan["Plan"], is_bounded=False))


def _fully_read_tables(node: dict[str, Any], *, is_bounded: bool) -> Iterator[str]:
    """Yield the growing tables that the plan reads completely, in any order, or for a policy before the first row."""
    table, kind = node.get("Relation Name"), node["Node Type"]
    is_all = kind == "Seq Scan" or (kind.startswith("Index") and "Index Cond" not in node and not is_bounded)
    if table in GROWING and is_all and node.get("Index Name") not in PARTIAL:
        yield table
    if "hashed SubPlan" in node.get("Filter", "") and table in GROWING:
        yield f"a policy of {table}"
    if node.get("One-Time Filter") == "false":
        return  # a branch for an empty list is never executed
    is_bounded = is_bounded or kind == "Limit"
    for child in node.get("Plans", []):
        yield from _fully_read_tables(child, is_bounded=is_bounded)


def _address(number: int = 1) -> Any:
    return parse_address(f"plan-{number}@mail.example")


def _sign(number: int, solved: SolvedChallenge | None = None) -> int:
    appeal = appeal_queries.find_appeal("case-1")
    assert appeal is not None
    sign_up = SignUpRequest(appeal.id, "fr", "FR", "Name", _address(number), "en", "en", 1, "stall-lyon", solved=solved)
    sign(sign_up, context=context(NOW, SUPPORTER))
    vault = runtime().vault
    digest = vault.waiting_digest(vault.address_digest(appeal.id, _address(number)))
    return int(
        db.session.execute(
            text("SELECT id FROM sign_up WHERE address_digest = :digest"), {"digest": digest}
        ).scalar_one()
    )


def _confirmed(number: int) -> int:
    return confirm_at(_sign(number), NOW)


def _waiting() -> int:
    return int(db.session.execute(text("SELECT max(id) FROM sign_up")).scalar_one())


def _seen_waiting() -> sign_up_queries.WaitingSignUpView:
    found = sign_up_queries.find_sign_up(_waiting(), runtime().vault)
    assert found is not None
    return found


def _appeal() -> int:
    return int(db.session.execute(text("SELECT min(id) + 1 FROM appeal")).scalar_one())


def _new_link() -> None:
    request_new_links(_address(), context=context(NOW, SUPPORTER))
    answer_link_requests(context=context())


def _deliver() -> None:
    with patch.object(mail, "connect", Postbox().connect):
        deliver_due(context=runtime().context(OPERATOR))


def _seen_by_staff() -> appeal_queries.AppealView:
    found = appeal_queries.find_appeal("case-1")
    assert found is not None
    return found


def _call_for_missing(ask: Callable[[], object]) -> None:
    """Call a query for an object that does not exist; its statements are examined all the same."""
    with contextlib.suppress(NotFoundError):
        ask()


COUNT_FILTER = staff_counts_queries.CountFilter(since=NOW.date(), section="fr", channel="signature")
STAFF_SCOPE = Scope(staff_id=1, role=Role.ADMIN, section="fr")


def _invalidation() -> None:
    with contextlib.suppress(NotFoundError):
        moderation_queries.find_invalidation(STAFF_SCOPE, runtime().vault, 1)


def _without_repeats(appeal: int) -> None:
    row = Announcement(appeal_id=appeal, section_code=None, locales=[], to_case=True)
    some = db.session.scalars(select(Signature).where(Signature.appeal_id == appeal).order_by(Signature.id).limit(100))
    announcement_queries.without_duplicates([(one, _address()) for one in some], row, runtime().vault)


# Queries of operators' commands, which count all rows.
COUNT_EVERYTHING = {
    "outbox.target_mailboxes.target_mailboxes",
    "privacy.processing_record.data_categories",
    "privacy.key_rotation.values_by_key",
}
# Functions that process values or build a statement, and send none to the database.
WITHOUT_STATEMENT = {
    "announcements.announcement.recipient_conditions",
    "appeals.appeal.load_appeals",
    "appeals.editor.fact_values",
    "moderation.erased.uncleared_appeals",
    "counting.funnel.rounded_funnel",
    "signing.person.domain_of",
    "signing.person.owner_domain_of",
    "signing.sign_up.origin_of",
    "signing.sign_up.check_same_address",
    "signing.sign_up.form_contents",
    "signing.sign_up.address_fingerprint",
    "appeals.editor.target_values",
    "appeals.editor.text_values",
    "appeals.line_uses.read_document_row",
    "appeals.line_uses.target_position",
    "appeals.publish_blockers.target_name",
    "sections.section.fields_of",
}
# How to call each public function of queries/; a new one is added here too (tests/code/test_queries.py checks it).
CALLS: dict[str, Callable[[int, int], object]] = {
    "delivery.worker.workers_view": lambda *_: worker_queries.workers_view(),
    "announcements.announcement.find_announcement_text": lambda *_: announcement_queries.find_announcement_text(
        1, "en"
    ),
    "announcements.announcement.find_announcement": lambda *_: announcement_queries.find_announcement(1),
    "announcements.announcement.announcements_of": lambda appeal, _: announcement_queries.announcements_of(appeal),
    "announcements.announcement.audience": lambda appeal, _: [
        announcement_queries.audience(appeal, to_case=to_case) for to_case in (False, True)
    ],
    "announcements.announcement.without_duplicates": lambda appeal, _: _without_repeats(appeal),
    "appeals.appeal.case_appeal_ids": lambda appeal, _: appeal_queries.case_appeal_ids(appeal),
    "staff.audit.audit_log": lambda *_: audit_queries.audit_log(STAFF_SCOPE, before=1000),
    "staff.audit.newest_entries": lambda *_: audit_queries.newest_entries(20),
    "delivery.mail_status.failed_mail_groups": lambda *_: mail_status_queries.failed_mail_groups(),
    "delivery.mail_status.domain_outcomes": lambda *_: mail_status_queries.domain_outcomes(runtime().vault, now=NOW),
    "counting.measures.measures": lambda *_: measures_queries.measures(),
    "appeals.appeal.find_appeal": lambda *_: appeal_queries.find_appeal("case-1"),
    "appeals.appeal.find_appeal_by_id": lambda appeal, _: appeal_queries.find_appeal_by_id(appeal),
    "appeals.publish_blockers.publish_blockers": lambda appeal, _: [
        publish_blockers(view, now=START) for view in [appeal_queries.find_appeal_by_id(appeal)] if view
    ],
    "appeals.appeal.open_appeals": lambda *_: appeal_queries.open_appeals(),
    "appeals.appeal.all_appeals": lambda *_: appeal_queries.all_appeals(),
    "appeals.appeal_list.list_appeals": lambda appeal, _: appeal_list_queries.list_appeals(
        before=appeal, words="teacher"
    ),
    "appeals.appeal_list.newest_appeals": lambda *_: appeal_list_queries.newest_appeals(included_slug="case-1"),
    "appeals.appeal.find_text": lambda appeal, _: appeal_queries.find_text(appeal, "en", 1),
    "counting.counts.counts": lambda appeal, _: counts_queries.counts(appeal),
    "counting.counts.signatures_by_appeal": lambda appeal, _: counts_queries.signatures_by_appeal((appeal, appeal + 1)),
    "counting.counts.daily_counts": lambda appeal, _: counts_queries.daily_counts(appeal),
    "offline.bulk_entry.entries": lambda appeal, _: bulk_entry_queries.entries(STAFF_SCOPE, appeal, before=9),
    "appeals.editor.find_for_editing": lambda *_: editor_queries.find_for_editing("case-1"),
    "counting.funnel.funnel": lambda appeal, _: funnel_queries.funnel(appeal, STAFF_SCOPE, section="fr", now=NOW),
    "offline.bulk_entry.is_waiting": lambda *_: bulk_entry_queries.is_waiting(1),
    "offline.bulk_entry.waiting_entries_elsewhere": lambda appeal, _: bulk_entry_queries.waiting_entries_elsewhere(
        STAFF_SCOPE, appeal
    ),
    "handover.handover.file_of": lambda *_: list(handover_queries.file_of(1, "list.csv", runtime().vault)),
    "handover.handover.find_handover": lambda appeal, _: _call_for_missing(
        lambda: handover_queries.find_handover(STAFF_SCOPE, appeal, 1)
    ),
    "handover.handover.handovers": lambda appeal, _: handover_queries.handovers(STAFF_SCOPE, appeal),
    "handover.signatories.names_to_share": lambda appeal, _: signatories_queries.names_to_share(
        appeal, "fr", runtime().vault, after_id=0, limit=100
    ),
    "handover.signatories.signatories": lambda appeal, _: list(
        signatories_queries.signatories(appeal, "fr", runtime().vault)
    ),
    "handover.signatories.signatures_by_country": lambda appeal, _: signatories_queries.signatures_by_country(
        appeal, "fr"
    ),
    "handover.signatories.signatures_of_earlier_words": lambda appeal, _: (
        signatories_queries.signatures_of_earlier_words(appeal, "fr")
    ),
    "moderation.floods.is_server_ascii_only": lambda *_: floods_queries.is_server_ascii_only(NOW),
    "counting.ended_appeals.ended_page": lambda *_: ended_appeals_queries.ended_page(1, "CO"),
    "counting.ended_appeals.ended_appeals": lambda *_: ended_appeals_queries.ended_appeals(),
    "counting.ended_appeals.ended_version": lambda *_: ended_appeals_queries.ended_version(),
    "counting.counts.counts_by_appeal": lambda appeal, _: counts_queries.counts_by_appeal((appeal, appeal + 1)),
    "moderation.floods.recent_sign_ups": lambda *_: floods_queries.recent_sign_ups(NOW),
    "moderation.floods.sections_with_sign_ups": lambda appeal, _: floods_queries.sections_with_sign_ups(appeal, NOW),
    "moderation.floods.sections_with_reports": lambda appeal, _: floods_queries.sections_with_reports(appeal, NOW),
    "privacy.subject_access.subject_access_of": lambda _, one: subject_access_queries.subject_access_of(
        one, runtime().vault
    ),
    "moderation.confirmed_together.confirmed_together": lambda *_: confirmed_together_queries.confirmed_together(
        runtime().vault, now=NOW
    ),
    "moderation.domain_history.domain_histories": lambda *_: domain_history_queries.domain_histories(
        db.session, ["one.example", "two.example"], runtime().vault
    ),
    "moderation.new_domains.new_domains": lambda *_: new_domains_queries.new_domains(
        STAFF_SCOPE, runtime().vault, now=NOW
    ),
    "moderation.erased.erased_days": lambda *_: erased_queries.erased_days(STAFF_SCOPE, now=NOW, retention_days=180),
    "moderation.reported.report_overview": lambda *_: reported_queries.report_overview(STAFF_SCOPE, now=NOW),
    "moderation.reported.find_reports": lambda *_: reported_queries.find_reports(STAFF_SCOPE, [1, 2]),
    "privacy.subject_access.waiting_sheet_rows": lambda _, one: subject_access_queries.waiting_sheet_rows(
        one, runtime().vault
    ),
    "privacy.subject_access.waiting_forms": lambda *_: subject_access_queries.waiting_forms(
        str(_address(1)), runtime().vault
    ),
    "signing.sign_up.find_sign_up": lambda *_: sign_up_queries.find_sign_up(_waiting(), runtime().vault),
    "signing.sign_up.waiting_sign_ups": lambda *_: sign_up_queries.waiting_sign_ups(_address(1), runtime().vault),
    "signing.sign_up.other_sign_ups": lambda *_: sign_up_queries.other_sign_ups(_seen_waiting(), runtime().vault),
    "signing.sign_up.newest_of_address": lambda *_: sign_up_queries.newest_of_address(_seen_waiting(), runtime().vault),
    "signing.sign_up.superseded_by": lambda *_: sign_up_queries.superseded_by(_seen_waiting(), runtime().vault),
    "delivery.mail_status.queue_pause": lambda *_: mail_status_queries.queue_pause(),
    "delivery.mail_status.unsent_mail_groups": lambda *_: mail_status_queries.unsent_mail_groups(now=NOW),
    "outbox.signer_mail.mails_of_signer": lambda _, one: _call_for_missing(
        lambda: signer_mail_queries.mails_of_signer(STAFF_SCOPE, one)
    ),
    "delivery.mail_status.outbox_for_staff": lambda *_: mail_status_queries.outbox_for_staff(),
    "delivery.mail_status.outbox_status": lambda *_: mail_status_queries.outbox_status(),
    "moderation.moderation.alerts": lambda *_: moderation_queries.alerts(now=NOW),
    "moderation.moderation.find_invalidation": lambda *_: _invalidation(),
    "moderation.moderation.open_signers": lambda _, one: moderation_queries.open_signers(
        [one], STAFF_SCOPE, runtime().vault
    ),
    "moderation.moderation.own_signature": lambda _, one: _call_for_missing(
        lambda: moderation_queries.own_signature(STAFF_SCOPE, one)
    ),
    "moderation.moderation.own_marks_of_same_address": lambda _, one: _call_for_missing(
        lambda: moderation_queries.own_marks_of_same_address(STAFF_SCOPE, runtime().vault, one)
    ),
    "moderation.moderation.own_signatures_of_same_address": lambda _, one: _call_for_missing(
        lambda: moderation_queries.own_signatures_of_same_address(STAFF_SCOPE, runtime().vault, one)
    ),
    "moderation.moderation.sample_of": lambda *_: _call_for_missing(
        lambda: moderation_queries.sample_of(STAFF_SCOPE, 1)
    ),
    "moderation.moderation.find_signer_ids": lambda *_: moderation_queries.find_signer_ids(
        STAFF_SCOPE, runtime().vault, name="Jeanne Martin", address=None
    ),
    "moderation.moderation.invalidations": lambda *_: moderation_queries.invalidations(STAFF_SCOPE, runtime().vault),
    "moderation.moderation.is_beyond_search": lambda *_: moderation_queries.is_beyond_search(STAFF_SCOPE),
    "moderation.moderation.trends": lambda *_: moderation_queries.trends(
        STAFF_SCOPE, runtime().vault, now=NOW, slug="case-1"
    ),
    "sections.site_text.site_texts": lambda *_: site_text_queries.site_texts(),
    "counting.source.source_counts": lambda appeal, _: source_queries.source_counts(appeal),
    "sections.section.find_section": lambda *_: section_queries.find_section("fr"),
    "sections.section.next_position": lambda *_: section_queries.next_position(),
    "sections.section.list_sections": lambda *_: section_queries.list_sections(),
    "staff.accounts.find_colleague": lambda *_: _call_for_missing(
        lambda: accounts_queries.find_colleague(STAFF_SCOPE, 1)
    ),
    "staff.accounts.find_staff_id": lambda *_: _call_for_missing(
        lambda: accounts_queries.find_staff_id("ana@staff.example")
    ),
    "staff.accounts.find_invited": lambda *_: accounts_queries.find_invited(Link(1, NOW, "", "")),
    "staff.accounts.find_resetting": lambda *_: accounts_queries.find_resetting(Link(1, NOW, "", "")),
    "staff.accounts.list_all_staff": lambda *_: accounts_queries.list_all_staff(),
    "staff.accounts.list_staff": lambda *_: accounts_queries.list_staff(STAFF_SCOPE),
    "counting.staff_counts.ended_appeals": lambda *_: staff_counts_queries.ended_appeals(),
    "counting.staff_counts.hourly_since": lambda *_: staff_counts_queries.hourly_since(),
    "counting.staff_counts.related_appeals": lambda *_: staff_counts_queries.related_appeals(_seen_by_staff()),
    "counting.staff_counts.appeal_summary": lambda *_: staff_counts_queries.appeal_summary(
        _seen_by_staff(), STAFF_SCOPE, time_zone="UTC", now=NOW
    ),
    "counting.staff_counts.appeal_summaries": lambda *_: staff_counts_queries.appeal_summaries(
        STAFF_SCOPE, time_zone="UTC", now=NOW
    ),
    "counting.staff_counts.history": lambda appeal, _: staff_counts_queries.history(appeal, COUNT_FILTER),
    "counting.staff_counts.totals": lambda appeal, _: staff_counts_queries.totals(appeal, COUNT_FILTER),
    "signing.person.digests_of_address": lambda *_: person_queries.digests_of_address(
        db.session, _address(), runtime().vault
    ),
    "privacy.month_key.month_digests": lambda *_: month_key_queries.month_digests(
        b"d" * 32, "signature", runtime().vault
    ),
    "privacy.row_key.seeds_of": lambda *_: row_key_queries.seeds_of(1),
    "signing.signature.digests_of_same_address": lambda _, one: signature_queries.digests_of_same_address(
        one, runtime().vault
    ),
    "signing.signature.last_consent": lambda _, one: signature_queries.last_consent(
        db.session(), db.session.get_one(Signature, one)
    ),
    "signing.signature.find_signature": lambda _, one: signature_queries.find_signature(one, runtime().vault),
    "signing.signature.signatures_of_same_address": lambda _, one: signature_queries.signatures_of_same_address(
        one, runtime().vault
    ),
}
# Counts of waiting mail by state, for operators and monitoring, not for supporters. SQLite reads only an index;
# PostgreSQL applies the row policy to each row.
COUNT_WAITING_MAIL = {
    "delivery.mail_status.outbox_for_staff",
    "delivery.mail_status.outbox_status",
    "delivery.mail_status.domain_outcomes",
    "counting.measures.measures",
}
# Queries of the cells of all open appeals, whose number does not depend on the signatures.
READ_ALL_OPEN = {"counting.staff_counts.appeal_summaries"}
EXEMPT = COUNT_WAITING_MAIL | READ_ALL_OPEN
HOT_PATHS: dict[str, Callable[[], object]] = {
    "sign": lambda: _sign(1),
    "sign again": lambda: _sign(1),
    "confirm": lambda: confirm_at(_sign(2), NOW),
    "deliver": _deliver,
    "withdraw": lambda: withdraw(_confirmed(2), context=context(NOW, SUPPORTER)),
    "erase": lambda: erase(_confirmed(2), context=context(NOW, SUPPORTER)),
    "new link": _new_link,
    "look at domains": lambda: watch_domains(batch_size=50, context=context(NOW, SYSTEM)),
    "sign with a proof": lambda: _sign(3, SolvedChallenge(bytes(32), NOW + timedelta(minutes=10))),
    "view": lambda: count_view(_appeal(), "fr", "stall-lyon", context=context(NOW, SUPPORTER)),
    "report": lambda: record_report(_confirmed(4), Channel.LETTER, target=0, context=context(NOW, SUPPORTER)),
    "report without a signature": lambda: record_unsigned_report(
        _appeal(), "fr", Channel.LETTER, target=0, networks=(b"n" * 16, b"w" * 16), context=context(NOW, SUPPORTER)
    ),
    "unsubscribe": lambda: unsubscribe(_confirmed(5), everywhere=True, context=context(NOW, SUPPORTER)),
    "change country": lambda: change_country(
        _confirmed(6), country="BE", section_code="be-fr", context=context(NOW, SUPPORTER)
    ),
    "roll_up": lambda: roll_up(context=context(NOW)),
}


def test_every_reference_to_a_growing_table_has_an_index() -> None:
    # The database looks up referencing rows itself when a row is deleted, which no plan shows.
    hanging = [
        (table.name, column.name)
        for table in Model.metadata.sorted_tables
        for column in table.columns
        if any(key.column.table.name in GROWING for key in column.foreign_keys)
    ]
    indexed = {
        (table.name, next(iter(index.columns)).name)
        for table in Model.metadata.sorted_tables
        for index in table.indexes
        if index.dialect_options["postgresql"]["where"] is None
    }
    assert hanging
    assert set(hanging) <= indexed


def test_no_query_scans_a_growing_table(large_app: Flask) -> None:
    appeal = db.session.execute(text("SELECT min(id) + 3 FROM appeal")).scalar_one()
    signature = db.session.execute(text("SELECT max(id) FROM signature")).scalar_one()
    seen = {name: statements_sent_by(lambda call=call: call(appeal, signature)) for name, call in CALLS.items()}  # type: ignore[misc]
    assert all(seen.values()), "each query sends a statement"
    assert seen.keys() >= EXEMPT
    assert {name: scans(said) for name, said in seen.items() if scans(said) and name not in EXEMPT} == {}


def test_no_statement_of_a_hot_path_scans_a_growing_table(large_app: Flask) -> None:
    seen = {name: statements_sent_by(work) for name, work in HOT_PATHS.items()}
    assert all(seen.values())
    # Nothing is rolled up yet, so the first rollup reads all rows.
    seen["roll_up"] = [one for one in seen["roll_up"] if "FROM tally_hour" not in one[0]]
    assert {name: scans(said) for name, said in seen.items() if scans(said)} == {}


def test_a_claim_neither_scans_nor_sorts_a_long_queue(large_app: Flask) -> None:
    with db.engine.begin() as connection:
        # As for an announcement: all to one domain, all due at one moment.
        values = {"state": "queued", "attempts": 0, "sent_at": None, "due_at": START, "domain_digest": bytes(32)}
        connection.execute(update(Mail).values(values))
        connection.execute(text("ANALYZE mail"))

    def claim_some() -> None:
        taken = claim(db.session(), NOW, after=b"", capacity=100, domain_limit=lambda _: 100).mails
        assert len(taken) == 100
        begin_sending(db.session(), taken, target_mailboxes=TargetMailboxes(runtime().settings), context=context(NOW))

    said = statements_sent_by(claim_some)
    assert scans(said) == []
    # The claim may sort the few domains, but no mails.
    ordered = [one for one in said if "ORDER BY mail.due_at" in one[0] and "RECURSIVE" not in one[0]]
    assert ordered
    assert not any(_plans_sort(*one) for one in ordered)
    assert scans(statements_sent_by(mail_status_queries.outbox_status)) == [f"mail: {_count_by_state()}"]


def _count_by_state() -> str:
    """Return the only statement that may read all mails: the number of mails in each state."""
    (sql, _), *_rest = statements_sent_by(mail_status_queries.outbox_status)
    assert "count(*)" in sql
    return sql


def _plans_sort(sql: str, values: Any) -> bool:
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
            return any("TEMP B-TREE" in row[3] for row in plan)
        (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {sql}", values).scalar_one()
        connection.rollback()
        return _sorts_rows(plan["Plan"], is_sorted=False)


def _sorts_rows(node: dict[str, Any], *, is_sorted: bool) -> bool:
    """Return whether rows of a growing table are sorted before a limit selects a few of them."""
    is_sorted = (is_sorted or node["Node Type"].endswith("Sort")) and node["Node Type"] != "Limit"
    is_here = is_sorted and node.get("Relation Name") in GROWING
    return is_here or any(_sorts_rows(child, is_sorted=is_sorted) for child in node.get("Plans", []))
