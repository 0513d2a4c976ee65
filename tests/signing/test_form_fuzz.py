"""Random requests to every public form: no 500, no answer over five seconds, and exact counts.

`TOCSIN_FUZZ` says how many cases each database gets; `make fuzz` asks for 50,000 over both.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlencode, urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from campaign.config import LOCALES
from campaign.domain.signing.token import Purpose
from campaign.models import SignUp
from campaign.platform import db, limiter
from campaign.platform.runtime import RUNTIME_KEY, runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.counting.verify import verify_counts
from tests.conftest import START, confirm_newest, form, manage_token

CASES = int(os.environ.get("TOCSIN_FUZZ", "250"))
MOST_SECONDS = 5
SLUG = "ana-ruiz-vega"
FORM = "application/x-www-form-urlencoded"

# Plausible values of the fields, tried beside random ones.
FIELD_VALUES: dict[str, list[str]] = {
    "name": ["Jeanne", "名前", "\u202eabc", "a" * 300, "<script>", "O'Neil"],
    "email": ["a@b.example", "a@b", "@", "é@exämple.example", "a@" + "b" * 300 + ".example", "a\x00@b.example"],
    "country": ["FR", "fr", "ZZ", "", "F", "٣٣"],
    "consent": ["y", "n", ""],
    "updates": ["y", ""],
    "via": ["stall-lyon", "x" * 500, "../"],
    "leave_empty": ["", "http://x"],
    "checked": ["", "a@gmial.com"],
    "channel": ["email", "letter", "fax", "phone", "social", "embassy", "signature", "event", ""],
    "target": ["0", "1", "99", "-1", "1e9", "٣", "9" * 60, ""],
    "lang": ["en", "fr", "ar", "xx", ""],
    "form": ["m", "f", "", "x"],
    "words": ["Dear Minister,\r\n\r\nplease.", "#panic()", "\x00", "名", "x" * 10_500, "\n" * 3000, "السلام", " \t"],
    "do": ["show", "pdf", "mail", "withdraw", "erase", "updates", "country", "", "x"],
    "signature": ["1", "all", "-1", "9" * 40, ""],
    "start": ["model", ""],
    "as": ["fax", ""],
    "done": ["email-1", "<b>"],
    "from": ["all", ""],
    "theme": ["light", "dark", "auto", "x", ""],
    "kind": ["form", "counter", "x"],
    "url": ["http://localhost/en/appeals/ana-ruiz-vega", "http://[", "x" * 3000, ""],
    "format": ["json", "xml", "x"],
    "maxwidth": ["1", "-1", "9" * 40, ""],
    "List-Unsubscribe": ["One-Click", ""],
}
# An id that no signature has.
UNKNOWN_ID = 10**9
PAGES = {
    "POST": ["appeals/{slug}/sign", "appeals/{slug}/form", "appeals/{slug}/act", "appeals/{slug}/words",
             "appeals/{slug}/viewed", "m/{manage}/act", "m/{manage}/words", "m/{manage}/me", "m/{address}/address",
             "new-link", "s/{confirm}",
             "u/{unsubscribe}", "/embed/{slug}"],
    "GET": ["appeals/{slug}", "appeals/{slug}/sign", "appeals/{slug}/form", "/embed/{slug}", "/embed/{slug}/thanks",
            "/oembed", "appeals/{slug}/act", "appeals/{slug}/words", "appeals/{slug}/letter.pdf",
            "appeals/{slug}/act.svg", "m/{manage}/act", "m/{manage}/words", "m/{manage}/letter.pdf", "m/{manage}/me",
            "m/{manage}/me.json", "m/{manage}/act.svg", "m/{address}/address", "s/{confirm}",
            "u/{unsubscribe}", "new-link"],
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One request: its method, page, locale, link, query and fields, or a raw body."""

    method: str
    page: str
    locale: str
    token: str
    query: list[tuple[str, bytes]]
    fields: list[tuple[str, bytes]]
    kind: str
    raw: bytes | None


_value = st.one_of(st.text(max_size=60).map(str.encode), st.binary(max_size=30), st.just(b""))


@st.composite
def _fields(draw: st.DrawFn) -> list[tuple[str, bytes]]:
    names = draw(st.lists(st.sampled_from([*FIELD_VALUES, "x", ""]), max_size=9))
    return [
        (
            name,
            draw(
                st.one_of(st.sampled_from(FIELD_VALUES[name]).map(str.encode), _value)
                if name in FIELD_VALUES
                else _value
            ),
        )
        for name in names
    ]


@st.composite
def _cases(draw: st.DrawFn) -> Case:
    method = draw(st.sampled_from(["POST", "POST", "POST", "GET"]))
    return Case(
        method=method,
        page=draw(st.sampled_from(PAGES[method])),
        locale=draw(st.sampled_from(LOCALES)),
        token=draw(st.sampled_from(["own", "own", "own", "other", "broken"])),
        query=draw(_fields()) if draw(st.booleans()) else [],
        fields=draw(_fields()),
        kind=draw(
            st.sampled_from([FORM, FORM, FORM, FORM, "multipart/form-data; boundary=x", "application/json", "x"])
        ),
        raw=draw(st.one_of(st.none(), st.none(), st.none(), st.binary(max_size=80))),
    )


@pytest.fixture
def without_limits(app: Flask) -> Iterator[None]:
    """Switch the limits off and the counting of page views on, so that every public form is processed."""
    limiter.enabled = False
    app_runtime = runtime()
    app.extensions[RUNTIME_KEY] = replace(app_runtime, settings=replace(app_runtime.settings, page_views=True))
    yield
    limiter.enabled = True


def _links(subject: int) -> dict[str, str]:
    app_runtime = runtime()
    found = {purpose.value: app_runtime.tokens.make(purpose, subject, START, b"") for purpose in Purpose}
    if subject == UNKNOWN_ID:
        return found
    found |= {
        purpose.value: manage_token(subject, purpose=purpose) for purpose in (Purpose.MANAGE, Purpose.UNSUBSCRIBE)
    }
    chosen = select(SignUp).where(SignUp.signature_id == subject).order_by(SignUp.signed_at.desc(), SignUp.id).limit(1)
    row = db.session.execute(chosen).scalar_one_or_none()
    db.session.rollback()
    if row is not None:
        found[Purpose.CONFIRM.value] = app_runtime.tokens.make(
            Purpose.CONFIRM, row.id, START, row.link_key, row.content_digest
        )
    return found


def _sent(client: FlaskClient, case: Case, links: dict[str, str]) -> Any:
    path = urljoin(f"/{case.locale}/", case.page.format(slug=SLUG, **links))
    if case.query:
        path += "?" + "&".join(f"{quote(name)}={quote_from_bytes(value)}" for name, value in case.query)
    if case.method == "GET":
        return client.get(path)
    body = case.raw if case.raw is not None else urlencode(case.fields).encode()
    return client.post(path, data=body, content_type=case.kind)


def _timed(client: FlaskClient, case: Case, links: dict[str, str]) -> tuple[Any, float]:
    started = time.monotonic()
    answer = _sent(client, case, links)
    seconds = time.monotonic() - started
    db.session.rollback()
    return answer, seconds


def _signer(client: FlaskClient) -> int:
    """Return the id of a confirmed signature; sign again if a case has erased it."""
    client.post(f"/en/appeals/{SLUG}/sign", data=form())
    db.session.rollback()
    return confirm_newest(START)


def test_every_public_form_is_fuzzed(app: Flask) -> None:
    find, links = app.url_map.bind(""), dict.fromkeys((purpose.value for purpose in Purpose), "x")
    paths = [urljoin("/en/", page.format(slug=SLUG, **links)) for page in PAGES["POST"]]
    forms = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    assert {find.match(path, "POST")[0] for path in paths} == forms


@pytest.mark.slow
@pytest.mark.usefixtures("without_limits")
def test_no_form_breaks_and_none_is_slow(client: FlaskClient, appeal: AppealView) -> None:
    signer = _signer(client)
    slowest = 0.0

    @settings(
        max_examples=CASES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        derandomize=CASES <= 1000,
        print_blob=False,
    )
    @given(_cases())
    def send_case(case: Case) -> None:
        nonlocal signer, slowest
        subject = {"own": signer, "other": UNKNOWN_ID, "broken": signer}[case.token]
        links = _links(subject)
        if case.token == "broken":
            links = {name: link[:-3] for name, link in links.items()}
        answer, took = _timed(client, case, links)
        if took > MOST_SECONDS:  # a busy machine stalls once; a slow answer is slow again
            took = _timed(client, case, links)[1]
        slowest = max(slowest, took)
        assert answer.status_code < 500, (answer.status_code, case)
        assert took < MOST_SECONDS, (took, case)
        if case.method == "POST" and case.page.endswith("/me"):
            signer = _signer(client)  # because this case may have erased the signature

    send_case()
    assert verify_counts() == []
    assert slowest > 0
