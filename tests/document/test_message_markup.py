"""Mails that staff write: linked addresses and the writer's line breaks, in the HTML part and in the text part."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.document.text.message_markup import message_html, message_text

REPORT = "https://news.example/a_b_c?x=1&copy=2"
BODY = f"""# He is free

Read [the **report**]({REPORT}) and [write](mailto:act@watch.example).
Or look at {REPORT}.

(See https://watch.example/wiki/A_(b)), www.watch.example, act@watch.example!

- <https://watch.example/list>
- [https://watch.example/](https://watch.example)

Anna
for the *whole* team"""


def test_the_text_part_shows_the_address_after_linked_words() -> None:
    assert (
        message_text(BODY)
        == f"""He is free

Read the report ({REPORT}) and write (act@watch.example).
Or look at {REPORT}.

(See https://watch.example/wiki/A_(b)), www.watch.example, act@watch.example!

- https://watch.example/list
- https://watch.example

Anna
for the whole team"""
    )


def test_html_links_bare_addresses_and_has_the_writers_line_breaks() -> None:
    html = message_html(BODY)
    linked = re.findall(r'<a href="([^"]+)"[^>]*>(.*?)</a>', html)
    safe = REPORT.replace("&", "&amp;")
    assert linked == [
        (safe, "the <strong>report</strong>"),
        ("mailto:act@watch.example", "write"),
        (safe, safe),
        ("https://watch.example/wiki/A_(b)", "https://watch.example/wiki/A_(b)"),
        ("https://www.watch.example", "www.watch.example"),
        ("mailto:act@watch.example", "act@watch.example"),
        ("https://watch.example/list", "https://watch.example/list"),
        ("https://watch.example", "https://watch.example/"),
    ]
    assert re.search(r"Anna<br>\s*for the <em>whole</em> team", html)
    assert "<h3>He is free</h3>" in html


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "mailto:a@b.example?bcc=c@d.example"]
)
def test_an_unsafe_address_is_not_linked(target: str) -> None:
    body = f"[words]({target}) javascript:alert(1)"
    assert "javascript" not in re.findall('href="([^"]*)', message_html(body))
    assert "bcc" not in message_html(body)
    assert message_text(body).startswith(("words javascript", "words (a@b.example) javascript"))


BODIES = (
    ("See Https://Watch.example/x, WWW.b.example.", "See Https://Watch.example/x, WWW.b.example.", 2),
    ("[![a picture](https://p.example/x.png)](https://a.example/go) end", "a picture (https://a.example/go) end", 1),
    ("[![](https://p.example/x.png)](https://a.example/go)", "https://a.example/go", 1),
    ("![a picture](https://p.example/x.png) end", "a picture end", 0),
    ("[a](<https://a.example/with space>) b", "a (https://a.example/with%20space) b", 1),
    ("[one][1] and [Two]\n\n[1]: https://a.example/1\n[Two]: <https://a.example/2>",
     "one (https://a.example/1) and Two (https://a.example/2)", 2),
    ("[words over\ntwo lines](https://a.example/b_c_d) x", "words over\ntwo lines (https://a.example/b_c_d) x", 1),
    ("https://a.example/_b, **[r](https://a.example/_q_)**", "https://a.example/_b, r (https://a.example/_q_)", 2),
    ("> said\n> so\n\n1. one\n2. two\n   - deep\n\nafter", "> said\n> so\n\n1. one\n2. two\n   - deep\n\nafter", 0),
    ("Arbeiter*innen, *all*\\\nof them", "Arbeiter*innen, all\nof them", 0),
)  # fmt: skip


@pytest.mark.parametrize(("body", "text", "links"), BODIES)
def test_the_text_part_shows_the_addresses_that_html_links(body: str, text: str, links: int) -> None:
    assert message_text(body) == text
    linked = re.findall(r'<a href="[^"]+"[^>]*>(.*?)</a>', message_html(body), re.DOTALL)
    assert (len(linked), all(linked)) == (links, True)


_words = st.text(alphabet=st.characters(categories=("Ll", "Lu", "Nd"), max_codepoint=0x24F), min_size=1, max_size=12)


@given(
    st.lists(_words, min_size=1, max_size=6),
    st.sampled_from([REPORT, "https://watch.example/_x_y", "https://ü.example/ß"]),
)
def test_every_address_is_in_both_parts(words: list[str], address: str) -> None:
    body = f"{' '.join(words)} [linked]({address}) and {address}\nend"
    text = message_text(body)
    assert text.count(address) == 2, text
    assert text.count("\n") == 1
    assert message_html(body).count("<a href=") == 2


@given(st.text(max_size=300))
def test_any_text_becomes_safe_html_and_text(body: str) -> None:
    html = message_html(body)
    assert not re.search(r"<(?!/?(?:p|em|strong|a|ul|ol|li|blockquote|h3|h4|br)\b)", html)
    message_text(body)
