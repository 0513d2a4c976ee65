"""Mailed links: looking never changes anything, guessing never hits, and what is stored makes none."""

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
from campaign.services.announcements.reminders import enqueue_reminders
from campaign.services.announcements.weekly_digest import enqueue_digests
from campaign.services.staff.accounts import Invitation, invite, set_preferences
from tests.announcements.test_announce import announced, fan_out_now
from tests.attack import IS_ATTACK, Figure
from tests.conftest import DAY, START, Clock, Postbox, context, form, text_of
from tests.staff.staff_clients import csrf, join

# For the gate: the quick part is to stay quick.
pytestmark = pytest.mark.slow

URL = "/en/appeals/ana-ruiz-vega/sign"
# Each is tried for every purpose; in the long form that is more than a million tries.
GUESSES = 300_000 if IS_ATTACK else 5_000
_ALPHABET = string.ascii_letters + string.digits + "-_"
_LINK = re.compile(r"https?://[^/\s\"'<>]+(/[^\s\"'<>]*)")


def everything() -> dict[str, list[Any]]:
    """All rows of all tables."""
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
    assert enqueue_reminders(context=context(START + 2 * DAY)) == 2
    announced(appeal)  # how the case goes on: with a link that ends such mails
    fan_out_now()
    clock.now += 2 * DAY
    deliver()
    assert len(postbox.messages) >= 6
    return {path for path in links_in(postbox) if path.startswith("/en/")}


@pytest.fixture
def mailed_to_staff(app: Flask, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox) -> set[str]:
    """The same of every mail that staff get: invitation, new password, the week, an alarm."""
    ana, at = join(app, "ana@staff.example", Role.ADMIN), runtime()
    deliver()
    postbox.messages.clear()
    invite(Invitation("bob@staff.example", "fr", Role.VIEWER, "en"), context=context())
    set_preferences(ana, locale="en", wants_digest=True, context=context())
    client.post("/staff/reset", data={"email": "ana@staff.example", "csrf_token": csrf(client.get("/staff/reset"))})
    said = {"subject": "s", "text": "t", "url": f"{at.settings.base_url}/en/appeals/{appeal.slug}"}
    raise_alert("appeal", appeal.id, lambda _: said, context=context())
    enqueue_digests(context=context())
    deliver()
    assert len(postbox.messages) == 4
    return {path for path in links_in(postbox) if path.startswith(("/en/", "/staff/"))}


def links_in(postbox: Postbox) -> set[str]:
    """The paths of all links, in the text and in the headers."""
    parts = [text_of(message) + str(message.as_string()).replace("=\n", "") for message in postbox.messages]
    return {path.rstrip(".,>") for part in parts for path in _LINK.findall(part)}


def open_without_acting(client: FlaskClient, paths: set[str]) -> None:
    """Open each path ten times in every way that only reads."""
    for path in sorted(paths):
        for _ in range(10):
            client.get(path)
            client.head(path)
            client.get(path, headers={"Purpose": "prefetch", "Sec-Purpose": "prefetch;prerender", "X-Moz": "prefetch"})
            client.options(path)


def test_looking_at_what_was_mailed_changes_nothing(client: FlaskClient, mailed: set[str], figure: Figure) -> None:
    tokens = {path for path in mailed if re.search(r"/[smu]/", path)}
    assert len(tokens) >= 5
    before = everything()
    open_without_acting(client, mailed)
    changed = everything() != before
    figure(f"3 links: {len(mailed)} mailed addresses looked at 40 times each: anything changed", int(changed), "0")
    assert everything() == before
    for path in tokens:
        page = client.get(path)
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "same-origin"
        token = max(path.split("/"), key=len)
        # A link to elsewhere never carries it.
        assert not re.search(rf'href="https?://[^"]*{re.escape(token)}', page.text)


def test_looking_at_what_staff_were_mailed_changes_nothing(
    app: Flask, mailed_to_staff: set[str], figure: Figure
) -> None:
    tokens = {path for path in mailed_to_staff if re.search(r"/(invitation|reset|digest)/", path)}
    assert {path.split("/")[2] for path in tokens} == {"invitation", "reset", "digest"}
    before = everything()
    open_without_acting(app.test_client(), mailed_to_staff)
    changed = everything() != before
    number = len(mailed_to_staff)
    figure(f"3 links: {number} addresses mailed to staff looked at 40 times each: anything changed", int(changed), "0")
    assert everything() == before
    for path in tokens:
        page = app.test_client().get(path)  # still good, however often it was looked at
        assert page.status_code == 200, path
        assert "no-store" in page.headers["Cache-Control"]
        assert page.headers["Referrer-Policy"] == "same-origin"


def test_what_is_stored_makes_no_link(app: Flask, mailed: set[str]) -> None:
    stored = repr(everything())
    tokens = {part for path in mailed for part in path.split("/") if len(part) > 40}
    assert tokens
    assert not [token for token in tokens if token in stored or token.rpartition(".")[2] in stored]
    # A thief knows every id; without the secret key no purpose's link can be made of them.
    thief = Tokens(("the thief has the database and not the key",))
    for purpose in Purpose:
        for subject in range(1, 200):
            with pytest.raises(TokenError):
                runtime().tokens.read(purpose, thief.make(purpose, subject, START, b""), START)


def guess(tokens: Tokens, known: str, times: int, seed: int) -> int:
    """Tries so many tokens, most of them one change away from one that is good; returns how many opened."""
    chance = random.Random(seed)  # noqa: S311  the attacker's
    content, _, signature = known.rpartition(".")
    hits = 0
    for number in range(times):
        kind = number % 4
        if kind == 0:  # another signature under the same content
            tried = content + "." + "".join(chance.choices(_ALPHABET, k=len(signature)))
        elif kind == 1:  # another content under the same signature
            tried = "".join(chance.choices(_ALPHABET, k=len(content))) + "." + signature
        elif kind == 2:  # one character changed; the last one holds bits that mean nothing
            place = chance.randrange(len(known) - 1)
            tried = known[:place] + chance.choice(_ALPHABET.replace(known[place], "")) + known[place + 1 :]
        else:
            tried = "".join(chance.choices(_ALPHABET + ".", k=len(known)))
        for purpose in Purpose:
            try:
                tokens.read(purpose, tried, START)
            except TokenError:
                continue
            hits += 1
    return hits


def test_no_guess_hits(figure: Figure) -> None:
    tokens = Tokens(("k" * 40,))
    hits = guess(tokens, tokens.make(Purpose.MANAGE, 7, START, b""), GUESSES, seed=1)
    figure(f"3 links: guesses that opened, of {GUESSES * len(Purpose):,}", hits, "0")
    assert hits == 0
    assert (
        tokens.read(Purpose.MANAGE, tokens.make(Purpose.MANAGE, 7, START, b""), START).subject == 7
    )  # the right one does


def test_guesses_over_http_tell_nothing(client: FlaskClient, mailed: set[str]) -> None:
    chance = random.Random(2)  # noqa: S311
    seen = set()
    for _ in range(60):
        token = "".join(chance.choices(_ALPHABET, k=20)) + "." + "".join(chance.choices(_ALPHABET, k=43))
        for path in (f"/en/s/{token}", f"/en/m/{token}/me", f"/en/m/{token}/act", f"/en/u/{token}"):
            page = client.get(path)
            seen.add((page.status_code, len(page.data)))
    assert {status for status, _ in seen} == {404}
