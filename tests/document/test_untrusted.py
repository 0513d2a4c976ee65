"""Nothing in a document runs, loads or sends by itself: not in a page, a mail, a letter, a link or a field."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign.document import parse_text
from campaign.document.text.markup import to_html, to_plain
from campaign.letter.mailto import mail_recipients, mailto
from campaign.queries.appeals.appeal import find_appeal
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from tests.conftest import DOCUMENT, context, form

HOSTILE = json.loads((Path(__file__).parent / "hostile.json").read_text(encoding="utf-8"))
_TAGS = {"p", "em", "strong", "a", "ul", "ol", "li", "blockquote", "h3", "h4", "br"}


class AllowListChecker(HTMLParser):
    """A parser that fails on every tag, attribute and link outside the allow-list."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _TAGS, tag
        for name, value in attrs:
            assert (tag, name) in {("a", "href"), ("a", "rel")}, name
            if name == "href":
                check_target(value or "")


def check_target(target: str) -> None:
    """Check that a target is a web address or a bare mail address."""
    assert re.match(r"(?:https?://|mailto:)", target), target
    if target.startswith("mailto:"):
        bare = unquote(unquote(target)).removeprefix("mailto:")
        assert re.fullmatch(r"[^\s?&,;:]+@[^\s?&,;:@]+", bare), target


def check_html(html: str) -> None:
    checker = AllowListChecker()
    checker.feed(html)
    checker.close()


@pytest.mark.parametrize("hostile", HOSTILE)
def test_markdown_becomes_only_allowed_html_and_text(hostile: str) -> None:
    for markdown in (hostile, f"Before {hostile} after", f"*{hostile}*", f"- {hostile}\n- x", f"> {hostile}"):
        check_html(to_html(markdown))
    if "&" not in hostile:  # an entity becomes a tag in plain text, which is harmless there and escaped in HTML
        draft = parse_text(DOCUMENT.replace("The school stands", f"{hostile} x"))
        assert "<script" not in to_plain(draft.background or "")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_field_of_a_document_carries_hostile_markup(hostile: str) -> None:
    flat = " ".join(hostile.split())
    document = DOCUMENT.replace("The school stands", f"{hostile} The school stands").replace(
        "has received", f"{hostile} has"
    )
    document = document.replace("minister@interior.example", f"minister@interior.example\nEmail: {flat}")
    draft = parse_text(document.replace("**LINK TO PREVIOUS UA:** N/A", f"**LINK TO PREVIOUS UA:** {flat}"))
    check_html(to_html(draft.summary or ""))
    check_html(to_html(draft.background or ""))
    for target in draft.targets:
        for email in target.emails:
            assert re.fullmatch(r"[^\s<>?&%,;:\"()]+@[^\s<>?&%,;:\"()@]+", email), email
    assert not re.match(r"\s*(?:javascript|data|vbscript|file)\s*:", draft.previous or "", re.IGNORECASE)


def test_a_hidden_header_never_reaches_the_mail_link(app: Flask) -> None:
    smuggled = "[minister@interior.example](mailto:minister@interior.example?bcc=evil@evil.example%0d%0aX: y)"
    document = DOCUMENT.replace("minister@interior.example", smuggled).replace(
        "*Dear Minister,*", "*Dear\x0b Minister&bcc=b,*"
    )
    slug = import_draft(parse_text(document), ImportOptions(slug="case"), context=context()).slug
    appeal = find_appeal(slug)
    assert appeal is not None
    to_recipients = mail_recipients(appeal.targets_in("en"))
    assert to_recipients is not None
    link = mailto(to_recipients, "A line\r\nBcc: evil@evil.example", "x&bcc=evil@evil.example")
    assert link.split("?")[0] == "mailto:minister@interior.example"
    assert sorted(part.split("=")[0] for part in link.split("?")[1].split("&")) == ["body", "subject"]
    assert "\r" not in link
    assert "\n" not in link


def test_page_and_mail_of_a_hostile_document_are_harmless(app: Flask, client: FlaskClient, deliver: object) -> None:
    all_hostile_texts = "\n\n".join(hostile_text for hostile_text in HOSTILE if "\x00" not in hostile_text)
    document = DOCUMENT.replace("The school stands", f"{all_hostile_texts}\n\nThe school stands")
    document = document.replace("TEACHER THREATENED", "TEACHER <script>alert(1)</script> THREATENED")
    document = document.replace("I fear for", "<script>alert(2)</script> ![x](https://evil.example/p) I fear for")
    slug = import_draft(parse_text(document), ImportOptions(slug="case"), context=context()).slug
    publish(slug, context=context())
    page = client.get("/en/appeals/case").text
    # The page holds its own icon, which saves a request.
    page = re.sub(r'<link rel="icon" href="data:image/svg\+xml,[^"<]*">', "", page, count=1)
    for unwanted in (
        "<script>alert",
        "<img src=x",
        "<svg",
        "<iframe",
        'evil.example/p.png"',
        'href="javascript',
        'href="data',
    ):
        assert unwanted not in page
    targets = re.findall(r'href="([^"]*)"', page)
    assert not [
        target for target in targets if re.match(r"\s*(?:javascript|data|vbscript|file):", target, re.IGNORECASE)
    ]
    assert not [target for target in targets if target.startswith("mailto:") and "evil" in target.split("body=")[0]]
    assert client.post("/en/appeals/case/sign", data=form()).status_code == 303
    assert client.get("/en/appeals/case/act").status_code == 200
    deliver()  # type: ignore[operator]
