"""the steps that sign-ups take, counted by mail provider and source"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STEPS = "'signed', 'mailed', 'confirmed-5m', 'confirmed-1h', 'confirmed-1d', 'confirmed-3d', 'confirmed-later'"


def upgrade() -> None:
    # Whoever signed before is not followed: what they did was not counted from the start.
    op.add_column("signature", sa.Column("standing", sa.SmallInteger(), server_default="3", nullable=False))
    op.create_table(
        "tally_step",
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("section_code", sa.String(), nullable=False),
        sa.Column("aspect", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("aspect IN ('provider', 'source')", name=op.f("ck_tally_step_aspect")),
        sa.CheckConstraint(f"step IN ({_STEPS})", name=op.f("ck_tally_step_step")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_tally_step_appeal_id_appeal")),
        sa.ForeignKeyConstraint(["section_code"], ["section.code"], name=op.f("fk_tally_step_section_code_section")),
        sa.PrimaryKeyConstraint(
            "appeal_id", "section_code", "aspect", "value", "day", "step", "slot", name=op.f("pk_tally_step")
        ),
    )


def downgrade() -> None:
    op.drop_table("tally_step")
    op.drop_column("signature", "standing")
