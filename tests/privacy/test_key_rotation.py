"""Rotating the data key: every value is sealed again while supporters sign, and a killed run continues."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import LargeBinary, select

from campaign.config import ROOT
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.sealed_place import at_signature, at_staff
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.models import Mail, Signature, Staff
from campaign.models import SignUp as SignedUp
from campaign.models.privacy.sealed_columns import SEALED, place_of
from campaign.platform import Model, db
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.privacy.key_rotation import values_by_key
from campaign.queries.privacy.row_key import seeds_of
from campaign.services.outbox.enqueue import enqueue_to_address
from campaign.services.privacy.key_rotation import rotate
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from tests.conftest import KEYS, START, context, form
from tests.deploy.processes import environment, flask, wait_until

OLD, NEW, INDEX = b"d" * 32, b"n" * 32, b"i" * 32
BOTH = Vault((NEW, OLD), INDEX, seeds_of)
ONLY_NEW = Vault((NEW,), INDEX, seeds_of)
URL = "/en/appeals/ana-ruiz-vega/sign"


def sign_up(appeal: AppealView, number: int, vault: Vault) -> None:
    address = parse_address(f"supporter{number}@mail.example")
    text = appeal.text_in("en")
    sign(
        SignUpRequest(appeal.id, "fr", "FR", f"Jeanne {number}", address, "en", text.language, text.version, None),
        context=context(actor=SUPPORTER, vault=vault),
    )


def opened_names(vault: Vault) -> list[str]:
    db.session.rollback()
    rows = db.session.scalars(select(SignedUp).order_by(SignedUp.address_digest))
    return [vault.open_name(row.name_sealed, place_of(row)) for row in rows if row.name_sealed]


def test_every_sealed_column_is_rotated() -> None:
    found = {
        (table.name, column.name)
        for table in Model.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith("_sealed")
    }
    known = {(model.__tablename__, name) for model, sealed in SEALED.items() for name in sealed.columns}
    assert found == known
    for model, sealed in SEALED.items():
        assert all(isinstance(model.__table__.c[name].type, LargeBinary) for name in sealed.columns)


def test_rotation_reseals_all_values_and_keeps_every_digest(app: Flask, appeal: AppealView) -> None:
    old = Vault((OLD,), INDEX, seeds_of)
    for number in range(7):
        sign_up(appeal, number, old)
    with transaction() as session:
        to, said = parse_address("staff@mail.example"), {"subject": "s", "text": "t", "url": ""}
        kind = MailKind.STAFF_ALERT
        enqueue_to_address(session.connection(), kind, to, said, locale="en", context=context(vault=old))
        place = at_staff(b"k" * 16)
        sealed = {
            "tf_totp_sealed": old.seal_totp("secret", place),
            "mf_recovery_sealed": old.seal_recovery(["one"], place),
        }
        session.add(_account(**sealed))
    digests = db.session.scalars(select(SignedUp.address_digest).order_by(SignedUp.id)).all()
    assert rotate(batch=3, context=context(vault=BOTH)).resealed == 3 * 7 + 2 + 2 + 3
    assert values_by_key(ONLY_NEW) == {ONLY_NEW.newest_key.hex(): 28}
    staff = db.session.scalars(select(Staff)).one()
    assert ONLY_NEW.open_totp(staff.tf_totp_sealed or b"", place_of(staff)) == "secret"
    assert ONLY_NEW.open_recovery(staff.mf_recovery_sealed or b"", place_of(staff)) == ["one"]
    assert sorted(opened_names(ONLY_NEW)) == [f"Jeanne {number}" for number in range(7)]
    assert db.session.scalars(select(SignedUp.address_digest).order_by(SignedUp.id)).all() == digests
    mail = db.session.scalars(select(Mail).where(Mail.recipient_sealed.is_not(None))).one()
    assert mail.recipient_sealed is not None
    assert ONLY_NEW.open_email(mail.recipient_sealed, place_of(mail)) == "staff@mail.example"
    assert rotate(context=context(vault=BOTH)).resealed == 0


def _account(**more: Any) -> Staff:
    return Staff(
        email="staff@mail.example", password="", role="viewer", section_code="fr", locale="en", active=True,
        fs_uniquifier="u", link_key=b"k" * 16, created_at=START, invited_at=START, **more,
    )  # fmt: skip


def test_values_that_no_key_opens_are_reported_and_left(app: Flask, appeal: AppealView) -> None:
    sign_up(appeal, 1, Vault((b"x" * 32,), INDEX, seeds_of))
    sign_up(appeal, 2, Vault((OLD,), INDEX, seeds_of))
    done = rotate(context=context(vault=BOTH))
    assert (done.resealed, done.unreadable) == (5, 4)
    assert sorted(opened_names(Vault((NEW, b"x" * 32), INDEX, seeds_of))) == ["Jeanne 1", "Jeanne 2"]


@pytest.mark.slow
def test_supporters_can_sign_during_a_rotation(app: Flask, client: FlaskClient, appeal: AppealView) -> None:
    old = Vault((OLD,), INDEX, seeds_of)
    for number in range(60):
        sign_up(appeal, number, old)
    answers: list[int] = []

    def sign_meanwhile() -> None:
        with app.app_context():
            for number in range(20):
                answer = app.test_client().post(URL, data=form(email=f"new{number}@mail.example"))
                answers.append(answer.status_code)
            db.session.remove()

    thread = threading.Thread(target=sign_meanwhile)
    thread.start()
    while thread.is_alive():
        rotate(batch=5, context=context(vault=BOTH))
    thread.join()
    rotate(batch=5, context=context(vault=BOTH))
    assert answers == [303] * 20
    assert len(opened_names(ONLY_NEW)) == 80


@pytest.mark.slow
def test_a_killed_run_continues(app: Flask, appeal: AppealView, database_url: str, tmp_path: Path) -> None:
    old = Vault((OLD,), INDEX, seeds_of)
    with transaction() as session:
        session.connection().execute(
            Signature.__table__.insert(),  # type: ignore[attr-defined]
            [_row(appeal, number, old) for number in range(20_000)],
        )
    db.session.remove()
    both = ",".join(base64.b64encode(key).decode() for key in (NEW, OLD))
    environ = environment(**KEYS | {"TOCSIN_DATA_KEY": both}, TOCSIN_DATABASE_URL=database_url)
    command = [sys.executable, "-m", "flask", "keys", "rotate"]
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL)
    wait_until(_has_begun, pause=0.001)  # the run must be killed before its end
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 0 < _count_resealed() < 40_000
    assert ", 0 left under other keys" in flask(environ, "keys", "rotate")
    assert _count_resealed() == 40_000
    rows = db.session.scalars(select(Signature)).all()
    assert {ONLY_NEW.open_name(row.name_sealed or b"", place_of(row)) for row in rows} == {"Jeanne"}


def _row(appeal: AppealView, number: int, vault: Vault) -> dict[str, Any]:
    place = at_signature(appeal.id, number.to_bytes(32, "big"), b"k" * 16)
    name, email = vault.seal_name("Jeanne", place), vault.seal_email(parse_address("jeanne@mail.example"), place)
    return {
        "appeal_id": appeal.id, "section_code": "fr", "country": "FR", "state": "pending", "locale": "en",
        "address_digest": number.to_bytes(32, "big"), "link_key": b"k" * 16, "name_sealed": name, "email_sealed": email,
        "wants_updates": False, "signed_at": START,
    }  # fmt: skip


def _count_resealed() -> int:
    db.session.rollback()
    return values_by_key(ONLY_NEW)[ONLY_NEW.newest_key.hex()]


def _has_begun() -> bool:
    db.session.rollback()
    first = db.session.scalars(select(Signature.name_sealed).order_by(Signature.id).limit(1)).one()
    return first is not None and first.startswith(ONLY_NEW.newest_key)


def test_the_command_reports_values_under_other_keys(app: Flask, appeal: AppealView, database_url: str) -> None:
    sign_up(appeal, 1, Vault((b"x" * 32,), INDEX, seeds_of))
    result = app.test_cli_runner().invoke(args=["keys", "rotate"])
    assert result.exit_code == 1
    assert "not among TOCSIN_DATA_KEY" in result.output
    assert app.test_cli_runner().invoke(args=["keys", "status"]).output.count("\n") == 2
    assert len(base64.b64decode(app.test_cli_runner().invoke(args=["keys", "new"]).output)) == 32
