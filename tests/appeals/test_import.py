"""Importing again with `flask appeal import`: unchanged, corrected, open, in a second language, followed up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import DOCUMENT, FRENCH, Postbox, form


class ImportShell:
    """The import command for texts, which it writes to files first."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self._app = app
        self._folder = folder

    def import_text(self, text: str, *options: str) -> Any:
        path = self._folder / "case.md"
        path.write_text(text, encoding="utf-8")
        return self._app.test_cli_runner().invoke(args=["appeal", "import", str(path), *options])

    def output(self, text: str, *options: str) -> str:
        done = self.import_text(text, *options)
        assert done.exit_code == 0, done.output
        return str(done.stdout)

    def import_json(self, text: str, *options: str) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.output(text, *options, "--json"))
        return data


@pytest.fixture
def shell(app: Flask, tmp_path: Path) -> ImportShell:
    return ImportShell(app, tmp_path)


@pytest.mark.parametrize("options", [(), ("--slug", "ana")])
def test_the_same_document_again_changes_nothing_and_says_so(shell: ImportShell, options: tuple[str, ...]) -> None:
    assert "made in en" in shell.output(DOCUMENT, *options)
    for _ in range(2):
        assert "nothing changed" in shell.output(DOCUMENT, *options)
        said = shell.import_json(DOCUMENT, *options)
        assert (said["is_new"], said["changes"], said["text_version"]) == (False, [], 1)


def test_a_correction_shows_what_changed_and_updates_the_draft(shell: ImportShell) -> None:
    shell.output(DOCUMENT)
    corrected = DOCUMENT.replace("12 April 2026", "20 April 2026").replace("protect her at once", "protect her today")
    output = shell.output(corrected)
    assert "deadline: 2026-04-12 → 2026-04-20" in output
    assert "protect her at once. → " in output
    assert "protect her today." in output
    assert shell.import_json(corrected)["changes"] == []
    assert {change["field"] for change in shell.import_json(DOCUMENT)["changes"]} == {"deadline", "paragraphs (en)"}


def test_a_change_far_into_a_long_text_is_seen(shell: ImportShell) -> None:
    long = DOCUMENT.replace(
        "The school stands", "The school stood there for very many years before. " * 20 + "It stands"
    )
    shell.output(long)
    output = shell.output(long.replace("above the river", "below the river"))
    assert "above the river." in output
    assert "below the river." in output


def test_an_open_appeal_keeps_its_signatures_and_gets_a_new_text(
    shell: ImportShell, client: FlaskClient, deliver: Any, postbox: Postbox
) -> None:
    shell.output(DOCUMENT, "--slug", "ana", "--publish")
    assert client.post("/en/appeals/ana/sign", data=form()).status_code == 303
    deliver()
    assert client.post(postbox.link()).status_code == 303
    before = client.get("/api/v1/appeals/ana").json
    assert before is not None
    assert before["counts"]["signatures"] == 1
    said = shell.import_json(DOCUMENT.replace("protect her at once", "protect her today"), "--slug", "ana", "--yes")
    assert (said["state"], said["text_version"], said["is_new"]) == ("open", 2, False)
    after = client.get("/api/v1/appeals/ana").json
    assert after is not None
    assert after["counts"] == before["counts"]


@pytest.mark.parametrize("options", [(), ("--slug", "ana")])
def test_a_second_language_adds_a_text(shell: ImportShell, options: tuple[str, ...]) -> None:
    shell.output(DOCUMENT, *options)
    said = shell.import_json(FRENCH, *options)
    assert (said["is_new"], said["is_new_language"], said["language"], said["text_version"]) == (False, True, "fr", 1)
    assert not [change for change in said["changes"] if change["field"] == "deadline"]
    assert "nothing changed" in shell.output(FRENCH, *options)
    assert "nothing changed" in shell.output(DOCUMENT, *options)


def test_other_facts_of_a_second_language_are_reported_and_not_stored(shell: ImportShell) -> None:
    shell.output(DOCUMENT)
    done = shell.import_text(FRENCH.replace("12 AVRIL 2026", "20 AVRIL 2026"))
    assert done.exit_code == 0
    assert "deadline: this document says 2026-04-20, ua-7-26 keeps 2026-04-12" in done.stderr
    assert "2026-04-20" not in done.stdout
    again = shell.import_json(DOCUMENT)
    assert (again["changes"], again["kept"]) == ([], [])


def test_a_second_language_without_reference_needs_the_slug(shell: ImportShell) -> None:
    shell.output(DOCUMENT, "--slug", "ana")
    said = shell.import_json(FRENCH.partition("\n")[2], "--slug", "ana")
    assert (said["slug"], said["is_new_language"]) == ("ana", True)


def test_a_follow_up_names_the_appeal_it_follows(shell: ImportShell) -> None:
    shell.output(DOCUMENT)
    output = shell.output(DOCUMENT.replace("First UA", "Second UA"))
    assert "ua-7-26-2: made in en" in output
    assert "it follows ua-7-26\n" in output
    assert "nothing changed" in shell.output(DOCUMENT.replace("First UA", "Second UA"))


def test_warnings_are_separate_from_the_result(shell: ImportShell) -> None:
    done = shell.import_text(DOCUMENT.replace("Calle Ejemplo 1", "Fax: +57 1 596 0000 (mornings)"))
    assert "line 13" in done.stderr
    assert "contact-note" in done.stderr
    assert "contact-note" not in done.stdout
