"""Help, new keys and reading a document work without settings and create no file."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from flask import Flask

from campaign.cli.without_settings import is_read_only, needs_no_settings
from campaign.config import ROOT, SettingsError, load
from tests.deploy.processes import environment

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
def test_harmless_commands_are_recognised(line: str) -> None:
    assert needs_no_settings(line.split())


@pytest.mark.parametrize(
    "line",
    ["flask worker", "flask keys rotate", "flask db upgrade", "flask run", "gunicorn app:app", "pytest keys init", "",
     "flask appeal import keys init", "python -c --help", "flask --app keys worker", "flask shell"],
)  # fmt: skip
def test_other_commands_are_not_harmless(line: str) -> None:
    assert not needs_no_settings(line.split())


@pytest.mark.parametrize("line", ["flask mail status --json", "flask --app app.py tally verify", "flask staff list"])
def test_reading_commands_are_recognised(line: str) -> None:
    assert is_read_only(line.split())
    assert not needs_no_settings(line.split())


@pytest.mark.parametrize("line", ["flask tally verify --repair", "flask mail deliver", "flask worker", "mail status"])
def test_writing_commands_are_not_reading(line: str) -> None:
    assert not is_read_only(line.split())


def test_each_command_writes_or_is_listed_as_reading(app: Flask) -> None:
    """Require each new command on one of the lists."""
    writing = {
        *("appeal import", "appeal publish", "appeal close", "appeal stop", "appeal outcome", "appeal safety"),
        *("backup create", "backup restore", "demo", "keys rotate", "mail bounces", "mail deliver", "mail drop"),
        *("mail lift", "mail retry", "privacy prune", "sections load", "staff add", "staff reset-second-factor"),
        *("text set", "worker"),
    }
    ours = {name: one for name, one in app.cli.commands.items() if name not in {"db", "run", "shell", "routes"}}
    lines = {
        f"{name} {part}" if part else name
        for name, one in ours.items()
        for part in (one.commands if isinstance(one, click.Group) else [""])
    }
    known = {
        line for line in lines if needs_no_settings(["flask", *line.split()]) or is_read_only(["flask", *line.split()])
    }
    assert lines - known == writing


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a fresh copy of the application's files."""
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, tmp_path / part)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="none", marks=pytest.mark.nightly),
        pytest.param({"TOCSIN_DATABASE_URL": "postgresql://nobody@/nowhere"}, id="no keys", marks=pytest.mark.nightly),
        pytest.param({"TOCSIN_DATABASE_URL": "no address"}, id="a wrong one"),
    ],
)
def test_harmless_commands_create_no_file(
    checkout: Path, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    environ = environment(**settings, PYTHONPYCACHEPREFIX=str(tmp_path_factory.mktemp("bytecode")))
    before = sorted(checkout.rglob("*"))

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "flask", *arguments]
        result = subprocess.run(command, cwd=checkout, env=environ, capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (0, ""), result.stderr
        return result.stdout

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


@pytest.mark.slow
def test_reading_commands_create_neither_keys_nor_a_database(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Run as root without the service's settings, whose files the service could not open."""
    environ = environment(PYTHONPYCACHEPREFIX=str(tmp_path_factory.mktemp("bytecode")))

    def run(line: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flask", *line.split()]
        return subprocess.run(command, cwd=checkout, env=environ, capture_output=True, text=True, check=False)

    before = sorted(checkout.rglob("*"))
    for line in ("mail status", "tally verify"):
        done = run(line)
        assert (done.returncode, done.stdout) == (1, ""), line
        assert done.stderr.startswith("tocsin: TOCSIN_DATABASE_URL: there is no database at "), line
    assert run("mail preview").returncode == 0
    assert sorted(checkout.rglob("*")) == before
    # The same commands on a private database, with the keys that its first command stored.
    assert run("db upgrade").returncode == 0
    keys = {path.name: path.read_text() for path in (checkout / "instance").glob("*_key")}
    assert len(keys) == 3
    assert run("mail status").returncode == 0
    assert {path.name: path.read_text() for path in (checkout / "instance").glob("*_key")} == keys


def test_stored_keys_are_used(tmp_path: Path) -> None:
    load({}, tmp_path, makes_keys=False)
    assert list(tmp_path.iterdir()) == []
    stored = load({}, tmp_path)
    assert load({}, tmp_path, makes_keys=False).index_key == stored.index_key
    with pytest.raises(SettingsError, match="TOCSIN_SECRET_KEY: missing"):
        load({"TOCSIN_BASE_URL": "https://act.example"}, tmp_path, makes_keys=False)
