"""paper signatures are a channel of their own: no entered quantity stands under the signatures that were confirmed"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_BEFORE = ("signature", "email", "letter", "fax", "phone", "social", "embassy", "event")
_AFTER = ("signature", "paper", *_BEFORE[1:])
_TABLES = ("action", "tally", "tally_hour", "entry")


def upgrade() -> None:
    for table in _TABLES:
        _allow(table, _BEFORE, _AFTER)
        _move(table, "signature", "paper")


def downgrade() -> None:
    for table in _TABLES:
        _move(table, "paper", "signature")
        _allow(table, _AFTER, _BEFORE)


def _move(table: str, old: str, new: str) -> None:
    """Rename the channel of what staff entered; all rows of `entry` are theirs."""
    entered = "" if table == "entry" else " AND evidence = 'bulk'"
    op.execute(sa.text(f"UPDATE {table} SET channel = :new WHERE channel = :old{entered}").bindparams(old=old, new=new))


def _allow(table: str, old: tuple[str, ...], new: tuple[str, ...]) -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        named = op.f(f"ck_{table}_channel")
        op.drop_constraint(named, table, type_="check")
        op.create_check_constraint(named, table, _rule(new))
        return
    # SQLite changes a rule only with the whole table, which others point at and which may be large. Its manual's other
    # way, for what changes nothing of the stored rows, is to write the rule itself (sqlite.org/lang_altertable.html, 7).
    op.execute("PRAGMA writable_schema = ON")
    changed = connection.execute(
        sa.text(
            "UPDATE sqlite_master SET sql = replace(sql, :old, :new)"
            " WHERE type = 'table' AND name = :name AND instr(sql, :old) > 0"
        ),
        {"old": _rule(old), "new": _rule(new), "name": table},
    ).rowcount
    version = connection.execute(sa.text("PRAGMA schema_version")).scalar_one()
    op.execute(f"PRAGMA schema_version = {int(version) + 1}")
    op.execute("PRAGMA writable_schema = RESET")
    if changed != 1:
        raise RuntimeError(f"the rule for channels of {table} is not the expected one")


def _rule(channels: tuple[str, ...]) -> str:
    return "channel IN ({})".format(", ".join(f"'{one}'" for one in channels))
