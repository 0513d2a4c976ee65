"""flask backup …: creating, verifying and restoring backups."""

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
from campaign.services.privacy.erasure_journal import JournalContent, read_folder, write_entries

backup = AppGroup("backup", help="Encrypted backups, and restoring them.")
_PATH = click.Path(path_type=Path)
_KEY = click.option(
    "--key", "key_file", required=True, type=click.File("r"), help="The private key's file; - for standard input."
)


@backup.command("key")
@click.argument("file", type=_PATH)
def key(file: Path) -> None:
    """Make a pair of keys: write the private key to FILE and print the public key. Do not run it on the server."""
    private, public = new_key()
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(f"# public key: {public}\n{private}\n")
    except OSError as error:
        refuse(f"{file} cannot be written: {error.strerror}")
    click.echo(public)
    click.echo(f"{file} opens the backups: store it, and a copy of it, away from the server", err=True)


@backup.command("create")
@click.argument("target", type=_PATH)
@click.option("--to", multiple=True, help="A public key, age1…; default: TOCSIN_BACKUP_KEY.")
@click.option("--replace", is_flag=True, help="Overwrite a file that exists.")
def create_(target: Path, to: tuple[str, ...], replace: bool) -> None:
    """Write an encrypted backup of the database to the file TARGET, or to a file named by the time in folder TARGET."""
    app_runtime = runtime()
    context = app_runtime.context(OPERATOR)
    path = target / f"tocsin-{context.now:%Y%m%dT%H%M%SZ}.age" if target.is_dir() else target
    with exit_on_refusal():
        keys = read_public_keys(to or app_runtime.settings.backup_key)
        _write_journal(app_runtime)
        created = create_backup(path, keys, replace=replace, context=context)
    click.echo(f"{path}: {created.size} bytes, {_describe(created.manifest)}")


@backup.command("verify")
@click.argument("file", type=_PATH)
@_KEY
def verify_(file: Path, key_file: TextIO) -> None:
    """Read the whole of FILE and count its rows. Needs the private key, and for PostgreSQL pg_restore."""
    with exit_on_refusal():
        manifest = verify_backup(file, read_private_key(key_file.read()))
    click.echo(f"{file} is whole: {_describe(manifest)}")


@backup.command("restore")
@click.argument("file", type=_PATH)
@_KEY
@click.option(
    "--erasure-journal",
    "folders",
    multiple=True,
    type=_PATH,
    help="The journal's folder; default: TOCSIN_ERASURE_JOURNAL.",
)
@click.option(
    "--no-erasure-journal", is_flag=True, help="Erase nothing again. Only if nothing was erased since the backup."
)
@click.option("--replace", is_flag=True, help="Replace the data in the database.")
def restore(file: Path, key_file: TextIO, folders: tuple[Path, ...], no_erasure_journal: bool, replace: bool) -> None:
    """Restore FILE into the database of the settings; stop web and workers first.

    Migrates the database, erases again the data of everyone who was erased since the backup, and verifies the counts.
    Exits with 0 only if there is no problem.
    """
    app_runtime = runtime()
    with exit_on_refusal():
        private = read_private_key(key_file.read())
        if replace:
            _save_erasures(app_runtime)
        journal = JournalContent((), ()) if no_erasure_journal else _read_journal(app_runtime, folders)
        migrations = current_app.extensions["migrate"]
        script = ScriptDirectory.from_config(migrations.migrate.get_config(migrations.directory))
        revisions = {migration.revision for migration in script.walk_revisions()}
        context = app_runtime.context(OPERATOR)
        manifest = load_backup(file, private, replace=replace, revisions=revisions, context=context)
        upgrade(directory=migrations.directory)
        db.session.remove()
        context = app_runtime.context(OPERATOR, now=agreed_now(app_runtime.clock()))
        report = settle_restored(journal.erasures, context=context)
    click.echo(f"restored: {_describe(manifest)}")
    _report(report, journal)


def _read_journal(app_runtime: Runtime, folders: tuple[Path, ...]) -> JournalContent:
    """Return the erasures of all folders; by default, of the settings' folder.

    Raises BackupError if a folder has none: the data of erased people would come back.
    """
    contents = {
        folder: read_folder(folder, vault=app_runtime.vault)
        for folder in folders or (app_runtime.settings.erasure_journal,)
    }
    for folder, content in contents.items():
        if not content.erasures and not content.damaged:
            raise BackupError(
                f"{folder} names nobody who left; give --erasure-journal FOLDER, or --no-erasure-journal where nobody "
                "has left"
            )
    erasures = (erasure for content in contents.values() for erasure in content.erasures)
    return JournalContent(
        tuple(sorted(erasures, key=lambda erasure: erasure.happened_at)),
        tuple(line for content in contents.values() for line in content.damaged),
    )


def _write_journal(app_runtime: Runtime) -> None:
    """Write the waiting erasures of the database into the journal. Raises BackupError if the folder is not writable."""
    try:
        write_entries(app_runtime.settings.erasure_journal, context=app_runtime.context(OPERATOR))
    except OSError as error:
        raise BackupError(
            f"the erasure journal cannot be written to {app_runtime.settings.erasure_journal}: {error.strerror}"
        ) from error


def _save_erasures(app_runtime: Runtime) -> None:
    """Write the erasures of the database that will be replaced into the journal.

    If that database cannot be read, print a warning: only the erasures already in the journal's folder are known.
    """
    try:
        _write_journal(app_runtime)
    except DBAPIError:
        click.echo(
            "the database to be replaced cannot be read: only the erasures in the journal's folder are used", err=True
        )
    db.session.remove()


def _describe(manifest: Manifest) -> str:
    signatures = manifest.counts.get("signature", 0)
    return f"{manifest.database}, taken {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC, {signatures} signatures"


def _report(report: RestoreReport, journal: JournalContent) -> None:
    """Print what was erased and deleted after the restore, and every problem; end the command if there is one."""
    for label, numbers in (("left again", report.erased_again), ("expired and deleted", report.expired)):
        listed = ", ".join(f"{number} {name}" for name, number in sorted(numbers.items()) if number) or "none"
        click.echo(f"{label}: {listed}")
    problems = [f"counts differ: {difference}" for difference in report.differences]
    problems += [f"{number} values need the data key {name}" for name, number in report.missing_keys.items()]
    problems += [f"{line}; whoever that was may be back" for line in journal.damaged]
    for problem in problems:
        click.echo(f"tocsin: {problem}", err=True)
    if problems:
        raise SystemExit(1)
    click.echo("all counts are exact")
