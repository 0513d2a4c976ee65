"""Rules of the code itself: its public routes, and the layers that may commit or read the clock."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from flask import Flask

from campaign.config import LOCALES, ROOT

MOST_MODULES = 15
ROOMS = set(
    """appeals signing counting outbox delivery announcements moderation offline handover privacy abuse backup
staff sections""".split()
)
LOCALE = f"/<any({', '.join(LOCALES)}):locale>/"
PAGE_ROUTES = """
appeals/<slug>
appeals/<slug>/sign
appeals/<slug>/form
appeals/<slug>/thanks
appeals/<slug>/viewed
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
m/<token>/address
m/<token>/me
m/<token>/me.json
new-link
new-link/sent
countries/<country>
ended
ended/<int:number>
sections
sections/<code>
feed.atom
privacy
imprint
accessibility
""".split()
MACHINE_ROUTES = """/ /api/v1/appeals /api/v1/appeals/<slug> /healthz /readyz /robots.txt /sitemap.xml
/embed/<slug> /embed/<slug>/thanks /embed.js /oembed
/static/<digest>/<name>""".split()
PUBLIC_ROUTES = {LOCALE, *MACHINE_ROUTES, *(LOCALE + page for page in PAGE_ROUTES)}
PRIVATE_ROUTES = {"/metrics"}


def test_every_route_is_on_the_public_list(app: Flask) -> None:
    assert {rule.rule for rule in app.url_map.iter_rules()} == PUBLIC_ROUTES | PRIVATE_ROUTES


def test_the_first_six_languages_are_those_of_the_contract() -> None:
    assert LOCALES[:6] == ("fr", "en", "es", "ar", "de", "ru")


def test_only_services_commit() -> None:
    for path in sorted((ROOT / "campaign").rglob("*.py")):
        if path.is_relative_to(ROOT / "campaign" / "services") or path.name == "transaction.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Attribute) and node.attr in {"commit", "begin"}), path


def test_nothing_below_web_reads_the_clock() -> None:
    for folder in ("domain", "document", "models", "queries", "letter", "mail", "services"):
        for path in (ROOT / "campaign" / folder).rglob("*.py"):
            assert not re.search(r"datetime\.now\(|date\.today\(|time\.time\(", path.read_text(encoding="utf-8")), path


# The client chooses the Host header: links come from TOCSIN_BASE_URL, and only `web/http/host.py` reads the header.
_HOST_OF_REQUEST = {"host", "host_url", "url", "url_root", "base_url", "root_url"}
_LIBRARY_LINKS = {"reset_link", "login_link", "confirmation_link", "recovery_link"}


def test_no_link_is_built_from_the_host_of_a_request() -> None:
    for path in sorted((ROOT / "campaign").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path}:{getattr(node, 'lineno', '')}"
            assert not (isinstance(node, ast.keyword) and node.arg in {"_external", "_scheme"}), where
            assert not (isinstance(node, ast.Constant) and node.value in _LIBRARY_LINKS | {"HTTP_X_FORWARDED_HOST"}), (
                where
            )
            if isinstance(node, ast.Constant) and node.value == "HTTP_HOST":
                assert path.name == "host.py", where
            if isinstance(node, ast.Attribute) and node.attr in _HOST_OF_REQUEST:
                assert not (isinstance(node.value, ast.Name) and node.value.id == "request"), where
            if isinstance(node, ast.keyword) and node.arg in {"x_host", "x_port", "x_prefix"}:
                raise AssertionError(f"{where}: a forwarded host is believed")
    for path in sorted((ROOT / "templates").rglob("*.*")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"_external|request\.(host|url|base_url|root_url)|[a-z]+_link *}}", text), path


def test_no_path_of_a_machine_and_no_download_address() -> None:
    for path in [*(ROOT / "requirements").glob("*.txt"), ROOT / "pyproject.toml"]:
        text = Path(path).read_text(encoding="utf-8")
        assert not re.search(r"https?://|--(extra-)?index-url|find-links", text), path


@pytest.mark.parametrize("folder", ["campaign", "tests", "bench"])
def test_no_folder_has_too_many_modules(folder: str) -> None:
    """Split a folder with more modules than MOST_MODULES by meaning."""
    modules = Counter(path.parent for path in (ROOT / folder).rglob("*.py") if path.name != "__init__.py")
    assert {str(path.relative_to(ROOT)): number for path, number in modules.items() if number > MOST_MODULES} == {}


def test_every_layer_has_the_same_rooms() -> None:
    """Allow each layer only the rooms of docs/architecture.md; it need not have all of them."""
    for layer in ("domain", "models", "queries", "services", "web/staff"):
        rooms = {path.parent.name for path in (ROOT / "campaign" / layer).glob("*/__init__.py")}
        assert rooms - ROOMS == ({"keys", "periodic"} if layer == "services" else set()), layer
    templates = {path.name for path in (ROOT / "templates" / "staff").iterdir() if path.is_dir()}
    assert templates <= ROOMS
    assert {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()} >= ROOMS
