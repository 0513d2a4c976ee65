"""entries beyond the usual wait until a second person has confirmed them"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BY = "fk_entry_confirmed_by_staff"


def upgrade() -> None:
    with op.batch_alter_table("entry", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.add_column(sa.Column("waits", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("confirmed_by", _ID, nullable=True))
        table.create_foreign_key(op.f(_BY), "staff", ["confirmed_by"], ["id"])
    with op.batch_alter_table("entry", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("waits", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)


def downgrade() -> None:
    # What still waits was never counted, and the version before knows no such entries.
    op.execute("DELETE FROM sheet_row WHERE entry_id IN (SELECT id FROM entry WHERE waits)")
    op.execute("DELETE FROM entry WHERE waits")
    with op.batch_alter_table("entry", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_constraint(op.f(_BY), type_="foreignkey")
        table.drop_column("confirmed_by")
        table.drop_column("confirmed_at")
        table.drop_column("waits")
