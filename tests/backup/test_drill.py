"""Backups taken under load, opened by one key only, restored elsewhere whole."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from campaign.document import parse_text
from campaign.domain.staff.actor import SUPPORTER
from campaign.models import Appeal, Signature
from campaign.platform import db
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.sections.load_sections import load_sections
from campaign.services.signing.withdraw import erase, withdraw
from tests.attack import Figure
from tests.backup.backup_site import Place
from tests.conftest import DOCUMENT, context
from tests.deploy.processes import flask

pytestmark = pytest.mark.slow


@contextmanager
def load(place: Place) -> Iterator[list[str]]:
    """Two people sign and confirm again and again meanwhile; the names of those who were told that they did."""
    stop, told = threading.Event(), []

    def crowd(first: int) -> None:
        for number in itertools.count(first, 2):
            if stop.is_set():
                return
            name = f"Person{chr(65 + number // 26 % 26)}{chr(65 + number % 26)}"
            place.sign(name)
            told.append(name)

    threads = [threading.Thread(target=crowd, args=(first,)) for first in (0, 1)]
    for one in threads:
        one.start()
    try:
        yield told
    finally:
        stop.set()
        for one in threads:
            one.join()


def test_the_drill(here: Place, there: Place, private: str, tmp_path: Path, figure: Figure) -> None:
    chi = here.sign("Chi", confirmed=False)
    with load(here) as told:
        while len(told) < 10:
            time.sleep(0.01)
        for number in itertools.count():
            before, file = set(told), str(tmp_path / f"backup{number}.age")
            here.run("create", file)
            if len(told) > len(before):  # somebody signed meanwhile
                break
    here.refuse(chi)
    with here.app.app_context():
        erase(here.find("Ana").id, context=context(datetime.now(UTC), SUPPORTER))  # type: ignore[union-attr]
        withdraw(here.find("Bo").id, context=context(datetime.now(UTC), SUPPORTER))  # type: ignore[union-attr]
        db.session.remove()
    here.run("create", str(tmp_path / "later.age"))  # writes the erasure journal too
    assert "signatures" in here.run("verify", file, "--key", private).output
    said = there.run("restore", file, "--key", private, "--erasure-journal", here.settings["TOCSIN_ERASURE_JOURNAL"])
    assert "left again: 1 erased, 1 withdrawn" in said.output, "of those who were counted"
    assert "all counts are exact" in said.output
    names = there.names()
    figure(f"9 backups: of {len(before)} acknowledged before it, missing after restoring", len(before - names), "0")
    assert before | {"Bo"} <= names <= set(told) | {"Bo"}
    assert "Ana" not in names
    assert there.waiting().isdisjoint({"Ana", "Chi"})
    # Erased and counted stays counted (Ana); taken back (Bo) does not. Who was just about to confirm waits.
    assert there.total() == len(names)
    assert len(there.waiting()) <= 2
    assert len(before) < there.total()
    assert "all counts are exact" in flask(there.environ, "tally", "verify")


def test_what_is_restored_is_what_was_backed_up(
    here: Place, there: Place, private: str, tmp_path: Path, figure: Figure
) -> None:
    here.run("create", str(tmp_path))
    (file,) = tmp_path.glob("tocsin-*.age")
    assert file.stat().st_mode & 0o777 == 0o600
    there.run("restore", str(file), "--key", private, "--no-erasure-journal")
    here_rows, there_rows = here.rows(), there.rows()
    figure(
        "9 backups: tables that differ after restoring",
        sum(1 for t in here_rows if here_rows[t] != there_rows.get(t)),
        "0",
    )
    assert there_rows == here_rows
    assert there.sign("Dan") > here.sign("Dan")


def test_no_id_is_given_out_again(here: Place, there: Place, private: str, tmp_path: Path) -> None:
    """Else the link in a mail of the lost days would open the signature of somebody else."""
    here.run("create", str(tmp_path / "backup.age"))
    lost = here.sign("Eve")
    there.run("restore", str(tmp_path / "backup.age"), "--key", private, "--no-erasure-journal")
    new = there.sign("Fay")
    assert new > lost
    with there.app.app_context():
        assert db.session.get(Signature, lost) is None
        load_sections(Path(__file__).parent.parent / "sections.toml", context=context())
        import_draft(parse_text(DOCUMENT), ImportOptions(slug="other"), context=context())
        assert max(db.session.scalars(select(Appeal.id))) > lost
        db.session.remove()
    there.run("restore", str(tmp_path / "backup.age"), "--key", private, "--no-erasure-journal", "--replace")
    assert there.sign("Gil") > new


def test_the_file_tells_nothing_without_the_key(here: Place, private: str, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    here.run("create", str(folder))
    (file,) = folder.iterdir()
    content = file.read_bytes()
    assert content.startswith(b"age-encryption.org/v1")
    for word in (b"SQLite format 3", b"PGDMP", b"alembic", b"signature", b"tocsin backup"):
        assert word not in content
    other = tmp_path / "other.txt"
    here.run("key", str(other))
    here.run("verify", str(file), "--key", str(other), says="this key does not open it")
    here.run("key", str(other), says="File exists")
    other.write_text("nothing", encoding="utf-8")
    here.run("verify", str(file), "--key", str(other), says="AGE-SECRET-KEY-")


def test_who_left_the_database_that_is_replaced_stays_away(here: Place, private: str, tmp_path: Path) -> None:
    """Even where no worker has written it out yet."""
    here.run("create", str(tmp_path / "backup.age"))
    with here.app.app_context():
        erase(here.find("Ana").id, context=context(datetime.now(UTC), SUPPORTER))  # type: ignore[union-attr]
        db.session.remove()
    here.run("restore", str(tmp_path / "backup.age"), "--key", private, "--replace")
    assert here.names() == {"Bo"}
    assert here.waiting() == {"Chi"}
