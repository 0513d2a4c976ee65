"""what staff enter for what was done away from the site; rows of paper sheets that wait to be signed up"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CHANNELS = "'signature', 'email', 'letter', 'fax', 'phone', 'social', 'embassy', 'event'"


def upgrade() -> None:
    op.create_table(
        "entry",
        sa.Column("id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("section_code", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("sign_ups", sa.Integer(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("staff_id", _ID, nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sheet_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("action_id", _ID, nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", _ID, nullable=True),
        sa.CheckConstraint(f"channel IN ({_CHANNELS})", name=op.f("ck_entry_channel")),
        sa.CheckConstraint(
            "quantity >= 0 AND sign_ups >= 0 AND quantity + sign_ups > 0", name=op.f("ck_entry_quantity")
        ),
        sa.ForeignKeyConstraint(["action_id"], ["action.id"], name=op.f("fk_entry_action_id_action")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_entry_appeal_id_appeal")),
        sa.ForeignKeyConstraint(["section_code"], ["section.code"], name=op.f("fk_entry_section_code_section")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_entry_staff_id_staff")),
        sa.ForeignKeyConstraint(["undone_by"], ["staff.id"], name=op.f("fk_entry_undone_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_entry_place", "entry", ["section_code", "appeal_id", "id"])
    op.create_index("ix_entry_sheet_digest", "entry", ["sheet_digest"])
    op.create_index("ix_entry_action_id", "entry", ["action_id"], unique=True)
    op.create_table(
        "sheet_row",
        sa.Column("id", _ID, nullable=False),
        sa.Column("entry_id", _ID, nullable=False),
        sa.Column("section_code", sa.String(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("email_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entry.id"], name=op.f("fk_sheet_row_entry_id_entry"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["section_code"], ["section.code"], name=op.f("fk_sheet_row_section_code_section")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sheet_row")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_sheet_row_entry_id"), "sheet_row", ["entry_id"])
    if op.get_bind().dialect.name == "postgresql":
        # As for signatures (0009): staff connections see their own section's rows.
        op.execute("ALTER TABLE sheet_row ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE sheet_row FORCE ROW LEVEL SECURITY")
        op.execute("CREATE POLICY all_sections ON sheet_row USING ((SELECT tocsin_sees_all_sections()))")
        op.execute(
            "CREATE POLICY own_section ON sheet_row USING (section_code = current_setting('tocsin.section', true))"
        )


def downgrade() -> None:
    op.drop_table("sheet_row")
    op.drop_table("entry")
