"""Backups made under load: only their key opens them, and they are restored completely elsewhere."""

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
from campaign.services.signing.erase import erase
from campaign.services.signing.withdraw import withdraw
from tests.attack import Figure
from tests.backup.backup_site import BackupSite
from tests.conftest import DOCUMENT, context
from tests.deploy.processes import flask

pytestmark = pytest.mark.slow


@contextmanager
def signing_meanwhile(site: BackupSite) -> Iterator[list[str]]:
    """Sign and confirm in two threads during the block; yield the growing list of names that were confirmed."""
    stop, confirmed = threading.Event(), []

    def sign_until_stopped(first: int) -> None:
        for number in itertools.count(first, 2):
            if stop.is_set():
                return
            name = f"Person{chr(65 + number // 26 % 26)}{chr(65 + number % 26)}"
            site.sign(name)
            confirmed.append(name)

    threads = [threading.Thread(target=sign_until_stopped, args=(first,)) for first in (0, 1)]
    for thread in threads:
        thread.start()
    try:
        yield confirmed
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_backup_under_load_is_restored_with_the_erasures(
    source: BackupSite, target: BackupSite, private_key: str, tmp_path: Path, figure: Figure
) -> None:
    chi = source.sign("Chi", confirmed=False)
    with signing_meanwhile(source) as confirmed:
        while len(confirmed) < 10:
            time.sleep(0.01)
        for number in itertools.count():
            before, file = set(confirmed), str(tmp_path / f"backup{number}.age")
            source.run_command("create", file)
            if len(confirmed) > len(before):  # a signature was confirmed during the backup
                break
    source.erase_by_mail(chi)
    with source.app.app_context():
        erase(source.find("Ana").id, context=context(datetime.now(UTC), SUPPORTER))  # type: ignore[union-attr]
        withdraw(source.find("Bo").id, context=context(datetime.now(UTC), SUPPORTER))  # type: ignore[union-attr]
        db.session.remove()
    source.run_command("create", str(tmp_path / "later.age"))  # writes the erasure journal too
    assert "signatures" in source.run_command("verify", file, "--key", private_key).output
    restored = target.run_command(
        "restore", file, "--key", private_key, "--erasure-journal", source.settings["TOCSIN_ERASURE_JOURNAL"]
    )
    assert "left again: 1 erased, 1 withdrawn" in restored.output, "of the counted signatures"
    assert "all counts are exact" in restored.output
    names = target.names()
    figure(f"9 backups: of {len(before)} acknowledged before it, missing after restoring", len(before - names), "0")
    assert before | {"Bo"} <= names <= set(confirmed) | {"Bo"}
    assert "Ana" not in names
    assert target.pending_names().isdisjoint({"Ana", "Chi"})
    # An erased signature stays counted (Ana); a withdrawn one (Bo) does not. An unconfirmed sign-up waits.
    assert target.total() == len(names)
    assert len(target.pending_names()) <= 2
    assert len(before) < target.total()
    assert "all counts are exact" in flask(target.environ, "tally", "verify")


def test_the_restored_rows_equal_the_backed_up_ones(
    source: BackupSite, target: BackupSite, private_key: str, tmp_path: Path, figure: Figure
) -> None:
    source.run_command("create", str(tmp_path))
    (file,) = tmp_path.glob("tocsin-*.age")
    assert file.stat().st_mode & 0o777 == 0o600
    target.run_command("restore", str(file), "--key", private_key, "--no-erasure-journal")
    source_rows, target_rows = source.rows(), target.rows()
    figure(
        "9 backups: tables that differ after restoring",
        sum(1 for t in source_rows if source_rows[t] != target_rows.get(t)),
        "0",
    )
    assert target_rows == source_rows
    assert target.sign("Dan") > source.sign("Dan")


def test_no_id_is_reused_after_a_restore(
    source: BackupSite, target: BackupSite, private_key: str, tmp_path: Path
) -> None:
    """Reuse no id: else a link mailed after the backup would open another person's signature."""
    source.run_command("create", str(tmp_path / "backup.age"))
    lost = source.sign("Eve")
    target.run_command("restore", str(tmp_path / "backup.age"), "--key", private_key, "--no-erasure-journal")
    new = target.sign("Fay")
    assert new > lost
    with target.app.app_context():
        assert db.session.get(Signature, lost) is None
        load_sections(Path(__file__).parent.parent / "sections.toml", context=context())
        import_draft(parse_text(DOCUMENT), ImportOptions(slug="other"), context=context())
        assert max(db.session.scalars(select(Appeal.id))) > lost
        db.session.remove()
    target.run_command(
        "restore", str(tmp_path / "backup.age"), "--key", private_key, "--no-erasure-journal", "--replace"
    )
    assert target.sign("Gil") > new


def test_the_file_reveals_nothing_without_the_key(source: BackupSite, private_key: str, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    source.run_command("create", str(folder))
    (file,) = folder.iterdir()
    content = file.read_bytes()
    assert content.startswith(b"age-encryption.org/v1")
    for word in (b"SQLite format 3", b"PGDMP", b"alembic", b"signature", b"tocsin backup"):
        assert word not in content
    other = tmp_path / "other.txt"
    source.run_command("key", str(other))
    source.run_command("verify", str(file), "--key", str(other), says="this key does not open it")
    source.run_command("key", str(other), says="File exists")
    other.write_text("nothing", encoding="utf-8")
    source.run_command("verify", str(file), "--key", str(other), says="AGE-SECRET-KEY-")


def test_people_erased_in_the_replaced_database_stay_erased(
    source: BackupSite, private_key: str, tmp_path: Path
) -> None:
    """Expect this also if no worker has written the erasure journal yet."""
    source.run_command("create", str(tmp_path / "backup.age"))
    with source.app.app_context():
        erase(source.find("Ana").id, context=context(datetime.now(UTC), SUPPORTER))  # type: ignore[union-attr]
        db.session.remove()
    source.run_command("restore", str(tmp_path / "backup.age"), "--key", private_key, "--replace")
    assert source.names() == {"Bo"}
    assert source.pending_names() == {"Chi"}
