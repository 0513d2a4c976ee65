"""Random bytes and hostile text: the reader returns a draft or raises its own error, and no script survives."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaign.document import DocumentError, parse_document, parse_text
from campaign.document.text.markup import to_html
from tests.conftest import DOCUMENT


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=400), name=st.sampled_from(["x.md", "x.txt", "x.docx", "x.pdf", "x"]))
def test_random_bytes_raise_nothing_but_the_readers_error(data: bytes, name: str) -> None:
    with suppress(DocumentError):
        assert parse_document(data, name).language


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>" * 3000, "<script>" * 3000, "*" * 20_000, "[a](" * 5000]
)
def test_hostile_lines_are_read_without_harm(hostile: str) -> None:
    draft = parse_text(DOCUMENT.replace("The school stands", f"{hostile} The school stands"))
    assert "<script" not in (draft.background or "")


@pytest.mark.parametrize(
    "markdown",
    ["<script>alert(1)</script>x", "[x](javascript:alert(1))", "![x](https://x.example/p.png)", "[x](data:text/html,x)",
     "<img src=x onerror=alert(1)>", "[x](mailto:a@x.example?bcc=b@x.example)", "<a href='jAvascript:alert(1)'>x</a>"],
)  # fmt: skip
def test_nothing_that_runs_or_loads_survives(markdown: str) -> None:
    html = to_html(markdown).lower()
    for unwanted in ("<script", "<img", 'href="javascript', 'href="data', "bcc=", "onerror=alert(1)>"):
        assert unwanted not in html.replace("&gt;", "")
