"""Every staff route × method × role × own or other section: no canary of the other section is shown.

A route that is missing in the matrix fails, so that each new route gets a lowest role.
"""

from __future__ import annotations

import html
import io
import zipfile
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse

from campaign.document import parse_text
from campaign.domain.announcements.announcement import AnnouncementKind
from campaign.domain.counting.channel import Channel
from campaign.domain.moderation.invalidation import Criteria
from campaign.domain.offline.paper_sheet import TypedRow, read_rows
from campaign.domain.staff.actor import staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import Appeal, BulkEntry, Handover, Invalidation, Mail, Signature
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.handover.handover import handovers
from campaign.services.announcements.announce import AnnouncementWording, Audience, create_draft
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.handover.handover import make_handover, queue_handover
from campaign.services.moderation.invalidate import add_invalidation, advance, begin
from campaign.services.offline.bulk_entry import BulkQuantity, enter
from campaign.services.offline.paper_sheet import SheetEntry, enter_sheet
from tests.announcements.announcements import edition_of
from tests.appeals.editing.editor import form_values
from tests.conftest import DOCUMENT, START, confirm_newest, context, form
from tests.staff.route_matrix import MATRIX, SAID, Route
from tests.staff.staff_clients import csrf, join_staff, log_in

# Values that no role may see outside their section.
CANARY, CANARY_ADDRESS = "Canaria Kanarienvogel", "canary@mail.example"
# A value that coordinators may see too: it is in announcements of a section, and in a reason, which the audit log
# shows to administrators.
ANNOUNCED = "Zeisig"
# A value that administrators may see too: the address of an account.
COLLEAGUE = "stieglitz@staff.example"
ROLES = list(Role)

# Routes that need a mailed link instead of an account.
MAILED_ROUTES = ("/invitation/<token>", "/digest/<token>", "/reset", "/reset/<token>")
PUBLIC_ROUTES = {(rule, method) for rule in MAILED_ROUTES for method in ("GET", "POST")}
# Flask-Security's routes, which check the account themselves and show only one's own account.
SELF_CHECKED_ROUTES = ["/tf-rescue", "/fs-static/<path:filename>"]
SECURITY = """/login /logout /verify /change /tf-setup /tf-setup/<token> /tf-validate
/tf-select /mf-recovery /mf-recovery-codes /wan-register /wan-register/<token> /wan-delete /wan-signin
/wan-signin/<token> /wan-verify /wan-verify/<token>""".split()


def routes(app: Flask) -> set[tuple[str, str]]:
    staff: Flask = app.extensions["tocsin_staff"]
    return {
        (rule.rule, method)
        for rule in staff.url_map.iter_rules()
        if not rule.endpoint.startswith("security.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_is_in_the_matrix(app: Flask) -> None:
    assert routes(app) == {(route.rule, route.method) for route in MATRIX} | PUBLIC_ROUTES


def test_every_route_of_flask_security_is_listed(app: Flask, client: FlaskClient) -> None:
    rules = app.extensions["tocsin_staff"].url_map.iter_rules()
    assert {rule.rule for rule in rules if rule.endpoint.startswith("security.")} == {*SECURITY, *SELF_CHECKED_ROUTES}
    for path in ("/staff/tf-rescue", "/staff/fs-static/js/webauthn.js"):
        assert client.get(path).status_code == 404


def test_each_object_is_also_requested_from_another_section() -> None:
    """Request each object of another section too, except targets (of an appeal) and accounts (of administrators)."""
    for route in MATRIX:
        if "<int:" in route.rule and "<int:staff_id>" not in route.rule:
            assert route.theirs, route


@pytest.fixture
def places(app: Flask, client: FlaskClient, appeal: AppealView) -> dict[str, str]:
    """Make the same objects in the own section and another, with canaries there; return the variables of paths."""
    neighbour, colleague = (
        join_staff(app, "neighbour@staff.example", Role.EDITOR),
        join_staff(app, COLLEAGUE, Role.EDITOR, "be-nl"),
    )
    signers = (
        (CANARY, CANARY_ADDRESS, "BE"),
        ("Canaria Bot", "canary@spam.example", "BE"),
        ("Odile Own", "own@mail.example", "FR"),
    )
    for name, email, country in signers:
        data = form(name=name, email=email, country=country)
        assert client.post(f"/en/appeals/{appeal.slug}/sign", data=data).status_code == 303
        db.session.rollback()
        confirm_newest(START, shares_name="Bot" not in name)
    ids = db.session.scalars(select(Signature.id).order_by(Signature.id)).all()
    db.session.rollback()
    foreign = make_objects(Scope(colleague, Role.EDITOR, "be-nl"), appeal, f"{CANARY} place", ANNOUNCED)
    own = make_objects(Scope(neighbour, Role.EDITOR, "fr"), appeal, "Lyon", SAID)
    drafts = {
        name: import_draft(
            parse_text(DOCUMENT), ImportOptions(slug=name), context=context(), lines=tuple(DOCUMENT.splitlines())
        ).slug
        for name in DRAFTS
    }
    with transaction() as session:
        for name, section in DRAFTS.items():
            session.query(Appeal).filter_by(slug=drafts[name]).update({"section_code": section})
    return {
        "slug": appeal.slug,
        "name": CANARY,
        "email": CANARY_ADDRESS,
        "staff": str(colleague),
        "foreign_signature": str(ids[0]),
        "own_signature": str(ids[2]),
        "foreign_mail": str(failed_mail_id(ids[0])),
        "own_mail": str(failed_mail_id(ids[2])),
        "own_fence": "0",
        "written": own["written"],
        "elsewhere": foreign["written"],
        "edition": edition_of(int(own["written"])),
        **drafts,
        **{f"own_{name}": place for name, place in own.items()},
        **{f"foreign_{name}": place for name, place in foreign.items()},
    }


def failed_mail_id(signature: int) -> int:
    """Return the id of a mail to that signer which was refused."""
    with transaction() as session:
        mail = session.scalars(select(Mail).where(Mail.signature_id == signature).order_by(Mail.id)).first()
        assert mail is not None
        mail.state = "dead"
        return mail.id


# Drafts of appeals, and the section that edits each.
DRAFTS = {"own": "fr", "foreign": "be-nl"}


def make_objects(by: Scope, appeal: AppealView, place: str, said: str) -> dict[str, str]:
    """Make a section's list, entry, sheet, announcement and three invalidations; return the variables of paths."""
    app_runtime = runtime()
    number = queue_handover(
        appeal, language="en", target=1, reason="For the meeting", context=context(START, staff_actor(by))
    )
    assert make_handover(number, clock=app_runtime.clock, context=context())
    listed = handovers(by, appeal.id)[0]
    files = {name.rpartition(".")[2]: name for name in listed.files}
    quantity = BulkQuantity(Channel.LETTER, 7, START.date(), place, f"{place} again")
    entry = enter(appeal.slug, quantity, context=context(START, staff_actor(by)), is_sure=False)
    many = BulkQuantity(Channel.LETTER, 5000, START.date(), place, f"{place} again")
    waiting = enter(appeal.slug, many, context=context(START, staff_actor(by)), is_sure=True)
    rows = read_rows([TypedRow(1, place, "paper@mail.example", "FR", "y")], "FR", ("en",))
    sheet = SheetEntry(rows, START.date(), place, "", "en")
    enter_sheet(appeal.slug, sheet, context=context(START, staff_actor(by)), is_sure=True, is_again=False)
    acts = [
        add_invalidation(Criteria(domain=domain), None, context=context(START, staff_actor(by))) for domain in DOMAINS
    ]
    for act in acts:
        advance(context=context(), only=act)
    begin(acts[1], f"{said} A flood.", context=context(START, staff_actor(by)))
    advance(context=context(), only=acts[1])
    author = context(START, staff_actor(by))
    text = {"fr": AnnouncementWording(said, said)}
    written = create_draft(appeal.id, AnnouncementKind.UPDATE, Audience(by.section), text, context=author)
    return {
        "list": str(number),
        "entry": str(entry),
        "waiting": str(waiting),
        "act": str(acts[0]),
        "done": str(acts[1]),
        "spare": str(acts[2]),
        "written": str(written),
        **files,
    }


DOMAINS = ("mail.example", "spam.example", "mail.example")


def send_request(browser: FlaskClient, method: str, path: str, places: dict[str, str], **sent: Any) -> TestResponse:
    """Send a request and return the answer. A POST carries the form of a page, the typed values, and a file."""
    path = "/staff" + path.format(**places)
    if method == "GET":
        return browser.get(path, buffered=True)
    page = sent.get("form")
    values = form_values(browser.get("/staff" + page.format(**places))) if page else {}
    # Braces in a script are no variables.
    typed = {name: text if text.startswith("[") else text.format(**places) for name, text in sent.get("data", ())}
    values |= typed | {"csrf_token": sent["token"]}
    if sent.get("file"):
        field, name, content = sent["file"]
        values[field] = FileStorage(io.BytesIO(content.encode()), name)
    return browser.post(path, data=values, buffered=True)


def readable_text(answer: TestResponse) -> str:
    """Return all readable text of the answer, also of compressed files."""
    kind = answer.mimetype
    if kind == "application/pdf":
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.data)).pages)
    if str(kind).endswith("spreadsheetml.sheet"):
        with zipfile.ZipFile(io.BytesIO(answer.data)) as file:
            return "\n".join(file.read(name).decode() for name in file.namelist())
    return html.unescape(answer.get_data().decode(errors="replace"))


def canaries_in(answer: TestResponse, route: Route, places: dict[str, str]) -> set[str]:
    """Return the canaries in the answer, except typed values that are returned in it."""
    # Names of time zones are no canaries.
    text = readable_text(answer).replace("Atlantic/Canary", "")
    for _, typed in route.data:
        if not typed.startswith("["):
            text = text.replace(f'value="{typed.format(**places)}"', "")
    return {
        canary
        for canary in (CANARY, CANARY_ADDRESS, *CANARY_PARTS, ANNOUNCED, COLLEAGUE)
        if canary.casefold() in text.casefold()
    }


CANARY_PARTS = ("Canaria", "Kanarienvogel", "canary")


def may_read(role: Role) -> set[str]:
    """Return the canaries that the role may see in another section."""
    told = {ANNOUNCED} if rank(role) >= rank(Role.COORDINATOR) else set()
    return told | ({COLLEAGUE} if role is Role.ADMIN else set())


def rank(role: Role) -> int:
    return ROLES.index(role)


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_its_pages_and_no_canary(app: Flask, role: Role, places: dict[str, str]) -> None:
    join_staff(app, "me@staff.example", role)
    browser = log_in(app, "me@staff.example")
    token = csrf(browser.get("/staff/account"))
    wrong: list[tuple[object, ...]] = []
    for route in MATRIX:
        sent = {"data": route.data, "form": route.form, "file": route.file, "token": token}
        answers = [send_request(browser, route.method, route.path, places, **sent)]
        status = answers[0].status_code
        if rank(role) < rank(route.lowest):
            is_right = status == 404
        else:
            is_right = status == 422 if route.refused else status in {200, 303}
        if status == 303 and is_right:
            is_right = not answers[0].location.startswith(("/staff/login", "/staff/verify"))
            answers.append(browser.get(answers[0].location))
        if not is_right:
            wrong.append((status, route))
        if route.theirs:
            sent["form"] = ""
            answers.append(send_request(browser, route.method, route.theirs, places, **sent))
            is_there = route.theirs_from is not None and rank(role) >= rank(route.theirs_from)
            if (answers[-1].status_code != 404) != is_there or answers[-1].status_code >= 500:
                wrong.append((answers[-1].status_code, "theirs", route))
        wrong += [
            (canary, route) for answer in answers for canary in canaries_in(answer, route, places) - may_read(role)
        ]
    assert wrong == [], "\n".join(str(leak) for leak in wrong)
    assert is_unchanged(places)


def is_unchanged(places: dict[str, str]) -> bool:
    """Return whether the other section's own objects are unchanged."""
    db.session.rollback()
    entry = db.session.get_one(BulkEntry, int(places["foreign_entry"]))
    states = [db.session.get_one(Invalidation, int(places[f"foreign_{one}"])).state for one in ("act", "done", "spare")]
    signer = db.session.get_one(Signature, int(places["foreign_signature"]))
    handover = db.session.get_one(Handover, int(places["foreign_list"]))
    db.session.rollback()
    mail = db.session.get_one(Mail, int(places["foreign_mail"])).state
    db.session.rollback()
    found = (entry.undone_at, states, signer.state, handover.state, mail)
    return found == (None, ["ready", "done", "ready"], "confirmed", "done", "dead")


@pytest.mark.slow
def test_each_canary_shows_in_its_own_section(app: Flask, places: dict[str, str]) -> None:
    """Show each canary in its own section, because otherwise the matrix would prove nothing."""
    join_staff(app, "me@staff.example", Role.EDITOR, "be-nl")
    browser = log_in(app, "me@staff.example")
    token = csrf(browser.get("/staff/account"))
    heard = {}
    at_home = {name: places.get(name.replace("own_", "foreign_"), place) for name, place in places.items()}
    at_home |= {"written": places["elsewhere"]}
    for route in MATRIX:
        if route.method == "GET" or route.rule.endswith(("/search", "/preview")) or route.rule.endswith("/signatures"):
            answer = send_request(browser, route.method, route.path, at_home, data=route.data, token=token)
            heard[route.path] = canaries_in(answer, route, at_home)
    for path, names in PAGES_WITH_CANARIES.items():
        assert heard[path] >= names, path


PAGES_WITH_CANARIES = {
    "/appeals/{slug}/bulk-entries": {CANARY, COLLEAGUE},
    "/appeals/{slug}/signatures": {CANARY, CANARY_ADDRESS},
    "/appeals/{slug}/handovers/{own_list}/{own_csv}": {CANARY},
    "/appeals/{slug}/handovers/{own_list}/{own_pdf}": set(),
    "/appeals/{slug}/announcements/{written}": {ANNOUNCED},
    "/appeals/{slug}/announcements/{written}/fr.html": {ANNOUNCED},
    "/moderation/search": {CANARY, CANARY_ADDRESS},
    "/moderation/invalidations/{own_act}/preview": {CANARY, CANARY_ADDRESS},
}


def test_no_route_answers_without_a_log_in(app: Flask, client: FlaskClient, places: dict[str, str]) -> None:
    token = csrf(client.get("/staff/login"))
    for route in MATRIX:
        for path in {route.path, route.theirs} - {""}:
            answer = send_request(client, route.method, path, places, data=route.data, file=route.file, token=token)
            assert (answer.status_code, answer.location.partition("?")[0]) == (302, "/staff/login"), route
            assert not canaries_in(answer, route, places)


def test_a_route_without_a_permission_is_closed(app: Flask) -> None:
    staff: Flask = app.extensions["tocsin_staff"]
    for endpoint, view in staff.view_functions.items():
        if not endpoint.startswith("security."):
            assert hasattr(view, "tocsin_requirement"), endpoint
