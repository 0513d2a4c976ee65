"""taking many signatures out of the counts: the acts, what they took out, and names found by a keyed digest"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STATES = "'counting', 'ready', 'running', 'done', 'undoing', 'undone', 'dropped'"
# By partial indexes: most signatures belong to no invalidation, and after the first hours all names are in the index.
_INDEXES = {
    "ix_signature_name_digest": (["name_digest"], "name_digest IS NOT NULL"),
    "ix_signature_unindexed": (["id"], "name_digest IS NULL AND name_sealed IS NOT NULL"),
    "ix_signature_invalidation": (["invalidation_id", "id"], "invalidation_id IS NOT NULL"),
}


def upgrade() -> None:
    op.add_column("signature", sa.Column("name_digest", sa.LargeBinary(length=32), nullable=True))
    op.add_column("signature", sa.Column("invalidation_id", _ID, nullable=True))
    op.create_index("ix_signature_section", "signature", ["section_code", "id"])
    for name, (columns, where) in _INDEXES.items():
        op.create_index(name, "signature", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    op.create_table(
        "invalidation",
        sa.Column("id", _ID, nullable=False),
        sa.Column("section_code", sa.String(), nullable=False),
        sa.Column("appeal_id", _ID, nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("criteria_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("staff_id", _ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_id", _ID, nullable=False),
        sa.Column("after_id", _ID, nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("matched_confirmed", sa.Integer(), nullable=False),
        sa.Column("sample", sa.JSON(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("begun_by", _ID, nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", _ID, nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_invalidation_state")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_invalidation_appeal_id_appeal")),
        sa.ForeignKeyConstraint(["section_code"], ["section.code"], name=op.f("fk_invalidation_section_code_section")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_invalidation_staff_id_staff")),
        sa.ForeignKeyConstraint(["begun_by"], ["staff.id"], name=op.f("fk_invalidation_begun_by_staff")),
        sa.ForeignKeyConstraint(["undone_by"], ["staff.id"], name=op.f("fk_invalidation_undone_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invalidation")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_invalidation_section", "invalidation", ["section_code", "id"])
    op.create_table(
        "withheld",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("invalidation_id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("signature_id", _ID, nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["invalidation_id"], ["invalidation.id"], name=op.f("fk_withheld_invalidation_id_invalidation")
        ),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_withheld_appeal_id_appeal")),
        sa.ForeignKeyConstraint(["signature_id"], ["signature.id"], name=op.f("fk_withheld_signature_id_signature")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withheld")),
    )
    op.create_index("ix_withheld_signature_id", "withheld", ["signature_id"])


def downgrade() -> None:
    op.drop_table("withheld")
    op.drop_table("invalidation")
    for name in (*_INDEXES, "ix_signature_section"):
        op.drop_index(name, "signature")
    op.drop_column("signature", "invalidation_id")
    op.drop_column("signature", "name_digest")
