"""With a million signatures, no query of the read side and no statement of a hot path walks through a growing table."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Connection, event, select, text, update

from campaign import queries
from campaign.domain.action import Channel
from campaign.domain.address import parse_address
from campaign.domain.challenge import Solved
from campaign.domain.errors import NotFoundError
from campaign.domain.staff import Role, Scope
from campaign.domain.token import Link
from campaign.extensions import Model, db
from campaign.extensions.runtime import runtime
from campaign.factory import create_app
from campaign.models import Announcement, Mail, Signature
from campaign.services.addressees import Addressees
from campaign.services.change_country import change_country
from campaign.services.claim import claim
from campaign.services.deliver import begin
from campaign.services.dispatch import Courier, deliver_due
from campaign.services.fold import fold
from campaign.services.new_link import answer_link_requests, ask_new_links
from campaign.services.record import record, record_unsigned
from campaign.services.sections import load_sections
from campaign.services.sign import SignUp, sign
from campaign.services.steps import count_view
from campaign.services.unsubscribe import unsubscribe
from campaign.services.watch_domains import watch_domains
from campaign.services.withdraw import erase, withdraw
from tests.conftest import START, Postbox, confirm_at, make_database, settings_for
from tests.large import fill

pytestmark = pytest.mark.slow

SIGNATURES = 1_000_000
# Growing with the signatures, or with the days: tallies are cells, but of a long campaign there are many.
GROWING = {
    *("signature", "sign_up", "mailbox_limit", "consent", "mail", "action", "tombstone", "spent_solution"),
    *("tally_step", "tally_hour"),
}
# An index of some rows is read from end to end by whoever wants just these.
PARTIAL = {
    index.name
    for table in Model.metadata.sorted_tables
    for index in table.indexes
    if index.dialect_options["postgresql"]["where"] is not None
}
NOW = START + timedelta(days=5)
Statements = list[tuple[str, Any]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application on a database with a million signatures for fifty appeals; on PostgreSQL as an ordinary role."""
    folder = tmp_path_factory.mktemp("large")
    url, server = f"sqlite:///{folder}/tocsin.db", None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        url = make_database(server, "plans")
    app = create_app(settings_for(url, folder), clock=lambda: NOW)
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        load_sections(now=START, vault=runtime().vault)
        with unchecked(server, "plans") if server else contextlib.nullcontext():
            fill(SIGNATURES, runtime().vault, start=START, span=timedelta(days=4))
        # The appeal that the queries are about is followed by another.
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
def unchecked(server: str, role: str) -> Iterator[None]:
    """No connection that the role opens now looks foreign keys up: for a million rows that takes half a minute."""
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"ALTER ROLE {role} SET session_replication_role = replica")
        db.engine.dispose()
        yield
        admin.execute(f"ALTER ROLE {role} RESET session_replication_role")
        db.engine.dispose()


def statements_of(work: Callable[[], object]) -> Statements:
    """What the work says to the database."""
    found: Statements = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        found.append((statement, parameters[0] if many and isinstance(parameters, list) else parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
        db.session.rollback()
    return [one for one in found if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", one[0])]


def walks(statements: Statements) -> list[str]:
    """Each full walk through a growing table that the database plans for one of the statements."""
    with db.engine.connect() as connection:
        return [f"{table}: {sql}" for sql, values in statements for table in _walked(connection, sql, values)]


def _walked(connection: Connection, sql: str, values: Any) -> list[str]:
    if connection.dialect.name == "sqlite":
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
        steps = [re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", row[3]) for row in plan]
        return [step[1] for step in steps if step and step[1] in GROWING and step[2] not in PARTIAL]
    (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {sql}", values).scalar_one()
    connection.rollback()
    return list(_wholly_read(plan["Plan"], is_bounded=False))


def _wholly_read(node: dict[str, Any], *, is_bounded: bool) -> Iterator[str]:
    """What is read from end to end: in the order of the table or of an index, or for a policy, before the first row."""
    table, kind = node.get("Relation Name"), node["Node Type"]
    is_all = kind == "Seq Scan" or (kind.startswith("Index") and "Index Cond" not in node and not is_bounded)
    if table in GROWING and is_all and node.get("Index Name") not in PARTIAL:
        yield table
    if "hashed SubPlan" in node.get("Filter", "") and table in GROWING:
        yield f"a policy of {table}"
    if node.get("One-Time Filter") == "false":
        return  # what follows from an empty list is never run
    is_bounded = is_bounded or kind == "Limit"
    for child in node.get("Plans", []):
        yield from _wholly_read(child, is_bounded=is_bounded)


def _address(number: int = 1) -> Any:
    return parse_address(f"plan-{number}@mail.example")


def _sign(number: int, solved: Solved | None = None) -> int:
    appeal = queries.appeal.find_appeal("case-1")
    assert appeal is not None
    sign_up = SignUp(appeal.id, "fr", "FR", "Name", _address(number), "en", "en", 1, "stall-lyon", solved=solved)
    sign(sign_up, now=NOW, vault=runtime().vault, mail_domain="tocsin.example")
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


def _seen_waiting() -> queries.sign_up.WaitingView:
    found = queries.sign_up.find_waiting(_waiting(), runtime().vault)
    assert found is not None
    return found


def _appeal() -> int:
    return int(db.session.execute(text("SELECT min(id) + 1 FROM appeal")).scalar_one())


def _new_link() -> None:
    ask_new_links(_address(), now=NOW, vault=runtime().vault)
    answer_link_requests(vault=runtime().vault, mail_domain="tocsin.example")


def _deliver() -> None:
    at = runtime()
    deliver_due(Courier(at.settings, at.vault, at.tokens, Postbox))


def _seen_by_staff() -> queries.appeal.AppealView:
    found = queries.appeal.find_appeal("case-1")
    assert found is not None
    return found


def _absent(ask: Callable[[], object]) -> None:
    """What is not there is looked for all the same."""
    with contextlib.suppress(NotFoundError):
        ask()


LATE = queries.staff_counts.Filter(since=NOW.date(), section="fr", channel="signature")
STAFF = Scope(staff_id=1, role=Role.ADMIN, section="fr")


def _invalidation() -> None:
    with contextlib.suppress(NotFoundError):
        queries.moderation.find_invalidation(STAFF, runtime().vault, 1)


def _without_repeats(appeal: int) -> None:
    row = Announcement(appeal_id=appeal, section_code=None, locales=[], to_family=True)
    some = db.session.scalars(select(Signature).where(Signature.appeal_id == appeal).order_by(Signature.id).limit(100))
    queries.announcement.without_repeats([(one, _address()) for one in some], row, runtime().vault)


# For operators, by command and not by page: they count every row there is.
COUNT_EVERYTHING = {"addressees.target_mailboxes", "privacy.holdings", "sealed.sealed_by_key"}
# They look at what was read before or say what is to be asked, and ask the database nothing.
ASK_NOTHING = {
    "announcement.told",
    "appeal.load_appeals",
    "dossier.facts_of",
    "erased.kept_appeals",
    "funnel.told",
    "person.domain_of",
    "person.owner_domain_of",
    "sign_up.origin_of",
    "sign_up.refuse_another",
    "sign_up.said_by",
    "sign_up.whose",
    "dossier.target_of",
    "dossier.words_of",
    "ready.lacks",
    "section.fields_of",
}
# How to call each public function of queries/; whoever adds one adds it here (tests/code/test_queries.py looks).
CALLS: dict[str, Callable[[int, int], object]] = {
    "worker.workers_view": lambda *_: queries.worker.workers_view(),
    "announcement.find_announced": lambda *_: queries.announcement.find_announced(1, "en"),
    "announcement.find_announcement": lambda *_: queries.announcement.find_announcement(1),
    "announcement.announcements_of": lambda appeal, _: queries.announcement.announcements_of(appeal),
    "announcement.audience": lambda appeal, _: [
        queries.announcement.audience(appeal, to_family=to_family) for to_family in (False, True)
    ],
    "announcement.without_repeats": lambda appeal, _: _without_repeats(appeal),
    "appeal.family_ids": lambda appeal, _: queries.appeal.family_ids(appeal),
    "audit.audit_log": lambda *_: queries.audit.audit_log(STAFF, before=1000),
    "mail.dead_letters": lambda *_: queries.mail.dead_letters(),
    "mail.domain_outcomes": lambda *_: queries.mail.domain_outcomes(runtime().vault, now=NOW),
    "measures.measures": lambda *_: queries.measures.measures(),
    "appeal.find_appeal": lambda *_: queries.appeal.find_appeal("case-1"),
    "appeal.find_appeal_by_id": lambda appeal, _: queries.appeal.find_appeal_by_id(appeal),
    "appeal.open_appeals": lambda *_: queries.appeal.open_appeals(),
    "appeal.all_appeals": lambda *_: queries.appeal.all_appeals(),
    "appeal_list.list_appeals": lambda appeal, _: queries.appeal_list.list_appeals(before=appeal, words="teacher"),
    "appeal_list.newest_appeals": lambda *_: queries.appeal_list.newest_appeals(beside="case-1"),
    "appeal.find_text": lambda appeal, _: queries.appeal.find_text(appeal, "en", 1),
    "counts.counts": lambda appeal, _: queries.counts.counts(appeal),
    "counts.signatures_by_appeal": lambda appeal, _: queries.counts.signatures_by_appeal((appeal, appeal + 1)),
    "counts.days": lambda appeal, _: queries.counts.days(appeal),
    "entry.entries": lambda appeal, _: queries.entry.entries(STAFF, appeal, before=9),
    "dossier.find_dossier": lambda *_: queries.dossier.find_dossier("case-1"),
    "funnel.funnel": lambda appeal, _: queries.funnel.funnel(appeal, STAFF, section="fr", now=NOW),
    "entry.is_waiting": lambda *_: queries.entry.is_waiting(1),
    "entry.waiting_elsewhere": lambda appeal, _: queries.entry.waiting_elsewhere(STAFF, appeal),
    "handover.file_of": lambda *_: list(queries.handover.file_of(1, "list.csv", runtime().vault)),
    "handover.find_handover": lambda appeal, _: _absent(lambda: queries.handover.find_handover(STAFF, appeal, 1)),
    "handover.handovers": lambda appeal, _: queries.handover.handovers(STAFF, appeal),
    "handover.names_shared": lambda appeal, _: queries.handover.names_shared(appeal, "fr"),
    "signatory.names_to_share": lambda appeal, _: queries.signatory.names_to_share(
        appeal, "fr", runtime().vault, after=0, most=100
    ),
    "signatory.signatories": lambda appeal, _: list(queries.signatory.signatories(appeal, "fr", runtime().vault)),
    "signatory.signatures_by_country": lambda appeal, _: queries.signatory.signatures_by_country(appeal, "fr"),
    "signatory.signatures_of_earlier_words": lambda appeal, _: queries.signatory.signatures_of_earlier_words(
        appeal, "fr"
    ),
    "flood.is_uncarried": lambda *_: queries.flood.is_uncarried(NOW),
    "ended.ended_page": lambda *_: queries.ended.ended_page(1, "CO"),
    "ended.ended_appeals": lambda *_: queries.ended.ended_appeals(),
    "ended.ended_version": lambda *_: queries.ended.ended_version(),
    "counts.counts_by_appeal": lambda appeal, _: queries.counts.counts_by_appeal((appeal, appeal + 1)),
    "flood.lately": lambda *_: queries.flood.lately(NOW),
    "flood.sections_lately": lambda appeal, _: queries.flood.sections_lately(appeal, NOW),
    "flood.sections_reporting": lambda appeal, _: queries.flood.sections_reporting(appeal, NOW),
    "held.held_under": lambda _, one: queries.held.held_under(one, runtime().vault),
    "confirmed_together.confirmed_together": lambda *_: queries.confirmed_together.confirmed_together(
        runtime().vault, now=NOW
    ),
    "seen_domain.seen_domains": lambda *_: queries.seen_domain.seen_domains(
        db.session, ["one.example", "two.example"], runtime().vault
    ),
    "new_domains.new_domains": lambda *_: queries.new_domains.new_domains(STAFF, runtime().vault, now=NOW),
    "erased.erased_days": lambda *_: queries.erased.erased_days(STAFF, now=NOW, kept_days=180),
    "reported.reported": lambda *_: queries.reported.reported(STAFF, now=NOW),
    "reported.reports": lambda *_: queries.reported.reports(STAFF, [1, 2]),
    "held.paper_under": lambda _, one: queries.held.paper_under(one, runtime().vault),
    "held.unconfirmed_under": lambda *_: queries.held.unconfirmed_under(str(_address(1)), runtime().vault),
    "sign_up.find_waiting": lambda *_: queries.sign_up.find_waiting(_waiting(), runtime().vault),
    "sign_up.waiting_under": lambda *_: queries.sign_up.waiting_under(_address(1), runtime().vault),
    "sign_up.beside": lambda *_: queries.sign_up.beside(_seen_waiting(), runtime().vault),
    "sign_up.newest_of": lambda *_: queries.sign_up.newest_of(_seen_waiting(), runtime().vault),
    "sign_up.earlier_than": lambda *_: queries.sign_up.earlier_than(_seen_waiting(), runtime().vault),
    "mail.queue_hold": lambda *_: queries.mail.queue_hold(),
    "mail.unsent": lambda *_: queries.mail.unsent(now=NOW),
    "signer_mail.mails_of_signer": lambda _, one: _absent(lambda: queries.signer_mail.mails_of_signer(STAFF, one)),
    "mail.outbox_for_staff": lambda *_: queries.mail.outbox_for_staff(),
    "mail.outbox_status": lambda *_: queries.mail.outbox_status(),
    "moderation.alarms": lambda *_: queries.moderation.alarms(now=NOW),
    "moderation.find_invalidation": lambda *_: _invalidation(),
    "moderation.open_signers": lambda _, one: queries.moderation.open_signers([one], STAFF, runtime().vault),
    "moderation.own_signature": lambda _, one: _absent(lambda: queries.moderation.own_signature(STAFF, one)),
    "moderation.own_marks_of_same_address": lambda _, one: _absent(
        lambda: queries.moderation.own_marks_of_same_address(STAFF, runtime().vault, one)
    ),
    "moderation.own_signatures_of_same_address": lambda _, one: _absent(
        lambda: queries.moderation.own_signatures_of_same_address(STAFF, runtime().vault, one)
    ),
    "moderation.sample_of": lambda *_: _absent(lambda: queries.moderation.sample_of(STAFF, 1)),
    "moderation.signers_found": lambda *_: queries.moderation.signers_found(
        STAFF, runtime().vault, name="Jeanne Martin", address=None
    ),
    "moderation.invalidations": lambda *_: queries.moderation.invalidations(STAFF, runtime().vault),
    "moderation.is_beyond_search": lambda *_: queries.moderation.is_beyond_search(STAFF),
    "moderation.trends": lambda *_: queries.moderation.trends(STAFF, runtime().vault, now=NOW, slug="case-1"),
    "site_text.site_texts": lambda *_: queries.site_text.site_texts(),
    "source.signatures_by_source": lambda appeal, _: queries.source.signatures_by_source(appeal),
    "section.find_section": lambda *_: queries.section.find_section("fr"),
    "section.next_position": lambda *_: queries.section.next_position(),
    "section.list_sections": lambda *_: queries.section.list_sections(),
    "staff.find_colleague": lambda *_: _absent(lambda: queries.staff.find_colleague(STAFF, 1)),
    "staff.find_staff_id": lambda *_: _absent(lambda: queries.staff.find_staff_id("ana@staff.example")),
    "staff.invited_as": lambda *_: queries.staff.invited_as(Link(1, NOW, "", "")),
    "staff.resetting": lambda *_: queries.staff.resetting(Link(1, NOW, "", "")),
    "staff.list_all_staff": lambda *_: queries.staff.list_all_staff(),
    "staff.list_staff": lambda *_: queries.staff.list_staff(STAFF),
    "staff_counts.ended_appeals": lambda *_: queries.staff_counts.ended_appeals(),
    "staff_counts.hourly_since": lambda *_: queries.staff_counts.hourly_since(),
    "staff_counts.family": lambda *_: queries.staff_counts.family(_seen_by_staff()),
    "staff_counts.glance": lambda *_: queries.staff_counts.glance(_seen_by_staff(), STAFF, time_zone="UTC", now=NOW),
    "staff_counts.glances": lambda *_: queries.staff_counts.glances(STAFF, time_zone="UTC", now=NOW),
    "staff_counts.history": lambda appeal, _: queries.staff_counts.history(appeal, LATE),
    "staff_counts.totals": lambda appeal, _: queries.staff_counts.totals(appeal, LATE),
    "person.digests_everywhere": lambda *_: queries.person.digests_everywhere(db.session, _address(), runtime().vault),
    "month_key.month_digests": lambda *_: queries.month_key.month_digests(b"d" * 32, "signature", runtime().vault),
    "row_key.seeds_of": lambda *_: queries.row_key.seeds_of(1),
    "signature.digests_of_same_address": lambda _, one: queries.signature.digests_of_same_address(one, runtime().vault),
    "signature.find_signature": lambda _, one: queries.signature.find_signature(one, runtime().vault),
    "signature.signatures_of_same_address": lambda _, one: queries.signature.signatures_of_same_address(
        one, runtime().vault
    ),
}
# Counting what waits, by state, is asked by the operator and the monitor, not by supporters. SQLite reads an index
# only; on PostgreSQL the policy on rows has to see each of them.
COUNT_WHAT_WAITS = {"mail.outbox_for_staff", "mail.outbox_status", "mail.domain_outcomes", "measures.measures"}
# The cells of all open appeals: as many as there are sections, channels and days, however many have signed.
ASKS_FOR_ALL_OPEN = {"staff_counts.glances"}
EXEMPT = COUNT_WHAT_WAITS | ASKS_FOR_ALL_OPEN
HOT: dict[str, Callable[[], object]] = {
    "sign": lambda: _sign(1),
    "sign again": lambda: _sign(1),
    "confirm": lambda: confirm_at(_sign(2), NOW),
    "deliver": _deliver,
    "withdraw": lambda: withdraw(_confirmed(2), now=NOW, vault=runtime().vault),
    "erase": lambda: erase(_confirmed(2), now=NOW, vault=runtime().vault),
    "new link": _new_link,
    "look at domains": lambda: watch_domains(
        now=NOW, vault=runtime().vault, base_url="http://localhost", mail_domain="tocsin.example", batch=50
    ),
    "sign with a proof": lambda: _sign(3, Solved(bytes(32), NOW + timedelta(minutes=10))),
    "view": lambda: count_view(_appeal(), "fr", "stall-lyon", now=NOW),
    "report": lambda: record(_confirmed(4), Channel.LETTER, target=0, now=NOW),
    "report without a signature": lambda: record_unsigned(
        _appeal(), "fr", Channel.LETTER, target=0, now=NOW, vault=runtime().vault, networks=(b"n" * 16, b"w" * 16)
    ),
    "unsubscribe": lambda: unsubscribe(_confirmed(5), everywhere=True, now=NOW, vault=runtime().vault),
    "change country": lambda: change_country(
        _confirmed(6), country="BE", section_code="be-fr", now=NOW, vault=runtime().vault
    ),
    "fold": lambda: fold(now=NOW),
}


def test_what_hangs_on_a_growing_row_is_found_by_an_index() -> None:
    # The database looks it up itself when the row is deleted; no plan shows that.
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


def test_no_query_walks_through_a_growing_table(large: Flask) -> None:
    appeal = db.session.execute(text("SELECT min(id) + 3 FROM appeal")).scalar_one()
    signature = db.session.execute(text("SELECT max(id) FROM signature")).scalar_one()
    seen = {name: statements_of(lambda call=call: call(appeal, signature)) for name, call in CALLS.items()}  # type: ignore[misc]
    assert all(seen.values()), "each query says something to the database"
    assert {name: walks(said) for name, said in seen.items() if walks(said) and name not in EXEMPT} == {}


def test_no_hot_statement_walks_through_a_growing_table(large: Flask) -> None:
    seen = {name: statements_of(work) for name, work in HOT.items()}
    assert all(seen.values())
    # Here nothing has been folded yet: whoever folds it all reads it all.
    seen["fold"] = [one for one in seen["fold"] if "FROM tally_hour" not in one[0]]
    assert {name: walks(said) for name, said in seen.items() if walks(said)} == {}


def test_a_claim_reads_and_sorts_nothing_of_a_long_queue_but_what_it_takes(large: Flask) -> None:
    with db.engine.begin() as connection:
        # An announcement: all to one domain, all due at one moment.
        values = {"state": "queued", "attempts": 0, "sent_at": None, "due_at": START, "domain_digest": bytes(32)}
        connection.execute(update(Mail).values(values))
        connection.execute(text("ANALYZE mail"))

    def claim_some() -> None:
        taken = claim(db.session(), NOW, after=b"", room=100, most=lambda _: 100).taken
        assert len(taken) == 100
        begin(db.session(), taken, runtime().vault, NOW, addressees=Addressees(runtime().settings))

    said = statements_of(claim_some)
    assert walks(said) == []
    # Of what it looks at: not the few domains.
    ordered = [one for one in said if "ORDER BY mail.due_at" in one[0] and "RECURSIVE" not in one[0]]
    assert ordered
    assert not any(_sorts(*one) for one in ordered)
    assert walks(statements_of(queries.mail.outbox_status)) == [f"mail: {_counting()}"]


def _counting() -> str:
    """The one statement that may read all mails: how many there are of each state."""
    (sql, _), *_rest = statements_of(queries.mail.outbox_status)
    assert "count(*)" in sql
    return sql


def _sorts(sql: str, values: Any) -> bool:
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
            return any("TEMP B-TREE" in row[3] for row in plan)
        (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {sql}", values).scalar_one()
        connection.rollback()
        return _sorts_rows(plan["Plan"], is_sorted=False)


def _sorts_rows(node: dict[str, Any], *, is_sorted: bool) -> bool:
    """Whether rows of a growing table are sorted before a limit leaves a few of them."""
    is_sorted = (is_sorted or node["Node Type"].endswith("Sort")) and node["Node Type"] != "Limit"
    is_here = is_sorted and node.get("Relation Name") in GROWING
    return is_here or any(_sorts_rows(child, is_sorted=is_sorted) for child in node.get("Plans", []))
