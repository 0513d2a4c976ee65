"""Correction, access and erasure of personal data: by the signer, and by staff on a written request."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from campaign.config import LOCALES
from campaign.document import parse_text
from campaign.domain.offline.paper_sheet import TypedRow, read_rows
from campaign.domain.privacy.disclosure import SHOWN_A_DAY
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.token import Purpose
from campaign.domain.staff.actor import SUPPORTER, staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import AuditEntry, DisclosureDay, LinkRequest, Mail, SheetRow, Signature, SignUp, Staff
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView, find_appeal
from campaign.queries.counting.counts import counts
from campaign.queries.signing.signature import find_signature
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.counting.verify import verify_counts
from campaign.services.offline.paper_sheet import SheetEntry, enter_sheet
from campaign.services.signing.correct_signer import change_country
from campaign.services.signing.new_link import answer_link_requests
from campaign.services.signing.store_sign_up import SignUpRequest as NewSignUp
from campaign.services.signing.store_sign_up import sign
from tests.conftest import DOCUMENT, START, Clock, Postbox, context, form, text_of
from tests.moderation.address_change import NEW_EMAIL, address_mails, my_page, stored_addresses
from tests.signing.signatures import sign_numbered
from tests.staff.staff_clients import csrf, join_staff, log_in

ANA = "ana@staff.example"
REASON = "wrote a letter on 1 March"


@pytest.fixture
def desk(app: Flask) -> FlaskClient:
    join_staff(app, ANA, Role.EDITOR)
    return log_in(app, ANA)


def post(desk: FlaskClient, path: str, **data: str) -> TestResponse:
    return desk.post(f"/staff/moderation{path}", data={**data, "csrf_token": csrf(desk.get("/staff/account"))})


def stored_name(signature_id: int) -> str | None:
    db.session.rollback()
    found = find_signature(signature_id, runtime().vault)
    db.session.rollback()
    return None if found is None else found.name


def audit_entries() -> list[tuple[str, str, str | None]]:
    rows = db.session.execute(
        select(AuditEntry.act, AuditEntry.subject, AuditEntry.reason)
        .where(AuditEntry.act.like("signature.%") | (AuditEntry.act == "names.print"))
        .order_by(AuditEntry.id)
    )
    found = [(act, subject, reason) for act, subject, reason in rows]
    db.session.rollback()
    return found


def link_key_of(signature_id: int) -> bytes:
    db.session.rollback()
    row = db.session.get_one(Signature, signature_id).link_key or b""
    db.session.rollback()
    return row


def test_a_signer_corrects_the_name_on_my_data(client: FlaskClient, appeal: AppealView) -> None:
    signature_id = sign_numbered(appeal, "Jeane Martin", 1)
    page = my_page(signature_id)
    assert 'value="Jeane Martin"' in client.get(page).text
    for typed, said in (("", "write your name"), ("x.example/pay", "cannot hold a link"), ("123", "with letters")):
        answer = client.post(page, data={"do": "name", "signature": str(signature_id), "name": typed})
        assert (answer.status_code, said in answer.text) == (422, True), typed
        assert f'value="{typed}"' in answer.text
    assert stored_name(signature_id) == "Jeane Martin"
    assert (
        client.post(page, data={"do": "name", "signature": str(signature_id), "name": "Jeanne  Martin"}).status_code
        == 303
    )
    assert stored_name(signature_id) == "Jeanne Martin"
    assert (counts(appeal.id).signatures, verify_counts()) == (1, [])


def test_a_search_finds_the_corrected_name_and_not_the_old_one(desk: FlaskClient, appeal: AppealView) -> None:
    signature_id = sign_numbered(appeal, "Jeane Martin", 1)
    answer = post(desk, f"/signatures/{signature_id}/name", name="Jeanne Martin", reason=REASON)
    assert answer.status_code == 303
    for typed, finds in (("Jeane Martin", 0), ("Jeanne Martin", 1)):
        assert post(desk, "/search", who=typed, reason=REASON).text.count('name="ids"') == finds, typed
    assert audit_entries() == [("signature.correct-name", f"signature:{signature_id}", REASON)]


def test_the_page_shows_no_name_and_each_action_needs_a_reason(desk: FlaskClient, appeal: AppealView) -> None:
    signature_id = sign_numbered(appeal, "Jeanne Martin", 1)
    page = desk.get(f"/staff/moderation/signatures/{signature_id}").text
    assert "Jeanne" not in page
    assert "p1@mail" not in page
    for act, data in (("name", {"name": "Other Name"}), ("print", {}), ("erase", {"sure": "y"})):
        refused_answer = post(desk, f"/signatures/{signature_id}/{act}", **data, reason=" ")
        assert refused_answer.status_code == 422, act
        assert "p1@mail" not in refused_answer.text
    assert post(desk, f"/signatures/{signature_id}/erase", reason=REASON).status_code == 422, (
        "erasing needs a confirmation"
    )
    assert (audit_entries(), stored_name(signature_id)) == ([], "Jeanne Martin")


def test_the_printed_data_are_those_of_the_own_section(desk: FlaskClient, appeal: AppealView) -> None:
    signature_id = sign_numbered(appeal, "Jeanne Martin", 1)
    foreign = sign_numbered(appeal, "Jef Peeters", 2, "be-nl")
    printed = post(desk, f"/signatures/{signature_id}/print", reason=REASON)
    assert printed.status_code == 200
    assert "Jeanne Martin" in printed.text
    assert "p1@mail.example" in printed.text
    assert post(desk, f"/signatures/{foreign}/print", reason=REASON).status_code == 404
    assert audit_entries() == [("names.print", f"signature:{signature_id}", REASON)]


def test_erasing_by_staff_keeps_the_count_and_other_sections(desk: FlaskClient, appeal: AppealView) -> None:
    signature_id, foreign = sign_numbered(appeal, "Jeanne Martin", 1), sign_numbered(appeal, "Jef Peeters", 2, "be-nl")
    assert post(desk, f"/signatures/{foreign}/erase", reason=REASON, sure="y").status_code == 404
    assert post(desk, f"/signatures/{signature_id}/erase", reason=REASON, sure="y").status_code == 303
    assert (stored_name(signature_id), stored_name(foreign)) == (None, "Jef Peeters")
    assert (counts(appeal.id).signatures, verify_counts()) == (2, [])
    assert desk.get(f"/staff/moderation/signatures/{signature_id}").status_code == 404
    assert audit_entries() == [("signature.erase", f"signature:{signature_id}", REASON)]


def test_resending_links_does_not_reveal_whether_there_are_signatures(desk: FlaskClient, appeal: AppealView) -> None:
    sign_numbered(appeal, "Jeanne Martin", 1)
    said = set()
    for email in ("p1@mail.example", "nobody@mail.example"):
        answer = post(desk, "/links", email=email, reason=REASON)
        said.add((answer.status_code, answer.location, desk.get("/staff/moderation").text.count("on its way")))
    assert said == {(303, "/staff/moderation#links", 1)}
    assert len(db.session.scalars(select(LinkRequest.id)).all()) == 2
    db.session.rollback()
    assert audit_entries() == [("signature.send-links", "section:fr", REASON)] * 2
    post(desk, "/links", email="p1@mail.example", reason="")
    assert len(db.session.scalars(select(LinkRequest.id)).all()) == 2


def test_a_new_address_is_stored_after_its_mailbox_confirmed(
    client: FlaskClient, appeal: AppealView, deliver: Callable[[], object], postbox: Postbox
) -> None:
    signature_id = sign_numbered(appeal, "Jeanne Martin", 1)
    page = my_page(signature_id)
    answer = client.post(page, data={"do": "address", "email": NEW_EMAIL})
    assert answer.status_code == 303
    assert "If we can write to the new address" in client.get(answer.location).text
    deliver()
    ((to, link),) = address_mails(postbox)
    assert to == NEW_EMAIL
    text = text_of(postbox.messages[postbox.recipients.index(NEW_EMAIL)])
    assert "Jeanne" not in text
    assert "p1@mail" not in text, "the mail to the new address does not name the old one"
    shown = client.get(link)
    assert (shown.status_code, NEW_EMAIL in shown.text) == (200, True)
    assert stored_addresses(signature_id) == ["p1@mail.example"], "opening the link changes nothing"
    assert "1 signature is under the new address" in client.post(link).text
    assert (stored_addresses(signature_id), stored_name(signature_id)) == ([NEW_EMAIL], "Jeanne Martin")
    assert (counts(appeal.id).signatures, verify_counts()) == (1, [])
    deliver()
    assert [who for who, _ in address_mails(postbox)] == [NEW_EMAIL, "p1@mail.example"]
    assert client.post(link).status_code == 410, "once"
    assert client.get(page).status_code in {404, 410} or NEW_EMAIL not in client.get(page).text, (
        "an old link does not show the new address"
    )
    assert NEW_EMAIL in client.get(my_page(signature_id)).text


def test_the_former_address_cannot_be_counted_again(
    client: FlaskClient, appeal: AppealView, deliver: Callable[[], object], postbox: Postbox
) -> None:
    signature_id = sign_numbered(appeal, "Jeanne Martin", 1)
    client.post(my_page(signature_id), data={"do": "address", "email": NEW_EMAIL})
    deliver()
    client.post(address_mails(postbox)[-1][1])
    again = sign_numbered(appeal, "Jeanne Martin", 1)
    assert stored_addresses(signature_id, again) == [NEW_EMAIL, "p1@mail.example"]
    assert (counts(appeal.id).signatures, verify_counts()) == (1, [])


def test_an_address_can_be_changed_back(
    client: FlaskClient, appeal: AppealView, deliver: Callable[[], object], postbox: Postbox
) -> None:
    signature_id = sign_numbered(appeal, "Jeanne Martin", 1)
    for address in (NEW_EMAIL, "p1@mail.example", NEW_EMAIL):
        client.post(my_page(signature_id), data={"do": "address", "email": address})
        deliver()
        _, link = next(mail for mail in reversed(address_mails(postbox)) if mail[1])
        assert client.post(link).status_code == 200
        assert stored_addresses(signature_id) == [address]
    assert (counts(appeal.id).signatures, verify_counts()) == (1, [])


def test_an_address_is_changed_only_by_the_owner_of_the_new_mailbox(
    client: FlaskClient, appeal: AppealView, deliver: Callable[[], object], postbox: Postbox
) -> None:
    signature_id, other = sign_numbered(appeal, "Jeanne Martin", 1), sign_numbered(appeal, "Ana Ruiz", 2)
    client.post(my_page(signature_id), data={"do": "address", "email": NEW_EMAIL})
    deliver()
    link = address_mails(postbox)[0][1]
    signed_part, _, sealed = link.split("/")[3].partition("~")
    theirs = runtime().tokens.make(Purpose.MANAGE, other, START, link_key_of(other))
    for forged in (
        link.replace(signed_part, theirs),
        link.replace(sealed, sealed[:-4] + "AAAA"),
        link.replace(f"~{sealed}", ""),
        link.replace(signed_part, ""),
    ):
        assert client.post(forged).status_code in {404, 410}, forged
    assert stored_addresses(signature_id, other) == ["p1@mail.example", "p2@mail.example"]


def test_an_appeal_signed_by_both_addresses_keeps_its_count(
    client: FlaskClient, appeal: AppealView, deliver: Callable[[], object], postbox: Postbox
) -> None:
    signature_id, two = sign_numbered(appeal, "Jeanne Martin", 1), sign_numbered(appeal, "Jeanne Martin", 2)
    client.post(my_page(signature_id), data={"do": "address", "email": "p2@mail.example"})
    deliver()
    done = client.post(address_mails(postbox)[0][1]).text
    assert "1 stays under the old one" in done
    assert stored_addresses(signature_id, two) == ["p1@mail.example", "p2@mail.example"]
    assert (counts(appeal.id).signatures, verify_counts()) == (2, [])


def test_requests_do_not_flood_a_new_mailbox(
    client: FlaskClient, appeal: AppealView, deliver: Callable[[], object], postbox: Postbox
) -> None:
    for number in range(1, 7):
        page = my_page(sign_numbered(appeal, "Jeanne Martin", number))
        assert client.post(page, data={"do": "address", "email": "victim@mail.example"}).status_code == 303
        deliver()
    assert [to for to, _ in address_mails(postbox)] == ["victim@mail.example"] * 3


def test_requests_before_delivery_do_not_flood_a_new_mailbox(
    client: FlaskClient, appeal: AppealView, deliver: Callable[[], object], postbox: Postbox, clock: Clock
) -> None:
    page, answers = my_page(sign_numbered(appeal, "Jeanne Martin", 1)), []
    for _ in range(30):
        clock.now += timedelta(milliseconds=20)
        answers.append(client.post(page, data={"do": "address", "email": "victim@mail.example"}).status_code)
    deliver()
    assert [to for to, _ in address_mails(postbox)] == ["victim@mail.example"] * 3
    assert set(answers) == {303, 429}


def test_a_request_for_an_address_reveals_nothing_about_it(
    client: FlaskClient, appeal: AppealView, deliver: Callable[[], object], postbox: Postbox, clock: Clock
) -> None:
    """Compare responses and rows: confirmed addresses may get more mail, which must not be visible."""
    client.post("/en/appeals/ana-ruiz-vega/sign", data=form(email="known@mail.example"))
    deliver()
    client.post(postbox.link())
    deliver()
    page, said = my_page(sign_numbered(appeal, "Jeanne Martin", 1)), []
    for email in ("known@mail.example", "unknown@mail.example"):
        answers, before = [], db.session.scalars(select(func.max(Mail.id))).one()
        db.session.rollback()
        for _ in range(5):
            clock.now += timedelta(seconds=20)
            answers.append(client.post(page, data={"do": "address", "email": email}).status_code)
            deliver()
        rows = db.session.execute(
            select(Mail.state, Mail.detail, Mail.attempts, Mail.fence, Mail.due_at, Mail.sent_at, Mail.phase, Mail.code)
            .where(Mail.kind == "address", Mail.id > before)
            .order_by(Mail.id)
        ).all()
        db.session.rollback()
        said.append((answers, rows))
    assert said[0] == said[1]
    assert said[0][0] == [303] * 5


def test_a_change_by_staff_needs_the_new_mailbox(
    client: FlaskClient, desk: FlaskClient, appeal: AppealView, deliver: Callable[[], object], postbox: Postbox
) -> None:
    signature_id = sign_numbered(appeal, "Jeanne Martin", 1)
    assert post(desk, f"/signatures/{signature_id}/address", email=NEW_EMAIL, reason="").status_code == 422
    assert post(desk, f"/signatures/{signature_id}/address", email="no address", reason=REASON).status_code == 422
    assert post(desk, f"/signatures/{signature_id}/address", email=NEW_EMAIL, reason=REASON).status_code == 303
    assert stored_addresses(signature_id) == ["p1@mail.example"]
    assert audit_entries() == [("signature.change-address", f"signature:{signature_id}", REASON)]
    deliver()
    client.post(address_mails(postbox)[-1][1])
    assert stored_addresses(signature_id) == [NEW_EMAIL]


@pytest.fixture
def other_appeal(appeal: AppealView) -> AppealView:
    """Return a second open appeal."""
    publish(import_draft(parse_text(DOCUMENT), ImportOptions(slug="second"), context=context()).slug, context=context())
    found = find_appeal("second")
    db.session.rollback()
    assert found is not None
    return found


def test_a_section_changes_the_address_of_its_own_signatures_alone(
    client: FlaskClient,
    desk: FlaskClient,
    appeal: AppealView,
    other_appeal: AppealView,
    deliver: Callable[[], object],
    postbox: Postbox,
) -> None:
    """Attack: an editor sets a signer's address to the editor's own, to read the data of other sections there."""
    signature_id, foreign = (
        sign_numbered(appeal, "Jeanne Martin", 1),
        sign_numbered(other_appeal, "Jeanne Secret", 1, "be-nl"),
    )
    assert post(desk, f"/signatures/{signature_id}/address", email=NEW_EMAIL, reason=REASON).status_code == 303
    deliver()
    assert "1 signature is under the new address" in client.post(address_mails(postbox)[-1][1]).text
    assert stored_addresses(signature_id, foreign) == [NEW_EMAIL, "p1@mail.example"]
    client.post("/en/new-link", data={"email": NEW_EMAIL})
    while answer_link_requests(context=context()):
        pass
    deliver()
    mails = [text_of(mail) for to, mail in zip(postbox.recipients, postbox.messages, strict=True) if to == NEW_EMAIL]
    links = [link for text in mails for link in re.findall(r"http://\S+?(/en/m/\S+?/me)", text)]
    assert links
    for link in links:
        page = client.get(link).text
        assert ("Jeanne Martin" in page, "Jeanne Secret" in page) == (True, False)
    assert (counts(appeal.id).signatures, counts(other_appeal.id).signatures, verify_counts()) == (1, 1, [])


def test_a_signature_that_left_the_section_keeps_its_address(
    client: FlaskClient,
    desk: FlaskClient,
    appeal: AppealView,
    other_appeal: AppealView,
    deliver: Callable[[], object],
    postbox: Postbox,
) -> None:
    signature_id = sign_numbered(appeal, "Jeanne Martin", 1)
    assert post(desk, f"/signatures/{signature_id}/address", email=NEW_EMAIL, reason=REASON).status_code == 303
    deliver()
    later = sign_numbered(other_appeal, "Jeanne Secret", 1, "be-nl")
    client.post(address_mails(postbox)[-1][1])
    assert stored_addresses(signature_id, later) == [NEW_EMAIL, "p1@mail.example"]


def test_a_signer_who_changed_section_keeps_the_address(
    client: FlaskClient, desk: FlaskClient, appeal: AppealView, deliver: Callable[[], object], postbox: Postbox
) -> None:
    signature_id = sign_numbered(appeal, "Jeanne Martin", 1)
    assert post(desk, f"/signatures/{signature_id}/address", email=NEW_EMAIL, reason=REASON).status_code == 303
    deliver()
    change_country(signature_id, country="BE", section_code="be-nl", context=context(actor=SUPPORTER))
    link = address_mails(postbox)[-1][1]
    client.post(link)
    assert stored_addresses(signature_id) == ["p1@mail.example"]
    change_country(signature_id, country="FR", section_code="fr", context=context(actor=SUPPORTER))
    assert client.post(link).status_code == 410, "the link was used"
    assert stored_addresses(signature_id) == ["p1@mail.example"]


def test_all_signatures_of_the_own_section_get_the_new_address(
    client: FlaskClient,
    desk: FlaskClient,
    appeal: AppealView,
    other_appeal: AppealView,
    deliver: Callable[[], object],
    postbox: Postbox,
) -> None:
    signature_id, two = sign_numbered(appeal, "Jeanne Martin", 1), sign_numbered(other_appeal, "Jeanne Martin", 1)
    assert post(desk, f"/signatures/{signature_id}/address", email=NEW_EMAIL, reason=REASON).status_code == 303
    deliver()
    assert "2 signatures are under the new address" in client.post(address_mails(postbox)[-1][1]).text
    assert stored_addresses(signature_id, two) == [NEW_EMAIL, NEW_EMAIL]
    assert db.session.scalars(select(DisclosureDay.shown)).one() == 2, (
        "both signatures count as shown to the new mailbox"
    )
    db.session.rollback()


def test_changing_an_address_cannot_be_used_to_guess_it(desk: FlaskClient, appeal: AppealView) -> None:
    """Attack: guess an address by the difference in the responses to changing it."""
    signature_id = sign_numbered(appeal, "Jeanne Martin", 1)
    staff_id = db.session.scalars(select(Staff.id).where(Staff.email == ANA)).one()
    db.session.rollback()
    with transaction() as session:
        session.add(DisclosureDay(staff_id=staff_id, day=START.date(), shown=SHOWN_A_DAY - 1, files=0))
    assert post(desk, f"/signatures/{signature_id}/address", email="p2@mail.example", reason=REASON).status_code == 303
    refused_answer = post(desk, f"/signatures/{signature_id}/address", email="p1@mail.example", reason=REASON)
    assert (refused_answer.status_code, "as one person may" in refused_answer.text) == (429, True)


def test_erasing_by_staff_leaves_waiting_forms_of_other_sections(
    desk: FlaskClient, appeal: AppealView, other_appeal: AppealView
) -> None:
    signature_id = sign_numbered(appeal, "Jeanne Martin", 1)
    for number, section in enumerate(("fr", "be-nl")):
        form = NewSignUp(
            other_appeal.id, section, "FR", "Jeanne", parse_address("p1@mail.example"), "en", "en", 1, None
        )
        sign(form, context=context(START + timedelta(minutes=number), SUPPORTER))
        scope = Scope(join_staff(app_of(desk), f"{section}@staff.example", Role.EDITOR, section), Role.EDITOR, section)
        rows = [TypedRow(1, "Jeanne Martin", "p1@mail.example", "FR", "y")]
        sheet = SheetEntry(read_rows(rows, "FR", LOCALES), START.date(), "", "", "en")
        enter_sheet(other_appeal.slug, sheet, context=context(START, staff_actor(scope)), is_sure=False, is_again=False)
    assert post(desk, f"/signatures/{signature_id}/erase", reason=REASON, sure="y").status_code == 303
    for model in (SignUp, SheetRow):
        assert list(db.session.scalars(select(model.section_code))) == ["be-nl"], model
    db.session.rollback()


def app_of(desk: FlaskClient) -> Flask:
    """Return the application of the browser."""
    assert isinstance(desk.application, Flask)
    return desk.application
