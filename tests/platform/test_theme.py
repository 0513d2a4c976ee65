"""An organisation's theme file: its effects, and the reason shown if a wrong one prevents the start."""

from __future__ import annotations

import dataclasses
import io
import re
import zlib
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader

from campaign.config import LOCALES, SettingsError
from campaign.domain.outbox.mail_kind import STAFF_KINDS, MailKind
from campaign.factory import create_app
from campaign.mail.messages.samples import message_names, preview_message
from campaign.mail.messages.staff_texts import choose_password, password_changed
from campaign.platform.runtime import RUNTIME_KEY, runtime
from campaign.theme import contrast, read_theme
from tests.conftest import settings_for

THEME = """
name = "Amis des libertés"
website = "https://www.example.org"
[logo]
file = "logo.svg"
width = 120
height = 40
[colours.light]
signal = "#0b5c8a"
[text.fr]
footer = "Une campagne des **Amis**. <script>alert(1)</script>"
"""


def _file(folder: Path, text: str) -> Path:
    (folder / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 3 1"/>', encoding="utf-8")
    path = folder / "theme.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_one_file_changes_name_logo_colours_and_footer(tmp_path: Path) -> None:
    _file(tmp_path, THEME)
    app = create_app(settings_for(f"sqlite:///{tmp_path}/t.db", tmp_path, TOCSIN_THEME="theme.toml"))
    client = app.test_client()
    page = client.get("/fr/new-link").text
    assert "<title>Un nouveau lien – Amis des libertés</title>" in page
    assert '<a href="https://www.example.org">' in page
    assert "Une campagne des <strong>Amis</strong>." in page
    assert "<script>alert" not in page
    logo = re.search(r'<img src="(/static/\w+/logo\.svg)" alt="" width="120" height="40">', page)
    assert logo
    assert client.get(logo[1]).content_type.startswith("image/svg+xml")
    style = re.search(r'href="(/static/\w+/tocsin\.css)"', page)
    assert style
    sheet = client.get(style[1]).text
    assert "--signal:#0b5c8a" in sheet
    assert "--signal:#ff7a63" in sheet, "a value missing in the file stays"
    assert "Tocsin" not in re.sub(r"<script.*?</script>", "", page)
    assert "Une campagne" not in client.get("/en/new-link").text


SHIPPED = [colour for colour in read_theme(None).light.values() if colour.lower() not in {"#fff", "#ffffff"}]
COLOURS = "\n".join(f'{name} = "{colour}"' for name, colour in {
    "ink": "#101418", "soft": "#4a5058", "line": "#c8d0d8", "paper": "#f4f8fb", "sheet": "#fdfeff",
    "signal": "#0b5c8a", "on_signal": "#fefefe", "mark": "#cfe6ff", "good": "#14603a",
}.items())  # fmt: skip


@pytest.fixture(scope="module")
def themed(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Return an application whose name and light colours all differ from the shipped ones."""
    folder = tmp_path_factory.mktemp("themed")
    _file(folder, THEME.replace('signal = "#0b5c8a"', COLOURS))
    return create_app(settings_for(f"sqlite:///{folder}/t.db", folder, TOCSIN_THEME="theme.toml"))


@pytest.mark.parametrize("name", message_names())
@pytest.mark.parametrize("locale", LOCALES)
def test_every_mail_has_the_theme(themed: Flask, name: str, locale: str) -> None:
    with themed.app_context(), themed.test_request_context():
        found = preview_message(name, locale, sender="us@tocsin.example", base_url="https://act.example")
    said = "".join((str(found.subject), str(found.body), str(found.html)))
    assert "Tocsin" not in said
    assert [colour for colour in SHIPPED if colour in said.lower()] == []
    assert {"#0b5c8a", "#f4f8fb"} <= set(re.findall(r"#[0-9a-f]{6}", str(found.html)))
    if name in STAFF_KINDS and name not in {MailKind.STAFF_DIGEST, MailKind.STAFF_SECURITY}:
        assert "Amis des libertés" in str(found.subject)


def test_embeds_name_the_organisation(themed: Flask) -> None:
    script = themed.test_client().get("/embed.js").text
    assert 'title = "Amis des libert\\u00e9s"' in script
    assert "Tocsin" not in script


@pytest.fixture
def themed_client(app: Flask, themed: Flask, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Return a browser of the application that has an appeal, with the theme applied to it."""
    app_runtime = app.extensions[RUNTIME_KEY]
    settings = dataclasses.replace(app_runtime.settings, theme=themed.extensions[RUNTIME_KEY].settings.theme)
    monkeypatch.setitem(app.extensions, RUNTIME_KEY, dataclasses.replace(app_runtime, settings=settings))
    for name in ("theme", "icon", "asset"):
        monkeypatch.setitem(app.jinja_env.globals, name, themed.jinja_env.globals[name])
    return app.test_client()


@pytest.mark.usefixtures("appeal")
@pytest.mark.parametrize(
    "path",
    [
        "/fr/appeals/ana-ruiz-vega",
        "/fr/feed.atom",
        "/embed/ana-ruiz-vega?lang=fr",
        "/embed/ana-ruiz-vega?lang=fr&kind=counter",
        "/embed/ana-ruiz-vega/thanks?lang=fr",
        "/embed/nobody?lang=fr",
        "/oembed?url=http://127.0.0.1:8000/fr/appeals/ana-ruiz-vega",
    ],
)
def test_every_page_and_embed_of_an_appeal_names_the_organisation(themed_client: FlaskClient, path: str) -> None:
    page = themed_client.get(path).text
    assert "Amis des libertés" in page
    assert "Tocsin" not in page
    assert [colour for colour in SHIPPED if colour in page.lower()] == []


@pytest.mark.usefixtures("appeal")
def test_card_and_poster_have_the_theme(themed_client: FlaskClient) -> None:
    card = themed_client.get("/fr/appeals/ana-ruiz-vega/card.png").data
    start = card.index(b"IDAT") + 4
    # The first pixel of a PNG is stored as it is with every filter; here it has the signal colour of the edge.
    assert zlib.decompressobj().decompress(card[start:])[1:4].hex() == "0b5c8a"
    poster = PdfReader(io.BytesIO(themed_client.get("/fr/appeals/ana-ruiz-vega/poster/fr.pdf").data)).pages[0]
    assert "Amis des libertés" in poster.extract_text()
    assert "Tocsin" not in poster.extract_text()
    drawn = poster.get_contents()
    assert drawn is not None
    filled = re.findall(rb"([\d.]+) ([\d.]+) ([\d.]+) (?:rg|scn)\b", drawn.get_data())
    used = {"#" + "".join(f"{round(float(part) * 255):02x}" for part in colour) for colour in filled}
    assert "#0b5c8a" in used
    assert used.isdisjoint(SHIPPED)


def test_staff_pages_and_second_factors_name_the_organisation(themed: Flask) -> None:
    staff = themed.extensions["tocsin_staff"]
    assert {staff.config["SECURITY_TOTP_ISSUER"], staff.config["SECURITY_WAN_RP_NAME"]} == {"Amis des libertés"}
    with staff.test_request_context():
        name = runtime().settings.theme.name
        for said in (choose_password("fr", name), password_changed("fr", name)):
            assert "Amis des libertés" in said.subject


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name = ", "no TOML"),
        ("nmae = 'x'", "nmae is not known"),
        ("name = ''", "name: give one line"),
        ("website = 'javascript:alert(1)'", "website: give an address"),
        ("logo = 'x.svg'", r"\[logo\] is no table"),
        ("[logo]\nfile = 'logo.gif'\nwidth = 1\nheight = 1", "logo.file: give an SVG"),
        ("[logo]\nfile = 'away.svg'\nwidth = 1\nheight = 1", "logo.file: cannot read"),
        ("[logo]\nfile = 'logo.svg'\nwidth = 0\nheight = 1", "logo: give its width"),
        ("[colours.light]\nsignal = 'red'", "colours.light.signal: give a colour"),
        ("[colours.dark]\nsignl = '#ffffff'", "colours.dark.signl is not known"),
        ("[colours.light]\nsignal = '#ffcc00'", "colours.light: signal on paper has a contrast of 1"),
        ("[text.xx]\nfooter = 'x'", "text.xx is not known"),
        ("[text.fr]\nfoot = 'x'", "text.fr.foot is not known"),
        ("[facts]\nemail = 1", "facts.email: give a text"),
    ],
)
def test_a_wrong_file_prevents_the_start_with_its_reason(text: str, reason: str, tmp_path: Path) -> None:
    _file(tmp_path, text)
    with pytest.raises(SettingsError, match=f"^TOCSIN_THEME: .*{reason}"):
        settings_for(f"sqlite:///{tmp_path}/t.db", tmp_path, TOCSIN_THEME="theme.toml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^TOCSIN_THEME: cannot read .*nothing\.toml"):
        settings_for(f"sqlite:///{tmp_path}/t.db", tmp_path, TOCSIN_THEME="nothing.toml")


def test_the_shipped_theme_has_no_texts_and_a_correct_contrast() -> None:
    theme = read_theme(None)
    assert theme.name == "Tocsin"
    assert (theme.logo, theme.facts, theme.texts) == (None, {}, {})
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
