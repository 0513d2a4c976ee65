"""Pages in a browser: security policy, frames on other sites, live numbers, language switch, animations."""

from __future__ import annotations

import http.server
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OVER, SAMPLE, STOPPED, Cases, sign
from tests.deploy.processes import flask

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PATHS = ["", f"appeals/{SAMPLE}", f"appeals/{SAMPLE}/thanks", f"appeals/{SAMPLE}/progress", f"appeals/{OVER}",
         f"appeals/{STOPPED}", "sections", "sections/ch", "countries/kz", "privacy",
         "imprint", "accessibility"]  # fmt: skip
SUM_OF_LAYOUT_SHIFTS = """() => new Promise(done => {
  let sum = 0;
  new PerformanceObserver(list => { for (const one of list.getEntries()) sum += one.value; })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 400);
})"""


@pytest.fixture(scope="module")
def site(cases: Cases) -> str:
    """Return the address of the cases."""
    return cases.address


def _collect_problems(page: Page) -> list[str]:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    return problems


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_have_no_violation_no_layout_shift_and_no_foreign_request(
    browser: Browser, site: str, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    problems = _collect_problems(page)
    requested: set[str] = set()
    page.on("request", lambda request: requested.add(request.url))
    for path in PATHS:
        page.goto(f"{site}/fr/{path}")
        assert page.evaluate(SUM_OF_LAYOUT_SHIFTS) == 0, path
    assert problems == []
    assert {url for url in requested if not url.startswith(site)} == set()
    assert context.cookies() == []
    context.close()


@pytest.mark.parametrize("locale", ["fr", "ar"])
def test_pages_fit_320_pixels_as_at_400_per_cent_zoom(browser: Browser, site: str, locale: str) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 256})
    for path in PATHS:
        page.goto(f"{site}/{locale}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    page.close()


@pytest.mark.parametrize("locale", ["fr", "ar"])
def test_in_print_texts_and_numbers_remain_and_controls_are_hidden(browser: Browser, site: str, locale: str) -> None:
    page = browser.new_page(viewport={"width": 794, "height": 1123}, color_scheme="dark")
    remaining = {
        f"appeals/{SAMPLE}": ("h1", ".lead", ".letter", "progress"),
        f"appeals/{SAMPLE}/progress": ("h1", "table"),
    }
    for path, parts in remaining.items():
        page.goto(f"{site}/{locale}/{path}")
        page.emulate_media(media="print", color_scheme="dark")
        for part in ("form", ".top nav", ".foot", ".jump", ".button", ".skip", ".share"):
            assert [control for control in page.locator(part).all() if control.is_visible()] == [], (path, part)
        for part in parts:
            expect(page.locator(part).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        paper = "(name => getComputedStyle(document.body)[name])"
        colours = page.evaluate(f"[{paper}('backgroundColor'), {paper}('color')]")
        assert colours == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"], "black on white, even in the dark scheme"
    page.close()


def test_nothing_moves_with_reduced_motion(browser: Browser, site: str) -> None:
    moving = """() => [document.documentElement, ...document.querySelectorAll('body *')].flatMap(one =>
      ['', '::before', '::after', '::-webkit-progress-value'].map(part => getComputedStyle(one, part)).filter(style =>
        style.scrollBehavior === 'smooth' || style.animationName !== 'none'
        || style.transitionDuration.split(',').some(time => parseFloat(time) > 0))).length"""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    for path in (f"appeals/{SAMPLE}", f"appeals/{SAMPLE}/progress", f"appeals/{SAMPLE}/act?country=FR"):
        page.emulate_media(reduced_motion="no-preference")
        page.goto(f"{site}/fr/{path}")
        assert page.evaluate(moving) > 0, (path, "without this, the next assertion proves nothing")
        page.emulate_media(reduced_motion="reduce")
        assert page.evaluate(moving) == 0, path
    page.close()


def test_a_phone_reaches_the_form_in_one_touch(browser: Browser, site: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{site}/fr/appeals/{SAMPLE}")
    jump = page.locator(".jump a")
    expect(jump.first).to_be_in_viewport()
    jump.first.click()
    expect(page.locator("#name")).to_be_in_viewport()
    page.wait_for_timeout(800)
    page.locator("#background").scroll_into_view_if_needed()
    expect(jump.last).to_be_in_viewport()
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{site}/fr/appeals/{SAMPLE}")
    expect(page.locator("#name")).to_be_in_viewport()
    expect(jump.first).to_be_hidden()
    page.close()


@pytest.mark.parametrize("path", ["/fr/appeals/{}/progress", "/embed/{}?kind=counter&lang=fr"])
def test_numbers_bars_and_pictures_update_while_the_page_is_visible(browser: Browser, cases: Cases, path: str) -> None:
    page, fresh_page = (browser.new_page(viewport={"width": 1280, "height": 900}) for _ in range(2))
    problems = _collect_problems(page)
    address = cases.address + path.format(SAMPLE)
    page.clock.install()
    page.goto(address)
    former_text = page.locator("[data-live]").inner_text()
    link = page.locator("[data-live] a").first
    if link.count():
        link.focus()
    token = sign(cases, f"live{len(path)}@mail.example")
    urllib.request.urlopen(f"{cases.address}/fr/s/{token}", b"", timeout=10).close()
    page.clock.run_for(9_000)
    assert page.locator("[data-live]").inner_text() == former_text, "at most every ten seconds"
    end = time.monotonic() + 30
    fresh_page.goto(address)
    # A page may be cached for a second, so both may still show the former numbers.
    while page.locator("[data-live]").inner_text() == former_text or _live_content(page) != _live_content(fresh_page):
        assert time.monotonic() < end, (_live_content(page), _live_content(fresh_page))
        page.clock.run_for(10_000)
        time.sleep(0.5)
        fresh_page.reload()
    if link.count():
        expect(link).to_be_focused()
    page.evaluate("Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.clock.run_for(60_000)
    assert requests == [], "a hidden page sends no request"
    assert problems == []
    page.close()
    fresh_page.close()


def _live_content(page: Page) -> list[object]:
    """Return text, progress bars and pictures of the live part."""
    bars = page.locator("[data-live] progress").evaluate_all("all => all.map(one => [one.value, one.max])")
    pictures = page.locator("[data-live] img").evaluate_all("all => all.map(one => one.src)")
    return [page.locator("[data-live]").inner_text(), bars, pictures]


def test_the_language_switch_keeps_typed_values(browser: Browser, site: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{site}/fr/appeals/{SAMPLE}?via=stall-lyon")
    page.locator("#name").fill("Jeanne")
    page.locator("#country").select_option("CH")
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#name")).to_have_value("Jeanne")
    expect(page.locator("#country")).to_have_value("CH")
    expect(page.locator("input[name=via]")).to_have_value("stall-lyon")
    page.get_by_role("button", name="العربية").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("#name")).to_have_value("Jeanne")
    page.close()


@pytest.fixture
def other_site(tmp_path: Path, site: str) -> Iterator[str]:
    """Yield the address of a page on another site (localhost) with the embedding script."""
    line = f'<script async src="{site}/embed.js" data-appeal="{SAMPLE}" data-lang="fr"></script>'
    (tmp_path / "index.html").write_text(f"<!doctype html><title>Other</title><p>Hello</p>{line}", encoding="utf-8")

    class QuietHandler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), QuietHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_supporter_signs_on_another_site(browser: Browser, cases: Cases, other_site: str) -> None:
    context = browser.new_context(viewport={"width": 800, "height": 700})
    page = context.new_page()
    problems = _collect_problems(page)
    page.goto(other_site)
    frame = page.frame_locator("iframe")
    frame.locator("#name").fill("Ada Elsewhere")
    frame.locator("#email").fill("elsewhere@mail.example")
    frame.locator("#country").select_option("FR")
    height = page.locator("iframe").evaluate("frame => frame.offsetHeight")
    assert height == frame.locator("body").evaluate("body => Math.ceil(body.getBoundingClientRect().height)")
    frame.locator("#form button").click()
    expect(frame.locator(".errors")).to_be_visible()
    frame.locator("#consent").check()
    frame.locator("#form button").click()
    expect(frame.get_by_role("heading", name="regardez vos courriels")).to_be_visible()
    page.wait_for_function(f"document.querySelector('iframe').offsetHeight < {height}")
    assert context.cookies() == []
    assert [
        problem for problem in problems if "422" not in problem and "favicon" not in problem and "404" not in problem
    ] == []
    assert "localhost" in flask(cases.environ, "appeal", "sources", SAMPLE)
    context.close()


def test_only_embeds_can_be_framed(browser: Browser, site: str, other_site: str) -> None:
    page = browser.new_page()
    problems = _collect_problems(page)
    page.goto(other_site)
    page.evaluate(
        "url => { const f = document.createElement('iframe'); f.src = url; document.body.append(f); }",
        f"{site}/fr/appeals/{SAMPLE}",
    )
    page.wait_for_timeout(1000)
    assert any("frame-ancestors" in problem for problem in problems)
    page.close()
