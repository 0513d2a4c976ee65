"""the mail about another address"""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_BEFORE = (
    "confirmation", "already_signed", "confirmed", "confirmation_reminder", "new_link", "deadline_reminder", "update",
    "outcome", "own_letter", "staff_invitation", "staff_alert", "staff_security", "staff_digest",
)  # fmt: skip


def upgrade() -> None:
    _kinds((*_BEFORE, "address"))


def downgrade() -> None:
    op.execute("DELETE FROM mail WHERE kind = 'address'")
    _kinds(_BEFORE)


def _kinds(kinds: tuple[str, ...]) -> None:
    with op.batch_alter_table("mail", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_constraint(op.f("ck_mail_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_mail_kind"), "kind IN ({})".format(", ".join(f"'{k}'" for k in kinds)))
