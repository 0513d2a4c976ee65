"""Every public and staff route gets A+ by the rules of the HTTP Observatory.

The rules are those of MDN's HTTP Observatory (version 5): 100 points, minus those for missing or unsafe headers, and
from 90 points on extra points for stricter ones. Redirects to TLS and the certificate are the proxy's task.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import select
from werkzeug.test import TestResponse

from campaign.document import parse_text
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.token import Purpose
from campaign.domain.staff.actor import SUPPORTER
from campaign.factory import create_app
from campaign.models import SignUp as SignedUp
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import find_appeal
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.sections.load_sections import load_sections
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from tests.attack import Figure
from tests.conftest import DOCUMENT, START, confirm_at, context, manage_token, settings_for

pytestmark = pytest.mark.slow

SITE = "https://act.tocsin.example"
A_PLUS, EXTRA_FROM, SIX_MONTHS = 100, 90, 15_768_000
Policy = dict[str, list[str]]


@pytest.fixture(scope="module")
def tls_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, dict[str, str]]]:
    """Yield a site behind TLS with a confirmed signature, and the values of the routes' variables."""
    folder = tmp_path_factory.mktemp("secure")
    settings = settings_for(f"sqlite:///{folder}/t.db", folder, TOCSIN_BASE_URL=SITE, TOCSIN_CHALLENGE="off")
    app = create_app(settings, clock=lambda: START)
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        load_sections(Path(__file__).parent.parent / "sections.toml", context=context())
        import_draft(parse_text(DOCUMENT), ImportOptions(slug="case", deadline=date(2099, 1, 1)), context=context())
        publish("case", context=context())
        app_runtime, appeal, address = runtime(), find_appeal("case"), parse_address("a@mail.example")
        assert appeal is not None
        sign_up = SignUpRequest(appeal.id, "fr", "FR", "Jeanne", address, "en", "en", 1, None)
        sign(sign_up, context=context(actor=SUPPORTER))
        waiting = db.session.execute(select(SignedUp.id, SignedUp.link_key, SignedUp.content_digest)).one()
        number = confirm_at(waiting.id, START)
        tokens = {letter: manage_token(number, purpose=purpose) for letter, purpose in _PURPOSES.items()}
        tokens["s"] = app_runtime.tokens.make(
            Purpose.CONFIRM, waiting.id, START, waiting.link_key, waiting.content_digest
        )
        db.session.remove()
        css = app.jinja_env.globals["asset"]("tocsin.css")  # type: ignore[operator]
    digest, name = str(css).rsplit("/", 2)[-2:]
    yield app, {"locale": "en", "slug": "case", "country": "CO", "code": "fr", "section": "fr", "digest": digest,
                "name": name, **tokens}  # fmt: skip
    for each_app in (app, app.extensions["tocsin_staff"]):
        with each_app.app_context():
            db.engine.dispose()


_PURPOSES = {"s": Purpose.CONFIRM, "m": Purpose.MANAGE, "u": Purpose.UNSUBSCRIBE}


def paths_of(app: Flask, values: dict[str, str]) -> Iterator[str]:
    """Yield an address for each route that answers GET, with valid values where there are any."""
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()):
            continue
        path = rule.rule
        letter = re.search(r"/([smu])/<token>", path)
        if letter:
            path = path.replace("<token>", values[letter[1]])
        yield re.sub(r"<(?:[^:<>]+:)?(\w+)>", lambda found: values.get(found[1], "1"), path)


class TlsClient(FlaskClient):
    """A browser that came by TLS, to the host that the site answers."""

    def open(self, *arguments: Any, **more: Any) -> TestResponse:
        return super().open(*arguments, **{"base_url": SITE} | more)


def client_of(app: Flask) -> FlaskClient:
    """Return a TLS client of the application."""
    return TlsClient(app, app.response_class)


def policy_of(answer: TestResponse) -> Policy:
    """Return the answer's content security policy by directive."""
    parts = [part.split() for part in answer.headers.get("Content-Security-Policy", "").split(";") if part.strip()]
    return {name.lower(): sources for name, *sources in parts}


def points(answer: TestResponse) -> dict[str, int]:
    """Return the points that each rule adds or subtracts."""
    policy = policy_of(answer)
    return {
        "csp": csp_points(policy),
        "cookies": sum(cookie_points(cookie) for cookie in answer.headers.getlist("Set-Cookie")),
        "cors": -50 if "Access-Control-Allow-Credentials" in answer.headers else 0,
        "hsts": hsts_points(answer.headers.get("Strict-Transport-Security", "")),
        "referrer": 5 if answer.headers.get("Referrer-Policy") in {"no-referrer", "same-origin"} else -5,
        "scripts": script_points(answer),
        "nosniff": 0 if answer.headers.get("X-Content-Type-Options") == "nosniff" else -5,
        "frames": 5 if policy.get("frame-ancestors") else -20,
        "corp": {"same-origin": 10, "cross-origin": 0}.get(answer.headers.get("Cross-Origin-Resource-Policy", ""), -5),
    }


def csp_points(policy: Policy) -> int:
    """Return the points for a missing policy, for unsafe or broad sources, or for another default than none."""
    if not policy:
        return -25
    scripts = policy.get("script-src", policy.get("default-src", ["*"]))
    if any(source.startswith("'unsafe") or source in {"*", "http:", "https:", "data:"} for source in scripts):
        return -20
    if any(source.startswith("'unsafe") for source in policy.get("style-src", [])):
        return 0  # inline data of an image
    forms = policy.get("form-action", [])
    return 10 if policy.get("default-src") == ["'none'"] and forms in (["'none'"], ["'self'"]) else 5


def cookie_points(cookie: str) -> int:
    """Return the points for cookies: secure, hidden from scripts, not sent from other sites, with a prefixed name."""
    name, _, _ = cookie.partition("=")
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert name.startswith("__Host-"), cookie
    assert "path=/" in flags, cookie
    assert not any(flag.startswith("domain") for flag in flags), cookie
    return 5 if {"secure", "httponly"} <= flags and flags & {"samesite=lax", "samesite=strict"} else -40


def hsts_points(header: str) -> int:
    """Return the points for strict transport security of at least half a year."""
    match = re.search(r"max-age=(\d+)", header)
    return 0 if match and int(match[1]) >= SIX_MONTHS else -20


def script_points(answer: TestResponse) -> int:
    """Return the points for scripts: all from this site, none in the page."""
    if answer.mimetype != "text/html":
        return 0
    tags = re.findall(r"<script\b([^>]*)>", answer.get_data(as_text=True))
    match = [
        re.search(r'src="([^"]*)"', tag) for tag in tags if "application/ld+json" not in tag
    ]  # structured data, not a script
    return 0 if all(one and not urlsplit(one[1]).netloc and not one[1].startswith("//") for one in match) else -50


def grade(answer: TestResponse) -> tuple[int, dict[str, int]]:
    """Return the score, and its reasons."""
    found = points(answer)
    score = A_PLUS + sum(one for one in found.values() if one < 0)
    return (score + sum(one for one in found.values() if one > 0) if score >= EXTRA_FROM else score), found


def test_every_public_route_reaches_a_plus(tls_site: tuple[Flask, dict[str, str]], figure: Figure) -> None:
    app, values = tls_site
    client, seen, lowest = client_of(app), 0, 1000
    for path in paths_of(app, values):
        answer = client.get(path)
        assert answer.status_code < 500 or path == "/metrics", path
        score, why = grade(answer)
        assert score >= A_PLUS, (path, why)
        lowest = min(lowest, score)
        assert "Set-Cookie" not in answer.headers, path
        assert min(why.values()) >= 0, (path, why)
        seen += answer.status_code == 200
    assert seen > 35  # enough pages, not only refusals
    figure("4 browser: lowest score of public routes by the Observatory's rules", lowest, f">= {A_PLUS}")


def test_every_staff_route_reaches_a_plus(tls_site: tuple[Flask, dict[str, str]], figure: Figure) -> None:
    app, values = tls_site
    client, cookies, lowest = client_of(app), 0, 1000
    for path in paths_of(app.extensions["tocsin_staff"], values):
        answer = client.get(f"/staff{path}")
        assert answer.status_code < 500, path
        score, why = grade(answer)
        assert score >= A_PLUS, (path, why)
        lowest = min(lowest, score)
        cookies += len(answer.headers.getlist("Set-Cookie"))
    assert cookies
    figure("4 browser: lowest score of staff's routes", lowest, f">= {A_PLUS}")


def test_only_embeds_may_be_framed_and_pages_are_isolated(tls_site: tuple[Flask, dict[str, str]]) -> None:
    app, values = tls_site
    client = client_of(app)
    for path in paths_of(app, values):
        answer = client.get(path)
        policy = policy_of(answer)
        if path.startswith("/embed/"):
            assert "Set-Cookie" not in answer.headers
            continue
        assert policy["frame-ancestors"] == ["'none'"], path
        if answer.mimetype == "text/html":
            assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", path
            assert "camera=()" in answer.headers["Permissions-Policy"], path
            assert policy["require-trusted-types-for"] == ["'script'"], path
            assert policy["base-uri"] == ["'none'"], path
            assert not re.search(r"<style\b|\sstyle=|\son[a-z]+=", answer.get_data(as_text=True)), path


@pytest.mark.parametrize("letter", ["s", "m", "u"])
def test_no_link_to_another_site_contains_the_token(tls_site: tuple[Flask, dict[str, str]], letter: str) -> None:
    app, values = tls_site
    client, seen = client_of(app), 0
    for path in paths_of(app, values):
        if f"/{letter}/{values[letter]}" not in path:
            continue
        answer = client.get(path)
        assert answer.headers["Referrer-Policy"] == "same-origin", path
        assert "no-store" in answer.headers["Cache-Control"], path
        if answer.mimetype == "text/html" and answer.status_code == 200:
            seen += 1
            for link in re.findall(r'(?:href|src|action)="([^"]+)"', answer.get_data(as_text=True)):
                if urlsplit(link).netloc not in {"", urlsplit(SITE).netloc} or link.startswith("mailto:"):
                    assert values[letter] not in link, (path, link)
    assert seen
