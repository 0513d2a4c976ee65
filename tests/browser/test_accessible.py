"""axe finds nothing on any public page.

`make test` opens each page in English and Arabic, in different widths and schemes; `make axe` opens each page in all
languages, widths and schemes.
"""

from __future__ import annotations

import sqlite3
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route

from campaign.domain.signing.token import Purpose, Tokens
from tests.browser.axe import ALL_LOOKS, OPENS_ALL, axe_findings, looks_of
from tests.browser.conftest import CONTINUED, OVER, SAMPLE, STOPPED, Cases, mailed_link, sign
from tests.conftest import KEYS
from tests.deploy.processes import environment, free_port, running, wait_for, web

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


# The pages that are opened by their address.
OPENED = f"""
/{{locale}}/
/{{locale}}/appeals/{SAMPLE}
/{{locale}}/appeals/{SAMPLE}/sign
/{{locale}}/appeals/{SAMPLE}/form
/{{locale}}/appeals/{SAMPLE}/thanks
/{{locale}}/appeals/{SAMPLE}/progress
/{{locale}}/appeals/{SAMPLE}/act
/{{locale}}/appeals/{SAMPLE}/act?country=FR
/{{locale}}/appeals/{SAMPLE}/words
/{{locale}}/appeals/{OVER}
/{{locale}}/appeals/{OVER}/act
/{{locale}}/appeals/{STOPPED}
/{{locale}}/appeals/{STOPPED}/act
/{{locale}}/appeals/{CONTINUED}
/{{locale}}/appeals/{CONTINUED}/act?country=FR
/{{locale}}/appeals/{CONTINUED}/progress
/{{locale}}/countries/kz
/{{locale}}/ended
/{{locale}}/sections
/{{locale}}/sections/fr
/{{locale}}/privacy
/{{locale}}/imprint
/{{locale}}/accessibility
/{{locale}}/new-link
/{{locale}}/new-link/sent
/{{locale}}/nothing
/{{locale}}/s/broken
/{{locale}}/s/{{expired}}
/{{locale}}/s/{{erased}}
/{{locale}}/s/{{confirm}}
/{{locale}}/u/{{unsubscribe}}
/{{locale}}/m/{{manage}}/act
/{{locale}}/m/{{manage}}/words
/{{locale}}/m/{{manage}}/me
/{{locale}}/m/{{address}}/address
/embed/{SAMPLE}?lang={{locale}}&theme={{scheme}}
/embed/{SAMPLE}?kind=counter&lang={{locale}}&theme={{scheme}}
/embed/{OVER}?lang={{locale}}&theme={{scheme}}
/embed/{SAMPLE}/thanks?lang={{locale}}&theme={{scheme}}
""".split()
# Forms with the fields that are sent; the answer is checked.
SENT: dict[str, dict[str, str]] = {
    f"/{{locale}}/appeals/{SAMPLE}/sign": {"name": "", "country": "ZZ"},
    f"/{{locale}}/appeals/{SAMPLE}/sign?suggested": {
        "name": "A",
        "email": "a@gmial.com",
        "country": "FR",
        "consent": "y",
    },
    f"/{{locale}}/appeals/{OVER}/sign": {"name": "A"},
    f"/{{locale}}/appeals/{SAMPLE}/form": {"name": "Ada", "country": "CH"},
    f"/{{locale}}/appeals/{SAMPLE}/act": {"country": "ZZ"},
    f"/{{locale}}/appeals/{SAMPLE}/words": {"words": "Dear Minister,", "do": "show"},
    f"/{{locale}}/appeals/{SAMPLE}/words?refused": {"words": "x" * 20_000, "do": "show"},
    "/{locale}/m/{manage}/act": {"channel": "letter", "target": "99"},
    "/{locale}/m/{manage}/words": {"words": "Dear Minister,", "do": "show"},
    "/{locale}/m/{manage}/me": {"do": "country", "country": "ZZ"},
    "/{locale}/m/{new_address}/address": {},
    "/{locale}/new-link": {"email": "nobody"},
    "/{locale}/u/{unsubscribe}": {},
    f"/embed/{SAMPLE}?lang={{locale}}&theme={{scheme}}": {"name": ""},
}
# Pages of two other sites: one under attack with strict limits, and one whose database is away.
PAGES_OF_OTHER_SITES = ("challenge", "403", "429", "503")
PAGES = [*OPENED, *(f"POST {path}" for path in SENT), *PAGES_OF_OTHER_SITES]
# Public routes that show no page of the site.
NOT_A_PAGE = {
    "pages.root": "redirects to a language",
    "letter_files.qr_code": "a picture",
    "letter_files.qr_code_signed": "a picture",
    "letter_files.unsigned_pdf": "a PDF",
    "letter_files.signed_pdf": "a PDF",
    "share.card": "a picture",
    "share.poster": "a PDF",
    "progress.tiles": "a picture",
    "progress.chart": "a picture",
    "appeal_lists.feed": "for feed readers",
    "appeal_lists.robots": "for machines",
    "appeal_lists.sitemap": "for machines",
    "my_data.export": "a file",
    "page_views.create": "answers nothing",
    "confirm.create": "redirects to the act page",
    "api.appeals": "for machines",
    "api.appeal": "for machines",
    "embed.script": "a script",
    "embed.oembed": "for machines",
    "health.healthz": "for machines",
    "health.readyz": "for machines",
    "metrics.metrics": "for machines",
    "assets.file": "a file",
}


def _pages_in(combination: tuple[str, int, str]) -> list[str]:
    return [page for number, page in enumerate(PAGES) if OPENS_ALL or combination in looks_of(number)]


def test_each_page_has_two_looks_and_each_look_has_pages() -> None:
    assert {look for number in range(len(PAGES)) for look in looks_of(number)} == set(ALL_LOOKS)
    for number, page in enumerate(PAGES):
        looks = looks_of(number)
        assert len({locale for locale, _, _ in looks}) == 2, page
        assert ({width for _, width, _ in looks}, {scheme for _, _, scheme in looks}) == (
            {360, 1280},
            {"light", "dark"},
        )


def test_every_public_route_is_checked_or_shows_no_page(migrated_app: Flask) -> None:
    url_map = migrated_app.url_map.bind("")
    names = dict.fromkeys(("locale", "scheme", "confirm", "expired", "erased", "unsubscribe", "manage"), "x")
    names |= {"locale": "fr", "address": "x", "new_address": "x"}
    requests = [("GET", path) for path in OPENED if not path.endswith("/nothing")] + [("POST", path) for path in SENT]
    checked = {
        str(url_map.match(urllib.parse.urlsplit(path.format(**names)).path, method)[0]) for method, path in requests
    }
    assert checked & set(NOT_A_PAGE) == set()
    assert checked | set(NOT_A_PAGE) == {rule.endpoint for rule in migrated_app.url_map.iter_rules()}


@pytest.fixture(scope="module")
def links(cases: Cases, confirmation_token: str) -> dict[str, str]:
    """Return tokens by name: those of a confirmed supporter, an expired one, and one of an erased signature."""
    now, tokens = datetime.now(UTC), Tokens((KEYS["TOCSIN_SECRET_KEY"],))
    manage = confirm(cases, confirmation_token)
    signature_id = tokens.read(Purpose.MANAGE, manage, now).row_id
    with closing(sqlite3.connect(cases.folder / "demo.db")) as database:
        (link_key,) = database.execute("SELECT link_key FROM signature WHERE id = ?", (signature_id,)).fetchone()
    return {
        "confirm": confirmation_token,
        "manage": manage,
        "unsubscribe": tokens.make(Purpose.UNSUBSCRIBE, signature_id, now, link_key),
        "address": request_new_address(cases, manage, "ada.new@mail.example"),
        "expired": tokens.make(Purpose.CONFIRM, signature_id, now - timedelta(days=8), link_key),
        "erased": tokens.make(Purpose.CONFIRM, 10**9, now, link_key),
    }


def confirm(cases: Cases, token: str) -> str:
    """Confirm by the mailed token; return the token of the act page."""
    with urllib.request.urlopen(f"{cases.address}/fr/s/{token}", b"", timeout=10) as act:
        return str(act.geturl().split("/m/")[1].split("/")[0])


def request_new_address(cases: Cases, manage: str, email: str) -> str:
    """Request another address; return the token mailed to it."""
    fields = urllib.parse.urlencode({"do": "address", "email": email}).encode()
    urllib.request.urlopen(f"{cases.address}/fr/m/{manage}/me", fields, timeout=10).close()
    return mailed_link(cases, email, r"/fr/m/([\w.~-]+)/address")


def new_address_token(cases: Cases, name: str) -> str:
    """Sign as another person and request another address; return the mailed token, which is valid once."""
    return request_new_address(cases, confirm(cases, sign(cases, f"{name}@mail.example")), f"{name}.new@mail.example")


@pytest.fixture(scope="module")
def site_without_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a site whose database cannot be reached."""
    folder, port = tmp_path_factory.mktemp("away"), free_port()
    address = f"http://127.0.0.1:{port}"
    environ = environment(**KEYS, TOCSIN_DATABASE_URL=f"postgresql://nobody@127.0.0.1:{free_port()}/none",
                          TOCSIN_MAIL_URL=f"maildir:{folder}/mail", TOCSIN_BASE_URL=address)  # fmt: skip
    with running(environ, [web(port)], folder / "log"):
        wait_for(f"{address}/healthz")
        yield address


def _send(url: str, fields: dict[str, str], **headers: str) -> tuple[int, str]:
    """Send the fields as a form; return status and page."""
    request = urllib.request.Request(url, urllib.parse.urlencode(fields).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _show(page: Page, url: str, status: int, text: str) -> None:
    """Show the answer to a form in the browser, at the form's address."""

    def fulfil(route: Route) -> None:
        route.fulfill(status=status, body=text, content_type="text/html; charset=utf-8")

    page.route(url, fulfil)
    page.goto(url)
    page.unroute(url)


@pytest.mark.parametrize(("locale", "width", "scheme"), ALL_LOOKS)
def test_no_page_has_a_finding(
    browser: Browser,
    cases: Cases,
    links: dict[str, str],
    site_under_attack: str,
    site_without_database: str,
    locale: str,
    width: int,
    scheme: str,
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,  # axe runs scripts in the page, which the policy would refuse
    )
    page = context.new_page()
    page.route("**/proof.js", lambda route: route.abort())  # the script would solve the challenge and leave the page
    form = {"name": "Ann", "email": "ann@mail.example", "country": "FR", "consent": "y"}
    pages_of_other_sites = {
        "challenge": (site_under_attack, f"/{locale}/appeals/{SAMPLE}/sign", form, {}, 422),
        "403": (cases.address, f"/{locale}/new-link", form, {"Origin": "https://evil.example"}, 403),
        "429": (site_under_attack, f"/{locale}/new-link", form, {}, 429),
        "503": (site_without_database, f"/{locale}/new-link", form, {}, 503),
    }
    findings: dict[str, list[str]] = {}
    for name in _pages_in((locale, width, scheme)):
        if name in pages_of_other_sites:
            site, path, fields, headers, expected_status = pages_of_other_sites[name]
            # Sixty requests for a link are allowed in an hour, so the limit is reached at the next one.
            answers = (_send(site + path, fields, **headers) for _ in range(61 if expected_status == 429 else 1))
            status, text = next((answer for answer in answers if answer[0] == expected_status), (0, ""))
            assert status == expected_status, name
            _show(page, site + path, status, text)
        elif name.startswith("POST "):
            path = name.removeprefix("POST ")
            own_token = (
                {"new_address": new_address_token(cases, f"{locale}.{width}.{scheme}")}
                if "{new_address}" in path
                else {}
            )
            url = cases.address + path.format(locale=locale, scheme=scheme, **links, **own_token)
            status, text = _send(url, SENT[path])
            assert status in {200, 422}, (name, status)
            _show(page, url, status, text)
        else:
            page.goto(cases.address + name.format(locale=locale, scheme=scheme, **links))
        assert page.locator("html").get_attribute("lang") == locale, name
        findings[name] = axe_findings(page)
    context.close()
    assert {path: violations for path, violations in findings.items() if violations} == {}
