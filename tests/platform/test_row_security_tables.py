"""Row-level security on each table that holds a section's rows, seen by an ordinary role on PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg import sql
from sqlalchemy import Column, Table, column, delete, select, table, update
from sqlalchemy.exc import DBAPIError

from campaign.domain.announcements.announcement import AnnouncementKind
from campaign.domain.counting.channel import Channel
from campaign.domain.moderation.invalidation import Criteria
from campaign.domain.offline.paper_sheet import TypedRow, read_rows
from campaign.domain.staff.actor import staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import Mail
from campaign.platform import Model, db
from campaign.platform.database import row_security as wall
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.announcements.announce import AnnouncementWording, Audience, create_draft
from campaign.services.handover.handover import make_handover, queue_handover
from campaign.services.moderation.invalidate import add_invalidation, advance, begin
from campaign.services.offline.bulk_entry import BulkQuantity, enter
from campaign.services.offline.paper_sheet import SheetEntry, enter_sheet
from tests.announcements.announcements import TEXTS
from tests.conftest import START, context
from tests.signing.signatures import sign_numbered
from tests.staff.staff_clients import join_staff

# SQLite has no row-level security: there the filter of the queries is the only barrier.
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]

TABLES = {table.name: table for table in Model.metadata.sorted_tables}
# The parent of each table that has no column for the section.
PARENTS = {
    "consent": "signature_id",
    "mail": "signature_id",
    "sheet_row": "section_code",
    "invalidated_action": "invalidation_id",
    "handover_part": "handover_id",
    "announcement_text": "announcement_id",
}
PROTECTED_TABLES = sorted({*PARENTS, "signature", "bulk_entry", "invalidation", "handover", "announcement"})
# Tables that no staff may read: unconfirmed forms, and the numbers of mails by mailbox.
HIDDEN_TABLES = {"sign_up", "mailbox_limit"}
# Tables with rows of sections that all staff may read.
READABLE_TABLES = {
    "action": "an act that counts, without name, address or words; every role sees the counts of every section",
    "tally": "counts, which are public",
    "tally_hour": "counts, which are public",
    "funnel_count": "counts of sign-ups, without anybody's data; who coordinates compares the sections'",
    "appeal": "what is published; a draft names the section that prepares it, and coordinators of others publish it",
    "staff": "whoever logs in is looked for before a section is known; administrators look after all of them",
    "audit_entry": "one chain for all sections, read by administrators only",
    "disclosure_day": "how many names an account has opened in a day, none of them",
    "passkey": "belongs to an account, not to what a section holds",
    "staff_session": "belongs to an account, not to what a section holds",
}

Keys = dict[str, set[tuple[Any, ...]]]


@dataclass
class SectionRows:
    """The keys of the rows by table: those visible to all, and those of each section."""

    staff: Flask
    shared: Keys
    of: dict[str, Keys] = field(default_factory=dict)


def keys(table: Table) -> list[Column[Any]]:
    return list(table.primary_key.columns)


def visible_keys() -> Keys:
    """Return the keys of the rows that are visible to the current connection."""
    found = {name: {tuple(row) for row in db.session.execute(select(*keys(TABLES[name])))} for name in PROTECTED_TABLES}
    db.session.rollback()
    return found


@pytest.fixture
def section_rows(app: Flask, client: FlaskClient, appeal: AppealView) -> SectionRows:
    """Make rows of France and of Flanders in each table, a mail to staff and an announcement to all sections."""
    people = {code: join_staff(app, f"{code}@staff.example", Role.EDITOR, code) for code in ("fr", "be-nl")}
    everybody = context(START, staff_actor(Scope(people["fr"], Role.COORDINATOR, "fr")))
    create_draft(appeal.id, AnnouncementKind.UPDATE, Audience(), TEXTS, context=everybody)
    seen = visible_keys()
    found = SectionRows(app.extensions["tocsin_staff"], seen)
    for number, (code, person) in enumerate(people.items()):
        make_rows(appeal, code, Scope(person, Role.EDITOR, code), number * 10)
        now = visible_keys()
        found.of[code] = {name: now[name] - seen[name] for name in PROTECTED_TABLES}
        seen = now
    # Mail to unconfirmed addresses is visible to no section.
    waiting = {tuple(row) for row in db.session.execute(select(Mail.id).where(Mail.sign_up_id.is_not(None)))}
    db.session.rollback()
    assert waiting
    for own in (found.shared, *found.of.values()):
        own["mail"] -= waiting
    assert all(found.of[code][name] for code in people for name in PROTECTED_TABLES), found.of
    return found


def make_rows(appeal: AppealView, code: str, by: Scope, first: int) -> None:
    """Make at least one row of that section in each table."""
    app_runtime = runtime()
    for number in (1, 2):
        sign_numbered(appeal, f"Signer {code}", first + number, code, shares=number == 1)
    enter(
        appeal.slug,
        BulkQuantity(Channel.LETTER, 7, START.date(), "Market", ""),
        is_sure=False,
        context=context(START, staff_actor(by)),
    )
    sheet = read_rows([TypedRow(1, "Paper", f"paper@{code}.example", "FR", "y")], "FR", ("en",))
    entered = SheetEntry(sheet, START.date(), "Stall", "", "en")
    enter_sheet(appeal.slug, entered, context=context(START, staff_actor(by)), is_sure=True, is_again=False)
    number = queue_handover(
        appeal, language="en", target=1, reason="For the meeting", context=context(START, staff_actor(by))
    )
    assert make_handover(number, clock=app_runtime.clock, context=context())
    act = add_invalidation(
        Criteria(pattern=f"p{first + 2}@mail.example"), None, context=context(START, staff_actor(by))
    )
    advance(context=context(), only=act)
    begin(act, "a flood", context=context(START, staff_actor(by)))
    advance(context=context(), only=act)
    told = {"en": AnnouncementWording(f"To {code}", "Only you.")}
    create_draft(appeal.id, AnnouncementKind.UPDATE, Audience(code), told, context=context(START, staff_actor(by)))


@pytest.fixture
def as_french_staff(section_rows: SectionRows) -> Iterator[SectionRows]:
    """Run the test as a request of French staff."""
    with section_rows.staff.app_context(), wall.restricted_to_section("fr"):
        yield section_rows
        db.session.rollback()


def test_each_table_with_rows_of_sections_is_protected_or_listed(app: Flask) -> None:
    holds = {table_name.name for table_name in TABLES.values() if "section_code" in table_name.columns}
    while more := {name for name, table_name in TABLES.items() if name not in holds and parents_of(table_name) & holds}:
        holds |= more
    pg_class, policies = table("pg_class", column("relname"), column("relforcerowsecurity")), table(
        "pg_policies", column("tablename"), column("policyname"), column("qual")
    )  # fmt: skip
    forced = set(db.session.scalars(select(pg_class.c.relname).where(pg_class.c.relforcerowsecurity)))
    whole = select(policies.c.tablename, policies.c.qual).where(policies.c.policyname == "own_section")
    asked = {name: " ".join(said.split()) for name, said in db.session.execute(whole)}
    db.session.rollback()
    assert forced == set(PROTECTED_TABLES) | HIDDEN_TABLES
    assert set(asked) == forced
    # The policy first checks once for each statement whether all rows are visible. With two policies the planner would
    # choose their order, and workers would pay for looking up the section of each row.
    first = re.compile(r"(CASE WHEN )?\( SELECT .*current_setting")
    assert [name for name, said in asked.items() if not first.match(said)] == []
    assert holds | HIDDEN_TABLES == forced | set(READABLE_TABLES)


def parents_of(table: Table) -> set[str]:
    """Return the tables that its rows refer to, except those that all sections share."""
    return {key.column.table.name for column in table.columns for key in column.foreign_keys} - {"appeal", "section"}


def test_each_section_sees_its_own_and_the_shared_rows(section_rows: SectionRows) -> None:
    with section_rows.staff.app_context():
        for code, own in section_rows.of.items():
            with wall.restricted_to_section(code):
                assert visible_keys() == {name: section_rows.shared[name] | own[name] for name in PROTECTED_TABLES}, (
                    code
                )
        assert visible_keys() == keys_without_section(section_rows), "a connection that names no section"
    assert all(
        visible_keys()[name] >= section_rows.of["fr"][name] | section_rows.of["be-nl"][name]
        for name in PROTECTED_TABLES
    ), "a worker"


def keys_without_section(section_rows: SectionRows) -> Keys:
    assert {name for name in PROTECTED_TABLES if section_rows.shared[name]} == {
        "announcement",
        "announcement_text",
        "mail",
    }
    return section_rows.shared


@pytest.mark.parametrize("name", PROTECTED_TABLES)
def test_no_section_changes_or_deletes_rows_of_another(as_french_staff: SectionRows, name: str) -> None:
    one, own = TABLES[name], as_french_staff.of["fr"][name]
    # Mail to staff belongs to no section, and announcements to all sections to coordinators.
    mine = own | (as_french_staff.shared[name] if name == "mail" else set())
    key = keys(one)[0]
    with db.engine.connect() as connection:
        done = connection.execute(update(one).values({key.name: key}).returning(*keys(one)))
        assert {tuple(row) for row in done} == mine
        connection.rollback()
        for foreign in as_french_staff.of["be-nl"][name]:
            gone = delete(one).where(*(at == value for at, value in zip(keys(one), foreign, strict=True)))
            assert connection.execute(gone).rowcount == 0
        connection.rollback()
        where = [at == value for at, value in zip(keys(one), next(iter(own)), strict=True)]
        away = {PARENTS.get(name, "section_code"): row_of_other_section(as_french_staff, name)}
        with pytest.raises(DBAPIError, match="row-level security"):
            connection.execute(update(one).where(*where).values(away))


def row_of_other_section(section_rows: SectionRows, name: str) -> Any:
    """Return the other section, or the key of one of its rows, to refer to."""
    hangs_on = PARENTS.get(name, "section_code")
    return (
        "be-nl" if hangs_on == "section_code" else next(iter(section_rows.of["be-nl"][hangs_on.removesuffix("_id")]))[0]
    )


def test_another_role_sees_no_row_even_with_read_permission(section_rows: SectionRows, postgresql_server: str) -> None:
    name = db.engine.url.database
    url = postgresql_server.replace("/postgres?", f"/{name}?")
    count = sql.SQL("SELECT count(*) FROM {}")
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS bystander")
        admin.execute("CREATE ROLE bystander LOGIN")
        admin.execute(f"GRANT SELECT ON {', '.join(PROTECTED_TABLES)} TO bystander")
    try:
        with psycopg.connect(url.replace("postgres:@", "bystander:@")) as bystander:
            assert bystander.execute("SELECT current_user").fetchone() == ("bystander",)
            for section, own in (
                ("", {table_name: set[Any]() for table_name in PROTECTED_TABLES}),
                *section_rows.of.items(),
            ):
                bystander.execute("SELECT set_config('tocsin.section', %s, true)", (section,))
                for table_name in PROTECTED_TABLES:
                    found = bystander.execute(count.format(sql.Identifier(table_name))).fetchone()
                    assert found == (len(own[table_name] | section_rows.shared[table_name]),), (section, table_name)
    finally:
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute("DROP OWNED BY bystander")
            admin.execute("DROP ROLE bystander")
