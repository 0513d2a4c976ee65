"""`flask appeal import` before it changes an appeal: exit status 3, what it prints, and the question at a terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from campaign.config import ROOT
from tests.appeals.importing.cases import PLAIN_TEXT, UPDATE_TEXT, slugs, stored_rows
from tests.conftest import DOCUMENT, FRENCH, KEYS

CORRECTED = DOCUMENT.replace("TEACHER THREATENED FOR TEACHING", "TEACHER THREATENED AGAIN")


class ImportCommand:
    """The import command for texts, which it writes to a file first."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self._app = app
        self._file = folder / "case.md"

    def __call__(self, text: str, *options: str) -> Any:
        self._file.write_text(text, encoding="utf-8")
        return self._app.test_cli_runner().invoke(args=["appeal", "import", str(self._file), *options])


@pytest.fixture
def run(app: Flask, tmp_path: Path) -> ImportCommand:
    return ImportCommand(app, tmp_path)


@pytest.fixture
def before(run: ImportCommand) -> dict[str, Any]:
    """Return all rows of an open appeal."""
    assert run(DOCUMENT, "--publish").exit_code == 0
    return stored_rows("ua-7-26")


def test_an_update_becomes_an_appeal_of_its_own(run: ImportCommand, before: dict[str, Any]) -> None:
    done = run(UPDATE_TEXT)
    assert (done.exit_code, done.stdout) == (0, "ua-7-26-2: made in en\n  it follows ua-7-26\n")
    assert stored_rows("ua-7-26") == before


def test_an_update_is_published_at_once_with_its_targets_and_doubts_printed(
    run: ImportCommand, before: dict[str, Any]
) -> None:
    done = run(UPDATE_TEXT, "--publish")
    assert done.exit_code == 0
    assert "ua-7-26-2 is open" in done.stdout
    assert "target 1: Minister of the Interior" in done.stderr
    assert "doubt in line 1 (en)" in done.stderr
    assert stored_rows("ua-7-26") == before


@pytest.mark.parametrize("options", [(), ("--yes",), ("--publish",), ("--slug", "ua-7-26")])
def test_an_unclear_document_changes_nothing_and_both_options_are_named(
    run: ImportCommand, before: dict[str, Any], options: tuple[str, ...]
) -> None:
    done = run(PLAIN_TEXT.replace("THREATENED", "IN DANGER"), *options)
    assert (done.exit_code, done.stdout) == (3, "")
    assert "--as-update" in done.stderr
    assert "--as-correction" in done.stderr
    assert "ua-7-26" in done.stderr
    assert stored_rows("ua-7-26") == before
    assert slugs() == ["ua-7-26"]


def test_an_unclear_document_is_imported_as_it_is_said(run: ImportCommand, before: dict[str, Any]) -> None:
    unclear = PLAIN_TEXT.replace("THREATENED", "IN DANGER")
    assert run(unclear, "--as-correction").exit_code == 3
    assert run(unclear, "--as-update").stdout == "ua-7-26-2: made in en\n  it follows ua-7-26\n"
    assert stored_rows("ua-7-26") == before
    assert run(unclear.replace("IN DANGER", "AT RISK"), "--as-correction", "--yes").exit_code == 0
    assert stored_rows("ua-7-26")["AppealText"][-1]["headline"] == "TEACHER AT RISK FOR TEACHING"


@pytest.mark.parametrize("options", [(), ("--as-correction",), ("--slug", "ua-7-26")])
def test_changes_of_an_open_appeal_are_shown_and_need_yes(
    run: ImportCommand, before: dict[str, Any], options: tuple[str, ...]
) -> None:
    done = run(CORRECTED, *options)
    assert (done.exit_code, done.stdout) == (3, "")
    assert "headline (en): TEACHER THREATENED FOR TEACHING → TEACHER THREATENED AGAIN" in done.stderr
    assert "--yes" in done.stderr
    assert stored_rows("ua-7-26") == before
    done = run(CORRECTED, *options, "--yes")
    assert done.exit_code == 0
    assert "corrected; its text in en is version 2" in done.stdout


def test_json_says_why_and_what_would_change(run: ImportCommand, before: dict[str, Any]) -> None:
    done = run(CORRECTED, "--json")
    assert done.exit_code == 3
    change = {
        "field": "headline (en)",
        "before": "TEACHER THREATENED FOR TEACHING",
        "after": "TEACHER THREATENED AGAIN",
    }
    assert json.loads(done.stdout) == {"slug": "ua-7-26", "reason": "open", "options": ["--yes"], "changes": [change]}
    assert "--yes" in done.stderr
    done = run(PLAIN_TEXT.replace("THREATENED", "IN DANGER"), "--json")
    assert done.exit_code == 3
    options = ["--as-update", "--as-correction"]
    assert json.loads(done.stdout) == {"slug": "ua-7-26", "reason": "unclear", "options": options, "changes": []}
    assert stored_rows("ua-7-26") == before


def test_a_further_language_and_a_draft_need_no_yes(run: ImportCommand, before: dict[str, Any]) -> None:
    assert "completed with fr" in run(FRENCH).stdout
    assert run(FRENCH.replace("MENACÉE", "EN DANGER")).exit_code == 3
    assert run(UPDATE_TEXT, "--slug", "draft").exit_code == 0
    corrected = UPDATE_TEXT.replace("LEFT HER VILLAGE", "LEFT HER SCHOOL")
    assert "corrected" in run(corrected, "--slug", "draft", "--as-correction").stdout


def test_both_options_at_once_are_refused(run: ImportCommand) -> None:
    done = run(DOCUMENT, "--as-update", "--as-correction")
    assert done.exit_code == 2
    assert "choose one of --as-update and --as-correction" in done.stderr


def test_a_correction_of_nothing_is_refused(run: ImportCommand) -> None:
    done = run(DOCUMENT, "--as-correction")
    assert done.exit_code == 1
    assert "--slug" in done.stderr
    assert slugs() == []


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "status", "version"), [("y", 0, 2), ("n", 3, 1), ("", 3, 1)])
def test_at_a_terminal_it_shows_the_changes_and_asks(
    app: Flask, before: dict[str, Any], tmp_path: Path, answer: str, status: int, version: int
) -> None:
    file = tmp_path / "corrected.md"
    file.write_text(CORRECTED, encoding="utf-8")
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    environment = {**os.environ, **KEYS, "TOCSIN_DATABASE_URL": url, "TOCSIN_MAIL_FROM": "Tocsin <act@tocsin.example>"}
    terminal, other_end = pty.openpty()
    command = [sys.executable, "-m", "flask", "--app", "app", "appeal", "import", str(file)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=other_end, stdout=other_end, stderr=other_end
    ) as process:
        os.close(other_end)
        output = _read_until(terminal, "[y/N]")
        os.write(terminal, f"{answer}\n".encode())
        _read_until(terminal, None)
        assert process.wait(60) == status
    os.close(terminal)
    assert "headline (en): TEACHER THREATENED FOR TEACHING → TEACHER THREATENED AGAIN" in output
    texts = stored_rows("ua-7-26")["AppealText"]
    assert len(texts) == version


def _read_until(terminal: int, words: str | None, seconds: float = 60) -> str:
    """Return the output up to these words; with None, up to its end. Fail after the time."""
    output = b""
    end = time.monotonic() + seconds
    while words is None or words not in output.decode("utf-8", "ignore"):
        ready, _, _ = select.select([terminal], [], [], max(end - time.monotonic(), 0))
        assert ready, output
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux says so when the other end is closed
            part = b""
        if not part:
            assert words is None, output
            break
        output += part
    return output.decode()
