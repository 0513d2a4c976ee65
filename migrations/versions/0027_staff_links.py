"""links of staff accounts are bound to a random key, and requests for a new password wait for a worker"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STAFF = sa.table("staff", sa.column("id"), sa.column("link_key"))


def upgrade() -> None:
    op.add_column("staff", sa.Column("link_key", sa.LargeBinary(length=16), nullable=True))
    bind = op.get_bind()
    for (number,) in bind.execute(sa.select(_STAFF.c.id)).all():
        bind.execute(sa.update(_STAFF).where(_STAFF.c.id == number).values(link_key=secrets.token_bytes(16)))
    with op.batch_alter_table("staff", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("link_key", existing_type=sa.LargeBinary(length=16), nullable=False)
    op.create_table(
        "reset_request",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reset_request")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("reset_request")
    op.drop_column("staff", "link_key")
