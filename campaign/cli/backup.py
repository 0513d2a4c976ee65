"""flask backup …: making, verifying and restoring backups."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO

import click
from alembic.script import ScriptDirectory
from flask import current_app
from flask.cli import AppGroup
from flask_migrate import upgrade
from sqlalchemy.exc import DBAPIError

from campaign.cli.refusal import exit_on_refusal, refuse
from campaign.domain.backup.backup_file import BackupError, Manifest, new_key, read_private_key, read_public_keys
from campaign.domain.staff.actor import OPERATOR
from campaign.platform import db
from campaign.platform.runtime import Runtime, runtime
from campaign.services.backup import RestoreReport, create_backup, load_backup, settle_restored, verify_backup
from campaign.services.periodic.clock import agreed_now
from campaign.services.privacy.erasure_journal import JournalContent, read_folder, write_out

backup = AppGroup("backup", help="Encrypted backups, and restoring them.")
_FILE = click.Path(path_type=Path)
_KEY = click.option(
    "--key", "key_file", required=True, type=click.File("r"), help="The private key's file; - for standard input."
)


@backup.command("key")
@click.argument("file", type=_FILE)
def key(file: Path) -> None:
    """Make a pair of keys: write the private one to FILE, print the public one. Not on the server."""
    private, public = new_key()
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(f"# public key: {public}\n{private}\n")
    except OSError as error:
        refuse(f"{file} cannot be written: {error.strerror}")
    click.echo(public)
    click.echo(f"{file} opens the backups: keep it, and a copy of it, away from the server", err=True)


@backup.command("create")
@click.argument("target", type=_FILE)
@click.option("--to", multiple=True, help="A public key, age1…; default: TOCSIN_BACKUP_KEY.")
@click.option("--replace", is_flag=True, help="Overwrite a file that exists.")
def create_(target: Path, to: tuple[str, ...], replace: bool) -> None:
    """Back up the database, encrypted, into the file TARGET, or into the folder TARGET under a name with the time."""
    at = runtime()
    context = at.context(OPERATOR)
    path = target / f"tocsin-{context.now:%Y%m%dT%H%M%SZ}.age" if target.is_dir() else target
    with exit_on_refusal():
        keys = read_public_keys(to or at.settings.backup_key)
        _write_journal(at)
        made = create_backup(path, keys, replace=replace, context=context)
    click.echo(f"{path}: {made.size} bytes, {_told(made.manifest)}")


@backup.command("verify")
@click.argument("file", type=_FILE)
@_KEY
def verify_(file: Path, key_file: TextIO) -> None:
    """Read FILE to its end and count its rows. Needs the private key, and for PostgreSQL pg_restore."""
    with exit_on_refusal():
        manifest = verify_backup(file, read_private_key(key_file.read()))
    click.echo(f"{file} is whole: {_told(manifest)}")


@backup.command("restore")
@click.argument("file", type=_FILE)
@_KEY
@click.option(
    "--erasure-journal",
    "folders",
    multiple=True,
    type=_FILE,
    help="The journal's folder; default: TOCSIN_ERASURE_JOURNAL.",
)
@click.option("--no-erasure-journal", is_flag=True, help="Erase nothing again. Only where nothing was erased since.")
@click.option("--replace", is_flag=True, help="Replace the data in the database.")
def restore(file: Path, key_file: TextIO, folders: tuple[Path, ...], no_erasure_journal: bool, replace: bool) -> None:
    """Restore FILE into the database of the settings; stop web and workers first.

    Migrates the database, erases again those who were erased since the backup, and verifies the counts; exit 0 only
    where all is right.
    """
    at = runtime()
    with exit_on_refusal():
        private = read_private_key(key_file.read())
        if replace:
            _save_erasures(at)
        written = _erasures(at, folders, nobody=no_erasure_journal)
        migrations = current_app.extensions["migrate"]
        script = ScriptDirectory.from_config(migrations.migrate.get_config(migrations.directory))
        known = {one.revision for one in script.walk_revisions()}
        manifest = load_backup(file, private, replace=replace, revisions=known, context=at.context(OPERATOR))
        upgrade(directory=migrations.directory)
        db.session.remove()
        context = at.context(OPERATOR, now=agreed_now(at.clock()))
        done = settle_restored(written.erasures, context=context)
    click.echo(f"restored: {_told(manifest)}")
    _report(done, written)


def _erasures(at: Runtime, folders: tuple[Path, ...], *, nobody: bool) -> JournalContent:
    """Return the erasures of all folders.

    Raises BackupError where a folder has none: those who were erased would be back.
    """
    if nobody:
        return JournalContent((), ())
    found = [read_folder(folder, vault=at.vault) for folder in folders or (at.settings.erasure_journal,)]
    for folder, one in zip(folders or (at.settings.erasure_journal,), found, strict=True):
        if not one.erasures and not one.damaged:
            raise BackupError(
                f"{folder} names nobody who left; give --erasure-journal FOLDER, or --no-erasure-journal where nobody "
                "has left"
            )
    return JournalContent(
        tuple(sorted((each for one in found for each in one.erasures), key=lambda each: each.left_at)),
        tuple(each for one in found for each in one.damaged),
    )


def _write_journal(at: Runtime) -> None:
    try:
        write_out(at.settings.erasure_journal, context=at.context(OPERATOR))
    except OSError as error:
        raise BackupError(
            f"the erasure journal cannot be written to {at.settings.erasure_journal}: {error.strerror}"
        ) from error


def _save_erasures(at: Runtime) -> None:
    """Write the erasures of the database that is replaced into the journal.

    Where that database cannot be read, the journal's folder has to do.
    """
    try:
        _write_journal(at)
    except DBAPIError:
        click.echo("the former database cannot be asked who left; the folder says it up to its last second", err=True)
    db.session.remove()


def _told(manifest: Manifest) -> str:
    signatures = manifest.counts.get("signature", 0)
    return f"{manifest.database}, taken {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC, {signatures} signatures"


def _report(done: RestoreReport, written: JournalContent) -> None:
    for what, found in (("left again", done.left_again), ("let go", done.expired)):
        said = ", ".join(f"{number} {name}" for name, number in sorted(found.items()) if number) or "nobody"
        click.echo(f"{what}: {said}")
    wrong = [f"counts differ: {one}" for one in done.differences]
    wrong += [f"{number} values need the data key {name}" for name, number in done.missing_keys.items()]
    wrong += [f"{one}; whoever that was may be back" for one in written.damaged]
    for one in wrong:
        click.echo(f"tocsin: {one}", err=True)
    if wrong:
        raise SystemExit(1)
    click.echo("all counts are exact")
