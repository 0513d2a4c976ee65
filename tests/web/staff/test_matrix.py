"""Every route of the staff room × method × role, with canaries in another section: not one leaks.

A route that is missing from the matrix fails, so that nobody adds one without saying whom it is for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign.document import parse_text
from campaign.domain.action import Channel
from campaign.domain.announcement import AnnouncementKind
from campaign.domain.moderation import Criteria
from campaign.domain.staff import Role, Scope
from campaign.extensions import db
from campaign.extensions.runtime import runtime
from campaign.models import Appeal, Signature
from campaign.queries.appeal import AppealView
from campaign.queries.handover import HandoverView, file_of, handovers
from campaign.services.announce import Audience, Wording, draft
from campaign.services.enter import Quantity, enter
from campaign.services.handover import Bindery, ask_for_handover, make_handover
from campaign.services.import_draft import ImportOptions, import_draft
from campaign.services.invalidate import advance, prepare
from campaign.services.transaction import transaction
from tests.conftest import DOCUMENT, START, confirm_at, form
from tests.services.test_announce import by as author
from tests.web.staff.room import csrf, join, log_in

CANARY = "Canaria Kanarienvogel"


@dataclass(frozen=True)
class Route:
    """Whom a route is for, from which role on; and how to call it."""

    rule: str
    method: str
    lowest: Role
    path: str
    data: tuple[tuple[str, str], ...] = ()
    # The same of something that another section's editors work on: below a coordinator it is not there.
    theirs: str = ""


TEXT, TARGET = "/appeals/<slug>/texts/<language>", "/appeals/<slug>/targets/<int:position>"
ANNOUNCEMENTS = "/appeals/<slug>/announcements"
ANNOUNCEMENT = f"{ANNOUNCEMENTS}/<int:number>"
MATRIX = (
    Route("/", "GET", Role.VIEWER, "/"),
    Route("/appeals/<slug>", "GET", Role.VIEWER, "/appeals/{slug}?section=be-nl"),
    Route("/appeals/<slug>/days.svg", "GET", Role.VIEWER, "/appeals/{slug}/days.svg"),
    Route("/appeals/<slug>/sections.svg", "GET", Role.VIEWER, "/appeals/{slug}/sections.svg"),
    Route(
        "/appeals/<slug>/<any(days, hours, sections, channels):table>.<any(csv, xlsx):kind>",
        "GET",
        Role.VIEWER,
        "/appeals/{slug}/days.csv",
    ),
    Route("/appeals/<slug>/entries", "GET", Role.EDITOR, "/appeals/{slug}/entries"),
    Route("/appeals/<slug>/entries", "POST", Role.EDITOR, "/appeals/{slug}/entries", (("quantity", "0"),)),
    Route("/appeals/<slug>/entries/<int:entry_id>/undo", "POST", Role.EDITOR, "/appeals/{slug}/entries/{entry}/undo"),
    Route("/appeals/<slug>/signing", "GET", Role.VIEWER, "/appeals/{slug}/signing?section=be-nl"),
    Route(
        "/appeals/<slug>/signing/<any(providers, waits, sources):table>.svg",
        "GET",
        Role.VIEWER,
        "/appeals/{slug}/signing/sources.svg",
    ),
    Route(
        "/appeals/<slug>/signing/<any(steps, providers, waits, sources):table>.<any(csv, xlsx):kind>",
        "GET",
        Role.VIEWER,
        "/appeals/{slug}/signing/sources.csv?section=be-nl",
    ),
    Route("/appeals/<slug>/signatures", "GET", Role.EDITOR, "/appeals/{slug}/signatures"),
    Route(
        "/appeals/<slug>/signatures",
        "POST",
        Role.EDITOR,
        "/appeals/{slug}/signatures",
        (("reason", "For the meeting"), ("addresses", "y")),
    ),
    Route("/appeals/<slug>/handovers", "GET", Role.EDITOR, "/appeals/{slug}/handovers"),
    Route("/appeals/<slug>/handovers", "POST", Role.EDITOR, "/appeals/{slug}/handovers", (("target", "99"),)),
    Route(
        "/appeals/<slug>/handovers/<int:handover_id>/<name>",
        "GET",
        Role.EDITOR,
        "/appeals/{slug}/handovers/{own_list}/{own_file}",
    ),
    Route("/appeals", "GET", Role.VIEWER, "/appeals"),
    Route("/appeals", "POST", Role.EDITOR, "/appeals"),
    Route("/appeals/<slug>/edit", "GET", Role.VIEWER, "/appeals/{slug}/edit"),
    Route(
        "/appeals/<slug>/document", "POST", Role.EDITOR, "/appeals/{own}/document", theirs="/appeals/{slug}/document"
    ),
    Route("/appeals/<slug>/texts", "GET", Role.EDITOR, "/appeals/{own}/texts", theirs="/appeals/{slug}/texts"),
    Route(TEXT, "GET", Role.EDITOR, "/appeals/{own}/texts/en", theirs="/appeals/{slug}/texts/en"),
    Route(TEXT, "POST", Role.EDITOR, "/appeals/{own}/texts/en", theirs="/appeals/{slug}/texts/en"),
    Route(f"{TEXT}/mail", "GET", Role.VIEWER, "/appeals/{slug}/texts/en/mail"),
    Route(f"{TEXT}/mail.html", "GET", Role.VIEWER, "/appeals/{slug}/texts/en/mail.html"),
    Route(f"{TEXT}/letter.pdf", "GET", Role.VIEWER, "/appeals/{slug}/texts/en/letter.pdf"),
    Route(TARGET, "GET", Role.EDITOR, "/appeals/{own}/targets/1", theirs="/appeals/{slug}/targets/1"),
    Route(TARGET, "POST", Role.EDITOR, "/appeals/{own}/targets/1", theirs="/appeals/{slug}/targets/1"),
    Route(
        f"{TARGET}/remove",
        "POST",
        Role.EDITOR,
        "/appeals/{own}/targets/1/remove",
        theirs="/appeals/{slug}/targets/1/remove",
    ),
    Route("/appeals/<slug>/facts", "GET", Role.EDITOR, "/appeals/{own}/facts", theirs="/appeals/{slug}/facts"),
    Route("/appeals/<slug>/facts", "POST", Role.EDITOR, "/appeals/{own}/facts", theirs="/appeals/{slug}/facts"),
    Route("/appeals/<slug>/ask", "POST", Role.EDITOR, "/appeals/{own}/ask", theirs="/appeals/{slug}/ask"),
    Route(
        "/appeals/<slug>/send-back", "POST", Role.EDITOR, "/appeals/{own}/send-back", theirs="/appeals/{slug}/send-back"
    ),
    Route("/appeals/<slug>/follows", "POST", Role.EDITOR, "/appeals/{own}/follows", theirs="/appeals/{slug}/follows"),
    # Each section speaks for itself there, whoever has prepared the appeal.
    Route("/appeals/<slug>/going-on", "POST", Role.EDITOR, "/appeals/{slug}/going-on", (("goes", "stop"),)),
    Route("/appeals/<slug>/publish", "POST", Role.COORDINATOR, "/appeals/{slug}/publish"),
    Route("/appeals/<slug>/outcome", "POST", Role.COORDINATOR, "/appeals/{slug}/outcome"),
    Route("/appeals/<slug>/close", "POST", Role.COORDINATOR, "/appeals/{slug}/close"),
    Route("/appeals/<slug>/stop", "POST", Role.COORDINATOR, "/appeals/{slug}/stop"),
    Route(ANNOUNCEMENTS, "GET", Role.EDITOR, "/appeals/{slug}/announcements"),
    Route(f"{ANNOUNCEMENTS}/new", "GET", Role.EDITOR, "/appeals/{slug}/announcements/new"),
    Route(f"{ANNOUNCEMENTS}/new", "POST", Role.EDITOR, "/appeals/{slug}/announcements/new"),
    Route(ANNOUNCEMENT, "GET", Role.EDITOR, "/appeals/{slug}/announcements/{written}"),
    Route(f"{ANNOUNCEMENT}/<language>.html", "GET", Role.EDITOR, "/appeals/{slug}/announcements/{written}/fr.html"),
    Route(f"{ANNOUNCEMENT}/edit", "GET", Role.EDITOR, "/appeals/{slug}/announcements/{written}/edit"),
    Route(f"{ANNOUNCEMENT}/edit", "POST", Role.EDITOR, "/appeals/{slug}/announcements/{written}/edit"),
    Route(f"{ANNOUNCEMENT}/test", "POST", Role.EDITOR, "/appeals/{slug}/announcements/{written}/test"),
    Route(f"{ANNOUNCEMENT}/send", "POST", Role.EDITOR, "/appeals/{slug}/announcements/{written}/send"),
    Route(f"{ANNOUNCEMENT}/recall", "POST", Role.EDITOR, "/appeals/{slug}/announcements/{written}/recall"),
    Route(f"{ANNOUNCEMENT}/stop", "POST", Role.EDITOR, "/appeals/{slug}/announcements/{written}/stop"),
    # What another section tells its own signers is that section's affair, and all sections' for coordinators.
    Route(ANNOUNCEMENT, "GET", Role.COORDINATOR, "/appeals/{slug}/announcements/{elsewhere}"),
    Route(f"{ANNOUNCEMENT}/edit", "POST", Role.COORDINATOR, "/appeals/{slug}/announcements/{elsewhere}/edit"),
    Route(f"{ANNOUNCEMENT}/test", "POST", Role.COORDINATOR, "/appeals/{slug}/announcements/{elsewhere}/test"),
    Route(f"{ANNOUNCEMENT}/send", "POST", Role.COORDINATOR, "/appeals/{slug}/announcements/{elsewhere}/send"),
    Route(f"{ANNOUNCEMENT}/recall", "POST", Role.COORDINATOR, "/appeals/{slug}/announcements/{elsewhere}/recall"),
    Route(f"{ANNOUNCEMENT}/stop", "POST", Role.COORDINATOR, "/appeals/{slug}/announcements/{elsewhere}/stop"),
    Route(f"{ANNOUNCEMENT}/discard", "POST", Role.COORDINATOR, "/appeals/{slug}/announcements/{elsewhere}/discard"),
    Route(f"{ANNOUNCEMENT}/discard", "POST", Role.EDITOR, "/appeals/{slug}/announcements/{written}/discard"),
    Route("/messages", "GET", Role.VIEWER, "/messages"),
    Route("/messages/<name>", "GET", Role.VIEWER, "/messages/confirmation?lang=ar"),
    Route("/messages/<name>/<language>.html", "GET", Role.VIEWER, "/messages/confirmation/ar.html"),
    Route("/outbox", "GET", Role.COORDINATOR, "/outbox"),
    Route("/outbox", "POST", Role.COORDINATOR, "/outbox"),
    Route("/appeals/<slug>/sheet", "GET", Role.EDITOR, "/appeals/{slug}/sheet"),
    Route("/appeals/<slug>/sheet", "POST", Role.EDITOR, "/appeals/{slug}/sheet", (("day", ""),)),
    Route("/appeals/<slug>/sheet/file", "POST", Role.EDITOR, "/appeals/{slug}/sheet/file"),
    Route("/appeals/<slug>/sheet/rows", "POST", Role.EDITOR, "/appeals/{slug}/sheet/rows"),
    Route("/appeals/<slug>/sheet/keep", "POST", Role.EDITOR, "/appeals/{slug}/sheet/keep"),
    Route("/appeals/<slug>/sheet/print.pdf", "GET", Role.EDITOR, "/appeals/{slug}/sheet/print.pdf"),
    Route("/moderation", "GET", Role.EDITOR, "/moderation"),
    Route("/moderation/search", "POST", Role.EDITOR, "/moderation/search", (("who", "nobody"),)),
    Route("/moderation/invalidations", "POST", Role.EDITOR, "/moderation/invalidations", (("domain", "mail.example"),)),
    Route("/moderation/invalidations/<int:invalidation_id>", "GET", Role.EDITOR, "/moderation/invalidations/{act}"),
    Route(
        "/moderation/invalidations/<int:invalidation_id>/<any(begin, undo):act>",
        "POST",
        Role.EDITOR,
        "/moderation/invalidations/{act}/undo",
        (("reason", "none"),),
    ),
    Route(
        "/moderation/invalidations/<int:invalidation_id>/drop",
        "POST",
        Role.EDITOR,
        "/moderation/invalidations/{act}/drop",
    ),
    Route("/account", "GET", Role.VIEWER, "/account"),
    Route("/account", "POST", Role.VIEWER, "/account", (("locale", "en"),)),
    Route("/people", "GET", Role.ADMIN, "/people"),
    Route("/people", "POST", Role.ADMIN, "/people", (("email", "no address"), ("role", "viewer"))),
    Route("/people/<int:staff_id>", "GET", Role.ADMIN, "/people/{staff}"),
    Route("/people/<int:staff_id>", "POST", Role.ADMIN, "/people/{staff}", (("role", "nobody"),)),
    Route("/people/<int:staff_id>/second-factor", "POST", Role.ADMIN, "/people/{staff}/second-factor"),
    Route("/sections", "GET", Role.ADMIN, "/sections"),
    Route("/sections/new", "GET", Role.ADMIN, "/sections/new"),
    Route("/sections/new", "POST", Role.ADMIN, "/sections/new"),
    Route("/sections/<code>", "GET", Role.ADMIN, "/sections/be-nl"),
    Route("/sections/<code>", "POST", Role.ADMIN, "/sections/be-nl"),
    Route("/audit", "GET", Role.ADMIN, "/audit"),
)
# Needs the mailed link instead of an account.
OPEN = {(rule, method) for rule in ("/invitation/<token>", "/digest/<token>") for method in ("GET", "POST")}
# Flask-Security's own: each proves by itself who is there, and shows nothing but one's own account.
CLOSED = ["/tf-rescue", "/fs-static/<path:filename>"]
SECURITY = """/login /logout /verify /reset /reset/<token> /change /tf-setup /tf-setup/<token> /tf-validate
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
    assert routes(app) == {(route.rule, route.method) for route in MATRIX} | OPEN


def test_flask_security_adds_no_route_unseen(app: Flask, client: FlaskClient) -> None:
    rules = app.extensions["tocsin_staff"].url_map.iter_rules()
    assert {rule.rule for rule in rules if rule.endpoint.startswith("security.")} == {*SECURITY, *CLOSED}
    for path in ("/staff/tf-rescue", "/staff/fs-static/js/webauthn.js"):
        assert client.get(path).status_code == 404


@pytest.fixture
def other(app: Flask, client: FlaskClient, appeal: AppealView) -> dict[str, str]:
    """What there is in another section: a confirmed supporter with a canary's name, a list with it, and a colleague."""
    data = form(name=CANARY, email="canary@mail.example", country="BE", share_name="y")
    assert client.post(f"/en/appeals/{appeal.slug}/sign", data=data).status_code == 303
    number, section = db.session.execute(select(Signature.id, Signature.section_code)).one()
    confirm_at(number, START)
    colleague = join(app, "colleague@staff.example", Role.VIEWER, section)
    foreign = _list(Scope(colleague, Role.EDITOR, section), appeal)
    own = _list(Scope(join(app, "neighbour@staff.example", Role.EDITOR), Role.EDITOR, "fr"), appeal)
    assert CANARY.encode() in b"".join(file_of(foreign.id, foreign.files[0], runtime().vault))
    for code, place in ((section, CANARY), ("fr", "Lyon")):
        entered = Quantity(Channel.LETTER, 7, START.date(), place, "")
        by = Scope(colleague, Role.EDITOR, code)
        entry = enter(appeal.slug, entered, by=by, is_sure=False, now=START, vault=runtime().vault)
        act = prepare(Criteria(domain="mail.example"), None, by=by, now=START, vault=runtime().vault)
        advance(now=START, vault=runtime().vault, only=act)
    prepared = import_draft(parse_text(DOCUMENT), ImportOptions(slug="own"), now=START).slug
    with transaction() as session:
        session.query(Appeal).filter_by(slug=prepared).update({"section_code": "fr"})
    written = {
        name: str(draft(appeal.id, AnnouncementKind.UPDATE, Audience(code), {"fr": Wording("s", "b")}, author()))
        for name, code in (("written", "fr"), ("elsewhere", section))
    }
    return {
        "act": str(act),
        "staff": str(colleague),
        "slug": appeal.slug,
        "own": prepared,
        "entry": str(entry),
        "own_list": str(own.id),
        "own_file": own.files[0],
        "foreign_list": str(foreign.id),
        "foreign_file": foreign.files[0],
        **written,
    }


def _list(scope: Scope, appeal: AppealView) -> HandoverView:
    at = runtime()
    number = ask_for_handover(scope, appeal, language="en", target=1, now=START, vault=at.vault)
    assert make_handover(number, clock=at.clock, bindery=Bindery(at.vault, at.settings.fonts))
    return handovers(scope, appeal.id)[0]


def call(browser: FlaskClient, route: Route, places: dict[str, str], token: str) -> tuple[int, str, str]:
    path = "/staff" + route.path.format(**places)
    if route.method == "GET":
        answer = browser.get(path)
    else:
        answer = browser.post(path, data={**dict(route.data), "csrf_token": token})
    body = answer.get_data().decode(errors="replace")
    # Time zones to choose from are no canaries.
    for zone in ("Atlantic/Canary", "Indian/Antananarivo"):
        body = body.replace(zone, "")
    return answer.status_code, answer.headers.get("Location", ""), body


@pytest.mark.slow
@pytest.mark.parametrize("role", list(Role))
def test_each_role_gets_what_it_may_and_no_canary(app: Flask, role: Role, other: dict[str, str]) -> None:
    join(app, "me@staff.example", role)
    browser = log_in(app, "me@staff.example")
    token = csrf(browser.get("/staff/account"))
    for route in MATRIX:
        status, location, body = call(browser, route, other, token)
        is_allowed = list(Role).index(role) >= list(Role).index(route.lowest)
        assert (status != 404) == is_allowed, (route, status)
        assert status < 500, route
        assert not location.startswith("/staff/login"), route
        assert "anari" not in body, route
        assert "canary" not in body.lower(), route
        if route.theirs:
            status, _, _ = call(browser, replace(route, path=route.theirs), other, token)
            assert (status != 404) == (role in {Role.COORDINATOR, Role.ADMIN}), (route, status)


@pytest.mark.parametrize("role", [Role.EDITOR, Role.ADMIN])
def test_another_sections_list_is_not_there(app: Flask, role: Role, other: dict[str, str]) -> None:
    join(app, "me@staff.example", role)
    browser = log_in(app, "me@staff.example")
    path = "/staff/appeals/{slug}/handovers/{foreign_list}/{foreign_file}".format(**other)
    assert browser.get(path).status_code == 404
    own = browser.get("/staff/appeals/{slug}/handovers/{own_list}/{own_file}".format(**other))
    assert own.data.startswith((b"%PDF", "\ufeff".encode()))


def test_nobody_gets_anything_without_logging_in(app: Flask, client: FlaskClient, other: dict[str, str]) -> None:
    token = csrf(client.get("/staff/login"))
    for route in MATRIX:
        status, location, body = call(client, route, other, token)
        assert (status, location.partition("?")[0]) == (302, "/staff/login"), route
        assert "anari" not in body


def test_a_route_that_says_nothing_is_closed(app: Flask) -> None:
    staff: Flask = app.extensions["tocsin_staff"]
    for endpoint, view in staff.view_functions.items():
        if not endpoint.startswith("security."):
            assert hasattr(view, "tocsin_need"), endpoint
