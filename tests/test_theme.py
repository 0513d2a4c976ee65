"""An organisation's file: what it changes, and that a wrong one stops the start with its reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from campaign.config import SettingsError
from campaign.factory import create_app
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
    assert "--signal:#ff7a63" in sheet, "what the file leaves out stays"
    assert "Tocsin" not in re.sub(r"<script.*?</script>", "", page)
    assert "Une campagne" not in client.get("/en/new-link").text


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
def test_a_wrong_file_stops_the_start_with_its_reason(text: str, reason: str, tmp_path: Path) -> None:
    _file(tmp_path, text)
    with pytest.raises(SettingsError, match=f"^TOCSIN_THEME: .*{reason}"):
        settings_for(f"sqlite:///{tmp_path}/t.db", tmp_path, TOCSIN_THEME="theme.toml")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^TOCSIN_THEME: cannot read .*nothing\.toml"):
        settings_for(f"sqlite:///{tmp_path}/t.db", tmp_path, TOCSIN_THEME="nothing.toml")


def test_the_shipped_theme_is_readable_and_quiet() -> None:
    theme = read_theme(None)
    assert theme.name == "Tocsin"
    assert (theme.logo, theme.facts, theme.texts) == (None, {}, {})
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
