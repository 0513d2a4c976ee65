"""How long the answer takes tells nothing: 2,000 sign-ups for addresses in each state, in random order, over HTTP."""

from __future__ import annotations

import random
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask_migrate import upgrade
from sqlalchemy import insert

from campaign.config import load
from campaign.document import parse_text
from campaign.domain.address import parse_address
from campaign.domain.place import at_signature
from campaign.extensions import db
from campaign.extensions.runtime import runtime
from campaign.factory import create_app
from campaign.models import Consent, Mail, Signature, Suppression, Tombstone
from campaign.queries.appeal import find_appeal
from campaign.services.appeals import publish
from campaign.services.import_draft import ImportOptions, import_draft
from campaign.services.sections import load_sections
from campaign.services.transaction import transaction
from tests.attack import Figure
from tests.conftest import DOCUMENT, KEYS, START, make_database
from tests.journeys.processes import environment, free_port, running, wait_for, web

pytestmark = [pytest.mark.attack, pytest.mark.slow]
EACH = 2000
LIMIT = 0.55
STATES = ("new", "pending", "confirmed", "withdrawn", "suppressed", "erased", "invalidated")


def auc(one: list[float], other: list[float]) -> float:
    """How often a time of the one kind is longer than one of the other: 0.5 tells nothing, 1 everything."""
    ranked = sorted([(taken, 0) for taken in one] + [(taken, 1) for taken in other])
    rank_sum = sum(rank for rank, (_, kind) in enumerate(ranked, 1) if kind == 0)
    area = (rank_sum - len(one) * (len(one) + 1) / 2) / (len(one) * len(other))
    return max(area, 1 - area)


def prepare(environ: dict[str, str], folder: Path) -> None:
    """An open appeal, and EACH addresses in each state."""
    app = create_app(load(environ, folder))
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        load_sections(now=START, vault=runtime().vault)
        import_draft(
            parse_text(DOCUMENT), ImportOptions(slug="case", deadline=START.replace(year=2099).date()), now=START
        )
        publish("case", now=START)
        appeal = find_appeal("case")
        assert appeal is not None
        vault = runtime().vault
        with transaction() as session:
            connection = session.connection()
            for state in STATES[1:]:
                for number in range(EACH):
                    address = parse_address(email(state, number))
                    digest = vault.address_digest(appeal.id, address)
                    place = at_signature(appeal.id, digest)
                    if state == "erased":
                        left = vault.tombstone_digest(digest)
                        row = {"appeal_id": appeal.id, "address_digest": left, "erased_at": START}
                        connection.execute(insert(Tombstone), row)
                    if state == "suppressed":
                        row = {"address_digest": vault.suppression_digest(address), "reason": "refused"}
                        row |= {"created_at": START}
                        connection.execute(insert(Suppression), row)
                    values: dict[str, Any] = {
                        "appeal_id": appeal.id, "section_code": "fr", "country": "FR", "locale": "en",
                        "wants_updates": False,
                        "state": {"erased": "confirmed", "suppressed": "confirmed"}.get(state, state),
                        "signed_at": START,
                        "address_digest": None if state == "erased" else digest,
                        "name_sealed": None if state == "erased" else vault.seal_name("Jeanne Martin", place),
                        "email_sealed": None if state == "erased" else vault.seal_email(address, place),
                        "confirmed_at": None if state == "pending" else START,
                        "ended_at": START if state in {"withdrawn", "invalidated"} else None,
                    }  # fmt: skip
                    signature_id = connection.execute(insert(Signature).returning(Signature.id), values).scalar_one()
                    said = {"text_language": "en", "text_version": 1, "locale": "en"}
                    connection.execute(
                        insert(Consent),
                        {"signature_id": signature_id, "given_at": START, "wording": 1, "to_appeal": True,
                         "to_updates": False, **said},
                    )  # fmt: skip
                    connection.execute(
                        insert(Mail),
                        {"kind": "confirmation", "state": "sent", "signature_id": signature_id,
                         "message_id": "<x@x.example>",
                         "mailbox_digest": vault.mailbox_digest(address), "domain_digest": vault.domain_digest(address),
                         "created_at": START, "due_at": START, **said},
                    )  # fmt: skip
        db.session.remove()
        db.engine.dispose()


def email(state: str, number: int) -> str:
    """All of one length, so that the length tells nothing either."""
    return f"{state:_<12}{number:05}@mail.example"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("path", ["/en/appeals/case/sign", "/embed/case", "/en/new-link"])
def test_no_time_tells_who_signed(
    kind: str, path: str, tmp_path: Path, request: pytest.FixtureRequest, figure: Figure
) -> None:
    url = f"sqlite:///{tmp_path}/tocsin.db"
    if kind == "postgresql":
        url = make_database(request.getfixturevalue("postgresql_server"), f"timing_{len(path)}")
    settings = {"TOCSIN_DATABASE_URL": url, "TOCSIN_LIMITS_URL": "off", "TOCSIN_CHALLENGE": "off"}
    environ = environment(**KEYS, **settings)
    prepare(environ, tmp_path)
    port = free_port()
    tries = [(state, number) for state in STATES for number in range(EACH)]
    random.Random(7).shuffle(tries)  # noqa: S311
    times: dict[str, list[float]] = {state: [] for state in STATES}
    answers = set()
    with running(environ, [web(port)], tmp_path / "log"):
        wait_for(f"http://127.0.0.1:{port}/readyz")
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        for turn, (state, number) in enumerate([("new", -number) for number in range(1, 201)] + tries):
            fields = {
                "name": "Jeanne Martin",
                "email": email(state, abs(number) + 90_000 * (number < 0)),
                "country": "FR",
            }
            body = urlencode(fields | {"consent": "y"})
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            start = time.perf_counter()
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            taken = time.perf_counter() - start
            given = sorted((name, value) for name, value in answer.getheaders() if name != "Date")
            answers.add((answer.status, content, tuple(given)))
            if turn >= 200:  # the first ones warm it up
                times[state].append(taken)
        connection.close()
    assert len(answers) == 1
    worst = {
        state: auc(times[state], [t for other in STATES if other != state for t in times[other]]) for state in STATES
    }
    what = path.removeprefix("/en")
    for state, area in worst.items():
        figure(
            f"2 same answer: {what}: a {state} address told by its time, AUC of {EACH:,} each",
            f"{area:.3f}",
            f"≤ {LIMIT}",
        )
    assert {state: area for state, area in worst.items() if area > LIMIT} == {}
