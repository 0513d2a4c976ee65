"""safety of the sender: where writing is dangerous, letters signed with initials, and letters of one's own by mail"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BEFORE = (
    "confirmation", "already_signed", "confirmed", "confirmation_reminder", "new_link", "deadline_reminder", "update",
    "outcome", "staff_invitation", "staff_alert", "staff_security",
)


def upgrade() -> None:
    op.add_column("appeal", sa.Column("risk_countries", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("appeal", sa.Column("initials_only", sa.Boolean(), nullable=False, server_default=sa.false()))
    _kinds((*_BEFORE, "own_letter"))


def downgrade() -> None:
    op.execute("DELETE FROM mail WHERE kind = 'own_letter'")
    _kinds(_BEFORE)
    op.drop_column("appeal", "initials_only")
    op.drop_column("appeal", "risk_countries")


def _kinds(kinds: tuple[str, ...]) -> None:
    with op.batch_alter_table("mail", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_constraint(op.f("ck_mail_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_mail_kind"), "kind IN ({})".format(", ".join(f"'{k}'" for k in kinds)))
