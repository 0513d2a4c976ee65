"""whether a name may be handed over, and the lists that were made to be"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SHARED = sa.text("shares_name")
_STATES = "state IN ('queued', 'running', 'done', 'failed', 'outdated')"
_OWN = {
    "handover": "section_code = current_setting('tocsin.section', true)",
    "handover_part": "EXISTS (SELECT 1 FROM handover h WHERE h.id = handover_part.handover_id)",
}


def upgrade() -> None:
    op.add_column("signature", sa.Column("shares_name", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("consent", sa.Column("to_sharing_name", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_signature_shared",
        "signature",
        ["appeal_id", "section_code", "id"],
        sqlite_where=_SHARED,
        postgresql_where=_SHARED,
    )
    op.create_table(
        "handover",
        sa.Column("id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("section_code", sa.String(), nullable=False),
        sa.Column("staff_id", _ID, nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("signatures", sa.BigInteger(), nullable=True),
        sa.Column("names", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.CheckConstraint(_STATES, name=op.f("ck_handover_state")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_handover_appeal_id_appeal")),
        sa.ForeignKeyConstraint(["section_code"], ["section.code"], name=op.f("fk_handover_section_code_section")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_handover_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_handover_appeal_id_section_code", "handover", ["appeal_id", "section_code"])
    op.create_table(
        "handover_part",
        sa.Column("id", _ID, nullable=False),
        sa.Column("handover_id", _ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["handover_id"], ["handover.id"], name=op.f("fk_handover_part_handover_id_handover"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover_part")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_handover_part_handover_id", "handover_part", ["handover_id"])
    if op.get_bind().dialect.name == "postgresql":
        for table, own in _OWN.items():
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY all_sections ON {table} USING ((SELECT tocsin_sees_all_sections()))")
            op.execute(f"CREATE POLICY own_section ON {table} USING ({own})")


def downgrade() -> None:
    op.drop_table("handover_part")
    op.drop_table("handover")
    op.drop_index("ix_signature_shared", "signature")
    op.drop_column("consent", "to_sharing_name")
    op.drop_column("signature", "shares_name")
