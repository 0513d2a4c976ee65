"""the weekly mail to staff"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_BEFORE = (
    "confirmation", "already_signed", "confirmed", "confirmation_reminder", "new_link", "deadline_reminder", "update",
    "outcome", "staff_invitation", "staff_alert", "staff_security", "own_letter",
)  # fmt: skip


def upgrade() -> None:
    _kinds((*_BEFORE, "staff_digest"))


def downgrade() -> None:
    op.execute("DELETE FROM mail WHERE kind = 'staff_digest'")
    _kinds(_BEFORE)


def _kinds(kinds: tuple[str, ...]) -> None:
    with op.batch_alter_table("mail", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_constraint(op.f("ck_mail_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_mail_kind"), "kind IN ({})".format(", ".join(f"'{k}'" for k in kinds)))
