"""flask mail: the commands for operators about messages and the outbox."""

from __future__ import annotations

import json

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from campaign.mail.messages import samples as sample
from campaign.models import Mail, QueuePause
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from tests.conftest import START, form
from tests.platform.commands import run_command


def test_preview_shows_and_lists_the_messages(app: Flask) -> None:
    assert run_command(app, "mail", "preview").output.split() == list(sample.message_names())
    whole = run_command(app, "mail", "preview", "update", "--locale", "fr").output
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in whole
    assert "Subject: Ana Ruiz Vega est sous la protection de la police" in whole
    html = run_command(app, "mail", "preview", "confirmation", "--locale", "ar", "--html").output
    assert html.startswith("<!DOCTYPE html>")
    assert 'dir="rtl"' in html
    assert run_command(app, "mail", "preview", "confirmed", "--text").output.startswith("Jean Martin,")
    assert "Jean Martin" not in run_command(app, "mail", "preview", "confirmation", "--text").output


def test_preview_refuses_an_unknown_message(app: Flask) -> None:
    for arguments in (("nothing",), ("update", "--locale", "xx")):
        result = run_command(app, "mail", "preview", *arguments)
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 1


def test_status_shows_age_queue_pause_and_domains(app: Flask, client: FlaskClient, appeal: AppealView) -> None:
    client.post("/en/appeals/ana-ruiz-vega/sign", data=form())
    db.session.add(
        QueuePause(is_open=True, began_at=START, probe_at=START, probes=0, phase="auth", code=535, detail="no")
    )
    db.session.commit()
    data = json.loads(run_command(app, "mail", "status", "--json", "--domains").output)
    assert (data["queued"], data["sent"], data["held"]["code"]) == (1, 0, 535)
    assert data["oldest_due_seconds"] >= 0
    assert [(one["domain"], one["by_state"]["queued"]) for one in data["domains"]] == [(None, 1)]
    text = run_command(app, "mail", "status", "--domains").output
    assert "held since 2026-03-01 12:00 UTC: auth 535 no" in text
    assert "(small domains): 1 queued, 0 bounced" in text
    assert "mail.example" not in text


def test_failed_mail_is_listed_retried_and_dropped(app: Flask, client: FlaskClient, appeal: AppealView) -> None:
    for name in ("a", "b"):
        client.post("/en/appeals/ana-ruiz-vega/sign", data=form(email=f"{name}@mail.example"))
    db.session.execute(update(Mail).values(state="dead", phase="rcpt", code=550, detail="no such user"))
    db.session.commit()
    assert run_command(app, "mail", "dead").output.split() == "2 dead confirmation rcpt 550 no such user".split()
    assert json.loads(run_command(app, "mail", "dead", "--json").output)[0]["number"] == 2
    for command in ("retry", "drop"):
        refused = run_command(app, "mail", command)
        assert (refused.exit_code, len(refused.stderr.splitlines())) == (1, 1)
    assert run_command(app, "mail", "retry", "--code", "551").output == "0 are due again\n"
    assert run_command(app, "mail", "retry", "--state", "dead", "--words", "no such").output == "2 are due again\n"
    db.session.execute(update(Mail).values(state="unknown"))
    db.session.commit()
    assert run_command(app, "mail", "drop", "--all").output == "2 are dropped\n"
