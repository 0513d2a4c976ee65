"""A member of staff cannot inflate the total: unusual entries need a second person and are shown separately."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from campaign.domain.counting.channel import Channel
from campaign.domain.errors import StateError
from campaign.domain.offline.bulk_entry import MAX_UNCONFIRMED, UnusualQuantityError
from campaign.domain.offline.paper_sheet import TypedRow, read_rows
from campaign.domain.staff.actor import SUPPORTER, staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import AuditEntry, BulkEntry, Staff
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import counts
from campaign.queries.sections.section import list_sections
from campaign.services.appeals.lifecycle import close
from campaign.services.counting.verify import verify_counts
from campaign.services.offline.bulk_entry import confirm_bulk_entry
from campaign.services.offline.paper_sheet import SheetEntry, enter_sheet, sign_sheet_rows
from campaign.services.outbox.target_mailboxes import TargetMailboxes
from campaign.services.signing.report_action import record_report
from tests.conftest import DAY, START, Clock, Postbox, clear_caches, context, text_of
from tests.signing.signatures import sign_numbered
from tests.staff.staff_clients import csrf, join_staff, log_in

ANA, BOB, CLEO = "ana@staff.example", "bob@staff.example", "cleo@staff.example"


@pytest.fixture
def ana(app: Flask) -> FlaskClient:
    """Return the browser of an editor who enters too large numbers."""
    join_staff(app, ANA, Role.EDITOR)
    return log_in(app, ANA)


def entries_page(appeal: AppealView) -> str:
    return f"/staff/appeals/{appeal.slug}/bulk-entries"


def send_entry(
    desk: FlaskClient, appeal: AppealView, quantity: int, *, sure: bool = True, channel: str = "letter"
) -> TestResponse:
    data = {"quantity": str(quantity), "channel": channel, "day": f"{runtime().clock():%Y-%m-%d}"}
    data |= {"sure": "y"} if sure else {}
    return desk.post(entries_page(appeal), data={**data, "csrf_token": csrf(desk.get(entries_page(appeal)))})


def public_pages(app: Flask, appeal: AppealView) -> list[str]:
    """Return the English address of every public page that is the same for all visitors."""
    known = {"locale": "en", "slug": appeal.slug, "code": "fr", "country": "co", "number": "1", "section": "fr"}
    found = []
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.arguments <= known.keys():
            built = rule.build({name: known[name] for name in rule.arguments}, append_unknown=False)
            assert built is not None
            found.append(built[1])
    return [*found, f"/embed/{appeal.slug}?kind=counter&lang=en", f"/embed/{appeal.slug}?kind=form&lang=en"]


def confirm_entry(desk: FlaskClient, appeal: AppealView, entry_id: int) -> TestResponse:
    return desk.post(
        f"{entries_page(appeal)}/{entry_id}/confirm", data={"csrf_token": csrf(desk.get("/staff/account"))}
    )


def total(appeal: AppealView) -> int:
    current_counts = counts(appeal.id).total
    db.session.rollback()
    return current_counts


def newest_entry_id() -> int:
    found = db.session.scalars(select(BulkEntry.id).order_by(BulkEntry.id.desc())).first()
    db.session.rollback()
    assert found is not None
    return found


def test_999_999_actions_need_a_second_person(
    app: Flask, ana: FlaskClient, appeal: AppealView, deliver: Callable[[], object], postbox: Postbox
) -> None:
    join_staff(app, BOB, Role.EDITOR)
    join_staff(app, "be@staff.example", Role.EDITOR, "be-nl")
    deliver()
    postbox.messages.clear()
    assert send_entry(ana, appeal, 999_999, sure=False).status_code == 422
    assert send_entry(ana, appeal, 999_999).status_code == 303
    assert total(appeal) == 0
    page = ana.get(entries_page(appeal)).text
    assert "not counted yet" in page
    assert "/confirm" not in page, "the person who entered it has no button"
    confirm_entry(ana, appeal, newest_entry_id())
    assert "You entered it yourself" in ana.get(entries_page(appeal)).text
    assert total(appeal) == 0
    deliver()
    (mail,) = [message for message in postbox.messages if "large entry" in str(message["Subject"])]
    assert mail["To"] == BOB
    assert "999,999" in text_of(mail)
    assert f"{entries_page(appeal)}\n" in text_of(mail)
    bob = log_in(app, BOB)
    assert f"{newest_entry_id()}/confirm" in bob.get(entries_page(appeal)).text
    confirm_entry(bob, appeal, newest_entry_id())
    assert total(appeal) == 999_999
    assert verify_counts() == []
    assert f"confirmed by {BOB}" in ana.get(entries_page(appeal)).text
    told = select(AuditEntry.act, AuditEntry.after).where(AuditEntry.act.like("entry.%")).order_by(AuditEntry.id)
    acts = db.session.execute(told).all()
    assert [act for act, _ in acts] == ["entry.add", "entry.confirm"]
    assert acts[0][1]["waits"] is True


def test_entered_actions_are_shown_beside_the_signatures(
    app: Flask, client: FlaskClient, ana: FlaskClient, appeal: AppealView
) -> None:
    sign_numbered(appeal, "Jeanne Martin", 1)
    assert send_entry(ana, appeal, 900).status_code == 303
    clear_caches(app)
    for path in ("", "/progress"):
        page = client.get(f"/en/appeals/{appeal.slug}{path}").text
        assert "and 900 other actions (900 entered by our staff)" in page, path
    found = client.get(f"/api/v1/appeals/{appeal.slug}").json
    assert found is not None
    assert found["counts"]["by_evidence"] == {"verified": 1, "reported": 0, "bulk": 900}
    assert found["counts"]["signatures"] == 1


def test_every_page_with_a_total_shows_the_entered_actions(
    app: Flask, client: FlaskClient, ana: FlaskClient, appeal: AppealView
) -> None:
    record_report(sign_numbered(appeal, "Jeanne Martin", 1), Channel.LETTER, target=1, context=context(actor=SUPPORTER))
    assert send_entry(ana, appeal, 777).status_code == 303
    assert send_entry(ana, appeal, 55, channel="paper").status_code == 303
    clear_caches(app)
    # The total, the actions without signatures, the letters, and those entered by staff: all, letters and paper.
    numbers = re.compile(r"(?<![0-9A-Za-z#.-])(834|833|778|832|777|55)(?![0-9A-Za-z.-])")
    told = {}
    for address in public_pages(app, appeal):
        answer = client.get(address)
        if (
            answer.mimetype not in {"text/html", "application/atom+xml", "application/json"}
            or answer.status_code != 200
        ):
            continue
        told[address] = set(
            numbers.findall(re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", answer.text, flags=re.DOTALL))
        )
        if told[address] and answer.mimetype != "application/json":
            assert "entered by our staff" in answer.text, address
    with_totals = {address.partition(appeal.slug)[2] or address for address, found in told.items() if found}
    assert with_totals >= {"/progress", "/en/sections/fr", "/api/v1/appeals"}
    assert "1 signature" in client.get("/en/").text
    assert "834 actions of this section (832 entered by our staff)" in client.get("/en/sections/fr").text
    assert len(told) > 20


def test_the_progress_page_and_the_api_show_entered_actions_separately(
    app: Flask, client: FlaskClient, ana: FlaskClient, appeal: AppealView
) -> None:
    record_report(sign_numbered(appeal, "Jeanne Martin", 1), Channel.LETTER, target=1, context=context(actor=SUPPORTER))
    page = client.get(f"/en/appeals/{appeal.slug}/progress").text
    assert "of these entered by our staff" not in page, "without entered actions"
    db.session.rollback()
    assert send_entry(ana, appeal, 777).status_code == 303
    clear_caches(app)
    page = client.get(f"/en/appeals/{appeal.slug}/progress").text
    assert page.count("of these entered by our staff") == 3
    rows = re.findall(r"<tr>(?:(?!</tr>).)*</tr>", page, re.DOTALL)
    cells = {re.sub(r"<[^>]+>", "", row.partition("</th>")[0]): re.findall(r'"n">([^<]+)<', row) for row in rows}
    assert cells["France"] == ["1", "778", "779", "777"]
    assert cells["Letters"] == ["778", "777"]
    assert cells["Confirmed signatures"] == ["1", "0"]
    assert cells["Mar 1, 2026"] == ["1", "778", "779", "777"]
    data = client.get(f"/api/v1/appeals/{appeal.slug}").json
    assert data is not None
    assert data["counts"]["by_section"]["fr"]["by_evidence"] == {"verified": 1, "reported": 1, "bulk": 777}


def test_many_small_entries_together_are_limited_too(ana: FlaskClient, appeal: AppealView) -> None:
    for _ in range(30):
        send_entry(ana, appeal, 900)
    assert total(appeal) == 900, "the limit without history is a thousand a day"


def test_growing_entries_do_not_raise_the_usual_number(
    app: Flask, ana: FlaskClient, appeal: AppealView, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The log-in stays valid for many days.
    monkeypatch.setattr("campaign.web.staff.staff.access.is_session_alive", lambda *_, **__: True)
    largest = 0
    for _ in range(12):
        for quantity in (1_000_000, 500_000, 100_000, MAX_UNCONFIRMED, 5_000, 1_000):
            before = total(appeal)
            send_entry(ana, appeal, quantity)
            largest = max(largest, total(appeal) - before)
        clock.now += DAY
    assert largest <= MAX_UNCONFIRMED


def sheet_of(number: int, rows: int, *, country: str = "FR") -> SheetEntry:
    """Return a sheet of made-up people, each with an address."""
    letters = [chr(ord("a") + place) for place in range(26)]
    typed = [
        TypedRow(
            line + 1,
            f"Xy{letters[number]}{letters[line // 676]}{letters[line // 26 % 26]}{letters[line % 26]} Bot",
            f"b{number}x{line}@evil.example",
            country,
            "y",
        )
        for line in range(rows)
    ]
    return SheetEntry(read_rows(typed, country, ("en",)), START.date(), "", "", "en")


def enter_sheet_as(appeal: AppealView, editor_scope: Scope, entered: SheetEntry, *, sure: bool = False) -> None:
    app_runtime = runtime()
    enter_sheet(
        appeal.slug,
        entered,
        context=context(app_runtime.clock(), staff_actor(editor_scope)),
        is_sure=sure,
        is_again=False,
    )


def sign_waiting_rows() -> None:
    app_runtime = runtime()
    target_mailboxes = TargetMailboxes(app_runtime.settings)
    while sign_sheet_rows(context=context(app_runtime.clock()), target_mailboxes=target_mailboxes):
        pass


def end_appeal(appeal: AppealView) -> None:
    close(appeal.slug, context=context(runtime().clock()))


@pytest.fixture
def editor_scope(app: Flask) -> Scope:
    """Return the scope of an editor who enters sheets."""
    return Scope(join_staff(app, ANA, Role.EDITOR), Role.EDITOR, "fr")


def test_unusual_sheets_of_an_ended_appeal_need_a_confirmation(
    app: Flask, appeal: AppealView, editor_scope: Scope
) -> None:
    end_appeal(appeal)
    with pytest.raises(UnusualQuantityError):
        enter_sheet_as(appeal, editor_scope, sheet_of(0, 1001))
    db.session.rollback()
    enter_sheet_as(appeal, editor_scope, sheet_of(0, 900))
    for number in range(1, 4):
        enter_sheet_as(appeal, editor_scope, sheet_of(number, 900), sure=True)
    sign_waiting_rows()
    assert (total(appeal), verify_counts()) == (900, [])
    bob = second_editor(app, BOB)
    confirm_entry(bob, appeal, newest_entry_id())
    assert (total(appeal), verify_counts()) == (1800, [])


def test_rows_of_countries_without_a_section_count_towards_the_limit(
    appeal: AppealView, editor_scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Test without a section for the rest of the world."""
    france = tuple(section for section in list_sections() if section.code == "fr")
    db.session.rollback()
    monkeypatch.setattr("campaign.services.offline.paper_sheet.list_sections", lambda: france)
    enter_sheet_as(appeal, editor_scope, sheet_of(0, 600, country="BE"))
    with pytest.raises(UnusualQuantityError):
        enter_sheet_as(appeal, editor_scope, sheet_of(1, 600, country="BE"))
    db.session.rollback()
    sign_waiting_rows()
    assert total(appeal) == 600


def test_rows_that_become_too_late_count_towards_the_limit(
    app: Flask, appeal: AppealView, editor_scope: Scope, clock: Clock
) -> None:
    """Attack: many sheets are entered in the last minutes, so that each row becomes too late and is counted."""
    for number in range(4):
        enter_sheet_as(appeal, editor_scope, sheet_of(number, 450))
    end_appeal(appeal)
    clock.now += timedelta(hours=15)  # the next day
    sign_waiting_rows()
    assert (total(appeal), verify_counts()) == (1000, [])
    waiting = select(func.sum(BulkEntry.quantity)).where(BulkEntry.is_waiting)
    assert db.session.scalar(waiting) == 800
    assert list(db.session.scalars(select(BulkEntry.sign_ups))) == [0] * 5
    db.session.rollback()
    bob = second_editor(app, BOB)
    for entry_id in db.session.scalars(select(BulkEntry.id).where(BulkEntry.is_waiting)).all():
        db.session.rollback()
        confirm_entry(bob, appeal, entry_id)
    assert (total(appeal), verify_counts()) == (1800, [])


def test_a_second_person_confirms_the_current_count_of_a_sheet_only(
    app: Flask, appeal: AppealView, editor_scope: Scope
) -> None:
    mixed = sheet_of(0, 450)
    unmailed = [
        replace(row, line=500 + row.line, name=f"Z{row.name}", address=None) for row in sheet_of(1, 1100).sheet.rows
    ]
    mixed.sheet.rows.extend(unmailed)
    enter_sheet_as(appeal, editor_scope, mixed, sure=True)
    bob = second_editor(app, BOB)
    confirm_entry(bob, appeal, newest_entry_id())
    assert total(appeal) == 1100
    end_appeal(appeal)
    sign_waiting_rows()
    assert (total(appeal), verify_counts()) == (1100, [])
    confirm_entry(bob, appeal, newest_entry_id())
    assert (total(appeal), verify_counts()) == (1550, [])


def second_editor(app: Flask, email: str) -> FlaskClient:
    """Return the browser of a second editor."""
    join_staff(app, email, Role.EDITOR)
    return log_in(app, email)


@pytest.mark.slow
def test_two_concurrent_entries_stay_within_the_daily_limit(app: Flask, ana: FlaskClient, appeal: AppealView) -> None:
    token = csrf(ana.get(entries_page(appeal)))
    data = {"quantity": "900", "channel": "letter", "day": "2026-03-01", "sure": "y", "csrf_token": token}
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: ana.post(entries_page(appeal), data=data), range(6)))
    assert total(appeal) == 900


@pytest.mark.slow
def test_two_concurrent_confirmations_count_once(app: Flask, ana: FlaskClient, appeal: AppealView) -> None:
    send_entry(ana, appeal, 50_000)
    number, app_runtime = newest_entry_id(), runtime()
    scopes = [db.session.get_one(Staff, join_staff(app, f"p{n}@staff.example", Role.EDITOR)).scope for n in range(6)]
    db.session.rollback()

    def confirm_as(scope: Scope) -> bool:
        with app.app_context():
            try:
                confirm_bulk_entry(appeal.slug, number, context=context(app_runtime.clock(), staff_actor(scope)))
            except StateError:
                return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(confirm_as, scopes)) == 1
    assert total(appeal) == 50_000
    assert verify_counts() == []


def test_only_a_coordinator_confirms_entries_of_another_section(
    app: Flask, ana: FlaskClient, appeal: AppealView
) -> None:
    send_entry(ana, appeal, 50_000)
    join_staff(app, "be@staff.example", Role.EDITOR, "be-nl")
    assert confirm_entry(log_in(app, "be@staff.example"), appeal, newest_entry_id()).status_code == 404
    join_staff(app, CLEO, Role.COORDINATOR, "be-nl")
    cleo = log_in(app, CLEO)
    assert "Other sections" in cleo.get(entries_page(appeal)).text
    assert confirm_entry(cleo, appeal, newest_entry_id()).status_code == 303
    assert total(appeal) == 50_000
