"""What was sealed before places were authenticated opens after migrating, is found, and goes back down."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import MetaData, Table, insert, select

from campaign.config import ROOT
from campaign.domain.signing.address import parse_address
from campaign.factory import create_app
from campaign.models import Departure, LinkRequest, Mail, Signature, Staff
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.services.counting.verify import verify
from campaign.services.outbox.suppression import suppression_reason
from tests.conftest import START, make_database, settings_for

FOLDER = str(ROOT / "migrations")
BEFORE = "0024"
ANA = parse_address("Ana@mail.example")
# As Flask-Security has encrypted them.
SECRET, CODES = '{"enckey":{"c":14,"k":"secret"},"type":"totp","v":1}', ["one", "two"]


def old_digest(identity: str) -> bytes:
    return hmac.digest(b"i" * 32, f"address\0{identity}".encode(), "sha256")


def old_seal(text: str, purpose: str) -> bytes:
    key = b"d" * 32
    start = hashlib.sha256(b"tocsin data key " + key).digest()[:4]
    return start + b"n" * 12 + AESGCM(key).encrypt(b"n" * 12, text.encode(), purpose.encode())


def fill(app: Flask) -> None:
    """Two appeals that Ana signed; under the second she had been erased before. And a row that no key opens."""
    with db.engine.begin() as connection:
        meta = MetaData()

        def add(into: str, **values: Any) -> int:
            table = Table(into, meta, autoload_with=connection, extend_existing=True)
            row = connection.execute(insert(table).values(**values).returning(*list(table.primary_key))).first()
            assert row is not None
            return int(row[0]) if isinstance(row[0], int) else 0

        add("section", code="fr", position=1, name="France", countries=["FR"], languages=["fr"],
            time_zone="Europe/Paris", contact="")  # fmt: skip
        ids = [
            add("appeal", slug=f"case-{number}", sequence=1, country="CO", goal=9, state="open", languages=[],
                own_language=False, revision=1, created_at=START)
            for number in range(2)
        ]  # fmt: skip
        digest, mine = old_digest(ANA.identity), (old_seal("Ana", "name"), old_seal(str(ANA), "email"))
        lost = b"\0" * 32, (b"lost" + b"x" * 40, b"lost" + b"x" * 40)
        for number, (found, sealed) in ((ids[0], (digest, mine)), (ids[1], (digest, mine)), (ids[0], lost)):
            add("signature", appeal_id=number, section_code="fr", country="FR", state="confirmed", address_digest=found,
                name_sealed=sealed[0], email_sealed=sealed[1], locale="fr", wants_updates=False, shares_name=False,
                signed_at=START, confirmed_at=START, standing=3)  # fmt: skip
        add("tombstone", appeal_id=ids[1], address_digest=digest, erased_at=START)
        add("suppression", address_digest=digest, reason="refused", created_at=START)
        add("departure", kind="erased", appeal_id=ids[0], address_digest=digest, signed_at=START, at=START)
        add("link_request", email_sealed=mine[1], created_at=START)
        add("staff", email="cleo@staff.example", role="viewer", section_code="fr", locale="en", active=True,
            fs_uniquifier="u", tf_primary_method="authenticator", tf_totp_secret=SECRET, mf_recovery_codes=CODES,
            wants_digest=False, created_at=START, invited_at=START)  # fmt: skip
        add("staff", email="new@staff.example", role="viewer", section_code="fr", locale="en", active=True,
            fs_uniquifier="v", wants_digest=False, created_at=START, invited_at=START)  # fmt: skip
        said = old_seal("{}", "context")
        add("mail", kind="staff_alert", state="queued", recipient_sealed=mine[1], context_sealed=said,
            mailbox_digest=digest, domain_digest=digest, message_id="<one@mail.example>", created_at=START, locale="en",
            due_at=START, attempts=0, ambiguous=0, fence=0)  # fmt: skip


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=[pytest.mark.slow])])
def test_old_rows_open_and_are_found(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path}/m.db"
    if kind == "postgresql":
        url = make_database(request.getfixturevalue("postgresql_server"), "old_digests")
    app = create_app(settings_for(url, tmp_path))
    with app.app_context():
        upgrade(FOLDER, BEFORE)
        fill(app)
        upgrade(FOLDER)
        vault = runtime().vault
        first, second, lost = db.session.scalars(select(Signature).order_by(Signature.id)).all()
        for row in (first, second):
            assert row.address_digest == vault.address_digest(row.appeal_id, ANA)
            assert vault.open_name(row.name_sealed or b"", place_of(row)) == "Ana"
            assert vault.open_email(row.email_sealed or b"", place_of(row)) == str(ANA)
        assert (first.is_repeat, second.is_repeat, lost.is_repeat) == (False, True, False)
        assert lost.name_sealed == b"lost" + b"x" * 40
        assert suppression_reason(db.session(), ANA, vault) == "refused"
        mail, asked = db.session.scalars(select(Mail)).one(), db.session.scalars(select(LinkRequest)).one()
        assert vault.open_email(mail.recipient_sealed or b"", place_of(mail)) == str(ANA)
        assert vault.open_context(mail.context_sealed or b"", place_of(mail)) == "{}"
        assert vault.open_email(asked.email_sealed, place_of(asked)) == str(ANA)
        staff = db.session.scalars(select(Staff).order_by(Staff.id)).all()
        assert [one.tf_totp_secret for one in staff] == [SECRET, None]
        assert [one.mf_recovery_codes for one in staff] == [CODES, None]
        assert b"secret" not in (staff[0].tf_totp_sealed or b"")
        left = vault.departure_digest(vault.address_digest(first.appeal_id, ANA))
        assert db.session.scalars(select(Departure.address_digest)).all() == [left]
        # No actions were made here: what was counted before is not looked for.
        assert [(one.appeal_id, one.counted) for one in verify() if one.of == "signatures"] == [(first.appeal_id, 2)]
        db.session.remove()
        downgrade(FOLDER, BEFORE)
        with db.engine.begin() as connection:
            table = Table("signature", MetaData(), autoload_with=connection)
            rows = connection.execute(select(table).order_by(table.c.id)).all()
            staff_table = Table("staff", MetaData(), autoload_with=connection)
            factors = select(staff_table.c.tf_totp_secret, staff_table.c.mf_recovery_codes).order_by(staff_table.c.id)
            assert [tuple(row) for row in connection.execute(factors)] == [(SECRET, CODES), (None, None)]
        assert [bytes(row.address_digest) for row in rows[:2]] == [old_digest(ANA.identity)] * 2
        opened = AESGCM(b"d" * 32).decrypt(rows[0].email_sealed[4:16], rows[0].email_sealed[16:], b"email")
        assert opened.decode() == str(ANA)
        db.engine.dispose()
