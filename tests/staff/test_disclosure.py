"""Disclosure of names and addresses to staff, or a thief of their browser: limited, logged, and alerted."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from campaign.domain.privacy.disclosure import COUNT_COST, FILES_A_DAY, SHOWN_A_DAY, BudgetError, DisclosureKind
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER, staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import AuditEntry, DisclosureDay, Signature, Staff
from campaign.platform import db
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.privacy.disclosure import disclose
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from tests.conftest import DAY, START, Clock, Postbox, confirm_newest, context, text_of
from tests.signing.signatures import sign_numbered
from tests.staff.staff_clients import csrf, join_staff, log_in

ANA = "ana@staff.example"
REASON = "asked by letter to be found"


@pytest.fixture
def desk(app: Flask, appeal: AppealView) -> FlaskClient:
    """Return an editor's browser; two people have signed in the section."""
    sign_numbered(appeal, "Jeanne Martin", 1, shares=True)
    sign_numbered(appeal, "Jo Smit", 2)
    join_staff(app, ANA, Role.EDITOR)
    return log_in(app, ANA)


def post(desk: FlaskClient, path: str, **data: str) -> TestResponse:
    token = csrf(desk.get("/staff/account"))
    return desk.post(f"/staff{path}", data={**data, "csrf_token": token}, buffered=True)


def disclosing_requests(desk: FlaskClient, appeal: AppealView) -> dict[str, Callable[[str], TestResponse]]:
    """Return every request that shows names or addresses, by its name in the audit log."""
    act = post(desk, "/moderation/invalidations", domain="mail.example", reason=REASON).location.removeprefix("/staff")
    return {
        "names.count": lambda why: post(desk, "/moderation/invalidations", pattern="jeanne*@*", reason=why),
        "names.search": lambda why: post(desk, "/moderation/search", who="Jeanne Martin", reason=why),
        "names.preview": lambda why: post(desk, f"{act}/preview", reason=why),
        "signatures.export": lambda why: post(desk, f"/appeals/{appeal.slug}/signatures", reason=why, addresses="y"),
    }


def logged_disclosures() -> list[tuple[str, str | None]]:
    opened = (
        select(AuditEntry.act, AuditEntry.reason)
        .where(AuditEntry.act.in_(list(DisclosureKind)))
        .order_by(AuditEntry.id)
    )
    found = [(act, reason) for act, reason in db.session.execute(opened)]
    db.session.rollback()
    return found


def test_names_need_a_reason_which_is_logged(desk: FlaskClient, appeal: AppealView) -> None:
    for act, way in disclosing_requests(desk, appeal).items():
        for why in ("", " ", "abc"):
            refused = way(why)
            assert refused.status_code == 422, act
            assert "Jeanne Martin" not in refused.text.replace('value="Jeanne Martin"', ""), act
        before = logged_disclosures()
        shown = way(REASON)
        if act != "names.count":
            assert shown.status_code == 200, act
            assert "Jeanne Martin" in shown.text
            assert "p1@mail.example" in shown.text
        assert logged_disclosures() == [*before, (act, REASON)]


def test_no_page_shows_a_name_without_a_request_for_it(desk: FlaskClient, appeal: AppealView) -> None:
    act = post(desk, "/moderation/invalidations", domain="mail.example", reason=REASON).location
    for path in ("/staff/", "/staff/moderation", act, f"/staff/appeals/{appeal.slug}", "/staff/outbox"):
        page = desk.get(path).text
        for name in ("Jeanne", "Smit", "p1@mail", "p2@mail"):
            assert name not in page, path


def test_an_old_log_in_must_repeat_the_password(
    desk: FlaskClient, appeal: AppealView, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = disclosing_requests(desk, appeal)
    monkeypatch.setattr("campaign.web.staff.staff.access.time", lambda: time.time() + 16 * 60)
    before = logged_disclosures()
    for act, way in found.items():
        assert way(REASON).location.startswith("/staff/verify"), act
    assert logged_disclosures() == before


def test_copying_page_by_page_is_stopped_and_colleagues_are_alerted(
    app: Flask, desk: FlaskClient, appeal: AppealView, clock: Clock, deliver: Callable[[], object], postbox: Postbox
) -> None:
    join_staff(app, "cleo@staff.example", Role.COORDINATOR)
    deliver()
    postbox.messages.clear()
    search = disclosing_requests(desk, appeal)["names.search"]
    spend(shown=SHOWN_A_DAY - COUNT_COST - 1)
    assert search(REASON).status_code == 200
    refused = search(REASON)
    assert refused.status_code == 429
    assert "p1@mail.example" not in refused.text
    assert "as one person may" in refused.text
    deliver()
    (alert,) = [message for message in postbox.messages if "names and addresses" in str(message["Subject"])]
    assert alert["To"] == "cleo@staff.example"
    assert "staff:" in text_of(alert)
    last = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert last is not None
    assert (last.act, last.after) == ("names.search", {"people": 1, "refused": True})
    db.session.rollback()
    clock.now += DAY
    spend(shown=1)  # the next day has a new budget


def test_no_number_reveals_an_address(desk: FlaskClient, appeal: AppealView) -> None:
    """Refuse an attack by patterns that grow by a letter, with the number of matches as the answer."""
    sign_numbered(appeal, "Zoe Quill", 3)
    context_after_search = ("p3*@mail.example", "pq*@mail.example", "zzz*@*", "p3@mail.example", "p1@mail.example")
    said = set()
    for pattern in context_after_search:
        page = desk.get(post(desk, "/moderation/invalidations", pattern=pattern, reason=REASON).location).text
        said.add(re.sub(r"[0-9a-f]{40,}|[-_.\w]{80,}|invalidations/\d+", "", page).replace(pattern, ""))
        db.session.rollback()
    assert len(said) == 1, "one, two and no matches have the same answer"
    listed = desk.get("/staff/moderation").text
    assert listed.count("under 5") == len(context_after_search)
    assert logged_disclosures() == [("names.count", REASON)] * len(context_after_search)
    assert db.session.scalars(select(DisclosureDay.shown)).one() == COUNT_COST * len(context_after_search)
    db.session.rollback()
    spend(shown=SHOWN_A_DAY - COUNT_COST * (len(context_after_search) + 1) + 1)
    refused_answer = post(desk, "/moderation/invalidations", pattern="p3*@mail.example", reason=REASON)
    assert (refused_answer.status_code, "as one person may" in refused_answer.text) == (429, True)


def test_large_counts_are_shown_and_small_ones_are_not(desk: FlaskClient, appeal: AppealView) -> None:
    for number in range(3, 7):
        sign_numbered(appeal, f"Person {'ABCDEFG'[number]}", number)
    chosen = {"domain": "mail.example", "reason": REASON}
    assert "Take 6 signatures out" in desk.get(post(desk, "/moderation/invalidations", **chosen).location).text
    with transaction() as session:
        session.execute(
            update(Signature)
            .where(Signature.id == select(func.min(Signature.id)).scalar_subquery())
            .values(state="pending", confirmed_at=None)
        )
    page = desk.get(post(desk, "/moderation/invalidations", **chosen).location).text
    assert "Take 6 signatures out" in page
    assert re.search(r"that is counted</dt><dd>under 5</dd>", page), "an exact five of six would reveal the sixth"


def test_a_rare_domain_is_named_only_for_a_reason(desk: FlaskClient, appeal: AppealView) -> None:
    """Name rare domains for a reason only: the domain of a family or a person reveals that they signed."""
    for number in range(1, 7):
        sign_with(appeal, f"p{number}@many.example")
    sign_with(appeal, "zoe@zoe-quill.example")
    for path in ("/staff/moderation", "/staff/moderation/domains"):
        page = desk.get(path).text
        assert ("many.example" in page, "zoe-quill" in page) == (True, False), path
    assert post(desk, "/moderation/domains", reason=" ").status_code == 422
    assert logged_disclosures() == []
    shown = post(desk, "/moderation/domains", reason=REASON).text
    assert ("many.example" in shown, "zoe-quill.example" in shown) == (True, True)
    assert logged_disclosures() == [("names.domains", REASON)]
    assert db.session.scalars(select(DisclosureDay.shown)).one() == 2, "her address, and the two shown before"
    db.session.rollback()
    spend(shown=SHOWN_A_DAY - 3)
    refused_answer = post(desk, "/moderation/domains", reason=REASON)
    assert (refused_answer.status_code, "zoe-quill" in refused_answer.text) == (429, False)


def sign_with(appeal: AppealView, email: str) -> None:
    sign_up = SignUpRequest(appeal.id, "fr", "FR", "Some Body", parse_address(email), "en", "en", 1, None)
    sign(sign_up, context=context(actor=SUPPORTER))
    confirm_newest(START)


def test_a_search_without_a_match_spends_the_budget_too(desk: FlaskClient, appeal: AppealView) -> None:
    spend(shown=SHOWN_A_DAY - 1)
    assert post(desk, "/moderation/search", who="nobody@mail.example", reason=REASON).status_code == 200
    assert post(desk, "/moderation/search", who="nobody@mail.example", reason=REASON).status_code == 429


def test_counting_chosen_signers_needs_a_reason_and_no_budget(desk: FlaskClient, appeal: AppealView) -> None:
    page = post(desk, "/moderation/search", who="Jeanne Martin", reason=REASON)
    one = re.findall(r'name="ids" value="(\d+)"', page.text)[0]
    spend(shown=SHOWN_A_DAY - 1)
    assert post(desk, "/moderation/invalidations", ids=one).status_code == 422
    made = post(desk, "/moderation/invalidations", ids=one, reason=REASON)
    assert "Take 1 signature out" in desk.get(made.location).text
    narrowed = post(desk, "/moderation/invalidations", ids=one, pattern="p1*@mail.example", reason=REASON)
    assert narrowed.status_code == 429, "the answer would reveal that person's address"


def test_files_have_a_budget_too(desk: FlaskClient, appeal: AppealView) -> None:
    export = disclosing_requests(desk, appeal)["signatures.export"]
    spend(files=FILES_A_DAY - 1)
    assert export(REASON).mimetype == "text/csv"
    refused = export(REASON)
    assert (refused.status_code, refused.mimetype) == (429, "text/html")


@pytest.mark.slow
def test_concurrent_requests_do_not_exceed_the_budget(app: Flask, desk: FlaskClient) -> None:
    barrier = threading.Barrier(8)
    asks = context_after_search()

    def open_page(_number: int) -> bool:
        with app.app_context():
            barrier.wait(20)
            try:
                disclose(DisclosureKind.SEARCH, "section:fr", shown=100, reason=REASON, context=asks)
            except BudgetError:
                return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(open_page, range(8))) == SHOWN_A_DAY // 100
    assert db.session.scalars(select(DisclosureDay.shown)).one() == SHOWN_A_DAY


def context_after_search() -> Context:
    """Spend a part of the editor's budget by a search."""
    staff_id = db.session.scalars(select(Staff.id).where(Staff.email == ANA)).one()
    db.session.rollback()
    return context(runtime().clock(), staff_actor(Scope(staff_id, Role.EDITOR, "fr")))


def spend(*, shown: int = 0, files: int = 0) -> None:
    """Spend the budget by pages and files earlier that day."""
    disclose(
        DisclosureKind.SEARCH, "section:fr", shown=shown, files=files, reason=REASON, context=context_after_search()
    )
