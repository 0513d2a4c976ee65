"""axe over every public page: no finding.

`make test` sees each page in two of the 24 combinations of language, width and scheme, spread so that each of them
has some pages; `make axe` sees each page in all.
"""

from __future__ import annotations

import os
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, Route

from campaign.config import LOCALES
from campaign.domain.signing.token import Purpose, Tokens
from tests.browser.conftest import GOING, OVER, SAMPLE, STOPPED, Cases, mailed_link, sign
from tests.conftest import KEYS
from tests.deploy.processes import environment, flask, free_port, running, wait_for, web

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
LOOKS = [(360, "light"), (1280, "dark"), (1280, "light"), (360, "dark")]
EVERYTHING = [(locale, *look) for locale in LOCALES for look in LOOKS]
OPTIONS = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}  # fmt: skip  # noqa: E501
# What is opened.
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
/{{locale}}/appeals/{GOING}
/{{locale}}/appeals/{GOING}/act?country=FR
/{{locale}}/appeals/{GOING}/progress
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
# What is sent, with which fields: the page that answers is looked at.
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
    "/{locale}/m/{moving}/address": {},
    "/{locale}/new-link": {"email": "nobody"},
    "/{locale}/u/{unsubscribe}": {},
    f"/embed/{SAMPLE}?lang={{locale}}&theme={{scheme}}": {"name": ""},
}
# Of another site than the demonstration: one under attack that lets few in, and one without its database.
ELSEWHERE = ("challenge", "403", "429", "503")
PAGES = [*OPENED, *(f"POST {path}" for path in SENT), *ELSEWHERE]
# Public routes that show no page of the site.
NOT_A_PAGE = {
    "pages.root": "leads on to a language",
    "letter_files.qr_code": "a picture",
    "letter_files.qr_code_signed": "a picture",
    "letter_files.unsigned": "a PDF",
    "letter_files.signed": "a PDF",
    "share.card": "a picture",
    "share.poster": "a PDF",
    "progress.tiles": "a picture",
    "progress.chart": "a picture",
    "appeal_lists.feed": "for feed readers",
    "appeal_lists.robots": "for machines",
    "appeal_lists.sitemap": "for machines",
    "my_data.export": "a file",
    "page_views.create": "answers nothing",
    "confirm.create": "leads on to the act page",
    "api.appeals": "for machines",
    "api.appeal": "for machines",
    "embed.script": "a script",
    "embed.oembed": "for machines",
    "health.healthz": "for machines",
    "health.readyz": "for machines",
    "metrics.metrics": "for machines",
    "assets.file": "a file",
}


def looks_of(number: int) -> set[tuple[str, int, str]]:
    """Two of the combinations, alike in nothing; in a row of pages every one comes up."""
    look = number // len(LOCALES) % len(LOOKS)
    # Looks stand in pairs: the other width in the other scheme.
    return {(LOCALES[(number + 2 * turn) % len(LOCALES)], *LOOKS[look ^ turn]) for turn in range(2)}


def _seen(combination: tuple[str, int, str]) -> list[str]:
    everything = os.environ.get("TOCSIN_AXE") == "all"
    return [page for number, page in enumerate(PAGES) if everything or combination in looks_of(number)]


def test_each_page_is_seen_in_several_looks_and_each_look_has_pages() -> None:
    assert {one for number in range(len(PAGES)) for one in looks_of(number)} == set(EVERYTHING)
    for number, page in enumerate(PAGES):
        looks = looks_of(number)
        assert len({locale for locale, _, _ in looks}) == 2, page
        assert ({width for _, width, _ in looks}, {scheme for _, _, scheme in looks}) == (
            {360, 1280},
            {"light", "dark"},
        )


def test_every_public_route_is_looked_at_or_shows_no_page(migrated_app: Flask) -> None:
    find = migrated_app.url_map.bind("")
    names = dict.fromkeys(("locale", "scheme", "confirm", "expired", "erased", "unsubscribe", "manage"), "x")
    names |= {"locale": "fr", "address": "x", "moving": "x"}
    asked = [("GET", path) for path in OPENED if not path.endswith("/nothing")] + [("POST", path) for path in SENT]
    seen = {str(find.match(urllib.parse.urlsplit(path.format(**names)).path, method)[0]) for method, path in asked}
    assert seen & set(NOT_A_PAGE) == set()
    assert seen | set(NOT_A_PAGE) == {rule.endpoint for rule in migrated_app.url_map.iter_rules()}


@pytest.fixture(scope="module")
def links(cases: Cases, mailed: str) -> dict[str, str]:
    """Return tokens of a confirmed supporter, an expired one, and one of an erased signature."""
    now, tokens = datetime.now(UTC), Tokens((KEYS["TOCSIN_SECRET_KEY"],))
    manage = confirmed(cases, mailed)
    signature_id = tokens.read(Purpose.MANAGE, manage, now).row_id
    with closing(sqlite3.connect(cases.folder / "demo.db")) as database:
        (link_key,) = database.execute("SELECT link_key FROM signature WHERE id = ?", (signature_id,)).fetchone()
    return {
        "confirm": mailed,
        "manage": manage,
        "unsubscribe": tokens.make(Purpose.UNSUBSCRIBE, signature_id, now, link_key),
        "address": asked_to_move(cases, manage, "ada.new@mail.example"),
        "expired": tokens.make(Purpose.CONFIRM, signature_id, now - timedelta(days=8), link_key),
        "erased": tokens.make(Purpose.CONFIRM, 10**9, now, link_key),
    }


def confirmed(cases: Cases, token: str) -> str:
    """The token of the act page that confirming leads to."""
    with urllib.request.urlopen(f"{cases.address}/fr/s/{token}", b"", timeout=10) as act:
        return str(act.geturl().split("/m/")[1].split("/")[0])


def asked_to_move(cases: Cases, manage: str, email: str) -> str:
    """The token mailed to the address that a signer asks to have instead."""
    asked = urllib.parse.urlencode({"do": "address", "email": email}).encode()
    urllib.request.urlopen(f"{cases.address}/fr/m/{manage}/me", asked, timeout=10).close()
    return mailed_link(cases, email, r"/fr/m/([\w.~-]+)/address")


def moving(cases: Cases, name: str) -> str:
    """The token of another signer's, which works once."""
    return asked_to_move(cases, confirmed(cases, sign(cases, f"{name}@mail.example")), f"{name}.new@mail.example")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site under attack, with limits for each network; its address."""
    folder, port = tmp_path_factory.mktemp("guarded"), free_port()
    address = f"http://127.0.0.1:{port}"
    environ = environment(**KEYS, TOCSIN_DATABASE_URL=f"sqlite:///{folder}/tocsin.db", TOCSIN_CHALLENGE="always",
                          TOCSIN_MAIL_URL=f"maildir:{folder}/mail", TOCSIN_BASE_URL=address)  # fmt: skip
    flask(environ, "db", "upgrade")
    flask(environ, "sections", "load")
    file = "examples/janbolat-mamai.en.md"
    flask(environ, "appeal", "import", file, "--slug", SAMPLE, "--deadline", "2099-01-01", "--publish")
    with running(environ, [web(port)], folder / "log"):
        wait_for(f"{address}/readyz")
        yield address


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site whose database cannot be reached; its address."""
    folder, port = tmp_path_factory.mktemp("away"), free_port()
    address = f"http://127.0.0.1:{port}"
    environ = environment(**KEYS, TOCSIN_DATABASE_URL=f"postgresql://nobody@127.0.0.1:{free_port()}/none",
                          TOCSIN_MAIL_URL=f"maildir:{folder}/mail", TOCSIN_BASE_URL=address)  # fmt: skip
    with running(environ, [web(port)], folder / "log"):
        wait_for(f"{address}/healthz")
        yield address


def _answer(url: str, fields: dict[str, str], **headers: str) -> tuple[int, str]:
    """The status and the page that a form gets."""
    request = urllib.request.Request(url, urllib.parse.urlencode(fields).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _show(page: Page, url: str, status: int, text: str) -> None:
    """The answer to a form, in the browser, at its own address."""

    def fulfil(route: Route) -> None:
        route.fulfill(status=status, body=text, content_type="text/html; charset=utf-8")

    page.route(url, fulfil)
    page.goto(url)
    page.unroute(url)


def _findings(page: Page) -> list[str]:
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]} ({len(one['nodes'])})" for one in found]


@pytest.mark.parametrize(("locale", "width", "scheme"), EVERYTHING)
def test_no_page_has_a_finding(
    browser: Browser, cases: Cases, links: dict[str, str], guarded: str, away: str, locale: str, width: int, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,  # axe changes the page that it looks at
    )
    page = context.new_page()
    page.route("**/proof.js", lambda route: route.abort())  # it would be solved, and the page left
    form = {"name": "Ann", "email": "ann@mail.example", "country": "FR", "consent": "y"}
    refused = {
        "challenge": (guarded, f"/{locale}/appeals/{SAMPLE}/sign", form, {}, 422),
        "403": (cases.address, f"/{locale}/new-link", form, {"Origin": "https://evil.example"}, 403),
        "429": (guarded, f"/{locale}/new-link", form, {}, 429),
        "503": (away, f"/{locale}/new-link", form, {}, 503),
    }
    found: dict[str, list[str]] = {}
    for one in _seen((locale, width, scheme)):
        if one in refused:
            site, path, fields, headers, wanted = refused[one]
            # Sixty an hour may ask for a link, so the limit is met at the latest then.
            asked = (_answer(site + path, fields, **headers) for _ in range(61 if wanted == 429 else 1))
            status, text = next((answer for answer in asked if answer[0] == wanted), (0, ""))
            assert status == wanted, one
            _show(page, site + path, status, text)
        elif one.startswith("POST "):
            path = one.removeprefix("POST ")
            own = {"moving": moving(cases, f"{locale}.{width}.{scheme}")} if "{moving}" in path else {}
            url = cases.address + path.format(locale=locale, scheme=scheme, **links, **own)
            status, text = _answer(url, SENT[path])
            assert status in {200, 422}, (one, status)
            _show(page, url, status, text)
        else:
            page.goto(cases.address + one.format(locale=locale, scheme=scheme, **links))
        assert page.locator("html").get_attribute("lang") == locale, one
        found[one] = _findings(page)
    context.close()
    assert {path: one for path, one in found.items() if one} == {}
