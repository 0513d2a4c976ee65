"""An installation with its own database, which tests back up or restore to."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from click.testing import Result
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import select

from campaign.document import parse_text
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.token import Purpose
from campaign.domain.staff.actor import SUPPORTER
from campaign.factory import create_app
from campaign.models import Signature
from campaign.models import SignUp as Waiting
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform import Model, db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import find_appeal
from campaign.queries.counting.counts import counts
from campaign.queries.signing.person import digests_of_address
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.sections.load_sections import load_sections
from campaign.services.signing.erase import delete_sign_ups_of_link
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from tests.conftest import DOCUMENT, KEYS, confirm_at, context, settings_for
from tests.deploy.processes import environment


class BackupSite:
    """An installation with its own database."""

    def __init__(self, url: str, folder: Path, **more: str) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.settings = {"TOCSIN_ERASURE_JOURNAL": str(folder / "erasure_journal"), **more}
        self.environ = environment(**{**KEYS, "TOCSIN_DATABASE_URL": url, **self.settings})
        self.app: Flask = create_app(settings_for(url, folder, **self.settings))

    def fill(self) -> None:
        """Create the schema, the sections and an open appeal."""
        with self.app.app_context():
            upgrade(directory=self.app.extensions["migrate"].directory)
            load_sections(Path(__file__).parent.parent / "sections.toml", context=context())
            options = ImportOptions(slug="case", deadline=date(2099, 1, 1))
            publish(import_draft(parse_text(DOCUMENT), options, context=context()).slug, context=context())
            db.session.remove()

    def sign(self, name: str, *, confirmed: bool = True) -> int:
        """Sign; return the signature's id, or the sign-up's if it is not `confirmed`."""
        with self.app.app_context():
            app_runtime, appeal, now = runtime(), find_appeal("case"), datetime.now(UTC)
            assert appeal is not None
            address = parse_address(f"{name}@mail.example")
            sign_up = SignUpRequest(appeal.id, "fr", "FR", name, address, "en", "en", 1, None)
            sign(sign_up, context=context(now, SUPPORTER))
            # Found by its digest, because in some tests two people sign at once.
            digest = app_runtime.vault.waiting_digest(app_runtime.vault.address_digest(appeal.id, address))
            number = db.session.scalars(select(Waiting.id).where(Waiting.address_digest == digest)).one()
            db.session.rollback()
            if confirmed:
                number = confirm_at(number, now)
            db.session.remove()
        return number

    def find(self, name: str) -> Signature | None:
        """Return the signature of that name; needs the application's context."""
        digests = digests_of_address(db.session, parse_address(f"{name}@mail.example"), runtime().vault)
        return db.session.scalars(select(Signature).where(Signature.address_digest.in_(digests))).one_or_none()

    def names(self) -> set[str]:
        """Return the decrypted names of the signatures."""
        with self.app.app_context():
            rows = db.session.scalars(select(Signature).where(Signature.name_sealed.is_not(None))).all()
            names = {runtime().vault.open_name(row.name_sealed or b"", place_of(row)) for row in rows}
            db.session.remove()
            return names

    def pending_names(self) -> set[str]:
        """Return the decrypted names of the unconfirmed sign-ups."""
        with self.app.app_context():
            rows = db.session.scalars(select(Waiting).where(Waiting.name_sealed.is_not(None))).all()
            names = {runtime().vault.open_name(row.name_sealed or b"", place_of(row)) for row in rows}
            db.session.remove()
            return names

    def erase_by_mail(self, number: int) -> None:
        """Erase the sign-up by the mailed link, as the owner of the mailbox does."""
        with self.app.app_context():
            app_runtime, now = runtime(), datetime.now(UTC)
            row = db.session.get_one(Waiting, number)
            token = app_runtime.tokens.make(Purpose.CONFIRM, number, now, row.link_key, row.content_digest)
            db.session.rollback()
            delete_sign_ups_of_link(
                app_runtime.tokens.read(Purpose.CONFIRM, token, now), context=context(now, SUPPORTER)
            )
            db.session.remove()

    def total(self) -> int:
        """Return the number of signatures by the counts."""
        with self.app.app_context():
            appeal = find_appeal("case")
            assert appeal is not None
            total = counts(appeal.id).signatures
            db.session.remove()
        return total

    def rows(self) -> dict[str, list[Any]]:
        """Return all rows by table."""
        with self.app.app_context():
            rows = {
                table.name: sorted(map(repr, db.session.execute(select(table)).all()))
                for table in Model.metadata.sorted_tables
            }
            db.session.remove()
        return rows

    def run_command(self, *arguments: str, says: str = "") -> Result:
        """Run a backup command; expect success, or with `says` a refusal in a line that contains it."""
        with self.app.app_context():
            result: Result = self.app.test_cli_runner().invoke(args=["backup", *arguments])
            db.session.remove()
        assert (result.exit_code == 0) == (not says), result.output + result.stderr
        if says:
            assert says in result.stderr
            assert result.exit_code == 1, result.exception
        return result

    def close(self) -> None:
        """Close all connections to the database."""
        for app in (self.app, self.app.extensions["tocsin_staff"]):
            with app.app_context():
                db.engine.dispose()
