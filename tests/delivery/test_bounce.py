"""Bounces: stored with their mail; a missing mailbox is suppressed; the sign-up stays unconfirmed."""

from __future__ import annotations

import io
import mailbox
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from campaign.models import Mail, SignUp, Suppression
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView
from campaign.services.delivery.bounce import process_bounce, process_maildir
from tests.conftest import Postbox, context, form
from tests.mail.dsn import Sample, forged, samples

# Only in the whole gate, because the quick part has to stay quick.
pytestmark = pytest.mark.slow

URL = "/en/appeals/ana-ruiz-vega/sign"


@pytest.fixture
def mail_id(client: FlaskClient, appeal: AppealView, deliver: Any) -> int:
    client.post(URL, data=form())
    deliver()
    found = db.session.scalars(select(Mail.id)).one()
    db.session.rollback()
    return found


def message_id(mail_id: int) -> str:
    """Return the Message-ID of that mail."""
    found = db.session.scalars(select(Mail.message_id).where(Mail.id == mail_id)).one()
    db.session.rollback()
    assert found is not None
    return found


def sample(verdict: str, mail_id: int) -> Sample:
    all_of_them = samples(context().return_paths, lambda _: mail_id, message_id(mail_id))
    return next(one for one in all_of_them if one.verdict == verdict)


def stored_mail() -> Mail:
    db.session.rollback()
    return db.session.scalars(select(Mail)).one()


def suppression_reasons() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Suppression.reason)))


@pytest.mark.parametrize(
    ("verdict", "status", "reasons"),
    [
        ("hard", "5.1.1", ["bounced"]),
        ("complaint", "complaint", ["complained"]),
        ("soft", "4.2.2", []),
        ("refused", "5.7.1", []),
        ("delayed", "4.4.1", []),
        ("automatic", None, []),
        ("unknown", None, []),
    ],
)
def test_each_report_is_stored_and_only_some_suppress_the_address(
    mail_id: int, verdict: str, status: str | None, reasons: list[str]
) -> None:
    for _ in range(2):
        taken = process_bounce(sample(verdict, mail_id).content, context=context())
        assert taken.is_suppressed is bool(reasons)
    assert (stored_mail().bounce_status, stored_mail().state) == (status, "sent")
    assert suppression_reasons() == reasons
    assert db.session.scalars(select(SignUp.signature_id)).one() is None


def test_a_late_report_of_a_delay_does_not_replace_a_hard_bounce(mail_id: int) -> None:
    for verdict in ("soft", "hard", "delayed"):
        process_bounce(sample(verdict, mail_id).content, context=context())
    assert stored_mail().bounce_status == "5.1.1"


def test_an_erased_address_is_not_suppressed(mail_id: int, client: FlaskClient, postbox: Postbox) -> None:
    link = postbox.link()
    content = sample("hard", mail_id).content
    assert client.post(link, data={"do": "erase"}).status_code == 200
    assert process_bounce(content, context=context()).is_suppressed is False
    assert suppression_reasons() == []


def test_an_old_bounce_does_not_apply_to_the_mail_that_got_its_id_after_a_restore(
    mail_id: int, client: FlaskClient, deliver: Any, postbox: Postbox
) -> None:
    old = {verdict: sample(verdict, mail_id).content for verdict in ("hard", "complaint", "soft")}
    with transaction() as session:
        session.execute(text("DELETE FROM mail"))
        session.execute(text("DELETE FROM sign_up"))
        if session.connection().dialect.name == "sqlite":
            session.execute(text("UPDATE sqlite_sequence SET seq = :last WHERE name = 'mail'"), {"last": mail_id - 1})
        else:
            session.execute(text("SELECT setval('mail_id_seq', :next, false)"), {"next": mail_id})
    client.post(URL, data=form(email="innocent@other.example"))
    deliver()
    assert stored_mail().id == mail_id
    for content in old.values():
        assert process_bounce(content, context=context()).is_suppressed is False
    assert (suppression_reasons(), stored_mail().bounced_at) == ([], None)
    # The return path of the new mail is still valid.
    assert process_bounce(sample("hard", mail_id).content, context=context()).is_suppressed
    assert suppression_reasons() == ["bounced"]


def test_a_bounce_changes_nothing_once_the_message_id_is_erased(mail_id: int) -> None:
    content = sample("hard", mail_id).content
    with transaction() as session:
        session.execute(update(Mail).values(message_id=None))
    assert process_bounce(content, context=context()).is_suppressed is False
    assert (suppression_reasons(), stored_mail().bounced_at) == ([], None)


def test_a_maildir_keeps_only_reports_for_a_person(mail_id: int, tmp_path: Path) -> None:
    paths = context().return_paths
    assert process_maildir(tmp_path / "none", context=context()) == {}
    box = mailbox.Maildir(tmp_path / "bounces")
    box.add(sample("hard", mail_id).content)
    box.add(sample("automatic", mail_id).content)
    box.add(sample("unknown", mail_id).content)
    box.add(forged(paths)[0].content)
    box.add(b"From: list@spam.example\nTo: somebody@tocsin.example\n\nBuy!\n")
    found = process_maildir(tmp_path / "bounces", context=context())
    assert found == {"hard": 1, "automatic": 1, "unknown": 1, "forged": 1, "unaddressed": 1}
    assert len(box) == 3
    assert process_maildir(tmp_path / "bounces", context=context()) == {}
    assert suppression_reasons() == ["bounced"]


def pipe_report(app: Flask, content: bytes, *more: str) -> Result:
    return app.test_cli_runner().invoke(args=["mail", "bounces", "-", *more], input=io.BytesIO(content))


def test_the_pipe_says_what_it_did_and_exits_as_mail_servers_expect(app: Flask, mail_id: int, tmp_path: Path) -> None:
    done = pipe_report(app, sample("hard", mail_id).content)
    assert (done.exit_code, done.output) == (
        0, f"mail {mail_id}: hard (5.1.1): the mailbox is not there; no more mail goes there\n",
    )  # fmt: skip
    assert "@" not in done.output
    assert pipe_report(app, sample("automatic", mail_id).content).exit_code == 0
    assert pipe_report(app, forged(context().return_paths)[0].content).exit_code == os.EX_NOPERM
    assert pipe_report(app, b"To: a@tocsin.example\n\nx").exit_code == os.EX_NOUSER
    assert pipe_report(app, b"").exit_code == os.EX_NOUSER
    bare = b"From: MAILER-DAEMON@x.example\nSubject: failure notice\n\n550 5.1.1 user unknown\n"
    assert (
        pipe_report(app, bare, "--recipient", context().return_paths.make(mail_id, message_id(mail_id))).exit_code == 0
    )
    runner = app.test_cli_runner()
    assert runner.invoke(args=["mail", "bounces", str(tmp_path / "none")]).exit_code == os.EX_NOINPUT
    assert runner.invoke(args=["mail", "bounces", str(tmp_path)]).exit_code == os.EX_NOINPUT
    path = tmp_path / "bounce.eml"
    path.write_bytes(sample("soft", mail_id).content)
    assert "temporary" in runner.invoke(args=["mail", "bounces", str(path)]).output
    mailbox.Maildir(tmp_path / "box").add(path.read_bytes())
    assert runner.invoke(args=["mail", "bounces", str(tmp_path / "box")]).output == "1 soft\n"
