"""Tests about the code itself: what is public, who commits, and that everything is translated."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from flask import Flask

from campaign.config import ROOT

LOCALE = "/<any(fr, en, es, ar, de, ru):locale>/"
PAGES = """
appeals/<slug>
appeals/<slug>/sign
appeals/<slug>/thanks
appeals/<slug>/act
appeals/<slug>/progress
appeals/<slug>/progress.svg
s/<token>
m/<token>/act
m/<token>/me
new-link
new-link/sent
""".split()
MACHINES = ["/", "/api/v1/appeals", "/api/v1/appeals/<slug>", "/healthz", "/readyz", "/static/<digest>/<name>"]
PUBLIC = {LOCALE, *MACHINES, *(LOCALE + page for page in PAGES)}


def test_every_route_is_on_the_public_list(app: Flask) -> None:
    assert {rule.rule for rule in app.url_map.iter_rules()} == PUBLIC


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


def test_french_is_complete_and_compiled() -> None:
    method = [("campaign/**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None}
    wanted = {
        message if isinstance(message, str) else tuple(message[:2])
        for _, _, message, *_ in extract_from_dir(ROOT, method, {}, keywords)
    }
    folder = ROOT / "campaign" / "translations" / "fr" / "LC_MESSAGES"
    with (folder / "messages.po").open("rb") as file:
        catalog = read_po(file, locale="fr")
    said: dict[object, Message] = {_one(message.id): message for message in catalog if message.id}
    assert set(said) == wanted
    for message in said.values():
        strings = message.string if isinstance(message.string, tuple | list) else [message.string]
        assert all(strings), message.id
        assert not message.fuzzy
        assert not list(message.check(catalog))
    with (folder / "messages.mo").open("rb") as file:
        compiled = read_mo(file)
    assert {_one(m.id): _one(m.string) for m in compiled if m.id} == {
        _one(m.id): _one(m.string) for m in catalog if m.id
    }


def _one(message_id: object) -> object:
    """Plurals come as a list from one reader and as a tuple from the other."""
    return tuple(message_id) if isinstance(message_id, list) else message_id


def test_no_path_of_a_machine_and_no_download_address() -> None:
    for path in [*(ROOT / "requirements").glob("*.txt"), ROOT / "pyproject.toml"]:
        text = Path(path).read_text(encoding="utf-8")
        assert not re.search(r"https?://|--(extra-)?index-url|find-links", text), path
