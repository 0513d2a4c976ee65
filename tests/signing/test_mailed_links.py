"""Mailed links: opening one changes nothing, none can be guessed, and none can be made from the database."""

from __future__ import annotations

import random
import re
import string
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign.domain.errors import TokenError
from campaign.domain.signing.token import Purpose, Tokens
from campaign.domain.staff.roles import Role
from campaign.platform import Model, db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.abuse.alert import raise_alert
from campaign.services.announcements.confirmation_reminders import enqueue_confirmation_reminders
from campaign.services.announcements.weekly_digest import enqueue_digests
from campaign.services.staff.accounts import Invitation, invite, set_preferences
from tests.announcements.announcements import fan_out_now, send_announcement
from tests.attack import IS_ATTACK, Figure
from tests.conftest import DAY, START, Clock, Postbox, context, form, text_of
from tests.staff.staff_clients import csrf, join_staff

# Only in the whole gate, because the quick part has to stay quick.
pytestmark = pytest.mark.slow

URL = "/en/appeals/ana-ruiz-vega/sign"
# Each guess is tried for every purpose: more than a million tries in the long form.
GUESSES = 300_000 if IS_ATTACK else 5_000
_ALPHABET = string.ascii_letters + string.digits + "-_"
_LINK = re.compile(r"https?://[^/\s\"'<>]+(/[^\s\"'<>]*)")


def all_rows() -> dict[str, list[Any]]:
    """Return all rows of all tables."""
    db.session.rollback()
    tables = Model.metadata.sorted_tables
    return {table.name: sorted(map(repr, db.session.execute(select(table)))) for table in tables}


@pytest.fixture
def mailed(client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, clock: Clock) -> set[str]:
    """Return all paths of the site in all parts and headers of all mails that a supporter gets."""
    client.post(URL, data=form())
    deliver()
    client.post(postbox.link(), data={"updates": "y"})
    client.post(URL, data=form())
    client.post("/en/new-link", data={"email": "jeanne@mail.example"})
    deliver()
    client.post(URL, data=form(email="pending@mail.example"))
    deliver()
    assert enqueue_confirmation_reminders(context=context(START + 2 * DAY)) == 2
    send_announcement(appeal)  # an outcome, whose mail holds a link to unsubscribe
    fan_out_now()
    clock.now += 2 * DAY
    deliver()
    assert len(postbox.messages) >= 6
    return {path for path in links_in(postbox) if path.startswith("/en/")}


@pytest.fixture
def mailed_to_staff(app: Flask, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox) -> set[str]:
    """Return all paths of the site in all mails that staff get: invitation, reset, weekly digest, alert."""
    ana, app_runtime = join_staff(app, "ana@staff.example", Role.ADMIN), runtime()
    deliver()
    postbox.messages.clear()
    invite(Invitation("bob@staff.example", "fr", Role.VIEWER, "en"), context=context())
    set_preferences(ana, locale="en", wants_digest=True, context=context())
    client.post("/staff/reset", data={"email": "ana@staff.example", "csrf_token": csrf(client.get("/staff/reset"))})
    alert_text = {"subject": "s", "text": "t", "url": f"{app_runtime.settings.base_url}/en/appeals/{appeal.slug}"}
    raise_alert("appeal", appeal.id, lambda _: alert_text, context=context())
    enqueue_digests(context=context())
    deliver()
    assert len(postbox.messages) == 4
    return {path for path in links_in(postbox) if path.startswith(("/en/", "/staff/"))}


def links_in(postbox: Postbox) -> set[str]:
    """Return the paths of all links in the texts and headers."""
    parts = [text_of(message) + str(message.as_string()).replace("=\n", "") for message in postbox.messages]
    return {path.rstrip(".,>") for part in parts for path in _LINK.findall(part)}


def open_by_reading(client: FlaskClient, paths: set[str]) -> None:
    """Open each path ten times in every way that only reads."""
    for path in sorted(paths):
        for _ in range(10):
            client.get(path)
            client.head(path)
            client.get(path, headers={"Purpose": "prefetch", "Sec-Purpose": "prefetch;prerender", "X-Moz": "prefetch"})
            client.options(path)


def test_opening_mailed_links_changes_nothing(client: FlaskClient, mailed: set[str], figure: Figure) -> None:
    tokens = {path for path in mailed if re.search(r"/[smu]/", path)}
    assert len(tokens) >= 5
    before = all_rows()
    open_by_reading(client, mailed)
    changed = all_rows() != before
    figure(f"3 links: {len(mailed)} mailed addresses looked at 40 times each: anything changed", int(changed), "0")
    assert all_rows() == before
    for path in tokens:
        page = client.get(path)
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "same-origin"
        token = max(path.split("/"), key=len)
        # A link to elsewhere never carries it.
        assert not re.search(rf'href="https?://[^"]*{re.escape(token)}', page.text)


def test_opening_links_mailed_to_staff_changes_nothing(app: Flask, mailed_to_staff: set[str], figure: Figure) -> None:
    tokens = {path for path in mailed_to_staff if re.search(r"/(invitation|reset|digest)/", path)}
    assert {path.split("/")[2] for path in tokens} == {"invitation", "reset", "digest"}
    before = all_rows()
    open_by_reading(app.test_client(), mailed_to_staff)
    changed = all_rows() != before
    number = len(mailed_to_staff)
    figure(f"3 links: {number} addresses mailed to staff looked at 40 times each: anything changed", int(changed), "0")
    assert all_rows() == before
    for path in tokens:
        page = app.test_client().get(path)  # still valid, however often it was opened
        assert page.status_code == 200, path
        assert "no-store" in page.headers["Cache-Control"]
        assert page.headers["Referrer-Policy"] == "same-origin"


def test_no_link_can_be_made_from_the_database(app: Flask, mailed: set[str]) -> None:
    stored = repr(all_rows())
    tokens = {part for path in mailed for part in path.split("/") if len(part) > 40}
    assert tokens
    assert not [token for token in tokens if token in stored or token.rpartition(".")[2] in stored]
    # A thief of the database knows every id, but cannot sign a link without the secret key.
    thief = Tokens(("the thief has the database and not the key",))
    for purpose in Purpose:
        for subject in range(1, 200):
            with pytest.raises(TokenError):
                runtime().tokens.read(purpose, thief.make(purpose, subject, START, b""), START)


def count_valid_guesses(tokens: Tokens, valid_token: str, times: int, seed: int) -> int:
    """Try that many tokens, most of them one change away from the valid one; return how many were accepted."""
    random_source = random.Random(seed)  # noqa: S311  the attacker's
    content, _, signature = valid_token.rpartition(".")
    hits = 0
    for number in range(times):
        kind = number % 4
        if kind == 0:  # another signature under the same content
            token = content + "." + "".join(random_source.choices(_ALPHABET, k=len(signature)))
        elif kind == 1:  # another content under the same signature
            token = "".join(random_source.choices(_ALPHABET, k=len(content))) + "." + signature
        elif kind == 2:  # one character changed, but not the last one, some of whose bits are unused
            place = random_source.randrange(len(valid_token) - 1)
            token = (
                valid_token[:place]
                + random_source.choice(_ALPHABET.replace(valid_token[place], ""))
                + valid_token[place + 1 :]
            )
        else:
            token = "".join(random_source.choices(_ALPHABET + ".", k=len(valid_token)))
        for purpose in Purpose:
            try:
                tokens.read(purpose, token, START)
            except TokenError:
                continue
            hits += 1
    return hits


def test_no_guess_is_valid(figure: Figure) -> None:
    tokens = Tokens(("k" * 40,))
    hits = count_valid_guesses(tokens, tokens.make(Purpose.MANAGE, 7, START, b""), GUESSES, seed=1)
    figure(f"3 links: guesses that opened, of {GUESSES * len(Purpose):,}", hits, "0")
    assert hits == 0
    assert (
        tokens.read(Purpose.MANAGE, tokens.make(Purpose.MANAGE, 7, START, b""), START).row_id == 7
    )  # the valid token is accepted


def test_guesses_over_http_get_a_404(client: FlaskClient, mailed: set[str]) -> None:
    random_source = random.Random(2)  # noqa: S311
    answers = set()
    for _ in range(60):
        token = "".join(random_source.choices(_ALPHABET, k=20)) + "." + "".join(random_source.choices(_ALPHABET, k=43))
        for path in (f"/en/s/{token}", f"/en/m/{token}/me", f"/en/m/{token}/act", f"/en/u/{token}"):
            page = client.get(path)
            answers.add((page.status_code, len(page.data)))
    assert {status for status, _ in answers} == {404}
