"""reported acts can be taken out of the counts by hour and network"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_DIGESTS = ("network_digest", "wide_network_digest")
_KNOWN = sa.text("network_digest IS NOT NULL")
_KEEPING = {"sqlite_autoincrement": True}


def upgrade() -> None:
    for name in _DIGESTS:
        op.add_column("action", sa.Column(name, sa.LargeBinary(length=32), nullable=True))
    for index, columns in (("ix_action_reported", ["section_code", "id"]), ("ix_action_network_age", ["counted_at"])):
        op.create_index(index, "action", columns, sqlite_where=_KNOWN, postgresql_where=_KNOWN)
    with op.batch_alter_table("withheld") as batch:
        batch.alter_column("signature_id", existing_type=_ID, nullable=True)
        batch.add_column(sa.Column("section_code", sa.String(), nullable=True))
        for name in _DIGESTS:
            batch.add_column(sa.Column(name, sa.LargeBinary(length=32), nullable=True))
        batch.create_foreign_key(op.f("fk_withheld_section_code_section"), "section", ["section_code"], ["code"])
    op.create_index("ix_withheld_invalidation_id", "withheld", ["invalidation_id", "id"])
    with op.batch_alter_table("invalidation", table_kwargs=_KEEPING) as batch:
        batch.add_column(sa.Column("subject", sa.String(), nullable=False, server_default="signatures"))
        batch.create_check_constraint(op.f("ck_invalidation_subject"), "subject IN ('signatures', 'reports')")
    with op.batch_alter_table("invalidation", table_kwargs=_KEEPING) as batch:
        batch.alter_column("subject", existing_type=sa.String(), existing_nullable=False, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("invalidation", table_kwargs=_KEEPING) as batch:
        batch.drop_constraint(op.f("ck_invalidation_subject"), type_="check")
        batch.drop_column("subject")
    op.drop_index("ix_withheld_invalidation_id", "withheld")
    # What was taken out of reports has no place in the older table, and stays out of the counts.
    op.execute(sa.text("DELETE FROM withheld WHERE signature_id IS NULL"))
    with op.batch_alter_table("withheld") as batch:
        batch.drop_constraint(op.f("fk_withheld_section_code_section"), type_="foreignkey")
        for name in (*_DIGESTS, "section_code"):
            batch.drop_column(name)
        batch.alter_column("signature_id", existing_type=_ID, nullable=False)
    for name in ("ix_action_network_age", "ix_action_reported"):
        op.drop_index(name, "action")
    for name in _DIGESTS:
        op.drop_column("action", name)
