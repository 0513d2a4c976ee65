"""Failures of backup and restore: each is explained, and harms no data."""

from __future__ import annotations

import base64
import io
import os
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from campaign.domain.backup.backup_file import (
    BackupError,
    BackupReader,
    Manifest,
    read_private_key,
    read_public_keys,
    seal,
    unseal,
)
from campaign.platform import db
from campaign.services.backup import programs
from campaign.services.backup.server import ServerTarget
from tests.backup.backup_site import BackupSite
from tests.conftest import START

pytestmark = pytest.mark.slow


def test_damage_is_found_and_restores_nothing(
    source: BackupSite, target: BackupSite, private_key: str, tmp_path: Path
) -> None:
    file, damaged = tmp_path / "backup.age", tmp_path / "damaged.age"
    source.run_command("create", str(file))
    target.fill()
    target.sign("Own")
    before = target.rows()
    content = file.read_bytes()
    middle = len(content) // 2
    for change, says in (
        (content[:-1], "damaged or cut short"),
        (content[:middle], "damaged or cut short"),
        (content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :], "damaged or cut short"),
        (content[:40], "no backup, or its start is damaged"),
        (b"", "no backup, or its start is damaged"),
        (b"SQLite format 3\0" * 999, "no backup, or its start is damaged"),
    ):
        damaged.write_bytes(change)
        source.run_command("verify", str(damaged), "--key", private_key, says=says)
        target.run_command(
            "restore", str(damaged), "--key", private_key, "--no-erasure-journal", "--replace", says=says
        )
    assert target.rows() == before
    source.run_command(
        "verify", str(tmp_path / "nowhere.age"), "--key", private_key, says="cannot be read: No such file"
    )


@pytest.mark.parametrize("kind", ["postgresql"])
def test_an_abandoned_restore_waits_for_its_reader(target: BackupSite, monkeypatch: pytest.MonkeyPatch) -> None:
    read = os.read

    def read_late(descriptor: int, size: int) -> bytes:
        time.sleep(0.3)
        return read(descriptor, size)

    monkeypatch.setattr("campaign.services.backup.server.os.read", read_late)
    with target.app.app_context():
        restoring = ServerTarget(db.engine, replace=True)
        restoring.close()
    assert not restoring._forwarding_thread.is_alive()


def test_nothing_is_overwritten_without_a_flag(
    source: BackupSite, target: BackupSite, private_key: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup.age"
    source.run_command("create", str(file))
    before = file.read_bytes()
    source.run_command("create", str(file), says="exists already")
    assert file.read_bytes() == before
    source.run_command("create", str(file), "--replace")
    assert file.read_bytes() != before
    target.fill()
    target.sign("Own")
    target.run_command("restore", str(file), "--key", private_key, "--no-erasure-journal", says="already; --replace")
    assert target.names() == {"Own"}
    target.run_command("restore", str(file), "--key", private_key, "--no-erasure-journal", "--replace")
    assert (target.names(), target.pending_names()) == ({"Ana", "Bo"}, {"Chi"})


def test_a_restore_without_the_erasure_journal_is_refused(
    source: BackupSite, target: BackupSite, private_key: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "backup.age")
    source.run_command("create", file)
    target.run_command("restore", file, "--key", private_key, says="names nobody who left")
    folder = Path(source.settings["TOCSIN_ERASURE_JOURNAL"])
    folder.mkdir()
    (folder / "2026-01.journal").write_text("erased 1 00 x\n", encoding="utf-8")
    target.run_command(
        "restore", file, "--key", private_key, "--erasure-journal", str(folder), says="whoever that was may be back"
    )
    assert (target.names(), target.pending_names()) == ({"Ana", "Bo"}, {"Chi"})


def test_another_installation_is_refused(
    source: BackupSite, make_site: Any, kind: str, private_key: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "backup.age")
    source.run_command("create", file)
    restore = ("restore", file, "--key", private_key, "--no-erasure-journal")
    key = base64.b64encode(b"x" * 32).decode()
    make_site(TOCSIN_INDEX_KEY=key).run_command(*restore, says="another TOCSIN_INDEX_KEY")
    lacking = make_site(TOCSIN_DATA_KEY=key)
    lacking.run_command(*restore, says="values need the data key")
    if kind == "postgresql":
        BackupSite(f"sqlite:///{tmp_path}/x/t.db", tmp_path / "x").run_command(
            *restore, says="is a backup of postgresql"
        )
    with source.app.app_context():
        db.session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        db.session.commit()
        db.session.remove()
    source.run_command("create", file, "--replace")
    make_site().run_command(*restore, says="newer version of Tocsin (migration 9999 is unknown)")


def test_without_a_public_key_there_is_no_backup(
    target: BackupSite, public_key: str, private_key: str, tmp_path: Path
) -> None:
    target.fill()
    file = tmp_path / "backup.age"
    target.run_command("create", str(file), says="TOCSIN_BACKUP_KEY")
    target.run_command("create", str(file), "--to", public_key[:-1], says="age1")
    target.run_command("create", str(tmp_path / "nowhere" / "x"), "--to", public_key, says="No such file or directory")
    target.run_command("create", str(file), "--to", public_key)
    target.run_command("verify", str(file), "--key", private_key)
    assert sorted(path.name for path in tmp_path.glob("*.age")) == ["backup.age"]


def test_a_database_without_tables_is_named(target: BackupSite, public_key: str, tmp_path: Path) -> None:
    target.run_command("create", str(tmp_path / "x.age"), "--to", public_key, says="did `flask db upgrade` run?")
    assert not list(tmp_path.glob("*.age"))
    assert not list(tmp_path.glob(".*"))


def test_client_programs_that_are_too_old_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6'\n", encoding="utf-8")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "_DEBIAN", tmp_path)
    with pytest.raises(BackupError, match=r"pg_dump of PostgreSQL 16 or newer is not on PATH \(.*pg_dump is 9\)"):
        programs.find_program("pg_dump", at_least=16)
    with pytest.raises(BackupError, match="there is none"):
        programs.find_program("psql")


def test_an_interrupted_dump_leaves_no_file(
    source: BackupSite, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if kind == "sqlite":
        source.close()  # so that no data is left in a write-ahead log
        Path(source.environ["TOCSIN_DATABASE_URL"].removeprefix("sqlite:///")).write_bytes(b"rubbish" * 999)
        says = "not a database"
    else:
        broken = tmp_path / "bin" / "pg_dump"
        broken.parent.mkdir()
        broken.write_text(
            "#!/bin/sh\n[ $1 = --version ] && echo '(PostgreSQL) 99.1' && exit\n"
            "head -c 300000 /dev/zero\necho 'pg_dump: error: the disk is on fire' >&2\nexit 3\n",
            encoding="utf-8",
        )
        broken.chmod(0o755)
        monkeypatch.setenv("PATH", os.pathsep.join([str(broken.parent), os.environ["PATH"]]))
        says = "pg_dump: error: the disk is on fire"
    folder = tmp_path / "kept"
    folder.mkdir()
    source.run_command("create", str(folder), says=says)
    assert list(folder.iterdir()) == []


def test_a_file_encrypted_by_another_program_is_no_backup(private_key: str, public_key: str) -> None:
    sealed = io.BytesIO()
    seal(io.BytesIO(b"dear diary\n" * 9999), sealed, read_public_keys([public_key]))
    sealed.seek(0)
    key = read_private_key(Path(private_key).read_text(encoding="utf-8"))
    with pytest.raises(BackupError, match="was not made by"):
        unseal(sealed, BackupReader(lambda _manifest: io.BytesIO()), key)


def test_errors_of_reading_and_writing_are_raised(public_key: str) -> None:
    class BrokenFile:
        def read(self, _size: int) -> bytes:
            raise BackupError("no more paper")

        def write(self, _content: bytes) -> int:
            raise OSError(28, "No space left on device")

    keys = read_public_keys([public_key])
    with pytest.raises(BackupError, match="no more paper"):
        seal(BrokenFile(), io.BytesIO(), keys)
    with pytest.raises(OSError, match="No space left"):
        seal(io.BytesIO(Manifest("sqlite", "1", START, "", {}).as_header() * 9999), BrokenFile(), keys)


@pytest.mark.parametrize("name", ["signature", "odd', '0'); $check$; DROP TABLE signature CASCADE; --\""])
def test_missing_rows_are_found_and_names_of_tables_are_never_run_as_sql(
    source: BackupSite, target: BackupSite, monkeypatch: pytest.MonkeyPatch, private_key: str, tmp_path: Path, name: str
) -> None:
    real = Manifest.as_header

    def manifest_with_more_rows(self: Manifest) -> bytes:
        more = {**self.counts, name: self.counts.get(name, 0) + 1}
        return real(Manifest(self.database, self.revision, self.taken_at, self.index_key, more))

    monkeypatch.setattr(Manifest, "as_header", manifest_with_more_rows)
    file = str(tmp_path / "backup.age")
    source.run_command("create", file)
    source.run_command("verify", file, "--key", private_key, says=name[:9])
    target.fill()
    before = target.rows()
    target.run_command("restore", file, "--key", private_key, "--no-erasure-journal", "--replace", says=name[:3])
    assert target.rows() == before
