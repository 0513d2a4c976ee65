"""Embeds in a sandboxed frame, as WordPress uses it: a form where forms are allowed, otherwise a styled link."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator
from urllib.parse import quote, unquote

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.browser.conftest import SAMPLE

SECRET = "a1B2c3D4e5"


class OtherSiteHandler(http.server.BaseHTTPRequestHandler):
    """A handler of another site, whose pages have the query of their address as content."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(unquote(self.path.partition("?")[2]).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def other_site() -> Iterator[str]:
    """Yield the address of pages on another site."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), OtherSiteHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def open_embed(browser: Browser, site: str, other_site: str, sandbox: str, more: str = "") -> tuple[Page, FrameLocator]:
    """Open a page of another site with the embed in a frame; its script stores received messages in `heard`."""
    page = browser.new_page()
    listen = "<script>heard = []; addEventListener('message', one => heard.push(one.data))</script>"
    source = f"{site}/embed/{SAMPLE}?kind=form&amp;lang=en{more}"
    frame = f'<iframe sandbox="{sandbox}" src="{source}" width="480" height="900"></iframe>'
    page.goto(f"{other_site}/?{quote(f'<!doctype html>{listen}{frame}')}")
    return page, page.frame_locator("iframe")


def is_styled(frame: FrameLocator, selector: str) -> bool:
    """Return whether the style sheet was applied, which the element's rounded corners show."""
    return str(frame.locator(selector).first.evaluate("one => getComputedStyle(one).borderRadius")) != "0px"


def test_without_forms_a_styled_link_replaces_the_form(browser: Browser, site: str, other_site: str) -> None:
    page, frame = open_embed(browser, site, other_site, "allow-scripts allow-popups allow-popups-to-escape-sandbox")
    link = frame.get_by_role("link", name="Sign on Tocsin")
    expect(link).to_be_visible()
    expect(frame.locator("form")).to_have_count(0)
    assert is_styled(frame, ".instead a")
    with page.expect_popup() as opened:
        link.click()
    assert opened.value.url == f"{site}/en/appeals/{SAMPLE}#form"
    page.close()


@pytest.mark.parametrize("sandbox", ["", "allow-popups allow-popups-to-escape-sandbox", "allow-forms"])
def test_without_scripts_the_link_and_its_address_precede_the_form(
    browser: Browser, site: str, other_site: str, sandbox: str
) -> None:
    page, frame = open_embed(browser, site, other_site, sandbox)
    link = frame.get_by_role("link", name="Sign on Tocsin")
    expect(link).to_be_visible()
    expect(frame.locator(".copy code")).to_have_text(re.compile(f"^https?://.*/en/appeals/{SAMPLE}$"))
    expect(frame.locator(".copy code")).to_be_visible()
    assert is_styled(frame, "noscript a")
    if "popups" in sandbox:
        with page.expect_popup() as opened:
            link.click()
        assert opened.value.url == f"{site}/en/appeals/{SAMPLE}#form"
    page.close()


def test_with_scripts_and_forms_there_is_no_link(browser: Browser, site: str, other_site: str) -> None:
    page, frame = open_embed(browser, site, other_site, "allow-scripts allow-forms")
    expect(frame.locator("form")).to_be_visible()
    expect(frame.get_by_role("link", name="Sign on Tocsin")).to_have_count(0)
    page.close()


def test_wordpress_gets_messages_about_height_and_links(browser: Browser, site: str, other_site: str) -> None:
    page, frame = open_embed(browser, site, other_site, "allow-scripts", f"#?secret={SECRET}")
    frame.get_by_role("link", name="Sign on Tocsin").click()
    page.wait_for_function("heard.some(one => one.message == 'link') && heard.some(one => one.message == 'height')")
    messages = {message["message"]: message for message in page.evaluate("heard") if "message" in message}
    assert {message["secret"] for message in messages.values()} == {SECRET}
    assert messages["link"]["value"] == f"{site}/en/appeals/{SAMPLE}#form"
    assert 100 < messages["height"]["value"] < 2000
    page.close()


@pytest.mark.parametrize("sandbox", ["allow-scripts allow-forms", "allow-scripts allow-forms allow-same-origin"])
def test_with_scripts_and_forms_the_embed_signs(browser: Browser, site: str, other_site: str, sandbox: str) -> None:
    page, frame = open_embed(browser, site, other_site, sandbox)
    expect(frame.locator("form")).to_be_visible()
    assert is_styled(frame, "form button")
    frame.locator("[name=name]").fill("Ada Example")
    frame.locator("[name=email]").fill(f"{len(sandbox)}@mail.example")
    frame.locator("[name=country]").select_option("FR")
    frame.locator("[name=consent]").check()
    frame.locator("form button").click()
    expect(frame.get_by_role("heading", name="look at your mail")).to_be_visible(timeout=60_000)
    page.close()
