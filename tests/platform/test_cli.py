"""The flask commands: what they print, and how they refuse."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from campaign.cli.demo import changed_at
from campaign.config import ROOT
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.models import AuditEntry, Section, Tally
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView, find_appeal
from campaign.services.sections.load_sections import SHIPPED, read_sections
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from tests.conftest import DOCUMENT, START, confirm_newest, context
from tests.platform.commands import run_command


@pytest.fixture
def case_file(tmp_path: Path) -> str:
    path = tmp_path / "case.md"
    path.write_text(DOCUMENT, encoding="utf-8")
    return str(path)


def test_parse_prints_the_documented_json_and_stores_nothing(app: Flask, case_file: str) -> None:
    data = json.loads(run_command(app, "appeal", "parse", case_file, "--json").output)
    assert (data["reference"], data["country"], data["deadline"]) == ("UA 7/26", "CO", "2026-04-12")
    assert run_command(app, "appeal", "list").output == ""
    assert "TEACHER THREATENED" in run_command(app, "appeal", "parse", case_file).output


@pytest.mark.parametrize("content", [b"", b"Dear all, lunch is at noon.", b"\x00\x01\x02"])
def test_another_document_ends_with_status_2_and_one_line(app: Flask, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.md"
    path.write_bytes(content)
    for command in ("parse", "import"):
        result = run_command(app, "appeal", command, str(path))
        assert result.exit_code == 2
        assert len(result.stderr.strip().splitlines()) == 1
    assert run_command(app, "appeal", "parse", str(tmp_path / "missing.md")).exit_code == 2


def test_an_appeal_goes_from_import_to_closed(app: Flask, case_file: str, clock: object) -> None:
    result = run_command(app, "appeal", "import", case_file, "--slug", "case", "--goal", "50", "--publish", "--json")
    data = json.loads(result.stdout)
    assert (data["slug"], data["state"], data["is_new"]) == ("case", "open", True)
    assert "nothing changed" in run_command(app, "appeal", "import", case_file, "--slug", "case").output
    listed = json.loads(run_command(app, "appeal", "list", "--json").output)
    assert [(appeal["slug"], appeal["state"], appeal["goal"], appeal["signatures"]) for appeal in listed] == [
        ("case", "open", 50, 0)
    ]
    assert "was open already" in run_command(app, "appeal", "publish", "case").output
    assert run_command(app, "appeal", "close", "case").output == "case is closed\n"
    refused = run_command(app, "appeal", "publish", "case")
    assert (refused.exit_code, refused.stderr) == (1, "tocsin: case is closed: only a draft can be published\n")
    assert run_command(app, "appeal", "close", "nobody").exit_code == 1
    assert run_command(app, "appeal", "import", case_file, "--slug", "No Slug!").exit_code == 1
    assert run_command(app, "appeal", "import", case_file, "--slug", "other", "--goal", "0").exit_code == 1


def test_publishing_by_command_prints_what_it_confirms(app: Flask, case_file: str, tmp_path: Path) -> None:
    text = Path(case_file).read_text(encoding="utf-8").replace("12 April 2026", "12 April")
    doubted = tmp_path / "doubted.md"
    doubted.write_text(text, encoding="utf-8")
    name = "Minister of the Interior, Pedro Alba Montes"
    target = f"target 1: {name}, Calle Ejemplo 1, Bogotá, Colombia, minister@interior.example"
    assert target not in run_command(app, "appeal", "import", str(doubted), "--slug", "case").output
    result = run_command(app, "appeal", "publish", "case")
    assert result.stdout == "case is open\n"
    printed = result.stderr.splitlines()
    assert printed[0] == target
    assert re.fullmatch(r"doubt in line \d+ \(en\): .+ \(deadline-without-year\)", printed[1])
    assert run_command(app, "appeal", "publish", "case").stderr == ""
    result = run_command(app, "appeal", "import", case_file, "--slug", "other", "--publish", "--json")
    assert json.loads(result.stdout)["state"] == "open"
    assert result.stderr.splitlines() == [target]


def test_the_sample_is_read_completely_in_both_languages(app: Flask) -> None:
    for language in ("fr", "en"):
        path = str(ROOT / "examples" / f"janbolat-mamai.{language}.md")
        assert run_command(app, "appeal", "import", path, "--slug", "sample", "--deadline", "2026-06-01").exit_code == 0
    found = find_appeal("sample")
    assert found is not None
    assert sorted(found.texts) == ["en", "fr"]
    assert [len(found.targets_in(language)) for language in ("fr", "en")] == [1, 1]
    assert found.texts["fr"].people[0].pronoun == "il"


def test_verify_ends_with_status_0_only_if_all_counts_are_exact(app: Flask, appeal: AppealView) -> None:
    address = parse_address("a@mail.example")
    sign_up = SignUpRequest(appeal.id, "fr", "FR", "Name", address, "en", "en", 1, None)
    sign(sign_up, context=context(actor=SUPPORTER))
    confirm_newest(START)
    assert run_command(app, "tally", "verify").output == "all counts are exact\n"
    db.session.execute(update(Tally).values(quantity=7))
    db.session.commit()
    wrong = run_command(app, "tally", "verify", "--json")
    assert wrong.exit_code == 1
    differences = json.loads(wrong.output)["differences"]
    assert [(difference["of"], difference["stored"], difference["counted"]) for difference in differences] == [
        ("tally", 7, 1)
    ]
    assert run_command(app, "tally", "verify", "--repair").exit_code == 0
    assert run_command(app, "tally", "verify").exit_code == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('code = "fr"', 'code = "FR"'), "code"),
        (('time_zone = "Europe/Paris"', 'time_zone = "Mars/Base"'), "no time zone"),
        (('contact = "fr@sections.example"', 'contact = "fr@s.example"\nreply_to = "nowhere"'), "reply_to must be"),
        (('contact = "fr@sections.example"', 'contact = "fr@s.example"\nreply_to = ["a@b.example"]'), "reply_to must"),
        (('contact = "fr@sections.example"', ""), "contact is missing"), (("[[section]]", "[[section"), "no TOML"),
        (('code = "international"', 'code = "zz"'), "takes the rest"), (('code = "be-nl"', 'code = "fr"'), "twice"),
    ],
)  # fmt: skip
def test_a_wrong_list_of_sections_is_refused_with_the_reason(
    app: Flask, tmp_path: Path, change: tuple[str, str], reason: str
) -> None:
    good = (ROOT / "tests" / "sections.toml").read_text(encoding="utf-8")
    path = tmp_path / "sections.toml"
    path.write_text(good.replace(*change, 1), encoding="utf-8")
    refused = run_command(app, "sections", "load", str(path))
    assert refused.exit_code == 1
    assert reason in refused.stderr
    path.write_text(good, encoding="utf-8")
    assert run_command(app, "sections", "load", str(path)).output == "sections: 0 added, 0 changed, 6 as before\n"


def test_changes_by_the_list_of_sections_are_in_the_audit_log(app: Flask, tmp_path: Path) -> None:
    good = (ROOT / "tests" / "sections.toml").read_text(encoding="utf-8")
    path = tmp_path / "sections.toml"
    new = {
        "code": "xx",
        "name": "Newland",
        "countries": [],
        "languages": ["en"],
        "time_zone": "UTC",
        "contact": "x@s.example",
    }
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in new.items())
    path.write_text(
        good.replace('"fr@sections.example', '"paris@sections.example') + f"\n[[section]]\n{lines}\n", encoding="utf-8"
    )
    try:
        assert run_command(app, "sections", "load", str(path)).output == "sections: 1 added, 1 changed, 5 as before\n"
        entry = db.session.scalars(select(AuditEntry)).one()
        assert (entry.act, entry.subject, entry.staff_id, entry.at) == ("sections.load", "sections", None, START)
        assert entry.before == {"fr": {"contact": "fr@sections.example"}}
        assert entry.after is not None
        assert entry.after["fr"] == {"contact": "paris@sections.example"}
        assert (entry.after["xx"]["name"], set(entry.after)) == ("Newland", {"fr", "xx"})
        run_command(app, "sections", "load", str(path))
        assert len(db.session.scalars(select(AuditEntry)).all()) == 1, "an unchanged list is not logged"
        assert run_command(app, "audit", "verify").exit_code == 0
    finally:
        with transaction() as session:
            session.execute(delete(Section).where(Section.code == "xx"))
        path.write_text(good, encoding="utf-8")
        run_command(app, "sections", "load", str(path))


def test_the_shipped_sections_are_complete(app: Flask, tmp_path: Path) -> None:
    entries = read_sections(SHIPPED)
    codes = {entry["code"] for entry in entries}
    assert {"gb", "ca-fr", "be-nl", "ch", "international"} <= codes
    assert "uk" not in codes
    tiles = [(entry["tile_column"], entry["tile_row"]) for entry in entries]
    assert len(set(tiles)) == len(tiles)


def test_mail_status_names_every_state(app: Flask) -> None:
    data = json.loads(run_command(app, "mail", "status", "--json").output)
    states = ("queued", "sending", "sent", "retry", "unknown", "dead", "suppressed")
    assert data == {**dict.fromkeys(states, 0), "oldest_due_seconds": 0, "held": None}


def test_a_change_of_the_code_is_detected(tmp_path: Path) -> None:
    """Detect the change for which `flask demo --reload` waits."""
    for name in ("campaign/a.py", "templates/b.html", "campaign/c.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000, 1000))
    assert changed_at(tmp_path) == 1000
    os.utime(tmp_path / "campaign" / "c.log", (3000, 3000))
    assert changed_at(tmp_path) == 1000, "no part of the code"
    os.utime(tmp_path / "templates" / "b.html", (2000, 2000))
    assert changed_at(tmp_path) == 2000
