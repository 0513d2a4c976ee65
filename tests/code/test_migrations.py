"""Migrations: equal to the models, and each goes up and down with data in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text

from campaign.config import ROOT
from campaign.document import parse_text
from campaign.factory import create_app
from campaign.platform import Model, db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.editor import find_for_editing
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.sections.load_sections import load_sections
from campaign.services.staff.audit import verify
from tests.conftest import DOCUMENT, context, make_database, settings_for


def test_models_equal_migrations(app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_object": lambda o, name, kind, *_: not str(name).startswith("huey_"),
                # The comparison of defaults needs equality, which PostgreSQL does not define for json.
                "compare_server_default": connection.dialect.name == "sqlite",
            },
        )
        assert compare_metadata(context, Model.metadata) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_each_migration_goes_up_and_down_with_data(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path}/m.db"
    else:
        url = make_database(request.getfixturevalue("postgresql_server"), "migrations")
    app = create_app(settings_for(url, tmp_path))
    folder = str(ROOT / "migrations")
    with app.app_context():
        upgrade(folder)
        load_sections(context=context())
        import_draft(parse_text(DOCUMENT), ImportOptions(), context=context())
        for script in ScriptDirectory(folder).walk_revisions():
            db.session.remove()
            downgrade(folder, str(script.down_revision or "base"))
            upgrade(folder)
            assert verify(vault=runtime().vault).holds
        db.session.remove()
        db.engine.dispose()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_targets_and_documents_of_the_version_before_are_unconfirmed(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/before.db"
    if kind == "postgresql":
        url = make_database(request.getfixturevalue("postgresql_server"), "before")
    app = create_app(settings_for(url, tmp_path))
    folder = str(ROOT / "migrations")
    with app.app_context():
        upgrade(folder)
        load_sections(context=context())
        slug = import_draft(parse_text(DOCUMENT), ImportOptions(), context=context()).slug
        db.session.remove()
        downgrade(folder, "0002")
        # A process of the version before writes this row while the update runs.
        row = (
            "INSERT INTO imported_document (appeal_id, language, draft, imported_at) SELECT id, 'fr', '{}', created_at"
        )
        upgrade(folder)
        with db.engine.begin() as connection:
            connection.execute(text(f"{row} FROM appeal"))
        edited_appeal = find_for_editing(slug)
        assert edited_appeal is not None
        assert list(edited_appeal.targets) == [1]
        assert edited_appeal.confirmations == {}
        assert [document.uses for document in edited_appeal.documents.values()] == [{}, {}]
        publish(slug, context=context())
        db.session.remove()
        db.engine.dispose()


def test_migrations_are_numbered_without_gaps() -> None:
    folder = ROOT / "migrations"
    names = sorted(path.name[:5] for path in (folder / "versions").glob("*.py"))
    assert names == [f"{number:04}_" for number in range(1, len(names) + 1)]
    chain = [script.revision for script in ScriptDirectory(str(folder)).walk_revisions()]
    assert [f"{revision}_" for revision in reversed(chain)] == names


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_downgrading_to_base_leaves_no_table(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path}/m.db"
    if kind == "postgresql":
        url = make_database(request.getfixturevalue("postgresql_server"), "emptied")
    app = create_app(settings_for(url, tmp_path))
    folder = str(ROOT / "migrations")
    with app.app_context():
        upgrade(folder)
        downgrade(folder, "base")
        tables = inspect(db.engine).get_table_names()
        assert [name for name in tables if not name.startswith("huey_")] == ["alembic_version"]
        if kind == "postgresql":
            own = text("SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace")
            assert db.session.scalars(own).all() == []
        db.session.remove()
        db.engine.dispose()
