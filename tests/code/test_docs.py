"""The documents against the code: every named path exists, and the architecture page is complete."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from campaign.config import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SOURCES = sorted(
    path
    for folder in ("campaign", "tests", "bench", "deploy", "migrations", ".ci")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and (path.suffix in {".py", ".conf", ".service", ".timer"} or folder in {"deploy", ".ci"})
)
# Folders to which a path in a document may be relative, besides the document's own.
BASE_FOLDERS = ("", "campaign", "templates", "docs", "tests", "deploy")
ENDINGS = "py|md|html|toml|conf|service|timer|typ|css|js|ini|po|pot"
# A path in backticks: with a folder in front, or a folder itself.
PATH = re.compile(rf"`((?:[\w.-]+/)+(?:[\w.-]+\.(?:{ENDINGS}))?)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
# A command at the beginning of backticks or of a line of a block.
TARGET = re.compile(r"(?:`|^ {4})make ([a-z-]+)", re.MULTILINE)
SUFFIXES = {".html", ".txt", ".toml", ".js"}
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# A name in backticks: with an underscore inside, or in capitals and small letters.
NAME = re.compile(r"`(?:\w+\.)?([a-z]\w*_\w+|TOCSIN_\w+|[A-Z][a-z]+(?:[A-Z]\w*)+)(?:\(\))?`")
# Settings of PostgreSQL, and an error of Python.
FOREIGN_NAMES = {"checkpoint_timeout", "recovery_target_time", "UnicodeEncodeError"}
# The recipes name files that do not exist yet; their own test creates them.
RECIPES = sorted((ROOT / "docs" / "developing").glob("add-a-*.md"))
# Folders of a server, of a running site, or inside a Word file.
OUTSIDE_PATHS = re.compile(r"instance/|ssl/|word/")
# Files that a recipe creates; tests/code/recipes creates them in a copy.
CREATED_FILE = re.compile(r"^New file `[^`]+`:$", re.MULTILINE)


@pytest.mark.parametrize(
    "path",
    [path for path in [*DOCUMENTS, *SOURCES] if path not in RECIPES],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_named_path_exists(path: Path) -> None:
    places = [*(ROOT / place for place in BASE_FOLDERS), path.parent]
    named = {
        name
        for name in PATH.findall(CREATED_FILE.sub("", path.read_text(encoding="utf-8")))
        if not OUTSIDE_PATHS.match(name)
    }
    assert not {name for name in named if not any((place / name).exists() for place in places)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_between_documents_has_a_target(path: Path) -> None:
    links = {link for link in LINK.findall(path.read_text(encoding="utf-8")) if "://" not in link}
    assert not {link for link in links if not (path.parent / link).exists()}


@pytest.mark.parametrize(
    "path",
    [path for path in DOCUMENTS if path not in RECIPES and path.name != "CHANGELOG.md"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_named_function_class_table_and_setting_exists(path: Path) -> None:
    named = set(NAME.findall(path.read_text(encoding="utf-8")))
    assert named - FOREIGN_NAMES <= names_in_code()


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {name for path in DOCUMENTS for name in TARGET.findall(path.read_text(encoding="utf-8"))}
    assert {"run", "test", "fix"} <= named
    assert named <= targets
    assert set(re.findall(r"[a-z-]+", makefile.partition(".PHONY:")[2].partition("\n")[0])) == targets


@pytest.mark.parametrize("name", ["Makefile", "pyproject.toml"])
def test_every_path_that_a_tool_is_given_exists(name: str) -> None:
    paths = set(re.findall(r"\b(?:campaign|tests|bench)/[\w/.]+\w", (ROOT / name).read_text(encoding="utf-8")))
    assert len(paths) > 5
    made = {"bench/results"}
    assert not {path for path in paths - made if not (ROOT / path).exists()}


def test_the_architecture_names_every_package_and_module_of_the_application() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for path in (ROOT / "campaign").iterdir():
        if (path / "__init__.py").exists():
            assert f"`campaign/{path.name}/`" in text, path
        elif path.suffix == ".py" and path.stem != "__init__":
            assert f"`campaign/{path.name}`" in text, path


def test_the_architecture_gives_layers_and_rooms_in_the_order_that_is_checked() -> None:
    """Compare the orders in the document with the contracts in pyproject.toml."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    contracts = [contract for contract in contracts_of_layers() if contract["containers"] != ["campaign"]]
    whole = next(contract for contract in contracts_of_layers() if contract["containers"] == ["campaign"])
    assert in_order(whole) in " ".join(text.split())
    for contract in contracts:
        name = contract["containers"][0].replace(".", "/")
        assert f"| `{name}/` | {in_order(contract).replace(' |', ',')} |" in text, name


def test_each_decision_has_its_line_in_the_index() -> None:
    """Require a link with number and title in the index for each record."""
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text(encoding="utf-8")
    for path in folder.glob("[0-9]*.md"):
        number, _, title = HEADING.findall(path.read_text(encoding="utf-8"))[0].partition(". ")
        assert int(path.name[:4]) == int(number), path
        assert f"| {number} | [{title}]({path.name}) |" in index, path
    numbers = [int(number) for number in re.findall(r"^\| (\d+) \|", index, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1)), "a number is missing or stands twice"


@cache
def names_in_code() -> set[str]:
    """Return all words of the code, templates and configuration."""
    data = [path for name in ("campaign", "templates") for path in (ROOT / name).rglob("*") if path.suffix in SUFFIXES]
    sources = [path for path in SOURCES if path != Path(__file__)]
    files = [*sources, *data, ROOT / "pyproject.toml", ROOT / "Makefile", *ROOT.glob("*.py")]
    return {word for path in files for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))}


@cache
def contracts_of_layers() -> list[dict[str, Any]]:
    """Return the contracts of import-linter that order packages."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    return [contract for contract in found if contract["type"] == "layers"]


def in_order(contract: dict[str, Any]) -> str:
    return " → ".join(contract["layers"])
