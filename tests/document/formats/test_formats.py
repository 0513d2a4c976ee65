"""OpenDocument, RTF, web pages and mails: the same fields as in Markdown, and nothing that is not shown."""

from __future__ import annotations

import re

import pytest

from campaign.document import parse_document, read_lines
from tests.document.support import builders, files
from tests.document.support.forms import (
    NEW,
    OLD,
    codes,
    compile_typst,
    fields,
    plain,
    refusal,
    typeset,
    typst_source,
    wrapped,
)  # fmt: skip
from tests.document.support.lost_lines import lost_lines

EACH_TEMPLATE = pytest.mark.parametrize("markdown", [NEW, OLD], ids=["new", "old"])
HEADER, _, BODY = NEW.partition("\n")


@EACH_TEMPLATE
@pytest.mark.parametrize("name", ["case.odt", "case.rtf", "case.html"])
def test_a_file_of_each_format_has_the_same_fields(markdown: str, name: str) -> None:
    data = files.MAKERS[name](markdown)
    # striprtf gives no emphasis.
    assert fields(data, name) == fields(plain(markdown) if name == "case.rtf" else markdown)
    assert lost_lines(data, name, parse_document(data, name)) == []


@EACH_TEMPLATE
def test_a_web_page_whose_lines_are_paragraphs_has_the_same_fields(markdown: str) -> None:
    assert fields(files.html(markdown, lines="p"), "case.html") == fields(markdown)


@pytest.mark.parametrize("name", ["case.odt", "case.rtf"])
def test_the_reference_in_a_page_header_is_read_and_a_footer_is_not_text(name: str) -> None:
    make = files.odt if name == "case.odt" else files.rtf
    data = make(BODY, header=HEADER, footer="Section Example, registered charity")
    assert fields(data, name) == fields(plain(NEW) if name == "case.rtf" else NEW)
    assert "unplaced-line" in codes(data, name)


def test_the_words_of_a_link_keep_its_mail_address() -> None:
    link = r'{\field{\*\fldinst{HYPERLINK "mailto:despacho@interior.example.co"}}{\fldrslt{\ul the office}}}'
    data = rb"{\rtf1\ansi\ansicpg1252 See " + link.encode() + rb" today.\par}"
    assert read_lines(data, "x.rtf")[1].text == "See [the office](mailto:despacho@interior.example.co) today."
    data = files.odt(
        "", body='<text:p>See <text:a xlink:href="mailto:a@b.example">the <text:s/>office</text:a>.</text:p>'
    )
    assert [line.text for line in read_lines(data, "x.odt") if line.text] == ["See [the office](mailto:a@b.example)."]
    data = b'<html><p>See <b><a href="mailto:a@b.example">the office</a></b>.<p><a href="javascript:x()">x</a>'
    assert [line.text for line in read_lines(data, "x.html")] == ["See **[the office](mailto:a@b.example)**.", "x"]


def test_characters_of_every_plane_and_code_page_are_read_from_rtf() -> None:
    data = rb"{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8 \u8211? \u-10179?\u-8704?\~caf\u233?\par}"
    assert read_lines(data, "x.rtf")[1].text == "При – 😀 café"


def test_footnotes_in_rtf_follow_the_text() -> None:
    data = rb"{\rtf1\ansi Street{\super 1}{\footnote {\super 1} Only \'e9 post.\par} 1\par Town\par}"
    assert [line.text for line in read_lines(data, "x.rtf") if line.text] == ["Street1 1", "Town", "1 Only é post."]


def test_pictures_in_rtf_are_skipped_however_long_they_are() -> None:
    picture = r"{\pict\pngblip " + "89504e470d0a1a0a\r\n" * 60_000 + "}"
    data = files.rtf(NEW).replace(rb"\par", picture.encode() + rb"\par", 1)
    assert fields(data, "case.rtf") == fields(plain(NEW))


def test_comments_deleted_passages_and_hidden_text_of_opendocument_are_no_text() -> None:
    body = (
        "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
        "<text:p>Street<office:annotation><text:p>a comment</text:p></office:annotation> 1<text:line-break/>Town"
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>a footnote</text:p>"
        '</text:note-body></text:note> 9<text:s text:c="900000000"/>Z</text:p>'
        "<table:table><table:table-row><table:table-cell><text:p>Fax:</text:p></table:table-cell>"
        "<table:table-cell><text:p>+41 22 555</text:p></table:table-cell></table:table-row></table:table>"
        "<text:list><text:list-item><text:p>first</text:p></text:list-item></text:list>"
    )
    texts = [line.text for line in read_lines(files.odt("", body=body), "x.odt") if line.text]
    assert texts == ["Street 1", "Town 9 Z", "Fax:", "+41 22 555", "- first", "a footnote"]


# Web pages and what a browser copies


def page_lines(html: str) -> list[str]:
    return [line.text for line in read_lines(b"<!doctype html>" + html.encode(), "x.html")]


def test_text_that_a_page_hides_is_not_read() -> None:
    html = (
        '<p style="display:none">preheader</p><p>info<span style="display: none">no</span>@x.example</p>'
        "<p hidden>gone <b>too</b></p><script>var a</script><style>p{}</style><nav><a href='/'>Menu</a></nav>"
        "<form><select><option>France</select></form><!-- a comment --><p>Town</p>"
    )
    assert page_lines(html) == ["info@x.example", "Town"]


def test_emphasis_comes_from_styles_and_never_encloses_a_space() -> None:
    html = '<b style="font-weight:normal"><p><span style="font-weight:700"> Fax: </span>1<i> x </i></p></b>'
    assert page_lines(html) == ["**Fax:** 1 *x*"]
    assert page_lines("<p><b>one<br>two</b> three</p>") == ["**one**", "**two** three"]
    assert page_lines('<p>A<a href="#note">[1]</a> <a href="">b</a></p>') == ["A[1] b"]


def test_line_breaks_lists_tables_and_preformatted_text_become_lines() -> None:
    html = (
        "<h2>Act\n now</h2><p>A minister<br>\nTown</p><p>Another<br>City</p><ul><li>one<li><p>two</p></ul>"
        "<table><tr><td>Fax:<td>+1 555<tr><td><p>A<p>B<td>C</table><div>x</div><div><br></div><div>y</div>"
        "<pre>1  2\n3</pre>"
    )
    assert page_lines(html) == [
        "## Act now", "", "A minister", "Town", "", "Another", "City", "", "- one", "- two", "Fax:", "+1 555", "", "A",
        "B", "", "C", "x", "y", "", "1  2", "3",
    ]  # fmt: skip


def test_short_paragraphs_are_lines_only_where_no_paragraph_has_line_breaks() -> None:
    address, closing = "<p>A minister<br>Town</p>", "<p>Free them.</p><p>Yours sincerely,</p>"
    assert page_lines(address + closing)[2:] == ["", "Free them.", "", "Yours sincerely,"]
    assert page_lines(closing) == ["Free them.", "Yours sincerely,"]
    assert page_lines("<p>A minister</p><p>Town</p><p></p>" + closing)[2:] == ["", "Free them.", "Yours sincerely,"]


def test_only_the_copied_part_of_a_page_is_read() -> None:
    html = "<html><body>Version:0.9 <!--StartFragment--><p>Copied</p><!--EndFragment--> rest</body></html>"
    assert page_lines(html) == ["Copied"]


@pytest.mark.parametrize("charset", ["utf-8", "windows-1252", "iso-8859-1", "windows-1251", "koi8-r", "rot13", "none"])
def test_the_charset_that_a_page_names_is_used(charset: str) -> None:
    word = "Привет" if charset in {"windows-1251", "koi8-r"} else "préoccupé"
    encoding = "utf-8" if charset in {"rot13", "none"} else charset
    data = f'<html><head><meta http-equiv="x" content="text/html; charset={charset}"></head><p>{word}</p>'.encode(
        encoding
    )
    assert read_lines(data, "x.html")[0].text == word


def test_an_address_that_a_page_hides_from_robots_is_a_doubt_and_no_field() -> None:
    link = '<a class="__cf_email__" href="/cdn-cgi/l/email-protection" data-cfemail="a1">[email&#160;protected]</a>'
    page = files.html(NEW.replace("despacho@interior.example.co", "HIDDEN")).replace(b"HIDDEN", link.encode())
    draft = parse_document(page, "case.html")
    assert draft.targets[0].emails == ("atencion@interior.example.co",)
    assert "email-hidden" in [warning.code for warning in draft.warnings]


HIDDEN = (
    "despacho [at] interior.example.co", "despacho(at)interior.example.co", "despacho[@]interior.example.co",
    "despacho AT interior DOT example DOT co", "despacho@interior[dot]example[dot]co", "[email protected]",
    "despacho {arroba} interior.example.co", "despacho_at_interior.example.co", "Email address protected",
    "despacho＠interior.example.co",
)  # fmt: skip
BROKEN = ("despacho @ interior.example.co", "despacho@interior. example.co")


@pytest.mark.parametrize("label", ["Email: ", ""])
@pytest.mark.parametrize("written", [*HIDDEN, *BROKEN])
def test_a_hidden_or_broken_address_is_a_doubt_with_or_without_a_label(written: str, label: str) -> None:
    known = "Email: despacho@interior.example.co, atencion@interior.example.co"
    draft = parse_document(NEW.replace(known, label + written).encode(), "case.md")
    target = draft.targets[0]
    assert (len(draft.targets), target.emails) == (1, ())
    assert "interior" not in " ".join(target.address).lower()
    code = "email-hidden" if written in HIDDEN else "email-broken"
    assert [warning.code for warning in draft.warnings if warning.code.startswith("email")] == [code]


@pytest.mark.parametrize("written", ["“{}”", "«{}»", "‹{}›", "<{}>", "'{}'", "{}\u200b.", "\u202a{}\u202c"])
def test_marks_around_an_address_are_no_part_of_it(written: str) -> None:
    line = written.format("despacho@interior.example.co")
    text = NEW.replace("despacho@interior.example.co, atencion@interior.example.co", line)
    assert fields(text)["targets"][0]["emails"] == ["despacho@interior.example.co"]


def test_half_an_address_is_a_doubt_and_no_field() -> None:
    known = "Email: despacho@interior.example.co, atencion@interior.example.co"
    text = NEW.replace(
        known, "Email: despacho@interior.example.co, aten-\ncion@interior.example.co, c@interior.example.co"
    )
    draft = parse_document(text.encode(), "case.md")
    assert draft.targets[0].emails == ("despacho@interior.example.co", "c@interior.example.co")
    messages = [warning.message for warning in draft.warnings if warning.code == "email-broken"]
    assert messages == ["a line ends inside the address “aten-cion@interior.example.co”, which is left out"]


def test_the_parts_of_a_justified_row_stay_in_their_row_and_column() -> None:
    data = typeset(NEW, setup="#set page(columns: 2)\n#set par(justify: true)")
    lines = [line.text for line in read_lines(data, "x.pdf")]
    row = lines.index("Email: despacho@interior.example.co, aten-")
    assert lines[row - 2 : row + 3] == [
        "Carrera 8 # 12 B - 31", "Bogotá D.C., Colombia", lines[row], "cion@interior.example.co", "Fax: +57 1 596 0000",
    ]  # fmt: skip


@pytest.mark.parametrize("widths", ["(1fr, 2fr)", "(2fr, 1fr)"])
def test_an_address_beside_the_letter_is_read_before_it(widths: str) -> None:
    address = NEW[NEW.index("**Minister of") : NEW.index("*Dear Minister")]
    letter = NEW[NEW.index("*Dear Minister") : NEW.index("## ADDITIONAL")]
    before, after = NEW.split(address + letter)
    parts = [typst_source(part) for part in (before, address, letter, after)]
    source = f"{parts[0]}\n\n#grid(columns: {widths}, gutter: 8mm, [{parts[1]}], [{parts[2]}])\n\n{parts[3]}"
    assert fields(compile_typst(source), "case.pdf") == fields(NEW)


def test_brackets_in_an_address_hide_no_mail_address() -> None:
    text = NEW.replace("Carrera 8 # 12 B - 31", "Palacio (A), Carrera 8 (at the bridge)")
    assert "Palacio (A), Carrera 8 (at the bridge)" in fields(text)["targets"][0]["address"]


# Mails


@EACH_TEMPLATE
@pytest.mark.parametrize("form", ["text", "wrapped", "html", "both"])
def test_a_mail_has_the_same_fields(markdown: str, form: str) -> None:
    text = {"text": plain(markdown), "wrapped": wrapped(plain(markdown)), "html": None, "both": "Please use a browser."}
    data = files.mail(text[form], html_part=None if form in {"text", "wrapped"} else files.html(markdown))
    read_fields = fields(data, "case.eml")
    assert read_fields["targets"] == fields(markdown)["targets"]
    assert read_fields == (fields(plain(markdown)) if form == "text" else fields(markdown)) or form == "wrapped"


@pytest.mark.parametrize("name", ["case.docx", "case.pdf", "case.odt", "case.rtf", "case.html", "case.md", "case.eml"])
def test_an_attachment_is_read_if_the_mail_itself_is_no_appeal(name: str) -> None:
    data = typeset(NEW) if name == "case.pdf" else files.MAKERS[name](NEW)
    mail = files.mail(
        "Dear all,\n\nsee the attached text.\n\nBest", attachments={"logo.png": b"\x89PNG\r\n\x1a\n", name: data}
    )
    assert fields(mail, "mail.eml") == fields(plain(NEW) if name == "case.rtf" else NEW)


def test_the_attachment_of_a_mail_that_is_an_appeal_is_not_read() -> None:
    other = NEW.replace("9/24", "31/24")
    assert fields(files.mail(plain(NEW), attachments={"other.md": other.encode()}), "x.eml")["reference"] == "UA 9/24"


def test_the_subject_of_a_mail_gives_the_reference() -> None:
    data = files.mail(plain(BODY), subject=f"Fwd: RE: {HEADER}")
    assert read_lines(data, "x.eml")[0].text == HEADER
    assert fields(data, "x.eml")["reference"] == fields(NEW)["reference"]


def test_a_text_copied_from_a_mail_is_text() -> None:
    copied = f"From: A <a@section.example>\nTo: b@section.example\nSubject: Fwd\n\n{NEW}"
    assert read_lines(copied.encode(), "x.txt")[0].text.startswith("From:")
    assert fields(copied)["targets"] == fields(NEW)["targets"]


def test_lines_that_a_mail_program_broke_are_joined_as_it_says() -> None:
    data = (
        b"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8; format=flowed\n\n"
        b"one two \nthree\nfour\n-- \nsigned\n"
    )
    assert [line.text for line in read_lines(data, "x.eml")] == ["one two three", "four", "-- ", "signed"]


def test_the_mails_inside_a_mail_are_read_to_a_depth() -> None:
    data = files.mail(None, html_part=files.html(NEW))
    for _ in range(2):
        data = files.mail("", attachments={"inner.eml": data})
        assert fields(data, "x.eml") == fields(NEW)
    assert refusal(files.mail("", attachments={"inner.eml": data}), "x.eml") == "empty"


# Invisible characters


def disguised(text: str) -> str:
    """Return the text as word processors and browsers write it: special spaces, and invisible characters."""
    text = re.sub(r"^(?=\S)", "\u00a0\u200b", text, flags=re.MULTILINE)
    text = re.sub(r"(?<=[a-z]) (?=[a-z])", "\u2009", text)
    text = text.replace(": ", "\u202f:\u00a0").replace("@", "\u200b@\u2060").replace("- ", "-\u00a0")
    return "\ufeff" + text.replace("ea", "e\u00ada").replace("the", "\u200ethe\u200f").replace("an", "a\u200dn")


@EACH_TEMPLATE
def test_special_spaces_and_invisible_characters_change_nothing(markdown: str) -> None:
    without_colon_spaces = markdown.replace(": ", " : ")
    assert fields(disguised(plain(markdown))) == fields(plain(without_colon_spaces))


def test_invisible_characters_keep_the_numbers_of_lines() -> None:
    lines = read_lines("\ufeffone\u200b\n\u00a0\n\u200b\nfour\u00ad\nteen\u2028six".encode(), "x.txt")
    assert [(line.number, line.text) for line in lines] == [
        (1, "one"), (2, " "), (3, ""), (4, "four\u00ad"), (5, "teen"), (6, "six"),
    ]  # fmt: skip


def test_joiners_stay_where_a_script_writes_them() -> None:
    persian = "می\u200cخواهم"
    assert read_lines(f"{persian} a\u200cb".encode(), "x.txt")[0].text == f"{persian} ab"


# Word


@pytest.mark.parametrize("name", ["case.docx", "case.odt", "case.rtf", "case.html"])
def test_a_long_address_line_as_a_paragraph_does_not_cut_a_target_in_two(name: str) -> None:
    long_line = (
        "Ministerio del Interior y de Justicia, Oficina de Atención al Ciudadano, Carrera 8 No. 7-83, Bogotá 111711"
    )
    markdown = NEW.replace("Carrera 8", f"{long_line}\nCarrera 8", 1)
    make = files.MAKERS[name]
    assert long_line in fields(markdown)["targets"][0]["address"]
    assert fields(make(markdown), name) == fields(plain(markdown) if name == "case.rtf" else markdown)


def test_line_breaks_in_a_word_paragraph_part_it_from_the_next() -> None:
    lines = ["Minister A", "Street 1", "Minister B", "Street 2"]
    data = builders.docx("MARK")
    assert [line.text for line in read_lines(data, "x.docx") if line.text] == ["MARK"]
    html = f"<p>{lines[0]}<br>{lines[1]}</p><p>{lines[2]}<br>{lines[3]}</p>"
    assert page_lines(html) == [*lines[:2], "", *lines[2:]]
