"""Tests about the code itself: what is public, who commits, and that everything is translated."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from gettext import GNUTranslations
from pathlib import Path
from typing import Any

import pytest
from babel import Locale
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from flask import Flask

from campaign.config import LOCALES, ROOT

LOCALE = "/<any(fr, en, es, ar, de, ru):locale>/"
PAGES = """
appeals/<slug>
appeals/<slug>/sign
appeals/<slug>/form
appeals/<slug>/thanks
appeals/<slug>/act
appeals/<slug>/act.svg
appeals/<slug>/letter.pdf
appeals/<slug>/words
appeals/<slug>/progress
appeals/<slug>/progress.svg
appeals/<slug>/map.svg
appeals/<slug>/card.png
appeals/<slug>/poster/<section>.pdf
s/<token>
u/<token>
m/<token>/act
m/<token>/act.svg
m/<token>/letter.pdf
m/<token>/words
m/<token>/me
m/<token>/me.json
new-link
new-link/sent
countries/<country>
sections
sections/<code>
feed.atom
privacy
imprint
accessibility
""".split()
MACHINES = """/ /api/v1/appeals /api/v1/appeals/<slug> /healthz /readyz /robots.txt /sitemap.xml
/embed/<slug> /embed/<slug>/thanks /embed.js /oembed
/static/<digest>/<name>""".split()
PUBLIC = {LOCALE, *MACHINES, *(LOCALE + page for page in PAGES)}
GUARDED = {"/metrics"}


def test_every_route_is_on_the_public_list(app: Flask) -> None:
    assert {rule.rule for rule in app.url_map.iter_rules()} == PUBLIC | GUARDED


def test_only_services_commit() -> None:
    for path in sorted((ROOT / "campaign").rglob("*.py")):
        if path.relative_to(ROOT / "campaign").parts[0] == "services":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Attribute) and node.attr in {"commit", "begin"}), path


def test_nothing_below_web_reads_the_clock() -> None:
    for folder in ("domain", "document", "models", "queries", "letter", "mail", "services"):
        for path in (ROOT / "campaign" / folder).rglob("*.py"):
            assert not re.search(r"datetime\.now\(|date\.today\(|time\.time\(", path.read_text(encoding="utf-8")), path


def _catalogues() -> list[str]:
    return sorted(path.name for path in (ROOT / "campaign" / "translations").iterdir() if path.is_dir())


def test_french_has_a_catalogue_and_every_catalogue_is_of_a_locale() -> None:
    assert "fr" in _catalogues()
    assert set(_catalogues()) <= set(LOCALES)


@pytest.mark.parametrize("locale", _catalogues())
def test_a_catalogue_is_complete_well_formed_and_compiled(locale: str) -> None:
    folder = ROOT / "campaign" / "translations" / locale / "LC_MESSAGES"
    with (folder / "messages.po").open("rb") as file:
        catalog = read_po(file, locale=locale)
    said: dict[object, Message] = {_one(message.id): message for message in catalog if message.id}
    assert set(said) == _wanted()
    for message in said.values():
        strings = _strings(message.string)
        assert all(strings), message.id
        assert not message.fuzzy
        assert not list(message.check(catalog))
        assert len(strings) == (catalog.num_plurals if isinstance(message.id, tuple | list) else 1), message.id
        names = {name for one in _strings(message.id) for name in _PLACEHOLDER.findall(one)}
        for number, string in enumerate(strings):
            # The form for one, or for none, may do without the number; a name that is not there must not be asked for.
            missing = names - set(_PLACEHOLDER.findall(string))
            assert not missing or (len(strings) > 1 and number < len(strings) - 1 and missing <= _NUMBERS), message.id
            assert set(_PLACEHOLDER.findall(string)) <= names, message.id
            assert not re.search(r"%(?!\(\w+\)[sd]|%)", string) or not names, message.id
    with (folder / "messages.mo").open("rb") as file:
        compiled = read_mo(file)
    assert {_one(m.id): _one(m.string) for m in compiled if m.id} == {
        _one(m.id): _one(m.string) for m in catalog if m.id
    }


@pytest.mark.parametrize("locale", _catalogues())
def test_the_compiled_plurals_are_those_of_the_language(locale: str) -> None:
    path = ROOT / "campaign" / "translations" / locale / "LC_MESSAGES" / "messages.mo"
    with path.open("rb") as file:
        spoken: Any = GNUTranslations(file)
    rule = Locale(locale).plural_form
    numbers = range(1200)
    # Which numbers go together must be what CLDR says: "0 signature" in French, but "0 signatures" in English.
    by_cldr, by_us = defaultdict(set), defaultdict(set)
    for number in numbers:
        by_cldr[rule(number)].add(number)
        by_us[spoken.plural(number)].add(number)
    assert {frozenset(ones) for ones in by_us.values()} == {frozenset(ones) for ones in by_cldr.values()}


_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
_NUMBERS = {"num", "count"}


def _wanted() -> set[object]:
    method = [("campaign/**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None}
    return {
        message if isinstance(message, str) else tuple(message[:2])
        for _, _, message, *_ in extract_from_dir(ROOT, method, {}, keywords)
    }


def _strings(message_id: object) -> list[str]:
    return list(message_id) if isinstance(message_id, tuple | list) else [str(message_id)]


def _one(message_id: object) -> object:
    """Plurals come as a list from one reader and as a tuple from the other."""
    return tuple(message_id) if isinstance(message_id, list) else message_id


def test_no_path_of_a_machine_and_no_download_address() -> None:
    for path in [*(ROOT / "requirements").glob("*.txt"), ROOT / "pyproject.toml"]:
        text = Path(path).read_text(encoding="utf-8")
        assert not re.search(r"https?://|--(extra-)?index-url|find-links", text), path
