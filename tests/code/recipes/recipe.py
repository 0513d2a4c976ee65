"""A recipe of docs/developing as data: the places that it names, and the edits and commands of its steps."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from campaign.config import ROOT

FOLDER = ROOT / "docs" / "developing"
RECIPES = sorted(path.stem for path in FOLDER.glob("add-a-*.md"))
_PLACE = re.compile(r"^\d\. `([^`]+)`", re.MULTILINE)
_STEP = re.compile(
    r"^(?:In `(?P<path>[^`]+)`, (?P<how>below|above|instead of) (?P<tick>`{1,2}) ?(?P<anchor>.+?) ?(?P=tick)"
    r"|New file `(?P<new>[^`]+)`):\n\n```\w*\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COPIED = ("campaign", "docs", "examples", "migrations", "templates", "tests")


@dataclass(frozen=True)
class Edit:
    """One change: `text` becomes a new file, or goes before, after or in place of the line `anchor` of a file."""

    path: str
    kind: str
    anchor: str
    text: str


def text_of_recipe(name: str) -> str:
    """Return the text of the recipe."""
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def places(name: str) -> list[str]:
    """Return the files and folders that the recipe names as its places."""
    _, _, after = text_of_recipe(name).partition("## Places\n")
    return _PLACE.findall(after.partition("## Steps")[0])


def edits(name: str) -> list[Edit]:
    """Return the changes of the recipe's steps, in their order."""
    return [
        Edit(step["path"] or step["new"], step["how"] or "new", step["anchor"] or "", step["text"])
        for step in _STEP.finditer(text_of_recipe(name))
    ]


def commands(name: str) -> list[list[str]]:
    """Return the commands of the recipe's steps."""
    lines = [line for block in _COMMANDS.findall(text_of_recipe(name)) for line in block.splitlines()]
    return [line.split() for line in lines]


def follow(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Follow the recipe in a copy of the code under `folder`, and run the tests of its walk there."""
    copy = folder / "copy"
    for part in _COPIED:
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    for file in ("app.py", "pyproject.toml", "Makefile"):
        shutil.copy(ROOT / file, copy / file)
    for edit in edits(name):
        _apply(edit, copy)
    for command in commands(name):
        program = Path(sys.executable).parent / Path(command[0]).name
        subprocess.run([str(program), *command[1:]], cwd=copy, check=True, capture_output=True)
    tests = f"tests/code/recipes/walk_{name.removeprefix('add-a-').replace('-', '_')}.py"
    started = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--tb=short",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "-m",
        "not postgresql",
    ]
    return subprocess.run(
        [*started, "--basetemp", str(folder / "tests"), tests], cwd=copy, capture_output=True, text=True, check=False
    )


def _apply(edit: Edit, copy: Path) -> None:
    newest = max(path.name[:4] for path in (copy / "migrations" / "versions").glob("[0-9]*.py"))
    numbers = {"NEWEST": newest, "NEXT": f"{int(newest) + 1:04}"}
    path, text = (re.sub("NEWEST|NEXT", lambda found: numbers[found[0]], one) for one in (edit.path, edit.text))
    file = copy / path
    if edit.kind == "new":
        assert not file.exists(), f"{edit.path} is there already"
        file.write_text(text, encoding="utf-8")
        return
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    found = [number for number, line in enumerate(lines) if line.strip() == edit.anchor]
    assert len(found) == 1, f"{edit.path} has {len(found)} lines `{edit.anchor}`"
    first, after = {"below": (1, 1), "above": (0, 0), "instead of": (0, 1)}[edit.kind]
    lines[found[0] + first : found[0] + after] = [text]
    file.write_text("".join(lines), encoding="utf-8")
