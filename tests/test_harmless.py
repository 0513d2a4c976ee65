"""Help, new keys and reading a document need no settings and leave nothing behind, whatever is or is not configured."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from campaign.cli.harmless import is_harmless
from campaign.config import ROOT, load
from tests.journeys.processes import environment

PARTS = ("app.py", "campaign", "templates", "migrations", "examples")


@pytest.mark.parametrize(
    "line",
    [
        "flask",
        "flask --help",
        "flask keys init",
        "flask keys new",
        "flask --app app.py --debug keys init",
        "flask -e x.env appeal parse case.md --json",
        "flask db upgrade --help",
        "flask routes",
        "/usr/lib/python3/site-packages/flask/__main__.py keys init",
    ],
)
def test_these_are_harmless(line: str) -> None:
    assert is_harmless(line.split())


@pytest.mark.parametrize(
    "line",
    ["flask worker", "flask keys rotate", "flask db upgrade", "flask run", "gunicorn app:app", "pytest keys init", "",
     "flask appeal import keys init", "python -c --help", "flask --app keys worker", "flask shell"],
)  # fmt: skip
def test_these_are_not(line: str) -> None:
    assert not is_harmless(line.split())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh copy of what runs."""
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, tmp_path / part)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [{}, {"TOCSIN_DATABASE_URL": "postgresql://nobody@/nowhere"}, {"TOCSIN_DATABASE_URL": "no address"}],
    ids=["none", "no keys", "a wrong one"],
)
def test_they_leave_nothing_behind(checkout: Path, settings: dict[str, str]) -> None:
    environ = environment(**settings, PYTHONDONTWRITEBYTECODE="1")
    before = sorted(checkout.rglob("*"))

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "flask", *arguments]
        done = subprocess.run(command, cwd=checkout, env=environ, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    assert "keys" in run("--help")
    assert "init" in run("keys", "--help")
    assert "Mama" in run("appeal", "parse", "examples/janbolat-mamai.fr.md")
    first, second = run("keys", "init"), run("keys", "init")
    assert sorted(checkout.rglob("*")) == before
    keys = dict(line.split("=", 1) for line in first.splitlines())
    assert set(keys) == {"TOCSIN_SECRET_KEY", "TOCSIN_DATA_KEY", "TOCSIN_INDEX_KEY"}
    assert not set(first.splitlines()) & set(second.splitlines())
    assert len(base64.b64decode(keys["TOCSIN_INDEX_KEY"])) == 32
    assert load({**keys, "TOCSIN_DATABASE_URL": "postgresql://x@/y"}, checkout).index_key
