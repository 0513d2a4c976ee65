"""Every way in which a backup or a restore can fail: what is said, and that nothing is harmed."""

from __future__ import annotations

import base64
import io
import os
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
from tests.backup.backup_site import Place
from tests.conftest import START

pytestmark = pytest.mark.slow


def test_damage_is_found_and_restores_nothing(here: Place, there: Place, private: str, tmp_path: Path) -> None:
    file, damaged = tmp_path / "backup.age", tmp_path / "damaged.age"
    here.run("create", str(file))
    there.fill()
    there.sign("Own")
    before = there.rows()
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
        here.run("verify", str(damaged), "--key", private, says=says)
        there.run("restore", str(damaged), "--key", private, "--no-erasure-journal", "--replace", says=says)
    assert there.rows() == before
    here.run("verify", str(tmp_path / "nowhere.age"), "--key", private, says="cannot be read: No such file")


def test_nothing_is_overwritten_unasked(here: Place, there: Place, private: str, tmp_path: Path) -> None:
    file = tmp_path / "backup.age"
    here.run("create", str(file))
    before = file.read_bytes()
    here.run("create", str(file), says="exists already")
    assert file.read_bytes() == before
    here.run("create", str(file), "--replace")
    assert file.read_bytes() != before
    there.fill()
    there.sign("Own")
    there.run("restore", str(file), "--key", private, "--no-erasure-journal", says="already; --replace")
    assert there.names() == {"Own"}
    there.run("restore", str(file), "--key", private, "--no-erasure-journal", "--replace")
    assert (there.names(), there.waiting()) == ({"Ana", "Bo"}, {"Chi"})


def test_whoever_left_is_asked_for(here: Place, there: Place, private: str, tmp_path: Path) -> None:
    file = str(tmp_path / "backup.age")
    here.run("create", file)
    there.run("restore", file, "--key", private, says="names nobody who left")
    folder = Path(here.settings["TOCSIN_ERASURE_JOURNAL"])
    folder.mkdir()
    (folder / "2026-01.journal").write_text("erased 1 00 x\n", encoding="utf-8")
    there.run("restore", file, "--key", private, "--erasure-journal", str(folder), says="whoever that was may be back")
    assert (there.names(), there.waiting()) == ({"Ana", "Bo"}, {"Chi"})


def test_another_installation_is_refused(here: Place, make: Any, kind: str, private: str, tmp_path: Path) -> None:
    file = str(tmp_path / "backup.age")
    here.run("create", file)
    restore = ("restore", file, "--key", private, "--no-erasure-journal")
    key = base64.b64encode(b"x" * 32).decode()
    make(TOCSIN_INDEX_KEY=key).run(*restore, says="another TOCSIN_INDEX_KEY")
    lacking = make(TOCSIN_DATA_KEY=key)
    lacking.run(*restore, says="values need the data key")
    if kind == "postgresql":
        Place(f"sqlite:///{tmp_path}/x/t.db", tmp_path / "x").run(*restore, says="is a backup of postgresql")
    with here.app.app_context():
        db.session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        db.session.commit()
        db.session.remove()
    here.run("create", file, "--replace")
    make().run(*restore, says="newer version of Tocsin (migration 9999 is unknown)")


def test_without_a_public_key_there_is_no_backup(there: Place, public: str, private: str, tmp_path: Path) -> None:
    there.fill()
    file = tmp_path / "backup.age"
    there.run("create", str(file), says="TOCSIN_BACKUP_KEY")
    there.run("create", str(file), "--to", public[:-1], says="age1")
    there.run("create", str(tmp_path / "nowhere" / "x"), "--to", public, says="No such file or directory")
    there.run("create", str(file), "--to", public)
    there.run("verify", str(file), "--key", private)
    assert sorted(path.name for path in tmp_path.glob("*.age")) == ["backup.age"]


def test_a_database_that_is_none_yet_is_said_so(there: Place, public: str, tmp_path: Path) -> None:
    there.run("create", str(tmp_path / "x.age"), "--to", public, says="did `flask db upgrade` run?")
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


def test_a_dump_that_breaks_off_leaves_no_file(
    here: Place, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if kind == "sqlite":
        here.end()  # so that nothing of it is in a write-ahead log
        Path(here.environ["TOCSIN_DATABASE_URL"].removeprefix("sqlite:///")).write_bytes(b"rubbish" * 999)
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
    here.run("create", str(folder), says=says)
    assert list(folder.iterdir()) == []


def test_what_another_program_encrypted_is_no_backup(private: str, public: str) -> None:
    sealed = io.BytesIO()
    seal(io.BytesIO(b"dear diary\n" * 9999), sealed, read_public_keys([public]))
    sealed.seek(0)
    key = read_private_key(Path(private).read_text(encoding="utf-8"))
    with pytest.raises(BackupError, match="was not made by"):
        unseal(sealed, BackupReader(lambda _manifest: io.BytesIO()), key)


def test_what_reading_and_writing_raise_comes_through(public: str) -> None:
    class Broken:
        def read(self, _size: int) -> bytes:
            raise BackupError("no more paper")

        def write(self, _content: bytes) -> int:
            raise OSError(28, "No space left on device")

    keys = read_public_keys([public])
    with pytest.raises(BackupError, match="no more paper"):
        seal(Broken(), io.BytesIO(), keys)
    with pytest.raises(OSError, match="No space left"):
        seal(io.BytesIO(Manifest("sqlite", "1", START, "", {}).as_header() * 9999), Broken(), keys)


@pytest.mark.parametrize("name", ["signature", "odd', '0'); $check$; DROP TABLE signature CASCADE; --\""])
def test_rows_that_are_missing_from_the_dump_are_missed_and_a_name_is_only_a_name(
    here: Place, there: Place, monkeypatch: pytest.MonkeyPatch, private: str, tmp_path: Path, name: str
) -> None:
    real = Manifest.as_header

    def boasting(self: Manifest) -> bytes:
        more = {**self.counts, name: self.counts.get(name, 0) + 1}
        return real(Manifest(self.database, self.revision, self.taken_at, self.index_key, more))

    monkeypatch.setattr(Manifest, "as_header", boasting)
    file = str(tmp_path / "backup.age")
    here.run("create", file)
    here.run("verify", file, "--key", private, says=name[:9])
    there.fill()
    before = there.rows()
    there.run("restore", file, "--key", private, "--no-erasure-journal", "--replace", says=name[:3])
    assert there.rows() == before
