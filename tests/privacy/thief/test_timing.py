"""Response times reveal no state of an address: 2,000 requests for each state, in random order, over HTTP."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import select, update

from campaign.config import load
from campaign.document import parse_text
from campaign.domain.outbox.mail_state import SuppressionReason
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.domain.staff.roles import Role
from campaign.factory import create_app
from campaign.models import Signature, Staff
from campaign.models import SignUp as Waiting
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import find_appeal
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.outbox.suppression import suppress
from campaign.services.sections.load_sections import load_sections
from campaign.services.signing.erase import erase
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from campaign.services.signing.withdraw import withdraw
from campaign.services.staff.accounts import Invitation, invite
from tests.attack import Figure
from tests.conftest import DOCUMENT, KEYS, START, confirm_at, context, make_database
from tests.deploy.processes import environment, free_port, running, wait_for, web

pytestmark = [pytest.mark.attack, pytest.mark.slow]
REQUESTS = 2000
WARM_UP = 200
LIMIT = 0.55
STATES = ("new", "pending", "confirmed", "withdrawn", "suppressed", "erased", "invalidated")
ACCOUNTS = ("unknown", "invited", "joined", "closed")


def area_under_curve(one: list[float], other: list[float]) -> float:
    """Return the share of pairs in which the first kind took longer: 0.5 reveals nothing, 1 everything."""
    ranked = sorted([(taken, 0) for taken in one] + [(taken, 1) for taken in other])
    rank_sum = sum(rank for rank, (_, kind) in enumerate(ranked, 1) if kind == 0)
    area = (rank_sum - len(one) * (len(one) + 1) / 2) / (len(one) * len(other))
    return max(area, 1 - area)


def email(state: str, number: int) -> str:
    """Return an address of the state, all of one length, so that the length reveals nothing."""
    return f"{state:_<12}{number:05}@mail.example"


@contextmanager
def serve(
    kind: str, fill: Callable[[], None], folder: Path, request: pytest.FixtureRequest, **more: str
) -> Iterator[int]:
    """Yield the port of a real web process on a database that `fill` has filled."""
    url = f"sqlite:///{folder}/tocsin.db"
    if kind == "postgresql":
        name = re.sub(r"\W+", "_", request.node.name).lower()[-40:]
        url = make_database(request.getfixturevalue("postgresql_server"), f"timing{name}")
    settings = {"TOCSIN_DATABASE_URL": url, "TOCSIN_LIMITS_URL": "off", "TOCSIN_CHALLENGE": "off", **more}
    environ, port = environment(**KEYS, **settings), free_port()
    app: Flask = create_app(load(environ, folder))
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        load_sections(context=context())
        fill()
        db.session.remove()
        db.engine.dispose()
    with running(environ, [web(port)], folder / "log"):
        wait_for(f"http://127.0.0.1:{port}/readyz")
        yield port


def measure(tries: Iterable[tuple[str, int]], ask: Callable[[str, int], tuple[object, float]]) -> dict[str, float]:
    """Send requests in random order; return each state's AUC against all others. Every answer must be the same."""
    chosen = list(tries)
    random.Random(7).shuffle(chosen)  # noqa: S311
    times: dict[str, list[float]] = {state: [] for state, _ in chosen}
    answers = set()
    for number in range(WARM_UP):
        ask("warm", number)
    for state, number in chosen:
        answer, taken = ask(state, number)
        answers.add(answer)
        times[state].append(taken)
    assert len(answers) == 1
    others = {state: [t for other in times if other != state for t in times[other]] for state in times}
    return {state: area_under_curve(own, others[state]) for state, own in times.items()}


def timed_post(connection: HTTPConnection, path: str, fields: dict[str, str], **more: str) -> tuple[object, float]:
    """Return the answer without its time and the typed values, and the seconds it took."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", **more}
    start = time.perf_counter()
    connection.request("POST", path, urlencode(fields), headers)
    answer = connection.getresponse()
    content = answer.read()
    taken = time.perf_counter() - start
    given = tuple(sorted((name, value) for name, value in answer.getheaders() if name not in {"Date", "Set-Cookie"}))
    content = re.sub(rb'name="csrf_token" value="[^"]*"', b"", content).replace(fields["email"].encode(), b"")
    return (answer.status, content, given), taken


def make_signers() -> None:
    """Make an open appeal, and REQUESTS addresses in each state."""
    later = ImportOptions(slug="case", deadline=START.replace(year=2099).date())
    import_draft(parse_text(DOCUMENT), later, context=context())
    publish("case", context=context())
    appeal, app_runtime = find_appeal("case"), runtime()
    assert appeal is not None
    for state in STATES[1:]:
        for number in range(REQUESTS):
            address = parse_address(email(state, number))
            request = SignUpRequest(appeal.id, "fr", "FR", "Jeanne Martin", address, "en", "en", 1, None)
            sign(request, context=context(actor=SUPPORTER))
            if state == "pending":
                continue
            digest = app_runtime.vault.waiting_digest(app_runtime.vault.address_digest(appeal.id, address))
            waiting = db.session.scalars(select(Waiting.id).where(Waiting.address_digest == digest)).one()
            signature_id = confirm_at(waiting, START)
            bring_into_state(state, signature_id, number)


def bring_into_state(state: str, signature_id: int, number: int) -> None:
    """Bring a confirmed signature into that state."""
    app_runtime = runtime()
    if state == "withdrawn":
        withdraw(signature_id, context=context(actor=SUPPORTER))
    elif state == "erased":
        erase(signature_id, context=context(actor=SUPPORTER))
    elif state == "suppressed":
        with transaction() as session:
            suppress(
                session,
                parse_address(email(state, number)),
                SuppressionReason.REFUSED,
                now=START,
                vault=app_runtime.vault,
            )
    elif state == "invalidated":
        with transaction() as session:
            session.execute(update(Signature).where(Signature.id == signature_id).values(state="invalidated"))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("path", ["/en/appeals/case/sign", "/embed/case", "/en/new-link"])
def test_no_response_time_reveals_who_signed(
    kind: str, path: str, tmp_path: Path, request: pytest.FixtureRequest, figure: Figure
) -> None:
    with serve(kind, make_signers, tmp_path, request) as port:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)

        def ask(state: str, number: int) -> tuple[object, float]:
            fields = {"name": "Jeanne Martin", "email": email(state, number), "country": "FR", "consent": "y"}
            return timed_post(connection, path, fields)

        found = measure(((state, number) for state in STATES for number in range(REQUESTS)), ask)
        connection.close()
    what = path.removeprefix("/en")
    for state, area in found.items():
        name = f"2 same answer: {what}: a {state} address told by its time, AUC of {REQUESTS:,} each"
        figure(name, f"{area:.3f}", f"≤ {LIMIT}")
    assert {state: area for state, area in found.items() if area > LIMIT} == {}


def make_accounts() -> None:
    """Make REQUESTS staff accounts in each state."""
    app_runtime = runtime()
    for state in ACCOUNTS[1:]:
        for number in range(REQUESTS):
            invite(Invitation(email(state, number), "fr", Role.VIEWER, "en"), context=context(app_runtime.clock()))
    with transaction() as session:
        password = {"password": "not a hash: nobody logs in", "joined_at": START}
        for state, values in (("joined", password), ("closed", password | {"active": False})):
            session.execute(update(Staff).where(Staff.email.startswith(f"{state}_", autoescape=True)).values(values))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_response_time_reveals_who_has_an_account(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, figure: Figure
) -> None:
    with serve(kind, make_accounts, tmp_path, request, TOCSIN_PROXIES="1") as port:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/staff/reset")
        page = connection.getresponse()
        cookie = (page.getheader("Set-Cookie") or "").partition(";")[0]
        token = re.search(rb'name="csrf_token" value="([^"]+)"', page.read())
        assert token is not None
        turns = iter(range(10**6))

        def ask(state: str, number: int) -> tuple[object, float]:
            turn = next(turns)  # each request from another network, because networks have limits
            fields = {"email": email(state, number), "csrf_token": token[1].decode()}
            seen_as = {"X-Forwarded-For": f"10.{turn // 250}.{turn % 250}.7", "Cookie": cookie}
            return timed_post(connection, "/staff/reset", fields, **seen_as)

        found = measure(((state, number) for state in ACCOUNTS for number in range(REQUESTS)), ask)
        connection.close()
    for state, area in found.items():
        name = f"2 same answer: /staff/reset: account {state}, told by its time, AUC of {REQUESTS:,} each"
        figure(name, f"{area:.3f}", f"≤ {LIMIT}")
    assert {state: area for state, area in found.items() if area > LIMIT} == {}
